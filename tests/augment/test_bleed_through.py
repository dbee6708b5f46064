"""The back of the page: never as dark as the front's ink, as varied as on real pages, and over empty paper too."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator

from docbin.augment.bleed_through import DARKEST, DARKEST_ALONE, bleed_through, verso_only
from docbin.page import Image, Mask

PAPER, INK = 200, 60


def front(ink: int = INK) -> tuple[Image, Mask]:
    """Three separate thick strokes above, three below, on flat paper."""
    truth = np.zeros((120, 120), bool)
    for row in (20, 30, 40, 80, 90, 100):
        truth[row : row + 4, 20:100] = True
    return np.where(truth, ink, PAPER).astype(np.uint8)[..., None].repeat(3, axis=2), truth


def strokes(rng: Generator, shape: tuple[int, int]) -> tuple[Image, Mask]:
    """The back: upright bars in black."""
    truth = np.zeros(shape, bool)
    truth[:, 5::12] = truth[:, 6::12] = truth[:, 7::12] = True
    return np.where(truth, 10, 230).astype(np.uint8)[..., None].repeat(3, axis=2), truth


def nothing(rng: Generator, shape: tuple[int, int]) -> tuple[Image, Mask]:
    return np.full((*shape, 3), 230, np.uint8), np.zeros(shape, bool)


def depths(image: Image, truth: Mask, ink: int) -> float:
    """Contrast of the darkest paper pixel, as a share of the ink's."""
    return (PAPER - float(image[~truth].min())) / (PAPER - ink)


@pytest.mark.parametrize("ink", [20, 60, 150])
@pytest.mark.parametrize("function", [bleed_through, verso_only])
def test_the_back_stays_paler_than_the_front_and_is_of_every_strength(function: object, ink: int) -> None:
    image, truth = front(ink)
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        through, left = function(rng, image, truth, float(rng.uniform(0.05, 1)), strokes)  # type: ignore[operator]
        found.append(depths(through, left, ink))
        if function is bleed_through:
            assert left is truth
    rounding = 1 / (PAPER - ink)
    assert max(found) < DARKEST + rounding
    assert max(found) > 0.45
    assert min(found) < 0.25
    assert np.std(found) > 0.1


def test_over_empty_paper_the_back_is_pale() -> None:
    image, truth = np.full((100, 100, 3), PAPER, np.uint8), np.zeros((100, 100), bool)
    for seed in range(20):
        through, left = bleed_through(np.random.default_rng(seed), image, truth, 1.0, strokes)
        assert not left.any()
        assert 2 < PAPER - int(through.min()) < 0.3 * DARKEST_ALONE * PAPER + 2


def test_the_front_goes_by_whole_strokes_and_leaves_paper() -> None:
    image, truth = front()
    rng = np.random.default_rng(0)
    image = (image + rng.integers(-3, 4, image.shape)).astype(np.uint8)
    emptied = 0
    for seed in range(20):
        seen, left = verso_only(np.random.default_rng(seed), image, truth, 1.0, nothing)
        assert not (left & ~truth).any()
        for row in (20, 30, 40, 80, 90, 100):
            stroke = left[row : row + 4, 20:100]
            assert stroke.all() or not stroke.any()
        gone = truth & ~left
        if gone.any():
            assert abs(float(seen[gone].mean()) - PAPER) < 2
            assert 1 < seen[gone].std() < 4, "paper has grain"
        np.testing.assert_array_equal(seen[left], image[left])
        emptied += not left.any()
    assert 2 < emptied < 15


def test_the_back_shows_where_the_front_was_taken_off() -> None:
    image, truth = front()
    shown = 0
    for seed in range(12):
        seen, left = verso_only(np.random.default_rng(seed), image, truth, 1.0, strokes)
        gone = truth & ~left
        shown += bool(gone.any()) and PAPER - int(seen[gone].min()) > 0.15 * (PAPER - INK)
    assert shown >= 6


def test_the_back_is_of_other_sizes_and_may_end_within_the_piece() -> None:
    image, truth = np.full((100, 100, 3), PAPER, np.uint8), np.zeros((100, 100), bool)
    asked: set[tuple[int, int]] = set()
    ends = 0

    def measured(rng: Generator, shape: tuple[int, int]) -> tuple[Image, Mask]:
        asked.add(shape)
        return strokes(rng, shape)

    for seed in range(40):
        through, _ = bleed_through(np.random.default_rng(seed), image, truth, 1.0, measured)
        dark = through[..., 0] < PAPER - 3
        ends += any(not half.any() for half in (dark[:20], dark[-20:], dark[:, :20], dark[:, -20:]))
    assert len(asked) > 10
    assert min(height for height, _ in asked) < 70
    assert max(height for height, _ in asked) > 140
    assert 4 < ends < 30


def test_the_back_of_a_grey_page_is_grey() -> None:
    image, truth = front()
    for seed in range(10):
        through, _ = bleed_through(np.random.default_rng(seed), image, truth, 1.0, strokes)
        assert (through[..., 0] == through[..., 2]).all()
