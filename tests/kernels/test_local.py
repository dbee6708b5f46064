"""The fused local thresholds: every level equals the NumPy twin to the bit, whatever the page, the window and the formula."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from docbin import kernels
from docbin.errors import UsageError
from docbin.kernels import local
from docbin.kernels import reference_local as reference
from docbin.page import Image

COMPILED = [level for level in kernels.levels() if level != "numpy"]
pytestmark = pytest.mark.skipif(not COMPILED, reason="this install has no compiled core")

PARAMETERS: dict[str, dict[str, float]] = {
    "niblack": {"k": -0.2},
    "sauvola": {"k": 0.2, "r": 128.0},
    "wolf": {"k": 0.5},
    "nick": {"k": -0.1},
    "singh": {"k": 0.1},
    "phansalkar": {"k": 0.25, "r": 0.5, "p": 2.0, "q": 10.0},
    "bradley": {"k": 0.15},
    "wan": {"k": 0.2, "r": 128.0},
}


def _pages() -> dict[str, Image]:
    random = np.random.default_rng(7)
    pages = {
        f"random {h}x{w}": random.integers(0, 256, (h, w), np.uint8)
        for h, w in [(1, 1), (1, 7), (7, 1), (1, 83), (3, 130), (67, 61), (97, 101)]
    }
    pages["white"] = np.full((45, 53), 255, np.uint8)
    pages["black"] = np.zeros((45, 53), np.uint8)
    pages["flat"] = np.full((45, 53), 77, np.uint8)
    pages["black and white"] = random.integers(0, 2, (60, 71)).astype(np.uint8) * 255
    pages["paper"] = np.clip(random.normal(200, 2, (90, 101)), 0, 255).astype(np.uint8)
    pages["halves"] = np.repeat(np.array([[0], [255]], np.uint8), 33, axis=0).repeat(35, axis=1)
    return pages


PAGES = _pages()


@pytest.mark.parametrize("formula", PARAMETERS)
@pytest.mark.parametrize("page", PAGES)
def test_every_level_equals_the_twin(formula: str, page: str) -> None:
    grey, parameters = PAGES[page], PARAMETERS[formula]
    for window in (1, 3, 15, 63, 301):
        threshold = reference.local_threshold(grey, window, formula, **parameters)
        for level, threads in itertools.product(COMPILED, (1, 3)):
            with kernels.use(level):
                ink = local.ink(grey, window, formula, **parameters, threads=threads)
                levels = local.threshold(grey, window, formula, **parameters, threads=threads)
            assert np.array_equal(ink, grey <= threshold), (level, window, threads)
            assert np.array_equal(levels, reference.round_down(threshold)), (level, window, threads)
            assert np.array_equal(grey <= levels, ink), (level, window, threads)


@pytest.mark.parametrize("page", PAGES)
def test_moments_and_extremes_equal_the_twin_at_every_level(page: str) -> None:
    grey = PAGES[page]
    for window in (1, 3, 15, 63, 301):
        mean, deviation = reference.local_moments(grey, window)
        least, largest = reference.local_extreme(grey, window, False), reference.local_extreme(grey, window, True)
        for level, threads in itertools.product(COMPILED, (1, 3)):
            with kernels.use(level):
                got = local.local_moments(grey, window, threads)
                assert np.array_equal(got[0], mean), (level, window)
                assert np.array_equal(got[1], deviation), (level, window)
                assert np.array_equal(local.local_min(grey, window, threads), least), (level, window)
                assert np.array_equal(local.local_max(grey, window, threads), largest), (level, window)
                assert local.page_spread(grey, window, threads) == (grey.min(), deviation.max()), (level, window)


def test_extremes_of_a_page_in_several_strips_equal_the_twin() -> None:
    """Tall windows leave the second-level cache few columns at a time: this page is done in three strips."""
    grey = np.random.default_rng(9).integers(0, 256, (304, 1500), np.uint8)
    window = 301
    grey[:, 400:1100] = grey[:, 400:1100] // 8 + 100  # or every window would hold both 0 and 255
    least, largest = reference.local_extreme(grey, window, False), reference.local_extreme(grey, window, True)
    middle = (least.astype(np.int64) + largest) / 2
    ink = np.where(largest.astype(np.int64) - least > 40, grey <= middle, grey <= 120)
    for level in COMPILED:
        with kernels.use(level):
            assert np.array_equal(local.local_min(grey, window), least), level
            assert np.array_equal(local.local_max(grey, window), largest), level
            assert np.array_equal(local.bernsen(grey, window, 40, 120), ink), level


@pytest.mark.parametrize("k", [0.0, 0.2, 0.5, 1.0, 2.0, -0.3, 1e6])
def test_singh_without_its_division_decides_as_with_it(k: float) -> None:
    """In single precision g <= T is multiplied out; ties (k = 0, whole means) and absurd k go the long way."""
    rng = np.random.default_rng(8)
    noise, extremes = rng.integers(0, 256, (41, 77), np.uint8), rng.choice(np.array([0, 1, 254, 255], np.uint8), (23, 50))
    for grey in (noise, extremes, np.full((5, 40), 255, np.uint8)):
        for window in (1, 3, 15, 101):
            want = reference.local_ink(grey, window, "singh", k)
            for level in COMPILED:
                with kernels.use(level):
                    assert np.array_equal(local.ink(grey, window, "singh", k), want), (level, window)


def test_the_twin_is_right_on_a_page_done_by_hand() -> None:
    grey = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)
    mean, deviation = reference.local_moments(grey, 3)
    assert mean[0, 0] == 30.0  # 10, 20, 40, 50
    assert deviation[0, 0] == np.sqrt((20**2 + 10**2 + 10**2 + 20**2) / 4)
    assert mean[0, 1] == 35.0  # all six
    assert reference.local_extreme(grey, 3, True).tolist() == [[50, 60, 60], [50, 60, 60]]
    assert reference.local_extreme(grey, 3, False).tolist() == [[10, 10, 20], [10, 10, 20]]


def test_the_twin_equals_plain_loops() -> None:
    grey = np.random.default_rng(3).integers(0, 256, (9, 11), np.uint8)
    for window in (1, 5, 31):
        mean, deviation = reference.local_moments(grey, window)
        radius = window // 2
        for y, x in np.ndindex(grey.shape):
            inside = grey[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1].astype(np.float64)
            assert mean[y, x] == pytest.approx(inside.mean(), rel=1e-14)
            assert deviation[y, x] == pytest.approx(inside.std(), abs=1e-9)
            assert reference.local_extreme(grey, window, False)[y, x] == inside.min()
            assert reference.local_extreme(grey, window, True)[y, x] == inside.max()


@settings(max_examples=120, deadline=None)
@given(
    grey=arrays(
        np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 70)), elements=st.sampled_from([0, 1, 100, 127, 128, 129, 200, 254, 255])
    ),
    radius=st.integers(0, 45),
    formula=st.sampled_from(sorted(PARAMETERS)),
    k=st.one_of(st.floats(-2, 2), st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e30])),
    threads=st.integers(1, 4),
)
def test_levels_equal_the_twin_on_any_page(grey: Image, radius: int, formula: str, k: float, threads: int) -> None:
    parameters = {**PARAMETERS[formula], "k": k}
    expected = reference.local_ink(grey, 2 * radius + 1, formula, **parameters)
    for level in COMPILED:
        with kernels.use(level):
            assert np.array_equal(local.ink(grey, 2 * radius + 1, formula, **parameters, threads=threads), expected), level


# The sums stay 32-bit up to 131071 pixels in a window; just below, at and above that limit, on the pages that make the sums largest.
@pytest.mark.parametrize("fill", [0, 255, None])
@pytest.mark.parametrize("window", [359, 361, 363, 365, 801])
def test_sums_do_not_overflow_where_32_bits_end(fill: int | None, window: int) -> None:
    random = np.random.default_rng(1)
    grey = random.integers(0, 256, (391, 397), np.uint8) if fill is None else np.full((391, 397), fill, np.uint8)
    grey[100:140, 100:160] = 255 - grey[100:140, 100:160]
    mean, deviation = reference.local_moments(grey, window)
    for level in COMPILED:
        with kernels.use(level):
            got = local.local_moments(grey, window, 2)
            assert np.array_equal(got[0], mean), level
            assert np.array_equal(got[1], deviation), level
            for formula in ("sauvola", "wolf", "niblack"):
                ink = local.ink(grey, window, formula, **PARAMETERS[formula], threads=2)
                assert np.array_equal(ink, reference.local_ink(grey, window, formula, **PARAMETERS[formula])), (level, formula)


@pytest.mark.slow
def test_a_window_over_a_whole_large_page_is_exact() -> None:
    """Above 2^24 pixels n Q passes 64 bits: the numerator is built from 128 and must round as Python's integers do."""
    height, width = 4099, 4103
    grey = np.random.default_rng(5).integers(0, 256, (height, width), np.uint8)
    sum_, square, count = int(grey.sum(dtype=np.int64)), int((grey.astype(np.int64) ** 2).sum()), height * width
    assert count > 2**24
    variance = float(count * square - sum_**2) / (float(count) * float(count))
    for level in COMPILED:
        with kernels.use(level):
            mean, deviation = local.local_moments(grey, 8209, 2)
            assert np.all(mean == sum_ / count), level
            assert np.all(deviation == np.sqrt(variance)), level
            ink = local.ink(grey, 8209, "sauvola", 0.2, threads=2)
            assert np.array_equal(ink, grey <= sum_ / count * (1.0 + 0.2 * (np.sqrt(variance) / 128.0 - 1.0))), level


