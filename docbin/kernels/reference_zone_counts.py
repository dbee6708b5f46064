"""The slow, obvious twin of :mod:`docbin.kernels.zone_counts`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image


def zone_counts(zones: Image, first: Image, second: Image) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As :func:`docbin.kernels.zone_counts.zone_counts`."""
    place = zones.ravel().astype(np.int64) * 256
    by_first, by_second = (np.bincount(place + plane.ravel(), minlength=5 * 256).reshape(5, 256) for plane in (first, second))
    return by_first, by_second
