"""A page between a program's reader and its recognizer: ink or the clean grey page, or the reasons to leave it as it was.

The program that asks has its own pages, files and processes. So this is a function of pixels, and it is careful: a result that looks wrong
(:mod:`docbin.assessment`) is not used, for in somebody else's program nobody looks at the page again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docbin.catalogue import Method
    from docbin.page import Image, Mask


LEAST_QUALITY = 0.6
"""Expected F-measure below which a result is not used, whatever its reasons; above it only those that mean lost writing or no page of text count."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """What came of a page.

    Attributes
    ----------
    ink : bool (H, W), True = ink
    clean : uint8 (H, W), the page on white paper (:mod:`docbin.cleaning`), dark on light; None where it was not asked for
    scale : 2 where ink and clean page have twice the page's pixels a side, else 1
    reasons : why the result should not be used, in words; empty where it looks like a page
    """

    ink: Mask
    clean: Image | None
    scale: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageFilter:
    """A method of the catalogue, its checked parameters, and the polarity of the writing ("auto", "dark" or "light", :mod:`docbin.polarity`)."""

    row: Method
    params: Mapping[str, Any] = field(default_factory=dict)
    polarity: str = "auto"

    @classmethod
    def create(cls, method: str | None = None, params: Mapping[str, Any] | None = None, polarity: str = "auto") -> PageFilter:
        """The filter by a method's name or model folder (None: the default) and its parameters.

        Raises
        ------
        UsageError
            Unknown method or parameter, or a value out of range.
        MissingExtra
            The method needs something that is not installed.
        """
        from docbin import catalogue

        row = catalogue.get(method)
        filter = cls(row, row.parse(params or {}), polarity)
        row.check_available()
        return filter

    def apply(self, pixels: Image, threads: int | None = None) -> Filtered:
        """Ink of a page, uint8 (H, W) or (H, W, 3), with at most `threads` threads (None: one a CPU)."""
        from docbin import kernels
        from docbin.polarity import upright

        page, _ = upright(pixels, self.polarity)
        with kernels.at_most(threads):
            ink = self.row.binarize(page, **self.params)
            return Filtered(ink, None, 1, _doubts(page, ink))

    def apply_for_ocr(self, pixels: Image, threads: int | None = None, *, clean: bool) -> Filtered:
        """As :meth:`apply`, for a recognizer: with twice the pixels a side where letters are low (:mod:`docbin.enlarging`), and with `clean` the
        clean grey page besides. Every pixel stays in its place, for a text layer will lie over the page: no line is straightened."""
        from docbin import kernels
        from docbin.cleaning import clean_by
        from docbin.enlarging import ink_of
        from docbin.polarity import upright

        page, _ = upright(pixels, self.polarity)
        with kernels.at_most(threads):
            if clean:
                made = clean_by(self.row, page, enlarge="auto", **self.params)
                return Filtered(made.ink, made.page, made.scale, _doubts(made.source, made.ink))
            ink, source, scale = ink_of(self.row, page, "auto", **self.params)
            return Filtered(ink, None, scale, _doubts(source, ink))


def _doubts(page: Image, ink: Mask) -> tuple[str, ...]:
    """Why a result should not be used; empty where it looks like a page."""
    from docbin.assessment import remark

    verdict = remark(page, ink)
    doubtful = verdict is not None and (verdict.grave or verdict.value < LEAST_QUALITY)
    return verdict.reasons if verdict is not None and doubtful else ()
