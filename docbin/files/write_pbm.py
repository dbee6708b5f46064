"""PBM (P4): a header and the packed bits, 1 = ink; many pages are written one behind the other, as netpbm has it. The format has no resolution."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from docbin.files.resolution import Dpi
from docbin.page import Image, Mask


class PbmWriter:
    """Writer of PBM; see :class:`docbin.files.output.FormatWriter`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def add(self, mask: Mask, dpi: Dpi | None) -> None:
        self._stream.write(b"P4\n%d %d\n" % (mask.shape[1], mask.shape[0]))
        self._stream.write(np.packbits(mask, axis=1).tobytes())

    def add_grey(self, pixels: Image, dpi: Dpi | None) -> None:
        raise NotImplementedError("PBM is 1-bit")  # the table says so, PageWriter asks it first

    def add_picture(self, pixels: Image, dpi: Dpi | None) -> None:
        raise NotImplementedError("PBM is 1-bit")  # the table says so, PageWriter asks it first

    def finish(self) -> None:
        """Nothing is left to write."""

    def release(self) -> None:
        """Nothing to drop."""
