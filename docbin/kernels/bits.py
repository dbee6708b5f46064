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


def _totals(weights: Words, masks: Words | None, channels: int | None) -> Limits:
    """Weights that count, a filter; refuses what does not fit int16 dot products."""
    outs, per_group, kernel_h, kernel_w = weights.shape
    if per_group * kernel_h * kernel_w * 64 > 32767:
        raise ValueError(
            f"binary convolution: {per_group * kernel_h * kernel_w} words a filter do not fit int16 dot products (at most 511)"
        )
    total = np.full(outs, (channels or per_group * 64) * kernel_h * kernel_w, np.int32)
    return total if masks is None else np.bitwise_count(masks).sum(axis=(1, 2, 3), dtype=np.int32)


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
    total = _totals(weights, masks, channels)
    level = kernels.active()
    args: dict[str, Any] = {"stride": stride, "dilation": dilation, "pad": padding, "groups": groups, "pad_bit": pad_bit}
    if level == "numpy" or kernels._core is None:
        return reference.conv_dots(words, weights, masks, total, **args)
    out = np.empty((weights.shape[0], *size), np.int16)
    kernels._core.conv_dots(level, words, weights, masks, total[None], threads=threads, out=out, **args)
    return out


def _per_channel(outs: int, **numbers: NDArray[Any] | float) -> NDArray[Any]:
    """One row a channel of the given numbers, (out, len(numbers))."""
    columns = []
    for name, number in numbers.items():
        column = np.asarray(number)
        if column.shape not in ((), (outs,)) or not np.isfinite(column).all():
            raise ValueError(f"binary convolution: {name} wants one finite number or {outs}, one a channel; got shape {column.shape}")
        columns.append(np.broadcast_to(column, outs))
    return np.stack(columns, axis=1)


