"""Run a detector over a benchmark of words: precision, recall and F by the benchmark's own counting, tables, pictures.

The JSON form is ``{"dataset", "task": "detect", "protocol", "method", "params", "version", "images": [{"name", "precision", "recall", "f", "found",
"words", "seconds"}...], "mean": {"precision", "recall", "f", "seconds"}, "errors"}``. What stands under "mean" is of all pictures' words together, as
the contests report it, not the mean of the pictures' scores.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from docbin import __version__, benchmarks
from docbin.benchmarks import word_truth
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.benchmarks.word_truth import TrueWord
from docbin.detection import table
from docbin.detection.table import DetectorRow
from docbin.detection.words import Word
from docbin.errors import DocbinError, FileAccessError, UsageError
from docbin.evaluate.workers import LOST, scored
from docbin.metrics.words import PROTOCOLS, Counts, WordScores, match_icdar2015, total
from docbin.page import Image

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class PictureResult:
    """One picture: its counts and the detector's seconds, or the message of what went wrong."""

    name: str
    counts: Counts | None
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class WordResult:
    """A detector on a benchmark; `params` with all defaults filled in, `problems` what the benchmark's checker says is missing."""

    dataset: str
    protocol: str
    method: str
    params: Mapping[str, Any]
    pictures: tuple[PictureResult, ...]
    problems: tuple[str, ...] = ()
    version: str = __version__

    @property
    def good(self) -> list[tuple[PictureResult, Counts]]:
        """The pictures that were scored."""
        return [(picture, picture.counts) for picture in self.pictures if picture.counts is not None]

    @property
    def failed(self) -> list[PictureResult]:
        """The pictures that were not."""
        return [picture for picture in self.pictures if picture.counts is None]

    @property
    def scores(self) -> WordScores | None:
        """Of all scored pictures together; None without any."""
        return total(counts for _, counts in self.good).scores() if self.good else None

    @property
    def seconds(self) -> float:
        """Mean seconds a picture of the detector; 0 without any."""
        return float(np.mean([picture.seconds for picture, _ in self.good])) if self.good else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The stable JSON form."""
        scores = self.scores
        return {
            "dataset": self.dataset,
            "task": "detect",
            "protocol": self.protocol,
            "method": self.method,
            "params": dict(self.params),
            "version": self.version,
            "images": [
                {
                    "name": picture.name,
                    **counts.scores().as_dict(),
                    "found": counts.found,
                    "words": counts.truths,
                    "seconds": picture.seconds,
                }
                for picture, counts in self.good
            ],
            "mean": {**scores.as_dict(), "seconds": self.seconds} if scores else None,
            "errors": [{"name": picture.name, "message": picture.error} for picture in self.failed],
        }


@dataclass(frozen=True, slots=True)
class _Task:
    """What a worker needs to know of one picture."""

    pair: PagePair
    truth: str
    protocol: str
    row: DetectorRow
    params: Mapping[str, Any]
    pictures: Path | None

    def score(self) -> PictureResult:
        """Read, find and count; whatever goes wrong becomes the picture's error."""
        start = time.perf_counter()
        try:
            image = benchmarks.read_picture(self.pair.image_path)
            truth = word_truth.read(self.pair.truth_path, self.truth)
            start = time.perf_counter()
            found = self.row.words(image, **self.params)
            seconds = time.perf_counter() - start
            outlines = [word.polygon for word in found]
            counts = PROTOCOLS[self.protocol](outlines, [word.polygon for word in truth], [word.ignore for word in truth])
            if self.pictures is not None:
                _write_picture(self.pictures / f"{self.pair.stem}-words.jpg", image, found, truth)
            return PictureResult(self.pair.stem, counts, seconds)
        except Exception as error:
            kind = "" if isinstance(error, DocbinError | ValueError) else f"{type(error).__name__}: "
            return PictureResult(self.pair.stem, None, time.perf_counter() - start, f"{self.pair.image_path}: {kind}{error}")

    def lost(self) -> PictureResult:
        """The picture whose process died."""
        return PictureResult(self.pair.stem, None, 0.0, f"{self.pair.image_path}: {LOST}")


