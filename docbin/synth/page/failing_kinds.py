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
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator

from docbin.augment import paper_effects
from docbin.errors import FileAccessError, UsageError
from docbin.page import FloatMap, Image, Mask
from docbin.synth.fonts import Font, find_fonts
from docbin.synth.page import page_layout
from docbin.synth.page.canvas import INK_FROM, Canvas
from docbin.synth.page.handwriting import Hand, catmull_rom
from docbin.synth.page.page_renderer import draw_paper
from docbin.synth.pseudo_text import Writer

CHECK_SEED = 1000
"""The seed of the pages that methods are checked on: no training uses it."""

_ORNAMENTS = re.compile("D050000L|Symbol")  # named like text fonts, but their letters are ornaments

VERSION = 2
"""Of the pages of a seed: raise it when they change, or caches of older ones are taken for them."""


@dataclass(frozen=True, slots=True)
class FailingPage:
    """A page: picture uint8 (H, W, 3), truth bool (H, W), and the part of the truth that methods lose, bool (H, W)."""

    image: Image
    truth: Mask
    weak: Mask


@dataclass(slots=True)
class _Setting:
    """What a kind's function works with: its chances, size, fonts, and where paper comes from."""

    rng: Generator
    shape: tuple[int, int]
    fonts: Sequence[Font]
    papers: tuple[str, ...]

    def paper(self, light: tuple[float, float], even: float = 0.06, rules: bool = False) -> Image:
        """A blank sheet: cut from a photograph if there are any (three of four times), else rendered.

        Its mean grey lies in `light`, its standard deviation is at most the share `even` of it; `rules` leaves printed rules, pale, at times.
        """
        if self.papers and self.rng.random() < 0.75:
            sheet = _photographed_paper(self.rng, self.shape, self.papers, rules)
        else:
            sheet = draw_paper(self.rng, self.shape)
        mean = sheet.reshape(-1, 3).mean(axis=0, dtype=np.float32)
        kept = min(1.0, even * _grey(sheet) / max(float(_luminance(sheet).std()), 1e-3))
        levels = (mean + (sheet - mean) * np.float32(kept)) * np.float32(float(self.rng.uniform(*light)) / max(_grey(sheet), 1.0))
        return np.asarray(np.clip(levels + np.float32(0.5), 0, 255), dtype=np.uint8)


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
    kind : a key of FAILING_KINDS
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
    if kind not in FAILING_KINDS:
        raise UsageError(f"kind {kind!r}: unknown; known are {', '.join(FAILING_KINDS)}")
    if shape[0] < 400 or shape[1] < 300:
        raise UsageError(f"shape={shape}: at least 400 x 300 pixels (H x W) are wanted")
    rng = np.random.default_rng((seed, number, *kind.encode()))
    given = fonts if fonts is not None else find_fonts()
    able = [font for font in given if not _ORNAMENTS.search(font.family)] or list(given)
    setting = _Setting(rng, shape, able, paper_pictures(papers) if papers is not None else ())
    page = FAILING_KINDS[kind](setting)
    return dataclasses.replace(page, image=_captured(rng, page.image, grey=0.0 if kind == "coloured" else 0.35))


