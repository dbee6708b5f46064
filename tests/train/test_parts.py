# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""Recipes, losses, schedules, averages, checkpoints: each against numbers worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.augment.degrade import DEGRADATIONS, PRESETS
from docbin.data.pages import TRAINING_SETS
from docbin.data.store import LabelledPage, save_layers
from docbin.errors import DocbinError, FileAccessError, InputError, UsageError
from docbin.train import checkpoint
from docbin.train.ema import Ema
from docbin.train.feed import labelled_crops
from docbin.train.losses import LOSSES, dice, hinge, weighted
from docbin.train.recipe import read_recipe, recipe_of
from docbin.train.schedule import Clock, warmup_cosine

NET = {"net": {"name": "unet"}}
MODELS = Path(__file__).resolve().parents[2] / "models"


def test_a_recipe_reads_and_overrides_reach_it(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('task = "supervised"\n[net]\nname = "unet"\n[net.variant]\nwidths = [8, 16]\n[optim]\nrate = 1\n', encoding="utf-8")
    recipe = read_recipe(
        path, ["optim.rate=1e-4", "data.degrade=full", "run.steps=20", "data.weights.dibco2009=0.5", "optim.betas=[0.5, 0.9]"]
    )
    assert recipe.optim.rate == 1e-4
    assert recipe.data.degrade == "full"
    assert recipe.run.steps == 20
    assert recipe.data.weights == {"dibco2009": 0.5}
    assert recipe.optim.betas == (0.5, 0.9)
    assert recipe.net.variant == {"widths": [8, 16]}
    assert recipe_of(json.loads(recipe.to_json())) == recipe


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({**NET, "optimizer": {}}, "unknown key optimizer; did you mean optim"),
        ({**NET, "optim": {"lr": 1.0}}, "unknown key optim.lr; known are rate"),
        ({**NET, "run": {"steps": "many"}}, "run.steps = 'many': a whole number is wanted"),
        ({**NET, "run": {"steps": True}}, "a whole number is wanted"),
        ({**NET, "optim": 3}, "optim = 3: a table is wanted"),
        ({**NET, "optim": {"betas": [0.9]}}, r"optim.betas = \[0.9\]: a list of length 2 is wanted"),
        ({"task": "supervised"}, "missing net"),
    ],
)
def test_wrong_recipes_are_refused(table: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        recipe_of(table)


def test_unreadable_recipes_and_overrides_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="cannot read"):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("net = [", encoding="utf-8")
    with pytest.raises(UsageError, match="not a TOML file"):
        read_recipe(tmp_path / "bad.toml")
    (tmp_path / "huge.toml").write_text('[net]\nname = "degan"\n[net.variant]\nthreshold = ' + "9" * 5000, encoding="utf-8")
    with pytest.raises(UsageError, match=r"huge\.toml: not a TOML file"):
        read_recipe(tmp_path / "huge.toml")
    (tmp_path / "good.toml").write_text('[net]\nname = "unet"\n', encoding="utf-8")
    for wrong in ("steps", "run.=3", "net.name.x=1"):
        with pytest.raises(UsageError, match="--set"):
            read_recipe(tmp_path / "good.toml", [wrong])


def test_dice_is_one_minus_the_smoothed_f_measure() -> None:
    """Of 4 ink pixels 3 are found and 1 is wrong: F = 2 * 3 / (4 + 4); with 2 pixels of smoothing (6 + 2) / (8 + 2)."""
    truth = torch.tensor([1.0, 1, 1, 1, 0, 0, 0, 0, 0]).view(1, 1, 3, 3)
    logits = torch.where(torch.tensor([1, 1, 1, 0, 1, 0, 0, 0, 0]).view(1, 1, 3, 3) > 0, 40.0, -40.0)
    assert float(dice(logits, truth, smooth=0.0)) == pytest.approx(1 - 6 / 8, abs=1e-6)
    assert float(dice(logits, truth, smooth=2.0)) == pytest.approx(1 - 8 / 10, abs=1e-6)


def test_hinge_is_zero_beyond_the_margin() -> None:
    truth = torch.tensor([[[[1.0, 0.0]]]])
    assert float(hinge(torch.tensor([[[[1.5, -1.5]]]]), truth)) == 0
    assert float(hinge(torch.tensor([[[[0.5, 0.0]]]]), truth)) == pytest.approx((0.5 + 1) / 2)


