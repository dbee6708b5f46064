"""Samples of a PNG from the filtered bytes that its data inflate to (PNG specification, third edition, 2025, section 9).

Decoders of every kind of PNG undo the filters byte by byte, each waiting for the one before, in twice the time of inflating. Here eight rows of
the filter that scans have most are done side by side. The twin is :mod:`docbin.kernels.reference_png_rows`.
"""

from __future__ import annotations

from docbin import kernels
from docbin.kernels import reference_png_rows as twin
from docbin.page import Image


def png_rows(filtered: Image, step: int, top: int, out: Image) -> bool:
    """Decode rows into `out`, from its row `top` on; the rows above are there already. False where a filter's number is none.

    Parameters
    ----------
    filtered : uint8 (rows, 1 + width), a filter's number (0 to 4) before each row's bytes
    step : bytes of a pixel: 1 or 3
    out : uint8 (H, width), C-contiguous
    """
    if not kernels.compiled():
        return twin.png_rows(filtered, step, top, out)
    return bool(kernels._core.png_rows(filtered, step, top, out))
