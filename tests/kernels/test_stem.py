"""Threshold codes: every level equals the twin, and a region equals its part of the page."""

from __future__ import annotations

import numpy as np
import pytest

from docbin import kernels
from docbin.kernels import bits, stem

WINDOWS = np.array([3, 7, 31], np.int32)
THETA = np.random.default_rng(0).normal(0, 1, (3, 5)).astype(np.float32)
GREY = np.array([90.5], np.float32)


def page(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize("level", [level for level in kernels.levels() if level != "numpy"])
@pytest.mark.parametrize("size", [(2, 2), (2, 40), (50, 2), (6, 10), (46, 74), (130, 38)])
@pytest.mark.parametrize("kind", ["noise", "white", "black", "ramp"])
def test_every_level_equals_the_twin(level: str, size: tuple[int, int], kind: str) -> None:
    image = page(*size)
    if kind in ("white", "black"):
        image[:] = 255 if kind == "white" else 0
    elif kind == "ramp":
        image[:] = np.linspace(0, 255, size[1]).astype(np.uint8)
    with kernels.use("numpy"):
        want = stem.threshold_codes(image, WINDOWS, THETA, GREY, 7.65)
    with kernels.use(level):
        assert np.array_equal(stem.threshold_codes(image, WINDOWS, THETA, GREY, 7.65), want)


@pytest.mark.parametrize("level", kernels.levels())
def test_a_region_is_a_part_of_the_page(level: str) -> None:
    image = page(80, 96)
    with kernels.use(level):
        whole = stem.threshold_codes(image, WINDOWS, THETA, GREY, 7.65)
        for top, left, height, width in [(0, 0, 5, 7), (13, 9, 20, 30), (35, 41, 5, 7)]:
            part = stem.threshold_codes(image, WINDOWS, THETA, GREY, 7.65, region=(top, left, height, width))
            assert np.array_equal(part, whole[:, top : top + height, left : left + width])


def test_codes_by_hand() -> None:
    image = np.array([[10, 20], [30, 40]], np.uint8)
    theta = np.zeros((1, 15), np.float32)
    theta[0, 1], theta[0, 2] = 1.0, -1.0
    code = bits.unpack(stem.threshold_codes(image, np.array([1], np.int32), theta, np.array([30.0], np.float32), 0.0), 64)[:, 0, 0]
    assert code[0:4].tolist() == [False, False, True, True]  # mean 25
    assert code[4:8].tolist() == [False, False, False, True]  # mean + deviation, 36.2
    assert code[8:12].tolist() == [False, True, True, True]  # mean - deviation, 13.8
    assert code[60:64].tolist() == [False, False, True, True]  # grey 30


def test_the_widest_window_holds_its_sums() -> None:
    image = np.full((180, 180), 255, np.uint8)
    theta = np.full((1, 15), -0.5, np.float32)
    results = []
    for level in kernels.levels():
        with kernels.use(level):
            results.append(stem.threshold_codes(image, np.array([stem.WIDEST], np.int32), theta, GREY, 1.0))
    assert all(np.array_equal(result, results[0]) for result in results)
    assert (results[0] == 2**64 - 1).all()


@pytest.mark.parametrize(
    ("size", "windows", "theta", "says"),
    [((3, 4), [3], (1, 15), "even sides"), ((4, 4), [4], (1, 15), r"windows \[4\]"), ((4, 4), [3], (1, 14), "multiple of 64")],
)
def test_what_does_not_fit_is_refused(size: tuple[int, int], windows: list[int], theta: tuple[int, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        stem.threshold_codes(np.zeros(size, np.uint8), np.array(windows, np.int32), np.zeros(theta, np.float32), GREY, 1.0)
