"""Pages in and out of files.

In: PNG, JPEG, TIFF (every page), BMP, PNM, WebP, JPEG 2000, GIF, PDF, decided by content; one rule for every pixel mode (:mod:`docbin.files.modes`);
limits checked before decoding; damage is a typed error that names file, page, value and way out.

Out: 1-bit PNG, CCITT G4 TIFF, PDF, PBM (:mod:`docbin.files.output`), whole or not at all (:mod:`docbin.files.atomic`).

>>> with docbin.files.open_pages("scan.pdf") as scan:                               # doctest: +SKIP
...     for page in scan:
...         docbin.files.write_page(page.pixels < 128, f"{page.number}.png", page.dpi)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docbin.files.atomic import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
    from docbin.files.kinds import READABLE_SUFFIXES
    from docbin.files.kinds import READABLE_SUFFIXES as readable_suffixes
    from docbin.files.limits import DEFAULT_MEGAPIXELS
    from docbin.files.output import (
        Format,
        PageWriter,
        format_of,
        formats,
        probability_grey,
        write_page,
        write_pages,
        write_picture,
        write_probability,
    )
    from docbin.files.page_ranges import PageRanges, parse_page_ranges
    from docbin.files.pagefile import PageFile, open_pages, read_pages

__all__ = [
    "DEFAULT_MEGAPIXELS",
    "READABLE_SUFFIXES",
    "TEMPORARY_PREFIX",
    "TEMPORARY_SUFFIX",
    "Format",
    "PageFile",
    "PageRanges",
    "PageWriter",
    "format_of",
    "formats",
    "open_pages",
    "parse_page_ranges",
    "probability_grey",
    "read_pages",
    "readable_suffixes",
    "write_page",
    "write_pages",
    "write_picture",
    "write_probability",
]

_HOMES = {
    "atomic": ("TEMPORARY_PREFIX", "TEMPORARY_SUFFIX"),
    "kinds": ("READABLE_SUFFIXES", "readable_suffixes"),
    "limits": ("DEFAULT_MEGAPIXELS",),
    "output": (
        "Format",
        "PageWriter",
        "format_of",
        "formats",
        "probability_grey",
        "write_page",
        "write_pages",
        "write_picture",
        "write_probability",
    ),
    "page_ranges": ("PageRanges", "parse_page_ranges"),
    "pagefile": ("PageFile", "open_pages", "read_pages"),
}


def __getattr__(name: str) -> Any:
    """What this room offers, from its module when it is asked for: a process that plans a batch needs no NumPy for that."""
    for module, names in _HOMES.items():
        if name in names:
            home = importlib.import_module(f"{__name__}.{module}")
            found = globals()[name] = getattr(home, "READABLE_SUFFIXES" if name == "readable_suffixes" else name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
