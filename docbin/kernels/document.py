"""Kernels of the document methods (Otsu, AdOtsu, ISauvola, Su, Gatos, Bataineh), dispatched to the level in force.

Each function has its NumPy twin of the same name in :mod:`docbin.kernels.reference_document`; all levels return the same bits. Pages are uint8
(H, W) and C-contiguous copies are made where they are not; windows are squares of side ``2 radius + 1`` clipped at the page's border.
"""

from __future__ import annotations

import numpy as np

from docbin import kernels
from docbin.kernels import reference_document as twin
from docbin.kernels.reference_document import Bytes, Whole, node_positions, otsu_level

__all__ = [
    "background",
    "below_surface",
    "cells",
    "contrast",
    "histogram",
    "keep_seeded",
    "node_positions",
    "otsu_level",
    "sliding_otsu",
    "su",
    "wiener",
    "wiener_noise",
]


def _page(array: Bytes) -> Bytes:
    return np.ascontiguousarray(array)


def histogram(grey: Bytes) -> Whole:
    """Counts of the 256 grey values, int64 (256,)."""
    if not kernels.compiled():
        return twin.histogram(grey)
    counts = np.empty(256, np.int64)
    kernels._core.histogram(_page(grey), counts)
    return counts


def contrast(grey: Bytes) -> Bytes:
    """Local contrast ``(max - min) / (max + min)`` of every 3 x 3 neighbourhood, scaled to 0..255 and rounded down; uint8 (H, W)."""
    if not kernels.compiled():
        return twin.contrast(grey)
    out = np.empty(grey.shape, np.uint8)
    kernels._core.contrast(kernels.active(), _page(grey), out)
    return out


def su(grey: Bytes, contrasts: Bytes, level: int, radius: int, least: int, spread: float) -> Bytes:
    """Ink by Su's rule, 0 or 1 a pixel.

    In the window, n pixels have a contrast above `level`; their mean is m and their standard deviation d. Ink: ``n >= least`` and
    ``grey <= m + spread d``, decided as ``(n (grey - m))^2 <= spread^2 n^2 d^2`` without a square root.
    """
    if not kernels.compiled():
        return twin.su(grey, contrasts, level, radius, least, spread)
    out = np.empty(grey.shape, np.uint8)
    kernels._core.su(kernels.active(), _page(grey), _page(contrasts), level, radius, float(least), spread * spread, out)
    return out


def background(grey: Bytes, ink: Bytes, radius: int) -> tuple[Bytes, tuple[int, int, int]]:
    """Gatos's background surface: the page itself on paper; on ink the mean of the window's paper, rounded down (the page where it has none).

    Returns the surface (uint8) and three totals: sum of surface - grey over the page, number of ink pixels, sum of the surface over paper.
    """
    if not kernels.compiled():
        return twin.background(grey, ink, radius)
    out, totals = np.empty(grey.shape, np.uint8), np.empty(3, np.int64)
    kernels._core.background(kernels.active(), _page(grey), _page(ink), radius, out, totals)
    return out, (int(totals[0]), int(totals[1]), int(totals[2]))


def below_surface(filtered: Bytes, surface: Bytes, ink: Bytes, paper_limits: Bytes, ink_limits: Bytes, out: Bytes | None = None) -> Bytes:
    """Gatos's ink, 0 or 1 a pixel: where the filtered page is below the limit that its surface's grey has in a table.

    `ink` (0 or 1 a pixel) says by which table, `ink_limits` or `paper_limits` (uint8 (256,)); where it is 0 `surface` must be `filtered` itself.
    The result is written to `out`, C-contiguous, which may be `surface`; None makes an array for it.
    """
    out = np.empty(filtered.shape, np.uint8) if out is None else out
    if not kernels.compiled():
        out[...] = twin.below_surface(filtered, surface, ink, paper_limits, ink_limits)
        return out
    kernels._core.below_surface(kernels.active(), _page(filtered), _page(surface), _page(ink), paper_limits, ink_limits, out)
    return out


def wiener_noise(grey: Bytes) -> Whole:
    """Sum of n^2 times the 3 x 3 variance over the pixels whose (clipped) neighbourhood holds n pixels, int64 (10,), index n."""
    if not kernels.compiled():
        return twin.wiener_noise(grey)
    sums = np.empty(10, np.int64)
    kernels._core.wiener_noise(kernels.active(), _page(grey), sums)
    return sums


def wiener(grey: Bytes, noise: float) -> Bytes:
    """Adaptive Wiener filter over 3 x 3 for a noise variance: ``m + (v - noise) (grey - m) / v`` where v > noise, else m; rounded down."""
    if not kernels.compiled():
        return twin.wiener(grey, noise)
    out = np.empty(grey.shape, np.uint8)
    kernels._core.wiener(kernels.active(), _page(grey), noise, out)
    return out


def cells(grey: Bytes, row_edges: Whole, column_edges: Whole, black: int, white: int) -> Whole:
    """Sum, sum of squares, pixels <= black and pixels in (black, white) of every cell of a grid, int64 (rows, columns, 4).

    The edges ascend from 0 to the page's side; equal neighbours make an empty cell.
    """
    if not kernels.compiled():
        return twin.cells(grey, row_edges, column_edges, black, white)
    stats = np.empty((len(row_edges) - 1) * (len(column_edges) - 1) * 4, np.int64)
    kernels._core.cells(kernels.active(), _page(grey), row_edges, column_edges, black, white, stats)
    return stats.reshape(len(row_edges) - 1, len(column_edges) - 1, 4)


def sliding_otsu(grey: Bytes, radius: int, step: int = 1) -> Bytes:
    """Otsu's level of the window around every node (:func:`node_positions` of both sides), uint8 (node rows, node columns).

    Column histograms slide down the page and a window histogram slides across it, so the cost does not depend on the window.
    """
    height, width = grey.shape
    if not kernels.compiled() or min(2 * min(radius, height) + 1, height) > 65535:
        return twin.sliding_otsu(grey, radius, step)
    out = np.empty((len(node_positions(height, step)), len(node_positions(width, step))), np.uint8)
    kernels._core.sliding_otsu(kernels.active(), _page(grey), radius, step, out)
    return out


def keep_seeded(ink: Bytes, contrasts: Bytes, level: int, in_place: bool = False) -> Bytes:
    """`ink` (0 or 1 a pixel) without its 8-connected components that hold no pixel of contrast above `level`.

    `in_place` takes them out of `ink` itself, where the compiled core runs and `ink` is C-contiguous; what is returned counts in any case.
    """
    if not kernels.compiled():
        return twin.keep_seeded(ink, contrasts, level)
    kept = np.asarray(ink, np.uint8, order="C") if in_place else np.array(ink, np.uint8, order="C")
    kernels._core.keep_seeded(kept, _page(contrasts), level)
    return kept
