"""Thin ruled lines of a page, of tables and forms: are they whole in the ink, gone, or in pieces?

A rule printed in grey is nowhere writing to a network and here and there dark enough for one. Gone altogether is a matter of taste (the lines of
writing paper are not wanted, and no truth of the contests has them); a line of dashes that was no line of dashes is a fault that somebody will see.

A pixel lies on a rule if, within a band of three pixels (scans are not quite straight), something thin is darker than its paper without a gap over
REACH pixels across or down. That is no more than a few minima and maxima of the depths: a fortieth of what a page costs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from docbin.assessment.signs import Bits, Signs
from docbin.kernels.area_means import area_means
from docbin.kernels.order_statistics import median
from docbin.kernels.pieces import AREA, BOTTOM, DEPTH, LEFT, RIGHT, TOP, pieces
from docbin.page import Image, Mask

REACH = 81
"""Pixels of the overview that a rule goes on for at least; letters that touch reach half as far."""
THIN = 6
"""Pixels of the overview that a rule is wide at most."""
SHALLOWEST = 10
"""Grey levels below paper that a rule is deep at least."""
NOISE = 3.0
"""So many times the page's usual difference across a pixel, too."""
BESIDE = 7
"""Pixels of the overview across a rule within which ink is the rule's: its slopes and the band it was found by are wider than what is drawn."""
FLAT = 0.2
"""A rule is at most this share as high as it is long; more is a curve, or a frame of its own."""
PIECES = (0.25, 0.95)
"""Share of a rule that is ink, between which it is in pieces."""


class Rules(NamedTuple):
    """Rules of a page: how many ``lines``, how many are in pieces, the length of those in pixels of the overview, and what share of it is ink."""

    lines: int
    in_pieces: int
    length: int
    drawn: float


def rules(page: Signs, ink: Mask) -> Rules:
    """The thin ruled lines of a page in its ink, bool (H, W)."""
    import cv2

    depth, slope = page.overview.depth, page.overview.slope
    least = max(SHALLOWEST, NOISE * median(slope[::4, ::4]))
    near: Bits | None = None
    lines = in_pieces = length = 0
    drawn = 0.0
    for down in (False, True):
        found = _on_rules(depth, least, down)
        if not found.any():
            continue
        near = _near(page, ink) if near is None else near
        beside = np.asarray(cv2.dilate(near, _box(BESIDE, 1, down)), np.uint8)
        table = pieces(found, beside, beside)
        high, wide = table[:, BOTTOM] - table[:, TOP], table[:, RIGHT] - table[:, LEFT]
        along, across = (high, wide) if down else (wide, high)
        straight = across <= np.maximum(FLAT * along, THIN)
        table, along = table[straight], along[straight]
        share = table[:, DEPTH] / np.maximum(table[:, AREA], 1)
        parts = (share > PIECES[0]) & (share < PIECES[1])
        lines, in_pieces = lines + len(table), in_pieces + int(np.count_nonzero(parts))
        length, drawn = length + int(along[parts].sum()), drawn + float((share * along)[parts].sum())
    return Rules(lines, in_pieces, length, drawn / max(1, length))


def _on_rules(depth: Image, least: float, down: bool) -> Bits:
    """What lies on rules across the page, or down it, 0 or 1 a pixel."""
    import cv2

    thin = cv2.subtract(depth, cv2.morphologyEx(depth, cv2.MORPH_OPEN, _box(THIN + 1, 1, down)))
    deep = cv2.threshold(cv2.dilate(thin, _box(3, 1, down)), least - 1, 1, cv2.THRESH_BINARY)[1]
    long = cv2.erode(deep, _box(1, REACH, down))
    return np.asarray(cv2.dilate(long, _box(1, REACH, down)) if long.any() else long, np.uint8)


def _box(across: int, along: int, down: bool) -> Bits:
    """Ones of this many pixels across a rule and along it."""
    return np.ones((along, across) if down else (across, along), np.uint8)


def _near(page: Signs, ink: Mask) -> Bits:
    """Where any ink lies in a pixel of the overview, 0 or 1."""
    import cv2

    bits = np.ascontiguousarray(ink).view(np.uint8)
    if page.shrink == 1:
        return bits
    return np.asarray(cv2.threshold(area_means(bits, page.size, times=255), 255 // (2 * page.shrink), 1, cv2.THRESH_BINARY)[1], np.uint8)
