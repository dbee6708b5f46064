"""Run-length coded BMP (RLE4, RLE8): decoded here, because Pillow garbles 4-bit runs of odd length.

The code is a list of byte pairs (Microsoft's "Bitmap Compression"): (n, v) is a run of n pixels; (0, 0) ends a row, (0, 1) the picture, (0, 2)
moves by two further bytes; (0, n) is followed by n literal pixels, padded to 16 bits. Pixels that are never written have colour 0.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from docbin.errors import InputError


def run_length_bmp(data: bytes) -> tuple[NDArray[np.uint8], tuple[int, int]] | None:
    """RGB pixels (H, W, 3) of a run-length coded BMP and its pixels per metre; None for any other BMP.

    Raises
    ------
    InputError
        The code ends before its end mark with rows missing.
    """
    if len(data) < 54 or struct.unpack_from("<I", data, 14)[0] < 40:
        return None
    start, header, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", data, 10)
    if (compression, bits) not in ((1, 8), (2, 4)) or width <= 0 or height <= 0:
        return None
    x_metre, y_metre, used = struct.unpack_from("<iiI", data, 38)
    count = min(used or 1 << bits, 1 << bits)
    table = np.frombuffer(data[14 + header : 14 + header + 4 * count], np.uint8)
    colours = np.zeros((256, 3), np.uint8)
    table = table[: len(table) // 4 * 4].reshape(-1, 4)
    colours[: len(table)] = table[:, 2::-1]
    return colours[_indices(data, start, width, height, bits)], (x_metre, y_metre)


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height where the header says that the BMP is run-length coded, else None."""
    if len(data) < 34:
        return None
    width, height = struct.unpack_from("<ii", data, 18)
    return (width, height) if struct.unpack_from("<I", data, 30)[0] in (1, 2) and data[14] >= 40 else None


def _indices(data: bytes, at: int, width: int, height: int, bits: int) -> NDArray[np.uint8]:
    out = np.zeros((height, width), np.uint8)
    x = y = 0
    while at + 2 <= len(data) and y < height:
        count, value = data[at], data[at + 1]
        at += 2
        if count == 0 and value == 0:
            x, y = 0, y + 1
            continue
        if count == 0 and value == 1:
            return out[::-1]
        if count == 0 and value == 2:
            if at + 2 > len(data):
                break
            x, y = x + data[at], y + data[at + 1]
            at += 2
            continue
        if count:
            run = np.full(count, value, np.uint8)
            if bits == 4:
                run[::2], run[1::2] = value >> 4, value & 15
        else:
            octets = value if bits == 8 else (value + 1) // 2
            run = np.frombuffer(data[at : at + octets], np.uint8)
            if len(run) < octets:
                break
            if bits == 4:
                run = np.stack([run >> 4, run & 15], axis=1).ravel()[:value]
            at += octets + octets % 2
        fits = max(0, min(len(run), width - x))
        out[y, x : x + fits] = run[:fits]
        x += len(run)
    if y < height - 1 or (y == height - 1 and x < width):
        raise InputError(f"truncated BMP, its run-length code ends in row {y + 1} of {height}; copy, scan or export it again")
    return out[::-1]
