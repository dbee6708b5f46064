"""``docbin train --pages``: the recipe for somebody with a dozen labelled pages, and the crops that it learns from.

The training starts from a model that ships, for a dozen pages teach no network to read; they teach one that reads how these pages look and where
their owner sets a stroke's edge. So it is the last part of the shipped models' own trainings (``models/unet/finish.toml``) on these pages: crops
mostly as they are, text at about its own size, gentle degradations, a low rate. Some pages are held out, by page, and scored before the first
step; weights that do not score better than the model it began with are never handed back.

Nothing here imports torch: the recipe is made, and the pages are looked over, before that is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docbin.data.crops import Augment, CropSource
from docbin.data.own_pages import FEWEST, OWN, survey
from docbin.data.pages import RENDERED_SETS, load_pages, split
from docbin.data.store import LabelledPage
from docbin.errors import UsageError
from docbin.train.recipe import DataSection, Recipe, recipe_of, with_settings
from docbin.zoo import folders

if TYPE_CHECKING:
    from docbin.train.validate import HeldOut

DEFAULT_MODEL = "unet"
SOURCE = "docbin.train.own_pages:OwnCrops"
TASKS: Mapping[str, str] = {
    "unet": "supervised",
    "bitunet": "bits",
    "bitsauvola": "bits",
    "sauvolanet": "supervised",
    "fourbi": "supervised",
    "smp": "supervised",
}
"""Architectures that can be trained on so, and the training step of each."""
RATES: Mapping[str, float] = {"bitunet": 1e-3, "unet": 2e-4}
"""Peak learning rate of an architecture: those of the shipped models' last part."""
MINUTES = (5.0, 60.0)
"""Least and most minutes that are trained where nobody says how long."""
MINUTES_A_PAGE = 1.0


def own_recipe(folder: Path, pages: int, model: str = DEFAULT_MODEL, settings: Sequence[str] = ()) -> Recipe:
    """The recipe of a training on the `pages` labelled pages of `folder`, from the weights of `model`.

    Parameters
    ----------
    model : a model that came with docbin, a model folder, or the folder of an earlier run; it must tell ink from paper
    settings : "section.key=value", laid over the recipe

    Raises
    ------
    UsageError
        The model is for another task or cannot be trained on, or a setting is wrong.
    """
    config = folders.load_config(model)
    if config.task != "binarize" or config.net not in TASKS:
        raise UsageError(
            f"--from {model}: it is a {config.net} for the task {config.task}; a training on labelled pages starts from a model that tells ink from "
            f"paper: {', '.join(TASKS)}"
        )
    table: dict[str, Any] = {
        "net": {"name": config.net, "variant": dict(config.variant), "init": model},
        "task": TASKS[config.net],
        "data": {
            "source": SOURCE,
            "weights": {OWN: 1.0},
            "validation": [OWN],
            "depth": config.input.depth,
            "degrade": "gentle",
            "augment": {"as_is": 0.7, "scale": [0.8, 1.25], "colour": 0.3},
        },
        "optim": {"rate": RATES.get(config.net, 1e-3), "warmup": 0.05, "final": 0.02, "decay": 0.0, "ema": 0.99},
        "run": {
            "steps": 1_000_000,
            "minutes": min(max(MINUTES_A_PAGE * pages, MINUTES[0]), MINUTES[1]),
            "batch": 8,
            "score_first": True,
            "validate_minutes": 2.0,
            "log_steps": 5,
        },
    }
    return recipe_of(with_settings(table, settings), f"--pages {folder}")


def sides(pages: Sequence[LabelledPage], data: DataSection) -> tuple[list[LabelledPage], list[LabelledPage]]:
    """(pages to learn from, held-out pages), by page; none is held out of fewer than :data:`docbin.data.own_pages.FEWEST`."""
    return split(pages, data.validation_share if len(pages) >= FEWEST else 0.0, data.split_seed)


class OwnCrops(CropSource):
    """Crops of the user's own pages under `root` that are not held out, and of the rendered sets that ``data.weights`` names beside them."""

    def __init__(self, data: DataSection, root: str | os.PathLike[str], seed: int) -> None:
        from docbin.train.feed import augmentation, degradations_of

        weights = {name: weight for name, weight in data.weights.items() if weight > 0}
        for name in weights:
            if name != OWN and name not in RENDERED_SETS:
                raise UsageError(f"data.weights: beside {OWN!r}, a training on own pages mixes in {', '.join(RENDERED_SETS)}, got {name!r}")
        own, _ = sides(survey(root).pages, data)
        rendered = [name for name in weights if name != OWN]
        others, _ = split(load_pages(rendered, root, rendered=data.rendered_pages), data.validation_share, data.split_seed)
        super().__init__([*own, *others], data.size, seed, weights, augmentation(data, Augment), degradations_of(data, weights), data.depth)

    @staticmethod
    def held_out(data: DataSection, root: str | os.PathLike[str]) -> list[HeldOut]:
        """The held-out pages with their truth."""
        import numpy as np

        _, pages = sides(survey(root).pages, data)
        return [(page.name, np.ascontiguousarray(page.image), page.truth) for page in pages]
