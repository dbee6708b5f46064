"""INPUT words of the user -> the files they mean.

A word is a file, a folder, a glob in quotes, ``-`` (stdin), or a URL: an object, a folder of objects or a glob of
them. A folder is walked with everything below it, in natural order (page2 before page10), in a store in the store's; only names with a readable
suffix are taken, hidden ones and docbin's own outputs (``page.ink.png``, ``photo.words.json``,
``.docbin/``) are not, and linked folders are not entered. A file named by the user is always tried, whatever its name. A word that means
nothing becomes a :class:`Refused`, so that one wrong name does not stop a batch.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from docbin.batch.job import MARKS
from docbin.errors import DocbinError, FileAccessError
from docbin.files.kinds import TAR_SUFFIX
from docbin.files.remote_path import AnyPath, RemotePath, is_url, place, shown

if TYPE_CHECKING:
    from docbin.files.object_store import ObjectInfo

STDIN = "-"
OWN_FOLDER = ".docbin"


@dataclass(frozen=True, slots=True)
class Source:
    """One input file.

    Attributes
    ----------
    name : what the user calls it, in messages and in the report
    path : where its bytes are (stdin lies in a temporary file; an object in a store is fetched by the process that works on it)
    place : where its output belongs below the output folder, with the input's own suffix
    walked : it was found in a folder or by a glob, not named
    stat : (absolute path or URL, size, mtime_ns or ETag), the part of the resume key that belongs to the file; None where there is nothing to
        resume (stdin). A size of -1 is not known
    identity : (device, inode); None in a store
    """

    name: str
    path: AnyPath
    place: PurePath
    walked: bool = False
    stat: tuple[str, int, int | str] | None = None
    identity: tuple[int, int] | None = None

    @property
    def size(self) -> int | None:
        """Bytes, where they are known."""
        return None if self.stat is None or self.stat[1] < 0 else self.stat[1]


@dataclass(frozen=True, slots=True)
class Refused:
    """An input word that cannot become pages, and why."""

    name: str
    error: DocbinError


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture in a walked folder that docbin does not read: it is left out, but not without a word."""

    name: str
    reason: str


PICTURES_NOT_READ: Mapping[str, str] = {
    suffix: kind
    for kind, suffixes in (
        ("JPEG XL", ".jxl"),
        ("DjVu", ".djvu .djv"),
        ("Photoshop", ".psd .psb"),
        ("JPEG XR", ".jxr .wdp .hdp"),
        ("JBIG2 outside a PDF", ".jb2 .jbig2"),
        ("PostScript", ".ps .eps"),
        ("XPS", ".xps .oxps"),
        ("Targa", ".tga"),
        ("PCX", ".pcx .dcx"),
        ("a camera's raw picture", ".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .pef"),
        ("a comic book archive", ".cbz .cbr .cb7"),
        ("an archive, which may hold pages,", ".zip .rar .7z .tgz .gz .bz2 .xz .zst"),
        ("PAM or PFM", ".pam .pfm"),
        ("JPEG-LS", ".jls"),
        ("JPEG 2000 of several pictures", ".jpm .mj2"),
        ("a drawing", ".svg .svgz .emf .wmf .pct .pict"),
        ("an icon", ".ico .cur"),
        ("a picture of high dynamic range", ".exr .hdr"),
        ("a medical picture", ".dcm .dicom"),
        ("a picture editor's file", ".xcf .kra"),
    )
    for suffix in suffixes.split()
}
"""Suffix -> kind of pictures and documents that a user may take for pages."""


_ARCHIVES = frozenset((".zip", ".rar", ".7z", ".tgz"))
_PACKED = frozenset((".gz", ".bz2", ".xz", ".zst"))
"""Suffixes of one file that is packed: of interest where that is a page."""


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key under which page2 stands before page10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text.casefold()) if part]


def find(words: Sequence[str], spool: Path, *, keep_apart: bool = True) -> list[Source | Refused | Skipped]:
    """The files that `words` mean, in the order of the words, each file once.

    Parameters
    ----------
    words : INPUT words
    spool : folder that takes the bytes of stdin and of named pipes
    keep_apart : where there are several folders, the output of each belongs into a folder of its own name
    """
    return list(each(words, spool, keep_apart=keep_apart))


def each(words: Sequence[str], spool: Path, *, keep_apart: bool = True, distinct: bool = True) -> Iterator[Source | Refused | Skipped]:
    """As :func:`find`, one at a time. Without `distinct` a file may come twice, and memory does not grow with their number."""
    apart = keep_apart and sum(Path(word).is_dir() or _is_remote_folder(word) for word in words) > 1
    seen: set[tuple[int, int] | str] = set()
    for position, word in enumerate(words):
        for item in _meaning(word, spool, position, apart=apart):
            if distinct and isinstance(item, Source):
                identity = item.identity or str(item.path)
                if identity in seen:
                    continue
                seen.add(identity)
            yield item


def _is_remote_folder(word: str) -> bool:
    name = word.rsplit("/", 1)[-1]
    return is_url(word) and not readable(name) and not name.lower().endswith(TAR_SUFFIX)


