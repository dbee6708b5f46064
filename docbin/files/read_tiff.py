"""TIFF: every page lazily, each one opened as if it were alone in the file.

A TIFF is a chain of directories (IFDs). We walk the chain ourselves (a few reads a page), because the usual way, seeking frame by frame, cannot reach
what lies behind a damaged page, compares every directory with every earlier one (a million directories never end) and counts thumbnails as pages.
To decode a page, Pillow gets a view of the file whose header points at that page's directory; libtiff reads the real file at the same offset.

* A chain that loops back ends there, with a note. A chain that points outside the file has one page more, which fails: pages are never lost silently.
* Reduced copies and transparency masks (NewSubfileType bits 0 and 2: pyramids, thumbnails) are no pages and are left out, with a note, unless
  the file has nothing else.
* Tag 274 (orientation): Pillow has already applied it when the pixels are loaded; here only the resolution is turned with it.
* Big-endian BigTIFF is refused: Pillow 13 takes its header for a classic one.
* MinIsWhite: Pillow inverts 1 to 8 bits. For 16 and 32 bits it does not (or refuses): the view shows it MinIsBlack, and the mode table inverts.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

from docbin.errors import InputError
from docbin.files.access import decoding
from docbin.files.limits import MAX_PAGES, ReadOptions
from docbin.files.modes import Picture
from docbin.files.orientation import turned
from docbin.files.pagefile import Decoded
from docbin.files.resolution import from_tags

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

_SUBFILE, _WIDTH, _LENGTH, _BITS, _PHOTOMETRIC, _ORIENTATION, _FORMAT = 254, 256, 257, 258, 262, 274, 339
_READ_TAGS = frozenset((_SUBFILE, _WIDTH, _LENGTH, _BITS, _PHOTOMETRIC, _ORIENTATION, _FORMAT))
_UNITS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # BYTE, SHORT, LONG, LONG8


class _Layout:
    """Byte order and field widths of the file: classic TIFF or BigTIFF."""

    def __init__(self, header: bytes) -> None:
        self.order = "<" if header[:2] == b"II" else ">"
        self.big = struct.unpack(self.order + "H", header[2:4])[0] == 43
        self.pointer, self.counter, self.entry = ("Q", "Q", 20) if self.big else ("I", "H", 12)
        self.header_size, self.first_at = (16, 8) if self.big else (8, 4)
        self.counter_size, self.pointer_size = (8, 8) if self.big else (2, 4)

    def number(self, code: str, data: bytes, at: int = 0) -> int:
        return int(struct.unpack_from(self.order + code, data, at)[0])


class _Directory:
    """One directory: its offset, and its inline integer values by tag with the file offset where each is stored."""

    def __init__(self, offset: int, body: bytes, layout: _Layout) -> None:
        self.offset = offset
        self._values: dict[int, tuple[int, int, str]] = {}
        inline = 12 if layout.big else 8
        for at in range(0, len(body), layout.entry):
            tag, unit = struct.unpack_from(layout.order + "HH", body, at)
            if unit in _UNITS and tag in _READ_TAGS:
                count = layout.number("Q" if layout.big else "I", body, at + 4)
                if count == 1 and (unit != 16 or layout.big):
                    where = offset + layout.counter_size + at + inline
                    self._values[tag] = layout.number(_UNITS[unit], body, at + inline), where, layout.order + _UNITS[unit]

    def get(self, tag: int, default: int) -> int:
        return self._values[tag][0] if tag in self._values else default

    def replaced(self, tag: int, value: int) -> tuple[int, bytes]:
        """The file offset of an inline value, and the bytes that would store `value` there."""
        _, where, code = self._values[tag]
        return where, struct.pack(code, value)


class TiffReader:
    """Reader of TIFF and BigTIFF; see :class:`docbin.files.pagefile.Reader`."""

    def __init__(self, stream: BinaryIO, name: str, kind: str, options: ReadOptions) -> None:
        self.notes: list[str] = []
        self._stream = stream
        self._options = options
        self._size = stream.seek(0, io.SEEK_END)
        header = self._read(0, 16)
        if len(header) < 8 or (header[2:4] in (b"+\0", b"\0+") and len(header) < 16):
            raise InputError(f"{name}: truncated TIFF, the header is not whole; copy or scan it again")
        self._header = header
        self._layout = _Layout(header)
        self._offsets = self._walk(name)
        self.count = len(self._offsets)

    def _read(self, at: int, size: int) -> bytes:
        self._stream.seek(at)
        return self._stream.read(size)

    def _directory(self, offset: int) -> tuple[_Directory, int] | None:
        """The directory at `offset` and the offset of the next one; None where it does not lie whole within the file."""
        layout = self._layout
        if not layout.header_size <= offset <= self._size - layout.counter_size:
            return None
        entries = layout.number(layout.counter, self._read(offset, layout.counter_size))
        length = entries * layout.entry
        if not 0 < entries <= 65535 or offset + layout.counter_size + length > self._size:
            return None
        body = self._stream.read(length + layout.pointer_size)
        following = layout.number(layout.pointer, body, length) if len(body) >= length + layout.pointer_size else 0
        return _Directory(offset, body[:length], layout), following

    def _walk(self, name: str) -> list[int]:
        """Offsets of the pages' directories; the last may be bad, and then fails when its page is asked for."""
        pages: list[int] = []
        reduced: list[int] = []
        seen: set[int] = set()
        offset = self._layout.number(self._layout.pointer, self._header, self._layout.first_at)
        while offset and len(seen) <= MAX_PAGES:
            if offset in seen:
                self.notes.append("the chain of TIFF pages runs in a circle and is cut there")
                break
            seen.add(offset)
            found = self._directory(offset)
            if found is None:
                pages.append(offset)
                break
            directory, following = found
            (reduced if directory.get(_SUBFILE, 0) & 0b101 else pages).append(offset)
            offset = following
        self._options.check_pages(len(seen), name)
        if not seen:
            raise InputError(f"{name}: a TIFF without pages; scan or export it again")
        if pages and reduced:
            self.notes.append(f"{len(reduced)} reduced or mask picture{'s' * (len(reduced) != 1)} in the TIFF left out")
        return pages or reduced

    def decode(self, number: int, label: str) -> Decoded:
        offset = self._offsets[number - 1]
        found = self._directory(offset)
        if found is None:
            raise InputError(
                f"{label}: truncated or damaged TIFF, the page's directory at byte {offset} is not whole; copy or scan it again"
            )
        if self._layout.big and self._layout.order == ">":
            raise InputError(f"{label}: a big-endian BigTIFF, which cannot be read; convert it (tiffcp -L old.tif new.tif)")
        directory, _ = found
        width, height = directory.get(_WIDTH, 0), directory.get(_LENGTH, 0)
        self._options.check_size(width, height, label)
        with decoding(label, "tiff"):
            view, inverted = self._view(directory)
            return self._decode(view, label, inverted, directory)

    def _view(self, directory: _Directory) -> tuple[BinaryIO, bool]:
        """The file as if this page were its first, and whether its samples count ink in more than 8 bits."""
        layout = self._layout
        patches = {layout.first_at: struct.pack(layout.order + layout.pointer, directory.offset)}
        inverted = directory.get(_PHOTOMETRIC, 1) == 0 and directory.get(_BITS, 1) > 8
        if inverted:
            where, stored = directory.replaced(_PHOTOMETRIC, 1)
            patches[where] = stored
        if isinstance(self._stream, io.BytesIO):
            content = bytearray(self._stream.getbuffer())
            for at, patch in patches.items():
                content[at : at + len(patch)] = patch
            return io.BytesIO(bytes(content)), inverted
        return _PatchedFile(self._stream, patches), inverted

    def _decode(self, view: BinaryIO, label: str, inverted: bool, directory: _Directory) -> Decoded:
        image = _tiff_class()(view)
        self._options.check_size(*image.size, label)
        image.load()
        tags: dict[int, Any] = dict(image.tag_v2)
        picture = Picture(image, label, min_is_white=inverted, unsigned=directory.get(_FORMAT, 1) == 1)
        pixels, notes = picture.pixels(), picture.notes
        position = directory.get(_ORIENTATION, 1)
        if position in range(2, 9):
            notes.append(f"orientation {position} applied")
        return Decoded(pixels, turned(from_tags(tags, notes), position), notes)

    def close(self) -> None:
        """Nothing of its own to close."""


