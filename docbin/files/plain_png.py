"""The usual PNG of a scanner, 8 bits a sample in grey or RGB, straight into a page's array.

Pillow decodes every PNG, but such a page in three times what inflating takes: filters undone byte by byte, four bytes a pixel of RGB, a copy of three
of them. Whatever is not plain here, or not whole, is left to it, and so is every judgement on damage.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from docbin import kernels
from docbin.files.broken_off import png_chunks
from docbin.kernels.png_rows import png_rows
from docbin.page import Image

_SAMPLES = {0: 1, 2: 3}
"""Samples of a pixel by the header's colour type: grey, RGB."""
_BEFORE = frozenset((b"IHDR", b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"tIME", b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf"))
"""Chunks before the data that change no pixel of the page: a transparent colour, a palette, an animation are not among them."""
_BLOCK, _PART = 1 << 16, 1 << 18
"""Bytes of the data that are read at a time, and those of what they inflate to: rows are decoded while they are in the processor's cache."""


def plain_png(stream: BinaryIO) -> Image | None:
    """The pixels of a PNG, uint8 (H, W) or (H, W, 3); None where it is of another kind, or any of its rows is missing or damaged, or chunks
    follow its data. The stream is left where it was, for Pillow to go on.

    The caller has checked the size that the header tells.
    """
    before = stream.tell()
    try:
        return _plain(stream)
    except zlib.error:
        return None
    finally:
        stream.seek(before)


def _plain(stream: BinaryIO) -> Image | None:
    stream.seek(0)
    head = stream.read(29)
    if len(head) < 29 or head[12:16] != b"IHDR" or not kernels.compiled():
        return None
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack_from(">IIBBBBB", head, 16)
    if depth != 8 or colour not in _SAMPLES or packing or filtering or interlaced or not width or not height:
        return None
    data: list[tuple[int, int]] = []
    ended = False
    for kind, at, length in png_chunks(stream):
        if kind == b"IDAT":
            data.append((at + 8, length))
        elif kind == b"IEND":
            ended = True
        elif data or kind not in _BEFORE:
            return None
    step = _SAMPLES[colour]
    rows = np.empty((height, step * width), np.uint8)
    if not ended or not _decode(stream, data, step, rows):
        return None
    return rows if step == 1 else rows.reshape(height, width, 3)


def _decode(stream: BinaryIO, data: list[tuple[int, int]], step: int, rows: Image) -> bool:
    """Inflate and decode the data that stand at these places, (begin, length), into `rows`; False where they end too early or a filter is none."""
    height, width = rows.shape
    left, done = b"", 0
    for part in _inflated(stream, data):
        left += part
        count = min(len(left) // (width + 1), height - done)
        filtered = np.frombuffer(left, np.uint8, count * (width + 1)).reshape(count, width + 1)
        if not png_rows(filtered, step, done, rows):
            return False
        done, left = done + count, left[count * (width + 1) :]
        if done == height:
            return True
    return False


def _inflated(stream: BinaryIO, data: list[tuple[int, int]]) -> Iterator[bytes]:
    """What the data inflate to, in parts of `_PART` to twice as many bytes."""
    unpacking, parts, size = zlib.decompressobj(), [], 0
    for begin, length in data:
        stream.seek(begin)
        for at in range(0, length, _BLOCK):
            packed = stream.read(min(_BLOCK, length - at))
            while packed:
                parts.append(unpacking.decompress(packed, _PART))
                packed = unpacking.unconsumed_tail
                size += len(parts[-1])
                if size >= _PART:
                    yield b"".join(parts)
                    parts, size = [], 0
    yield b"".join((*parts, unpacking.flush()))  # a few bytes are left where the last part was full
