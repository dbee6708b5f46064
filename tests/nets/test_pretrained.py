# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""A checkpoint becomes a model folder and comes back as the same network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.errors import FileAccessError, InputError
from docbin.nets import build
from docbin.nets.inference import probability
from docbin.nets.pretrained import load
from docbin.train import checkpoint
from docbin.train.recipe import recipe_of
from docbin.zoo.folders import read_config

VARIANT = {
    "widths": [8, 16],
    "encoder_blocks": [1, 1],
    "decoder_blocks": [1],
    "dilations": [1],
    "windows": [5],
    "depth": False,
    "head": 8,
    "edge": 4,
    "edge_windows": [5, 9],
}


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("package_model")


@pytest.fixture
def packaged(script: Any, tmp_path: Path) -> Path:
    """A model folder made from a checkpoint of a net with random weights."""
    torch.manual_seed(5)
    net = build("unet", VARIANT)
    recipe = recipe_of({"net": {"name": "unet", "variant": VARIANT}, "data": {"weights": {"dibco2009": 1.0}, "validation": ["dibco2009"]}})
    about = {"step": 7, "minutes": 1.5, "recipe": json.loads(recipe.to_json())}
    checkpoint.save(tmp_path / "best.safetensors", {"about": about, "net": net.state_dict()})
    scores = {"fm": 91.234, "pfm": 92.0, "psnr": 18.0, "drd": 3.0, "seconds": 1.0}
    (tmp_path / "scores.json").write_text(json.dumps([{"dataset": "dibco2011", "images": [{}, {}], "mean": scores}]), encoding="utf-8")
    (tmp_path / "notes.md").write_text("Fails on photographs.\n", encoding="utf-8")
    folder = tmp_path / "tiny"
    arguments = ["--evaluation", str(tmp_path / "scores.json"), "--notes", str(tmp_path / "notes.md"), "--machine", "an abacus"]
    assert script.main([str(tmp_path / "best.safetensors"), str(folder), *arguments]) == 0
    torch.manual_seed(5)
    return folder


def test_the_packaged_net_is_the_trained_one_up_to_float16(packaged: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (50, 60, 3), np.uint8)
    trained = build("unet", VARIANT).eval()
    assert np.abs(probability(load(packaged), image) - probability(trained, image)).max() < 2e-3


def test_the_golden_crop_is_what_the_folder_computes(packaged: Path) -> None:
    with np.load(packaged / "golden.npz", allow_pickle=False) as golden:
        assert golden["image"].dtype == np.uint8
        assert np.abs(probability(load(packaged), golden["image"]) - golden["probability"]).max() < 1e-3


def test_config_and_card_tell_the_run(packaged: Path) -> None:
    config = read_config(packaged)
    assert (config.net, config.variant) == ("unet", VARIANT)
    assert (config.training.steps, config.training.minutes, config.training.batch) == (7, 1.5, 12)
    card = (packaged / "card.md").read_text(encoding="utf-8")
    for words in ("| dibco2011 | 2 | 91.23 | 92.00 |", "Fails on photographs.", "an abacus", "84 crops", "| dibco2009 | 100% |"):
        assert words in card


def test_damaged_folders_are_refused(packaged: Path, tmp_path: Path) -> None:
    weights = packaged / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match="SHA-256"):
        load(packaged)
    weights.unlink()
    with pytest.raises(FileAccessError, match="cannot read the weights"):
        load(packaged)
    with pytest.raises(FileAccessError, match="config"):
        load(tmp_path / "nowhere")


def test_weights_that_overflow_float16_ship_in_float32(script: Any, tmp_path: Path) -> None:
    assert script.shortened(torch.tensor([1.5])).dtype == torch.float16
    assert torch.equal(script.shortened(torch.tensor([1.5, 1e6], dtype=torch.float64)), torch.tensor([1.5, 1e6]))
    assert script.shortened(torch.tensor([3])).dtype == torch.int64
    with pytest.raises(ValueError, match=r"w: holds numbers that are not finite"):
        script.package({"w": torch.tensor([float("inf")])}, {}, tmp_path / "m", script.Words())
