"""``-m auto``: the default method first; where a verdict is low, or a page crisp, others are looked at, and one may be taken.

No method is good for all pages (the ICDAR 2021 contest on time-quality binarization says so of sixty), but a verdict without a truth errs, and errs
most where a page is strange. On 484 parts of pages whose sets were held out from the verdicts, the best verdict of four methods loses half a point
in the mean and 50 points on pages with pencil beside print: the cheap methods agree there, and all of them miss the pencil. And where a scan has a
black frame or a table's edge, they keep it and are believed. Two choices can be told:

* *Results that are nearly the same.* Where a page is crisp (text of screens, drawn PDFs), Otsu's is looked at, which follows its edges best, and
  taken where it covers the default's ink, holds little more, and has the better verdict.
* *A default that kept what is no writing*: a dense back, fine waves under the print. Its verdict is low, and a cheap method's result takes away from
  its ink, adds nothing, gives no reason to look at it again, and is judged clearly better. What keeps a frame adds; what loses pencil gives a reason.

(It is a row of the table like any other, ``docbin.binarize(page, "auto")``, and stands above the table because it runs other rows of it.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from docbin import catalogue
from docbin.page import Image, Mask, to_grey

if TYPE_CHECKING:
    from docbin.assessment import Quality, Signs

CHALLENGERS = ("otsu",)
"""Tried after the default on crisp pages. Su's and Wolf's results lose on labelled sets by the same rule."""
CLEARERS = ("otsu", "wolf", "su")
"""Tried after a default whose verdict is low: thresholds of three kinds, together a thirtieth of its time."""
ENOUGH = 0.97
"""Expected F-measure, 0..1, with which the default's result is taken without another look."""
CRISP = 0.88
"""Share of the depths' variance between two classes (:attr:`docbin.assessment.signs.Signs.parted`) from which a page is crisp: one threshold parts
it."""
COVERED = 0.9
"""Share of the default's ink that a challenger must hold. From 0.88 on down, a labelled set loses."""
LARGER = 1.15
"""Most ink that a challenger may hold, over the default's."""
POOR = 0.8
"""Expected F-measure of the default, 0..1, below which a result that clears it is looked for."""
GAIN = 0.1
"""By how much such a result must be judged better, 0..1."""
INSIDE = 0.85
"""Share of such a result that must lie in the default's ink. Where it keeps a black frame, half lies there."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a page.

    Attributes
    ----------
    method : the name of the method that won
    ink : its result, bool (H, W)
    quality : the verdict on it
    verdicts : expected F-measure, 0..1, of the default and of every result that might have replaced it, in order
    """

    method: str
    ink: Mask
    quality: Quality
    verdicts: dict[str, float] = field(default_factory=dict)


def resembles(ink: Mask, default: Mask) -> bool:
    """Whether a challenger's ink is nearly that of the default, both bool (H, W)."""
    held, covered = np.count_nonzero(default), np.count_nonzero(default & ink)
    return bool(covered >= COVERED * held and np.count_nonzero(ink) <= LARGER * held)


def clears(ink: Mask, default: Mask) -> bool:
    """Whether a challenger's ink is the default's with a part taken away, both bool (H, W)."""
    size, held = np.count_nonzero(ink), np.count_nonzero(default)
    return bool(size <= held and np.count_nonzero(default & ink) >= INSIDE * size)


def challengers(page: Signs, its: Quality, enough: float = ENOUGH) -> tuple[str, ...]:
    """The methods to try after the default, whose result is judged `its`."""
    if its.value >= enough:
        return ()
    crisp, poor = page.parted >= CRISP, its.value < POOR
    return tuple(dict.fromkeys((*(CHALLENGERS if crisp else ()), *(CLEARERS if poor else ()))))


def margin(page: Signs, name: str, ink: Mask, default: Mask, its: Quality) -> float | None:
    """By how much a challenger's ink, bool (H, W), must be judged better than the default's to be taken, 0..1; None: it cannot be. `its`: the verdict
    on the default."""
    if name in CHALLENGERS and page.parted >= CRISP and resembles(ink, default):
        return 0.0
    return GAIN if name in CLEARERS and its.value < POOR and clears(ink, default) else None


def beats(quality: Quality, its: Quality, by: float) -> bool:
    """Whether a challenger that is judged `quality` is to be taken for the default, judged `its`; `by`: its :func:`margin`."""
    return quality.value > its.value and quality.value >= its.value + by and not (by and quality.suspect)


def choose(image: Image, enough: float = ENOUGH, second_look: bool = True) -> Choice:
    """The method taken for a page, and its ink.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3), dark writing on light paper
    enough : expected F-measure, 0..1, with which the default's result is taken without another look
    second_look : lines that the default lost are looked at again, where the verdict tells of them (:mod:`docbin.second_look`)
    """
    from docbin.assessment import Signs, judge
    from docbin.second_look import judged

    grey, row = to_grey(image), catalogue.get(catalogue.DEFAULT)
    page, once = Signs(grey), row.binarize(image)
    default, verdict = judged(page, grey, once, row.binarize if second_look else None)
    best = first = Choice(catalogue.DEFAULT, default, verdict)
    verdicts = {first.method: first.quality.value}
    if default is not once:  # the others lose such lines
        return Choice(first.method, default, verdict, verdicts)
    for name in challengers(page, first.quality, enough):
        ink = catalogue.get(name).binarize(image)
        by = margin(page, name, ink, default, first.quality)
        if by is not None:
            quality = judge(page, ink)
            verdicts[name] = quality.value
            if quality.value > best.quality.value and beats(quality, first.quality, by):
                best = Choice(name, ink, quality)
    return Choice(best.method, best.ink, best.quality, verdicts)


def ink(image: Image, enough: float = ENOUGH) -> Mask:
    """The ink of :func:`choose`: the function of the table's row."""
    return choose(image, enough).ink


def ink_once(image: Image, enough: float = ENOUGH) -> Mask:
    """The same without a second look."""
    return choose(image, enough, second_look=False).ink
