"""From a probability map to words: kernels, their scores, and their outlines grown back (Liao et al., 2020, arXiv 1911.08947, section 3.5).

A detector is trained on outlines that were moved inwards by D = area (1 - r^2) / perimeter of the *whole* word. The paper moves a kernel's outline
back by D' = area * 1.5 / perimeter of the *kernel*, which is right for words about two and a half times as wide as high and far too little for long
lines (of a line twenty times as wide as high, half the height stays lost). With A, L of the kernel, growing by D makes the area A + L D + 4 D^2 and
the perimeter L + 8 D (exactly so for rectangles), so the D that was taken solves

    4 (1 + r^2) D^2 + r^2 L D - (1 - r^2) A = 0,

which is what is done unless a factor is named.

A rectangle grown by D and boxed again is the rectangle with D added to each side, so no polygon is clipped for quadrilaterals, and they are computed
all at once. Any other outline is grown on pixels. All work beside finding the contours is per kernel and small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.detection.order import reading_order
from docbin.detection.rules import Rules
from docbin.page import FloatMap
from docbin.word import Word

Floats = NDArray[np.float64]
STEP = 1.0
"""Pixels."""
FINER = 2


def find_words(probability: FloatMap, rules: Rules | None = None, size: tuple[int, int] | None = None) -> list[Word]:
    """The words of a probability map, in reading order.

    Parameters
    ----------
    probability : float32 (H, W) in 0..1
    rules : see :class:`docbin.detection.rules.Rules`
    size : (width, height) of the picture that the map stands for; None for the map's own. Coordinates are those of the picture.

    Raises
    ------
    TypeError, ValueError
        `probability` is not such an array.
    """
    rules = rules or Rules()
    if not isinstance(probability, np.ndarray) or probability.dtype != np.float32 or probability.ndim != 2 or not probability.size:
        came = f"{probability.dtype} {probability.shape}" if isinstance(probability, np.ndarray) else type(probability).__name__
        raise TypeError(f"probability: a float32 array (H, W) is wanted, got {came}")
    height, width = probability.shape
    kernels = find_kernels(probability, rules)
    polygons, scores = _quads(probability, kernels, rules) if rules.shape == "quad" else _polygons(probability, kernels, rules)
    wide, high = size or (width, height)
    scale, limit = np.array([wide / width, high / height]), np.array([wide, high], np.float64)
    # Contours run through the middles of pixels, outlines are counted from the corner of the first.
    placed = [np.minimum(np.maximum((polygon + 0.5) * scale, 0), limit).astype(np.float32) for polygon in polygons]
    return [Word(placed[k], score=float(scores[k])) for k in reading_order(placed)]


def find_kernels(probability: FloatMap, rules: Rules) -> list[NDArray[np.int32]]:
    """Outer contours of the regions at or above the threshold, int32 (n, 2) x, y, the largest boxes first; none that is too small anyway."""
    import cv2

    mask = (probability >= np.float32(rules.threshold)).view(np.uint8)
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if hierarchy is None:
        return []
    outer = [contour for contour, parent in zip(contours, hierarchy[0, :, 3], strict=True) if parent < 0]
    boxes = np.array([cv2.boundingRect(contour)[2:] for contour in outer], np.float64) - 1
    areas = boxes.prod(1)
    # The smallest rectangle's area is at most the upright one's, and the square of its short side at most its area.
    large = np.nonzero(areas >= rules.least**2)[0]
    order = large[np.argsort(-areas[large], kind="stable")][: rules.most]
    return [outer[k].reshape(-1, 2) for k in order]


def growth(area: Floats, perimeter: Floats, rules: Rules) -> Floats:
    """By how many pixels kernels of these areas and perimeters grow; see the module's docstring."""
    if rules.unclip > 0:
        return area * rules.unclip / np.maximum(perimeter, 1e-9)
    square = rules.shrink**2
    a, b = 4 * (1 + square), square * perimeter
    return np.asarray((np.sqrt(b * b + 4 * a * (1 - square) * area) - b) / (2 * a))


def _quads(probability: FloatMap, kernels: Sequence[NDArray[np.int32]], rules: Rules) -> tuple[list[Floats], Floats]:
    """Grown rectangles, float64 (4, 2), and scores."""
    import cv2

    if not kernels:
        return [], np.zeros(0)
    boxes = ((*cv2.minAreaRect(kernel), cv2.contourArea(kernel)) for kernel in kernels)
    fitted = np.array([(*middle, *sides, angle, area) for middle, sides, angle, area in boxes], np.float64)
    fitted = fitted[np.minimum(fitted[:, 2], fitted[:, 3]) >= rules.least]
    scores = box_scores(probability, list(_corners(fitted)))
    fitted, scores = fitted[scores >= rules.score], scores[scores >= rules.score]
    fitted[:, 2:4] -= _steps(fitted[:, 2:4], fitted[:, 5])[:, None]
    more = 2 * growth(fitted[:, 2] * fitted[:, 3], 2 * (fitted[:, 2] + fitted[:, 3]), rules)
    fitted[:, 2:4] += more[:, None]
    return list(_corners(fitted)), scores


