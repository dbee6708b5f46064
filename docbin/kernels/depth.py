"""How deep a pixel lies below its paper, measured in the depth of the page's own ink: one plane of bytes for a whole page.

Writing that shines through from the back looks like faint ink to anything that sees a neighbourhood only; what tells them apart is how dark
the ink of *this page* is. So the page is looked at once as a whole:

* *Paper.* At a quarter of the size, a morphological closing (the darkest of the brightest) takes the writing out of the page, a box filter
  smooths what is left, and it is brought back to full size.
* *Quotient.* Pixel over paper, so that shade and stains divide out.
* *Ink.* Otsu's threshold parts the quotients (Otsu, 1979); 97 of 100 in the darker class are paler than the *ink level*. So high a share,
  because on some pages nearly all that is darker than paper shines through from the back. On the training pages the estimate is 1.05 times
  what the truth gives (the tenth darkest of ink's core), with a deviation of 5 percent; with nine tenths instead of 97 it was 7, and half
  the truth on the worst page.
* *Whose ink.* Where a page holds inks of very different darkness (pencil below a printed heading, a faded letter beside a black stamp), the darkest
  says nothing of the others. So where the page's pale strokes are as sharp as its dark ones, as writing of the back is not
  (:mod:`docbin.kernels.stroke_edges`), the level at a pixel is that of the ink within some 100 pixels, at least half the page's.

The plane holds 128 where a pixel is as dark as that ink, 0 where it is as bright as paper. It costs a pass over a page, and turns fixed
levels into levels of the page: a 1-bit network compares it with constants, a float network takes it as a fourth channel.
Everything is done once a page and in whole bytes, so that training and every runtime see the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import document
from docbin.kernels.area_means import area_means
from docbin.kernels.stroke_edges import AREA, DEPTH, WIDTH, darkness_of, softness, stroke_table
from docbin.page import Image, Mask

T = TypeVar("T")

SHRINK = 4
"""The paper is estimated at this fraction of the size; of each cell the mean is taken."""
REACH = 9
"""Half the side of the closing's window in such cells: 76 pixels, wider than a stroke, narrower than most stains."""
LIGHT = 4
"""Added to pixel and paper before dividing, grey levels."""
INK = 128
"""The plane's value at the ink level."""
CELL = 64
"""Side in pixels of the cells whose ink is counted, where inks differ from place to place."""
SPAN = 3
"""Cells a side of the square in which ink sets the level of the ink in its middle: 192 pixels."""
AROUND = 0.93
"""Share of the ink in that square that is paler than its level: less than of a page (0.97), for a heading may reach into it."""
STEPS = 24
"""Levels that the ink around is told apart by."""
LEAST = 0.5
"""The least local level, as a share of the page's: empty paper is not magnified further."""
SHARP = 0.95
"""Steepness of a page's pale strokes over that of its dark ones, from which they are the page's own and not its back's. On the 40 labelled pages that
have pale strokes it is 0.59 to 1.05; on rendered pages with pencil, stamps and headings 0.94 to 1.08."""
SAMPLE = 1_500_000
"""Pixels that the strokes are measured on: bands of a larger page."""


