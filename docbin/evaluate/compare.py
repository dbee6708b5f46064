"""Score pictures that are already there: one against its truth, or two folders by stem."""

from __future__ import annotations

import os
from pathlib import Path

from docbin.benchmarks.descriptors import PICTURE_SUFFIXES, natural_key
from docbin.benchmarks.ink_truth import truth_mask
from docbin.errors import DocbinError, FileAccessError, InputError, UsageError
from docbin.evaluate.results import PageResult
from docbin.metrics import score


def score_paths(prediction: str | os.PathLike[str], truth: str | os.PathLike[str]) -> list[PageResult]:
    """Scores of a picture against its truth, or of the pictures of a folder against those of equal stems in another, in natural order.

    Both are read as ink where darker than 128. In folders a page that has no partner, or does not fit it, is an entry with an error.

    Raises
    ------
    FileAccessError
        A path is missing, or a folder holds no picture.
    UsageError
        One is a folder, the other a file.
    InputError
        A single picture cannot be decoded, or is not of its truth's size.
    """
    one, other = Path(prediction), Path(truth)
    for path in (one, other):
        if not path.exists():
            raise FileAccessError(f"{path}: no such file or folder")
    if one.is_dir() != other.is_dir():
        raise UsageError(f"{one} and {other}: give two pictures or two folders")
    if not one.is_dir():
        page = _score_files(one.stem, one, other)
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
            pages.append(_score_files(stem, left[stem], right[stem]))
    return pages


def _score_files(stem: str, prediction: Path, truth: Path) -> PageResult:
    try:
        return PageResult(stem, score(truth_mask(prediction), truth_mask(truth)), 0.0)
    except (DocbinError, ValueError) as error:
        text = str(error)
        return PageResult(stem, None, 0.0, text if str(prediction) in text or str(truth) in text else f"{prediction}: {text}")


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