def paper_pictures(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """The photographs in a folder (or its ``images``), by name; FileAccessError where there are none."""
    root = Path(folder)
    root = root / "images" if (root / "images").is_dir() else root
    names = sorted(str(path) for path in root.glob("*") if path.suffix.lower() in (".webp", ".png", ".jpg", ".jpeg"))
    if not names:
        raise FileAccessError(f"{folder}: no photograph of paper is there; give a folder of pictures, or none and the paper is rendered")
    return tuple(names)


@lru_cache(maxsize=160)
def _photograph(path: str) -> Image:
    from docbin.benchmarks.ink_truth import read_picture

    pixels = read_picture(path)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _photographed_paper(rng: Generator, shape: tuple[int, int], papers: tuple[str, ...], rules: bool) -> Image:
    """A piece of a photograph, turned and mirrored, with grain at full resolution.

    Its printed rules are closed; with `rules`, on three of ten sheets, pale ones are left.
    """
    import cv2

    photograph = np.rot90(_photograph(papers[int(rng.integers(len(papers)))]), int(rng.integers(4)))
    photograph = photograph[:, ::-1] if rng.random() < 0.5 else photograph
    height, width = photograph.shape[:2]
    share = float(rng.uniform(0.6, 1.0))
    ratio = min(height / shape[0], width / shape[1]) * share
    rows, columns = int(shape[0] * ratio), int(shape[1] * ratio)
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    piece = np.ascontiguousarray(photograph[top : top + rows, left : left + columns])
    blank = cv2.GaussianBlur(cv2.morphologyEx(piece, cv2.MORPH_CLOSE, np.ones((21, 21), np.uint8)), (0, 0), 4.0)
    kept = float(rng.uniform(0.1, 0.3)) if rules and rng.random() < 0.3 else 0.0
    mixed = cv2.addWeighted(piece, kept, blank, 1 - kept, 0)
    sheet = cv2.resize(mixed, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return paper_effects.paper_texture(rng, sheet, np.zeros(shape, np.bool_), float(rng.uniform(0.05, 0.35)))[0]


def _grey(image: Image) -> float:
    return float(image.reshape(-1, 3).mean(axis=0, dtype=np.float64) @ (0.299, 0.587, 0.114))


def _luminance(image: Image) -> FloatMap:
    """Luminance, float32 (H, W)."""
    import cv2

    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def _scaled(image: Image, factor: float | FloatMap) -> Image:
    share = factor[..., None] if isinstance(factor, np.ndarray) else np.float32(factor)
    return np.asarray(np.clip(image * share + np.float32(0.5), 0, 255), dtype=np.uint8)


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


@dataclass(frozen=True, slots=True)
class _Writing:
    """Ink apart from its paper: the share of light that passes, float32 (H, W, 3), and its truth, bool (H, W)."""

    passing: FloatMap
    truth: Mask

    def at_contrast(self, share: float, tone: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> _Writing:
        """The writing with its strokes' middles taking `share` of the light on average, weighed by `tone` a channel (1, 1, 1 is a neutral ink)."""
        import cv2

        taken = 1 - self.passing.mean(axis=2)
        core = cv2.erode(self.truth.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        core = core if core.sum() > 50 else self.truth
        taken *= np.float32(share / max(float(taken[core].mean()), 1e-3)) if core.any() else 0
        weights = np.asarray(tone, np.float32) / np.float32(np.dot(tone, (0.299, 0.587, 0.114)))
        return _Writing(np.clip(1 - taken[..., None] * weights, 0.02, 1), self.truth)


def _seen(canvas: Canvas, rng: Generator, softness: float) -> _Writing:
    white = np.full((canvas.height, canvas.width, 3), 255, np.uint8)
    picture, truth = canvas.finish(rng, white, softness)
    return _Writing(picture.astype(np.float32) / np.float32(255), truth)


def _blackened(canvas: Canvas, colour: tuple[float, float, float] = (0.05, 0.05, 0.05)) -> Canvas:
    for layer in canvas.layers.values():
        layer.colour = colour
    return canvas


_BODIES: tuple[tuple[Callable[[Generator, Canvas, Sequence[Font]], None], float], ...] = tuple(
    page_layout.KINDS[name] for name in ("typeset", "handwritten", "hand-font", "table")
)


def _body(setting: _Setting, box: tuple[int, int, int, int], softness: float) -> _Writing:
    """A page of writing (print, a hand, a table), black, in `box` (left, top, right, bottom) of the whole page."""
    rng = setting.rng
    left, top, right, bottom = box
    shares = np.array([0.4, 0.4, 0.1, 0.1])
    write = _BODIES[int(rng.choice(len(_BODIES), p=shares))][0]
    canvas = Canvas(bottom - top, right - left)
    write(rng, canvas, setting.fonts)
    part = _seen(_blackened(canvas), rng, softness)
    whole = _Writing(np.ones((*setting.shape, 3), np.float32), np.zeros(setting.shape, np.bool_))
    whole.passing[top:bottom, left:right] = part.passing
    whole.truth[top:bottom, left:right] = part.truth
    return whole


_PENCIL = ((1.0, 1.0, 1.0), (1.0, 1.0, 1.05), (0.75, 1.0, 1.3), (1.2, 1.0, 0.7), (1.0, 1.0, 0.95))
"""Light taken by pale inks, a channel: pencil, graphite, browned iron gall, washed blue, grey."""


def _dark_colour(rng: Generator) -> tuple[float, float, float]:
    red, green, blue = np.clip(float(rng.uniform(0.02, 0.16)) + rng.normal(0, 0.015, 3), 0, 0.2)
    return float(red), float(green), float(blue)


def _pale_beside(contrast: float, companion: str) -> Callable[[_Setting], FailingPage]:
    def page(setting: _Setting) -> FailingPage:
        rng, (height, width) = setting.rng, setting.shape
        softness = float(rng.uniform(0.4, 1.1))
        sheet = setting.paper((195, 245))
        dark = Canvas(height, width)
        box = _COMPANIONS[companion](setting, dark)
        pale = _body(setting, box, softness).at_contrast(contrast / _grey(sheet), _PENCIL[int(rng.integers(len(_PENCIL)))])
        black = _seen(_blackened(dark, _dark_colour(rng)), rng, softness)
        image = _scaled_by(sheet, pale.passing * black.passing)
        truth = pale.truth | black.truth
        weak = pale.truth & ~black.truth
        if companion == "edge":
            for _ in range(1 + int(rng.integers(2))):
                image, truth = paper_effects.black_margin(rng, image, truth, float(rng.uniform(0.1, 0.5)))
        return FailingPage(image, truth, weak & truth)

    return page


def _scaled_by(sheet: Image, passing: FloatMap) -> Image:
    return np.asarray(np.clip(sheet * passing + np.float32(0.5), 0, 255), dtype=np.uint8)


def _heading(setting: _Setting, canvas: Canvas) -> tuple[int, int, int, int]:
    """One to three black lines of large type at the head (or the foot) of the page."""
    rng = setting.rng
    layer = canvas.layer("heading", (0, 0, 0), rough=float(rng.uniform(0, 0.3)))
    line = page_layout.Type(rng, canvas, layer, page_layout.draw_font(rng, setting.fonts), "latin", page_layout.draw_x_height(rng, 16, 46))
    count = int(rng.integers(1, 4))
    tall = round((count * 1.25 + 0.9) * line.em)
    tall = min(tall, canvas.height // 2)
    head = rng.random() < 0.8
    top = 0 if head else canvas.height - tall
    for row in range(max(1, int((tall - 0.5 * line.em) / (1.25 * line.em)))):
        left = float(rng.uniform(0.03, 0.25)) * canvas.width
        line.line(line.fitting(0.96 * canvas.width - left), left, canvas.width, top + (1.1 + 1.25 * row) * line.em, justified=False)
    return (0, tall, canvas.width, canvas.height) if head else (0, 0, canvas.width, top)


def _border(setting: _Setting, canvas: Canvas) -> tuple[int, int, int, int]:
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


def _stamp(setting: _Setting, canvas: Canvas) -> tuple[int, int, int, int]:
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


def _book_edge(setting: _Setting, canvas: Canvas) -> tuple[int, int, int, int]:
    """Nothing here: the edge is laid over the finished page. Two of five times a black line or two stand on the page as well."""
    if setting.rng.random() < 0.4:
        return _heading(setting, canvas)
    return 0, 0, canvas.width, canvas.height


def _other_hand(setting: _Setting, canvas: Canvas) -> tuple[int, int, int, int]:
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


_COMPANIONS: dict[str, Callable[[_Setting, Canvas], tuple[int, int, int, int]]] = {
    "heading": _heading,
    "border": _border,
    "stamp": _stamp,
    "edge": _book_edge,
    "hand": _other_hand,
}


def _whole(setting: _Setting) -> tuple[int, int, int, int]:
    return 0, 0, setting.shape[1], setting.shape[0]


def _low_contrast(setting: _Setting) -> FailingPage:
    rng = setting.rng
    sheet = setting.paper((205, 250))
    writing = _body(setting, _whole(setting), float(rng.uniform(0.4, 1.0)))
    writing = writing.at_contrast(float(rng.uniform(25, 60)) / _grey(sheet), _PENCIL[int(rng.integers(len(_PENCIL)))])
    return FailingPage(_scaled_by(sheet, writing.passing), writing.truth, writing.truth)


_BOARDS = ((0.12, 0.14, 0.13), (0.1, 0.22, 0.15), (0.1, 0.16, 0.4), (0.08, 0.08, 0.08), (0.25, 0.1, 0.1), (0.3, 0.28, 0.26))
"""Dark grounds, RGB 0..1: slate, blackboard, blueprint, film, leather, grey card."""


def _white_on_dark(setting: _Setting) -> FailingPage:
    """A negative of a usual page half of the time, else pale ink on a dark ground with the grain of paper."""
    rng = setting.rng
    writing = _body(setting, _whole(setting), float(rng.uniform(0.4, 1.0)))
    sheet = setting.paper((200, 245))
    if rng.random() < 0.5:
        image = 255 - _scaled_by(sheet, writing.at_contrast(float(rng.uniform(0.45, 0.9))).passing)
    else:
        ground = np.asarray(_BOARDS[int(rng.integers(len(_BOARDS)))], np.float32) * np.float32(rng.uniform(0.8, 1.3))
        dark = sheet.astype(np.float32) / np.float32(_grey(sheet)) * ground * 255
        light = np.float32(255) * np.clip(np.asarray((0.9, 0.9, 0.86)) + rng.normal(0, 0.06, 3), 0.5, 1).astype(np.float32)
        amount = (1 - writing.passing) * np.float32(rng.uniform(0.55, 1.0))
        image = np.asarray(np.clip(dark + amount * (light - dark), 0, 255), dtype=np.uint8)
    return FailingPage(image, writing.truth, writing.truth)


def _mirrored_back(setting: _Setting) -> FailingPage:
    """Front and back take equal shares of the light; the back is mirrored, softer, and speckled by the fibres, and it is no ink."""
    import cv2

    rng = setting.rng
    sheet = setting.paper((190, 240))
    share = float(rng.uniform(55, 120)) / _grey(sheet)
    tone = _PENCIL[int(rng.integers(len(_PENCIL)))]
    front = _body(setting, _whole(setting), float(rng.uniform(0.4, 0.8))).at_contrast(share, tone)
    back = _body(setting, _whole(setting), 0.5)
    blur = float(rng.uniform(1.2, 2.8))
    soft = cv2.GaussianBlur(back.passing, (0, 0), blur, borderType=cv2.BORDER_REPLICATE)
    fibres = cv2.GaussianBlur(rng.standard_normal(setting.shape, dtype=np.float32), (0, 0), float(rng.uniform(0.6, 1.8)))
    taken = (1 - soft) * np.clip(1 + fibres[..., None] * np.float32(rng.uniform(0.3, 1.2)), 0, 2)
    back = _Writing(np.ascontiguousarray(1 - taken), back.truth).at_contrast(share * float(rng.uniform(0.8, 1.0)), tone)
    return FailingPage(_scaled_by(sheet, front.passing * back.passing[:, ::-1]), front.truth, front.truth)


def _shadow(setting: _Setting) -> FailingPage:
    """A photograph of a written sheet with one or two shadows whose floor is a fifth to a half of the light, and a soft fall of light besides."""
    rng = setting.rng
    sheet = setting.paper((190, 235), even=0.3, rules=True)
    writing = _body(setting, _whole(setting), float(rng.uniform(0.6, 1.3))).at_contrast(float(rng.uniform(0.4, 0.8)))
    light = _lamp(rng, setting.shape)
    for _ in range(int(rng.integers(1, 3))):
        light *= _cast_shadow(rng, setting.shape)
    light = np.float32(0.15) + np.float32(0.85) * light
    return FailingPage(_scaled(_scaled_by(sheet, writing.passing), light), writing.truth, writing.truth)


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


def _coloured(setting: _Setting) -> FailingPage:
    """Ink and paper of different hue whose luminance differs by 4 to 30 levels only (their colours differ by 70 and more)."""
    rng = setting.rng
    luminance = np.array([0.299, 0.587, 0.114])
    while True:
        paper, ink = rng.uniform(70, 250, 3), rng.uniform(20, 235, 3)
        ink += float(paper @ luminance) - float(ink @ luminance) - float(rng.uniform(4, 30))
        if ink.min() >= 5 and ink.max() <= 250 and np.linalg.norm(paper - ink) >= 70 and paper.max() - paper.min() >= 30:
            break
    sheet = setting.paper((200, 235))
    grain = _luminance(sheet) / np.float32(_grey(sheet))
    grain = np.minimum(grain, np.float32(255 / max(paper.max(), ink.max())))
    writing = _body(setting, _whole(setting), float(rng.uniform(0.4, 1.0)))
    amount = np.clip((1 - writing.passing.mean(axis=2)) / np.float32(0.95), 0, 1)[..., None] * np.float32(rng.uniform(0.8, 1.0))
    flat = paper.astype(np.float32) + amount * (ink - paper).astype(np.float32)
    image = np.asarray(np.clip(flat * grain[..., None] + np.float32(0.5), 0, 255), dtype=np.uint8)
    return FailingPage(image, writing.truth, writing.truth)


_MARKS = ("-", ".", ":", "=", "·", "–", ",", "'", "+", "...")


def _lone_marks(setting: _Setting) -> FailingPage:
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
    return FailingPage(_scaled(sheet, 1 - taken), truths[0] | truths[1], truths[1])


FAILING_KINDS: dict[str, Callable[[_Setting], FailingPage]] = {
    **{f"pale-{contrast}-{name}": _pale_beside(contrast, name) for contrast in (90, 60) for name in _COMPANIONS},
    "low-contrast": _low_contrast,
    "white-on-dark": _white_on_dark,
    "mirrored-back": _mirrored_back,
    "shadow": _shadow,
    "coloured": _coloured,
    "lone-marks": _lone_marks,
}
"""Kinds of pages: name -> what renders one."""
