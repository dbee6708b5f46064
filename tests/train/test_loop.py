# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""The loop on synthetic crops: it learns, resumes exactly, stops on time, survives pages without ink and pages of ink."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.errors import FileAccessError, UsageError
from docbin.page import Image, Mask
from docbin.train import checkpoint, loop
from docbin.train.device import Device
from docbin.train.feed import batches
from docbin.train.loop import _refuse_others, train
from docbin.train.recipe import Recipe, recipe_of
from docbin.train.validate import psnr, validate
from tests.nets.variants import BITUNET

TINY = {"widths": [8, 8], "encoder_blocks": [1, 1], "decoder_blocks": [1], "dilations": [1], "windows": [5], "head": 8}


class Strokes:
    """Dark bars on light noise; crop `index` depends on nothing but `index`. A fixed `ink` makes flat pages."""

    def __init__(self, size: int = 32, ink: bool | None = None) -> None:
        self.size, self.ink = size, ink

    def crop(self, index: int) -> tuple[Image, Mask]:
        rng = np.random.default_rng(index)
        truth = np.zeros((self.size, self.size), bool)
        for row, column in rng.integers(0, self.size - 8, (4, 2)):
            truth[row : row + 3, column : column + 8] = True
        if self.ink is not None:
            truth[:] = self.ink
        grey = np.where(truth, 90, 200)[..., None] + rng.normal(0, 8, (self.size, self.size, 3))
        return grey.clip(0, 255).astype(np.uint8), truth


def recipe(**changes: Any) -> Recipe:
    table: dict[str, Any] = {
        "net": {"name": "unet", "variant": TINY},
        "data": {"size": 32, "workers": 0},
        "optim": {"rate": 1e-2},
        "run": {"steps": 12, "batch": 4, "log_steps": 1, "precision": "float32", **changes},
    }
    return recipe_of(table)


def held_out(count: int = 2) -> list[tuple[str, Image, Mask]]:
    return [(f"page{k}", *Strokes(80).crop(10_000 + k)) for k in range(count)]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_it_learns(tmp_path: Path) -> None:
    outcome = train(recipe(steps=40), tmp_path, source=Strokes(), pages=held_out())
    assert outcome.finished
    assert outcome.step == 40
    assert outcome.best is not None
    assert outcome.best > 90
    log = rows(tmp_path / "train.csv")
    assert len(log) == 40
    assert float(log[-1]["loss"]) < 0.5 * float(log[0]["loss"])
    assert rows(tmp_path / "validation.csv")[-1]["mean"] == f"{outcome.best:.6g}"
    assert {"last.safetensors", "best.safetensors", "final.safetensors", "recipe.json"} <= {path.name for path in tmp_path.iterdir()}


def test_a_packed_network_is_taken_up_where_it_was(tmp_path: Path) -> None:
    from docbin import export
    from docbin.nets import build

    setup = dataclasses.replace(recipe(steps=30), task="bits")
    setup = dataclasses.replace(setup, net=dataclasses.replace(setup.net, name="bitunet", variant={**BITUNET, "greys": 11, "depths": 0}))
    first = train(setup, tmp_path / "first", source=Strokes(), pages=held_out())
    net = build("bitunet", setup.net.variant).eval()
    net.load_state_dict(checkpoint.load(tmp_path / "first" / "final.safetensors")["net"])
    (tmp_path / "packed.safetensors").write_bytes(export.to_packed(net))
    again = dataclasses.replace(setup, net=dataclasses.replace(setup.net, init=str(tmp_path / "packed.safetensors")))
    slow = dataclasses.replace(again, optim=dataclasses.replace(again.optim, rate=1e-5), run=dataclasses.replace(again.run, steps=1))
    second = train(slow, tmp_path / "second", source=Strokes(), pages=held_out())
    assert first.best is not None
    assert second.best is not None
    last = float(rows(tmp_path / "first" / "validation.csv")[-1]["mean"])
    assert last > 60
    assert abs(second.best - last) < 3


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_cut_and_resumed_run_equals_an_uncut_one_bit_for_bit(tmp_path: Path, precision: str) -> None:
    """The net lies in memory as channels_last and a checkpoint does not: moments loaded in the wrong order would show here from the second
    step on.
    """
    setup = recipe(precision=precision, validate_steps=4)
    whole = train(setup, tmp_path / "whole", source=Strokes(), pages=held_out())
    first = train(setup, tmp_path / "cut", source=Strokes(), pages=held_out(), stop_at=5)
    assert not first.finished
    assert first.step == 5
    torch.manual_seed(99)  # whatever happens in between must not matter
    second = train(setup, tmp_path / "cut", source=Strokes(), pages=held_out(), resume=True)
    assert second == whole
    one, two = (checkpoint.load(tmp_path / name / "last.safetensors") for name in ("whole", "cut"))
    for part in ("task", "ema"):
        flat_one: dict[str, torch.Tensor] = {}
        flat_two: dict[str, torch.Tensor] = {}
        assert checkpoint.split(one[part], part, flat_one) == checkpoint.split(two[part], part, flat_two)
        assert flat_one.keys() == flat_two.keys()
        assert all(torch.equal(flat_one[name], flat_two[name]) for name in flat_one)
    same = [{key: row[key] for key in ("step", "loss", "rate", "gradient")} for row in rows(tmp_path / "whole" / "train.csv")]
    assert [{key: row[key] for key in same[0]} for row in rows(tmp_path / "cut" / "train.csv")] == same
    assert rows(tmp_path / "whole" / "validation.csv") == rows(tmp_path / "cut" / "validation.csv")
    assert [row["step"] for row in rows(tmp_path / "whole" / "validation.csv")] == ["4", "8", "12"]  # the last step is not scored twice


