"""The page that is measured: made from a seed, so that everyone measures the same one and nothing needs to be shipped or fetched."""

from __future__ import annotations

import numpy as np

from docbin.page import Image, Mask


def text_page(size: tuple[int, int] = (3508, 2480), seed: int = 0) -> tuple[Image, Mask]:
    """A text-like page and its ink: lines of letter-sized strokes on unevenly lit, noisy paper, with a stain.

    About an eighth of the page is ink and the paper's grey varies by 60 levels, as on a photographed page; so no pixel's decision is decided by flat
    areas of one grey, which would flatter methods that take short cuts there.

    Parameters
    ----------
    size : (height, width), pixels; the default is A4 at 300 dpi
    seed : of the random numbers

    Returns
    -------
    grey uint8 (H, W), ink bool (H, W)
    """
    height, width = size
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    paper = 205 + 30 * np.sin(x / 900 + 1) + 15 * np.cos(y / 700)
    paper -= 40 * np.exp(-(((x - 0.7 * width) / (0.2 * width)) ** 2) - ((y - 0.6 * height) / (0.1 * height)) ** 2)  # a stain
    ink = np.zeros(size, bool)
    for top in range(60, height - 60, 50):
        left = 60
        while left < width - 60:
            for _ in range(int(random.integers(2, 9))):  # a word
                letter = ink[top : top + 28, left : left + 20]
                stem = int(random.integers(0, 12))
                letter[int(random.integers(0, 10)) :, stem : stem + 4] = True
                letter[int(random.integers(8, 20)) :, : int(random.integers(8, 17))][:4] = True
                left += 20
            left += 18
    fade = random.uniform(70, 130, (height // 50 + 1, 1)).astype(np.float32).repeat(50, axis=0)[:height]
    grey = np.where(ink, paper - fade, paper) + random.normal(0, 5, size).astype(np.float32)
    return np.clip(grey, 0, 255).astype(np.uint8), ink


def shaken(ink: Mask, seed: int = 0) -> Mask:
    """Ink as a method would find it: one in ten pixels on either side of its edges is wrong, in clumps, and one in two thousand of the paper."""
    import cv2

    random = np.random.default_rng(seed)
    clumps = cv2.GaussianBlur(random.standard_normal(ink.shape, np.float32), (0, 0), 1.0)
    limit = np.quantile(clumps, 0.9)
    around = np.ones((3, 3), np.uint8)
    outside = (cv2.dilate(ink.view(np.uint8), around) != 0) & ~ink
    inside = ink & (cv2.erode(ink.view(np.uint8), around) == 0)
    found = (ink & ~(inside & (clumps < -limit))) | (outside & (clumps > limit))
    return np.asarray(found | (random.random(ink.shape) < 0.0005))
