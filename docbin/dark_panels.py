"""Panels of white writing on a page of dark writing: the head of a table, a banner, a cell filled in black.

Thresholds and networks take a panel's ground for ink as far as they see it, and make of it a black patch with ragged holes. Turned over, it is a
piece of page like the rest: black on white. So a panel is looked for that is beyond doubt, and everything else stays as it is: a rectangle, filled
to its edges by one dark tone, on which stand pieces like letters, lighter by far, that nowhere touch its edge. Photographs, borders, stains and
halftone have no single tone; bars of codes reach the edge, and of a square code half is light.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from docbin.kernels.area_means import area_means
from docbin.kernels.order_statistics import median
from docbin.kernels.pieces import AREA, BOTTOM, LEFT, RIGHT, TOP, pieces
from docbin.page import Image, to_grey

SIDE = 800
"""Pixels of the longer side that a page is looked at."""
STROKE = 7
"""Light strokes up to so many of these pixels belong to the panel they stand on."""
DARK = 0.6
"""Of the paper's level, what a panel's ground is at most."""
LEAST = (10, 32)
"""Least shorter and longer side of a panel, in these pixels."""
FILLED = 0.9
"""Share of its box that a panel fills at least."""
MOST = 0.6
"""Share of the page that a panel is at most; more is a page of light writing."""
CONTRAST = 48
"""Grey levels between a panel's writing and its ground at least."""
EDGE = 3
"""Pixels of the page at a panel's edge that are not looked at: they are blurred with the paper."""
EVEN = 8.0
"""Mean distance of a ground's pixels from their median at most, grey levels."""
SHARE = (0.01, 0.35)
"""Share of a panel that is light."""
LETTERS = 3
"""Pieces like letters that a panel has at least; and of all its light pieces larger than dots they are half or more."""


class Panel(NamedTuple):
    """A panel's rows and columns in the page."""

    rows: slice
    columns: slice


def dark_panels(image: Image) -> list[Panel]:
    """The panels of white writing on a page of dark writing, uint8 (H, W) or (H, W, 3), from its top on."""
    import cv2

    grey = to_grey(image)
    height, width = grey.shape
    shrink = max(1.0, max(height, width) / SIDE)
    size = (max(1, round(height / shrink)), max(1, round(width / shrink)))
    if min(size) < 2 * LEAST[0]:
        return []
    small = area_means(grey, size, every=max(1, int(shrink / 2))) if shrink > 1 else grey
    bound = DARK * float(np.partition(small.reshape(-1)[::7], -(small.size // 70) - 1)[-(small.size // 70) - 1])
    if np.count_nonzero(small < bound) < LEAST[0] * LEAST[1]:
        return []
    ground = cv2.morphologyEx(small, cv2.MORPH_OPEN, np.ones((STROKE, STROKE), np.uint8))
    table = pieces(np.asarray(cv2.threshold(ground, bound, 1, cv2.THRESH_BINARY_INV)[1], np.uint8), eight=False)
    high, wide = table[:, BOTTOM] - table[:, TOP], table[:, RIGHT] - table[:, LEFT]
    likely = (np.minimum(high, wide) >= LEAST[0]) & (np.maximum(high, wide) >= LEAST[1])
    likely &= (table[:, AREA] >= FILLED * high * wide) & (high * wide <= MOST * size[0] * size[1])
    found = []
    for piece in table[likely]:
        inner = small[piece[TOP] : piece[BOTTOM], piece[LEFT] : piece[RIGHT]]
        if median(inner) >= bound:  # lines of text, close together
            continue
        panel = _exact(grey, piece, (height / size[0], width / size[1]), bound)
        if panel is not None and _is_written(grey[panel]):
            found.append(panel)
    return found


def _exact(grey: Image, piece: np.ndarray[tuple[int, ...], np.dtype[np.int64]], scale: tuple[float, float], bound: float) -> Panel | None:
    """A panel seen small, to the page's pixel: from the first row and column around it that are mostly dark to the last."""
    top, bottom = (round(float(piece[edge]) * scale[0]) for edge in (TOP, BOTTOM))
    left, right = (round(float(piece[edge]) * scale[1]) for edge in (LEFT, RIGHT))
    margin = int(np.ceil(2 * max(scale)))
    top, left = max(0, top - margin), max(0, left - margin)
    dark = grey[top : bottom + margin, left : right + margin] < bound
    rows, columns = np.flatnonzero(dark.mean(axis=1) > 0.5), np.flatnonzero(dark.mean(axis=0) > 0.5)
    if not len(rows) or not len(columns):
        return None
    return Panel(slice(top + int(rows[0]), top + int(rows[-1]) + 1), slice(left + int(columns[0]), left + int(columns[-1]) + 1))


def _is_written(grey: Image) -> bool:
    """Whether a dark rectangle holds light writing on one tone."""
    grey = grey[EDGE:-EDGE, EDGE:-EDGE]
    if not grey.size:
        return False
    level = median(grey[::2, ::2])
    lightest = float(np.partition(grey.reshape(-1), -(grey.size // 200) - 1)[-(grey.size // 200) - 1])
    if lightest - level < CONTRAST:
        return False
    light = grey >= (level + lightest) / 2
    share = np.count_nonzero(light) / light.size
    if not SHARE[0] <= share <= SHARE[1]:
        return False
    if float(np.abs(grey[~light][::3].astype(np.int16) - level).mean()) > EVEN:
        return False
    height, width = grey.shape
    table = pieces(light.view(np.uint8))
    high, wide = table[:, BOTTOM] - table[:, TOP], table[:, RIGHT] - table[:, LEFT]
    table, high, wide = (each[(table[:, AREA] >= 12) & (high >= 5)] for each in (table, high, wide))
    inside = (table[:, TOP] > 0) & (table[:, LEFT] > 0) & (table[:, BOTTOM] < height) & (table[:, RIGHT] < width)
    letters = (
        inside & (high <= 0.9 * height) & (wide <= max(3 * high.max(initial=0), 1)) & (table[:, AREA] < 0.8 * np.maximum(high, wide) ** 2)
    )
    count = int(np.count_nonzero(letters))
    return count >= LETTERS and 2 * count >= len(table)
