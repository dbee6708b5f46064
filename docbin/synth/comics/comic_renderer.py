"""Rendered comic pages with the exact pixels of their lettering.

Manga109, the set on which text masks in comics are measured (Del Gobbo and Matuk Herrera, "Unconstrained text detection in manga: a new dataset and
baseline", ECCV 2020 workshops, arXiv 2009.04042), may not be handed on, and its authors found that a network that learned from lettering pasted at
random does poorly (pixel F1 57 against 79). So these pages try to have what makes manga hard: screen tone and hatching, eyes and hair of strokes as
thick as letters, columns with small reading aids, noises drawn across the art.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from docbin.errors import UsageError
from docbin.page import Image, Mask
from docbin.synth.comics.comic_page import draw_page
from docbin.synth.comics.comic_speech import JAPANESE, SCRIPTS, Voices, draws
from docbin.synth.fonts import Font, find_fonts
from docbin.synth.lettering import Faces

__all__ = ["SCRIPTS", "VERSION", "render_comic"]

VERSION = 2
"""Of the pages of a seed: raise it when they change, or caches of older ones are taken for them."""


def render_comic(
    seed: int, number: int, fonts: Sequence[Font] | None = None, shape: tuple[int, int] | None = None, script: str | None = None
) -> tuple[Image, Mask]:
    """Comic page `number` of `seed`: picture uint8 (H, W, 3) and lettering bool (H, W); a pure function of its arguments.

    Parameters
    ----------
    seed, number : decide the page
    fonts : fonts to letter with; the system's if None
    shape : (H, W) in pixels; drawn between 800 x 560 and 1400 x 980 if None
    script : a key of ``SCRIPTS``; drawn by its share among those that there is a font for if None

    Raises
    ------
    UsageError
        An unknown script, or a shape below 64 x 64.
    """
    if script is not None and script not in SCRIPTS:
        raise UsageError(f"script {script!r}: unknown; known are {', '.join(SCRIPTS)}")
    rng = np.random.default_rng((seed, number, 32452843))
    tall = int(rng.integers(800, 1401))
    height, width = shape if shape is not None else (tall, int(tall * rng.uniform(0.66, 0.74)))
    if min(height, width) < 64:
        raise UsageError(f"shape={shape}: at least 64 x 64 pixels are wanted")
    faces, japanese = _faces(tuple(fonts) if fonts is not None else tuple(find_fonts()))
    return draw_page(rng, Voices(rng, faces, japanese, script), height, width)


@lru_cache(maxsize=4)
def _faces(fonts: tuple[Font, ...]) -> tuple[Faces, Faces | None]:
    """Faces of any script, and those that write Japanese."""
    japanese = [font for font in fonts if "han" in font.scripts and draws(font, JAPANESE)]
    return Faces(fonts), Faces(japanese) if japanese else None
