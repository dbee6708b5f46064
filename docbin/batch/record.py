"""The record of a page and of a batch: the lines of the report, and the exit code."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from docbin.batch.failure import Failure
from docbin.errors import OutputExists, UsageError
from docbin.files.csv_line import csv_line

DRAWN = "drawn, not scanned: the page stays as it is (--pdf rebuild renders it)"
"""What is said of a page without a scan in a PDF whose scans are replaced."""

Status = Literal["done", "kept", "failed", "planned", "skipped"]


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One page of a batch: a line of the report.

    Attributes
    ----------
    input, page, pages : the file as the user gave it, page number from 1 (None: the file could not be opened), pages in the file
    output : the file that holds the result, None where there is none
    status : "done", "kept" (finished by an earlier run, not touched), "failed", "planned" (dry run),
        "skipped" (a picture of a kind that is not read, in a folder)
    method, parameters : all parameters, defaults included
    size : (width, height) of the result, pixels; twice the page's where it was enlarged, higher where lines were straightened
    dpi : (horizontal, vertical) of the result, None where the file does not say
    ink : share of ink, 0..1; None where words were asked for
    words : how many were found; None where ink was asked for
    polarity : "dark" writing on light paper or "light" on dark, as the page was taken; None where that was not asked
    seconds : reading, binarizing and writing the page
    warnings : what the reader had to do or leave out
    chosen, verdicts : of ``-m auto``: the method taken for the page, and the quality of every method tried; else None
    quality : F-measure to be expected of the ink, 0..1 (:mod:`docbin.assessment`); None where ink was not asked for
    reasons : why the page is suspect; empty where it is not
    member : the page's name within the archive that the input is; else None
    wanted : how many of the file's pages were asked for (--pages): where a report has fewer, its run was killed; None where that is not known
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
    polarity: str | None = None
    seconds: float | None = None
    warnings: tuple[str, ...] = ()
    chosen: str | None = None
    verdicts: dict[str, float] | None = None
    quality: float | None = None
    reasons: tuple[str, ...] = ()
    member: str | None = None
    wanted: int | None = None
    error: Failure | None = None

    @property
    def suspect(self) -> bool:
        """Whether the result looks wrong; see :mod:`docbin.assessment`."""
        return bool(self.reasons)

    @property
    def label(self) -> str:
        """How messages call the page."""
        if self.member is not None:
            return f"{self.member} in {self.input}"
        return self.input if self.page is None or self.pages == 1 else f"page {self.page} of {self.input}"

    def as_dict(self) -> dict[str, Any]:
        """The record as the report has it."""
        fields = asdict(self)
        fields["suspect"] = self.suspect
        fields["exit_code"] = 0 if self.error is None else self.error.exit_code
        if self.error is not None:
            fields["error"] = {"type": self.error.type, "message": self.error.message}
        return fields

    @classmethod
    def kept(cls, fields: dict[str, Any], output: str) -> PageRecord:
        """The record of a page that an earlier run finished, from its manifest line."""
        names = (
            "input",
            "page",
            "pages",
            "method",
            "parameters",
            "size",
            "dpi",
            "ink",
            "words",
            "polarity",
            "seconds",
            "warnings",
            "chosen",
            "verdicts",
            "quality",
            "reasons",
            "member",
            "wanted",
        )
        values: dict[str, Any] = {name: tuple(fields[name]) if isinstance(fields.get(name), list) else fields.get(name) for name in names}
        return cls(**values, status="kept", output=output)


def is_record(fields: Any) -> bool:
    """Whether `fields`, read from a manifest, has the fields and types of :meth:`PageRecord.as_dict`."""
    if not isinstance(fields, dict):
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
        "polarity": (text, nothing),
        "seconds": (*number, nothing),
        "quality": (*number, nothing),
        "chosen": (text, nothing),
        "verdicts": (dict, nothing),
        "member": (text, nothing),
        "wanted": (int, nothing),
    }
    if not all(isinstance(fields.get(name), kind) for name, kind in kinds.items()):
        return False
    pairs = [fields.get(name) for name in ("size", "dpi")]
    if not all(pair is None or (isinstance(pair, list) and len(pair) == 2 and all(isinstance(n, number) for n in pair)) for pair in pairs):
        return False
    lists = [fields.get(name) for name in ("warnings", "reasons")]
    if not all(isinstance(items, list) and all(isinstance(item, text) for item in items) for items in lists):
        return False
    if not all(isinstance(value, number) for value in (fields.get("verdicts") or {}).values()):
        return False
    return all(isinstance(value, (*number, text)) for value in fields["parameters"].values())


def kind_of(reason: str) -> str:
    """A reason without its numbers: what stands before its first colon or bracket."""
    return re.split(r"[:(]", reason, maxsplit=1)[0].strip()


def is_low(record: PageRecord, least: float | None) -> bool:
    """Whether a page's quality is below the least."""
    return least is not None and record.quality is not None and record.quality < least


