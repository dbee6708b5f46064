# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""`textregions`: cells of any page, and a training that teaches it where ink is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.inference import probability
from docbin.page import Image, Mask
from docbin.train.loop import train
from docbin.train.recipe import recipe_of
from docbin.train.regions import of_cells
from docbin.train.validate import validate

SMALL = {"width": 8}


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (70, 33), (129, 200)])
def test_it_answers_for_every_cell_of_any_page(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    net = build("textregions", SMALL).eval()
    said = probability(net, np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8))
    assert said.shape == tuple(-(-side // 16) for side in size)
    assert said.dtype == np.float32
    assert np.isfinite(said).all()


def test_the_darkest_pixel_of_four_by_four_is_seen() -> None:
    page = torch.ones(1, 3, 64, 64)
    page[..., 10, 9] = 0.0
    seen = build("textregions", SMALL).shrunk(page)[0]
    assert seen.shape == (4, 16, 16)
    assert seen[3, 2, 2] == -1
    assert seen[0, 2, 2] == pytest.approx(1 - 2 / 16)
    assert (seen[:, 5:] == 1).all()


def test_a_width_that_the_engine_cannot_compute_is_refused() -> None:
    with pytest.raises(UsageError, match="multiple of 8"):
        build("textregions", {"width": 12})


def test_cells_count_their_ink() -> None:
    truth = torch.zeros(1, 1, 20, 40)
    truth[..., 17:19, 33:36] = 1
    assert of_cells(truth)[0, 0].tolist() == [[0, 0, 0], [0, 0, 6]]


class Squares:
    """Dark squares on light, grainy paper."""

    def crop(self, index: int) -> tuple[Image, Mask]:
        rng = np.random.default_rng(index)
        page = (225 + rng.normal(0, 4, (128, 128))).clip(0, 255).astype(np.uint8)
        truth = np.zeros((128, 128), np.bool_)
        for _ in range(4):
            row, column = rng.integers(0, 112, 2)
            truth[row : row + 16, column : column + 16] = True
        page[truth] //= 4
        return np.dstack([page] * 3), truth


def recipe(task: str, net: str, variant: dict[str, object]) -> object:
    return recipe_of(
        {
            "task": task,
            "net": {"name": net, "variant": variant},
            "data": {"size": 128, "workers": 0},
            "optim": {"rate": 5e-3, "ema": 0.9},
            "run": {"steps": 100, "batch": 4, "precision": "float32", "log_steps": 5},
        }
    )


def test_a_training_learns_where_ink_is(tmp_path: Path) -> None:
    source = Squares()
    pages = [(f"page {k}", *source.crop(1000 + k)) for k in range(2)]
    outcome = train(recipe("regions", "textregions", SMALL), tmp_path / "run", source=source, pages=pages)  # type: ignore[arg-type]
    assert outcome.finished
    assert outcome.best is not None
    assert outcome.best > 60, "F-measure of cells with ink"
    log = (tmp_path / "run" / "train.csv").read_text(encoding="utf-8").splitlines()
    assert {"lost", "false", "crop_fm"} <= set(log[0].split(","))


def test_the_task_trains_no_network_that_draws_ink(tmp_path: Path) -> None:
    other = recipe("regions", "unet", {"widths": [8, 8], "encoder_blocks": [1, 1], "decoder_blocks": [1]})
    with pytest.raises(UsageError, match="it trains textregions"):
        train(other, tmp_path / "run", source=Squares(), pages=[])  # type: ignore[arg-type]


def test_the_held_out_score_is_that_of_cells() -> None:
    class Right(torch.nn.Module):
        cell = 16

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[[[5.0, -5.0], [-5.0, -5.0]]]])

    truth = np.zeros((20, 20), np.bool_)
    truth[3, 3] = True
    page = np.full((20, 20, 3), 255, np.uint8)
    assert validate(Right(), [("page", page, truth)], None)["mean"] == 100.0
