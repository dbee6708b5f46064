"""The work on one page, and the process that does it.

A :class:`Desk` turns tasks into answers. It holds the file it read last open, so that the pages of a document cost one opening, and knows nothing of
plans, manifests and reports: those belong to the parent. Answers are plain data (errors included), because they may have to cross from a process.

Single pages are written here, into the unfinished file the parent named. A page of a document goes back as packed bits (a megabyte for 8 megapixels)
and the parent appends it in page order.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from docbin.batch.purpose import Result
from docbin.batch.record import Failure
from docbin.batch.settings import Settings
from docbin.errors import DocbinError, PageFailed

if TYPE_CHECKING:
    from docbin.files import PageFile
    from docbin.page import Mask


@dataclass(frozen=True, slots=True)
class Task:
    """Look at a file (`page` None), or work on a page of it: into `staged`, or back as bits where that is None.

    `job` is the position of the job in the plan; `label` is what messages call the file or page.
    """

    job: int
    path: Path
    name: str
    label: str
    page: int | None = None
    staged: Path | None = None
    format: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What a file is, and which of its pages are wanted."""

    kind: str
    count: int
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A finished page: (width, height), resolution, seconds, what the reader had to say, and what came of it."""

    size: tuple[int, int]
    dpi: tuple[float, float] | None
    seconds: float
    warnings: tuple[str, ...]
    result: Result


Answer = Look | Done | Failure


def unpack(done: Done) -> Mask:
    """The mask of a page that came back as bits."""
    import numpy as np

    bits = done.result.bits
    assert bits is not None
    width, height = done.size
    rows = np.frombuffer(bits, dtype=np.uint8).reshape(height, -1)
    return np.unpackbits(rows, axis=1, count=width).view(np.bool_)


class Desk:
    """Does tasks, one at a time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._path: Path | None = None
        self._file: PageFile | None = None

    def answer(self, task: Task) -> Answer:
        """Do a task. Errors come back as data, and libraries' warnings in the page's record; only an interrupt is raised."""
        import warnings

        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                answer = self._look(task) if task.page is None else self._work(task, task.page)
            if isinstance(answer, Done) and said:
                told = dict.fromkeys(" ".join(str(warning.message).split()) for warning in said)
                answer = replace(answer, warnings=(*answer.warnings, *told))
            return answer
        except DocbinError as error:
            return Failure.of(error)
        except MemoryError:
            return Failure.of(PageFailed(f"{task.label}: not enough memory; use fewer --jobs, or a smaller page"))
        except OSError as error:
            from docbin.files.access import access_error

            return Failure.of(access_error(error, task.label, "read or write"))
        except Exception as error:
            import traceback

            text = f"{task.label}: {self.settings.method} failed with {type(error).__name__}: {error}; this is a bug in docbin, please report it"
            failed = Failure.of(PageFailed(text))
            return Failure(failed.type, failed.message, failed.exit_code, traceback.format_exc())

    def close(self) -> None:
        """Close the file that was read last."""
        if self._file is not None:
            self._file.close()
        self._file = self._path = None

    def _open(self, task: Task) -> PageFile:
        from docbin.files import DEFAULT_MEGAPIXELS, open_pages

        if self._file is None or self._path != task.path:
            self.close()
            limit = DEFAULT_MEGAPIXELS if self.settings.max_megapixels is None else self.settings.max_megapixels
            self._file = open_pages(task.path, dpi=self.settings.dpi, max_megapixels=limit, name=task.name)
            self._path = task.path
        return self._file

    def _look(self, task: Task) -> Look:
        from docbin.files import parse_page_ranges

        file = self._open(task)
        if self.settings.pages is None:
            return Look(file.kind, file.count, tuple(range(1, file.count + 1)))
        return Look(file.kind, file.count, tuple(parse_page_ranges(self.settings.pages).numbers(file.count, task.name)))

    def _work(self, task: Task, number: int) -> Done:
        start = time.perf_counter()
        page = self._open(task).page(number)
        result = self.settings.purpose.work(self.settings, page, task.name, task.staged, task.format)
        height, width = page.pixels.shape[:2]
        return Done((width, height), page.dpi, time.perf_counter() - start, page.notes, result)
