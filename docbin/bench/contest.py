"""Contestants in processes of their own, asked in turns: how ``docbin bench networks`` takes time and memory.

A process a contestant, because peak memory belongs to a process; all of them open at once and asked one after the other, because a machine that is
disturbed, or grows warm, must be so for all.
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from docbin.page import Mask

Run = Callable[[], Mask]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A row to be: how its process opens the network (``"module:function"``, called with the page, the threads and `args`), and which file it is."""

    network: str
    runtime: str
    opener: str
    args: Mapping[str, Any]
    files: Sequence[Path]
    note: str = ""
    twin: str | None = None
    """The packed network whose ink must come out here too."""


def _megabytes(key: str) -> float | None:
    """A line of /proc/self/status ("VmHWM", "VmRSS") in MB; None where there is no such file."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{key}:")), None)


def _peak() -> float | None:
    """The most memory this process has held so far, MB."""
    peak = _megabytes("VmHWM")
    if peak is None and importlib.util.find_spec("resource") is not None:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return peak


def _serve(talk: Connection, opener: str, args: Mapping[str, Any], page_file: Path, threads: int) -> None:
    """Open a network, say so, then binarize the page as often as asked; the life of a contestant's process."""
    os.environ["DOCBIN_THREADS"] = str(threads)
    os.environ["NNCF_CI"] = "1"  # or nncf tells its makers that it was used
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a peer prints is no data
    try:
        module, function = opener.split(":")
        run: Run = getattr(importlib.import_module(module), function)(np.load(page_file), threads, **args)
        talk.send(("open", _megabytes("VmRSS")))
        while talk.recv() == "run":
            wall, processor = time.perf_counter(), time.process_time()
            ink = run()
            seconds = (time.perf_counter() - wall, time.process_time() - processor)
            talk.send(("done", (*seconds, _peak(), np.packbits(ink).tobytes())))
    except EOFError:
        pass
    except Exception as error:  # whatever a peer's library raises becomes its row's note
        talk.send(("failed", f"{type(error).__name__}: {str(error)[:300]}"))


@dataclass(slots=True)
class Measured:
    """A contestant's process and what it has said."""

    contestant: Contestant
    process: Any
    talk: Connection
    held: float | None = None
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    peak: float | None = None
    ink: bytes = b""
    fault: str = ""

    def hear(self) -> Any:
        """What the process says next; None, and `fault` is set, where it failed or is gone."""
        try:
            what, said = self.talk.recv()
        except (EOFError, OSError):
            self.process.join(5)
            what, said = "failed", f"its process ended with exit code {self.process.exitcode}"
        if what == "failed":
            self.fault = said
            return None
        return said

    def run(self, counts: bool) -> None:
        """Have the page done once; the times are kept where it `counts`."""
        if self.fault:
            return
        self.talk.send("run")
        said = self.hear()
        if said is not None:
            wall, processor, self.peak, self.ink = said
            if counts:
                self.wall.append(wall)
                self.processor.append(processor)


@contextmanager
def started(contestants: Sequence[Contestant], page_file: Path, threads: int) -> Iterator[list[Measured]]:
    """Their processes, opened one after the other, and ended at last."""
    context = multiprocessing.get_context("spawn")
    running: list[Measured] = []
    try:
        for one in contestants:
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, one.opener, dict(one.args), page_file, threads), daemon=True)
            process.start()
            there.close()
            running.append(Measured(one, process, here))
            running[-1].held = running[-1].hear()
        yield running
    finally:
        for entry in running:
            entry.talk.close()
            entry.process.join(10)
            if entry.process.is_alive():
                entry.process.terminate()
