"""The name of an object in a store (``s3://bucket/a/page.jpg``), with the few words of :class:`pathlib.Path` that a batch uses on names.

``Path`` itself would fold the two slashes into one. Nothing here opens anything; see :mod:`docbin.files.object_store` for that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from docbin.errors import UsageError

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)


def is_url(word: object) -> bool:
    """Whether a word of the user is a URL, such as ``s3://bucket/key`` or ``https://host/page.jpg``."""
    return _SCHEME.match(str(word)) is not None


def shown(word: str) -> str:
    """A URL for messages, also one that is none: without a query, which may hold a signature, and without a name and password."""
    return re.sub(r"\?.*", "?...", re.sub(r"(?<=://)[^/@]*@", "...@", word)) if word.lower().startswith("http") else word


@dataclass(frozen=True, slots=True, order=True)
class RemotePath:
    """The URL of an object or of a folder of objects, without a slash at the end.

    Raises
    ------
    UsageError
        `url` names no host or bucket, or holds a name and password, which would end in reports.
    """

    url: str

    def __post_init__(self) -> None:
        found = _SCHEME.match(self.url)
        rest = self.url[found.end() :] if found else ""
        if found is None or not rest.strip("/"):
            raise UsageError(f"{shown(self.url)}: a URL with a bucket or host and a name is wanted, such as s3://bucket/scans/page.jpg")
        if found[1].lower() in ("http", "https") and "@" in rest.split("/", 1)[0]:
            raise UsageError(
                f"{shown(self.url)}: a name and password in a URL would end in reports; give them by the environment (~/.netrc)"
            )
        object.__setattr__(self, "url", found[0].lower() + rest.rstrip("/"))

    @property
    def scheme(self) -> str:
        """``s3``, ``https``, ..."""
        return self.url.split("://", 1)[0]

    @property
    def key(self) -> str:
        """All behind ``scheme://`` and before a query: bucket or host, and the name in it."""
        rest = self.url.split("://", 1)[1]
        return unquote(re.split("[?#]", rest, maxsplit=1)[0]) if self.scheme in ("http", "https") else rest

    @property
    def _pure(self) -> PurePosixPath:
        return PurePosixPath(self.key)

    @property
    def name(self) -> str:
        return self._pure.name

    @property
    def stem(self) -> str:
        return self._pure.stem

    @property
    def suffix(self) -> str:
        return self._pure.suffix

    @property
    def parent(self) -> RemotePath:
        return RemotePath(f"{self.scheme}://{self._pure.parent}") if len(self._pure.parts) > 1 else self

    def absolute(self) -> RemotePath:
        """Itself; as a path has it."""
        return self

    def with_name(self, name: str) -> RemotePath:
        """The object of another name beside this one."""
        return self.parent / name

    def __truediv__(self, name: object) -> RemotePath:
        return RemotePath(f"{self.url}/{str(name).strip('/')}")

    def is_relative_to(self, other: RemotePath) -> bool:
        """Whether this is `other` or lies below it."""
        return f"{self.url}/".startswith(f"{other.url}/")

    def relative_to(self, other: RemotePath) -> PurePosixPath:
        """The name below `other`."""
        if not self.is_relative_to(other):
            raise ValueError(f"{self} does not lie below {other}")
        return PurePosixPath(self.url[len(other.url) :].strip("/"))

    def shown(self) -> str:
        """The URL for messages and reports: without a query, which may hold a signature that lets anybody read the object."""
        return re.sub(r"\?.*", "", self.url) if self.scheme in ("http", "https") else self.url

    def __str__(self) -> str:
        return self.url


def place(word: str) -> Path | RemotePath:
    """A word of the user as a path: a URL as a :class:`RemotePath`, but ``file://`` and everything else as a path of this machine."""
    if not is_url(word):
        return Path(word)
    if word.lower().startswith("file://"):
        split = urlsplit(word)
        if split.netloc not in ("", "localhost"):
            raise UsageError(f"{word}: a file of this machine has three slashes, file:///folder/page.jpg")
        return Path(unquote(split.path))
    return RemotePath(word)


AnyPath = Path | RemotePath
"""Where a file is: on this machine or in a store."""
