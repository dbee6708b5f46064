"""Pictures whose code breaks off though the file looks whole: decoders fill what is missing, and say nothing.

libjpeg paints blocks that are not coded in mid grey as soon as it meets the end marker, and Pillow leaves rows of a PNG black whose data end early
and libtiff leaves the rows of a fax as the memory happens to be. A page of which the lower half is lost so would pass for a page. It happens:
transfers that are cut and closed by a repair tool, copies from a failing disk, headers that promise more rows than there are.

Each function proves what it says, by pixels: a picture is said to be broken off only where its code cannot be the whole of it. What costs a second
decode is done only where the cheap sign (a mid-grey or an empty end) is there.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
"""JPEG markers without a segment."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers of a frame header."""
_GREY = (124, 132)
"""Levels of a block that is not coded: 128 in every component, give or take a colour conversion."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
FILLING = b"\xa5\x5a\x3c" * 22
"""Code of no meaning, put where a decoder that has all of its picture does not look."""
_STRIPED = 256
"""Pixels of width from which 32 random stripes or more fit: no page has such a row by chance."""
MOST_CHECKED = 200_000_000
"""Pixels of a picture that is decoded a second time; larger ones are believed, for the limits of memory are made for one decode."""
_LARGEST_CHECKED = 1 << 24
"""Bytes of a PNG's side chunk whose checksum is looked at."""


# --- JPEG -----------------------------------------------------------------------------------------------------------------------------------


def ends_grey(decoded: _Array) -> bool:
    """Whether the last pixel is what libjpeg fills with: the sign upon which :func:`jpeg_breaks_off` is worth its decode."""
    return bool(decoded.size) and all(_GREY[0] <= int(level) <= _GREY[1] for level in np.atleast_1d(decoded[-1, -1]))


def jpeg_breaks_off(data: bytes, decoded: _Array, decode: Callable[[bytes], _Array]) -> bool:
    """Whether the code of a JPEG with an end marker ends before its pixels do.

    Other code is put before the marker (behind a restart marker, too, where there are some). The decoder of a whole picture never gets to see it;
    one whose code breaks off reads on into it, and the pixels differ.

    Parameters
    ----------
    data : the JPEG; `decoded`: its pixels; `decode`: gives the pixels of another
    """
    end = _end_of_code(data)
    if end is None or decoded.shape[0] * decoded.shape[1] > MOST_CHECKED:
        return False
    fillings = [FILLING]
    restarts = _RESTART.findall(data, max(0, end - (1 << 20)), end)
    if restarts:
        fillings.append(bytes((0xFF, 0xD0 + (restarts[-1][1] - 0xD0 + 1) % 8)) + fillings[0])
    for filling in fillings:
        try:
            if not np.array_equal(decode(data[:end] + filling + b"\xff\xd9"), decoded):
                return True
        except (OSError, ValueError):  # the decoder chokes on what it should never have seen
            return True
    return False


def jpeg_lacks_scans(data: bytes) -> bool:
    """Whether a progressive JPEG ends before its grey levels were sent in full: no detail at all, or bits that were announced and never came.

    Coefficients of which nothing was ever sent are none that the writer wanted.
    """
    sent: dict[int, int] = {}
    first = None
    progressive = False
    for marker, at, length in _segments(data):
        if marker in (0xC2, 0xCA):
            progressive = True
        if marker == 0xDA and length >= 6:
            count = data[at]
            components = data[at + 1 : at + 1 + 2 * count : 2]
            script = data[at + 1 + 2 * count : at + 4 + 2 * count]
            if len(script) < 3 or not components:
                return False
            first = components[0] if first is None else first
            if first in components:
                sent.update(dict.fromkeys(range(script[0], min(script[1], 63) + 1), script[2] & 15))
    if not progressive or not sent:
        return False
    return any(sent.values()) or not any(sent_one for sent_one in sent if sent_one > 0)


