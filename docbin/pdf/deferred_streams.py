"""Streams of a PDF whose data wait in a file until the PDF is saved, so that memory does not grow with them.

qpdf holds the data of every new stream, and of every stream that comes from another file, in memory until the document is written: 1,200 pages of
200 kB were 240 MB. So the document is built with empty streams that carry a number, and saved; what that gives is a plain file of a known kind, to
which the real streams are appended one after the other, each in the place of its empty one, as an incremental update (ISO 32000-1, 7.5.6). qpdf then
reads that file stream by stream and saves it as it should be: linearized, under its identifier, without what was overtaken.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, BinaryIO

from docbin.pdf.saving import save

_NUMBER = "/DocbinDeferred"
"""Entry of an empty stream: which data it is to have."""
_TAIL = 1024
"""Bytes at the end of a file that hold where its table of objects begins."""


class DeferredStreams:
    """Data of streams in files of `folder`, which the caller removes.

    Examples
    --------
    ``code = streams.keep(data)``, later ``streams.defer(stream, code)`` for a stream of the document, in the end ``streams.save(pdf, path)``.
    """

    def __init__(self, folder: Path) -> None:
        self._base = folder / "base.pdf"
        self._path = folder / "streams"
        self._file: BinaryIO | None = None
        self._places: list[tuple[int, int]] = []
        self._end = 0
        self._streams: list[Any] = []

    def keep(self, data: bytes) -> int:
        """Write data away; the number that :meth:`defer` takes.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        if self._file is None:
            self._file = self._path.open("w+b")
        self._file.seek(self._end)
        self._file.write(data)
        self._places.append((self._end, len(data)))
        self._end += len(data)
        return len(self._places) - 1

    def defer(self, stream: Any, number: int) -> None:
        """Let a stream (of pikepdf, of the document that will be saved; still empty) have the data of this number."""
        stream[_NUMBER] = number
        self._streams.append(stream)

    def _read(self, number: int) -> bytes:
        at, length = self._places[number]
        assert self._file is not None
        self._file.seek(at)
        return self._file.read(length)

    def save(self, pdf: Any, target: Path, **options: Any) -> None:
        """Save a pikepdf document with the data of its streams; `options` are those of :func:`docbin.pdf.saving.save`.

        With ``encryption=True``, which a copy cannot take over, the data go through memory.

        Raises
        ------
        OSError
            It cannot be written.
        pikepdf.PdfError
            The document is damaged.
        """
        import pikepdf

        if not self._streams or options.get("encryption"):
            for stream in self._streams:
                data = self._read(int(stream[_NUMBER]))
                del stream[_NUMBER]
                stream.write(data, filter=stream.get("/Filter"), decode_parms=stream.get("/DecodeParms"))
            save(pdf, target, **options)
            return
        plain = {"object_stream_mode": pikepdf.ObjectStreamMode.disable, "stream_decode_level": pikepdf.StreamDecodeLevel.none}
        identified = "/ID" in pdf.trailer
        save(pdf, self._base, encryption=False, **plain)
        self._append(identified)
        with pikepdf.open(self._base, access_mode=pikepdf.AccessMode.stream) as whole:
            save(whole, target, **options)
        self._base.unlink()

    def _append(self, identified: bool) -> None:
        """Append the streams, and a table of where they are, to the saved document. One that had no identifier was given a random one, which it loses
        again: the same pages make the same bytes."""
        import pikepdf

        waiting: list[tuple[int, int, bytes]] = []
        with pikepdf.open(self._base, access_mode=pikepdf.AccessMode.stream) as saved:
            for thing in saved.objects:
                if isinstance(thing, pikepdf.Stream) and _NUMBER in thing:
                    number = int(thing[_NUMBER])
                    dictionary = pikepdf.Dictionary({key: value for key, value in thing.items() if key not in (_NUMBER, "/Length")})
                    dictionary.Length = self._places[number][1]
                    waiting.append((thing.objgen[0], number, dictionary.unparse()))
            trailer = pikepdf.Dictionary({key: value for key, value in saved.trailer.items() if key != "/Prev"})
            if not identified:
                del trailer.ID
            with self._base.open("rb") as file:
                file.seek(max(0, self._base.stat().st_size - _TAIL))
                found = re.findall(rb"startxref\s+(\d+)", file.read())
            trailer.Prev = int(found[-1])
            ending = trailer.unparse()
        with self._base.open("ab") as file:
            table = [b"xref\n"]
            for name, number, entries in sorted(waiting):
                file.write(b"\n")
                table.append(b"%d 1\n%010d 00000 n \n" % (name, file.tell()))
                file.write(b"%d 0 obj\n%s\nstream\n" % (name, entries))
                file.write(self._read(number))
                file.write(b"\nendstream\nendobj\n")
            start = file.tell()
            file.write(b"".join(table) + b"trailer\n" + ending + b"\nstartxref\n%d\n%%%%EOF\n" % start)

    def close(self) -> None:
        """Forget the data; the files stay for the caller to remove."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._streams.clear()
