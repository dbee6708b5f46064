"""Wolf and Jolion's threshold: Sauvola's idea, with the page's own contrast in the place of a fixed one.

Sauvola's R = 128 suits pages that use the whole grey range. Here the largest standard deviation of any window of the page takes its place and the
darkest grey that of black, so a washed-out page is thresholded like a crisp one. The price is a first pass over the page, and that one black speck
sets the darkest grey for all of it.
"""

from __future__ import annotations

from docbin.kernels import local
from docbin.page import FloatMap, Image, Mask, to_grey


def wolf(image: Image, window: int = 41, k: float = 0.5) -> FloatMap:
    """Wolf and Jolion's threshold map: m - k (1 - s / s_max) (m - g_min).

    C. Wolf, J.-M. Jolion: "Extraction and recognition of artificial text in multimedia documents", Pattern Analysis and Applications 6 (2004)
    309-326, doi:10.1007/s10044-003-0197-7. s_max: largest standard deviation of any window; g_min: darkest grey of the page. A page of a single
    grey has no contrast to measure against: it has no ink (threshold g_min - 1).

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    window : side of the window, pixels, odd
    k : 0..1, how far flat paper's threshold moves from its mean to the darkest grey (the paper: 0.5)

    Returns
    -------
    float32 (H, W), grey levels: ink is where ``grey <= threshold``
    """
    return local.threshold(to_grey(image), window, "wolf", k)


def wolf_ink(image: Image, window: int = 41, k: float = 0.5) -> Mask:
    """Ink by :func:`wolf`: bool (H, W)."""
    return local.ink(to_grey(image), window, "wolf", k)
