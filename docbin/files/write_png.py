"""PNG: 1 bit a pixel for masks, 8 bits for probability maps, 8 or 24 bits for pictures.

Written here rather than through Pillow: packing the bits and deflating them is all there is to it (PNG specification, third edition, 2025), without
a detour through one byte a pixel. Masks are deflated by :mod:`docbin.kernels.deflate`.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import numpy as np

from docbin.files.resolution import Dpi
from docbin.page import Image, Mask

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY_LEVEL = 3
_STRIP = 1 << 20
"""Bytes of samples compressed at a time."""


class PngWriter:
    """Writer of one PNG; see :class:`docbin.files.output.FormatWriter`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def add(self, mask: Mask, dpi: Dpi | None) -> None:
        from docbin.kernels.deflate import zlib_stream

        packed = np.packbits(mask, axis=1)
        rows = np.zeros((packed.shape[0], packed.shape[1] + 1), np.uint8)  # filter 0, none, before each row
        np.invert(packed, out=rows[:, 1:])  # ink is 0
        self._write(zlib_stream(rows), mask.shape, 1, dpi)

    def add_grey(self, pixels: Image, dpi: Dpi | None) -> None:
        self._write(self._deflated(pixels), pixels.shape, 8, dpi)

    def add_picture(self, pixels: Image, dpi: Dpi | None) -> None:
        self._write(self._deflated(pixels.reshape(pixels.shape[0], -1)), pixels.shape, 8, dpi, 0 if pixels.ndim == 2 else 2)

    def _write(self, data: bytes, shape: tuple[int, ...], depth: int, dpi: Dpi | None, colour: int = 0) -> None:
        self._stream.write(_SIGNATURE)
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", shape[1], shape[0], depth, colour, 0, 0, 0))
        if dpi is not None:
            self._chunk(b"pHYs", struct.pack(">IIB", *(round(value / 0.0254) for value in dpi), 1))
        self._chunk(b"IDAT", data)
        self._chunk(b"IEND", b"")

    def _deflated(self, rows: Image) -> bytes:
        """Rows of 8-bit samples as the content of IDAT."""
        deflate, packed = zlib.compressobj(_GREY_LEVEL), []
        step = max(1, _STRIP // (rows.shape[1] + 1))
        for top in range(0, rows.shape[0], step):
            part = rows[top : top + step]
            filtered = np.zeros((part.shape[0], part.shape[1] + 1), np.uint8)  # filter 0
            filtered[:, 1:] = part
            packed.append(deflate.compress(filtered.data))
        packed.append(deflate.flush())
        return b"".join(packed)

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self._stream.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

    def finish(self) -> None:
        """Nothing is left to write."""

    def release(self) -> None:
        """Nothing to drop."""
