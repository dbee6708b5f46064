"""Benchmarks as a picture and a table: quality against seconds a page, drawn as SVG, so that it follows the theme, scales and can be read aloud.

Every point is a stop for the Tab key and says its numbers when the pointer or the focus is on it (``page.js`` puts them above all points). The line
joins the methods that no other one beats in both quality and time; they alone carry their names all the time, where there is room for them. The few
that are far worse than most stand on the lower edge, with a sentence: a picture that reached down to them would squeeze all others together.
It is drawn in two shapes, of which ``page.css`` shows the one that fits: letters of a wide screen's picture are too small to read on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from docbin.benchmarks.shipped_scores import MethodScores
from docbin.demo import parts

ALL = "all test years"
MEASURES: Mapping[str, tuple[str, str, bool]] = {
    "fm": ("F-measure", "%", True),
    "pfm": ("pseudo-F-measure", "%", True),
    "psnr": ("PSNR", "dB", True),
    "drd": ("DRD", "", False),
}
"""Score -> (its name, its unit, whether more is better)."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 24, 16, 54
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a6761d")
_MARKS = (
    '<circle class="mark" r="7" fill="{0}"/>',
    '<rect class="mark" x="-6" y="-6" width="12" height="12" fill="{0}"/>',
    '<path class="mark" d="M0-8 8 6H-8Z" fill="{0}"/>',
    '<path class="mark" d="M0-9 9 0 0 9-9 0Z" fill="{0}"/>',
    '<path class="mark" d="M-7-3H-3V-7H3V-3H7V3H3V7H-3V3H-7Z" fill="{0}"/>',
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A picture's CSS class, width and height, in units of a thirteenth of its letters' size."""

    name: str
    width: int
    height: int


WIDE, NARROW = Shape("on-desk", 780, 430), Shape("on-phone", 370, 380)
SHAPES = (WIDE, NARROW)


@dataclass(frozen=True, slots=True)
class Point:
    """A method's means: over a dataset's pages, or over the datasets."""

    method: str
    family: str
    mean: Mapping[str, float]


def points(scores: Sequence[MethodScores], dataset: str, families: Mapping[str, str]) -> list[Point]:
    """The methods of a dataset; for :data:`ALL` the mean of the datasets' means, of the methods that have them all."""
    wanted = list(dict.fromkeys(row.dataset for row in scores)) if dataset == ALL else [dataset]
    found = []
    for method in dict.fromkeys(row.method for row in scores):
        rows = [row for row in scores if row.method == method and row.dataset in wanted]
        if len(rows) != len(wanted):
            continue
        means = {key: [row.mean[key] for row in rows] for key in (*MEASURES, "seconds")}
        if all(value is not None for values in means.values() for value in values):
            mean = {key: math.fsum(value for value in values if value is not None) / len(rows) for key, values in means.items()}
            found.append(Point(method, families.get(method, "learned"), mean))
    return found


def front(shown: Sequence[Point], measure: str) -> list[Point]:
    """The methods, fastest first, that no other one beats in both time and quality."""
    sign = 1 if MEASURES[measure][2] else -1
    best: list[Point] = []
    for point in sorted(shown, key=lambda one: (one.mean["seconds"], -sign * one.mean[measure])):
        if not best or sign * point.mean[measure] > sign * best[-1].mean[measure]:
            best.append(point)
    return best


def plot(shown: Sequence[Point], measure: str, shape: Shape = WIDE) -> str:
    """The SVG: `measure` over seconds a page on a logarithmic axis."""
    name, unit, more = MEASURES[measure]
    width, height = shape.width, shape.height
    if not shown:
        return '<p class="empty">No scores came with this install.</p>'
    seconds, values = [point.mean["seconds"] for point in shown], [point.mean[measure] for point in shown]
    decades = range(math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds))) + 1)
    near = _near(values, more)
    step = next(one for one in (1, 2, 5, 10, 20, 50, 100) if (max(near) - min(near)) / one <= 8)
    low, high = math.floor(min(near) / step), math.ceil(max(near) / step)
    if len(near) < len(values):  # the edge is for the others
        low, high = (low - 1, high) if more else (low, high + 1)
    ticks = [step * k for k in range(low, high + 1)]
    far = [point for point in shown if not ticks[0] <= point.mean[measure] <= ticks[-1]]

    def x(value: float) -> float:
        share = (math.log10(value) - decades[0]) / max(1, decades[-1] - decades[0])
        return _LEFT + share * (width - _LEFT - _RIGHT)

    def y(value: float) -> float:
        share = (min(max(value, ticks[0]), ticks[-1]) - ticks[0]) / (ticks[-1] - ticks[0] or 1)
        return height - _BOTTOM - (share if more else 1 - share) * (height - _TOP - _BOTTOM)

    better = "Up and left is better" + ("." if more else f": the upright axis is turned over, for less {name} is better.")
    out = [f'<svg class="plot" viewBox="0 0 {width} {height}" role="group" aria-label="{name} against seconds a page. {better}">']
    for tick in ticks:
        out.append(f'<path class="rule" d="M{_LEFT} {y(tick):.1f}H{width - _RIGHT}"/>')
        out.append(f'<text class="axis" x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for decade in decades:
        out.append(f'<path class="rule" d="M{x(10**decade):.1f} {_TOP}V{height - _BOTTOM}"/>')
        out.append(f'<text class="axis" x="{x(10**decade):.1f}" y="{height - _BOTTOM + 18}" text-anchor="middle">{10.0**decade:g}</text>')
    out.append(f'<text class="axis" x="{(_LEFT + width) / 2}" y="{height - 8}" text-anchor="middle">seconds a page</text>')
    out.append(
        f'<text class="axis" transform="translate(14 {(height - _BOTTOM) / 2}) rotate(-90)" text-anchor="middle">{name} {unit}</text>'
    )
    best = front(shown, measure)
    line = "L".join(f"{x(point.mean['seconds']):.1f} {y(point.mean[measure]):.1f}" for point in best)
    out.append(f'<path d="M{line}" fill="none" stroke="currentColor" stroke-opacity=".45" stroke-dasharray="5 4"/>')
    kinds = list(dict.fromkeys(point.family for point in shown))
    places = {point.method: (x(point.mean["seconds"]), y(point.mean[measure])) for point in shown}
    named = _with_room(best, places, width)
    for point in sorted(shown, key=lambda one: one in best):
        look = kinds.index(point.family) % len(_MARKS)
        across, down = places[point.method]
        out.append(
            _drawn(point, _MARKS[look].format(_COLOURS[look]), across, down, f"{name} {point.mean[measure]:.2f}", point in named, width)
        )
    keys = "".join(
        f'<li><svg width="20" height="20" viewBox="-10 -10 20 20" aria-hidden="true">{_MARKS[at % 5].format(_COLOURS[at % 5])}</svg>'
        f"<span>{escape(kind.capitalize())}</span></li>"
        for at, kind in enumerate(kinds)
    )
    if far:
        worst = ", ".join(f"{escape(point.method)} {point.mean[measure]:.1f}" for point in far)
        better += f" Far worse than most, and so on the lower edge: {worst}."
    return "".join(out) + f'</svg><ul class="keys" aria-label="Legend">{keys}</ul><p class="help">{better}</p>'


def _near(values: Sequence[float], more: bool) -> list[float]:
    """The values that are at most three times as far from the best as the middle one is."""
    ranked = sorted(values, reverse=more)
    reach = 3 * abs(ranked[len(ranked) // 2] - ranked[0])
    return [value for value in ranked if abs(value - ranked[0]) <= reach]


def _with_room(best: Sequence[Point], places: Mapping[str, tuple[float, float]], width: int) -> list[Point]:
    """Those of `best` whose name, beside its mark, lies on no other mark and no other name; the best ones choose first."""
    taken: list[tuple[float, float, float, float]] = []
    named = []
    for point in reversed(best):
        across, down = places[point.method]
        wide = 7.2 * len(point.method)
        left = across + 12 if across < width - 100 else across - 12 - wide
        box = (left, down - 8, left + wide, down + 8)
        marks = [(x - 7, y - 7, x + 7, y + 7) for method, (x, y) in places.items() if method != point.method]
        if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken + marks):
            taken.append(box)
            named.append(point)
    return named


def _drawn(point: Point, mark: str, across: float, down: float, value: str, named: bool, width: int) -> str:
    """A point with what it says; the words stay inside the picture."""
    scores = f"{value}, {point.mean['seconds']:.3g} s a page"
    anchor, offset = ("start", 14) if across < width - 100 else ("end", -14)
    label = f'<text x="{offset}" y="4" text-anchor="{anchor}">{escape(point.method)}</text>' if named else ""
    wide = 7.2 * max(len(scores), len(point.method)) + 20
    left, top = min(max(14.0, 4 - across), width - across - wide - 4), (-58 if down > _TOP + 60 else 12)
    box = (
        f'<g class="details"><rect x="{left:.0f}" y="{top}" width="{wide:.0f}" height="46" rx="5"/>'
        f'<text x="{left + 10:.0f}" y="{top + 19}" font-weight="700">{escape(point.method)}</text>'
        f'<text x="{left + 10:.0f}" y="{top + 37}">{scores}</text></g>'
    )
    said = escape(f"{point.method}, {point.family}: {scores}", quote=True)
    return f'<g class="point" tabindex="0" role="img" aria-label="{said}" transform="translate({across:.1f} {down:.1f})">{mark}{label}{box}</g>'


def table(shown: Sequence[Point], measure: str, caption: str) -> str:
    """The same numbers as a table, best first; the best of a column is bold."""
    if not shown:
        return ""
    sign = -1 if MEASURES[measure][2] else 1
    rows = sorted(shown, key=lambda point: sign * point.mean[measure])
    cells = [[point.method, *(f"{point.mean[key]:.2f}" for key in MEASURES), f"{point.mean['seconds']:.3g}"] for point in rows]
    keys = [*MEASURES, "seconds"]
    best = parts.best_cells([[point.mean[key] for point in rows] for key in keys], [more for _, _, more in MEASURES.values()] + [False])
    return parts.table(caption, ["method", "FM %", "pFM %", "PSNR dB", "DRD", "s a page"], cells, best)
