"""What is told of a page and of a batch: the lines of the report, and the exit code."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

from docbin.errors import UsageError

Status = Literal["done", "kept", "failed", "planned"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as plain data, so that it crosses from a worker process and into the report unchanged."""

    type: str
    message: str
    exit_code: int
    trace: str | None = None
    """Where it happened, for errors that are no fault of the page."""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The record of an exception; whatever is not one of docbin's own errors has no exit code of its own and counts as a failed page."""
        return cls(type(error).__name__, str(error) or type(error).__name__, getattr(error, "exit_code", 6))


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One page of a batch: a line of the report.

    Attributes
    ----------
    input, page, pages : the file as the user gave it, page number from 1 (None: the file could not be opened), pages in the file
    output : the file that holds the result, None where there is none
    status : "done", "kept" (finished by an earlier run, not touched), "failed", "planned" (dry run)
    method, parameters : all parameters, defaults included
    size : (width, height), pixels
    dpi : (horizontal, vertical), None where the file does not say
    ink : share of ink, 0..1; None where words were asked for
    words : how many were found; None where ink was asked for
    seconds : reading, binarizing and writing the page
    warnings : what the reader had to do or leave out
    reasons : why the page is suspect; empty where it is not
    error : what went wrong
    """

    input: str
    page: int | None
    pages: int | None
    status: Status
    method: str
    parameters: dict[str, Any] = field(default_factory=dict)
    output: str | None = None
    size: tuple[int, int] | None = None
    dpi: tuple[float, float] | None = None
    ink: float | None = None
    words: int | None = None
    seconds: float | None = None
    warnings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    error: Failure | None = None

    @property
    def suspect(self) -> bool:
        """Whether the result looks wrong; see :mod:`docbin.batch.guard`."""
        return bool(self.reasons)

    @property
    def label(self) -> str:
        """How messages call the page."""
        return self.input if self.page is None or self.pages == 1 else f"page {self.page} of {self.input}"

    def as_dict(self) -> dict[str, Any]:
        """The record as the report has it."""
        told = asdict(self)
        told["suspect"] = self.suspect
        told["exit_code"] = 0 if self.error is None else self.error.exit_code
        if self.error is not None:
            told["error"] = {"type": self.error.type, "message": self.error.message}
        return told

    @classmethod
    def kept(cls, told: dict[str, Any], output: str) -> PageRecord:
        """The record of a page that an earlier run finished, from its manifest line."""
        names = ("input", "page", "pages", "method", "parameters", "size", "dpi", "ink", "words", "seconds", "warnings", "reasons")
        values: dict[str, Any] = {name: tuple(told[name]) if isinstance(told.get(name), list) else told.get(name) for name in names}
        return cls(**values, status="kept", output=output)


def is_record(told: Any) -> bool:
    """Whether `told`, read from a manifest, has the fields and types of :meth:`PageRecord.as_dict`."""
    if not isinstance(told, dict):
        return False
    number, text, nothing = (int, float), str, type(None)
    kinds: dict[str, Any] = {
        "input": text,
        "page": (int, nothing),
        "pages": (int, nothing),
        "method": text,
        "parameters": dict,
        "ink": (*number, nothing),
        "words": (int, nothing),
        "seconds": (*number, nothing),
    }
    if not all(isinstance(told.get(name), kind) for name, kind in kinds.items()):
        return False
    pairs = [told.get(name) for name in ("size", "dpi")]
    if not all(pair is None or (isinstance(pair, list) and len(pair) == 2 and all(isinstance(n, number) for n in pair)) for pair in pairs):
        return False
    lists = [told.get(name) for name in ("warnings", "reasons")]
    if not all(isinstance(items, list) and all(isinstance(item, text) for item in items) for items in lists):
        return False
    return all(isinstance(value, (*number, text)) for value in told["parameters"].values())


@dataclass(slots=True)
class Summary:
    """Counts of a finished batch."""

    inputs: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    suspect: int = 0
    codes: Counter[int] = field(default_factory=Counter)

    def add(self, record: PageRecord) -> None:
        """Count a page."""
        self.counts[record.status] += 1
        self.suspect += record.suspect and record.status == "done"
        if record.error is not None:
            self.codes[record.error.exit_code] += 1

    @property
    def exit_code(self) -> int:
        """0 where nothing failed. Where nothing was done and everything failed for one kind of reason, that reason's code; else 6."""
        if not self.codes:
            return 0
        if len(self.codes) == 1 and self.counts["failed"] == self.counts.total():
            return next(iter(self.codes))
        return 6


class Report:
    """A JSONL file, a line a page, written through at every line: a kill leaves whole lines and at most one torn one at the end."""

    def __init__(self, path: Path, inputs: frozenset[tuple[int, int]] = frozenset()) -> None:
        """Replace `path`; an input, known by (device, inode), is refused."""
        from docbin.files.access import access_error

        self.path = path
        try:
            if path.exists() and (path.stat().st_dev, path.stat().st_ino) in inputs:
                raise UsageError(f"{path}: the report would replace one of the inputs; choose another name with --report")
            self._file: TextIO = path.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise access_error(error, str(path), "write") from error

    def add(self, record: PageRecord) -> None:
        """Append a page."""
        from docbin.files.access import access_error

        try:
            self._file.write(json.dumps(record.as_dict()) + "\n")
        except OSError as error:
            raise access_error(error, str(self.path), "write") from error

    def __enter__(self) -> Report:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
