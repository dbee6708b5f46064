"""Thresholds from the local mean alone: Bradley-Roth, and Singh, who adds the pixel's own distance from it.

They need no sum of squares. Bradley and Roth ask whether a pixel is some per cent darker than its surroundings, with a window so large (an eighth of
the page's width) that it holds paper everywhere; it was made for photographed and filmed pages under moving light.
"""

from __future__ import annotations

from docbin.errors import UsageError
from docbin.kernels import local
from docbin.page import FloatMap, Image, Mask, to_grey


def _bradley_window(window: int, width: int) -> int:
    """The window asked for, or for 0 the paper's: an eighth of the page's width, made odd, at least 3."""
    if window < 0 or (window > 0 and window % 2 == 0):
        raise UsageError(f"bradley: window={window}: 0 (an eighth of the page's width) or an odd number is wanted")
    return window or max(3, width // 8 | 1)


def bradley(image: Image, window: int = 0, t: float = 0.15) -> FloatMap:
    """Bradley and Roth's threshold map: m (1 - t).

    D. Bradley, G. Roth: "Adaptive thresholding using the integral image", Journal of Graphics Tools 12 (2007) 13-21,
    doi:10.1080/2151237X.2007.10129236.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    window : side of the window, pixels, odd; 0 takes an eighth of the page's width, as the paper does
    t : share, 0..1, by which ink is darker than the mean about it (the paper: 0.15)

    Returns
    -------
    float32 (H, W), grey levels: ink is where ``grey <= threshold``
    """
    grey = to_grey(image)
    return local.threshold(grey, _bradley_window(window, grey.shape[1]), "bradley", t)


def bradley_ink(image: Image, window: int = 0, t: float = 0.15) -> Mask:
    """Ink by :func:`bradley`: bool (H, W)."""
    grey = to_grey(image)
    return local.ink(grey, _bradley_window(window, grey.shape[1]), "bradley", t)


def singh(image: Image, window: int = 25, k: float = 0.1) -> FloatMap:
    """Singh's threshold map: m (1 + k (d / (1 - d) - 1)), d = distance of the pixel from the mean, on the scale 0..1.

    T. R. Singh, S. Roy, O. I. Singh, T. Sinam, K. M. Singh: "A new local adaptive thresholding technique in binarization", IJCSI 8 (2011) 271-277,
    arXiv:1201.5227. The deviation is taken without its sign and at most 254 / 255, so that the quotient exists for a black pixel in white paper.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    window : side of the window, pixels, odd
    k : 0..1, how far the threshold lies below the mean
    """
    return local.threshold(to_grey(image), window, "singh", k)


def singh_ink(image: Image, window: int = 25, k: float = 0.1) -> Mask:
    """Ink by :func:`singh`: bool (H, W)."""
    return local.ink(to_grey(image), window, "singh", k)
