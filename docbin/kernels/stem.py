"""Threshold codes: the first layer of the 1-bit networks, from grey pixels to bits.

A cell is 2 x 2 pixels. For each window the mean m and deviation s of the in-page cells around it give thresholds ``m + theta (s + floor)``; each of
the cell's four pixels is compared with every threshold and with a few fixed grey levels. Sauvola's rule with many windows and weights (SauvolaNet,
Li et al., 2021, arXiv 2105.05521) becomes bits in this way, and the packed result has the layout of a pixel-unshuffled map: channel
4 t + 2 dy + dx for threshold t. A second plane of the page's size (:mod:`docbin.kernels.depth`) may add bits of its own, by fixed levels alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import reference_stem as reference
from docbin.page import Image

WIDEST = 89
"""The widest window in cells; its sums of squares still fit 31 bits."""
NO_LEVELS: NDArray[np.float32] = np.empty(0, np.float32)


def threshold_codes(
    page: Image,
    windows: NDArray[np.int32],
    theta: NDArray[np.float32],
    grey: NDArray[np.float32],
    floor: float,
    region: tuple[int, int, int, int] | None = None,
    *,
    depth: Image | None = None,
    depths: NDArray[np.float32] = NO_LEVELS,
) -> NDArray[np.uint64]:
    """Packed threshold codes of a page's cells.

    Parameters
    ----------
    page : uint8 (2 h, 2 w), grey
    windows : int32 (n,), odd sides in cells, at most 89
    theta : float32 (n, k), weights of the deviation
    grey : float32 (g,), fixed thresholds on the grey scale
    floor : added to the deviation, grey levels: keeps flat paper from turning its noise into bits
    region : (top, left, height, width) in cells; None = the whole page. Windows see the page beyond the region.
    depth : uint8 (2 h, 2 w), a second plane; wanted where there are `depths`
    depths : float32 (d,), fixed thresholds on the second plane; 4 (n k + g + d) must be a multiple of 64

    Returns
    -------
    uint64 (4 (n k + g + d) / 64, height, width), the channels of theta, grey and depths in this order
    """
    if page.ndim != 2 or page.dtype != np.uint8 or page.shape[0] % 2 or page.shape[1] % 2:
        raise ValueError(f"threshold codes: a uint8 grey page of even sides is wanted, got {page.dtype} {page.shape}")
    channels = 4 * (theta.size + grey.size + depths.size)
    if theta.ndim != 2 or theta.shape[0] != windows.size or channels % 64 or not channels:
        raise ValueError(
            f"threshold codes: {windows.size} windows, theta {theta.shape}, {grey.size} grey and {depths.size} depth levels: "
            "4 (n k + g + d) must be a multiple of 64"
        )
    if any(w % 2 == 0 or not 1 <= w <= WIDEST for w in windows.tolist()):
        raise ValueError(f"threshold codes: windows {windows.tolist()}: odd sides from 1 to {WIDEST} are wanted")
    if depths.size and (depth is None or depth.dtype != np.uint8 or depth.shape != page.shape):
        came = "none" if depth is None else f"{depth.dtype} {depth.shape}"
        raise ValueError(f"threshold codes: {depths.size} depth levels want a uint8 plane of the page's size {page.shape}, got {came}")
    top, left, height, width = region or (0, 0, page.shape[0] // 2, page.shape[1] // 2)
    if top < 0 or left < 0 or top + height > page.shape[0] // 2 or left + width > page.shape[1] // 2:
        cells = f"{page.shape[0] // 2} x {page.shape[1] // 2}"
        raise ValueError(f"threshold codes: region {(top, left, height, width)} leaves a page of {cells} cells")
    if not kernels.compiled():
        codes = reference.threshold_codes(page, windows, theta, grey, floor, depth, depths)
        return np.ascontiguousarray(codes[:, top : top + height, left : left + width])
    out = np.empty((channels // 64, height, width), np.uint64)
    kernels._core.threshold_codes(
        kernels.active(),
        np.ascontiguousarray(page),
        None if depth is None else np.ascontiguousarray(depth),
        np.ascontiguousarray(windows, np.int32),
        np.ascontiguousarray(theta, np.float32),
        np.ascontiguousarray(grey, np.float32),
        np.ascontiguousarray(depths, np.float32),
        float(np.float32(floor)),
        top,
        left,
        width,
        out,
    )
    return out
