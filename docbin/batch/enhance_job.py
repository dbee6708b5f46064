"""The job of ``docbin enhance``: pages repaired, in grey or colour, without deciding what is ink."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docbin.batch.job import Result
from docbin.batch.picture_job import PictureJob

if TYPE_CHECKING:
    from docbin.enhancing import Repair
    from docbin.page import Page


@dataclass(frozen=True, slots=True)
class Enhance(PictureJob):
    """See :class:`docbin.batch.picture_job.PictureJob`."""

    row: Repair
    task: ClassVar[str] = "enhance"

    @classmethod
    def create(
        cls, repair: str | None = None, model: str | None = None, params: Mapping[str, Any] | None = None, **options: Any
    ) -> Enhance:
        """A checked job by a repair's name (None: the default), its model (None: its own), and the attributes of :class:`docbin.batch.job.Job`.

        Raises
        ------
        UsageError
            Unknown repair, model, parameter or format; a value out of range; pages that cannot be read.
        MissingExtra
            The repair's model is not in this install, or needs something that is not.
        """
        from docbin import enhancing

        row = enhancing.get(repair or enhancing.DEFAULT, model)
        job = cls(row, row.parse(params or {}), **options)
        job.check()
        return job

    def one_page_is(self, format: str) -> str:
        return f"a repaired page ({format})"

    def prepare(self) -> None:
        self.row.prepare()

    def work(self, page: Page, name: str, staged: Path | None, format: str) -> Result:
        from docbin.files import write_picture

        pixels = self.row.enhance(page.pixels, **self.params)
        channels = 1 if pixels.ndim == 2 else 3
        if staged is None:
            return Result(data=zlib.compress(pixels.tobytes(), 1), channels=channels)
        write_picture(pixels, staged, dpi=page.dpi, format=format)
        return Result(channels=channels)
