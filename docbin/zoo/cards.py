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
    words = [result for result in results if result.get("task") == "detect"]
    if words:
        return _words_table(words)
    lines = ["| dataset | pages | FM | pFM | PSNR | DRD | s a page |", "|---|---|---|---|---|---|---|"]
    for result in results:
        mean = result["mean"]
        cells = ("inf" if mean[key] is None else f"{mean[key]:.2f}" for key in ("fm", "pfm", "psnr", "drd", "seconds"))
        lines.append(f"| {result['dataset']} | {len(result['images'])} | {' | '.join(cells)} |")
    versions = sorted({result["version"] for result in results if "version" in result})
    return "\n".join([*lines, "", f"Means over the pages, by `docbin evaluate`{', docbin ' if versions else ''}{', '.join(versions)}."])


def _words_table(results: list[Mapping[str, Any]]) -> str:
    """The table of a detector."""
    lines = ["| dataset | pictures | counted by | precision | recall | F | s a picture |", "|---|---|---|---|---|---|---|"]
    for result in results:
        cells = (f"{result['mean'][key]:.2f}" for key in ("precision", "recall", "f", "seconds"))
        lines.append(f"| {result['dataset']} | {len(result['images'])} | {result['protocol']} | {' | '.join(cells)} |")
    versions = sorted({result["version"] for result in results})
    return "\n".join([*lines, "", f"Of all words of a set together, by `docbin evaluate`, docbin {', '.join(versions)}."])


def with_scores(card: str, table: str) -> str:
    """The card with another table between its markers; ValueError where they are not there once each, in order."""
    if card.count(BEGIN) != 1 or card.count(END) != 1 or card.index(BEGIN) > card.index(END):
        raise ValueError(f"the markers '{BEGIN}' and '{END}' must stand there once each, in this order")
    head, rest = card.split(BEGIN)
    return f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"
