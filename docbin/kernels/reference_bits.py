"""Binary convolution the slow, obvious way: count differing bits tap by tap. The twin of ``csrc/bits_*.cpp``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def unequal(
    words: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    masks: NDArray[np.uint64] | None,
    *,
    stride: int,
    dilation: int,
    pad: int,
    groups: int,
    pad_bit: bool,
) -> NDArray[np.int64]:
    """Number of weights that differ from the map, int64 (out, H', W')."""
    outs, per_group, kernel_h, kernel_w = weights.shape
    filler = np.uint64(2**64 - 1) if pad_bit else np.uint64(0)
    padded = np.pad(words, ((0, 0), (pad, pad), (pad, pad)), constant_values=filler)
    height = (padded.shape[1] - dilation * (kernel_h - 1) - 1) // stride + 1
    width = (padded.shape[2] - dilation * (kernel_w - 1) - 1) // stride + 1
    count = np.zeros((outs, height, width), np.int64)
    for o in range(outs):
        first = o // (outs // groups) * per_group
        for j in range(per_group):
            for ky in range(kernel_h):
                for kx in range(kernel_w):
                    y, x = ky * dilation, kx * dilation
                    tap = padded[first + j, y : y + stride * (height - 1) + 1 : stride, x : x + stride * (width - 1) + 1 : stride]
                    differ = tap ^ weights[o, j, ky, kx]
                    if masks is not None:
                        differ = differ & masks[o, j, ky, kx]
                    count[o] += np.bitwise_count(differ)
    return count


def conv_bits(
    words: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    masks: NDArray[np.uint64] | None,
    limit: NDArray[np.int32],
    *,
    stride: int,
    dilation: int,
    pad: int,
    groups: int,
    pad_bit: bool,
) -> NDArray[np.uint64]:
    """Bits ``unequal <= limit`` packed into words; see :func:`docbin.kernels.bits.conv_bits`."""
    count = unequal(words, weights, masks, stride=stride, dilation=dilation, pad=pad, groups=groups, pad_bit=pad_bit)
    planes = -(-count.shape[0] // 64)
    out = np.zeros((limit.shape[0] * planes, *count.shape[1:]), np.uint64)
    for fan, limits in enumerate(limit):
        for o, channel in enumerate(count):
            out[fan * planes + o // 64] |= (channel <= limits[o]).astype(np.uint64) << np.uint64(o % 64)
    return out


def conv_dots(
    words: NDArray[np.uint64],
    weights: NDArray[np.uint64],
    masks: NDArray[np.uint64] | None,
    total: NDArray[np.int32],
    *,
    stride: int,
    dilation: int,
    pad: int,
    groups: int,
    pad_bit: bool,
) -> NDArray[np.int16]:
    """Dot products ``total - 2 unequal``; see :func:`docbin.kernels.bits.conv_dots`."""
    count = unequal(words, weights, masks, stride=stride, dilation=dilation, pad=pad, groups=groups, pad_bit=pad_bit)
    return (total[:, None, None] - 2 * count).astype(np.int16)


def affine(
    dots: NDArray[np.int16], numbers: NDArray[np.float32], residual: NDArray[np.float32] | None, residual_first: bool
) -> NDArray[np.float32]:
    """Scale, bias, PReLU, shift and residual; see :func:`docbin.kernels.bits.conv_affine`. The order of the steps is part of the definition."""
    scale, bias, slope, shift = numbers.T[:, :, None, None]
    value: NDArray[np.float32] = scale * dots.astype(np.float32) + bias
    if residual is not None and residual_first:
        value = value + residual
    value = np.where(value >= 0, value, slope * value) + shift
    return value if residual is None or residual_first else value + residual


def fixed(
    dots: NDArray[np.int16], numbers: NDArray[np.int32], residual: NDArray[np.int16] | None, residual_first: bool
) -> NDArray[np.int16]:
    """The same in whole numbers; see :func:`docbin.kernels.bits.conv_fixed`. Here in int64, which nothing can overflow."""
    multiplier, multiplier_bits, bias, slope, slope_bits, shift = numbers.T[:, :, None, None].astype(np.int64)

    def rounded(value: NDArray[np.int64], by: NDArray[np.int64]) -> NDArray[np.int64]:
        unit = 1 << by
        nearest: NDArray[np.int64] = (2 * value + unit) // (2 * unit)  # floor(value / unit + 1/2)
        return nearest

    extra = np.int64(0) if residual is None else residual.astype(np.int64)
    value = rounded(multiplier * dots, multiplier_bits) + bias + (extra if residual_first else 0)
    value = np.clip(value, -32768, 32767)
    value = np.where(value >= 0, value, rounded(slope * value, slope_bits)) + shift + (0 if residual_first else extra)
    result: NDArray[np.int16] = np.clip(value, -32768, 32767).astype(np.int16)
    return result
