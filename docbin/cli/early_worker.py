"""The worker process of a batch, started before this process has read its arguments.

A process that works on pages imports as much as the one that plans them, and takes as long. So the commands that will want one start it first: it
imports the page's libraries on another processor while this one parses and plans. Nothing has been imported yet that a copy could not share, so where
the system can it is one (:mod:`docbin.processes.child`), and what both need is imported before. Where the words look as if they would end in a help
text, or ask for a number of workers (several have one thread each, which a process must know as it starts), it is left to the command.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docbin.processes.child import Child

COMMANDS = ("binarize", "clean", "detect", "enhance")
"""Commands whose pages are worked on in a child process."""
SHARED = "docbin.batch.worker docbin.catalogue docbin.files.limits docbin.files.page_ranges docbin.files.kinds docbin.files.remote_path"
"""Modules that this process and its worker both need, without a library that keeps threads."""
PRELOAD = (
    f"{SHARED} docbin.kernels PIL.Image cv2 docbin.files.pagefile docbin.files.read_picture docbin.files.write_png "
    "docbin.polarity docbin.enlarging docbin.automatic docbin.assessment.verdict docbin.second_look"
)
"""Modules that the worker imports meanwhile: what a page of a picture file takes."""
PRELOAD_MODEL = "docbin.zoo.runtimes docbin.zoo.models docbin.zoo.graphs docbin.engine docbin.kernels.stem"
"""The same, where a network may be asked for."""
OTHERWISE = ("-h", "--help", "-j", "--jobs", "--dry-run")

_worker: Child | None = None


def start(words: Sequence[str]) -> None:
    """Start the worker that the words of a command line will want, if any."""
    global _worker
    dismiss()
    if not any(word in COMMANDS for word in words[:3]) or any(word.startswith(OTHERWISE) for word in words):
        return
    from docbin.processes.child import Child, may_fork

    if fork := may_fork():
        for module in SHARED.split():
            importlib.import_module(module)
    named = any(word == "-m" or word.startswith("--method") for word in words)
    _worker = Child(preload=PRELOAD if named else f"{PRELOAD} {PRELOAD_MODEL}", fork=fork)


def take() -> Child | None:
    """The worker that was started, for good; None where there is none."""
    global _worker
    taken, _worker = _worker, None
    return taken


def dismiss() -> None:
    """End a worker that nobody took."""
    if (left := take()) is not None:
        left.kill()
