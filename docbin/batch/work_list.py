"""Work lists: what a batch is to do, a line a unit (``docbin list``), read a line at a time.

A unit is a file of pages. Its line says where it is and what its output is called, so that the output's name depends on the line alone: any machine
that is given any part of the list makes the same names. ::

    {"uri": "s3://archive/1871/p001.jpg", "name": "1871/p001", "size": 2812331, "etag": "9b2cf5...", "pages": 1}

``uri`` is enough, for lists made by other programs. Without ``name`` the output is called like the whole input, suffix and all
(``archive/1871/p001.jpg.png``); without ``size`` and ``etag`` a resumed batch does not notice an input that was changed.

A list of a million lines costs 8 MB of memory: the places of its lines in the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, overload

import msgspec

from docbin.batch.inputs import Refused, Source
from docbin.batch.names import stays_below
from docbin.batch.planned_file import PlannedFile
from docbin.batch.shard import Shard, unit_hash
from docbin.errors import DocbinError, InputError, UsageError
from docbin.files.remote_path import AnyPath, RemotePath, place, shown

SUFFIX = ".jsonl"
_MARK = b"\xef\xbb\xbf"
"""What editors and shells of Windows put before UTF-8 text; at the start of any line, for lists are joined."""


class Unit(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of a work list; see the module's docstring."""

    uri: str
    name: str | None = None
    size: int | None = None
    etag: str | None = None
    pages: int | None = None

    def stem(self) -> str:
        """The output's name below the output folder, without its suffix."""
        if self.name is not None:
            return self.name
        path = place(self.uri)
        whole = path.key if isinstance(path, RemotePath) else path.absolute().as_posix()
        return "/".join(part for part in PurePosixPath(whole).parts if part not in ("/", "..", "."))

    def source(self) -> Source:
        """The unit as an input of a batch. Of a file on this machine size and time are asked for now; a store is not asked.

        Raises
        ------
        OSError
            The file of this machine cannot be looked at.
        UsageError
            The URI is none.
        """
        path = place(self.uri)
        if isinstance(path, RemotePath):
            stat = (path.url, -1 if self.size is None else self.size, self.etag or "")
            return Source(path.shown(), path, PurePosixPath(self.stem()), walked=True, stat=stat)
        info = path.stat()
        version = (str(path.absolute()), info.st_size, info.st_mtime_ns)
        return Source(self.uri, path, PurePosixPath(self.stem()), walked=True, stat=version, identity=(info.st_dev, info.st_ino))


_decode = msgspec.json.Decoder(Unit).decode


def parse(line: bytes, label: str) -> Unit:
    """A line as a unit.

    Raises
    ------
    InputError
        It is no JSON object with a ``uri``, or its ``name`` leads out of the output folder.
    """
    try:
        unit = _decode(line.removeprefix(_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{label}: not a line of a work list ({error}); make one with 'docbin list'") from error
    return _checked(unit, label)


def unit_of(fields: Mapping[str, Any], label: str) -> Unit:
    """A row of a table as a unit; errors as of :func:`parse`."""
    try:
        unit = msgspec.convert(fields, Unit)
    except msgspec.ValidationError as error:
        raise InputError(f"{label}: not a unit ({error}); a row has a column uri, and name, size and etag where they are known") from error
    return _checked(unit, label)


def _checked(unit: Unit, label: str) -> Unit:
    """The unit, whose words came from outside; InputError where they name no file, or an output that is not the folder's."""
    if not unit.uri or "\0" in unit.uri + (unit.name or ""):
        raise InputError(f"{label}: no file can have this name; make the list anew with 'docbin list'")
    if unit.name is not None and not stays_below(unit.name):
        raise InputError(f"{label}: the name {unit.name!r} does not stay below the output folder; give a relative one")
    return unit


class WorkList(Sequence[PlannedFile | Refused]):
    """The units of a list that belong to this part of the batch, as planned files; a line is parsed when it is asked for.

    Parameters
    ----------
    path : the list, on this machine
    name : how messages call it
    folder : the output folder
    shard : which part; None: all
    """

    def __init__(self, path: Path, name: str, folder: AnyPath, shard: Shard | None = None) -> None:
        from docbin.files.access import access_error

        self._path, self._name, self._folder = path, name, folder
        self._root = folder if isinstance(folder, RemotePath) else folder.resolve()
        self._offsets, self._numbers = array("q"), array("q")
        hashes = array("Q")
        try:
            self._file = path.open("rb")
            offset = 0
            for number, line in enumerate(self._file, 1):
                if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise InputError(
                        f"{name}: the list is UTF-16 text; save it as UTF-8 (in PowerShell: docbin list ... | Out-File -Encoding utf8)"
                    )
                if line.removeprefix(_MARK).strip():
                    try:
                        uri = parse(line, "").uri
                    except DocbinError:
                        uri = f"{name}:{number}"
                    found = unit_hash(uri)
                    if shard is None or found % shard.count == shard.index:
                        self._offsets.append(offset)
                        self._numbers.append(number)
                        hashes.append(found)
                offset += len(line)
        except OSError as error:
            raise access_error(error, name, "read") from error
        self._without_repeats(hashes)

    def _without_repeats(self, hashes: array[int]) -> None:
        """A unit that is listed twice is done once."""
        import numpy as np

        if not hashes:
            return
        first = np.sort(np.unique(np.frombuffer(hashes, dtype=np.uint64), return_index=True)[1])
        if len(first) < len(self._offsets):
            self._offsets = array("q", (self._offsets[int(at)] for at in first))
            self._numbers = array("q", (self._numbers[int(at)] for at in first))

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, index: int) -> PlannedFile | Refused: ...
    @overload
    def __getitem__(self, index: slice) -> list[PlannedFile | Refused]: ...
    def __getitem__(self, index: int | slice) -> PlannedFile | Refused | list[PlannedFile | Refused]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        return self._planned(self._offsets[index], self._numbers[index])

    def __iter__(self) -> Iterator[PlannedFile | Refused]:
        return (self._planned(offset, number) for offset, number in zip(self._offsets, self._numbers, strict=True))

    def _planned(self, offset: int, number: int) -> PlannedFile | Refused:
        label = f"line {number} of {self._name}"
        self._file.seek(offset)
        try:
            return planned(parse(self._file.readline(), label), self._folder, self._root)
        except DocbinError as error:
            return Refused(label, error)


def planned(unit: Unit, folder: AnyPath, root: AnyPath) -> PlannedFile | Refused:
    """A unit as a planned file of the output `folder`; refused where it lies in there (`root` is the folder with its links resolved)."""
    from docbin.files.access import access_error

    try:
        source = unit.source()
    except OSError as error:
        return Refused(unit.uri, access_error(error, unit.uri, "read"))
    except DocbinError as error:
        return Refused(shown(unit.uri), error)
    if isinstance(root, RemotePath):
        inside = isinstance(source.path, RemotePath) and source.path.is_relative_to(root)
    else:
        inside = isinstance(source.path, Path) and source.path.resolve().is_relative_to(root)
    if inside:
        return Refused(source.name, UsageError(f"{source.name}: it lies in the output folder {folder}; choose another with -o"))
    return PlannedFile(source, folder, unit.stem())
