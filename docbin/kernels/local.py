"""Local (windowed) thresholds: one mechanism for every window and formula.

A pixel's window is the square of `window` x `window` pixels about it, cut at the page's edge; windows are odd and may be larger than the page.
From the exact integers n, S and Q (pixels, sum and sum of squares of the greys in the window) follow::

    mean      m = S / n
    deviation s = sqrt((n Q - S^2) / n^2)        (population standard deviation, grey levels)

and a formula of m and s is the threshold T, all in float64. The mask is ``grey <= T``; the map is T rounded down to float32, so that
``grey <= map`` is the same mask to the bit. The cost does not depend on the window. What the compiled core does, and why its levels and
:mod:`docbin.kernels.reference_local` agree bit for bit, is argued in ``csrc/local/local.hpp``.

Formulas (`k`, `r`, `p`, `q` are their parameters; R is `r`):

=============  =====================================================================================================================
"niblack"      m + k s
"sauvola"      m (1 + k (s / R - 1))
"wolf"         m - k (1 - s / s_max) (m - g_min), s_max over the page's windows, g_min over the page; a page of one grey: g_min - 1
"nick"         m + k sqrt(Q / n)
"singh"        m (1 + k (d / (255 - d) - 1)), d = min(|grey - m|, 254)
"phansalkar"   with m and s on the scale 0..1: 255 m (1 + p exp(-q m) + k (s / R - 1))
"bradley"      m (1 - k)
"wan"          (g_max + m) / 2 (1 + k (s / R - 1)), g_max over the window
=============  =====================================================================================================================
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.errors import UsageError
from docbin.kernels import reference_local as reference
from docbin.page import FloatMap, Image, Mask

FORMULAS = ("niblack", "sauvola", "wolf", "nick", "singh", "phansalkar", "bradley", "wan")


def _checked(grey: Image, window: int) -> Image:
    """`grey` as a C-contiguous uint8 plane; refuses other arrays, and windows that are even or below 1."""
    if grey.dtype != np.uint8 or grey.ndim != 2:
        raise TypeError(f"grey: a uint8 plane (H, W) is wanted, got {grey.dtype} {grey.shape}")
    if 0 in grey.shape:
        raise ValueError(f"grey: at least one pixel is wanted, got shape {grey.shape}")
    if window < 1 or window % 2 == 0:
        raise UsageError(f"window={window}: an odd number of at least 1 is wanted")
    return np.ascontiguousarray(grey)


def _check_formula(formula: str, r: float, q: float) -> None:
    """Refuses unknown formulas, and parameters for which a formula has no meaning."""
    if formula not in FORMULAS:
        raise UsageError(f"formula={formula!r}: choose one of {', '.join(FORMULAS)}")
    if not r > 0:
        raise UsageError(f"r={r}: a standard deviation above 0 is wanted")
    if not q >= 0:
        raise UsageError(f"q={q}: a number of at least 0 is wanted")


def ink(
    grey: Image,
    window: int,
    formula: str,
    k: float,
    *,
    r: float = 128.0,
    p: float = 0.0,
    q: float = 0.0,
    threads: int | None = None,
) -> Mask:
    """Ink mask of a formula of the table above.

    Parameters
    ----------
    grey : uint8 (H, W)
    window : side of the window, pixels, odd
    formula : a name of ``FORMULAS``
    k, r, p, q : the formula's parameters; those it does not have are ignored
    threads : bands of the page done at once; None takes :func:`docbin.kernels.threads`

    Returns
    -------
    bool (H, W), True = ink
    """
    _check_formula(formula, r, q)
    grey = _checked(grey, window)
    if not kernels.compiled():
        return reference.local_ink(grey, window, formula, k, r=r, p=p, q=q)
    return kernels._core.local_ink(kernels.active(), grey, window, formula, k, r, p, q, threads or kernels.threads())


def threshold(
    grey: Image,
    window: int,
    formula: str,
    k: float,
    *,
    r: float = 128.0,
    p: float = 0.0,
    q: float = 0.0,
    threads: int | None = None,
) -> FloatMap:
    """Threshold map of a formula, float32 (H, W), rounded down: ``grey <= map`` equals :func:`ink`, whose parameters it takes."""
    _check_formula(formula, r, q)
    grey = _checked(grey, window)
    if not kernels.compiled():
        return reference.round_down(reference.local_threshold(grey, window, formula, k, r=r, p=p, q=q))
    return kernels._core.local_map(kernels.active(), grey, window, formula, k, r, p, q, threads or kernels.threads())


def local_moments(grey: Image, window: int, threads: int | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and population standard deviation of every pixel's window, two float64 (H, W) in grey levels, exact but for their last rounding."""
    grey = _checked(grey, window)
    if not kernels.compiled():
        return reference.local_moments(grey, window)
    return kernels._core.local_moments(kernels.active(), grey, window, threads or kernels.threads())


def page_spread(grey: Image, window: int, threads: int | None = None) -> tuple[int, float]:
    """Least grey of the page, and the largest standard deviation of any window (grey levels)."""
    grey = _checked(grey, window)
    if not kernels.compiled():
        return int(grey.min()), float(reference.local_moments(grey, window)[1].max())
    darkest, variance = kernels._core.local_spread(kernels.active(), grey, window, threads or kernels.threads())
    return int(darkest), float(np.sqrt(variance))


def local_min(grey: Image, window: int, threads: int | None = None) -> Image:
    """Least grey in every pixel's window, uint8 (H, W); windows are cut at the page's edge."""
    return _extreme(grey, window, False, threads)


def local_max(grey: Image, window: int, threads: int | None = None) -> Image:
    """Largest grey in every pixel's window, uint8 (H, W); windows are cut at the page's edge."""
    return _extreme(grey, window, True, threads)


def bernsen(grey: Image, window: int, contrast: int, flat: int, threads: int | None = None) -> Mask:
    """Bernsen's ink, bool (H, W): grey <= the middle of the window's extremes where they differ by more than `contrast`, else grey <= `flat`.

    `contrast` and `flat` are grey levels, 0..255.
    """
    grey = _checked(grey, window)
    if not kernels.compiled():
        return reference.bernsen(grey, window, contrast, flat)
    found = kernels._core.bernsen(kernels.active(), grey, window, contrast, flat, threads or kernels.threads())
    return found.view(np.bool_)


def _extreme(grey: Image, window: int, largest: bool, threads: int | None) -> Image:
    grey = _checked(grey, window)
    if not kernels.compiled():
        return reference.local_extreme(grey, window, largest)
    return kernels._core.local_extreme(kernels.active(), grey, window, largest, threads or kernels.threads())
