"""What stands on a rendered page: print in columns, letters by hand, tables, forms, stamps.

Each kind of page is a function (rng, canvas, fonts) that writes ink onto a :class:`~docbin.synth.page.canvas.Canvas` and decides nothing about paper
or damage. Sizes follow the DIBCO pages: x-heights of 12 to 45 pixels, strokes of 2 to 12. Everything written is ink and so is truth, table rules,
underlines and stamps included; what is not to be read (rules of writing paper, stains, the back) belongs to the paper.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from docbin.augment.ink_effects import INKS
from docbin.synth.fonts import BUILT_IN, Font
from docbin.synth.page.canvas import Canvas, Colour, Layer
from docbin.synth.page.handwriting import Hand
from docbin.synth.pseudo_text import SCRIPTS, Writer

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in final pixels."""


def draw_colour(rng: Generator, black: float) -> Colour:
    """An ink: black with probability `black`, else any of INKS; a little off each time."""
    base = INKS[0] if rng.random() < black else INKS[int(rng.integers(len(INKS)))]
    red, green, blue = np.clip(np.asarray(base) + rng.normal(0, 0.03, 3), 0, 0.6)
    return float(red), float(green), float(blue)


def draw_font(rng: Generator, fonts: Sequence[Font], script: str = "latin", hand: bool = False) -> Font:
    """A font for `script`: first a family of families (its first word, so that forty cuts of one do not crowd out the rest), then a cut of it."""
    able = [font for font in fonts if script in font.scripts and font.hand == hand] or [font for font in fonts if script in font.scripts]
    if not able:
        return BUILT_IN
    if rng.random() < 0.65:
        able = [font for font in able if not PLAIN_FACES.search(font.family)] or able
    groups = sorted({font.family.split()[0] for font in able})
    weights = np.array([3.0 if group in BOOK_FACES else 1.0 for group in groups])
    group = groups[int(rng.choice(len(groups), p=weights / weights.sum()))]
    members = [font for font in able if font.family.split()[0] == group]
    return members[int(rng.integers(len(members)))]


def draw_script(rng: Generator, fonts: Sequence[Font], latin: float = 0.62) -> str:
    """Latin with probability `latin`, else one of the other scripts for which there is a font."""
    others = [name for name in SCRIPTS if name != "latin" and any(name in font.scripts for font in fonts)]
    return "latin" if not others or rng.random() < latin else others[int(rng.integers(len(others)))]


def draw_x_height(rng: Generator, low: float = 13, high: float = 42) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


BOOK_FACES = frozenset(
    (
        "Cardo",
        "Charis",
        "EB",
        "FreeSerif",
        "GFS",
        "Garamond",
        "Gentium",
        "Goudy",
        "Junicode",
        "Libertinus",
        "Linux",
        "Old",
        "Palatino",
        "Times",
    )
)
"""First words of families cut after the types of old books; they are drawn three times as often."""


PLAIN_FACES = re.compile(r"Sans|Mono|Kufi|Lato|Tuffy|Beteckna|Arial|Helvetica")
"""Families without serifs or of one width: what old prints seldom have."""


