"""Areas of polygons: equal to a loop over all pairs, and to shapely where it is there."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.metrics.polygons import area, overlaps, shared_area


def quads(rng: np.random.Generator, count: int, spread: float) -> list[np.ndarray]:
    """Convex quadrilaterals of words, turned a little."""
    made = []
    for _ in range(count):
        wide, tall, turn = rng.uniform(10, 80), rng.uniform(8, 25), rng.uniform(-0.4, 0.4)
        corners = np.array([[0, 0], [wide, rng.uniform(-3, 3)], [wide, tall], [0, tall]]) @ np.array(
            [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
        )
        made.append(corners + rng.uniform(0, spread, 2))
    return made


@pytest.mark.parametrize(("spread", "counts"), [(80, (12, 9)), (900, (30, 25)), (400, (1, 7)), (50, (0, 3)), (50, (3, 0)), (50, (0, 0))])
def test_pairs_that_are_passed_over_share_nothing(spread: float, counts: tuple[int, int]) -> None:
    rng = np.random.default_rng(int(spread))
    found, truth = quads(rng, counts[0], spread), quads(rng, counts[1], spread)
    shared, of_truth, of_found = overlaps(found, truth)
    looped = np.array([[shared_area(one, other) for other in found] for one in truth]).reshape(len(truth), len(found))
    assert shared.shape == looped.shape
    assert np.array_equal(shared, looped)
    assert of_truth.tolist() == [area(one) for one in truth]
    assert of_found.tolist() == [area(one) for one in found]


def test_boxes_that_touch_only_share_nothing() -> None:
    one = np.array([[0.0, 0], [10, 0], [10, 10], [0, 10]])
    shared, _, _ = overlaps([one, one + np.array([10, 0]), one + 5], [one])
    assert shared.tolist() == [[100.0, 0.0, 25.0]]


def test_shapely_says_the_same() -> None:
    geometry = pytest.importorskip("shapely.geometry")
    rng = np.random.default_rng(3)
    found, truth = quads(rng, 15, 120), quads(rng, 15, 120)
    shared, _, _ = overlaps(found, truth)
    outside = [[geometry.Polygon(one).intersection(geometry.Polygon(other)).area for other in found] for one in truth]
    assert np.count_nonzero(shared) > 20
    assert shared == pytest.approx(np.array(outside), abs=1e-6)
