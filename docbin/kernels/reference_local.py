"""The NumPy twin of the local thresholds: the definition, written to be seen to be right, and the kernel of an install without a compiler.

Window sums come from an integral image of int64, exact for any page that fits the memory; every formula is one line of float64 in the order that
``csrc/local/local_formula.hpp`` keeps. IEEE 754 rounds +, -, *, / and the square root one way only, so equal formulas give equal bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from docbin.page import FloatMap, Image, Mask

Plane = NDArray[np.float64]


def window_edges(length: int, window: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and one-past-last coordinate of the window about every coordinate of an axis, cut at its ends."""
    radius = min(window // 2, length - 1)
    at = np.arange(length)
    return np.maximum(at - radius, 0), np.minimum(at + radius + 1, length)


def window_sums(grey: Image, window: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Sum, sum of squares and count of the pixels in every pixel's window: three int64 (H, W)."""
    height, width = grey.shape
    (top, bottom), (left, right) = window_edges(height, window), window_edges(width, window)

    def over_windows(values: NDArray[np.int64]) -> NDArray[np.int64]:
        integral = np.zeros((height + 1, width + 1), dtype=np.int64)
        integral[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
        rows = integral[bottom] - integral[top]
        return np.asarray(rows[:, right] - rows[:, left])

    greys = grey.astype(np.int64)
    return over_windows(greys), over_windows(greys * greys), (bottom - top)[:, None] * (right - left)[None, :]


def variance_of(sums: NDArray[np.int64], squares: NDArray[np.int64], count: NDArray[np.int64]) -> Plane:
    """(n Q - S^2) / n^2 with the numerator exact and rounded once."""
    if int(count.max()) ** 2 * 255**2 < 2**63:
        numerator = (count * squares - sums * sums).astype(np.float64)
    else:
        exact = count.astype(object) * squares.astype(object) - sums.astype(object) ** 2  # Python integers
        numerator = exact.astype(np.float64)
    return numerator / (count.astype(np.float64) * count.astype(np.float64))


def local_moments(grey: Image, window: int) -> tuple[Plane, Plane]:
    """Mean and population standard deviation of every pixel's window, float64 (H, W)."""
    sums, squares, count = window_sums(grey, window)
    return sums / count, np.sqrt(variance_of(sums, squares, count))


def bernsen(grey: Image, window: int, contrast: int, flat: int) -> Mask:
    """See :func:`docbin.kernels.local.bernsen`."""
    darkest, brightest = (local_extreme(grey, window, largest).astype(np.int64) for largest in (False, True))
    return np.asarray(np.where(brightest - darkest > contrast, 2 * grey.astype(np.int64) <= darkest + brightest, grey <= flat))


def local_extreme(grey: Image, window: int, largest: bool) -> Image:
    """Least or largest grey of every pixel's window, uint8 (H, W): one shifted copy a column and a row of the window."""
    better = np.maximum if largest else np.minimum
    result = grey
    for axis in (0, 1):
        lines = np.moveaxis(result, axis, 0)
        best = lines.copy()
        for shift in range(1, min(window // 2, len(lines) - 1) + 1):
            best[shift:] = better(best[shift:], lines[:-shift])
            best[:-shift] = better(best[:-shift], lines[shift:])
        result = np.moveaxis(best, 0, axis)
    return np.ascontiguousarray(result)


def exp_negative(x: Plane) -> Plane:
    """exp(x), x <= 0, by IEEE operations alone (libm's last bit differs between machines); arguments under -700 are taken as -700.

    x = n ln 2 + r with abs(r) <= ln 2 / 2, Taylor's polynomial of degree 13 in r, times 2^n.
    """
    x = np.maximum(x, -700.0)
    n = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10
    total = np.full_like(x, 1.0 / math.factorial(13))
    for degree in range(12, -1, -1):
        total = total * r + 1.0 / math.factorial(degree)
    return np.asarray(np.ldexp(total, n.astype(np.int32)))


def _niblack(m: Plane, s: Plane, k: float) -> Plane:
    return m + k * s


def _sauvola(m: Plane, s: Plane, k: float, r: float) -> Plane:
    return m * (1.0 + k * (s / r - 1.0))


def _wolf(m: Plane, s: Plane, k: float, darkest: int) -> Plane:
    spread = s.max()
    if spread == 0:
        return np.full_like(m, darkest - 1.0)
    return np.asarray(m - k * (1.0 - s / spread) * (m - darkest))


def _singh(m: Plane, grey: Image, k: float) -> Plane:
    off = np.minimum(np.abs(grey - m), 254.0)
    return m * (1.0 + k * (off / (255.0 - off) - 1.0))


def _phansalkar(m: Plane, s: Plane, k: float, r: float, p: float, q: float) -> Plane:
    m, s = m / 255.0, s / 255.0
    return 255.0 * (m * (1.0 + p * exp_negative(-(q * m)) + k * (s / r - 1.0)))


def local_threshold(grey: Image, window: int, formula: str, k: float, *, r: float = 128.0, p: float = 0.0, q: float = 0.0) -> Plane:
    """Threshold of a formula (see :mod:`docbin.kernels.local`) for every pixel, float64 (H, W)."""
    sums, squares, count = window_sums(grey, window)
    m, s = sums / count, np.sqrt(variance_of(sums, squares, count))
    formulas: dict[str, Callable[[], Plane]] = {
        "niblack": lambda: _niblack(m, s, k),
        "sauvola": lambda: _sauvola(m, s, k, r),
        "wolf": lambda: _wolf(m, s, k, int(grey.min())),
        "nick": lambda: m + k * np.sqrt(squares / count),
        "singh": lambda: _singh(m, grey, k),
        "phansalkar": lambda: _phansalkar(m, s, k, r, p, q),
        "bradley": lambda: m * (1.0 - k),
        "wan": lambda: _sauvola((local_extreme(grey, window, True) + m) / 2.0, s, k, r),
    }
    return np.asarray(formulas[formula]())


def local_ink(grey: Image, window: int, formula: str, k: float, *, r: float = 128.0, p: float = 0.0, q: float = 0.0) -> Mask:
    """Ink mask of a formula: grey <= threshold, in float64."""
    return np.asarray(grey <= local_threshold(grey, window, formula, k, r=r, p=p, q=q))


def round_down(threshold: Plane) -> FloatMap:
    """The largest float32 that is not above each value: an integer grey is <= the one exactly where it is <= the other."""
    near = threshold.astype(np.float32)
    return np.where(near.astype(np.float64) > threshold, np.nextafter(near, np.float32(-np.inf)), near)
