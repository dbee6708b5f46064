"""Worker processes for what is scored: pages of ink, and pictures of words.

Pages are independent, so they go to worker processes (one thread each by then, or the processes would fight over the CPUs) and come back in the order
they were given in, whatever the order they finished in. A worker process that dies takes only its page along: the pages it left unfinished are tried
again, each alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Protocol, TypeVar

LOST = "the worker process died (out of memory?)"
Scored = TypeVar("Scored", covariant=True)


class Task(Protocol[Scored]):
    """A page to score; everything in it can cross to another process."""

    def score(self) -> Scored:
        """Read, run and score it; whatever goes wrong becomes part of the answer."""
        ...

    def lost(self) -> Scored:
        """The answer where the process died."""
        ...


def scored(tasks: Sequence[Task[Scored]], jobs: int) -> Iterator[Scored]:
    """The answers to `tasks`, in order; one job works in this process."""
    if jobs == 1 or len(tasks) == 1:
        return (task.score() for task in tasks)
    return _in_workers(tasks, jobs)


def _score(task: Task[Scored]) -> Scored:
    return task.score()


def _one_thread() -> None:
    os.environ["DOCBIN_THREADS"] = "1"
    import cv2

    cv2.setNumThreads(1)


def _pool(jobs: int) -> ProcessPoolExecutor:
    # spawn: a forked child of a process that has run threads (OpenCV, progress bars) may hang.
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread)


def _in_workers(tasks: Sequence[Task[Scored]], jobs: int) -> Iterator[Scored]:
    with _pool(min(jobs, len(tasks))) as pool:
        futures: list[Future[Scored] | None] = []
        for task in tasks:
            try:
                futures.append(pool.submit(_score, task))
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


def _alone(task: Task[Scored]) -> Scored:
    """A page whose worker pool broke, again in a process of its own: only the page at fault fails."""
    with _pool(1) as pool:
        try:
            return pool.submit(_score, task).result()
        except BrokenProcessPool:
            return task.lost()
