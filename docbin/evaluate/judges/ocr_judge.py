"""OCR: what Tesseract reads on a page that a method has prepared, against its transcription.

Scores of a set are means over its pages, so that a long page weighs as much as a short one; beside the character error stands an interval of 95
percent, from resampling the *sources* with replacement, because pages of one book are read alike (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 8).

A method's name says what Tesseract gets::

    raw                     the page as it is
    tesseract-otsu          the page, thresholded by Tesseract's own Otsu for each tile, or
    tesseract-sauvola       by its Sauvola
    METHOD                  the ink, one bit a pixel
    probability:METHOD      the probability map as grey
    clean:METHOD            the clean page (docbin clean), curved lines made straight

``@2`` or ``@auto`` behind any name of a method enlarges the page first (:mod:`docbin.enlarging`), and doubles the resolution that Tesseract is told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin import catalogue, enlarging
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.benchmarks.text_truth import Transcription, languages, normalized, transcription
from docbin.catalogue import Method
from docbin.errors import UsageError
from docbin.evaluate import tesseract
from docbin.evaluate.judges.judge import Column, Figure, Judge, Values
from docbin.metrics.text import TextErrors, text_errors
from docbin.page import Image, Mask
from docbin.polarity import upright
from docbin.registry import Row

FIELDS = ("cer", "wer", "bag_cer", "bag_wer")
COLUMNS = {
    "cer": Column("CER %", 1),
    "cer_low": Column("95 % from", 1),
    "cer_high": Column("to", 1),
    "wer": Column("WER %", 1),
    "bag_cer": Column("bag CER %", 1),
    "bag_wer": Column("bag WER %", 1),
    "accuracy": Column("right %", 1),
}
"""Scores that tables show; a page has no interval, and "right" is 100 less the character error."""
SAMPLES = 2000
"""Resamplings of the sources."""
RAW = "raw"
PREPARED = ("probability", "clean")
BESIDE = (RAW, *tesseract.THRESHOLDS)
"""What every run shows beside the methods asked for."""


@dataclass(frozen=True, slots=True)
class Preparation(Row):
    """What is handed to Tesseract; `method` is the row of :mod:`docbin.catalogue`, None for the page as it is. See the module's docstring."""

    method: Method | None = None
    as_what: str = RAW
    enlarge: str = "1"

    def prepared(self, image: Image, **params: Any) -> tuple[Image | Mask, int]:
        """The page that Tesseract gets, and how much larger its sides are."""
        if self.method is None:
            return image, 1
        row, pixels = self.method, upright(image, "auto")[0]
        if self.as_what == "clean":
            from docbin.cleaning import clean_by

            made = clean_by(row, pixels, enlarge=self.enlarge, straighten="auto", **params)
            return made.page, made.scale
        if self.as_what == "probability":
            from docbin.files.output import probability_grey

            found = enlarging.by_row(row, pixels, self.enlarge, **params)
            assert found.probability is not None  # :func:`preparation` has seen to it
            return probability_grey(found.probability), found.scale
        mask, _, scale = enlarging.ink_of(row, pixels, self.enlarge, **params)
        return mask, scale


def preparation(name: str) -> Preparation:
    """The row of a name, see the module's docstring; UsageError and MissingExtra as :func:`docbin.catalogue.get`."""
    if name in BESIDE:
        return Preparation(name, "page", "the page as it is" if name == RAW else "Tesseract's own threshold", "")
    whole, at, enlarge = name.partition("@")
    enlarge = enlarging.check(enlarge) if at else "1"
    word, colon, rest = whole.partition(":")
    what, method = (word, rest) if colon and word in PREPARED else ("ink", whole)
    row = catalogue.get(method or catalogue.DEFAULT)
    if what == "probability" and row.probability is None:
        raise UsageError(f"{name}: {row.name} has no probability map; 'docbin methods' lists the methods")
    return Preparation(
        ("" if what == "ink" else f"{what}:") + row.name + at * (enlarge != "1") + enlarge * (enlarge != "1"),
        row.family,
        row.summary,
        row.citation,
        params=row.params,
        needs=row.needs,
        extra=row.extra,
        sha256=row.sha256,
        memory=row.memory,
        method=row,
        as_what=what,
        enlarge=enlarge,
    )


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page that is ready to be read, and how much larger its sides are; `threshold` is Tesseract's own."""

    page: Image | Mask
    scale: int = 1
    threshold: int | None = None


