"""An output folder and what must survive a kill: the manifest of finished outputs, and unfinished files kept out of sight.

Everything docbin needs lies in ``OUT/.docbin/``:

``manifest.jsonl``
    A line a finished output, appended and flushed to the disk (fsync) one by one.
``run-XXXX/``
    The unfinished files of one running docbin, which holds a lock on the folder's ``lock`` file. The lock dies with its process, so a folder whose
    lock can be taken was left by a kill. Several docbins may work into one output folder at the same time.

An output is finished in two steps: its line goes to the manifest (with the name of the unfinished file), then the unfinished file is renamed to its
final name. A kill before the first step leaves only a file to throw away; a kill between the two leaves an output that the next run renames
(:meth:`Home.recover`); a kill within the first leaves a torn line, which is no line. So an output exists exactly when it is whole, and is never made
twice.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from docbin.batch.inputs import OWN_FOLDER
from docbin.errors import FileAccessError

MANIFEST = "manifest.jsonl"
_LOCK = "lock"
_NO_LOCKS_SECONDS = 86_400.0
"""Where there are no locks, a run folder in which nothing was made for a day was left by a kill."""


class Manifest:
    """Finished outputs of a folder, by resume key and by output name.

    In memory each is a place in the file, not its content: a million pages cost some hundred megabytes less, and only what is asked for is read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._by_key: dict[str, list[int]] = {}
        self._by_output: dict[str, int] = {}
        self.stems: dict[str, str] = {}
        """Absolute input path -> stem of its output."""
        for offset, entry in _lines(path):
            self._note(offset, entry)

    def _note(self, offset: int, entry: dict[str, Any]) -> None:
        self._by_key.setdefault(entry["key"], []).append(offset)
        self._by_output[entry["output"]] = offset
        self.stems[entry["input"]] = entry["stem"]

    def entries(self, key: str) -> list[dict[str, Any]]:
        """The lines written under a resume key, oldest first."""
        return [self._read(offset) for offset in self._by_key.get(key, ())]

    def last(self, output: str) -> dict[str, Any] | None:
        """The newest line of an output (path relative to the folder), None where docbin never wrote it."""
        offset = self._by_output.get(output)
        return None if offset is None else self._read(offset)

    def _read(self, offset: int) -> dict[str, Any]:
        with self.path.open("rb") as file:
            file.seek(offset)
            entry: dict[str, Any] = json.loads(file.readline())
        return entry


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The whole lines of a manifest and where they begin. A torn or foreign line is passed over: the page it spoke of is simply made again."""
    wanted = {"key", "input", "stem", "output", "staged", "size", "records"}
    try:
        with path.open("rb") as file:
            offset = 0
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    entry = None
                if isinstance(entry, dict) and wanted <= entry.keys():
                    yield offset, entry
                offset += len(line)
    except FileNotFoundError:
        return


class Home:
    """An output folder in use by this run. Nothing is created before :meth:`open`, so that a dry run leaves no trace.

    Parameters
    ----------
    folder : the output folder
    keep : keep a manifest; False for a single output, whose folder is left without ``.docbin/``
    remember : read the manifest (--resume)
    """

    def __init__(self, folder: Path, *, keep: bool, remember: bool) -> None:
        self.folder = folder
        self.keep = keep
        self._own = folder / OWN_FOLDER
        self._run: Path | None = None
        self._lock: IO[bytes] | None = None
        self._append: int | None = None
        self._count = 0
        self.manifest = Manifest(self._own / MANIFEST if remember else Path(os.devnull))

    def open(self) -> None:
        """Make the folder and a place for unfinished files; finish and clean up what killed runs left."""
        if self._run is not None:
            return
        from docbin.files.access import access_error

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._recover()
            self._run = self._make_run()
            if self.keep:
                self._append = os.open(self._own / MANIFEST, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
                self._mend()
        except OSError as error:
            name = str(error.filename or self.folder)
            raise access_error(error, str(self.folder) if name.startswith(str(self._own)) else name, "write") from error

    def _make_run(self) -> Path:
        """A folder for unfinished files, locked. Another docbin may take it for a dead one until it is; then the next try has another name."""
        for _ in range(20):
            try:
                self._own.mkdir(exist_ok=True)
                run = Path(tempfile.mkdtemp(prefix="run-", dir=self._own))
                lock = (run / _LOCK).open("wb")
                if _lock(lock) is not False and (run / _LOCK).stat().st_ino == os.fstat(lock.fileno()).st_ino:
                    self._lock = lock
                    return run
                lock.close()
            except FileNotFoundError:
                continue
        raise FileNotFoundError(errno.ENOENT, "is removed again and again", str(self._own))

    def _mend(self) -> None:
        """End a line that a kill has torn, so that the next one begins at its own place."""
        assert self._append is not None
        size = os.lseek(self._append, 0, os.SEEK_END)
        if size and os.pread(self._append, 1, size - 1) != b"\n":
            os.write(self._append, b"\n")

    def _recover(self) -> None:
        """Rename what killed runs had finished but not yet renamed, and throw their other files away."""
        outputs: dict[str, str] | None = None
        for run in sorted(self._own.glob("run-*")):
            with contextlib.ExitStack() as held:
                if not _is_dead(run, held):
                    continue
                if outputs is None:
                    outputs = {entry["staged"]: entry["output"] for _, entry in _lines(self._own / MANIFEST)}
                for left in sorted(run.iterdir()):
                    output = outputs.get(f"{run.name}/{left.name}")
                    if output is not None:
                        (self.folder / output).parent.mkdir(parents=True, exist_ok=True)
                        left.replace(self.folder / output)
                shutil.rmtree(run, ignore_errors=True)

    def staged(self, suffix: str) -> Path:
        """A name for an unfinished file."""
        assert self._run is not None, "open() comes first"
        self._count += 1
        return self._run / f"{self._count}{suffix}"

    def commit(self, staged: Path, output: Path, entry: dict[str, Any]) -> None:
        """Make an unfinished file the finished `output`; `entry` is what --resume needs (key, input, stem, records, ...)."""
        from docbin.files.access import access_error

        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            if self._append is not None:
                assert self._run is not None
                name = output.relative_to(self.folder).as_posix()
                line = entry | {"output": name, "staged": f"{self._run.name}/{staged.name}", "size": staged.stat().st_size}
                os.write(self._append, json.dumps(line).encode() + b"\n")
                os.fsync(self._append)
            staged.replace(output)
        except OSError as error:
            raise access_error(error, str(output), "write") from error

    def is_kept(self, entry: dict[str, Any]) -> bool:
        """Whether the output of a manifest line is there, as long as it was written."""
        try:
            return bool((self.folder / entry["output"]).stat().st_size == entry["size"])
        except OSError:
            return False

    def check_free(self, output: Path, *, overwrite: bool, resume: bool) -> None:
        """Refuse to replace what should stay.

        Raises
        ------
        FileAccessError
            `output` exists, and neither --overwrite was given, nor --resume for a file that docbin wrote and nobody changed.
        """
        if not os.path.lexists(output):
            return
        if output.is_dir():
            raise FileAccessError(f"{output}: cannot write: it is a folder; choose another name with -o")
        if overwrite:
            return
        if not resume:
            raise FileAccessError(f"{output}: it exists; give --overwrite to replace it, or --resume to keep what is done")
        entry = self.manifest.last(output.relative_to(self.folder).as_posix())
        if entry is None:
            raise FileAccessError(f"{output}: it exists and no earlier run wrote it here; move it away or give --overwrite")
        if not self.is_kept(entry):
            raise FileAccessError(f"{output}: it was changed since docbin wrote it; move it away or give --overwrite")

    def close(self) -> None:
        """Throw unfinished files away; what is finished stays."""
        if self._append is not None:
            os.close(self._append)
            self._append = None
        if self._run is not None:
            shutil.rmtree(self._run, ignore_errors=True)
            self._run = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if not self.keep:
            with contextlib.suppress(OSError):  # another docbin or a manifest lives there
                self._own.rmdir()


def _lock(file: IO[bytes]) -> bool | None:
    """Take the lock of a run: False where another process holds it, None where there are no locks (Windows, some network disks)."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


def _is_dead(run: Path, held: contextlib.ExitStack) -> bool:
    """Whether a run folder was left by a kill; its lock is then held by `held`, so that two docbins do not clean it at once."""
    try:
        locked = _lock(held.enter_context((run / _LOCK).open("rb+")))
        if locked is not None:
            return locked
        return time.time() - run.stat().st_mtime > _NO_LOCKS_SECONDS
    except FileNotFoundError:
        return True  # killed before it made its lock; or it is just about to, and then makes another folder
    except OSError:
        return False
