"""A clean page: white paper, ink in its own greys or colours; for OCR engines that read grey, for print, for readers.

A page of one bit a pixel has lost what lies between ink and paper, and small letters live by it: OCR reads them worse than on the page as it came.
But what disturbs OCR (and an eye) is not the grey of the letters, it is the grey of the paper: stains, shadows, folds, the back shining through. So
the method's mask only says *where* ink is. There the page's own pixels stay, divided by the paper around them, so that ink in a shadow is as dark
as beside it; everywhere else the page is white. Between the two lies a soft edge a few pixels wide: a stroke keeps its anti-aliasing, and where the
method was nearly sure (its probability map says so) a pale stroke stays pale in place of being cut.

Three things are taken out of the mask first (:func:`without_dirt`): specks, which are much smaller than a full stop of the page's own writing; dark
borders of a scan, which touch the page's edge and are much thicker than its strokes; and the outline of a sheet that lies on something dark. Where
the sheet ends in a sharp edge (:func:`beyond_sheet`), all that lies around it goes: the marbled boards of a binding, clasps, the cloth of a cradle.

Lines that are curved, as on a photograph of an open book, may be made straight at last (:mod:`docbin.straightening`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from docbin import straightening
from docbin.enlarging import by_row, letter_boxes
from docbin.kernels.paper import SHRINK, paper_level
from docbin.page import FloatMap, Image, Mask, check_image, check_mask, to_grey
from docbin.polarity import Polarity, with_own_hues
from docbin.second_look import remarked

if TYPE_CHECKING:
    from docbin.assessment import Quality
    from docbin.catalogue import Method

REACH = 2
"""Pixels around ink in which the page's own grey stays in full: half a stroke's anti-aliasing and blur."""
FADE = 2
"""Pixels beyond them over which it fades to white."""
SURE, UNSURE = 0.4, 0.1
"""Probability of ink from which a pixel's own grey stays in full, and down to which it fades."""
BORDER = 6
"""A dark mass at the page's edge is a scan's border where it is thicker than so many strokes."""
LEAST_BORDER = 12
"""Pixels; no border is thinner."""
AROUND = 8
"""Half the side, in cells of `SHRINK` pixels, of the window in which paper must be seen, lest a pixel belong to the surroundings."""
DARK_AROUND = 0.4
"""Share of the page's light paper below which there is none: around the sheet."""
DIM_AROUND = 0.65
"""Share of the page's light paper below which what adjoins those surroundings belongs to them: boards of a binding, the fore-edge of a book."""
EDGE = 4
"""Cells on either side of the sheet's edge between which lightness is compared."""
SHARP = 0.75
"""Share of the lightness within that edge which remains beyond it, at the most; in a shadow it falls by little over so short a way."""
SHARP_PART = 0.9
"""Part of the edge that must be so: 1.0 where a sheet lies on a table, at most 0.86 along the brown edges of old paper."""
BLURRED = 6
"""Pixels from the sheet's edge inwards in which pieces are those of its outline."""
SIDE = 0.6
"""Part of one side of the picture that surroundings must take; dark corners of the paper take less."""
WRITTEN = 0.12
"""Letters' heights; letters whose feet lie closer to a smooth line are writing. In the pattern of a marbled board such chains have 0.16."""
MOST_WRITTEN = 2
"""Letters of lines that may lie beyond the edge (pieces of the outline that a line's end was linked to); more, and the edge is that of a shadow that
lines run into."""
AS_DENSE = 0.8
"""Where pieces as large as letters are at least so dense beyond the edge as on the sheet, that edge is a shadow's."""
MOST_AROUND = 0.6
"""Part of the picture that surroundings may be; of more it is not sure what is the sheet."""
LONG = 12
"""Strokes' widths; a piece in the surroundings that is longer than that and than a tenth of the page's shorter side is no writing."""
SPECK = 0.12
"""Area of a speck, at the most, in squares of the stroke's width."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A clean page, the ink it was made from, the page (dark on light) that both are of, how much larger that is than the one given, 1 or 2, and the
    verdict on the ink, where it was judged.

    Where lines were straightened `page` shows ink elsewhere than `ink` and `source` do, and may be higher than they are.
    """

    page: Image
    ink: Mask
    source: Image
    scale: int
    verdict: Quality | None = None


