"""Writing that a look at the page from further away sees, and the ink lacks: washed out by water, faded, under a stain.

What is fitted weighs strokes; what has been washed out has none left that stand out of the paper, only a grey that lies as writing lies. The network
of :mod:`docbin.zoo.text_regions` has learned how that looks, and says it in cells of 16 pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from docbin.assessment.signs import Signs
from docbin.kernels.shrunk import CELL, UNIT
from docbin.page import Mask

SURE = 1.0
"""Logit of a cell from which it counts as writing."""
GROUP = 4
"""Cells of a group at least: a short word."""
FEWEST = 30
"""Cells in such groups at least."""


class Unread(NamedTuple):
    """What was seen and not read: its ``share`` of the page, and the rows of pixels, ``top`` to ``bottom``, between which it lies."""

    share: float
    top: int
    bottom: int


def unread_cells(page: Signs, ink: Mask) -> Mask | None:
    """The cells of a page with writing that an ink, bool (H, W), lacks, bool (h, w); None where there are few, or this install cannot tell."""
    import cv2

    if page.writing is None:
        return None
    without = 1 - np.asarray(cv2.dilate(inked(ink, page.writing.shape), np.ones((3, 3), np.uint8)), np.uint8)
    sure = np.asarray((page.writing >= SURE * UNIT) & (without > 0), np.uint8)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(sure, connectivity=8)
    large = boxes[:, cv2.CC_STAT_AREA] >= GROUP
    large[0] = False
    found = np.asarray(large[labels], np.bool_)
    return found if np.count_nonzero(found) >= FEWEST else None


def unread(page: Signs, ink: Mask) -> Unread | None:
    """The writing that an ink of a page, bool (H, W), lacks; None where that is little, or this install cannot tell."""
    found = unread_cells(page, ink)
    if found is None:
        return None
    rows = np.flatnonzero(found.any(axis=1))
    return Unread(float(found.mean()), int(rows[0]) * CELL, min(ink.shape[0], (int(rows[-1]) + 1) * CELL))


def inked(ink: Mask, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Whether there is ink in each of so many cells, 0 or 1."""
    import cv2

    bits = np.ascontiguousarray(ink).view(np.uint8)
    rows, columns = (CELL * have - side for have, side in zip(shape, bits.shape, strict=True))
    if rows or columns:
        bits = np.asarray(cv2.copyMakeBorder(bits, 0, rows, 0, columns, cv2.BORDER_CONSTANT, value=0), np.uint8)
    tall = bits.reshape(shape[0], CELL, -1).max(axis=1)
    return np.asarray(tall.reshape(shape[0], shape[1], CELL).max(axis=2), np.uint8)
