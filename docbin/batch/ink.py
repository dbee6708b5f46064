"""The purpose of ``docbin binarize``: pages to ink."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docbin.batch.purpose import Purpose, Result
from docbin.errors import UsageError

if TYPE_CHECKING:
    from docbin.batch.settings import Settings
    from docbin.catalogue import Method
    from docbin.files.output import Format
    from docbin.page import Page

CATALOGUE = "docbin.catalogue:METHODS"
"""Where the method rows come from, as ``"module:attribute"``: a name that crosses to a worker process, which a table of functions could not."""

DOCUMENT_FORMATS = ("tiff", "pdf")
"""Formats in which a document of several pages stays one file. (Raw PBM could hold several too, but most readers would see the first alone.)"""


class Ink(Purpose):
    """See :class:`docbin.batch.purpose.Purpose`."""

    @property
    def default(self) -> str:
        from docbin.catalogue import DEFAULT

        return DEFAULT

    def row(self, settings: Settings) -> Method:
        if settings.catalogue == CATALOGUE:
            from docbin import catalogue as table

            return table.get(settings.method)
        module, attribute = settings.catalogue.split(":")
        rows: Mapping[str, Method] = getattr(importlib.import_module(module), attribute)
        return rows[settings.method]

    def check(self, settings: Settings) -> None:
        if not settings.probability:
            return
        row = self.row(settings)
        if row.probability is None:
            raise UsageError(f"{row.name} has no probability map to write; 'docbin methods' lists the methods, leave out --probability")
        if settings.format is not None and not self.formats()[settings.format].grey:
            able = ", ".join(name for name, known in self.formats().items() if known.grey)
            raise UsageError(f"format {settings.format!r} cannot hold a probability map; choose one of {able}")

    def formats(self) -> Mapping[str, Format]:
        from docbin.files import formats

        return formats()

    def usual(self, settings: Settings, kind: str, count: int) -> str:
        if settings.probability:
            return "png"
        return "pdf" if kind == "pdf" else "tiff" if count > 1 else "png"

    def documents(self, settings: Settings) -> tuple[str, ...]:
        return () if settings.probability else DOCUMENT_FORMATS

    def holds(self, settings: Settings, format: str) -> str:
        return "a probability map" if settings.probability else format

    def work(self, settings: Settings, page: Page, name: str, staged: Path | None, format: str) -> Result:
        import numpy as np

        from docbin.batch.guard import suspicions
        from docbin.files import write_page, write_probability

        row = self.row(settings)
        bits = None
        if settings.probability:
            map = _checked(row.probability_map(page.pixels, **settings.params), page, row.name)
            mask = np.asarray(map >= 0.5)
            assert staged is not None
            write_probability(map, staged, dpi=page.dpi, format=format)
        else:
            mask = _checked(row.binarize(page.pixels, **settings.params), page, row.name)
            if staged is not None:
                write_page(mask, staged, dpi=page.dpi, format=format)
            else:
                bits = np.packbits(mask, axis=1).tobytes()
        return Result(ink=float(np.count_nonzero(mask) / mask.size), reasons=tuple(suspicions(page.pixels, mask)), bits=bits)


def _checked(result: Any, page: Page, method: str) -> Any:
    """A method's result must have the page's shape and, where it is a map, hold finite numbers: whatever else is the method's bug, not the page's."""
    import numpy as np

    shape = page.pixels.shape[:2]
    if result.shape != shape:
        raise ValueError(f"{method}'s result has shape {result.shape} for a page of {shape}")
    if result.dtype != np.bool_ and not bool(np.isfinite(result).all()):
        raise ValueError(f"{method}'s probability map holds NaN or infinity")
    return result
