"""What a batch does to every page, checked once before the first page is opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import docbin
from docbin.batch import purpose
from docbin.batch.ink import CATALOGUE
from docbin.batch.purpose import Purpose
from docbin.catalogue import Row
from docbin.errors import UsageError

PAGE_SECONDS = 1800.0
"""A worker that needs longer for one page is taken for hung. Half an hour is far above the slowest method on the largest page that is read."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Method, parameters, what is read and what is written. Small and picklable: a worker process gets a copy.

    Make it with :func:`settings`, which checks; `params` then holds every parameter of the method, defaults included.
    """

    method: str
    params: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    format: str | None = None
    """A name from the purpose's formats; None: the usual one (ink: PDF for PDF, TIFF for a picture of several pages, else PNG; words: JSON)."""
    pages: str | None = None
    """Page choice such as ``1-3,7``; None: all."""
    dpi: float | None = None
    max_megapixels: float | None = None
    """None: the limit of :mod:`docbin.files`."""
    probability: bool = False
    """Write the probability map instead of the ink."""
    catalogue: str = CATALOGUE
    task: str = "binarize"
    """What the batch is for; see :mod:`docbin.batch.purpose`."""

    @property
    def purpose(self) -> Purpose:
        """The object behind `task`."""
        return purpose.get(self.task)

    def row(self) -> Row:
        """The row of the method in its table."""
        return self.purpose.row(self)

    def key(self, path: str, size: int, mtime_ns: int) -> str:
        """What makes a finished page worth keeping: the same input file, settings, weights and docbin version have the same key.

        `max_megapixels` is left out on purpose: it decides whether a page is read, never what comes of it.
        """
        told = [
            path,
            size,
            mtime_ns,
            self.method,
            self.row().sha256,
            dict(self.params),
            self.format,
            self.pages,
            self.dpi,
            self.probability,
            docbin.__version__,
            self.task,
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def settings(
    method: str | None = None,
    params: Mapping[str, Any] | None = None,
    *,
    format: str | None = None,
    pages: str | None = None,
    dpi: float | None = None,
    max_megapixels: float | None = None,
    probability: bool = False,
    catalogue: str = CATALOGUE,
    task: str = "binarize",
) -> Settings:
    """Check everything that can be wrong before a page is seen.

    Raises
    ------
    UsageError
        Unknown method, parameter or format, a value out of range, pages that cannot be read, a probability map from a method that has none.
    MissingExtra
        The method needs something that is not installed.
    """
    from docbin.files import parse_page_ranges
    from docbin.files.limits import ReadOptions

    what = purpose.get(task)
    asked = Settings(method or what.default, {}, format, pages, dpi, max_megapixels, probability, catalogue, task)
    row = what.row(asked)
    parsed = row.parse(params or {})
    if format is not None and format not in what.formats():
        raise UsageError(f"format {format!r} cannot be written; choose one of {', '.join(what.formats())}")
    what.check(asked)
    if pages is not None:
        parse_page_ranges(pages)
    if max_megapixels is None:
        ReadOptions(dpi)
    else:
        ReadOptions(dpi, max_megapixels)
    row.check_available()
    return replace(asked, method=row.name, params=parsed)
