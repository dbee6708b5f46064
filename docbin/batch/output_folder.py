"""An output folder and what must survive a kill: the manifest of finished outputs, and unfinished files kept out of sight.

Everything docbin needs lies in ``OUT/.docbin/``:

``manifest.jsonl``
    A line a finished output, appended and flushed to the disk (fsync) one by one.
``pages-XXXX/``
    The finished pages of a PDF whose pictures are replaced (:mod:`docbin.batch.replaced_document`), until it is whole; kept by an interrupted run for
    --resume, removed by a run without it.

``run-XXXX/``
    The unfinished files of one running docbin, which holds a lock on the folder's ``lock`` file. The lock dies with its process, so a folder whose
    lock can be taken was left by a kill. Several docbins may work into one output folder at the same time.

An output is finished in two steps: its line goes to the manifest (with the name of the unfinished file), then the unfinished file is renamed to its
final name. A kill before the first step leaves only a file to throw away; a kill between the two leaves an output that the next run with --resume
renames (:meth:`OutputFolder.open`); a kill within the first leaves a torn line, which is cut off. So an output exists exactly when it is whole, and
is never made twice. Both steps are taken under a lock on the manifest, so that of two runs into one folder the first keeps a name that both want.

A folder may have been received from somebody, and ``.docbin`` with it. Nothing in there is believed: a line counts only if its types are right and
its names stay within the folder when every symbolic link is resolved; files are opened only if they are regular files and no links; and an
unfinished file is given its name only if its content is what the line says, the name is that of a picture or document, and nothing has it, or what
has it is, byte for byte, an output that an earlier line speaks of.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import IO, Any

from docbin.batch.inputs import OWN_FOLDER
from docbin.batch.names import folded
from docbin.batch.record import is_record
from docbin.errors import FileAccessError, OutputExists
from docbin.files.remote_path import AnyPath

MANIFEST = "manifest.jsonl"
_LOCK = "lock"
_PAGES = "pages-"
_NO_LOCKS_SECONDS = 86_400.0
"""Where there are no locks, a run folder in which nothing was made for a day was left by a kill."""
_LONGEST_LINE = 64 << 20
"""Bytes of a manifest line; one of a document of a hundred thousand pages has about so many. Longer ones are passed over."""


class Manifest:
    """Finished outputs of a folder, by resume key and by output name.

    In memory each is a place in the file, not its content: a million pages cost some hundred megabytes less, and only what is asked for is read.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path or Path(os.devnull)
        self._by_key: dict[str, list[int]] = {}
        self._by_output: dict[str, int] = {}
        self._by_input: dict[str, list[int]] = {}
        self._samples: dict[str, int] = {}
        self.stems: dict[str, str] = {}
        """Absolute input path -> stem of its output."""
        for offset, entry in _lines(path) if path else ():
            self._note(offset, entry)

    def _note(self, offset: int, entry: dict[str, Any]) -> None:
        self._by_key.setdefault(entry["key"], []).append(offset)
        self._by_output[entry["output"]] = offset
        self._by_input.setdefault(entry["input"], []).append(offset)
        self.stems[entry["input"]] = entry["stem"]
        settings = entry.get("settings") or entry["records"][0]["method"]
        self._samples.setdefault(f"{entry['page'] is None} {'settings' in entry} {json.dumps(settings, sort_keys=True)}", offset)

    def samples(self) -> list[dict[str, Any]]:
        """A line for every kind of settings that outputs were made with: few, however many outputs there are."""
        return [entry for offset in self._samples.values() if (entry := self._read(offset)) is not None]

    def entries(self, key: str) -> list[dict[str, Any]]:
        """The lines written under a resume key, oldest first."""
        return [entry for offset in self._by_key.get(key, ()) if (entry := self._read(offset)) is not None]

    def of_input(self, path: str) -> list[dict[str, Any]]:
        """The newest line of each output of an input (absolute path), oldest first."""
        entries = [entry for offset in self._by_input.get(path, ()) if (entry := self._read(offset)) is not None]
        newest = {entry["output"]: entry for entry in entries}
        return [entry for entry in entries if newest[entry["output"]] is entry]

    def last(self, output: str) -> dict[str, Any] | None:
        """The newest line of an output (path relative to the folder), None where docbin never wrote it."""
        offset = self._by_output.get(output)
        return None if offset is None else self._read(offset)

    def outputs(self) -> list[str]:
        """The names of all outputs."""
        return list(self._by_output)

    def _read(self, offset: int) -> dict[str, Any] | None:
        with contextlib.suppress(OSError), _open_regular(self.path) as file:
            file.seek(offset)
            return _entry(file.readline(_LONGEST_LINE))
        return None


