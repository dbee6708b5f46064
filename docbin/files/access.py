"""What the operating system refuses, and what a decoder chokes on, in the user's words.

Two borders are drawn here. :func:`access_error` turns an ``OSError`` with an errno (missing, forbidden, full, ...) into a FileAccessError that names
the way out. :func:`decoding` surrounds every call into somebody else's decoder: on hostile bytes those raise whatever they like (SyntaxError,
struct.error, KeyError, ...), and all of it means one thing to the user: this page cannot be decoded.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from docbin.errors import DocbinError, FileAccessError, InputError, RefusedInput

_WAYS_OUT = {
    errno.ENOENT: "it does not exist; check the name and the folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder; check the path",
    errno.EEXIST: "something that is no folder has this name; choose another one",
    errno.EISDIR: "it is a folder; name a file",
    errno.EACCES: "permission denied; change its permissions or run as its owner",
    errno.EPERM: "permission denied; change its permissions or run as its owner",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENOSPC: "the disk is full; free space or choose a folder on another disk",
    errno.EDQUOT: "the disk quota is used up; free space or choose a folder on another disk",
    errno.EFBIG: "the file would grow beyond the size limit of this system; split the output or raise the limit (ulimit -f)",
    errno.ENAMETOOLONG: "the name is too long for this file system; choose a shorter one",
    errno.EMFILE: "too many files are open; use fewer jobs or raise the limit (ulimit -n)",
    errno.EIO: "the disk reports an input/output error; check the medium and copy the file from a backup",
    errno.EPIPE: "the program reading it has gone",
    errno.EBADF: "it is closed",
    errno.ELOOP: "its symbolic links form a loop; name the file itself",
}


def access_error(error: OSError, name: str, doing: str) -> FileAccessError:
    """The FileAccessError for an OSError met while `doing` ("read", "write") the file `name`."""
    reason = _WAYS_OUT.get(error.errno or 0, f"{error.strerror or error}; check the file and its disk")
    return FileAccessError(f"{name}: cannot {doing}: {reason}")


@contextmanager
def decoding(label: str, kind: str) -> Iterator[None]:
    """Around a foreign decoder: its exceptions become InputError, an errno FileAccessError, want of memory RefusedInput; ours pass."""
    try:
        yield
    except DocbinError:
        raise
    except MemoryError as error:
        raise RefusedInput(f"{label}: not enough memory to decode the {kind.upper()} page; use fewer jobs or a smaller page") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _WAYS_OUT:
            raise access_error(error, label, "read") from error
        raise InputError(f"{label}: {_reason(error, kind)}") from error


def _reason(error: Exception, kind: str) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    if type(error).__name__ == "DecompressionBombError":
        return f"its {kind.upper()} decoder refuses the size ({said}); convert the page to PNG or TIFF"
    if "unknown pixel mode" in said or "unknown data organization" in said or "unsupported" in said.lower():
        return f"{kind.upper()} with a pixel layout that cannot be read ({said}); convert the page to 8-bit grey or RGB"
    return f"truncated or damaged {kind.upper()} ({said}); copy, scan or export it again"
