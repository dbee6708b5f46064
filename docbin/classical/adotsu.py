"""AdOtsu: Otsu's threshold made local, and switched off where a window holds no text.

R. Farrahi Moghaddam and M. Cheriet, "A multi-scale framework for adaptive binarization of degraded document images", Pattern Recognition 43(6),
2186-2198, 2010, doi:10.1016/j.patcog.2009.12.024 (the method and its grid), and "AdOtsu: An adaptive and parameterless generalization of Otsu's
method for document image binarization", Pattern Recognition 45(6), 2419-2431, 2012, doi:10.1016/j.patcog.2011.12.013.

A window that holds only paper still has an Otsu threshold, somewhere in the middle of the paper's noise. The unit step of the 2010 paper
(its equation 5) therefore lets a local threshold T count only where it is near the page's own Otsu threshold: ``|T_page - k T| < 255 r``. The 2012
paper estimates the window from the stroke width and replaces the step by a background map; that estimate is left to the caller here
(`window`), because it presumes a first binarization of its own.

Computing a histogram a pixel looks prohibitive, hence the paper's grid: thresholds at nodes `grid` pixels apart, bilinear in between. With
sliding histograms (:func:`docbin.kernels.document.sliding_otsu`) the full map takes seconds a page whatever the window, so ``grid=1`` (every
pixel, no interpolation) is the default; half a window is the paper's grid, and a hundred times faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.classical.otsu import otsu_level
from docbin.kernels import document
from docbin.page import FloatMap, Image, Mask, to_grey


def adotsu_threshold(image: Image, window: int = 75, k: float = 1.0, r: float = 0.1, grid: int = 1) -> FloatMap:
    """Threshold map of AdOtsu, float32 (H, W); -1 where the local threshold does not count.

    Parameters
    ----------
    window : side of the square window, pixels, odd, also larger than the page; clipped at the page's border
    k : factor on the local threshold
    r : how far the local threshold may be from the page's, as a share of 255
    grid : distance of the nodes, pixels; 1 computes every pixel, more interpolates
    """
    grey = to_grey(image)
    nodes = np.float32(k) * document.sliding_otsu(grey, window // 2, grid).astype(np.float32)
    local = nodes if grid == 1 else _bilinear(nodes, grey.shape, grid)
    return np.where(np.abs(np.float32(otsu_level(grey)) - local) < np.float32(255 * r), local, np.float32(-1))


def adotsu_ink(image: Image, window: int = 75, k: float = 1.0, r: float = 0.1, grid: int = 1) -> Mask:
    """Ink mask of AdOtsu, bool (H, W); parameters as in :func:`adotsu_threshold`."""
    grey = to_grey(image)
    return np.asarray(grey <= adotsu_threshold(grey, window, k, r, grid))


def _bilinear(nodes: FloatMap, shape: tuple[int, ...], grid: int) -> FloatMap:
    """Values between the nodes of a page of that shape; the last interval of a side may be shorter than `grid`."""
    rows, row_shares = _intervals(shape[0], grid)
    columns, column_shares = _intervals(shape[1], grid)
    down = nodes[rows] + row_shares[:, None] * (nodes[np.minimum(rows + 1, len(nodes) - 1)] - nodes[rows])
    left = down[:, columns]
    return left + column_shares * (down[:, np.minimum(columns + 1, nodes.shape[1] - 1)] - left)


def _intervals(side: int, grid: int) -> tuple[NDArray[np.intp], FloatMap]:
    """For each pixel of a side: the node at or before it, and how far it is on the way to the next (0..1)."""
    positions = document.node_positions(side, grid)
    pixels = np.arange(side)
    before = np.searchsorted(positions, pixels, side="right") - 1
    after = np.minimum(before + 1, len(positions) - 1)
    gap = np.maximum(positions[after] - positions[before], 1)
    return before, ((pixels - positions[before]) / gap).astype(np.float32)
