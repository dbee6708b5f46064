"""1-bit maps as channel words: packing, and the plumbing that moves bits without computing.

A map is ``uint64 (words, H, W)``: bit c of word j is channel 64 j + c, 1 = +1, 0 = -1 (so sign(0) = +1 packs to 1). Words are planes, which
makes concatenation of maps ``np.concatenate`` along the first axis and a slice of channels a slice of planes. Channel counts
that are no multiple of 64 leave the upper bits of the last word 0; a convolution over such a map gives those channels weight bits of 0, and the
limits leave them out of the count (they never differ).

Filters of packed networks are words of the same kind. The compiled engine keeps its maps bit-sliced instead (``csrc/engine/bitsliced.hpp``); the
convolution on channel words is its slow twin, :mod:`docbin.kernels.reference_bits`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]


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
