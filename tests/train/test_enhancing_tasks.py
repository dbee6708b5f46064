# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""The tasks that train deepotsu, degan and fourbi: targets by hand, exact resume, pages without ink and of ink alone."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

torch = pytest.importorskip("torch")

from docbin.errors import UsageError
from docbin.nets.inference import clean_pages
from docbin.page import Image, Mask
from docbin.train import checkpoint
from docbin.train.adversarial import wanted_page
from docbin.train.device import Device
from docbin.train.feed import Batch
from docbin.train.loop import train
from docbin.train.recipe import Recipe, read_recipe, recipe_of
from docbin.train.refinement import uniform_page
from docbin.train.task import make_task

MODELS = Path(__file__).resolve().parents[2] / "models"
NETS: dict[str, dict[str, Any]] = {
    "deepotsu": {"widths": [4, 6], "steps": 2, "channels": 3},
    "degan": {"widths": [4, 6], "bottleneck": 8, "head": 4, "discriminator": 4},
    "fourbi": {"width": 4, "scales": 1, "blocks": 1, "extra": 1, "global_share": 0.5, "local_fourier": False, "window": 32},
}
TASKS = {"deepotsu": "refinement", "degan": "adversarial", "fourbi": "supervised"}
LOSSES = {"degan": {"bce": 100.0}, "fourbi": {"charbonnier": 4.0}}


class Strokes:
    """Dark bars on noise; `ink` makes flat pages, `pairs` gives the wanted page as a picture."""

    def __init__(self, ink: bool | None = None, pairs: bool = False) -> None:
        self.ink, self.pairs = ink, pairs

    def crop(self, index: int) -> tuple[Image, Mask]:
        rng = np.random.default_rng(index)
        truth = np.zeros((16, 16), bool)
        for row, column in rng.integers(0, 10, (3, 2)):
            truth[row : row + 2, column : column + 6] = True
        if self.ink is not None:
            truth[:] = self.ink
        grey = np.where(truth, 80, 210)[..., None] + rng.normal(0, 8, (16, 16, 3))
        wanted = np.where(truth, 0, 255).astype(np.uint8) if self.pairs else truth
        return grey.clip(0, 255).astype(np.uint8), wanted


def recipe(name: str, **changes: Any) -> Recipe:
    table: dict[str, Any] = {
        "task": TASKS[name],
        "net": {"name": name, "variant": NETS[name]},
        "data": {"size": 16, "workers": 0},
        "optim": {"rate": 5e-3, "decay": 0.0},
        "run": {"steps": 6, "batch": 3, "log_steps": 1, "precision": "float32"},
        "loss": {"terms": LOSSES.get(name, {"bce": 1.0})},
    }
    for section, values in changes.items():
        table[section] = {**table.get(section, {}), **values}
    return recipe_of(table)


def flat(state: Any) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    checkpoint.split(state, "", tensors)
    return tensors


def test_the_uniform_page_by_hand() -> None:
    page = torch.tensor([[[[0.1, 0.3], [0.6, 1.0]]], [[[0.1, 0.3], [0.6, 1.0]]], [[[0.1, 0.3], [0.6, 1.0]]]], dtype=torch.float64)
    truth = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]]], [[[1.0, 1.0], [1.0, 1.0]]]], dtype=torch.float64)
    said = uniform_page(page, truth)[:, 0]
    assert torch.allclose(said[0], torch.tensor([[0.2, 0.2], [0.8, 0.8]], dtype=torch.float64))
    assert torch.allclose(said[1], torch.full((2, 2), 0.5, dtype=torch.float64))  # no ink: the mean of the paper
    assert torch.allclose(said[2], torch.full((2, 2), 0.5, dtype=torch.float64))  # ink alone: the mean of the ink


def test_the_uniform_page_keeps_colours_apart_and_is_its_own() -> None:
    torch.manual_seed(0)
    page, truth = torch.rand(2, 3, 9, 7), (torch.rand(2, 1, 9, 7) < 0.3).float()
    uniform = uniform_page(page, truth)
    assert torch.allclose(uniform_page(uniform, truth), uniform, atol=1e-6)
    ink = truth[0, 0] > 0
    for channel in range(3):
        assert torch.allclose(uniform[0, channel][ink], page[0, channel][ink].mean(), atol=1e-6)
        assert torch.allclose(uniform[0, channel][~ink], page[0, channel][~ink].mean(), atol=1e-6)


