"""The comparison of 1-bit methods as a table and a figure, from the rows of ``scripts/compare_quantizers.py``.

A row there is one training run; here a line is one method, the mean over its seeds. The figure is plain SVG text: one file, no plotting library.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A method over its seeds: F-measures in percent, best of the mean first in :func:`lines`."""

    method: str
    deployment: str
    fms: tuple[float, ...]
    degraded: Mapping[str, float]
    first: Row

    @property
    def fm(self) -> float:
        """Mean F-measure of the windows as they are."""
        return fmean(self.fms)


def lines(rows: Iterable[Row]) -> list[Line]:
    """A line a method, best first."""
    by_method: dict[str, list[Row]] = {}
    for row in rows:
        by_method.setdefault(row["method"], []).append(row)
    found = []
    for method, runs in by_method.items():
        degraded = {strength: fmean(run["degraded"][strength] for run in runs) for strength in runs[0]["degraded"]}
        found.append(Line(method, runs[0]["deployment"], tuple(run["fm"] for run in runs), degraded, runs[0]))
    return sorted(found, key=lambda line: -line.fm)


def show(rows: Sequence[Row]) -> str:
    """The Markdown table, and a line on what it is a table of."""
    chosen = lines(rows)
    strengths = list(chosen[0].degraded)
    head = ["method", "deployed", "FM", "of the seeds", *(f"degraded {strength}" for strength in strengths)]
    head += ["planes", "kB", "ms a page", "ms a step", "paper"]
    table = [head, ["---"] * len(head)]
    for line in chosen:
        row = line.first
        step = 1000 * fmean(one["seconds"] / one["steps"] for one in rows if one["method"] == line.method)
        page = "-" if row["page_seconds"] is None else f"{1000 * row['page_seconds']:.0f}"
        cells = [line.method, line.deployment, f"{line.fm:.2f}", " ".join(f"{value:.1f}" for value in line.fms)]
        cells += [f"{line.degraded[strength]:.2f}" for strength in strengths]
        cells += [str(row["planes"] or "-"), f"{row['bytes'] / 1000:.0f}", page, f"{step:.0f}", row["citation"] or "-"]
        table.append(cells)
    row = rows[0]
    note = f"{row['steps']} steps ({row['crops']} crops) a run; FM in percent, mean over {row['windows']} held-out windows."
    return "\n".join("| " + " | ".join(cells) + " |" for cells in table) + f"\n\n{note}"


COLOURS: Mapping[str, str] = {
    "folds to bits + integer threshold": "#1b7f4b",
    "needs planes": "#b26a00",
    "needs run-time statistics": "#7a3ff2",
    "cannot deploy": "#6b7280",
    "float32": "#111827",
}
LEFT, TOP, HEIGHT, WIDTH, RIGHT = 150, 64, 22, 620, 30


def figure(rows: Sequence[Row]) -> str:
    """The SVG: a line a method; a full dot is its F-measure, strokes are its seeds, open dots the degraded windows, paler the stronger."""
    chosen = lines(rows)
    values = [value for line in chosen for value in (*line.fms, *line.degraded.values())]
    low, high = 5 * math.floor(min(values) / 5), 5 * math.ceil(max(values) / 5)
    high = max(high, low + 5)
    bottom = TOP + HEIGHT * len(chosen)

    def at(value: float) -> str:
        return f"{LEFT + WIDTH * (value - low) / (high - low):.1f}"

    parts = [f'<rect width="{LEFT + WIDTH + RIGHT}" height="{bottom + 34}" fill="#ffffff"/>']
    used = [name for name in COLOURS if any(line.deployment == name for line in chosen)]
    for number, name in enumerate(used):
        x, y = LEFT + 225 * (number % 3), 18 + 18 * (number // 3)
        parts.append(f'<circle cx="{x}" cy="{y - 4}" r="5" fill="{COLOURS[name]}"/><text x="{x + 11}" y="{y}">{escape(name)}</text>')
    for mark in range(low, high + 1, 5):
        parts.append(f'<line x1="{at(mark)}" x2="{at(mark)}" y1="{TOP - 8}" y2="{bottom}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{at(mark)}" y="{bottom + 14}" text-anchor="middle">{mark}</text>')
    parts.append(f'<text x="{LEFT + WIDTH / 2}" y="{bottom + 29}" text-anchor="middle">F-measure of held-out windows, percent</text>')
    for number, line in enumerate(chosen):
        y, colour = TOP + HEIGHT * number + 6, COLOURS.get(line.deployment, "#6b7280")
        ends = (line.fm, *line.degraded.values())
        parts.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(line.method)}</text>')
        parts.append(f'<line x1="{at(min(ends))}" x2="{at(max(ends))}" y1="{y}" y2="{y}" stroke="{colour}" stroke-opacity="0.35"/>')
        for place, value in enumerate(line.degraded.values()):
            opacity = 1 - 0.28 * place
            parts.append(
                f'<circle cx="{at(value)}" cy="{y}" r="4" fill="#ffffff" stroke="{colour}" stroke-width="1.6" stroke-opacity="{opacity:.2f}"/>'
            )
        parts += [f'<line x1="{at(value)}" x2="{at(value)}" y1="{y - 8}" y2="{y + 8}" stroke="{colour}"/>' for value in line.fms]
        parts.append(f'<circle cx="{at(line.fm)}" cy="{y}" r="5" fill="{colour}"/>')
    body = "\n".join(parts)
    size = f'viewBox="0 0 {LEFT + WIDTH + RIGHT} {bottom + 34}" width="{LEFT + WIDTH + RIGHT}" height="{bottom + 34}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" fill="#111827">\n{body}\n</svg>\n'
