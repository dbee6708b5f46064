"""What an evaluation yields, and its plain-data forms (JSON, CSV): the same for every task, filled by the task's judge.

The JSON form is stable: ``{"dataset", "method", "params", "version", "images": [...], "mean": {...}, "errors": [...]}``, a list of those, one per
dataset and method; "task" (and "protocol" for words) stand behind "dataset" where the task is not ink. ``images`` holds the pages that have scores,
in natural order; a page that failed stands in ``errors`` with its message and is left out of the mean. Where pages of the published set are missing,
``"missing": {"pages", "expected"}`` says how many there were and should be. JSON knows no infinity: null stands for the infinite PSNR
of a perfect page (and for a mean that holds one).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from docbin.assessment import Quality
from docbin.errors import OutputExists
from docbin.evaluate.judges.judge import Judge
from docbin.files.access import access_error
from docbin.files.atomic import check_target
from docbin.files.csv_line import csv_line


@dataclass(frozen=True, slots=True)
class PageResult:
    """One page: its name, what its judge counted (for ink its scores) and the method's seconds, or the message of what went wrong; the verdict on it
    without a truth, where a report with pictures shows it; what makes its truth doubtful."""

    name: str
    scores: Any
    seconds: float
    error: str | None = None
    verdict: Quality | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A method on a benchmark.

    Attributes
    ----------
    dataset, method, params, version : what was run, `params` with all defaults filled in, `version` docbin's
    pages : one entry a page, in natural order
    judge : of the benchmark's task
    problems : what the benchmark's checker says is missing, by name
    expected : pages that were to be there: those of the published set, at most the limit of the run; 0 where that is not known
    about : what the judge says of how the benchmark is scored
    """

    dataset: str
    method: str
    params: Mapping[str, Any]
    version: str
    pages: tuple[PageResult, ...]
    judge: Judge[Any, Any, Any]
    problems: tuple[str, ...] = ()
    expected: int = 0
    about: Mapping[str, str] | None = None

    @property
    def scored(self) -> list[tuple[PageResult, Any]]:
        """The pages that have scores."""
        return [(page, page.scores) for page in self.pages if page.scores is not None]

    @property
    def failed(self) -> list[PageResult]:
        """The pages that have none."""
        return [page for page in self.pages if page.scores is None]

    @property
    def missing(self) -> int:
        """Pages of the published set that were not there to be scored."""
        return max(0, self.expected - len(self.pages))

    @property
    def mean(self) -> Any:
        """The scores of all scored pages together, as the judge takes them; None if there are none."""
        counts = [scores for _, scores in self.scored]
        return self.judge.total(counts) if counts else None

    @property
    def mean_values(self) -> Mapping[str, float] | None:
        """:attr:`mean` by name."""
        total = self.mean
        return None if total is None else self.judge.total_values(total)

    @property
    def seconds(self) -> float:
        """Mean seconds a page of the method, NaN if no page was scored."""
        times = [page.seconds for page, _ in self.scored]
        return math.fsum(times) / len(times) if times else math.nan

    def as_dict(self) -> dict[str, Any]:
        """The stable JSON form."""
        values = self.mean_values
        head = {"dataset": self.dataset}
        if self.judge.labelled:
            head |= {"task": self.judge.task, **(self.about or {})}
        images = [
            {
                "name": page.name,
                **self.judge.page_labels(scores),
                **_finite(self.judge.page_values(scores)),
                "seconds": page.seconds,
            }
            for page, scores in self.scored
        ]
        return {
            **head,
            "method": self.method,
            "params": dict(self.params),
            "version": self.version,
            "images": images,
            "mean": self.judge.without_pages() if values is None else {**_finite(values), "seconds": self.seconds},
            "errors": [{"name": page.name, "message": page.error} for page in self.failed],
            **({"missing": {"pages": len(self.pages), "expected": self.expected}} if self.missing else {}),
        }


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def to_json(results: Iterable[Result]) -> str:
    """The stable JSON text of several results; strictly valid (no NaN, no Infinity)."""
    return json.dumps([result.as_dict() for result in results], indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_csv(results: Sequence[Result], to: TextIO) -> None:
    """One row a page, and a row ``mean`` for every dataset and method, the tasks' tables one below the other.

    An infinite PSNR is written as ``inf``, a failed page has empty scores; no text is a formula (:mod:`docbin.files.csv_line`).
    """
    for judge, own in by_judge(results):
        to.write(csv_line(["dataset", "method", "params", "name", *judge.fields, "seconds", "error"]))
        for result in own:
            head = [result.dataset, result.method, " ".join(f"{key}={value}" for key, value in result.params.items())]
            for page in result.pages:
                values = judge.page_values(page.scores) if page.scores is not None else {}
                own_cells = [page.name, *(values.get(name, "") for name in judge.fields), f"{page.seconds:.4f}", page.error or ""]
                to.write(csv_line([*head, *own_cells]))
            total = result.mean_values
            if total is not None:
                to.write(csv_line([*head, "mean", *(total.get(name, "") for name in judge.fields), f"{result.seconds:.4f}", ""]))


def check_result_file(path: Path) -> None:
    """Say before the pages are scored, which may take hours, what could not be written after.

    Raises
    ------
    FileAccessError
        It cannot be written.
    OutputExists
        It is there and is no earlier result of an evaluation: a page, a table of somebody else's.
    """
    check_target(path)
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            begin = file.read(64)
    except OSError as error:
        raise access_error(error, str(path), "read") from None
    if begin and not begin.startswith((b'[\n {\n  "dataset":', b"[]", b"dataset,method,params,name,")):
        raise OutputExists(f"{path}: it exists and is no result of 'docbin evaluate'; choose another name, or remove it")


def by_judge(results: Iterable[Result]) -> list[tuple[Judge[Any, Any, Any], list[Result]]]:
    """The results of each task together, tasks in the order of :data:`docbin.evaluate.judges.JUDGES`."""
    from docbin.evaluate.judges import JUDGES

    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.judge.task, []).append(result)
    return [(groups[task][0].judge, groups[task]) for task in JUDGES if task in groups]
