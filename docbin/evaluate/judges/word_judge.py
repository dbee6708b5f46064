"""Outlines of words: precision, recall and F by the benchmark's own counting (:mod:`docbin.metrics.words`), of all pictures' words together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from docbin.benchmarks import word_truth
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.benchmarks.word_pictures import read_words
from docbin.detection import table
from docbin.detection.table import DetectorRow
from docbin.evaluate.judges.judge import Column, Figure, Judge, Values
from docbin.metrics.words import PROTOCOLS, Counts, match_icdar2015, small_words, total
from docbin.page import Image
from docbin.registry import Row
from docbin.word import Word

RIGHT, WRONG, MISSED, IGNORED = (0, 158, 115), (213, 94, 0), (0, 114, 178), (150, 150, 150)
"""Colours of outlines, RGB, of Okabe and Ito's palette: a found word, a false one, a missed one, and what does not count."""

COLUMNS = {"precision": Column("precision"), "recall": Column("recall"), "f": Column("F")}
"""Scores that tables show."""


@dataclass(frozen=True, slots=True)
class PictureCounts:
    """What a picture adds: its counts by the benchmark's protocol, and its words that are small (:data:`docbin.metrics.words.SMALL`)."""

    words: Counts
    small: int
    small_found: int

    @property
    def wordless(self) -> bool:
        """The picture has no word that counts: every region that counts is false."""
        return self.words.truths == 0


class WordJudge(Judge[list[Word], list[Word], PictureCounts]):
    """Detectors of ``docbin models`` on outlines of words. "found" and "words" are the regions and the words that count.

    Of the words below 15 pixels, "small_words", "small_found" are found. Of all pictures together there are besides: "small_recall", percent of
    the small words; "wordless", the pictures without words, and "false_each", false regions for each of them. Both are NaN of none.
    """

    task = "detect"
    page_word = "picture"
    method_word = "detector"
    fields = ("precision", "recall", "f", "found", "words", "small_words", "small_found", "small_recall", "wordless", "false_each")
    columns = COLUMNS
    ranking = "f"
    figures = (Figure("words", "words.jpg"),)

    def about(self, benchmark: Benchmark) -> Mapping[str, str]:
        return {"protocol": benchmark.protocol}

    def method(self, name: str) -> Row:
        return table.get(name)

    def picture(self, benchmark: Benchmark, pair: PagePair) -> Image:
        return read_words(benchmark, pair)[0]

    def truth(self, benchmark: Benchmark, pair: PagePair) -> list[Word]:
        # Only where the picture may be stretched do its words need it.
        return read_words(benchmark, pair)[1] if benchmark.aspect else list(word_truth.read(pair.truth_path, benchmark.truth))

    def answer(self, row: Row, image: Image, params: Mapping[str, Any]) -> list[Word]:
        assert isinstance(row, DetectorRow)
        return row.words(image, **params)

    def counts(self, benchmark: Benchmark, answer: list[Word], truth: list[Word]) -> PictureCounts:
        found, words, ignore = [word.polygon for word in answer], [word.polygon for word in truth], [word.ignore for word in truth]
        return PictureCounts(PROTOCOLS[benchmark.protocol](found, words, ignore), *small_words(found, words, ignore))

    def page_values(self, counts: PictureCounts) -> Values:
        words = counts.words
        small = {"small_words": counts.small, "small_found": counts.small_found}
        return {**words.scores().as_dict(), "found": words.found, "words": words.truths, **small}

    def total(self, counts: Sequence[PictureCounts]) -> Values:
        small, small_found = sum(one.small for one in counts), sum(one.small_found for one in counts)
        false = [one.words.found for one in counts if one.wordless]
        return {
            **total(one.words for one in counts).scores().as_dict(),
            "small_words": small,
            "small_found": small_found,
            "small_recall": 100 * small_found / small if small else math.nan,
            "wordless": len(false),
            "false_each": sum(false) / len(false) if false else math.nan,
        }

    def total_values(self, total: Any) -> Values:
        values: Values = total
        return values

    def draw(self, folder: Path, name: str, image: Image, answer: list[Word], truth: list[Word]) -> None:
        from PIL import Image as Pictures

        from docbin.evaluate.error_pictures import save_picture

        save_picture(Pictures.fromarray(marked(image, answer, truth)), folder / f"{name}-words.jpg", quality=88)


def marked(image: Image, found: Sequence[Word], truth: Sequence[Word]) -> Image:
    """The picture, RGB, with its words outlined: right green, wrong vermilion, missed blue, don't-care grey (matched by ICDAR 2015's rules)."""
    import cv2

    matching = match_icdar2015([word.polygon for word in found], [word.polygon for word in truth], [word.ignore for word in truth])
    taken = set(matching.words)
    picture = np.ascontiguousarray(np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image).copy()
    width = max(1, round(max(picture.shape[:2]) / 640))
    lines = [(word.polygon, IGNORED if word.ignore else MISSED) for k, word in enumerate(truth) if matching.words[k] < 0]
    for number, word in enumerate(found):
        lines.append((word.polygon, RIGHT if number in taken else WRONG if matching.counted[number] else IGNORED))
    for polygon, colour in lines:
        cv2.polylines(picture, [np.rint((polygon - 0.5) * 16).astype(np.int32)], True, colour, width, cv2.LINE_AA, 4)
    return picture
