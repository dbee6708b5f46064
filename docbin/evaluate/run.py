"""Run a method over a benchmark's pages, whatever its task: the task's judge (:mod:`docbin.evaluate.judges`) reads truth and counts.

Pages come back in natural order. One that cannot be read, does not fit its truth, makes the method fail or kills its worker process is a line in the
result, never the end of the run. A page's seconds are those of the method alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docbin import __version__, benchmarks
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.errors import DocbinError, FileAccessError, UsageError
from docbin.evaluate.judges import Judge, judge_of
from docbin.evaluate.results import PageResult, Result
from docbin.registry import Row

Progress = Callable[[PageResult], None]

LONGEST = 7 * 24 * 3600.0
"""Seconds that a worker process may take for a page: what is measured here is not cut off."""


@dataclass(frozen=True, slots=True)
class PageTask:
    """What a worker needs to know of one page; everything can cross to another process."""

    pair: PagePair
    benchmark: Benchmark
    judge: Judge[Any, Any, Any]
    row: Row
    params: Mapping[str, Any]
    pictures: Path | None

    def score(self) -> PageResult:
        """Read the page, run the method and count; whatever goes wrong becomes the page's error."""
        start = time.perf_counter()
        try:
            image = self.judge.picture(self.benchmark, self.pair)
            truth = self.judge.truth(self.benchmark, self.pair)
            start = time.perf_counter()
            answer = self.judge.answer(self.row, image, self.params)
            seconds = time.perf_counter() - start
            counts = self.judge.counts(self.benchmark, answer, truth)
            if self.pictures is not None:
                self.judge.draw(self.pictures, self.pair.stem, image, answer, truth)
            verdict = self.judge.verdict(image, answer) if self.pictures is not None else None
            doubt = self.judge.doubt(truth)
            return PageResult(
                self.pair.stem, counts, seconds, verdict=verdict, doubt=None if doubt is None else f"{self.pair.truth_path}: {doubt}"
            )
        except Exception as error:
            kind = "" if isinstance(error, DocbinError | ValueError) else f"{type(error).__name__}: "
            return self.without_scores(f"{kind}{error}", time.perf_counter() - start)

    def without_scores(self, message: str, seconds: float = 0.0) -> PageResult:
        """The page that could not be scored."""
        named = any(message.startswith(str(path)) for path in (self.pair.image_path, self.pair.truth_path))
        return PageResult(self.pair.stem, None, seconds, message if named else f"{self.pair.image_path}: {message}")


class PageWorker:
    """Scores pages in a child process."""

    def __init__(self) -> None:
        from docbin.processes.memory import keep_freed_memory

        keep_freed_memory()

    def answer(self, task: PageTask) -> PageResult:
        return task.score()


def scored(tasks: Sequence[PageTask], jobs: int) -> Iterator[PageResult]:
    """The result of every task, in order; one job works in this process, a worker process that dies takes only its page along."""
    if jobs == 1 or len(tasks) == 1:
        yield from (task.score() for task in tasks)
        return
    from docbin.processes.pool import Pool, in_order

    pool = Pool(f"{__name__}:{PageWorker.__name__}", jobs=min(jobs, len(tasks)), seconds=LONGEST)
    for task, answer in in_order(pool, tasks):
        yield answer if isinstance(answer, PageResult) else task.without_scores(str(answer))


def evaluate(
    benchmark: str | os.PathLike[str] | Benchmark,
    method: str | Row,
    params: Mapping[str, Any] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    jobs: int = 1,
    pictures: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    judge: Judge[Any, Any, Any] | None = None,
) -> Result:
    """Scores of a method on every page of a benchmark, by the benchmark's own task.

    Parameters
    ----------
    benchmark : a name under ``datasets/``, a folder with ``images/`` and ``gt/``, or a loaded benchmark
    method, params : the name of a method (of a detector, where words are scored), or its row, and its parameters
    data_root : where the pages are; None takes the folder itself or ``DOCBIN_DATA``
    limit : only the first so many pages
    jobs : worker processes; 1 runs in this process
    pictures : a folder for what the judge draws of every page
    progress : called with every page as it is done
    judge : what scores the answers; None takes the judge of the benchmark's task

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
    root = benchmarks.data_root_of(bench.name if isinstance(benchmark, Benchmark) else benchmark, data_root)
    judge = judge if judge is not None else judge_of(bench.task)
    row = judge.method(method) if isinstance(method, str) else method
    parsed = row.parse(params or {})
    row.check_available()
    pairs = bench.pairs(root)[:limit]
    folder = Path(pictures) if pictures is not None else None
    if folder is not None:
        if folder.is_symlink():
            raise FileAccessError(f"{folder}: is a link, which pictures would follow out of the report's folder; choose another folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileAccessError(f"{folder}: cannot be made ({error.strerror})") from None
    pages = []
    for page in scored([PageTask(pair, bench, judge, row, parsed, folder) for pair in pairs], jobs):
        pages.append(page)
        if progress is not None:
            progress(page)
    expected = bench.expected if limit is None else min(limit, bench.expected)
    about = judge.about(bench)
    return Result(bench.name, row.name, parsed, __version__, tuple(pages), judge, tuple(bench.check(root)), expected, about)
