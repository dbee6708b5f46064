# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""The script that trains an edge step alone: it learns where the truth's edges lie, and leaves the rest as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

torch = pytest.importorskip("torch")

from docbin.nets import build
from docbin.train import checkpoint
from docbin.train.recipe import recipe_of
from tests.nets.variants import BITUNET, UNET

VARIANTS: dict[str, dict[str, Any]] = {"bitunet": BITUNET, "unet": UNET}


@pytest.fixture
def few_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of four pages of strokes, dark on noisy paper."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(4):
        rng = np.random.default_rng(number)
        truth = np.zeros((90 + 20 * number, 101), bool)
        truth[10:-10:9, 8:-8] = truth[11:-9:9, 8:-8] = True
        image = np.where(truth, 70, 205)[..., None] + rng.normal(0, 5, (*truth.shape, 3))
        for kind, pixels in (("images", image.clip(0, 255).astype(np.uint8)), ("gt", np.where(truth, 0, 255).astype(np.uint8))):
            (tmp_path / "few" / kind).mkdir(parents=True, exist_ok=True)
            Pictures.fromarray(pixels).save(tmp_path / "few" / kind / f"p{number}.png")
    return tmp_path / "few"


@pytest.mark.parametrize("name", VARIANTS)
def test_it_learns_edges_and_leaves_the_rest(
    name: str, few_pages: Path, tmp_path: Path, load_script: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    net = build(name, VARIANTS[name])
    data = {"weights": {str(few_pages): 1.0}, "validation": [str(few_pages)], "validation_share": 0.5, "depth": True}
    recipe = recipe_of({"net": {"name": name, "variant": VARIANTS[name]}, "data": data})
    about = {"step": 3, "minutes": 1.0, "recipe": json.loads(recipe.to_json())}
    checkpoint.save(tmp_path / "before.safetensors", {"about": about, "net": net.state_dict()})
    out = tmp_path / "after.safetensors"
    command = [str(tmp_path / "before.safetensors"), "--out", str(out), "--data-root", str(tmp_path), "--minutes", "0.05"]
    assert load_script("train_edge").main([*command, "--filters", "8", "--size", "24"]) == 0
    means = [float(found) for found in re.findall(r"FM ([\d.]+);", capsys.readouterr().out)]
    assert means[-1] > max(means[0], 80)
    after = checkpoint.load(out)
    assert after["about"]["recipe"]["net"]["variant"]["edge"] == 8
    for key, value in net.state_dict().items():
        assert torch.equal(after["net"][key], value), key
    build(name, after["about"]["recipe"]["net"]["variant"]).load_state_dict(after["net"])


def test_a_network_without_an_edge_step_is_refused(
    tmp_path: Path, load_script: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = recipe_of({"net": {"name": "unet", "variant": VARIANTS["unet"]}, "data": {"weights": {"x": 1.0}}})
    about = {"step": 3, "minutes": 1.0, "recipe": json.loads(recipe.to_json())}
    checkpoint.save(tmp_path / "a.safetensors", {"about": about, "net": build("unet", VARIANTS["unet"]).state_dict()})
    assert load_script("train_edge").main([str(tmp_path / "a.safetensors"), "--out", str(tmp_path / "b.safetensors")]) == 1
    assert "without an edge step" in capsys.readouterr().err
