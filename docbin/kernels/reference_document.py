"""The slow, obviously right NumPy twins of the document kernels (:mod:`docbin.kernels.document`); an install without a compiler runs these.

Window sums come from integral images in 64-bit integers, windows are clipped at the page's border (only pixels of the page count), and every
division and comparison is written in the order in which the compiled kernels do it, so the results are equal bit for bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Whole = NDArray[np.int64]
Real = NDArray[np.float64]


def window_sums(values: NDArray[np.generic], radius: int) -> Whole:
    """Sum of `values` (H, W) over the in-page part of the (2 radius + 1)^2 window around each pixel, int64."""
    height, width = values.shape
    total = np.zeros((height + 1, width + 1), np.int64)
    total[1:, 1:] = values.astype(np.int64).cumsum(axis=0).cumsum(axis=1)
    top, bottom = np.clip(np.arange(height) - radius, 0, None), np.clip(np.arange(height) + radius + 1, None, height)
    left, right = np.clip(np.arange(width) - radius, 0, None), np.clip(np.arange(width) + radius + 1, None, width)
    strips = total[bottom] - total[top]
    return np.asarray(strips[:, right] - strips[:, left])


def histogram(grey: Bytes) -> Whole:
    """Counts of the 256 grey values."""
    return np.bincount(grey.ravel(), minlength=256).astype(np.int64)


def contrast(grey: Bytes) -> Bytes:
    """``floor(255 (max - min) / (max + min + tiny))`` of the 3 x 3 neighbourhood, in integers: ``(255 d - 1) // s`` for d > 0."""
    height, width = grey.shape
    padded = np.pad(grey.astype(np.int64), 1, mode="edge")
    shifts = np.stack([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)])
    most, least = shifts.max(axis=0), shifts.min(axis=0)
    difference, total = most - least, most + least
    return np.where(difference > 0, (255 * difference - 1) // np.maximum(total, 1), 0).astype(np.uint8)


def su(grey: Bytes, contrasts: Bytes, level: int, radius: int, least: int, spread: float) -> Bytes:
    """Su's rule; see :func:`docbin.kernels.document.su`."""
    high = contrasts > level
    value = np.where(high, grey, 0).astype(np.int64)
    n = window_sums(high, radius).astype(np.float64)
    s = window_sums(value, radius).astype(np.float64)
    q = window_sums(value * value, radius).astype(np.float64)
    above = grey * n - s
    limit = (spread * spread) * (n * q - s * s)
    return ((n >= least) & ((above <= 0.0) | (above * above <= limit))).astype(np.uint8)


def background(grey: Bytes, ink: Bytes, radius: int) -> tuple[Bytes, tuple[int, int, int]]:
    """Gatos's background surface and its totals; see :func:`docbin.kernels.document.background`."""
    paper = ink == 0
    n = window_sums(paper, radius)
    s = window_sums(np.where(paper, grey, 0), radius)
    surface = np.where(~paper & (n > 0), s // np.maximum(n, 1), grey).astype(np.uint8)
    lift = int(surface.sum(dtype=np.int64) - grey.sum(dtype=np.int64))
    return surface, (lift, int(np.count_nonzero(ink)), int(surface[paper].sum(dtype=np.int64)))


def below_surface(filtered: Bytes, surface: Bytes, ink: Bytes, paper_limits: Bytes, ink_limits: Bytes) -> Bytes:
    """Gatos's ink by tables of limits; see :func:`docbin.kernels.document.below_surface`."""
    return np.asarray(filtered < np.where(ink != 0, ink_limits[surface], paper_limits[surface]), np.uint8)


def _three_by_three(grey: Bytes) -> tuple[Whole, Whole, Whole]:
    value = grey.astype(np.int64)
    return window_sums(np.ones_like(grey), 1), window_sums(value, 1), window_sums(value * value, 1)


def wiener_noise(grey: Bytes) -> Whole:
    """Sum of n^2 times the 3 x 3 variance for every neighbourhood size n = 0..9."""
    n, s, q = _three_by_three(grey)
    sums = np.zeros(10, np.int64)
    np.add.at(sums, n.ravel(), (n * q - s * s).ravel())
    return sums


def wiener(grey: Bytes, noise: float) -> Bytes:
    """Wiener filter over 3 x 3 with the given noise variance; see :func:`docbin.kernels.document.wiener`."""
    n, s, q = _three_by_three(grey)
    size: Real = n.astype(np.float64)
    mean = s / size
    variance = (n * q - s * s) / (size * size)
    calm = variance <= noise
    shrunk = mean + ((variance - noise) * (grey - mean)) / np.where(calm, 1.0, variance)
    return np.where(calm, mean, shrunk).astype(np.uint8)


def cells(grey: Bytes, row_edges: Whole, column_edges: Whole, black: int, white: int) -> Whole:
    """Sum, sum of squares, pixels <= black and pixels in (black, white) of every cell, int64 (rows, columns, 4)."""
    value = grey.astype(np.int64)
    planes = (value, value * value, value <= black, (value > black) & (value < white))
    stats = np.zeros((len(row_edges) - 1, len(column_edges) - 1, 4), np.int64)
    for kind, plane in enumerate(planes):
        total = np.zeros((grey.shape[0] + 1, grey.shape[1] + 1), np.int64)
        total[1:, 1:] = plane.astype(np.int64).cumsum(axis=0).cumsum(axis=1)
        stats[..., kind] = np.diff(np.diff(total[np.ix_(row_edges, column_edges)], axis=0), axis=1)
    return stats


def otsu_level(counts: Whole) -> int:
    """The smallest t that maximises the between-class variance of {<= t} and {> t}; 0 where at most one grey occurs.

    With q, b the count and the sum of the greys up to t, of n and s in all, the variance is ``(b n - s q)^2 / (q (n - q))`` up to a constant.
    """
    count = np.cumsum(counts).astype(np.float64)
    total = np.cumsum(counts * np.arange(256)).astype(np.float64)
    apart = total * count[-1] - total[-1] * count
    weights = count * (count[-1] - count)
    return int(np.argmax(np.where(weights > 0.0, (apart * apart) / np.where(weights > 0.0, weights, 1.0), 0.0)))


def node_positions(side: int, step: int) -> Whole:
    """Where the nodes of a grid lie along one side of the page: every step-th pixel and the last one."""
    return np.unique(np.append(np.arange(0, side, step), side - 1)).astype(np.int64)


def sliding_otsu(grey: Bytes, radius: int, step: int) -> Bytes:
    """Otsu's level of the window around every node, uint8 (node rows, node columns)."""
    height, width = grey.shape
    ys, xs = node_positions(height, step), node_positions(width, step)
    levels: Bytes = np.zeros((len(ys), len(xs)), np.uint8)
    for i, y in enumerate(ys):
        rows = grey[max(0, y - radius) : y + radius + 1]
        for j, x in enumerate(xs):
            levels[i, j] = otsu_level(histogram(rows[:, max(0, x - radius) : x + radius + 1]))
    return levels


def keep_seeded(ink: Bytes, contrasts: Bytes, level: int) -> Bytes:
    """`ink` (0 or 1) without its 8-connected components that hold no pixel of contrast above `level`: the seeds grow until nothing changes."""
    mask = ink != 0
    height, width = mask.shape
    kept = mask & (contrasts > level)
    while True:
        padded = np.pad(kept, 1)
        grown = mask & np.logical_or.reduce([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)])
        if np.array_equal(grown, kept):
            return np.asarray(kept, np.uint8)
        kept = grown
