"""Every level of the document kernels returns the bits of its NumPy twin, over odd sizes, vector tails and windows larger than the page."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docbin import kernels
from docbin.kernels import document
from docbin.kernels import reference_document as twin

COMPILED = [level for level in kernels.levels() if level != "numpy"]
SHAPES = [(1, 1), (1, 7), (7, 1), (2, 2), (2, 9), (3, 3), (37, 61), (64, 130), (90, 41), (5, 300)]
needs_core = pytest.mark.skipif(not COMPILED, reason="this install has no compiled kernels")


def pages(shape: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(shape[0] * 1000 + shape[1])
    return [
        rng.integers(0, 256, shape).astype(np.uint8),
        (200 + rng.integers(-9, 10, shape)).astype(np.uint8),
        np.zeros(shape, np.uint8),
        np.full(shape, 255, np.uint8),
        np.where(rng.random(shape) < 0.5, 0, 255).astype(np.uint8),
    ]


@needs_core
@pytest.mark.parametrize("level", COMPILED)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_kernel_equals_its_twin(level: str, shape: tuple[int, int]) -> None:
    height, width = shape
    rows = np.unique([0, height // 3, height]).astype(np.int64)
    columns = np.array([0, width // 2, width // 2, width], np.int64)
    for grey in pages(shape):
        contrasts, ink = twin.contrast(grey), (grey < 120).astype(np.uint8)
        with kernels.use(level):
            np.testing.assert_array_equal(document.histogram(grey), twin.histogram(grey))
            np.testing.assert_array_equal(document.contrast(grey), contrasts)
            np.testing.assert_array_equal(document.keep_seeded(ink, contrasts, 90), twin.keep_seeded(ink, contrasts, 90))
            np.testing.assert_array_equal(document.cells(grey, rows, columns, 100, 150), twin.cells(grey, rows, columns, 100, 150))
            np.testing.assert_array_equal(document.wiener_noise(grey), twin.wiener_noise(grey))
            for noise in (0.0, 30.0, 3000.0):
                np.testing.assert_array_equal(document.wiener(grey, noise), twin.wiener(grey, noise))
            for radius in (1, 4, 12, 300):
                for spread in (0.0, 0.5):
                    least = min(radius, 5)
                    expected = twin.su(grey, contrasts, 60, radius, least, spread)
                    np.testing.assert_array_equal(document.su(grey, contrasts, 60, radius, least, spread), expected)
                surface, totals = document.background(grey, ink, radius)
                expected_surface, expected_totals = twin.background(grey, ink, radius)
                np.testing.assert_array_equal(surface, expected_surface)
                assert totals == expected_totals
            for radius, step in ((1, 1), (12, 1), (12, 5), (300, 7)) if grey.size < 3000 else ((12, 5), (300, 7)):
                np.testing.assert_array_equal(document.sliding_otsu(grey, radius, step), twin.sliding_otsu(grey, radius, step))


@needs_core
@pytest.mark.parametrize("level", COMPILED)
def test_sums_of_windows_too_large_for_32_bits(level: str) -> None:
    """All of a white page in one window: the squares pass 2^32 (66,052 pixels of 255) and the wide sums take over."""
    grey = np.full((300, 400), 255, np.uint8)
    grey[::2, ::3] = 250
    contrasts = twin.contrast(grey)
    with kernels.use(level):
        for radius in (120, 128, 400):
            np.testing.assert_array_equal(document.su(grey, contrasts, 0, radius, 10, 0.5), twin.su(grey, contrasts, 0, radius, 10, 0.5))


@needs_core
def test_counting_pairs_equals_counting_pixels() -> None:
    """Pages of 2^18 pixels and more are counted by pairs; lengths that are no multiple of eight leave single pixels over."""
    rng = np.random.default_rng(7)
    for shape in ((512, 512), (523, 509), (1, 300_001)):
        grey = rng.integers(0, 256, shape).astype(np.uint8)
        np.testing.assert_array_equal(document.histogram(grey), twin.histogram(grey))


def test_contrast_in_integers_is_the_paper_s_formula() -> None:
    """(255 d - 1) // s equals the rounded-down real quotient with the paper's tiny number in the denominator, for every pair of greys."""
    least, most = (plane.ravel() for plane in np.meshgrid(np.arange(256), np.arange(256)))
    least, most = least[least <= most], most[least <= most]
    expected = np.floor(255 * ((most - least) / (0.0001 + most + least))).astype(np.uint8)
    for low, high, value in zip(least[::7], most[::7], expected[::7], strict=True):
        page = np.array([[low, high]], np.uint8)
        assert (document.contrast(page) == value).all()


@needs_core
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 70), st.integers(0, 255))
def test_seeded_components_equal_growing_seeds(seed: int, height: int, width: int, level: int) -> None:
    rng = np.random.default_rng(seed)
    ink = (rng.random((height, width)) < rng.random()).astype(np.uint8)
    contrasts = rng.integers(0, 256, (height, width)).astype(np.uint8)
    np.testing.assert_array_equal(document.keep_seeded(ink, contrasts, level), twin.keep_seeded(ink, contrasts, level))


def test_without_a_compiler_the_twins_run() -> None:
    grey = pages((37, 61))[0]
    with kernels.use("numpy"):
        np.testing.assert_array_equal(document.wiener(grey, 30.0), twin.wiener(grey, 30.0))
        np.testing.assert_array_equal(document.sliding_otsu(grey, 5, 9), twin.sliding_otsu(grey, 5, 9))


@needs_core
def test_arrays_that_do_not_fit_are_refused() -> None:
    grey = np.zeros((4, 5), np.uint8)
    core, level = kernels._core, COMPILED[0]
    with pytest.raises(ValueError, match="unequal shape"):
        core.contrast(level, grey, np.zeros((5, 4), np.uint8))
    with pytest.raises(ValueError, match="edges"):
        document.cells(grey, np.array([0, 9], np.int64), np.array([0, 5], np.int64), 1, 2)
