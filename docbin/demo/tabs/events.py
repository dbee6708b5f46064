"""What all tabs of the demo share: the tasks they call, the chosen page, and the lines that their events wait in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from docbin.demo import documents
from docbin.errors import UsageError

QUICK, SLOW, DOCUMENTS = "quick", "slow", "documents"
"""The lines: ink of a page, which must not wait behind a network; whole documents; the rest."""
NO_PAGE = "Choose a page first: drop a file, or take one of docbin's own pages."
FORMAT_NAMES = {"png": "1-bit PNG", "tiff": "G4 TIFF", "pdf": "PDF"}

ChosenPage = dict[str, Any]
"""The page in front of the visitor: path, name, and the path of its truth where it has one."""


class Work(Protocol):
    """Does a task in a child process of its line; see :mod:`docbin.demo.work`."""

    megapixels: float
    """Largest page."""

    def __call__(self, line: str, task: str, **arguments: Any) -> dict[str, Any]: ...

    def document(self, files: Mapping[str, str], **arguments: Any) -> Iterator[tuple[documents.Progress, Path | None]]:
        """Turn whole files, name -> path, to ink; see :mod:`docbin.demo.documents`."""

    def first(self, sample: Sample) -> dict[str, Any] | None:
        """The answer of "binarize" for a shipped page and the default method."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A page that came with docbin."""

    name: str
    title: str
    path: str
    truth: str | None
    picture: str


@dataclass(frozen=True, slots=True)
class PageInputs:
    """The components that every tab reads."""

    page: Any
    number: Any


def file_name(path: str) -> str:
    """The last part of a path of any system."""
    return str(path).replace("\\", "/").rpartition("/")[2]


def result_class(group: str) -> list[str]:
    """The classes of an element whose content is greyed when a setting of its group changes; see ``page.js``."""
    return [f"docbin-result-{group}"]


def heavy(line: str, view: Any) -> dict[str, Any]:
    """Options of an event that works in a child process: it waits in its line, of which one job runs at a time, and `view` alone shows that."""
    return {"concurrency_id": line, "concurrency_limit": 1, "api_visibility": "private", "show_progress_on": view}


def light() -> dict[str, Any]:
    """Options of an event that is done at once."""
    return {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}


def page_arguments(page: ChosenPage, number: float) -> dict[str, Any]:
    """What a task is told of the chosen page; UsageError for a number that is none."""
    try:
        return {"path": page["path"], "name": page["name"], "page": int(number)}
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"page {str(number)[:20]!r}: the whole number of a page is wanted") from None


def choice(value: Any) -> tuple[str, dict[str, Any]]:
    """The chooser's value, which comes from the browser: a name and settings, to be checked by what uses them."""
    if not isinstance(value, dict):
        return "", {}
    params = value.get("params")
    return str(value.get("method", "")), dict(params) if isinstance(params, dict) else {}