def _steps(sides: Floats, area: Floats) -> Floats:
    """How far the pixel steps of a slanted edge stand out of a kernel, both sides together: by so much its box is too wide and too high.

    It is what makes the box as large as the kernel, and at most a pixel: what is missing beyond that is missing in the kernel's form.
    """
    together = sides.sum(1)
    missing = np.maximum(sides.prod(1) - area, 0)
    return np.asarray(np.minimum((together - np.sqrt(np.maximum(together**2 - 4 * missing, 0))) / 2, STEP))


def _corners(fitted: Floats) -> Floats:
    """Corners (n, 4, 2) of rectangles (x, y, width, height, degrees): clockwise, beginning where one begins to read."""
    angle = np.deg2rad(fitted[:, 4])
    along = np.stack([np.cos(angle), np.sin(angle)], 1)
    down = np.stack([-along[:, 1], along[:, 0]], 1)
    wide, high = fitted[:, 2].copy(), fitted[:, 3].copy()
    # A box leans by less than an eighth of a turn to either side; an upright one stays upright, as words on spines and columns do.
    quarter = np.round(fitted[:, 4] / 90).astype(int) % 4
    for turns in (1, 2, 3):
        some = quarter == turns
        for _ in range(turns):
            along[some], down[some] = -down[some], along[some]
            wide[some], high[some] = high[some], wide[some]
    x, y = along * wide[:, None] / 2, down * high[:, None] / 2
    middle = fitted[:, :2]
    return np.stack([middle - x - y, middle + x - y, middle + x + y, middle - x + y], 1)


def box_scores(probability: FloatMap, outlines: Sequence[NDArray[Any]]) -> Floats:
    """Mean probability within each outline (n, 2), its points rounded to pixels; what lies outside the map does not count."""
    import cv2

    height, width = probability.shape
    means = np.zeros(len(outlines))
    for number, outline in enumerate(outlines):
        points = np.rint(outline).astype(np.int32)
        left, top, wide, high = cv2.boundingRect(points)
        left, top, right, bottom = max(left, 0), max(top, 0), min(left + wide, width), min(top + high, height)
        if left < right and top < bottom:
            mask = np.zeros((bottom - top, right - left), np.uint8)
            cv2.fillPoly(mask, [points], 1, offset=(-left, -top))
            means[number] = cv2.mean(probability[top:bottom, left:right], mask)[0]
    return means


def _polygons(probability: FloatMap, kernels: Sequence[NDArray[np.int32]], rules: Rules) -> tuple[list[Floats], Floats]:
    """Grown outlines, float64 (n, 2), and scores."""
    import cv2

    wide = [kernel for kernel in kernels if min(cv2.minAreaRect(kernel)[1]) >= rules.least]
    scores = box_scores(probability, wide)
    found = [kernel for kernel, score in zip(wide, scores, strict=True) if score >= rules.score]
    areas = np.array([cv2.contourArea(kernel) for kernel in found])
    perimeters = np.array([cv2.arcLength(kernel, True) for kernel in found])
    distances = growth(areas, perimeters, rules).tolist()
    return [grown(kernel, distance) for kernel, distance in zip(found, distances, strict=True)], scores[scores >= rules.score]


def grown(kernel: NDArray[np.int32], distance: float) -> Floats:
    """The outline of all that lies within `distance` of a filled contour, float64 (n, 2); what it is off by stays below a fifth of the distance, or
    below a pixel and a half.

    The contour is drawn as a line of that half width with round joints, at twice the size.
    """
    import cv2

    margin = int(np.ceil(distance)) + 2
    corner = kernel.min(0) - margin
    width, height = FINER * (kernel.max(0) - corner + margin + 1)
    field = np.zeros((int(height), int(width)), np.uint8)
    loose = max(0.5, distance / 10)
    points = FINER * (cv2.approxPolyDP(kernel, loose, True).reshape(-1, 2) - corner).astype(np.int32)
    cv2.fillPoly(field, [points], 1)
    cv2.polylines(field, [points], True, 1, thickness=max(1, round(2 * FINER * distance)))
    contours: Any = cv2.findContours(field, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    outline = cv2.approxPolyDP(max(contours, key=cv2.contourArea), FINER * loose, True).reshape(-1, 2)
    return np.asarray(outline / FINER + corner, np.float64)[::-1]
