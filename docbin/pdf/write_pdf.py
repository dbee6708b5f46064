"""PDF: one page a mask or picture, its JBIG2, G4 or JPEG code a picture over the whole page, the page as large as the dpi says.

The codes wait in a temporary folder until the end (:mod:`docbin.pdf.deferred_streams`), so memory does not grow with them. A page without resolution
counts as 300 dpi. A page beyond 14400 pt (200 inches) gets a UserUnit, as the PDF specification asks. Title, outline and page labels of the document
that the pages come from are put in at the end (:mod:`docbin.pdf.document`).
"""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from docbin.files.document_record import DocumentRecord
from docbin.files.resolution import Dpi
from docbin.files.write_jpeg import jpeg
from docbin.page import Image, Mask
from docbin.pdf.deferred_streams import DeferredStreams
from docbin.pdf.document import apply
from docbin.pdf.ink_picture import InkPicture, encoded
from docbin.pdf.page_layers import PageLayers, coded_streams, codes, page_object, without_codes

DEFAULT_DPI = 300.0
_POINTS_PER_INCH = 72.0
_LONGEST_SIDE = 14400.0
_VERSION = "1.4"
"""The first with JBIG2."""


class PdfWriter:
    """Writer of PDF; see :class:`docbin.files.output.FormatWriter`. `compression`: "g4", "jbig2", None: the smaller, page by page."""

    def __init__(self, stream: BinaryIO, compression: str | None = None) -> None:
        self._stream = stream
        self._compression = compression
        self._folder = Path(tempfile.mkdtemp(prefix="docbin-pdf-"))
        self._pdf: Any = None
        self._streams = DeferredStreams(self._folder)
        self._record: tuple[DocumentRecord, tuple[int, ...]] | None = None

    def describe(self, record: DocumentRecord, pages: tuple[int, ...]) -> None:
        """Title, outline and labels to write in the end; see :meth:`docbin.files.output.PageWriter.describe`."""
        if record.metadata or record.outline or record.labels:
            self._record = record, pages

    def add(self, mask: Mask, dpi: Dpi | None) -> None:
        self._add(encoded(mask, self._compression), mask.shape, dpi)

    def add_layers(self, layers: PageLayers, dpi: Dpi | None) -> None:
        """Append a page in layers, as large as its ink's pixels say."""
        self._add(layers, layers.size[::-1], dpi)

    def add_grey(self, pixels: Image, dpi: Dpi | None) -> None:
        raise NotImplementedError("PDF pages hold no probability maps")  # the table says so, PageWriter asks it first

    def add_picture(self, pixels: Image, dpi: Dpi | None) -> None:
        import pikepdf

        height, width = pixels.shape[:2]
        entries = pikepdf.Dictionary(
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=width,
            Height=height,
            BitsPerComponent=8,
            ColorSpace=pikepdf.Name.DeviceGray if pixels.ndim == 2 else pikepdf.Name.DeviceRGB,
            Filter=pikepdf.Name.DCTDecode,
        )
        picture = pikepdf.Stream(self._document(), b"", entries)
        self._streams.defer(picture, self._streams.keep(jpeg(pixels, dpi)))
        _add_page(self._pdf, picture, (height, width), dpi)

    def _document(self) -> Any:
        import pikepdf

        if self._pdf is None:
            self._pdf = pikepdf.new()
        return self._pdf

    def _add(self, picture: InkPicture | PageLayers, shape: tuple[int, ...], dpi: Dpi | None) -> None:
        shown = self._document().make_indirect(page_object(self._pdf, without_codes(picture)))
        for stream, code in zip(coded_streams(shown), codes(picture), strict=True):
            self._streams.defer(stream, self._streams.keep(code))
        _add_page(self._pdf, shown, shape, dpi)

    def finish(self) -> None:
        if self._record is not None:
            apply(self._document(), *self._record)
        self._streams.save(self._document(), self._folder / "whole.pdf", deterministic_id=True, min_version=_VERSION)
        with (self._folder / "whole.pdf").open("rb") as file:
            shutil.copyfileobj(file, self._stream, 1 << 20)

    def release(self) -> None:
        """Remove the temporary folder."""
        self._streams.close()
        if self._pdf is not None:
            self._pdf.close()
            self._pdf = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _add_page(pdf: Any, picture: Any, shape: tuple[int, ...], dpi: Dpi | None) -> None:
    """Append a page that shows a picture of (height, width) pixels at a resolution."""
    import pikepdf

    dpi = dpi or (DEFAULT_DPI, DEFAULT_DPI)
    size = [pixels * _POINTS_PER_INCH / per_inch for pixels, per_inch in zip(shape[::-1], dpi, strict=True)]
    unit = math.ceil(max(size) / _LONGEST_SIDE)
    width, height = (round(side / unit, 6) for side in size)
    content = f"q {width:.10g} 0 0 {height:.10g} 0 0 cm /Page Do Q".encode()
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page,
        MediaBox=[0, 0, width, height],
        Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Page=pdf.make_indirect(picture))),
        Contents=pdf.make_indirect(pikepdf.Stream(pdf, content)),
    )
    if unit > 1:
        page.UserUnit = unit
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
