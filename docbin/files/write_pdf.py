"""PDF: one page a mask or picture, the G4 stream of our TIFF or our JPEG embedded unchanged by img2pdf, the page as large as the dpi says.

Pages wait as small files in a temporary folder. Every 64 of them become a part PDF, and the parts are joined in the end by pikepdf, which
img2pdf brings, and which copies streams from file to file; so memory does not grow with the number of pages. A page without resolution counts as
300 dpi. A page beyond 14400 pt (200 inches) gets a UserUnit, as the PDF specification asks. Title, outline and page labels of the document that the
pages come from are put in at the end (:mod:`docbin.files.document`). img2pdf's own engine is used: its pikepdf engine refuses
pages under 3 pt, which a strip of 12 pixels at 300 dpi is.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from docbin.files.document import DocumentRecord, apply
from docbin.files.limits import pillow_limit_lifted
from docbin.files.resolution import Dpi
from docbin.files.write_jpeg import jpeg
from docbin.files.write_tiff import TiffWriter
from docbin.page import Image, Mask

DEFAULT_DPI = 300.0
_PART = 64
_POINTS_PER_INCH = 72.0


class PdfWriter:
    """Writer of PDF; see :class:`docbin.files.output.FormatWriter`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._folder = Path(tempfile.mkdtemp(prefix="docbin-pdf-"))
        self._waiting: list[tuple[Path, Dpi, int]] = []
        self._parts: list[Path] = []
        self._record: tuple[DocumentRecord, tuple[int, ...]] | None = None

    def describe(self, record: DocumentRecord, pages: tuple[int, ...]) -> None:
        """Title, outline and labels to write in the end; see :meth:`docbin.files.output.PageWriter.describe`."""
        if record.metadata or record.outline or record.labels:
            self._record = record, pages

    def add(self, mask: Mask, dpi: Dpi | None) -> None:
        path = self._place("tif")
        with path.open("wb") as file:
            writer = TiffWriter(file)
            writer.add(mask, dpi)
            writer.finish()
        self._wait(path, dpi, mask.size)

    def _place(self, suffix: str) -> Path:
        return self._folder / f"{len(self._parts)}-{len(self._waiting)}.{suffix}"

    def _wait(self, path: Path, dpi: Dpi | None, pixels: int) -> None:
        self._waiting.append((path, dpi or (DEFAULT_DPI, DEFAULT_DPI), pixels))
        if len(self._waiting) == _PART:
            self._join_waiting()

    def add_grey(self, pixels: Image, dpi: Dpi | None) -> None:
        raise NotImplementedError("PDF pages are 1-bit")  # the table says so, PageWriter asks it first

    def add_picture(self, pixels: Image, dpi: Dpi | None) -> None:
        path = self._place("jpg")
        path.write_bytes(jpeg(pixels, dpi))
        self._wait(path, dpi, pixels.shape[0] * pixels.shape[1])

    def _join_waiting(self) -> None:
        import img2pdf

        resolutions = iter([dpi for _, dpi, _ in self._waiting])

        def layout(width: int, height: int, _: Any) -> tuple[float, float, float, float]:
            x, y = next(resolutions)
            size = width * _POINTS_PER_INCH / x, height * _POINTS_PER_INCH / y
            return *size, *size

        part = self._folder / f"part-{len(self._parts)}.pdf"
        files = [str(path) for path, _, _ in self._waiting]
        with part.open("wb") as file, pillow_limit_lifted(max(pixels for _, _, pixels in self._waiting)), _quiet():
            img2pdf.convert(*files, layout_fun=layout, outputstream=file, nodate=True, allow_oversized=True, engine=img2pdf.Engine.internal)
        for path, _, _ in self._waiting:
            path.unlink()
        self._waiting.clear()
        self._parts.append(part)

    def finish(self) -> None:
        if self._waiting:
            self._join_waiting()
        whole = self._parts[0] if len(self._parts) == 1 else self._join_parts()
        if self._record is not None:
            whole = self._described(whole, *self._record)
        with whole.open("rb") as file:
            shutil.copyfileobj(file, self._stream, 1 << 20)

    def _join_parts(self) -> Path:
        import pikepdf

        with contextlib.ExitStack() as stack:
            joined = stack.enter_context(pikepdf.new())
            for path in self._parts:
                part = stack.enter_context(pikepdf.open(path))
                joined.pages.extend(part.pages)
            whole = self._folder / "whole.pdf"
            joined.save(whole, compress_streams=False, deterministic_id=True)
        return whole

    def _described(self, whole: Path, record: DocumentRecord, pages: tuple[int, ...]) -> Path:
        import pikepdf

        described = self._folder / "described.pdf"
        with pikepdf.open(whole) as pdf:
            apply(pdf, record, pages)
            pdf.save(described, compress_streams=False, deterministic_id=True)
        return described

    def release(self) -> None:
        """Remove the temporary folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """img2pdf warns through logging about what we decide ourselves (small pages, missing resolution)."""
    logger = logging.getLogger("img2pdf")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
