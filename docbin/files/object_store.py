"""Objects in a store (S3, Google Cloud, Azure, a web server), read and written whole or not at all, through fsspec.

What a store does to a long batch: it answers 503 when it is asked too fast, lets a connection hang, ends a body early. Every call here is tried again
after such an answer, with growing pauses of random length, up to :data:`POLICY`'s number of tries; then the page fails with a FileAccessError that
names the object, and ``--resume`` does it later. The drivers' own tries are switched off, so that the two do not multiply. What will not get better
by waiting (no such object, no right to it, a wrong name) is said at once.

An object is written by one PUT of the finished bytes (up to 5 GiB; more go in parts, which become visible together): there is no moment at which half
of it can be read. Where a store cannot do that (SFTP and the like), the bytes go to a hidden name and are renamed.

Credentials come from where the drivers look for them: the environment, the files of the cloud's own tools, the machine's role. None is taken from a
command line or a URL, so none lands in a report. The drivers are extras (``docbin[remote]``); each is imported when its first URL is met.
"""

from __future__ import annotations

import errno
import mimetypes
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from docbin.errors import DocbinError, FileAccessError, MissingExtra, OutputExists, UsageError
from docbin.files.remote_path import RemotePath

Value = TypeVar("Value")

ONE_GET = 32 << 20
"""Bytes up to which an object is read by one GET; a larger one is read by the ranges that its reader asks for."""
NAMES = 1000
"""Names of objects that a store is asked for at a time; S3 gives no more."""
ONE_PUT = 5 << 30
"""Bytes that S3 takes in one PUT."""
KEEPS_METADATA = frozenset({"s3", "s3a", "gs", "gcs"})
"""Stores in which an object can carry our words (:func:`put`)."""
WHOLE_BY_NATURE = KEEPS_METADATA | {"abfs", "abfss", "az", "adl", "oci", "oss", "memory"}
"""Stores in which an object appears with its last byte."""
_DRIVERS = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "abfs": "adlfs",
    "az": "adlfs",
}
_TRANSIENT = {
    errno.EIO, errno.EBUSY, errno.EAGAIN, errno.ETIMEDOUT, errno.EPIPE, errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED,
    errno.ENETUNREACH, errno.EHOSTUNREACH, getattr(errno, "EREMOTEIO", errno.EIO),
}  # fmt: skip
_PERMANENT = (FileNotFoundError, PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a store may fail before the page does.

    Attributes
    ----------
    tries : calls in all
    first_pause, longest_pause : seconds; the n-th pause is a random part of ``first_pause * 2 ** n``, but at most `longest_pause`
    call_seconds : a call that is longer without an end is given up and tried again
    bytes_a_second : a body is given that much longer
    """

    tries: int = 7
    first_pause: float = 0.25
    longest_pause: float = 20.0
    call_seconds: float = 60.0
    bytes_a_second: float = 250_000.0

    def pause(self, failed: int, chance: float) -> float:
        """Seconds to wait after `failed` failures; `chance` is in 0..1. At least a tenth of the whole, so that tries never bunch up."""
        return min(self.longest_pause, self.first_pause * 2.0 ** (failed - 1)) * (0.1 + 0.9 * chance)


POLICY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object: where, bytes and version (ETag), None where the store does not say."""

    path: RemotePath
    size: int | None
    etag: str | None


class _Truncated(OSError):
    """A body that is shorter than the object."""


_filesystems: dict[str, Any] = {}
_lock = threading.Lock()


def _filesystem(path: RemotePath) -> Any:
    """fsspec's driver for a URL; made once a process.

    Raises
    ------
    MissingExtra
        fsspec or the driver of this scheme is not installed.
    UsageError
        No driver knows the scheme.
    """
    with _lock:
        if path.scheme not in _filesystems:
            _filesystems[path.scheme] = _opened(path)
        return _filesystems[path.scheme]


def _opened(path: RemotePath) -> Any:
    try:
        import fsspec
    except ImportError:
        raise MissingExtra(f"{path.shown()}: URLs need fsspec, which is not installed; pip install 'docbin[remote]'") from None
    options: dict[str, Any] = {"use_listings_cache": False}
    if path.scheme in ("s3", "s3a"):
        retries = {"total_max_attempts": 1, "mode": "standard"}
        options["config_kwargs"] = {"connect_timeout": 15, "read_timeout": POLICY.call_seconds, "retries": retries}
        options["default_cache_type"] = "none"
    try:
        made = fsspec.filesystem(path.scheme, **options)
    except ImportError:
        driver = _DRIVERS.get(path.scheme, f"fsspec's driver for {path.scheme}")
        raise MissingExtra(f"{path.shown()}: {path.scheme}:// needs {driver}, which is not installed; pip install {driver}") from None
    except ValueError:
        known = "s3://, gs://, abfs://, https://"
        raise UsageError(
            f"{path.shown()}: nothing here reads {path.scheme}:// URLs; known are {known} and what fsspec has drivers for"
        ) from None
    if hasattr(made, "retries"):
        made.retries = 1  # s3fs and gcsfs try again by themselves, see the module's docstring
    return made


def _is_transient(error: Exception) -> bool:
    """Whether the same call may do better later."""
    if isinstance(error, _PERMANENT):
        return False
    status = getattr(error, "status", None) or getattr(error, "code", None)  # aiohttp's, gcsfs's
    if isinstance(status, int) and 400 <= status < 600:
        return status >= 500 or status in (408, 425, 429)
    if isinstance(error, OSError):  # TimeoutError, ConnectionError and s3fs's translations are such
        return error.errno is None or error.errno in _TRANSIENT
    name, module = type(error).__name__, type(error).__module__
    if name in (
        "NoCredentialsError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "ParamValidationError",
        "InvalidURL",
        "NonHttpUrlClientError",
    ):
        return False
    return module.startswith(("botocore", "aiobotocore", "aiohttp", "urllib3", "gcsfs", "azure")) or name in (
        "TimeoutError",
        "IncompleteReadError",
    )


def _trying(path: RemotePath, doing: str, call: Callable[[], Value]) -> Value:
    """What `call` returns, tried again as :data:`POLICY` says."""
    policy = POLICY
    for attempt in range(1, policy.tries + 1):
        try:
            return call()
        except DocbinError:
            raise
        except MemoryError:
            raise
        except Exception as error:
            if not _is_transient(error):
                raise _refused(path, doing, error) from error
            if attempt == policy.tries:
                raise FileAccessError(
                    f"{path.shown()}: cannot {doing}: the store failed {attempt} times, the last with {_said(error)}; the other pages go on, try "
                    "this one again later with --resume"
                ) from error
            time.sleep(policy.pause(attempt, random.random()))
    raise AssertionError("unreachable")


def _said(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _refused(path: RemotePath, doing: str, error: Exception) -> DocbinError:
    name = type(error).__name__
    if isinstance(error, FileNotFoundError):
        return FileAccessError(f"{path.shown()}: cannot {doing}: there is no such object (or bucket); check the URL")
    if isinstance(error, PermissionError):
        return FileAccessError(
            f"{path.shown()}: cannot {doing}: the store denies access ({error}); check the credentials of the environment"
        )
    if isinstance(error, FileExistsError):
        return OutputExists(f"{path.shown()}: it exists; give --overwrite to replace it, or --resume to keep what is done")
    if "Credentials" in name:
        return FileAccessError(
            f"{path.shown()}: cannot {doing}: no credentials; set them in the environment (AWS_ACCESS_KEY_ID ..., AWS_PROFILE)"
        )
    return FileAccessError(f"{path.shown()}: cannot {doing}: {_said(error)}; check the URL and the store's settings")


def _limited(filesystem: Any, size: int = 0) -> dict[str, float]:
    """The time limit of a call, where the driver takes one."""
    return {"timeout": POLICY.call_seconds + size / POLICY.bytes_a_second} if getattr(filesystem, "async_impl", False) else {}


def info(path: RemotePath) -> ObjectInfo | None:
    """Size and version of an object; None where there is none, or a folder.

    Raises
    ------
    FileAccessError
        The store denies access or keeps failing.
    MissingExtra
        The driver is not installed.
    """
    found = _raw_info(path)
    return None if found is None else _object(path, found)


def _raw_info(path: RemotePath) -> Mapping[str, Any] | None:
    filesystem = _filesystem(path)

    def call() -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = filesystem.info(path.url, **_limited(filesystem))
        except FileNotFoundError:
            return None
        return None if found.get("type") == "directory" else found

    return _trying(path, "read", call)


def _object(path: RemotePath, found: Mapping[str, Any]) -> ObjectInfo:
    etag = found.get("ETag") or found.get("etag") or found.get("LastModified") or found.get("updated")
    size = found.get("size")
    return ObjectInfo(path, size if isinstance(size, int) else None, None if etag is None else str(etag).strip('"'))


def metadata(path: RemotePath) -> Mapping[str, str]:
    """What :func:`put` wrote beside an object; empty where there is nothing or the store keeps none."""
    if path.scheme not in KEEPS_METADATA:
        return {}
    filesystem = _filesystem(path)

    def call() -> Mapping[str, str]:
        try:
            if path.scheme in ("s3", "s3a"):
                return dict(filesystem.metadata(path.url, refresh=True))
            return dict(filesystem.info(path.url).get("metadata") or {})
        except FileNotFoundError:
            return {}

    return _trying(path, "read", call)


def read(path: RemotePath, start: int | None = None, end: int | None = None, *, size: int | None = None) -> bytes:
    """Bytes `start` up to `end` of an object, or all of it; `size` is how many bytes all of it has, where known.

    Raises
    ------
    FileAccessError
        As :func:`info`, and where bodies keep ending early.
    """
    filesystem = _filesystem(path)
    whole = start is None and end is None
    if whole and size is None:
        found = info(path)
        if found is None:
            raise _refused(path, "read", FileNotFoundError())
        size = found.size
    if whole and size == 0:
        return b""
    first, last = start or 0, end if end is not None else size

    def call() -> bytes:
        if last is None:
            return bytes(filesystem.cat_file(path.url, **_limited(filesystem)))
        wanted = last - first
        # of a whole object a byte more is asked for than it should have, so that one that has grown is noticed
        data = bytes(filesystem.cat_file(path.url, start=first, end=last + whole, **_limited(filesystem, wanted)))
        if not whole and len(data) == size and len(data) > wanted:  # a web server that knows no ranges
            data = data[first:last]
        if whole and len(data) > wanted:
            raise changed(path)
        if len(data) != wanted:
            now = info(path)
            if now is not None and now.size is not None and size is not None and now.size != size:
                raise changed(path)
            raise _Truncated(None, f"the body has {len(data)} of {wanted} bytes")
        return data

    return _trying(path, "read", call)


def changed(path: RemotePath) -> FileAccessError:
    """The error of an object that is not the one that was listed."""
    return FileAccessError(f"{path.shown()}: it was changed since its size was listed; list the inputs again ('docbin list')")


def put(path: RemotePath, data: bytes, *, replace: bool, words: Mapping[str, str] | None = None) -> None:
    """Write an object, all at once; `words` are kept beside it where the store can (:data:`KEEPS_METADATA`).

    An object of this name with the same size and words counts as written by this call: let the words hold something that no other run has.

    Raises
    ------
    OutputExists
        There is an object of this name, and `replace` is False.
    FileAccessError
        The store denies access or keeps failing. Nothing, or the whole object, is there.
    """
    if path.scheme in ("http", "https"):
        raise UsageError(f"{path.shown()}: docbin does not write to web servers; name a folder, or a store such as s3://bucket/folder")
    filesystem = _filesystem(path)
    words = dict(words or {})

    def call() -> None:
        try:
            if path.scheme not in WHOLE_BY_NATURE:
                _put_and_rename(filesystem, path, data, replace)
                return
            options = _put_options(path, data, words)
            if not replace and path.scheme not in KEEPS_METADATA and filesystem.exists(path.url):
                raise FileExistsError(path.url)
            if not replace and path.scheme in KEEPS_METADATA:
                options["mode"] = "create"
            filesystem.pipe_file(path.url, data, **options, **_limited(filesystem, len(data)))
        except FileExistsError:
            if _is_ours(
                path, data, words
            ):  # a try before had arrived, only its answer had not; the drivers' libraries make such tries, too
                return
            raise
        except Exception as error:
            if replace or "NotImplemented" not in str(error):
                raise
            if info(path) is not None:  # a store that knows no conditions
                raise FileExistsError(path.url) from error
            options.pop("mode", None)
            filesystem.pipe_file(path.url, data, **options, **_limited(filesystem, len(data)))

    _trying(path, "write", call)


def _put_options(path: RemotePath, data: bytes, words: Mapping[str, str]) -> dict[str, Any]:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if path.scheme in ("s3", "s3a"):
        chunk = {} if len(data) >= ONE_PUT else {"chunksize": ONE_PUT}
        return {"ContentType": kind, **({"Metadata": dict(words)} if words else {}), **chunk}
    if path.scheme in ("gs", "gcs"):
        return {"content_type": kind, "metadata": dict(words)}
    return {}


def _put_and_rename(filesystem: Any, path: RemotePath, data: bytes, replace: bool) -> None:
    if not replace and filesystem.exists(path.url):
        raise FileExistsError(path.url)
    filesystem.makedirs(path.parent.url, exist_ok=True)
    hidden = path.with_name(f".docbin-{secrets.token_hex(8)}.part")
    try:
        filesystem.pipe_file(hidden.url, data)
        filesystem.mv(hidden.url, path.url)
    except BaseException:
        if filesystem.exists(hidden.url):
            filesystem.rm_file(hidden.url)
        raise


def _is_ours(path: RemotePath, data: bytes, words: Mapping[str, str]) -> bool:
    """Whether the object is what this very call wrote: size and words are equal, and among them is one that no other run has."""
    found = info(path)
    return found is not None and found.size == len(data) and bool(words) and dict(metadata(path)) == dict(words)


def remove(path: RemotePath) -> None:
    """Remove an object; nothing where there is none."""
    filesystem = _filesystem(path)

    def call() -> None:
        try:
            filesystem.rm_file(path.url)
        except FileNotFoundError:
            return

    _trying(path, "remove", call)


def listing(folder: RemotePath) -> Iterator[ObjectInfo]:
    """Every object below a folder, as the store's pages of names come: in S3 all in the order of their bytes, elsewhere folder by folder.

    Memory holds one page of a thousand names (S3), else the names of one folder.

    Raises
    ------
    FileAccessError
        The store denies access or keeps failing.
    """
    if folder.scheme in ("http", "https"):
        raise UsageError(f"{folder.shown()}: a web server does not list its files; name each file, or make a work list of them")
    yield from _s3_listing(folder) if folder.scheme in ("s3", "s3a") else _walk(folder)


def _s3_listing(folder: RemotePath) -> Iterator[ObjectInfo]:
    filesystem = _filesystem(folder)
    bucket, _, prefix = folder.key.partition("/")
    token: str | None = None
    while True:
        more = {} if token is None else {"ContinuationToken": token}

        def call(more: Mapping[str, str] = more) -> Any:
            # as the drivers' own calls are made, so that errors are translated
            return filesystem.call_s3(
                "list_objects_v2", Bucket=bucket, Prefix=f"{prefix}/" if prefix else "", MaxKeys=NAMES, **more, **_limited(filesystem)
            )

        answer = _trying(folder, "list", call)
        for found in answer.get("Contents") or ():
            if not found["Key"].endswith("/"):
                yield ObjectInfo(
                    RemotePath(f"{folder.scheme}://{bucket}/{found['Key']}"), int(found["Size"]), str(found["ETag"]).strip('"')
                )
        token = answer.get("NextContinuationToken")
        if not answer.get("IsTruncated") or token is None:
            return


def _walk(folder: RemotePath) -> Iterator[ObjectInfo]:
    filesystem = _filesystem(folder)

    def call() -> list[Mapping[str, Any]]:
        try:
            return list(filesystem.ls(folder.url, detail=True))
        except FileNotFoundError:
            return []

    entries = sorted(_trying(folder, "list", call), key=lambda entry: str(entry["name"]))
    for entry in entries:
        path = folder / str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]
        if entry.get("type") != "directory":
            yield _object(path, entry)
    for entry in entries:
        path = folder / str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]
        if entry.get("type") == "directory" and path != folder:
            yield from _walk(path)
