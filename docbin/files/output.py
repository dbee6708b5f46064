"""Pages out: the table of formats, and the writers that everything else calls.

On disk ink is black, always: in a 1-bit page (0 in PNG, the black of CCITT, 1 in PBM) and in a probability map too. A map of ink probabilities p is
stored as grey ``255 * (1 - p)``, so that it looks like the page it came from, any OCR takes it as it is, and "grey at most 127" is exactly "p at
least 0.5". (The other choice, brightness = probability, would make the same folder hold black-on-white masks and white-on-black maps.)

A new format is one new file with a writer class and one row in `_FORMATS`.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from docbin.errors import UsageError
from docbin.files.access import access_error
from docbin.files.atomic import AtomicFile
from docbin.files.document_record import DocumentRecord
from docbin.files.resolution import Dpi, given

if TYPE_CHECKING:
    from docbin.page import FloatMap, Image, Mask


class FormatWriter(Protocol):
    """What a format's writer class offers; it is made with the binary stream it writes to, in order and without seeking, and with the compression
    where its row has several."""

    def add(self, mask: Mask, dpi: Dpi | None) -> None:
        """Append a page, bool (H, W), True = ink."""

    def add_grey(self, pixels: Image, dpi: Dpi | None) -> None:
        """Append a page of uint8 (H, W); only where the row says `grey`."""

    def add_picture(self, pixels: Image, dpi: Dpi | None) -> None:
        """Append a picture of uint8 (H, W) or (H, W, 3); only where the row says `colour`."""

    def finish(self) -> None:
        """Write what is still to come."""

    def release(self) -> None:
        """Drop temporary files; called once, whatever happened."""


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table.

    `suffixes` : lower case, the usual one first. `multipage` : many pages in a file. `keeps_dpi` : the resolution is written. `grey` : probability
    maps too. `writer` : "module:class". `colour` : pictures in grey and colour too. `ink` : 1-bit pages. `compressions` : of those, that a caller may
    choose from. `layers` : pages of ink over their paper (its writer has an ``add_layers``).
    """

    name: str
    suffixes: tuple[str, ...]
    summary: str
    multipage: bool
    keeps_dpi: bool
    grey: bool
    writer: str
    colour: bool = False
    ink: bool = True
    compressions: tuple[str, ...] = ()
    layers: bool = False


_FORMATS: Mapping[str, Format] = {
    row.name: row
    for row in (
        Format("png", (".png",), "1-bit PNG", False, True, True, "docbin.files.write_png:PngWriter", True),
        Format(
            "tiff", (".tif", ".tiff"), "CCITT G4 TIFF", True, True, True, "docbin.files.write_tiff:TiffWriter", True, compressions=("g4",)
        ),
        Format(
            "pdf",
            (".pdf",),
            "PDF with JBIG2 or CCITT G4 pages",
            True,
            True,
            False,
            "docbin.pdf.write_pdf:PdfWriter",
            True,
            compressions=("g4", "jbig2"),
            layers=True,
        ),
        Format("pbm", (".pbm",), "raw PBM (P4)", True, False, False, "docbin.files.write_pbm:PbmWriter"),
        Format("jpeg", (".jpg", ".jpeg"), "JPEG", False, True, False, "docbin.files.write_jpeg:JpegWriter", True, ink=False),
    )
}


def formats() -> Mapping[str, Format]:
    """The output formats by name."""
    return _FORMATS


def format_of(path: str | Path, format: str | None = None, table: Mapping[str, Format] | None = None) -> Format:
    """The format for an output file: `format` where given, else by suffix; of those in `table`, None for those of pages.

    Raises
    ------
    UsageError
        Unknown format, a suffix that belongs to none, or a suffix and a format that contradict each other.
    """
    table = _FORMATS if table is None else table
    suffix = Path(path).suffix.lower()
    by_suffix = next((row for row in table.values() if suffix in row.suffixes), None)
    known = ", ".join(f"{row.name} ({' '.join(row.suffixes)})" for row in table.values())
    if format is None:
        if by_suffix is None:
            raise UsageError(f"{path}: the suffix {suffix!r} belongs to no output format; name one of {known}")
        return by_suffix
    if format not in table:
        raise UsageError(f"format {format!r} does not exist; choose one of {known}")
    if by_suffix is not None and by_suffix.name != format:
        raise UsageError(f"{path}: the suffix says {by_suffix.name}, the format {format}; make them agree")
    return table[format]


def check_compression(format: Format, compression: str | None) -> None:
    """UsageError where a format does not have this compression; None is what it usually takes."""
    if compression is not None and compression not in format.compressions:
        able = [row.name for row in _FORMATS.values() if compression in row.compressions]
        choice = f"{' or '.join(able)} does; name another format, or leave the compression out" if able else "leave it out"
        raise UsageError(f"compression {compression!r}: {format.name} does not have it; {choice}")