def test_a_killed_run_drops_the_lines_after_its_checkpoint(tmp_path: Path) -> None:
    """The log may be ahead of the checkpoint when a run is killed; the resumed run must not tell those steps twice."""
    setup = recipe()
    train(setup, tmp_path, source=Strokes(), pages=[], stop_at=5)
    with (tmp_path / "train.csv").open("a", encoding="utf-8") as handle:
        handle.write(",".join(["6", *"0" * 8]) + "\n")
    train(setup, tmp_path, source=Strokes(), pages=[], resume=True)
    assert [int(row["step"]) for row in rows(tmp_path / "train.csv")] == list(range(1, 13))


def test_worker_processes_make_the_same_batches() -> None:
    setup = recipe(steps=4)
    alone = list(batches(Strokes(), setup, 1))
    helped = list(batches(Strokes(), dataclasses.replace(setup, data=dataclasses.replace(setup.data, workers=2)), 1))
    assert len(alone) == len(helped) == 3
    for one, two in zip(alone, helped, strict=True):
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.truth, two.truth)
    assert np.array_equal(alone[0].images[0].numpy(), Strokes().crop(4)[0])


def test_devices_share_a_batch_without_overlap() -> None:
    setup = recipe(steps=2)
    whole = torch.cat([batch.images for batch in batches(Strokes(), setup, 0)])
    shares = [torch.cat([batch.images for batch in batches(Strokes(), setup, 0, rank, 2)]) for rank in (0, 1)]
    assert torch.equal(torch.stack(shares, 1).flatten(0, 1), whole)
    with pytest.raises(UsageError, match="does not divide"):
        next(iter(batches(Strokes(), setup, 0, 0, 3)))


def test_strips_are_cut_from_the_same_crops_and_are_one_a_step() -> None:
    setup = recipe(steps=40)
    setup = dataclasses.replace(setup, data=dataclasses.replace(setup.data, strips=0.5))
    shapes = set()
    for step, batch in enumerate(batches(Strokes(), setup, 0)):
        height, width = batch.truth.shape[1:]
        shapes.add((height < 32, width < 32))
        assert min(height, width) >= 6
        image, truth = Strokes().crop(step * setup.run.batch)
        assert np.array_equal(batch.images[0].numpy(), image[:height, :width])
        assert np.array_equal(batch.truth[0].numpy(), truth[:height, :width])
    assert shapes == {(False, False), (True, False), (False, True)}
    with pytest.raises(UsageError, match=r"data\.strips = 2\.0"):
        next(iter(batches(Strokes(), dataclasses.replace(setup, data=dataclasses.replace(setup.data, strips=2.0)), 0)))


