"""What a batch does to every page: a frozen record that carries its row and crosses to the worker processes.

Which files, which names, who does the work, what is reported and what is kept after a kill are the same for every job. A job says what is done to a
page, what the results are called and in which formats they are stored. :class:`~docbin.batch.binarize_job.Binarize`,
:class:`~docbin.batch.clean_job.Clean`, :class:`~docbin.batch.detect_job.Detect` and :class:`~docbin.batch.enhance_job.Enhance` are the jobs; make
one with its ``create``, which checks everything that can be wrong before the first page is opened.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import docbin
from docbin.errors import UsageError
from docbin.registry import Row

if TYPE_CHECKING:
    from docbin.assessment import Quality
    from docbin.files.output import Format
    from docbin.page import Image, Mask, Page
    from docbin.pdf.ink_picture import InkPicture
    from docbin.pdf.page_layers import PageLayers
    from docbin.pdf.replace import Replacement

PAGE_SECONDS = 1800.0
"""A worker that needs longer for one page is taken for hung. Half an hour is far above the slowest method on the largest page that is read."""
READ_SECONDS = 300.0
"""A worker that needs longer to open a file or to read a page, which takes seconds, hangs in a decoder; where a user names a limit, that holds."""

PDF_WAYS = ("replace", "rebuild")
"""A PDF that becomes a PDF: the document itself with its scans replaced, or a new one of the results alone."""

POLARITIES = ("auto", "dark", "light")
ENLARGE = ("auto", "1", "2")
"""Whether a page is given twice the pixels a side: where its letters are small, never, always (:mod:`docbin.enlarging`)."""
SECOND_LOOK = ("auto", "off")
"""Whether lines that a network lost are looked at again, where the verdict tells of them, or its ink stays as it is (:mod:`docbin.second_look`)."""

MARKS: Mapping[str, str] = {"binarize": ".ink", "clean": ".clean", "detect": ".words", "enhance": ".enhanced"}
"""Job -> what stands between stem and suffix of an output that is written beside its input: ``page.jpg`` -> ``page.ink.png``."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a page.

    Attributes
    ----------
    ink : share of ink, 0..1; None where ink was not asked for
    words : how many were found; None where words were not asked for
    quality : F-measure to be expected of the ink, 0..1 (:mod:`docbin.assessment`); None where ink was not asked for
    reasons : why the result is suspect
    chosen, verdicts : of ``-m auto``: the method taken, and the quality of every method tried
    data : the page of a document, which was not written: rows of a mask packed eight pixels a byte, or a picture's bytes deflated
    channels : of a picture in `data`; 0 for a mask
    layers : the page of a document in layers, in the place of `data`
    polarity : "dark" or "light", as the page's writing was taken; None where that was not asked
    scale : of the result's sides to the page's
    size : (width, height) of the result, pixels; None where it is the page's times `scale`
    replacement : what comes in the place of the pictures of a PDF page (:class:`docbin.pdf.replace.Replacement`); None where it stays
    """

    ink: float | None = None
    words: int | None = None
    quality: float | None = None
    reasons: tuple[str, ...] = ()
    chosen: str | None = None
    verdicts: Mapping[str, float] | None = None
    data: bytes | None = None
    channels: int = 0
    layers: PageLayers | None = None
    polarity: str | None = None
    scale: int = 1
    size: tuple[int, int] | None = None
    replacement: Replacement | None = None

    def judged(self, verdict: Quality | None, ink: Mask, enlarge: str) -> Result:
        """The same with a verdict, where there is one; it tells of small letters, too, where they may be why and `enlarge` has not been tried."""
        if verdict is None:
            return self
        small = _small_letters(ink) if enlarge == "1" and any(reason.startswith(_OF_SMALL_LETTERS) for reason in verdict.reasons) else ()
        return replace(self, quality=verdict.value, reasons=(*verdict.reasons, *small))


_OF_SMALL_LETTERS = ("specks", "dots", "strokes", "much that looks like writing", "the result as a whole")
"""How reasons begin that letters of few pixels give rise to."""


def _small_letters(ink: Mask) -> tuple[str, ...]:
    """The reason that letters of so few pixels are, and what helps; nothing where they are not small."""
    from docbin.enlarging import SMALL, letter_height

    height = letter_height(ink)
    return (
        ()
        if height is None or height >= SMALL
        else (f"small letters: {height:.0f} pixels high, for which --enlarge auto takes twice the pixels",)
    )


def enlarged_dpi(dpi: tuple[float, float] | None, scale: int) -> tuple[float, float] | None:
    """The resolution of a page whose sides have `scale` times the pixels."""
    return None if dpi is None else (dpi[0] * scale, dpi[1] * scale)


@dataclass(frozen=True, slots=True)
class Job(ABC):
    """See the module's docstring.

    Attributes
    ----------
    row : what is run on every page
    params : every parameter of the row, defaults included
    format : a name from :meth:`formats`; None: the usual one (:meth:`usual_format`)
    pages : page choice such as ``1-3,7``; None: all
    dpi : resolution at which PDF pages are rendered, see :func:`docbin.files.open_pages`
    max_megapixels : largest page; None: the limit of :mod:`docbin.files`
    """

    row: Row
    params: Mapping[str, bool | int | float | str]
    format: str | None = None
    pages: str | None = None
    dpi: float | None = None
    max_megapixels: float | None = None

    task: ClassVar[str]
    """The word of the command line."""

    def check(self) -> None:
        """Refuse what cannot be done, before a page is seen.

        Raises
        ------
        UsageError
            An unknown format, pages that cannot be read, a resolution or a limit out of range.
        MissingExtra
            The row needs something that is not installed.
        """
        from docbin.files import parse_page_ranges
        from docbin.files.limits import DEFAULT_MEGAPIXELS, ReadOptions

        if self.format is not None and self.format not in self.formats():
            raise UsageError(f"format {self.format!r} cannot be written; choose one of {', '.join(self.formats())}")
        if self.pages is not None:
            parse_page_ranges(self.pages)
        ReadOptions(self.dpi, DEFAULT_MEGAPIXELS if self.max_megapixels is None else self.max_megapixels)
        self.row.check_available()

    @property
    def mark(self) -> str:
        """See :data:`MARKS`."""
        return MARKS[self.task]

    def settings(self) -> dict[str, Any]:
        """What decides what comes of a page, as plain data: two runs with equal settings make equal outputs.

        `max_megapixels` is left out on purpose: it decides whether a page is read, never what comes of it.
        """
        return {
            "task": self.task,
            "method": self.row.name,
            "weights": self.row.sha256,
            "parameters": dict(self.params),
            "format": self.format,
            "pages": self.pages,
            "dpi": self.dpi,
            "docbin": docbin.__version__,
        }

    def key(self, path: str, size: int, version: int | str) -> str:
        """What makes a finished page worth keeping: the same input file (`version`: mtime_ns, or an object's ETag) and settings have the same key."""
        import hashlib

        return hashlib.sha256(json.dumps([path, size, version, self.settings()], sort_keys=True).encode()).hexdigest()

    def least_quality(self) -> float | None:
        """Below this quality, 0..1, a page is counted as one to be done again, and the batch ends with exit code 6; None: pages are only marked."""
        return None

    @abstractmethod
    def formats(self) -> Mapping[str, Format]:
        """What results can be written as."""

    @abstractmethod
    def usual_format(self, kind: str, count: int) -> str:
        """The format where none is named, for a file of this kind and so many pages."""

    @abstractmethod
    def document_formats(self) -> tuple[str, ...]:
        """Formats in which a document of several pages stays one file."""

    def replaces(self, kind: str, format: str) -> bool:
        """Whether the result is the input file itself, its pictures replaced."""
        return False

    def in_layers(self) -> bool:
        """Whether the pages of a PDF are ink over their paper, as :meth:`picture` makes them, and not a picture."""
        return False

    def in_place(self) -> Job:
        """The same job for pages whose pictures are replaced: every pixel has to stay where it is, for text and links lie over the page."""
        return self

    def picture(self, made: Any, pixels: Image, dpi: tuple[float, float] | None) -> InkPicture | PageLayers:
        """What is put in the place of a PDF page's pictures: of what the job made of the page and of the page's pixels, both as they are
        stored there; `dpi` of the pixels."""
        raise NotImplementedError(f"{self.task} replaces no pictures")  # `replaces` says so

    @abstractmethod
    def one_page_is(self, format: str) -> str:
        """What the result of one page is called in a message."""

    @abstractmethod
    def prepare(self) -> None:
        """In a worker process, before the first page: import what is needed and load the model."""

    @abstractmethod
    def work(self, page: Page, name: str, staged: Path | None, format: str) -> Result:
        """Do a page of the file that the user calls `name`; write the result to `staged`, or bring it back where that is None."""


def check_pdf_way(way: str) -> None:
    """UsageError for a way from PDF to PDF that does not exist."""
    if way not in PDF_WAYS:
        raise UsageError(f"--pdf {way!r}: choose one of {', '.join(PDF_WAYS)}")


def check_page_choices(polarity: str, enlarge: str, second_look: str) -> None:
    """UsageError for a polarity, an enlargement or a second look that there is not. (The modules that do them would say so, but a batch is planned
    without them.)"""
    if polarity not in POLARITIES:
        raise UsageError(f"polarity {polarity!r}: choose one of {', '.join(POLARITIES)}")
    if enlarge not in ENLARGE:
        raise UsageError(f"--enlarge {enlarge}: choose one of {', '.join(ENLARGE)}")
    if second_look not in SECOND_LOOK:
        raise UsageError(f"--second-look {second_look}: choose one of {', '.join(SECOND_LOOK)}")


def difference(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """In which settings (:meth:`Job.settings`) an earlier run differs, in words, such as "bitunet, not otsu"; None where it does not."""
    names = {"task": "docbin {}", "method": "{}", "docbin": "docbin {}", "format": "--format {}", "pages": "--pages {}", "dpi": "--dpi {}"}
    for name, words in names.items():
        if earlier.get(name) != now.get(name):
            old, new = (words.format("(none)" if side.get(name) is None else side[name]) for side in (earlier, now))
            return f"{old}, not {new}"
    if earlier.get("weights") != now.get("weights"):
        return f"other weights of {now.get('method')}"
    before, after = (dict(side.get("parameters") or {}) for side in (earlier, now))
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if changed:
        pairs = [", ".join(f"{name}={side[name]}" for name in changed if name in side) or "other parameters" for side in (before, after)]
        return f"{pairs[0]}, not {pairs[1]}"
    others = [name for name in now if earlier.get(name) != now[name]]
    return f"{others[0]}={earlier.get(others[0])}, not {now[others[0]]}" if others else None
