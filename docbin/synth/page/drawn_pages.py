"""Pages as programs draw them: text of screens, office documents and drawn PDFs, crisp or with the little that a good scanner adds.

Scans of books are soft, and what is fitted to them takes the crispest page of all for a strange one. Here letters are drawn as a screen shows them
(hinted, at their final size) or as a PDF is rasterised (unhinted, from four times the size), in fonts of 12 to 44 pixels, with what office pages
hold besides: dotted and ruled lines to write on, boxes, leaders, tables, a stamp. All that is drawn is ink, truth is "covered by half or more".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from docbin.augment import capture_effects, paper_effects
from docbin.errors import UsageError
from docbin.page import FloatMap, Image, Mask
from docbin.synth.fonts import Font, find_fonts
from docbin.synth.pseudo_text import Writer

VERSION = 1
"""Of the pages of a seed: raise it when they change."""
SMALLEST, LARGEST = 12.0, 44.0
"""Pixels a font's em is high."""


class Drawing:
    """A sheet on which text and rules are drawn in final pixels; kept `times` as large.

    Attributes
    ----------
    rng, writer : all choices, and the words
    em : height of the body's font, final pixels
    left, right, bottom : where the writing ends, final pixels
    """

    def __init__(self, rng: Generator, shape: tuple[int, int], font: Font, times: int) -> None:
        from PIL import Image as Pictures
        from PIL import ImageDraw

        self.rng, self.shape, self.font, self.times = rng, shape, font, times
        self.em = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
        self.writer = Writer(rng, "latin", plain=True)
        self.sheet = Pictures.new("L", (shape[1] * times, shape[0] * times))
        self.pen = ImageDraw.Draw(self.sheet)
        self.left, self.right = float(rng.uniform(0.03, 0.12)) * shape[1], float(rng.uniform(0.88, 0.97)) * shape[1]
        self.bottom = shape[0] - 1.6 * self.em

    def sized(self, times: float = 1.0) -> Any:
        """The font, `times` the body's size."""
        return self.font.at(round(self.em * times * self.times))

    def width(self, text: str, size: float = 1.0) -> float:
        return float(self.sized(size).getlength(text)) / self.times

    def text(self, x: float, y: float, text: str, size: float = 1.0) -> float:
        """Text with its upper left corner at (x, y); returns where it ends."""
        self.pen.text((round(x * self.times), round(y * self.times)), text, fill=255, font=self.sized(size))
        return x + self.width(text, size)

    def box(self, x: float, y: float, width: float, height: float) -> None:
        """A filled rectangle of whole final pixels, as programs draw thin rules; at least one in each direction."""
        left, top = round(x) * self.times, round(y) * self.times
        self.pen.rectangle((left, top, left + max(1, round(width)) * self.times - 1, top + max(1, round(height)) * self.times - 1), 255)

    def frame(self, x: float, y: float, width: float, height: float, thick: float) -> None:
        for edge in ((x, y, width, thick), (x, y + height, width, thick), (x, y, thick, height), (x + width, y, thick, height + thick)):
            self.box(*edge)

    def dots(self, left: float, right: float, y: float) -> None:
        """A dotted line: full stops of the font, or square dots."""
        if self.rng.random() < 0.5:
            step = self.width(".") * float(self.rng.choice([1.0, 2.0]))
            for x in np.arange(left, right - step, step):
                self.text(float(x), y - 0.9 * self.em, ".")
            return
        side = float(self.rng.choice([1.0, 1.0, 2.0]))
        for x in np.arange(left, right, round(side * float(self.rng.uniform(2, 5)))):
            self.box(float(x), y, side, side)

    def fill(self, width: float) -> str:
        """As many words as fit into `width`, at least one."""
        line = self.writer.word()
        while self.width(longer := f"{line} {self.writer.word()}") <= width:
            line = longer
        return line


