"""Clean pages: a task's name -> a model -> a page repaired, in grey or colour, without deciding what is ink.

The rows of :data:`TASKS` are data, as the methods' are: a task, the model that does it unless another is named, and where it comes from. A model is a
folder (:mod:`docbin.zoo.folders`), one of those that came with docbin or any other by its path.
The networks run in torch, which is imported when the first page is cleaned; without it, or without the weights, the error says what to install.

(The module is not called ``enhance`` for the same reason that the method table is not called ``methods``: the name is the public function's.)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from docbin.errors import MissingExtra, UsageError
from docbin.page import Image, check_image, to_grey
from docbin.zoo import folders
from docbin.zoo.folders import Config

DE_GAN = "Souibgui and Kessentini, IEEE TPAMI 44(3), 2022, doi:10.1109/TPAMI.2020.3022406"
DEEP_OTSU = "He and Schomaker, Pattern Recognition 91, 2019, doi:10.1016/j.patcog.2019.01.025"


@dataclass(frozen=True, slots=True)
class EnhanceTask:
    """One repair: `model` is the folder in the zoo that does it, `summary` and `citation` are for people."""

    name: str
    model: str
    summary: str
    citation: str


_ROWS = (
    EnhanceTask("uniform", "deepotsu", "all ink in one colour, all paper in another", DEEP_OTSU),
    EnhanceTask("clean-up", "degan-clean-up", "the writing in black on white, as a clean scan has it", DE_GAN),
    EnhanceTask("deblur", "degan-deblur", "a sharp page from an unsharp one, in grey", DE_GAN),
    EnhanceTask("watermark", "degan-watermark", "the page without the watermark laid over it, in grey", DE_GAN),
    EnhanceTask("binarize", "degan", "the probability of paper as a grey page, before the threshold", DE_GAN),
)

TASKS: Mapping[str, EnhanceTask] = {row.name: row for row in _ROWS}

DEFAULT = "uniform"


def get(task: str) -> EnhanceTask:
    """The row of a task; an unknown name is a UsageError."""
    if task not in TASKS:
        raise UsageError(f"task {task!r} does not exist; choose one of {', '.join(TASKS)}")
    return TASKS[task]


def model_config(task: str, model: str | os.PathLike[str] | None = None) -> Config:
    """The checked config of the model for `task`, or of the model named (a name in the zoo, or a folder), its weights in place.

    Raises
    ------
    UsageError
        Unknown task or model.
    MissingExtra
        This install does not bring the task's model; the message says how to get one.
    InputError, FileAccessError
        The model's files are damaged or missing.
    """
    row = get(task)
    if model is None and row.model not in folders.names():
        raise MissingExtra(
            f"task {task}: its model {row.model} did not come with this docbin; train it with 'docbin train' and scripts/package_model.py, "
            "or name another with --model FOLDER"
        )
    config = folders.load_config(row.model if model is None else model)
    if config.weights is None:
        raise UsageError(f"model {config.name}: a network of bits only says where ink is; clean pages come from deepotsu and degan")
    config.verified(config.weights)
    return config


@lru_cache(maxsize=2)
def _loaded(folder: Path, sha256: str) -> Any:
    """The network of a folder; the last two are kept."""
    try:
        from docbin.nets.pretrained import load
    except ImportError as error:
        raise MissingExtra(f"clean pages need torch ({error}); run: pip install 'docbin[train]'") from None
    return load(folder)


def enhance(image: Image, task: str = DEFAULT, model: str | os.PathLike[str] | None = None, grey: bool = False, tile: int = 1024) -> Image:
    """The page repaired: uint8 (H, W), or (H, W, 3) where both the page and the model are in colour and `grey` is False.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    task : a key of :data:`TASKS`
    model : a model of the zoo or a model folder, in place of the task's own
    grey : give a grey page whatever came
    tile : side of the tiles that the page is worked on in, pixels; changes memory and time, not the result

    Raises
    ------
    UsageError
        Unknown task or model, or a model that does not clean pages.
    MissingExtra
        No torch, or no weights.
    InputError, FileAccessError
        The model's files are damaged or missing.
    """
    image = check_image(image)
    config = model_config(task, model)
    net = _loaded(config.folder, config.sha256)
    from docbin.nets.inference import clean_pages

    page = clean_pages(net, image, tile)[-1]
    return to_grey(page) if grey else page
