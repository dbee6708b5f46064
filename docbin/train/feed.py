"""Crops to batches: numbered, made ahead by worker processes, resumable at any step.

A crop source has one method, ``crop(index) -> (uint8 (S, S, 3), bool (S, S))``, a pure function of the index. Step k of a run takes crops k * batch to
(k + 1) * batch - 1, so the data of a resumed run is that of an uncut one by construction, whatever the number of workers, and no random state has to be saved.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from docbin.errors import UsageError
from docbin.page import Image, Mask
from docbin.train.recipe import Recipe


class CropSource(Protocol):
    """Anything that makes crop number `index`."""

    def crop(self, index: int) -> tuple[Image, Mask]:
        """Pixels uint8 (S, S, 3) and ink bool (S, S)."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops as tensors: `images` uint8 (N, S, S, 3), `truth` bool (N, S, S), on the CPU."""

    images: Tensor
    truth: Tensor


class _Crops(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, source: CropSource) -> None:
        self.source = source

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, truth = self.source.crop(index)
        return torch.from_numpy(np.ascontiguousarray(image)), torch.from_numpy(np.ascontiguousarray(truth))


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
        The batch does not divide by the number of devices.
    """
    if recipe.run.batch % world:
        raise UsageError(f"run.batch = {recipe.run.batch}: does not divide by {world} devices")
    workers = recipe.data.workers
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        _Crops(source),
        batch_sampler=_Steps(start, recipe.run.steps, recipe.run.batch, rank, world),
        num_workers=workers,
        prefetch_factor=8 if workers else None,
        worker_init_fn=_quiet_worker,
        multiprocessing_context="fork" if workers else None,
    )
    for images, truth in loader:
        yield Batch(images, truth)


def call(path: str, key: str, **arguments: Any) -> Any:
    """Import "module:callable" (the value of recipe key `key`) and call it."""
    module, colon, name = path.partition(":")
    try:
        function = getattr(importlib.import_module(module), name) if colon else None
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{key} = {path!r}: cannot be imported ({error})") from None
    if function is None:
        raise UsageError(f"{key} = {path!r}: 'module:callable' is wanted")
    return function(**arguments)


def open_source(recipe: Recipe, root: Path) -> CropSource:
    """The crop source of the recipe over the data under `root`."""
    data = recipe.data
    source: CropSource = call(data.source, "data.source", root=root, size=data.size, seed=recipe.run.seed, **data.options)
    return source


def open_validation(recipe: Recipe, root: Path) -> list[tuple[str, Image, Mask]]:
    """The held-out pages of the recipe, decoded; an empty list where the recipe names none."""
    if not recipe.data.validation:
        return []
    return list(call(recipe.data.validation, "data.validation", root=root, **recipe.data.options))
