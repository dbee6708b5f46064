"""Crops to batches: numbered, made ahead by worker processes, resumable at any step.

A crop source has one method, ``crop(index) -> (uint8 (S, S, 3), bool (S, S))``, a pure function of the index. Step k of a run takes crops k
* batch to (k + 1) * batch - 1, so the data of a resumed run is that of an uncut one by construction, whatever the number of workers, and no
random state has to be saved.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from docbin.errors import UsageError
from docbin.page import Image, Mask
from docbin.train.recipe import DataSection, Recipe

if TYPE_CHECKING:
    from docbin.augment.degrade import Pipeline
    from docbin.augment.degrade import Recipe as Degradations
    from docbin.data.crops import Augment
    from docbin.data.store import LabelledPage
    from docbin.data.word_crops import WordAugment
    from docbin.train.validate import HeldOut

Kind = TypeVar("Kind", bound="Augment | WordAugment")


class CropSource(Protocol):
    """Anything that makes crop number `index`."""

    def crop(self, index: int) -> tuple[Image, Mask]:
        """Pixels uint8 (S, S, 3) and ink bool (S, S)."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops as tensors: `images` uint8 (N, S, S, 3 or, with the depth plane, 4), `truth` bool (N, S, S), on the CPU; for tasks from page to
    page `truth` is the wanted grey page, uint8 (N, S, S).
    """

    images: Tensor
    truth: Tensor


def strip_of(index: int, batch: int, share: float, seed: int) -> tuple[float, float]:
    """Which part of its height and of its width crop number `index` keeps, (1, 1) or a strip; equal for the crops of a step."""
    rng = np.random.default_rng((seed, index // batch, 15_485_863))
    if rng.random() >= share:
        return 1.0, 1.0
    kept = float(rng.uniform(0.2, 0.8))
    return (kept, 1.0) if rng.random() < 0.5 else (1.0, kept)


class _Crops(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, source: CropSource, batch: int = 1, strips: float = 0.0, seed: int = 0) -> None:
        self.source, self.batch, self.strips, self.seed = source, batch, strips, seed

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, truth = self.source.crop(index)
        if self.strips:
            high, wide = strip_of(index, self.batch, self.strips, self.seed)
            height, width = max(1, round(high * image.shape[0])), max(1, round(wide * image.shape[1]))
            image, truth = image[:height, :width], truth[:height, :width]
        return torch.from_numpy(np.ascontiguousarray(image)), torch.from_numpy(np.ascontiguousarray(truth))


def collate(source: CropSource, indices: Iterable[int]) -> tuple[Tensor, Tensor]:
    """Crops of these numbers as the two tensors of a :class:`Batch`, made in this process."""
    crops = _Crops(source)
    images, truths = zip(*(crops[index] for index in indices), strict=True)
    return torch.stack(images), torch.stack(truths)


class _Steps(Sampler[list[int]]):
    """The crop numbers of every step from `start` to `stop`; a process of several takes its share of each batch."""

    def __init__(self, start: int, stop: int, batch: int, rank: int, world: int) -> None:
        self.start, self.stop, self.batch, self.rank, self.world = start, stop, batch, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.stop):
            yield list(range(step * self.batch + self.rank, (step + 1) * self.batch, self.world))


def _quiet_worker(_: int) -> None:
    """A worker makes crops with one thread: the others belong to the training."""
    torch.set_num_threads(1)
    try:
        import cv2
    except ImportError:
        return
    cv2.setNumThreads(1)


def batches(source: CropSource, recipe: Recipe, start: int, rank: int = 0, world: int = 1) -> Iterator[Batch]:
    """The batches of steps `start`, `start` + 1, ... of the run, in order.

    Raises
    ------
    UsageError
        The batch does not divide by the number of devices, or a share of strips outside 0..1.
    """
    if not 0 <= recipe.data.strips <= 1:
        raise UsageError(f"data.strips = {recipe.data.strips}: a share of the steps, 0 to 1, is wanted")
    if recipe.run.batch % world:
        raise UsageError(f"run.batch = {recipe.run.batch}: does not divide by {world} devices")
    workers = recipe.data.workers
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        _Crops(source, recipe.run.batch, recipe.data.strips, recipe.run.seed),
        batch_sampler=_Steps(start, recipe.run.steps, recipe.run.batch, rank, world),
        num_workers=workers,
        prefetch_factor=8 if workers else None,
        worker_init_fn=_quiet_worker,
        # Not "fork": a child forked after this process has used threads (OpenMP, OpenCV) may wait for ever for a lock that no thread of
        # its own holds.
        multiprocessing_context="spawn" if workers else None,
        generator=torch.Generator(),  # else starting to read would draw from the global state, and a resumed run's dropout would differ
    )
    for images, truth in loader:
        yield Batch(images, truth)


def named(path: str, key: str) -> Any:
    """The object "module:name" that recipe key `key` asks for.

    Raises
    ------
    UsageError
        No such module or name.
    """
    module, colon, name = path.partition(":")
    if not colon:
        raise UsageError(f"{key} = {path!r}: 'module:name' is wanted")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{key} = {path!r}: cannot be imported ({error})") from None


def open_source(recipe: Recipe, root: Path) -> CropSource:
    """The crop source of the recipe over the data under `root`."""
    source: CropSource = named(recipe.data.source, "data.source")(recipe.data, root, recipe.run.seed)
    if recipe.data.sizes or recipe.data.first_steps:
        if not hasattr(source, "plan"):
            raise UsageError(
                f"data.sizes and data.first_steps: crops of {recipe.data.source} have one size and one mixture; leave them out"
            )
        source.plan(recipe.run.batch, recipe.data.sizes, recipe.data.first_steps, recipe.data.first)
    return source


def labelled_crops(data: DataSection, root: Path, seed: int) -> CropSource:
    """Crops of the training side of labelled and rendered pages, mixed by ``data.weights``."""
    from docbin.data.crops import Augment
    from docbin.data.crops import CropSource as LabelledCrops
    from docbin.data.pages import dataset_of

    sets = {name: weight for name, weight in data.weights.items() if weight > 0}
    if not sets:
        raise UsageError("data.weights: at least one set is wanted, for instance {dibco2009 = 1.0}")
    augment = augmentation(data, Augment)
    degrade = degradations(data, sets)  # before the pages: a wrong name is said before any is rendered
    pages, _ = sides(data, sets, root)
    weights = {dataset_of(name): weight for name, weight in sets.items()}
    return LabelledCrops(pages, data.size, seed, weights, augment, degrade, data.depth)


def augmentation(data: DataSection, kind: type[Kind]) -> Kind:
    """How far crops may differ from their pages: ``data.augment`` as a record of that kind; UsageError where it has a key that there is not."""
    allowed = [field.name for field in dataclasses.fields(kind)]
    for key in data.augment:
        if key not in allowed:
            raise UsageError(f"data.augment: unknown key {key!r}; allowed are {', '.join(allowed)}")
    options: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.augment.items()}
    return kind(**options)


def sides(data: DataSection, sets: Iterable[str], root: Path) -> tuple[list[LabelledPage], list[LabelledPage]]:
    """(training, held-out) pages of `sets`, labelled and rendered."""
    from docbin.data.pages import load_pages, split

    return split(load_pages(sets, root, rendered=data.rendered_pages), data.validation_share, data.split_seed)


def degradations(data: DataSection, sets: Iterable[str]) -> dict[str, Pipeline]:
    """The pipeline of each of `sets`: ``data.degrade``, or ``data.degrade_rendered`` for rendered pages, with the changes laid over it.

    Raises
    ------
    UsageError
        An unknown preset or degradation, or a value out of range.
    """
    from docbin.data.pages import dataset_of

    return degradations_of(data, map(dataset_of, sets))


def degradations_of(data: DataSection, names: Iterable[str]) -> dict[str, Pipeline]:
    """As :func:`degradations`, of the sets that crops are weighed by."""
    from docbin.augment.degrade import by_set

    real = _changed("degrade", data.degrade, data.degrade_changes)
    rendered = _changed("degrade_rendered", data.degrade_rendered, data.degrade_rendered_changes)
    return by_set(real, rendered, names)


def _changed(key: str, name: str, changes: Mapping[str, Any]) -> Degradations:
    """The preset `name` with `changes` laid over it; `key` is where the recipe says so."""
    from docbin.augment.degrade import PRESETS

    if name not in PRESETS:
        raise UsageError(f"data.{key} = {name!r}: choose one of {', '.join(PRESETS)}")
    chances = {kind: (chance, strongest) for kind, chance, strongest in PRESETS[name].chances}
    for kind, change in changes.items():
        if not isinstance(change, list | tuple) or len(change) != 2:
            raise UsageError(f"data.{key}_changes: {kind} = {change!r}: [probability, strongest strength] is wanted")
        chances[kind] = (float(change[0]), float(change[1]))
    return dataclasses.replace(PRESETS[name], chances=tuple((kind, *row) for kind, row in chances.items()))


def open_validation(recipe: Recipe, root: Path) -> list[HeldOut]:
    """The held-out pages of the recipe as (name, page, what is wanted of it); an empty list where the recipe names no set.

    A crop source that makes pairs has a method ``held_out(data, root)`` for its pictures; of any other, ink is wanted.
    """
    data = recipe.data
    if not data.validation:
        return []
    source = named(data.source, "data.source")
    if hasattr(source, "held_out"):
        pairs: list[HeldOut] = source.held_out(data, root)
        return pairs
    _, pages = sides(data, data.validation, root)
    return [(page.name, np.ascontiguousarray(page.image), page.truth) for page in pages]
