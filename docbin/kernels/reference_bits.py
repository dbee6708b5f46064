"""Binary convolution the slow, obvious way: count differing bits tap by tap. The twin of ``csrc/engine/bitsliced*``.

It works on channel words (:mod:`docbin.kernels.bits`). Padding is a constant bit, -1 unless asked otherwise, decided here and in
``docbin.quant`` alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.kernels.bits import Words

Limits = NDArray[np.int32]


def _checked_size(words: Words, weights: Words, stride: int, dilation: int, padding: int, groups: int) -> tuple[int, int]:
    """Height and width of the result; refuses what does not fit together."""
    if words.dtype != np.uint64 or words.ndim != 3 or weights.dtype != np.uint64 or weights.ndim != 4:
        raise ValueError(
            f"binary convolution: uint64 map (words, H, W) and weights (out, words / groups, kh, kw) are wanted, "
            f"got {words.dtype} {words.shape} and {weights.dtype} {weights.shape}"
        )
    outs, per_group, kernel_h, kernel_w = weights.shape
    if groups < 1 or words.shape[0] != per_group * groups or outs % groups or (groups > 1 and outs // groups % 64):
        raise ValueError(
            f"binary convolution: {words.shape[0]} input words and {outs} output channels do not split into groups={groups} "
            f"of whole words (weights take {per_group} words a group)"
        )
    if stride < 1 or dilation < 1 or padding < 0:
        raise ValueError(f"binary convolution: stride={stride}, dilation={dilation}, padding={padding} are out of range")
    height = (words.shape[1] + 2 * padding - dilation * (kernel_h - 1) - 1) // stride + 1
    width = (words.shape[2] + 2 * padding - dilation * (kernel_w - 1) - 1) // stride + 1
    if height < 1 or width < 1:
        raise ValueError(f"binary convolution: a map of {words.shape[1:]} is smaller than the filter")
    return height, width


def unequal(
    words: Words,
    weights: Words,
    *,
    masks: Words | None = None,
    stride: int = 1,
    dilation: int = 1,
    padding: int = 0,
    groups: int = 1,
    pad_bit: bool = False,
) -> NDArray[np.int64]:
    """Number of weights that count and differ from the map, int64 (out, H', W').

    Parameters
    ----------
    words : uint64 (words, H, W), the 1-bit map
    weights : uint64 (out, words / groups, kh, kw)
    masks : uint64 like `weights`, 1 = the weight counts, 0 = it is zero
    pad_bit : the padding's value, False = -1
    """
    height, width = _checked_size(words, weights, stride, dilation, padding, groups)
    outs, per_group, kernel_h, kernel_w = weights.shape
    filler = np.uint64(2**64 - 1) if pad_bit else np.uint64(0)
    padded = np.pad(words, ((0, 0), (padding, padding), (padding, padding)), constant_values=filler)
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
    words: Words,
    weights: Words,
    limit: Limits,
    *,
    masks: Words | None = None,
    stride: int = 1,
    dilation: int = 1,
    padding: int = 0,
    groups: int = 1,
    pad_bit: bool = False,
) -> Words:
    """Binary convolution with an integer threshold a channel, bits in and bits out.

    Parameters
    ----------
    limit : int32 (out,) or (thresholds, out); a channel's bit is 1 where at most `limit` of its weights differ from the map. With K weights that
        count, the dot product is K - 2 differing, so ``dot >= t`` is ``limit = floor((K - t) / 2)``. A negative batch-norm scale folds by inverting
        the filter's bits. With several rows each filter gives several bits, one a threshold.
    words, weights, masks, stride, dilation, padding, groups, pad_bit : as in :func:`unequal`

    Returns
    -------
    uint64 (thresholds * ceil(out / 64), H', W'), all channels of the first threshold first
    """
    count = unequal(words, weights, masks=masks, stride=stride, dilation=dilation, padding=padding, groups=groups, pad_bit=pad_bit)
    limits = np.atleast_2d(limit)
    planes = -(-count.shape[0] // 64)
    out = np.zeros((limits.shape[0] * planes, *count.shape[1:]), np.uint64)
    for threshold, most in enumerate(limits):
        for o, channel in enumerate(count):
            out[threshold * planes + o // 64] |= (channel <= most[o]).astype(np.uint64) << np.uint64(o % 64)
    return out


def conv_dots(
    words: Words,
    weights: Words,
    *,
    masks: Words | None = None,
    channels: int | None = None,
    stride: int = 1,
    dilation: int = 1,
    padding: int = 0,
    groups: int = 1,
    pad_bit: bool = False,
) -> NDArray[np.int16]:
    """The dot products themselves, int16 (out, H', W'); the other parameters as in :func:`unequal`.

    `channels` is the number of input channels a group when it is no multiple of 64 (the unused bits then count for nothing).
    At most 511 words a filter (K <= 32767), else a ValueError.
    """
    outs, per_group, kernel_h, kernel_w = weights.shape
    if per_group * kernel_h * kernel_w * 64 > 32767:
        raise ValueError(
            f"binary convolution: {per_group * kernel_h * kernel_w} words a filter do not fit int16 dot products (at most 511)"
        )
    total = np.full(outs, (channels or per_group * 64) * kernel_h * kernel_w, np.int64)
    if masks is not None:
        total = np.bitwise_count(masks).sum(axis=(1, 2, 3), dtype=np.int64)
    count = unequal(words, weights, masks=masks, stride=stride, dilation=dilation, padding=padding, groups=groups, pad_bit=pad_bit)
    return (total[:, None, None] - 2 * count).astype(np.int16)
