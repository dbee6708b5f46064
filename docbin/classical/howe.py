"""Howe (2011, 2013): the ink mask of least Laplacian energy, found by graph cuts, with parameters tuned to each page.

N. R. Howe, "Document binarization with automatic parameter tuning", International Journal on Document Analysis and Recognition 16(3), 247-258, 2013,
doi:10.1007/s10032-012-0192-x; the energy is from the same author's "A Laplacian energy for document binarization", ICDAR 2011.

The energy of a mask is a sum over pixels and over neighbouring pairs:

* Calling a pixel ink costs minus its Laplacian, calling it paper costs the Laplacian (ink is a valley of the grey, whatever the paper's level
  around it). Pixels more than two local deviations brighter than their surroundings (Gaussian, 20 pixels) are paper at a cost of 500.
* Two neighbours of unlike label cost c, except across an edge found by Canny's detector, where the border belongs: between an edge pixel
  and its brighter neighbour it is free.

The mask of least energy is a minimum cut. Two parameters matter, and both are tuned by *stability*: of 17 values of c between 20 and 5120, evenly
spaced by ratio, the mask changes least from one to the next around the good one, between a zone where noise vanishes as c grows and one where
text does; c is where the (smoothed) curve of changes is lowest between two high ones. Of Canny's high thresholds 0.25 and 0.5, each with its own
c, the one whose mask is nearer to that of their middle, 0.375, is taken (the paper's "Algorithm 3"). ``tune="c"`` tunes c for a given t_hi
("Algorithm 1"), ``tune="none"`` cuts once.

The paper tries 33 values of c; on five pages of DIBCO 2009 every second of them leads to the same F-measure (within 0.02 on each page) in half the
time, so 17 is the default. Choices where the paper leaves one: Canny's gradients are derivatives of a Gaussian, its thresholds shares of the
page's steepest gradient, its thinning OpenCV's. The Laplacian is the usual one of five points. The author's released program takes the divergence
of forward differences by central differences, which is shifted by half a pixel, and repairs the shift by removing ink that has none above or to the
left; with one cut a page that reaches 92.9 and 91.9 (F-measure on DIBCO 2009 and 2010) where the five points reach 93.1 and 93.6.

Maximum flows come from PyMaxflow, the Python face of Boykov and Kolmogorov's library (IEEE Trans. PAMI 26(9), 2004, doi:10.1109/TPAMI.2004.60).
It is under the GPL, therefore no dependency of docbin but the optional extra ``docbin[howe]``, and imported only here. The candidates of c share one
graph: instead of raising c, the pixels' costs are raised as c falls from its largest value, so that the flow found so far stays valid and is built
upon. Even so a page takes about fifty cuts of some seconds a megapixel each, in about 250 bytes of memory a pixel: minutes for a sheet at 300 dpi.
``tune="none"`` makes one cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image, Mask, to_grey

CANDIDATE_RANGE = (20.0, 5120.0)
"""Smallest and largest c tried, grey levels."""
HIGH_THRESHOLDS = (0.25, 0.375, 0.5)
"""Canny's high thresholds tried; the middle one only judges the other two."""

_BACKGROUND_REACH = 20.0
_BACKGROUND_COST = 500
_SCALE = 1 << 16
"""Whole-number capacity of the border cost; a pixel's cost is rounded to 1 / _SCALE of it."""


def howe_ink(
    image: Image,
    tune: str = "both",
    c: float = 160.0,
    t_hi: float = 0.4,
    t_lo: float = 0.1,
    sigma: float = 0.6,
    steps: int = 17,
) -> Mask:
    """Ink mask by Howe (2013), bool (H, W); a page of one grey has no ink.

    Parameters
    ----------
    tune : "both" (c and t_hi), "c", or "none"
    c : cost of a border between ink and paper, grey levels; used with ``tune="none"``
    t_hi : Canny's high threshold, share of the page's steepest gradient; used unless ``tune="both"``
    t_lo : Canny's low threshold, likewise; not above t_hi (else t_hi takes its place)
    sigma : Canny's smoothing, pixels
    steps : candidates for c
    """
    grey = to_grey(image)
    costs = pixel_costs(grey)
    if tune == "none":
        return minimum_cuts(costs, *borders(grey, edges(grey, t_hi, t_lo, sigma)), [c])[0]
    if tune == "c":
        return _tuned_cut(grey, costs, t_hi, t_lo, sigma, steps)
    low, middle, high = (_tuned_cut(grey, costs, threshold, t_lo, sigma, steps) for threshold in HIGH_THRESHOLDS)
    return low if np.count_nonzero(low != middle) < np.count_nonzero(high != middle) else high


def _tuned_cut(grey: Image, costs: NDArray[np.int64], t_hi: float, t_lo: float, sigma: float, steps: int) -> Mask:
    """The mask at the most stable c for one setting of Canny's detector."""
    masks = minimum_cuts(costs, *borders(grey, edges(grey, t_hi, t_lo, sigma)), np.geomspace(*CANDIDATE_RANGE, steps))
    changes = [np.count_nonzero(one != other) / one.size for one, other in pairwise(masks)]
    return masks[stable_choice(changes)]


