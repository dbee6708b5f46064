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


def _at_once(limits: np.ndarray) -> np.ndarray:
    return np.clip(limits, 0, 255).astype(np.uint8)


SHAPES = [(1, 1), (1, 7), (7, 1), (2, 2), (2, 9), (3, 3), (37, 61), (64, 130), (90, 41), (5, 300)]
_GREYS = np.arange(256)
# Tables of limits, of paper and of ink: a depth that grows in few steps, in many, that shrinks, that is 0, limits above the surface, anything.
LIMITS = [
    (_at_once(on_paper), _at_once(on_ink))
    for on_paper, on_ink in [
        (_GREYS, _GREYS - 10 - _GREYS // 30),
        (_GREYS - 7, _GREYS - 3 - _GREYS // 3),
        (_GREYS, _GREYS - 60 + _GREYS // 20),
        (_GREYS, _GREYS),
        (_GREYS, _GREYS * 0),
        (_GREYS + 1, _GREYS - 5),
        (_GREYS, _GREYS + 3),
        (_GREYS, np.where(_GREYS > 100, _GREYS - 90, 0)),
        (np.random.default_rng(2).integers(0, 256, 256), np.random.default_rng(3).integers(0, 256, 256)),
    ]
]
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
                for paper_limits, ink_limits in LIMITS:
                    below = twin.below_surface(grey, surface, ink, paper_limits, ink_limits)
                    np.testing.assert_array_equal(document.below_surface(grey, surface, ink, paper_limits, ink_limits), below)
                    in_place = surface.copy()
                    assert document.below_surface(grey, in_place, ink, paper_limits, ink_limits, out=in_place) is in_place
                    np.testing.assert_array_equal(in_place, below)
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
@pytest.mark.parametrize("level", COMPILED)
def test_backgrounds_of_windows_beyond_single_precision(level: str) -> None:
    """More than 65,536 pixels in a window, and more than 257 rows: quotients in double precision, columns in 32 bits."""
    grey = np.random.default_rng(5).integers(200, 256, (300, 400)).astype(np.uint8)
    ink = np.zeros(grey.shape, np.uint8)
    ink[7::31, 3::17] = 1
    with kernels.use(level):
        for radius in (127, 128, 129, 400):
            surface, totals = document.background(grey, ink, radius)
            expected, expected_totals = twin.background(grey, ink, radius)
            np.testing.assert_array_equal(surface, expected)
            assert totals == expected_totals


@needs_core
@pytest.mark.parametrize("level", COMPILED)
def test_the_filter_in_single_precision_decides_as_in_double(level: str) -> None:
    """Pages on which results lie at, just under and just above whole greys: few greys, noises that are ratios of the variances themselves."""
    rng = np.random.default_rng(6)
    for greys in ([0, 255], [10, 11, 12, 13], [0, 9, 18, 27, 90], list(range(256))):
        grey = rng.choice(np.array(greys, np.uint8), (60, 171))
        with kernels.use(level):
            for noise in (0.0, 1 / 81, 8 / 81, 0.5, 2.0, 13.0, 400.0, 5000.0, 16256.25):
                np.testing.assert_array_equal(document.wiener(grey, noise), twin.wiener(grey, noise))


@needs_core
def test_counting_pairs_equals_counting_pixels() -> None:
    """Pages of 2^18 pixels and more are counted by pairs, eight of one grey at once; lengths that are no multiple of 16 leave single pixels over."""
    rng = np.random.default_rng(7)
    for shape in ((512, 512), (523, 509), (1, 300_001)):
        grey = rng.integers(0, 256, shape).astype(np.uint8)
        np.testing.assert_array_equal(document.histogram(grey), twin.histogram(grey))
        grey[grey > 20] = 255
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


@needs_core
def test_one_seed_finds_its_way_through_a_spiral() -> None:
    """Growing row by row gives up on what winds about; joined runs then say the same."""
    side = 121
    ink = np.zeros((side, side), np.uint8)
    y, x, turn, length = side // 2, side // 2, 0, 2
    while 0 < y < side - 1 and 0 < x < side - 1:
        for _ in range(length):
            if 0 <= y < side and 0 <= x < side:
                ink[y, x] = 1
            y, x = y + (0, 1, 0, -1)[turn % 4], x + (1, 0, -1, 0)[turn % 4]
        turn, length = turn + 1, length + (2 if turn % 2 else 0)
    seeds = np.zeros_like(ink)
    seeds[side // 2, side // 2] = 9
    np.testing.assert_array_equal(document.keep_seeded(ink, seeds, 5), ink)
    comb = np.zeros((400, 131), np.uint8)  # teeth joined above and below in turns: a path up and down the page
    comb[:, ::4] = 1
    comb[0, 1::8] = comb[0, 2::8] = comb[0, 3::8] = 1
    comb[-1, 5::8] = comb[-1, 6::8] = comb[-1, 7::8] = 1
    start = np.zeros_like(comb)
    start[200, 0] = 9
    np.testing.assert_array_equal(document.keep_seeded(comb, start, 5), comb)
    np.testing.assert_array_equal(document.keep_seeded(comb, start, 9), np.zeros_like(comb))


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
