# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""The task that trains `unmark`: it learns a mark, goes on exactly where it stopped, and refuses pairs and networks of other tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.errors import UsageError
from docbin.nets.inference import clean_pages
from docbin.page import Image
from docbin.train import checkpoint
from docbin.train.adversarial import wanted_page
from docbin.train.device import Device
from docbin.train.feed import Batch
from docbin.train.loop import train
from docbin.train.recipe import Recipe, recipe_of
from docbin.train.task import make_task
from docbin.train.validate import psnr

SMALL = {"widths": [8, 8], "encoder_blocks": [1, 1], "decoder_blocks": [1], "dilations": [1], "windows": [5], "head": 8}


class Marked:
    """Dark bars on grey paper under a green disc; `grey` wants the page in grey."""

    def __init__(self, grey: bool = False) -> None:
        self.grey = grey

    def crop(self, index: int) -> tuple[Image, Image]:
        rng = np.random.default_rng(index)
        page = np.full((32, 32, 3), 200.0) + rng.normal(0, 3, (32, 32, 1))
        page[4:28:6, 3:29] -= 130
        row, column = rng.integers(8, 24, 2)
        rows, columns = np.ogrid[:32, :32]
        disc = ((rows - row) ** 2 + (columns - column) ** 2 < 49)[..., None]
        came = np.where(disc, 0.6 * page + 0.4 * np.array([40.0, 160.0, 60.0]), page)
        came, page = (np.rint(picture).clip(0, 255).astype(np.uint8) for picture in (came, page))
        return came, page[..., 0] if self.grey else page


def recipe(**changes: Any) -> Recipe:
    table: dict[str, Any] = {
        "task": "unmarking",
        "net": {"name": "unmark", "variant": SMALL},
        "data": {"size": 32, "workers": 0, "score": "psnr"},
        "optim": {"rate": 1e-2, "decay": 0.0, "ema": 0.9},
        "run": {"steps": 60, "batch": 4, "log_steps": 20, "precision": "float32"},
        "loss": {"terms": {"bce": 1.0, "dice": 0.5}},
    }
    for section, values in changes.items():
        table[section] = {**table.get(section, {}), **values}
    return recipe_of(table)


def test_a_mark_is_learned_and_taken_back(tmp_path: Path) -> None:
    setup = recipe()
    came, page = Marked().crop(1000)
    outcome = train(setup, tmp_path, source=Marked(), pages=[("a", came, page)])
    net = make_task(setup, Device("float32")).net
    net.load_state_dict(checkpoint.load(tmp_path / "best.safetensors")["net"])
    made = clean_pages(net.eval(), came)[-1]
    assert outcome.best == pytest.approx(psnr(made, page), abs=0.05)
    assert psnr(made, page) > psnr(came, page) + 3


def test_a_cut_and_resumed_run_equals_an_uncut_one(tmp_path: Path) -> None:
    setup = recipe(run={"steps": 6})
    whole = train(setup, tmp_path / "whole", source=Marked(), pages=[])
    assert not train(setup, tmp_path / "cut", source=Marked(), pages=[], stop_at=3).finished
    assert train(setup, tmp_path / "cut", source=Marked(), pages=[], resume=True) == whole
    one, two = (checkpoint.load_weights(tmp_path / run / "last.safetensors") for run in ("whole", "cut"))
    assert [name for name, value in one.items() if not torch.equal(value, two[name])] == []


def test_pairs_in_grey_and_other_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pairs in colour"):
        train(recipe(), tmp_path, source=Marked(grey=True), pages=[])
    colour = Batch(*(torch.zeros(1, 8, 8, 3, dtype=torch.uint8) for _ in range(2)))
    with pytest.raises(UsageError, match="wants pairs in grey"):
        wanted_page(colour, torch.device("cpu"))
    with pytest.raises(UsageError, match="trains unmark, not sauvolanet"):
        make_task(recipe(net={"name": "sauvolanet", "variant": {}}), Device("float32"))
    with pytest.raises(UsageError, match=r"unknown key options\.x"):
        make_task(recipe(options={"x": 1}), Device("float32"))
