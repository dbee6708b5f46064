"""Whole lines of pale writing off the ink: told, and a back, crumbs, or anything in the noise is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docbin.assessment import Signs, judge
from docbin.assessment.features import measure
from docbin.assessment.lost_lines import GRADES, INKED, LostLines, numbers_of, reaches, rows_lost, rows_of
from docbin.kernels.pieces import AREA, BOTTOM, LEFT, RIGHT, TOP, pieces
from tests.assessment.pages import text_page

PENCIL_ROWS = slice(312, 398)
"""Two of the fourteen lines of a page."""


def page_with(share: float, soft: float = 0.0, noise: float = 1.5) -> tuple[Signs, np.ndarray, np.ndarray]:
    """(page on which PENCIL_ROWS are of `share` of the others' contrast and blurred by `soft` pixels, its whole ink, the ink without those rows)."""
    grey, truth = text_page(3, noise=0)
    paper = np.broadcast_to(np.linspace(225, 200, grey.shape[1])[None, :], grey.shape)
    pale = paper - share * (paper - grey)
    if soft:
        pale = cv2.GaussianBlur(pale, (0, 0), soft)
    drawn = grey.astype(np.float64)
    drawn[PENCIL_ROWS] = pale[PENCIL_ROWS]
    drawn += np.random.default_rng(5).normal(0, noise, grey.shape)
    kept = truth.copy()
    kept[PENCIL_ROWS] = False
    return Signs(drawn.round().clip(0, 255).astype(np.uint8)), truth, kept


def counts(page: Signs, ink: np.ndarray) -> tuple[float, float]:
    found = measure(page, ink).counts
    return found["lost_lines"], found["lost_strokes"]


def test_two_lines_in_pencil_among_print_are_told_with_their_number() -> None:
    page, whole, kept = page_with(0.25)
    lines, strokes = counts(page, kept)
    assert lines >= 2
    assert strokes >= GRADES[0].strokes
    assert measure(page, kept).counts["lost_depth"] == pytest.approx(0.25, abs=0.08)
    said = judge(page, kept)
    assert said.grave
    assert any(reason.startswith("much that looks like writing was left out") for reason in said.reasons)
    assert counts(page, whole) == (0, 0)


def test_a_back_as_pale_is_not_told() -> None:
    page, _, kept = page_with(0.25, soft=2.0)
    assert counts(page, kept) == (0, 0)


def test_what_hardly_stands_out_of_the_noise_is_not_told() -> None:
    page, _, kept = page_with(0.25, noise=6.0)
    assert counts(page, kept) == (0, 0)


def lost_lines(table: np.ndarray, ink: np.ndarray, bits: np.ndarray, width: float, noise: float) -> LostLines:
    return numbers_of(rows_lost(table, ink, bits, width, noise))


def row(count: int, top: int = 20, high: int = 12, step: int = 16, slope: float = 0.5) -> np.ndarray:
    """A table of `count` strokes in a row, 100 levels deep."""
    left = 10 + step * np.arange(count)
    area = np.full(count, 3 * high)
    return np.stack(
        [
            area,
            left,
            np.full(count, top),
            left + 8,
            np.full(count, top + high),
            100 * area,
            np.full(count, 110),
            slope * 100 * area,
            area * 0 + 55,
        ],
        axis=1,
    ).astype(np.int64)


NOTHING = LostLines(0, 0, 0.0)


def test_a_row_has_strokes_enough_of_one_height_where_there_is_no_ink() -> None:
    bits, ink = np.zeros((101, 1003), np.uint8), row(9)

    def told(table: np.ndarray, bits: np.ndarray = bits) -> LostLines:
        return lost_lines(table, ink, bits, 3.0, 2.0)

    assert told(row(24)) == LostLines(1, 24, 100.0)
    assert told(row(19)) == NOTHING
    assert told(np.concatenate([row(12), row(8, top=60)])) == LostLines(2, 20, 100.0)
    assert told(np.concatenate([row(17), row(4, top=60)])) == NOTHING  # a word is a row from five strokes on
    assert told(row(24, step=40)) == NOTHING  # too far from each other
    ragged = row(24)
    ragged[::2, TOP] += 4
    ragged[::2, BOTTOM] -= 4
    ragged[1::2, BOTTOM] += 8
    assert told(ragged) == NOTHING
    read = bits.copy()
    read[24:30:2, 10:400:2] = 1
    assert read[::2, ::2].sum() * 4 > INKED * row(24)[:, AREA].sum()
    assert told(row(24), read) == NOTHING


def test_the_less_sharp_or_clear_the_rows_the_more_of_them_are_wanted() -> None:
    bits, ink = np.zeros((401, 423), np.uint8), row(9)
    many = np.concatenate([row(24, top=20 + 40 * line) for line in range(5)])
    assert lost_lines(row(24), ink, bits, 3.0, 8.0) == NOTHING  # 12 times the noise
    assert lost_lines(many, ink, bits, 3.0, 8.0) == LostLines(5, 120, 100.0)
    assert lost_lines(many, ink, bits, 3.0, 9.5) == NOTHING
    soft = row(24, slope=0.33)  # two thirds of the ink's
    assert lost_lines(soft, ink, bits, 3.0, 2.0) == LostLines(1, 24, 100.0)
    assert lost_lines(soft, np.concatenate([ink, ink, ink]), bits, 3.0, 2.0) == NOTHING  # a back, for the page has more ink of its own
    assert lost_lines(row(24, slope=0.25), ink, bits, 3.0, 2.0) == NOTHING


def rows_by_pairs(strokes: np.ndarray, shape: tuple[int, int]) -> list[set[int]]:
    """The twin of :func:`rows_of`: every two strokes whose reaches overlap or touch along a side are joined, until nothing changes."""
    limits = np.array([shape[0] // 2, shape[1] // 2, shape[0] // 2, shape[1] // 2])
    boxes = np.minimum(reaches(strokes), limits)
    groups = [{index} for index in range(len(boxes))]

    def meet(one: np.ndarray, other: np.ndarray) -> bool:
        apart = [
            max(one[low], other[low]) - min(one[low + 2], other[low + 2]) for low in (0, 1)
        ]  # 0: they share a row; 1: next to each other
        return sorted(apart)[0] <= 0 and max(apart) <= 1

    for first in range(len(boxes)):
        for second in range(first):
            if meet(boxes[first], boxes[second]):
                ours, theirs = (next(group for group in groups if index in group) for index in (first, second))
                if ours is not theirs:
                    ours |= theirs
                    groups.remove(theirs)
    return groups


@pytest.mark.parametrize("shape", [(1, 1), (40, 61), (97, 200), (300, 301)])
def test_rows_are_those_of_the_twin_and_count_their_ink(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape[1])
    bits = (rng.random(shape) < 0.1).astype(np.uint8)
    for count in (1, 7, 60):
        strokes = np.zeros((count, 9), np.int64)
        strokes[:, TOP], strokes[:, LEFT] = rng.integers(0, shape[0], count), rng.integers(0, shape[1], count)
        strokes[:, BOTTOM] = np.minimum(shape[0], strokes[:, TOP] + rng.integers(1, 30, count))
        strokes[:, RIGHT] = np.minimum(shape[1], strokes[:, LEFT] + rng.integers(1, 30, count))
        found, inked = rows_of(strokes, bits)
        assert sorted(map(sorted, (np.flatnonzero(found == line).tolist() for line in np.unique(found)))) == sorted(
            map(sorted, rows_by_pairs(strokes, shape))
        )
        drawn = np.zeros(shape, bool)
        for top, left, bottom, right in reaches(strokes):
            drawn[2 * top : 2 * bottom + 1 : 2, 2 * left : 2 * right + 1 : 2] = True
        assert inked[1:].sum() == 4 * np.count_nonzero(drawn & (bits > 0))


def test_a_page_without_pieces_off_the_ink_has_none() -> None:
    assert lost_lines(pieces(np.zeros((30, 30), np.uint8)), row(9), np.zeros((30, 30), np.uint8), 3.0, 1.0) == LostLines(0, 0, 0.0)
