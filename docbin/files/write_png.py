"""PNG: 1 bit a pixel for masks, 8 bits for probability maps, 8 or 24 bits for pictures.

Written here rather than through Pillow: packing the bits and deflating them is all there is to it (PNG specification, third edition, 2025), without
a detour through one byte a pixel.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import numpy as np

from docbin.files.resolution import Dpi
from docbin.page import Image, Mask

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MASK_LEVEL = 6
_GREY_LEVEL = 3
_STRIP = 1 << 20
"""Bytes of samples compressed at a time."""


class PngWriter:
    """Writer of one PNG; see :class:`docbin.files.output.FormatWriter`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def add(self, mask: Mask, dpi: Dpi | None) -> None:
        bits = np.packbits(mask, axis=1)
        np.invert(bits, out=bits)  # ink is 0
        self._write(bits, mask.shape[1], 1, dpi, _MASK_LEVEL)

    def add_grey(self, pixels: Image, dpi: Dpi | None) -> None:
        self._write(pixels, pixels.shape[1], 8, dpi, _GREY_LEVEL)

    def add_picture(self, pixels: Image, dpi: Dpi | None) -> None:
        self._write(pixels.reshape(pixels.shape[0], -1), pixels.shape[1], 8, dpi, _GREY_LEVEL, 0 if pixels.ndim == 2 else 2)

    def _write(self, rows: Image, width: int, depth: int, dpi: Dpi | None, level: int, colour: int = 0) -> None:
        self._stream.write(_SIGNATURE)
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, rows.shape[0], depth, colour, 0, 0, 0))
        if dpi is not None:
            self._chunk(b"pHYs", struct.pack(">IIB", *(round(value / 0.0254) for value in dpi), 1))
        deflate, packed = zlib.compressobj(level), []
        step = max(1, _STRIP // (rows.shape[1] + 1))
        for top in range(0, rows.shape[0], step):
            part = rows[top : top + step]
            filtered = np.zeros((part.shape[0], part.shape[1] + 1), np.uint8)  # filter 0, none, before each row
            filtered[:, 1:] = part
            packed.append(deflate.compress(filtered.data))
        packed.append(deflate.flush())
        self._chunk(b"IDAT", b"".join(packed))
        self._chunk(b"IEND", b"")

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self._stream.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

    def finish(self) -> None:
        """Nothing is left to write."""

    def release(self) -> None:
        """Nothing to drop."""
