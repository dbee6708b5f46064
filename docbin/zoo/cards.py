"""Model cards: the sections that ``card.md`` must have, and the table of scores that is generated into it, never typed.

The table stands between two markers and comes from the JSON of ``docbin evaluate --json``; what is around it stays when it is written again
(``scripts/make_cards.py``), since a model must be packaged before it can be evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

SECTIONS = ("Data", "Recipe", "Time and machine", "Scores", "Limits", "Licence")
BEGIN, END = "<!-- table: scores -->", "<!-- end of table: scores -->"

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


def with_scores(card: str, table: str) -> str:
    """The card with another table between its markers; ValueError where they are not there once each, in order."""
    if card.count(BEGIN) != 1 or card.count(END) != 1 or card.index(BEGIN) > card.index(END):
        raise ValueError(f"the markers '{BEGIN}' and '{END}' must stand there once each, in this order")
    head, rest = card.split(BEGIN)
    return f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"