class Type:
    """A font in one size on one layer, with its text: what a line of print needs."""

    def __init__(
        self, rng: Generator, canvas: Canvas, layer: Layer, font: Font, script: str, x_height: float, density: float = 1.0
    ) -> None:
        self.rng, self.canvas, self.layer, self.density = rng, canvas, layer, density
        self.writer = Writer(rng, script, plain="accented latin" not in font.scripts)
        self.script = self.writer.script
        sample = font.at(200)
        letters = "xnaeu" if script == "latin" else self.script.sample[:8]
        heights = sorted(box[3] - box[1] for box in (sample.getbbox(letter, anchor="ls") for letter in letters))
        self.em = x_height * 200 / max(20.0, float(heights[len(heights) // 2])) * (1.0 if script == "latin" else 1.25)
        self.sized: Any = font.at(round(self.em * canvas.oversampling))

    def width(self, text: str) -> float:
        return float(self.sized.getlength(text)) / self.canvas.oversampling

    def word(self, text: str, x: float, baseline: float) -> float:
        """One word, a little lighter or darker and higher or lower than the last; returns its advance."""
        density = float(np.clip(self.density + self.rng.normal(0, 0.05), 0.25, 1))
        return self.canvas.text(self.layer, text, self.sized, x, baseline + float(self.rng.normal(0, 0.2)), density)

    def line(self, words: Sequence[str], left: float, right: float, baseline: float, justified: bool) -> None:
        """Words from `left` to `right` (the other way round for scripts that run leftwards)."""
        widths = [self.width(word) for word in words]
        space = self.em * 0.27 if self.script.space else 0.0
        if justified and len(words) > 1:
            space = min(max((right - left - sum(widths)) / (len(words) - 1), 0.12 * self.em), 0.9 * self.em)
        x = left if self.script.rightwards else right
        for word, width in zip(words, widths, strict=True):
            self.word(word, x if self.script.rightwards else x - width, baseline)
            x += (width + space) * (1 if self.script.rightwards else -1)

    def fitting(self, width: float) -> list[str]:
        """A title's words, as many as fit into `width`, at least one."""
        words = self.writer.title().split(self.script.space or None)
        while len(words) > 1 and self.width(" ".join(words)) > width:
            words.pop()
        return words

    def fill(self, width: float) -> list[str]:
        """As many words as fit into `width`, at least one."""
        words: list[str] = []
        space = self.em * 0.27 if self.script.space else 0.0
        total = 0.0
        while True:
            word = self.writer.word()
            total += self.width(word) + (space if words else 0)
            if words and total > width:
                return words
            words.append(word)
            if total > width or len(words) > 60:
                return words


def typeset(rng: Generator, canvas: Canvas, fonts: Sequence[Font]) -> None:
    """A printed page: running head, title, one to three columns with a drop capital, marginal notes, a foot note."""
    script = draw_script(rng, fonts)
    font = draw_font(rng, fonts, script)
    x_height = draw_x_height(rng)
    worn = float(rng.uniform(0, 0.5))
    layer = canvas.layer("print", draw_colour(rng, 0.85), worn, float(np.clip(rng.normal(0.1, 0.25), -0.4, 0.6)) if worn > 0.1 else 0.0)
    body = Type(rng, canvas, layer, font, script, x_height, float(rng.uniform(0.7, 1.0)))
    leading = body.em * float(rng.uniform(1.08, 1.5))
    columns = min(int(rng.choice([1, 1, 2, 2, 3])), max(1, int(canvas.width / (12 * body.em))))
    left, top, right, bottom = _margins(rng, canvas)
    if rng.random() < 0.5:
        head = body.fill((right - left) * 0.5)
        head_left = left + (right - left - sum(body.width(word) for word in head) - 0.27 * body.em * (len(head) - 1)) / 2
        body.line(head, max(head_left, left), right, top, justified=False)
        if rng.random() < 0.5:
            canvas.rule(layer, (left, top + 0.4 * leading), (right, top + 0.4 * leading), float(rng.uniform(1.6, 4)), body.density)
        top += 1.6 * leading
    if rng.random() < 0.35:
        title = Type(rng, canvas, layer, font, script, x_height * float(rng.uniform(1.4, 2.2)), body.density)
        start = left + float(rng.uniform(0, 0.2)) * (right - left)
        title.line(title.fitting(right - start), start, right, top + 0.5 * title.em, justified=False)
        top += 1.5 * title.em
    if rng.random() < 0.25:
        _marginalia(rng, canvas, layer, font, script, x_height, (left, top, right, bottom))
    gap = float(rng.uniform(1.2, 2.2)) * body.em
    width = (right - left - gap * (columns - 1)) / columns
    justified = rng.random() < 0.75
    for column in range(columns):
        box = (left + column * (width + gap), top, left + column * (width + gap) + width, bottom)
        _column(rng, canvas, body, font, box, leading, justified, drop=column == 0 and rng.random() < 0.4)
        if column and rng.random() < 0.3:
            x = box[0] - gap / 2
            canvas.rule(layer, (x, top - 0.6 * body.em), (x, bottom), float(rng.uniform(1.6, 3)), body.density)


def _margins(rng: Generator, canvas: Canvas) -> Box:
    inner = rng.uniform(0.04, 0.12, 4)
    return (
        float(inner[0] * canvas.width),
        float(inner[1] * canvas.height + 20),
        float((1 - inner[2]) * canvas.width),
        float((1 - inner[3]) * canvas.height),
    )


def _column(rng: Generator, canvas: Canvas, body: Type, font: Font, box: Box, leading: float, justified: bool, drop: bool) -> None:
    left, top, right, bottom = box
    baseline = top + 0.4 * body.em
    indent, indented = 0.0, 0
    if drop and body.script.rightwards and body.script.capitals:
        lines = int(rng.integers(2, 4))
        colour = draw_colour(rng, 0.0) if rng.random() < 0.5 else body.layer.colour
        rubric = canvas.layer("rubric", colour, body.layer.rough, body.layer.gain)
        letter = body.writer.title()[0]
        sized = font.at(round((lines - 1) * leading / 0.68 * canvas.oversampling + body.em * canvas.oversampling))
        indent = canvas.text(rubric, letter, sized, left, baseline + (lines - 1) * leading) + 0.2 * body.em
        indented = lines
    while baseline < bottom:
        start = left + (indent if indented > 0 else 0.0)
        indented -= 1
        words = body.fill(right - start)
        short = rng.random() < 0.08
        if short:
            words = words[: max(1, len(words) // 2)]
        body.line(words, start, right, baseline, justified and not short)
        if rng.random() < 0.03 and body.script.rightwards:
            end = start + sum(body.width(word) for word in words[:3]) + 0.5 * body.em
            canvas.rule(
                body.layer,
                (start, baseline + 0.22 * body.em),
                (min(end, right), baseline + 0.22 * body.em),
                0.07 * body.em + 1,
                body.density,
            )
        baseline += leading * (1.5 if short and rng.random() < 0.3 else 1.0)


def _marginalia(rng: Generator, canvas: Canvas, layer: Layer, font: Font, script: str, x_height: float, box: Box) -> None:
    """Small notes beside the text, in print or by another hand."""
    _, top, right, bottom = box
    by_hand = rng.random() < 0.5
    for _ in range(int(rng.integers(1, 4))):
        y = float(rng.uniform(min(top, bottom), bottom))
        x = 6.0 if rng.random() < 0.5 else right + 6
        if by_hand:
            hand = Hand(rng, max(9.0, x_height * 0.7))
            note = canvas.layer("note", draw_colour(rng, 0.3))
            writer = Writer(rng, "latin", plain=True)
            for line in range(int(rng.integers(1, 4))):
                canvas.discs(note, hand.word(writer.word(), x, y + line * hand.x_height * 2.6)[0])
        else:
            small = Type(rng, canvas, layer, font, script, max(9.0, x_height * 0.65))
            for line in range(int(rng.integers(1, 4))):
                small.word(small.writer.word(), x, y + line * small.em * 1.2)


def handwritten(rng: Generator, canvas: Canvas, fonts: Sequence[Font]) -> None:
    """A letter or a register by hand: date, lines that drift, underlines, words crossed out, a signature."""
    hand = Hand(rng, draw_x_height(rng, 11, 34))
    layer = canvas.layer("hand", draw_colour(rng, 0.35), rough=float(rng.choice([0.0, 0.0, 0.2])))
    writer = Writer(rng, "latin", plain=True)
    left, top, right, bottom = _margins(rng, canvas)
    spacing = hand.x_height * float(rng.uniform(2.7, 4.2))
    tilt = float(rng.normal(0, 0.012))
    baseline = top + 1.5 * hand.x_height
    if rng.random() < 0.4:
        write_line(
            rng,
            canvas,
            layer,
            hand,
            [writer.title().split()[0], writer.number(2), "1" + writer.number(3)],
            (right * 0.6, right),
            baseline,
            tilt,
        )
        baseline += 1.3 * spacing
    while baseline < bottom:
        words = writer.words(14)
        indent = float(rng.normal(0, 0.4) * hand.x_height) + (2 * hand.x_height if rng.random() < 0.1 else 0.0)
        end = right if rng.random() > 0.1 else left + (right - left) * float(rng.uniform(0.3, 0.8))
        write_line(rng, canvas, layer, hand, words, (left + indent, end), baseline, tilt)
        baseline += spacing * float(rng.normal(1, 0.04))
    if rng.random() < 0.3:
        big = Hand(rng, hand.x_height * 1.5)
        big.pen = hand.pen
        write_line(
            rng,
            canvas,
            layer,
            big,
            [writer.title().split()[0]],
            (right * 0.55, right),
            min(baseline, canvas.height - 2 * hand.x_height),
            -0.06,
        )


def write_line(
    rng: Generator,
    canvas: Canvas,
    layer: Layer,
    hand: Hand,
    words: Sequence[str],
    span: tuple[float, float],
    baseline: float,
    tilt: float = 0.0,
) -> None:
    """Words by hand from span[0] until span[1] is reached; now and then one is underlined or crossed out."""
    x = span[0]
    for word in words:
        y = baseline + tilt * (x - span[0]) + float(rng.normal(0, 0.05) * hand.x_height)
        discs, end = hand.word(word, x, y)
        if end > span[1] and x > span[0]:
            return
        canvas.discs(layer, discs)
        chance = rng.random()
        if chance < 0.03:
            canvas.discs(layer, hand.line((x, y + 0.45 * hand.x_height), (end, y + 0.4 * hand.x_height)))
        elif chance < 0.045:
            canvas.discs(layer, hand.line((x, y - 0.4 * hand.x_height), (end, y - 0.5 * hand.x_height)))
        x = end + hand.x_height * float(rng.uniform(0.45, 1.0))


def hand_font(rng: Generator, canvas: Canvas, fonts: Sequence[Font]) -> None:
    """A page in a font that imitates handwriting."""
    layer = canvas.layer("hand", draw_colour(rng, 0.3), rough=float(rng.uniform(0, 0.3)))
    script = "latin" if rng.random() < 0.7 else draw_script(rng, [font for font in fonts if font.hand] or fonts, 0.3)
    body = Type(
        rng, canvas, layer, draw_font(rng, fonts, script, hand=True), script, draw_x_height(rng, 12, 32), float(rng.uniform(0.6, 1))
    )
    left, top, right, bottom = _margins(rng, canvas)
    baseline = top + body.em * 0.5
    while baseline < bottom:
        body.line(body.fill(right - left - float(rng.uniform(0, 0.1)) * (right - left)), left, right, baseline, justified=False)
        baseline += body.em * float(rng.uniform(1.1, 1.3))


def table(rng: Generator, canvas: Canvas, fonts: Sequence[Font]) -> None:
    """A ruled table, printed or drawn, with a heading row; entries printed or by hand. Its rules are ink."""
    font = draw_font(rng, fonts)
    x_height = draw_x_height(rng, 11, 24)
    layer = canvas.layer("print", draw_colour(rng, 0.8), float(rng.uniform(0, 0.4)))
    rules = canvas.layer("rules", draw_colour(rng, 0.6), 0.2)
    body = Type(rng, canvas, layer, font, "latin", x_height, float(rng.uniform(0.7, 1)))
    hand = Hand(rng, x_height * 1.05) if rng.random() < 0.5 else None
    ink = canvas.layer("hand", draw_colour(rng, 0.3)) if hand else layer
    left, top, right, bottom = _margins(rng, canvas)
    title = Type(rng, canvas, layer, font, "latin", x_height * 1.4)
    title.line(title.fitting(right - left), left, right, top, justified=False)
    top += 1.2 * title.em
    rows = max(2, int((bottom - top) / (body.em * float(rng.uniform(1.5, 2.2)))))
    columns = int(rng.integers(3, 7))
    step = (bottom - top) / rows
    cuts = np.concatenate([[0.0], np.sort(rng.uniform(0.1, 0.95, columns - 1)), [1.0]]) * 0.5 + np.linspace(0, 1, columns + 1) * 0.5
    edges = left + cuts * (right - left)
    thick = float(rng.uniform(1.6, 3.8))
    density = float(rng.uniform(0.5, 1))
    every_row = rng.random() < 0.6
    for row in range(rows + 1):
        if every_row or row in (0, 1, rows):
            y = top + row * step
            canvas.rule(rules, (left, y + float(rng.normal(0, 0.5))), (right, y + float(rng.normal(0, 0.5))), thick, density)
    for edge in edges:
        canvas.rule(rules, (float(edge), top), (float(edge) + float(rng.normal(0, 0.7)), bottom), thick, density)
    for row in range(rows):
        for column in range(columns):
            if rng.random() < 0.12:
                continue
            x, width = float(edges[column]) + 0.4 * body.em, float(edges[column + 1] - edges[column]) - 0.6 * body.em
            text = body.writer.title().split()[0] if row == 0 or (column == 0 and rng.random() < 0.7) else body.writer.number(5)
            if hand and row:
                text = text[: max(1, int(width / (0.95 * hand.narrow * hand.x_height)))]
            baseline = top + (row + 0.68) * step
            if hand and row:
                write_line(rng, canvas, ink, hand, [text], (x, x + width), baseline)
            elif body.width(text) < width:
                body.word(text, x if row == 0 or not text.isdigit() else x + width - body.width(text), baseline)


def form(rng: Generator, canvas: Canvas, fonts: Sequence[Font]) -> None:
    """A printed form filled in by hand, stamped: labels, dotted lines, entries, often a stamp."""
    font = draw_font(rng, fonts)
    x_height = draw_x_height(rng, 12, 22)
    layer = canvas.layer("print", draw_colour(rng, 0.7), float(rng.uniform(0, 0.4)))
    body = Type(rng, canvas, layer, font, "latin", x_height, float(rng.uniform(0.6, 1)))
    hand = Hand(rng, x_height * float(rng.uniform(0.9, 1.4)))
    ink = canvas.layer("hand", draw_colour(rng, 0.2))
    writer = Writer(rng, "latin", plain=True)
    left, top, right, bottom = _margins(rng, canvas)
    title = Type(rng, canvas, layer, font, "latin", x_height * 1.8)
    words = title.fitting(right - left)
    title.line(words, max(left, (left + right - title.width(" ".join(words))) / 2), right, top + 0.5 * title.em, justified=False)
    baseline = top + 2.4 * title.em
    step = max(2.6 * hand.x_height, body.em * float(rng.uniform(1.6, 2.6)))
    while baseline < bottom:
        label = body.writer.title().split()[0] + ":"
        start = left + body.word(label, left, baseline) + 0.5 * body.em
        if rng.random() < 0.7:
            dots = np.arange(start, right, max(3.0, 0.25 * body.em))
            canvas.discs(
                layer, np.column_stack([dots, np.full(len(dots), baseline + 2), np.full(len(dots), 0.9), np.full(len(dots), body.density)])
            )
        else:
            canvas.rule(layer, (start, baseline + 3), (right, baseline + 3), float(rng.uniform(1.5, 2.5)), body.density)
        write_line(rng, canvas, ink, hand, writer.words(int(rng.integers(1, 6))), (start + 0.5 * body.em, right), baseline)
        baseline += step
    if rng.random() < 0.8:
        stamp(rng, canvas, font)


def stamp(rng: Generator, canvas: Canvas, font: Font) -> None:
    """A round stamp of two rings, letters around and a date within, pale, ragged and unevenly inked, anywhere on the page. It is ink."""
    colours = ((0.5, 0.12, 0.12), (0.15, 0.18, 0.45), (0.35, 0.15, 0.4), (0.15, 0.15, 0.15))
    layer = canvas.layer("stamp", colours[int(rng.integers(len(colours)))], rough=0.45, gain=0.1)
    radius = float(rng.uniform(0.09, 0.16)) * min(canvas.width, canvas.height)
    cx, cy = float(rng.uniform(1.3 * radius, canvas.width - 1.3 * radius)), float(rng.uniform(1.3 * radius, canvas.height - 1.3 * radius))
    density = float(rng.uniform(0.45, 0.85))
    thick = max(1.0, radius * 0.022)
    for ring in (1.0, 0.68):
        turn = np.linspace(0, 2 * np.pi, int(2 * np.pi * radius / 0.4))
        discs = np.column_stack(
            [cx + ring * radius * np.cos(turn), cy + ring * radius * np.sin(turn), np.full(len(turn), thick), np.full(len(turn), density)]
        )
        canvas.discs(layer, discs)
    writer = Writer(rng, "latin", plain=True)
    words = " ".join(writer.title() for _ in range(4)).upper()
    sized = font.at(round(0.24 * radius * canvas.oversampling))
    angle = float(rng.uniform(0, 2 * np.pi))
    end = angle + 2 * np.pi - 0.15
    for letter in words:
        advance = float(sized.getlength(letter)) / canvas.oversampling / (0.76 * radius) * 1.15
        if angle + advance > end:
            break
        x, y = cx + 0.76 * radius * np.sin(angle), cy - 0.76 * radius * np.cos(angle)
        if letter != " ":
            canvas.text(layer, letter, sized, float(x), float(y), density, angle=-float(np.rad2deg(angle + advance / 2)))
        angle += advance
    date = f"{int(rng.integers(1, 29))}.{int(rng.integers(1, 13))}.{int(rng.integers(1870, 1960))}"
    inner = font.at(round(0.26 * radius * canvas.oversampling))
    width = float(inner.getlength(date)) / canvas.oversampling
    canvas.text(layer, date, inner, cx - width / 2, cy + 0.1 * radius, density)


Layout = Callable[[Generator, Canvas, Sequence[Font]], None]

KINDS: dict[str, tuple[Layout, float]] = {
    "typeset": (typeset, 0.42),
    "handwritten": (handwritten, 0.34),
    "hand-font": (hand_font, 0.08),
    "table": (table, 0.08),
    "form": (form, 0.08),
}
"""Kinds of pages and their shares."""
