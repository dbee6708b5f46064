"""The first layer on pixels: every level equals the NumPy twin bit for bit, and the twin equals a float convolution."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from docbin import kernels
from docbin.kernels import bits, pixels

COMPILED = [level for level in kernels.levels() if level != "numpy"]

# planes, height, width, channels out, kernel, stride, dilation, padding
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1, 0),
    (1, 3, 3, 64, 3, 1, 1, 1),
    (1, 5, 65, 63, 3, 1, 1, 1),
    (2, 9, 33, 65, 3, 1, 1, 1),
    (3, 7, 31, 100, 3, 2, 1, 1),
    (3, 11, 67, 64, 5, 1, 2, 4),
    (4, 8, 130, 7, 3, 3, 1, 0),
    (4, 9, 64, 130, 7, 2, 1, 3),  # 196 taps: one-bit weights in 32-bit sums too
]


def case(shape: tuple[int, ...], kind: str, fan: int = 1):
    planes, height, width, outs, kernel, stride, dilation, padding = shape
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (planes, height, width), dtype=np.uint8)
    whole = rng.integers(-128, 128, (outs, planes, kernel, kernel), dtype=np.int8)
    reach = planes * kernel**2 * (30 if kind == "int8" else 1) * 255 // 4
    threshold = rng.integers(-reach, reach, (fan, outs), dtype=np.int32)
    threshold[:, ::5], threshold[:, 3::7] = 2**31 - 1, -(2**31)  # never, always
    options = {"stride": stride, "dilation": dilation, "padding": padding, "pad_value": 255}
    if kind == "int8":
        return picture, whole, whole, threshold, options
    options |= {"masks": bits.pack_weights(whole % 3 > 0)} if kind == "masked" else {}
    signs = np.where(whole >= 0, 1, -1) * (whole % 3 > 0 if kind == "masked" else 1)
    return picture, bits.pack_weights(whole >= 0), signs, threshold, options


@pytest.mark.parametrize("level", COMPILED)
@pytest.mark.parametrize(("shape", "kind"), list(itertools.product(SHAPES, ("signs", "masked", "int8"))))
def test_every_level_equals_the_twin(level: str, shape: tuple[int, ...], kind: str) -> None:
    picture, weights, _, threshold, options = case(shape, kind, fan=3)
    with kernels.use("numpy"):
        want = pixels.conv_pixels(picture, weights, threshold, **options)
    with kernels.use(level):
        for threads in (1, 3):
            assert np.array_equal(pixels.conv_pixels(picture, weights, threshold, threads=threads, **options), want)


@pytest.mark.parametrize("level", kernels.levels())
@pytest.mark.parametrize(("shape", "kind"), list(itertools.product(SHAPES, ("signs", "masked", "int8"))))
def test_sums_are_those_of_a_float_convolution(level: str, shape: tuple[int, ...], kind: str) -> None:
    torch = pytest.importorskip("torch")
    picture, weights, numbers, threshold, options = case(shape, kind, fan=9)  # more than a kernel call takes
    stride, dilation, padding = shape[5:]
    padded = np.pad(picture, ((0, 0), (padding, padding), (padding, padding)), constant_values=255)
    sums = torch.nn.functional.conv2d(torch.tensor(padded).float()[None], torch.tensor(numbers).float(), stride=stride, dilation=dilation)[
        0
    ].numpy()
    with kernels.use(level):
        got = pixels.conv_pixels(picture, weights, threshold, **options)
    assert np.array_equal(got, np.concatenate([bits.pack(sums >= least[:, None, None]) for least in threshold]))


@pytest.mark.parametrize("level", kernels.levels())
@pytest.mark.parametrize(("kernel", "planes", "weight"), [((8, 8), 2, 1), ((8, 8), 2, -1), ((128, 128), 4, -128), ((128, 128), 4, 127)])
def test_the_most_and_largest_taps_fit_their_sums(level: str, kernel: tuple[int, int], planes: int, weight: int) -> None:
    """128 taps of one bit in 16-bit lanes; 65536 taps of int8 in 32-bit ones."""
    picture = np.full((planes, *kernel), 255, np.uint8)
    total = 255 * weight * planes * kernel[0] * kernel[1]
    weights = np.full((2, planes, *kernel), weight, np.int8)
    with kernels.use(level):
        assert pixels.conv_pixels(picture, weights, np.array([total, total + 1], np.int32)).item() == 1


@pytest.mark.parametrize(
    ("picture", "weights", "options", "says"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((1, 1, 3, 3), np.int8), {}, "uint8 picture"),
        (np.zeros((5, 4, 4), np.uint8), np.zeros((1, 5, 3, 3), np.int8), {}, "5 planes"),
        (np.zeros((3, 4, 4), np.uint8), np.zeros((1, 3, 3, 3), np.uint64), {}, "do not fit together"),
        (np.zeros((1, 2, 4), np.uint8), np.zeros((1, 1, 3, 3), np.int8), {}, "smaller than the filter"),
        (np.zeros((1, 4, 4), np.uint8), np.zeros((1, 1, 3, 3), np.int8), {"pad_value": 256}, "pad_value=256"),
        (np.zeros((1, 4, 4), np.uint8), np.zeros((1, 1, 3, 3), np.int8), {"masks": np.zeros((1, 1, 3, 3), np.uint64)}, "masks"),
        (np.zeros((1, 4, 4), np.uint8), np.zeros((2, 1, 3, 3), np.int8), {}, r"\(fan, 2\)"),
        (np.zeros((1, 4, 4), np.uint8), np.zeros((1, 1, 1, 65537), np.int8), {}, "65537 taps"),
    ],
)
def test_what_does_not_fit_is_refused(picture: np.ndarray, weights: np.ndarray, options: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        pixels.conv_pixels(picture, weights, np.zeros(1, np.int32), **options)
