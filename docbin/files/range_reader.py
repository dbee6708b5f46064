"""An object in a store as a file that can be read from any place: only the blocks that a reader asks for are fetched.

A page in the middle of a TIFF of 40 GB costs its directory and its strips. Blocks are 4 MiB, and the last eight are kept: decoders read forwards,
with jumps to tables.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from docbin.errors import DocbinError, FileAccessError
from docbin.files import object_store
from docbin.files.object_store import changed
from docbin.files.remote_path import RemotePath
from docbin.files.sized_reader import SizedReader

BLOCK = 4 << 20
BLOCKS = 8
PIECE = 16 << 20
"""Bytes of a GET where an object is copied whole."""


class RangeReader(SizedReader):
    """See the module's docstring.

    Attributes
    ----------
    failure : why a block could not be had; decoders in other languages turn any error of a stream into their own, so the reader remembers it
    fetched : bytes that came from the store
    """

    def __init__(self, path: RemotePath, size: int) -> None:
        self.failure: DocbinError | None = None
        self.fetched = 0
        super().__init__(size)
        self._path = path
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if self._at >= self._size or not len(view):
            return 0
        number = self._at // BLOCK
        inside = self._at - number * BLOCK
        piece = self._block(number)[inside : inside + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        start, end = number * BLOCK, min((number + 1) * BLOCK, self._size)
        try:
            block = object_store.read(self._path, start, end, size=self._size)
        except DocbinError as error:
            self.failure = error
            raise
        self.fetched += len(block)
        self._blocks[number] = block
        if len(self._blocks) > BLOCKS:
            self._blocks.popitem(last=False)
        return block


def copy_object(path: RemotePath, target: Path, size: int | None, progress: Callable[[], None]) -> None:
    """Copy an object to a file of this machine, by GETs of :data:`PIECE` bytes; `progress` is called after each. Parameters and errors of
    :func:`open_object`, and FileAccessError where the file cannot be written."""
    from docbin.files.access import access_error

    found = object_store.info(path)
    if found is None:
        raise FileAccessError(f"{path.shown()}: cannot read: there is no such object (or bucket); check the URL")
    if size is not None and found.size is not None and found.size != size:
        raise changed(path)
    pieces = [(None, None)] if found.size is None else [(start, min(start + PIECE, found.size)) for start in range(0, found.size, PIECE)]
    try:
        with target.open("wb") as sink:
            for start, end in pieces:
                sink.write(object_store.read(path, start, end, size=found.size))
                progress()
    except OSError as error:
        raise access_error(error, f"{target} (a copy of {path.shown()})", "write") from error


def open_object(path: RemotePath, size: int | None = None) -> BinaryIO:
    """An object as a stream of bytes that can seek: small ones whole, by one GET, larger ones by ranges.

    Parameters
    ----------
    path : the object
    size : its bytes, where known from a list; a store whose object has another size is refused

    Raises
    ------
    FileAccessError
        There is no such object, no right to it, the store keeps failing, or the object changed since it was listed.
    """
    if size is None or size > object_store.ONE_GET:
        found = object_store.info(path)
        if found is None:
            raise FileAccessError(f"{path.shown()}: cannot read: there is no such object (or bucket); check the URL")
        if size is not None and found.size is not None and found.size != size:
            raise changed(path)
        size = found.size
    if size is None or size <= object_store.ONE_GET:
        return io.BytesIO(object_store.read(path, size=size))
    return cast(BinaryIO, io.BufferedReader(RangeReader(path, size), 1 << 16))