@pytest.mark.parametrize("name", sorted(name for name in LOSSES if name.startswith("smp-")))
def test_losses_of_the_library_fall_towards_the_truth(name: str) -> None:
    """Half of each crop is ink, for most of them say nothing about crops without any."""
    truth = torch.zeros(2, 1, 16, 16)
    truth[:, :, :8] = 1
    losses = []
    for level in (-9.0, 0.0, 9.0):
        logits = ((2 * truth - 1) * level).requires_grad_()
        loss = LOSSES[name](logits, truth)
        loss.backward()
        assert torch.isfinite(logits.grad).all()  # type: ignore[arg-type]
        losses.append(float(loss.detach()))
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < 0.01


@pytest.mark.parametrize("name", sorted(name for name in LOSSES if not name.startswith("smp-")))
@pytest.mark.parametrize("ink", [0.0, 1.0])
def test_losses_are_finite_and_fall_towards_the_truth(name: str, ink: float) -> None:
    truth = torch.full((2, 1, 8, 8), ink)
    sign = 2 * ink - 1
    losses = []
    for level in (-30.0, 0.0, 30.0):
        logits = torch.full((2, 1, 8, 8), sign * level, requires_grad=True)
        loss = LOSSES[name](logits, truth)
        loss.backward()
        assert logits.grad is not None
        assert torch.isfinite(logits.grad).all()
        losses.append(float(loss.detach()))
    assert losses[0] > losses[1] > losses[2] - 1e-9
    assert losses[2] < 0.01


def test_weighted_losses() -> None:
    logits, truth = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    total, parts = weighted({"bce": 2.0, "mse": 4.0})(logits, truth)
    assert float(total) == pytest.approx(2 * math.log(2) + 4 * 0.25)
    assert set(parts) == {"bce", "mse"}
    with pytest.raises(UsageError, match="unknown loss 'dise'"):
        weighted({"dise": 1.0})
    with pytest.raises(UsageError, match="at least one"):
        weighted({})


def test_warmup_and_cosine() -> None:
    assert warmup_cosine(0.0, 0.1, 0.01) == 1e-3
    assert warmup_cosine(0.05, 0.1, 0.01) == pytest.approx(0.5)
    assert warmup_cosine(0.1, 0.1, 0.01) == pytest.approx(1.0)
    assert warmup_cosine(0.55, 0.1, 0.0) == pytest.approx(0.5)
    assert warmup_cosine(1.0, 0.1, 0.01) == pytest.approx(0.01)
    assert warmup_cosine(2.0, 0.1, 0.01) == pytest.approx(0.01)
    assert warmup_cosine(0.0, 0.0, 0.5) == 1.0


def test_the_clock_takes_steps_or_minutes_whichever_is_further() -> None:
    assert Clock(100, None).progress(25, 999.0) == 0.25
    assert Clock(100, 10.0).progress(25, 1.0) == 0.25
    assert Clock(100, 10.0).progress(25, 5.0) == 0.5
    assert Clock(100, 10.0, start=0.4).progress(25, 5.0) == pytest.approx(0.7)
    assert Clock(100, 10.0).progress(25, 50.0) == 1.0