def _meaning(word: str, spool: Path, position: int, *, apart: bool) -> Iterator[Source | Refused | Skipped]:
    if word == STDIN:
        yield _spooled(word, "stdin", spool / f"stdin-{position}")
        return
    try:
        path = place(word)
        if isinstance(path, RemotePath):
            yield from _remote(word, path, apart=apart)
        elif path.is_dir():
            yield from _folder(path, PurePath(path.resolve().name) if apart else PurePath())
        elif not os.path.lexists(path) and any(mark in word for mark in "*?["):
            yield from _matches(word)
        elif path.is_fifo():
            yield _spooled(word, path.name, spool / f"pipe-{position}")
        else:
            yield _source(path, PurePath(path.name), walked=False)
    except DocbinError as error:  # a URL that is none, a store that fails or lacks its driver
        yield Refused(shown(word), error)
    except ValueError:  # a NUL byte in the name
        yield Refused(word, FileAccessError(f"{word!r}: no file can have this name"))


def _remote(word: str, path: RemotePath, *, apart: bool) -> Iterator[Source | Refused | Skipped]:
    """An object, all page files below a folder of objects, or those that a glob means."""
    from docbin.files import object_store

    web = path.scheme in ("http", "https")
    if not web and any(mark in path.key for mark in "*?["):
        fixed = path.key[: re.search(r"[*?\[]", path.key).start()].rpartition("/")[0]  # type: ignore[union-attr]
        folder = RemotePath(f"{path.scheme}://{fixed}")
        pattern = _as_expression(path.key[len(fixed) + 1 :])
        found = (entry for entry in object_store.listing(folder) if pattern.fullmatch(str(entry.path.relative_to(folder))))
        yield from _objects(word, found, folder, PurePath(), archives=path.suffix.lower() == TAR_SUFFIX)
        return
    entry = None if word.endswith("/") and not web else object_store.info(path)
    if entry is not None:
        yield _object(entry, PurePath(path.name), walked=False)
    elif web:
        yield Refused(path.shown(), FileAccessError(f"{path.shown()}: the web server has no such file; check the address"))
    else:
        yield from _objects(word, object_store.listing(path), path, PurePath(path.name) if apart else PurePath())


def _object(entry: ObjectInfo, place: PurePath, *, walked: bool) -> Source:
    stat = (entry.path.url, -1 if entry.size is None else entry.size, entry.etag or "")
    return Source(entry.path.shown(), entry.path, place, walked, stat)


def _objects(
    word: str, entries: Iterable[ObjectInfo], folder: RemotePath, prefix: PurePath, *, archives: bool = False
) -> Iterator[Source | Refused | Skipped]:
    """The page files among some objects, and the archives, where they are asked for."""
    empty = True
    for entry in entries:
        below = entry.path.relative_to(folder)
        hidden = any(part.startswith(".") or part.endswith(tuple(MARKS.values())) for part in below.parts[:-1]) or below.name.startswith(
            "."
        )
        reason = why_left_out(below.name)
        if hidden:
            continue
        if readable(below.name) or (archives and below.suffix.lower() == TAR_SUFFIX):
            empty = False
            yield _object(entry, prefix / below, walked=True)
        elif reason is not None:
            yield Skipped(entry.path.shown(), reason)
    if empty:
        yield Refused(word, FileAccessError(f"{word}: no page files there; docbin reads {_suffixes()}"))


