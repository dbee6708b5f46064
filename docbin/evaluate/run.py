"""Run a method over a benchmark's pages.

Pages are independent, so they go to worker processes (one thread each by then, or the processes would fight over the CPUs) and come back in natural
order whatever the order they finished in. A page that cannot be read, does not fit its truth, or makes the method fail is a line in the result, never
the end of the run; even a worker process that dies takes only its page along: the pages it left unfinished are tried again, each alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from docbin import __version__, catalogue
from docbin.catalogue import Method
from docbin.errors import DocbinError, MissingExtra, UsageError
from docbin.evaluate.results import PageResult, Result
from docbin.metrics import score
from docbin.zoo import benchmarks
from docbin.zoo.benchmarks import Benchmark, PagePair

Progress = Callable[[PageResult], None]


@dataclass(frozen=True, slots=True)
class _Task:
    """What a worker needs to know of one page; everything picklable."""

    pair: PagePair
    polarity: str
    method: Method
    params: Mapping[str, Any]
    pictures: Path | None


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
    if not row.available:
        raise MissingExtra(f"{row.name} needs {', '.join(row.needs)}, which is not installed; run: pip install 'docbin[{row.extra}]'")
    pairs = bench.pairs(root)[:limit]
    folder = Path(pictures) if pictures is not None else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    tasks = [_Task(pair, bench.polarity, row, parsed, folder) for pair in pairs]
    pages = []
    for page in _in_this_process(tasks) if jobs == 1 or len(tasks) == 1 else _in_workers(tasks, jobs):
        pages.append(page)
        if progress is not None:
            progress(page)
    return Result(bench.name, row.name, parsed, __version__, tuple(pages), tuple(bench.check(root)))


def _score_page(task: _Task) -> PageResult:
    """Read, binarize and score one page; whatever goes wrong becomes the page's error."""
    start = time.perf_counter()
    try:
        image = benchmarks.read_picture(task.pair.image_path)
        truth = benchmarks.truth_mask(task.pair.truth_path, task.polarity)
        start = time.perf_counter()
        ink = task.method.binarize(image, **task.params)
        seconds = time.perf_counter() - start
        scores = score(ink, truth)
        if task.pictures is not None:
            from docbin.evaluate.pictures import write_pictures

            write_pictures(task.pictures, task.pair.stem, image, ink, truth)
        return PageResult(task.pair.stem, scores, seconds)
    except Exception as error:
        kind = "" if isinstance(error, DocbinError | ValueError) else f"{type(error).__name__}: "
        return PageResult(task.pair.stem, None, time.perf_counter() - start, f"{task.pair.image_path}: {kind}{error}")


def _in_this_process(tasks: Sequence[_Task]) -> Iterator[PageResult]:
    return (_score_page(task) for task in tasks)


def _one_thread() -> None:
    os.environ["DOCBIN_THREADS"] = "1"
    import cv2

    cv2.setNumThreads(1)


def _pool(jobs: int) -> ProcessPoolExecutor:
    # spawn: a forked child of a process that has run threads (OpenCV, progress bars) may hang.
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread)


def _in_workers(tasks: Sequence[_Task], jobs: int) -> Iterator[PageResult]:
    with _pool(min(jobs, len(tasks))) as pool:
        futures: list[Future[PageResult] | None] = []
        for task in tasks:
            try:
                futures.append(pool.submit(_score_page, task))
            except BrokenProcessPool:
                futures.append(None)
        try:
            for task, future in zip(tasks, futures, strict=True):
                try:
                    if future is None:
                        raise BrokenProcessPool
                    yield future.result()
                except BrokenProcessPool:
                    yield _alone(task)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _alone(task: _Task) -> PageResult:
    """A page whose worker pool broke, again in a process of its own: only the page at fault fails."""
    with _pool(1) as pool:
        try:
            return pool.submit(_score_page, task).result()
        except BrokenProcessPool:
            return PageResult(task.pair.stem, None, 0.0, f"{task.pair.image_path}: the worker process died (out of memory?)")
