"""Multi-scale Sauvola: every object is thresholded at the scale where the window fits it.

One window cannot serve a headline and a footnote: inside a stroke wider than the window there is no paper, the contrast is low, and Sauvola hollows
the stroke out. Lazzara and Géraud threshold reduced copies of the page with one window, look there which objects have a size that the window
suits, and take the threshold of every pixel of the full page from the scale of the object nearest to it:

1. the page is reduced by `reduction`, and that copy by 2 again and again, `scales` copies in all;
2. each copy is thresholded by Sauvola with a window of `window / reduction` pixels, which spans `window` pixels of the page at the first copy and
   twice as many at each further one;
3. of its connected components (8 neighbours) those are kept whose area suits the window: at most 0.7 window^2 except at the coarsest scale, which
   must take all that is larger, and at least an eighth of that except at the finest, which must take all that is smaller. An object just too large
   at one scale has a quarter of its area at the next, so no size falls between two scales;
4. where objects of several scales overlap, the coarsest counts: the fragments that a fine scale sees inside a large stroke belong to the stroke;
5. the kept objects' scales spread to all pixels by nearest object (the influence zones of the distance transform), and every pixel's threshold is
   read from its scale's map, enlarged bilinearly.

The paper fixes the procedure and the factors 3 and 2; the exact area limits above are ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.kernels import local
from docbin.page import FloatMap, Image, Mask, to_grey

LARGEST = 0.7  # area of the largest object that suits a window, in squares of the window's side
SMALLEST = LARGEST / 8


def multiscale_sauvola(image: Image, window: int = 101, k: float = 0.34, r: float = 128.0, scales: int = 3, reduction: int = 3) -> FloatMap:
    """Threshold map of multi-scale Sauvola.

    G. Lazzara, T. Géraud: "Efficient multiscale Sauvola's binarization", IJDAR 17 (2014) 105-123, doi:10.1007/s10032-013-0209-0.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    window : side of the window at the finest scale, pixels of the page, odd
    k, r : as for :func:`docbin.classical.sauvola.sauvola`
    scales : reduced copies of the page, 1..6
    reduction : reduction of the first copy, 1..8; each further copy is half as large

    Returns
    -------
    float32 (H, W), grey levels: ink is where ``grey <= threshold``
    """
    import cv2

    grey = to_grey(image)
    height, width = grey.shape
    small_window = max(3, window // reduction | 1)
    thresholds, scale_of = _objects(grey, small_window, k, r, scales, reduction)
    if scale_of.any():
        _, labels = cv2.distanceTransformWithLabels((scale_of == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        scale_by_label = np.zeros(int(labels.max()) + 1, np.uint8)
        kept = scale_of > 0
        scale_by_label[labels[kept]] = scale_of[kept]
        nearest = scale_by_label[labels]
    else:
        nearest = np.ones_like(scale_of)
    nearest = cv2.resize(nearest, (width, height), interpolation=cv2.INTER_NEAREST)
    result = np.empty(grey.shape, np.float32)
    for scale, threshold in enumerate(thresholds, start=1):
        here = nearest == scale
        if here.any():
            result[here] = cv2.resize(threshold, (width, height), interpolation=cv2.INTER_LINEAR)[here]
    return result


def _objects(grey: Image, window: int, k: float, r: float, scales: int, reduction: int) -> tuple[list[FloatMap], NDArray[np.uint8]]:
    """Threshold map of every reduced copy, finest first, and the scale (from 1; 0 = none) of every pixel of the finest copy's objects."""
    import cv2

    height, width = grey.shape
    thresholds: list[FloatMap] = []
    scale_of = np.zeros((0, 0), np.uint8)
    for scale in range(1, scales + 1):
        factor = reduction * 2 ** (scale - 1)
        size = max(1, round(width / factor)), max(1, round(height / factor))
        copy = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
        threshold = local.threshold(copy, window, "sauvola", k, r=r)
        thresholds.append(threshold)
        _, labels, table, _ = cv2.connectedComponentsWithStats((copy <= threshold).astype(np.uint8), connectivity=8)
        area = table[:, cv2.CC_STAT_AREA]
        suits = np.ones(len(area), bool)
        if scale < scales:
            suits &= area <= LARGEST * window**2
        if scale > 1:
            suits &= area >= SMALLEST * window**2
        suits[0] = False  # the paper between the objects
        kept = suits[labels].astype(np.uint8)
        if scale == 1:
            scale_of = kept
        else:
            finest = scale_of.shape[1], scale_of.shape[0]
            scale_of[cv2.resize(kept, finest, interpolation=cv2.INTER_NEAREST) > 0] = scale
    return thresholds, scale_of


def multiscale_sauvola_ink(image: Image, window: int = 101, k: float = 0.34, r: float = 128.0, scales: int = 3, reduction: int = 3) -> Mask:
    """Ink by :func:`multiscale_sauvola`: bool (H, W)."""
    return np.asarray(to_grey(image) <= multiscale_sauvola(image, window, k, r, scales, reduction))
