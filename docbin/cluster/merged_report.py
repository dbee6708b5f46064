"""The reports of many runs as one: a line a page, the best that is known of it; and which units of a work list have none.

Shards write a report each, a run that was killed leaves records in its output folder, a page that failed yesterday was done today. Of several lines
about a page the best counts: done, then kept, then failed, and of equals the last one. A file that could not be opened once and had pages
another time counts as its pages.

Memory holds the lines of one part of the inputs at a time; the sources are read once a part. So ten million lines take time, not memory.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from docbin.batch.inputs import OWN_FOLDER
from docbin.batch.output_folder import MANIFEST
from docbin.batch.record import PageRecord
from docbin.batch.remote_folder import RECORDS
from docbin.batch.shard import unit_hash
from docbin.errors import FileAccessError, InputError, UsageError
from docbin.files.remote_path import AnyPath, RemotePath, place

LINES_AT_ONCE = 200_000
"""Lines that are held in memory."""
_RANKS = {"done": 4, "kept": 3, "planned": 2, "skipped": 1, "failed": 0}


@dataclass(slots=True)
class MergedReport:
    """Reports, ready to be merged.

    Parameters
    ----------
    sources : reports in JSON, by path or URL, and output folders (their records)
    spool : folder for copies of what lies in stores
    torn : reports whose last line a kill has cut
    parted : hashes of inputs of which fewer pages are reported than were asked for; complete once :meth:`lines` has ended
    """

    sources: Sequence[str]
    spool: Path
    torn: list[str] = field(default_factory=list)
    parted: list[int] = field(default_factory=list)
    _files: list[tuple[str, Path, AnyPath | None]] = field(default_factory=list)
    _lines: int = 0

    def __post_init__(self) -> None:
        for number, word in enumerate(self.sources):
            self._files += self._opened(word, number)
        for name, path, folder in self._files:
            for _ in self._read(name, path, folder, note=True):
                self._lines += 1

    def _opened(self, word: str, number: int) -> list[tuple[str, Path, AnyPath | None]]:
        """The files of this machine that a word means: (name for messages, path, output folder whose records they are)."""
        path = place(word)
        if word.lower().endswith(".csv"):
            raise UsageError(f"{word}: reports in CSV are not merged; let the runs write JSON (--report NAME.jsonl)")
        if isinstance(path, Path):
            if path.is_dir():
                manifest = path / OWN_FOLDER / MANIFEST
                if not manifest.is_file():
                    raise FileAccessError(f"{word}: no records of docbin in this folder; name reports, or output folders of a batch")
                return [(word, manifest, path)]
            return [(word, path, None)]
        return self._fetched(path, number)

    def _fetched(self, path: RemotePath, number: int) -> list[tuple[str, Path, AnyPath | None]]:
        from docbin.files import object_store

        local = self.spool / f"merge-{number}.jsonl"
        if path.suffix.lower() in (".jsonl", ".json"):
            local.write_bytes(object_store.read(path))
            return [(path.shown(), local, None)]
        empty = True
        with local.open("wb") as sink:
            for entry in sorted(object_store.listing(path / RECORDS), key=lambda entry: entry.path):
                sink.write(object_store.read(entry.path))
                empty = False
        if empty:
            raise FileAccessError(f"{path.shown()}: no records of docbin below this URL; name reports, or output folders of a batch")
        return [(path.shown(), local, path)]

    def _read(self, name: str, path: Path, folder: AnyPath | None, *, note: bool = False) -> Iterator[dict[str, Any]]:
        """The report lines of a file."""
        from docbin.files.access import access_error

        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    fields = _parsed(line)
                    if fields is None and not line.endswith(b"\n") and (folder is not None or _is_torn(line)):
                        if note:
                            self.torn.append(name)
                        return
                    if folder is None and (fields is None or not _is_line(fields)):
                        raise InputError(f"{name}: line {number} is not a line of a report; name reports that --report wrote as .jsonl")
                    if fields is not None:
                        yield from _records(fields, folder)
        except OSError as error:
            raise access_error(error, name, "read") from error

    def lines(self) -> Iterator[dict[str, Any]]:
        """A line a page, as the report has it; in the order of the sources where they have at most :data:`LINES_AT_ONCE` lines."""
        parts = max(1, -(-self._lines // LINES_AT_ONCE))
        for part in range(parts):
            best: dict[str, dict[int | None, dict[str, Any]]] = {}
            for name, path, folder in self._files:
                for fields in self._read(name, path, folder):
                    if unit_hash(fields["input"]) % parts == part:
                        _take(best.setdefault(fields["input"], {}), fields)
            for name, pages in best.items():
                whole = list(_of_one_input(pages))
                if len(whole) < max(fields.get("wanted") or 0 for fields in whole):
                    self.parted.append(unit_hash(name))
                yield from whole


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _is_torn(line: bytes) -> bool:
    """Whether a line without an end can be the beginning of a report's."""
    begin = b'{"input": "'
    return line[: len(begin)] == begin[: len(line)]


