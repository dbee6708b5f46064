"""Pages on which a part of the writing has faded, been copied through, been written in pencil, or got wet: kinds that are lost without a word.

Each was seen to be lost by networks that had learned from contests' pages and from pale writing beside something black:

* ``carbon-copy``: typing that came through a carbon sheet, soft and smeared, often under a printed head in black;
* ``fading``: ink that runs out or fades along the page: an old ribbon, a receipt that lay in the sun, a stencil;
* ``answers``: print with answers in pencil between its lines;
* ``marginal-notes``: a printed column and pale notes beside it;
* ``postmark``: a pale address under a postmark in black;
* ``spread``: the two pages of an open book, one in shadow;
* ``wet-stain``: ink that has been washed out where water stood;
* ``pencil-in-grain``: pencil on rough paper, broken up by it.

The functions are rows of :data:`FADED_KINDS`; :mod:`docbin.synth.page.failing_kinds` renders them beside its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from docbin.page import FloatMap, Mask
from docbin.synth.page import page_layout
from docbin.synth.page.canvas import Canvas, Layer
from docbin.synth.page.handwriting import Hand
from docbin.synth.page.writing_on_paper import (
    PENCIL,
    FailingPage,
    Setting,
    Writing,
    blackened,
    body,
    dark_colour,
    grey_of,
    heading,
    scaled,
    seen,
    shown_on,
)
from docbin.synth.pseudo_text import Writer

Box = tuple[float, float, float, float]

_TYPEWRITTEN = re.compile("Mono|Courier")
LEAST = 18.0
"""Grey levels that ink which fades keeps at least: less is lost in the paper's noise, to any eye."""


def _pencil(rng: Generator) -> tuple[float, float, float]:
    return PENCIL[int(rng.integers(len(PENCIL)))]


def _clouds(rng: Generator, shape: tuple[int, int], scale: int) -> FloatMap:
    """Smooth noise of mean 0 and deviation 1, its lumps some `scale` pixels large."""
    import cv2

    coarse = rng.standard_normal((shape[0] // scale + 3, shape[1] // scale + 3)).astype(np.float32)
    fine = np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray((fine - fine.mean()) / max(1e-6, float(fine.std())), np.float32)


def _grain(rng: Generator, shape: tuple[int, int], size: float) -> FloatMap:
    """Noise of deviation 1 as fine as the grain of paper: of Gaussian sigma `size` pixels."""
    import cv2

    fine = np.asarray(cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), size), np.float32)
    return np.asarray(fine / max(1e-6, float(fine.std())), np.float32)


def _falling(rng: Generator, shape: tuple[int, int], low: float) -> FloatMap:
    """1 at one side of the page, `low` at the other, down or across, evenly or all at once."""
    axis = int(rng.integers(2))
    place = np.linspace(0, 1, shape[axis], dtype=np.float32)
    place = place[::-1] if rng.random() < 0.5 else place
    middle, wide = float(rng.uniform(0.25, 0.7)), float(rng.uniform(0.1, 0.4))
    left = 1 / (1 + np.exp((place - middle) / wide * 4)) if rng.random() < 0.5 else 1 - place
    fallen = np.asarray(low + (1 - low) * left, np.float32)
    return np.broadcast_to(fallen[:, None] if axis == 0 else fallen, shape)


def _typed(setting: Setting, canvas: Canvas, layer: Layer, box: Box, x_height: float, *, typewriter: bool) -> None:
    """Lines of print, or of a typewriter, that fill `box` (left, top, right, bottom)."""
    rng = setting.rng
    fonts = [font for font in setting.fonts if _TYPEWRITTEN.search(font.family) and "latin" in font.scripts] if typewriter else []
    font = fonts[int(rng.integers(len(fonts)))] if fonts else page_layout.draw_font(rng, setting.fonts)
    line = page_layout.Type(rng, canvas, layer, font, "latin", x_height)
    left, top, right, bottom = box
    leading = line.em * float(rng.uniform(1.15, 2.0))
    baseline = top + line.em
    while baseline < bottom - 0.3 * line.em:
        end = right if rng.random() < 0.85 else left + float(rng.uniform(0.2, 0.8)) * (right - left)
        line.line(line.fill(end - left - 2 * line.em), left, end, baseline, justified=False)
        baseline += leading


