"""Bright bars on noise, each a word: what a tiny detector learns in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image

VARIANT: dict[str, Any] = {"inner": 16, "widths": [8, 12, 16, 16], "blocks": [1, 1, 1, 1], "dilations": [1], "stem": 0}


def bars(index: int, height: int = 64, width: int = 64, words: int = 2) -> tuple[Image, list[NDArray[np.float32]]]:
    """A picture uint8 (height, width, 3) and the outlines of its words; depends on nothing but its arguments."""
    rng = np.random.default_rng(index)
    image = rng.normal(60, 10, (height, width, 3))
    outlines = []
    for k in range(words):
        left, top = int(rng.integers(2, width - 34)), 4 + k * (height // max(words, 1))
        wide, high = int(rng.integers(24, 32)), int(rng.integers(12, 20))
        image[top : top + high, left : left + wide] += 150
        outlines.append(np.array([[left, top], [left + wide, top], [left + wide, top + high], [left, top + high]], np.float32))
    return image.clip(0, 255).astype(np.uint8), outlines


class Source:
    """The pictures as crops with truth; `words` a picture."""

    def __init__(self, words: int = 2) -> None:
        self.words = words

    def crop(self, index: int) -> tuple[Image, NDArray[np.uint8]]:
        from docbin.data.detection_targets import draw
        from docbin.word import Word

        image, outlines = bars(index, words=self.words)
        return image, draw([Word(outline) for outline in outlines], 64, 64)


def recipe(**changes: Any) -> Any:
    """The recipe of a short training; `changes` are laid over its sections."""
    from docbin.train.recipe import recipe_of

    table: dict[str, Any] = {
        "net": {"name": "dbnet", "variant": VARIANT},
        "task": "detection",
        "data": {"size": 64, "workers": 0, "score": "f"},
        "loss": {"terms": {"bce": 5.0, "dice": 1.0, "threshold": 10.0}},
        "optim": {"rate": 1e-2, "ema": 0.0},
        "run": {"steps": 6, "batch": 4, "log_steps": 1, "precision": "float32"},
    }
    for key, value in changes.items():
        table[key] = {**table.get(key, {}), **value} if isinstance(value, dict) else value
    return recipe_of(table)


def package(run: Path, folder: Path) -> Path:
    """The model folder of a finished run."""
    from docbin.train import package_model

    package_model.package_run(run / "final.safetensors", folder, package_model.PackageOptions(side=0))
    return folder