def _is_line(fields: dict[str, Any]) -> bool:
    """Whether a JSON object is a line of a report: what merging, counting and CSV need of it has the right type."""
    wanted: tuple[tuple[str, Any], ...] = (
        ("input", str),
        ("status", str),
        ("method", str),
        ("page", int | None),
        ("pages", int | None),
        ("wanted", int | None),
    )
    if not all(isinstance(fields.get(name), kind) for name, kind in wanted) or fields["status"] not in _RANKS:
        return False
    tables = all(isinstance(fields.get(name, {}), dict | None) for name in ("error", "parameters", "verdicts"))
    lists = all(isinstance(fields.get(name, []), list | None) for name in ("reasons", "warnings", "size", "dpi"))
    return tables and lists and isinstance(fields.get("exit_code", 0), int)


def _records(fields: dict[str, Any], folder: AnyPath | None) -> Iterator[dict[str, Any]]:
    """The lines of a report in a line of a report, or in one of an output folder's records."""
    if folder is None:
        yield fields
        return
    for record in fields.get("records") or ():
        if isinstance(record, dict) and isinstance(record.get("input"), str) and record.get("status") in _RANKS:
            yield record | {"output": str(folder / str(fields.get("output")))}


def _take(pages: dict[int | None, dict[str, Any]], fields: dict[str, Any]) -> None:
    before = pages.get(fields.get("page"))
    if before is None or _RANKS[fields["status"]] >= _RANKS[before["status"]]:
        pages[fields.get("page")] = fields


def _of_one_input(pages: Mapping[int | None, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    if len(pages) > 1:
        pages = {page: fields for page, fields in pages.items() if page is not None}
    yield from (pages[page] for page in sorted(pages, key=lambda page: page or 0))


def record_of(fields: Mapping[str, Any]) -> PageRecord:
    """A report's line as a record, as far as counting needs it."""
    from docbin.batch.failure import Failure

    error = None
    if fields.get("error"):
        error = Failure(str(fields["error"].get("type")), str(fields["error"].get("message")), int(fields.get("exit_code") or 6))
    reasons = tuple(fields.get("reasons") or ())
    return PageRecord(
        fields["input"], fields.get("page"), fields.get("pages"), fields["status"], str(fields.get("method")), reasons=reasons, error=error
    )


class Finished:
    """The inputs of which every page is done, as 64 bits each."""

    def __init__(self) -> None:
        self._good: list[int] = []
        self._bad: list[int] = []

    def without(self, hashes: Sequence[int]) -> None:
        """Count these inputs as not finished (:attr:`MergedReport.parted`)."""
        self._bad += hashes

    def add(self, fields: Mapping[str, Any]) -> None:
        """Take a line of the merged report."""
        (self._good if fields["status"] in ("done", "kept", "skipped") else self._bad).append(unit_hash(fields["input"]))

    def missing(self, work: Path, name: str) -> Iterator[bytes]:
        """The lines of a work list whose unit is not finished."""
        from docbin.batch.work_list import parse
        from docbin.files.access import access_error

        good = np.setdiff1d(np.array(self._good, dtype=np.uint64), np.array(self._bad, dtype=np.uint64))
        try:
            with work.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if not line.strip():
                        continue
                    uri = line
                    with contextlib.suppress(InputError):
                        found = place(parse(line, f"line {number} of {name}").uri)
                        uri = (found.shown() if isinstance(found, RemotePath) else str(found)).encode()
                    wanted = np.uint64(unit_hash(uri.decode(errors="surrogateescape")))
                    at = int(np.searchsorted(good, wanted))
                    if at == len(good) or good[at] != wanted:
                        yield line if line.endswith(b"\n") else line + b"\n"
        except OSError as error:
            raise access_error(error, name, "read") from error