def clean_by(
    row: Method,
    image: Image,
    *,
    colour: bool = False,
    enlarge: str | int = "1",
    straighten: str = "off",
    polarity: Polarity = "dark",
    judge: bool = False,
    second_look: bool = True,
    **params: Any,
) -> Cleaned:
    """Clean a page, dark on light, by a row of :mod:`docbin.catalogue`; `enlarge` as in :func:`docbin.enlarging.on_fitting_grid`.

    `straighten` is one of :data:`docbin.straightening.CHOICES`; with "off" every pixel stays where it was.

    `polarity` is what the page was before :func:`docbin.polarity.upright`: ink that was light on dark keeps its own hues, not those of its negative.

    `judge`: the ink gets a verdict, and with `second_look` lost lines that this tells of are looked at again (:mod:`docbin.second_look`).
    """
    wanted = straightening.check(straighten)
    found = by_row(row, image, enlarge, **params)
    pixels = with_own_hues(found.page) if colour and polarity == "light" else found.page
    reader = row.reader(params, found.scale) if second_look else None
    ink, verdict = remarked(found.page, found.ink, reader) if judge else (found.ink, None)
    page = clean_page(pixels, ink, found.probability, colour=colour)
    if wanted == "auto":
        page = straightening.straightened(page, ink)
    return Cleaned(page, ink, found.page, found.scale, verdict)


