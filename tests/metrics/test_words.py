"""Scores of found words: areas against shapely, and each protocol on cases whose answer its published script gives (worked out by hand)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from docbin.metrics.polygons import area, shared_area
from docbin.metrics.words import PROTOCOLS, Counts, ctw1500, icdar2015, small_words, total, total_text


def box(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def numbers(counts: Counts) -> tuple[int, int, float, float]:
    return counts.found, counts.truths, counts.found_right, counts.truths_found


WORD = box(0, 0, 100, 10)


def test_areas_by_hand() -> None:
    assert area(WORD) == area(WORD[::-1]) == 1000
    assert shared_area(WORD, box(50, 5, 150, 15)) == pytest.approx(250)
    assert shared_area(WORD, box(100, 0, 120, 10)) == 0  # they touch
    assert shared_area(WORD, WORD) == pytest.approx(1000)
    diamond = np.array([[5, 0], [10, 5], [5, 10], [0, 5]], float)
    assert shared_area(diamond, box(0, 0, 5, 5)) == pytest.approx(12.5)
    arch = np.array([[0, 0], [9, 0], [9, 9], [6, 9], [6, 3], [3, 3], [3, 9], [0, 9]], float)
    assert shared_area(arch, box(0, 6, 9, 9)) == pytest.approx(18)  # its two legs
    bow_tie = np.array([[0, 0], [4, 4], [4, 0], [0, 4]], float)
    assert shared_area(bow_tie, box(0, 0, 4, 4)) == pytest.approx(8)


def test_shared_areas_equal_shapelys() -> None:
    shapely = pytest.importorskip("shapely.geometry")
    rng = np.random.default_rng(0)
    for _ in range(200):
        pair = []
        for _ in range(2):
            count = int(rng.integers(3, 12))
            angles = np.sort(rng.uniform(0, 2 * np.pi, count))
            pair.append(rng.uniform(2, 10, count)[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1) + rng.uniform(0, 8, 2))
        one, other = (shapely.Polygon(points) for points in pair)
        if one.is_valid and other.is_valid:
            assert shared_area(*pair) == pytest.approx(one.intersection(other).area, abs=1e-9)


def test_icdar_counts_an_overlap_above_a_half_and_no_other() -> None:
    assert numbers(icdar2015([box(0, 0, 51, 10)], [WORD], [False])) == (1, 1, 1, 1)
    assert numbers(icdar2015([box(0, 0, 50, 10)], [WORD], [False])) == (1, 1, 0, 0)  # exactly a half is not above


def test_icdar_matches_one_to_one_in_the_order_of_the_truth() -> None:
    """Two regions on one word: one is right, the other wrong. The first word takes the first region that fits, even where a better one follows."""
    assert numbers(icdar2015([WORD, WORD], [WORD], [False])) == (2, 1, 1, 1)
    near, exact = box(0, 0, 100, 9), WORD
    assert numbers(icdar2015([near, exact], [WORD, box(0, 0, 100, 9)], [False, False])) == (2, 2, 2, 2)
    # Both words fit the only region: the second word is missed.
    assert numbers(icdar2015([WORD], [WORD, box(0, 1, 100, 10)], [False, False])) == (1, 2, 1, 1)


def test_small_words_are_counted_apart() -> None:
    low, tall, leaning = WORD, box(0, 100, 100, 115), np.array([[200, 200], [260, 260], [255, 265], [195, 205]], float)  # 10, 15 and 7 high
    truth = [low, tall, leaning, box(0, 300, 100, 305)]
    assert small_words([low, tall], truth, [False, False, False, True]) == (2, 1)
    assert small_words([low, tall, leaning], truth, [False, False, False, False]) == (3, 2)
    assert small_words([low], [tall], [False]) == (0, 0)


def test_icdar_leaves_out_what_lies_in_dont_care_words() -> None:
    """More than half of the *region's* area decides, whatever its overlap with the word is."""
    inside = box(10, 0, 20, 10)
    assert numbers(icdar2015([inside], [WORD], [True])) == (0, 0, 0, 0)
    assert numbers(icdar2015([box(0, 0, 100, 20)], [WORD], [True])) == (1, 0, 0, 0)  # exactly a half is not above
    # A region inside a don't-care word is left out even if it would match a word.
    assert numbers(icdar2015([WORD], [WORD, box(0, 0, 200, 20)], [False, True])) == (0, 1, 0, 0)


def test_detevals_thresholds_are_of_word_and_region() -> None:
    assert numbers(total_text([box(0, 0, 71, 10)], [WORD], [False])) == (1, 1, 1, 1)
    assert numbers(total_text([box(0, 0, 70, 10)], [WORD], [False])) == (1, 1, 0, 0)  # 0.7 is not above 0.7
    assert numbers(total_text([box(0, 0, 100, 16)], [WORD], [False])) == (1, 1, 1, 1)  # 1000 / 1600 = 0.63 rounded
    assert numbers(total_text([box(0, 0, 100, 17)], [WORD], [False])) == (1, 1, 0, 0)


def test_deteval_gives_part_of_the_credit_for_parts() -> None:
    halves = [box(0, 0, 48, 10), box(52, 0, 100, 10)]
    assert numbers(total_text(halves, [WORD], [False])) == (2, 1, pytest.approx(1.6), pytest.approx(0.8))
    assert numbers(total_text([WORD], halves, [False, False])) == (1, 2, pytest.approx(0.8), pytest.approx(1.6))
    # Two regions touch the word, one alone would do: a whole match.
    assert numbers(total_text([box(0, 0, 80, 10), box(95, 0, 200, 10)], [WORD], [False])) == (2, 1, 1, 1)


def test_deteval_leaves_out_dont_care_words() -> None:
    assert numbers(total_text([box(10, 0, 20, 10), WORD + 200], [WORD, WORD + 200], [True, False])) == (1, 1, 1, 1)


def test_ctw_regions_claim_the_word_they_overlap_most() -> None:
    assert numbers(ctw1500([WORD, box(0, 0, 100, 9)], [WORD], [False])) == (2, 1, 1, 1)  # the second claim is wrong
    assert numbers(ctw1500([WORD], [WORD], [True])) == (0, 0, 0, 0)
    assert numbers(ctw1500([box(0, 0, 50, 10)], [WORD], [True])) == (1, 0, 0, 0)
    assert numbers(ctw1500([WORD], [], [])) == (1, 0, 0, 0)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_nothing_found_and_nothing_there(name: str) -> None:
    count = PROTOCOLS[name]
    assert numbers(count([], [], [])) == (0, 0, 0, 0)
    assert numbers(count([WORD], [], [])) == (1, 0, 0, 0)
    assert numbers(count([], [WORD, WORD + 50], [False, True])) == (0, 1, 0, 0)
    assert numbers(count([np.zeros((4, 2))], [WORD], [False])) == (1, 1, 0, 0)  # a region without area


def test_scores_are_of_the_sum_of_all_pictures() -> None:
    summed = total([Counts(4, 2, 2, 2), Counts(0, 2, 0, 0), Counts()])
    scores = summed.scores()
    assert (scores.precision, scores.recall, scores.f) == (50, 50, 50)
    assert Counts().scores().f == 100
    assert Counts(1, 0).scores().f == Counts(0, 1).scores().f == 0
    assert Counts(2, 4, 2, 2).scores().f == pytest.approx(200 / 3)
