"""Whole lines of pale writing off the ink: an answer in pencil, a faded address, the half of a receipt that the sun has had.

What is fitted ("missed" and "pale" of :mod:`docbin.assessment.foretold`) weighs what was left out against all of the page's ink, so two lines in
pencil among twenty of print, or writing a fifth as dark as the print, are below its bounds. But one line is lost writing whatever stands beside it,
and it shows as a line does: strokes of one height, in a row, where there is no ink.

A back that shines through stands in rows as well, but softer, and in the noise of the paper. So there are three grades of evidence (GRADES): rows as
clear and as sharp as print want few strokes; rows that stand less clearly out of the noise (the darker page of a spread) want many; rows as clear but
not as sharp (a carbon copy under its printed head) count only where they are more than all of the ink. A row interrupted by the ink counts by its
parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from docbin.assessment.pale_writing import Table, alike, median_of, sharpness_of, slope_of
from docbin.assessment.signs import Bits
from docbin.kernels.pieces import AREA, BOTTOM, DEPTH, LEFT, RIGHT, TOP

LOWEST, HIGHEST = 4, 90
"""Pixels that a stroke is high at least and at most: a letter of the smallest type, a headline."""
LEAST = (10, 6)
"""Pixels of a stroke, and of its longer side, at least."""
WIDTHS = 3.0
"""A stroke's area is less than its diagonal times so many stroke widths of the ink; more is a blot."""
GAP = 0.6
"""Strokes are of one row if they are no farther from each other than their heights together times this."""
MIDDLE = 0.25
"""Of its height a stroke loses so much above and below before it is asked what it stands in a row with: the lines of a page do not touch by that."""
FEWEST = 5
"""Strokes of a row at least: a short word."""
LONG = 4.0
"""A row is so many times as long as its strokes are high, at least."""
ALIKE = 3.5
"""Height of a row's high strokes (four fifths are lower) over that of its low ones (a fifth is lower) at most: capitals and small letters."""
INKED = 0.2
"""Ink within a row, over the pixels of its strokes, at most: more is a line that was read, with crumbs beside it."""


class Grade(NamedTuple):
    """What rows must show, and how much of them, to be lost writing.

    Attributes
    ----------
    clear : their depth over the paper's noise, at least
    sharp, steep : sharpness and slope over depth (:mod:`docbin.assessment.pale_writing`) over those of ink of their width, at least
    strokes : strokes in such rows, at least
    share : pixels of such rows over those of the ink, at least
    """

    clear: float
    sharp: float
    steep: float
    strokes: int
    share: float


GRADES = (Grade(14, 0.85, 0.75, 20, 0.0), Grade(11, 0.85, 0.75, 120, 0.0), Grade(14, 0.7, 0.6, 20, 1.0))
"""Any of these is enough. On parts of pages of the training sets of which no line is lost, as they are or with another page's back, the most strokes
are 12 and 69, and the largest share of the third is 0.6; of 138 whole pages one has more (DIBCO 2009 H02: six rows of its back)."""


class LostLines(NamedTuple):
    """Rows of strokes off an ink: how many ``lines``, how many ``strokes`` in them, and the median ``depth`` of those, grey levels."""

    lines: int
    strokes: int
    depth: float


def numbers_of(rows: Sequence[Table]) -> LostLines:
    """The numbers of rows that :func:`rows_lost` found."""
    if not rows:
        return LostLines(0, 0, 0.0)
    every = np.concatenate(rows)
    return LostLines(len(rows), len(every), float(np.median(every[:, DEPTH] / every[:, AREA])))


def rows_lost(table: Table, ink: Table, bits: Bits, width: float, noise: float) -> list[Table]:
    """Rows of writing among the pieces off an ink, the strokes of each; none where they are no evidence (GRADES).

    Parameters
    ----------
    table, ink : of :func:`docbin.kernels.pieces.pieces`, with depth and slope: what is darker than paper but no ink, and the ink
    bits : the ink, uint8 (H, W), 0 or 1 a pixel
    width : stroke width of the ink, pixels
    noise : the paper's, grey levels
    """
    strokes = _strokes(table, width)
    if len(strokes) < FEWEST:
        return []
    own = ink[ink[:, AREA] >= max(6.0, width)]
    found = [(line, *_seen(line, own, noise)) for line in _lines(strokes, bits)]
    inked = max(1, int(ink[:, AREA].sum()))
    for grade in GRADES:
        lines = [line for line, *seen in found if all(have >= want for have, want in zip(seen, grade[:3], strict=True))]
        counted = sum(len(line) for line in lines)
        if counted >= grade.strokes and sum(int(line[:, AREA].sum()) for line in lines) >= grade.share * inked:
            return lines
    return []