def quotients(grey: Image) -> Image:
    """255 times pixel over paper, uint8 (H, W), of a grey page uint8 (H, W); whiter than paper counts as paper."""
    import cv2

    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ValueError(f"depth: a uint8 grey page (H, W) is wanted, got {grey.dtype} {grey.shape}")
    height, width = grey.shape
    small = area_means(grey, (max(1, height // SHRINK), max(1, width // SHRINK)))
    side = 2 * REACH + 1
    closed = cv2.morphologyEx(cv2.medianBlur(small, 3), cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (side, side)))
    paper = cv2.resize(cv2.blur(closed, (side, side)), (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    # A little light on both: nothing is divided by nothing, and a black margin is its own paper. In place: fresh memory costs more than the sums.
    lit, paper = _lit(grey), _lit(paper, dst=paper)
    return np.asarray(cv2.divide(lit, paper, dst=lit, scale=255.0), np.uint8)


def _lit(image: Image, dst: Image | None = None) -> Image:
    """`image` with :data:`LIGHT` added, at most 255. As one row: a column of four pixels is for OpenCV as large as the number that is added."""
    import cv2

    row = cv2.add(np.ascontiguousarray(image).reshape(1, -1), LIGHT, dst=None if dst is None else dst.reshape(1, -1))
    return np.asarray(row.reshape(image.shape), np.uint8)


def ink_depth(quotient: Image, share: float = 0.97) -> int:
    """The page's ink level as a depth 255 - quotient, 1..255: `share` of the darker of Otsu's two classes is paler."""
    counts = document.histogram(quotient)[::-1].astype(np.float64)  # index: depth
    levels = np.arange(256, dtype=np.float64)
    below, first = counts.cumsum(), (counts * levels).cumsum()
    total, moment = below[-1], first[-1]
    above = total - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num((moment * below - first * total) ** 2 / (below * above))
    threshold = int(between[:-1].argmax())
    dark = counts.copy()
    dark[: threshold + 1] = 0
    if not dark.any():
        return 255
    return max(1, int(np.searchsorted(dark.cumsum(), share * dark.sum())))


def depth_plane(grey: Image, ink: float | None = None, *, local: bool | None = None) -> Image:
    """The depth of every pixel, uint8 (H, W), of a grey page uint8 (H, W): 0 = paper, 128 = as dark as the ink, 255 = twice that or more.

    Parameters
    ----------
    ink : depth of the page's ink on the scale 0..255, for a piece of a page whose ink was measured on the whole; None measures it here
    local : measure in the ink around (True) or in the page's (False); None takes the ink around where pale strokes are as sharp as dark ones

    Notes
    -----
    A page of one level has depth 0 everywhere.
    """
    quotient = quotients(grey)
    level = float(ink_depth(quotient)) if ink is None else ink
    if local is None:
        local = has_pale_ink(quotient, level)
    return _local_plane(quotient, level) if local else page_plane(quotient, level)


def page_plane(quotient: Image, ink: float) -> Image:
    """The plane of a page of :func:`quotients`, uint8 (H, W), measured in the page's ink."""
    import cv2

    return np.asarray(cv2.LUT(quotient, _table(ink)), np.uint8)


def _local_plane(quotient: Image, ink: float) -> Image:
    """The same measured in the ink around each pixel (:func:`_levels`)."""
    import cv2

    height, width = quotient.shape
    levels = cv2.resize(_levels(quotient, ink), (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return np.asarray(cv2.divide(cv2.bitwise_not(quotient), levels, dst=levels, scale=float(INK)), np.uint8)


def _levels(quotient: Image, ink: float) -> Image:
    """The level of the ink around each cell of CELL x CELL pixels, uint8: AROUND of the ink's pixels within SPAN x SPAN cells are paler.

    Ink is what is deeper than a fifth of the page's; every fourth row and column is counted.
    """
    import cv2

    depth = np.asarray(cv2.bitwise_not(np.ascontiguousarray(quotient[::SHRINK, ::SHRINK])), np.uint8)
    grid = (max(1, round(SHRINK * depth.shape[1] / CELL)), max(1, round(SHRINK * depth.shape[0] / CELL)))
    faintest = max(0.2 * ink, 14.0)
    steps = np.linspace(faintest, max(ink, faintest + STEPS), STEPS + 1)

    def deeper_than(step: float) -> NDArray[np.float32]:
        _, over = cv2.threshold(depth, step, 255, cv2.THRESH_BINARY)
        share = area_means(np.asarray(over, np.uint8), (grid[1], grid[0])).astype(np.float32)
        return np.asarray(cv2.blur(share, (SPAN, SPAN), borderType=cv2.BORDER_REPLICATE), np.float32)

    deeper = np.stack(_at_once(deeper_than, [float(step) for step in steps[:-1]]))
    exceeded = (deeper > (1 - AROUND) * deeper[0]).sum(axis=0)
    levels = np.where(deeper[0] > 0.05, steps[exceeded], 0.0).astype(np.float32)
    levels = cv2.blur(levels, (3, 3), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(np.rint(levels), max(1.0, LEAST * ink), max(1.0, ink)), np.uint8)


def has_pale_ink(quotient: Image, ink: float) -> bool:
    """Whether the pale strokes of a page of :func:`quotients`, uint8 (H, W), are as sharp as its dark ones, so that they are no writing of the back.

    Where there are too few strokes of either kind to compare, they are not taken for that.
    """
    height, width = quotient.shape
    band = 192
    if height * width > SAMPLE and height > 2 * band:  # bands of whole rows, evenly spread
        count = max(2, min(height // band, round(SAMPLE / (band * width))))
        quotient = np.vstack([quotient[start : start + band] for start in np.linspace(0, height - band, count).astype(int)])
    seen = darkness_of(quotient)

    def deeper_than(least: float) -> NDArray[np.float64]:
        rows = stroke_table(seen[0] > least, *seen)
        return rows[(rows[:, AREA] >= 25) & (rows[:, WIDTH] < 25)]

    found = _at_once(deeper_than, [max(0.2 * ink, 14.0), 0.5 * ink])
    pale, dark = found[0][found[0][:, DEPTH] < 0.55 * ink], found[1][found[1][:, DEPTH] > 0.75 * ink]
    soft = softness(pale, dark) if len(pale) >= 12 else None
    return soft is not None and soft[0] >= SHARP


def _at_once(function: Callable[[float], T], values: Sequence[float]) -> list[T]:
    """`function` of all `values`, by as many threads as kernels may have: its work is OpenCV's and the core's, outside the interpreter's lock."""
    threads = min(kernels.threads(), len(values))
    if threads == 1:
        return [function(value) for value in values]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, values))


def _table(ink: float) -> NDArray[np.uint8]:
    """The value of the plane for every quotient."""
    depths = np.rint((255.0 - np.arange(256)) * (INK / max(ink, 1.0)))
    return np.asarray(np.clip(depths, 0, 255), np.uint8)


def keep_deep(ink: Mask, plane: Image, depth: float, faint: float, reach: int) -> Mask:
    """`ink` without what is nowhere deep: what may be strokes of the back that a network took for faint ink, or the page's own pencil
    (:mod:`docbin.kernels.shine_through` tells them apart).

    A stroke is an 8-connected component. It stays if it is as deep as `depth` somewhere, or as deep as `faint` and no further than `reach` from one
    that stays for its depth: the faint end of a word stands beside its dark beginning, the back's writing stands by itself. It is what Canny's
    hysteresis (1986) does for edges, in units of the page's ink.

    Parameters
    ----------
    ink : bool (H, W)
    plane : :func:`depth_plane` of the page, uint8 (H, W)
    depth, faint : shares of the page's ink level, 0..1.9; depth 0 keeps everything
    reach : pixels, along rows and columns
    """
    if depth <= 0 or not ink.any():
        return ink
    import cv2

    from docbin.kernels.document import keep_seeded

    bits = np.ascontiguousarray(ink).view(np.uint8)
    kept = keep_seeded(bits, plane, round(INK * depth) - 1)
    left = keep_seeded(bits ^ kept, plane, round(INK * faint) - 1, in_place=True)
    if left.any():
        side = 2 * reach + 1
        near = cv2.dilate(kept, np.ones((side, side), np.uint8))
        kept |= keep_seeded(left, np.asarray(near, np.uint8), 0, in_place=True)
    return kept.view(np.bool_)
