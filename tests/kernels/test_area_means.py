"""A plane made smaller: the compiled core against OpenCV's INTER_AREA, over sizes that divide and sizes that do not."""

from __future__ import annotations

import platform

import cv2
import numpy as np
import pytest

from docbin import kernels
from docbin.kernels.area_means import area_means

OFF = 0 if platform.machine().lower() in ("x86_64", "amd64") else 1
"""Levels that OpenCV may differ by: elsewhere it multiplies and adds in one step."""


def cases() -> list[tuple[tuple[int, int], tuple[int, int], int, int]]:
    """(shape, smaller shape, every, times), 150 of them."""
    rng = np.random.default_rng(4)
    fixed = [
        ((1, 1), (1, 1), 1, 1),
        ((1, 9), (1, 4), 1, 1),
        ((9, 1), (4, 1), 1, 1),
        ((7, 7), (7, 7), 1, 1),
        ((8, 8), (4, 4), 1, 1),
        ((9, 9), (1, 1), 2, 255),
    ]
    found = []
    for _ in range(150 - len(fixed)):
        shape, every = rng.integers(1, 200, 2), int(rng.integers(1, 3))
        most = -(-shape // every)
        smaller = np.maximum(1, most // 4) if rng.random() < 0.3 else rng.integers(1, most + 1)
        found.append(((int(shape[0]), int(shape[1])), (int(smaller[0]), int(smaller[1])), every, int(rng.choice([1, 255]))))
    return fixed + found


def test_the_core_gives_opencv_s_means() -> None:
    assert kernels.compiled() or kernels._core is None
    rng = np.random.default_rng(5)
    for shape, smaller, every, times in cases():
        plane = (rng.random(shape) < 0.3).astype(np.uint8) if times == 255 else rng.integers(0, 256, shape).astype(np.uint8)
        want = cv2.resize(np.ascontiguousarray(plane[::every, ::every]) * np.uint8(times), smaller[::-1], interpolation=cv2.INTER_AREA)
        have = area_means(plane, smaller, every=every, times=times)
        assert have.shape == smaller
        assert np.abs(have.astype(int) - want).max() <= OFF, (shape, smaller, every, times)


def test_a_mean_by_hand() -> None:
    plane = np.array([[0, 90, 200]], np.uint8)
    assert area_means(plane, (1, 2)).tolist() == [[30, 163]]  # (0 + 90 / 2) / 1.5 and (90 / 2 + 200) / 1.5


@pytest.mark.parametrize("shape", [(0, 2), (5, 2), (2, 6)])
def test_a_shape_that_is_not_smaller_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="1 to 4 rows and 1 to 5 columns are wanted"):
        area_means(np.zeros((4, 5), np.uint8), shape)


@pytest.mark.skipif(kernels._core is None, reason="this install has no compiled kernels")
def test_the_core_checks_its_arrays() -> None:
    plane, core = np.zeros((4, 5), np.uint8), kernels._core
    for arguments in (
        (plane, 0, 1, np.zeros((2, 2), np.uint8)),
        (plane, 1, 300, np.zeros((2, 2), np.uint8)),
        (plane, 1, 1, np.zeros((5, 2), np.uint8)),
        (plane, 1, 1, np.zeros((2, 5), np.uint8)),
    ):
        with pytest.raises(ValueError, match=r"every:|out:"):
            core.area_means(*arguments)
