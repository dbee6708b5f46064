"""Truth files of text masks: which pixels of a page are lettering.

A mask is a picture of the page's size, lettering dark on white. The masks of Del Gobbo and Matuk Herrera for Manga109 are in three colours: white,
near black for lettering that is easy to tell from the art (speech in balloons), pink for what is hard (noises drawn across panels). Drawn by hand,
they hold crumbs; their authors fill holes and drop pieces of up to three pixels before they score anything, and so does :func:`read`.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from docbin.benchmarks.ink_truth import read_picture, truth_mask
from docbin.errors import InputError
from docbin.page import Mask

CRUMB = 3  # pixels; what the annotators' own preparation fills and drops


def read(path: str | os.PathLike[str], polarity: str = "black") -> tuple[Mask, Mask | None]:
    """Lettering, bool (H, W), and the hard part of it, or None where the file tells none apart.

    Parameters
    ----------
    path : picture file: grey, two-valued, or black and pink on white
    polarity : colour of lettering in a file without colours, "black" or "white"

    Raises
    ------
    FileAccessError
        The file is missing or may not be read.
    InputError
        It is no picture, or has colours other than white, black and pink.
    """
    pixels = read_picture(path)
    if pixels.ndim == 2 or not (np.ptp(pixels, axis=2) > 40).any():
        return tidied(truth_mask(path, polarity)), None
    kinds = _kinds(pixels)
    if kinds is None:
        raise InputError(f"{path}: a mask of lettering has white, black (easy) and pink (hard) pixels only; this picture has other colours")
    text = tidied(kinds > 0)
    hard = kinds == 2
    return text, _spread(hard, kinds == 1, text)


def _kinds(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """0 white, 1 black, 2 pink a pixel, uint8 (H, W); None where a pixel is none of them."""
    bright = pixels > 127
    code = bright[..., 0] * 4 + bright[..., 1] * 2 + bright[..., 2]
    table = np.full(8, 255, np.uint8)
    table[[7, 0, 5]] = 0, 1, 2
    kinds: NDArray[np.uint8] = table[code]
    return None if (kinds == 255).any() else kinds


def _spread(hard: Mask, easy: Mask, text: Mask) -> Mask:
    """The hard part of the tidied text: a filled hole is hard where it touches something hard."""
    import cv2

    filled = text & ~hard & ~easy
    if filled.any():
        hard = hard | (filled & (cv2.dilate(hard.view(np.uint8), np.ones((3, 3), np.uint8), iterations=CRUMB) > 0))
    return np.asarray(hard & text)


def tidied(text: Mask) -> Mask:
    """Holes of up to 3 pixels filled, pieces of up to 3 pixels dropped (8 neighbours both)."""
    import cv2

    def without_crumbs(mask: Mask) -> Mask:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
        large = stats[:, cv2.CC_STAT_AREA] > CRUMB
        large[0] = False
        return np.asarray(large[labels])

    return without_crumbs(~without_crumbs(~text))
