"""Tables of scores for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from docbin.evaluate.judges.judge import Column, Judge
from docbin.evaluate.results import PageResult, Result

if TYPE_CHECKING:
    from rich.table import Table


def cells(values: Mapping[str, float] | None, columns: Mapping[str, Column]) -> list[str]:
    """Scores as text, in the order of `columns`; "-" where there are none."""
    if values is None:
        return ["-"] * len(columns)
    return [number(column.factor * values[name], column.decimals) for name, column in columns.items()]


def number(value: float, decimals: int) -> str:
    """A score as text: "-" for what was not computed, "inf" for what has no bound."""
    return "-" if math.isnan(value) else "inf" if math.isinf(value) else f"{value:.{decimals}f}"


def page_count(result: Result) -> str:
    """ "5", or "3 of 5" where pages failed or are missing."""
    whole = max(len(result.pages), result.expected)
    return f"{len(result.scored)}" if len(result.scored) >= whole else f"{len(result.scored)} of {whole}"


def means_table(results: Sequence[Result], judge: Judge[Any, Any, Any]) -> Table:
    """One row a dataset and method of one task: pages, means, seconds a page."""
    from rich import box
    from rich.table import Table

    about = {name: None for result in results for name in result.about or {}}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("dataset", judge.method_word, *("counted by" if name == "protocol" else name for name in about)):
        table.add_column(heading, no_wrap=True)
    for heading in (f"{judge.page_word}s", *(column.heading for column in judge.columns.values()), f"s/{judge.page_word}"):
        table.add_column(heading, justify="right")
    for result in results:
        said = [(result.about or {}).get(name, "") for name in about]
        scores = cells(result.mean_values, judge.columns)
        table.add_row(result.dataset, result.method, *said, page_count(result), *scores, number(result.seconds, 3))
    return table


def pages_table(pages: Sequence[PageResult], average: Any, judge: Judge[Any, Any, Any]) -> Table:
    """One row a page, and the mean if there are several."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("page", no_wrap=True)
    for column in judge.columns.values():
        table.add_column(column.heading, justify="right", no_wrap=True)
    for page in pages:
        table.add_row(page.name, *cells(judge.page_values(page.scores) if page.scores is not None else None, judge.columns))
    if average is not None and len(pages) > 1:
        table.add_section()
        table.add_row("mean", *cells(judge.total_values(average), judge.columns))
    return table
