"""PBM, PGM, PPM: any number of raw pictures in one file, which is how netpbm keeps many pages (and how docbin writes them).

Raw pictures (P4, P5, P6) are read here: the format is a header and the samples, other decoders stop after the first picture, and samples that end at
any `maxval` up to 65535 are scaled exactly. Plain ones (P1, P2, P3: numbers as text, by their specification one picture a file) go through Pillow;
what stands behind the first is noted.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from docbin.errors import InputError
from docbin.files.limits import MAX_PAGES, ReadOptions
from docbin.files.pagefile import Decoded
from docbin.page import Image

_GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"
_BITMAP = re.compile(rb"P4" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})(?:#[^\n\r]*[\n\r]|\s)")
_SAMPLES = re.compile(rb"P[56]" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,5})(?:#[^\n\r]*[\n\r]|\s)")
_COMMENT_OR_OTHER = re.compile(rb"#[^\n\r]*|[^\s\d]")
_HEADER_WINDOW = 4096
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Raster:
    """Where one raw picture lies: `start` is the offset of its samples, `maxval` 0 for bitmaps."""

    width: int
    height: int
    channels: int
    maxval: int
    start: int

    @property
    def row(self) -> int:
        """Bytes a row."""
        return (self.width + 7) // 8 if self.maxval == 0 else self.width * self.channels * (1 if self.maxval < 256 else 2)

    @property
    def end(self) -> int:
        return self.start + self.row * self.height


class PnmReader:
    """Reader of PNM files; see :class:`docbin.files.pagefile.Reader`."""

    def __init__(self, stream: BinaryIO, name: str, kind: str, options: ReadOptions) -> None:
        self.notes: list[str] = []
        self._stream = stream
        self._options = options
        self._kind = kind
        self._name = name
        self._plain = stream.read(2) in (b"P1", b"P2", b"P3")
        self._pictures = [] if self._plain else self._find(name)
        self.count = 1 if self._plain else len(self._pictures)

    def _find(self, name: str) -> list[_Raster]:
        size = self._stream.seek(0, 2)
        pictures: list[_Raster] = []
        at = 0
        while at < size and len(pictures) <= MAX_PAGES:
            self._stream.seek(at)
            picture = _header(self._stream.read(_HEADER_WINDOW), at)
            if picture is None:
                if not pictures:
                    raise InputError(f"{name}: damaged PNM header; export the page again")
                self.notes.append(f"{size - at} bytes behind the last picture ignored")
                break
            pictures.append(picture)
            at = max(picture.end, at + 1)
        self._options.check_pages(len(pictures), name)
        return pictures

    def decode(self, number: int, label: str) -> Decoded:
        if self._plain:
            from docbin.files.read_picture import PictureReader

            stream, left = self._stream, _behind_plain(self._stream)
            if left > 0:  # of the numbers of a short picture Pillow would say that the rest is none, of those of a long one nothing
                end = stream.seek(0, 2) - left
                stream.seek(0)
                stream = io.BytesIO(stream.read(end))
            found = PictureReader(stream, self._name, self._kind, self._options).decode(number, label)
            if left > 0:
                found.notes.append(
                    f"{left} bytes behind the picture ignored: a plain PNM (numbers as text) holds one; save further ones as files"
                )
            return found
        picture = self._pictures[number - 1]
        self._options.check_size(picture.width, picture.height, label)
        if picture.maxval > 65535:
            raise InputError(f"{label}: maxval {picture.maxval} is over 65535, which PNM does not allow; export the page again")
        self._stream.seek(picture.start)
        wanted = picture.row * picture.height
        data = self._stream.read(wanted)
        if len(data) < wanted:
            raise InputError(f"{label}: truncated PNM, {len(data)} of {wanted} bytes of samples are there; copy or export it again")
        return _pixels(picture, data)

    def close(self) -> None:
        """Nothing of its own to close."""


def _behind_plain(stream: BinaryIO) -> int:
    """Bytes behind a plain picture, from the first on that is no number: 0 where there are none."""
    size, at = stream.seek(0, 2), stream.seek(2)
    rest = b""
    while True:
        chunk = stream.read(_CHUNK)
        rest += chunk
        whole = max(rest.rfind(b"\n"), rest.rfind(b"\r")) + 1 if chunk else 0  # lines: a comment may hold anything
        end = whole or len(rest)
        for found in _COMMENT_OR_OTHER.finditer(rest, 0, end):
            if not found[0].startswith(b"#"):
                return size - at - found.start()
        if not chunk:
            return 0
        at, rest = at + end, rest[end:]


def _header(head: bytes, at: int) -> _Raster | None:
    match = (_BITMAP if head.startswith(b"P4") else _SAMPLES).match(head)
    if match is None:
        return None
    maxval = 0 if head.startswith(b"P4") else int(match[3])
    if maxval == 0 and not head.startswith(b"P4"):
        return None
    return _Raster(int(match[1]), int(match[2]), 3 if head.startswith(b"P6") else 1, maxval, at + match.end())


def _pixels(picture: _Raster, data: bytes) -> Decoded:
    notes: list[str] = []
    if picture.maxval == 0:
        bits = np.unpackbits(np.frombuffer(data, np.uint8).reshape(picture.height, -1), axis=1, count=picture.width)
        return Decoded(np.where(bits, np.uint8(0), np.uint8(255)), None)  # 1 is ink
    samples = np.frombuffer(data, np.uint8 if picture.maxval < 256 else ">u2")
    samples = samples.reshape((picture.height, picture.width, 3) if picture.channels == 3 else (picture.height, picture.width))
    if picture.maxval == 255:
        return Decoded(samples.astype(np.uint8), None)
    if picture.maxval == 65535:
        pixels: Image = (samples >> 8).astype(np.uint8)
    else:
        wide = np.minimum(samples, picture.maxval).astype(np.uint32)
        pixels = ((wide * 255 + picture.maxval // 2) // picture.maxval).astype(np.uint8)
        notes.append(f"samples 0..{picture.maxval} scaled to 0..255")
    return Decoded(pixels, None, notes)