def clean_page(image: Image, ink: Mask, probability: FloatMap | None = None, *, colour: bool = False) -> Image:
    """The page's own greys or colours where there is ink, white elsewhere.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3), dark on light
    ink : bool (H, W), True = ink
    probability : of ink, float32 (H, W) in 0..1; None where the method has none
    colour : keep the ink's colours; else the result is grey

    Returns
    -------
    uint8 (H, W), or (H, W, 3) where `colour` and the page is in colour

    Raises
    ------
    TypeError, ValueError
        Shapes or types are not these.
    """
    check_image(image)
    check_mask(ink, "ink")
    if ink.shape != image.shape[:2] or (probability is not None and probability.shape != ink.shape):
        raise ValueError(f"clean: page {image.shape[:2]}, ink {ink.shape} and probability must have one shape")
    import cv2

    pixels = image if colour and image.ndim == 3 else to_grey(image)
    beyond = beyond_sheet(to_grey(image), ink)
    kept = _without_dirt(ink, to_grey(image), beyond)
    # White is most of the page, so only what is not is computed.
    reach = REACH + FADE
    near = cv2.dilate(np.asarray(kept, np.uint8), np.ones((2 * reach + 3,) * 2, np.uint8)) > 0
    if probability is not None:
        dirt = cv2.dilate(np.asarray(ink & ~kept, np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
        near |= (probability > UNSURE) & ~dirt
    if beyond is not None:
        near &= ~beyond
    page = np.full(pixels.shape, 255, np.uint8)
    if not near.any():
        return page
    away = cv2.distanceTransform(np.asarray(~kept, np.uint8), cv2.DIST_L2, 3)[near] if kept.any() else np.float32(np.inf)
    opacity = np.clip((reach + 1 - away) / np.float32(FADE + 1), 0, 1)
    if probability is not None:
        unsure = np.clip((probability[near] - np.float32(UNSURE)) / np.float32(SURE - UNSURE), 0, 1)
        opacity = np.maximum(opacity, np.where(dirt[near], np.float32(0), unsure))
    planes = [(page, pixels)] if pixels.ndim == 2 else [(page[..., part], pixels[..., part]) for part in range(3)]
    for plane, channel in planes:
        channel = np.ascontiguousarray(channel)
        flat = np.minimum(channel[near] * (np.float32(255) / paper_level(channel, ink)[near]), np.float32(255))
        plane[near] = np.rint(np.float32(255) - opacity * (np.float32(255) - flat))
    return page


def stroke_width(ink: Mask) -> float:
    """Typical width of the strokes in pixels: the median length of the runs of ink, along rows or along columns, the smaller; 0 without ink."""
    if not ink.any():
        return 0.0
    return min(_median_run(ink), _median_run(ink.T))


def _median_run(ink: Mask) -> float:
    line = np.pad(ink, ((0, 0), (0, 1))).ravel()
    turns = np.flatnonzero(np.diff(line, prepend=False))
    return float(np.median(turns[1::2] - turns[::2]))


def without_dirt(ink: Mask, grey: Image | None = None) -> Mask:
    """`ink` without specks, without the dark borders of a scan and without the outline of what lies around the sheet, bool (H, W).

    Parameters
    ----------
    ink : bool (H, W)
    grey : the page, uint8 (H, W); without it the surroundings are not looked for
    """
    return _without_dirt(ink, grey, None if grey is None else beyond_sheet(grey, ink))


def _without_dirt(ink: Mask, grey: Image | None, beyond: Mask | None) -> Mask:
    """See :func:`without_dirt`; `beyond` is what :func:`beyond_sheet` says."""
    import cv2

    stroke = stroke_width(ink)
    if not stroke:
        return ink
    kept = ink & ~_border(ink, stroke)
    if grey is not None:
        kept = _beside_surroundings(kept, surroundings(grey), stroke)
    if beyond is not None:
        kept = _without_outline(kept, beyond)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(kept, np.uint8), connectivity=8)
    speck = stats[:, cv2.CC_STAT_AREA] <= SPECK * stroke**2
    speck[0] = False
    return np.asarray(kept & ~speck[labels], np.bool_) if count > 1 and speck.any() else kept


def surroundings(grey: Image) -> Mask:
    """What lies around the sheet and is much darker than its paper (a table, a black cradle, the lid of a scanner), bool on the grid of `SHRINK`.

    Where even the lightest pixels within some 70 are darker than `DARK_AROUND` of the page's light paper there is no paper. Such a region counts if
    it touches the page's edge; a dark picture in the page does not.
    """
    import cv2

    closed, light = _lightest(grey)
    dark = np.asarray(closed < DARK_AROUND * light, np.uint8)
    count, labels = cv2.connectedComponents(dark, connectivity=4)
    touching = np.zeros(count, np.bool_)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touching[np.unique(edge)] = True
    touching[0] = False
    return np.asarray(touching[labels], np.bool_)


def _lightest(grey: Image) -> tuple[Image, float]:
    """The lightest pixels within some 70 of each, uint8 on the grid of `SHRINK`, and what of them is the page's light paper."""
    import cv2

    size = max(1, grey.shape[1] // SHRINK), max(1, grey.shape[0] // SHRINK)
    small = cv2.medianBlur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), 3)
    closed = np.asarray(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((2 * AROUND + 1,) * 2, np.uint8)), np.uint8)
    return closed, float(np.percentile(closed, 80))


