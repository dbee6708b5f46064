"""Score pictures that are already there: one against its truth, or two folders by stem."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from docbin.benchmarks.descriptors import PICTURE_SUFFIXES, natural_key
from docbin.benchmarks.ink_truth import MOSTLY_INK, inverted, truth_mask
from docbin.errors import DocbinError, FileAccessError, InputError, UsageError
from docbin.evaluate.results import PageResult
from docbin.metrics import score
from docbin.page import Mask


def score_paths(
    prediction: str | os.PathLike[str], truth: str | os.PathLike[str], warn: Callable[[str], None] | None = None
) -> list[PageResult]:
    """Scores of a picture against its truth, or of the pictures of a folder against those of equal stems in another, in natural order.

    Both are read as ink where darker than 128. In folders a page that has no partner, or does not fit it, is an entry with an error. So is a
    picture that is no mask but a grey photograph; one with soft edges is scored, and told to `warn`.

    Raises
    ------
    FileAccessError
        A path is missing, or a folder holds no picture.
    UsageError
        One is a folder, the other a file.
    InputError
        A single picture cannot be decoded, is no mask, or is not of its truth's size.
    """
    one, other = Path(prediction), Path(truth)
    for path in (one, other):
        if not path.exists():
            raise FileAccessError(f"{path}: no such file or folder")
    if one.is_dir() != other.is_dir():
        raise UsageError(f"{one} and {other}: give two pictures or two folders")
    if not one.is_dir():
        page = _score_files(one.stem, one, other, warn)
        if page.error is not None:
            raise InputError(page.error)
        return [page]
    left, right = _by_stem(one), _by_stem(other)
    pages = []
    for stem in sorted(left.keys() | right.keys(), key=natural_key):
        if stem not in left or stem not in right:
            lacks = one if stem not in left else other
            pages.append(PageResult(stem, None, 0.0, f"{stem}: no picture of this name in {lacks}"))
        else:
            pages.append(_score_files(stem, left[stem], right[stem], warn))
    return pages


def _score_files(stem: str, prediction: Path, truth: Path, warn: Callable[[str], None] | None) -> PageResult:
    try:
        one, other = _mask_in(prediction, warn), _mask_in(truth, warn)
        if one.shape != other.shape:
            sizes = f"{prediction} is {one.shape[1]} x {one.shape[0]} pixels, its truth {truth} is {other.shape[1]} x {other.shape[0]}"
            raise InputError(f"{sizes}: a page and its truth must have the same size")
        return PageResult(stem, score(one, other), 0.0)
    except (DocbinError, ValueError) as error:
        text = str(error)
        return PageResult(stem, None, 0.0, text if str(prediction) in text or str(truth) in text else f"{prediction}: {text}")


def _mask_in(path: Path, warn: Callable[[str], None] | None) -> Mask:
    """The ink of a picture that is a mask, or nearly one, or the layer "ink" of an OpenRaster file; InputError where it is a photograph."""
    ink = truth_mask(path, warn=warn)
    if warn is not None and path.suffix.lower() != ".ora" and inverted(ink):
        warn(f"{path}: {MOSTLY_INK}")
    return ink


def _by_stem(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith("."):
            if path.stem in files:
                raise UsageError(f"{folder}: {files[path.stem].name} and {path.name} have the same stem; keep one")
            files[path.stem] = path
    if not files:
        raise FileAccessError(f"{folder}: holds no picture")
    return files
