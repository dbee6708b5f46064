"""Output that is there whole or not at all.

A file is written under a temporary name beside its target (same disk, so the last step is a rename), flushed to the disk, and renamed over it.
A crash, a full disk or Ctrl-C leaves the old file, or none; at worst, after SIGKILL, a hidden ``.docbin-*.part`` file, which no folder scan
takes for a page. Permissions follow the umask, as for any file a program makes. Targets that are no regular files (``/dev/stdout``, a pipe) are
written straight through: renaming would replace the device itself. A symbolic link is replaced, not followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from docbin.errors import FileAccessError
from docbin.files.access import access_error

TEMPORARY_PREFIX = ".docbin-"
TEMPORARY_SUFFIX = ".part"


class AtomicFile:
    """A file being written: write to `stream`, then `commit` or `discard`.

    Raises
    ------
    FileAccessError
        The folder is missing or unwritable, the target is a folder, or it exists and `overwrite` is False.
    """

    def __init__(self, target: str | Path, *, overwrite: bool = True) -> None:
        self.target = Path(target)
        self.name = str(target)
        self._overwrite = overwrite
        self._temporary: Path | None = None
        try:
            self.stream = self._open()
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise FileAccessError(
                    f"{self.name}: cannot write: the folder {self.target.parent} does not exist; make it first"
                ) from error
            raise access_error(error, self.name, "write") from error

    def _open(self) -> BinaryIO:
        try:
            mode = os.lstat(self.target).st_mode
        except FileNotFoundError:
            mode = 0
        if stat.S_ISLNK(mode) and self.target.exists() and not self.target.is_file():
            mode = self.target.stat().st_mode  # /dev/stdout is a link to a device
        if stat.S_ISDIR(mode):
            raise FileAccessError(f"{self.name}: cannot write: it is a folder; name a file")
        if mode and not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            return self.target.open("wb")
        if mode and not self._overwrite:
            raise self._exists()
        self._temporary = self.target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
        return open(self._temporary, "x+b", opener=_for_everyone)

    def _exists(self) -> FileAccessError:
        return FileAccessError(f"{self.name}: it exists already; allow it to be replaced (--overwrite) or choose another name")

    def commit(self) -> None:
        """Flush to the disk and put the file under its name; on failure the temporary file is removed and the error raised."""
        try:
            self.stream.flush()
            if self._temporary is None:
                self.stream.close()
                return
            os.fsync(self.stream.fileno())
            self.stream.close()
            if self._overwrite:
                os.replace(self._temporary, self.target)  # noqa: PTH105 - tests put a failing one in its place
            else:
                self._link()
            self._temporary = None
        except FileExistsError as error:
            self.discard()
            raise self._exists() from error
        except OSError as error:
            self.discard()
            raise access_error(error, self.name, "write") from error

    def _link(self) -> None:
        """Give the file its name only if nobody took the name meanwhile."""
        assert self._temporary is not None
        try:
            os.link(self._temporary, self.target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if os.path.lexists(self.target):
                raise FileExistsError from None
            os.replace(self._temporary, self.target)  # noqa: PTH105
        else:
            self._temporary.unlink()

    def discard(self) -> None:
        """Close and remove what was written; the target stays as it was."""
        with contextlib.suppress(OSError):
            self.stream.close()
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                self._temporary.unlink(missing_ok=True)
            self._temporary = None


def write_whole(target: str | Path, data: bytes) -> None:
    """Write `data` to a file, whole or not at all, in place of what has its name.

    Raises
    ------
    FileAccessError
        It cannot be written; what had the name is as it was.
    """
    file = AtomicFile(target)
    try:
        file.stream.write(data)
    except OSError as error:
        file.discard()
        raise access_error(error, str(target), "write") from error
    except BaseException:
        file.discard()
        raise
    file.commit()


def check_target(target: str | Path) -> None:
    """FileAccessError where a file could not be written; asked before the work whose result it will hold."""
    path = Path(target)
    if path.is_dir():
        raise FileAccessError(f"{target}: cannot write: it is a folder; name a file")
    if not path.parent.is_dir():
        raise FileAccessError(f"{target}: cannot write: the folder {path.parent} does not exist; make it first")
    if not os.access(path.parent, os.W_OK) and (not path.exists() or path.is_file()):
        raise access_error(OSError(errno.EACCES, ""), str(target), "write")


def _for_everyone(path: str, flags: int) -> int:
    """Open with the permissions of an ordinary new file, 0666 less the umask (tempfile would make it 0600)."""
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
