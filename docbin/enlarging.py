"""Small letters: a page with twice the pixels a side, on which ink is decided anew.

Letters lower than a dozen pixels hold more than one bit a pixel can tell: their strokes are a pixel or two wide, and an edge is half of what there
is of them. A page of bits then reads worse by machine than the page it came from. So the page is enlarged first (cubic, Keys, IEEE TASSP 29(6),
1981) and the method runs on the finer grid, where the greys between pixels become edges; a page that is binarized and then doubled has only larger
stairs. Measured on five stained pages with letters of 8 pixels, character error of `bitunet`'s ink: as it is 8.0 percent, its bits doubled 18.3, its
logits enlarged 6.5, the network on the enlarged page 2.3 (the page as it came 11.6).

Whether letters are small is measured on the ink of the page as it is (:func:`letter_height`). Pages of larger letters gain nothing, cost four times
as much and are left alone: receipts read worse when they were doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from docbin.errors import UsageError
from docbin.page import Image, Mask

CHOICES = ("auto", "1", "2")
"""What a user may ask for: look, as it is, twice the pixels a side."""
SMALL = 12.0
"""Pixels; letters lower than this are small. Of letters the median counts, of which some have ascenders and some not."""
FEWEST = 40
"""Letters that the height is measured on, at the least."""
LARGEST = 100_000_000
"""Pixels of a page that is still enlarged; the result is the largest page that docbin reads."""

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
