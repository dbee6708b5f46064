"""Convolutions of 16-bit whole numbers: what a small network of depthwise and pointwise layers is computed in, the same bits on every machine.

Eight bits would be faster where a CPU multiplies bytes, and want ranges measured on pages for every map; with sixteen the rounding of maps is a
hundred times finer than what eight-bit weights do, and half of a multiply-add's width is what every CPU of docbin's levels has. Maps are int16
(..., channels), the channels of a pixel one behind the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import reference_fixed_point as reference
from docbin.kernels.reference_fixed_point import Numbers

BLOCK = 8
"""Outputs are computed by eights."""


@dataclass(frozen=True, slots=True)
class Rescale:
    """How a sum becomes a number: ``factor * sum + offset``, in single precision, between `low` and `high`, to the nearest whole number.

    Attributes
    ----------
    factor, offset : float32 (channels,)
    low, high : within 16 bits
    """

    factor: NDArray[np.float32]
    offset: NDArray[np.float32]
    low: float
    high: float


def packed(weights: NDArray[np.int16]) -> NDArray[np.int16]:
    """Weights (outs, ins) as the kernels read them: (outs / 8, ins / 2, 8, 2)."""
    outs, ins = weights.shape
    return np.ascontiguousarray(weights.reshape(outs // BLOCK, BLOCK, ins // 2, 2).transpose(0, 2, 1, 3))


def pointwise(maps: Numbers, weights: NDArray[np.int16], rescale: Rescale, residual: Numbers | None = None, threads: int = 1) -> Numbers:
    """A 1 x 1 convolution, int16 (H, W, outs) of int16 (H, W, ins).

    Parameters
    ----------
    weights : int16 (outs / 8, ins / 2, 8, 2), as :func:`packed` makes them; no sum may leave 32 bits
    residual : int16 (H, W, outs), added before the limits
    threads : at most so many

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    height, width, ins = maps.shape
    outs = BLOCK * weights.shape[0]
    flat = maps.reshape(-1, ins)
    beside = None if residual is None else residual.reshape(-1, outs)
    if weights.shape[1:] != (ins // 2, BLOCK, 2) or (beside is not None and len(beside) != len(flat)):
        raise ValueError(f"fixed point: weights {weights.shape} do not fit a map {maps.shape}, or the residual does not")
    if not kernels.compiled():
        plain = weights.transpose(0, 2, 1, 3).reshape(outs, ins)
        sums = reference.pointwise_sums(flat, plain)
        out = reference.rescaled(sums, rescale.factor, rescale.offset, rescale.low, rescale.high, beside)
    else:
        out = np.empty((len(flat), outs), np.int16)
        kernels._core.pointwise(
            kernels.active(), flat, beside, weights, rescale.factor, rescale.offset, rescale.low, rescale.high, out, threads
        )
    return out.reshape(height, width, outs)


def depthwise(
    maps: Numbers, weights: NDArray[np.int16], rescale: Rescale, stride: int, before: int, shape: tuple[int, int], threads: int = 1
) -> Numbers:
    """A convolution of each channel by itself, int16 (*shape, channels) of int16 (H, W, channels); beyond the map all is zero.

    Parameters
    ----------
    weights : int16 (side, side, channels), side at most 7, channels a multiple of 8; no sum may leave 32 bits
    stride, before : output (y, x) sees rows from ``stride * y - before`` on, and columns alike
    threads : at most so many

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    channels = maps.shape[2]
    if weights.shape[2] != channels or weights.shape[0] != weights.shape[1]:
        raise ValueError(f"fixed point: weights {weights.shape} do not fit a map {maps.shape}")
    if not kernels.compiled():
        sums = reference.depthwise_sums(maps, weights, stride, before, shape)
        return reference.rescaled(sums, rescale.factor, rescale.offset, rescale.low, rescale.high)
    out = np.empty((*shape, channels), np.int16)
    side = weights.shape[0]
    taps = np.zeros((side * side + side % 2, channels), np.int16)
    taps[: side * side] = weights.reshape(-1, channels)
    pairs = np.ascontiguousarray(taps.reshape(-1, 2, channels).transpose(0, 2, 1))
    kernels._core.depthwise(
        kernels.active(), maps, pairs, rescale.factor, rescale.offset, rescale.low, rescale.high, side, stride, before, out, threads
    )
    return out


__all__ = ["BLOCK", "Numbers", "Rescale", "depthwise", "packed", "pointwise"]