def evaluate_words(
    benchmark: str | os.PathLike[str] | Benchmark,
    method: str | DetectorRow,
    params: Mapping[str, Any] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    jobs: int = 1,
    pictures: str | os.PathLike[str] | None = None,
    progress: Callable[[PictureResult], None] | None = None,
) -> WordResult:
    """Scores of a detector on every picture of a benchmark; parameters and errors as in :func:`docbin.evaluate.evaluate`.

    `method` is a detector of the zoo or a model folder, or a row; `pictures` takes every picture with its words drawn: right green, wrong
    vermilion, missed blue, don't-care grey (matched by ICDAR 2015's rules whatever the protocol).
    """
    for name, value in (("limit", limit), ("jobs", jobs)):
        if value is not None and value < 1:
            raise UsageError(f"{name}={value}: wants a whole number of at least 1")
    bench = benchmark if isinstance(benchmark, Benchmark) else benchmarks.load(benchmark)
    if bench.task != "detect":
        raise UsageError(f"{bench.name}: has masks of ink, not outlines of words; -m takes a method of 'docbin methods' there")
    root = benchmarks.data_root_of(bench.name if isinstance(benchmark, Benchmark) else benchmark, data_root)
    row = table.get(method) if isinstance(method, str) else method
    parsed = row.parse(params or {})
    row.check_available()
    folder = Path(pictures) if pictures is not None else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    tasks = [_Task(pair, bench.truth, bench.protocol, row, parsed, folder) for pair in bench.pairs(root)[:limit]]
    done = []
    for picture in scored(tasks, jobs):
        done.append(picture)
        if progress is not None:
            progress(picture)
    return WordResult(bench.name, bench.protocol, row.name, parsed, tuple(done), tuple(bench.check(root)))


RIGHT, WRONG, MISSED, IGNORED = (0, 158, 115), (213, 94, 0), (0, 114, 178), (150, 150, 150)
"""Colours of outlines, RGB, of Okabe and Ito's palette: a found word, a false one, a missed one, and what does not count."""


def marked(image: Image, found: Sequence[Word], truth: Sequence[TrueWord]) -> Image:
    """The picture, RGB, with the outlines of what was found and of what was not."""
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


def _write_picture(path: Path, image: Image, found: Sequence[Word], truth: Sequence[TrueWord]) -> None:
    from PIL import Image as Pictures

    try:
        Pictures.fromarray(marked(image, found, truth)).save(path, quality=88)
    except OSError as error:
        raise FileAccessError(f"{path}: cannot be written ({error.strerror or error})") from None


def words_table(results: Sequence[WordResult]) -> Table:
    """One row a dataset and detector."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("dataset", "detector", "counted by"):
        table.add_column(heading, no_wrap=True)
    for heading in ("pictures", "precision", "recall", "F", "s/picture"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        count = f"{len(result.good)}" if not result.failed else f"{len(result.good)} of {len(result.pictures)}"
        scores = result.scores
        values = [f"{value:.2f}" for value in (scores.precision, scores.recall, scores.f)] if scores else ["-"] * 3
        table.add_row(result.dataset, result.method, result.protocol, count, *values, f"{result.seconds:.3f}")
    return table


def write_words_csv(results: Sequence[WordResult], to: TextIO) -> None:
    """One row a picture, and a row ``mean`` for every dataset and detector (of all its words together); a failed picture has empty scores."""
    rows = csv.writer(to, lineterminator="\n")
    rows.writerow(["dataset", "method", "params", "name", "precision", "recall", "f", "found", "words", "seconds", "error"])
    for result in results:
        head = [result.dataset, result.method, " ".join(f"{key}={value}" for key, value in result.params.items())]
        for picture in result.pictures:
            if picture.counts is None:
                rows.writerow([*head, picture.name, *[""] * 5, f"{picture.seconds:.4f}", picture.error])
            else:
                values = picture.counts.scores().as_dict().values()
                rows.writerow([*head, picture.name, *values, picture.counts.found, picture.counts.truths, f"{picture.seconds:.4f}", ""])
        if result.scores is not None:
            rows.writerow([*head, "mean", *result.scores.as_dict().values(), "", "", f"{result.seconds:.4f}", ""])
