"""Otsu's global threshold, and its extension to several classes.

N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on Systems, Man, and Cybernetics 9(1), 62-66, 1979,
doi:10.1109/TSMC.1979.4310076. The threshold t maximises the variance between the classes {grey <= t} and {grey > t}; ink is ``grey <= t``.

Conventions, because programs differ by one here: t is the last grey of the dark class; of several t that are equally good (the empty greys between
two peaks) the smallest is taken; a page of one grey has nothing to separate and gets t = 0, so only a wholly black page comes out as ink. These are
OpenCV's and Doxa's answers too. scikit-image agrees wherever two greys occur, and returns the grey itself where only one does. OpenCV skips
classes of less than 1.2e-7 of the page (a single pixel on 8.4 megapixels); this one does not.

The work is one pass that counts greys (pairs of pixels at a time) and one that compares; the search itself is 256 steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.errors import UsageError
from docbin.kernels import document
from docbin.page import FloatMap, Image, Mask, to_grey


def otsu_level(grey: Image) -> int:
    """Otsu's threshold of a grey page (uint8 (H, W)), 0..254: the last grey that is ink."""
    return document.otsu_level(document.histogram(grey))


def otsu_ink(image: Image) -> Mask:
    """Ink mask by Otsu's global threshold, bool (H, W)."""
    grey = to_grey(image)
    return np.asarray(grey <= np.uint8(otsu_level(grey)))


def otsu_threshold(image: Image) -> FloatMap:
    """Otsu's threshold as a constant map, float32 (H, W)."""
    grey = to_grey(image)
    return np.full(grey.shape, otsu_level(grey), np.float32)


def multi_otsu_levels(grey: Image, classes: int = 3) -> tuple[int, ...]:
    """The classes - 1 thresholds that together maximise the variance between `classes` classes of greys, ascending.

    The search is exact. Liao, Chen and Chung (2001) tabulate every class's share of the criterion and try all combinations; here the best
    division of the greys from g upwards into k classes is built from the best divisions into k - 1, which takes 256^2 steps a class
    instead of 256^(classes - 1). Among equally good divisions the one with the smallest first (then second, ...) threshold is taken.

    Parameters
    ----------
    grey : uint8 (H, W)
    classes : 2 to 16

    Returns
    -------
    Each class is (previous threshold, threshold]. A page of fewer greys than classes gets a class a grey, hence fewer thresholds; a page of
    one grey gets ``(0,)`` as in Otsu's own method.
    """
    counts = document.histogram(grey)
    (greys,) = np.nonzero(counts)
    classes = min(classes, len(greys))
    if classes <= 2:
        return (document.otsu_level(counts),)
    share = _class_shares(counts[greys], greys)
    last = len(greys) - 1
    # best[i]: the most that greys[i:] yield in the classes still to be made; cut[i]: the last grey of the first of those classes.
    best = share[:, last]
    cuts: list[NDArray[np.intp]] = []
    for _ in range(classes - 1):
        total = np.full_like(share, -np.inf)
        total[:, :last] = share[:, :last] + best[1:]
        cuts.append(total.argmax(axis=1))
        best = total.max(axis=1)
    levels, start = [], 0
    for cut in reversed(cuts):
        end = int(cut[start])
        levels.append(int(greys[end]))
        start = end + 1
    return tuple(levels)


def _class_shares(counts: NDArray[np.int64], greys: NDArray[np.intp]) -> NDArray[np.float64]:
    """What the class greys[i..j] adds to the criterion, P (mean - page's mean)^2, at [i, j]; -inf where j < i."""
    weight = counts / counts.sum()
    centred = greys - (weight * greys).sum()
    mass = np.concatenate([[0.0], np.cumsum(weight)])
    moment = np.concatenate([[0.0], np.cumsum(weight * centred)])
    own_mass = mass[None, 1:] - mass[:-1, None]
    own_moment = moment[None, 1:] - moment[:-1, None]
    upper = np.triu(np.ones_like(own_mass, dtype=bool))
    return np.where(upper, own_moment**2 / np.where(upper, own_mass, 1.0), -np.inf)


def _multi_otsu_level(grey: Image, classes: int, ink_classes: int) -> int:
    if ink_classes >= classes:
        raise UsageError(f"multi-otsu: ink_classes={ink_classes} of classes={classes} leaves no paper; take at most {classes - 1}")
    levels = multi_otsu_levels(grey, classes)
    return levels[min(ink_classes, len(levels)) - 1]


def multi_otsu_ink(image: Image, classes: int = 3, ink_classes: int = 1) -> Mask:
    """Ink mask by multi-level Otsu: the `ink_classes` darkest of `classes` classes are ink.

    With three classes, ``ink_classes=1`` keeps stains and bleed-through (the middle class) out, ``ink_classes=2`` counts faded writing in.

    Raises
    ------
    UsageError
        `ink_classes` is not below `classes`.
    """
    grey = to_grey(image)
    return np.asarray(grey <= np.uint8(_multi_otsu_level(grey, classes, ink_classes)))


def multi_otsu_threshold(image: Image, classes: int = 3, ink_classes: int = 1) -> FloatMap:
    """The threshold between ink and paper classes as a constant map, float32 (H, W)."""
    grey = to_grey(image)
    return np.full(grey.shape, _multi_otsu_level(grey, classes, ink_classes), np.float32)