def _noted(rng: Generator, canvas: Canvas, layer: Layer, box: Box, x_height: float) -> None:
    """Lines in one hand that fill `box`, some of them short."""
    hand = Hand(rng, x_height)
    writer = Writer(rng, "latin", plain=True)
    left, top, right, bottom = box
    tilt, spacing = float(rng.normal(0, 0.01)), x_height * float(rng.uniform(2.5, 3.6))
    baseline = top + 2.0 * x_height
    while baseline < bottom:
        end = right if rng.random() < 0.6 else left + float(rng.uniform(0.3, 0.9)) * (right - left)
        page_layout.write_line(rng, canvas, layer, hand, writer.words(12), (left, end), baseline, tilt)
        baseline += spacing


def _together(
    sheet_light: tuple[float, float], setting: Setting, pale: Writing, dark: Canvas, softness: float, levels: float
) -> FailingPage:
    """Pale writing, `levels` grey levels below its paper, and a canvas in black on one sheet."""
    rng = setting.rng
    sheet = setting.paper(sheet_light)
    pale = pale.at_contrast(levels / grey_of(sheet), _pencil(rng))
    black = seen(blackened(dark, dark_colour(rng)), rng, softness)
    return FailingPage(shown_on(sheet, pale.passing * black.passing), pale.truth | black.truth, pale.truth & ~black.truth)


def _carbon_copy(setting: Setting) -> FailingPage:
    rng, (height, width) = setting.rng, setting.shape
    dark, copy = Canvas(height, width), Canvas(height, width)
    _, top, _, bottom = heading(setting, dark) if rng.random() < 0.7 else setting.whole
    margin = float(rng.uniform(0.05, 0.12)) * width
    box = (margin, top + 0.03 * height, width - 0.6 * margin, bottom - 0.03 * height)
    _typed(setting, copy, copy.layer("copy", (0, 0, 0)), box, page_layout.draw_x_height(rng, 8, 20), typewriter=True)
    through = seen(blackened(copy), rng, float(rng.uniform(0.9, 1.7)))
    smeared = through.thinned(np.clip(1 + 0.35 * _clouds(rng, setting.shape, 40), 0.3, 1.5))
    return _together((205, 240), setting, smeared, dark, float(rng.uniform(0.4, 0.9)), float(rng.uniform(45, 105)))


def _fading(setting: Setting) -> FailingPage:
    rng, (height, width) = setting.rng, setting.shape
    sheet = setting.paper((205, 248))
    softness = float(rng.uniform(0.5, 1.1))
    if rng.random() < 0.5:
        canvas = Canvas(height, width)
        box = (0.08 * width, 0.04 * height, 0.95 * width, 0.97 * height)
        _typed(setting, canvas, canvas.layer("typed", (0, 0, 0)), box, page_layout.draw_x_height(rng, 8, 22), typewriter=True)
        writing = seen(blackened(canvas), rng, softness)
    else:
        writing = body(setting, setting.whole, softness)
    share = float(rng.uniform(0.45, 0.85))
    low = max(float(rng.uniform(0.08, 0.3)), LEAST / (share * grey_of(sheet)))
    left = np.clip(_falling(rng, setting.shape, low) * (1 + 0.12 * _clouds(rng, setting.shape, int(rng.integers(8, 60)))), low, 1)
    faded = writing.at_contrast(share, _pencil(rng)).thinned(left)
    return FailingPage(shown_on(sheet, faded.passing), faded.truth, _or_all(faded.truth, left < 0.45))


def _or_all(truth: Mask, part: Mask) -> Mask:
    """The truth in a part of the page; all of it where there is none."""
    weak = truth & part
    return weak if weak.any() else truth