@pytest.mark.parametrize("ink", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_batches_without_ink_and_of_ink_alone_train(tmp_path: Path, ink: bool, precision: str) -> None:
    train(recipe(steps=5, precision=precision), tmp_path, source=Strokes(ink=ink), pages=[])
    assert all(np.isfinite(float(row["loss"])) and np.isfinite(float(row["gradient"])) for row in rows(tmp_path / "train.csv"))
    state = checkpoint.load(tmp_path / "final.safetensors")["net"]
    assert all(torch.isfinite(value).all() for value in state.values())


def test_it_ends_on_time(tmp_path: Path) -> None:
    outcome = train(recipe(steps=10**6, log_steps=5), tmp_path, source=Strokes(), pages=[], max_minutes=0.02)
    assert outcome.finished
    assert outcome.step < 10**5
    assert checkpoint.load(tmp_path / "last.safetensors")["progress"] == 1.0


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    train(recipe(steps=1), tmp_path, source=Strokes(), pages=[])
    with pytest.raises(UsageError, match="--resume"):
        train(recipe(steps=1), tmp_path, source=Strokes(), pages=[])
    other = dataclasses.replace(recipe(steps=2), net=dataclasses.replace(recipe().net, variant={**TINY, "head": 4}))
    with pytest.raises(UsageError, match=r"another net than this recipe's \(net\.variant\.head: 8, now 4\)"):
        train(other, tmp_path, source=Strokes(), pages=[], resume=True)


def test_a_run_that_goes_on_by_another_recipe_says_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(recipe(), tmp_path, source=Strokes(), pages=[], stop_at=1)
    train(recipe(), tmp_path, source=Strokes(), pages=[], stop_at=2, resume=True)
    assert "another than before" not in capsys.readouterr().err
    changed = dataclasses.replace(recipe(steps=3), optim=dataclasses.replace(recipe().optim, rate=5e-3))
    assert train(changed, tmp_path, source=Strokes(), pages=[], resume=True).step == 3
    assert "the recipe is another than before: optim.rate: 0.01, now 0.005; run.steps: 12, now 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("there", "resume", "says"),
    [
        (["train.csv"], False, "holds a run already (train.csv)"),
        (["train.csv"], True, "holds train.csv, but no run to go on with"),
        (["best.safetensors", "recipe.json"], False, "holds a run already (best.safetensors)"),
        (["recipe.json", "validation.csv"], True, None),
        (["notes.txt"], False, None),
    ],
)
def test_files_of_others_in_the_folder_stay_as_they_are(there: list[str], resume: bool, says: str | None, tmp_path: Path) -> None:
    """A table of one's own called train.csv lost its numbered lines; weights whose checkpoint was deleted were replaced."""
    for name in there:
        (tmp_path / name).write_text("1,2\n2,3\n")
    if says is None:
        _refuse_others(tmp_path, resume)
        return
    with pytest.raises(UsageError) as caught:
        train(recipe(steps=1), tmp_path, source=Strokes(), pages=[], resume=resume)
    assert says in str(caught.value)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(there, "1,2\n2,3\n")


def test_a_run_can_start_from_anothers_weights(tmp_path: Path) -> None:
    train(recipe(steps=3), tmp_path / "a", source=Strokes(), pages=[])
    setup = recipe(steps=1)
    for name in ("final.safetensors", "last.safetensors"):
        init = dataclasses.replace(setup.net, init=str(tmp_path / "a" / name))
        still = dataclasses.replace(setup, net=init, optim=dataclasses.replace(setup.optim, rate=0.0, ema=0.0))
        train(still, tmp_path / name, source=Strokes(), pages=[])
        before = checkpoint.load(tmp_path / "a" / "final.safetensors")["net"]
        after = checkpoint.load(tmp_path / name / "final.safetensors")["net"]
        assert all(torch.equal(before[key], after[key]) for key in before if key.endswith("weight"))


def test_a_step_with_an_infinite_gradient_is_left_out() -> None:
    device = Device("float32")
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([weight], lr=0.1)
    norm = device.optimizer_step((weight * torch.tensor([float("inf"), 1.0])).sum(), optimizer, 1.0)
    assert not np.isfinite(norm)
    assert torch.equal(weight.detach(), torch.ones(2))


def test_precisions_are_checked() -> None:
    with pytest.raises(UsageError, match="choose one of"):
        Device("float8")


