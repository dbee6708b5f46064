"""PDF: one page a mask or picture, its JBIG2, G4 or JPEG code a picture over the whole page, the page as large as the dpi says.

Every 64 pages become a part PDF in a temporary folder, and the parts are joined in the end; pikepdf copies streams from file to file, so memory does
not grow with the number of pages. A page without resolution counts as 300 dpi. A page beyond 14400 pt (200 inches) gets a UserUnit, as the PDF
specification asks. Title, outline and page labels of the document that the pages come from are put in at the end (:mod:`docbin.pdf.document`).
"""

from __future__ import annotations

import contextlib
import math
import shutil
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from docbin.files.document_record import DocumentRecord
from docbin.files.resolution import Dpi
from docbin.files.write_jpeg import jpeg
from docbin.page import Image, Mask
from docbin.pdf.document import apply
from docbin.pdf.ink_picture import encoded, picture_stream
from docbin.pdf.saving import save

DEFAULT_DPI = 300.0
_PART = 64
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
        self._part: Any = None
        self._parts: list[Path] = []
        self._record: tuple[DocumentRecord, tuple[int, ...]] | None = None

    def describe(self, record: DocumentRecord, pages: tuple[int, ...]) -> None:
        """Title, outline and labels to write in the end; see :meth:`docbin.files.output.PageWriter.describe`."""
        if record.metadata or record.outline or record.labels:
            self._record = record, pages

    def add(self, mask: Mask, dpi: Dpi | None) -> None:
        part = self._open_part()
        self._add_page(picture_stream(part, encoded(mask, self._compression)), mask.shape, dpi)

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
        self._add_page(pikepdf.Stream(self._open_part(), jpeg(pixels, dpi), entries), (height, width), dpi)

    def _open_part(self) -> Any:
        import pikepdf

        if self._part is None:
            self._part = pikepdf.new()
        return self._part

    def _add_page(self, picture: Any, shape: tuple[int, ...], dpi: Dpi | None) -> None:
        _add_page(self._part, picture, shape, dpi or (DEFAULT_DPI, DEFAULT_DPI))
        if len(self._part.pages) == _PART:
            self._store_part()

    def _store_part(self) -> None:
        path = self._folder / f"part-{len(self._parts)}.pdf"
        save(self._part, path)
        self._part.close()
        self._part = None
        self._parts.append(path)

    def finish(self) -> None:
        import pikepdf

        if self._part is not None and self._parts:
            self._store_part()
        with contextlib.ExitStack() as stack:
            whole = self._part
            if whole is None:
                whole = stack.enter_context(pikepdf.new())
                for path in self._parts:
                    whole.pages.extend(stack.enter_context(pikepdf.open(path)).pages)
            if self._record is not None:
                apply(whole, *self._record)
            save(whole, self._folder / "whole.pdf", deterministic_id=True, min_version=_VERSION)
        with (self._folder / "whole.pdf").open("rb") as file:
            shutil.copyfileobj(file, self._stream, 1 << 20)

    def release(self) -> None:
        """Remove the temporary folder."""
        if self._part is not None:
            self._part.close()
            self._part = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _add_page(pdf: Any, picture: Any, shape: tuple[int, ...], dpi: Dpi) -> None:
    """Append a page that shows a picture of (height, width) pixels at a resolution."""
    import pikepdf

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
