"""Whole documents and many files: a batch of :mod:`docbin.batch`, as the command line runs it, in a process of its own that can be stopped.

``python -m docbin.demo.documents`` reads a job from stdin, one line of JSON, and tells of it on stdout, a line each time something is done;
:func:`run` is the other end. The process is a plain one, so that the batch may have children of its own; it holds itself to the limit of memory that
it is given, and the server ends it where its time is over or its visitor has gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from docbin.errors import DocbinError, PageFailed

MOST_FILES = 50
"""So many files are taken at a time."""
PAGE_SECONDS = 240.0
"""Longest that a page may take."""
SECONDS = 1200.0
"""Longest that a batch may take; what is finished by then is given out."""


@dataclass(slots=True)
class Progress:
    """How far a batch is.

    Attributes
    ----------
    done, expected : pages; a file counts as one until it is opened
    records : what became of each page, as the report of ``docbin binarize`` has it
    stopped : its time was over, or its process died
    error : why none of it was begun
    """

    done: int = 0
    expected: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)
    stopped: str | None = None
    error: str | None = None

    def hear(self, line: Mapping[str, Any]) -> None:
        """Take in what the process says."""
        self.expected += int(line.get("expect", 0))
        self.done += int(line.get("step", 0))
        if isinstance(line.get("page"), dict):
            self.records.append(line["page"])
        if isinstance(line.get("error"), str):
            self.error = line["error"]


def run(job: Mapping[str, Any], *, memory: int | None, seconds: float = SECONDS) -> Iterator[Progress]:
    """Do a job: turn ``files`` of the folder ``inputs`` to ink in the folder ``out``; yields the same object whenever there is news.

    The process ends when the generator is closed.

    Parameters
    ----------
    job : inputs, files, out, method, params, format (None: as the file came), megapixels
    memory : bytes of memory that a process of it may have
    seconds : for the whole of it
    """
    progress = Progress(expected=len(job["files"]))
    command = [sys.executable, "-m", "docbin.demo.documents"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=os.name != "nt"
    )
    late = threading.Event()

    def too_late() -> None:
        late.set()
        _end(process)

    timer = threading.Timer(seconds, too_late)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps({**job, "memory": memory}) + "\n")
            process.stdin.close()
        yield progress
        finished = False
        for line in process.stdout:
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                message = json.loads(line)
                finished = finished or bool(message.get("end"))
                progress.hear(message)
                yield progress
        process.wait()
        if late.is_set():
            progress.stopped = f"this took longer than {seconds / 60:.0f} minutes and was stopped; take fewer pages or a faster method"
        elif not finished:
            progress.stopped = "the work on these files broke down; take fewer or smaller pages, or another method"
        yield progress
    finally:
        timer.cancel()
        _end(process)
        if process.stdout is not None:
            process.stdout.close()


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and its children."""
    if process.poll() is None:
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.wait()


def results(out: Path, download: Path) -> Path | None:
    """What was made, as one file: the file itself, or a ZIP of several at `download`; None where there is none."""
    files = (path for path in out.rglob("*") if path.is_file() and not path.is_symlink())
    made = sorted(path for path in files if not any(part.startswith(".") for part in path.relative_to(out).parts))
    if len(made) < 2:
        return made[0] if made else None
    with zipfile.ZipFile(download, "w", zipfile.ZIP_STORED) as file:  # ink is packed already
        for path in made:
            file.write(path, path.relative_to(out).as_posix())
    return download


def outcomes(records: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """What became of each file, in words: its name and a sentence."""
    rows = []
    for name in dict.fromkeys(str(record.get("input")) for record in records):
        own = [record for record in records if str(record.get("input")) == name]
        good = [record for record in own if record.get("status") == "done"]
        bad = [record for record in own if record.get("status") == "failed"]
        doubted = sum(bool(record.get("reasons")) for record in good)
        words = [f"{len(good)} page{'' if len(good) == 1 else 's'} turned into ink"] if good else []
        if doubted:
            words.append(f"look again at {doubted} of them")
        for record in bad[:3]:
            error = record.get("error")
            words.append(
                str(error.get("message")).split("; --")[0] if isinstance(error, dict) else "failed"
            )  # an option of the command line
        if len(bad) > 3:
            words.append(f"{len(bad) - 3} more pages failed")
        rows.append([Path(name).name, "; ".join(words) + "."])
    return rows


# --- the process -------------------------------------------------------------------------------------------------------------------------


def main() -> int:
    """Read a job from stdin and do it."""
    from docbin.processes.memory import limit_memory

    job = json.loads(sys.stdin.readline())
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a library prints is no news
    if job["memory"] is not None:
        limit_memory(job["memory"])
    try:
        _work(job, stream)
    except DocbinError as error:
        _say(stream, error=str(error))
    except MemoryError:
        _say(stream, error=str(PageFailed("not enough memory for this; take smaller pages")))
    _say(stream, end=1)
    return 0


def _work(job: Mapping[str, Any], stream: TextIO) -> None:
    from docbin import batch

    class Reporter(batch.Listener):
        """Passes on what it hears."""

        def expect(self, pages: int) -> None:
            _say(stream, expect=pages)

        def step(self) -> None:
            _say(stream, step=1)

        def page(self, record: batch.PageRecord) -> None:
            _say(stream, page=record.as_dict())

    os.chdir(job["inputs"])  # names in messages are then the visitor's own
    what = batch.Binarize.create(job["method"], job["params"], format=job["format"], max_megapixels=job["megapixels"])
    _say(stream, expect=-len(job["files"]))  # they are counted anew
    with tempfile.TemporaryDirectory(prefix="docbin-") as spool:
        plan = batch.plan(job["files"], job["out"], what, spool=Path(spool))
        batch.run(plan, jobs=1, listener=Reporter(), page_seconds=PAGE_SECONDS)


def _say(stream: TextIO, **news: Any) -> None:
    stream.write(json.dumps(news) + "\n")


if __name__ == "__main__":
    sys.exit(main())
