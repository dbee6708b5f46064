"""Methods that find text by local contrast: Su, Lu and Tan (2010), and ISauvola (Hadjadj et al., 2016).

B. Su, S. Lu, C. L. Tan, "Binarization of historical document images using the local maximum and minimum", Document Analysis Systems (DAS) 2010,
159-166, doi:10.1145/1815330.1815351. The contrast (max - min) / (max + min) of a 3 x 3 neighbourhood, compared by Otsu's threshold, marks stroke
edges whatever the light; a pixel is ink where enough edge pixels are near and it is not much brighter than they are.

Z. Hadjadj, A. Meziane, Y. Cherfa, M. Cheriet, I. Setitra, "ISauvola: Improved Sauvola's algorithm for document image binarization", ICIAR 2016, LNCS
9730, 737-745, doi:10.1007/978-3-319-41501-7_82. Sauvola with a very small k finds every stroke and much noise; only what is connected to a
high-contrast pixel stays.

Where the widespread Doxa program differs from the papers:

* Su's standard deviation. The paper's rule is ``grey <= mean + deviation / 2`` over the edge pixels of the window. The Doxa release that many
  published comparisons used computes the deviation from the sum of (grey - mean), which is zero, and has a fixed window of 9. ``spread=0, window=9``
  is that program to the pixel; it loses 8 points of F-measure on DIBCO 2009 and 2010, so the paper's rule is the default.
* Su's window. The paper asks for "larger than the stroke width" and at least as many edge pixels as the window is wide. 25 is the best fixed
  window on DIBCO 2009 and 2010 (15 to 31 differ by less than a point).
* ISauvola's opening of the contrast mask, which would clean it up before it is used, removes thin strokes and is left out here as there. Doxa's
  tracing does not step from the first pixel of the second row into the first row; this one is plain 8-connectivity.
"""

from __future__ import annotations

import numpy as np

from docbin.kernels import document, local
from docbin.kernels.reference_document import Bytes, window_sums
from docbin.page import FloatMap, Image, Mask, to_grey


def high_contrast(grey: Image) -> tuple[Bytes, int]:
    """Contrast map of a grey page (uint8 (H, W), 0..255) and Otsu's threshold of it: pixels above the threshold are of high contrast."""
    contrasts = document.contrast(grey)
    return contrasts, document.otsu_level(document.histogram(contrasts))


def su_ink(image: Image, window: int = 25, min_count: int = 0, spread: float = 0.5) -> Mask:
    """Ink mask by Su, Lu and Tan (2010), bool (H, W).

    Parameters
    ----------
    window : side of the square window, pixels, odd; larger than the stroke width
    min_count : high-contrast pixels that the window must hold for ink; 0 takes the window's side
    spread : standard deviations of the high-contrast pixels' greys above their mean up to which a pixel is ink (paper: 0.5)
    """
    grey = to_grey(image)
    contrasts, level = high_contrast(grey)
    return document.su(grey, contrasts, level, window // 2, min_count or window, spread).view(np.bool_)


def su_threshold(image: Image, window: int = 25, min_count: int = 0, spread: float = 0.5) -> FloatMap:
    """Su's threshold map, float32 (H, W): mean + spread x deviation of the window's high-contrast greys, -1 where too few are near."""
    grey = to_grey(image)
    contrasts, level = high_contrast(grey)
    high = contrasts > level
    value = np.where(high, grey, 0).astype(np.int64)
    n, s, q = (window_sums(plane, window // 2) for plane in (high, value, value * value))
    count = np.maximum(n, 1)
    mean = s / count
    surface = np.where(n >= (min_count or window), mean + spread * np.sqrt(np.maximum(q / count - mean * mean, 0.0)), -1.0)
    return _settled(surface.astype(np.float32), grey, su_ink(grey, window, min_count, spread))


def _settled(surface: FloatMap, grey: Image, ink: Mask) -> FloatMap:
    """The map with the roundings of its square root settled: moved just enough that ``grey <= map`` is the mask decided in exact sums."""
    value = grey.astype(np.float32)
    return np.where(ink, np.maximum(surface, value), np.minimum(surface, np.nextafter(value, np.float32(-1))))


def isauvola_ink(image: Image, window: int = 15, k: float = 0.01, r: float = 128.0) -> Mask:
    """Ink mask by ISauvola, bool (H, W): Sauvola's ink, of which the components (8-connected) without any high-contrast pixel are dropped.

    Parameters
    ----------
    window : side of Sauvola's square window, pixels, odd
    k : Sauvola's sensitivity
    r : dynamic range of the standard deviation, grey levels
    """
    grey = to_grey(image)
    contrasts, level = high_contrast(grey)
    ink = local.ink(grey, window, "sauvola", k, r=r).view(np.uint8)
    return document.keep_seeded(ink, contrasts, level, in_place=True).view(np.bool_)


def isauvola_threshold(image: Image, window: int = 15, k: float = 0.01, r: float = 128.0) -> FloatMap:
    """Sauvola's threshold map, float32 (H, W), with -1 on the components that ISauvola drops."""
    grey = to_grey(image)
    surface = local.threshold(grey, window, "sauvola", k, r=r)
    dropped = (grey <= surface) & ~isauvola_ink(grey, window, k, r)
    return np.where(dropped, np.float32(-1), surface)
