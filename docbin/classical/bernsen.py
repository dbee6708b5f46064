"""Bernsen's threshold: the middle between the darkest and the brightest grey of the window.

Where the window's contrast is small it holds one class only, and a fixed threshold says which. The method looks at two pixels of a window, so a
single black speck or glint moves the threshold of everything about it; on clean, unevenly lit pages that is its strength.
"""

from __future__ import annotations

import numpy as np

from docbin.kernels import local
from docbin.page import FloatMap, Image, Mask, to_grey


def bernsen(image: Image, window: int = 31, contrast: int = 15, threshold: int = 128) -> FloatMap:
    """Bernsen's threshold map: (min + max) / 2 where max - min > contrast, else `threshold`.

    J. Bernsen: "Dynamic thresholding of grey-level images", Proc. 8th ICPR, Paris 1986, 1251-1255.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    window : side of the window, pixels, odd
    contrast : grey levels, 0..255; a window that spans no more is of one class
    threshold : grey level, 0..255, that tells which class such a window is

    Returns
    -------
    float32 (H, W), grey levels: ink is where ``grey <= threshold``
    """
    grey = to_grey(image)
    darkest, brightest = local.local_min(grey, window), local.local_max(grey, window)
    middle = (darkest.astype(np.float32) + brightest) * np.float32(0.5)
    return np.where(brightest - darkest > contrast, middle, np.float32(threshold))


def bernsen_ink(image: Image, window: int = 31, contrast: int = 15, threshold: int = 128) -> Mask:
    """Ink by :func:`bernsen`: bool (H, W)."""
    return local.bernsen(to_grey(image), window, contrast, threshold)
