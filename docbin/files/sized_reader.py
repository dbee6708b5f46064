"""A file of known size that is read from any place: what such files share. Where its bytes come from is the subclass's part (``readinto``)."""

from __future__ import annotations

import io


class SizedReader(io.RawIOBase):
    """`size` bytes; a subclass reads at ``self._at`` and moves it on."""

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}")
        self._at = base + offset
        return self._at
