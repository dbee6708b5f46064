"""Panels of white writing on a page of dark writing: the head of a table, a banner, a badge, a cell filled in black.

Thresholds and networks take a panel's ground for ink as far as they see it, and make of it a black patch with ragged holes. Turned over, it is a
piece of page like the rest: black on white. So a panel is looked for that is beyond doubt, and everything else stays as it is: a shape without dents
(a rectangle, upright or askew, with round corners or without, an oval), that ends sharply all around, filled by one dark tone or by one that changes
evenly from side to side, on which stand pieces like letters, lighter by far, that nowhere touch its edge. Photographs, borders, stains and
halftone have no such tone; bars of codes reach the edge, and of a square code half is light.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from docbin.kernels.area_means import area_means
from docbin.kernels.order_statistics import median
from docbin.kernels.pieces import AREA, BOTTOM, DEEPEST, LEFT, RIGHT, TOP, pieces
from docbin.page import Image, Mask, to_grey

SIDE = 800
"""Pixels of the longer side that a page is looked at."""
STROKE = 7
"""Light strokes up to so many of these pixels belong to the panel they stand on."""
DARK = (0.6, 0.8)
"""Of the paper's level, what a panel's ground is at most; the second for one that runs from dark to light, of which `DARK_PART` is below
the first."""
DARK_PART = 0.25
LEAST = (10, 32)
"""Least shorter and longer side of a panel, in these pixels."""
FILLED = 0.7
"""Share of its box, upright or turned with it, that a panel fills at least; an oval fills 0.79."""
CONVEX = 0.96
"""Share of its convex hull that a panel fills at least."""
MOST = 0.6
"""Share of the page that a panel is at most; more is a page of light writing."""
CONTRAST = 48
"""Grey levels between a panel's writing and its ground at least."""
EDGE = 3
"""Pixels of the page at a panel's edge that are not looked at: they are blurred with the paper."""
STEP, STEPS, GAP = 20, 0.95, 0.5
"""Grey levels that what adjoins a panel is lighter than its ground, the part of its outline, but for the page's own edge, that is so, and the longest
stretch, over the panel's shorter side, that is not: one end that fades into the paper is a small part of a long panel's outline."""
EVEN = 8.0
"""Mean distance of a ground's pixels from their tone at most, grey levels."""
SHARE = (0.01, 0.35)
"""Share of a panel that is light."""
MOSTLY = 0.6
"""Share of a panel that is dark when seen small, at least; of lines of text half is paper."""
GROUND = 1 - SHARE[1]
"""Share of a panel that is ground in any case."""
LETTERS = 3
"""Pieces like letters that a panel has at least; and of all its light pieces larger than dots they are half or more."""


class Panel(NamedTuple):
    """A panel's box, rows and columns in the page, and which of its pixels are the panel's, bool."""

    rows: slice
    columns: slice
    inside: Mask


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
    paper = paper_level(small)
    if np.count_nonzero(small < DARK[0] * paper) < LEAST[0] * LEAST[1]:
        return []
    ground = np.asarray(cv2.morphologyEx(small, cv2.MORPH_OPEN, np.ones((STROKE, STROKE), np.uint8)), np.uint8)
    found: list[Panel] = []
    taken: list[NDArray[np.int64]] = []
    for bound in (share * paper for share in DARK):
        dark = np.asarray(cv2.threshold(ground, bound, 1, cv2.THRESH_BINARY_INV)[1], np.uint8)
        for piece in _likely(dark, size):
            box = (slice(piece[TOP], piece[BOTTOM]), slice(piece[LEFT], piece[RIGHT]))
            if np.count_nonzero(small[box][dark[box] > 0] < bound) < MOSTLY * np.count_nonzero(dark[box]):  # lines of text, close together
                continue
            if bound > DARK[0] * paper and not _cut_through(small[box] < DARK[0] * paper, piece, taken):
                continue
            panel = _exact(grey, piece, (height / size[0], width / size[1]), bound)
            if panel is not None and _is_written(grey[panel.rows, panel.columns], panel.inside):
                found.append(panel)
                taken.append(piece)
    return sorted(found, key=lambda panel: (panel.rows.start, panel.columns.start))


