"""``-m auto``: the default method first; where its verdict is low, methods of other kinds, and the best verdict wins.

No method is good for all pages (the ICDAR 2021 contest on time-quality binarization says so of sixty). Most pages need no second method, so most
cost what the default costs and a verdict. The others tried are cheap beside a network and fail on other pages than it does: Su's keeps strokes of
high contrast, Wolf's follows shade, Otsu's is right where the page is even. A challenger must be better by a margin, for verdicts err.

(It is a row of the table like any other, ``docbin.binarize(page, "auto")``, and stands above the table because it runs other rows of it.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docbin import catalogue
from docbin.page import Image, Mask, to_grey

if TYPE_CHECKING:
    from docbin.assessment import Quality

CHALLENGERS = ("su", "wolf", "otsu")
"""Tried in this order, the cheapest first, where the default's verdict is low."""
ENOUGH = 0.75
"""Expected F-measure with which the default's result is taken without another look. This and MARGIN are the best of 30 pairs on the held-out
verdicts of the training pages, degraded and as they are: 0.28 points of F-measure better than the default alone, on 16 of 369 parts another
method."""
MARGIN = 0.05
"""By so much must a challenger's expected F-measure exceed the best before it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a page.

    Attributes
    ----------
    method : the name of the method that won
    ink : its result, bool (H, W)
    quality : the verdict on it
    verdicts : expected F-measure, 0..1, of every method tried, in order
    """

    method: str
    ink: Mask
    quality: Quality
    verdicts: dict[str, float] = field(default_factory=dict)


def in_doubt(value: float, enough: float = ENOUGH) -> bool:
    """Whether the default's result is worth a second look: its expected F-measure, 0..1, is low."""
    return value < enough


def choose(image: Image, enough: float = ENOUGH) -> Choice:
    """The method with the best verdict for a page, and its ink.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3), dark writing on light paper
    enough : expected F-measure, 0..1, with which the default's result is taken without another look
    """
    from docbin.assessment import Signs, judge

    page = Signs(to_grey(image))
    ink = catalogue.get(catalogue.DEFAULT).binarize(image)
    best = Choice(catalogue.DEFAULT, ink, judge(page, ink))
    verdicts = {best.method: best.quality.value}
    if in_doubt(best.quality.value, enough):
        for name in CHALLENGERS:
            ink = catalogue.get(name).binarize(image)
            quality = judge(page, ink)
            verdicts[name] = quality.value
            if quality.value > best.quality.value + MARGIN:
                best = Choice(name, ink, quality)
    return Choice(best.method, best.ink, best.quality, verdicts)


def ink(image: Image, enough: float = ENOUGH) -> Mask:
    """The ink of :func:`choose`: the function of the table's row."""
    return choose(image, enough).ink
