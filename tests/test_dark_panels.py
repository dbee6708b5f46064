"""Panels of white writing on a page of dark writing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docbin import binarize
from docbin.dark_panels import dark_panels, tone
from docbin.page import Image, Mask
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


def shaped(shape: str) -> tuple[Image, Mask]:
    """The page with its panel in another shape, and what of it is the panel, (700, 1000)."""
    drawn, blank = page(245, 245), np.zeros((700, 1000), np.uint8)
    if shape == "oval":
        cv2.ellipse(blank, (500, 95), (450, 60), 0, 0, 360, 1, cv2.FILLED)
    elif shape == "round corners":
        cv2.line(blank, (85, 95), (915, 95), 1, 70)
    else:
        blank[60:130, 50:950] = 1
    tone = np.linspace(30, 175, 1000) if shape == "gradient" else np.full(1000, 45.0)
    panel = np.where(blank > 0, tone, drawn).astype(np.uint8)
    cv2.putText(panel, "Total amount", (350, 108), cv2.FONT_HERSHEY_COMPLEX, 1.3, 250, 3, cv2.LINE_AA)
    if shape == "page's edge":
        panel, blank = panel[60:], blank[60:]
    if shape == "askew":
        turn = cv2.getRotationMatrix2D((500, 350), 4, 1)
        panel = cv2.warpAffine(panel, turn, (1000, 700), flags=cv2.INTER_CUBIC, borderValue=245)
        blank = cv2.warpAffine(blank, turn, (1000, 700), flags=cv2.INTER_NEAREST)
    noise = np.random.default_rng(0).normal(0, 3, panel.shape)
    return np.clip(cv2.GaussianBlur(panel, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8), blank > 0


SHAPES = ["oval", "round corners", "gradient", "askew", "page's edge"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_panel_of_another_shape_is_found_to_two_pixels(shape: str) -> None:
    image, panel = shaped(shape)
    (found,) = dark_panels(image)
    seen = np.zeros_like(panel)
    seen[found.rows, found.columns] = found.inside
    window = np.ones((5, 5), np.uint8)
    assert not (seen & (cv2.dilate(panel.view(np.uint8), window) == 0)).any()
    assert not (~seen & (cv2.erode(panel.view(np.uint8), window, borderValue=1) > 0)).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_its_letters_come_out_as_letters_and_its_edge_not_at_all(shape: str) -> None:
    image, panel = shaped(shape)
    ink = binarize(image, "sauvola")
    near = cv2.dilate(panel.view(np.uint8), np.ones((9, 9), np.uint8)) > 0
    # 12 letters of a stroke of 4 to 5 pixels: what is dark of them on paper, but for the turned ones, which are resampled
    expected = np.count_nonzero(binarize(page(245, 40), "sauvola")[40:150])
    assert 0.85 * expected < np.count_nonzero(ink & near) < 1.15 * expected
    rim = near & (cv2.erode(panel.view(np.uint8), np.ones((9, 9), np.uint8), borderValue=1) == 0)
    assert np.count_nonzero(ink & rim) < 20


def test_the_tone_of_a_gradient_is_that_of_its_ground() -> None:
    ground = np.add.outer(np.linspace(20, 50, 60), np.linspace(0, 90, 300))
    written = ground.copy()
    written[20:40, 30:270:4] = 250
    written[20:40, 31:270:4] = 250
    assert np.abs(tone(written.astype(np.uint8), np.ones((60, 300), np.bool_)) - ground).max() < 1.5


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


@pytest.mark.parametrize("colour", [(110, 110, 110), (68, 114, 196), (180, 20, 30)])
def test_its_ground_becomes_as_light_as_the_paper_beside_it(colour: tuple[int, int, int]) -> None:
    share = (page().astype(np.float32) - 40)[..., None] / 205
    panel, paper = page()[..., None].repeat(3, axis=2), np.array([245, 245, 245])
    panel[40:150] = np.clip(np.array(colour) + share[40:150] * (paper - np.array(colour)), 0, 255)
    turned = upright(panel, "auto")[0].astype(np.int16)
    assert np.abs(np.median(turned[65:125, 55:945], axis=(0, 1)) - paper).max() <= 6
    assert turned[56:134, 46:954].min(axis=2)[:8].min() > 200  # its edge
    assert np.percentile(turned[65:125, 55:945], 1) < 80  # its letters


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
    clouds = cv2.resize(np.random.default_rng(3).normal(20, 25, (7, 60)), (900, 70), interpolation=cv2.INTER_CUBIC)
    seen[60:130, 50:950] = np.clip(seen[60:130, 50:950] + clouds, 0, 255).astype(np.uint8)
    return seen


def faded() -> Image:
    """A dark strip with writing that runs into the paper, as a vignette does."""
    seen = page().astype(np.float32)
    seen[60:130, 50:950] = np.maximum(seen[60:130, 50:950], np.linspace(40, 245, 900))
    return seen.astype(np.uint8)


def square_code() -> Image:
    code = page(words="")
    code[60:130, 50:950] = 245
    cells = np.random.default_rng(4).random((25, 25)).repeat(8, axis=0).repeat(8, axis=1) < 0.5
    code[200:420, 300:520] = 30
    code[210:410, 310:510] = np.where(cells, 30, 245)
    return code


def border() -> Image:
    framed = page(245, 245)
    framed[:40] = framed[:, :40] = framed[-40:] = 15
    return framed


@pytest.mark.parametrize(
    "other",
    [page(245, 40), page(words=""), page(writing=70), stars(), bars(), square_code(), photograph(), faded(), border(), 255 - page(245, 40)],
    ids=["no panel", "nothing on it", "pale on dark", "noise", "bars", "square code", "photograph", "faded", "border", "negative"],
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
