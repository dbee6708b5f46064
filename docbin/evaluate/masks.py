"""Run a method over a benchmark of text masks: pixel and global F1 (:mod:`docbin.metrics.text_mask`), tables, error pictures.

The JSON form is ``{"dataset", "task": "text-mask", "method", "params", "version", "images": [{"name", <scores>, "seconds"}...], "mean": {<scores>,
"seconds"}, "errors"}``. What stands under "mean" is of all pages' counts together, as the published tables have it, not the mean of pages' scores.
"""

from __future__ import annotations

import csv
import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from docbin import __version__, benchmarks, catalogue
from docbin.benchmarks import text_mask_truth
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.catalogue import Method
from docbin.errors import DocbinError, UsageError
from docbin.evaluate.workers import LOST, scored
from docbin.metrics import text_mask
from docbin.metrics.text_mask import FIELDS, Statistics, TextScores

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class MaskedPage:
    """One page: its counts and the method's seconds, or the message of what went wrong."""

    name: str
    counts: Statistics | None
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class MaskResult:
    """A method on a benchmark; `params` with all defaults filled in, `problems` what the benchmark's checker says is missing."""

    dataset: str
    method: str
    params: Mapping[str, Any]
    pages: tuple[MaskedPage, ...]
    problems: tuple[str, ...] = ()
    version: str = __version__

    @property
    def good(self) -> list[tuple[MaskedPage, Statistics]]:
        """The pages that were scored."""
        return [(page, page.counts) for page in self.pages if page.counts is not None]

    @property
    def failed(self) -> list[MaskedPage]:
        """The pages that were not."""
        return [page for page in self.pages if page.counts is None]

    @property
    def scores(self) -> TextScores | None:
        """Of all scored pages together; None without any."""
        return text_mask.total(counts for _, counts in self.good).scores() if self.good else None

    @property
    def seconds(self) -> float:
        """Mean seconds a page of the method; 0 without any."""
        return float(np.mean([page.seconds for page, _ in self.good])) if self.good else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The stable JSON form."""
        scores = self.scores
        return {
            "dataset": self.dataset,
            "task": "text-mask",
            "method": self.method,
            "params": dict(self.params),
            "version": self.version,
            "images": [{"name": page.name, **dataclasses.asdict(counts.scores()), "seconds": page.seconds} for page, counts in self.good],
            "mean": {**dataclasses.asdict(scores), "seconds": self.seconds} if scores else None,
            "errors": [{"name": page.name, "message": page.error} for page in self.failed],
        }


@dataclass(frozen=True, slots=True)
class _Task:
    """What a worker needs to know of one page."""

    pair: PagePair
    polarity: str
    method: Method
    params: Mapping[str, Any]
    pictures: Path | None

    def score(self) -> MaskedPage:
        """Read, binarize and count; whatever goes wrong becomes the page's error."""
        start = time.perf_counter()
        try:
            image = benchmarks.read_picture(self.pair.image_path)
            truth, hard = text_mask_truth.read(self.pair.truth_path, self.polarity)
            start = time.perf_counter()
            found = self.method.binarize(image, **self.params)
            seconds = time.perf_counter() - start
            counts = text_mask.statistics(found, truth, hard)
            if self.pictures is not None:
                from docbin.evaluate.pictures import write_pictures

                write_pictures(self.pictures, self.pair.stem, image, found, truth)
            return MaskedPage(self.pair.stem, counts, seconds)
        except Exception as error:
            kind = "" if isinstance(error, DocbinError | ValueError) else f"{type(error).__name__}: "
            return MaskedPage(self.pair.stem, None, time.perf_counter() - start, f"{self.pair.image_path}: {kind}{error}")

    def lost(self) -> MaskedPage:
        """The page whose process died."""
        return MaskedPage(self.pair.stem, None, 0.0, f"{self.pair.image_path}: {LOST}")


def evaluate_masks(
    benchmark: str | os.PathLike[str] | Benchmark,
    method: str | Method,
    params: Mapping[str, Any] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    jobs: int = 1,
    pictures: str | os.PathLike[str] | None = None,
    progress: Callable[[MaskedPage], None] | None = None,
) -> MaskResult:
    """Scores of a method on every page of a benchmark of text masks; parameters and errors as in :func:`docbin.evaluate.evaluate`."""
    for name, value in (("limit", limit), ("jobs", jobs)):
        if value is not None and value < 1:
            raise UsageError(f"{name}={value}: wants a whole number of at least 1")
    bench = benchmark if isinstance(benchmark, Benchmark) else benchmarks.load(benchmark)
    if bench.task != "text-mask":
        raise UsageError(f"{bench.name}: its truths are no masks of lettering; docbin evaluate scores it by its own task, {bench.task}")
    root = benchmarks.data_root_of(bench.name if isinstance(benchmark, Benchmark) else benchmark, data_root)
    row = catalogue.get(method) if isinstance(method, str) else method
    parsed = row.parse(params or {})
    row.check_available()
    folder = Path(pictures) if pictures is not None else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    tasks = [_Task(pair, bench.polarity, row, parsed, folder) for pair in bench.pairs(root)[:limit]]
    done = []
    for page in scored(tasks, jobs):
        done.append(page)
        if progress is not None:
            progress(page)
    return MaskResult(bench.name, row.name, parsed, tuple(done), tuple(bench.check(root)))


COLUMNS = {
    "pixel_f1": "pixel F1",
    "global_f1": "global F1",
    "relaxed_pixel_f1": "relaxed pixel F1",
    "relaxed_global_f1": "relaxed global F1",
    "pixel_precision": "pixel P",
    "pixel_recall": "pixel R",
    "quantity_precision": "pieces P",
    "quantity_recall": "pieces R",
}
"""Scores that the table shows: field -> heading."""


def masks_table(results: Sequence[MaskResult]) -> Table:
    """One row a dataset and method."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("dataset", "method"):
        table.add_column(heading, no_wrap=True)
    for heading in ("pages", *COLUMNS.values(), "s/page"):
        table.add_column(heading, justify="right")
    for result in results:
        count = f"{len(result.good)}" if not result.failed else f"{len(result.good)} of {len(result.pages)}"
        scores = result.scores
        values = [f"{getattr(scores, name):.2f}" for name in COLUMNS] if scores else ["-"] * len(COLUMNS)
        table.add_row(result.dataset, result.method, count, *values, f"{result.seconds:.3f}")
    return table


def write_masks_csv(results: Sequence[MaskResult], to: TextIO) -> None:
    """One row a page, and a row ``mean`` for every dataset and method (of all its pages together); a failed page has empty scores."""
    rows = csv.writer(to, lineterminator="\n")
    rows.writerow(["dataset", "method", "params", "name", *FIELDS, "seconds", "error"])
    for result in results:
        head = [result.dataset, result.method, " ".join(f"{key}={value}" for key, value in result.params.items())]
        for page in result.pages:
            values = list(dataclasses.astuple(page.counts.scores())) if page.counts else [""] * len(FIELDS)
            rows.writerow([*head, page.name, *values, f"{page.seconds:.4f}", page.error or ""])
        if result.scores is not None:
            rows.writerow([*head, "mean", *dataclasses.astuple(result.scores), f"{result.seconds:.4f}", ""])
