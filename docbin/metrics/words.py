"""Scores of text detection: which found regions are words of the truth.

Three ways of counting are in use, each that of a benchmark's own script:

``icdar2015`` : ICDAR 2015 Incidental Scene Text (Karatzas et al., ICDAR 2015); also used for MSRA-TD500 and, with polygons, in most tables. A
    found region more than half of whose area lies in one word marked don't-care is not counted. Going through the truth in order, a word takes the
    first region that is still free and with which its intersection over union is above 0.5.
``total-text`` : Total-Text's DetEval (Ch'ng and Chan, ICDAR 2017; Wolf and Jolion, IJDAR 8, 2006), thresholds 0.7 of the word's and 0.6 of the
    region's area, both rounded to hundredths. One word found in several parts, or several words in one region, earns 0.8 a piece.
``ctw1500`` : Curve-Text-Detector's (Liu et al., Pattern Recognition 90, 2019), that of the PASCAL VOC contest: each region claims the word with
    which it overlaps most, if by more than 0.5; a word claimed before makes the region wrong, a don't-care word makes it uncounted.

All are pure functions, split into *update* (a picture -> :class:`Counts`) and *compute* (the sum of counts -> :class:`WordScores`), because a set's
precision is that of all its regions together and not a mean over pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from docbin.metrics.polygons import Floats, overlaps


@dataclass(frozen=True, slots=True)
class Counts:
    """What a picture adds: regions and words that count, and the credit that each side earned."""

    found: int = 0
    truths: int = 0
    found_right: float = 0.0
    truths_found: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.found + other.found,
            self.truths + other.truths,
            self.found_right + other.found_right,
            self.truths_found + other.truths_found,
        )

    def scores(self) -> WordScores:
        """Precision, recall and F in percent; without any word and any region all are 100, else a share of nothing is 0."""
        if not self.found and not self.truths:
            return WordScores(100.0, 100.0, 100.0)
        precision = 100 * self.found_right / self.found if self.found else 0.0
        recall = 100 * self.truths_found / self.truths if self.truths else 0.0
        return WordScores(precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0)


SMALL = 15.0
"""A word is small where the shorter side of the smallest rectangle around it is below this, pixels of the picture."""


def small_words(found: Sequence[ArrayLike], truth: Sequence[ArrayLike], ignore: Sequence[bool], below: float = SMALL) -> tuple[int, int]:
    """(words smaller than `below` that count, how many of them are found), matched by ICDAR 2015's rules whatever the benchmark's.

    What a detector misses is small writing for the most part, and a recall of all words does not tell.
    """
    import cv2

    small = [
        not left_out and min(cv2.minAreaRect(np.asarray(word, np.float32).reshape(-1, 2))[1]) < below
        for word, left_out in zip(truth, ignore, strict=True)
    ]
    if not any(small):
        return 0, 0
    words = match_icdar2015(found, truth, ignore).words
    return sum(small), sum(is_small and region >= 0 for is_small, region in zip(small, words, strict=True))


@dataclass(frozen=True, slots=True)
class WordScores:
    """Precision, recall and their harmonic mean, percent."""

    precision: float
    recall: float
    f: float

    def as_dict(self) -> dict[str, float]:
        """The fields as plain data."""
        return asdict(self)


def total(counts: Iterable[Counts]) -> Counts:
    """The counts of several pictures together."""
    return sum(counts, Counts())


def _arrays(polygons: Sequence[ArrayLike]) -> list[Floats]:
    return [np.asarray(polygon, np.float64).reshape(-1, 2) for polygon in polygons]


@dataclass(frozen=True, slots=True)
class Matching:
    """Who is who in a picture.

    Attributes
    ----------
    words : for every word of the truth the region that it took, -1 for none
    counted : for every region whether it counts; False where it lies in a don't-care word
    """

    words: tuple[int, ...]
    counted: tuple[bool, ...]


def match_icdar2015(
    found: Sequence[ArrayLike], truth: Sequence[ArrayLike], ignore: Sequence[bool], least: float = 0.5, most_ignored: float = 0.5
) -> Matching:
    """Which region each word takes by ICDAR 2015's rules.

    Parameters
    ----------
    found, truth : outlines (n, 2), x, y
    ignore : for every word of the truth, whether it is don't-care
    least : a match has an intersection over union above this
    most_ignored : a region is left out if more than this share of it lies in a don't-care word
    """
    shared, of_truth, of_found = overlaps(_arrays(found), _arrays(truth))
    left_out = np.asarray(ignore, bool)
    counted = ~_inside(shared[left_out], of_found, most_ignored)
    together = of_truth[:, None] + of_found[None, :] - shared
    near = np.divide(shared, together, out=np.zeros_like(shared), where=together > 0) > least
    free, words = counted.copy(), [-1] * len(truth)
    for word in np.nonzero(~left_out)[0].tolist():
        fitting = np.nonzero(near[word] & free)[0]
        if len(fitting):
            words[word] = int(fitting[0])
            free[fitting[0]] = False
    return Matching(tuple(words), tuple(counted.tolist()))


def icdar2015(found: Sequence[ArrayLike], truth: Sequence[ArrayLike], ignore: Sequence[bool]) -> Counts:
    """Counts of a picture by ICDAR 2015's rules; parameters as in :func:`match_icdar2015`."""
    matching = match_icdar2015(found, truth, ignore)
    matched = sum(region >= 0 for region in matching.words)
    return Counts(sum(matching.counted), len(truth) - sum(map(bool, ignore)), matched, matched)


