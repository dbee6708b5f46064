"""Truth for detectors: offsets by their formula, thresholds against a slow twin, what is not judged."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("shapely")

from docbin.data.detection_targets import PAPER, TargetRules, distance_to, draw, offsets, short_side, threshold_of
from docbin.word import Polygon, Word


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def test_offsets_move_by_area_over_perimeter() -> None:
    inner, outer, distance = offsets(box(10, 10, 110, 40), 0.4)
    assert distance == pytest.approx(100 * 30 * 0.84 / 260)
    assert inner is not None
    assert outer is not None
    assert sorted({round(float(x), 3) for x in inner[:, 0]}) == pytest.approx([10 + distance, 110 - distance], abs=2e-3)
    assert outer[:, 1].min() == pytest.approx(10 - distance, abs=1e-4)
    assert offsets(box(5, 5, 5, 20), 0.4) == (None, None, 0.0)


def test_the_kernel_covers_the_shrunken_outline() -> None:
    truth = draw([Word(box(10, 10, 110, 40))], 60, 140)
    distance = 100 * 30 * 0.84 / 260  # 9.69
    rows, columns = np.nonzero(truth[..., 0])
    assert (columns.min(), columns.max()) == (19, 100)  # 19.69 and 100.31, each pixel that the line touches
    assert (rows.min(), rows.max()) == (19, 30)
    assert truth[..., 0].sum() == pytest.approx((100 - 2 * distance) * (30 - 2 * distance), rel=0.15)
    assert truth[..., 1].all()


def test_thresholds_equal_a_slow_twin() -> None:
    outline = np.array([[20, 15], [80, 25], [76, 50], [18, 38]], np.float32)
    truth = draw([Word(outline)], 70, 100)
    _, outer, distance = offsets(outline, 0.4)
    assert outer is not None
    from shapely.geometry import Point
    from shapely.geometry import Polygon as Shape

    band, edge = Shape(outer), Shape(outline).exterior
    thresholds = threshold_of(truth[..., 2])
    seen = 0
    for row in range(70):
        for column in range(100):
            middle = Point(column + 0.5, row + 0.5)
            if band.exterior.distance(middle) < 1:  # pixels that the outer line may touch
                continue
            inside = band.contains(middle)
            assert (truth[row, column, 2] > 0) == inside
            if inside:
                seen += 1
                wanted = 0.3 + 0.4 * max(0.0, 1 - edge.distance(middle) / distance)
                near = 0.002 if Shape(outline).buffer(-distance).exterior.distance(middle) > 1 else 0.06
                assert thresholds[row, column] == pytest.approx(wanted, abs=near)
    assert seen > 1000
    assert thresholds.max() == pytest.approx(0.7, abs=0.03)


def test_distance_to_the_nearest_side_by_hand() -> None:
    points = np.array([[0, 0], [5, 5], [12, 5], [-3, -4]], np.float32)
    assert distance_to(points, box(0, 0, 10, 10)).tolist() == pytest.approx([0, 5, 2, 5])


@pytest.mark.parametrize(
    "word",
    [
        Word(box(10, 10, 60, 30), "###", ignore=True),
        Word(box(10, 10, 60, 17)),  # 7 pixels high: too small
        Word(box(10, 10, 60, 10)),  # no area
    ],
)
def test_what_cannot_be_asked_for_is_not_judged(word: Word) -> None:
    truth = draw([word, Word(box(70, 10, 120, 30))], 40, 130)
    alone = draw([Word(box(70, 10, 120, 30))], 40, 130)
    assert np.array_equal(truth[..., 0], alone[..., 0])
    assert np.array_equal(truth[..., 2], alone[..., 2])
    assert not truth[10, 11:59, 1].any()
    assert truth[:, 70:, 1].all()


def test_a_word_cut_off_keeps_the_part_of_its_kernel_that_is_there() -> None:
    whole, part = draw([Word(box(10, 10, 110, 40))], 60, 140), draw([Word(box(-40, 10, 60, 40))], 60, 90)
    assert np.array_equal(whole[:, 50:, :], part)
    outside = draw([Word(box(-200, 10, -100, 40))], 60, 90)
    assert outside[..., 0].sum() == outside[..., 2].sum() == 0
    assert outside[..., 1].all()


def test_where_bands_meet_the_larger_threshold_stands() -> None:
    two = [Word(box(10, 10, 60, 30)), Word(box(62, 10, 112, 30))]
    both = draw(two, 40, 130)[..., 2]
    assert np.array_equal(both, np.maximum(draw(two[:1], 40, 130)[..., 2], draw(two[1:], 40, 130)[..., 2]))


def test_an_outline_that_crosses_itself_counts_as_its_largest_part() -> None:
    bow = np.array([[0, 0], [40, 40], [40, 0], [0, 60]], np.float32)
    inner, _, _ = offsets(bow, 0.4)
    assert inner is not None
    assert draw([Word(bow)], 70, 50)[..., 0].any()


def test_pictures_without_words_are_all_judged() -> None:
    truth = draw([], 5, 7)
    assert truth.shape == (5, 7, 3)
    assert truth[..., 1].all()
    assert truth[..., (0, 2)].sum() == 0


def test_short_sides_follow_the_word_however_it_lies() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]], np.float32)
    assert short_side(box(0, 0, 50, 8) @ turn.T) == pytest.approx(8, abs=1e-3)
    assert TargetRules() == PAPER
