"""Small letters: a page with twice the pixels a side, on which ink is decided anew.

Letters lower than a dozen pixels hold more than one bit a pixel can tell: their strokes are a pixel or two wide, and an edge is half of what there
is of them; so do letters of up to 20 pixels where they are blurred, faded or noisy, as on receipts. A page of bits then reads worse by machine than
the page it came from. So the page is enlarged (cubic, Keys, IEEE TASSP 29(6), 1981, and smoothed a little, for between the pixels of a noisy page
lies nothing but noise), and ink is decided on the finer grid, where the greys between pixels become edges; a page that is binarized and then doubled
has only larger stairs.

Where ink is, the method says: of one with a probability map the logits are enlarged. Letters lower than a dozen pixels are too small for it to see
well, so there it runs on the enlarged page, too, and the mean of both logits counts: alone, the network on the page as it is misses strokes of a
pixel's width, and on the enlarged page it takes magnified noise for strokes. Where exactly a stroke ends, the page's greys say
(:func:`edges_by_greys`): beside and in the network's ink what is darker than a little more than halfway between the paper and the ink around is
ink, the network's certainty shifting the limit. On soft pages of larger letters depths are sharpened before, for blur fills the narrow counters of
an 8 or an e, and the dot of a dotted zero runs into its ring. Measured by what Tesseract reads:
docs/experiments/2026-11-29-clean-pages-and-small-letters.md.

Whether letters are small is measured on the ink of the page as it is (:func:`are_small`). Pages of larger letters gain nothing and are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from docbin.errors import UsageError
from docbin.kernels.paper import paper_level
from docbin.page import FloatMap, Image, Mask, to_grey

if TYPE_CHECKING:
    from docbin.catalogue import Method

CHOICES = ("auto", "1", "2")
"""What a user may ask for: look, as it is, twice the pixels a side."""
SMALL = 12.0
"""Pixels; letters lower than this are small. Of letters the median counts, of which some have ascenders and some not."""
SMALL_IF_SOFT = 20.0
"""Pixels; letters lower than this are small on a page whose ink is soft."""
CRISP = 0.8
"""Evenness of ink (:func:`evenness`) from which it is not soft: 0.87 on sharp scans and rendered pages, at most 0.73 on faded or noisy ones."""
FEWEST = 40
"""Letters that the height is measured on, at the least."""
LARGEST = 100_000_000
"""Pixels of a page that is still enlarged; the result is the largest page that docbin reads."""

SMOOTH = 0.8
"""Standard deviation in pixels of the finer grid by which the enlarged page is smoothed; less than half a pixel of the page."""
LEAST = 2e-3
"""Probabilities count from this to 1 less this: their logits are averaged, and those of 0 and 1 are infinite."""
SIDE = 3
"""Pixels from ink, on the finer grid, within which greys may add to it: a stroke's own edge, not its neighbour."""
AROUND = 41
"""Side of the window in which ink's darkness is averaged, pixels of the finer grid; one or two letters."""
HALFWAY = 0.6
"""Depth below the paper from which a pixel is ink, as a share of the ink around; more than half, for ink's mean holds its pale edges, too."""
SHARPEN, BLUR = 3.0, 4.0
"""On soft pages so many times the difference between a pixel's depth and that around it is added; around is by a Gaussian of this deviation, pixels
of the finer grid: more than a pixel or two of blur on the page, less than a letter."""
HALFWAY_SHARP = 0.5
"""`HALFWAY` of sharpened depths, of which the mean of ink holds fewer pale edges."""
CERTAINTY = 0.3
"""By how much less the depth may be where the method is certain of ink than where it is certain of paper."""


@dataclass(frozen=True, slots=True)
class OnGrid:
    """Ink on the grid that fits its letters.

    Attributes
    ----------
    ink : bool (H, W), True = ink
    probability : of ink, float32 (H, W); None where the method has none
    page : uint8 (H, W) or (H, W, 3), the page that both are of, dark on light
    scale : 1, or 2 where all of these have twice the pixels a side of the page that was given
    soft : whether the page was enlarged for its soft ink, and not for letters lower than `SMALL`
    """

    ink: Mask
    probability: FloatMap | None
    page: Image
    scale: int
    soft: bool = False


