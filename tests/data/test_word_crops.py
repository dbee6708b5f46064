"""Crops for detectors: a pure function of their number, words that move with their pixels, sources mixed by weight."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("shapely")

from docbin.benchmarks import word_truth
from docbin.data import scene_pool
from docbin.data.scene_pool import lines, save
from docbin.data.word_crops import NO_AUGMENT, Drawn, WordAugment, WordCrops, moved, place, warp
from docbin.errors import UsageError
from docbin.word import Word, WordImage


def picture(seed: int = 0, size: tuple[int, int] = (300, 400)) -> WordImage:
    """White boxes on black, each a word."""
    rng = np.random.default_rng(seed)
    image = np.zeros((*size, 3), np.uint8)
    words = []
    for row in range(20, size[0] - 60, 70):
        left, width, height = rng.integers(10, 150), rng.integers(60, 200), rng.integers(20, 40)
        image[row : row + height, left : left + width] = 255
        corners = [[left, row], [left + width, row], [left + width, row + height], [left, row + height]]
        words.append(Word(np.array(corners, np.float32), f"word {row}"))
    return WordImage(image, tuple(words))


class One:
    def __init__(self, shown: WordImage) -> None:
        self.shown = shown

    def sample(self, index: int) -> WordImage:
        return self.shown


def test_a_crop_is_a_pure_function_of_seed_and_number() -> None:
    def crops(seed: int) -> WordCrops:
        return WordCrops({"a": Drawn([picture(k) for k in range(3)], seed)}, {"a": 1.0}, 128, seed)

    for index in (0, 5):
        one, two, other = crops(1).crop(index), crops(1).crop(index), crops(2).crop(index)
        assert all(np.array_equal(x, y) for x, y in zip(one, two, strict=True))
        assert not np.array_equal(one[0], other[0])
        assert one[0].shape == one[1].shape == (128, 128, 3)
        assert one[0].dtype == one[1].dtype == np.uint8


@pytest.mark.parametrize("mirrored", [0.0, 1.0])
def test_words_move_with_their_pixels(mirrored: float) -> None:
    augment = WordAugment(rotation=15, turned=1.0, aspect=1.5, scale=(0.5, 2.0), colour=0, grey=0, spoilt=0, mirrored=mirrored)
    crops = WordCrops({"a": One(picture())}, {"a": 1.0}, 200, 3, augment)
    seen = 0
    for index in range(12):
        shown = crops.sample(index)
        inside = np.zeros((200, 200), np.uint8)
        for word in shown.words:
            cv2.fillPoly(inside, [np.rint((word.polygon - 0.5) * 16).astype(np.int32)], 255, shift=4)
            seen += 1
        assert ((inside > 127) != (shown.image[..., 0] > 127)).mean() < 0.02  # what lies on the outlines
    assert seen > 20


def test_plain_cuts_are_pixels_of_the_picture() -> None:
    shown = picture()
    seen = 0
    for index in range(6):
        cut = WordCrops({"a": One(shown)}, {"a": 1.0}, 64, index, NO_AUGMENT).sample(index)
        for word in cut.words:
            (whole,) = (one for one in shown.words if one.text == word.text)
            left, top = (int(value) for value in (whole.polygon - word.polygon)[0])
            assert np.array_equal(cut.image, shown.image[top : top + 64, left : left + 64])
            seen += 1
    assert seen >= 4


def test_a_picture_smaller_than_the_crop_is_laid_on_one_grey() -> None:
    small = picture(size=(80, 90))
    crop = WordCrops({"a": One(small)}, {"a": 1.0}, 256, 0, NO_AUGMENT).sample(0)
    assert len(np.unique(crop.image[:20].reshape(-1, 3), axis=0)) == 1


def test_the_way_there_is_exact() -> None:
    """The middle of a spot lands where the outline of the spot would: nothing is off by half a pixel, enlarged or reduced."""
    spot, image = np.array([[50.0, 60.0]], np.float32), np.zeros((300, 400, 3), np.uint8)
    image[54:66, 44:56] = 255
    seen = 0
    for seed in range(12):
        matrix = place(np.random.default_rng(seed), picture(), 500, WordAugment(turned=1.0, scale=(0.4, 2.0)))
        shown = warp(image, matrix, 500)[..., 0].astype(float)
        shown[shown < 20] = 0
        if shown.sum() and not (shown[0].any() or shown[-1].any() or shown[:, 0].any() or shown[:, -1].any()):
            rows, columns = np.mgrid[0:500, 0:500] + 0.5
            middle = (columns * shown).sum() / shown.sum(), (rows * shown).sum() / shown.sum()
            assert middle == pytest.approx(tuple(moved(spot, matrix)[0]), abs=0.1)
            seen += 1
    assert seen >= 6


def test_sources_are_mixed_by_weight() -> None:
    black, white = (WordImage(np.full((64, 64, 3), level, np.uint8), ()) for level in (0, 255))
    crops = WordCrops(
        {"black": One(black), "white": One(white), "never": One(white)}, {"black": 3, "white": 1, "never": 0}, 32, 0, NO_AUGMENT
    )
    share = np.mean([crops.sample(index).image.mean() / 255 for index in range(200)])
    assert share == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize(
    ("weights", "size", "says"),
    [({"b": 1.0}, 32, "of which there are no pictures"), ({"a": 0.0}, 32, "at least one above 0"), ({"a": 1.0}, 0, "at least one pixel")],
)
def test_wrong_settings_are_refused(weights: dict[str, float], size: int, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        WordCrops({"a": One(picture())}, weights, size)


def test_a_pool_of_another_version_of_the_renderer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene_pool.render_pool(tmp_path / "pool", 1, seed=3, shape=(64, 80))
    scene_pool.render_pool(tmp_path / "pool", 1, seed=3, shape=(64, 80))
    assert scene_pool.picture_path(tmp_path / "pool", 0).is_file()
    monkeypatch.setattr("docbin.synth.scene.VERSION", 2)
    with pytest.raises(UsageError, match=r"version 1, this is 2; name another folder"):
        scene_pool.render_pool(tmp_path / "pool", 2, seed=3, shape=(64, 80))
    (tmp_path / "pool" / scene_pool.VERSION_FILE).unlink()  # made before versions were written down: the first
    with pytest.raises(UsageError, match="version 1"):
        scene_pool.render_pool(tmp_path / "pool", 1, seed=3, shape=(64, 80))
    scene_pool.render_pool(tmp_path / "new", 0)
    assert (tmp_path / "new" / scene_pool.VERSION_FILE).read_text() == "2\n"


def test_a_pools_truth_reads_back(tmp_path: Path) -> None:
    shown = picture()
    words = (*shown.words, Word(np.array([[1.25, 2], [30, 2.5], [40, 20], [20, 25], [1, 20]], np.float32), "a,b ####", ignore=True))
    save(WordImage(shown.image, words), tmp_path / "a.jpg", tmp_path / "a.txt")
    said = word_truth.read(tmp_path / "a.txt", "ctw1500")
    assert [word.text for word in said] == [*(word.text for word in shown.words), "###"]
    assert [word.ignore for word in said] == [word.ignore for word in words]
    for one, two in zip(said, words, strict=True):
        assert one.polygon == pytest.approx(two.polygon, abs=0.051)
    assert lines(()) == ""
    assert cv2.imread(str(tmp_path / "a.jpg")).shape == shown.image.shape
    assert {path.name for path in tmp_path.iterdir()} == {"a.jpg", "a.txt"}
