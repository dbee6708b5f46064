"""Thresholds some standard deviations from the mean: Niblack, and NICK, which quiets its noise on plain paper.

Niblack's T = m + k s marks the darkest tail of every window, whether it holds ink or not: flat paper becomes speckled (and paper of one exact grey
becomes all ink, since there s = 0 and the grey is its own threshold). NICK replaces s by the root mean square, which is large on bright paper and so
pushes the threshold well below it.
"""

from __future__ import annotations

from docbin.kernels import local
from docbin.page import FloatMap, Image, Mask, to_grey


def niblack(image: Image, window: int = 15, k: float = -0.2) -> FloatMap:
    """Niblack's threshold map: m + k s.

    W. Niblack: "An Introduction to Digital Image Processing", Prentice Hall 1986, 115-116.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    window : side of the window, pixels, odd
    k : standard deviations from the mean; negative for dark ink

    Returns
    -------
    float32 (H, W), grey levels: ink is where ``grey <= threshold``
    """
    return local.threshold(to_grey(image), window, "niblack", k)


def niblack_ink(image: Image, window: int = 15, k: float = -0.2) -> Mask:
    """Ink by :func:`niblack`: bool (H, W)."""
    return local.ink(to_grey(image), window, "niblack", k)


def nick(image: Image, window: int = 19, k: float = -0.1) -> FloatMap:
    """NICK's threshold map: m + k sqrt(mean of the squares) = m + k sqrt(s^2 + m^2).

    K. Khurshid, I. Siddiqi, C. Faure, N. Vincent: "Comparison of Niblack inspired binarization methods for ancient documents",
    Document Recognition and Retrieval XVI, Proc. SPIE 7247 (2009), doi:10.1117/12.805827. The paper derives the root of variance + m^2 and prints
    sqrt((sum p^2 - m^2) / n), which is less by m^2 / n under the root (a few pixels of a page at window 45); the derivation is computed here.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    window : side of the window, pixels, odd (the paper: 19)
    k : -0.2 (little noise, strokes may break) to -0.1 (all text, some noise)
    """
    return local.threshold(to_grey(image), window, "nick", k)


def nick_ink(image: Image, window: int = 19, k: float = -0.1) -> Mask:
    """Ink by :func:`nick`: bool (H, W)."""
    return local.ink(to_grey(image), window, "nick", k)