class _PatchedFile(io.RawIOBase, BinaryIO):
    """A read-only view of an open file with some bytes replaced. `fileno` is the real file's, which libtiff reads by offset."""

    def __init__(self, stream: BinaryIO, patches: dict[int, bytes]) -> None:
        self._stream = stream
        self._patches = patches
        self._at = 0
        self._size = stream.seek(0, io.SEEK_END)

    def read(self, size: int | None = -1) -> bytes:
        self._stream.seek(self._at)
        data = self._stream.read(-1 if size is None else size)
        for at, patch in self._patches.items():
            if at < self._at + len(data) and self._at < at + len(patch):
                start, end = max(at, self._at), min(at + len(patch), self._at + len(data))
                data = data[: start - self._at] + patch[start - at : end - at] + data[end - self._at :]
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def fileno(self) -> int:
        return self._stream.fileno()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _tiff_class() -> type[TiffImageFile]:
    """Pillow's TIFF plugin without its pixel limit (ours has been checked); defined on first use, because Pillow is imported lazily."""
    global _TIFF_CLASS
    if _TIFF_CLASS is None:
        from PIL.Image import core  # type: ignore[attr-defined]
        from PIL.TiffImagePlugin import TiffImageFile

        class UnlimitedTiff(TiffImageFile):
            def load_prepare(self) -> None:
                if self._im is None:
                    self.im = core.new(self.mode, getattr(self, "_tile_size", self.size))
                super().load_prepare()

        _TIFF_CLASS = UnlimitedTiff
    return _TIFF_CLASS


_TIFF_CLASS: type[TiffImageFile] | None = None
