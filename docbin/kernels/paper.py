"""How bright the paper is under and around known ink.

Where ink is known, paper needs no guess (as :mod:`docbin.kernels.depth` makes one for networks): it is what is not ink, averaged around a pixel.
"""

from __future__ import annotations

import numpy as np

from docbin.page import FloatMap, Image, Mask

SHRINK = 4
"""Paper is measured at this fraction of the size."""
REACH = 3
"""Half the side of the window whose paper is averaged, in such cells; in a wider one the edge of a stain leaves a grey halo around its letters."""
DARKEST = 24.0
"""Grey levels; where paper would be darker there is none (a black table beside the page), and nothing is divided by less."""


def paper_level(grey: Image, ink: Mask) -> FloatMap:
    """The grey of the paper at every pixel, float32 (H, W), at least `DARKEST`, of a page uint8 (H, W) whose ink is known, bool (H, W)."""
    import cv2

    paper = cv2.resize(_grid(grey, ink), (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.maximum(paper, np.float32(DARKEST)), np.float32)


def _grid(grey: Image, ink: Mask) -> FloatMap:
    """The paper on a grid of cells of `SHRINK` x `SHRINK` pixels, float32.

    It is the mean of the pixels that are no ink and not next to any, in a window of some 30 pixels; where there are none (a large letter, a picture)
    in windows of two, four, ... times the side.
    """
    import cv2

    size = max(1, grey.shape[1] // SHRINK), max(1, grey.shape[0] // SHRINK)
    free = cv2.bitwise_not(cv2.dilate(np.asarray(ink, np.uint8) * np.uint8(255), np.ones((7, 7), np.uint8)))
    weight = cv2.resize(free, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    light = cv2.resize(cv2.multiply(grey, free, scale=1 / 255), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    paper = np.zeros(weight.shape, np.float32)
    missing = np.ones(weight.shape, np.bool_)
    reach = REACH
    while missing.any() and reach < 2 * max(weight.shape) + REACH:
        side = (2 * reach + 1, 2 * reach + 1)
        share = cv2.blur(weight, side, borderType=cv2.BORDER_REPLICATE)
        found = missing & (share > 0.02)
        paper[found] = cv2.blur(light, side, borderType=cv2.BORDER_REPLICATE)[found] / share[found]
        missing &= ~found
        reach *= 2
    paper[missing] = 255
    return paper
