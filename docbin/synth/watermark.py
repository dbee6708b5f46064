"""Watermarks: words or a mark laid half-transparently over a page, as archives and offices stamp their copies.

For training their removal, which DE-GAN (Souibgui and Kessentini, 2020) counts among the repairs of a page. A mark is drawn as coverage 0..1, at the
page's own resolution with soft edges, and blended with the page in one colour at one opacity: either *over* the page (it veils the ink, too)
or *under* the ink, where light is multiplied and ink stays as dark as it was. Fonts are those of this machine (:mod:`docbin.synth.fonts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from docbin.augment.paper_effects import darken
from docbin.page import FloatMap, Image
from docbin.synth.fonts import Font

WORDS = ("CONFIDENTIAL", "COPY", "DRAFT", "SAMPLE", "ARCHIVE", "VOID", "ORIGINAL", "PREVIEW", "URGENT", "PAID")
"""What such stamps say; other marks carry a made-up name and year."""

OPACITY = (0.15, 0.65)
"""Faintest and strongest mark."""


def watermark(rng: Generator, image: Image, fonts: Sequence[Font]) -> Image:
    """`image`, uint8 (H, W, 3), under one watermark, in one of `fonts` where it is words; a new uint8 (H, W, 3)."""
    kind = rng.random()
    shape = image.shape[0], image.shape[1]
    if kind < 0.4:
        cover = _repeated_words(rng, shape, fonts)
    elif kind < 0.75:
        cover = _one_line(rng, shape, fonts)
    else:
        cover = _logo(rng, shape, fonts)
    opacity = np.float32(rng.uniform(*OPACITY))
    colour = rng.uniform(0.0, 0.75, 3) if rng.random() < 0.5 else np.full(3, rng.uniform(0.0, 0.75))
    if rng.random() < 0.5:
        return darken(image, cover * opacity, (float(colour[0]), float(colour[1]), float(colour[2])))
    share = (cover * opacity)[..., None]
    return np.asarray(image * (1 - share) + (colour * 255).astype(np.float32) * share + np.float32(0.5), dtype=np.uint8)


def _words(rng: Generator) -> str:
    if rng.random() < 0.5:
        return WORDS[int(rng.integers(len(WORDS)))]
    letters = "".join("bdfgklmnprstv"[int(rng.integers(13))] + "aeiou"[int(rng.integers(5))] for _ in range(int(rng.integers(2, 5))))
    return f"{letters.capitalize()} {int(rng.integers(1890, 2030))}"


def _font(rng: Generator, fonts: Sequence[Font], pixels: int) -> Any:
    latin = [font for font in fonts if "latin" in font.scripts] or list(fonts)
    return latin[int(rng.integers(len(latin)))].at(pixels)


def _coverage(picture: Any, angle: float, shape: tuple[int, int]) -> FloatMap:
    """A drawn picture turned by `angle` degrees about its middle and cut to the `shape` in its middle, as coverage 0..1."""
    import cv2

    drawn = np.asarray(picture, dtype=np.uint8)
    middle = (drawn.shape[1] / 2, drawn.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, angle, 1.0)
    turn[:, 2] += np.array([shape[1] / 2 - middle[0], shape[0] / 2 - middle[1]])
    return np.asarray(cv2.warpAffine(drawn, turn, shape[::-1], flags=cv2.INTER_LINEAR), dtype=np.float32) / np.float32(255)


def _repeated_words(rng: Generator, shape: tuple[int, int], fonts: Sequence[Font]) -> FloatMap:
    """A small line again and again in staggered rows over the whole crop, slanted."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    span = int(np.hypot(*shape)) + 2
    pixels = int(rng.integers(12, 36))
    font, words = _font(rng, fonts, pixels), _words(rng)
    picture = Pictures.new("L", (span, span))
    pen = ImageDraw.Draw(picture)
    across = int(font.getlength(words)) + int(rng.uniform(0.5, 3.0) * pixels)
    down = int(rng.uniform(1.6, 4.0) * pixels)
    for row, y in enumerate(range(-pixels, span, down)):
        for x in range(-across * (row % 2) // 2 - across, span, across):
            pen.text((x, y), words, fill=255, font=font)
    return _coverage(picture, float(rng.uniform(-50, 50)), shape)


def _one_line(rng: Generator, shape: tuple[int, int], fonts: Sequence[Font]) -> FloatMap:
    """One line in large letters through the crop, which may cut it off."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    pixels = int(rng.uniform(0.12, 0.4) * max(shape)) + 4
    font, words = _font(rng, fonts, pixels), _words(rng)
    left, top, right, bottom = (int(value) for value in font.getbbox(words))
    picture = Pictures.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(picture).text((2 - left, 2 - top), words, fill=255, font=font)
    cover = _coverage(picture, float(rng.uniform(-60, 60)), shape)
    return _shifted(rng, cover)


def _logo(rng: Generator, shape: tuple[int, int], fonts: Sequence[Font]) -> FloatMap:
    """A seal: rings or polygons around letters, of a third to the whole of the crop's side."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    side = max(16, int(rng.uniform(0.35, 1.0) * max(shape)))
    picture = Pictures.new("L", (side, side))
    pen = ImageDraw.Draw(picture)
    line = max(1, int(side * rng.uniform(0.015, 0.06)))
    for inset in (0, int(side * rng.uniform(0.08, 0.2))):
        box = (inset + 1, inset + 1, side - inset - 2, side - inset - 2)
        if rng.random() < 0.5:
            pen.ellipse(box, outline=255, width=line)
        else:
            pen.regular_polygon((side / 2, side / 2, side / 2 - inset - 1), int(rng.integers(3, 9)), outline=255, width=line)
    words = _words(rng)[: int(rng.integers(1, 6))]
    pen.text((side / 2, side / 2), words, fill=255, font=_font(rng, fonts, int(side * 0.9 / (1 + len(words)))), anchor="mm")
    return _shifted(rng, _coverage(picture, float(rng.uniform(-30, 30)), shape))


def _shifted(rng: Generator, cover: FloatMap) -> FloatMap:
    """Moved by up to a quarter of the crop's sides; what comes in is bare."""
    moved = np.zeros_like(cover)
    height, width = cover.shape
    down, right = (int(rng.integers(-(side // 4), side // 4 + 1)) for side in (height, width))
    moved[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = cover[
        max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return moved
