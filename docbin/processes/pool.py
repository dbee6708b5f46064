"""A pool of child processes of which any may die.

The standard executors would not do: when one worker dies they give up every task in flight, and none can be taken from a worker that hangs. Here a
worker holds one task. Its death or its silence costs that task alone, which is answered with an error, and the next task gets a new process.

>>> pool = Pool("package.module:Worker", (settings,), jobs=4)                                              # doctest: +SKIP
>>> for task, answer in in_order(pool, tasks):                                                              # doctest: +SKIP
...     ...                                        # what Worker(settings).answer(task) returned, or PageTimeout or WorkerDied
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait as wait_for
from typing import Any

from docbin.errors import DocbinError, PageTimeout, WorkerDied
from docbin.processes.child import PROGRESS, READY, START_SECONDS, Child, cause_of_death

_STARTS = 3
"""So many processes in a row that die before they are ready mean that none will start."""


class Pool:
    """Up to `jobs` processes, started as tasks come. Takes tasks while `free`, gives answers while `busy`.

    Parameters
    ----------
    worker, arguments : see :mod:`docbin.processes.child`; they, the tasks and the answers must pickle
    jobs : processes; with more than one, each has one thread
    seconds : a worker that is longer at one task is killed, and the task answered with :class:`PageTimeout`
    first_seconds : the same for the first part of a task, up to where the worker calls its `progress`; None for `seconds`
    memory : bytes that each process may use; None for no limit
    first : a child that was started before and has no worker yet
    one_thread : whether each process has one thread; None: where there are several processes
    ahead : tasks that are taken though no process is free: one that becomes free begins the next at once, while the caller still has its answer in
        hand
    ends : of a task, whether its process is free for a task of the queue; where it is not, the caller has its next step at hand
    """

    def __init__(
        self,
        worker: str,
        arguments: tuple[Any, ...] = (),
        jobs: int = 1,
        *,
        seconds: float = START_SECONDS,
        first_seconds: float | None = None,
        memory: int | None = None,
        first: Child | None = None,
        one_thread: bool | None = None,
        ahead: int = 0,
        ends: Callable[[Any], bool] = lambda task: True,
    ) -> None:
        self._ahead, self._ends = ahead, ends
        self._queue: deque[Any] = deque()
        self._one_thread = jobs > 1 if one_thread is None else one_thread
        self._worker, self._arguments, self._jobs, self._seconds, self._memory = worker, arguments, jobs, seconds, memory
        self._first_seconds = seconds if first_seconds is None else min(seconds, first_seconds)
        self._children: list[Child] = []
        self._failed_starts = 0
        if first is not None:
            self._employ(first)

    @property
    def free(self) -> bool:
        """Whether a task can be given."""
        return len(self._queue) < self._ahead or self._has_room()

    def _has_room(self) -> bool:
        return len(self._children) < self._jobs or any(child.task is None for child in self._children)

    @property
    def busy(self) -> bool:
        """Whether an answer is to come."""
        return bool(self._queue) or any(child.task is not None for child in self._children)

    def start(self) -> None:
        """Start one process now, if there is none."""
        if not self._children:
            self._start()

    def submit(self, task: Any) -> None:
        """Give a task to a free process, else to the queue."""
        if not self._has_room():
            self._queue.append(task)
            return
        child = next((child for child in self._children if child.task is None), None) or self._start()
        child.task = task
        child.send(task, self._first_seconds if child.ready else START_SECONDS)

    def _start(self) -> Child:
        return self._employ(Child(one_thread=self._one_thread))

    def _employ(self, child: Child) -> Child:
        child.employ(self._worker, self._arguments, memory=self._memory, threads=1 if self._one_thread else 0)
        self._children.append(child)
        return child

    def wait(self) -> tuple[Any, Any]:
        """The next task that is done, with its answer, or with the PageTimeout or WorkerDied it ended in.

        Raises
        ------
        DocbinError
            No process starts.
        """
        while True:
            while self._queue and self._has_room():
                self.submit(self._queue.popleft())
            busy = [child for child in self._children if child.task is not None]
            heard: list[Any] = wait_for([child.connection for child in busy])
            for child in busy:
                if child.connection not in heard:
                    continue
                task = child.task
                try:
                    answer = child.receive()
                except (PageTimeout, WorkerDied) as error:
                    self._remove(child)
                    if child.ready:
                        return task, error
                    self._again(child, task)
                    continue
                if not child.ready and answer == READY:
                    child.ready = True
                    self._failed_starts = 0
                    child.expect_within(self._first_seconds)
                    continue
                if isinstance(answer, str) and answer == PROGRESS:
                    child.expect_within(self._seconds)
                    continue
                child.task = None
                if self._queue and self._ends(task):
                    child.task = self._queue.popleft()
                    child.send(child.task, self._first_seconds)
                return task, answer

    def _again(self, child: Child, task: Any) -> None:
        """Another process for the task of one that never got ready."""
        self._failed_starts += 1
        if self._failed_starts >= _STARTS:
            raise DocbinError(
                f"worker processes do not start ({cause_of_death(child.process.exitcode)}); see the messages above, and free memory"
            )
        self.submit(task)

    def _remove(self, child: Child) -> None:
        child.kill()
        self._children.remove(child)

    def close(self, *, now: bool = True) -> None:
        """End the processes; `now` does not wait for a task in work."""
        for child in self._children:
            if not now:
                child.dismiss()
        for child in self._children:
            if not now:
                child.process.join(5.0)
            child.kill()
        self._children.clear()
        self._queue.clear()


def in_order(pool: Pool, tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Every task with its answer, in the order of `tasks`, which are taken as processes come free; see :meth:`Pool.wait`. Closes the pool."""
    waiting = iter(enumerate(tasks))
    answers: dict[int, tuple[Any, Any]] = {}
    numbers: dict[int, int] = {}
    due, clean = 0, False
    try:
        while True:
            while pool.free and (item := next(waiting, None)) is not None:
                numbers[id(item[1])] = item[0]
                pool.submit(item[1])
            if not pool.busy:
                break
            task, answer = pool.wait()
            answers[numbers.pop(id(task))] = task, answer
            while due in answers:
                yield answers.pop(due)
                due += 1
        clean = True
    finally:
        pool.close(now=not clean)
