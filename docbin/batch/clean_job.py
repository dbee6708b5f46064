"""The job of ``docbin clean``: pages in grey or colour on white paper."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docbin.batch.job import Result, check_page_choices, enlarged_dpi
from docbin.batch.picture_job import PictureJob
from docbin.errors import UsageError

if TYPE_CHECKING:
    from docbin.catalogue import Method
    from docbin.page import Page

STRAIGHTEN = ("auto", "off")
"""Curved lines: straighten them where there are such, or leave every pixel where it is (:data:`docbin.straightening.CHOICES`)."""


@dataclass(frozen=True, slots=True)
class Clean(PictureJob):
    """See :class:`docbin.batch.picture_job.PictureJob`. `colour`: the ink keeps its colours. `enlarge`: "1", "2" or "auto" (:mod:`docbin.enlarging`).
    `straighten`: "auto" or "off" (:mod:`docbin.straightening`). `second_look`: see :data:`docbin.batch.job.SECOND_LOOK`. `polarity`: of the
    writing, "dark", "light", or "auto" (:mod:`docbin.polarity`); the clean page is dark on white whichever it was."""

    row: Method
    colour: bool = False
    enlarge: str = "1"
    straighten: str = "auto"
    polarity: str = "auto"
    second_look: str = "auto"
    task: ClassVar[str] = "clean"

    @classmethod
    def create(cls, method: str | Method | None = None, params: Mapping[str, Any] | None = None, **options: Any) -> Clean:
        """A checked job by a method's name (None: the default) or row, its parameters, and the attributes of :class:`docbin.batch.job.Job`.

        Raises
        ------
        UsageError
            Unknown method, parameter or format, a value out of range, pages that cannot be read.
        MissingExtra
            The method needs something that is not installed.
        """
        from docbin import catalogue

        row = method if isinstance(method, catalogue.Method) else catalogue.get(method)
        job = cls(row, row.parse(params or {}), **options)
        job.check()
        return job

    def check(self) -> None:
        """As :meth:`docbin.batch.job.Job.check`."""
        PictureJob.check(self)
        check_page_choices(self.polarity, self.enlarge, self.second_look)
        if self.straighten not in STRAIGHTEN:
            raise UsageError(f"--straighten {self.straighten}: choose one of {', '.join(STRAIGHTEN)}")

    def settings(self) -> dict[str, Any]:
        """As :meth:`docbin.batch.job.Job.settings`."""
        own = {"colour": self.colour, "enlarge": self.enlarge, "straighten": self.straighten, "polarity": self.polarity}
        own |= {"second_look": self.second_look} if self.second_look != "auto" else {}
        return PictureJob.settings(self) | own

    def in_place(self) -> Clean:
        return replace(self, straighten="off")

    def one_page_is(self, format: str) -> str:
        return f"a clean page ({format})"

    def prepare(self) -> None:
        self.row.prepare()

    def work(self, page: Page, name: str, staged: Path | None, format: str) -> Result:
        import numpy as np

        from docbin import catalogue
        from docbin.cleaning import clean_by
        from docbin.files import write_picture
        from docbin.polarity import upright

        upper, polarity = upright(page.pixels, self.polarity)
        row = self.row
        if row.name == catalogue.AUTO and self.second_look == "off":
            row = replace(row, ink="docbin.automatic:ink_once")
        made = clean_by(
            row,
            upper,
            colour=self.colour,
            enlarge=self.enlarge,
            straighten=self.straighten,
            polarity=polarity,
            judge=True,
            second_look=self.second_look == "auto",
            **self.params,
        )
        result = Result(
            ink=float(np.count_nonzero(made.ink) / made.ink.size),
            polarity=polarity,
            channels=1 if made.page.ndim == 2 else 3,
            scale=made.scale,
            size=(made.page.shape[1], made.page.shape[0]),
        ).judged(made.verdict, made.ink, self.enlarge)
        if staged is None:
            return replace(result, data=zlib.compress(made.page.tobytes(), 1))
        write_picture(made.page, staged, dpi=enlarged_dpi(page.dpi, made.scale), format=format)
        return result
