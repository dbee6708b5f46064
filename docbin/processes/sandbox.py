"""A child process for work that must not harm this one: strangers' files, networks without end.

A server that decodes what anybody sends it will one day meet a file that eats all memory, hangs a decoder or crashes one. Here such work runs in one
child process that the system holds to a limit of memory and its parent to a limit of time. Whatever happens in there costs the task at hand: the
child is replaced and the server never notices more than an error with a sentence in it.

What crosses the pipe is JSON in both directions, never a pickle, since a child whose decoder was taken over must not be able to run code in the
parent. That is the border drawn here, and its end: the child has the rights of its user and can read that user's files. The limit of memory is the
system's own (``setrlimit``, on the address space); where there is none (Windows, macOS) only that of time holds.

The work is a table of functions by name, ``"module:TABLE"``, that is imported in the child alone. A task takes keyword arguments and returns a value,
both of plain JSON.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from docbin import errors
from docbin.errors import DocbinError, PageFailed
from docbin.processes.child import Child, load

FILE_BYTES = 1 << 30
"""Longest file that a child may write."""


class Sandbox:
    """One child process and the tasks it can do, one at a time; calls from several threads wait for each other.

    Parameters
    ----------
    tasks : ``"module:TABLE"``, a mapping of names to functions
    memory : bytes of address space that the child may use, libraries included
    """

    def __init__(self, tasks: str, memory: int) -> None:
        self._tasks, self._memory = tasks, memory
        self._lock = threading.Lock()
        self._child: Child | None = None

    @property
    def process_id(self) -> int | None:
        """Of the child that is there now."""
        return self._child.process.pid if self._child is not None else None

    def start(self) -> None:
        """Start the child, if none is there; returns before it is ready."""
        with self._lock:
            self._start()

    def _start(self) -> Child:
        if self._child is None or not self._child.process.is_alive():
            self._stop()
            self._child = Child(pickled=False)
            self._child.employ("docbin.processes.sandbox:TaskTable", [self._tasks], memory=self._memory, address_space=True)
        return self._child

    def call(self, task: str, arguments: Mapping[str, Any], seconds: float) -> Any:
        """Do a task and return its answer.

        Raises
        ------
        PageTimeout
            No answer within `seconds`; the child was killed.
        WorkerDied
            The child died at it.
        PageFailed
            Memory ran out, or the task has a bug (its traceback is the error's note).
        DocbinError
            What the task raised on purpose, as the same type.
        """
        with self._lock:
            child = self._start()
            try:
                if not child.ready:
                    child.receive()
                    child.ready = True
                child.send({"task": task, "arguments": dict(arguments)}, seconds)
                answer = child.receive()
            except DocbinError:
                self._stop()
                self._start()  # while the next visitor is still choosing
                raise
            if answer.get("last"):
                self._stop()
                self._start()
        if "error" in answer:
            raise _error(answer["error"])
        return answer["value"]

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
        self._child = None

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._stop()


def _error(answer: Mapping[str, str]) -> DocbinError:
    """The error of a child as an exception of the same type, if it is one of docbin's own."""
    kind = getattr(errors, answer["type"], PageFailed)
    error: DocbinError = (kind if isinstance(kind, type) and issubclass(kind, DocbinError) else PageFailed)(answer["message"])
    if answer.get("trace"):
        error.add_note(answer["trace"])
    return error


class TaskTable:
    """The worker in the child: does tasks of a table by name."""

    def __init__(self, tasks: str) -> None:
        _limit_files()
        self._table: Mapping[str, Callable[..., Any]] = load(tasks)

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """``{"value": ...}``, or ``{"error": ..., "last": ...}``, where `last` asks for another child."""
        return _answer(self._table, question["task"], question["arguments"])


def _answer(table: Mapping[str, Callable[..., Any]], task: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any]
    try:
        return {"value": table[task](**arguments)}
    except DocbinError as error:
        answer = {"error": {"type": type(error).__name__, "message": str(error)}}
        answer["last"] = _had_no_memory(error)
    except MemoryError:  # the next task gets a fresh child: who knows what this one still holds
        answer = {"error": {"type": "PageFailed", "message": "not enough memory for this; take a smaller page"}, "last": True}
    except Exception as error:
        if "memory" in str(error).lower() or "bad_alloc" in str(error):  # OpenCV's and torch's words for it
            return _answer({task: _no_memory}, task, {})
        text = f"{task} failed with {type(error).__name__}: {error}; this is a bug in docbin, please report it"
        answer = {"error": {"type": "PageFailed", "message": text, "trace": traceback.format_exc()}}
    return answer


def _had_no_memory(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__
    return error is not None


def _no_memory() -> None:
    raise MemoryError


def _limit_files() -> None:
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
