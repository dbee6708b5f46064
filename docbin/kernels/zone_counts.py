"""How often each value of two planes comes up in each zone of a page: both histograms from one pass, where OpenCV takes one a plane.

The twin is :mod:`docbin.kernels.reference_zone_counts`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import reference_zone_counts as twin
from docbin.page import Image

ZONES = 5


def zone_counts(zones: Image, first: Image, second: Image) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts of the 256 values of two planes in each zone, int64 (ZONES, 256) each.

    Parameters
    ----------
    zones : uint8 (H, W), 0 to 4 a pixel
    first, second : uint8 (H, W)
    """
    if not kernels.compiled():
        return twin.zone_counts(zones, first, second)
    counts = np.empty((ZONES, 256), np.int64), np.empty((ZONES, 256), np.int64)
    kernels._core.zone_counts(np.ascontiguousarray(zones), np.ascontiguousarray(first), np.ascontiguousarray(second), *counts)
    return counts