def letter_boxes(ink: Mask) -> NDArray[np.int32]:
    """Boxes of the letters of a page: left, top, width and height of each, int32 (letters, 4).

    Letters are 8-connected pieces of a letter's proportions, at least four pixels high and not higher than a quarter of the page.

    Parameters
    ----------
    ink : bool (H, W)
    """
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(ink, np.uint8), connectivity=8)
    width, height, area = (stats[1:, column] for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    letters = (height >= 4) & (width >= 2) & (area > 6) & (width < 20 * height) & (height < 8 * width) & (4 * height < ink.shape[0])
    return np.asarray(stats[1:][letters][:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]], np.int32)


def median_height(boxes: NDArray[np.int32]) -> float | None:
    """Median height in pixels of letters of these boxes (:func:`letter_boxes`); None where there are fewer than `FEWEST`.

    Each counts by its width: so words whose letters touch count as several, and neither full stops nor the dust of a bad threshold outnumber the
    writing.
    """
    if len(boxes) < FEWEST:
        return None
    width, height = boxes[:, 2], boxes[:, 3]
    order = np.argsort(height, kind="stable")
    counted = np.cumsum(width[order])
    return float(height[order][np.searchsorted(counted, counted[-1] / 2)])


def letter_height(ink: Mask) -> float | None:
    """Median height of the letters of a page, bool (H, W), in pixels; None where there are too few. See :func:`median_height`."""
    return median_height(letter_boxes(ink))


def evenness(image: Image, ink: Mask) -> float:
    """Mean depth of ink below the paper as a share of that of its darkest twentieth: 1 where ink is of one grey; blur, noise and fading lower it.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3), the page that the ink is of, dark on light
    ink : bool (H, W)
    """
    if not ink.any():
        return 1.0
    grey = to_grey(image)
    depth = 1 - grey[ink] / paper_level(grey, ink)[ink]
    return float(depth.mean() / max(np.percentile(depth, 95), 1e-6))


def are_small(height: float | None, image: Image, ink: Mask) -> bool:
    """Whether the letters of a page, `height` pixels high (:func:`letter_height`), gain by twice the pixels a side."""
    if height is None or height >= SMALL_IF_SOFT:
        return False
    return height < SMALL or evenness(image, ink) < CRISP


def doubled(image: Image) -> Image:
    """The page with twice the pixels a side, uint8 (2 H, 2 W) or (2 H, 2 W, 3), cubic, not smoothed."""
    import cv2

    return np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


def edges_by_greys(ink: Mask, image: Image, probability: FloatMap, soft: bool = False) -> Mask:
    """Ink whose edges lie where the page's greys are halfway from paper to ink, bool (H, W).

    Parameters
    ----------
    ink : bool (H, W); nothing further than `SIDE` from it becomes ink
    image : uint8 (H, W) or (H, W, 3), the page that the ink is of, dark on light
    probability : of ink, float32 (H, W)
    soft : sharpen depths first; helps where letters are soft and not lower than `SMALL`, and costs lower ones their thin strokes
    """
    import cv2

    if not ink.any():
        return ink
    grey = to_grey(image)
    near = cv2.dilate(np.asarray(ink, np.uint8), np.ones((2 * SIDE + 1,) * 2, np.uint8)) > 0
    depth = 1 - grey / paper_level(grey, ink)
    if soft:
        depth += SHARPEN * (depth - cv2.GaussianBlur(depth, (0, 0), BLUR))
    window = (AROUND, AROUND)
    dark, share = cv2.blur(np.where(ink, depth, np.float32(0)), window), cv2.blur(np.asarray(ink, np.float32), window)
    least = ((HALFWAY_SHARP if soft else HALFWAY) + CERTAINTY / 2) - np.float32(CERTAINTY) * probability
    return np.asarray(near & (depth * share > least * dark) & (depth > 0), np.bool_)


