"""The verdict without a truth (:mod:`docbin.assessment`) beside the truth: a scatter plot of a report, as SVG that needs nothing from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

SIDE = 340
"""Pixels of the plot's square."""
_LEFT, _TOP, _BELOW = 44, 12, 40
COLOURS = ("#00558f", "#c2571a", "#2b7a3f", "#8a3ab9", "#7a6a00", "#b3005e", "#007a7a", "#5c4a3d")
SHAPES = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True, slots=True)
class Point:
    """A page of a method: F-measure by the truth and by the verdict, both in percent."""

    page: str
    method: str
    truth: float
    verdict: float
    reasons: tuple[str, ...] = ()


def scatter(points: Sequence[Point]) -> str:
    """A figure of HTML: across the F-measure, up the expected one; nothing where there is no point.

    A point on the diagonal was judged right; below it, the verdict was too low. Colour and shape tell methods apart; a point's title names its page.
    """
    if not points:
        return ""
    methods = list(dict.fromkeys(point.method for point in points))
    low = 10.0 * int(min(90.0, *(min(point.truth, point.verdict) for point in points)) // 10)
    scale = SIDE / (100.0 - low)

    def across(value: float) -> float:
        return _LEFT + (value - low) * scale

    def up(value: float) -> float:
        return _TOP + SIDE - (value - low) * scale

    parts = [f'<rect x="{_LEFT}" y="{_TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="var(--line)"/>']
    step = 10 if low >= 50 else 20
    for mark in range(int(low), 101, step):
        parts.append(f'<line x1="{across(mark):.1f}" x2="{across(mark):.1f}" y1="{_TOP}" y2="{_TOP + SIDE}" stroke="var(--line)"/>')
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + SIDE}" y1="{up(mark):.1f}" y2="{up(mark):.1f}" stroke="var(--line)"/>')
        parts.append(f'<text x="{across(mark):.1f}" y="{_TOP + SIDE + 16}" text-anchor="middle">{mark}</text>')
        parts.append(f'<text x="{_LEFT - 6}" y="{up(mark) + 4:.1f}" text-anchor="end">{mark}</text>')
    parts.append(
        f'<line x1="{across(low):.1f}" y1="{up(low):.1f}" x2="{across(100):.1f}" y2="{up(100):.1f}" stroke="var(--soft)" stroke-dasharray="4 4"/>'
    )
    for point in points:
        place = methods.index(point.method)
        title = f"{point.page}, {point.method}: FM {point.truth:.1f}, expected {point.verdict:.1f}" + "".join(
            f"; {one}" for one in point.reasons
        )
        parts.append(_mark(across(point.truth), up(point.verdict), place, title))
    parts.append(f'<text x="{_LEFT + SIDE / 2}" y="{_TOP + SIDE + 34}" text-anchor="middle">F-measure by the truth</text>')
    parts.append(
        f'<text x="12" y="{_TOP + SIDE / 2}" text-anchor="middle" transform="rotate(-90 12 {_TOP + SIDE / 2})">expected without it</text>'
    )
    width, height = _LEFT + SIDE + 12, _TOP + SIDE + _BELOW
    drawing = (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="F-measure by the truth, and as expected without it" class="verdicts">{"".join(parts)}</svg>'
    )
    keys = " ".join(f'<span class="key">{_key(place)}{html.escape(method)}</span>' for place, method in enumerate(methods))
    error = sum(abs(point.truth - point.verdict) for point in points) / len(points)
    told = f"The verdict without a truth: off by {error:.1f} points of F-measure in the mean of {len(points)} results. {keys}"
    return f'<figure class="verdict">{drawing}<figcaption>{told}</figcaption></figure>'


def _mark(x: float, y: float, place: int, title: str) -> str:
    colour, shape = COLOURS[place % len(COLOURS)], SHAPES[place % len(SHAPES)]
    style = f'fill="{colour}" fill-opacity=".75"'
    inside = f"<title>{html.escape(title)}</title>" if title else ""
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {style}>{inside}</circle>'
    corners = {
        "square": ((-4, -4), (4, -4), (4, 4), (-4, 4)),
        "diamond": ((0, -6), (6, 0), (0, 6), (-6, 0)),
        "triangle": ((0, -5.5), (5.5, 4.5), (-5.5, 4.5)),
    }[shape]
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" {style}>{inside}</polygon>'


def _key(place: int) -> str:
    return f'<svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">{_mark(0, 0, place, "")}</svg> '