def _conv_values(
    kernel: str,
    numbers: NDArray[Any],
    dtype: type[np.float32] | type[np.int16],
    words: Words,
    weights: Words,
    *,
    residual: NDArray[Any] | None,
    residual_first: bool,
    signs: bool,
    masks: Words | None = None,
    channels: int | None = None,
    stride: int = 1,
    dilation: int = 1,
    padding: int = 0,
    groups: int = 1,
    pad_bit: bool = False,
    threads: int = 1,
) -> tuple[NDArray[Any], Words | None]:
    """:func:`conv_dots` and one of the epilogues."""
    height, width = _geometry(words, weights, stride, dilation, padding, groups)
    outs = weights.shape[0]
    total = _totals(weights, masks, channels)
    if residual is not None and (residual.shape != (outs, height, width) or residual.dtype != dtype):
        raise ValueError(
            f"binary convolution: a residual {np.dtype(dtype)} {(outs, height, width)} is wanted, got {residual.dtype} {residual.shape}"
        )
    level = kernels.active()
    args: dict[str, Any] = {"stride": stride, "dilation": dilation, "pad": padding, "groups": groups, "pad_bit": pad_bit}
    if level == "numpy" or kernels._core is None:
        dots = reference.conv_dots(words, weights, masks, total, **args)
        values = getattr(reference, kernel)(dots, numbers, residual, residual_first)
        return values, pack(values >= 0) if signs else None
    values = np.empty((outs, height, width), dtype)
    sign_words = np.empty((-(-outs // 64), height, width), np.uint64) if signs else None
    run = getattr(kernels._core, f"conv_{kernel}")
    run(level, words, weights, masks, total[None], numbers, residual, residual_first, threads=threads, out=values, signs=sign_words, **args)
    return values, sign_words


def conv_affine(
    words: Words,
    weights: Words,
    scale: NDArray[np.float32] | float,
    bias: NDArray[np.float32] | float,
    slope: NDArray[np.float32] | float = 1.0,
    shift: NDArray[np.float32] | float = 0.0,
    *,
    residual: NDArray[np.float32] | None = None,
    residual_first: bool = True,
    signs: bool = False,
    **options: Any,
) -> tuple[NDArray[np.float32], Words | None]:
    """Binary convolution to float32: batch norm, shortcut and RPReLU of ReActNet (Liu et al., 2020, arXiv 2003.03488) in one pass.

    ``v = scale * dot + bias``, ``v = v + residual``, ``v = v if v >= 0 else slope * v``, ``v = v + shift``: single precision in this order, no fused
    multiply-add, so all levels give the same bits. RPReLU is ``PReLU(x - gamma) + zeta``: -gamma goes into `bias`, zeta is `shift`.

    Parameters
    ----------
    scale, bias, slope, shift : one finite number, or float32 (out,)
    residual : float32 (out, H', W'), or None
    residual_first : the residual is added before the PReLU, as in the paper; False = at the very end (then `scale`, `bias` act on the dot alone)
    signs : also return the bits ``value >= 0``, the next binary convolution's input (sign(0) = +1, -0.0 too; NaN gives -1)
    options : masks, channels, stride, dilation, padding, groups, pad_bit, threads, as in :func:`conv_dots`

    Returns
    -------
    float32 (out, H', W'), and uint64 (ceil(out / 64), H', W') or None

    Raises
    ------
    ValueError
        Shapes do not fit, a number is not finite, or a filter has more than 511 words (a dot product, at most 32704, is then exact in float32).
    """
    numbers = _per_channel(weights.shape[0], scale=scale, bias=bias, slope=slope, shift=shift).astype(np.float32)
    return _conv_values(
        "affine", numbers, np.float32, words, weights, residual=residual, residual_first=residual_first, signs=signs, **options
    )


def conv_fixed(
    words: Words,
    weights: Words,
    multiplier: NDArray[np.int32] | int,
    multiplier_bits: NDArray[np.int32] | int,
    bias: NDArray[np.int32] | int,
    slope: NDArray[np.int32] | int = 1,
    slope_bits: NDArray[np.int32] | int = 0,
    shift: NDArray[np.int32] | int = 0,
    *,
    residual: NDArray[np.int16] | None = None,
    residual_first: bool = True,
    signs: bool = False,
    **options: Any,
) -> tuple[NDArray[np.int16], Words | None]:
    """:func:`conv_affine` in fixed point (as in Jacob et al., 2018, arXiv 1712.05877): int16 out of int32 sums, half the memory.

    The caller picks one scale for the map (value = integer * unit); then ``scale = unit * multiplier / 2**multiplier_bits``,
    ``slope = slope / 2**slope_bits``, and bias, shift and residual are in units. With ``r(v, s) = floor(v / 2**s + 1/2)`` (round to nearest, ties
    upwards, by an arithmetic shift) and sat() = clipping to -32768..32767: ``v = sat(r(multiplier * dot, multiplier_bits) + bias + residual)``,
    ``v = v if v >= 0 else r(slope * v, slope_bits)``, ``sat(v + shift)``; a residual that does not come first is inside the last sat().

    Parameters
    ----------
    multiplier, slope, shift : -32768..32767, one number or (out,)
    multiplier_bits, slope_bits : 0..30, likewise
    bias : -2**29..2**29, likewise
    residual : int16 (out, H', W'), or None
    residual_first, signs, options : as in :func:`conv_affine`

    Returns
    -------
    int16 (out, H', W'), and uint64 (ceil(out / 64), H', W') or None

    Raises
    ------
    ValueError
        Shapes do not fit, a number is out of range, or a filter has more than 511 words. Within these ranges no sum passes int32: the largest are
        2**15 * 32704 + 2**29 (a product and its rounding) and 2**15 * 32704 + 2**29 + 2**15 (with bias and residual).
    """
    numbers = _per_channel(
        weights.shape[0],
        multiplier=multiplier,
        multiplier_bits=multiplier_bits,
        bias=bias,
        slope=slope,
        slope_bits=slope_bits,
        shift=shift,
    )
    most = np.array([32767, 30, 2**29, 32767, 30, 32767])
    least = np.array([-32768, 0, -(2**29), -32768, 0, -32768])
    if numbers.dtype.kind not in "iu" or (numbers < least).any() or (numbers > most).any():
        raise ValueError(
            f"binary convolution: multiplier, multiplier_bits, bias, slope, slope_bits and shift are whole numbers from {least} to {most}; "
            f"got {numbers.min(0)} to {numbers.max(0)}"
        )
    return _conv_values(
        "fixed",
        numbers.astype(np.int32),
        np.int16,
        words,
        weights,
        residual=residual,
        residual_first=residual_first,
        signs=signs,
        **options,
    )


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
