"""Results spoiled on purpose: what goes wrong with an ink, done to a good one, so that a verdict without a truth (:mod:`docbin.assessment`) can be
taught and tested on failures of every kind and size.

Every function takes (rng, grey, ink, share) and returns a new ink: grey uint8 (H, W), ink bool (H, W) with at least one pixel; `share` 0..1 says how
much of the ink is lost or spoiled, or how much is added, measured in the ink there was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.page import Image, Mask

Spoil = Callable[[Generator, Image, Mask, float], Mask]


def lines_lost(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Neighbouring rows, over the whole width or the half of it, have lost their ink."""
    width = ink.shape[1]
    left, right = (0, width) if rng.random() < 0.6 else sorted(int(x) for x in rng.choice([0, width // 2, width], 2, replace=False))
    by_row = np.cumsum(ink[:, left:right].sum(axis=1))
    wanted = min(share * ink.sum(), by_row[-1])
    before = rng.uniform(0, by_row[-1] - wanted)
    top, bottom = np.searchsorted(by_row, [before, before + wanted])
    spoiled = ink.copy()
    spoiled[top : bottom + 1, left:right] = False
    return spoiled


def words_lost(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Words here and there are gone."""
    labels, count = _words(ink)
    return _without(ink, labels, rng.permutation(np.arange(1, count)), share)


def letters_lost(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Single pieces of ink here and there are gone."""
    import cv2

    count, labels = cv2.connectedComponents(ink.view(np.uint8), connectivity=8)
    return _without(ink, labels, rng.permutation(np.arange(1, count)), share)


def faint_lost(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """The palest words are gone."""
    labels, count = _words(ink)
    at = np.flatnonzero(ink)
    owner = labels.ravel()[at]
    mean = np.bincount(owner, grey.ravel()[at], minlength=count) / np.maximum(np.bincount(owner, minlength=count), 1)
    return _without(ink, labels, 1 + np.argsort(-mean[1:]), share)


def place_lost(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """A rectangle of the page, grown until it held so much, is empty."""
    height, width = ink.shape
    y, x = (int(place[rng.integers(len(place))]) for place in np.nonzero(ink))
    spoiled = ink
    for grown in np.geomspace(0.03, 1.0, 14):
        spoiled = ink.copy()
        spoiled[max(0, int(y - grown * height)) : int(y + grown * height), max(0, int(x - grown * width)) : int(x + grown * width)] = False
        if spoiled.sum() <= (1 - share) * ink.sum():
            break
    return spoiled


def thinned(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Strokes are thinner: their lightest pixels at the edge are gone."""
    import cv2

    steps = 1 if share < 0.4 else 2
    inside = cv2.erode(ink.view(np.uint8), np.ones((3, 3), np.uint8), iterations=steps).view(np.bool_)
    edge = ink & ~inside
    return ink & ~_part(rng, grey, edge, min(1.0, 2 * share), lightest=True)


def thickened(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Strokes are thicker: the darkest pixels around them have become ink."""
    import cv2

    steps = 1 if share < 0.4 else 2
    around = cv2.dilate(ink.view(np.uint8), np.ones((3, 3), np.uint8), iterations=steps).view(np.bool_) & ~ink
    return ink | _part(rng, grey, around, min(1.0, 2 * share), lightest=False)


def threshold_moved(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """One threshold for the page, too low or too high."""
    import cv2

    usual = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]
    return np.asarray(grey <= usual + (1 if rng.random() < 0.5 else -1) * share * 90)


def broken(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Strokes are cut by gaps of a few pixels."""
    import cv2

    gaps = np.zeros(ink.shape, np.uint8)
    at = np.argwhere(ink)
    for y, x in at[rng.integers(len(at), size=max(1, int(share * len(at) / 25)))]:
        cv2.circle(gaps, (int(x), int(y)), int(rng.integers(1, 4)), 1, -1)
    return np.asarray(ink & (gaps == 0))


def grown_together(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """What lies near each other has become one."""
    import cv2

    side = 3 + 2 * round(4 * share)
    return np.asarray(cv2.morphologyEx(ink.view(np.uint8), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)), np.uint8).view(np.bool_)


def specks(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Specks of a few pixels, over the page or a part of it."""
    import cv2

    grain = rng.random(ink.shape, dtype=np.float32)
    if rng.random() < 0.5:
        grain = cv2.GaussianBlur(grain, (0, 0), float(rng.uniform(0.6, 1.3)))
    grain[~_region(rng, ink.shape)] = 0
    wanted = min(0.3, share * ink.mean())
    return np.asarray(ink | (grain > np.quantile(grain, 1 - wanted)))


def noise_kept(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """A part of the page holds all that is a little darker than its surroundings, as Niblack's method leaves it."""
    import cv2

    mean = cv2.blur(grey, (31, 31))
    return np.asarray(ink | (_region(rng, ink.shape) & (grey < mean - np.float32(2 + 12 * (1 - share)))))


def writing_added(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Strokes where the page has none: the ink mirrored, as of a back that was kept."""
    other = ink[:, ::-1] if rng.random() < 0.7 else ink[::-1]
    other = np.roll(other, (int(rng.integers(-40, 40)), int(rng.integers(-40, 40))), (0, 1))
    labels, count = _words(other)
    kept = other & ~_without(other, labels, rng.permutation(np.arange(1, count)), share)
    return ink | kept


def border_kept(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """A black margin at one to four sides."""
    height, width = ink.shape
    spoiled = ink.copy()
    for side in rng.permutation(4)[: rng.integers(1, 5)]:
        thick = int(1 + share * rng.uniform(0.02, 0.2) * (height if side < 2 else width))
        view = (spoiled[:thick], spoiled[-thick:], spoiled[:, :thick], spoiled[:, -thick:])[side]
        view[:] = True
    return spoiled


def blots(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Large black patches with uneven edges, as stains and pictures leave."""
    import cv2

    field = cv2.resize(rng.random((6, 6), dtype=np.float32), (ink.shape[1], ink.shape[0]), interpolation=cv2.INTER_CUBIC)
    field += rng.normal(0, 0.04, ink.shape).astype(np.float32)
    return np.asarray(ink | (field > np.quantile(field, 1 - min(0.5, share * max(ink.mean(), 0.03)))))


def halftone(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """A rectangle of printed dots."""
    height, width = ink.shape
    step = float(rng.uniform(4, 9))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    dots = np.sin(2 * np.pi * (x + y) / step) + np.sin(2 * np.pi * (x - y) / step)
    side = float(np.clip(share**0.5, 0.15, 0.8))
    top, left = int(rng.uniform(0, 1 - side) * height), int(rng.uniform(0, 1 - side) * width)
    inside = np.zeros(ink.shape, np.bool_)
    inside[top : top + int(side * height), left : left + int(side * width)] = True
    return np.asarray(ink | (inside & (dots > rng.uniform(-0.5, 1.0))))


def inverted(rng: Generator, grey: Image, ink: Mask, share: float) -> Mask:
    """Paper for ink, over all of the page or a part of it."""
    return np.asarray(ink ^ (_region(rng, ink.shape) if share < 0.4 else np.True_))


SPOILS: Mapping[str, Spoil] = {
    spoil.__name__: spoil
    for spoil in (
        lines_lost, words_lost, letters_lost, faint_lost, place_lost, thinned, thickened, threshold_moved, broken, grown_together, specks, noise_kept,
        writing_added, border_kept, blots, halftone, inverted,
    )
}  # fmt: skip
"""Every failure by name."""

LOSSES = ("lines_lost", "words_lost", "letters_lost", "faint_lost", "place_lost")
"""Those that take writing away and leave the rest alone."""


def _words(ink: Mask) -> tuple[NDArray[np.int32], int]:
    """Labels of the ink's words: what a closing as wide as letters are apart joins; and their number, 0 (none) counted."""
    import cv2

    joined = cv2.morphologyEx(ink.view(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 17), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    return np.asarray(labels, np.int32), count


def _without(ink: Mask, labels: NDArray[np.int32], order: NDArray[np.int64], share: float) -> Mask:
    """`ink` without pieces in `order`, until `share` of it is gone."""
    areas = np.bincount(labels[ink], minlength=len(order) + 1)
    gone = np.zeros(len(order) + 1, np.bool_)
    gone[order[: 1 + int(np.searchsorted(np.cumsum(areas[order]), share * ink.sum()))]] = True
    gone[0] = False
    return np.asarray(ink & ~gone[labels])


def _part(rng: Generator, grey: Image, of: Mask, share: float, lightest: bool) -> Mask:
    """The lightest or darkest share of the pixels of a mask."""
    if not of.any() or share >= 1:
        return of
    level = np.quantile(grey[of], 1 - share if lightest else share)
    return np.asarray(of & ((grey >= level) if lightest else (grey <= level)))


def _region(rng: Generator, shape: tuple[int, int]) -> Mask:
    """All of a page, or a part with a soft outline."""
    import cv2

    if rng.random() < 0.4:
        return np.ones(shape, np.bool_)
    field = cv2.resize(rng.random((4, 4), dtype=np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field > np.quantile(field, rng.uniform(0.3, 0.85)))
