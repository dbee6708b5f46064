"""Who does the tasks: this process, or a pool of processes that may die.

The pool is made of plain processes with a pipe each (start method "spawn": no state of the parent is copied, and it is the same on every system).
The standard executors would not do: when one worker dies they give up every task in flight, and none can be taken from a worker that hangs.
Here a worker holds one task. Its death or its silence costs that task alone, which is answered with an error, and the next task gets a new process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from docbin.batch.record import Failure
from docbin.batch.settings import PAGE_SECONDS, Settings
from docbin.batch.worker import READY, Answer, Desk, Task, serve
from docbin.errors import DocbinError, PageTimeout, WorkerDied

ONE_THREAD = (
    "DOCBIN_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Environment variables that tell a library how many threads to use: 1 in a worker."""
START_SECONDS = 300.0
"""A process that is not ready by then does not start (libraries on a slow network disk can take a minute)."""
_STARTS = 3
"""So many processes in a row that die before they are ready mean that none will start."""


class Workers(Protocol):
    """Takes tasks while `free`, gives answers while `busy`."""

    @property
    def free(self) -> bool: ...

    @property
    def busy(self) -> bool: ...

    def submit(self, task: Task) -> None: ...

    def wait(self) -> tuple[Task, Answer]: ...

    def close(self, *, now: bool) -> None: ...


class Here:
    """This process does the work, with all its threads. Nothing guards it: a decoder's crash is the batch's."""

    def __init__(self, settings: Settings) -> None:
        self._desk = Desk(settings)
        self._task: Task | None = None

    @property
    def free(self) -> bool:
        return self._task is None

    @property
    def busy(self) -> bool:
        return self._task is not None

    def submit(self, task: Task) -> None:
        self._task = task

    def wait(self) -> tuple[Task, Answer]:
        assert self._task is not None
        task, self._task = self._task, None
        return task, self._desk.answer(task)

    def close(self, *, now: bool) -> None:
        self._desk.close()


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection
    ready: bool = False
    task: Task | None = None
    deadline: float = float("inf")


class Pool:
    """Up to `jobs` processes of one thread each, started as tasks come.

    Parameters
    ----------
    page_seconds : a worker that is longer at one task is killed, and the task answered with :class:`PageTimeout`
    """

    def __init__(self, settings: Settings, jobs: int, page_seconds: float = PAGE_SECONDS) -> None:
        self._settings = settings
        self._jobs = jobs
        self._page_seconds = page_seconds
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    @property
    def free(self) -> bool:
        return len(self._workers) < self._jobs or any(worker.task is None for worker in self._workers)

    @property
    def busy(self) -> bool:
        return any(worker.task is not None for worker in self._workers)

    def submit(self, task: Task) -> None:
        worker = next((worker for worker in self._workers if worker.task is None), None) or self._start()
        worker.task = task
        with contextlib.suppress(OSError):  # it may just have died; wait() will find its end of the pipe closed
            worker.connection.send(task)
        if worker.ready:
            worker.deadline = time.monotonic() + self._page_seconds

    def _start(self) -> _Worker:
        mine, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._settings), daemon=True, name="docbin-worker")
        with _as_child():
            process.start()
        theirs.close()
        worker = _Worker(process, mine, deadline=time.monotonic() + START_SECONDS)
        self._workers.append(worker)
        return worker

    def wait(self) -> tuple[Task, Answer]:
        while True:
            busy = [worker for worker in self._workers if worker.task is not None]
            patience = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
            heard: list[Any] = wait_for([worker.connection for worker in busy], min(patience, 3600.0))
            for worker in busy:
                task = worker.task
                assert task is not None
                answer: Answer | None = None
                if worker.connection in heard:
                    answer = self._hear(worker)
                elif time.monotonic() < worker.deadline:
                    continue
                elif not worker.ready:
                    answer = self._died(worker)
                else:
                    self._stop(worker)
                    told = f"{task.label}: no result after {self._page_seconds:g} s, the worker was stopped; --page-timeout allows more"
                    answer = Failure.of(PageTimeout(told))
                if answer is not None:
                    return task, answer

    def _hear(self, worker: _Worker) -> Answer | None:
        assert worker.task is not None
        try:
            said = worker.connection.recv()
        except (EOFError, OSError):
            return self._died(worker)
        if said == READY:
            worker.ready = True
            worker.deadline = time.monotonic() + self._page_seconds
            self._failed_starts = 0
            return None
        worker.task = None
        worker.deadline = float("inf")
        answer: Answer = said
        return answer

    def _died(self, worker: _Worker) -> Answer | None:
        task = worker.task
        assert task is not None
        self._stop(worker)
        code = worker.process.exitcode
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                raise DocbinError(f"worker processes do not start ({_cause(code)}); try --jobs 1, and see the messages above")
            self.submit(task)
            return None
        return Failure.of(WorkerDied(f"{task.label}: the worker process died ({_cause(code)}); the other pages go on"))

    def _stop(self, worker: _Worker) -> None:
        worker.process.join(0.2)  # one that closed its pipe is about to have an exit code
        if worker.process.is_alive():
            worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)

    def close(self, *, now: bool) -> None:
        """End the processes; `now` does not wait for a page in work."""
        for worker in self._workers:
            if now:
                worker.process.kill()
            worker.connection.close()
        for worker in self._workers:
            worker.process.join(5.0)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = {"SIGKILL": ", often for want of memory: use fewer --jobs", "SIGSEGV": ", a crash in a decoder or in the method"}
    return f"{name}{hint.get(name, '')}"


@contextmanager
def _as_child() -> Iterator[None]:
    """What a new process inherits: one thread for every library that reads the environment, and a deaf ear for Ctrl-C while it starts."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    mask = None
    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # it would lift the mask if the first process started it
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
