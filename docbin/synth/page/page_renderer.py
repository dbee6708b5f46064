"""Rendered pages: as many as wanted, with perfect truth, from a seed and the fonts of this machine.

Eighty real pages show few hands, fewer typefaces and hardly any script but Latin and Persian. A rendered page costs half a second and 3 MB of
cache, and its truth is exact (see :mod:`docbin.synth.page.canvas`), so a pool of them fills the gaps; what a renderer cannot invent is honest damage,
and so its pages stay a minority of a training and are cut and degraded like real ones (:mod:`docbin.augment.degrade`, preset ``full``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from docbin.augment import paper_effects
from docbin.augment.ink_effects import PAPERS
from docbin.errors import UsageError
from docbin.page import Image, Mask
from docbin.synth.fonts import Font, find_fonts
from docbin.synth.page.canvas import Canvas
from docbin.synth.page.page_layout import KINDS

VERSION = 4
"""Of the pages of a seed: raise it when they change, or caches of older ones are taken for them."""


def render_page(
    seed: int,
    number: int,
    fonts: Sequence[Font] | None = None,
    shape: tuple[int, int] | None = None,
    kind: str | None = None,
    plasma: bool = True,
    oversampling: int = 3,
) -> tuple[Image, Mask]:
    """Page `number` of `seed`: picture uint8 (H, W, 3) and truth bool (H, W); a pure function of its arguments.

    Parameters
    ----------
    seed, number : decide the page
    fonts : fonts to draw with; the system's if None
    shape : (H, W) in pixels; drawn between 700 x 600 and 1100 x 1000 if None
    kind : a key of ``docbin.synth.page.page_layout.KINDS``; drawn by their shares if None
    plasma : clouds on the paper; without, the paper has grain only (for the ablation)
    oversampling : points per final pixel in each direction

    Raises
    ------
    UsageError
        Unknown kind, or a shape below 64 x 64.
    """
    rng = np.random.default_rng((seed, number, 7919))
    if kind is not None and kind not in KINDS:
        raise UsageError(f"kind {kind!r}: unknown; known are {', '.join(KINDS)}")
    if shape is None:
        shape = int(rng.integers(700, 1101)), int(rng.integers(600, 1001))
    if min(shape) < 64:
        raise UsageError(f"shape={shape}: at least 64 x 64 pixels are wanted")
    shares = np.array([share for _, share in KINDS.values()])
    drawn = list(KINDS)[int(rng.choice(len(KINDS), p=shares / shares.sum()))]
    canvas = Canvas(shape[0], shape[1], oversampling)
    KINDS[kind or drawn][0](rng, canvas, fonts if fonts is not None else find_fonts())
    return canvas.finish(rng, draw_paper(rng, shape, plasma), softness=float(rng.uniform(0.4, 0.9)))


def draw_paper(rng: Generator, shape: tuple[int, int], plasma: bool = True) -> Image:
    """A blank sheet: a paper colour with grain, clouds of age and, on three of ten, printed rules; uint8 (H, W, 3)."""
    colour = np.asarray(PAPERS[int(rng.integers(len(PAPERS)))]) + rng.normal(0, 0.02, 3)
    if rng.random() < 0.4:  # a grey scan
        colour[:] = colour.mean()
    bright = float(rng.uniform(0.75, 1.02))
    sheet = np.empty((*shape, 3), np.uint8)
    sheet[:] = np.rint(np.clip(colour * bright, 0, 1) * 255)
    nothing = np.zeros(shape, np.bool_)
    if plasma:
        sheet, _ = paper_effects.mottling(rng, sheet, nothing, float(rng.uniform(0.05, 0.45)))
        if rng.random() < 0.5:
            sheet, _ = paper_effects.uneven_light(rng, sheet, nothing, float(rng.uniform(0.05, 0.35)))
    if rng.random() < 0.3:
        sheet, _ = paper_effects.ruled_lines(rng, sheet, nothing, float(rng.uniform(0.3, 0.9)))
    sheet, _ = paper_effects.paper_texture(rng, sheet, nothing, float(rng.uniform(0.0, 0.35)))
    return sheet
