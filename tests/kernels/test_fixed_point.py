"""Convolutions of 16-bit numbers and the page that they begin with: every level against the twin, bit for bit, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from docbin import kernels
from docbin.kernels.fixed_point import Numbers, Rescale, depthwise, packed, pointwise
from docbin.kernels.shrunk import shrunk

COMPILED = [level for level in kernels.levels() if level != "numpy"]
pytestmark = pytest.mark.skipif(not COMPILED, reason="this install has no compiled kernels")


def numbers(rng: np.random.Generator, shape: tuple[int, ...], low: int = -32768, high: int = 32768) -> Numbers:
    return rng.integers(low, high, shape).astype(np.int16)


def rescale(rng: np.random.Generator, channels: int, size: float, low: float = -32768, high: float = 32767) -> Rescale:
    factor, offset = (rng.normal(0, scale, channels).astype(np.float32) for scale in (size, 100.0))
    return Rescale(factor, offset, low, high)


@pytest.mark.parametrize("level", COMPILED)
@pytest.mark.parametrize("ins", [2, 10, 34])
@pytest.mark.parametrize("outs", [8, 16, 24, 32, 40, 64])
def test_pointwise_layers_are_the_twin_s(level: str, ins: int, outs: int) -> None:
    rng = np.random.default_rng(ins * outs)
    for height, width in ((1, 1), (3, 5), (7, 19), (20, 40)):
        maps, beside = numbers(rng, (height, width, ins)), numbers(rng, (height, width, outs))
        weights = packed(rng.integers(-127, 128, (outs, ins)).astype(np.int16))
        for limits in ((-32768, 32767), (0, 3000)):
            by = rescale(rng, outs, 1e-3, *limits)
            for residual in (None, beside):
                with kernels.use("numpy"):
                    want = pointwise(maps, weights, by, residual)
                with kernels.use(level):
                    for threads in (1, 3):
                        np.testing.assert_array_equal(pointwise(maps, weights, by, residual, threads), want)


@pytest.mark.parametrize("level", COMPILED)
@pytest.mark.parametrize("side", [1, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_layers_are_the_twin_s(level: str, side: int, stride: int) -> None:
    rng = np.random.default_rng(10 * side + stride)
    for height, width, channels in ((2, 2, 8), (6, 10, 16), (18, 34, 24)):
        maps = numbers(rng, (height, width, channels))
        weights = rng.integers(-127, 128, (side, side, channels)).astype(np.int16)
        by = rescale(rng, channels, 1e-3)
        shape = (height // stride, width // stride)
        for before in {side // 2, max(0, (side - 2) // 2)}:
            with kernels.use("numpy"):
                want = depthwise(maps, weights, by, stride, before, shape)
            with kernels.use(level):
                for threads in (1, 2):
                    np.testing.assert_array_equal(depthwise(maps, weights, by, stride, before, shape, threads), want)


@pytest.mark.parametrize("level", kernels.levels())
def test_a_sum_is_rounded_to_even_and_cut_off_behind_the_residual(level: str) -> None:
    weights = packed(np.eye(8, dtype=np.int16))
    maps = np.array([1, 3, 5, -1, -3, 7, 100, -100], np.int16).reshape(1, 1, 8)
    half = Rescale(np.full(8, 0.5, np.float32), np.zeros(8, np.float32), -20, 20)
    beside = np.array([0, 0, 0, 0, 0, 0, -45, 45], np.int16).reshape(1, 1, 8)
    with kernels.use(level):
        assert pointwise(maps, weights, half).ravel().tolist() == [0, 2, 2, 0, -2, 4, 20, -20]
        assert pointwise(maps, weights, half, beside).ravel().tolist() == [0, 2, 2, 0, -2, 4, 5, -5]


@pytest.mark.parametrize("level", kernels.levels())
def test_a_depthwise_layer_sees_zero_beyond_the_map(level: str) -> None:
    maps = np.arange(1, 5, dtype=np.int16).reshape(2, 2, 1).repeat(8, axis=2)
    by = Rescale(np.ones(8, np.float32), np.zeros(8, np.float32), -32768, 32767)
    with kernels.use(level):
        sums = depthwise(maps, np.ones((3, 3, 8), np.int16), by, 1, 1, (2, 2))
        assert (sums == 10).all()
        corner = depthwise(maps, np.ones((3, 3, 8), np.int16), by, 2, 0, (1, 1))
    assert (corner == 10).all()


@pytest.mark.parametrize("level", COMPILED)
@pytest.mark.parametrize("colours", [False, True])
def test_the_shrunk_page_is_the_twin_s(level: str, colours: bool) -> None:
    rng = np.random.default_rng(3)
    for height, width in ((1, 1), (3, 6), (4, 8), (67, 130), (130, 65)):
        page = rng.integers(0, 256, (height, width, 3) if colours else (height, width)).astype(np.uint8)
        grey = rng.integers(0, 256, (height, width)).astype(np.uint8)
        shape = (-(-height // 64) * 16, -(-width // 64) * 16)
        with kernels.use("numpy"):
            want = shrunk(page, grey, shape)
        with kernels.use(level):
            for threads in (1, 2):
                np.testing.assert_array_equal(shrunk(page, grey, shape, threads), want)


def test_a_shrunk_page_by_hand() -> None:
    page = np.full((4, 4, 3), 255, np.uint8)
    page[..., 2] = 0
    grey = np.full((4, 4), 200, np.uint8)
    grey[2, 1] = 10
    assert shrunk(page, grey, (16, 16))[[0, 15], [0, 15]].tolist() == [[4080, 4080, -4080, 32 * 10 - 4080]] * 2


def test_what_does_not_fit_together_is_refused() -> None:
    by = Rescale(np.ones(8, np.float32), np.zeros(8, np.float32), 0, 10)
    maps = np.zeros((4, 4, 8), np.int16)
    weights = packed(np.zeros((8, 8), np.int16))
    with pytest.raises(ValueError, match="do not fit a map"):
        pointwise(maps[..., :6], weights, by)
    with pytest.raises(ValueError, match="residual"):
        pointwise(maps, weights, by, np.zeros((4, 3, 8), np.int16))
    with pytest.raises(ValueError, match="do not fit a map"):
        depthwise(maps, np.zeros((3, 3, 16), np.int16), by, 1, 1, (4, 4))
    with pytest.raises(ValueError, match="limits"):
        pointwise(maps, weights, Rescale(by.factor, by.offset, 0, 40_000))
    with pytest.raises(ValueError, match="do not fit together"):
        shrunk(np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8), (1, 2))
    with pytest.raises(ValueError, match="do not fit together"):
        shrunk(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9), np.uint8), (16, 16))
