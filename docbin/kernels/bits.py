"""1-bit maps and binary convolution.

A 1-bit map is ``uint64 (words, H, W)``: bit c of word j is channel 64 j + c, 1 = +1, 0 = -1 (so sign(0) = +1 packs to 1). Words are planes, which
makes concatenation of maps ``np.concatenate`` along the first axis and a slice of channels a slice of planes. Channel counts
that are no multiple of 64 leave the upper bits of the last word 0; a convolution over such a map gives those channels weight bits of 0, and the
limits leave them out of the count (they never differ).

Padding is a constant bit (-1 unless asked otherwise), decided here and in ``docbin.quant`` alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import reference_bits as reference

Words = NDArray[np.uint64]
Limits = NDArray[np.int32]


def pack(bits: NDArray[np.bool_]) -> Words:
    """Pack bool (C, H, W), True = +1, into a 1-bit map (ceil(C / 64), H, W)."""
    channels, height, width = bits.shape
    words = -(-channels // 64)
    padded = np.zeros((words * 64, height, width), np.bool_)
    padded[:channels] = bits
    packed = np.packbits(padded.reshape(words, 64, height, width).transpose(0, 2, 3, 1), axis=-1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u8")[..., 0].astype(np.uint64, copy=False)


def unpack(words: Words, channels: int) -> NDArray[np.bool_]:
    """The bool (channels, H, W) that :func:`pack` packed."""
    planes, height, width = words.shape
    octets = np.ascontiguousarray(words, dtype="<u8").view(np.uint8).reshape(planes, height, width, 8)
    bits = np.unpackbits(octets, axis=-1, bitorder="little")
    return bits.transpose(0, 3, 1, 2).reshape(planes * 64, height, width)[:channels].astype(np.bool_)


def pack_weights(signs: NDArray[np.bool_]) -> Words:
    """Pack filter signs (out, in, kh, kw), True = +1, into (out, ceil(in / 64), kh, kw) words."""
    return np.stack([pack(filter_) for filter_ in signs])


def _geometry(words: Words, weights: Words, stride: int, dilation: int, padding: int, groups: int) -> tuple[int, int]:
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
    threads: int = 1,
) -> Words:
    """Binary convolution with an integer threshold a channel, bits in and bits out.

    Parameters
    ----------
    words : uint64 (words, H, W), the 1-bit map
    weights : uint64 (out, words / groups, kh, kw)
    limit : int32 (out,) or (fan, out); a channel's bit is 1 where at most `limit` of its weights differ from the map. With K weights that count, the
        dot product is K - 2 differing, so ``dot >= t`` is ``limit = floor((K - t) / 2)``. A negative batch-norm scale folds by inverting the filter's
        bits. With several rows each filter gives several bits, one a threshold, for hardly more than the cost of one.
    masks : uint64 like `weights`, 1 = the weight counts, 0 = it is zero
    pad_bit : the padding's value, False = -1

    Returns
    -------
    uint64 (fan * ceil(out / 64), H', W'), all channels of the first threshold first
    """
    limit = np.ascontiguousarray(np.atleast_2d(limit))
    size = _geometry(words, weights, stride, dilation, padding, groups)
    level = kernels.active()
    args: dict[str, Any] = {"stride": stride, "dilation": dilation, "pad": padding, "groups": groups, "pad_bit": pad_bit}
    if level == "numpy" or kernels._core is None:
        return reference.conv_bits(words, weights, masks, limit, **args)
    out = np.empty((limit.shape[0] * -(-weights.shape[0] // 64), *size), np.uint64)
    kernels._core.conv_bits(level, words, weights, masks, limit, threads=threads, out=out, **args)
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
    threads: int = 1,
) -> NDArray[np.int16]:
    """The dot products themselves, int16 (out, H', W'); the other parameters as in :func:`conv_bits`.

    `channels` is the number of input channels a group when it is no multiple of 64 (the unused bits then count for nothing).
    At most 511 words a filter (K <= 32767), else a ValueError.
    """
    size = _geometry(words, weights, stride, dilation, padding, groups)
    outs, per_group, kernel_h, kernel_w = weights.shape
    if per_group * kernel_h * kernel_w * 64 > 32767:
        raise ValueError(
            f"binary convolution: {per_group * kernel_h * kernel_w} words a filter do not fit int16 dot products (at most 511)"
        )
    if masks is not None:
        total = np.bitwise_count(masks).sum(axis=(1, 2, 3)).astype(np.int32)
    else:
        total = np.full(outs, (channels or per_group * 64) * kernel_h * kernel_w, np.int32)
    level = kernels.active()
    args: dict[str, Any] = {"stride": stride, "dilation": dilation, "pad": padding, "groups": groups, "pad_bit": pad_bit}
    if level == "numpy" or kernels._core is None:
        return reference.conv_dots(words, weights, masks, total, **args)
    out = np.empty((outs, *size), np.int16)
    kernels._core.conv_dots(level, words, weights, masks, total[None], threads=threads, out=out, **args)
    return out


def max_pool(words: Words, size: int = 2) -> Words:
    """Max-pooling by `size` x `size` blocks: the OR of the +1 bits; rows and columns that fill no block are left out."""
    height, width = words.shape[1] // size * size, words.shape[2] // size * size
    blocks = words[:, :height, :width]
    rows = blocks[:, ::size]
    for k in range(1, size):
        rows = rows | blocks[:, k::size]
    columns = rows[:, :, ::size]
    for k in range(1, size):
        columns = columns | rows[:, :, k::size]
    return np.ascontiguousarray(columns)


def upsample(words: Words, factor: int = 2) -> Words:
    """Nearest upsampling by a whole factor."""
    return words.repeat(factor, axis=1).repeat(factor, axis=2)


def concat(*maps: Words) -> Words:
    """Channels of several maps of equal size one after the other (each map's channel count a multiple of 64)."""
    return np.concatenate(maps, axis=0)


def pixel_unshuffle(words: Words, factor: int = 2) -> Words:
    """Blocks of `factor` x `factor` pixels become channels: word j of the block's pixel (y, x) becomes word (y * factor + x) * words + j."""
    height, width = words.shape[1] // factor, words.shape[2] // factor
    blocks = words[:, : height * factor, : width * factor].reshape(words.shape[0], height, factor, width, factor)
    return np.ascontiguousarray(blocks.transpose(2, 4, 0, 1, 3).reshape(-1, height, width))


def pixel_shuffle(words: Words, factor: int = 2) -> Words:
    """The inverse of :func:`pixel_unshuffle`."""
    planes = words.shape[0] // factor**2
    blocks = words.reshape(factor, factor, planes, words.shape[1], words.shape[2])
    return np.ascontiguousarray(blocks.transpose(2, 3, 0, 4, 1).reshape(planes, words.shape[1] * factor, words.shape[2] * factor))


def popcount_ceiling(seconds: float = 0.2) -> float:
    """Best rate of xor + count + add on one core at the active compiled level, 10^9 multiply-accumulates a second."""
    level = kernels.active()
    if level == "numpy" or kernels._core is None:
        raise ValueError("the NumPy level has no popcount ceiling; choose a compiled level")
    return float(kernels._core.popcount_ceiling(level, seconds))
