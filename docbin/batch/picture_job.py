"""What jobs have in common whose results are pictures, in grey or colour, and not ink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docbin.batch.job import Job, check_pdf_way

if TYPE_CHECKING:
    from docbin.files.output import Format
    from docbin.page import Image
    from docbin.pdf.page_layers import PageLayers


@dataclass(frozen=True, slots=True)
class PictureJob(Job):
    """See :class:`docbin.batch.job.Job`. `pdf`: how a PDF becomes a PDF (:data:`docbin.batch.job.PDF_WAYS`). `break_signatures`: a signed PDF may
    be changed."""

    pdf: str = "replace"
    break_signatures: bool = False

    def check(self) -> None:
        """As :meth:`docbin.batch.job.Job.check`."""
        Job.check(self)
        check_pdf_way(self.pdf)

    def settings(self) -> dict[str, Any]:
        """As :meth:`docbin.batch.job.Job.settings`."""
        return Job.settings(self) | ({"pdf": self.pdf} if self.pdf != "replace" else {})

    def formats(self) -> Mapping[str, Format]:
        from docbin.files import formats

        return {name: format for name, format in formats().items() if format.colour}

    def usual_format(self, kind: str, count: int) -> str:
        return "pdf" if kind == "pdf" else "tiff" if count > 1 else "png"

    def document_formats(self) -> tuple[str, ...]:
        return ("tiff", "pdf")

    def replaces(self, kind: str, format: str) -> bool:
        return kind == format == "pdf" and self.pdf == "replace"

    def picture(self, made: Any, pixels: Image, dpi: tuple[float, float] | None) -> PageLayers:
        from docbin.files.write_jpeg import jpeg
        from docbin.pdf.page_layers import one_picture

        return one_picture(jpeg(made, dpi), made.shape)
