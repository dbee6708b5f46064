"""Convolutions of 16-bit whole numbers, the slow, obvious way; the twin of ``csrc/fixed/*``.

The order of the steps behind a sum is part of the definition: one multiplication, one addition, the residual, the limits, rounding with ties to even.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int16]


def rescaled(
    sums: NDArray[np.int64],
    factor: NDArray[np.float32],
    offset: NDArray[np.float32],
    low: float,
    high: float,
    residual: Numbers | None = None,
) -> Numbers:
    """Sums (..., channels) as 16-bit numbers."""
    values = sums.astype(np.int32).astype(np.float32) * factor + offset
    if residual is not None:
        values = values + residual.astype(np.float32)
    return np.asarray(np.rint(np.clip(values, np.float32(low), np.float32(high))), np.int16)


def pointwise_sums(maps: Numbers, weights: NDArray[np.int16]) -> NDArray[np.int64]:
    """(pixels, ins) and (outs, ins) -> (pixels, outs)."""
    return np.asarray(maps.astype(np.int64) @ weights.astype(np.int64).T)


def depthwise_sums(maps: Numbers, weights: NDArray[np.int16], stride: int, before: int, shape: tuple[int, int]) -> NDArray[np.int64]:
    """(H, W, channels) and (side, side, channels) -> (*shape, channels); beyond the map all is zero."""
    side = weights.shape[0]
    height, width = ((count - 1) * stride + side for count in shape)
    behind = [(before, max(0, need - before - have)) for need, have in zip((height, width), maps.shape, strict=False)]
    field = np.pad(maps.astype(np.int64), (*behind, (0, 0)))
    sums = np.zeros((*shape, maps.shape[2]), np.int64)
    for row in range(side):
        for column in range(side):
            seen = field[row : row + (shape[0] - 1) * stride + 1 : stride, column : column + (shape[1] - 1) * stride + 1 : stride]
            sums += seen * weights[row, column]
    return sums
