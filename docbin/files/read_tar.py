"""Tar archives of pages: every member that is a page file is a page, under the member's name.

A million small objects cost a store two million requests; bundled in tar archives of a thousand pages they cost a few thousand. So do WebDataset's
shards (``key.jpg`` beside ``key.json``), and archives of any other program: members with a readable suffix are pages, in the order of the
archive, others are passed over, as are hidden ones. Nothing is unpacked: a page is decoded where it lies, and memory holds the names and places
of the members.

A member is one page. One that is a document of several is refused by itself, for its pages would have no names. So is a link (it may lead anywhere),
and of a name that comes twice the last counts, as where tar unpacks. An archive that ends within a member is refused as a whole: how many pages it
should have, nobody knows. Compressed archives are not read, for no page in them can be found without unpacking all before it.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import PurePosixPath
from typing import BinaryIO

from docbin.errors import InputError, RefusedInput
from docbin.files.kinds import READABLE_SUFFIXES
from docbin.files.limits import ReadOptions
from docbin.files.pagefile import Decoded, page_file
from docbin.files.sized_reader import SizedReader

_BLOCK = 512
"""Bytes of a header, and what members are filled up to."""
_NAMES = 1 << 20
"""Bytes of a record of names and the like; real ones have hundreds."""


class TarReader:
    """The page members of a tar archive.

    Attributes
    ----------
    count : how many there are
    names : their names, cleaned of ``./``, in the order of the archive
    """

    def __init__(self, stream: BinaryIO, name: str, kind: str, options: ReadOptions) -> None:
        self._stream, self._options = stream, options
        places = _members(stream, name, options)
        if not places:
            suffixes = ", ".join(sorted(suffix.lstrip(".") for suffix in READABLE_SUFFIXES))
            raise InputError(f"{name}: no page files in this archive; docbin reads members named {suffixes}")
        self.names = tuple(places)
        self._places = tuple(places.values())
        self.count = len(places)
        self.notes: list[str] = []

    def decode(self, number: int, label: str) -> Decoded:
        """The page of a member; `label` names member and archive."""
        place = self._places[number - 1]
        if place is None:
            raise InputError(f"{label}: a link or a file with holes, which is not followed; pack the page itself")
        with page_file(io.BufferedReader(_Member(self._stream, *place)), label, self._options) as inside:
            if inside.kind == "tar":
                raise RefusedInput(f"{label}: an archive within an archive; unpack the outer one")
            if inside.count != 1:
                raise RefusedInput(
                    f"{label}: {inside.count} pages, and a member of an archive is one page; unpack it and give it by itself"
                )
            page = inside.page(1)
        return Decoded(page.pixels, page.dpi, list(page.notes))

    def close(self) -> None:
        """Nothing is held but the archive's stream, which is its owner's."""


def _members(stream: BinaryIO, name: str, options: ReadOptions) -> dict[str, tuple[int, int] | None]:
    """Name -> (first byte, bytes) of every member that is named like a page; None for one that has no bytes of its own."""
    end = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    places: dict[str, tuple[int, int] | None] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r:", tarinfo=_Header) as archive:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep a kilobyte of each
                path = PurePosixPath(member.name)
                if member.isdir() or path.suffix.lower() not in READABLE_SUFFIXES or any(_is_hidden(part) for part in path.parts):
                    continue
                whole = member.isreg() and not member.issparse()
                if whole and member.offset_data + member.size > end:
                    raise _ends_early(name, member.name)
                places[path.as_posix()] = (member.offset_data, member.size) if whole else None
                options.check_pages(len(places), name)
            _check_end(stream, archive.offset, name, next(reversed(places), ""))
    except _Hostile as error:
        raise InputError(f"{name}: damaged tar archive: {error}; copy or pack it again") from None
    except tarfile.ReadError as error:
        raise _ends_early(name, next(reversed(places), "its first member")) from error
    except tarfile.TarError as error:
        raise InputError(f"{name}: damaged tar archive ({error}); copy or pack it again") from error
    return places


class _Hostile(Exception):
    """A header that no program writes."""


class _Header(tarfile.TarInfo):
    """A header that is looked at before it is believed: a negative size sends Python's reader back, for ever (CVE-2025-8194), and a record of names
    is read whole, however large."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size < 0:
            raise _Hostile(f"a member of {self.size} bytes")
        named = self.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
        if named and self.size > _NAMES:
            raise _Hostile(f"a record of names of {self.size:,} bytes, at most {_NAMES:,} are read")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]  # a hook of TarInfo's that typeshed leaves out
        if found.size < 0:  # the size of a pax record
            raise _Hostile(f"a member of {found.size} bytes")
        return found


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part not in (".", "..")


def _ends_early(name: str, member: str) -> InputError:
    return InputError(f"{name}: the archive ends early, in or behind {member!r}; copy or pack it again")


def _check_end(stream: BinaryIO, offset: int, name: str, last: str) -> None:
    """Whether what stopped the walk is the archive's end (zeros, or nothing at all), not a damaged header, behind which members would be lost."""
    stream.seek(offset)
    block = stream.read(_BLOCK)
    if block.strip(b"\0"):
        if len(block) < _BLOCK:
            raise _ends_early(name, last)
        raise InputError(f"{name}: damaged tar archive: no member begins at byte {offset:,}, where one should; copy or pack it again")


class _Member(SizedReader):
    """`size` bytes of the archive from `start` on, as a file of their own."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        super().__init__(size)
        self._stream, self._start = stream, start

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        wanted = min(len(view), max(0, self._size - self._at))
        if wanted == 0:
            return 0
        self._stream.seek(self._start + self._at)
        piece = self._stream.read(wanted)
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
