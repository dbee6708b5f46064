"""The twin of :mod:`docbin.kernels.area_means`: OpenCV's INTER_AREA."""

from __future__ import annotations

import numpy as np

from docbin.page import Image


def area_means(plane: Image, shape: tuple[int, int], *, every: int = 1, times: int = 1) -> Image:
    """As :func:`docbin.kernels.area_means.area_means`."""
    import cv2

    if every != 1 or times != 1:
        plane = np.ascontiguousarray(plane[::every, ::every]) * np.uint8(times)
    return np.asarray(cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)
