"""TIFF: any number of CCITT G4 pages (masks) or Deflate pages (probability maps, pictures), written front to back.

libtiff, through Pillow, compresses the page; the container is ours, because it then streams: each page's directory stands before its data and names
the next directory's offset, which is known once the page is compressed. One page is held back until it is known whether another follows. So stdout
works, memory holds one compressed page, and page 1000 costs what page 1 did.

Masks are MinIsWhite with ink as 1, the classic fax arrangement: viewers that heed PhotometricInterpretation and viewers that assume fax both show
black ink. Each page is a single strip, so that PDF writers can lift the CCITT stream unchanged.
"""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from docbin.errors import UsageError
from docbin.files.resolution import Dpi
from docbin.page import Image, Mask

_GROUP4, _DEFLATE = 4, 8
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_LIMIT = 1 << 32


class TiffWriter:
    """Writer of TIFF; see :class:`docbin.files.output.FormatWriter`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._at = 8
        self._held: tuple[bytes, bytes, bytes] | None = None
        self._stream.write(b"II*\0" + struct.pack("<I", self._at))

    def add(self, mask: Mask, dpi: Dpi | None) -> None:
        self._append(group4(mask), mask.shape[1], mask.shape[0], 1, _GROUP4, _WHITE_IS_ZERO, dpi)

    def add_grey(self, pixels: Image, dpi: Dpi | None) -> None:
        self._append(zlib.compress(pixels.tobytes(), 3), pixels.shape[1], pixels.shape[0], 8, _DEFLATE, _BLACK_IS_ZERO, dpi)

    def add_picture(self, pixels: Image, dpi: Dpi | None) -> None:
        colour = pixels.ndim == 3
        photometric = _RGB if colour else _BLACK_IS_ZERO
        data = zlib.compress(np.ascontiguousarray(pixels).data, 3)
        self._append(data, pixels.shape[1], pixels.shape[0], 8, _DEFLATE, photometric, dpi, samples=3 if colour else 1)

    def _append(
        self,
        data: bytes,
        width: int,
        height: int,
        bits: int,
        compression: int,
        photometric: int,
        dpi: Dpi | None,
        samples: int = 1,
    ) -> None:
        self._flush(last=False)
        entries = [
            (256, _LONG, width),
            (257, _LONG, height),
            (258, _SHORT, bits),
            (259, _SHORT, compression),
            (262, _SHORT, photometric),
            (273, _LONG, 0),  # offset of the data, below
            (277, _SHORT, samples),
            (278, _LONG, height),
            (279, _LONG, len(data)),
        ]
        if dpi is not None:
            entries += [(282, _RATIONAL, 0), (283, _RATIONAL, 1), (296, _SHORT, 2)]
        behind = self._at + 2 + 12 * len(entries) + 4
        # What does not fit into an entry stands behind the directory: two resolutions, and the bits of three samples.
        rationals = b"".join(_rational(value) for value in dpi) if dpi is not None else b""
        depths = struct.pack("<HHH", bits, bits, bits) + b"\0\0" if samples == 3 else b""
        start = behind + len(rationals) + len(depths)
        if start + len(data) + 1 >= _LIMIT:
            raise UsageError("a TIFF cannot pass 4 GiB; write the pages into several files")
        packed = struct.pack("<H", len(entries))
        for tag, kind, value in entries:
            stored = start if tag == 273 else behind + 8 * value if kind == _RATIONAL else value
            count = 1
            if tag == 258 and samples == 3:
                stored, count = behind + len(rationals), samples
            packed += struct.pack("<HHII", tag, kind, count, stored)
        self._held = packed, rationals + depths, data

    def _flush(self, last: bool) -> None:
        """Write the held page, now that it is known whether another follows."""
        if self._held is None:
            return
        directory, rationals, data = self._held
        pad = b"\0" * (len(data) % 2)  # directories begin on even offsets
        following = self._at + len(directory) + 4 + len(rationals) + len(data) + len(pad)
        self._stream.write(directory + struct.pack("<I", 0 if last else following) + rationals)
        self._stream.write(data + pad)
        self._at, self._held = following, None

    def finish(self) -> None:
        self._flush(last=True)

    def release(self) -> None:
        """Drop the held page."""
        self._held = None


def _rational(value: float) -> bytes:
    """A float as TIFF RATIONAL: the nearest fraction of 32-bit parts (dpi is at most 20000, so a denominator to 100000 fits)."""
    fraction = Fraction(value).limit_denominator(100_000)
    return struct.pack("<II", fraction.numerator, fraction.denominator)


def group4(mask: Mask) -> bytes:
    """The CCITT G4 (ITU-T T.6) stream of a mask, one strip, ink coded as black, most significant bit first."""
    from PIL import Image as pillow
    from PIL.TiffImagePlugin import TiffImageFile

    # A mask is handed over as "light where ink": libtiff codes 1-bits as black whatever the photometric tag says, and this avoids Pillow's
    # pixel-by-pixel inversion for MinIsWhite, which takes half a second a page.
    file = io.BytesIO()
    pillow.fromarray(mask).save(file, "tiff", compression="group4", tiffinfo={278: mask.shape[0]})
    written = TiffImageFile(io.BytesIO(file.getbuffer()))
    (offset,), (length,) = written.tag_v2[273], written.tag_v2[279]
    return bytes(file.getbuffer()[offset : offset + length])


def group4_of_equal_rows(row: Mask, rows: int) -> bytes:
    """The G4 stream of `rows` rows that are all `row` (width,): each but the first is a "vertical, 0", the bit 1, for every change and the end."""
    first = np.unpackbits(np.frombuffer(group4(row[None]), np.uint8))
    end = int(np.flatnonzero(first)[-1]) - 23  # the end mark, twice 000000000001
    changes = int(np.count_nonzero(np.diff(row, prepend=False)))
    bits = [first[:end], np.ones((rows - 1) * (changes + 1), np.uint8), first[end : end + 24]]
    return np.packbits(np.concatenate(bits)).tobytes()
