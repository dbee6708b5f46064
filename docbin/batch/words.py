"""The purpose of ``docbin detect``: words in pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from docbin.batch.purpose import Purpose, Result

if TYPE_CHECKING:
    from docbin.batch.settings import Settings
    from docbin.detection.table import DetectorRow
    from docbin.files.output import Format
    from docbin.page import Page


class Words(Purpose):
    """See :class:`docbin.batch.purpose.Purpose`. Every picture's words are a file of their own."""

    @property
    def default(self) -> str:
        from docbin.detection.table import DEFAULT

        return DEFAULT

    def row(self, settings: Settings) -> DetectorRow:
        from docbin.detection import table

        return table.get(settings.method)

    def check(self, settings: Settings) -> None:
        pass

    def formats(self) -> Mapping[str, Format]:
        from docbin.detection.output import FORMATS

        return FORMATS

    def usual(self, settings: Settings, kind: str, count: int) -> str:
        return "json"

    def documents(self, settings: Settings) -> tuple[str, ...]:
        return ()

    def holds(self, settings: Settings, format: str) -> str:
        return f"a file of words ({format})"

    def work(self, settings: Settings, page: Page, name: str, staged: Path | None, format: str) -> Result:
        from docbin.detection.output import write

        assert staged is not None
        words = self.row(settings).words(page.pixels, **settings.params)
        write(staged, format, page.pixels, words, name)
        return Result(words=len(words))
