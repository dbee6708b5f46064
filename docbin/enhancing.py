"""Clean pages: a task's name -> a model -> a page repaired, in grey or colour, without deciding what is ink.

The rows of :data:`TASKS` are data, as the methods' are: a task, the model that does it unless another is named, and where it comes from. A model is a
folder with ``config.toml`` and ``weights.safetensors`` (:mod:`docbin.nets.pretrained`), one of those that came with docbin or any other by its path.
The networks run in torch, which is imported when the first page is cleaned; without it, or without the weights, the error says what to install.

(The module is not called ``enhance`` for the same reason that the method table is not called ``methods``: the name is the public function's.)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from docbin.errors import MissingExtra, UsageError
from docbin.page import Image, check_image, to_grey

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


def model_folder(task: str, model: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the model for `task`, or of the model named (a name in the zoo, or a path).

    Raises
    ------
    UsageError
        Unknown task.
    MissingExtra
        The weights are not there; the message says where they were looked for and how to get them.
    """
    row = get(task)
    if model is not None and Path(model).is_dir():
        return _with_weights(Path(model), str(model))
    name = str(model) if model is not None else row.model
    if Path(name).name != name or name.startswith("."):
        raise MissingExtra(f"model {name}: no such folder; give the path of a folder that holds config.toml and weights.safetensors")
    try:
        zoo = Path(str(resources.files("docbin.zoo.models") / name))
    except ModuleNotFoundError:  # an install without any model
        zoo = Path(str(resources.files("docbin.zoo"))) / "models" / name
    return _with_weights(zoo, name)


def _with_weights(folder: Path, name: str) -> Path:
    missing = [file for file in ("config.toml", "weights.safetensors") if not (folder / file).is_file()]
    if missing:
        raise MissingExtra(
            f"model {name}: {' and '.join(missing)} not installed (looked in {folder}); install a docbin that brings its weights, train it "
            f"with 'docbin train', or name another model with --model FOLDER"
        )
    return folder


@lru_cache(maxsize=2)
def _loaded(folder: Path) -> Any:
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
        Unknown task, or a model that does not clean pages.
    MissingExtra
        No torch, or no weights.
    """
    image = check_image(image)
    net = _loaded(model_folder(task, model))
    from docbin.nets.inference import clean_pages

    page = clean_pages(net, image, tile)[-1]
    return to_grey(page) if grey else page
