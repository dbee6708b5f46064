"""An output folder in a store, and what must survive a kill there: records in shards, and a word on every object.

A store has no locks, no renames and no appending, so what ``.docbin/manifest.jsonl`` is to a folder of this machine is here two things:

``OUT/.docbin/records/<time>-<run>-<number>.jsonl``
    The same lines. Every run (of many at once, perhaps) writes objects of its own: the last one is put again, whole, every :data:`SECONDS`, until it
    has :data:`LINES` lines. All of them together are the records of the folder, wherever and by whom they were made.
the object's own metadata, ``docbin-key`` and ``docbin-run``
    They come with the bytes in one PUT, so an object is known for docbin's from its first moment, also where a kill took the record. Such a page is
    made again by ``--resume`` (the same bytes), an object without them is somebody else's and is never replaced unasked.

In a store that keeps no metadata the record is put before the object, one by one, as on a disk.

Pages are put by the worker process that made them, a document by the parent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docbin.batch.inputs import OWN_FOLDER
from docbin.batch.output_folder import Manifest
from docbin.errors import DocbinError, FileAccessError, OutputExists
from docbin.files import object_store
from docbin.files.remote_path import AnyPath, RemotePath

RECORDS = f"{OWN_FOLDER}/records"
LINES = 2000
"""Lines of an object of records."""
SECONDS = 10.0
"""At most so many seconds of records are not in the store yet."""
_AT_ONCE = 16
"""Questions to the store at a time when a run is resumed."""


@dataclass(frozen=True, slots=True)
class Put:
    """How a finished page becomes an object: where, its words, and what may be replaced. Crosses to the worker."""

    path: RemotePath
    words: dict[str, str]
    overwrite: bool
    resume: bool

    def allowed(self) -> bool:
        """Whether an object of this name may be replaced; asked before the page is worked on.

        Raises
        ------
        OutputExists, FileAccessError
            There is one that should stay.
        """
        if self.overwrite:
            return True
        found = object_store.info(self.path)
        if found is None:
            return False
        words = object_store.metadata(self.path)
        if words.get("docbin-run") == self.words["docbin-run"]:
            return True  # this very run made it, and is at it once more, after a machine was lost
        if not self.resume:
            raise OutputExists(f"{self.path}: it exists; give --overwrite to replace it, or --resume to keep what is done")
        if "docbin-key" not in words:
            raise FileAccessError(f"{self.path}: it exists and no earlier run wrote it here; move it away or give --overwrite")
        return True

    def write(self, staged: Path, *, replace: bool) -> None:
        """Put the finished file."""
        object_store.put(self.path, staged.read_bytes(), replace=replace, words=self.words)


class RemoteFolder:
    """As :class:`docbin.batch.output_folder.OutputFolder`, in a store.

    Parameters
    ----------
    path : the output folder's URL
    spool : folder of this machine for unfinished files
    keep, remember : write records; read those of earlier runs (--resume)
    wanted : which inputs' records are of interest, by the URL or path of the input; None: all
    run : name of this run, the same for all processes that work at it
    records : takes the lines instead of the store, where another process keeps them (:meth:`keep_record`) and the store knows its objects by metadata
    """

    def __init__(
        self,
        path: RemotePath,
        spool: Path,
        *,
        keep: bool,
        remember: bool,
        wanted: Callable[[str], bool] | None = None,
        run: str | None = None,
        records: list[bytes] | None = None,
    ) -> None:
        self.path = path
        self.keep = keep
        self.records = records
        self.run = run or secrets.token_hex(8)
        self.worker_writes = path.scheme in object_store.KEEPS_METADATA
        self._spool = spool
        self._staging: Path | None = None
        self._count = 0
        self._by_worker: set[Path] = set()
        self._lines: list[bytes] = []
        self._unsent = 0
        self._number = 0
        self._sent = time.monotonic()
        self._name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{self.run}-{secrets.token_hex(3)}"
        self._sizes: dict[str, int | None] | None = None
        self.manifest = Manifest(self._fetch(wanted) if remember and keep else None)

    def _fetch(self, wanted: Callable[[str], bool] | None) -> Path:
        """The records of all earlier runs as one file of this machine, oldest first."""
        folder = self.path / RECORDS
        objects = sorted(object_store.listing(folder), key=lambda entry: entry.path)
        local = self._spool / f"records-{self.run}.jsonl"
        with local.open("wb") as sink, ThreadPoolExecutor(_AT_ONCE) as threads:
            for at in range(0, len(objects), 4 * _AT_ONCE):
                some = objects[at : at + 4 * _AT_ONCE]
                for data in threads.map(lambda entry: object_store.read(entry.path), some):
                    for line in data.splitlines(keepends=True):
                        if wanted is None or _is_of(line, wanted):
                            sink.write(line)
        return local

    def open(self) -> None:
        """Make a place for unfinished files on this machine."""
        if self._staging is None:
            self._staging = Path(tempfile.mkdtemp(prefix="put-", dir=self._spool))

    def staged(self, suffix: str) -> Path:
        """A name for an unfinished file."""
        assert self._staging is not None, "open() comes first"
        self._count += 1
        return self._staging / f"{self._count}{suffix}"

    def pages(self, key: str) -> Path | None:
        """A folder of this machine for the finished pages of an unfinished document; lost with this run. None before :meth:`open`."""
        if self._staging is None:
            return None
        self._count += 1
        path = self._staging / f"pages-{self._count}"
        path.mkdir()
        return path

    def forget_pages(self, path: Path) -> None:
        """Remove a folder that :meth:`pages` gave: the document is finished."""
        shutil.rmtree(path, ignore_errors=True)

    def identity(self, output: AnyPath) -> tuple[int, int] | None:
        """No file of this machine is an object of the store."""
        return None

    def name_key(self, output: AnyPath) -> str:
        """Stores tell letters' cases apart."""
        return str(output)

    def folds_case(self) -> bool:
        """As :meth:`name_key`."""
        return False

    def put_of(self, output: AnyPath, staged: Path, key: str, *, overwrite: bool, resume: bool) -> Put | None:
        """How the worker puts a page itself; None where the parent does."""
        if not self.worker_writes:
            return None
        self._by_worker.add(staged)
        return self._put(output, key, overwrite, resume)

    def _put(self, output: AnyPath, key: str, overwrite: bool, resume: bool) -> Put:
        assert isinstance(output, RemotePath)
        return Put(output, {"docbin-key": key, "docbin-run": self.run}, overwrite, resume)

    def commit(self, staged: Path, output: AnyPath, entry: dict[str, Any], *, overwrite: bool, resume: bool) -> None:
        """Make an unfinished file the finished object `output` (unless the worker has) and keep its record.

        Raises
        ------
        FileAccessError
            It cannot be written; or something took the name since :meth:`check_free`, and may not be replaced.
        """
        assert isinstance(output, RemotePath)
        data = staged.read_bytes()
        name = output.relative_to(self.path).as_posix()
        more = {"output": name, "staged": "", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "run": self.run}
        line = json.dumps(entry | more).encode() + b"\n"
        if staged in self._by_worker:
            self._by_worker.discard(staged)
            self.keep_record(line)
        elif self.worker_writes:
            put = self._put(output, entry["key"], overwrite, resume)
            put.write(staged, replace=put.allowed())
            self.keep_record(line)
        else:
            self.check_free(output, overwrite=overwrite, resume=resume)
            if self.keep:
                self._lines.append(line)
                self._unsent += 1
                self._send()
            object_store.put(output, data, replace=overwrite or resume)
        with contextlib.suppress(OSError):
            staged.unlink()

    def keep_record(self, line: bytes) -> None:
        """Keep a record; it reaches the store within :data:`SECONDS`, as long as records come."""
        if self.records is not None:
            self.records.append(line)
            return
        if not self.keep:
            return
        self._lines.append(line)
        self._unsent += 1
        if len(self._lines) >= LINES or time.monotonic() - self._sent >= SECONDS:
            with contextlib.suppress(DocbinError):  # tried again with the next page; the objects know who made them
                self._send()

    def _send(self) -> None:
        """Put the newest object of records, again and whole."""
        if not self._unsent:
            return
        self._sent = time.monotonic()
        object_store.put(self.path / RECORDS / f"{self._name}-{self._number:06d}.jsonl", b"".join(self._lines), replace=True)
        self._unsent = 0
        if len(self._lines) >= LINES:
            self._lines.clear()
            self._number += 1

    def is_kept(self, entry: dict[str, Any]) -> bool:
        """Whether the object of a record is there, as long as it was written."""
        if self._sizes is None:
            names = self.manifest.outputs()
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                self._sizes = dict(zip(names, threads.map(self._size, names), strict=True))
        return bool(self._sizes.get(entry["output"]) == entry["size"])

    def _size(self, name: str) -> int | None:
        found = object_store.info(self.path / name)
        return None if found is None else found.size

    def check_free(self, output: AnyPath, *, overwrite: bool, resume: bool) -> None:
        """Refuse to replace what should stay.

        Raises
        ------
        FileAccessError
            `output` exists, and neither --overwrite was given, nor --resume for an object that docbin wrote.
        """
        assert isinstance(output, RemotePath)
        if self.worker_writes:
            self._put(output, "", overwrite, resume).allowed()
            return
        found = None if overwrite else object_store.info(output)
        if found is None:
            return
        if not resume:
            raise OutputExists(f"{output}: it exists; give --overwrite to replace it, or --resume to keep what is done")
        entry = self.manifest.last(output.relative_to(self.path).as_posix())
        if entry is None or entry["size"] != found.size:
            raise FileAccessError(f"{output}: it exists and no earlier run wrote it so; move it away or give --overwrite")

    def remove_overtaken(self, output: AnyPath, *, overwrite: bool) -> None:
        """Remove an incomplete document of an earlier run, now that the whole one is there."""
        assert isinstance(output, RemotePath)
        ours = self.manifest.last(output.relative_to(self.path).as_posix()) is not None
        if ours or (overwrite and object_store.info(output) is not None):
            object_store.remove(output)

    def close(self) -> None:
        """Throw unfinished files away, and put the records that are not in the store yet.

        Raises
        ------
        FileAccessError
            The records cannot be written.
        """
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
            self._staging = None
        self._send()


def _is_of(line: bytes, wanted: Callable[[str], bool]) -> bool:
    try:
        name = json.loads(line)["input"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return isinstance(name, str) and wanted(name)
