"""JPEG: pages in grey or colour for programs that read nothing better, and for print. Never 1-bit pages: it would smear them.

Quality 92 without chroma subsampling: on clean pages the error stays within what the eye sees in print, and letters get no coloured fringe.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import numpy as np

from docbin.errors import UsageError
from docbin.files.resolution import Dpi
from docbin.page import Image, Mask

QUALITY = 92
LARGEST = 65_500
"""Pixels a side; libjpeg writes no larger pictures."""


def jpeg(pixels: Image, dpi: Dpi | None) -> bytes:
    """The JPEG file of a picture, uint8 (H, W) or (H, W, 3).

    Raises
    ------
    UsageError
        A side of more than `LARGEST` pixels.
    """
    from PIL import Image as pillow

    if max(pixels.shape[:2]) > LARGEST:
        raise UsageError(f"JPEG holds at most {LARGEST} pixels a side, this page has {max(pixels.shape[:2])}; write png or tiff")
    file = io.BytesIO()
    more = {} if dpi is None else {"dpi": tuple(max(1, min(65_535, round(value))) for value in dpi)}
    pillow.fromarray(np.ascontiguousarray(pixels)).save(file, "jpeg", quality=QUALITY, subsampling=0, optimize=True, **more)
    return file.getvalue()


class JpegWriter:
    """Writer of one JPEG; see :class:`docbin.files.output.FormatWriter`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def add(self, mask: Mask, dpi: Dpi | None) -> None:
        raise NotImplementedError("JPEG holds no 1-bit pages")  # the table says so, PageWriter asks it first

    def add_grey(self, pixels: Image, dpi: Dpi | None) -> None:
        self._stream.write(jpeg(pixels, dpi))

    def add_picture(self, pixels: Image, dpi: Dpi | None) -> None:
        self._stream.write(jpeg(pixels, dpi))

    def finish(self) -> None:
        """Nothing is left to write."""

    def release(self) -> None:
        """Nothing to drop."""
