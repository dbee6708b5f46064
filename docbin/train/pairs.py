"""Pair sources by the name that a recipe gives: ``source = "docbin.train.pairs:deblurring"`` in ``[data]``.

Each is a crop source over the sets in ``data.weights``; the set "rendered" is the renderer's pool (:mod:`docbin.data.render`). Degradations are those
of the recipe, so clean-up takes a strong preset and the other two a light one or none: what is degraded *before* the pair is made stays in the
wanted page, except for clean-up, whose wanted page is drawn from truth.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from docbin.data.pairs import Maker, PagePairs, Watermarked, blurred, cleaned
from docbin.errors import UsageError
from docbin.train.feed import CropSource, degradations, labelled_crops
from docbin.train.recipe import DataSection

RENDERED_PAGES = 64
"""Pages in the pool of the set "rendered"."""


def crops(data: DataSection, root: Path, seed: int) -> CropSource:
    """Crops of the training side of labelled and rendered pages, mixed by ``data.weights``."""
    from docbin.data.crops import Augment
    from docbin.data.crops import CropSource as MixedCrops
    from docbin.data.pages import load_pages, split
    from docbin.data.render import DATASET, RenderedPages

    if DATASET not in data.weights:
        return labelled_crops(data, root, seed)
    allowed = [field.name for field in dataclasses.fields(Augment)]
    for key in data.augment:
        if key not in allowed:
            raise UsageError(f"data.augment: unknown key {key!r}; allowed are {', '.join(allowed)}")
    options: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.augment.items()}
    labelled = load_pages([name for name in data.weights if name != DATASET], root)
    pages, _ = split(labelled, data.validation_share, data.split_seed) if labelled else ([], [])
    pages += RenderedPages(RENDERED_PAGES, data.split_seed, workers=max(1, data.workers)).pages()
    return MixedCrops(pages, data.size, seed, data.weights, Augment(**options), degradations(data))


def _pairs(data: DataSection, root: Path, seed: int, maker: Maker) -> PagePairs:
    return PagePairs(crops(data, root, seed), maker, seed)


def clean_up(data: DataSection, root: Path, seed: int) -> PagePairs:
    """Degraded crops and their writing in black on white."""
    return _pairs(data, root, seed, cleaned)


def deblurring(data: DataSection, root: Path, seed: int) -> PagePairs:
    """Unsharp crops and the crops as they were, in grey."""
    return _pairs(data, root, seed, blurred)


def watermarks(data: DataSection, root: Path, seed: int) -> PagePairs:
    """Crops under watermarks and the crops as they were, in grey."""
    return _pairs(data, root, seed, Watermarked())
