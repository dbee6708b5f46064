"""A user's own labelled pages: looked over before a training, so that what is wrong with them is said at once and not after a night.

The folder holds ``images/`` and ``gt/`` with files of equal names. Whoever labels a dozen pages makes the mistakes that everybody makes, so each
is looked for, and all that are found are told together: a truth of another size, a photograph in place of a truth, a truth that belongs to
another page or is moved against its page, files that cannot be read. Two conventions differ honestly from place to place and are taken as they
come: truths whose ink is white on black, and pages of light writing on dark, which are learned inverted, as :func:`docbin.binarize` reads them.
Both show in the pixels: where a truth says ink, a page must be darker than elsewhere.

The pages are decoded into the store (:mod:`docbin.data.store`) while they are looked at; a training then only maps them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from docbin.benchmarks.ink_truth import inverted
from docbin.data.store import LabelledPage, default_cache, save_layers, source_key
from docbin.errors import DocbinError, FileAccessError, InputError
from docbin.page import Image, Mask, to_grey

OWN = "own"
"""The set that they are, in ``data.weights``."""
CONTRAST = 6.0
"""Grey levels by which a page must be darker under its ink than elsewhere for the two to belong together."""
REACH = 12
"""Pixels to every side that a truth is tried at, in steps of 2, where it may have been moved."""
MOVED, PLAIN = 1.15, 25.0
"""A truth has been moved where it fits so many times better elsewhere, and by so many grey levels there."""
SAMPLE = 20_000
"""Pixels of ink that a truth is tried with."""
FEWEST = 3
"""With so many pages one is held out; with fewer there is none to spare."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What is in the folder: `pages` are ready to be learned; `notes` say what was taken in another way than it stood there."""

    pages: tuple[LabelledPage, ...]
    notes: tuple[str, ...]


def survey(folder: str | os.PathLike[str], tell: Callable[[str], None] | None = None, cache: Path | None = None) -> Survey:
    """Look at every page of `folder` and decode it into the store.

    Parameters
    ----------
    folder : holds ``images/`` and ``gt/`` with equal stems; a truth is a picture, or an OpenRaster file of ``docbin binarize --editable``
    tell : called with a line now and then while it lasts
    cache : folder of the store; :func:`docbin.data.store.default_cache` if None

    Raises
    ------
    InputError
        Pages that cannot be learned; the message names every one, and what to do.
    FileAccessError, UsageError
        There is no such folder, or no page in it.
    """
    from docbin import benchmarks

    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise FileAccessError(f"{folder}: no such folder; it must hold images/ and gt/ with files of equal names")
    benchmark = benchmarks.load(folder)
    pairs, cache = benchmark.pairs(folder), cache or default_cache()
    name = folder.name
    pages: list[LabelledPage] = []
    problems, notes = [], [problem for problem in benchmark.check(folder) if not problem.startswith(f"{benchmark.name}:")]
    for number, pair in enumerate(pairs):
        if tell is not None and number and number % 20 == 0:
            tell(f"looked at {number} of {len(pairs)} pages")
        path = cache / "own" / f"{name}-{pair.stem}-{source_key(pair.image_path, pair.truth_path)}.npy"
        pages.append(LabelledPage(f"{name}/{pair.stem}", OWN, path))
        if path.is_file():  # looked at before, and not changed since
            continue
        try:
            image, truth, told = _learnable(pair.image_path, pair.truth_path)
        except (DocbinError, ValueError) as error:
            problems.append(str(error))
            continue
        notes += [f"{pair.stem}: {note}" for note in told]
        save_layers(path, image, truth)
    if problems:
        more = "" if len(problems) == 1 else f"{len(problems)} of {len(pairs)} pages cannot be learned:\n  "
        raise InputError(more + "\n  ".join(problems))
    return Survey(tuple(pages), tuple(notes))


def _learnable(image_path: Path, truth_path: Path) -> tuple[Image, Mask, list[str]]:
    """(page, ink, what was taken otherwise than it stood there); InputError where the two do not belong together."""
    from docbin import benchmarks

    image = benchmarks.read_picture(image_path)
    truth = benchmarks.truth_mask(truth_path)
    if image.shape[:2] != truth.shape:
        raise InputError(
            f"{truth_path}: is {truth.shape[1]} x {truth.shape[0]} pixels, its page {image_path} is {image.shape[1]} x {image.shape[0]}; "
            "both must have one size (docbin never scales a truth)"
        )
    notes: list[str] = []
    share = float(truth.mean())
    if share in (0.0, 1.0):
        if share == 1.0:
            raise InputError(f"{truth_path}: is all black; a truth is black where ink is and white elsewhere")
        return image, truth, ["no ink in its truth; it is learned as an empty page"]
    grey = to_grey(image)
    if inverted(truth):
        truth = ~truth
        notes.append("the truth is white on black; read so")
    depth = _depth(grey, truth)
    if depth < -CONTRAST and _is_light(image):
        image, grey, depth = np.asarray(255 - image, np.uint8), np.asarray(255 - grey, np.uint8), -depth
        notes.append("light writing on dark; learned inverted, as it is binarized")
    right, down, deeper = _best_place(grey, truth, depth)
    if deeper > max(MOVED * depth, PLAIN):
        raise InputError(
            f"{truth_path}: fits {image_path} better {abs(right)} pixels to the {'right' if right > 0 else 'left'} and {abs(down)} "
            f"{'down' if down > 0 else 'up'}; a truth must lie exactly on its page, so export both from one picture"
        )
    if depth < CONTRAST:
        raise InputError(
            f"{truth_path}: does not fit {image_path}: where it says ink, the page is no darker than elsewhere; is it the truth of another page?"
        )
    return image, truth, notes


def _is_light(image: Image) -> bool:
    from docbin.polarity import lead_of_dark

    lead = lead_of_dark(image)
    return lead is not None and lead < 0


def _depth(grey: Image, truth: Mask) -> float:
    """Grey levels by which the page is darker under the truth's ink than within some pixels around it."""
    import cv2

    near = cv2.dilate(truth.astype(np.uint8), np.ones((15, 15), np.uint8)).astype(bool) & ~truth
    around = grey[near] if near.any() else grey[~truth]
    return float(around.mean() - grey[truth].mean())


def _best_place(grey: Image, truth: Mask, depth: float) -> tuple[int, int, float]:
    """(pixels to the right, pixels down, grey levels by which the page is darker there) of the place where the truth's ink fits best."""
    rows, columns = np.nonzero(truth)
    step = max(1, len(rows) // SAMPLE)
    rows, columns = rows[::step], columns[::step]
    lighter = depth + _mean_at(grey, rows, columns)
    best = (0, 0, depth)
    for down in range(-REACH, REACH + 1, 2):
        for right in range(-REACH, REACH + 1, 2):
            deeper = lighter - _mean_at(grey, rows + down, columns + right)
            if deeper > best[2]:
                best = (right, down, deeper)
    return best


def _mean_at(grey: Image, rows: np.ndarray[tuple[int], np.dtype[np.intp]], columns: np.ndarray[tuple[int], np.dtype[np.intp]]) -> float:
    height, width = grey.shape
    return float(grey[rows.clip(0, height - 1), columns.clip(0, width - 1)].mean())
