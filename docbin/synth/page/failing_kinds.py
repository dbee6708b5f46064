"""Rendered pages of the kinds that binarizers are seen to fail on, with exact truth: to check methods on, and, with other seeds, to train on.

The benchmarks are contests' pages: dark writing on paper, one ink a page. Users' failures look otherwise, and none of them is in a training set:

* ``pale-90-*``, ``pale-60-*``: pencil or faded ink 90 (or 60) grey levels below its paper, on one page with something black: a heading, a border, a
  stamp, a dark book edge, another hand. A page-wide measure of "the page's ink" takes the pale writing for dirt;
* ``low-contrast``: a light page on which nothing is dark (25 to 60 levels);
* ``white-on-dark``: chalk, blueprints, negatives;
* ``mirrored-back``: pale writing, the back shining through as dark as it is, mirrored and blurred;
* ``shadow``: photographs under the shadow of a hand, a gutter, a lamp;
* ``coloured``: coloured ink on coloured paper of nearly its luminance;
* ``lone-marks``: tables in type of 12 to 18 pixels where ``- . : = ·`` stand alone.

Writing that fades, is copied through or got wet has kinds of its own (:mod:`docbin.synth.page.faded_kinds`), and so have drawings
(:mod:`docbin.synth.page.figure_kinds`); they are rendered here as well.

What stands on the pages comes from :mod:`docbin.synth.page.page_layout`: all of its layouts, fonts and hands. The pale part and the dark part
are written on two canvases, each seen as the share of light that it lets pass, so pale ink follows light and grain of its paper as real ink does, and
its mean contrast is the one asked for. Truth is the union of both parts' ink; :attr:`FailingPage.weak` is that part of it which gets
lost, so that its recall can be told apart from that of a black heading. A dark book edge and the back are no ink.

A page is a pure function of (kind, seed, number, shape, the fonts, and the paper photographs if any).
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from docbin.augment import paper_effects
from docbin.errors import UsageError
from docbin.page import FloatMap, Image
from docbin.synth.fonts import Font, find_fonts
from docbin.synth.page import page_layout
from docbin.synth.page.canvas import INK_FROM, Canvas
from docbin.synth.page.faded_kinds import FADED_KINDS
from docbin.synth.page.figure_kinds import FIGURE_KINDS
from docbin.synth.page.handwriting import Hand, catmull_rom
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
    luminance,
    paper_pictures,
    scaled,
    seen,
    shown_on,
)
from docbin.synth.pseudo_text import Writer

CHECK_SEED = 1000
"""The seed of the pages that methods are checked on: no training uses it."""

_ORNAMENTS = re.compile("D050000L|Symbol")  # named like text fonts, but their letters are ornaments

VERSION = 2
"""Of the pages of a seed: raise it when they change, or caches of older ones are taken for them."""


def render_failing_page(
    kind: str,
    seed: int,
    number: int = 0,
    shape: tuple[int, int] = (900, 700),
    fonts: Sequence[Font] | None = None,
    papers: str | os.PathLike[str] | None = None,
) -> FailingPage:
    """Page `number` of `seed` and `kind`.

    Parameters
    ----------
    kind : a key of FAILING_KINDS, :data:`docbin.synth.page.faded_kinds.FADED_KINDS` or :data:`docbin.synth.page.figure_kinds.FIGURE_KINDS`
    seed, number : decide the page
    shape : (H, W) in pixels, at least 400 x 300
    fonts : fonts to draw with; the system's if None
    papers : folder of photographs of blank paper, used three times of four; None: paper is always rendered

    Raises
    ------
    UsageError
        Unknown kind, or too small a shape.
    FileAccessError
        `papers` is no folder or holds no picture.
    """
    kinds = FAILING_KINDS | FADED_KINDS | FIGURE_KINDS
    if kind not in kinds:
        raise UsageError(f"kind {kind!r}: unknown; known are {', '.join(kinds)}")
    if shape[0] < 400 or shape[1] < 300:
        raise UsageError(f"shape={shape}: at least 400 x 300 pixels (H x W) are wanted")
    rng = np.random.default_rng((seed, number, *kind.encode()))
    given = fonts if fonts is not None else find_fonts()
    able = [font for font in given if not _ORNAMENTS.search(font.family)] or list(given)
    setting = Setting(rng, shape, able, paper_pictures(papers) if papers is not None else ())
    page = kinds[kind](setting)
    return dataclasses.replace(page, image=_captured(rng, page.image, grey=0.0 if kind == "coloured" else 0.35))


def _captured(rng: Generator, image: Image, grey: float) -> Image:
    """The page as a file: without colours with the chance `grey`, noise of up to 4 levels, and JPEG (75 to 95) half of the time."""
    import cv2

    if rng.random() < grey:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    noise = rng.standard_normal(image.shape[:2], dtype=np.float32) * np.float32(rng.uniform(0.3, 4.0))
    image = np.asarray(np.clip(image + noise[..., None] + np.float32(0.5), 0, 255), dtype=np.uint8)
    if rng.random() < 0.5:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 96))])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    return image


def _pale_beside(contrast: float, companion: str) -> Callable[[Setting], FailingPage]:
    def page(setting: Setting) -> FailingPage:
        rng, (height, width) = setting.rng, setting.shape
        softness = float(rng.uniform(0.4, 1.1))
        sheet = setting.paper((195, 245))
        dark = Canvas(height, width)
        box = _COMPANIONS[companion](setting, dark)
        pale = body(setting, box, softness).at_contrast(contrast / grey_of(sheet), PENCIL[int(rng.integers(len(PENCIL)))])
        black = seen(blackened(dark, dark_colour(rng)), rng, softness)
        image = shown_on(sheet, pale.passing * black.passing)
        truth = pale.truth | black.truth
        weak = pale.truth & ~black.truth
        if companion == "edge":
            for _ in range(1 + int(rng.integers(2))):
                image, truth = paper_effects.black_margin(rng, image, truth, float(rng.uniform(0.1, 0.5)))
        return FailingPage(image, truth, weak & truth)

    return page


def _border(setting: Setting, canvas: Canvas) -> tuple[int, int, int, int]:
    """A printed frame of one or two rules, all around or on two sides: ink, as rules of tables are."""
    rng = setting.rng
    layer = canvas.layer("border", (0, 0, 0), rough=float(rng.uniform(0, 0.3)))
    inset = float(rng.uniform(8, 40))
    thick = float(np.exp(rng.uniform(np.log(2), np.log(16))))
    sides = [0, 1, 2, 3] if rng.random() < 0.7 else sorted(rng.choice(4, 2, replace=False).tolist())
    rings = [(inset, thick)]
    if rng.random() < 0.5:
        rings.append((inset + thick + float(rng.uniform(3, 8)), float(rng.uniform(1.5, 3))))
    for off, wide in rings:
        right, bottom = canvas.width - off, canvas.height - off
        lines = [((off, off), (right, off)), ((off, bottom), (right, bottom)), ((off, off), (off, bottom)), ((right, off), (right, bottom))]
        for side in sides:
            canvas.rule(layer, *lines[side], wide)
    margin = round(rings[-1][0] + rings[-1][1] + 6)
    return margin, margin, canvas.width - margin, canvas.height - margin


def _stamp(setting: Setting, canvas: Canvas) -> tuple[int, int, int, int]:
    """One or two black stamps: round, or a box with a word and a date; they may lie over the writing."""
    rng = setting.rng
    for place in range(int(rng.integers(1, 3))):
        font = page_layout.draw_font(rng, setting.fonts)
        if rng.random() < 0.5:
            page_layout.stamp(rng, canvas, font)
            stamped = canvas.layers["stamp"].ink
            stamped[stamped > 0] = np.maximum(stamped[stamped > 0], 230)
            continue
        layer = canvas.layer(f"box{place}", (0, 0, 0), rough=0.3)
        sized = page_layout.Type(rng, canvas, layer, font, "latin", float(rng.uniform(14, 34)))
        words = (
            Writer(rng, "latin", plain=True).title().upper().split()[0],
            f"{int(rng.integers(1, 29))}.{int(rng.integers(1, 13))}.19{int(rng.integers(10, 99))}",
        )
        wide = max(sized.width(word) for word in words) + sized.em
        x, y = float(rng.uniform(5, max(6, canvas.width - wide - 5))), float(rng.uniform(10, canvas.height - 3.2 * sized.em))
        corners = [(x, y), (x + wide, y), (x + wide, y + 2.9 * sized.em), (x, y + 2.9 * sized.em)]
        thick = float(rng.uniform(2, 6))
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
            canvas.rule(layer, start, end, thick)
        for row, word in enumerate(words):
            sized.word(word, x + 0.5 * sized.em, y + (1.2 + 1.2 * row) * sized.em)
    return 0, 0, canvas.width, canvas.height


def _book_edge(setting: Setting, canvas: Canvas) -> tuple[int, int, int, int]:
    """Nothing here: the edge is laid over the finished page. Two of five times a black line or two stand on the page as well."""
    if setting.rng.random() < 0.4:
        return heading(setting, canvas)
    return 0, 0, canvas.width, canvas.height


def _other_hand(setting: Setting, canvas: Canvas) -> tuple[int, int, int, int]:
    """A second writer in black ink: a block at one end of the page, or a few notes."""
    rng, width, height = setting.rng, canvas.width, canvas.height
    hand = Hand(rng, page_layout.draw_x_height(rng, 12, 34))
    hand.pen = dataclasses.replace(hand.pen, emptying=0.0)
    layer = canvas.layer("other hand", (0, 0, 0))
    writer = Writer(rng, "latin", plain=True)
    lines = int(rng.integers(1, 7))
    spacing = hand.x_height * float(rng.uniform(2.6, 3.6))
    tall = min(int(lines * spacing + 2 * hand.x_height), height // 2)
    head = rng.random() < 0.5
    top = 0 if head else height - tall
    baseline, tilt = top + 2.2 * hand.x_height, float(rng.normal(0, 0.01))
    while baseline < top + tall - 0.5 * hand.x_height:
        span = (float(rng.uniform(0.03, 0.3)) * width, width * float(rng.uniform(0.6, 0.97)))
        page_layout.write_line(rng, canvas, layer, hand, writer.words(12), span, baseline, tilt)
        baseline += spacing
    return (0, tall, width, height) if head else (0, 0, width, top)


_COMPANIONS: dict[str, Callable[[Setting, Canvas], tuple[int, int, int, int]]] = {
    "heading": heading,
    "border": _border,
    "stamp": _stamp,
    "edge": _book_edge,
    "hand": _other_hand,
}


def _low_contrast(setting: Setting) -> FailingPage:
    rng = setting.rng
    sheet = setting.paper((205, 250))
    writing = body(setting, setting.whole, float(rng.uniform(0.4, 1.0)))
    writing = writing.at_contrast(float(rng.uniform(25, 60)) / grey_of(sheet), PENCIL[int(rng.integers(len(PENCIL)))])
    return FailingPage(shown_on(sheet, writing.passing), writing.truth, writing.truth)


_BOARDS = ((0.12, 0.14, 0.13), (0.1, 0.22, 0.15), (0.1, 0.16, 0.4), (0.08, 0.08, 0.08), (0.25, 0.1, 0.1), (0.3, 0.28, 0.26))
"""Dark grounds, RGB 0..1: slate, blackboard, blueprint, film, leather, grey card."""


def _white_on_dark(setting: Setting) -> FailingPage:
    """A negative of a usual page half of the time, else pale ink on a dark ground with the grain of paper."""
    rng = setting.rng
    writing = body(setting, setting.whole, float(rng.uniform(0.4, 1.0)))
    sheet = setting.paper((200, 245))
    if rng.random() < 0.5:
        image = 255 - shown_on(sheet, writing.at_contrast(float(rng.uniform(0.45, 0.9))).passing)
    else:
        ground = np.asarray(_BOARDS[int(rng.integers(len(_BOARDS)))], np.float32) * np.float32(rng.uniform(0.8, 1.3))
        dark = sheet.astype(np.float32) / np.float32(grey_of(sheet)) * ground * 255
        light = np.float32(255) * np.clip(np.asarray((0.9, 0.9, 0.86)) + rng.normal(0, 0.06, 3), 0.5, 1).astype(np.float32)
        amount = (1 - writing.passing) * np.float32(rng.uniform(0.55, 1.0))
        image = np.asarray(np.clip(dark + amount * (light - dark), 0, 255), dtype=np.uint8)
    return FailingPage(image, writing.truth, writing.truth)


def _mirrored_back(setting: Setting) -> FailingPage:
    """Front and back take equal shares of the light; the back is mirrored, softer, and speckled by the fibres, and it is no ink."""
    import cv2

    rng = setting.rng
    sheet = setting.paper((190, 240))
    share = float(rng.uniform(55, 120)) / grey_of(sheet)
    tone = PENCIL[int(rng.integers(len(PENCIL)))]
    front = body(setting, setting.whole, float(rng.uniform(0.4, 0.8))).at_contrast(share, tone)
    back = body(setting, setting.whole, 0.5)
    blur = float(rng.uniform(1.2, 2.8))
    soft = cv2.GaussianBlur(back.passing, (0, 0), blur, borderType=cv2.BORDER_REPLICATE)
    fibres = cv2.GaussianBlur(rng.standard_normal(setting.shape, dtype=np.float32), (0, 0), float(rng.uniform(0.6, 1.8)))
    taken = (1 - soft) * np.clip(1 + fibres[..., None] * np.float32(rng.uniform(0.3, 1.2)), 0, 2)
    back = Writing(np.ascontiguousarray(1 - taken), back.truth).at_contrast(share * float(rng.uniform(0.8, 1.0)), tone)
    return FailingPage(shown_on(sheet, front.passing * back.passing[:, ::-1]), front.truth, front.truth)


def _shadow(setting: Setting) -> FailingPage:
    """A photograph of a written sheet with one or two shadows whose floor is a fifth to a half of the light, and a soft fall of light besides."""
    rng = setting.rng
    sheet = setting.paper((190, 235), even=0.3, rules=True)
    writing = body(setting, setting.whole, float(rng.uniform(0.6, 1.3))).at_contrast(float(rng.uniform(0.4, 0.8)))
    light = _lamp(rng, setting.shape)
    for _ in range(int(rng.integers(1, 3))):
        light *= _cast_shadow(rng, setting.shape)
    light = np.float32(0.15) + np.float32(0.85) * light
    return FailingPage(scaled(shown_on(sheet, writing.passing), light), writing.truth, writing.truth)


def _lamp(rng: Generator, shape: tuple[int, int]) -> FloatMap:
    ys, xs = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape)
    x, y = rng.uniform(-1.2, 1.2, 2)
    distance = (xs[None, :] - np.float32(x)) ** 2 + (ys[:, None] - np.float32(y)) ** 2
    return np.asarray(1 / (1 + distance * np.float32(rng.uniform(0.05, 0.4))), dtype=np.float32)


def _cast_shadow(rng: Generator, shape: tuple[int, int]) -> FloatMap:
    """Share of the light that passes a head, hand or edge: a smooth outline of six to twelve points, its rim 2 to 60 pixels soft."""
    import cv2

    height, width = shape
    layer = np.zeros(shape, np.uint8)
    if rng.random() < 0.4:  # a straight edge
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        layer[(xs / width - 0.5) * np.cos(angle) + (ys / height - 0.5) * np.sin(angle) > offset] = 255
    else:
        count = int(rng.integers(6, 13))
        turn = np.sort(rng.uniform(0, 2 * np.pi, count))
        reach = rng.uniform(0.2, 0.6, count) * max(shape)
        centre = np.array([rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1.1) * height])
        points = centre + np.column_stack([np.cos(turn), np.sin(turn)]) * reach[:, None]
        outline = catmull_rom(np.concatenate([points, points[:1]]), 6.0)
        cv2.fillPoly(layer, [np.rint(outline).astype(np.int32)], 255)
    soft = cv2.GaussianBlur(layer, (0, 0), float(np.exp(rng.uniform(np.log(2), np.log(60)))), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(1 - soft.astype(np.float32) * np.float32(rng.uniform(0.5, 0.8) / 255), dtype=np.float32)


def _coloured(setting: Setting) -> FailingPage:
    """Ink and paper of different hue whose luminance differs by 4 to 30 levels only (their colours differ by 70 and more)."""
    rng = setting.rng
    weights = np.array([0.299, 0.587, 0.114])
    while True:
        paper, ink = rng.uniform(70, 250, 3), rng.uniform(20, 235, 3)
        ink += float(paper @ weights) - float(ink @ weights) - float(rng.uniform(4, 30))
        if ink.min() >= 5 and ink.max() <= 250 and np.linalg.norm(paper - ink) >= 70 and paper.max() - paper.min() >= 30:
            break
    sheet = setting.paper((200, 235))
    grain = luminance(sheet) / np.float32(grey_of(sheet))
    grain = np.minimum(grain, np.float32(255 / max(paper.max(), ink.max())))
    writing = body(setting, setting.whole, float(rng.uniform(0.4, 1.0)))
    amount = np.clip((1 - writing.passing.mean(axis=2)) / np.float32(0.95), 0, 1)[..., None] * np.float32(rng.uniform(0.8, 1.0))
    flat = paper.astype(np.float32) + amount * (ink - paper).astype(np.float32)
    image = np.asarray(np.clip(flat * grain[..., None] + np.float32(0.5), 0, 255), dtype=np.uint8)
    return FailingPage(image, writing.truth, writing.truth)


_MARKS = ("-", ".", ":", "=", "·", "–", ",", "'", "+", "...")


def _lone_marks(setting: Setting) -> FailingPage:
    """A bill or table in type of 12 to 18 pixels; the marks that stand alone between its columns are the weak part.

    Drawn as programs draw it (hinted, at its final size) two of three times, else as a scan of print. Truth: covered by INK_FROM or more.
    """
    from PIL import Image as Pictures
    from PIL import ImageDraw

    rng, (height, width) = setting.rng, setting.shape
    times = 1 if rng.random() < 2 / 3 else 4
    able = [font for font in setting.fonts if "latin" in font.scripts and not font.hand] or list(setting.fonts)
    sized = able[int(rng.integers(len(able)))].at(round(float(rng.uniform(12, 18.5)) * times))
    sheets = [Pictures.new("L", (width * times, height * times)) for _ in range(2)]
    pens = [ImageDraw.Draw(sheet) for sheet in sheets]
    em = sized.size
    writer = Writer(rng, "latin", plain=True)
    columns = np.sort(rng.uniform(0.02, 0.85, int(rng.integers(3, 6)))) * width * times
    columns[0] = 0.03 * width * times
    marked = int(rng.integers(1, len(columns)))
    step = em * float(rng.uniform(1.25, 1.9))
    y = step * float(rng.uniform(0.5, 1.2))
    pens[0].text((columns[0], y), " ".join([writer.title(), writer.title(), writer.number()]), fill=255, font=sized)
    y += 1.5 * step
    row = 0
    while y < height * times - 1.6 * em:
        row += 1
        for place, left in enumerate(columns):
            room = (columns[place + 1] if place + 1 < len(columns) else width * times) - left - em
            mark = place == marked or rng.random() < 0.06
            if mark:
                text = _MARKS[int(rng.integers(len(_MARKS)))]
            else:
                draw = rng.random()
                text = writer.title().split()[0] if draw < 0.45 else f"{writer.number(3)}.{int(rng.integers(100)):02d}"
                text = f"-{text}" if draw > 0.9 else text
            while text and sized.getlength(text) > room:
                text = text[:-1]
            pens[1 if mark else 0].text((left, y), text, fill=255, font=sized)
        y += step
    covered = [np.asarray(sheet).reshape(height, times, width, times).mean(axis=(1, 3), dtype=np.float32) for sheet in sheets]
    truths = [part >= 255 * INK_FROM for part in covered]
    plain = rng.random() < 0.5
    if plain:
        sheet = np.full((height, width, 3), np.rint(rng.uniform(225, 255)), np.uint8)
    else:
        sheet = setting.paper((205, 245))
    taken = np.maximum(*covered) / np.float32(255) * np.float32(rng.uniform(0.7, 0.97))
    if times > 1:
        import cv2

        taken = cv2.GaussianBlur(taken, (0, 0), float(rng.uniform(0.3, 0.6)))
    return FailingPage(scaled(sheet, 1 - taken), truths[0] | truths[1], truths[1])


FAILING_KINDS: dict[str, Callable[[Setting], FailingPage]] = {
    **{f"pale-{contrast}-{name}": _pale_beside(contrast, name) for contrast in (90, 60) for name in _COMPANIONS},
    "low-contrast": _low_contrast,
    "white-on-dark": _white_on_dark,
    "mirrored-back": _mirrored_back,
    "shadow": _shadow,
    "coloured": _coloured,
    "lone-marks": _lone_marks,
}
"""Kinds of pages: name -> what renders one."""
