"""Where text is, by the model that ships: stains and edges go, writing and drawings stay, and a page is looked at once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import docbin
from docbin import benchmarks, catalogue
from docbin.engine import fixed_point
from docbin.errors import MissingExtra
from docbin.kernels.shrunk import UNIT
from docbin.page import to_grey
from docbin.zoo import folders, runtimes, text_regions
from tests.assessment.pages import text_page

pytestmark = pytest.mark.skipif(not text_regions.available(), reason="this install has no model of text regions")


def test_the_golden_crop_comes_out_as_it_was() -> None:
    config = folders.load_config(text_regions.MODEL)
    assert config.task == text_regions.TASK
    assert config.packed is not None
    with np.load(config.folder / "golden.npz", allow_pickle=False) as golden:
        image, wanted = golden["image"], golden["probability"].astype(np.float32)
    answer = fixed_point.run(fixed_point.read(config.verified(config.packed)), image, to_grey(image))
    assert np.abs(1 / (1 + np.exp(-answer / UNIT)) - wanted).max() < 0.15


def test_writing_is_seen_and_paper_is_not() -> None:
    grey, truth = text_page(2, (800, 800))
    grey[400:], truth[400:] = np.random.default_rng(0).normal(212, 3, (400, 800)).astype(np.uint8), False
    cells = text_regions.cells(grey)
    holds = truth.reshape(50, 16, 50, 16).sum(axis=(1, 3)) > 30
    empty = cv2.dilate(truth.reshape(50, 16, 50, 16).any(axis=(1, 3)).view(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert (cells[holds] > 0).mean() > 0.97
    assert (cells[empty] < 0).mean() > 0.97


def test_the_written_area_is_what_lies_among_writing() -> None:
    cells = np.full((90, 120), -900, np.int16)
    cells[20:24, 20:50] = cells[40:44, 20:50] = 900  # two lines, a gap of sixteen cells
    cells[20:44, 100] = 900  # a margin, with a gap of fifty
    area = text_regions.written_area(cells, 0.5)
    assert area[17:47, 17:53].all(), "between the lines and three cells around"
    assert not area[:17].any()
    assert not area[:, 53:97].any()
    assert area[17:47, 97:104].all()
    ring = np.full((90, 120), -900, np.int16)
    ring[5:80, 5:100] = 900
    ring[10:75, 10:95] = -900  # wider than any gap, but paper from the page's edge does not reach it
    assert text_regions.written_area(ring, 0.5)[5:80, 5:100].all()
    assert text_regions.written_area(np.full((3, 3), 300, np.int16), 0.7).all(), "a logit of 1.2 is a probability of 0.76"
    assert not text_regions.written_area(np.full((3, 3), 300, np.int16), 0.8).any()
    assert not text_regions.written_area(np.full((3, 3), 30000, np.int16), 1.0).any()


def test_ink_among_writing_stays_whatever_is_said_of_it_and_ink_elsewhere_goes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.full((90, 120), -900, np.int16)
    cells[20:24, 20:50] = cells[40:44, 20:50] = 900
    monkeypatch.setattr(text_regions, "cells", lambda _: cells)
    ink = np.zeros((1440, 1920), np.bool_)
    ink[500:520, 400:600] = True  # between the lines
    ink[300:1400, 60:70] = True  # a bar at the left: a seventh of it lies beside the lines
    ink[100:110, 1500:1510] = True
    kept = text_regions.keep_writing(ink, np.zeros(ink.shape, np.uint8), 0.5)
    assert kept[500:520, 400:600].all()
    assert kept.sum() == 20 * 200
    np.testing.assert_array_equal(text_regions.keep_writing(ink, np.zeros(ink.shape, np.uint8), 0.0), ink)
    nothing = np.zeros_like(ink)
    assert text_regions.keep_writing(nothing, np.zeros(ink.shape, np.uint8), 0.5) is nothing


def test_what_may_be_writing_stays_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.full((90, 120), -900, np.int16)
    cells[20:24, 20:50] = 900
    cells[80:84, 60:80] = -500  # a logit of -2: surely no large thing, perhaps a page's number
    cells[70, 100] = -200  # -0.8: something may be there
    monkeypatch.setattr(text_regions, "cells", lambda _: cells)
    ink = np.zeros((1440, 1920), np.bool_)
    ink[1300:1315, 1000:1010] = True
    ink[1320:1330, 1100:1200] = True
    ink[1100:1400, 1600:1606] = True  # a stroke in the margin with a part in that cell
    kept = text_regions.keep_writing(ink, np.zeros(ink.shape, np.uint8), 0.5)
    assert kept[1300:1315, 1000:1010].all()
    assert not kept[1320:1330, 1100:1200].any()
    assert kept[1100:1400, 1600:1606].all()


def test_the_samples_gain_and_lose_no_writing() -> None:
    root, row, gained = benchmarks.data_root_of("samples", None), catalogue.get("bitunet"), {}
    for pair in benchmarks.load("samples").pairs(root):
        grey, truth = to_grey(benchmarks.read_picture(pair.image_path)), benchmarks.truth_mask(pair.truth_path)
        every, kept = row.binarize(grey, regions=0.0), row.binarize(grey)
        assert not (kept & ~every).any()
        assert (every & ~kept & truth).sum() <= 0.001 * truth.sum(), pair.stem
        gained[pair.stem] = docbin.score(kept, truth).fm - docbin.score(every, truth).fm
    assert min(gained.values()) >= 0
    assert max(gained.values()) > 0.2, gained


def test_a_page_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    grey, _ = text_page(4, (300, 300))
    looks = []
    run = fixed_point.run
    monkeypatch.setattr(fixed_point, "run", lambda *given: looks.append(1) or run(*given))
    first = text_regions.cells(grey)
    assert text_regions.cells(grey) is first
    assert len(looks) == 1
    assert text_regions.cells(grey.copy()) is first, "the same page in other memory"
    grey[100, 100] ^= 1
    text_regions.cells(grey)
    assert len(looks) == 2, "a page that has changed is another"


def test_a_method_says_how_much_goes_and_keeps_all_when_asked() -> None:
    row, model = catalogue.get("bitunet"), runtimes.load("bitunet")
    assert row.parse({})["regions"] == 0.5
    grey, _ = text_page(3, (700, 700))
    grey = np.pad(grey, ((0, 0), (0, 700)), constant_values=30)  # the table beside the page
    every, kept = row.binarize(grey, regions=0.0), row.binarize(grey)
    np.testing.assert_array_equal(kept, text_regions.keep_writing(every, grey, 0.5))
    np.testing.assert_array_equal(model(grey), kept)
    np.testing.assert_array_equal(model(grey, regions=0.0), every)
    ink, _ = model.with_probability(grey)
    np.testing.assert_array_equal(ink, kept)


def test_without_the_model_the_message_says_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "shipped", dict)
    grey = np.full((40, 40), 200, np.uint8)
    assert not text_regions.available()
    with pytest.raises(MissingExtra, match="-p regions=0"):
        text_regions.cells(grey)