class PageWriter:
    """Pages into one file, or into a binary stream such as ``sys.stdout.buffer``; a context manager.

    >>> with PageWriter("out.tif") as writer:                       # doctest: +SKIP
    ...     for page in docbin.read_pages("scan.pdf"):
    ...         writer.add(docbin.binarize(page.pixels), page.dpi)

    Nothing stands under the final name unless the block ends well. Memory holds one page: the others are on the disk already (a stream that is not
    a file gets its pages as they come).

    Parameters
    ----------
    path : file to write, or an open binary stream
    format : a name from :func:`formats`; None takes it from the suffix (a stream needs it)
    overwrite : False makes an existing file an error, also one that appears while pages are written
    compression : of 1-bit pages, both without loss: "g4" (TIFF, PDF) or "jbig2" (PDF); None: the format's own, in a PDF the smaller of the two

    Raises
    ------
    UsageError
        Unknown format, or a compression that it does not have; a second page for a format of one page; no page at all.
    FileAccessError
        The target cannot be written, or the disk is full.
    """

    def __init__(
        self, path: str | Path | BinaryIO, format: str | None = None, *, overwrite: bool = True, compression: str | None = None
    ) -> None:
        self._file: AtomicFile | None = None
        if isinstance(path, str | Path):
            self.name = str(path)
            self.format = format_of(path, format)
            check_compression(self.format, compression)
            self._file = AtomicFile(path, overwrite=overwrite)
            self._stream: BinaryIO = self._file.stream
        else:
            self.name = str(getattr(path, "name", "the output stream"))
            if format is None:
                raise UsageError(f"{self.name}: a stream needs a format; choose one of {', '.join(_FORMATS)}")
            self.format = format_of("", format)
            check_compression(self.format, compression)
            self._stream = path
        self.count = 0
        self._open = True
        module, writer = self.format.writer.split(":")
        try:
            make = getattr(importlib.import_module(module), writer)
            chosen = len(self.format.compressions) > 1
            self._writer: FormatWriter = make(self._stream, compression) if chosen else make(self._stream)
        except BaseException as error:
            if self._file is not None:
                self._file.discard()
            if isinstance(error, OSError):
                raise access_error(error, self.name, "write") from error
            raise

    def add(self, mask: Mask, dpi: float | Dpi | None = None) -> None:
        """Append an ink mask, bool (H, W), True = ink; `dpi` a number or a pair (horizontal, vertical)."""
        from docbin.page import check_mask

        check_mask(mask)
        if not self.format.ink:
            able = ", ".join(row.name for row in _FORMATS.values() if row.ink)
            raise UsageError(f"{self.name}: {self.format.name} holds no 1-bit pages, it would smear them; write them as {able}")
        resolution = self._next(dpi)
        self._guarded(lambda: self._writer.add(mask, resolution))

    def add_probability(self, map: FloatMap, dpi: float | Dpi | None = None) -> None:
        """Append a probability map, float (H, W) in 0..1, as 8-bit grey with ink dark (see the module docstring)."""
        if not self.format.grey:
            able = ", ".join(row.name for row in _FORMATS.values() if row.grey)
            raise UsageError(f"{self.name}: {self.format.name} holds 1-bit pages only; write probability maps as {able}")
        grey = probability_grey(map)
        resolution = self._next(dpi)
        self._guarded(lambda: self._writer.add_grey(grey, resolution))

    def add_picture(self, pixels: Image, dpi: float | Dpi | None = None) -> None:
        """Append a page as it is, uint8 grey (H, W) or RGB (H, W, 3)."""
        from docbin.page import check_image

        check_image(pixels)
        if not self.format.colour:
            able = ", ".join(row.name for row in _FORMATS.values() if row.colour)
            raise UsageError(f"{self.name}: {self.format.name} holds 1-bit pages only; write pictures as {able}")
        resolution = self._next(dpi)
        self._guarded(lambda: self._writer.add_picture(pixels, resolution))

    def add_layers(self, layers: Any, dpi: float | Dpi | None = None) -> None:
        """Append a page in layers, a :class:`docbin.pdf.page_layers.PageLayers` as :func:`docbin.pdf.layering.layered` makes it.

        `dpi` is that of its ink.
        """
        if not self.format.layers:
            able = ", ".join(row.name for row in _FORMATS.values() if row.layers)
            raise UsageError(f"{self.name}: {self.format.name} holds no ink over its paper; write layers as {able}")
        add: Callable[[Any, Dpi | None], None] = self._writer.add_layers  # type: ignore[attr-defined]
        resolution = self._next(dpi)
        self._guarded(lambda: add(layers, resolution))

    def describe(self, record: DocumentRecord, pages: Sequence[int]) -> None:
        """Give the file the title, outline and page labels of the document its pages come from, where the format holds them (PDF).

        ``pages[n]`` is the number, from 1, that the n-th page of this file had there. Call it before the file is closed.
        """
        take = getattr(self._writer, "describe", None)
        if take is not None:
            take(record, tuple(pages))

    def _next(self, dpi: float | Dpi | None) -> Dpi | None:
        if not self._open:
            raise UsageError(f"{self.name}: the file is closed; no page can be added")
        if self.count and not self.format.multipage:
            many = ", ".join(row.name for row in _FORMATS.values() if row.multipage)
            raise UsageError(f"{self.name}: {self.format.name} holds one page; write many pages as {many}, or a file a page into a folder")
        self.count += 1
        return given(dpi)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            raise access_error(error, self.name, "write") from error

    def close(self) -> None:
        """Finish the file and put it under its name."""
        if not self._open:
            return
        try:
            if not self.count:
                raise UsageError(f"{self.name}: no page was given, so no file is written")
            self._guarded(self._writer.finish)
            if self._file is None:
                self._guarded(self._stream.flush)
            else:
                self._file.commit()
        except BaseException:
            self.abandon()
            raise
        self._open = False
        self._writer.release()

    def abandon(self) -> None:
        """Forget the pages; what stood under the name before stays."""
        if self._open:
            self._open = False
            self._writer.release()
            if self._file is not None:
                self._file.discard()

    def __enter__(self) -> PageWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def write_page(
    mask: Mask,
    path: str | Path | BinaryIO,
    dpi: float | Dpi | None = None,
    format: str | None = None,
    overwrite: bool = True,
    compression: str | None = None,
) -> None:
    """Write one ink mask, bool (H, W), True = ink, as a 1-bit file, atomically; parameters and errors of :class:`PageWriter`."""
    with PageWriter(path, format, overwrite=overwrite, compression=compression) as writer:
        writer.add(mask, dpi)