def test_a_run_whose_gradients_are_never_finite_says_so_and_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Strokes):
        """Crops 20 to 23, the sixth step, break one step; from the tenth on all do."""

        broken: Any = None

        def crop(self, index: int) -> tuple[Image, Mask]:
            self.broken.fail = index // 4 == 5 or index // 4 >= 9
            return super().crop(index)

    source = Broken()
    before = loop.Device.optimizer_step

    def optimizer_step(device: Device, loss: torch.Tensor, optimizer: torch.optim.Optimizer, clip: float) -> float:
        return before(device, loss * float("nan") if device.fail else loss, optimizer, clip)  # type: ignore[attr-defined]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Device, "optimizer_step", optimizer_step)
        patch.setattr(loop.Device, "fail", False, raising=False)
        source.broken = loop.Device
        with pytest.raises(UsageError, match=r"step 49: .* 40 steps in a row.*optim\.rate.*--resume"):
            train(recipe(steps=100, checkpoint_minutes=0.0), tmp_path, source=source, pages=[])
    said = capsys.readouterr().err
    assert "step 6: the gradient is not finite, the weights stay as they are (1 times" in said
    assert "step 10: the gradient is not finite, the weights stay as they are (2 times" in said
    assert checkpoint.load(tmp_path / "last.safetensors")["step"] == 9, "no checkpoint of a run that has begun to fail"


def test_held_out_ink_is_scored_by_f_measure_and_pictures_by_psnr() -> None:
    class Known(torch.nn.Module):
        """Says what the red channel says; cleans a page by giving it back 51 levels darker."""

        halo, stride, steps, step_halo = 0, 1, 1, 0

        def __init__(self) -> None:
            super().__init__()
            self.nothing = torch.nn.Parameter(torch.zeros(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return 20.0 * (images[:, :1] - 0.5)

        def enter(self, images: torch.Tensor) -> torch.Tensor:
            return images[:, :1]

        def step(self, number: int, page: torch.Tensor) -> torch.Tensor:
            return page - 0.2

    image = np.zeros((1, 5, 3), np.uint8)
    image[0, [0, 1, 2, 4]] = 255  # of four ink pixels three are found, and one is wrong: F = 2 * 3 / (4 + 4)
    truth = np.array([[True, True, True, True, False]])
    assert validate(Known(), [("a", image, truth), ("b", image[:, :3], truth[:, :3])], None) == {
        "mean": pytest.approx(87.5),
        "a": pytest.approx(75.0),
        "b": 100.0,
    }
    grey = np.full((4, 6, 3), 151, np.uint8)
    pages = [("a", grey, np.full((4, 6), 100, np.uint8)), ("b", grey, np.full((4, 6), 151, np.uint8))]
    scores = validate(Known(), pages, None)
    assert scores["a"] == 100.0
    assert scores["b"] == pytest.approx(20 * np.log10(5))  # all pixels wrong by a fifth
    assert psnr(np.dstack([pages[0][2]] * 3), pages[0][2]) == 100.0


@pytest.mark.parametrize(
    ("score", "words"), [("iou", "choose one of fm, psnr"), ("psnr", "only says where ink is"), ("fm", "a picture is wanted")]
)
def test_a_score_that_does_not_fit_is_refused(tmp_path: Path, score: str, words: str) -> None:
    setup = recipe(steps=1)
    setup = dataclasses.replace(setup, data=dataclasses.replace(setup.data, score=score))
    name, image, truth = held_out(1)[0]
    with pytest.raises(UsageError, match=words):
        train(setup, tmp_path, source=Strokes(), pages=[(name, image, truth if score != "fm" else image[..., 0])])


def test_a_checkpoint_that_does_not_fit_on_the_disk_leaves_nothing_behind(
    tmp_path: Path, files_of_at_most: Callable[[int], AbstractContextManager[None]]
) -> None:
    checkpoint.save(tmp_path / "last.safetensors", {"net": {"w": torch.zeros(3)}})
    with files_of_at_most(2000), pytest.raises(FileAccessError, match=r"last\.safetensors: cannot write the checkpoint"):
        checkpoint.save(tmp_path / "last.safetensors", {"net": {"w": torch.zeros(10_000)}})
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]
    assert checkpoint.load(tmp_path / "last.safetensors")["net"]["w"].shape == (3,)
