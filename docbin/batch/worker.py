"""The work on one page: the worker of a child process (:mod:`docbin.processes.child`).

A :class:`PageWorker` turns tasks into answers. It holds the file it read last open, so that the pages of a document cost one opening, and knows
nothing of plans, manifests and reports: those belong to the parent. Answers are plain data (errors included), because they cross from a process.

Single pages are written here, into the unfinished file the parent named. A page of a document goes back as packed bits (a megabyte for 8 megapixels)
and the parent appends it in page order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docbin.batch.failure import Failure
from docbin.batch.job import Job, Result, enlarged_dpi
from docbin.batch.record import DRAWN
from docbin.errors import DocbinError, PageFailed, RefusedInput

if TYPE_CHECKING:
    from docbin.batch.remote_folder import Put
    from docbin.files import PageFile
    from docbin.files.document_record import DocumentRecord
    from docbin.files.remote_path import AnyPath
    from docbin.page import Page
    from docbin.pdf.place import Place

REOPEN_PAGES = 32
"""After so many pages a file is opened anew: decoders of documents keep something of every page they showed."""


@dataclass(frozen=True, slots=True)
class Task:
    """Look at a file (`page` None), or work on a page of it: into `staged`, or back as data where that is None.

    `number` is the position of the file in the plan; `label` is what messages call the file or page; `size` is the file's bytes, where known; `put`
    says where `staged` goes in a store, once it is finished.
    """

    number: int
    path: AnyPath
    name: str
    label: str
    page: int | None = None
    staged: Path | None = None
    format: str = ""
    size: int | None = None
    put: Put | None = None
    spooled: Path | None = None
    """Of a look at an archive in a store: the file of this machine that it is copied to first, for its pages to be read from there."""
    replaces: bool = False
    """Of a PDF page, the scan alone is wanted, to be replaced; a page that is none stays."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What a file is, how many pages it has, which of them are wanted, what a PDF says beyond its pages, and the names of an archive's pages."""

    kind: str
    count: int
    pages: tuple[int, ...]
    document: DocumentRecord | None = None
    names: tuple[str, ...] = ()

    def label(self, page: int, name: str) -> str:
        """How messages call a page of the file `name`."""
        if self.names:
            return f"{self.names[page - 1]} in {name}"
        return name if self.count == 1 else f"page {page} of {name}"


@dataclass(frozen=True, slots=True)
class Done:
    """A finished page: (width, height) and resolution of the result, seconds, what the reader had to say, and what came of it."""

    size: tuple[int, int]
    dpi: tuple[float, float] | None
    seconds: float
    warnings: tuple[str, ...]
    result: Result


Answer = FileInfo | Done | Failure


def unpack(done: Done) -> Any:
    """The page that came back as data: a mask, bool (H, W), or a picture, uint8 (H, W) or (H, W, 3)."""
    return _pixels(done.result, done.size)


def _pixels(result: Result, size: tuple[int, int]) -> Any:
    import zlib

    import numpy as np

    data, channels = result.data, result.channels
    assert data is not None
    width, height = size
    if channels == 0:
        rows = np.frombuffer(data, dtype=np.uint8).reshape(height, -1)
        return np.unpackbits(rows, axis=1, count=width).view(np.bool_)
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.frombuffer(zlib.decompress(data), dtype=np.uint8).reshape(shape)


