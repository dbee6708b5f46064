"""Pictures of words by the name that a recipe gives: ``source = "docbin.train.scenes:scenes"`` in ``[data]``.

The sets in ``data.weights`` are benchmarks whose truth is outlines of words, and "rendered", scenes of docbin's own making
(:mod:`docbin.synth.scene`). Rendering a scene takes as long as a training step, so a pool of ``data.rendered_pages`` scenes is rendered once into the
cache and cut from again and again (:mod:`docbin.data.scene_pool`).

The two hundred pictures of ``icdar2015-validation`` are never learned from; of other sets the last ``data.validation_share`` of the pictures, in the
order of their names, are held out. A set of the role "test" is refused. Photographs without writing (truth "none") are hard negatives.

What is mixed may change once: the crops of the first ``data.first_steps`` steps come by the weights ``data.first``, rendered scenes for the most
part, since every word of them is known, and there are as many as one likes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from docbin import benchmarks
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.detection.detector import inner_size, resized
from docbin.errors import UsageError
from docbin.page import Image
from docbin.train.feed import augmentation
from docbin.train.recipe import DataSection
from docbin.train.validate import HeldOut
from docbin.word import WordImage

if TYPE_CHECKING:
    from docbin.data.word_crops import WordCrops
    from docbin.word import WordSource

RENDERED = "rendered"
HELD_OUT = {"icdar2015-train": "icdar2015-validation"}
"""Sets of which another descriptor says what is held out."""


_kept: dict[Path, WordImage] = {}
"""Decoded pictures of this process, up to ``data.memory_mb``. Decoding is two thirds of what a small crop costs; pictures are drawn at random, so the
first ones that fit serve as well as the latest would."""


@dataclass(frozen=True, slots=True)
class Labelled(Sequence[WordImage]):
    """The pictures of a benchmark, read when they are first asked for; small enough to hand to a worker process."""

    bench: Benchmark
    pairs: tuple[PagePair, ...]
    kept_bytes: int = 0

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: Any) -> Any:
        """Picture number `number` with its words."""
        pair = self.pairs[number]
        picture = _kept.get(pair.image_path)
        if picture is None:
            image, words = benchmarks.read_words(self.bench, pair)
            picture = WordImage(_colour(image), tuple(words))
            if sum(other.image.nbytes for other in _kept.values()) + picture.image.nbytes <= self.kept_bytes:
                picture.image.setflags(write=False)
                _kept[pair.image_path] = picture
        return picture


def _colour(image: Image) -> Image:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, 2)


def sides(data: DataSection, name: str, root: Path) -> tuple[Labelled, Labelled]:
    """(training, held-out) pictures of a benchmark.

    Raises
    ------
    UsageError, FileAccessError
        An unknown set, one without outlines of words, or one that is not there.
    """
    bench = benchmarks.load(name)
    if bench.task != "detect":
        raise UsageError(f"data.weights: {name} has masks of ink, not outlines of words")
    pairs = bench.pairs(benchmarks.data_root_of(name, root))
    if name in HELD_OUT:
        kept = set(benchmarks.load(HELD_OUT[name]).stems)
    else:
        count = round(data.validation_share * len(pairs))
        kept = {pair.stem for pair in pairs[len(pairs) - count :]}
    parts = ([pair for pair in pairs if pair.stem not in kept], [pair for pair in pairs if pair.stem in kept])
    training, held_out = (Labelled(bench, tuple(part), data.memory_mb << 20) for part in parts)
    return training, held_out


class _Scenes:
    """The crop source of a recipe, and its held-out pictures."""

    def __call__(self, data: DataSection, root: Path, seed: int) -> WordCrops:
        """Crops of the training side of the sets in ``data.weights``, with truth for a detector."""
        from docbin.data.word_crops import Drawn, WordAugment, WordCrops

        weights = {name: weight for name, weight in data.weights.items() if weight > 0}
        if not weights:
            raise UsageError("data.weights: at least one set is wanted, for instance {icdar2015 = 1.0}")
        if data.degrade != "none" or data.degrade_changes:
            raise UsageError("data.degrade: degradations are for pages; pictures of words have data.augment")
        augment = augmentation(data, WordAugment)
        sources: dict[str, WordSource] = {}
        for name in {**weights, **data.first}:
            if name != RENDERED and benchmarks.load(name).role == "test":
                raise UsageError(
                    f"data.weights: {name} are official test pictures, by which published detectors are compared; train on others"
                )
            sources[name] = Drawn(_rendered(data, root) if name == RENDERED else sides(data, name, root)[0], seed)
        return WordCrops(sources, weights, data.size, seed, augment)

    def held_out(self, data: DataSection, root: Path) -> list[HeldOut]:
        """The held-out pictures of the sets in ``data.validation`` with their words, at the size that ``data.side`` asks for."""
        pictures: list[HeldOut] = []
        for name in data.validation:
            _, held_out = sides(data, name, root)
            for pair in some(held_out.pairs, data.validation_pictures):
                image, words = benchmarks.read_words(held_out.bench, pair)
                image = _colour(image)
                height, width = inner_size(image.shape[0], image.shape[1], data.side)
                ratio = np.array([width / image.shape[1], height / image.shape[0]], np.float32)
                pictures.append(
                    (pair.stem, resized(image, height, width), tuple(replace(word, polygon=word.polygon * ratio) for word in words))
                )
        return pictures


def some(pairs: Sequence[PagePair], count: int) -> list[PagePair]:
    """`count` of them, evenly apart; all where `count` is 0 or there are no more."""
    if not count or count >= len(pairs):
        return list(pairs)
    return [pairs[k * len(pairs) // count] for k in range(count)]


def _rendered(data: DataSection, root: Path) -> Labelled:
    """The pool of rendered scenes: the folder ``rendered`` under the data root or its ``scene/`` where it was carried there, else rendered now."""
    from docbin.data import scene_pool
    from docbin.data.store import default_cache
    from docbin.synth.fonts import find_fonts, fingerprint

    carried = [
        folder for folder in (root / "scene" / RENDERED, root / RENDERED) if (folder / "images").is_dir() and (folder / "gt").is_dir()
    ]
    folder = carried[0] if carried else default_cache() / "scenes" / f"{data.split_seed}-{fingerprint(find_fonts())[:12]}"
    if not carried:
        scene_pool.render_pool(folder, data.rendered_pages, data.split_seed, max(1, data.workers))
    bench = dataclasses.replace(benchmarks.load(folder), truth=scene_pool.TRUTH)
    pairs = bench.pairs(folder)
    return Labelled(bench, tuple(pairs[: data.rendered_pages]), data.memory_mb << 20)


scenes = _Scenes()
