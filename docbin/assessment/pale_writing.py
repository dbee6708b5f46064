"""Writing off the ink that is paler than it: is it the page's own, pencil or faded ink, or does the back shine through?

Light that comes through the sheet is scattered by it, so strokes of the back are soft, while pencil has the edges of the page's other strokes.
No single bound parts the two (a back written with a sharp pen on thin paper passes for pencil, pencil out of focus for a back), so what is
measured here goes to a fitted model ("pale" of :mod:`docbin.assessment.foretold`): how sharp the pale strokes are beside dark ones of about
their width, on the page and off the ink; how much there is of them; whether they stand among the ink, as a back's do, or where there is none;
whether a cheap method takes them.

A stroke's *sharpness* is its steepest slope over its greatest depth, 1 / pixels, that of an edge anywhere on it; its *slope* is the mean of both,
which noise moves less and the stroke's width more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.kernels.pieces import AREA, BOTTOM, DEEPEST, DEPTH, LEFT, RIGHT, SLOPE, STEEPEST, TOP, pieces
from docbin.page import Image

PALE, DARK = 0.55, 0.75
"""Pale strokes of a page are nowhere deeper than this share of its ink level, dark ones are somewhere deeper than that."""
FEWEST = 8
"""Strokes of each kind that a comparison wants."""
WIDTHS = (0.6, 1.6)
"""Strokes are compared whose width is between these multiples of the pale ones' median."""
MOST = 200
"""Pixels of a stroke that count for a median, so that no large piece decides alone."""
SHARP = 0.9
"""Sharpness, over that of the ink, from which strokes off it count as sharp."""

Table = NDArray[np.int64]
Floats = NDArray[np.float64]


def median_of(values: Floats, table: Table) -> float:
    """The median of what was measured of pieces, each counted by its area, up to MOST pixels; 0 where there is none."""
    if not len(values):
        return 0.0
    order = np.argsort(values)
    summed = np.cumsum(np.minimum(table[order, AREA], MOST))
    return float(values[order[int(np.searchsorted(summed, 0.5 * summed[-1]))]])


def reach_of(table: Table) -> Floats:
    """The longer side of each piece's box, pixels."""
    return np.asarray(np.maximum(table[:, RIGHT] - table[:, LEFT], table[:, BOTTOM] - table[:, TOP]), np.float64)


def width_of(table: Table) -> Floats:
    """About the width of each stroke, pixels: area over reach."""
    return np.asarray(table[:, AREA] / np.maximum(reach_of(table), 1.0))


def sharpness_of(table: Table) -> Floats:
    """Steepest slope over greatest depth of each piece."""
    return np.asarray(table[:, STEEPEST] / np.maximum(table[:, DEEPEST], 4.0))


def slope_of(table: Table) -> Floats:
    """Mean slope over mean depth of each piece."""
    return np.asarray(table[:, SLOPE] / np.maximum(table[:, DEPTH], 1.0))


def alike(dark: Table, pale: Table) -> NDArray[np.bool_]:
    """Which dark strokes have about the width of the pale ones; none where those are fewer than FEWEST."""
    usual, widths = median_of(width_of(pale), pale), width_of(dark)
    chosen = (widths > WIDTHS[0] * usual) & (widths < WIDTHS[1] * usual)
    return chosen if np.count_nonzero(chosen) >= FEWEST else np.zeros(len(dark), np.bool_)


def on_page(depth: Image, slope: Image, level: float) -> dict[str, float]:
    """A page's pale strokes beside its dark ones, whatever the ink: "page_pale_area" and "page_pale_count" over those of the dark, and
    "page_pale_sharpness" and "page_pale_slope" over theirs; 0 where there are too few of either to compare.

    Parameters
    ----------
    depth, slope : uint8 (H, W), planes of :class:`docbin.assessment.signs.View`
    level : the page's ink level, grey levels
    """
    import cv2

    def deeper_than(least: float) -> Table:
        table = pieces(np.asarray(cv2.threshold(depth, least, 1, cv2.THRESH_BINARY)[1], np.uint8), depth, slope)
        reach = reach_of(table)
        return np.asarray(table[(table[:, AREA] >= 25) & (table[:, AREA] < 20 * reach) & (reach < 0.5 * max(depth.shape))])

    pale, dark = deeper_than(max(0.2 * level, 14.0)), deeper_than(0.5 * level)
    pale, dark = pale[pale[:, DEEPEST] < PALE * level], dark[dark[:, DEEPEST] > DARK * level]
    found = {
        "page_pale_area": float(pale[:, AREA].sum() / max(1, dark[:, AREA].sum())),
        "page_pale_count": len(pale) / max(1, len(dark)),
        "page_pale_sharpness": 0.0,
        "page_pale_slope": 0.0,
    }
    dark = dark[alike(dark, pale)] if len(pale) >= FEWEST else dark[:0]
    if len(dark):
        for name, measure in (("sharpness", sharpness_of), ("slope", slope_of)):
            found[f"page_pale_{name}"] = median_of(measure(pale), pale) / max(1e-6, median_of(measure(dark), dark))
    return found


def strokes_off(table: Table, width: float) -> Table:
    """Those of a table of strokes off an ink of `width` pixels that are long and large enough to be writing."""
    return np.asarray(table[(reach_of(table) >= 2 * width) & (table[:, AREA] >= width**2)])


def off_ink(table: Table, ink: Table, width: float, median: float, area: int) -> dict[str, float]:
    """Strokes off an ink (:func:`strokes_off`), however pale, beside the ink's own pieces: features "pale_left" to "pale_left_depth".

    Parameters
    ----------
    table, ink : of :func:`docbin.kernels.pieces.pieces`
    width, median, area : of the ink: stroke width in pixels, median depth in grey levels, pixels
    """
    own = ink[ink[:, AREA] >= max(6.0, width)]
    same = alike(own, table)
    own = own[same] if same.any() else own
    sharp, steep = (measure(table) / max(1e-6, median_of(measure(own), own)) for measure in (sharpness_of, slope_of))
    sizes = table[:, AREA]
    return {
        "pale_left": float(sizes.sum() / area),
        "pale_left_sharp": float(sizes[sharp > SHARP].sum() / area),
        "pale_left_steep": float(sizes[steep > SHARP].sum() / area),
        "pale_left_count": len(table) / max(1, len(ink)),
        "pale_left_sharpness": median_of(sharp, table),
        "pale_left_slope": median_of(steep, table),
        "pale_left_depth": median_of(table[:, DEPTH] / np.maximum(sizes, 1) / median, table),
    }