def test_the_wanted_page_of_truth_and_of_pairs_is_the_same() -> None:
    batches = [
        Batch(torch.from_numpy(image)[None], torch.from_numpy(wanted)[None])
        for image, wanted in (Strokes().crop(0), Strokes(pairs=True).crop(0))
    ]
    one, two = (wanted_page(batch, torch.device("cpu")) for batch in batches)
    assert torch.equal(one, two)
    assert set(one.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("name", ["deepotsu", "degan"])
def test_a_cut_and_resumed_run_equals_an_uncut_one(tmp_path: Path, name: str) -> None:
    """Both networks, both optimizers, and what dropout draws from."""
    setup = recipe(name)
    whole = train(setup, tmp_path / "whole", source=Strokes(), pages=[])
    assert not train(setup, tmp_path / "cut", source=Strokes(), pages=[], stop_at=3).finished
    torch.manual_seed(99)
    assert train(setup, tmp_path / "cut", source=Strokes(), pages=[], resume=True) == whole
    one, two = (flat(checkpoint.load(tmp_path / run / "last.safetensors")["task"]) for run in ("whole", "cut"))
    assert one.keys() == two.keys()
    assert [key for key in one if not torch.equal(one[key], two[key])] == []
    assert any("discriminator" in key for key in one) == (name == "degan")


@pytest.mark.parametrize("name", sorted(NETS))
@pytest.mark.parametrize("ink", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_batches_without_ink_and_of_ink_alone_train(name: str, ink: bool, precision: str) -> None:
    setup = recipe(name, run={"precision": precision})
    task = make_task(setup, Device(precision))
    crops = [Strokes(ink).crop(index) for index in range(3)]
    batch = Batch(torch.from_numpy(np.stack([crop[0] for crop in crops])), torch.from_numpy(np.stack([crop[1] for crop in crops])))
    for _ in range(2):
        values = task.step(batch, 1.0, 0.0)
        assert all(np.isfinite(float(value)) for value in values.values())
    assert all(torch.isfinite(value).all() for value in flat(task.state()).values())


@pytest.mark.parametrize("name", sorted(NETS))
def test_a_few_steps_on_one_batch_lower_the_loss(name: str) -> None:
    torch.manual_seed(0)
    variant = {**NETS[name], "dropout": 0.0} if name == "degan" else NETS[name]
    task = make_task(recipe(name, net={"variant": variant}), Device("float32"))
    crops = [Strokes().crop(index) for index in range(3)]
    batch = Batch(torch.from_numpy(np.stack([crop[0] for crop in crops])), torch.from_numpy(np.stack([crop[1] for crop in crops])))
    values = [float(task.step(batch, 1.0, 0.0)["loss"]) for _ in range(60)]
    assert min(values[-5:]) < 0.7 * values[0]


def test_the_judge_learns_and_the_generator_leaves_it_alone() -> None:
    task: Any = make_task(recipe("degan", loss={"terms": {"bce": 1.0}}, options={"discriminator_rate": 0.0}), Device("float32"))
    image, truth = Strokes().crop(0)
    batch = Batch(torch.from_numpy(image)[None].repeat(2, 1, 1, 1), torch.from_numpy(truth)[None].repeat(2, 1, 1))
    before = [weight.clone() for weight in task.discriminator.parameters()]
    generator = [weight.clone() for weight in task.generator.parameters()]
    task.step(batch, 1.0, 0.0)
    assert all(torch.equal(one, two) for one, two in zip(before, task.discriminator.parameters(), strict=True))
    assert any(not torch.equal(one, two) for one, two in zip(generator, task.generator.parameters(), strict=True))
    task.options = type(task.options)(discriminator_rate=1.0)
    task.step(batch, 1.0, 0.0)
    assert all(not torch.equal(one, two) for one, two in zip(before, task.discriminator.parameters(), strict=True) if one.ndim > 1)
    assert all(weight.requires_grad for weight in task.discriminator.parameters())


def test_wrong_recipes_are_refused() -> None:
    for changes, words in (
        ({"options": {"judge": 1}}, "unknown key options.judge"),
        ({"net": {"name": "unet", "variant": {}}}, "trains degan, not unet"),
    ):
        with pytest.raises(UsageError, match=words):
            make_task(recipe("degan", **changes), Device("float32"))
    with pytest.raises(UsageError, match="trains deepotsu"):
        make_task(recipe("deepotsu", net={"name": "unet", "variant": {}}), Device("float32"))
    with pytest.raises(UsageError, match=r"unknown key options\.x; there are none"):
        make_task(recipe("deepotsu", options={"x": 1}), Device("float32"))


@pytest.mark.parametrize("folder", ["deepotsu", "degan", "degan-clean-up", "degan-deblur", "fourbi", "unmark"])
def test_the_recipes_of_the_models_build_a_task_that_fits_its_megabytes(folder: str) -> None:
    setup = read_recipe(MODELS / folder / "recipe.toml")
    task = make_task(setup, Device("float32"))
    assert 2 * sum(value.numel() for value in task.net.state_dict().values()) < 8_000_000


@pytest.mark.parametrize("name", ["deepotsu", "degan"])
def test_a_network_that_repairs_pages_can_be_chosen_by_psnr(tmp_path: Path, name: str) -> None:
    """The number in the log is that of the best weights' own page against the one the task wants."""
    image, truth = Strokes().crop(50)
    setup = recipe(name, data={"score": "psnr"}, run={"validate_steps": 2, "steps": 8})
    outcome = train(setup, tmp_path, source=Strokes(), pages=[("a", image, truth)])
    net = make_task(setup, Device("float32")).net
    net.load_state_dict(checkpoint.load(tmp_path / "best.safetensors")["net"])
    made = clean_pages(net.eval(), image)[-1]
    wanted = np.where(truth, 0, 255).astype(np.uint8)
    if name == "deepotsu":
        wanted = np.empty_like(image)
        for mask in (truth, ~truth):
            wanted[mask] = np.rint(image[mask].mean(0))
    assert outcome.best == pytest.approx(10 * np.log10(255**2 / np.square(made.astype(float) - wanted).mean()), abs=0.05)
    with (tmp_path / "validation.csv").open(encoding="utf-8") as handle:
        assert max(float(row["mean"]) for row in csv.DictReader(handle)) == pytest.approx(outcome.best, rel=1e-5)


@pytest.fixture
def few_pages(tmp_path: Path) -> Path:
    """A folder of four pages with truth, as a recipe names it."""
    for number in range(4):
        rng = np.random.default_rng(number)
        truth = np.zeros((90 + 20 * number, 100), bool)
        truth[10:-10:9, 8:-8] = True
        image = np.where(truth, 70, 205)[..., None] + rng.normal(0, 5, (*truth.shape, 3))
        for kind, pixels in (("images", image.clip(0, 255).astype(np.uint8)), ("gt", np.where(truth, 0, 255).astype(np.uint8))):
            (tmp_path / "few" / kind).mkdir(parents=True, exist_ok=True)
            Pictures.fromarray(pixels).save(tmp_path / "few" / kind / f"p{number}.png")
    return tmp_path / "few"


def test_held_out_pairs_are_pieces_of_pages_that_the_crops_never_show(
    few_pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docbin.train import pairs
    from docbin.train.feed import open_validation, sides

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(pairs, "PIECE", 64)
    few = str(few_pages)
    data = {"weights": {few: 1.0}, "validation": [few], "validation_share": 0.5, "degrade": "none", "size": 32}
    for name in ("clean_up", "deblurring"):
        setup = recipe("degan", data={**data, "source": f"docbin.train.pairs:{name}", "score": "psnr"})
        shown = open_validation(setup, tmp_path)
        training, held_out = sides(setup.data, [few], tmp_path)
        assert [entry[0] for entry in shown] == [page.name for page in held_out]
        assert not {page.name for page in training} & {page.name for page in held_out}
        assert len(training) == len(held_out) == 2
        for (_, came, wanted), (_, again, _) in zip(shown, open_validation(setup, tmp_path), strict=True):
            assert np.array_equal(came, again)
            assert came.shape == (64, 64, 3)
            assert wanted.shape == (64, 64)
            assert wanted.dtype == np.uint8
    outcome = train(setup, tmp_path / "run", tmp_path)
    assert outcome.best is not None
    assert 3 < outcome.best < 60


@pytest.mark.slow
def test_pair_sources_cut_from_rendered_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.train import pairs
    from docbin.train.recipe import DataSection

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = DataSection(weights={"rendered": 1.0}, size=64, workers=0, rendered_pages=1)
    for make, shape in ((pairs.clean_up, (64, 64)), (pairs.deblurring, (64, 64)), (pairs.watermarks, (64, 64, 3))):
        one, two = make(data, tmp_path, 5), make(data, tmp_path, 5)
        assert all(np.array_equal(a, b) for a, b in zip(one.crop(2), two.crop(2), strict=True))
        came, wanted = one.crop(2)
        assert came.shape == (64, 64, 3)
        assert wanted.shape == shape
