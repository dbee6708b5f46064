"""What an evaluation yields, and its plain-data forms (JSON, CSV).

The JSON form is stable: ``{"dataset", "method", "params", "version", "images": [...], "mean": {...}, "errors": [...]}``, a list of those,
one per dataset and method. ``images`` holds the pages that have scores, in natural order; a page that failed stands in ``errors`` with its
message and is left out of the mean. JSON knows no infinity: null stands for the infinite PSNR of a perfect page (and for a mean that holds one).
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from docbin.metrics import FIELDS, Scores, mean


@dataclass(frozen=True, slots=True)
class PageResult:
    """One page: its name, its scores and the method's seconds, or the message of what went wrong."""

    name: str
    scores: Scores | None
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A method on a benchmark.

    Attributes
    ----------
    dataset, method, params, version : what was run, `params` with all defaults filled in, `version` docbin's
    pages : one entry a page, in natural order
    problems : what the benchmark's checker says is missing, by name
    """

    dataset: str
    method: str
    params: Mapping[str, Any]
    version: str
    pages: tuple[PageResult, ...]
    problems: tuple[str, ...] = ()

    @property
    def scored(self) -> list[tuple[PageResult, Scores]]:
        """The pages that have scores."""
        return [(page, page.scores) for page in self.pages if page.scores is not None]

    @property
    def failed(self) -> list[PageResult]:
        """The pages that have none."""
        return [page for page in self.pages if page.scores is None]

    @property
    def mean(self) -> Scores | None:
        """Mean of each score over the scored pages, None if there are none."""
        return mean(scores for _, scores in self.scored) if self.scored else None

    @property
    def seconds(self) -> float:
        """Mean seconds a page of the method, NaN if no page was scored."""
        times = [page.seconds for page, _ in self.scored]
        return math.fsum(times) / len(times) if times else math.nan

    def as_dict(self) -> dict[str, Any]:
        """The stable JSON form."""
        average = self.mean
        empty: dict[str, float | None] = dict.fromkeys(FIELDS)
        return {
            "dataset": self.dataset,
            "method": self.method,
            "params": dict(self.params),
            "version": self.version,
            "images": [{"name": page.name, **scores.as_dict(), "seconds": page.seconds} for page, scores in self.scored],
            "mean": {**(average.as_dict() if average else empty), "seconds": self.seconds if average else None},
            "errors": [{"name": page.name, "message": page.error} for page in self.failed],
        }


class Told(Protocol):
    """Anything with a stable JSON form."""

    def as_dict(self) -> dict[str, Any]: ...


def to_json(results: Iterable[Told]) -> str:
    """The stable JSON text of several results; strictly valid (no NaN, no Infinity)."""
    return json.dumps([result.as_dict() for result in results], indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_csv(results: Sequence[Result], to: TextIO) -> None:
    """One row a page, and a row ``mean`` for every dataset and method; an infinite PSNR is written as ``inf``, a failed page has empty
    scores.
    """
    table = csv.writer(to, lineterminator="\n")
    table.writerow(["dataset", "method", "params", "name", *FIELDS, "seconds", "error"])
    for result in results:
        head = [result.dataset, result.method, " ".join(f"{key}={value}" for key, value in result.params.items())]
        for page in result.pages:
            values = [getattr(page.scores, name) for name in FIELDS] if page.scores else [""] * len(FIELDS)
            table.writerow([*head, page.name, *values, page.seconds, page.error or ""])
        average = result.mean
        if average:
            table.writerow([*head, "mean", *(getattr(average, name) for name in FIELDS), result.seconds, ""])
