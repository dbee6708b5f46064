"""Channel words and the slow twin of binary convolution: packing and plumbing on signs, and dot products equal to those of the +-1 values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from docbin.kernels import bits, reference_bits


@pytest.mark.parametrize(
    ("stride", "dilation", "padding", "groups", "pad_bit"), [(1, 1, 1, 1, False), (2, 1, 1, 1, True), (1, 2, 2, 2, False)]
)
def test_dot_products_are_those_of_the_signs(stride: int, dilation: int, padding: int, groups: int, pad_bit: bool) -> None:
    rng = np.random.default_rng(1)
    x, w = rng.random((128, 9, 11)) < 0.5, rng.random((128, 128 // groups, 3, 3)) < 0.5
    counts = rng.random(w.shape) < 0.7
    options = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups, "pad_bit": pad_bit}
    words, weights = bits.pack(x), bits.pack_weights(w)
    dots = reference_bits.conv_dots(words, weights, **options)
    masked = reference_bits.conv_dots(words, weights, masks=bits.pack_weights(counts), **options)
    signs = np.pad(np.where(x, 1, -1), ((0, 0), (padding, padding), (padding, padding)), constant_values=1 if pad_bit else -1)
    want, want_masked = np.zeros(dots.shape, int), np.zeros(dots.shape, int)
    per_group = 128 // groups
    for o, y, c in itertools.product(range(128), range(dots.shape[1]), range(dots.shape[2])):
        first = o // (128 // groups) * per_group
        top, left = y * stride, c * stride
        field = signs[first : first + per_group, top : top + 2 * dilation + 1 : dilation, left : left + 2 * dilation + 1 : dilation]
        want[o, y, c] = (field * np.where(w[o], 1, -1)).sum()
        want_masked[o, y, c] = (field * np.where(w[o], 1, -1) * counts[o]).sum()
    assert np.array_equal(dots, want)
    assert np.array_equal(masked, want_masked)
    limit = rng.integers(-9, 9, (2, 128), dtype=np.int32) + 9 * 64 // groups
    got = bits.unpack(reference_bits.conv_bits(words, weights, limit, **options), 256)
    unequal = (9 * 128 // groups - want) // 2
    assert np.array_equal(got, np.concatenate([unequal <= one[:, None, None] for one in limit]))


def test_accumulators_hold_the_most_taps_allowed() -> None:
    words = np.zeros((511, 1, 40), np.uint64)  # all -1 against all +1: every bit differs
    weights = np.full((2, 511, 1, 1), 2**64 - 1, np.uint64)
    assert (reference_bits.conv_dots(words, weights) == -511 * 64).all()
    assert (reference_bits.conv_bits(words, weights, np.array([511 * 64, 511 * 64 - 1], np.int32)) == 1).all()
    with pytest.raises(ValueError, match="at most 511"):
        reference_bits.conv_dots(np.zeros((512, 1, 1), np.uint64), np.zeros((1, 512, 1, 1), np.uint64))


def test_a_channel_count_that_fills_no_word() -> None:
    rng = np.random.default_rng(2)
    x, w = rng.random((40, 6, 5)) < 0.5, rng.random((3, 40, 3, 3)) < 0.5
    dots = reference_bits.conv_dots(bits.pack(x), bits.pack_weights(w), channels=40, padding=0)
    assert dots[1, 0, 0] == (np.where(x[:, :3, :3], 1, -1) * np.where(w[1], 1, -1)).sum()


@pytest.mark.parametrize("channels", [1, 31, 64, 65, 130])
def test_packing_is_undone_by_unpacking(channels: int) -> None:
    x = np.random.default_rng(3).random((channels, 5, 3)) < 0.5
    assert np.array_equal(bits.unpack(bits.pack(x), channels), x)


def test_plumbing_on_bits_is_plumbing_on_signs() -> None:
    x = np.random.default_rng(4).random((128, 6, 10)) < 0.5
    words = bits.pack(x)
    assert np.array_equal(bits.unpack(bits.max_pool(words), 128), x.reshape(128, 3, 2, 5, 2).max(axis=(2, 4)))
    assert np.array_equal(bits.unpack(bits.upsample(words), 128), x.repeat(2, 1).repeat(2, 2))
    assert np.array_equal(bits.unpack(bits.concat(words, words[:1]), 192), np.concatenate([x, x[:64]]))


@pytest.mark.parametrize(
    ("words", "weights", "options", "says"),
    [
        ((1, 2, 2), (64, 1, 3, 3), {}, "smaller than the filter"),
        ((2, 4, 4), (64, 1, 3, 3), {}, "groups=1"),
        ((2, 4, 4), (32, 1, 3, 3), {"groups": 2}, "whole words"),
        ((1, 4, 4), (64, 1, 3, 3), {"stride": 0}, "stride=0"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(words: tuple[int, ...], weights: tuple[int, ...], options: dict[str, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        reference_bits.conv_dots(np.zeros(words, np.uint64), np.zeros(weights, np.uint64), **options)
