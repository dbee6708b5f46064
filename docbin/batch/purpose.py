"""What a batch is for: the one place where turning pages to ink and finding words in pictures differ.

Which files, which names, who does the work, what is told and what is kept after a kill are the same for both. A purpose says what is done to a page,
what the results are called and in which formats they are stored.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docbin.errors import UsageError

if TYPE_CHECKING:
    from docbin.batch.settings import Settings
    from docbin.catalogue import Row
    from docbin.files.output import Format
    from docbin.page import Page

MARKS: Mapping[str, str] = {"binarize": ".ink", "detect": ".words"}
"""Purpose -> what stands between stem and suffix of an output that is written beside its input: ``page.jpg`` -> ``page.ink.png``."""

_PURPOSES: Mapping[str, str] = {"binarize": "docbin.batch.ink:Ink", "detect": "docbin.batch.words:Words"}


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a page.

    Attributes
    ----------
    ink : share of ink, 0..1; None where ink was not asked for
    words : how many were found; None where words were not asked for
    reasons : why the result is suspect
    bits : rows of the mask packed eight pixels a byte, where the page was not written
    """

    ink: float | None = None
    words: int | None = None
    reasons: tuple[str, ...] = ()
    bits: bytes | None = None


class Purpose(ABC):
    """See the module's docstring."""

    @property
    @abstractmethod
    def default(self) -> str:
        """The method where none is named."""

    @abstractmethod
    def row(self, settings: Settings) -> Row:
        """The row of the method; UsageError where there is none."""

    @abstractmethod
    def check(self, settings: Settings) -> None:
        """Refuse settings that cannot be met, before a page is seen."""

    @abstractmethod
    def formats(self) -> Mapping[str, Format]:
        """What results can be written as."""

    @abstractmethod
    def usual(self, settings: Settings, kind: str, count: int) -> str:
        """The format where none is named, for a file of this kind and so many pages."""

    @abstractmethod
    def documents(self, settings: Settings) -> tuple[str, ...]:
        """Formats in which a document of several pages stays one file."""

    @abstractmethod
    def holds(self, settings: Settings, format: str) -> str:
        """What a file of one page is called in a message."""

    @abstractmethod
    def work(self, settings: Settings, page: Page, name: str, staged: Path | None, format: str) -> Result:
        """Do a page of the file that the user calls `name`; write the result to `staged`, or bring it back where that is None."""


def get(name: str) -> Purpose:
    """The purpose of that name."""
    if name not in _PURPOSES:
        raise UsageError(f"a batch is for {' or '.join(_PURPOSES)}, not for {name!r}")
    module, kind = _PURPOSES[name].split(":")
    purpose: Purpose = getattr(importlib.import_module(module), kind)()
    return purpose
