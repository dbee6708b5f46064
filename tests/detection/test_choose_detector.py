"""``scripts/choose_detector.py``: the best setting of a trained detector, the smallest size that is worth it, and one look at the test pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from docbin.errors import UsageError
from docbin.zoo.folders import read_config
from tests.detection.boxes import bars

NAME = "choose_detector"


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Three validation pictures, one test picture and three without writing, made of bars."""
    root = tmp_path / "data"
    for folder, stems in (("icdar2015-train", ("img_801", "img_802", "img_900")), ("icdar2015", ("img_1",))):
        for kind in ("images", "gt"):
            (root / folder / kind).mkdir(parents=True)
        for number, stem in enumerate(stems):
            image, outlines = bars(20 + number, 72, 128, 3)
            Image.fromarray(image).save(root / folder / "images" / f"{stem}.png")
            lines = [",".join(f"{value:.0f}" for value in outline.ravel()) + ",word" for outline in outlines]
            (root / folder / "gt" / f"gt_{stem}.txt").write_text("\n".join(lines), encoding="utf-8")
    (root / "without-text" / "images").mkdir(parents=True)
    for number in range(3):
        Image.fromarray(bars(50 + number, 72, 128, 0)[0]).save(root / "without-text" / "images" / f"sky{number}.png")
    return root


def test_a_setting_is_chosen_written_and_looked_at_once(
    tiny_detector: Path, photographs: Path, tmp_path: Path, load_script: Callable[[str], Any], capfd: pytest.CaptureFixture[str]
) -> None:
    script = load_script(NAME)
    model, out = tmp_path / "model", tmp_path / "chosen.json"
    shutil.copytree(tiny_detector, model)
    words = [str(model), "--data-root", str(photographs), "--out", str(out)]
    search = [
        "--sides",
        "128",
        "32",
        "--thresholds",
        "0.3",
        "0.5",
        "--unclips",
        "0",
        "1.5",
        "--scores",
        "0.6",
        "0.99",
        "--accurate",
        "--write",
    ]
    assert script.main([*words, *search]) == 0
    told = json.loads(out.read_text(encoding="utf-8"))
    assert len(told["validation"]) == 2 * 2 * 2 * 2 * 2
    chosen = told["chosen"]
    assert (chosen["side"], chosen["score"], chosen["accurate"]) == (128, 0.6, False)
    assert chosen["f"] == max(one["f"] for one in told["validation"] if not one["accurate"]) > 80
    config = read_config(model)
    assert (config.detect.side, config.detect.score, config.detect.unclip) == (128, 0.6, chosen["unclip"])
    assert config.output.threshold == chosen["threshold"]
    assert script.main([*words, "--final"]) == 0
    test = json.loads(out.read_text(encoding="utf-8"))["test"]
    without = test["without_text"]
    assert (test["pictures"], without["learned_from"]["pictures"], without["held_out"]["pictures"]) == (1, 2, 1)
    assert test["f"] > 60
    assert without["held_out"]["false_outlines_a_picture"] == chosen["false"] == 0
    with pytest.raises(UsageError, match="looked at already"):
        script.main([*words, "--final"])
    assert "chosen: side 128" in capfd.readouterr().out


def test_a_larger_size_must_be_worth_its_time(load_script: Callable[[str], Any]) -> None:
    script = load_script(NAME)
    table = [
        script.Setting(side, False, 0.3, 0.0, 0.6, 0.0, 0.0, f, 0.0) for side, f in ((640, 60.0), (960, 69.8), (1280, 70.0), (960, 50.0))
    ]
    assert script.choose(table, 0.3).side == 960
    assert script.choose(table, 0.1).side == 1280
    assert script.choose(table, 20).side == 640
    assert np.isclose(script.choose(table, 0.3).f, 69.8)


def test_a_setting_with_many_false_outlines_is_not_chosen(load_script: Callable[[str], Any]) -> None:
    script = load_script(NAME)
    table = [script.Setting(640, False, 0.3, 0.0, 0.6, 0.0, 0.0, f, false) for f, false in ((70.0, 12.0), (69.0, 9.0), (60.0, 1.0))]
    assert script.choose(table, 0.3, 10).f == 69.0
    assert script.choose(table, 0.3).f == 70.0
    with pytest.raises(UsageError, match="at least 1 %"):
        script.choose(table, 0.3, 0.5)