def paper_level(grey: Image) -> float:
    """The level of light paper on a page seen small, uint8 (H, W): that above which a tenth of it lies, by every seventh pixel."""
    place = -(grey.size // 70) - 1
    return float(np.partition(grey.reshape(-1)[::7], place)[place])


def _likely(dark: Image, size: tuple[int, int]) -> NDArray[np.int64]:
    """Pieces of a page seen small, dark 1 and light 0, that are neither too small nor too large and fill their box."""
    table = pieces(dark, eight=False)
    high, wide = table[:, BOTTOM] - table[:, TOP], table[:, RIGHT] - table[:, LEFT]
    likely = (np.minimum(high, wide) >= LEAST[0]) & (np.maximum(high, wide) >= LEAST[1])
    # A long panel that lies askew fills little of an upright box; its turned one is asked for once its outline is known.
    likely &= (table[:, AREA] >= FILLED / 2 * high * wide) & (table[:, AREA] <= MOST * size[0] * size[1])
    return np.asarray(table[likely])


def _cut_through(darker: Mask, piece: NDArray[np.int64], taken: list[NDArray[np.int64]]) -> bool:
    """Whether the first bound cut a piece of the second in two, by what of its box is `darker` than that; not where a panel was found within."""
    within = any(
        piece[TOP] <= one[TOP] and piece[LEFT] <= one[LEFT] and one[BOTTOM] <= piece[BOTTOM] and one[RIGHT] <= piece[RIGHT] for one in taken
    )
    return not within and np.count_nonzero(darker) >= DARK_PART * piece[AREA]


def _exact(grey: Image, piece: NDArray[np.int64], scale: tuple[float, float], bound: float) -> Panel | None:
    """A panel seen small, to the page's pixel: the outline of what is dark; None where its shape is no panel's."""
    import cv2

    margin = int(np.ceil(2 * max(scale)))
    top, left = (max(0, round(float(piece[edge]) * by) - margin) for edge, by in ((TOP, scale[0]), (LEFT, scale[1])))
    bottom, right = (round(float(piece[edge]) * by) + margin for edge, by in ((BOTTOM, scale[0]), (RIGHT, scale[1])))
    dark = np.asarray(cv2.threshold(np.ascontiguousarray(grey[top:bottom, left:right]), bound, 1, cv2.THRESH_BINARY_INV)[1], np.uint8)
    if margin > 3:  # what is thinner than a pixel seen small is a rule or a letter that touches
        thin = np.ones((margin // 2, margin // 2), np.uint8)
        dark = np.asarray(cv2.morphologyEx(dark, cv2.MORPH_OPEN, thin), np.uint8)
    outline = max(cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=cv2.contourArea, default=None)
    if outline is None or len(outline) < 8:
        return None
    area, (_, turned, _) = cv2.contourArea(outline), cv2.minAreaRect(outline)
    if area < FILLED * turned[0] * turned[1] or area < CONVEX * cv2.contourArea(cv2.convexHull(outline)):
        return None
    x, y, wide, high = cv2.boundingRect(outline)
    inside = np.zeros((high, wide), np.uint8)
    cv2.drawContours(inside, [outline], -1, 1, cv2.FILLED, offset=(-x, -y))
    panel = Panel(slice(top + y, top + y + high), slice(left + x, left + x + wide), inside.view(np.bool_))
    outline = np.asarray(outline.reshape(-1, 2) + np.array([left, top]), np.int64)
    return panel if _ends_sharply(grey, panel, outline, margin, GAP * min(turned)) else None


def _ends_sharply(grey: Image, panel: Panel, outline: NDArray[np.int64], reach: int, gap: float) -> bool:
    """Whether beside nearly all of a panel's outline, (N, 2) columns and rows, something lies within `reach` pixels that is lighter than its ground,
    and nowhere over `gap` pixels on end there is not."""
    import cv2

    height, width = grey.shape
    rows = slice(max(0, panel.rows.start - reach), panel.rows.stop + reach)
    columns = slice(max(0, panel.columns.start - reach), panel.columns.stop + reach)
    part, window = grey[rows, columns], np.ones((2 * reach + 1,) * 2, np.uint8)
    # Within the panel the lightest would be its letters, so only what is without counts; the median is deaf to them.
    within = np.zeros(part.shape, np.uint8)
    top, left = panel.rows.start - rows.start, panel.columns.start - columns.start
    within[top : top + panel.inside.shape[0], left : left + panel.inside.shape[1]] = panel.inside
    beside = cv2.dilate(np.where(within > 0, np.uint8(0), part), window)
    ground = cv2.erode(np.where(within > 0, part, np.uint8(255)), window)
    free = (outline[:, 0] > reach) & (outline[:, 1] > reach) & (outline[:, 0] < width - 1 - reach) & (outline[:, 1] < height - 1 - reach)
    if 4 * np.count_nonzero(free) < len(outline):
        return False
    at = (outline[:, 1] - rows.start, outline[:, 0] - columns.start)
    sharp = beside[at].astype(np.int16) - ground[at] >= STEP
    if np.count_nonzero(sharp & free) < STEPS * np.count_nonzero(free):
        return False
    ends = np.flatnonzero(sharp | ~free)
    return int(np.diff(ends, append=ends[0] + len(outline)).max()) <= max(gap, 2)


def tone(values: NDArray[np.uint8], inside: Mask) -> NDArray[np.float32]:
    """The plane, float32 (H, W), on which most of the pixels of a panel, uint8 (H, W), lie: its ground, whether of one tone or of an even gradient.

    Least squares over the nearest of a few thousand pixels, near the median first, then near the plane itself: letters are not among them.
    """
    height, width = values.shape
    step = max(1, int((values.size / 8000) ** 0.5))
    rows, columns = np.nonzero(inside[::step, ::step])
    sampled = values[::step, ::step][rows, columns].astype(np.float64)
    at = np.stack([np.ones(len(rows)), step * rows / height, step * columns / width], axis=1)
    off = np.abs(sampled - median(sampled))
    for _ in range(4):
        kept = off <= np.partition(off, int(GROUND * (off.size - 1)))[int(GROUND * (off.size - 1))]
        plane = np.linalg.lstsq(at[kept], sampled[kept], rcond=None)[0]
        off = np.abs(sampled - at @ plane)
    down, across = np.arange(height, dtype=np.float32) / height, np.arange(width, dtype=np.float32) / width
    return np.asarray(plane[0] + plane[1] * down[:, None] + plane[2] * across, np.float32)


def _is_written(grey: Image, inside: Mask) -> bool:
    """Whether a dark shape holds light writing on one tone, or on one that changes evenly."""
    import cv2

    framed = np.pad(inside, 1).view(np.uint8)
    core = cv2.erode(framed, np.ones((2 * EDGE + 1,) * 2, np.uint8))[1:-1, 1:-1].view(np.bool_)
    if np.count_nonzero(core) < LEAST[0] * LEAST[1]:
        return False
    above = grey - tone(grey, core)
    over = above[core]
    lightest = float(np.partition(over, -(over.size // 200) - 1)[-(over.size // 200) - 1])
    if lightest < CONTRAST:
        return False
    light = (above >= lightest / 2) & core
    share = np.count_nonzero(light) / over.size
    if not SHARE[0] <= share <= SHARE[1]:
        return False
    if float(np.abs(over[over < lightest / 2][::3]).mean()) > EVEN:
        return False
    rim = core.view(np.uint8) - cv2.erode(np.pad(core, 1).view(np.uint8), np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    table = pieces(light.view(np.uint8), rim, rim)
    high, wide = table[:, BOTTOM] - table[:, TOP], table[:, RIGHT] - table[:, LEFT]
    table, high, wide = (each[(table[:, AREA] >= 12) & (high >= 5)] for each in (table, high, wide))
    letters = (
        (table[:, DEEPEST] == 0)
        & (high <= 0.9 * grey.shape[0])
        & (wide <= max(3 * high.max(initial=0), 1))
        & (table[:, AREA] < 0.8 * np.maximum(high, wide) ** 2)
    )
    count = int(np.count_nonzero(letters))
    return count >= LETTERS and 2 * count >= len(table)
