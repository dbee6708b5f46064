"""Tables of scores for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from docbin.evaluate.results import PageResult, Result

if TYPE_CHECKING:
    from rich.table import Table

    from docbin.metrics import Scores

COLUMNS = {
    "fm": ("FM", 2, 1),
    "pfm": ("pFM", 2, 1),
    "psnr": ("PSNR", 2, 1),
    "drd": ("DRD", 2, 1),
    "nrm": ("NRM %", 2, 100),
    "mpm": ("MPM x1000", 2, 1000),
    "precision": ("precision", 2, 1),
    "recall": ("recall", 2, 1),
}
"""Scores that tables show: field -> (heading, decimals, factor); NRM and MPM in the contests' units."""


def cells(scores: Scores | None) -> list[str]:
    """The scores as text, in the order of COLUMNS; "-" where there are none."""
    if scores is None:
        return ["-"] * len(COLUMNS)
    return [_text(factor * getattr(scores, name), decimals) for name, (_, decimals, factor) in COLUMNS.items()]


def _text(value: float, decimals: int) -> str:
    return "-" if math.isnan(value) else "inf" if math.isinf(value) else f"{value:.{decimals}f}"


def means_table(results: Sequence[Result]) -> Table:
    """One row a dataset and method: pages, means, seconds a page."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("dataset", "method"):
        table.add_column(heading, no_wrap=True)
    for heading in ("pages", *(heading for heading, *_ in COLUMNS.values()), "s/page"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        pages = f"{len(result.scored)}" if not result.failed else f"{len(result.scored)} of {len(result.pages)}"
        table.add_row(result.dataset, result.method, pages, *cells(result.mean), _text(result.seconds, 3))
    return table


def pages_table(pages: Sequence[PageResult], average: Scores | None) -> Table:
    """One row a page, and the mean if there are several."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("page", no_wrap=True)
    for heading, *_ in COLUMNS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for page in pages:
        table.add_row(page.name, *cells(page.scores))
    if average is not None and len(pages) > 1:
        table.add_section()
        table.add_row("mean", *cells(average))
    return table
