"""The directories of a TIFF or BigTIFF, in either byte order: every tag's values, read when they are asked for.

Nothing here knows what a tag means. Counts are believed only as far as the file reaches, so a directory that promises four billion offsets costs
nothing.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

_UNITS = {
    1: "B",
    2: "B",
    3: "H",
    4: "I",
    5: "II",
    6: "b",
    7: "B",
    8: "h",
    9: "i",
    10: "ii",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
}
"""Field type -> struct codes of one value; types 5 and 10 are fractions."""


class Layout:
    """Byte order and field widths of the file: classic TIFF or BigTIFF."""

    def __init__(self, header: bytes) -> None:
        self.order = "<" if header[:2] == b"II" else ">"
        self.big = struct.unpack(self.order + "H", header[2:4])[0] == 43
        self.pointer, self.counter, self.entry = ("Q", "Q", 20) if self.big else ("I", "H", 12)
        self.header_size, self.first_at = (16, 8) if self.big else (8, 4)
        self.counter_size, self.pointer_size = (8, 8) if self.big else (2, 4)

    def number(self, code: str, data: bytes, at: int = 0) -> int:
        return int(struct.unpack_from(self.order + code, data, at)[0])


class Directory:
    """One directory: its offset, and the values of its tags."""

    def __init__(self, stream: BinaryIO, offset: int, body: bytes, layout: Layout) -> None:
        self.offset = offset
        self._stream = stream
        self._order = layout.order
        self._entries: dict[int, tuple[str, int, int, bytes]] = {}  # tag -> (codes, count, where elsewhere, inline bytes)
        inline = layout.pointer_size
        for at in range(0, len(body), layout.entry):
            tag, unit = struct.unpack_from(layout.order + "HH", body, at)
            if unit not in _UNITS or tag in self._entries:
                continue
            count = layout.number("Q" if layout.big else "I", body, at + 4)
            field = body[at + layout.entry - inline : at + layout.entry]
            self._entries[tag] = _UNITS[unit], count, layout.number(layout.pointer, field), field

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def raw(self, tag: int) -> bytes:
        """The bytes of a tag's values, as far as the file holds them."""
        if tag not in self._entries:
            return b""
        codes, count, where, field = self._entries[tag]
        size = struct.calcsize("<" + codes) * count
        if size <= len(field):
            return field[:size]
        end = self._stream.seek(0, io.SEEK_END)
        if not 0 < where < end:
            return b""
        self._stream.seek(where)
        return self._stream.read(min(size, end - where))

    def is_whole(self, tag: int) -> bool:
        """Whether the file holds all values of a tag that it promises."""
        if tag not in self._entries:
            return True
        codes, count, _, _ = self._entries[tag]
        return len(self.raw(tag)) == struct.calcsize("<" + codes) * count

    def values(self, tag: int) -> tuple[float, ...]:
        """All values of a tag, fractions as floats (NaN where the denominator is 0); empty where it is absent."""
        if tag not in self._entries:
            return ()
        codes, data = self._entries[tag][0], self.raw(tag)
        count = len(data) // struct.calcsize("<" + codes)
        flat = struct.unpack_from(f"{self._order}{count * len(codes)}{codes[0]}", data)
        if len(codes) == 1:
            return flat
        return tuple(top / bottom if bottom else float("nan") for top, bottom in zip(flat[::2], flat[1::2], strict=True))

    def get(self, tag: int, default: int) -> int:
        """The first value of a whole-number tag, `default` where there is none."""
        values = self.values(tag) if tag in self._entries else ()
        return int(values[0]) if values and values[0] == values[0] and abs(values[0]) < 2**63 else default


def synthetic(tags: dict[int, tuple[int, bytes]], chunks: list[bytes], *, offsets_tag: int = 273, before: bytes = b"") -> bytes:
    """A little-endian BigTIFF of one page: `tags` (number -> (field type, little-endian bytes of its values)) and `chunks` of coded samples.

    `before` is kept at the start of the file behind the header's place, for tags that point into it (old-style JPEG).
    """
    out = bytearray(before if len(before) >= 16 else before.ljust(16, b"\0"))
    places = []
    for chunk in chunks:
        places.append(len(out))
        out += chunk
    tags = dict(tags)
    tags[offsets_tag] = (16, struct.pack(f"<{len(places)}Q", *places))
    tags[offsets_tag + (6 if offsets_tag == 273 else 1)] = (16, struct.pack(f"<{len(places)}Q", *map(len, chunks)))
    entries = b""
    for tag, (unit, data) in sorted(tags.items()):
        count = len(data) // struct.calcsize("<" + _UNITS[unit])
        if len(data) > 8:
            out += bytes(-len(out) % 8)
            where = len(out)
            out += data
            data = struct.pack("<Q", where)
        entries += struct.pack("<HHQ", tag, unit, count) + data.ljust(8, b"\0")
    out += bytes(-len(out) % 8)
    at = len(out)
    out += struct.pack("<Q", len(tags)) + entries + bytes(8)
    out[:16] = struct.pack("<2sHHHQ", b"II", 43, 8, 0, at)
    return bytes(out)