def jpeg_depth(data: bytes) -> int | None:
    """Bits of a JPEG's samples by its frame header (ITU-T T.81, B.2.2); None where it has none."""
    frames = (at for marker, at, length in _segments(data) if marker in _FRAMES and length >= 1)
    at = next(frames, None)
    return None if at is None else data[at]


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start of its content, length of that) through a JPEG's first picture, to its end marker (0xD9) where there is one."""
    at = 2
    while True:
        found = _MARKER.search(data, at)
        if found is None:
            return
        marker, at = data[found.start() + 1], found.end()
        if marker == 0xD9:
            yield marker, found.start(), 0
            return
        if marker in _ALONE:
            continue
        if at + 2 > len(data):
            return
        length = int.from_bytes(data[at : at + 2], "big")
        yield marker, at + 2, max(0, length - 2)
        at += max(2, length)


def _end_of_code(data: bytes) -> int | None:
    """Where the end marker of the first picture stands; None where there is none."""
    return next((at for marker, at, _ in _segments(data) if marker == 0xD9), None)


# --- PNG ------------------------------------------------------------------------------------------------------------------------------------


def png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where the chunk begins, length of its content) of a PNG, to its IEND or the end of the file."""
    at = 8
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, at, length
        at += length + 12
        if kind == b"IEND":
            return


def has_wrong_checksum(stream: BinaryIO, kind: bytes, at: int, length: int) -> bool:
    """Whether a chunk that nobody must understand (a small letter first) is damaged."""
    if not kind[0] & 0x20 or length > _LARGEST_CHECKED:
        return False
    stream.seek(at + 4)
    content = stream.read(length + 8)
    return len(content) == length + 8 and zlib.crc32(content[:-4]) != int.from_bytes(content[-4:], "big")


def png_breaks_off(stream: BinaryIO) -> tuple[int, int] | None:
    """(bytes of samples there, bytes wanted) of a PNG whose data end before its last row; None where they do not.

    Worth asking where the last row is empty: what Pillow finds no data for, it leaves 0.
    """
    stream.seek(16)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", stream.read(13))
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    wanted = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        wanted += rows * ((columns * bits + 7) // 8 + 1) if columns > 0 and rows > 0 else 0
    unpacking, there = zlib.decompressobj(), 0
    for kind, at, length in png_chunks(stream):
        if kind != b"IDAT":
            continue
        stream.seek(at + 8)
        data = stream.read(length)
        while data and there < wanted and not unpacking.eof:
            there += len(unpacking.decompress(data, 1 << 20))
            data = unpacking.unconsumed_tail
    there += len(unpacking.flush(1 << 20)) if there < wanted else 0
    return (there, wanted) if there < wanted else None


# --- CCITT G4 -------------------------------------------------------------------------------------------------------------------------------


def group4_breaks_off(codes: list[bytes], width: int, height: int, rows: int) -> int | None:
    """The number, from 1, of a CCITT G4 strip that has rows which libtiff does not write; None where it writes all.

    Where the code ends early, or is damaged, libtiff gives up and says so to nobody; the rows from there on keep what lay in the memory. So the
    strips are decoded with a strip of random stripes before each, which then lie there: rows of them that come out of a strip were never in it.

    Parameters
    ----------
    codes : the strips, most significant bit first
    width, height : of the page; `rows`: of a strip (the last may have fewer)
    """
    if width < _STRIPED or width * height > MOST_CHECKED:
        return None
    stripes = np.repeat(np.random.default_rng().integers(0, 2, -(-width // 8)).astype(np.bool_), 8)[:width]
    from docbin.files.tiff_directory import synthetic
    from docbin.files.tiff_samples import tiff_image
    from docbin.files.write_tiff import group4_of_equal_rows

    striped = group4_of_equal_rows(stripes, rows)
    total = len(codes) * rows + height
    tags = {256: width, 257: total, 258: 1, 259: 4, 262: 0, 277: 1, 278: rows}
    parts = [part for code in codes for part in (striped, code)]
    image = tiff_image(synthetic({tag: (4, struct.pack("<I", value)) for tag, value in tags.items()}, parts))
    image.load()
    decoded = np.frombuffer(image.tobytes(), np.uint8).reshape(total, -1)
    for index in range(len(codes)):
        start = (2 * index + 1) * rows
        if (decoded[start : start + rows] == decoded[start - 1]).all(axis=1).any():
            return index + 1
    return None
