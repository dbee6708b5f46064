"""JBIG2 without loss: a page's ink as a JBIG2 stream for a PDF, or as a file of its own.

A page is one generic region (ITU-T T.88, 6.2): every pixel is coded, by the arithmetic coder, from the sixteen pixels about it. Pages beyond
:data:`STRIPE_PIXELS` are cut into stripes, a region each, which are coded side by side.

JBIG2's other way, which keeps one picture of each letter and places it wherever a letter looks alike (symbol coding), is not offered, and never will
be: "alike" is a guess, and copiers that made it have put other digits into plans, bills and tables (Kriesel 2013), sharp and unnoticed. What it would
save is not worth a page that lies. Here what is decoded is, bit for bit, what was coded.
"""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor

from docbin import kernels
from docbin.kernels.jbig2 import generic_region
from docbin.page import Mask, check_mask

STRIPE_PIXELS = 32 << 20
"""Pixels a stripe has at the most; a page of no more is one region. An A3 page at 600 dpi has 70 million."""
_MOST_STRIPE_ROWS = 0x7FFF

_PAGE_INFORMATION, _IMMEDIATE_LOSSLESS_REGION, _END_OF_STRIPE, _END_OF_PAGE, _END_OF_FILE = 48, 39, 50, 49, 51
_ADAPTIVE_PIXELS = struct.pack("bbbbbbbb", 3, -1, -3, -1, 2, -2, -2, -2)
_TYPICAL_PREDICTION = 8
_LOSSLESS_PAGE = 1
_SIGNATURE = b"\x97JB2\r\n\x1a\n"


def encode(mask: Mask, *, stripe_rows: int | None = None, typical: bool | None = None) -> bytes:
    """The JBIG2 stream of a page for ``/JBIG2Decode``: segments without a file header and without end markers, as PDF wants it.

    Parameters
    ----------
    mask : bool (H, W), True = ink (black)
    stripe_rows : rows of a stripe, 1 to 32767; None: as :data:`STRIPE_PIXELS` says
    typical : code a row that repeats the one above as one decision; None: try both and keep the smaller (on scans, that is mostly False)

    Raises
    ------
    TypeError, ValueError
        `mask` is no bool (H, W) array, or `stripe_rows` out of range.
    """
    return b"".join(_segments(mask, stripe_rows, typical))


def encode_file(mask: Mask, *, stripe_rows: int | None = None, typical: bool | None = None) -> bytes:
    """A JBIG2 file (``.jb2``) of one page, as jbig2dec and other programs read; parameters and errors of :func:`encode`."""
    segments = _segments(mask, stripe_rows, typical)
    number = len(segments)
    header = _SIGNATURE + b"\x01" + struct.pack(">I", 1)
    return b"".join((header, *segments, _segment(number, _END_OF_PAGE, b""), _segment(number + 1, _END_OF_FILE, b"", page=0)))


def _segments(mask: Mask, stripe_rows: int | None, typical: bool | None) -> list[bytes]:
    check_mask(mask)
    height, width = mask.shape
    if stripe_rows is None:
        stripe_rows = height if mask.size <= STRIPE_PIXELS else max(1, min(_MOST_STRIPE_ROWS, STRIPE_PIXELS // width))
    elif not 1 <= stripe_rows <= _MOST_STRIPE_ROWS:
        raise ValueError(f"stripe_rows {stripe_rows}: 1 to {_MOST_STRIPE_ROWS} are possible")
    tops = range(0, height, stripe_rows)
    striping = 0 if len(tops) == 1 else 0x8000 | stripe_rows
    segments = [_segment(0, _PAGE_INFORMATION, struct.pack(">IIIIBH", width, height, 0, 0, _LOSSLESS_PAGE, striping))]

    def region(top: int) -> bytes:
        part = mask[top : top + stripe_rows]
        codes = [(generic_region(part, typical=choice), choice) for choice in ((False, True) if typical is None else (typical,))]
        code, predicted = min(codes, key=lambda one: len(one[0]))
        header = struct.pack(">IIIIBB", width, part.shape[0], 0, top, 0, _TYPICAL_PREDICTION if predicted else 0)
        return header + _ADAPTIVE_PIXELS + code

    if len(tops) == 1:
        return [*segments, _segment(1, _IMMEDIATE_LOSSLESS_REGION, region(0))]
    with ThreadPoolExecutor(min(len(tops), kernels.threads())) as pool:
        for top, coded in zip(tops, pool.map(region, tops), strict=True):
            segments.append(_segment(len(segments), _IMMEDIATE_LOSSLESS_REGION, coded))
            last = min(height, top + stripe_rows) - 1
            segments.append(_segment(len(segments), _END_OF_STRIPE, struct.pack(">I", last)))
    return segments


def _segment(number: int, kind: int, data: bytes, page: int = 1) -> bytes:
    """A segment (7.2): its header names no other segment."""
    return struct.pack(">IBBBI", number, kind, 0, page, len(data)) + data
