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
import importlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from docbin import errors
from docbin.errors import DocbinError, PageFailed, PageTimeout, WorkerDied

ANSWER_BYTES = 32 << 20
"""Longest answer that is read from a child."""
FILE_BYTES = 1 << 30
"""Longest file that a child may write."""
START_SECONDS = 120.0
"""A child that has not imported its table by then will not."""


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
        self._child: _Child | None = None

    @property
    def process_id(self) -> int | None:
        """Of the child that is there now."""
        return self._child.process.pid if self._child is not None else None

    def start(self) -> None:
        """Start the child, if none is there; returns before it is ready."""
        with self._lock:
            self._start()

    def _start(self) -> _Child:
        if self._child is None or not self._child.process.is_alive():
            self._stop()
            self._child = _Child(self._tasks, self._memory)
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
            if not child.ready:
                child.hear(START_SECONDS, "the worker process does not start")
                child.ready = True
            try:
                answer = child.ask({"task": task, "arguments": dict(arguments)}, seconds)
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


class _Child:
    """The parent's end of a child process."""

    def __init__(self, tasks: str, memory: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, tasks, memory), daemon=True, name="docbin-sandbox")
        self.process.start()
        theirs.close()
        self.ready = False

    def ask(self, question: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        return self._within(seconds, f"no result after {seconds:g} s, the work was stopped", json.dumps(question).encode())

    def hear(self, seconds: float, late: str) -> dict[str, Any]:
        return self._within(seconds, late)

    def _within(self, seconds: float, late: str, question: bytes | None = None) -> dict[str, Any]:
        """Send and receive. The deadline is a kill from another thread: a child that stops in the middle of an answer is caught as well."""
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            self.process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            if question is not None:
                self._connection.send_bytes(question)
            answer: dict[str, Any] = json.loads(self._connection.recv_bytes(ANSWER_BYTES))
            return answer
        except (EOFError, OSError, ValueError) as error:
            if is_late.is_set():
                raise PageTimeout(late) from None
            self.process.join(1.0)
            raise WorkerDied(f"the worker process died ({_cause(self.process.exitcode)})") from error
        finally:
            timer.cancel()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self._connection.close()


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _error(told: Mapping[str, str]) -> DocbinError:
    """The error of a child as an exception of the same type, if it is one of docbin's own."""
    kind = getattr(errors, told["type"], PageFailed)
    error: DocbinError = (kind if isinstance(kind, type) and issubclass(kind, DocbinError) else PageFailed)(told["message"])
    if told.get("trace"):
        error.add_note(told["trace"])
    return error


def _serve(connection: Connection, tasks: str, memory: int) -> None:
    """The life of the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)  # whatever prints in here
    die_with_parent()
    _limit(memory)
    try:
        module, name = tasks.split(":")
        table: Mapping[str, Callable[..., Any]] = getattr(importlib.import_module(module), name)
        connection.send_bytes(b"{}")
        while True:
            question = json.loads(connection.recv_bytes())
            answer = _answer(table, question["task"], question["arguments"])
            connection.send_bytes(answer)
    except (EOFError, ConnectionError):
        pass


def _answer(table: Mapping[str, Callable[..., Any]], task: str, arguments: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps({"value": table[task](**arguments)}).encode()
    except DocbinError as error:
        told: dict[str, Any] = {"error": {"type": type(error).__name__, "message": str(error)}}
        told["last"] = _had_no_memory(error)
    except MemoryError:  # the next task gets a fresh child: who knows what this one still holds
        told = {"error": {"type": "PageFailed", "message": "not enough memory for this; take a smaller page"}, "last": True}
    except Exception as error:
        if "memory" in str(error).lower() or "bad_alloc" in str(error):  # OpenCV's and torch's words for it
            return _answer({task: _no_memory}, task, {})
        text = f"{task} failed with {type(error).__name__}: {error}; this is a bug in docbin, please report it"
        told = {"error": {"type": "PageFailed", "message": text, "trace": traceback.format_exc()}}
    return json.dumps(told).encode()


def _had_no_memory(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__
    return error is not None


def _no_memory() -> None:
    raise MemoryError


def _limit(memory: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, FILE_BYTES), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # macOS knows the first by name only; a hard limit may be lower already
            resource.setrlimit(kind, (most, most))


def die_with_parent() -> None:
    """End this process when its parent dies, even in the middle of a page: nobody waits for it any more."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True, name="docbin-parent-watch").start()