def _answers(setting: Setting) -> FailingPage:
    rng, (height, width) = setting.rng, setting.shape
    dark, pale = Canvas(height, width), Canvas(height, width)
    print_layer, answer_layer = dark.layer("print", (0, 0, 0)), pale.layer("answer", (0, 0, 0))
    x_height, own = page_layout.draw_x_height(rng, 9, 18), page_layout.draw_x_height(rng, 10, 22)
    left, right, top = 0.07 * width, 0.94 * width, 0.03 * height
    while top < 0.9 * height:
        tall = x_height * float(rng.uniform(3, 9))
        _typed(setting, dark, print_layer, (left, top, right, min(top + tall, 0.97 * height)), x_height, typewriter=False)
        top += tall + 0.5 * x_height
        if top > 0.93 * height and pale.layers["answer"].ink.any():
            break
        tall = own * float(rng.uniform(3.2, 8))
        _noted(rng, pale, answer_layer, (left + float(rng.uniform(0, 0.1)) * width, top, right, min(top + tall, 0.98 * height)), own)
        top += tall + x_height
    softness = float(rng.uniform(0.4, 0.9))
    return _together((210, 250), setting, seen(blackened(pale), rng, softness), dark, softness, float(rng.uniform(30, 90)))


def _marginal_notes(setting: Setting) -> FailingPage:
    rng, (height, width) = setting.rng, setting.shape
    dark, pale = Canvas(height, width), Canvas(height, width)
    wide = float(rng.uniform(0.22, 0.32)) * width
    left = rng.random() < 0.5
    column = (wide, 0.04 * height, 0.96 * width, 0.96 * height) if left else (0.04 * width, 0.04 * height, width - wide, 0.96 * height)
    _typed(setting, dark, dark.layer("print", (0, 0, 0)), column, page_layout.draw_x_height(rng, 10, 24), typewriter=False)
    side = (0.015 * width, wide - 0.02 * width) if left else (width - wide + 0.02 * width, 0.985 * width)
    layer, x_height = pale.layer("notes", (0, 0, 0)), page_layout.draw_x_height(rng, 8, 15)
    top = float(rng.uniform(0.03, 0.3)) * height
    for _ in range(int(rng.integers(1, 4))):
        tall = x_height * float(rng.uniform(4, 16))
        _noted(rng, pale, layer, (side[0], top, side[1], min(top + tall, 0.97 * height)), x_height)
        top += tall + float(rng.uniform(0.05, 0.25)) * height
        if top > 0.9 * height:
            break
    softness = float(rng.uniform(0.4, 0.9))
    return _together((195, 240), setting, seen(blackened(pale), rng, softness), dark, softness, float(rng.uniform(28, 85)))


def _postmark(setting: Setting) -> FailingPage:
    rng, (height, width) = setting.rng, setting.shape
    dark, pale = Canvas(height, width), Canvas(height, width)
    x_height = page_layout.draw_x_height(rng, 14, 32)
    top, left = float(rng.uniform(0.3, 0.5)) * height, float(rng.uniform(0.1, 0.3)) * width
    box = (left, top, 0.95 * width, min(top + x_height * float(rng.uniform(9, 18)), 0.95 * height))
    _noted(rng, pale, pale.layer("address", (0, 0, 0)), box, x_height)
    if rng.random() < 0.5:
        _noted(rng, pale, pale.layer("sender", (0, 0, 0)), (0.05 * width, 0.03 * height, 0.4 * width, 0.12 * height), x_height * 0.6)
    page_layout.stamp(rng, dark, page_layout.draw_font(rng, setting.fonts))
    stamped = dark.layers["stamp"].ink
    stamped[stamped > 0] = np.maximum(stamped[stamped > 0], 210)
    if rng.random() < 0.6:
        layer, across = dark.layer("waves", (0, 0, 0), rough=0.3), np.arange(float(rng.uniform(0.3, 0.6)) * width, 0.97 * width, 0.5)
        start, phase = float(rng.uniform(0.05, 0.6)) * height, float(rng.uniform(0, 6))
        for wave in range(int(rng.integers(4, 8))):
            down = start + 26 * wave + 7 * np.sin(across / 26 + phase)
            dark.discs(layer, np.column_stack([across, down, np.full(len(across), 1.3), np.full(len(across), 0.9)]))
    softness = float(rng.uniform(0.4, 0.9))
    return _together((195, 240), setting, seen(blackened(pale), rng, softness), dark, softness, float(rng.uniform(35, 95)))


