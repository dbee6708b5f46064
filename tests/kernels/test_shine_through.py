"""Strokes of the back go, pencil stays: both pale beside something black, told apart by their edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docbin.kernels.depth import depth_plane, keep_deep
from docbin.kernels.shine_through import DARK, SOFTER, drop_shine_through
from docbin.kernels.stroke_edges import STRIP, _darkness_of_all, darkness_of, stroke_table, strokes
from docbin.page import Image, Mask

RULE = (0.5, 0.4, 20)
"""Depth, faint and reach of the shipped models."""


def writing(seed: int, top: int, lines: int, shape: tuple[int, int] = (400, 600)) -> Mask:
    """Lines of text-like strokes from row `top` down."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros(shape, np.uint8)
    for line in range(lines):
        words = "".join(rng.choice(list("abcdefghklmnoprstuvw   ")) for _ in range(28))
        cv2.putText(drawn, words, (12, top + 34 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2, cv2.LINE_AA)
    return np.asarray(drawn > 127)


def page(dark: Mask, pale: Mask, contrast: float, softness: float, seed: int = 0) -> Image:
    """Dark strokes in focus on paper, pale ones of `contrast` grey levels blurred by `softness` pixels first, some noise."""
    rng = np.random.default_rng(seed)
    paper = np.full(dark.shape, 225.0)
    paper -= contrast * cv2.GaussianBlur(pale.astype(np.float64), (0, 0), softness)
    paper = np.minimum(paper, 225 - 190 * cv2.GaussianBlur(dark.astype(np.float64), (0, 0), 0.8))
    return np.clip(paper + rng.normal(0, 2, dark.shape), 0, 255).astype(np.uint8)


def dropped(image: Image, dark: Mask, pale: Mask) -> tuple[float, float]:
    """Shares of the pale and of the dark strokes' pixels that the rule takes from the ink that holds both."""
    kept = drop_shine_through(dark | pale, image, *RULE)
    assert not (kept & ~(dark | pale)).any()
    return 1 - float(kept[pale & ~dark].mean()), 1 - float(kept[dark].mean())


@pytest.mark.parametrize("contrast", [40, 60, 90])
@pytest.mark.parametrize("seed", range(3))
def test_pencil_below_a_black_heading_stays(seed: int, contrast: float) -> None:
    dark, pale = writing(seed, 40, 3), writing(seed + 10, 180, 6)
    image = page(dark, pale, contrast, 0.8, seed)
    assert (
        not keep_deep(dark | pale, depth_plane(image, local=False), *RULE)[pale].any() or contrast == 90
    )  # by depth alone it would all go
    assert dropped(image, dark, pale) == (0.0, 0.0)


@pytest.mark.parametrize("contrast", [40, 60, 90])
@pytest.mark.parametrize("seed", range(3))
def test_soft_writing_of_the_back_goes(seed: int, contrast: float) -> None:
    dark, pale = writing(seed, 40, 3), writing(seed + 10, 180, 6)[:, ::-1]
    of_pale, of_dark = dropped(page(dark, pale, contrast, 2.5, seed), dark, pale)
    assert of_pale > 0.9
    assert of_dark == 0.0


def test_beside_a_border_or_a_few_black_strokes_there_is_no_evidence() -> None:
    pale = writing(3, 100, 8)
    border = np.zeros_like(pale)
    border[:20] = True
    image = page(border, pale, 60, 2.5)
    assert np.array_equal(drop_shine_through(border | pale, image, *RULE), border | pale)


def test_thick_pale_letters_beside_thin_dark_ones_stay() -> None:
    """In equal focus a thick stroke has the flatter slope for its depth: no evidence."""
    dark, pale = writing(1, 40, 3), cv2.dilate(writing(2, 180, 5).astype(np.uint8), np.ones((7, 7))) > 0
    assert dropped(page(dark, pale, 60, 0.8), dark, pale)[0] == 0.0


def test_depth_zero_and_an_empty_page_keep_what_is_there() -> None:
    ink = writing(0, 40, 3)
    image = page(ink, np.zeros_like(ink), 0, 1)
    assert drop_shine_through(ink, image, 0.0, 0.4, 20) is ink
    assert not drop_shine_through(np.zeros_like(ink), image, *RULE).any()
    assert np.array_equal(drop_shine_through(ink, image, *RULE), ink)
    assert 0 < SOFTER < 1
    assert RULE[0] < DARK <= 1


def test_a_stroke_s_row_is_what_its_pixels_say() -> None:
    """The table's columns, pixel by pixel: area, largest distance to its edge, steepest slope over depth, depth."""
    rng = np.random.default_rng(3)
    depth, slope = (rng.random((60, 83)).astype(np.float32) * 200 for _ in range(2))
    mask = cv2.dilate((rng.random(depth.shape) < 0.02).astype(np.uint8), np.ones((4, 5), np.uint8)) > 0
    labels, rows = strokes(mask, depth, slope)
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    assert len(rows) == labels.max() > 5
    for label, row in enumerate(rows, 1):
        own = labels == label
        deepest = float(depth[own].max())
        assert row.tolist() == [own.sum(), float(distance[own].max()), float(slope[own].max()) / max(deepest, 1.0), deepest]
    assert sorted(stroke_table(mask, depth, slope).tolist()) == sorted(rows.tolist())


@pytest.mark.parametrize("height", [1, 3, STRIP - 1, STRIP, STRIP + 1, 2 * STRIP + 4])
def test_strips_of_a_page_are_as_dark_and_steep_as_the_whole(height: int) -> None:
    quotient = np.random.default_rng(height).integers(0, 256, (height, 77), np.uint8)
    depth, slope = darkness_of(quotient)
    whole_depth, whole_slope = _darkness_of_all(quotient)
    np.testing.assert_array_equal(depth, whole_depth)
    np.testing.assert_allclose(slope, whole_slope, rtol=1e-6)  # OpenCV rounds a magnitude by its place in the plane
