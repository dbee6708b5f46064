"""Pages and masks that the verdict of :mod:`docbin.assessment` learns from: labelled pages, degraded in steps, and what the methods make of them.

A page comes in up to six variants: as it is, after up to three degradations of three strengths (:mod:`docbin.augment`), with writing of another
page shining through, and with a part of it in pencil; each time another part of it. The methods ALWAYS do each part with their default
parameters, and OTHERS_A_PART of the OTHERS. All of it goes into a cache folder, a file a part, so that features can be changed and measured
again without a method being run.
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
from numpy.typing import NDArray

from docbin.data.store import LabelledPage
from docbin.page import Image, Mask

MOST = 1_200_000
"""Pixels of a part of a page as it is."""
DEGRADED_MOST = 500_000
"""Pixels of a degraded part: more kinds of trouble in the same time."""
STRENGTHS = (0.0, 0.35, 0.65, 1.0)
"""Strongest degradation of each of a page's parts; 0: the page as it is."""
BACK = 4
"""Variant in which writing of a back shines through: the trouble of most contest pages, which networks see through and cheap methods do not."""
PENCIL = 5
"""Variant in which a part of the page is in pencil, beside the ink it had: only the model of pale writing learns from it."""
ALWAYS = ("bitunet", "bitunet-fast", "su", "sauvola", "otsu", "wolf")
"""Methods that do every part."""
OTHERS = ("nick", "niblack", "bradley", "gatos", "isauvola", "bataineh", "singh", "phansalkar", "multi-otsu")
"""Methods of every other kind; left out are those that take seconds a page."""
OTHERS_A_PART = 4


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


def degraded(rng: Generator, image: Image, truth: Mask, variant: int, verso: Any, rendered: bool) -> tuple[Image, Mask]:
    """The variant of a page: as it is (0), after up to three degradations none of which is stronger than STRENGTHS says, with its BACK, or in
    part in PENCIL."""
    from docbin.augment.degrade import PRESETS, Pipeline, Recipe

    if variant == 0:
        return image, truth
    if variant == PENCIL:
        return partly_in_pencil(rng, image, truth), truth
    if variant == BACK:
        back = ("bleed_through", 1.0, 1.0), ("stains", 0.3, 0.8), ("fade_in_places", 0.2, 0.6), ("gaussian_blur", 0.2, 0.4)
        return Pipeline(Recipe(back, at_most=3, untouched=0.0, local=0.2))(rng, image, truth, verso)
    preset, strongest = PRESETS["full" if rendered else "light"], STRENGTHS[variant]
    chances = tuple((name, min(1.0, 1.5 * chance), min(most, strongest)) for name, chance, most in preset.chances)
    return Pipeline(replace(preset, chances=chances, untouched=0.0, at_most=3))(rng, image, truth, verso)


def partly_in_pencil(rng: Generator, image: Image, truth: Mask) -> Image:
    """A page, uint8 (H, W, 3), whose writing has lost half to four fifths of its contrast from one side on, with a quarter to nine tenths of its ink;
    what shines through from the back stays as it was."""
    from docbin.augment.ink_effects import fade

    faded = fade(rng, image, truth, float(rng.uniform(0.6, 1.0)))[0]
    axis, from_start = int(rng.integers(2)), bool(rng.random() < 0.5)
    summed = np.cumsum(truth.sum(axis=1 - axis))
    share = float(rng.uniform(0.25, 0.9))
    cut = int(np.searchsorted(summed, (share if from_start else 1 - share) * summed[-1]))
    along = np.arange(truth.shape[axis])
    inside = along < cut if from_start else along >= cut
    return np.where(inside[:, None, None] if axis == 0 else inside[None, :, None], faded, image)


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


def rng_of(name: str) -> Generator:
    """Draws that follow from a name."""
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


def make_parts(pages: Sequence[LabelledPage], folder: Path, variants: Sequence[int]) -> None:
    """Write the parts that are not in `folder` yet."""
    from docbin import catalogue

    folder.mkdir(parents=True, exist_ok=True)
    for place, page in enumerate(pages):
        for variant in variants:
            path = folder / f"{page.name.replace('/', '--')}--{variant}.npz"
            if path.is_file():
                continue
            rng = rng_of(f"{page.name}|{variant}")
            image, truth = part_of(rng, np.asarray(page.image), page.truth, DEGRADED_MOST if variant else MOST)
            others = [other for other in pages if other.dataset == page.dataset and other is not page] or [page]

            def verso(rng: Generator, shape: tuple[int, int], others: list[LabelledPage] = others) -> tuple[Image, Mask]:
                return _tiled(rng, others[int(rng.integers(len(others)))], shape)

            rendered = page.dataset.startswith(("rendered", "failing", "drawn"))
            image, truth = degraded(rng, np.ascontiguousarray(image), truth, variant, verso, rendered)
            part: dict[str, NDArray[Any]] = {"image": image, "truth": np.packbits(truth, axis=1)}
            for name in (*ALWAYS, *rng.choice(OTHERS, OTHERS_A_PART, replace=False).tolist()):
                part[name] = np.packbits(catalogue.get(name).binarize(image), axis=1)
            temporary = path.with_suffix(f".{os.getpid()}.part")
            with temporary.open("wb") as out:
                np.savez(out, **part)  # type: ignore[arg-type]
            temporary.replace(path)
        if place % 10 == 9:
            print(f"{place + 1} of {len(pages)} pages", flush=True)


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
