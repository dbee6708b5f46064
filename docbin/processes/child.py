"""A child process that does tasks one at a time, held to limits of memory and time.

The child is a plain process with a pipe (start method "spawn": no state of the parent is copied, and it is the same on every system). Its first
message names a worker, ``"module:callable"``, that is imported in the child alone and called with `arguments`; the object it returns has a method
``answer(task)``, called with every further message, whose value goes back.

The limit of time is a kill from another thread of the parent, so that a child that stops in the middle of an answer is caught as well. The limit of
memory is the system's own, see :mod:`docbin.processes.memory`.

The parent's main module is not imported again in the child, as multiprocessing would have it: it may be the command line with all its imports, or a
user's script without the ``if __name__ == "__main__"`` that keeps a child from running it.

One child may be had for less: the first of a command line that has just started. There is no state yet that a copy could share, so it is forked
(:func:`may_fork`), without another start of Python and its imports (a fifth of what a small picture costs). What a new process would not have is
closed in it: the files that were open, the parent's end of the pipe.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from docbin.errors import PageTimeout, WorkerDied

if TYPE_CHECKING:
    from multiprocessing.context import ForkContext, SpawnContext

READY = "ready"
"""A child's first answer: its worker is made."""
PROGRESS = "input read"
"""What a worker's `progress` sends in the middle of a task: the part that has a time limit of its own is over."""
START_SECONDS = 300.0
"""A process that is not ready by then does not start (libraries on a slow network disk can take a minute)."""
ANSWER_BYTES = 32 << 20
"""Longest answer that is read from a child that sends JSON."""
ONE_THREAD = (
    "DOCBIN_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Environment variables that tell a library how many threads to use: 1 in each of several workers."""


_STATEFUL = frozenset({"numpy", "torch", "cv2", "onnxruntime", "openvino", "fsspec", "ray", "gradio"})
"""Libraries with threads or locks of their own; a process that has one of them is not copied."""


class Child:
    """The parent's end of a child process. It is started here and gets its worker by :meth:`employ`, so that it can start before the work is known.

    Attributes
    ----------
    process : of the child
    connection : to wait for its answers (:func:`multiprocessing.connection.wait`)
    ready : the worker is made
    task : what the child works on, for the caller's use
    """

    def __init__(self, *, pickled: bool = True, one_thread: bool = False, preload: str = "", fork: bool = False) -> None:
        """`pickled`: messages are pickles, not JSON. `one_thread`: libraries may start no threads. `preload`: modules to import meanwhile.
        `fork`: a copy of this process, for one that has just started; where :func:`may_fork` says no, it is a new process all the same."""
        self.pickled = pickled
        copied = fork and may_fork()
        context: ForkContext | SpawnContext = multiprocessing.get_context("fork") if copied else multiprocessing.get_context("spawn")
        close = _open_files() if copied else []
        self.connection, theirs = context.Pipe()
        close += [self.connection.fileno()] if copied else []
        self.process: BaseProcess = context.Process(
            target=_serve, args=(theirs, pickled, preload, close), daemon=True, name="docbin-worker"
        )
        with _without_main(), _as_child(one_thread, copied):
            self.process.start()
        theirs.close()
        self.ready = False
        self.task: Any = None
        self._timer: threading.Timer | None = None
        self._late = threading.Event()
        self._seconds = 0.0

    def employ(self, worker: str, arguments: Any = (), *, memory: int | None = None, address_space: bool = False, threads: int = 0) -> None:
        """Name the worker and the limit of memory, bytes; `threads` above 0 is how many the libraries may use from now on."""
        first = {"worker": worker, "arguments": arguments, "memory": memory, "address_space": address_space, "threads": threads}
        self.send(first, START_SECONDS)

    def send(self, message: Any, seconds: float) -> None:
        """Send a message; the child is killed where no answer comes within `seconds`."""
        self.expect_within(seconds)
        with contextlib.suppress(OSError):  # it may just have died; receive() will find its end of the pipe closed
            if self.pickled:
                self.connection.send(message)
            else:
                self.connection.send_bytes(json.dumps(message).encode())

    def expect_within(self, seconds: float) -> None:
        """Set the deadline of the next answer anew."""
        self._stop_timer()
        self._seconds = seconds
        self._timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._too_late)
        self._timer.daemon = True
        self._timer.start()

    def _too_late(self) -> None:
        self._late.set()
        self.process.kill()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def receive(self) -> Any:
        """The next answer.

        Raises
        ------
        PageTimeout
            None within the seconds given with the message; the child was killed.
        WorkerDied
            The child died, or its answer is none.
        """
        try:
            if self.pickled:
                return self.connection.recv()
            return json.loads(self.connection.recv_bytes(ANSWER_BYTES))
        except (EOFError, OSError, ValueError) as error:
            if self._late.is_set():
                raise PageTimeout(f"no result after {self._seconds:g} s, the worker was stopped") from None
            self.process.join(1.0)  # one that closed its pipe is about to have an exit code
            raise WorkerDied(f"the worker process died ({cause_of_death(self.process.exitcode)})") from error
        finally:
            self._stop_timer()

    def kill(self) -> None:
        """End the process now."""
        self._stop_timer()
        self.process.kill()
        self.process.join()
        self.connection.close()

    def dismiss(self) -> None:
        """Tell the child to end when it is done; :meth:`kill` follows where it does not."""
        self._stop_timer()
        self.connection.close()