def _running_text(page: Drawing) -> None:
    """Paragraphs, now and then a heading."""
    y, step = 0.8 * page.em, page.em * float(page.rng.uniform(1.15, 1.7))
    while y < page.bottom:
        if page.rng.random() < 0.06:
            page.text(page.left, y, page.writer.title(), 1.4)
            y += 1.6 * step
            continue
        line = page.fill(page.right - page.left)
        short = page.rng.random() < 0.12
        page.text(page.left, y, line[: len(line) // 2] if short else line)
        y += step * (1.6 if short else 1.0)


def _contents(page: Drawing) -> None:
    """A table of contents or a bill: a title, a dotted leader, a number."""
    y, step = page.em, page.em * float(page.rng.uniform(1.3, 1.9))
    while y < page.bottom:
        number = page.writer.number()
        start = page.right - page.width(number)
        title = page.writer.title()
        while page.width(title) > 0.7 * (start - page.left) and len(title) > 1:
            title = title[: len(title) // 2]
        page.dots(page.text(page.left, y, title) + 0.4 * page.em, start - 0.3 * page.em, y + 0.9 * page.em)
        page.text(start, y, number)
        y += step


def _form(page: Drawing) -> None:
    """Labels with dotted lines, ruled lines or boxes after them, some filled in; tick boxes."""
    rng, em = page.rng, page.em
    kind, thick = str(rng.choice(["dots", "rules", "boxes", "mixed"])), float(rng.choice([1.0, 1.0, 2.0]))
    page.text(page.left, 0.7 * em, page.writer.title(), 1.5)
    y, step = 3.0 * em, em * float(rng.uniform(1.9, 2.8))
    while y < page.bottom:
        own = str(rng.choice(["dots", "rules", "boxes", "ticks"])) if kind == "mixed" else kind
        if own == "ticks":
            x = page.left
            while x + 6 * em < page.right:
                page.frame(x, y + 0.1 * em, 0.8 * em, 0.8 * em, thick)
                if rng.random() < 0.4:
                    page.text(x + 0.15 * em, y - 0.1 * em, "X")
                x = page.text(x + 1.2 * em, y, page.writer.word()) + 1.5 * em
            y += step
            continue
        start = page.text(page.left, y, f"{page.writer.title().split()[0]}:") + 0.5 * em
        end = page.right if rng.random() < 0.6 or start > 0.4 * page.right else start + 0.5 * (page.right - start)
        if own == "dots":
            page.dots(start, end, y + 1.05 * em)
        elif own == "rules":
            page.box(start, y + 1.1 * em, end - start, thick)
        else:
            page.frame(start, y - 0.25 * em, end - start, 1.55 * em, thick)
        if rng.random() < 0.6:
            entry = page.writer.title()
            page.text(start + 0.4 * em, y, entry if page.width(entry) < end - start - em else entry[:3])
        y += step


def _table(page: Drawing) -> None:
    """Words and numbers in columns, with all rules, some or none."""
    rng, em = page.rng, page.em
    columns = max(2, min(7, int((page.right - page.left) / (em * float(rng.uniform(4, 8))))))
    edges = np.linspace(page.left, page.right, columns + 1)
    step, thick = em * float(rng.uniform(1.35, 2.0)), float(rng.choice([1.0, 1.0, 2.0, 3.0]))
    across, down = rng.random() < 0.7, rng.random() < 0.6
    top = 2.6 * em
    page.text(page.left, 0.5 * em, page.writer.title(), 1.3)
    rows = max(1, int((page.bottom - top) / step))
    for row in range(rows + 1):
        if across or row in (0, 1, rows):
            page.box(page.left, top + row * step, page.right - page.left, thick)
    for edge in edges if down else ():
        page.box(float(edge), top, thick, rows * step)
    for row in range(rows):
        for left, right in itertools.pairwise(edges):
            if rng.random() < 0.1:
                continue
            figures = row > 0 and rng.random() < 0.6
            text = f"{page.writer.number(4)}.{int(rng.integers(100)):02d}" if figures else page.writer.title().split()[0]
            while text and page.width(text) > right - left - 0.6 * em:
                text = text[:-1]
            x = right - 0.3 * em - page.width(text) if figures else left + 0.3 * em
            page.text(float(x), top + row * step + (step - em) / 2, text)


KINDS: Mapping[str, Callable[[Drawing], None]] = {"text": _running_text, "contents": _contents, "form": _form, "table": _table}
"""What stands on a page: page `number` of a seed shows kind ``number % len(KINDS)``."""


def _stamp(rng: Generator, page: Drawing) -> FloatMap:
    """Density 0..1 (H, W) of a stamp of two rings or frames with words, turned a little, anywhere on the page."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    side = int(rng.uniform(110, 220))
    big = Pictures.new("L", (4 * side, 4 * side))
    pen, thick = ImageDraw.Draw(big), int(rng.integers(8, 17))
    shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
    for inset in (0.06, 0.11):
        shape((4 * side * inset, 4 * side * (0.2 + inset), 4 * side * (1 - inset), 4 * side * (0.8 - inset)), outline=255, width=thick)
    font = page.font.at(round(0.5 * side))
    words = page.writer.title().upper().split()[0][:7], f"{int(rng.integers(1, 29))}.{int(rng.integers(1, 13))}.{int(rng.integers(70, 99))}"
    for row, word in enumerate(words):
        pen.text((2 * side, (1.75 + 0.5 * row) * side), word, fill=255, font=font, anchor="mm")
    turned = big.rotate(float(rng.uniform(-25, 25)), Pictures.Resampling.BILINEAR).resize((side, side), Pictures.Resampling.BOX)
    whole = Pictures.new("L", (page.shape[1], page.shape[0]))
    whole.paste(
        turned, (int(rng.integers(-side // 4, page.shape[1] - side // 2)), int(rng.integers(-side // 4, page.shape[0] - side // 2)))
    )
    return np.asarray(whole, np.float32) / np.float32(255)


def render_drawn_page(
    seed: int, number: int, fonts: Sequence[Font] | None = None, shape: tuple[int, int] | None = None
) -> tuple[Image, Mask]:
    """Page `number` of `seed`: picture uint8 (H, W, 3) and truth bool (H, W); a pure function of its arguments.

    Parameters
    ----------
    seed, number : decide the page
    fonts : fonts to draw with; the system's if None
    shape : (H, W) in pixels; drawn between 500 and 900 each if None

    Raises
    ------
    UsageError
        A shape below 64 x 64.
    """
    import cv2

    rng = np.random.default_rng((seed, number, 4409))
    if shape is None:
        shape = int(rng.integers(500, 901)), int(rng.integers(500, 901))
    if min(shape) < 64:
        raise UsageError(f"shape={shape}: at least 64 x 64 pixels are wanted")
    known = list(fonts) if fonts is not None else find_fonts()
    able = [font for font in known if "latin" in font.scripts and not font.hand] or known
    times = 1 if rng.random() < 0.5 else 4
    page = Drawing(rng, shape, able[int(rng.integers(len(able)))], times)
    list(KINDS.values())[number % len(KINDS)](page)
    drawn = np.asarray(page.sheet, np.uint8).reshape(shape[0], times, shape[1], times)
    covered = drawn.mean(axis=(1, 3), dtype=np.float32) / np.float32(255)
    truth = covered >= 0.5
    taken = covered * np.float32(rng.uniform(0.65, 0.98))
    if rng.random() < 0.35:
        stamped = _stamp(rng, page)
        truth |= stamped >= 0.5
        taken = np.maximum(taken, stamped * np.float32(rng.uniform(0.45, 0.85)))
    if times > 1 and rng.random() < 0.5:
        taken = cv2.GaussianBlur(taken, (0, 0), float(rng.uniform(0.3, 0.8)))
    paper = np.full(3, rng.uniform(222, 255)) if rng.random() < 0.7 else rng.uniform(205, 255, 3)
    image = np.asarray(np.rint((1 - taken[..., None]) * paper), np.uint8)
    if rng.random() < 0.5:
        noise = rng.normal(0, rng.uniform(0.7, 5), shape).astype(np.float32)
        image = np.asarray(np.clip(image + noise[..., None], 0, 255), np.uint8)
    if rng.random() < 0.25:
        image, truth = capture_effects.compress(rng, image, truth, float(rng.uniform(0.05, 0.5)))
    if rng.random() < 0.15:
        image, truth = paper_effects.black_margin(rng, image, truth, float(rng.uniform(0.1, 0.5)))
    return np.ascontiguousarray(image), np.ascontiguousarray(truth)
