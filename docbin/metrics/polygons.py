"""Areas of polygons and of what two of them share, exactly and without a geometry library.

Between two neighbouring heights at which a corner lies or two sides cross, both polygons are trapezia side by side, and the width that they share
changes linearly. So the shared area of such a strip is its height times the width shared at half its height. A polygon that crosses itself counts by
the even-odd rule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def area(polygon: ArrayLike) -> float:
    """Area of a polygon (n, 2), whichever way round, pixels squared."""
    x, y = np.asarray(polygon, np.float64).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def shared_area(one: ArrayLike, other: ArrayLike) -> float:
    """Area of the intersection of two polygons (n, 2) and (m, 2)."""
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    low, high = np.maximum(first.min(0), second.min(0)), np.minimum(first.max(0), second.max(0))
    if (low >= high).any():
        return 0.0
    heights = np.unique(np.concatenate([first[:, 1], second[:, 1], _crossings(first, second), [low[1], high[1]]]))
    heights = heights[(heights >= low[1]) & (heights <= high[1])]
    total = 0.0
    for height, middle in zip(np.diff(heights), (heights[1:] + heights[:-1]) / 2, strict=True):
        total += float(height) * _shared_width(_cuts(first, middle), _cuts(second, middle))
    return total


def _crossings(first: Floats, second: Floats) -> Floats:
    """Heights at which any two sides of the two polygons cross."""
    start = np.concatenate([first, second])
    side = np.concatenate([np.roll(first, -1, 0), np.roll(second, -1, 0)]) - start
    apart = start[None, :] - start[:, None]
    across = side[:, None, 0] * side[None, :, 1] - side[:, None, 1] * side[None, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = (apart[..., 0] * side[None, :, 1] - apart[..., 1] * side[None, :, 0]) / across
        along_other = (apart[..., 0] * side[:, None, 1] - apart[..., 1] * side[:, None, 0]) / across
        met = (along > 0) & (along < 1) & (along_other > 0) & (along_other < 1)
    return np.asarray((start[:, None, 1] + np.where(met, along, 0) * side[:, None, 1])[met])


def _cuts(polygon: Floats, height: float) -> list[float]:
    """Where a level line, at which no corner lies, enters and leaves a polygon, from left to right."""
    above = polygon[:, 1] < height
    after = np.roll(polygon, -1, 0)
    cut = above != np.roll(above, -1)
    x, y = polygon[cut].T
    run, rise = (after[cut] - polygon[cut]).T
    return sorted((x + (height - y) * run / rise).tolist())


def _shared_width(one: list[float], other: list[float]) -> float:
    """Length of what two sets of spans share, each given as entry, exit, entry, exit, ..."""
    width = 0.0
    for left, right in zip(one[::2], one[1::2], strict=True):
        for begin, end in zip(other[::2], other[1::2], strict=True):
            width += max(0.0, min(right, end) - max(left, begin))
    return width


def overlaps(found: list[Floats], truth: list[Floats]) -> tuple[Floats, Floats, Floats]:
    """(shared areas (truth, found), areas of the truth, areas of the found).

    Only pairs whose upright boxes overlap are cut with each other: of sixty words and sixty regions on a photograph that is one pair in fifty.
    """
    shared = np.zeros((len(truth), len(found)))
    if truth and found:
        (low, high), (low_found, high_found) = _boxes(truth), _boxes(found)
        apart = (np.maximum(low[:, None], low_found) >= np.minimum(high[:, None], high_found)).any(2)
        for one, other in np.argwhere(~apart).tolist():
            shared[one, other] = shared_area(truth[one], found[other])
    return shared, np.array([area(one) for one in truth]), np.array([area(one) for one in found])


def _boxes(polygons: list[Floats]) -> tuple[Floats, Floats]:
    """Left top and right bottom corners of the polygons' upright boxes, (n, 2) each."""
    return np.array([one.min(0) for one in polygons]), np.array([one.max(0) for one in polygons])