def test_128_bit_numerators_of_the_twin_round_as_integers_do() -> None:
    count, square, sum_ = np.array([[4 * 10**8 - 1]]), np.array([[2 * 10**13 + 12345]]), np.array([[7 * 10**10 + 7]])
    exact = int(count[0, 0]) * int(square[0, 0]) - int(sum_[0, 0]) ** 2
    assert exact > 2**63
    assert reference.variance_of(sum_, square, count)[0, 0] == float(exact) / float(4 * 10**8 - 1) ** 2


def test_the_twin_runs_where_it_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = PAGES["random 67x61"]
    with kernels.use(COMPILED[-1]):
        expected = (
            local.ink(grey, 15, "sauvola", 0.2),
            local.threshold(grey, 15, "wan", 0.2),
            *local.local_moments(grey, 15),
            local.local_max(grey, 15),
        )
        spread = local.page_spread(grey, 15)
    monkeypatch.setattr(kernels, "_core", None)  # nothing compiled can answer
    with kernels.use("numpy"):
        got = (
            local.ink(grey, 15, "sauvola", 0.2),
            local.threshold(grey, 15, "wan", 0.2),
            *local.local_moments(grey, 15),
            local.local_max(grey, 15),
        )
        assert local.page_spread(grey, 15) == spread
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


