# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""``docbin train --pages``: somebody with labelled pages gets a model that reads them better, and hears of it in words."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

import docbin
from docbin.cli import main
from docbin.data.own_pages import survey
from docbin.errors import UsageError
from docbin.train.own_pages import MINUTES, own_recipe, sides
from docbin.zoo import folders

SAMPLES = Path(str(resources.files("docbin.benchmarks.datasets"))) / "samples"
QUICK = ["--set", "data.size=64", "--set", "data.workers=0", "--set", "run.batch=2", "--set", "run.minutes=0", "--set", "run.log_steps=1"]


@pytest.fixture
def cut_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Corners of the sample pages, small enough to be scored in no time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for part in ("images", "gt"):
        (tmp_path / "mine" / part).mkdir(parents=True)
        for path in sorted((SAMPLES / part).iterdir()):
            with Image.open(path) as picture:
                picture.crop((200, 200, 520, 456)).save(tmp_path / "mine" / part / path.name)
    return tmp_path / "mine"


def test_pages_are_parted_by_page_and_few_pages_are_all_learned(cut_samples: Path) -> None:
    pages = survey(cut_samples).pages
    recipe = own_recipe(cut_samples, len(pages))
    learned, held_out = sides(pages, recipe.data)
    assert len(learned) == 4
    assert len(held_out) == 1
    assert not {page.name for page in learned} & {page.name for page in held_out}
    assert sides(pages[:2], recipe.data) == (list(pages[:2]), [])


def test_minutes_grow_with_the_pages_within_reason(tmp_path: Path) -> None:
    minutes = [own_recipe(tmp_path, pages).run.minutes for pages in (1, 12, 1000)]
    assert minutes == [MINUTES[0], 12.0, MINUTES[1]]
    assert own_recipe(tmp_path, 12, settings=["run.minutes=3"]).run.minutes == 3


def test_it_starts_from_any_model_that_tells_ink_from_paper(tmp_path: Path) -> None:
    for name in folders.names():
        config = folders.load_config(name)
        if config.task == "binarize" and config.net in ("unet", "bitunet", "bitsauvola", "sauvolanet", "fourbi"):
            recipe = own_recipe(tmp_path, 5, name)
            assert recipe.net.init == name
            assert recipe.data.depth == config.input.depth
        elif config.task != "binarize":
            with pytest.raises(UsageError, match="tells ink from paper"):
                own_recipe(tmp_path, 5, name)


def test_from_folder_to_model(cut_samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One step, so nothing is gained; but every part of the way is walked, and the weights are never worse than those it began with."""
    run = tmp_path / "run"
    assert main(["train", "--pages", str(cut_samples), "--from", "bitunet-fast", "--out", str(run), *QUICK, "--set", "run.steps=1"]) == 0
    said = capfd.readouterr().err
    assert "4 pages to learn from, 1 held out" in said
    assert "from the weights of bitunet-fast, 1 step\n" in said
    assert said.index("looking at the pages") < said.index("loading torch") < said.index("step 0: FM")
    assert re.search(r"F-measure on the held-out pages: \d+\.\d\d before, \d+\.\d\d after", said)
    with (run / "validation.csv").open() as file:
        scores = [float(row["mean"]) for row in csv.DictReader(file)]
    assert len(scores) >= 2
    page = Image.open(cut_samples / "images" / "faded-letter.png")
    ink = docbin.binarize(page, str(run))
    assert ink.shape == (page.height, page.width)
    assert main(["package", str(run), "-o", str(tmp_path / "my-model")]) == 0
    assert (tmp_path / "my-model" / "card.md").is_file()
    assert (tmp_path / "my-model" / "packed.safetensors").is_file()  # runs without torch
    modes = {path.stat().st_mode for folder in (run, tmp_path / "my-model") for path in folder.iterdir() if path.is_file()}
    assert len(modes) == 1  # whoever may read the card may read the weights
    packed = docbin.binarize(page, str(tmp_path / "my-model"))
    assert np.count_nonzero(packed ^ ink) < 0.002 * ink.size  # the run is computed in float, the model in bits
    assert main(["train", "--pages", str(cut_samples), "--from", "bitunet-fast", "--out", str(run), *QUICK]) == 1
    assert "holds a run already" in capfd.readouterr().err


def test_bad_pages_end_before_torch_is_loaded(cut_samples: Path) -> None:
    shutil.copy(cut_samples / "gt" / "faded-letter.png", cut_samples / "gt" / "typeset-stained.png")
    code = "import sys; from docbin.cli import main; code = main(sys.argv[1:]); sys.exit(50 if 'torch' in sys.modules else code)"
    began = time.process_time()
    done = subprocess.run([sys.executable, "-c", code, "train", "--pages", str(cut_samples)], capture_output=True, text=True)
    assert time.process_time() - began < 10
    assert done.returncode == 2, done.stderr
    assert "typeset-stained.png" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "give a recipe"),
        (["recipe.toml", "--pages", "mine"], "one of the two"),
        (["recipe.toml", "--from", "unet"], "goes with --pages"),
    ],
)
def test_a_recipe_or_pages_but_not_both(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *words]) == 1
    assert says in capsys.readouterr().err


@pytest.mark.slow
def test_two_minutes_on_the_samples_gain_on_the_page_that_is_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A hundred steps of small crops; two minutes of two idle cores, whatever else the machine does."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = tmp_path / "run"
    settings = ["run.steps=100", "run.minutes=0", "data.size=128", "data.workers=0", "run.validate_steps=50"]
    words = [word for setting in settings for word in ("--set", setting)]
    assert main(["train", "--pages", str(SAMPLES), "--out", str(run), *words]) == 0
    with (run / "validation.csv").open() as file:
        scores = [float(row["mean"]) for row in csv.DictReader(file)]
    assert max(scores) > scores[0] + 0.5
    assert "nothing was gained" not in capfd.readouterr().err
