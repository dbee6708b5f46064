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