def beyond_sheet(grey: Image, ink: Mask) -> Mask | None:
    """All that lies around a sheet with a sharp edge, bool (H, W); None where there is no such.

    It is the :func:`surroundings`, and with them what adjoins and is dimmer than `DIM_AROUND` of the page's light paper. They count where they take
    most of one side of the picture, where the sheet's edge is sharp, as few shadows' is, and where neither a line of writing lies in them nor as many
    pieces of ink as on the sheet.

    Parameters
    ----------
    grey : uint8 (H, W)
    ink : bool (H, W)
    """
    import cv2

    from docbin.straightening import text_lines

    seeds = surroundings(grey)
    if not seeds.any():
        return None
    closed, light = _lightest(grey)
    labels = cv2.connectedComponents(np.asarray(closed < DIM_AROUND * light, np.uint8), connectivity=4)[1]
    window = np.ones((2 * EDGE + 1,) * 2, np.uint8)
    sharp = cv2.erode(closed, window) <= SHARP * cv2.dilate(closed, window).astype(np.float32)
    regions = []
    for label in np.unique(labels[seeds]):
        region = labels == label
        edge = (cv2.dilate(np.asarray(region, np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~region
        sides = max(float(side.mean()) for side in (region[0], region[-1], region[:, 0], region[:, -1]))
        if edge.any() and sides >= SIDE and sharp[edge].mean() >= SHARP_PART:
            regions.append(region)
    if not regions:
        return None
    beyond = np.logical_or.reduce(regions)
    if beyond.mean() > MOST_AROUND:
        return None
    large = cv2.resize(np.asarray(beyond, np.uint8), (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_NEAREST) > 0
    if large.all() or ink[~large].mean() > 0.5:  # light letters on a dark page
        return None
    left, top, wide, high = letter_boxes(ink).T
    letters_inside = large[top + high // 2, left + wide // 2].sum() / large.mean()
    letters_outside = (~large[top + high // 2, left + wide // 2]).sum() / (1 - large.mean())
    if letters_inside > AS_DENSE * letters_outside:
        return None
    lines, height = text_lines(ink)
    written = 0
    for x, foot in lines:
        inside = large[np.clip(foot.astype(int) - 1, 0, ink.shape[0] - 1), np.clip(x.astype(int), 0, ink.shape[1] - 1)]
        off = foot - np.polynomial.Polynomial.fit(x, foot, 2)(x)
        if np.median(np.abs(off)) <= WRITTEN * height:
            written += int(inside.sum())
    if written > MOST_WRITTEN:
        return None
    return np.asarray(large, np.bool_)


def _without_outline(ink: Mask, beyond: Mask) -> Mask:
    """`ink` without what lies beyond the sheet, and without pieces that lie there or in the blur of its edge, which is narrower than a letter."""
    import cv2

    width = 2 * BLURRED + 1
    near = cv2.dilate(np.asarray(beyond, np.uint8), np.ones((width, width), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(ink, np.uint8), connectivity=8)
    inside = np.bincount(labels[near > 0], minlength=count)
    goes = inside >= 0.8 * stats[:, cv2.CC_STAT_AREA]
    goes[0] = False
    return np.asarray(ink & ~beyond & ~goes[labels], np.bool_)


def _beside_surroundings(ink: Mask, dark: Mask, stroke: float) -> Mask:
    """`ink` without what belongs to dark surroundings: pieces longer than writing, most of which lies in them or close beside.

    Pieces as small as words stay wherever they lie: what is taken for surroundings may be a page in deep shadow.
    """
    import cv2

    if not dark.any() or not ink.any():
        return ink
    near = cv2.dilate(np.asarray(dark, np.uint8), np.ones((2 * AROUND + 1,) * 2, np.uint8))
    near = cv2.resize(near, (ink.shape[1], ink.shape[0]), interpolation=cv2.INTER_NEAREST)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(ink, np.uint8), connectivity=8)
    inside = np.bincount(labels[near > 0], minlength=count)
    long = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) >= max(LONG * stroke, min(ink.shape) / 10)
    goes = long & (inside >= 0.5 * stats[:, cv2.CC_STAT_AREA])
    goes[0] = False
    return np.asarray(ink & ~goes[labels], np.bool_) if goes.any() else ink


def _border(ink: Mask, stroke: float) -> Mask:
    """What of the ink is a dark mass at the page's edge: thicker than `BORDER` strokes, and as long as a tenth of the page's shorter side."""
    import cv2

    thick = max(LEAST_BORDER, round(BORDER * stroke))
    none = np.zeros_like(ink)
    if min(ink.shape) < 3 * thick:
        return none
    square = np.ones((thick, thick), np.uint8)
    beyond = cv2.copyMakeBorder(np.asarray(ink, np.uint8), thick, thick, thick, thick, cv2.BORDER_CONSTANT, value=0)
    core = cv2.morphologyEx(beyond, cv2.MORPH_OPEN, square)[thick:-thick, thick:-thick]
    if not core.any():
        return none
    count, labels, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(core), connectivity=8)
    touching = np.zeros(count, np.bool_)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touching[np.unique(edge)] = True
    touching[0] = False
    touching &= stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) >= min(ink.shape) / 10
    if not touching.any():
        return none
    # The opening rounds no square corner, but a ragged edge keeps a fringe: what lies within half its thickness goes with it.
    mass = cv2.dilate(np.asarray(touching[labels], np.uint8), np.ones((thick // 2 * 2 + 1,) * 2, np.uint8))
    return np.asarray(ink & (mass > 0), np.bool_)
