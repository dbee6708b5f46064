"""What a float network that works on cells of 2 x 2 pixels is handed of a page: colours, grey, depth and local z-scores at half size.

A plane holds four numbers a cell, one for each pixel, in the layout of a pixel-unshuffled map. The local z-score of a pixel is (x - mean) /
(deviation + floor) over the in-page cells of a window around its cell: Niblack's and Sauvola's rules are thresholds on it. Grey is ITU-R BT.601 luma,
0.299 R + 0.587 G + 0.114 B, here not rounded to whole levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docbin import kernels
from docbin.kernels import reference_cell_planes as reference
from docbin.kernels.reference_cell_planes import KINDS, Plane
from docbin.page import FloatMap, Image

WIDEST = 151
"""The widest window of a score, in cells."""


def cell_planes(
    page: Image,
    depth: Image | None,
    planes: Sequence[Plane],
    cells: tuple[int, int],
    region: tuple[int, int, int, int] | None = None,
    threads: int = 1,
    out: FloatMap | None = None,
) -> FloatMap:
    """Planes of a page's cells as float32 (4 len(planes), height, width); channel 4 p + 2 dy + dx is pixel (dy, dx) of each cell in plane p.

    Parameters
    ----------
    page : uint8 (H, W) or (H, W, 3)
    depth : uint8 (H, W); wanted where a plane is the depth
    planes : what to compute
    cells : (height, width) of the page in cells, at least half the page; what is beyond its last row and column repeats them
    region : (top, left, height, width) in cells; None = the whole page. Windows see the page beyond the region.
    threads : at most so many
    out : where to put the result; None makes an array

    Raises
    ------
    ValueError
        Page, planes and region do not fit together.
    """
    pixels = page[..., None] if page.ndim == 2 else page
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or pixels.shape[2] not in (1, 3):
        raise ValueError(f"cell planes: a uint8 page (H, W) or (H, W, 3) is wanted, got {page.dtype} {page.shape}")
    if 2 * cells[0] < page.shape[0] or 2 * cells[1] < page.shape[1]:
        raise ValueError(f"cell planes: {cells[0]} x {cells[1]} cells do not cover a page of {page.shape[0]} x {page.shape[1]} pixels")
    for plane in planes:
        if plane.kind not in KINDS or (plane.kind == "score" and (plane.window % 2 == 0 or not 1 <= plane.window <= WIDEST)):
            raise ValueError(f"cell planes: {plane}: a kind of {', '.join(KINDS)} is wanted, and windows of odd sides from 1 to {WIDEST}")
    if any(plane.kind == "depth" for plane in planes) and (depth is None or depth.dtype != np.uint8 or depth.shape != page.shape[:2]):
        came = "none" if depth is None else f"{depth.dtype} {depth.shape}"
        raise ValueError(f"cell planes: a depth plane, uint8 of the page's size {page.shape[:2]}, is wanted, got {came}")
    top, left, height, width = region or (0, 0, *cells)
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > cells[0] or left + width > cells[1]:
        raise ValueError(f"cell planes: region {(top, left, height, width)} leaves a page of {cells[0]} x {cells[1]} cells")
    if out is None:
        out = np.empty((4 * len(planes), height, width), np.float32)
    if out.shape != (4 * len(planes), height, width) or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise ValueError(
            f"cell planes: the result is float32 {(4 * len(planes), height, width)}, got {out.dtype} {out.shape} to put it into"
        )
    if not kernels.compiled():
        whole = reference.cell_planes(pixels, depth, planes, *cells)
        out[:] = whole[:, top : top + height, left : left + width]
        return out
    kernels._core.cell_planes(
        kernels.active(),
        np.ascontiguousarray(pixels),
        None if depth is None else np.ascontiguousarray(depth),
        np.array([KINDS.index(plane.kind) for plane in planes], np.int32),
        np.array([plane.window for plane in planes], np.int32),
        np.array([plane.floor * reference.WHOLE for plane in planes], np.float32),
        np.array([plane.limit for plane in planes], np.float32),
        cells[0],
        cells[1],
        top,
        left,
        out,
        threads,
    )
    return out


__all__ = ["KINDS", "WIDEST", "Plane", "cell_planes"]