class PageWorker:
    """Does tasks of a job, one at a time. `progress` is called when a page is read; in a child process it tells the parent."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.progress: Callable[[], None] = lambda: None
        self._path: AnyPath | None = None
        self._file: PageFile | None = None
        self._read = 0

    @classmethod
    def prepared(cls, job: Job) -> PageWorker:
        """A worker that has loaded its model, for a process of its own; what is wrong with the model is said of the first page."""
        import contextlib

        from docbin.processes.memory import keep_freed_memory

        keep_freed_memory()
        with contextlib.suppress(Exception):
            job.prepare()
        return cls(job)

    def answer(self, task: Task) -> Answer:
        """Do a task. Errors come back as data, and libraries' warnings in the page's record; only an interrupt is raised."""
        import warnings

        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                answer = self._look(task) if task.page is None else self._work(task, task.page)
            if isinstance(answer, Done) and caught:
                texts = dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)
                answer = replace(answer, warnings=(*answer.warnings, *texts))
            return answer
        except DocbinError as error:
            return Failure.of(error)
        except MemoryError:
            return Failure.of(_no_memory(task))
        except OSError as error:
            from docbin.files.access import access_error

            return Failure.of(access_error(error, task.label, "read or write"))
        except Exception as error:
            if _means_no_memory(error):
                return Failure.of(_no_memory(task))
            import traceback

            text = (
                f"{task.label}: {self.job.row.name} failed with {type(error).__name__}: {error}; this is a bug in docbin, please report it"
            )
            failed = Failure.of(PageFailed(text))
            return Failure(failed.type, failed.message, failed.exit_code, traceback.format_exc())

    def close(self) -> None:
        """Close the file that was read last."""
        if self._file is not None:
            self._file.close()
        self._file = self._path = None
        self._read = 0

    def _open(self, task: Task) -> PageFile:
        from docbin.files import DEFAULT_MEGAPIXELS, open_pages

        worn = self._read >= REOPEN_PAGES and (self._file is None or self._file.kind != "tar")  # an archive keeps nothing of its pages
        if self._file is None or self._path != task.path or worn:
            self.close()
            limit = DEFAULT_MEGAPIXELS if self.job.max_megapixels is None else self.job.max_megapixels
            self._file = open_pages(task.path, dpi=self.job.dpi, max_megapixels=limit, name=task.name, size=task.size)
            self._path = task.path
        return self._file

    def _look(self, task: Task) -> FileInfo:
        from docbin.files import parse_page_ranges

        if task.spooled is not None:
            from docbin.files.range_reader import copy_object
            from docbin.files.remote_path import RemotePath

            assert isinstance(task.path, RemotePath)
            copy_object(task.path, task.spooled, task.size, self.progress)
            task = replace(task, path=task.spooled)
        file = self._open(task)
        document = file.document() if file.kind == "pdf" else None
        pages = range(1, file.count + 1) if self.job.pages is None else parse_page_ranges(self.job.pages).numbers(file.count, task.name)
        return FileInfo(file.kind, file.count, tuple(pages), document, file.names)

    def _work(self, task: Task, number: int) -> Done:
        start = time.perf_counter()
        replace = task.put.allowed() if task.put is not None else False
        place = None
        if task.replaces:
            found = self._open(task).scan(number)
            if found is None:
                self._read += 1
                self.progress()
                return Done((0, 0), None, time.perf_counter() - start, (DRAWN,), Result())
            page, place = found
        else:
            page = self._open(task).page(number)
        self._read += 1
        self.progress()
        height, width = page.pixels.shape[:2]
        check_memory(self.job, width, height, task.label)
        job = self.job if place is None else self.job.in_place()
        result = job.work(page, task.name, task.staged, task.format)
        if task.put is not None and task.staged is not None:
            task.put.write(task.staged, replace=replace)
        if place is not None:
            result = self._replacement(page, place, result)
        elif task.staged is None and self.job.in_layers():
            result = self._layers(page, result)
        size = result.size or (width * result.scale, height * result.scale)
        return Done(size, enlarged_dpi(page.dpi, result.scale), time.perf_counter() - start, page.notes, result)

    def _replacement(self, page: Page, place: Place, result: Result) -> Result:
        """The result of a scanned PDF page, coded as its picture is stored."""
        from docbin.pdf.place import stored
        from docbin.pdf.replace import Replacement

        made = _made(page, result)
        dpi = page.dpi if page.dpi is None or place.orientation < 5 else page.dpi[::-1]
        picture = self.job.picture(stored(made, place.orientation), stored(page.pixels, place.orientation), dpi)
        return replace(result, data=None, replacement=Replacement(place, picture))

    def _layers(self, page: Page, result: Result) -> Result:
        """The result of a page of a document, in layers."""
        from docbin.pdf.page_layers import PageLayers

        layers = self.job.picture(_made(page, result), page.pixels, page.dpi)
        assert isinstance(layers, PageLayers)
        return replace(result, data=None, layers=layers)


def _made(page: Page, result: Result) -> Any:
    """What came of a page whose every pixel stayed in its place: as :func:`unpack`."""
    height, width = (side * result.scale for side in page.pixels.shape[:2])
    return _pixels(result, (width, height))


def check_memory(job: Job, width: int, height: int, label: str) -> None:
    """Refuse a page for which the job's row needs more memory than there is: some libraries end the process where memory ends."""
    if not job.row.memory:
        return
    from docbin.processes.memory import give_back_freed_memory, machine_memory, memory_in_use, memory_limit

    give_back_freed_memory()
    free = max(0, (memory_limit() or machine_memory()) - memory_in_use())
    need = job.row.memory * width * height
    if need > free:
        raise RefusedInput(
            f"{label}: {job.row.name} needs {need / 1e9:.1f} GB of memory for {width} x {height} pixels and may have {free / 1e9:.1f} GB; it can do "
            f"pages of {free / job.row.memory / 1e6:.1f} megapixels: make the page smaller, use fewer --jobs, or choose another method"
        )


def _no_memory(task: Task) -> PageFailed:
    return PageFailed(f"{task.label}: not enough memory; use fewer --jobs, or a smaller page")


def _means_no_memory(error: Exception) -> bool:
    """OpenCV's and torch's words for it."""
    text = str(error).lower()
    return "insufficient memory" in text or "bad_alloc" in text or "can't allocate memory" in text or "not enough memory" in text
