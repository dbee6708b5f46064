# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""A checkpoint becomes a model folder and comes back as the same network."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.cli import main
from docbin.errors import FileAccessError, InputError, UsageError
from docbin.nets import build
from docbin.nets.inference import probability
from docbin.nets.pretrained import load, network
from docbin.train import checkpoint, package_model
from docbin.train.loop import train
from docbin.train.recipe import recipe_of
from docbin.zoo.folders import EYE_HALO, load_config, read_config

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
    "eye": "",
}


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
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
    arguments = ["--evaluation", str(tmp_path / "scores.json"), "--notes", str(tmp_path / "notes.md"), "--machine", "on an abacus."]
    assert main(["package", str(tmp_path), "-o", str(folder), *arguments]) == 0
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
    for words in ("| dibco2011 | 2 | 91.23 | 92.00 |", "Fails on photographs.", "\non an abacus.\n", "84 crops", "| dibco2009 | 100% |"):
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


def test_weights_that_overflow_float16_ship_in_float32(tmp_path: Path) -> None:
    assert package_model.shortened(torch.tensor([1.5])).dtype == torch.float16
    assert torch.equal(package_model.shortened(torch.tensor([1.5, 1e6], dtype=torch.float64)), torch.tensor([1.5, 1e6]))
    assert package_model.shortened(torch.tensor([3])).dtype == torch.int64
    with pytest.raises(ValueError, match=r"w: holds numbers that are not finite"):
        package_model.package({"w": torch.tensor([float("inf")])}, {}, tmp_path / "m", package_model.PackageOptions())


def test_options_of_a_packaged_detector_stand_in_their_own_tables() -> None:
    recipe = {"net": {"name": "bitunet", "variant": {}}, "data": {"side": 640}, "run": {"batch": 2}}
    options = package_model.PackageOptions(task="detect", tile=64, depth=0.7)
    config = tomllib.loads(package_model.config_toml("m", recipe, {"step": 1, "minutes": 0.5}, options, []))
    assert (config["output"]["depth"], config["output"]["threshold"]) == (0.7, 0.3)
    assert set(config["detect"]) == {"side", "score", "unclip", "shrink", "shape"}
    assert config["detect"]["side"] == 640


class OneCrop:
    """Half ink, half paper, whatever the number."""

    def crop(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        truth = np.zeros((32, 32), bool)
        truth[:16] = True
        return np.where(truth, 60, 220)[..., None].repeat(3, 2).astype(np.uint8), truth


def test_a_training_run_is_a_model_and_a_model_starts_a_training(packaged: Path, tmp_path: Path) -> None:
    """``-m RUN`` reads the best weights as they are; ``net.init`` takes a run, a model folder, or its file of weights."""
    image = np.random.default_rng(2).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    table = {
        "net": {"name": "unet", "variant": VARIANT},
        "data": {"size": 32, "workers": 0},
        "run": {"steps": 1, "batch": 2, "precision": "float32", "threads": 1},
    }
    recipe = recipe_of(table)
    (tmp_path / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    config = load_config(tmp_path)
    assert (config.net, config.task, config.input.channels, config.weights and config.weights.file) == (
        "unet",
        "binarize",
        "RGB",
        "best.safetensors",
    )
    assert config.input.halo is None
    np.testing.assert_allclose(probability(load(packaged), image), probability(network(config), image), atol=2e-3)
    seeing = recipe_of({**table, "net": {"name": "unet", "variant": {"widths": [4, 4, 4, 4], "eye": "efficientnet-lite0"}}})
    (tmp_path / "seeing").mkdir()
    (tmp_path / "seeing" / "recipe.json").write_text(seeing.to_json(), encoding="utf-8")
    (tmp_path / "seeing" / "best.safetensors").write_bytes((tmp_path / "best.safetensors").read_bytes())
    assert load_config(tmp_path / "seeing").input.halo == EYE_HALO
    for number, init in enumerate((tmp_path, packaged, packaged / "weights.safetensors", tmp_path / "best.safetensors")):
        started = replace(recipe, net=replace(recipe.net, init=str(init)))
        assert train(started, tmp_path / f"run{number}", source=OneCrop(), pages=[]).finished
        assert not (tmp_path / f"run{number}" / "best.safetensors").exists()
        assert load_config(tmp_path / f"run{number}").weights is not None
    other = recipe_of({**table, "net": {"name": "unet", "variant": {**VARIANT, "head": 4}, "init": str(packaged)}})
    with pytest.raises(UsageError, match=r"net\.init = .*another network or variant"):
        train(other, tmp_path / "other", source=OneCrop(), pages=[])