def stable_choice(changes: Sequence[float]) -> int:
    """Which of n + 1 candidates is most stable, given the n shares of pixels that change from each to the next (at least 4).

    The changes are smoothed by a Gaussian whose even number of taps moves them from between the candidates onto them; it is as wide as one of the
    paper's 33 candidates (there: six taps, deviation one) whatever their number. The choice is the candidate k for which
    ``d[i] + d[j] - 2 d[k]`` is greatest over all i < k < j.
    """
    width = len(changes) / 32
    half = max(3, int(np.ceil(3 * width)))
    taps = np.exp(-0.5 * ((np.arange(2 * half) - half + 0.5) / width) ** 2)
    curve = np.convolve(np.asarray(changes, np.float64), taps / taps.sum())[half - 1 : len(changes) + half]
    before = np.maximum.accumulate(curve)[:-2]
    after = np.maximum.accumulate(curve[::-1])[::-1][2:]
    return 1 + int(np.argmax(before + after - 2 * curve[1:-1]))


def pixel_costs(grey: Image) -> NDArray[np.int64]:
    """Cost of calling a pixel paper less that of calling it ink, in grey levels (H, W): twice the Laplacian, or -1000 on confident paper."""
    centre = grey.astype(np.int64)
    padded = np.pad(centre, 1, mode="edge")
    laplacian = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * centre
    return np.where(_confident_paper(grey), -2 * _BACKGROUND_COST, 2 * laplacian)


def _confident_paper(grey: Image) -> Mask:
    """Pixels more than two deviations brighter than their surroundings."""
    import cv2

    side = 2 * int(3 * _BACKGROUND_REACH) + 1

    def smooth(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        blurred = cv2.GaussianBlur(plane, (side, side), _BACKGROUND_REACH, borderType=cv2.BORDER_REFLECT_101)
        return np.asarray(blurred, np.float32).reshape(plane.shape)

    value = grey.astype(np.float32)
    lift = value - smooth(value)
    # Less than a thousandth of a grey level is the rounding of the filter on flat paper.
    return (lift > 2 * np.sqrt(smooth(lift * lift))) & (lift > 1e-3)


def edges(grey: Image, t_hi: float, t_lo: float, sigma: float) -> Mask:
    """Canny's edges of a page, bool (H, W); thresholds are shares of the steepest gradient."""
    import cv2

    reach = max(1, int(np.ceil(4.3 * sigma)))
    offsets = np.arange(-reach, reach + 1, dtype=np.float64)
    bell = np.exp(-(offsets**2) / (2 * sigma**2))
    slope = offsets[None, :] * bell[None, :] * bell[:, None]
    slope /= np.abs(slope).sum() / 2
    smooth = cv2.sepFilter2D(grey.astype(np.float32), cv2.CV_32F, bell / bell.sum(), bell / bell.sum(), borderType=cv2.BORDER_REPLICATE)
    across = np.asarray(cv2.filter2D(smooth, cv2.CV_32F, slope, borderType=cv2.BORDER_REPLICATE)).reshape(grey.shape)
    down = np.asarray(cv2.filter2D(smooth, cv2.CV_32F, slope.T, borderType=cv2.BORDER_REPLICATE)).reshape(grey.shape)
    steepest = float(np.hypot(across, down).max())
    if steepest < 1e-3:
        return np.zeros(grey.shape, np.bool_)
    full = 16_000  # gradients as 16-bit numbers, the form in which OpenCV's detector takes them from outside
    across_whole, down_whole = (np.rint(plane * (full / steepest)).astype(np.int16) for plane in (across, down))
    found = cv2.Canny(across_whole, down_whole, min(t_lo, t_hi) * full, t_hi * full, L2gradient=True)
    return np.asarray(found).reshape(grey.shape) > 0


def borders(grey: Image, edge: Mask) -> tuple[Mask, Mask]:
    """Where a border costs: between a pixel and its right neighbour, bool (H, W - 1), and its lower one, bool (H - 1, W)."""
    value = grey.astype(np.int16)
    across, down = np.diff(value, axis=1), np.diff(value, axis=0)
    right = (edge[:, :-1] & (across > 0)) | (edge[:, 1:] & (across <= 0))
    lower = (edge[:-1] & (down > 0)) | (edge[1:] & (down <= 0))
    return ~right, ~lower


def minimum_cuts(costs: NDArray[np.int64], right: Mask, lower: Mask, candidates: Sequence[float] | NDArray[np.float64]) -> list[Mask]:
    """The masks of least energy, one for every border cost in `candidates` (ascending), bool (H, W), True = ink.

    Parameters
    ----------
    costs : :func:`pixel_costs`
    right, lower : :func:`borders`
    """
    import maxflow

    shape = costs.shape
    graph = maxflow.GraphInt(costs.size, 2 * costs.size)
    nodes = graph.add_grid_nodes(shape)
    to_right, to_lower = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    to_right[:, :-1], to_lower[:-1] = right * _SCALE, lower * _SCALE
    graph.add_grid_edges(nodes, to_right, np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]]), symmetric=True)
    graph.add_grid_edges(nodes, to_lower, np.array([[0, 0, 0], [0, 0, 0], [0, 1, 0]]), symmetric=True)
    masks: list[Mask] = []
    held = np.zeros(shape, np.int64)
    for c in reversed(list(candidates)):
        wanted = np.rint(costs * (_SCALE / float(c))).astype(np.int64)
        more, held = wanted - held, wanted
        # Paper is the source's side: what no flow reaches (a flat page) counts as the source's.
        graph.add_grid_tedges(nodes, np.maximum(-more, 0), np.maximum(more, 0))
        graph.maxflow()
        masks.append(np.asarray(graph.get_grid_segments(nodes), np.bool_))
    return masks[::-1]