def _inside(shared: Floats, of_found: Floats, most: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which regions lie with more than the share `most` in one of the words whose shared areas these are."""
    shares = np.divide(shared, of_found[None, :], out=np.zeros_like(shared), where=of_found[None, :] > 0)
    return np.asarray((shares > most).any(0))


def ctw1500(found: Sequence[ArrayLike], truth: Sequence[ArrayLike], ignore: Sequence[bool], least: float = 0.5) -> Counts:
    """Counts of a picture by CTW1500's rules; parameters as in :func:`match_icdar2015`."""
    shared, of_truth, of_found = overlaps(_arrays(found), _arrays(truth))
    left_out = np.asarray(ignore, bool)
    matched: set[int] = set()
    counted = len(found)
    together = of_truth[:, None] + of_found[None, :] - shared
    ratio = np.divide(shared, together, out=np.zeros_like(shared), where=together > 0)
    for region in range(len(found) if len(truth) else 0):
        word = int(np.argmax(ratio[:, region]))
        if ratio[word, region] > least:
            if left_out[word]:
                counted -= 1
            else:
                matched.add(word)
    return Counts(counted, int((~left_out).sum()), len(matched), len(matched))


WORD_SHARE, REGION_SHARE, IN_PARTS = 0.7, 0.6, 0.8
"""DetEval's thresholds of recall and precision, and what a match in parts earns."""


def total_text(found: Sequence[ArrayLike], truth: Sequence[ArrayLike], ignore: Sequence[bool]) -> Counts:
    """Counts of a picture by Total-Text's DetEval; parameters as in :func:`match_icdar2015`.

    The order of the three passes, and that the third asks 0.6 and not 0.7 of a word's area, are those of the published script.
    """
    shared, of_truth, of_found = overlaps(_arrays(found), _arrays(truth))
    left_out = np.asarray(ignore, bool)
    kept = ~_inside(shared[left_out], of_found, 0.5)
    shared, of_truth, of_found = shared[~left_out][:, kept], of_truth[~left_out], of_found[kept]
    words, regions = shared.shape
    of_word = np.round(np.divide(shared, of_truth[:, None], out=np.zeros_like(shared), where=of_truth[:, None] > 0), 2)
    of_region = np.round(np.divide(shared, of_found[None, :], out=np.zeros_like(shared), where=of_found[None, :] > 0), 2)
    word_free, region_free = np.ones(words, bool), np.ones(regions, bool)
    earned = np.zeros(2)  # by words, by regions
    for word in range(words):
        large = np.nonzero(of_word[word] > WORD_SHARE)[0]
        if len(large) == 1 and np.count_nonzero(of_region[word] > REGION_SHARE) == 1:
            word_free[word] = region_free[large] = False
            earned += 1
    for word in np.nonzero(word_free)[0].tolist():  # one word in several regions
        if np.count_nonzero(of_word[word] > 0) < 2:
            continue
        parts = np.nonzero((of_region[word] >= REGION_SHARE) & region_free)[0]
        if len(parts) == 1 and of_word[word, parts[0]] >= WORD_SHARE:
            earned += 1
        elif len(parts) != 1 and of_word[word, parts].sum() >= WORD_SHARE:
            earned += IN_PARTS, IN_PARTS * len(parts)
        else:
            continue
        word_free[word] = region_free[parts] = False
    for region in np.nonzero(region_free)[0].tolist():  # several words in one region
        if np.count_nonzero(of_region[:, region] > 0) < 2:
            continue
        parts = np.nonzero((of_word[:, region] >= REGION_SHARE) & word_free)[0]
        if len(parts) == 1 and of_region[parts[0], region] >= REGION_SHARE and of_word[parts[0], region] >= WORD_SHARE:
            earned += 1
        elif len(parts) != 1 and of_region[parts, region].sum() >= REGION_SHARE:
            earned += IN_PARTS * len(parts), IN_PARTS
        else:
            continue
        region_free[region] = word_free[parts] = False
    return Counts(regions, words, float(earned[1]), float(earned[0]))


PROTOCOLS: Mapping[str, Callable[[Sequence[ArrayLike], Sequence[ArrayLike], Sequence[bool]], Counts]] = {
    "icdar2015": icdar2015,
    "total-text": total_text,
    "ctw1500": ctw1500,
}
"""Name in a benchmark's descriptor -> the counting."""
