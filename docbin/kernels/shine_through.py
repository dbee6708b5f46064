"""Which strokes of an ink mask are writing of the back of the page: those that are paler *and* blurrier than the page's own ink.

A network may take writing that shines through for faint ink. That it is pale beside the page's darkest ink is no evidence by itself: so is pencil
below a printed heading, a faded line beside a stamp, everything beside a black border. Light that came through the sheet is scattered by it, so
that a stroke of the back has soft edges; pencil, pale ink and faded ink have the edges of the page's other strokes. So a stroke goes only if all
of this holds:

* it is nowhere deep and stands beside no stroke that is (:func:`docbin.kernels.depth.keep_deep`): it is *doubtful*;
* doubtful strokes are softer as a whole: the median of their edges' steepness, steepest slope over depth, is less than :data:`SOFTER` times that
  of the page's dark strokes. Compared with dark strokes of about the same width only, for in equal focus a thin stroke has a steeper slope for its
  depth than a thick one; where there are too few of them there is no evidence, and everything stays;
* the stroke itself is softer than the median dark stroke.

Over the 77 labelled pages and Nabuco, with the ink of `bitunet`, the rule acts on one page, whose back shines through alone (PHIBD/H08).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.kernels.depth import INK, depth_plane, keep_deep, quotients
from docbin.kernels.document import keep_seeded
from docbin.page import Image, Mask

SOFTER = 0.92
"""Steepness of doubtful strokes over that of dark ones, below which they are shine-through. On PHIBD/H08 it is 0.85, on rendered pencil 1.0."""
DARK = 0.75
"""Depth of strokes that are surely the page's own, in units of the page's ink."""
FEWEST = 8
"""Strokes of each kind that a comparison wants."""
SPECK = 12
"""Pixels: smaller pieces have no edge that could be measured; they go where the doubtful strokes go."""
WIDTHS = (0.7, 1.45)
"""Dark strokes are compared whose half width is between these multiples of that of the doubtful ones."""


def drop_shine_through(ink: Mask, grey: Image, depth: float, faint: float, reach: int) -> Mask:
    """`ink` without the strokes that are paler and blurrier than the page's own.

    Parameters
    ----------
    ink : bool (H, W)
    grey : the page, uint8 (H, W)
    depth, faint, reach : which strokes are doubtful, as :func:`docbin.kernels.depth.keep_deep` takes them; depth 0 keeps everything
    """
    if depth <= 0 or not ink.any():
        return ink
    plane = depth_plane(grey)
    doubtful = ink & ~keep_deep(ink, plane, depth, faint, reach)
    if not doubtful.any():
        return ink
    darkness = 255.0 - _blurred(quotients(grey))
    slope = _steepest(darkness)
    labels, pale = _strokes(doubtful, darkness, slope)
    _, dark = _strokes(np.asarray(keep_seeded(np.asarray(ink, np.uint8), plane, round(INK * DARK) - 1), np.bool_), darkness, slope)
    measured = pale[pale[:, AREA] >= SPECK]
    dark = dark[dark[:, AREA] >= SPECK]
    if len(measured) < FEWEST:
        return ink
    usual = float(np.median(measured[:, WIDTH]))
    dark = dark[(dark[:, WIDTH] > WIDTHS[0] * usual) & (dark[:, WIDTH] < WIDTHS[1] * usual)]
    if len(dark) < FEWEST:
        return ink
    reference = float(np.median(dark[:, STEEPNESS]))
    weights = np.minimum(measured[:, AREA], 200).astype(np.int64)
    if float(np.median(np.repeat(measured[:, STEEPNESS], weights))) >= SOFTER * reference:
        return ink
    goes = np.concatenate([[False], (pale[:, STEEPNESS] < reference) | (pale[:, AREA] < SPECK)])
    return np.asarray(ink & ~goes[labels], np.bool_)


AREA, WIDTH, STEEPNESS = range(3)
"""Columns of what is measured of a stroke: pixels, half width in pixels, steepest slope at its edge over its depth (1 / pixels)."""


def _strokes(mask: Mask, darkness: NDArray[np.float32], slope: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """(labels, a row a stroke): the 8-connected components of `mask` and their :data:`AREA`, :data:`WIDTH`, :data:`STEEPNESS`."""
    import cv2

    bits = np.asarray(mask, np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(bits, connectivity=8)
    inside = np.flatnonzero(bits)
    owner = labels.ravel()[inside]
    largest = np.zeros((count, 3))
    for column, map in enumerate((cv2.distanceTransform(bits, cv2.DIST_L2, 3), slope, darkness)):
        np.maximum.at(largest[:, column], owner, map.ravel()[inside])
    width, steepest, deepest = largest[1:].T
    rows = np.column_stack([boxes[1:, cv2.CC_STAT_AREA], width, steepest / np.maximum(deepest, 1.0)])
    return np.asarray(labels, np.int32), rows


def _blurred(quotient: Image) -> NDArray[np.float32]:
    """The page without the noise of single pixels, which would be the steepest slope everywhere."""
    import cv2

    return np.asarray(cv2.GaussianBlur(quotient, (0, 0), 0.7), np.float32)


def _steepest(darkness: NDArray[np.float32]) -> NDArray[np.float32]:
    """The steepest slope of `darkness` within a pixel of each pixel, levels a pixel."""
    import cv2

    across = cv2.Sobel(darkness, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(darkness, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(cv2.dilate(cv2.magnitude(across, down), np.ones((3, 3), np.uint8)), np.float32)
