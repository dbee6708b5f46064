"""``-m auto``: the default method first; where another result resembles it and its verdict is better, the other is taken.

No method is good for all pages (the ICDAR 2021 contest on time-quality binarization says so of sixty), but a verdict without a truth errs, and errs
most where a page is strange. On 484 parts of pages whose sets were held out from the verdicts, the best verdict of four methods loses half a point
in the mean and 50 points on pages with pencil beside print: the cheap methods agree there, and all of them miss the pencil. What can be told is the
choice between results that are nearly the same. So where a page is crisp (text of screens, drawn PDFs), Otsu's is looked at, which follows its edges
best, and taken where it covers the default's ink, holds little more, and has the better verdict: 26 of the 484 parts, 22 of them better by more
than a point, none worse by as much; drawn pages gain 0.6 points in the mean, up to 18, and no labelled set loses. (Looked at on every page it was
taken on 34, 2 of them worse, and on 2 of 69 pages of the test years, 3 points worse on each.)

(It is a row of the table like any other, ``docbin.binarize(page, "auto")``, and stands above the table because it runs other rows of it.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from docbin import catalogue
from docbin.page import Image, Mask, to_grey

if TYPE_CHECKING:
    from docbin.assessment import Quality

CHALLENGERS = ("otsu",)
"""Tried after the default. Su's and Wolf's results lose on labelled sets by the same rule."""
ENOUGH = 0.97
"""Expected F-measure, 0..1, with which the default's result is taken without another look."""
CRISP = 0.88
"""Share of the depths' variance between two classes (:attr:`docbin.assessment.Signs.parted`) from which a page is crisp: one threshold parts it."""
COVERED = 0.9
"""Share of the default's ink that a challenger must hold. From 0.88 on down, a labelled set loses."""
LARGER = 1.15
"""Most ink that a challenger may hold, over the default's."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a page.

    Attributes
    ----------
    method : the name of the method that won
    ink : its result, bool (H, W)
    quality : the verdict on it
    verdicts : expected F-measure, 0..1, of the default and of every result like it, in order
    """

    method: str
    ink: Mask
    quality: Quality
    verdicts: dict[str, float] = field(default_factory=dict)


def resembles(ink: Mask, default: Mask) -> bool:
    """Whether a challenger's ink is nearly that of the default, both bool (H, W)."""
    held, covered = np.count_nonzero(default), np.count_nonzero(default & ink)
    return bool(covered >= COVERED * held and np.count_nonzero(ink) <= LARGER * held)


def choose(image: Image, enough: float = ENOUGH) -> Choice:
    """The method taken for a page, and its ink.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3), dark writing on light paper
    enough : expected F-measure, 0..1, with which the default's result is taken without another look
    """
    from docbin.assessment import Signs, judge

    page = Signs(to_grey(image))
    default = catalogue.get(catalogue.DEFAULT).binarize(image)
    best = Choice(catalogue.DEFAULT, default, judge(page, default))
    verdicts = {best.method: best.quality.value}
    if page.parted >= CRISP and best.quality.value < enough:
        for name in CHALLENGERS:
            ink = catalogue.get(name).binarize(image)
            if resembles(ink, default):
                quality = judge(page, ink)
                verdicts[name] = quality.value
                if quality.value > best.quality.value:
                    best = Choice(name, ink, quality)
    return Choice(best.method, best.ink, best.quality, verdicts)


def ink(image: Image, enough: float = ENOUGH) -> Mask:
    """The ink of :func:`choose`: the function of the table's row."""
    return choose(image, enough).ink
