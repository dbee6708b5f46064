"""How deep a pixel lies below its paper, measured in the depth of the page's own ink: one plane of bytes for a whole page.

Writing that shines through from the back looks like faint ink to anything that sees a neighbourhood only; what tells them apart is how dark
the ink of *this page* is. So the page is looked at once as a whole:

* *Paper.* At a quarter of the size, a morphological closing (the darkest of the brightest) takes the writing out of the page, a box filter
  smooths what is left, and it is brought back to full size.
* *Quotient.* Pixel over paper, so that shade and stains divide out.
* *Ink.* Otsu's threshold parts the quotients (Otsu, 1979); 97 of 100 in the darker class are paler than the *ink level*. So high a share,
  because on some pages nearly all that is darker than paper shines through from the back. On the training pages the estimate is 1.05 times
  what the truth gives (the tenth darkest of ink's core), with a deviation of 5 percent; with nine tenths instead of 97 it was 7, and half
  the truth on the worst page.

The plane holds 128 where a pixel is as dark as the page's ink, 0 where it is as bright as paper. It costs one pass over a page, and turns fixed
levels into levels of the page: a 1-bit network compares it with constants, a float network takes it as a fourth channel.
Everything is done in whole bytes, so that training and every runtime see the same values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image, Mask

SHRINK = 4
"""The paper is estimated at this fraction of the size; of each cell the mean is taken."""
REACH = 9
"""Half the side of the closing's window in such cells: 76 pixels, wider than a stroke, narrower than most stains."""
LIGHT = 4
"""Added to pixel and paper before dividing, grey levels."""
INK = 128
"""The plane's value at the page's ink level."""


def quotients(grey: Image) -> Image:
    """255 times pixel over paper, uint8 (H, W), of a grey page uint8 (H, W); whiter than paper counts as paper."""
    import cv2

    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ValueError(f"depth: a uint8 grey page (H, W) is wanted, got {grey.dtype} {grey.shape}")
    height, width = grey.shape
    small = cv2.resize(grey, (max(1, width // SHRINK), max(1, height // SHRINK)), interpolation=cv2.INTER_AREA)
    side = 2 * REACH + 1
    closed = cv2.morphologyEx(cv2.medianBlur(small, 3), cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (side, side)))
    paper = cv2.resize(cv2.blur(closed, (side, side)), (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    # A little light on both: nothing is divided by nothing, and a black margin is its own paper.
    lit, paper = cv2.add(grey, LIGHT), cv2.add(paper, LIGHT)
    return np.asarray(cv2.divide(lit, paper, scale=255.0), np.uint8)


def ink_depth(quotient: Image, share: float = 0.97) -> int:
    """The page's ink level as a depth 255 - quotient, 1..255: `share` of the darker of Otsu's two classes is paler."""
    import cv2

    counts = cv2.calcHist([quotient], [0], None, [256], [0, 256]).ravel()[::-1].astype(np.float64)  # index: depth
    levels = np.arange(256, dtype=np.float64)
    below, first = counts.cumsum(), (counts * levels).cumsum()
    total, moment = below[-1], first[-1]
    above = total - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num((moment * below - first * total) ** 2 / (below * above))
    threshold = int(between[:-1].argmax())
    dark = counts.copy()
    dark[: threshold + 1] = 0
    if not dark.any():
        return 255
    return max(1, int(np.searchsorted(dark.cumsum(), share * dark.sum())))


def depth_plane(grey: Image, ink: float | None = None) -> Image:
    """The depth of every pixel, uint8 (H, W), of a grey page uint8 (H, W): 0 = paper, 128 = as dark as the page's ink, 255 = twice that or more.

    Parameters
    ----------
    ink : depth of the page's ink on the scale 0..255, for a piece of a page whose ink was measured on the whole; None measures it here

    Notes
    -----
    A page of one level has depth 0 everywhere.
    """
    import cv2

    quotient = quotients(grey)
    return np.asarray(cv2.LUT(quotient, _table(float(ink_depth(quotient)) if ink is None else ink)), np.uint8)


def _table(ink: float) -> NDArray[np.uint8]:
    """The value of the plane for every quotient."""
    depths = np.rint((255.0 - np.arange(256)) * (INK / max(ink, 1.0)))
    return np.asarray(np.clip(depths, 0, 255), np.uint8)


def keep_deep(ink: Mask, plane: Image, depth: float, faint: float, reach: int) -> Mask:
    """`ink` without what is nowhere deep: what may be strokes of the back that a network took for faint ink, or the page's own pencil
    (:mod:`docbin.kernels.shine_through` tells them apart).

    A stroke is an 8-connected component. It stays if it is as deep as `depth` somewhere, or as deep as `faint` and no further than `reach` from one
    that stays for its depth: the faint end of a word stands beside its dark beginning, the back's writing stands by itself. It is what Canny's
    hysteresis (1986) does for edges, in units of the page's ink.

    Parameters
    ----------
    ink : bool (H, W)
    plane : :func:`depth_plane` of the page, uint8 (H, W)
    depth, faint : shares of the page's ink level, 0..1.9; depth 0 keeps everything
    reach : pixels, along rows and columns
    """
    if depth <= 0 or not ink.any():
        return ink
    import cv2

    from docbin.kernels.document import keep_seeded

    bits = np.asarray(ink, np.uint8)
    kept = keep_seeded(bits, plane, round(INK * depth) - 1)
    left = keep_seeded(bits & ~kept, plane, round(INK * faint) - 1)
    if left.any():
        side = 2 * reach + 1
        near = cv2.dilate(kept, np.ones((side, side), np.uint8))
        kept |= keep_seeded(left, np.asarray(near, np.uint8), 0)
    return np.asarray(kept, np.bool_)
