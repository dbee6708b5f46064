# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""Hints: a student's maps as predictions of its teacher's, level by level."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.dbnet import DBNet, DBNetConfig
from docbin.train.checkpoint import load, save
from docbin.train.detection import Detection
from docbin.train.device import Device
from docbin.train.feed import Batch
from docbin.train.hints import Hints
from tests.detection.boxes import recipe

STUDENT = {
    "windows": [3, 9],
    "thetas": 6,
    "greys": 4,
    "first_stride": 2,
    "filters": [32, 32, 32],
    "encoder_convs": [1, 1, 1],
    "decoder_filters": [32, 32],
    "narrow": [32, 32],
    "decoder_convs": [1, 1],
}


@pytest.fixture
def teacher() -> torch.nn.Module:
    torch.manual_seed(0)
    return DBNet(DBNetConfig(widths=(8, 8, 16, 16), inner=8)).eval().requires_grad_(False)


def kept(hints: Hints, student: torch.nn.Module, teacher: torch.nn.Module, images: torch.Tensor) -> None:
    with hints.of_student(student):
        student.train().maps(images)
    with hints.of_teacher(teacher), torch.no_grad():
        teacher(images)


def test_maps_that_tell_nothing_cost_one_and_the_right_ones_nothing(teacher: torch.nn.Module) -> None:
    student, images = build("bitdbnet", STUDENT), torch.rand(2, 3, 64, 96)
    hints = Hints(student, teacher)
    assert hints.sides == [4, 8, 16]
    for read in hints.reads.values():
        torch.nn.init.zeros_(read.weight)
        torch.nn.init.zeros_(read.bias)
    kept(hints, student, teacher, images)
    assert float(hints().detach()) == pytest.approx(
        1, abs=0.03
    )  # a channel of random weights may vary by little more than the 1e-6 that is added
    kept(hints, student, teacher, images)
    for side in hints.sides:
        wanted = hints._said[f"teacher {side}"]
        assert wanted.shape == (2, 8, 64 // side, 96 // side)
        hints._said[f"student {side}"] = torch.nn.functional.pad(
            (wanted - wanted.mean((0, 2, 3), keepdim=True)) / wanted.std((0, 2, 3), keepdim=True),
            (0, 0, 0, 0, 0, hints.reads[str(side)].in_channels - 8),
        )
        with torch.no_grad():
            hints.reads[str(side)].weight[range(8), range(8)] = 1
    assert float(hints().detach()) == pytest.approx(0, abs=1e-3)
    assert not hints._said  # nothing is held between steps


def test_no_hook_stays_behind(teacher: torch.nn.Module) -> None:
    student = build("bitdbnet", STUDENT)
    hints = Hints(student, teacher)
    with pytest.raises(RuntimeError, match="midway"), hints.of_student(student), hints.of_teacher(teacher):
        raise RuntimeError("midway")
    hooked = [m for net in (student, teacher) for m in net.modules() if m._forward_hooks or m._forward_pre_hooks]
    assert not hooked


def test_what_cannot_be_copied_is_refused(teacher: torch.nn.Module) -> None:
    with pytest.raises(UsageError, match="a network of bits and a dbnet"):
        Hints(teacher, teacher)
    with pytest.raises(UsageError, match="no level at 1/4, 1/8"):
        Hints(
            build(
                "bitdbnet",
                {
                    **STUDENT,
                    "filters": [32],
                    "encoder_convs": [1],
                    "decoder_filters": [],
                    "narrow": [],
                    "decoder_convs": [],
                    "first_stride": 1,
                },
            ),
            teacher,
        )


def test_a_run_learns_the_hints_and_goes_on_with_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, teacher: torch.nn.Module) -> None:
    monkeypatch.setattr(Detection, "_load_teacher", lambda self: teacher)
    given = recipe(
        net={"name": "bitdbnet", "variant": STUDENT},
        options={"plain": 1.0, "teacher": "dbnet"},
        loss={"terms": {"bce": 1.0, "hints": 1.0}},
        optim={"rate": 1e-2},
    )
    torch.manual_seed(1)
    task = Detection(given, Device("float32"))
    batch = Batch(torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8), torch.ones(2, 64, 64, 3, dtype=torch.uint8))
    said = [float(task.step(batch, 1.0, 0.5)["hints"]) for _ in range(12)]
    assert said[-1] < 0.8 * said[0]
    save(tmp_path / "state.safetensors", task.state())
    other = Detection(given, Device("float32"))
    other.load_state(load(tmp_path / "state.safetensors"))
    assert float(other.step(batch, 1.0, 0.5)["hints"]) == pytest.approx(float(task.step(batch, 1.0, 0.5)["hints"]))
