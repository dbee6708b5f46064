"""Bataineh, Abdullah and Omar (2011): no parameters, windows that fit the page.

B. Bataineh, S. N. H. S. Abdullah, K. Omar, "An adaptive local binarization method for document images based on a novel thresholding method and
dynamic windows", Pattern Recognition Letters 32(14), 1805-1813, 2011, doi:10.1016/j.patrec.2011.08.001.

With the page's mean m, deviation s and largest grey g, a page-wide threshold ``c = m - m^2 s / ((m + s)(g/2 + s))`` divides the pixels into black
(at most c - s/2), white (at least c + s/2) and confused ones between. Their ratio chooses the size of a fixed tiling of the page; a tile with more
confused than black pixels is quartered. Each tile with mean m_w and deviation s_w has the threshold::

    T = m_w - m_w^2 s_w / ((m + s_w)(2 a + s_w)),    a = g (s_w - s_min) / (s_max - s_min)

with s_min and s_max over all tiles. The printed formulas have errors (a subtraction for a product in T, a zero denominator in a) and lack the
factor 2; the form above is the authors' own correction as used by the Doxa program, which this agrees with to the pixel on its page.

Cases that no formula covers: on a page of one grey nothing is ink unless it is black (grey 0); a tile of one grey is ink where the page-wide rule
calls it black; where all tiles have the same deviation, a is g/4 as in the page-wide threshold.

The tiles' statistics are one pass over the page: sums per column of a band of tiles, added up per tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from docbin.kernels import document
from docbin.page import FloatMap, Image, Mask, to_grey


@dataclass(frozen=True, slots=True)
class _PageFacts:
    """What the whole page says: mean, deviation and largest grey, and the last black and the first white grey."""

    mean: float
    deviation: float
    largest: int
    black: int
    white: int


def _page_facts(grey: Image) -> tuple[_PageFacts, float]:
    """The page's facts, and its ratio of black to confused pixels (infinite where none is confused)."""
    counts = document.histogram(grey)
    greys = np.arange(256)
    mean = float((counts * greys).sum()) / grey.size
    deviation = float(np.sqrt(max(float((counts * greys * greys).sum()) / grey.size - mean * mean, 0.0)))
    largest = int(np.flatnonzero(counts)[-1])
    if deviation == 0.0:
        return _PageFacts(mean, 0.0, largest, 0, 1), float("inf")
    centre = mean - (mean * mean * deviation) / ((mean + deviation) * (0.5 * largest + deviation))
    black = int(np.floor(centre - deviation / 2))
    white = int(np.ceil(centre + deviation / 2))
    dark = int(counts[: max(black + 1, 0)].sum())
    confused = int(counts[max(black + 1, 0) : white].sum())
    return _PageFacts(mean, deviation, largest, black, white), dark / confused if confused else float("inf")


def _tile_size(ratio: float, facts: _PageFacts, height: int, width: int) -> tuple[int, int]:
    """Height and width of a tile, at least 1 x 1."""
    if ratio >= 2.5 or facts.deviation < 0.1 * facts.largest:
        down, across = 4, 6
    elif ratio > 1 or width + height < 400:
        down, across = 20, 30
    else:
        down, across = 30, 40
    return max(height // down, 1), max(width // across, 1)


def _edges(side: int, tile: int) -> NDArray[np.int64]:
    """Borders of the tiles and of their halves along a side: begin, middle, begin, middle, ..., end.

    A rest of less than half a tile joins the last one. The first half of an odd tile is the smaller; a tile of one pixel has an empty first half.
    """
    begins = [0]
    while side - (begins[-1] + tile) > 0 and side - (begins[-1] + tile) >= tile // 2:
        begins.append(begins[-1] + tile)
    edges = []
    for begin, end in zip(begins, [*begins[1:], side], strict=True):
        edges += [begin, begin + (end - begin) // 2]
    return np.array([*edges, side], np.int64)


def _quarters_joined(stats: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Replace the statistics of the quarters of every tile that is not to be quartered by those of the whole tile."""
    rows, columns, kinds = stats.shape
    whole = stats.reshape(rows // 2, 2, columns // 2, 2, kinds).sum(axis=(1, 3))
    whole_sizes = sizes.reshape(rows // 2, 2, columns // 2, 2).sum(axis=(1, 3))
    quartered = (whole[..., 3] > whole[..., 2]).repeat(2, axis=0).repeat(2, axis=1)
    joined = whole.repeat(2, axis=0).repeat(2, axis=1)
    joined_sizes = whole_sizes.repeat(2, axis=0).repeat(2, axis=1)
    return np.where(quartered[..., None], stats, joined), np.where(quartered, sizes, joined_sizes)


def _tile_thresholds(facts: _PageFacts, stats: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Threshold of every quarter tile; tiles without pixels get -1."""
    filled = sizes > 0
    size = np.where(filled, sizes, 1)
    mean = stats[..., 0] / size
    deviation = np.sqrt(np.maximum(stats[..., 1] / size - mean * mean, 0.0))
    least, most = deviation[filled].min(), deviation[filled].max()
    if most > least:
        adaptive = (deviation - least) / (most - least) * facts.largest
    else:
        adaptive = np.full_like(deviation, facts.largest / 4)
    flat = deviation == 0.0
    denominator = np.where(flat, 1.0, (facts.mean + deviation) * (2 * adaptive + deviation))
    threshold = np.where(flat, facts.black, mean - (mean * mean * deviation) / denominator)
    return np.where(filled, threshold, -1.0)


def bataineh_threshold(image: Image) -> FloatMap:
    """Bataineh's threshold map, float32 (H, W), constant over each tile and rounded down to whole greys (which changes no pixel's side)."""
    grey = to_grey(image)
    facts, ratio = _page_facts(grey)
    if facts.deviation == 0.0:
        return np.zeros(grey.shape, np.float32)
    levels, row_edges, column_edges = _levels(grey, facts, ratio)
    return levels.astype(np.float32).repeat(np.diff(row_edges), axis=0).repeat(np.diff(column_edges), axis=1)


def _levels(grey: Image, facts: _PageFacts, ratio: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Whole threshold (-1..255) of every quarter tile, and the edges of the quarter tiles."""
    tile_height, tile_width = _tile_size(ratio, facts, *grey.shape)
    row_edges, column_edges = _edges(grey.shape[0], tile_height), _edges(grey.shape[1], tile_width)
    stats = document.cells(grey, row_edges, column_edges, facts.black, facts.white)
    sizes = np.diff(row_edges)[:, None] * np.diff(column_edges)
    thresholds = _tile_thresholds(facts, *_quarters_joined(stats, sizes))
    return np.clip(np.floor(thresholds), -1, 255).astype(np.int64), row_edges, column_edges


def bataineh_ink(image: Image) -> Mask:
    """Ink mask by Bataineh et al. (2011), bool (H, W)."""
    grey = to_grey(image)
    facts, ratio = _page_facts(grey)
    if facts.deviation == 0.0:
        return np.asarray(grey == 0)
    levels, row_edges, column_edges = _levels(grey, facts, ratio)
    out = np.empty(grey.shape, np.bool_)
    for band, (top, bottom) in enumerate(pairwise(row_edges)):
        # One row of limits serves the whole band; "below the next grey" keeps -1 (no ink) and 254 within a byte, 255 is all ink.
        limit = levels[band].repeat(np.diff(column_edges))
        np.less(grey[top:bottom], np.minimum(limit + 1, 255).astype(np.uint8), out=out[top:bottom])
        out[top:bottom, limit == 255] = True
    return out
