"""Pages with drawings among their text: what is drawn in ink is ink, though nobody reads it.

A network that learned from contests' pages saw letters alone. One that is asked where writing is takes a figure for none, and so loses it.

* ``engraving``: an outlined shape, shaded by hatching that follows it, in print with a caption;
* ``diagram``: boxes and circles joined by arrows, with labels;
* ``plot``: axes with ticks, curves, bars that are filled, hatched or empty;
* ``music``: staves with notes, some of them beamed, and words below;
* ``ornament``: a frame, an initial, rosettes and rules of printers between lines of print;
* ``map``: contour lines, a coast, a river, names of places;
* ``sketch``: a drawing by hand, in the ink of the notes around it.

The functions are rows of :data:`FIGURE_KINDS`; :mod:`docbin.synth.page.failing_kinds` renders them beside its own. The weak part is the figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.page import FloatMap
from docbin.synth.page import page_layout
from docbin.synth.page.canvas import Canvas, Layer
from docbin.synth.page.handwriting import Hand
from docbin.synth.page.writing_on_paper import (
    PENCIL,
    FailingPage,
    Setting,
    blackened,
    dark_colour,
    grey_of,
    seen,
    shown_on,
)
from docbin.synth.pseudo_text import Writer

Box = tuple[float, float, float, float]
Points = NDArray[np.float64]
FIGURE = "figure"
"""The layer that figures are drawn on."""


class Pen:
    """Draws lines and shapes on a layer of a canvas, in final pixels; positions are (x, y)."""

    def __init__(self, canvas: Canvas, layer: Layer) -> None:
        self.canvas, self.layer = canvas, layer
        self._scale = 16 * canvas.oversampling  # cv2 takes positions in sixteenths of a point

    def _whole(self, points: Points) -> NDArray[np.int32]:
        return np.rint(np.asarray(points) * self._scale).astype(np.int32)

    def line(self, points: Points | Sequence[tuple[float, float]], thick: float, closed: bool = False) -> None:
        """A line from point to point, `thick` pixels wide."""
        import cv2

        wide = max(1, round(thick * self.canvas.oversampling))
        cv2.polylines(self.layer.ink, [self._whole(np.asarray(points, np.float64))], closed, 255, wide, cv2.LINE_8, 4)

    def filled(self, points: Points | Sequence[tuple[float, float]], value: int = 255) -> None:
        """A filled outline; 0 clears it."""
        import cv2

        cv2.fillPoly(self.layer.ink, [self._whole(np.asarray(points, np.float64))], value, cv2.LINE_8, 4)

    def round(self, centre: tuple[float, float], radii: tuple[float, float], thick: float, angle: float = 0.0) -> None:
        """An ellipse, turned by `angle` radians; filled where `thick` is 0."""
        outline = _ellipse(centre, radii, angle)
        if thick:
            self.line(outline, thick, closed=True)
        else:
            self.filled(outline)


def _ellipse(centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0) -> Points:
    at = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    x, y = radii[0] * np.cos(at), radii[1] * np.sin(at)
    return np.column_stack([centre[0] + x * np.cos(angle) - y * np.sin(angle), centre[1] + x * np.sin(angle) + y * np.cos(angle)])


def _blob(rng: Generator, centre: tuple[float, float], radii: tuple[float, float], lumps: float = 0.25) -> Points:
    """A smooth closed outline around a centre."""
    at = np.linspace(0, 2 * np.pi, 160, endpoint=False)
    far = np.ones_like(at)
    for wave in range(2, 7):
        far += lumps / wave * 2 * rng.normal() * np.cos(wave * at + rng.uniform(0, 6.3))
    far = np.clip(far, 0.35, 1.7)
    return np.column_stack([centre[0] + radii[0] * far * np.cos(at), centre[1] + radii[1] * far * np.sin(at)])


def _curve(rng: Generator, start: tuple[float, float], end: tuple[float, float], bend: float) -> Points:
    """A smooth way from point to point that strays from the straight one by `bend` of its length."""
    along = np.linspace(0, 1, 60)[:, None]
    way = np.asarray(start) + along * (np.asarray(end) - np.asarray(start))
    side = np.asarray([-(end[1] - start[1]), end[0] - start[0]])
    stray = sum(rng.normal() / wave * np.sin(np.pi * wave * along) for wave in (1, 2, 3))
    return np.asarray(way + bend * stray * side, np.float64)


def _clouds(rng: Generator, height: int, width: int, scale: float) -> FloatMap:
    """Smooth noise with lumps of some `scale` pixels."""
    import cv2

    coarse = rng.standard_normal((int(height / scale) + 3, int(width / scale) + 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _engraving(rng: Generator, pen: Pen, box: Box) -> None:
    left, top, right, bottom = box
    fine = float(rng.uniform(0.9, 1.8))
    for _ in range(int(rng.integers(1, 4))):
        centre = (float(rng.uniform(0.25, 0.75)) * (right - left) + left, float(rng.uniform(0.25, 0.75)) * (bottom - top) + top)
        radii = (float(rng.uniform(0.15, 0.42)) * (right - left), float(rng.uniform(0.15, 0.42)) * (bottom - top))
        outline = _blob(rng, centre, radii)
        pen.filled(outline, 0)
        _hatched(rng, pen, outline, float(rng.uniform(3, 8)), fine, crossed=rng.random() < 0.4)
        pen.line(outline, fine * float(rng.uniform(1, 2)), closed=True)
        for _ in range(int(rng.integers(0, 6))):
            ends = outline[rng.integers(len(outline), size=2)]
            pen.line(_curve(rng, (ends[0][0], ends[0][1]), (ends[1][0], ends[1][1]), 0.2), fine)
    if rng.random() < 0.4:
        pen.line([(left, top), (right, top), (right, bottom), (left, bottom)], 2 * fine, closed=True)


def _hatched(rng: Generator, pen: Pen, outline: Points, apart: float, thick: float, *, crossed: bool) -> None:
    """Lines within an outline that swell and end where light would fall."""
    import cv2

    inside = np.zeros((pen.canvas.height, pen.canvas.width), np.uint8)
    cv2.fillPoly(inside, [np.rint(outline).astype(np.int32)], 1)
    shade = _clouds(rng, *inside.shape, 60.0)
    low, high = outline.min(axis=0), outline.max(axis=0)
    middle, reach = (low + high) / 2, float(np.hypot(*(high - low))) / 2
    bend = float(rng.uniform(-0.25, 0.25))
    for angle in (float(rng.uniform(0, np.pi)), float(rng.uniform(0, np.pi)))[: 2 if crossed else 1]:
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        for offset in np.arange(-reach, reach, apart):
            at = np.linspace(-reach, reach, max(8, int(reach)))
            way = middle + at[:, None] * along + (offset + bend * reach * (1 - (at / reach) ** 2))[:, None] * across
            column, row = np.rint(way).astype(int).T
            there = (row >= 0) & (row < inside.shape[0]) & (column >= 0) & (column < inside.shape[1])
            there[there] = (inside[row[there], column[there]] > 0) & (shade[row[there], column[there]] > -0.5)
            for piece in np.split(np.arange(len(way)), np.flatnonzero(np.diff(there.astype(int))) + 1):
                if there[piece[0]] and len(piece) > 2:
                    pen.line(way[piece], thick * float(rng.uniform(0.7, 1.3)))


def _labelled(rng: Generator, type_: page_layout.Type, box: Box) -> None:
    """A word or two in the middle of a box, where they fit."""
    left, top, right, bottom = box
    text = type_.fitting(0.85 * (right - left))
    if text and bottom - top > type_.em:
        type_.line(text, left + 0.08 * (right - left), right, (top + bottom) / 2 + 0.3 * type_.em, justified=False)


def _arrow(pen: Pen, start: tuple[float, float], end: tuple[float, float], thick: float) -> None:
    pen.line([start, end], thick)
    way = np.asarray(end) - np.asarray(start)
    length = float(np.hypot(*way))
    if length < 8:
        return
    unit = way / length
    side, size = np.array([-unit[1], unit[0]]), 4 * thick + 3
    pen.filled([end, tuple(end - size * unit + size * 0.45 * side), tuple(end - size * unit - size * 0.45 * side)])


def _diagram(rng: Generator, pen: Pen, box: Box, type_: page_layout.Type) -> None:
    left, top, right, bottom = box
    thick = float(rng.uniform(1.0, 3.0))
    rows, columns = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    wide, tall = (right - left) / columns, (bottom - top) / rows
    places = [(left + (k % columns + 0.5) * wide, top + (k // columns + 0.5) * tall) for k in range(rows * columns) if rng.random() < 0.85]
    joined = [(one, other) for k, one in enumerate(places) for other in places[k + 1 : k + 3]]
    for one, other in joined:
        start, end = np.asarray(one), np.asarray(other)
        trim = 0.5 * min(wide, tall) / max(float(np.hypot(*(end - start))), 1.0)
        if trim < 0.45:
            a, b = start + trim * (end - start), end - trim * (end - start)
            _arrow(pen, (float(a[0]), float(a[1])), (float(b[0]), float(b[1])), thick)
    for x, y in places:
        half = (float(rng.uniform(0.25, 0.38)) * wide, float(rng.uniform(0.2, 0.36)) * tall)
        if rng.random() < 0.65:
            corners = [(x - half[0], y - half[1]), (x + half[0], y - half[1]), (x + half[0], y + half[1]), (x - half[0], y + half[1])]
            pen.line(corners, thick, closed=True)
        else:
            pen.round((x, y), half, thick)
        _labelled(rng, type_, (x - half[0], y - half[1], x + half[0], y + half[1]))


def _plot(rng: Generator, pen: Pen, box: Box, type_: page_layout.Type) -> None:
    left, top, right, bottom = box
    thick = float(rng.uniform(1.0, 2.5))
    pen.line([(left, top), (left, bottom), (right, bottom)], thick)
    for share in np.linspace(0.1, 0.95, int(rng.integers(4, 10))):
        x, y = left + share * (right - left), bottom - share * (bottom - top)
        pen.line([(x, bottom), (x, bottom + 6)], thick)
        pen.line([(left - 6, y), (left, y)], thick)
    if rng.random() < 0.5:
        count = int(rng.integers(3, 9))
        wide = (right - left) / (1.6 * count)
        for k in range(count):
            x, high = left + (1.6 * k + 0.4) * wide, float(rng.uniform(0.1, 0.95)) * (bottom - top)
            corners = np.array([(x, bottom - high), (x + wide, bottom - high), (x + wide, bottom), (x, bottom)])
            style = str(rng.choice(["full", "hatched", "empty"]))
            if style == "full":
                pen.filled(corners)
            elif style == "hatched":
                _hatched(rng, pen, corners, float(rng.uniform(4, 8)), 1.2, crossed=False)
            pen.line(corners, thick, closed=True)
    else:
        for _ in range(int(rng.integers(1, 4))):
            y = rng.uniform(0.1, 0.9, 2) * (bottom - top)
            way = _curve(rng, (left, bottom - float(y[0])), (right, bottom - float(y[1])), 0.25)
            way[:, 1] = np.clip(way[:, 1], top, bottom)
            pen.line(way, thick * float(rng.uniform(0.8, 1.6)))
            if rng.random() < 0.4:
                for point in way[:: int(rng.integers(5, 12))]:
                    pen.round((float(point[0]), float(point[1])), (3.0, 3.0), 0)
    _labelled(rng, type_, (left + 0.3 * (right - left), bottom + 8, right, bottom + 8 + 2 * type_.em))


def _music(rng: Generator, pen: Pen, box: Box, type_: page_layout.Type) -> None:
    left, top, right, bottom = box
    apart = float(rng.uniform(6, 12))
    thin, y = float(rng.uniform(0.9, 1.8)), top + 3 * apart
    while y + 8 * apart < bottom:
        for line in range(5):
            pen.line([(left, y + line * apart), (right, y + line * apart)], thin)
        x, beam = left + 4 * apart, 0
        heads: list[tuple[float, float]] = []
        while x < right - apart:
            place = y + float(rng.integers(-1, 10)) * apart / 2
            pen.round((x, place), (0.62 * apart, 0.45 * apart), 0 if rng.random() < 0.75 else thin * 1.5, -0.3)
            stem = place - 3.4 * apart if place > y + 2 * apart else place + 3.4 * apart
            side = x + (0.58 if stem < place else -0.58) * apart
            pen.line([(side, place), (side, stem)], thin * 1.2)
            heads.append((side, stem))
            beam += 1
            if beam >= int(rng.integers(2, 5)):
                if rng.random() < 0.5:
                    pen.line(heads, 0.45 * apart)
                heads, beam = [], 0
            if rng.random() < 0.15:
                x += 1.5 * apart
                pen.line([(x, y), (x, y + 4 * apart)], thin * 1.3)
            x += float(rng.uniform(1.8, 4)) * apart
        type_.line(type_.fill(right - left - 2 * type_.em), left, right, y + 4 * apart + 1.6 * type_.em, justified=False)
        y += 4 * apart + 3.2 * type_.em + 3 * apart


def _ornament(rng: Generator, pen: Pen, box: Box) -> None:
    left, top, right, bottom = box
    thick = float(rng.uniform(1.0, 3.0))
    middle = ((left + right) / 2, (top + bottom) / 2)
    reach = 0.45 * min(right - left, bottom - top)
    at = np.linspace(0, 2 * np.pi, 900)
    petals, inner = int(rng.integers(3, 13)), float(rng.uniform(0.2, 0.8))
    for share in (1.0, float(rng.uniform(0.4, 0.8))):
        far = reach * share * (inner + (1 - inner) * np.abs(np.cos(petals * at / 2)))
        pen.line(np.column_stack([middle[0] + far * np.cos(at), middle[1] + far * np.sin(at)]), thick)
    if rng.random() < 0.5:
        pen.round(middle, (0.15 * reach, 0.15 * reach), 0)
    for side in (-1, 1):
        start = (middle[0] + side * reach, middle[1])
        end = (middle[0] + side * 0.48 * (right - left), middle[1])
        if abs(end[0] - start[0]) > 10:
            pen.line(_curve(rng, start, end, 0.15), thick * 1.5)
    if rng.random() < 0.6:
        gap = float(rng.uniform(3, 9))
        for inset in (0.0, gap)[: int(rng.integers(1, 3))]:
            corners = [
                (left + inset, top + inset),
                (right - inset, top + inset),
                (right - inset, bottom - inset),
                (left + inset, bottom - inset),
            ]
            pen.line(corners, thick * (2 if inset else 1), closed=True)


def _map(rng: Generator, pen: Pen, box: Box, type_: page_layout.Type) -> None:
    import cv2

    left, top, right, bottom = box
    land = _clouds(rng, int(bottom - top), int(right - left), float(rng.uniform(60, 160)))
    fine = float(rng.uniform(0.9, 1.6))
    for level in np.arange(-1.5, 1.6, float(rng.uniform(0.15, 0.4))):
        outlines, _ = cv2.findContours((land > level).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        for outline in outlines:
            if len(outline) > 30:
                pen.line(outline[::2, 0] + np.array([left, top]), fine * (2 if abs(level) < 0.1 else 1), closed=True)
    for _ in range(int(rng.integers(1, 4))):
        ends = [(float(rng.uniform(left, right)), top), (float(rng.uniform(left, right)), bottom)]
        pen.line(_curve(rng, ends[0], ends[1], 0.15), 2 * fine)
    for _ in range(int(rng.integers(3, 10))):
        x, y = float(rng.uniform(left, right - 0.25 * (right - left))), float(rng.uniform(top + type_.em, bottom))
        type_.line(type_.fitting(0.2 * (right - left)), x, right, y, justified=False)
        pen.round((x - 6, y - 4), (3.0, 3.0), float(rng.choice([0.0, 1.2])))


def _sketch(rng: Generator, pen: Pen, box: Box) -> None:
    left, top, right, bottom = box
    hand = Hand(rng, page_layout.draw_x_height(rng, 12, 24))
    count = int(rng.integers(4, 14))
    xs, ys = rng.uniform(left, right, count), rng.uniform(top, bottom, count)
    for k in range(count - 1):
        way = _curve(rng, (float(xs[k]), float(ys[k])), (float(xs[k + 1]), float(ys[k + 1])), float(rng.uniform(0, 0.3)))
        for a, b in zip(way[:-12:12], way[12::12], strict=False):
            pen.canvas.discs(pen.layer, hand.line((float(a[0]), float(a[1])), (float(b[0]), float(b[1]))))
    for _ in range(int(rng.integers(0, 3))):
        centre = (float(rng.uniform(left, right)), float(rng.uniform(top, bottom)))
        outline = _blob(rng, centre, (float(rng.uniform(15, 80)), float(rng.uniform(15, 80))))
        pen.line(outline, float(rng.uniform(1.2, 3)), closed=True)
        if rng.random() < 0.5:
            _hatched(rng, pen, outline, float(rng.uniform(5, 12)), 1.4, crossed=False)


def _text_around(setting: Setting, canvas: Canvas, box: Box, type_: page_layout.Type, *, by_hand: bool) -> None:
    """Lines above and below a box, in print or by hand."""
    rng, (height, width) = setting.rng, setting.shape
    layer, hand = type_.layer, Hand(rng, 0.5 * type_.em)
    writer = Writer(rng, "latin", plain=True)
    left, right = 0.06 * width, 0.95 * width
    for top, bottom in ((0.03 * height, box[1] - type_.em), (box[3] + 0.6 * type_.em, 0.97 * height)):
        baseline = top + type_.em
        while baseline < bottom:
            if by_hand:
                page_layout.write_line(rng, canvas, layer, hand, writer.words(12), (left, right), baseline, 0.0)
            else:
                type_.line(type_.fill(right - left - 2 * type_.em), left, right, baseline, justified=False)
            baseline += type_.em * float(rng.uniform(1.2, 1.6)) * (1.3 if by_hand else 1.0)


def _page_with(draw: Callable[[Generator, Pen, Box, page_layout.Type], None], *, by_hand: bool = False) -> Callable[[Setting], FailingPage]:
    def page(setting: Setting) -> FailingPage:
        rng, (height, width) = setting.rng, setting.shape
        text, figure = Canvas(height, width), Canvas(height, width)
        x_height = page_layout.draw_x_height(rng, 9, 20)
        type_ = page_layout.Type(rng, text, text.layer("text", (0, 0, 0)), page_layout.draw_font(rng, setting.fonts), "latin", x_height)
        pen = Pen(figure, figure.layer(FIGURE, (0, 0, 0), rough=float(rng.uniform(0, 0.3))))
        top = float(rng.uniform(0.05, 0.4)) * height
        box = (
            float(rng.uniform(0.06, 0.3)) * width,
            top,
            float(rng.uniform(0.7, 0.95)) * width,
            min(0.93 * height, top + float(rng.uniform(0.3, 0.6)) * height),
        )
        draw(rng, pen, box, type_)
        if rng.random() < 0.8:
            _text_around(setting, text, box, type_, by_hand=by_hand)
        softness = float(rng.uniform(0.4, 1.0))
        sheet = setting.paper((190, 250))
        tone = PENCIL[int(rng.integers(len(PENCIL)))]
        pale = rng.random() < 0.35
        drawn, read = seen(blackened(figure, dark_colour(rng)), rng, softness), seen(blackened(text, dark_colour(rng)), rng, softness)
        if pale:
            share = float(rng.uniform(60, 140)) / grey_of(sheet)
            drawn = drawn.at_contrast(share, tone)
            read = read.at_contrast(share * float(rng.uniform(0.8, 1.2)), tone)
        return FailingPage(shown_on(sheet, drawn.passing * read.passing), drawn.truth | read.truth, drawn.truth)

    return page


FIGURE_KINDS: dict[str, Callable[[Setting], FailingPage]] = {
    "engraving": _page_with(lambda rng, pen, box, _: _engraving(rng, pen, box)),
    "diagram": _page_with(_diagram),
    "plot": _page_with(_plot),
    "music": _page_with(_music),
    "ornament": _page_with(lambda rng, pen, box, _: _ornament(rng, pen, box)),
    "map": _page_with(_map),
    "sketch": _page_with(lambda rng, pen, box, _: _sketch(rng, pen, box), by_hand=True),
}
"""Kinds of pages: name -> what renders one."""
