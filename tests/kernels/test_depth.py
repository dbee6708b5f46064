"""The depth plane: its scale, its indifference to light and paper, pages without ink, odd sizes."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label

from docbin.kernels.depth import INK, depth_plane, ink_depth, keep_deep, quotients
from docbin.page import Image, Mask


def page(ink: float = 0.6, pale: float = 0.2, height: int = 240, width: int = 320) -> Image:
    """Paper of 200 grey levels; strokes at `ink` of its brightness below it, and fewer at `pale`."""
    out = np.full((height, width), 200.0)
    out[20:-20:24, 20:-20] *= 1 - ink
    out[21:-20:24, 20:-20] *= 1 - ink
    out[32:80:24, 20:-20] *= 1 - pale
    return np.rint(out).astype(np.uint8)


def test_ink_lies_at_its_level_and_paper_at_zero() -> None:
    plane = depth_plane(page())
    assert abs(int(plane[20, 100]) - INK) <= 2
    assert plane[28, 100] == 0
    assert abs(plane[32, 100] / INK - 0.2 / 0.6) < 0.05, "what is a third as deep as the ink reads as a third"


@pytest.mark.parametrize("ink", [0.1, 0.3, 0.9])
def test_the_scale_follows_the_pages_own_ink(ink: float) -> None:
    image = page(ink, ink / 3)
    assert abs(255 - ink_depth(quotients(image)) - 255 * (1 - ink)) <= 6
    assert abs(int(depth_plane(image)[20, 100]) - INK) <= 10


def test_uneven_light_divides_out() -> None:
    light = np.linspace(0.5, 1.0, 320)[None, :]
    shaded = np.rint(page() * light).astype(np.uint8)
    even, uneven = depth_plane(page()).astype(int), depth_plane(shaded).astype(int)
    assert abs(even[20, 40:-40] - uneven[20, 40:-40]).max() < 20


def test_a_page_of_one_level_has_no_depth() -> None:
    for level in (0, 7, 128, 255):
        assert not depth_plane(np.full((50, 60), level, np.uint8)).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2), (37, 5), (4, 4)])
def test_any_size_goes(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    assert depth_plane(image).shape == size
    assert depth_plane(image, 100.0).dtype == np.uint8


def test_a_piece_with_the_pages_ink_has_the_pages_plane() -> None:
    image = page(height=600, width=700)
    ink = ink_depth(quotients(image))
    piece = depth_plane(image[120:480, 160:560], ink)
    assert np.array_equal(piece[100:-100, 100:-100], depth_plane(image)[220:380, 260:460])


def test_a_page_in_colour_is_refused() -> None:
    with pytest.raises(ValueError, match="grey page"):
        depth_plane(np.zeros((4, 4, 3), np.uint8))


def plainly_kept(ink: Mask, plane: Image, depth: float, faint: float, reach: int) -> Mask:
    """The rule, stroke by stroke."""
    labels = label(ink, connectivity=2)
    strokes = [labels == number for number in range(1, labels.max() + 1)]
    kept = np.zeros_like(ink)
    for stroke in strokes:
        if plane[stroke].max() >= round(INK * depth):
            kept |= stroke
    deep = np.argwhere(kept)
    for stroke in strokes:
        if plane[stroke].max() >= round(INK * faint) and any(
            np.abs(deep - place).max(axis=1).min() <= reach for place in np.argwhere(stroke) if len(deep)
        ):
            kept |= stroke
    return kept


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("depth", "faint", "reach"), [(0.7, 0.4, 4), (0.5, 0.5, 0), (1.2, 0.1, 9)])
def test_the_strokes_that_stay_are_those_of_the_rule(seed: int, depth: float, faint: float, reach: int) -> None:
    rng = np.random.default_rng(seed)
    ink = rng.random((41, 53)) < 0.18
    plane = (rng.random((41, 53)) ** 4 * 255).astype(np.uint8)
    assert np.array_equal(keep_deep(ink, plane, depth, faint, reach), plainly_kept(ink, plane, depth, faint, reach))


def test_depth_zero_and_an_empty_page_keep_what_is_there() -> None:
    ink = np.eye(9, dtype=bool)
    plane = np.zeros((9, 9), np.uint8)
    assert np.array_equal(keep_deep(ink, plane, 0.0, 0.4, 5), ink)
    assert not keep_deep(ink, plane, 0.7, 0.4, 5).any()
    assert not keep_deep(np.zeros((9, 9), bool), plane, 0.7, 0.4, 5).any()
