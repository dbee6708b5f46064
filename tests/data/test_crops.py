"""Crops are a pure function of (seed, index), and truth stays under its ink."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from docbin.data import crops
from docbin.data.crops import NO_AUGMENT, Augment, CropSource
from docbin.data.store import LabelledPage, save_layers
from docbin.errors import UsageError


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledPage]:
    """Six pages of two sets in which the picture is the truth: black strokes on white, so that any drift between the two shows."""
    folder = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(11)
    made = []
    for number, shape in enumerate([(300, 400), (120, 90), (513, 257), (64, 700), (1, 40), (33, 1)]):
        truth = np.zeros(shape, bool)
        for _ in range(12):
            row, column = rng.integers(shape[0]), rng.integers(shape[1])
            truth[row : row + 6, column : column + 40] = True
        path = folder / f"{number}.npy"
        save_layers(path, np.where(truth, 0, 255).astype(np.uint8), truth)
        made.append(LabelledPage(f"set{number % 2}/{number}", f"set{number % 2}", path))
    return made


def _crops(source: CropSource, indices: list[int]) -> list[bytes]:
    return [image.tobytes() + truth.tobytes() for image, truth in map(source.crop, indices)]


def test_same_crop_in_any_order_process_and_instance(pages: list[LabelledPage]) -> None:
    source = CropSource(pages, 48, seed=5)
    indices = list(range(20))
    expected = _crops(source, indices)
    assert _crops(source, indices[::-1])[::-1] == expected
    assert _crops(CropSource(pages, 48, seed=5), indices) == expected
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(_crops, [source] * 2, [indices[:10], indices[10:]])) == [expected[:10], expected[10:]]
    assert _crops(CropSource(pages, 48, seed=6), indices) != expected
    assert len(set(expected)) > 15


@pytest.mark.parametrize("size", [1, 7, 32, 255])
def test_shape_and_type(pages: list[LabelledPage], size: int) -> None:
    source = CropSource(pages, size, seed=1)
    for index in range(30):
        image, truth = source.crop(index)
        assert image.shape == (size, size, 3)
        assert image.dtype == np.uint8
        assert truth.shape == (size, size)
        assert truth.dtype == np.bool_
        assert image.flags.c_contiguous


def test_plain_cut_is_a_piece_of_the_page(pages: list[LabelledPage]) -> None:
    source = CropSource(pages[:1], 16, seed=2, augment=NO_AUGMENT)
    truth_page = pages[0].truth
    windows = np.lib.stride_tricks.sliding_window_view(truth_page, (16, 16)).reshape(-1, 16, 16)
    for index in range(5):
        image, truth = source.crop(index)
        np.testing.assert_array_equal(image[..., 0] < 128, truth)
        assert (windows == truth).all(axis=(1, 2)).any()


def test_truth_moves_with_the_ink(pages: list[LabelledPage]) -> None:
    """With picture = truth, truth must be exactly the half-covered pixels of the resampled picture, whatever the geometry."""
    source = CropSource(pages, 64, seed=3, augment=Augment(colour=0.0, grey=0.0))
    for index in range(60):
        image, truth = source.crop(index)
        level = image[..., 1].astype(int)
        certain = np.abs(level - 127.5) > 2  # a pixel that is half covered may round to either side in the two channels
        np.testing.assert_array_equal((level < 128)[certain], truth[certain])
        assert certain.mean() > 0.9


def test_weights_choose_the_set(pages: list[LabelledPage]) -> None:
    inked = CropSource(pages, 32, seed=1, weights={"set0": 1.0})
    assert {inked._draw_page(np.random.default_rng(k)) % 2 for k in range(50)} == {0}
    mixed = CropSource(pages, 32, seed=1, weights={"set0": 1.0, "set1": 3.0})
    share = np.mean([mixed._draw_page(np.random.default_rng(k)) % 2 for k in range(2000)])
    assert 0.71 < share < 0.79


def test_near_ink_finds_ink(tmp_path: Path) -> None:
    truth = np.zeros((2000, 2000), bool)
    truth[1500:1504, 300:304] = True
    save_layers(tmp_path / "p.npy", np.full((2000, 2000), 200, np.uint8), truth)
    page = LabelledPage("s/p", "s", tmp_path / "p.npy")
    near = CropSource([page], 64, seed=1, augment=Augment(near_ink=1.0))
    anywhere = CropSource([page], 64, seed=1, augment=Augment(near_ink=0.0))
    assert sum(near.crop(k)[1].any() for k in range(40)) >= 36
    assert sum(anywhere.crop(k)[1].any() for k in range(40)) <= 4


def test_each_set_may_have_its_own_degradations(pages: list[LabelledPage]) -> None:
    """Inverted where set1 was drawn, as cut elsewhere; truth of the pipeline is taken."""
    plain = CropSource(pages, 32, seed=9)
    marked = CropSource(pages, 32, seed=9, degrade={"set1": lambda rng, image, truth, verso: (255 - image, ~truth)})
    changed = 0
    for index in range(20):
        (image, truth), (other, other_truth) = plain.crop(index), marked.crop(index)
        inverted = bool((other_truth != truth).all())
        changed += inverted
        np.testing.assert_array_equal(other, 255 - image if inverted else image)
    assert 0 < changed < 20


def test_the_depth_plane_is_measured_in_the_pages_ink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crop of nothing but pale writing shows it pale, because elsewhere on the page there is dark ink; unless it is measured in the ink around."""
    monkeypatch.setattr(crops, "OTHER_INK", 0.0)
    monkeypatch.setattr(crops, "LOCAL", 0.0)
    image = np.full((400, 900), 220, np.uint8)
    image[40:360:20, 20:400] = 40
    image[40:360:20, 500:880] = 170
    truth = image == 40
    path = tmp_path / "page.npy"
    save_layers(path, image, truth)
    source = CropSource([LabelledPage("set/page", "set", path)], 96, seed=3, augment=NO_AUGMENT, depth=True)
    pale: list[float] = []
    dark: list[float] = []
    for index in range(80):
        crop, ink = source.crop(index)
        assert crop.shape == (96, 96, 4)
        if ink.sum() > 200:
            dark.append(float(np.median(crop[..., 3][ink])))
        written = crop[..., 0] == 170
        if written.sum() > 200:
            pale.append(float(np.median(crop[..., 3][written])))
    assert 110 < np.median(dark) < 146
    assert np.median(pale) < 60, "a quarter as deep as the ink (128)"
    monkeypatch.setattr(crops, "LOCAL", 1.0)
    around = []
    for index in range(80):
        crop, ink = source.crop(index)
        written = crop[..., 0] == 170
        if not ink.any() and written.sum() > 200:
            around.append(float(np.median(crop[..., 3][written])))
    assert 1.6 * np.median(pale) < np.median(around) <= 2.1 * np.median(pale), "never in less than half of the page's ink"


def test_wrong_arguments(pages: list[LabelledPage]) -> None:
    with pytest.raises(UsageError, match="no pages"):
        CropSource([])
    with pytest.raises(UsageError, match="size=0"):
        CropSource(pages, 0)
    with pytest.raises(UsageError, match="set9"):
        CropSource(pages, weights={"set9": 1.0})
    with pytest.raises(UsageError, match="above 0"):
        CropSource(pages, weights={"set0": 0.0})


def test_speed_of_plain_crops(pages: list[LabelledPage]) -> None:
    """A training asks for 40 crops of 256 x 256 a second from one process; anything near that here would mean a lost fast path."""
    source = CropSource(pages, 256, seed=4)
    source.crop(0)
    best = min(_seconds(source, 30) for _ in range(3))
    assert 30 / best > 80


def _seconds(source: CropSource, count: int) -> float:
    """Of processor time: other tests run beside."""
    start = time.process_time()
    for index in range(count):
        source.crop(index)
    return time.process_time() - start
