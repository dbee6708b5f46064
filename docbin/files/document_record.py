"""What a document says beyond its pages, as plain data that may travel between processes; :mod:`docbin.pdf.document` reads and writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bookmark:
    """One line of the outline: its title, the page it leads to (from 1), its level (0 is the top)."""

    title: str
    page: int
    level: int


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """Metadata by name without the slash ("Title"), bookmarks in order, page labels a page (empty where there are none), and what is lost
    when it is rebuilt."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    outline: tuple[Bookmark, ...] = ()
    labels: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    structured: bool = False
    """Its structure could be read, so that its pictures can be replaced in place."""
    signed: bool = False
    locked: bool = False
    """It is encrypted, and its owner forbids changes."""

    @property
    def warning(self) -> str | None:
        """One sentence on what a rebuilt PDF lacks, None where nothing is lost."""
        return f"not carried into the new PDF: {', '.join(self.lost)}" if self.lost else None
