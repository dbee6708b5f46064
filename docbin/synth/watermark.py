"""Watermarks: words or a mark laid half-transparently over a page, as archives and offices stamp their copies.

For training their removal, which DE-GAN (Souibgui and Kessentini, 2020) counts among the repairs of a page. A mark is drawn as coverage 0..1, at the
page's own resolution with soft edges, and blended with the page in one colour at one opacity: either *over* the page (it veils the ink, too)
or *under* the ink, where light is multiplied and ink stays as dark as it was. Sizes are pixels of the page, whatever of it the picture shows: a crop
of 128 pixels sees a corner of a letter that a page has whole. Fonts are those of this machine (:mod:`docbin.synth.fonts`).
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

LETTERS = 24, 260
"""Height of one large line, pixels: from a note in a corner to a word across a page of 300 dpi."""

SEAL = 80, 700
"""Side of a seal, pixels."""


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


def _coverage(picture: Any, angle: float, shape: tuple[int, int], pivot: tuple[float, float], aim: tuple[float, float]) -> FloatMap:
    """A drawn picture turned by `angle` degrees about its point `pivot`, (x, y), which comes to lie at `aim` of a map of `shape`; coverage 0..1."""
    import cv2

    drawn = np.asarray(picture, dtype=np.uint8)
    turn = cv2.getRotationMatrix2D(pivot, angle, 1.0)
    turn[:, 2] += np.array(aim) - np.array(pivot)
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
    return _coverage(picture, float(rng.uniform(-50, 50)), shape, (span / 2, span / 2), (shape[1] / 2, shape[0] / 2))


def _one_line(rng: Generator, shape: tuple[int, int], fonts: Sequence[Font]) -> FloatMap:
    """One line in large letters, of which the picture shows what lies in it."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    pixels = int(rng.integers(*LETTERS))
    font, words = _font(rng, fonts, pixels), _words(rng)
    left, top, right, bottom = (int(value) for value in font.getbbox(words))
    picture = Pictures.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(picture).text((2 - left, 2 - top), words, fill=255, font=font)
    return _somewhere(rng, picture, float(rng.uniform(-60, 60)), shape)


def _logo(rng: Generator, shape: tuple[int, int], fonts: Sequence[Font]) -> FloatMap:
    """A seal: rings or polygons around letters, of which the picture shows what lies in it."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    side = int(rng.integers(*SEAL))
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
    return _somewhere(rng, picture, float(rng.uniform(-30, 30)), shape)


def _somewhere(rng: Generator, picture: Any, angle: float, shape: tuple[int, int]) -> FloatMap:
    """The mark turned and laid so that a point of its drawing, chosen at random, lies at a random point of the picture; coverage 0..1."""
    drawn = np.argwhere(np.asarray(picture, dtype=np.uint8) > 127)
    inked = drawn[int(rng.integers(len(drawn)))] if len(drawn) else np.array(picture.size[::-1]) / 2
    aim = float(rng.uniform(0, shape[1])), float(rng.uniform(0, shape[0]))
    return _coverage(picture, angle, shape, (float(inked[1]), float(inked[0])), aim)