def _lines(path: Path, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """The whole lines of a manifest from the byte `start` on, and where they begin.

    A torn or foreign line is passed over: the page it spoke of is simply made again.
    """
    try:
        with _open_regular(path) as file:
            offset = file.seek(start)
            while line := file.readline(_LONGEST_LINE):
                entry = _entry(line)
                if entry is not None:
                    yield offset, entry
                offset += len(line)
    except FileNotFoundError:
        return


def _entry(line: bytes) -> dict[str, Any] | None:
    """A manifest line as :meth:`OutputFolder.commit` writes it; None if it is anything else."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    texts = [entry.get(name) for name in ("key", "input", "stem", "output", "staged")]
    if not all(isinstance(text, str) and "\0" not in text for text in texts):
        return None
    numbers = [entry.get(name) for name in ("page", "wanted", "size")]
    if not all(number is None or (isinstance(number, int) and not isinstance(number, bool)) for number in numbers) or numbers[2] is None:
        return None
    if not _stays_below(entry["output"]) or not _stays_below(entry["stem"]) or not isinstance(entry.get("sha256", ""), str):
        return None
    if not isinstance(entry.get("settings", {}), dict) or not isinstance(entry.get("settings", {}).get("parameters", {}), dict):
        return None
    records = entry.get("records")
    if not isinstance(records, list) or not records or not all(is_record(record) for record in records):
        return None
    return entry


def _stays_below(name: str) -> bool:
    """Whether a name of a manifest is a relative path that nowhere climbs, and is none of docbin's own files."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    path = PurePosixPath(name)
    parts = path.parts
    if not parts or path.is_absolute() or parts[0] == OWN_FOLDER or Path(name).is_absolute() or Path(name).drive:
        return False
    return ".." not in parts and (os.sep == "/" or os.sep not in name)


def _open_regular(path: Path) -> BufferedReader:
    """Open a file for reading, but no symbolic link, pipe or device: OSError."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return os.fdopen(number, "rb")


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes, no link's; OSError else."""
    with _open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def _digest(path: Path) -> str | None:
    """SHA-256 of a regular file; None where there is none."""
    try:
        with _open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


class OutputFolder:
    """An output folder in use by this run. Nothing is created before :meth:`open`, so that a dry run leaves no trace.

    Parameters
    ----------
    path : the output folder
    keep : keep a manifest; False for a single output, whose folder is left without ``.docbin/``
    remember : read the manifest (--resume)
    run : name of a run that many processes work at: an output that it made may be made again, for a machine may be lost after it made one
    """

    def __init__(self, path: Path, *, keep: bool, remember: bool, run: str | None = None) -> None:
        self.path = path
        self.keep = keep
        self.worker_writes = False
        self.run = run
        self._remember = remember
        self._own = path / OWN_FOLDER
        self._run: Path | None = None
        self._lock: IO[bytes] | None = None
        self._append: int | None = None
        self._count = 0
        self._of_run: set[str] = set()
        self._read_to = 0
        self._page_locks: list[contextlib.ExitStack] = []
        self._folds: bool | None = None
        try:
            self.manifest = Manifest(self._own / MANIFEST if remember and not self._own.is_symlink() else None)
        except OSError as error:
            raise self._unusable(error) from error

    def open(self) -> None:
        """Make the folder and a place for unfinished files; finish and clean up what killed runs left."""
        if self._run is not None:
            return
        from docbin.files.access import access_error

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if self._own.is_symlink() or (os.path.lexists(self._own) and not self._own.is_dir()):
                raise OSError(errno.ENOTDIR, "is not a folder of docbin's", str(self._own))
            self._recover()
            self._run = self._make_run()
            if self.keep:
                flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
                self._append = os.open(self._own / MANIFEST, flags, 0o666)
                if not stat.S_ISREG(os.fstat(self._append).st_mode):
                    raise OSError(errno.EINVAL, "is not a regular file", str(self._own / MANIFEST))
                with _locked(self._append):
                    self._mend()
        except OSError as error:
            name = str(error.filename or self.path)
            if name.startswith(str(self._own)):
                raise self._unusable(error) from error
            raise access_error(error, name, "write") from error

    def _unusable(self, error: OSError) -> FileAccessError:
        """Where docbin's own files within the folder are not what docbin makes."""
        from docbin.files.access import access_error

        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS):
            return access_error(error, str(self.path), "write")
        what = error.filename or self._own
        return FileAccessError(
            f"{what}: cannot be used ({error.strerror}); docbin did not make it: remove it, or choose another output folder"
        )

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
        """Cut off a line that a kill or a full disk has torn, so that the next one begins at its own place."""
        assert self._append is not None
        size = end = os.lseek(self._append, 0, os.SEEK_END)
        while end:
            start = max(0, end - 65_536)
            at = os.pread(self._append, end - start, start).rfind(b"\n")
            if at >= 0:
                end = start + at + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._append, end)

    def _recover(self) -> None:
        """Throw away what killed runs left; with --resume, first rename what they had finished but not yet renamed."""
        for pages in () if self._remember else sorted(self._own.glob(f"{_PAGES}*")):
            with contextlib.ExitStack() as held, contextlib.suppress(FileNotFoundError):
                if stat.S_ISDIR(pages.lstat().st_mode) and _is_dead(pages, held):
                    shutil.rmtree(pages, ignore_errors=True)
        promised: dict[str, dict[str, Any]] | None = None
        earlier: dict[str, set[str]] = {}
        for run in sorted(self._own.glob("run-*")):
            with contextlib.ExitStack() as held, contextlib.suppress(FileNotFoundError):  # another docbin may be cleaning up, too
                if not stat.S_ISDIR(run.lstat().st_mode) or not _is_dead(run, held):
                    continue
                if promised is None:
                    promised = {}
                    for _, entry in _lines(self._own / MANIFEST) if self._remember else ():
                        promised[entry["staged"]] = entry
                        earlier.setdefault(entry["output"], set()).add(entry.get("sha256", ""))
                for left in sorted(run.iterdir()) if promised else ():
                    found = promised.get(f"{run.name}/{left.name}")
                    if found is not None and left.name != _LOCK:
                        with contextlib.suppress(OSError):  # what cannot be renamed is made again
                            self._settle(left, found, earlier[found["output"]])
                shutil.rmtree(run, ignore_errors=True)

    def _settle(self, left: Path, entry: dict[str, Any], earlier: set[str]) -> None:
        """Give a file that a killed run had finished its name, if it is what its line says and nothing of the user's has that name."""
        from docbin.files import READABLE_SUFFIXES

        output = self.path / entry["output"]
        if output.suffix.lower() not in READABLE_SUFFIXES or any(part.startswith(".") for part in PurePosixPath(entry["output"]).parts):
            return  # no name that an output usually has, but perhaps one that a shell or a desktop would run
        sha256 = _digest(left)
        if sha256 is None or sha256 != entry.get("sha256") or left.stat().st_size != entry["size"] or not self._is_inside(output):
            return
        if os.path.lexists(output) and _digest(output) not in earlier:
            return
        output.parent.mkdir(parents=True, exist_ok=True)
        left.replace(output)

    def _is_inside(self, output: Path) -> bool:
        """Whether `output` lies in the folder once every symbolic link on the way to it is resolved."""
        try:
            return output.parent.resolve().is_relative_to(self.path.resolve())
        except (OSError, RuntimeError):  # a loop of links
            return False

    def staged(self, suffix: str) -> Path:
        """A name for an unfinished file."""
        assert self._run is not None, "open() comes first"
        self._count += 1
        return self._run / f"{self._count}{suffix}"

    def pages(self, key: str) -> Path | None:
        """A folder for the finished pages of an unfinished document, this run's alone; None before :meth:`open`.

        With --resume it holds what an earlier run has finished of it. Where another docbin works on the same document, it is a folder that is lost
        with this run.
        """
        if self._run is None:
            return None
        path = self._own / f"{_PAGES}{key[:32]}"
        if key:
            with contextlib.suppress(OSError), contextlib.ExitStack() as held:
                path.mkdir(exist_ok=True)
                if path.is_symlink():
                    raise OSError(errno.ENOTDIR, "is a link", str(path))
                number = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
                lock = held.enter_context(os.fdopen(number, "wb"))
                if _lock(lock) is not False:
                    self._page_locks.append(held.pop_all())
                    if not self._remember:
                        for left in path.iterdir():
                            if left.name != _LOCK:
                                left.unlink()
                    return path
        self._count += 1
        path = self._run / f"{_PAGES}{self._count}"
        path.mkdir()
        return path

    def forget_pages(self, path: Path) -> None:
        """Remove a folder that :meth:`pages` gave: the document is finished."""
        shutil.rmtree(path, ignore_errors=True)

    def identity(self, output: AnyPath) -> tuple[int, int] | None:
        """(device, inode) of a file that is there."""
        try:
            info = Path(str(output)).stat()
        except OSError:
            return None
        return info.st_dev, info.st_ino

    def name_key(self, output: AnyPath) -> str:
        """Equal for outputs that are one file on this folder's disk (macOS and Windows make no difference between page.png and Page.png)."""
        return folded(str(output)) if self.folds_case() else str(output)

    def folds_case(self) -> bool:
        """Whether this folder's disk takes names that differ in their letters' case for one; False before :meth:`open`."""
        if self._folds is None and self._run is not None:
            self._folds = (self._run / _LOCK.upper()).exists()
        return bool(self._folds)

    def put_of(self, output: AnyPath, staged: Path, key: str, *, overwrite: bool, resume: bool) -> None:
        """A worker writes its page to the unfinished file, and no further; see :mod:`docbin.batch.remote_folder`."""

    def remove_overtaken(self, output: AnyPath, *, overwrite: bool) -> None:
        """Remove an incomplete document of an earlier run, now that the whole one is there."""
        assert isinstance(output, Path)
        entry = self.manifest.last(output.relative_to(self.path).as_posix())
        if os.path.lexists(output) and (overwrite or (entry is not None and self.is_kept(entry))):
            output.unlink(missing_ok=True)

    def commit(self, staged: Path, output: AnyPath, entry: dict[str, Any], *, overwrite: bool, resume: bool) -> None:
        """Make an unfinished file the finished `output`; `entry` is what --resume needs (key, input, stem, records, ...).

        Raises
        ------
        FileAccessError
            It cannot be written; or something took the name since :meth:`check_free`, and may not be replaced.
        """
        from docbin.files.access import access_error

        assert isinstance(output, Path)
        try:
            with contextlib.ExitStack() as held:
                if self._append is not None:
                    held.enter_context(_locked(self._append))
                self.check_free(output, overwrite=overwrite, resume=resume)
                output.parent.mkdir(parents=True, exist_ok=True)
                if self._append is None:
                    _rename(staged, output, replace=overwrite or resume)
                    return
                assert self._run is not None
                name = output.relative_to(self.path).as_posix()
                more = {
                    "output": name,
                    "staged": f"{self._run.name}/{staged.name}",
                    "size": staged.stat().st_size,
                    "sha256": _digest(staged),
                    **({} if self.run is None else {"run": self.run}),
                }
                start = os.lseek(self._append, 0, os.SEEK_END)
                try:
                    _write_line(self._append, json.dumps(entry | more).encode() + b"\n")
                    again = self.run is not None and os.path.lexists(output)
                    _rename(staged, output, replace=overwrite or resume or again)
                except OSError:
                    with contextlib.suppress(OSError):
                        os.ftruncate(self._append, start)
                    raise
        except FileExistsError as error:
            raise FileAccessError(f"{output}: another program wrote it meanwhile; give --overwrite to replace it") from error
        except OSError as error:
            raise access_error(error, str(output), "write") from error

    def is_kept(self, entry: dict[str, Any]) -> bool:
        """Whether the output of a manifest line is there, as long as it was written."""
        output = self.path / entry["output"]
        try:
            info = output.lstat()
        except OSError:
            return False
        return stat.S_ISREG(info.st_mode) and info.st_size == entry["size"] and self._is_inside(output)

    def check_free(self, output: AnyPath, *, overwrite: bool, resume: bool) -> None:
        """Refuse to replace what should stay.

        Raises
        ------
        FileAccessError
            `output` exists, and neither --overwrite was given, nor --resume for a file that docbin wrote and nobody changed; or a symbolic link
            within the folder leads out of it.
        """
        assert isinstance(output, Path)
        if not self._is_inside(output):
            raise FileAccessError(
                f"{output}: {output.parent} is a link that leads out of {self.path}; docbin writes nothing there: remove the link, or choose "
                "another output folder"
            )
        if not os.path.lexists(output):
            return
        if output.is_dir() and not output.is_symlink():
            raise FileAccessError(f"{output}: cannot write: it is a folder; choose another name with -o")
        if overwrite:
            return
        if self.run is not None and self._made_in_run(output.relative_to(self.path).as_posix()):
            return
        if not resume:
            raise OutputExists(f"{output}: it exists; give --overwrite to replace it, or --resume to keep what is done")
        entry = self.manifest.last(output.relative_to(self.path).as_posix())
        if entry is None:
            raise FileAccessError(
                f"{output}: it exists and no earlier run is known to have written it (one that writes one file leaves a record only with --resume); "
                "move it away or give --overwrite"
            )
        if not self.is_kept(entry):
            raise FileAccessError(f"{output}: it was changed since docbin wrote it; move it away or give --overwrite")

    def _made_in_run(self, name: str) -> bool:
        """Whether this run, in another process perhaps, made the output of this name; the manifest is read on from where it was read last."""
        start = self._read_to
        for offset, entry in _lines(self._own / MANIFEST, start):
            self._read_to = offset + 1
            if entry.get("run") == self.run:
                self._of_run.add(entry["output"])
        return name in self._of_run

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
        for lock in self._page_locks:
            lock.close()
        self._page_locks.clear()
        if not self.keep:
            with contextlib.suppress(OSError):  # another docbin or a manifest lives there
                self._own.rmdir()


def _write_line(number: int, line: bytes) -> None:
    """Append a whole line and see it on the disk, or OSError."""
    written = os.write(number, line)
    if written != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(number)


def _rename(staged: Path, output: Path, *, replace: bool) -> None:
    """Rename; FileExistsError where something has the name and may not be replaced."""
    if replace:
        staged.replace(output)
        return
    try:
        os.link(staged, output)  # a rename that replaces nothing
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(output):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(output)) from None
        staged.replace(output)
        return
    staged.unlink()


@contextlib.contextmanager
def _locked(number: int) -> Iterator[None]:
    """Wait for the lock of an open file and hold it; without locks (Windows, some network disks) this does nothing."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        fcntl.flock(number, fcntl.LOCK_UN)


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
        locked = _lock(held.enter_context(_open_regular(run / _LOCK)))
        if locked is not None:
            return locked
        return time.time() - run.stat().st_mtime > _NO_LOCKS_SECONDS
    except FileNotFoundError:
        return True  # killed before it made its lock; or it is just about to, and then makes another folder
    except OSError:
        return False
