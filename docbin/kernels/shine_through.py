"""Which strokes of an ink mask are writing of the back of the page: those that are paler *and* blurrier than the page's own ink.

A network may take writing that shines through for faint ink. That it is pale beside the page's darkest ink is no evidence by itself: so is pencil
below a printed heading, a faded line beside a stamp, everything beside a black border. So a stroke goes only if all of this holds:

* it is nowhere deep and stands beside no stroke that is (:func:`docbin.kernels.depth.keep_deep`): it is *doubtful*;
* doubtful strokes have softer edges as a whole (:func:`docbin.kernels.stroke_edges.softness`), less than :data:`SOFTER` times as steep as those of
  the page's dark strokes; where there are too few to compare there is no evidence, and everything stays;
* the stroke itself is softer than the median dark stroke.

Over the 77 labelled pages and Nabuco, with the ink of `bitunet`, the rule acts on one page, whose back shines through alone (PHIBD/H08).
"""

from __future__ import annotations

import numpy as np

from docbin.kernels.depth import INK, ink_depth, keep_deep, page_plane, quotients
from docbin.kernels.document import keep_seeded
from docbin.kernels.pieces import AREA as PIXELS
from docbin.kernels.pieces import pieces
from docbin.kernels.stroke_edges import AREA, FEWEST, STEEPNESS, darkness_of, softness, stroke_table, strokes
from docbin.page import Image, Mask

SOFTER = 0.92
"""Steepness of doubtful strokes over that of dark ones, below which they are shine-through. On PHIBD/H08 it is 0.85, on rendered pencil 1.0."""
DARK = 0.75
"""Depth of strokes that are surely the page's own, in units of the page's ink."""
SPECK = 12
"""Pixels: smaller pieces have no edge that could be measured; they go where the doubtful strokes go."""


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
    quotient = quotients(grey)
    plane = page_plane(quotient, ink_depth(quotient))
    doubtful = ink ^ keep_deep(ink, plane, depth, faint, reach)
    # Most pages have no doubtful strokes, or too few to compare: that costs a count, the rest planes of single precision as large as the page.
    if not doubtful.any() or np.count_nonzero(pieces(doubtful.view(np.uint8))[:, PIXELS] >= SPECK) < FEWEST:
        return ink
    seen = darkness_of(quotient)
    pale = stroke_table(doubtful, *seen)
    dark = stroke_table(keep_seeded(np.ascontiguousarray(ink).view(np.uint8), plane, round(INK * DARK) - 1).view(np.bool_), *seen)
    found = softness(pale[pale[:, AREA] >= SPECK], dark[dark[:, AREA] >= SPECK])
    if found is None or found[0] >= SOFTER:
        return ink
    labels, pale = strokes(doubtful, *seen)
    goes = np.concatenate([[False], (pale[:, STEEPNESS] < found[1]) | (pale[:, AREA] < SPECK)])
    return np.asarray(ink & ~goes[labels], np.bool_)
