"""The convolution of 8-bit pixels the slow, obvious way: multiply and add tap by tap. The twin of ``csrc/pixels_*``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sums(
    picture: NDArray[np.uint8], weights: NDArray[np.int8], *, stride: int, dilation: int, pad: int, pad_value: int
) -> NDArray[np.int64]:
    """The sum of weight * pixel, int64 (out, H', W')."""
    _, planes, kernel_h, kernel_w = weights.shape
    padded = np.pad(picture, ((0, 0), (pad, pad), (pad, pad)), constant_values=pad_value).astype(np.int64)
    height = (padded.shape[1] - dilation * (kernel_h - 1) - 1) // stride + 1
    width = (padded.shape[2] - dilation * (kernel_w - 1) - 1) // stride + 1
    total = np.zeros((weights.shape[0], height, width), np.int64)
    for j in range(planes):
        for ky in range(kernel_h):
            for kx in range(kernel_w):
                y, x = ky * dilation, kx * dilation
                tap = padded[j, y : y + stride * (height - 1) + 1 : stride, x : x + stride * (width - 1) + 1 : stride]
                total += weights[:, j, ky, kx, None, None].astype(np.int64) * tap
    return total


def conv_pixels(
    picture: NDArray[np.uint8],
    weights: NDArray[np.int8],
    threshold: NDArray[np.int32],
    *,
    stride: int,
    dilation: int,
    pad: int,
    pad_value: int,
) -> NDArray[np.uint64]:
    """Bits ``sum >= threshold`` packed into words; see :func:`docbin.kernels.pixels.conv_pixels`."""
    total = sums(picture, weights, stride=stride, dilation=dilation, pad=pad, pad_value=pad_value)
    planes = -(-total.shape[0] // 64)
    out = np.zeros((threshold.shape[0] * planes, *total.shape[1:]), np.uint64)
    for fan, thresholds in enumerate(threshold):
        for o, channel in enumerate(total):
            out[fan * planes + o // 64] |= (channel >= thresholds[o]).astype(np.uint64) << np.uint64(o % 64)
    return out
