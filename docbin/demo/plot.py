"""Benchmarks as a picture and a table: quality against seconds a page, drawn as SVG, so that it follows the theme, scales and can be read aloud.

Every point is a stop for the Tab key and says its numbers when the pointer or the focus is on it. The line joins the methods that no other one beats
in both quality and time; they alone carry their names all the time, the others would lie over each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from docbin.demo import parts
from docbin.zoo.scores import MethodScores

ALL = "all test years"
MEASURES: Mapping[str, tuple[str, str, bool]] = {
    "fm": ("F-measure", "%", True),
    "pfm": ("pseudo-F-measure", "%", True),
    "psnr": ("PSNR", "dB", True),
    "drd": ("DRD", "", False),
}
"""Score -> (its name, its unit, whether more is better)."""

_WIDTH, _HEIGHT = 780, 430
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 24, 16, 54
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a6761d")
_MARKS = (
    '<circle class="mark" r="7" fill="{0}"/>',
    '<rect class="mark" x="-6" y="-6" width="12" height="12" fill="{0}"/>',
    '<path class="mark" d="M0-8 8 6H-8Z" fill="{0}"/>',
    '<path class="mark" d="M0-9 9 0 0 9-9 0Z" fill="{0}"/>',
    '<path class="mark" d="M-7-3H-3V-7H3V-3H7V3H3V7H-3V3H-7Z" fill="{0}"/>',
)


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


def plot(shown: Sequence[Point], measure: str) -> str:
    """The SVG: `measure` over seconds a page on a logarithmic axis."""
    name, unit, more = MEASURES[measure]
    if not shown:
        return '<p class="empty">No scores came with this install.</p>'
    seconds, values = [point.mean["seconds"] for point in shown], [point.mean[measure] for point in shown]
    decades = range(math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds))) + 1)
    step = next(one for one in (1, 2, 5, 10, 20, 50, 100) if (max(values) - min(values)) / one <= 8)
    ticks = [step * k for k in range(math.floor(min(values) / step), math.ceil(max(values) / step) + 1)]

    def x(value: float) -> float:
        share = (math.log10(value) - decades[0]) / max(1, decades[-1] - decades[0])
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        share = (value - ticks[0]) / (ticks[-1] - ticks[0] or 1)
        return _HEIGHT - _BOTTOM - (share if more else 1 - share) * (_HEIGHT - _TOP - _BOTTOM)

    better = "up and left is better" + ("" if more else "; the axis is turned over, less is better")
    out = [
        f'<div class="scroll"><svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="group" aria-label="{name} against seconds a page; {better}">'
    ]
    for tick in ticks:
        out.append(f'<path class="rule" d="M{_LEFT} {y(tick):.1f}H{_WIDTH - _RIGHT}"/>')
        out.append(f'<text class="axis" x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for decade in decades:
        out.append(f'<path class="rule" d="M{x(10**decade):.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        out.append(f'<text class="axis" x="{x(10**decade):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{10.0**decade:g}</text>')
    out.append(f'<text class="axis" x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">seconds a page ({better})</text>')
    out.append(
        f'<text class="axis" transform="translate(14 {(_HEIGHT - _BOTTOM) / 2}) rotate(-90)" text-anchor="middle">{name} {unit}</text>'
    )
    best = front(shown, measure)
    line = "L".join(f"{x(point.mean['seconds']):.1f} {y(point.mean[measure]):.1f}" for point in best)
    out.append(f'<path d="M{line}" fill="none" stroke="currentColor" stroke-opacity=".45" stroke-dasharray="5 4"/>')
    kinds = list(dict.fromkeys(point.family for point in shown))
    for point in sorted(shown, key=lambda one: one in best):
        look = kinds.index(point.family) % len(_MARKS)
        across, down = x(point.mean["seconds"]), y(point.mean[measure])
        out.append(_drawn(point, _MARKS[look].format(_COLOURS[look]), across, down, f"{name} {point.mean[measure]:.2f}", point in best))
    keys = "".join(
        f'<li><svg width="20" height="20" viewBox="-10 -10 20 20" aria-hidden="true">{_MARKS[at % 5].format(_COLOURS[at % 5])}</svg>'
        f"<span>{escape(kind)}</span></li>"
        for at, kind in enumerate(kinds)
    )
    return "".join(out) + f'</svg></div><ul class="keys" aria-label="Legend">{keys}</ul>'


def _drawn(point: Point, mark: str, across: float, down: float, value: str, named: bool) -> str:
    """A point with what it says; the words stay inside the picture."""
    told = f"{value}, {point.mean['seconds']:.3g} s a page"
    right = across < _WIDTH - 230
    anchor, offset = ("start", 14) if right else ("end", -14)
    label = f'<text x="{offset}" y="4" text-anchor="{anchor}">{escape(point.method)}</text>' if named else ""
    wide = 7.2 * max(len(told), len(point.method)) + 20
    left, top = (14 if right else -14 - wide), (-58 if down > _TOP + 60 else 12)
    box = (
        f'<g class="told"><rect x="{left:.0f}" y="{top}" width="{wide:.0f}" height="46" rx="5"/>'
        f'<text x="{left + 10:.0f}" y="{top + 19}" font-weight="700">{escape(point.method)}</text>'
        f'<text x="{left + 10:.0f}" y="{top + 37}">{told}</text></g>'
    )
    said = escape(f"{point.method}, {point.family}: {told}", quote=True)
    return f'<g class="point" tabindex="0" role="img" aria-label="{said}" transform="translate({across:.1f} {down:.1f})">{mark}{label}{box}</g>'


def table(shown: Sequence[Point], measure: str, caption: str) -> str:
    """The same numbers as a table, best first; the best of a column is bold."""
    if not shown:
        return ""
    sign = -1 if MEASURES[measure][2] else 1
    rows = sorted(shown, key=lambda point: sign * point.mean[measure])
    cells = [[point.method, *(f"{point.mean[key]:.2f}" for key in MEASURES), f"{point.mean['seconds']:.3g}"] for point in rows]
    best = set()
    for column, key in enumerate(MEASURES, 1):
        values = [point.mean[key] for point in rows]
        top = max(values) if MEASURES[key][2] else min(values)
        best |= {(row, column) for row, value in enumerate(values) if value == top}
    heads = ["method", *(f"{name} {unit}".strip() for name, unit, _ in MEASURES.values()), "s a page"]
    return parts.table(caption, heads, cells, best)
