"""Masks of lettering: pixel and global F1 (:mod:`docbin.metrics.text_mask`), of all pages' counts together, as the published tables have it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docbin import catalogue
from docbin.benchmarks import text_mask_truth
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.catalogue import Method
from docbin.evaluate.judges.ink_judge import MASK_FIGURES
from docbin.evaluate.judges.judge import Column, Judge, Values
from docbin.metrics import text_mask
from docbin.metrics.text_mask import FIELDS, Statistics, TextScores
from docbin.page import Image, Mask
from docbin.registry import Row

LetteringTruth = tuple[Mask, Mask | None]
"""Lettering, and the hard part of it where the file tells one apart."""


COLUMNS = {
    "pixel_f1": Column("pixel F1"),
    "global_f1": Column("global F1"),
    "relaxed_pixel_f1": Column("relaxed pixel F1"),
    "relaxed_global_f1": Column("relaxed global F1"),
    "pixel_precision": Column("pixel P"),
    "pixel_recall": Column("pixel R"),
    "quantity_precision": Column("pieces P"),
    "quantity_recall": Column("pieces R"),
}
"""Scores that tables show."""


class TextMaskJudge(Judge[LetteringTruth, Mask, Statistics]):
    """Methods of ``docbin methods`` on masks of lettering."""

    task = "text-mask"
    fields = FIELDS
    columns = COLUMNS
    ranking = "pixel_f1"
    figures = MASK_FIGURES

    def method(self, name: str) -> Row:
        return catalogue.get(name)

    def truth(self, benchmark: Benchmark, pair: PagePair) -> LetteringTruth:
        return text_mask_truth.read(pair.truth_path, benchmark.polarity)

    def answer(self, row: Row, image: Image, params: Mapping[str, Any]) -> Mask:
        assert isinstance(row, Method)
        return row.binarize(image, **params)

    def counts(self, benchmark: Benchmark, answer: Mask, truth: LetteringTruth) -> Statistics:
        return text_mask.statistics(answer, *truth)

    def page_values(self, counts: Statistics) -> Values:
        return dataclasses.asdict(counts.scores())

    def total(self, counts: Sequence[Statistics]) -> TextScores:
        return text_mask.total(counts).scores()

    def total_values(self, total: Any) -> Values:
        return dataclasses.asdict(total)

    def draw(self, folder: Path, name: str, image: Image, answer: Mask, truth: LetteringTruth) -> None:
        from docbin.evaluate.error_pictures import write_pictures

        write_pictures(folder, name, image, answer, truth[0])