def test_the_fixed_exponential_is_the_exponential() -> None:
    x = -np.concatenate([np.linspace(0, 50, 20001), np.linspace(50, 699, 2001)])
    assert np.abs(reference.exp_negative(x) / np.exp(x) - 1).max() < 4e-16
    assert reference.exp_negative(np.array([0.0]))[0] == 1.0


def test_maps_are_rounded_down_and_keep_the_mask() -> None:
    threshold = np.array([100.0, np.nextafter(100.0, 0), np.nextafter(100.0, 200), -1e-300, 1e-300, 0.0, -3.7, 3e38, -0.1])
    rounded = reference.round_down(threshold)
    assert np.all(rounded.astype(np.float64) <= threshold)
    assert np.all(np.nextafter(rounded, np.float32(np.inf)).astype(np.float64) > threshold)


def test_strided_views_are_taken_as_they_look() -> None:
    grey = PAGES["random 97x101"]
    for view in (grey[::2, ::3], grey[:, ::-1], grey.T):
        assert np.array_equal(local.ink(view, 15, "sauvola", 0.2), reference.local_ink(np.ascontiguousarray(view), 15, "sauvola", 0.2))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda g: local.ink(g, 4, "sauvola", 0.2), UsageError, "window=4"),
        (lambda g: local.ink(g, -1, "sauvola", 0.2), UsageError, "window=-1"),
        (lambda g: local.ink(g, 3, "sauvolla", 0.2), UsageError, "sauvolla"),
        (lambda g: local.ink(g, 3, "sauvola", 0.2, r=0.0), UsageError, "r=0"),
        (lambda g: local.threshold(g, 3, "phansalkar", 0.2, q=-1.0), UsageError, "q=-1"),
        (lambda g: local.ink(g.astype(np.float32), 3, "sauvola", 0.2), TypeError, "float32"),
        (lambda g: local.local_min(g[None], 3), TypeError, "uint8 plane"),
        (lambda g: local.local_moments(g[:0], 3), ValueError, "at least one pixel"),
    ],
)
def test_wrong_arguments_are_named(call: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call(PAGES["flat"])  # type: ignore[operator]


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (40, 131), (130, 70)])
def test_bernsen_is_the_same_at_every_level(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    grey = (np.linspace(0, 200, size[1]).astype(np.uint8) + rng.integers(0, 56, size)).astype(np.uint8)
    for window, contrast, flat in ((1, 0, 128), (3, 15, 100), (75, 25, 100), (31, 0, 255), (31, 255, 0), (9, 254, 130)):
        want = reference.bernsen(grey, window, contrast, flat)
        for level in kernels.levels():
            with kernels.use(level):
                for threads in (1, 3):
                    got = local.bernsen(grey, window, contrast, flat, threads)
                    assert got.dtype == np.bool_
                    assert np.array_equal(got, want), (level, window, contrast, flat)
