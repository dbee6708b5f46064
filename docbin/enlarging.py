"""Small letters: a page with twice the pixels a side, on which ink is decided anew.

Letters lower than a dozen pixels hold more than one bit a pixel can tell: their strokes are a pixel or two wide, and an edge is half of what there
is of them. A page of bits then reads worse by machine than the page it came from. So the page is enlarged first (cubic, Keys, IEEE TASSP 29(6),
1981) and the method runs on the finer grid, where the greys between pixels become edges; a page that is binarized and then doubled has only larger
stairs. Measured on five stained pages with letters of 8 pixels, character error of `bitunet`'s ink: as it is 8.0 percent, its bits doubled 18.3, its
logits enlarged 6.5, the network on the enlarged page 2.3 (the page as it came 11.6).

A network cuts small strokes where they are pale. So on the finer grid the page's greys have a say, too (:func:`with_dark_sides`): beside ink, what
is darker than halfway between paper and the ink around is ink, unless the network is sure that it is none. On a rendered receipt, blurred and noisy,
that took 8.3 percent to 4.6, on a court paper of 100 dpi 1.2 to 0.7; on the stained pages it changed nothing.

Whether letters are small is measured on the ink of the page as it is (:func:`letter_height`). Pages of larger letters gain nothing, cost four times
as much and are left alone: receipts read worse when they were doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from docbin.errors import UsageError
from docbin.kernels.paper import paper_level
from docbin.page import FloatMap, Image, Mask, to_grey

if TYPE_CHECKING:
    from docbin.catalogue import Method

CHOICES = ("auto", "1", "2")
"""What a user may ask for: look, as it is, twice the pixels a side."""
SMALL = 12.0
"""Pixels; letters lower than this are small. Of letters the median counts, of which some have ascenders and some not."""
FEWEST = 40
"""Letters that the height is measured on, at the least."""
LARGEST = 100_000_000
"""Pixels of a page that is still enlarged; the result is the largest page that docbin reads."""

SIDE = 3
"""Pixels from ink, on the finer grid, within which greys may add to it: a stroke's own edge, not its neighbour."""
AROUND = 41
"""Side of the window in which ink's darkness is averaged, pixels of the finer grid; one or two letters."""
HALFWAY = 0.55
"""Depth below the paper from which a pixel is ink, as a share of the ink around; a little more than half, for ink's mean holds edges, too."""
SURE_PAPER = 0.03
"""Probability of ink below which a pixel stays paper whatever its grey."""

Answer = TypeVar("Answer")


def letter_height(ink: Mask) -> float | None:
    """Median height of the letters in pixels; None where there are fewer than `FEWEST`.

    Letters are 8-connected pieces of a letter's proportions, at least four pixels high and not higher than a quarter of the page. Each counts by its
    width: so words whose letters touch count as several, and neither full stops nor the dust of a bad threshold outnumber the writing.

    Parameters
    ----------
    ink : bool (H, W)
    """
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(ink, np.uint8), connectivity=8)
    width, height, area = (stats[1:, column] for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    letters = (height >= 4) & (width >= 2) & (area > 6) & (width < 20 * height) & (height < 8 * width) & (4 * height < ink.shape[0])
    if np.count_nonzero(letters) < FEWEST:
        return None
    width, height = width[letters], height[letters]
    order = np.argsort(height, kind="stable")
    counted = np.cumsum(width[order])
    return float(height[order][np.searchsorted(counted, counted[-1] / 2)])


def doubled(image: Image) -> Image:
    """The page with twice the pixels a side, uint8 (2 H, 2 W) or (2 H, 2 W, 3), cubic."""
    import cv2

    return np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


def with_dark_sides(ink: Mask, image: Image, probability: FloatMap) -> Mask:
    """`ink` and the pixels beside it that are as dark as ink is, bool (H, W).

    Parameters
    ----------
    ink : bool (H, W)
    image : uint8 (H, W) or (H, W, 3), the page that the ink is of, dark on light
    probability : of ink, float32 (H, W)
    """
    import cv2

    if not ink.any():
        return ink
    grey = to_grey(image)
    near = (cv2.dilate(np.asarray(ink, np.uint8), np.ones((2 * SIDE + 1,) * 2, np.uint8)) > 0) & (probability >= SURE_PAPER) & ~ink
    depth = 1 - grey / paper_level(grey, ink)
    window = (AROUND, AROUND)
    dark, share = cv2.blur(np.where(ink, depth, np.float32(0)), window), cv2.blur(np.asarray(ink, np.float32), window)
    return np.asarray(ink | (near & (depth * share >= HALFWAY * dark) & (depth > 0)), np.bool_)


def ink_of(row: Method, image: Image, enlarge: str | int, **params: Any) -> tuple[Mask, Image, int]:
    """Ink by a row of :mod:`docbin.catalogue` on the fitting grid: mask, the page that it is of, and the scale; see :func:`on_fitting_grid`.

    On the enlarged page a method with a probability map gets :func:`with_dark_sides`.
    """
    both = check(enlarge) != "1" and row.probability is not None

    def run(page: Image) -> tuple[Mask, FloatMap | None]:
        return row.ink_with_probability(page, **params) if both else (row.binarize(page, **params), None)

    (mask, probability), seen, scale = on_fitting_grid(image, enlarge, run, itemgetter(0))
    if scale > 1 and probability is not None:
        mask = with_dark_sides(mask, seen, probability)
    return mask, seen, scale


def check(enlarge: str | int) -> str:
    """One of `CHOICES`, from what a caller gave; UsageError for anything else."""
    if str(enlarge) not in CHOICES:
        raise UsageError(f"enlarge {enlarge!r}: choose one of {', '.join(CHOICES)}")
    return str(enlarge)


def on_fitting_grid(
    image: Image, enlarge: str | int, run: Callable[[Image], Answer], ink_of: Callable[[Answer], Mask]
) -> tuple[Answer, Image, int]:
    """Run a method on the page or on the enlarged page.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3), dark on light
    enlarge : "1", "2", or "auto" for 2 where the letters of the ink are lower than `SMALL`; pages above `LARGEST` stay as they are with "auto"
    run : page -> answer; with "auto" called twice where letters are small
    ink_of : answer -> its ink, bool

    Returns
    -------
    answer, the page that it is of, and its scale, 1 or 2

    Raises
    ------
    UsageError
        Another word.
    """
    asked = check(enlarge)
    if asked != "2":
        answer = run(image)
        if asked == "1" or image.shape[0] * image.shape[1] > LARGEST:
            return answer, image, 1
        height = letter_height(ink_of(answer))
        if height is None or height >= SMALL:
            return answer, image, 1
    large = doubled(image)
    return run(large), large, 2
