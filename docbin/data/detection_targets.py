"""Words to what a DB detector learns: shrunken outlines, what not to judge, and the threshold along the outlines.

Liao et al. (2020, arXiv 1911.08947) move a word's outline by D = area (1 - r^2) / perimeter, r the shrink ratio (Vatti's offset; here by shapely's
buffer): inwards for the *kernel* that the probability map is to show, outwards for the *band* in which the threshold map is judged. On the outline
the threshold is to be `high`, and it falls to `low` at the distance D to either side; where bands meet, the larger value stands.

Not judged are the words marked so, those whose short side is below `least` pixels here (they cannot be told from texture), and those of which
shrinking leaves nothing; nor are their bands drawn.

A crop of a word gets that part of the word's kernel which lies inside: what a whole picture would show at this place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.word import Polygon, Word

Truth = NDArray[np.uint8]
"""uint8 (H, W, 3): kernel (1 inside), judged (1 where the probability is judged), band: 0 outside, else 1..255 for thresholds `low`..`high`."""

_FRACTION = 4
"""Binary digits of a fraction of a pixel when outlines are filled."""


@dataclass(frozen=True, slots=True)
class TargetRules:
    """How truth is drawn; the defaults are the paper's."""

    shrink: float = 0.4
    low: float = 0.3
    high: float = 0.7
    least: float = 8.0


PAPER = TargetRules()


def draw(words: Sequence[Word], height: int, width: int, rules: TargetRules = PAPER) -> Truth:
    """The truth of a picture of this size; see ``Truth``."""
    truth = np.zeros((height, width, 3), np.uint8)
    kernel, judged, band = (np.ascontiguousarray(truth[..., plane]) for plane in range(3))
    judged[:] = 1
    for word in words:
        inner = outer = None
        if not word.ignore and short_side(word.polygon) >= rules.least:
            inner, outer, distance = offsets(word.polygon, rules.shrink)
        if inner is None or outer is None:
            _fill(judged, word.polygon, 0)
            continue
        _fill(kernel, inner, 1)
        _draw_band(band, word.polygon, inner, outer, distance)
    truth[..., 0], truth[..., 1], truth[..., 2] = kernel, judged, band
    return truth


def threshold_of(band: NDArray[Any], rules: TargetRules = PAPER) -> NDArray[np.float32]:
    """Thresholds of the truth's third plane, float32; `low` outside the band."""
    steps = np.maximum(band.astype(np.float32) - 1, 0)
    return np.asarray(rules.low + (rules.high - rules.low) / 254 * steps, dtype=np.float32)


def short_side(polygon: Polygon) -> float:
    """The shorter side of the smallest rectangle around an outline, pixels."""
    import cv2

    return float(min(cv2.minAreaRect(np.asarray(polygon, np.float32))[1]))


def offsets(polygon: Polygon, shrink: float) -> tuple[Polygon | None, Polygon | None, float]:
    """(outline moved inwards, outline moved outwards, by how many pixels); (None, None, 0.0) where nothing is left or the outline has no area.

    An outline that crosses itself counts as its largest part.
    """
    from shapely.geometry import Polygon as Shape

    shape = Shape(np.asarray(polygon, np.float64))
    if not shape.is_valid:
        shape = _largest(shape.buffer(0))
    if shape is None or shape.area <= 0:
        return None, None, 0.0
    distance = float(shape.area * (1 - shrink * shrink) / shape.length)
    inner, outer = _largest(shape.buffer(-distance)), _largest(shape.buffer(distance, quad_segs=4))
    if inner is None or outer is None:
        return None, None, 0.0
    return _outline(inner), _outline(outer), distance


def _largest(shape: Any) -> Any:
    """The largest polygon of what shapely made; None where there is none."""
    parts = [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon" and part.area > 0]
    return max(parts, key=lambda part: part.area, default=None)


def _outline(shape: Any) -> Polygon:
    return np.asarray(shape.exterior.coords[:-1], np.float32)


def _fill(plane: Truth, polygon: Polygon, value: int) -> None:
    """Fill an outline; pixels that the line itself touches belong to it. (x = 0.5 is the middle of column 0.)"""
    import cv2

    points = np.rint((polygon.astype(np.float64) - 0.5) * (1 << _FRACTION)).astype(np.int32)
    cv2.fillPoly(plane, [points], value, lineType=cv2.LINE_8, shift=_FRACTION)


def _draw_band(band: Truth, polygon: Polygon, inner: Polygon, outer: Polygon, distance: float) -> None:
    """Lay a word's thresholds over the band, the larger value standing."""
    height, width = band.shape
    left, top = np.floor(outer.min(0)).astype(int) - 1
    right, bottom = np.ceil(outer.max(0)).astype(int) + 1
    left, top, right, bottom = max(int(left), 0), max(int(top), 0), min(int(right), width), min(int(bottom), height)
    if left >= right or top >= bottom:
        return
    corner = np.array([left, top], np.float32)
    own = np.zeros((bottom - top, right - left), np.uint8)
    _fill(own, outer - corner, 2)
    deep = np.zeros_like(own)
    _fill(deep, inner - corner, 1)
    own[(deep > 0) & (own > 0)] = 1  # at the distance D and beyond: the lowest threshold
    rows, columns = np.nonzero(own == 2)
    points = np.stack([columns, rows], 1).astype(np.float32) + np.float32(0.5) + corner
    closeness = 1 - np.minimum(distance_to(points, polygon) / np.float32(distance), 1)
    own[rows, columns] = 1 + np.rint(254 * closeness).astype(np.uint8)
    place = band[top:bottom, left:right]
    np.maximum(place, own, out=place)


def distance_to(points: NDArray[np.float32], polygon: Polygon) -> NDArray[np.float32]:
    """Distance of each of the points, float32 (n, 2), from the nearest side of an outline; float32 (n,)."""
    nearest = np.full(len(points), np.inf, np.float32)
    polygon = np.asarray(polygon, np.float32)
    for start, end in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        side = end - start
        square = float(side @ side)
        x, y = points[:, 0] - start[0], points[:, 1] - start[1]
        share = np.clip((x * side[0] + y * side[1]) / np.float32(square), 0, 1) if square > 0 else np.float32(0)
        x, y = x - share * side[0], y - share * side[1]
        np.minimum(nearest, x * x + y * y, out=nearest)
    return np.sqrt(nearest)
