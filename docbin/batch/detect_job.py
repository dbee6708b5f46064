"""The job of ``docbin detect``: words in pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docbin.batch.job import Job, Result

if TYPE_CHECKING:
    from docbin.detection.table import DetectorRow
    from docbin.files.output import Format
    from docbin.page import Page


@dataclass(frozen=True, slots=True)
class Detect(Job):
    """See :class:`docbin.batch.job.Job`. Every picture's words are a file of their own."""

    row: DetectorRow
    task: ClassVar[str] = "detect"

    @classmethod
    def create(cls, model: str | DetectorRow | None = None, params: Mapping[str, Any] | None = None, **options: Any) -> Detect:
        """A checked job by a detector's name, folder (None: the default) or row, its parameters, and what :class:`docbin.batch.job.Job` has.

        Raises
        ------
        UsageError
            Unknown model, parameter or format, a value out of range, pages that cannot be read.
        MissingExtra
            The model needs something that is not installed, or this install brings no detector.
        """
        from docbin.detection import table

        row = model if isinstance(model, table.DetectorRow) else table.get(model or table.DEFAULT)
        job = cls(row, row.parse(params or {}), **options)
        job.check()
        return job

    def formats(self) -> Mapping[str, Format]:
        from docbin.detection.output import FORMATS

        return FORMATS

    def usual_format(self, kind: str, count: int) -> str:
        return "json"

    def document_formats(self) -> tuple[str, ...]:
        return ()

    def one_page_is(self, format: str) -> str:
        return f"a file of words ({format})"

    def prepare(self) -> None:
        self.row.prepare()

    def work(self, page: Page, name: str, staged: Path | None, format: str) -> Result:
        from docbin.detection.output import write

        assert staged is not None
        words = self.row.words(page.pixels, **self.params)
        write(staged, format, page.pixels, words, name)
        return Result(words=len(words))