@dataclass(slots=True)
class Summary:
    """Counts of a finished batch."""

    inputs: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    drawn: int = 0
    """Pages of PDFs that were no scans and stayed as they were."""
    suspect: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Suspect pages by what is wrong with them: a reason up to its numbers. A page may count for several."""
    least_quality: float | None = None
    """Pages below are `low`, and the exit code 6."""
    low: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    report_error: Failure | None = None
    """Why the report ends before the batch did."""

    def add(self, record: PageRecord) -> None:
        """Count a page."""
        self.counts[record.status] += 1
        self.drawn += record.status == "done" and DRAWN in record.warnings
        if record.suspect and record.status == "done":
            self.suspect += 1
            self.kinds.update({kind_of(reason) for reason in record.reasons})
        self.low += is_low(record, self.least_quality)
        if record.error is not None:
            self.codes[record.error.exit_code] += 1

    @property
    def exit_code(self) -> int:
        """0 where nothing failed. Where nothing was done and everything failed for one kind of reason, that reason's code; else 6. Pages of low
        quality are 6, too, where the user has said what is low."""
        if not self.codes:
            return (6 if self.low else 0) if self.report_error is None else self.report_error.exit_code
        if len(self.codes) == 1 and self.counts["failed"] == self.counts.total():
            return next(iter(self.codes))
        return 6


class Report:
    """A line a page, JSON, or CSV where the name ends in ``.csv``; written through at every line: a kill leaves whole lines and at most one torn
    one at the end."""

    def __init__(self, path: Path, inputs: frozenset[tuple[int, int]] = frozenset()) -> None:
        """Replace `path`, which may be an earlier report, an empty file or a device, but no input, known by (device, inode), and nothing else."""
        from docbin.files.access import access_error

        self.path = path
        if "\0" in str(path):
            raise UsageError(f"{str(path)!r}: no file can have this name; choose another with --report")
        self._csv = path.suffix.lower() == ".csv"
        try:
            if path.exists() and (path.stat().st_dev, path.stat().st_ino) in inputs:
                raise UsageError(f"{path}: the report would replace one of the inputs; choose another name with --report")
            if path.is_file() and not _is_report(path):
                raise OutputExists(f"{path}: it exists and is no report of docbin's; choose another name with --report, or remove it")
            self._file: RawIOBase = path.open("wb", buffering=0)
        except OSError as error:
            raise access_error(error, str(path), "write") from error
        if self._csv:
            self._write(csv_line(CSV_COLUMNS))

    def add(self, record: PageRecord) -> None:
        """Append a page.

        Raises
        ------
        FileAccessError
            It cannot be written; the report then ends with the line before.
        """
        fields = record.as_dict()
        self._write(csv_line(flat(fields)) if self._csv else json.dumps(fields) + "\n")

    def _write(self, line: str) -> None:
        from docbin.files.access import access_error

        data = line.encode(errors="surrogateescape")
        try:
            if self._file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise access_error(error, str(self.path), "write the report") from error

    def __enter__(self) -> Report:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(OSError):
            self._file.close()


def _is_report(path: Path) -> bool:
    """Whether a file begins as a report does, or is empty."""
    with path.open("rb") as file:
        begin = file.read(32).removeprefix(b"\xef\xbb\xbf")
    return not begin or begin.startswith((b'{"input":', b"input,page,"))


CSV_COLUMNS = (
    "input", "page", "pages", "status", "output", "method", "parameters", "width", "height", "dpi_x", "dpi_y", "ink", "words", "polarity",
    "seconds", "chosen", "verdicts", "quality", "suspect", "reasons", "warnings", "error_type", "error", "exit_code", "member",
)  # fmt: skip
"""Columns of a report in CSV; parameters are ``name=value`` and, as reasons and warnings are, separated by semicolons."""


def flat(fields: dict[str, Any]) -> list[Any]:
    """A record as the cells of :data:`CSV_COLUMNS`; fields that a report of an older version lacks are empty."""
    fields = PageRecord("", None, None, "done", "").as_dict() | {name: value for name, value in fields.items() if value is not None}
    width, height = fields["size"] or (None, None)
    dpi_x, dpi_y = fields["dpi"] or (None, None)
    error = fields["error"] or {"type": None, "message": None}
    cells = fields | {
        "width": width,
        "height": height,
        "dpi_x": dpi_x,
        "dpi_y": dpi_y,
        "error_type": error["type"],
        "error": error["message"],
    }
    cells["parameters"] = "; ".join(f"{name}={value}" for name, value in fields["parameters"].items())
    cells["verdicts"] = "; ".join(f"{name}={value:g}" for name, value in (fields["verdicts"] or {}).items())
    cells["reasons"], cells["warnings"] = "; ".join(fields["reasons"]), "; ".join(fields["warnings"])
    return [cells[name] for name in CSV_COLUMNS]