def _as_expression(pattern: str) -> re.Pattern[str]:
    """A shell's pattern as an expression: ``*`` and ``?`` stay within a folder, ``**/`` goes through any."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\])", pattern)
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    made = []
    for at, part in enumerate(parts):
        if at % 2 == 0:
            made.append(re.escape(part))
        elif part.startswith("["):
            made.append("[" + ("^" if part[1] == "!" else "") + re.escape(part[1:-1].lstrip("!")).replace(r"\-", "-") + "]")
        else:
            made.append(words[part])
    return re.compile("".join(made), re.DOTALL)


def _source(path: Path, place: PurePath, *, walked: bool) -> Source | Refused:
    from docbin.files.access import access_error

    try:
        info = path.stat()
    except OSError as error:
        return Refused(str(path), access_error(error, str(path), "read"))
    if not stat.S_ISREG(info.st_mode):
        return Refused(str(path), FileAccessError(f"{path}: it is a device or socket, not a file of pages; name a file"))
    return Source(str(path), path, place, walked, (str(path.absolute()), info.st_size, info.st_mtime_ns), (info.st_dev, info.st_ino))


def _spooled(word: str, place: str, path: Path) -> Source | Refused:
    """Stdin or a named pipe can be read only once, and pages are read one by one: their bytes go to a temporary file first."""
    import shutil
    import sys

    from docbin.files.access import access_error

    try:
        if word == STDIN:
            with path.open("wb") as sink:
                shutil.copyfileobj(sys.stdin.buffer, sink)
        else:
            with Path(word).open("rb") as pipe, path.open("wb") as sink:
                shutil.copyfileobj(pipe, sink)
    except OSError as error:
        return Refused(word, access_error(error, word, "read"))
    return Source(word, path, PurePath(place))


def readable(name: str) -> bool:
    """Whether a walk takes a file of this name for pages."""
    from docbin.files import READABLE_SUFFIXES

    stem, suffix = PurePath(name).stem, PurePath(name).suffix
    return suffix.lower() in READABLE_SUFFIXES and not name.startswith(".") and not is_own(stem)


def why_left_out(name: str) -> str | None:
    """What is said of a file in a walked folder that a user may take for pages, though it is not taken; None for other files."""
    suffix = PurePath(name).suffix.lower()
    if suffix == TAR_SUFFIX:
        return "left out: an archive, which may hold what lies beside it; name it, or a glob such as '*.tar', to read its members"
    kind = PICTURES_NOT_READ.get(suffix)
    if suffix in _PACKED and not readable(PurePath(name).stem):
        return None
    way_out = "unpack it" if suffix in _ARCHIVES | _PACKED else "convert it to PNG, TIFF or JPEG"
    return None if kind is None else f"left out: {kind} is not read; {way_out}"


def _is_unnamed_page(path: Path) -> bool:
    """Whether a file is a page by its first bytes, though its name has no suffix, or blanks or dots behind it, as mail and memory cards bring."""
    from docbin.files.kinds import PDF_WINDOW, sniff

    bare = path.name.rstrip(" .")
    if PurePath(bare).suffix and (bare == path.name or not readable(bare)):
        return False
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return sniff(file.read(PDF_WINDOW)) is not None
    except OSError:
        return False


def is_own(stem: str) -> bool:
    """Whether a stem is that of an output written beside its input: ``page.ink``, ``book.ink.p0003``, ``photo.words``."""
    marks = "|".join(map(re.escape, MARKS.values()))
    return re.search(rf"({marks})(\.p\d+|\.incomplete)?$", stem) is not None


def _folder(folder: Path, prefix: PurePath) -> Iterator[Source | Refused | Skipped]:
    from docbin.files import READABLE_SUFFIXES
    from docbin.files.access import access_error

    refused: list[Refused] = []

    def note(error: OSError) -> None:
        refused.append(Refused(str(error.filename), access_error(error, str(error.filename), "read")))

    empty = True
    earlier: list[str] = []
    for parent, subfolders, names in os.walk(folder, onerror=note):
        earlier += [f"{Path(parent, name)}/" for name in subfolders if not name.startswith(".") and name.endswith(tuple(MARKS.values()))]
        subfolders[:] = sorted(
            (name for name in subfolders if not name.startswith(".") and not name.endswith(tuple(MARKS.values()))), key=natural
        )
        below = prefix / Path(parent).relative_to(folder)
        for name in sorted(names, key=natural):
            reason = why_left_out(name)
            if readable(name):
                empty = False
                yield _source(Path(parent, name), below / name, walked=True)
            elif reason is not None and not name.startswith("."):
                yield Skipped(str(Path(parent, name)), reason)
            elif is_own(PurePath(name).stem) and PurePath(name).suffix.lower() in READABLE_SUFFIXES and not name.startswith("."):
                earlier.append(str(Path(parent, name)))
            elif not name.startswith(".") and _is_unnamed_page(Path(parent, name)):
                yield Skipped(
                    str(Path(parent, name)),
                    "left out: it holds a page, but its name does not end like one; name it by itself, or rename it",
                )
    yield from refused
    if earlier:
        more = f" and {len(earlier) - 1} more" if len(earlier) > 1 else ""
        yield Skipped(
            str(folder), f"left out, for their names are those of earlier results: {earlier[0]}{more}; what is a page, name by itself"
        )
    if empty and not refused:
        yield Refused(str(folder), FileAccessError(f"{folder}: no page files in this folder; docbin reads {_suffixes()}"))


def _suffixes() -> str:
    from docbin.files import READABLE_SUFFIXES

    return ", ".join(sorted(suffix.lstrip(".") for suffix in READABLE_SUFFIXES))


def _matches(pattern: str) -> Iterator[Source | Refused | Skipped]:
    """A glob means what the shell would make of it, except that only readable names count where there are some (``scans/*``)."""
    matches = [Path(match) for match in sorted(glob.glob(pattern, recursive=True), key=natural)]  # noqa: PTH207 - absolute patterns too
    files = [match for match in matches if not match.is_dir()]
    pages = [match for match in files if readable(match.name)] or [match for match in files if not is_own(match.stem)]
    fixed = _fixed_part(pattern)
    for path in pages:
        yield _source(path, PurePath(path).relative_to(fixed), walked=True)
    entered = [] if "**" in pattern else [match for match in matches if match.is_dir()]
    for folder in entered:
        yield from _folder(folder, PurePath(folder).relative_to(fixed))
    if not pages and not entered:
        yield Refused(pattern, FileAccessError(f"{pattern}: no page file matches; check the folder and the pattern"))


def _fixed_part(pattern: str) -> PurePath:
    """The folders of a glob before its first wildcard: the tree below them is mirrored in the output folder."""
    fixed = PurePath()
    for part in PurePath(pattern).parts[:-1]:
        if any(mark in part for mark in "*?["):
            break
        fixed /= part
    return fixed
