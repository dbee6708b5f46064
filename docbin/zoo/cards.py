"""Model cards: the sections that ``card.md`` must have, and the table of scores that is generated into it, never typed.

The table comes from the JSON of ``docbin evaluate --json``; what is around it stays when it is written again (``scripts/make_cards.py``), since
a model must be packaged before it can be evaluated. As all generated tables, those of BENCHMARKS.md and docs/ too, it stands between two markers
that bear its name (:func:`with_table`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

SECTIONS = ("Data", "Recipe", "Time and machine", "Scores", "Limits", "Licence")
SCORES = "scores"
"""Name of the table between its markers."""

_TABLES: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    "binarize": ("pages", {"FM": "fm", "pFM": "pfm", "PSNR": "psnr", "DRD": "drd", "s a page": "seconds"}, "Means over the pages"),
    "detect": (
        "pictures",
        {"counted by": "protocol", "precision": "precision", "recall": "recall", "F": "f", "s a picture": "seconds"},
        "Of all words of a set together",
    ),
    "text-mask": (
        "pages",
        {
            "pixel F1": "pixel_f1",
            "global F1": "global_f1",
            "relaxed pixel F1": "relaxed_pixel_f1",
            "relaxed global F1": "relaxed_global_f1",
            "pieces P": "quantity_precision",
            "pieces R": "quantity_recall",
            "s a page": "seconds",
        },
        "Of all pages of a set together",
    ),
}
"""Task of an evaluation -> what its pages are called, head and key of every column, and what the numbers are."""


def missing_sections(card: str) -> list[str]:
    """Sections that a card lacks, and those that it has but left empty."""
    parts = re.split(r"^## (.+)$", card, flags=re.MULTILINE)
    have = dict(zip(parts[1::2], parts[2::2], strict=True))
    return [name for name in SECTIONS if not have.get(name, "").strip()]


def scores_table(results: Iterable[Mapping[str, Any]]) -> str:
    """A Markdown table, a row a result: mean scores over the pages of a benchmark, and seconds a page."""
    results = list(results)
    if not results:
        return "Not evaluated yet."
    pages, columns, note = _TABLES[results[0].get("task") or "binarize"]
    lines = [f"| dataset | {pages} | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|"]
    for result in results:
        cells = (_cell({**result, **result["mean"]}[key]) for key in columns.values())
        lines.append(f"| {result['dataset']} | {len(result['images'])} | {' | '.join(cells)} |")
    versions = sorted({result["version"] for result in results if "version" in result})
    return "\n".join([*lines, "", f"{note}, by `docbin evaluate`{', docbin ' if versions else ''}{', '.join(versions)}."])


def _cell(value: str | float | None) -> str:
    if isinstance(value, str):
        return value
    return "inf" if value is None else f"{value:.2f}"


def markers(name: str) -> tuple[str, str]:
    """What stands before and behind the generated table of that name."""
    return f"<!-- table: {name} -->", f"<!-- end of table: {name} -->"


def marked(name: str, table: str) -> str:
    """A table between its markers."""
    begin, end = markers(name)
    return f"{begin}\n{table}\n{end}"


def with_table(text: str, name: str, table: str) -> str:
    """A Markdown text with another table between the markers of `name`; ValueError where they are not there once each, in order."""
    begin, end = markers(name)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the markers '{begin}' and '{end}' must stand there once each, in this order")
    return f"{text.split(begin)[0]}{marked(name, table)}{text.split(end)[1]}"
