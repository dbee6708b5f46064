"""A first layer on 8-bit pixels: one-bit or int8 weights, whole-number sums, bits out.

A network of bits is only as fast as its first layer, which has no bits to read. Its input has few planes, so 64-bit words of it would be almost
empty and counting bits is no help; what helps is that the sums of so few taps fit 16-bit lanes. A filter's sum is compared with the thresholds that
batch norm and sign fold to (FINN, Umuroglu et al., 2017, arXiv 1612.07119), so that neither floats nor a map of sums ever exist.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import bits
from docbin.kernels import reference_pixels as reference
from docbin.kernels.bits import Limits, Words

MOST_TAPS = 65536
"""Of a filter; 255 * 128 * 65536 is still below 2**31."""


def _whole_numbers(weights: NDArray[np.int8] | Words, masks: Words | None, planes: int) -> NDArray[np.int8]:
    """Packed weights as +1 and -1, and 0 where a mask says so; int8 weights as they are."""
    if weights.dtype == np.int8:
        return weights.view(np.int8)
    outs, _, kernel_h, kernel_w = weights.shape

    def unpacked(words: NDArray[Any]) -> NDArray[np.bool_]:
        one_map = bits.unpack(words.reshape(1, outs * kernel_h, kernel_w), planes)
        return one_map.reshape(planes, outs, kernel_h, kernel_w).swapaxes(0, 1)

    signs = np.where(unpacked(weights), 1, -1)
    return (signs if masks is None else signs * unpacked(masks)).astype(np.int8)


def conv_pixels(
    picture: NDArray[np.uint8],
    weights: NDArray[np.int8] | Words,
    threshold: Limits,
    *,
    masks: Words | None = None,
    stride: int = 1,
    dilation: int = 1,
    padding: int = 0,
    pad_value: int = 0,
    threads: int = 1,
) -> Words:
    """Convolution of pixels with integer thresholds a channel, 8 bits in and bits out.

    Parameters
    ----------
    picture : uint8 (planes, H, W), 1 to 4 planes
    weights : int8 (out, planes, kh, kw), or signs as :func:`docbin.kernels.bits.pack_weights` packs them, uint64 (out, 1, kh, kw)
    threshold : int32 (out,) or (fan, out); a channel's bit is 1 where the sum of weight * pixel is at least `threshold`. A negative batch-norm scale
        folds by negating the filter. With several rows each filter gives several bits, one a threshold.
    masks : of packed weights, uint64 (out, 1, kh, kw), 1 = the weight counts, 0 = it is zero
    padding, pad_value : pixels of the value 0..255 added on every side

    Returns
    -------
    uint64 (fan * ceil(out / 64), H', W'), all channels of the first threshold first

    Raises
    ------
    ValueError
        Shapes or types do not fit, or a filter has more than 65536 taps. Sums are kept in 16 bits where 255 * sum |weight| <= 32767 for every filter
        (any one-bit filter of up to 128 taps), else in 32 bits, where the most taps make at most 255 * 128 * 65536 < 2**31.
    """
    packed = weights.dtype == np.uint64
    if picture.dtype != np.uint8 or picture.ndim != 3 or weights.ndim != 4 or not (packed or weights.dtype == np.int8):
        raise ValueError(
            "convolution of pixels: a uint8 picture (planes, H, W) and int8 weights (out, planes, kh, kw) or uint64 ones (out, 1, kh, kw) are "
            f"wanted, got {picture.dtype} {picture.shape} and {weights.dtype} {weights.shape}"
        )
    planes = picture.shape[0]
    if not 1 <= planes <= 4 or weights.shape[1] != (1 if packed else planes):
        raise ValueError(f"convolution of pixels: {planes} planes (1 to 4 can be read) and weights {weights.shape} do not fit together")
    if masks is not None and (not packed or masks.shape != weights.shape or masks.dtype != np.uint64):
        raise ValueError(f"convolution of pixels: masks {masks.dtype} {masks.shape} do not fit {weights.dtype} weights {weights.shape}")
    if stride < 1 or dilation < 1 or padding < 0 or not 0 <= pad_value <= 255:
        raise ValueError(
            f"convolution of pixels: stride={stride}, dilation={dilation}, padding={padding} or pad_value={pad_value} is out of range"
        )
    outs, _, kernel_h, kernel_w = weights.shape
    if planes * kernel_h * kernel_w > MOST_TAPS:
        raise ValueError(f"convolution of pixels: {planes * kernel_h * kernel_w} taps a filter, at most {MOST_TAPS} can be summed")
    limits = np.ascontiguousarray(np.atleast_2d(threshold))
    if limits.ndim != 2 or limits.shape[1] != outs or limits.dtype != np.int32:
        raise ValueError(f"convolution of pixels: int32 thresholds (fan, {outs}) are wanted, got {limits.dtype} {limits.shape}")
    height = (picture.shape[1] + 2 * padding - dilation * (kernel_h - 1) - 1) // stride + 1
    width = (picture.shape[2] + 2 * padding - dilation * (kernel_w - 1) - 1) // stride + 1
    if height < 1 or width < 1:
        raise ValueError(f"convolution of pixels: a picture of {picture.shape[1:]} is smaller than the filter")
    numbers = np.ascontiguousarray(_whole_numbers(weights, masks, planes))
    args: dict[str, Any] = {"stride": stride, "dilation": dilation, "pad": padding, "pad_value": pad_value}
    level = kernels.active()
    if level == "numpy" or kernels._core is None:
        return reference.conv_pixels(picture, numbers, limits, **args)
    out = np.empty((limits.shape[0] * -(-outs // 64), height, width), np.uint64)
    kernels._core.conv_pixels(level, np.ascontiguousarray(picture), numbers, limits, threads=threads, out=out, **args)
    return out