def ink_of(row: Method, image: Image, enlarge: str | int, **params: Any) -> tuple[Mask, Image, int]:
    """Ink by a row of :mod:`docbin.catalogue` on the fitting grid: mask, the page that it is of, and the scale; see :func:`on_fitting_grid`.

    On the enlarged page the ink of a method with a probability map gets its edges from the greys (:func:`edges_by_greys`).
    """
    if check(enlarge) == "1":
        return row.binarize(image, **params), image, 1
    found = by_row(row, image, enlarge, **params)
    if found.scale == 1 or found.probability is None:
        return found.ink, found.page, found.scale
    return edges_by_greys(found.ink, found.page, found.probability, found.soft), found.page, found.scale


def check(enlarge: str | int) -> str:
    """One of `CHOICES`, from what a caller gave; UsageError for anything else."""
    if str(enlarge) not in CHOICES:
        raise UsageError(f"enlarge {enlarge!r}: choose one of {', '.join(CHOICES)}")
    return str(enlarge)


def by_row(row: Method, image: Image, enlarge: str | int, **params: Any) -> OnGrid:
    """:func:`on_fitting_grid` by a row of :mod:`docbin.catalogue` and its parameters."""
    limit = float(row.parse(params).get("threshold", 0.5)) if row.probability is not None else 0.5
    return on_fitting_grid(image, enlarge, lambda page: row.ink_with_probability(page, **params), limit)


def on_fitting_grid(image: Image, enlarge: str | int, run: Callable[[Image], tuple[Mask, FloatMap | None]], limit: float = 0.5) -> OnGrid:
    """Run a method on the page, or decide its ink on the enlarged page.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3), dark on light
    enlarge : "1", "2", or "auto" for 2 where the letters of the ink :func:`are_small`; pages above `LARGEST` stay as they are with "auto"
    run : page -> ink, and its probability or None; called again with the enlarged page where that is needed
    limit : probability from which a pixel is ink

    Raises
    ------
    UsageError
        Another word for `enlarge`.
    """
    import cv2

    asked = check(enlarge)
    ink, probability = run(image)
    if asked == "1" or (asked == "auto" and image.shape[0] * image.shape[1] > LARGEST):
        return OnGrid(ink, probability, image, 1)
    height = letter_height(ink)
    if asked == "auto" and not are_small(height, image, ink):
        return OnGrid(ink, probability, image, 1)
    large = doubled(image)
    smooth = np.asarray(cv2.GaussianBlur(large, (0, 0), SMOOTH), np.uint8)
    if probability is None:
        return OnGrid(run(large)[0], None, smooth, 2)  # a threshold finds the edges of sharp strokes better
    size = large.shape[1], large.shape[0]
    logits = cv2.resize(_logits(ink, probability, limit), size, interpolation=cv2.INTER_CUBIC)
    if height is None or height < SMALL:
        finer_ink, finer = run(large)
        assert finer is not None  # it was not on the page as it is
        logits += _logits(finer_ink, finer, limit)
        logits /= 2
    finer = np.asarray(1 / (1 + np.exp(-logits)), np.float32)
    soft = height is not None and height >= SMALL and are_small(height, image, ink)
    return OnGrid(np.asarray(finer >= limit, np.bool_), finer, smooth, 2, soft)


def _logits(ink: Mask, probability: FloatMap, limit: float) -> FloatMap:
    """Logits of a probability map, float32 (H, W); lowest where the map still shows ink that the method has taken away (strokes of the back)."""
    import cv2

    clipped = np.clip(probability, np.float32(LEAST), np.float32(1 - LEAST))
    taken = (probability >= limit) & ~ink
    if taken.any():
        around = cv2.dilate(np.asarray(taken, np.uint8), np.ones((2 * SIDE + 1,) * 2, np.uint8)) > 0
        clipped[around & ~ink] = LEAST
    return np.asarray(np.log(clipped / (1 - clipped)), np.float32)
