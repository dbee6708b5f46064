"""Turning a page upright: the eight positions of TIFF/EXIF tag 274, as array operations.

Position n says where the stored picture's first row and first column lie on the upright page (TIFF 6.0, page 36): 1 as it is, 2 mirrored,
3 upside down, 4 flipped, 5 transposed, 6 needs a quarter turn clockwise, 7 transverse, 8 a quarter turn counter-clockwise.
"""

from __future__ import annotations

import numpy as np

from docbin.files.resolution import Dpi
from docbin.page import Image


def upright(pixels: Image, orientation: int) -> Image:
    """Pixels (H, W) or (H, W, 3) stored in `orientation` 1 to 8, turned upright and contiguous; other numbers count as 1."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def turned(dpi: Dpi | None, orientation: int) -> Dpi | None:
    """The resolution that belongs to :func:`upright` pixels: positions 5 to 8 swap the axes."""
    return (dpi[1], dpi[0]) if dpi is not None and orientation in (5, 6, 7, 8) else dpi
