"""The table that the verdict of :mod:`docbin.assessment` is fitted to: a row a result (a method's, the truth, or one spoiled on purpose) with its
features and what the truth says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.assessment.signs import Signs
from docbin.page import Mask
from docbin.train.verdict_pages import PENCIL, Part, read_parts, rng_of

SPOILED_A_PART = 7
"""Results that are spoiled on purpose."""

TRUTHS = ("fm", "missed", "junk", "split", "weight", "pale")
"""What the truth says: F-measure in percent; share of the truth that lies more than three pixels from any ink; share of the ink that lies so far
from the truth; of the ink near the truth, the logarithm of its pieces over the truth's (above 0: strokes broken, below: grown together), and of
its area over that of the truth which it covers (above 0: strokes too thick); share of the truth that is missed as said and paler than PALE."""
PALE = 0.6
"""Depth over the page's ink level below which writing counts as pale."""
DOT = 6
"""Pixels of the smallest piece that counts for "split"."""


@dataclass(frozen=True, slots=True)
class Cases:
    """Rows of results: where each comes from, its features (columns as NAMES) and TRUTHS."""

    pages: NDArray[np.str_]
    parts: NDArray[np.str_]
    results: NDArray[np.str_]
    features: NDArray[np.float32]
    truths: NDArray[np.float32]

    @classmethod
    def load(cls, path: Path) -> Cases:
        with np.load(path) as file:
            return cls(*(file[name] for name in ("pages", "parts", "results", "features", "truths")))


def _count(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))


def pale_writing(page: Signs, truth: Mask) -> Mask:
    """The writing of a page of at most :data:`docbin.assessment.signs.OVERVIEW` pixels that is nowhere within a pixel as deep as PALE."""
    import cv2

    return truth & (np.asarray(cv2.dilate(page.overview.depth, np.ones((3, 3), np.uint8))) < PALE * page.level)


def judged(ink: Mask, truth: Mask, pale: Mask | None = None) -> tuple[float, ...]:
    """TRUTHS of an ink; `pale`: :func:`pale_writing`, None where there is none."""
    import cv2

    from docbin.kernels.pieces import AREA, pieces

    square = np.ones((7, 7), np.uint8)
    near_truth = np.asarray(cv2.dilate(truth.view(np.uint8), square), np.uint8).view(np.bool_)
    near_ink = np.asarray(cv2.dilate(np.ascontiguousarray(ink).view(np.uint8), square), np.uint8).view(np.bool_)
    kept, found = ink & near_truth, truth & near_ink
    size, true_size, kept_size, found_size = (_count(mask) for mask in (ink, truth, kept, found))
    fm = 200.0 * _count(ink & truth) / max(1, size + true_size)
    missed, junk = 1 - found_size / max(1, true_size), 1 - kept_size / max(1, size)
    counts = [1 + _count(pieces(mask.view(np.uint8))[:, AREA] >= DOT) for mask in (kept, found)]
    weight = (1 + kept_size) / (1 + found_size)
    pale_missed = 0.0 if pale is None else _count(pale & ~near_ink) / max(1, true_size)
    return fm, missed, junk, float(np.log(counts[0] / counts[1])), float(np.log(weight)), pale_missed


def results_of(part: Part) -> dict[str, Mask]:
    """The results of a part that become rows: name -> ink. The draws follow from the part's name."""
    from docbin.augment.spoiled_ink import LOSSES, SPOILS

    rng = rng_of(part.name)
    every = {"truth": part.truth, **part.masks}
    good = [name for name in ("truth", "truth", "bitunet", "bitunet", "su", "wolf", "gatos") if name in every and every[name].any()]
    found = dict(every)
    kinds = [*rng.choice(LOSSES, 3), *rng.choice([name for name in SPOILS if name not in LOSSES], SPOILED_A_PART - 3, replace=False)]
    if part.name.endswith(f"#{PENCIL}"):
        kinds[:2] = ["faint_lost", "faint_lost"]  # what methods lose of such a page
    for number, kind in enumerate(kinds):
        base = str(rng.choice(good))
        share = float(np.exp(rng.uniform(np.log(0.03), np.log(0.7))))
        spoiled = SPOILS[str(kind)](rng, part.grey, every[base], share)
        if rng.random() < 0.15 and spoiled.any():
            spoiled = _again(rng, part, spoiled)
        found[f"{base}+{kind}-{number}"] = spoiled
    return found


def _again(rng: Generator, part: Part, ink: Mask) -> Mask:
    from docbin.augment.spoiled_ink import SPOILS

    return SPOILS[str(rng.choice(sorted(SPOILS)))](rng, part.grey, ink, float(np.exp(rng.uniform(np.log(0.03), np.log(0.4)))))


def measure_parts(parts: Path, folder: Path) -> None:
    """Measure all results of the parts in a folder, a file a part; those that are there already are left."""
    from docbin.assessment.features import measure

    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(parts.glob("*.npz"), key=lambda path: ("042135".index(path.stem[-1]), path.stem)):
        target = folder / path.name
        if target.is_file():
            continue
        part = next(read_parts(parts, [path.name]))
        page, names, rows, truths = Signs(part.grey), [], [], []
        pale = pale_writing(page, part.truth)
        for name, ink in results_of(part).items():
            if ink.any():
                names.append(name)
                rows.append(measure(page, ink).vector())
                truths.append(judged(ink, part.truth, pale))
        np.savez(
            target,
            pages=np.array([part.page] * len(names)),
            parts=np.array([part.name] * len(names)),
            results=np.array(names),
            features=np.array(rows, np.float32),
            truths=np.array(truths, np.float32),
        )


def gather(folder: Path) -> Cases:
    """All rows of :func:`measure_parts`."""
    tables = [Cases.load(path) for path in sorted(folder.glob("*.npz"))]
    return Cases(
        *(np.concatenate([getattr(table, name) for table in tables]) for name in ("pages", "parts", "results", "features", "truths"))
    )
