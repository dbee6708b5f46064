"""What a batch does to every page, checked once before the first page is opened."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import docbin
from docbin.catalogue import Method
from docbin.errors import UsageError

CATALOGUE = "docbin.catalogue:METHODS"
"""Where the method rows come from, as ``"module:attribute"``: a name that crosses to a worker process, which a table of functions could not."""

DOCUMENT_FORMATS = ("tiff", "pdf")
"""Formats in which a document of several pages stays one file. (Raw PBM could hold several too, but most readers would see the first alone.)"""

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
    """A name from :func:`docbin.files.formats`; None: PDF for PDF, TIFF for a picture of several pages, else PNG."""
    pages: str | None = None
    """Page choice such as ``1-3,7``; None: all."""
    dpi: float | None = None
    max_megapixels: float | None = None
    """None: the limit of :mod:`docbin.files`."""
    probability: bool = False
    """Write the probability map instead of the ink."""
    catalogue: str = CATALOGUE

    def row(self) -> Method:
        """The row of the method in the catalogue."""
        return _row(self.catalogue, self.method)

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
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _row(catalogue: str, name: str) -> Method:
    if catalogue == CATALOGUE:
        from docbin import catalogue as table

        return table.get(name)
    module, attribute = catalogue.split(":")
    rows: Mapping[str, Method] = getattr(importlib.import_module(module), attribute)
    return rows[name]


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
) -> Settings:
    """Check everything that can be wrong before a page is seen.

    Raises
    ------
    UsageError
        Unknown method, parameter or format, a value out of range, pages that cannot be read, a probability map from a method that has none.
    MissingExtra
        The method needs something that is not installed.
    """
    from docbin.catalogue import DEFAULT
    from docbin.files import formats, parse_page_ranges
    from docbin.files.limits import ReadOptions

    row = _row(catalogue, method or DEFAULT)
    parsed = row.parse(params or {})
    if format is not None and format not in formats():
        raise UsageError(f"format {format!r} cannot be written; choose one of {', '.join(formats())}")
    if probability:
        if row.probability is None:
            raise UsageError(f"{row.name} has no probability map to write; 'docbin methods' lists the methods, leave out --probability")
        if format is not None and not formats()[format].grey:
            able = ", ".join(name for name, known in formats().items() if known.grey)
            raise UsageError(f"format {format!r} cannot hold a probability map; choose one of {able}")
    if pages is not None:
        parse_page_ranges(pages)
    if max_megapixels is None:
        ReadOptions(dpi)
    else:
        ReadOptions(dpi, max_megapixels)
    row.check_available()
    return Settings(row.name, parsed, format, pages, dpi, max_megapixels, probability, catalogue)
