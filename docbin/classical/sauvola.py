"""Sauvola's threshold and the formulas made from it: Phansalkar, WAN.

All three lower the local mean where the window's contrast is low, so that plain paper stays above the threshold: the factor k (s / R - 1) is
-k on flat paper and grows to 0 as the standard deviation s reaches R. Windows are squares cut at the page's edge; a window should hold strokes
*and* paper, one to two letters across (at 300 dpi 25 to 75 pixels).
"""

from __future__ import annotations

from docbin.kernels import local
from docbin.page import FloatMap, Image, Mask, to_grey


def sauvola(image: Image, window: int = 25, k: float = 0.2, r: float = 128.0) -> FloatMap:
    """Sauvola's threshold map: m (1 + k (s / R - 1)).

    J. Sauvola, M. Pietikäinen: "Adaptive document image binarization", Pattern Recognition 33 (2000) 225-236, doi:10.1016/S0031-3203(99)00055-2.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    window : side of the window, pixels, odd
    k : how far flat paper's threshold lies below its mean, 0..1 (the paper: 0.5; 0.2 is what later work settled on)
    r : standard deviation of full contrast, grey levels (128 = half the range of 8 bits)

    Returns
    -------
    float32 (H, W), grey levels: ink is where ``grey <= threshold``

    Raises
    ------
    TypeError, ValueError
        `image` breaks the image contract.
    docbin.errors.UsageError
        `window` is even or below 1.
    """
    return local.threshold(to_grey(image), window, "sauvola", k, r=r)


def sauvola_ink(image: Image, window: int = 25, k: float = 0.2, r: float = 128.0) -> Mask:
    """Ink by :func:`sauvola`, without making the map: bool (H, W)."""
    return local.ink(to_grey(image), window, "sauvola", k, r=r)


def phansalkar(image: Image, window: int = 31, k: float = 0.25, r: float = 0.5, p: float = 2.0, q: float = 10.0) -> FloatMap:
    """Phansalkar's threshold map: m (1 + p exp(-q m) + k (s / R - 1)), m and s on the scale 0..1.

    N. Phansalkar, S. More, A. Sabale, M. Joshi: "Adaptive local thresholding for detection of nuclei in diversity stained cytology images",
    ICCSP 2011, 218-220, doi:10.1109/ICCSP.2011.5739305. The exponential lifts the threshold where the window is dark, which keeps faint strokes on
    dark paper.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    window : side of the window, pixels, odd
    k : weight of the contrast
    r : standard deviation of full contrast, as a share of the grey range (0.5)
    p, q : height of the lift, and how fast it fades with the mean (per unit of the grey range)
    """
    return local.threshold(to_grey(image), window, "phansalkar", k, r=r, p=p, q=q)


def phansalkar_ink(image: Image, window: int = 31, k: float = 0.25, r: float = 0.5, p: float = 2.0, q: float = 10.0) -> Mask:
    """Ink by :func:`phansalkar`: bool (H, W)."""
    return local.ink(to_grey(image), window, "phansalkar", k, r=r, p=p, q=q)


def wan(image: Image, window: int = 75, k: float = 0.2, r: float = 128.0) -> FloatMap:
    """WAN's threshold map: Sauvola's, with (largest grey of the window + m) / 2 in the place of the mean m.

    W. A. Mustafa, M. M. M. Abdul Kader: "Binarization of document image using optimum threshold modification", J. Phys.: Conf. Ser. 1019 (2018)
    012022, doi:10.1088/1742-6596/1019/1/012022. The higher base keeps thin, low-contrast strokes that Sauvola loses.

    Parameters as :func:`sauvola`.
    """
    return local.threshold(to_grey(image), window, "wan", k, r=r)


def wan_ink(image: Image, window: int = 75, k: float = 0.2, r: float = 128.0) -> Mask:
    """Ink by :func:`wan`: bool (H, W)."""
    return local.ink(to_grey(image), window, "wan", k, r=r)
