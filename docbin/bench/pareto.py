"""Quality against time of all that ships: which method is worth its price, as a picture; made of ``docbin bench`` and the evaluated scores.

Times are processor time of a page of 2480 x 3508 pixels, so that one thread and two compare; F-measures the means of the five test years. Networks of
random weights, which ``docbin bench networks`` times as peers, have no F-measure and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

YEARS = ("dibco2011", "dibco2013", "dibco2014", "dibco2016", "dibco2017")
LEFT, TOP, WIDTH, HEIGHT, RIGHT, BELOW = 52, 16, 640, 400, 150, 40
REACH = 25.0
"""The picture ends so far below the best F-measure; what lies lower is named beside its table."""
COLOURS = {"threshold": "#2563eb", "bits": "#dc2626", "float": "#111827"}
TITLES = {"threshold": "thresholds, docbin", "bits": "networks of bits, docbin's engine", "float": "float networks"}


@dataclass(frozen=True, slots=True)
class Point:
    """A method: its label, kind (a key of ``COLOURS``), processor seconds a page and mean F-measure in percent."""

    label: str
    kind: str
    seconds: float
    fm: float


def means(scores: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Mean F-measure over the five years of every method that has all five, from rows of ``docbin evaluate``."""
    by_method: dict[str, dict[str, float]] = {}
    for row in scores:
        if row["dataset"] in YEARS:
            by_method.setdefault(row["method"], {})[row["dataset"]] = row["mean"]["fm"]
    return {method: sum(years.values()) / len(YEARS) for method, years in by_method.items() if len(years) == len(YEARS)}


def points(rows: Iterable[Mapping[str, Any]], scores: Iterable[Mapping[str, Any]]) -> list[Point]:
    """Rows of ``docbin bench methods`` and ``networks`` with their F-measures, the fastest first; of a packed network the fastest kernel level."""
    fm = means(scores)
    made: dict[str, Point] = {}
    for row in rows:
        if "runtime" in row:
            name, seconds = row["network"], row["cpu_seconds"]
            bits = row["runtime"].startswith("docbin")
            label, kind = (name, "bits") if bits else (f"{name}, {row['runtime'].split(',')[0]}", "float")
            if not bits and row["same_ink"] is not None:
                continue  # a packed network's float twin
        else:
            name, seconds = row["name"], row["ms"] / 1000
            label, kind = name, "threshold"
        if seconds is not None and name in fm and (label not in made or seconds < made[label].seconds):
            made[label] = Point(label, kind, seconds, fm[name])
    return sorted(made.values(), key=lambda point: point.seconds)


def front(of: Sequence[Point]) -> list[Point]:
    """Those that nothing quicker equals, quickest first."""
    best, kept = -math.inf, []
    for point in sorted(of, key=lambda point: (point.seconds, -point.fm)):
        if point.fm > best:
            best = point.fm
            kept.append(point)
    return kept


def show(of: Sequence[Point]) -> str:
    """The front as a Markdown table."""
    lines = ["| on the front | CPU s | mean FM |", "|---|---|---|"]
    lines += [f"| {point.label} | {point.seconds:.3f} | {point.fm:.2f} |" for point in front(of)]
    low = [f"{point.label} ({point.fm:.1f})" for point in of if point not in _seen(of)]
    return "\n".join([*lines, *(["", f"Below the picture's edge: {', '.join(low)}."] if low else [])])


def _seen(of: Sequence[Point]) -> list[Point]:
    best = max(point.fm for point in of)
    return [point for point in of if point.fm >= best - REACH]


def figure(of: Sequence[Point]) -> str:
    """The SVG: seconds on a logarithmic scale to the right, F-measure upwards, the front as a line; ValueError without any point."""
    if not of:
        raise ValueError("no method has both a time and an F-measure")
    of = _seen(of)
    low, high = 5 * math.floor(min(point.fm for point in of) / 5), 5 * math.ceil(max(point.fm for point in of) / 5)
    first = math.floor(math.log10(min(point.seconds for point in of)))
    last = max(math.ceil(math.log10(max(point.seconds for point in of))), first + 1)

    def at(point: Point) -> tuple[float, float]:
        across = (math.log10(point.seconds) - first) / (last - first)
        return LEFT + WIDTH * across, TOP + HEIGHT * (high - point.fm) / max(high - low, 5)

    size = LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW
    parts = [f'<rect width="{size[0]}" height="{size[1]}" fill="#ffffff"/>']
    for mark in range(low, high + 1, 5):
        y = TOP + HEIGHT * (high - mark) / max(high - low, 5)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{mark}</text>')
    for power in range(first, last + 1):
        x = LEFT + WIDTH * (power - first) / (last - first)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + HEIGHT}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x:.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{10.0**power:g} s</text>')
    below = TOP + HEIGHT + 32
    parts.append(
        f'<text x="{LEFT + WIDTH / 2}" y="{below}" text-anchor="middle">processor time of a page; upwards: F-measure, percent</text>'
    )
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(at, front(of)))
    parts.append(f'<polyline points="{steps}" fill="none" stroke="#9ca3af" stroke-dasharray="4 3"/>')
    for point, (x, y, anchor) in zip(of, _labels([(*at(point), point.label) for point in of]), strict=True):
        across, up = at(point)
        parts.append(f'<circle cx="{across:.1f}" cy="{up:.1f}" r="4.5" fill="{COLOURS[point.kind]}"/>')
        if abs(y - 4 - up) > 14:  # too far to be taken for its dot's
            end = x - 2 if anchor == "start" else x + 2
            parts.append(f'<line x1="{across:.1f}" x2="{end:.1f}" y1="{up:.1f}" y2="{y - 4:.1f}" stroke="#9ca3af"/>')
        label = escape(point.label)
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{COLOURS[point.kind]}">{label}</text>')
    for number, (kind, title) in enumerate(TITLES.items()):
        y = TOP + HEIGHT - 14 - 18 * number
        x = LEFT + WIDTH - 190
        parts.append(f'<circle cx="{x}" cy="{y - 4}" r="4.5" fill="{COLOURS[kind]}"/><text x="{x + 10}" y="{y}">{escape(title)}</text>')
    body = "\n".join(parts)
    frame = f'viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {frame} font-family="sans-serif" font-size="12" fill="#111827">\n{body}\n</svg>\n'


def _labels(of: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """(x, y, anchor) of the text of each (x, y, label): beside its dot, on the first side where it covers no other dot or text."""
    letter, height = 6.6, 12
    boxes = [(x - 6, y - 6, x + 6, y + 6) for x, y, _ in of]
    placed = []
    for x, y, label in of:
        wide = letter * len(label)
        sides = [(x + 8, y + 4, "start"), (x - 8, y + 4, "end"), (x + 4, y - 8, "start"), (x + 4, y + 16, "start"), (x - 4, y - 8, "end")]
        sides += [(x - 4, y + 16, "end"), *((x + 8, y + 4 + sign * shift, "start") for shift in range(20, 200, 12) for sign in (-1, 1))]
        for left, bottom, anchor in sides:
            start = left - wide if anchor == "end" else left
            box = (start, bottom - height + 3, start + wide, bottom + 3)
            if not any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in boxes):
                break
        boxes.append(box)
        placed.append((left, bottom, anchor))
    return placed