def _spread(setting: Setting) -> FailingPage:
    rng, (height, width) = setting.rng, setting.shape
    sheet = setting.paper((215, 245))
    middle = width // 2 + int(rng.integers(-width // 12, width // 12 + 1))
    share, tone, softness = float(rng.uniform(0.45, 0.85)), _pencil(rng), float(rng.uniform(0.5, 1.0))
    left = body(setting, (0, 0, middle, height), softness).at_contrast(share, tone)
    right = body(setting, (middle, 0, width, height), softness).at_contrast(share * float(rng.uniform(0.4, 1.0)), tone)
    dim, edge, fold, reach = (float(rng.uniform(*limits)) for limits in ((0.2, 0.55), (2, 25), (0.2, 0.6), (6, 25)))
    dark, towards = (left, -1) if rng.random() < 0.5 else (right, 1)
    across = towards * (np.arange(width, dtype=np.float32) - middle)  # into the shadow
    light = 1 - (1 - dim) / (1 + np.exp(np.clip(-across / np.float32(edge), -50, 50)))
    light *= 1 - np.float32(fold) * np.exp(-((across / np.float32(reach)) ** 2))
    page = scaled(shown_on(sheet, left.passing * right.passing), np.broadcast_to(light.astype(np.float32), setting.shape))
    truth = left.truth | right.truth
    return FailingPage(page, truth, dark.truth if dark.truth.any() else truth)


def _wet_stain(setting: Setting) -> FailingPage:
    import cv2

    rng, (height, width) = setting.rng, setting.shape
    sheet = setting.paper((200, 240))
    ink = body(setting, setting.whole, float(rng.uniform(0.5, 0.9))).at_contrast(float(rng.uniform(0.45, 0.8)), _pencil(rng))
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    centre = float(rng.uniform(0.2, 0.8)) * width, float(rng.uniform(0.2, 0.8)) * height
    reach = float(rng.uniform(0.25, 0.55)) * width, float(rng.uniform(0.2, 0.4)) * height
    distance = np.sqrt(((across - centre[0]) / reach[0]) ** 2 + ((down - centre[1]) / reach[1]) ** 2)
    distance += 0.08 * _clouds(rng, setting.shape, 60)
    inside = np.asarray(1 / (1 + np.exp(np.clip((distance - 1) * 30, -50, 50))), np.float32)
    washed = ink.thinned(1 - inside * np.float32(rng.uniform(0.4, 0.8)))
    soft = np.asarray(cv2.GaussianBlur(washed.passing, (0, 0), float(rng.uniform(1.2, 2.2))), np.float32)
    passing = washed.passing * (1 - inside[..., None]) + soft * inside[..., None]
    rim = np.exp(-(((distance - 1) / 0.03) ** 2)) * np.float32(rng.uniform(0.1, 0.35))
    stain = np.clip(1 - inside * np.float32(rng.uniform(0.08, 0.3)) - rim, 0.2, 1)[..., None] ** np.array([0.8, 1.0, 1.5], np.float32)
    return FailingPage(shown_on(sheet, passing * stain), ink.truth, _or_all(ink.truth, inside > 0.5))


def _pencil_in_grain(setting: Setting) -> FailingPage:
    rng, (height, width) = setting.rng, setting.shape
    dark = Canvas(height, width)
    box = heading(setting, dark) if rng.random() < 0.4 else setting.whole
    softness = float(rng.uniform(0.4, 0.8))
    grain = _grain(rng, setting.shape, float(rng.uniform(0.6, 1.4)))
    pencil = body(setting, box, softness).thinned(np.clip(1 + grain * np.float32(rng.uniform(0.3, 0.7)), 0.1, 2))
    page = _together((200, 245), setting, pencil, dark, softness, float(rng.uniform(45, 100)))
    return FailingPage(scaled(page.image, np.clip(1 - grain * np.float32(rng.uniform(0.008, 0.025)), 0.8, 1.2)), page.truth, page.weak)


FADED_KINDS: dict[str, Callable[[Setting], FailingPage]] = {
    "carbon-copy": _carbon_copy,
    "fading": _fading,
    "answers": _answers,
    "marginal-notes": _marginal_notes,
    "postmark": _postmark,
    "spread": _spread,
    "wet-stain": _wet_stain,
    "pencil-in-grain": _pencil_in_grain,
}
"""Kinds of pages: name -> what renders one."""
