"""A page at a quarter of its size, as 16-bit numbers: the mean colour of every 4 x 4 pixels, and their darkest grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import reference_shrunk as reference
from docbin.kernels.reference_shrunk import SHRINK
from docbin.page import Image

CHANNELS = 4
CELL = 16
"""Side in pixels of the page's cells that a network which looks at this (:mod:`docbin.engine.fixed_point`) answers for."""
UNIT = 256
"""Its answer's numbers are so many to one unit of a logit."""
LARGEST = 4080
"""White; black is as much below zero."""


def shrunk(page: Image, grey: Image, shape: tuple[int, int], threads: int = 1) -> NDArray[np.int16]:
    """Mean red, green, blue and darkest grey of every 4 x 4 pixels, -4080 (black) to 4080 (white), int16 (*shape, 4).

    Parameters
    ----------
    page : uint8 (H, W) or (H, W, 3)
    grey : the same in grey, uint8 (H, W)
    shape : rows and columns wanted, at least a quarter of the page's; what is beyond repeats the last
    threads : at most so many

    Raises
    ------
    ValueError
        The page is empty, its parts do not fit together, or the shape is smaller than a quarter.
    """
    if grey.size == 0 or page.shape[:2] != grey.shape or any(SHRINK * have < side for have, side in zip(shape, grey.shape, strict=True)):
        raise ValueError(f"shrunk: a page {page.shape}, its grey {grey.shape} and a result {shape} do not fit together")
    if not kernels.compiled():
        return reference.shrunk(page, grey, shape)
    out = np.empty((*shape, CHANNELS), np.int16)
    pixels = page[..., None] if page.ndim == 2 else page
    kernels._core.shrunk(np.ascontiguousarray(pixels), np.ascontiguousarray(grey), out, threads)
    return out


__all__ = ["CELL", "CHANNELS", "LARGEST", "SHRINK", "UNIT", "shrunk"]
