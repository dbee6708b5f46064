"""Panels of white writing on a page of dark writing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docbin import binarize
from docbin.dark_panels import dark_panels
from docbin.page import Image
from docbin.polarity import grey_upright, to_grey, upright


def page(ground: int = 40, writing: int = 245, noise: float = 3.0, words: str = "Total amount", blur: float = 0.8) -> Image:
    """A page of dark lines, uint8 (700, 1000), with a panel of `words` at rows 60 to 129, columns 50 to 949."""
    drawn = np.full((700, 1000), 245, np.uint8)
    for baseline in range(200, 680, 50):
        cv2.putText(drawn, "Lines of text below the head", (60, baseline), cv2.FONT_HERSHEY_COMPLEX, 1.1, 40, 2, cv2.LINE_AA)
    drawn[60:130, 50:950] = ground
    cv2.putText(drawn, words, (80, 108), cv2.FONT_HERSHEY_COMPLEX, 1.3, writing, 3, cv2.LINE_AA)
    soft = cv2.GaussianBlur(drawn, (0, 0), blur).astype(np.float32) + np.random.default_rng(0).normal(0, noise, drawn.shape)
    return np.clip(soft, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("ground", [10, 60, 120])
def test_a_panel_is_found_to_a_pixel(ground: int) -> None:
    (found,) = dark_panels(page(ground))
    assert abs(found.rows.start - 60) <= 1
    assert abs(found.rows.stop - 130) <= 1
    assert abs(found.columns.start - 50) <= 1
    assert abs(found.columns.stop - 950) <= 1


def test_a_larger_scan_has_the_same_panel() -> None:
    large = cv2.resize(page(), None, fx=3.5, fy=3.5, interpolation=cv2.INTER_CUBIC)
    (found,) = dark_panels(np.asarray(large, np.uint8))
    assert abs(found.rows.start - 210) <= 4
    assert abs(found.columns.stop - 3325) <= 4


def test_its_writing_comes_out_as_on_paper_and_its_edge_not_at_all() -> None:
    ink = binarize(page(), "sauvola")
    expected = binarize(page(245, 40), "sauvola")
    assert np.count_nonzero(ink[40:150] & expected[40:150]) > 0.9 * np.count_nonzero(expected[40:150])
    assert np.count_nonzero(ink[40:150] & ~cv2.dilate(expected[40:150].view(np.uint8), np.ones((5, 5), np.uint8)).view(bool)) < 20
    assert np.array_equal(ink[170:], expected[170:])


def test_who_says_dark_gets_the_page_as_it_is() -> None:
    assert np.array_equal(upright(page(), "dark")[0], page())


def test_in_grey_it_is_the_same() -> None:
    coloured = np.clip(page()[..., None] * np.array([0.9, 0.95, 1.0]) + np.array([0, 10, 0]), 0, 255).astype(np.uint8)
    assert len(dark_panels(coloured)) == 1
    assert np.array_equal(grey_upright(coloured, "auto")[0], to_grey(upright(coloured, "auto")[0]))


def stars() -> Image:
    night = page(words="")
    night[60:130, 50:950] = np.clip(np.random.default_rng(1).normal(60, 25, (70, 900)), 0, 255).astype(np.uint8)
    return night


def bars() -> Image:
    code = page(words="")
    code[60:130, 50:950] = np.where(np.random.default_rng(2).random(150).repeat(6) < 0.4, 245, 30).astype(np.uint8)[None]
    return code


def photograph() -> Image:
    seen = page()
    seen[60:130, 50:950] = np.clip(seen[60:130, 50:950].astype(np.float32) + np.linspace(0, 90, 900), 0, 255).astype(np.uint8)
    return seen


def border() -> Image:
    framed = page(245, 245)
    framed[:40] = framed[:, :40] = framed[-40:] = 15
    return framed


@pytest.mark.parametrize(
    "other",
    [page(245, 40), page(words=""), page(writing=70), stars(), bars(), photograph(), border(), 255 - page(245, 40)],
    ids=["no panel", "nothing on it", "pale on dark", "noise", "bars", "shaded", "border", "negative"],
)
def test_everything_else_stays_as_it_is(other: Image) -> None:
    assert dark_panels(other) == []


def test_small_pictures_and_flat_ones_have_none() -> None:
    for picture in (
        np.zeros((1, 1), np.uint8),
        np.zeros((900, 3), np.uint8),
        np.zeros((300, 300), np.uint8),
        np.full((300, 300), 255, np.uint8),
    ):
        assert dark_panels(picture) == []
