"""The depth plane: its scale, its indifference to light and paper, pages without ink, odd sizes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.measure import label

from docbin.kernels.depth import INK, SAMPLE, depth_plane, has_pale_ink, ink_depth, keep_deep, quotients
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


@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (1, 50), (3, 2), (37, 5), (4, 4)])
def test_any_size_goes(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    assert depth_plane(image).shape == size
    assert depth_plane(image, 100.0).dtype == np.uint8
    assert np.array_equal(quotients(np.ascontiguousarray(image.T)).T, quotients(image)), "lying and standing are the same page"


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


def two_inks(soft: float = 0.0) -> tuple[Image, Mask, Mask]:
    """A page with a black heading and many lines of writing a third as dark, blurred by `soft` pixels; where which of the two is."""
    rng = np.random.default_rng(0)
    layers = []
    for rows in ([40, 80], range(560, 1180, 40)):
        drawn = np.zeros((1200, 900), np.uint8)
        for row in rows:
            words = "".join(rng.choice(list("abcdefghklmnoprstuvw   ")) for _ in range(48))
            cv2.putText(drawn, words, (12, row), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2, cv2.LINE_AA)
        layers.append(drawn.astype(np.float64) / 255)
    heading, letter = layers
    blurred = cv2.GaussianBlur(letter, (0, 0), soft) if soft else letter
    page = 230 - np.maximum(200 * heading, 70 * blurred)
    return np.clip(page + rng.normal(0, 1.5, page.shape), 0, 255).astype(np.uint8), heading > 0.6, letter > 0.6


def test_pale_writing_far_from_a_black_heading_is_measured_in_itself() -> None:
    image, heading, letter = two_inks()
    quotient = quotients(image)
    assert has_pale_ink(quotient, ink_depth(quotient))
    whole, plane = depth_plane(image, local=False), depth_plane(image)
    assert np.array_equal(plane, depth_plane(image, local=True))
    assert np.median(whole[heading]) > 100
    assert np.median(plane[heading]) > 100
    assert np.median(whole[letter]) < 55
    assert np.median(plane[letter]) > 80
    assert (plane >= whole).mean() > 0.999
    assert plane.astype(int).max() <= 255
    assert (plane <= 2 * whole.astype(int) + 2).all(), "never in less than half of the page's ink"


def test_where_the_pale_writing_is_soft_the_back_has_pale_ink_and_the_pages_ink_counts() -> None:
    image, _, _ = two_inks(soft=2.5)
    quotient = quotients(image)
    assert not has_pale_ink(quotient, ink_depth(quotient))
    assert np.array_equal(depth_plane(image), depth_plane(image, local=False))


def test_a_large_page_is_looked_at_in_bands() -> None:
    for soft, wanted in ((0.0, True), (2.5, False)):
        image, _, _ = two_inks(soft)
        quotient = np.tile(quotients(image), (2, 3))
        assert quotient.size > SAMPLE
        assert has_pale_ink(quotient, ink_depth(quotient)) == wanted
