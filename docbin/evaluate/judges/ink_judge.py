"""Masks of ink: the DIBCO scores (:mod:`docbin.metrics`), averaged over pages as the contests do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docbin import assessment, catalogue
from docbin.assessment import Quality
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.benchmarks.ink_truth import MOSTLY_INK, inverted, truth_mask
from docbin.catalogue import Method
from docbin.evaluate.judges.judge import Column, Figure, Judge, Values
from docbin.metrics import FIELDS, Scores, mean, score
from docbin.page import Image, Mask, to_grey
from docbin.registry import Row

COLUMNS = {
    "fm": Column("FM"),
    "pfm": Column("pFM"),
    "psnr": Column("PSNR"),
    "drd": Column("DRD"),
    "nrm": Column("NRM %", factor=100),
    "mpm": Column("MPM x1000", factor=1000),
    "precision": Column("precision"),
    "recall": Column("recall"),
}
"""Scores that tables show; NRM and MPM in the contests' units."""

MASK_FIGURES = (
    Figure("page", "page.webp", of_method=False),
    Figure("truth", "truth.png", of_method=False),
    Figure("errors", "errors.png"),
    Figure("result", "result.png"),
)


class InkJudge(Judge[Mask, Mask, Scores]):
    """Methods of ``docbin methods`` on masks of ink."""

    task = "binarize"
    labelled = False
    fields = FIELDS
    columns = COLUMNS
    ranking = "fm"
    figures = MASK_FIGURES

    def method(self, name: str) -> Row:
        return catalogue.get(name)

    def truth(self, benchmark: Benchmark, pair: PagePair) -> Mask:
        return truth_mask(pair.truth_path, benchmark.polarity)

    def doubt(self, truth: Mask) -> str | None:
        return MOSTLY_INK if inverted(truth) else None

    def answer(self, row: Row, image: Image, params: Mapping[str, Any]) -> Mask:
        assert isinstance(row, Method)
        return row.binarize(image, **params)

    def counts(self, benchmark: Benchmark, answer: Mask, truth: Mask) -> Scores:
        return score(answer, truth)

    def page_values(self, counts: Scores) -> Values:
        return dataclasses.asdict(counts)

    def total(self, counts: Sequence[Scores]) -> Scores:
        return mean(counts)

    def total_values(self, total: Any) -> Values:
        return dataclasses.asdict(total)

    def without_pages(self) -> Mapping[str, None]:
        return dict.fromkeys((*FIELDS, "seconds"))

    def verdict(self, image: Image, answer: Mask) -> Quality:
        return assessment.judge(assessment.Signs(to_grey(image)), answer)

    def draw(self, folder: Path, name: str, image: Image, answer: Mask, truth: Mask) -> None:
        from docbin.evaluate.error_pictures import write_pictures

        write_pictures(folder, name, image, answer, truth)
