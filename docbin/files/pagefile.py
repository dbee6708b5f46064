"""Opening a file of pages: one front for pictures, multi-page TIFF, PDF and tar archives of such files.

A :class:`PageFile` is lazy: opening reads the first bytes and the list of pages, ``page(n)`` decodes just that page. A damaged page of many fails
alone, so a batch notes it and asks for the next; memory holds one page at a time.

The kind is decided by the first bytes (:mod:`docbin.files.kinds`), and each kind has a reader in a module of its own, imported when the first such
file is opened. A reader knows only bytes -> (pixels, dpi, notes); names, page numbers, the sanity of the file and what the caller asked for are
settled here, once.
"""

from __future__ import annotations

import importlib
import io
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from docbin.errors import FileAccessError, InputError, UsageError
from docbin.files.access import access_error, decoding
from docbin.files.kinds import PDF_WINDOW, describe, mislabelled, readable_kinds, sniff
from docbin.files.limits import DEFAULT_MEGAPIXELS, ReadOptions
from docbin.files.page_ranges import PageRanges, chosen_pages
from docbin.files.remote_path import RemotePath, is_url, place
from docbin.files.resolution import Dpi
from docbin.page import Image, Page

if TYPE_CHECKING:
    from docbin.files.document_record import DocumentRecord


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a reader makes of one page: pixels by the contract of page.py, believable dpi or None, and what had to be done."""

    pixels: Image
    dpi: Dpi | None
    notes: list[str] = field(default_factory=list)


class Reader(Protocol):
    """A reader of one kind of file, made from ``(stream, name, options)`` by the module in `_READERS`.

    `count` is the number of pages; `notes` says what concerns the whole file; ``decode(number, label)`` decodes one page, from 1, and raises typed
    errors that begin with `label`.
    """

    count: int
    notes: list[str]

    def decode(self, number: int, label: str) -> Decoded: ...

    def close(self) -> None: ...


_READERS = {
    "png": "docbin.files.read_picture:PictureReader",
    "jpeg": "docbin.files.read_picture:PictureReader",
    "bmp": "docbin.files.read_picture:PictureReader",
    "webp": "docbin.files.read_picture:PictureReader",
    "jpeg2000": "docbin.files.read_picture:PictureReader",
    "gif": "docbin.files.read_picture:PictureReader",
    "avif": "docbin.files.read_picture:PictureReader",
    "heic": "docbin.files.read_picture:PictureReader",
    "pnm": "docbin.files.read_pnm:PnmReader",
    "tiff": "docbin.files.read_tiff:TiffReader",
    "pdf": "docbin.pdf.read_pdf:PdfReader",
    "tar": "docbin.files.read_tar:TarReader",
}


class PageFile:
    """The pages of one file; make it with :func:`open_pages`. Not for two threads at once.

    Attributes
    ----------
    name : the file as the user gave it ("-" for bytes from stdin)
    kind : "png", "jpeg", "tiff", "bmp", "pnm", "webp", "jpeg2000", "gif", "avif", "heic", "pdf" or "tar"
    count : number of pages
    names : of an archive, the name of each page's member; else empty
    """

    def __init__(self, stream: BinaryIO, name: str, kind: str, options: ReadOptions) -> None:
        self.name = name
        self.kind = kind
        self._options = options
        self._stream = stream
        module, reader = _READERS[kind].split(":")
        with decoding(name, kind):
            self._reader: Reader = getattr(importlib.import_module(module), reader)(stream, name, kind, options)
        self.count: int = self._reader.count
        self.names: tuple[str, ...] = getattr(self._reader, "names", ())
        note = mislabelled(name, kind)
        self._notes = ([note] if note else []) + self._reader.notes

    def label(self, number: int) -> str:
        """How messages call page `number`, from 1."""
        if self.names:
            return f"{self.names[number - 1]} in {self.name}"
        return self.name if self.count == 1 else f"page {number} of {self.name}"

    def page(self, number: int) -> Page:
        """Decode page `number`, from 1.

        Raises
        ------
        UsageError
            There is no such page.
        InputError, RefusedInput
            This page is damaged, or over the limit. The other pages can still be read.
        """
        if not 1 <= number <= self.count:
            raise UsageError(f"{self.name}: page {number} does not exist; the file has {self.count} page{'s' * (self.count != 1)}")
        label = self.label(number)
        try:
            with decoding(label, self.kind):
                decoded = self._reader.decode(number, label)
        except InputError:
            failure = getattr(getattr(self._stream, "raw", None), "failure", None)  # what looks like damage to a decoder may be the network
            if failure is not None:
                raise failure from None
            raise
        notes, dpi = self._notes + decoded.notes, decoded.dpi
        if dpi is None and self._options.dpi is not None:
            dpi = (float(self._options.dpi), float(self._options.dpi))
            notes.append(f"the file names no resolution, {self._options.dpi:g} dpi as given")
        return Page(decoded.pixels, dpi=dpi, source=self.name, number=number, count=self.count, notes=tuple(notes))

    def scan(self, number: int) -> tuple[Page, Any] | None:
        """The scan alone of page `number` of a PDF, and its :class:`docbin.pdf.place.Place`; None where the page is drawn, or the file no PDF.

        Errors as for :meth:`page`.
        """
        read = getattr(self._reader, "decode_scan", None)
        label = self.label(number)
        if read is None:
            return None
        with decoding(label, self.kind):
            found = read(number, label)
        if found is None:
            return None
        decoded, place = found
        notes = tuple(self._notes + decoded.notes)
        return Page(decoded.pixels, dpi=decoded.dpi, source=self.name, number=number, count=self.count, notes=notes), place

    def document(self) -> DocumentRecord:
        """Metadata, outline and page labels of a PDF, and what a PDF written anew loses; an empty record for other kinds."""
        from docbin.files.document_record import DocumentRecord

        read = getattr(self._reader, "document", None)
        with decoding(self.name, self.kind):
            record: DocumentRecord = DocumentRecord() if read is None else read()
        return record

    def __iter__(self) -> Iterator[Page]:
        """Every page in turn. A damaged page ends the iteration with its error; call :meth:`page` to go on behind it."""
        return (self.page(number) for number in range(1, self.count + 1))

    def __len__(self) -> int:
        return self.count

    def close(self) -> None:
        """Close the file; pages already read stay good."""
        self._reader.close()
        self._stream.close()

    def __enter__(self) -> PageFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_pages(
    source: str | Path | RemotePath | bytes,
    *,
    dpi: float | None = None,
    max_megapixels: float = DEFAULT_MEGAPIXELS,
    name: str | None = None,
    size: int | None = None,
) -> PageFile:
    """Open a file of pages, or its content as bytes.

    Parameters
    ----------
    source : path or URL of a file (``s3://bucket/page.jpg``, with ``docbin[remote]``), or the content of one (stdin)
    dpi : resolution for rendering PDF pages (default: a scanned page's own, else 300); also the resolution of pages whose file names none.
        Pictures are never resampled.
    max_megapixels : pages with more pixels are refused before decoding
    name : how messages and `Page.source` call the file; default the path, or "-" for bytes
    size : bytes of the object that a URL names, where known: it saves a question to the store

    Returns
    -------
    PageFile, a context manager

    Raises
    ------
    FileAccessError
        Missing, a folder, a device, or forbidden; a store that denies access or keeps failing.
    InputError
        Empty, no kind of page file, damaged as a whole, encrypted.
    RefusedInput
        More than 65536 pages.
    UsageError
        `dpi` or `max_megapixels` out of range.
    """
    options = ReadOptions(dpi, max_megapixels)
    if isinstance(source, str) and is_url(source):
        source = place(source)
    if name is None:
        name = "-" if isinstance(source, bytes) else source.shown() if isinstance(source, RemotePath) else str(source)
    stream: BinaryIO
    if isinstance(source, RemotePath):
        from docbin.files.range_reader import open_object

        stream = open_object(source, size)
    else:
        stream = io.BytesIO(source) if isinstance(source, bytes) else _open(Path(source), name)
    return page_file(stream, name, options)


def page_file(stream: BinaryIO, name: str, options: ReadOptions) -> PageFile:
    """The pages in an open stream of bytes that can seek, which belongs to the PageFile from now on; errors of :func:`open_pages`."""
    try:
        try:
            head = stream.read(PDF_WINDOW)
            stream.seek(0)
        except OSError as error:
            raise access_error(error, name, "read") from error
        if not head:
            raise InputError(f"{name}: the file is empty (0 bytes); copy, scan or export it again")
        kind = sniff(head)
        if kind is None:
            raise InputError(f"{name}: not a picture or PDF but {describe(head)}; readable are {readable_kinds()}")
        return PageFile(stream, name, kind, options)
    except BaseException:
        stream.close()
        raise


def _open(path: Path, name: str) -> BinaryIO:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise FileAccessError(f"{name}: it is a folder; name the files in it, or give the folder to 'docbin binarize'")
        if stat.S_ISFIFO(mode):  # process substitution, <(command): can be read once only
            return io.BytesIO(path.read_bytes())
        if not stat.S_ISREG(mode):
            raise FileAccessError(f"{name}: it is a device or socket, not a file of pages; name a file")
        return path.open("rb")
    except OSError as error:
        raise access_error(error, name, "read") from error
    except ValueError as error:  # a NUL byte in the name
        raise FileAccessError(f"{name!r}: no file can have this name ({error}); check the name") from error


def read_pages(
    path: str | Path | RemotePath | bytes,
    *,
    dpi: float | None = None,
    max_megapixels: float = DEFAULT_MEGAPIXELS,
    pages: Collection[int] | PageRanges | None = None,
) -> Iterator[Page]:
    """Pages of a file, lazily, in the file's order or that of `pages`; parameters and errors of :func:`open_pages`.

    Parameters
    ----------
    pages : page numbers from 1, as a collection or from :func:`docbin.files.parse_page_ranges`; None for all. Each page comes once. A number beyond
        the end is a UsageError, raised before the first page is decoded.
    """
    with open_pages(path, dpi=dpi, max_megapixels=max_megapixels) as file:
        numbers: Sequence[int] = range(1, file.count + 1) if pages is None else chosen_pages(pages, file.count, file.name)
        for number in numbers:
            yield file.page(number)
