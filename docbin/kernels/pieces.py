"""What is measured of every connected piece of a mask: one table, from one pass over the mask's runs.

A page that came out badly holds hundreds of thousands of specks, and labelling them pixel by pixel takes longer than making them. The compiled core
joins runs instead; its twin is :mod:`docbin.kernels.reference_pieces`. Both give the same whole numbers in the same order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import reference_pieces as twin
from docbin.page import Image

Floats = NDArray[np.float32]

AREA, LEFT, TOP, RIGHT, BOTTOM, DEPTH, DEEPEST, SLOPE, STEEPEST = range(9)
"""Columns: pixels; the box, right and bottom exclusive; sum and maximum of the depth; sum and maximum of the slope."""


def pieces(bits: Image, depth: Image | None = None, slope: Image | None = None, *, eight: bool = True) -> NDArray[np.int64]:
    """A row (AREA to STEEPEST) a connected piece of a mask, int64 (pieces, 9), in raster order of their first pixels.

    Parameters
    ----------
    bits : uint8 (H, W), 0 or 1 a pixel
    depth, slope : uint8 (H, W) planes whose sum and maximum over each piece are taken; None: those columns are 0
    eight : pixels that touch at corners belong together
    """
    bits = np.ascontiguousarray(bits)
    if depth is not None and slope is not None:
        depth, slope = np.ascontiguousarray(depth), np.ascontiguousarray(slope)
    if not kernels.compiled():
        return twin.pieces(bits, depth, slope, eight=eight)
    return np.asarray(kernels._core.pieces(bits, depth, slope, eight))


def peaks(bits: Image, first: Floats, second: Floats, third: Floats) -> NDArray[np.float64]:
    """Pixels and the largest value of each plane, float64 (pieces, 4), of every 8-connected piece of a mask, in raster order of their first pixels.

    Parameters
    ----------
    bits : uint8 (H, W), 0 or 1 a pixel
    first, second, third : float32 (H, W), nowhere below 0
    """
    bits = np.ascontiguousarray(bits)
    if not kernels.compiled():
        return twin.peaks(bits, first, second, third)
    planes = (np.ascontiguousarray(plane, np.float32) for plane in (first, second, third))
    return np.asarray(kernels._core.piece_peaks(bits, *planes))


def keep_by_cells(bits: Image, cells: NDArray[np.int16], side: int, least: int) -> Image:
    """`bits` without the 8-connected pieces whose pixels lie in cells that have a mean below `least`, uint8 (H, W).

    Parameters
    ----------
    bits : uint8 (H, W), 0 or 1 a pixel
    cells : int16 (h, w), a number for every `side` x `side` pixels; they cover the mask
    """
    if any(side * have < wanted for have, wanted in zip(cells.shape, bits.shape, strict=True)):
        raise ValueError(f"keep_by_cells: {cells.shape} cells of {side} pixels do not cover a mask {bits.shape}")
    if not kernels.compiled():
        return twin.keep_by_cells(bits, cells, side, least)
    kept = np.array(bits, np.uint8, order="C")
    kernels._core.keep_by_cells(kept, np.ascontiguousarray(cells), side, least)
    return kept
