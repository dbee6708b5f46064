"""A plane made smaller, by the mean of the area that each pixel of the result covers: OpenCV's INTER_AREA, to the bit, in a third of its time.

OpenCV adds a page's pixels one after the other wherever the sides are not divided by a whole number, and every addition waits for the one before.
The compiled core takes the same sums, of eight pixels of the result side by side. The twin (:mod:`docbin.kernels.reference_area_means`) is OpenCV
itself; on processors other than x86 it rounds its sums in another way, and a mean may differ by one level.
"""

from __future__ import annotations

import numpy as np

from docbin import kernels
from docbin.kernels import reference_area_means as twin
from docbin.page import Image


def area_means(plane: Image, shape: tuple[int, int], *, every: int = 1, times: int = 1) -> Image:
    """The plane, uint8 (H, W), at `shape` (height, width), each between 1 and what is left of the side; uint8.

    Parameters
    ----------
    every : only every so many rows and columns are looked at
    times : what each value is multiplied by beforehand; 255 makes shares of a plane of 0 and 1

    Raises
    ------
    ValueError
        A plane that is not uint8 (H, W), or a shape that is not smaller than it.
    """
    if plane.ndim != 2 or plane.dtype != np.uint8:
        raise ValueError(f"area_means: a uint8 plane (H, W) is wanted, got {plane.dtype} {plane.shape}")
    rows, columns = (-(-side // every) for side in plane.shape)
    if not (1 <= shape[0] <= rows and 1 <= shape[1] <= columns):
        raise ValueError(f"area_means: 1 to {rows} rows and 1 to {columns} columns are wanted, got {shape}")
    whole = rows % shape[0] == 0 and columns % shape[1] == 0  # cells of whole pixels, at which OpenCV is quick
    if whole or not kernels.compiled():
        return twin.area_means(plane, shape, every=every, times=times)
    out = np.empty(shape, np.uint8)
    kernels._core.area_means(np.ascontiguousarray(plane), every, times, out)
    return out
