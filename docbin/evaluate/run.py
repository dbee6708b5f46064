"""Run a method over a benchmark's pages.

Pages come back in natural order. One that cannot be read, does not fit its truth, makes the method fail or kills its worker process is a line in the
result, never the end of the run (:mod:`docbin.evaluate.workers`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docbin import __version__, benchmarks, catalogue
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.catalogue import Method
from docbin.errors import DocbinError, UsageError
from docbin.evaluate.results import PageResult, Result
from docbin.evaluate.workers import LOST, scored
from docbin.metrics import score

Progress = Callable[[PageResult], None]


@dataclass(frozen=True, slots=True)
class _Task:
    """What a worker needs to know of one page; everything picklable."""

    pair: PagePair
    polarity: str
    method: Method
    params: Mapping[str, Any]
    pictures: Path | None

    def score(self) -> PageResult:
        """Read, binarize and score the page; whatever goes wrong becomes its error."""
        start = time.perf_counter()
        try:
            image = benchmarks.read_picture(self.pair.image_path)
            truth = benchmarks.truth_mask(self.pair.truth_path, self.polarity)
            start = time.perf_counter()
            ink = self.method.binarize(image, **self.params)
            seconds = time.perf_counter() - start
            scores = score(ink, truth)
            if self.pictures is not None:
                from docbin.evaluate.pictures import write_pictures

                write_pictures(self.pictures, self.pair.stem, image, ink, truth)
            return PageResult(self.pair.stem, scores, seconds)
        except Exception as error:
            kind = "" if isinstance(error, DocbinError | ValueError) else f"{type(error).__name__}: "
            return PageResult(self.pair.stem, None, time.perf_counter() - start, f"{self.pair.image_path}: {kind}{error}")

    def lost(self) -> PageResult:
        """The page whose process died."""
        return PageResult(self.pair.stem, None, 0.0, f"{self.pair.image_path}: {LOST}")


def evaluate(
    benchmark: str | os.PathLike[str] | Benchmark,
    method: str | Method,
    params: Mapping[str, Any] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    jobs: int = 1,
    pictures: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Scores of a method on every page of a benchmark.

    Parameters
    ----------
    benchmark : a name under ``datasets/``, a folder with ``images/`` and ``gt/``, or a loaded benchmark
    method, params : the name of a method (or a row for the method table) and its parameters, as in :func:`docbin.binarize`
    data_root : where the pages are; None takes the folder itself or ``DOCBIN_DATA``
    limit : only the first so many pages
    jobs : worker processes; 1 runs in this process
    pictures : a folder for the page, the result and the error picture of every page
    progress : called with every page as it is done

    Raises
    ------
    UsageError
        Unknown benchmark, method or parameter, no data root, or a limit or number of jobs below 1.
    FileAccessError
        The data root is missing or holds no page of the benchmark.
    MissingExtra
        The method needs something that is not installed.
    """
    for name, value in (("limit", limit), ("jobs", jobs)):
        if value is not None and value < 1:
            raise UsageError(f"{name}={value}: wants a whole number of at least 1")
    bench = benchmark if isinstance(benchmark, Benchmark) else benchmarks.load(benchmark)
    where = bench.name if isinstance(benchmark, Benchmark) else benchmark
    root = benchmarks.data_root_of(where, data_root)
    row = catalogue.get(method) if isinstance(method, str) else method
    parsed = row.parse(params or {})
    row.check_available()
    if bench.task != "binarize":
        what = "outlines of words" if bench.task == "detect" else "masks of lettering"
        raise UsageError(f"{bench.name}: has {what}, not masks of ink; docbin evaluate scores it by its own task, {bench.task}")
    pairs = bench.pairs(root)[:limit]
    folder = Path(pictures) if pictures is not None else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    tasks = [_Task(pair, bench.polarity, row, parsed, folder) for pair in pairs]
    pages = []
    for page in scored(tasks, jobs):
        pages.append(page)
        if progress is not None:
            progress(page)
    return Result(bench.name, row.name, parsed, __version__, tuple(pages), tuple(bench.check(root)))