def test_the_average_follows_its_formula() -> None:
    net = torch.nn.BatchNorm1d(1)
    ema = Ema(net, 0.5)
    expected = 1.0
    for step, weight in enumerate((3.0, 7.0, -2.0, 5.0, 5.5, 6.0, 4.0, 4.5, 1.0, 0.0), start=1):
        with torch.no_grad():
            net.weight.fill_(weight)
            net.num_batches_tracked.fill_(step)
        ema.update(net, step)
        keep = min(0.5, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * weight
    assert ema.decay_at(1) == pytest.approx(2 / 11)
    assert ema.decay_at(10**6) == 0.5
    assert float(ema.net.weight) == pytest.approx(expected, rel=1e-5)
    assert int(ema.net.num_batches_tracked) == 10


def test_a_checkpoint_comes_back_as_it_went(tmp_path: Path) -> None:
    tied = torch.arange(6.0).view(2, 3)
    state = {
        "a": [1, {"b": tied, "c": tied.T}, None],
        "text": "x",
        "number": 0.1,
        "flag": True,
        "half": torch.ones(2, dtype=torch.bfloat16),
    }
    checkpoint.save(tmp_path / "c.safetensors", state)
    back = checkpoint.load(tmp_path / "c.safetensors")
    assert torch.equal(back["a"][1]["b"], tied)
    assert torch.equal(back["a"][1]["c"], tied.T)
    assert back["a"][0] == 1
    assert back["a"][2] is None
    assert (back["text"], back["number"], back["flag"]) == ("x", 0.1, True)
    assert back["half"].dtype == torch.bfloat16
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


def test_bad_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="no checkpoint"):
        checkpoint.load(tmp_path / "none.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00\x00")
    with pytest.raises(InputError, match="not a training checkpoint"):
        checkpoint.load(tmp_path / "cut.safetensors")
    with pytest.raises(TypeError, match="/what is a set"):
        checkpoint.save(tmp_path / "c.safetensors", {"what": {1}})
    with pytest.raises(DocbinError, match="cannot write"):
        checkpoint.save(tmp_path / "nowhere" / "c.safetensors", {})


ABLATIONS = {
    "everything": [],
    "without rendered pages": ["data.weights.rendered=0"],
    "without plasma": [
        "data.degrade=light-no-plasma",
        "data.degrade_rendered=no-plasma",
        "data.weights.rendered=0",
        "data.weights.rendered-no-plasma=0.15",
    ],
    "without either": ["data.degrade=light-no-plasma", "data.weights.rendered=0"],
}


@pytest.mark.parametrize("name", ABLATIONS)
def test_the_ablations_of_the_unet_are_a_matter_of_settings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendered pages get their own preset, real ones the other; what an ablation leaves out is not even asked for."""
    text = (MODELS / "unet" / "recipe.toml").read_text(encoding="utf-8")
    for override in ABLATIONS[name]:
        assert f"--set {override}" in text, "the recipe says how it is run"
    setup = read_recipe(MODELS / "unet" / "recipe.toml", ABLATIONS[name])
    asked: dict[str, int] = {}

    def pages(sets: Iterable[str], root: Path, rendered: int = 0) -> list[LabelledPage]:
        found = []
        for one in sets:
            asked[one] = rendered
            save_layers(tmp_path / f"{one}.npy", np.full((300, 300, 3), 200, np.uint8), np.zeros((300, 300), bool))
            found.append(LabelledPage(f"{one}/a", one, tmp_path / f"{one}.npy"))
        return found

    monkeypatch.setattr("docbin.data.pages.load_pages", pages)
    source: Any = labelled_crops(setup.data, tmp_path, 0)
    rendered = {"everything": {"rendered"}, "without plasma": {"rendered-no-plasma"}}.get(name, set())
    assert set(asked) == {*TRAINING_SETS, "noisyoffice", "failing-kinds", *rendered}
    assert set(asked.values()) == {setup.data.rendered_pages}
    for one in asked:
        steps = {step: (chance, strongest) for step, chance, strongest in source.degrade[one].recipe.chances}
        plain = source.degrade[one].recipe.local == 0 and not any(DEGRADATIONS[step].plasma for step in steps)
        assert plain == ("without plasma" in name or name == "without either")
        assert source.degrade[one].recipe.at_most == PRESETS["full" if one in rendered else "light"].at_most
        assert (steps["bleed_through"] == (0.25, 1.0)) == (one not in rendered), "changes are laid over the preset they name"
    assert source.crop(3)[1].shape == (setup.data.size, setup.data.size)


def test_wrong_presets_of_rendered_pages_are_refused(tmp_path: Path) -> None:
    for data, words in (
        ({"degrade_rendered": "fulll"}, "data.degrade_rendered = 'fulll'"),
        ({"degrade_rendered_changes": {"fade": 1}}, "data.degrade_rendered_changes: fade"),
        ({"weights": {"rendered": 0.0}}, "at least one set"),
    ):
        setup = recipe_of({**NET, "data": {"weights": {"rendered": 1.0}, **data}})
        with pytest.raises(UsageError, match=words):
            labelled_crops(setup.data, tmp_path, 0)
