"""Threshold codes the slow, obvious way; the twin of ``csrc/engine/stem*``. The order of the single-precision steps is part of the definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.uint8, np.float32)


def box_sum(cells: NDArray[np.int64], window: int) -> NDArray[np.int64]:
    """Sum over the in-map part of the window around each cell."""
    half = window // 2
    height, width = cells.shape
    integral = np.zeros((height + 1, width + 1), np.int64)
    integral[1:, 1:] = cells.cumsum(0).cumsum(1)
    top, bottom = np.maximum(np.arange(height) - half, 0), np.minimum(np.arange(height) + half + 1, height)
    left, right = np.maximum(np.arange(width) - half, 0), np.minimum(np.arange(width) + half + 1, width)
    return integral[bottom][:, right] - integral[top][:, right] - integral[bottom][:, left] + integral[top][:, left]


def pixels_of(plane: NDArray[Number]) -> NDArray[Number]:
    """The four pixels of each cell, (4, h, w)."""
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    return plane.reshape(height, 2, width, 2).transpose(1, 3, 0, 2).reshape(4, height, width)


def moments(
    pixels: NDArray[np.uint8], windows: NDArray[np.int32], floor: float
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """For each window the mean, and the deviation plus `floor`, of the in-map cells around each cell, float32 (h, w)."""
    height, width = pixels.shape[1:]
    sums = pixels.astype(np.int64).sum(0)
    squares = (pixels.astype(np.int64) ** 2).sum(0)
    for window in windows.tolist():
        count = (4 * box_sum(np.ones((height, width), np.int64), window)).astype(np.float32)
        mean = box_sum(sums, window).astype(np.float32) / count
        variance = box_sum(squares, window).astype(np.float32) / count - mean * mean
        yield mean, np.sqrt(np.maximum(variance, np.float32(0))) + np.float32(floor)


def threshold_codes(
    page: NDArray[np.uint8],
    windows: NDArray[np.int32],
    theta: NDArray[np.float32],
    grey: NDArray[np.float32],
    floor: float,
    depth: NDArray[np.uint8] | None,
    depths: NDArray[np.float32],
) -> NDArray[np.uint64]:
    """See :func:`docbin.kernels.stem.threshold_codes`."""
    height, width = page.shape[0] // 2, page.shape[1] // 2
    pixels = pixels_of(page)
    thresholds: list[NDArray[np.float32]] = []
    for (mean, spread), weights in zip(moments(pixels, windows, floor), theta, strict=True):
        thresholds.extend(mean + weight * spread for weight in weights)
    thresholds.extend(np.full((height, width), level, np.float32) for level in grey)
    codes = [cell.astype(np.float32) >= threshold for threshold in thresholds for cell in pixels]
    if depth is not None:
        codes.extend(cell.astype(np.float32) >= level for level in depths for cell in pixels_of(depth))
    out = np.zeros((len(codes) // 64, height, width), np.uint64)
    for channel, code in enumerate(codes):
        out[channel // 64] |= code.astype(np.uint64) << np.uint64(channel % 64)
    return out
