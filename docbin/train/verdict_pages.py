"""Pages and masks that the verdict of :mod:`docbin.quality` learns from: labelled pages, degraded in steps, and what the methods make of them.

A page comes four times: as it is, and after up to three degradations of three strengths (:mod:`docbin.augment`), each time another part of at most
MOST pixels. Every method of METHODS does each part with its default parameters. All of it goes into a cache folder, a file a part, so that
features can be changed and measured again without a method being run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from docbin.data.store import LabelledPage
from docbin.page import Image, Mask

MOST = 1_200_000
"""Pixels of a part."""
STRENGTHS = (0.0, 0.35, 0.65, 1.0)
"""Strongest degradation of each of a page's parts; 0: the page as it is."""
METHODS = (
    "otsu", "sauvola", "wolf", "su", "nick", "niblack", "bradley", "gatos", "isauvola", "bataineh", "singh", "phansalkar", "multi-otsu",
    "bitunet-fast", "bitunet",
)  # fmt: skip
"""Of every kind; left out are those that take seconds a page."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page and what the methods made of it.

    Attributes
    ----------
    name : "dibco2009/H01#2", the page and its variant
    page : "dibco2009/H01"; parts of one page are on one side of a split
    grey : uint8 (H, W)
    truth : bool (H, W)
    masks : method -> bool (H, W)
    """

    name: str
    page: str
    grey: Image
    truth: Mask
    masks: dict[str, Mask]


def degraded(rng: Generator, image: Image, truth: Mask, strongest: float, verso: Any, rendered: bool) -> tuple[Image, Mask]:
    """Up to three degradations, none stronger than `strongest` (0..1)."""
    from docbin.augment.degrade import PRESETS, Pipeline

    if strongest <= 0:
        return image, truth
    preset = PRESETS["full" if rendered else "light"]
    chances = tuple((name, min(1.0, 1.5 * chance), min(most, strongest)) for name, chance, most in preset.chances)
    return Pipeline(replace(preset, chances=chances, untouched=0.0, at_most=3))(rng, image, truth, verso)


def part_of(rng: Generator, image: Image, truth: Mask, most: int = MOST) -> tuple[Image, Mask]:
    """A part of at most `most` pixels that holds ink, where the page does, with the page's own proportions."""
    height, width = truth.shape
    if truth.size <= most:
        return image, truth
    scale = (most / truth.size) ** 0.5
    high, wide = int(height * scale), int(width * scale)
    best: tuple[int, int, int] = (-1, 0, 0)
    for _ in range(4):
        top, left = int(rng.integers(0, height - high + 1)), int(rng.integers(0, width - wide + 1))
        inked = int(truth[top : top + high, left : left + wide].sum())
        best = max(best, (inked, top, left))
    _, top, left = best
    return image[top : top + high, left : left + wide], truth[top : top + high, left : left + wide]


def make_parts(
    pages: Sequence[LabelledPage], folder: Path, variants: Sequence[int] = (0, 1, 2, 3), methods: Sequence[str] = METHODS
) -> None:
    """Write the parts that are not in `folder` yet. `methods` that a file lacks are added to it."""
    folder.mkdir(parents=True, exist_ok=True)
    for variant in variants:
        for place, page in enumerate(pages):
            path = folder / f"{page.name.replace('/', '--')}--{variant}.npz"
            if path.is_file():
                with np.load(path) as file:
                    part = {name: file[name] for name in file.files}
                missing = [name for name in methods if name not in part]
                if not missing:
                    continue
                image = part["image"]
            else:
                seed = hashlib.blake2b(f"{page.name}|{variant}".encode(), digest_size=8).digest()
                rng = np.random.default_rng(int.from_bytes(seed, "little"))
                image, truth = part_of(rng, np.asarray(page.image), page.truth)
                others = [other for other in pages if other.dataset == page.dataset and other is not page] or [page]

                def verso(rng: Generator, shape: tuple[int, int], others: list[LabelledPage] = others) -> tuple[Image, Mask]:
                    return _tiled(rng, others[int(rng.integers(len(others)))], shape)

                rendered = page.dataset.startswith(("rendered", "failing"))
                image, truth = degraded(rng, np.ascontiguousarray(image), truth, STRENGTHS[variant], verso, rendered)
                part = {"image": image, "truth": np.packbits(truth, axis=1)}
                missing = list(methods)
            from docbin import catalogue

            for name in missing:
                part[name] = np.packbits(catalogue.get(name).binarize(image), axis=1)
            temporary = path.with_suffix(f".{os.getpid()}.part")
            with temporary.open("wb") as out:
                np.savez(out, **part)
            temporary.replace(path)
            if place % 10 == 0:
                print(f"variant {variant}: {place + 1} of {len(pages)} pages", flush=True)


def _tiled(rng: Generator, page: LabelledPage, shape: tuple[int, int]) -> tuple[Image, Mask]:
    """Picture and truth of a page, repeated until it fills `shape`, from a place drawn by chance."""
    rows = (np.arange(shape[0]) + rng.integers(page.shape[0])) % page.shape[0]
    columns = (np.arange(shape[1]) + rng.integers(page.shape[1])) % page.shape[1]
    layers = page.layers()[rows][:, columns]
    return np.ascontiguousarray(layers[..., :3]), np.asarray(layers[..., 3] > 127)


def read_parts(folder: Path, names: Sequence[str] | None = None) -> Iterator[Part]:
    """The parts in `folder` (of the files `names`, or all), one after the other."""
    from docbin.page import to_grey

    for path in sorted(folder.glob("*.npz")) if names is None else [folder / name for name in names]:
        with np.load(path) as file:
            image = file["image"]
            width = image.shape[1]
            masks = {
                name: np.unpackbits(file[name], axis=1, count=width).astype(np.bool_)
                for name in file.files
                if name not in ("image", "truth")
            }
            truth = np.unpackbits(file["truth"], axis=1, count=width).astype(np.bool_)
        page, _, variant = path.stem.replace("--", "/").rpartition("/")
        yield Part(f"{page}#{variant}", page, to_grey(image), truth, masks)
