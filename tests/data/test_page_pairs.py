"""Pairs from page to page: pure functions of (seed, index), what is wanted exact."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.data.page_pairs import Maker, PagePairs, Watermarked, blurred, clean_page, cleaned
from docbin.page import Image, Mask, to_grey
from docbin.synth.fonts import BUILT_IN
from docbin.synth.watermark import watermark

MAKERS: dict[str, Maker] = {"clean-up": cleaned, "deblurring": blurred, "watermark": Watermarked((BUILT_IN,))}


class Strokes:
    def crop(self, index: int) -> tuple[Image, Mask]:
        rng = np.random.default_rng(index)
        truth = np.zeros((64, 64), bool)
        for row, column in rng.integers(0, 50, (12, 2)):
            truth[row : row + 3, column : column + 12] = True
        grey = np.where(truth, 60, 215)[..., None] + rng.normal(0, 3, (64, 64, 3))
        return grey.clip(0, 255).astype(np.uint8), truth


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_pair_depends_on_seed_and_index_alone(name: str) -> None:
    first, second = (PagePairs(Strokes(), MAKERS[name], seed=3) for _ in range(2))
    later = [first.crop(index) for index in range(4)][3]
    again = second.crop(3)
    for one, two in zip(later, again, strict=True):
        assert np.array_equal(one, two)
    came, wanted = again
    assert came.shape == (64, 64, 3)
    assert wanted.shape == ((64, 64, 3) if name == "watermark" else (64, 64))
    assert came.dtype == wanted.dtype == np.uint8
    if name != "clean-up":  # its maker draws nothing
        others = [PagePairs(Strokes(), MAKERS[name], seed).crop(3)[0] for seed in range(4, 8)]
        assert any(not np.array_equal(other, came) for other in others)


def test_a_clean_page_is_its_truth_in_black_on_white() -> None:
    image, truth = Strokes().crop(0)
    assert np.array_equal(clean_page(truth, 0), np.where(truth, 0, 255))
    soft = clean_page(truth)
    assert ((soft < 128) == truth).mean() > 0.995
    assert 0 < ((soft > 20) & (soft < 235)).mean() < 0.5
    assert (clean_page(np.zeros((5, 5), bool)) == 255).all()
    assert (clean_page(np.ones((5, 5), bool)) == 0).all()
    came, wanted = cleaned(np.random.default_rng(0), image, truth)
    assert came is image
    assert np.array_equal(wanted, soft)


def test_blurred_pairs_want_the_crop_and_come_less_sharp() -> None:
    crops = Strokes()
    sharpness = []
    for index in range(12):
        image, _ = crops.crop(index)
        came, wanted = PagePairs(crops, blurred).crop(index)
        assert np.array_equal(wanted, to_grey(image))
        grey = to_grey(came).astype(float)
        sharpness.append(np.abs(np.diff(grey, axis=1)).max() / np.abs(np.diff(wanted.astype(float), axis=1)).max())
    assert np.mean(sharpness) < 0.9
    assert min(sharpness) < 0.7


def test_watermarks_show_and_leave_most_of_the_page() -> None:
    """Every mark changes pixels, none by more than its opacity allows, and what it leaves is the page."""
    image, _ = Strokes().crop(1)
    shares = []
    for seed in range(20):
        marked = watermark(np.random.default_rng(seed), image, (BUILT_IN,))
        assert marked.shape == image.shape
        changed = np.abs(marked.astype(int) - image)
        shares.append((changed > 4).any(2).mean())
        assert changed.max() <= 0.66 * 255
    assert min(shares) >= 0
    assert np.mean(np.array(shares) > 0.01) > 0.8
    assert np.mean(shares) < 0.6
    pairs = [PagePairs(Strokes(), Watermarked((BUILT_IN,))).crop(index) for index in range(4)]
    assert all(np.array_equal(wanted, Strokes().crop(index)[0]) for index, (_, wanted) in enumerate(pairs)), "in colour, as it was"
    bare = [PagePairs(Strokes(), Watermarked((BUILT_IN,), bare=0.5)).crop(index) for index in range(40)]
    assert 5 < sum(np.array_equal(came, wanted) for came, wanted in bare) < 35


def test_a_small_crop_can_be_marked() -> None:
    for seed in range(6):
        marked = watermark(np.random.default_rng(seed), np.full((3, 5, 3), 200, np.uint8), (BUILT_IN,))
        assert marked.shape == (3, 5, 3)