def cause_of_death(code: int | None) -> str:
    """A process's exit code in words: "exit code 1", or a signal's name with its usual cause."""
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = {"SIGKILL": ", often for want of memory: use fewer --jobs", "SIGSEGV": ", a crash in a decoder or in the method"}
    hint["SIGABRT"] = ", often for want of memory: use fewer --jobs, or a smaller page"
    return f"{name}{hint.get(name, '')}"


def may_fork() -> bool:
    """Whether a copy of this process is as good as a new one: on Linux, with one thread in all, and without libraries that keep threads or locks."""
    if sys.platform != "linux" or not _STATEFUL.isdisjoint(sys.modules):
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - threads of C libraries, too
    except OSError:
        return False


def _open_files() -> list[int]:
    """Descriptors of the files that are open in this process, but for the three standard ones."""
    with os.scandir("/proc/self/fd") as entries:
        found = [int(entry.name) for entry in entries]
    return [number for number in found if number > 2 and _is_open(number)]


def _is_open(number: int) -> bool:
    """False of the descriptor by which the folder of descriptors was read."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the main module from multiprocessing, which would import it in the child."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _as_child(one_thread: bool, copied: bool) -> Iterator[None]:
    """What a child inherits: where wanted, one thread for every library that reads the environment; and a deaf ear for Ctrl-C as it starts."""
    before = {name: os.environ.get(name) for name in ONE_THREAD} if one_thread else {}
    os.environ.update(dict.fromkeys(before, "1"))
    mask = None
    if hasattr(signal, "pthread_sigmask"):
        if not copied:
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


def _serve(connection: Connection, pickled: bool, preload: str, close: Sequence[int]) -> None:
    """The life of the child: answer until the parent closes the connection or dies. `close`: files that a copy has of its parent.

    Ctrl-C reaches every process of the terminal; it is the parent's to handle. Whatever prints to stdout in here lands on stderr, for stdout may
    carry a page.
    """
    for number in close:
        with contextlib.suppress(OSError):
            os.close(number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError, ValueError):  # a parent without stdout
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        os.dup2(2, 1)
    die_with_parent()
    gc.disable()  # imports leave nothing to collect, and are looked through a dozen times
    with contextlib.suppress(Exception):  # what cannot be imported says so where it is wanted, which may be never
        for module in preload.split():
            importlib.import_module(module)
    gc.freeze()
    gc.enable()
    worker: Any = None
    try:
        first = _receive(connection, pickled)
        _settle(first)
        worker = load(first["worker"])(*first["arguments"])
        if hasattr(worker, "progress"):
            worker.progress = lambda: _send(connection, pickled, PROGRESS)
        _send(connection, pickled, READY)
        while True:
            task = _receive(connection, pickled)
            answer = worker.answer(task)
            if first["threads"] == 1:
                _one_thread_in_opencv()
            _send(connection, pickled, answer)
    except (EOFError, ConnectionError, OSError):
        pass
    finally:
        if hasattr(worker, "close"):
            worker.close()


def _receive(connection: Connection, pickled: bool) -> Any:
    return connection.recv() if pickled else json.loads(connection.recv_bytes())


def _send(connection: Connection, pickled: bool, answer: Any) -> None:
    if pickled:
        connection.send(answer)
    else:
        connection.send_bytes(json.dumps(answer).encode())


def _settle(first: Mapping[str, Any]) -> None:
    """Limits and threads of this process."""
    if first["threads"] > 0:
        os.environ.update(dict.fromkeys(ONE_THREAD, str(first["threads"])))
    if first["memory"] is not None:
        from docbin.processes.memory import limit_memory

        limit_memory(first["memory"], address_space=first["address_space"])


def load(path: str) -> Any:
    """The object ``"module:name"``."""
    module, name = path.split(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _one_thread_in_opencv() -> None:
    """OpenCV, where a page brought it in, keeps its own pool of threads beside the environment's limits."""
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)


def die_with_parent() -> None:
    """End this process when its parent dies, even in the middle of a page: nobody waits for it any more."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True, name="docbin-parent-watch").start()
