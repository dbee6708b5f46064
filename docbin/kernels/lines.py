"""1-bit maps in lines, and the fast binary convolution on them.

A map in lines is ``uint64 (channels, H, pitch)``: bit i of word k is column 64 k + i, 1 = +1, 0 = -1; bits past the last column are 0. Where
the channel words of :mod:`docbin.kernels.bits` count unequal bits by instructions made for it, lines add them up by logic, 64 pixels at a time
(``csrc/lines.hpp`` tells how): about one operation a pixel and tap instead of three, and AVX2, which cannot count bits, loses nothing. The
engine keeps its maps in this form from the first layer to the last.

Padding is -1, the result as large as the map: what the networks use. Strides, other padding and small filters are the business of channel words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import bits

Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Lines:
    """A map: its words (channels, H, pitch), and how many columns count."""

    words: Words
    width: int

    @classmethod
    def of_channel_words(cls, words: Words) -> Lines:
        """A map of channel words (words, H, W), as lines of 64 times as many channels."""
        planes, height, width = words.shape
        out = np.empty((64 * planes, height, -(-width // 64)), np.uint64)
        if kernels._core is not None:
            kernels._core.lines_from_words(np.ascontiguousarray(words), out)
            return cls(out, width)
        padded = np.zeros((64 * planes, height, 64 * out.shape[2]), np.bool_)
        padded[:, :, :width] = bits.unpack(words, 64 * planes)
        return cls(np.ascontiguousarray(np.packbits(padded, axis=2, bitorder="little")).view("<u8").astype(np.uint64, copy=False), width)

    def channel_words(self) -> Words:
        """The map as channel words; a multiple of 64 channels is wanted."""
        channels, height, _ = self.words.shape
        if channels % 64:
            raise ValueError(f"lines: {channels} channels do not fill channel words; a multiple of 64 is wanted")
        out = np.empty((channels // 64, height, self.width), np.uint64)
        if kernels._core is not None:
            kernels._core.lines_to_words(self.words, out)
            return out
        octets = np.ascontiguousarray(self.words, "<u8").view(np.uint8)
        return bits.pack(np.unpackbits(octets, axis=2, bitorder="little")[:, :, : self.width].astype(np.bool_))


class Filters:
    """Binary filters made ready for lines at the active level; calling them convolves.

    Parameters
    ----------
    weights, limit, masks, dilation, groups : as in :func:`docbin.kernels.bits.conv_bits`; square filters of odd side. `limit` None: dot
    products only.
    channels : input channels a group where they are no multiple of 64
    """

    def __init__(
        self,
        weights: Words,
        limit: NDArray[np.int32] | None = None,
        *,
        masks: Words | None = None,
        dilation: int = 1,
        groups: int = 1,
        channels: int | None = None,
    ) -> None:
        self.weights, self.masks, self.dilation, self.groups = weights, masks, dilation, groups
        self.limit = None if limit is None else np.ascontiguousarray(np.atleast_2d(limit), np.int32)
        self.channels = channels or 64 * weights.shape[1]
        self.padding = dilation * (weights.shape[2] // 2)
        self.level = kernels.active()
        self._native = (
            None
            if self.level == "numpy" or kernels._core is None
            else kernels._core.LineFilters(self.level, weights, masks, self.limit, dilation, groups, self.channels)
        )

    def bits(self, map_: Lines, threads: int = 1) -> Lines:
        """The map of bits, fan * out channels; see :func:`docbin.kernels.bits.conv_bits`."""
        if self.limit is None:
            raise ValueError("lines: filters without limits give dot products, not bits")
        if self._native is None:
            words = bits.conv_bits(
                map_.channel_words(),
                self.weights,
                self.limit,
                masks=self.masks,
                dilation=self.dilation,
                padding=self.padding,
                groups=self.groups,
            )
            return Lines.of_channel_words(words)
        out = np.empty((self.limit.size, map_.words.shape[1], -(-(map_.width + self.padding) // 64)), np.uint64)
        self._native.bits(map_.words, map_.width, threads, out)
        return Lines(out, map_.width)

    def dots(self, map_: Lines, threads: int = 1) -> NDArray[np.int16]:
        """The dot products, int16 (out, H, W); see :func:`docbin.kernels.bits.conv_dots`."""
        if self.channels * self.weights.shape[2] ** 2 > 32767:
            raise ValueError(f"lines: {self.channels} channels x {self.weights.shape[2] ** 2} taps do not fit int16 dot products")
        if self._native is None:
            return bits.conv_dots(
                map_.channel_words(),
                self.weights,
                masks=self.masks,
                channels=self.channels,
                dilation=self.dilation,
                padding=self.padding,
                groups=self.groups,
            )
        out = np.empty((self.weights.shape[0], map_.words.shape[1], map_.width), np.int16)
        self._native.dots(map_.words, map_.width, threads, out)
        return out
