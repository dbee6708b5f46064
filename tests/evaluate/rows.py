"""Rows of the method table that only tests know: workers import them by name."""

from __future__ import annotations

import os

import numpy as np

from docbin.catalogue import Method
from docbin.page import Image, Mask, to_grey
from docbin.registry import Param


def fixed(image: Image, *, threshold: int) -> Mask:
    """Ink where the grey value is at most `threshold`."""
    return np.asarray(to_grey(image) <= threshold)


def fragile(image: Image) -> Mask:
    """Refuses pages that are taller than wide."""
    if image.shape[0] > image.shape[1]:
        raise RuntimeError("too tall for me")
    return np.asarray(to_grey(image) < 128)


def deadly(image: Image) -> Mask:
    """Kills its own process on pages that are taller than wide."""
    if image.shape[0] > image.shape[1]:
        os._exit(9)
    return np.asarray(to_grey(image) < 128)


def otsu(image: Image) -> Mask:
    """OpenCV's Otsu."""
    import cv2

    grey = to_grey(image)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
    return np.asarray(grey <= threshold)


def sauvola(image: Image) -> Mask:
    """scikit-image's Sauvola, window 25, k 0.2, R 128."""
    from skimage.filters import threshold_sauvola

    grey = to_grey(image)
    return np.asarray(grey <= threshold_sauvola(grey, 25, 0.2, 128))


def _row(name: str, *params: Param) -> Method:
    return Method(name, "test", "a row for tests", "nobody", f"{__name__}:{name}", params=params)


FIXED = _row("fixed", Param("threshold", 127, "grey value", min=0, max=255))
FRAGILE, DEADLY, OTSU, SAUVOLA = (_row(name) for name in ("fragile", "deadly", "otsu", "sauvola"))