def write_pages(
    pages: Iterable[tuple[Mask, float | Dpi | None]], path: str | Path | BinaryIO, format: str | None = None, overwrite: bool = True
) -> int:
    """Write (mask, dpi) pairs into one file as they come, atomically; returns their number. Parameters and errors of :class:`PageWriter`."""
    with PageWriter(path, format, overwrite=overwrite) as writer:
        for mask, dpi in pages:
            writer.add(mask, dpi)
    return writer.count


def write_probability(
    map: FloatMap, path: str | Path | BinaryIO, dpi: float | Dpi | None = None, format: str | None = None, overwrite: bool = True
) -> None:
    """Write a probability-of-ink map, float (H, W) in 0..1, as 8-bit grey PNG or TIFF with ink dark: ``255 * (1 - p)``; atomically."""
    with PageWriter(path, format, overwrite=overwrite) as writer:
        writer.add_probability(map, dpi)


def write_picture(
    pixels: Image, path: str | Path | BinaryIO, dpi: float | Dpi | None = None, format: str | None = None, overwrite: bool = True
) -> None:
    """Write a page as it is, uint8 grey (H, W) or RGB (H, W, 3), as PNG, TIFF, JPEG or PDF, atomically; parameters and errors of
    :class:`PageWriter`."""
    with PageWriter(path, format, overwrite=overwrite) as writer:
        writer.add_picture(pixels, dpi)


def probability_grey(map: FloatMap) -> Image:
    """Grey uint8 (H, W) of a probability map: ``255 * (1 - p)``, rounded so that grey <= 127 exactly where p >= 0.5.

    Raises
    ------
    TypeError
        Not a float array.
    ValueError
        Not (H, W), or values outside 0..1, or not finite.
    """
    import numpy as np

    if not isinstance(map, np.ndarray) or map.dtype.kind != "f":
        raise TypeError(f"probability map: a float array is wanted, got {getattr(map, 'dtype', type(map).__name__)}")
    if map.ndim != 2 or 0 in map.shape:
        raise ValueError(f"probability map: shape (H, W) with at least one pixel is wanted, got {map.shape}")
    low, high = float(map.min()), float(map.max())
    if not (math.isfinite(low) and math.isfinite(high) and low >= 0 and high <= 1):
        raise ValueError(f"probability map: finite values in 0..1 are wanted, got {low:g} to {high:g}")
    exact = map if map.dtype == np.float64 else map.astype(np.float32)
    grey: Image = np.ceil(254.5 - exact * exact.dtype.type(255)).clip(0, 255).astype(np.uint8)
    return grey