@dataclass(frozen=True, slots=True)
class OcrCounts:
    """A page's errors, and which kind and source it is of."""

    errors: TextErrors
    kind: str
    source: str


class OcrJudge(Judge[Transcription, ReadPage, OcrCounts]):
    """See the module's docstring. `language` holds where the set names none for a page."""

    task = "ocr"
    fields = FIELDS
    columns = COLUMNS
    ranking = "accuracy"
    beside = BESIDE
    figures = (Figure("what Tesseract got", "read.png"),)

    def __init__(self, language: str = "eng") -> None:
        self.language = language

    def check(self, pairs: Sequence[PagePair]) -> None:
        """Before the first page: the program is there, and every language that the pages want.

        Raises
        ------
        MissingExtra, UsageError, FileAccessError, InputError
            As :func:`docbin.evaluate.tesseract.check_language` and :func:`docbin.benchmarks.text_truth.transcription`.
        """
        for language in {self.language, *languages(pairs)}:
            tesseract.check_language(language)

    def about(self, benchmark: Benchmark) -> Mapping[str, str]:
        return {"language": self.language}

    def method(self, name: str) -> Row:
        return preparation(name)

    def truth(self, benchmark: Benchmark, pair: PagePair) -> Transcription:
        return transcription(pair)

    def answer(self, row: Row, image: Image, params: Mapping[str, Any]) -> ReadPage:
        assert isinstance(row, Preparation)
        return ReadPage(*row.prepared(image, **params), tesseract.THRESHOLDS.get(row.name))

    def counts(self, benchmark: Benchmark, answer: ReadPage, truth: Transcription) -> OcrCounts:
        dpi = None if truth.dpi is None else (truth.dpi[0] * answer.scale, truth.dpi[1] * answer.scale)
        read = tesseract.read(answer.page, truth.language or self.language, truth.page_mode, dpi, answer.threshold)
        return OcrCounts(text_errors(normalized(read), truth.text), truth.kind, truth.source)

    def page_values(self, counts: OcrCounts) -> Values:
        rates = counts.errors.rates()
        return {**rates, "cer_low": math.nan, "cer_high": math.nan, "accuracy": 100 - rates["cer"]}

    def page_labels(self, counts: OcrCounts) -> Mapping[str, str]:
        return {"kind": counts.kind, "source": counts.source}

    def total(self, counts: Sequence[OcrCounts]) -> Values:
        values = [one.errors.rates() for one in counts]
        means = {name: float(np.mean([value[name] for value in values])) for name in FIELDS}
        low, high = interval([value["cer"] for value in values], [one.source for one in counts])
        return {**means, "cer_low": low, "cer_high": high, "accuracy": 100 - means["cer"]}

    def total_values(self, total: Any) -> Values:
        values: Values = total
        return values

    def draw(self, folder: Path, name: str, image: Image, answer: ReadPage, truth: Transcription) -> None:
        from PIL import Image as Pictures

        from docbin.evaluate.error_pictures import save_picture

        shown = np.where(answer.page, 0, 255).astype(np.uint8) if answer.page.dtype == np.bool_ else answer.page
        save_picture(Pictures.fromarray(shown), folder / f"{name}-read.png")


def interval(values: Sequence[float], sources: Sequence[str], share: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Where the mean of `values` lies with probability `share`, if the sources are a sample of what there is: (low, high).

    Sources are drawn with replacement, all values of a source together; of one source nothing can be told, and both ends are NaN.
    """
    groups: dict[str, list[float]] = {}
    for value, source in zip(values, sources, strict=True):
        groups.setdefault(source, []).append(value)
    if len(groups) < 2:
        return math.nan, math.nan
    sums = np.array([sum(group) for group in groups.values()])
    sizes = np.array([len(group) for group in groups.values()])
    drawn: NDArray[np.int64] = np.random.default_rng(seed).integers(0, len(groups), (SAMPLES, len(groups)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