def _strokes(table: Table, width: float) -> Table:
    """Those of a table of pieces that may be letters."""
    high, wide = table[:, BOTTOM] - table[:, TOP], table[:, RIGHT] - table[:, LEFT]
    like = (table[:, AREA] >= LEAST[0]) & (np.maximum(high, wide) >= LEAST[1]) & (high >= LOWEST) & (high < HIGHEST)
    return np.asarray(table[like & (table[:, AREA] < WIDTHS * max(width, WIDTHS) * np.hypot(high, wide))])


def reaches(strokes: Table) -> NDArray[np.int64]:
    """What of each stroke must overlap another's, or touch it along a side, for both to stand in a row: (top, left, bottom, right), both ends
    included, in half pixels of the page."""
    high = strokes[:, BOTTOM] - strokes[:, TOP]
    top, bottom = strokes[:, TOP] + MIDDLE * high, strokes[:, BOTTOM] - MIDDLE * high
    left, right = strokes[:, LEFT] - GAP * high, strokes[:, RIGHT] + GAP * high
    return np.asarray(np.stack([top, np.maximum(left, 0), bottom, right], axis=1) / 2, np.int64)


def rows_of(strokes: Table, bits: Bits) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(the row of each stroke, a number; of each number, the ink pixels where its strokes reach). The reaches are drawn, at half the page's size, by
    the corners of each and two sums, and what hangs together is labelled."""
    import cv2

    height, width = (side // 2 + 1 for side in bits.shape)
    top, left, bottom, right = reaches(strokes).T
    bottom, right = np.minimum(bottom, height - 1), np.minimum(right, width - 1)
    corners = np.zeros((height + 1, width + 1), np.int32)
    for rows, columns, times in ((top, left, 1), (top, right + 1, -1), (bottom + 1, left, -1), (bottom + 1, right + 1, 1)):
        np.add.at(corners, (rows, columns), times)
    drawn = np.asarray(corners.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0, np.uint8)
    _, labels = cv2.connectedComponents(drawn, connectivity=4)
    ink = np.ascontiguousarray(bits[::2, ::2])
    inked = 4 * np.bincount(labels[: ink.shape[0], : ink.shape[1]][ink > 0], minlength=int(labels.max()) + 1)
    return np.asarray(labels[top, left], np.int64), np.asarray(inked, np.int64)


def _lines(strokes: Table, bits: Bits) -> list[Table]:
    """The rows among strokes that are lines: enough of them, alike, going on for long, where there is no ink."""
    row, inked = rows_of(strokes, bits)
    lines = []
    for number in np.flatnonzero(np.bincount(row) >= FEWEST):
        line = strokes[row == number]
        high = line[:, BOTTOM] - line[:, TOP]
        low, tall = np.quantile(high, (0.2, 0.8))
        long = line[:, RIGHT].max() - line[:, LEFT].min() >= LONG * np.median(high)
        if long and tall <= ALIKE * low and inked[number] <= INKED * line[:, AREA].sum():
            lines.append(line)
    return lines


def _seen(line: Table, own: Table, noise: float) -> tuple[float, float, float]:
    """Of the strokes of a row: depth over noise, sharpness and slope over those of the ink, whose own pieces are `own`; as in a :class:`Grade`. A row
    that is in the noise whatever the grade is not looked at further."""
    clear = median_of(line[:, DEPTH] / line[:, AREA], line) / max(noise, 1e-6)
    if clear < min(grade.clear for grade in GRADES):
        return clear, 0.0, 0.0
    same = alike(own, line)
    own = own[same] if same.any() else own
    sharp, steep = (median_of(measure(line), line) / max(1e-6, median_of(measure(own), own)) for measure in (sharpness_of, slope_of))
    return clear, sharp, steep
