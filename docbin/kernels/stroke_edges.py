"""How steep the edges of strokes are, for their darkness: what parts writing of the back from pale writing of the front.

Light that comes through the sheet is scattered by it, so a stroke of the back has soft edges; pencil, pale and faded ink have the edges of the page's
other strokes. A stroke's *steepness* is the steepest slope at its edge over its depth, 1 / pixels. It is compared between strokes of about the same
width only, for in equal focus a thin stroke has a steeper slope for its depth than a thick one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.kernels.order_statistics import median
from docbin.kernels.pieces import peaks
from docbin.page import Image, Mask

AREA, WIDTH, STEEPNESS, DEPTH = range(4)
"""Columns of a table of strokes: pixels, half width in pixels, steepness in 1 / pixels, depth in grey levels of a quotient page."""

WIDTHS = (0.7, 1.45)
"""Strokes are compared whose half width is between these multiples of each other's median."""
FEWEST = 8
"""Strokes of each kind that a comparison wants."""
STRIP, REACH = 64, 5
"""Rows of a page that are looked at together, and rows beside them upon which their slopes depend: two by the blur, one each by slope and maximum."""

Table = NDArray[np.float64]


def darkness_of(quotient: Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(depth, steepest slope within a pixel of each pixel), float32 (H, W) in grey levels, of a page divided by its paper
    (:func:`docbin.kernels.depth.quotients`); blurred a little, else the noise of single pixels were the steepest slope everywhere.

    Strips of the page are done one after the other: what lies between stays in the processor's cache, and whole planes of it would be seven more.
    """
    depth, slope = (np.empty(quotient.shape, np.float32) for _ in range(2))
    height = quotient.shape[0]
    for top in range(0, height, STRIP):
        bottom = min(top + STRIP, height)
        first, last = max(0, top - REACH), min(height, bottom + REACH)
        kept = slice(top - first, bottom - first)
        depth[top:bottom], slope[top:bottom] = (plane[kept] for plane in _darkness_of_all(quotient[first:last]))
    return depth, slope


def _darkness_of_all(quotient: Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """:func:`darkness_of` in one strip."""
    import cv2

    depth = 255.0 - np.asarray(cv2.GaussianBlur(quotient, (0, 0), 0.7), np.float32)
    slope = cv2.magnitude(cv2.Sobel(depth, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(depth, cv2.CV_32F, 0, 1, scale=1 / 8))
    return depth, np.asarray(cv2.dilate(slope, np.ones((3, 3), np.uint8)), np.float32)


def strokes(mask: Mask, depth: NDArray[np.float32], slope: NDArray[np.float32]) -> tuple[NDArray[np.int32], Table]:
    """(labels, a row a stroke): the 8-connected components of `mask`, numbered from 1, and what is measured of each (:data:`AREA` and so on)."""
    import cv2

    bits = np.asarray(mask, np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(bits, connectivity=8)
    inside = np.flatnonzero(bits)
    owner = labels.ravel()[inside].astype(np.intp)
    largest = np.zeros((3, count), np.float32)  # contiguous and of the planes' own type: else NumPy's `at` is thirty times as slow
    for row, plane in zip(largest, (cv2.distanceTransform(bits, cv2.DIST_L2, 3), slope, depth), strict=True):
        np.maximum.at(row, owner, plane.ravel()[inside])
    width, steepest, deepest = largest[:, 1:].astype(np.float64)
    rows = np.column_stack([boxes[1:, cv2.CC_STAT_AREA], width, steepest / np.maximum(deepest, 1.0), deepest])
    return np.asarray(labels, np.int32), rows


def stroke_table(mask: Mask, depth: NDArray[np.float32], slope: NDArray[np.float32]) -> Table:
    """The rows of :func:`strokes` in another order, without labels: a fifth of the time."""
    import cv2

    bits = np.ascontiguousarray(mask).view(np.uint8)
    width = np.asarray(cv2.distanceTransform(bits, cv2.DIST_L2, 3), np.float32)
    area, widest, steepest, deepest = peaks(bits, width, slope, depth).T
    return np.column_stack([area, widest, steepest / np.maximum(deepest, 1.0), deepest])


def softness(pale: Table, dark: Table) -> tuple[float, float] | None:
    """(steepness of the pale strokes over that of the dark ones, steepness of the dark ones), medians; None where there are too few to compare.

    Below 1 the pale strokes are the softer. Only dark strokes of about the pale ones' width count.
    """
    if len(pale) < FEWEST:
        return None
    usual = median(pale[:, WIDTH])
    dark = dark[(dark[:, WIDTH] > WIDTHS[0] * usual) & (dark[:, WIDTH] < WIDTHS[1] * usual)]
    if len(dark) < FEWEST:
        return None
    reference = median(dark[:, STEEPNESS])
    weights = np.minimum(pale[:, AREA], 200).astype(np.int64)
    return median(np.repeat(pale[:, STEEPNESS], weights)) / max(reference, 1e-6), reference
