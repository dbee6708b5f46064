"""scripts/check_generalisation.py: what it counts, and one run over rendered pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("check_generalisation")


def test_weak_recall_counts_pixels_and_pieces(script: Any) -> None:
    weak = np.zeros((10, 20), np.bool_)
    weak[1, 1:5] = weak[5, 1:3] = weak[8, 8] = True  # pieces of 4, 2 and 1 pixels
    ink = np.zeros_like(weak)
    ink[1, 1:3] = True  # half of the first
    ink[8, 8] = True
    ink[3, 3] = True  # outside, of no account
    assert script.weak_recall(ink, weak) == {"weak_recall": pytest.approx(300 / 7), "weak_pieces": pytest.approx(200 / 3)}


def test_behind_counts_pages_more_than_two_below_the_best_classical(script: Any) -> None:
    classical = [
        {"a": {"fm": 90.0}, "b": {"fm": 50.0}, "c": {"fm": 70.0}},
        {"a": {"fm": 80.0}, "b": {"fm": 60.0}, "c": {"fm": 70.0}},
    ]
    rows = [{"name": "a", "fm": 88.0}, {"name": "b", "fm": 57.9}, {"name": "c", "fm": 99.0}]
    assert script.behind(rows, classical) == 1, "b alone: 88 is exactly 2 below"
    assert script.behind(rows, []) is None


def test_the_kind_is_read_from_a_pages_name(script: Any) -> None:
    assert script.kind_of("failing-kinds/1000-pale-90-border-002") == "pale-90-border"


def test_a_method_may_have_parameters(script: Any) -> None:
    from docbin.errors import UsageError

    method, params = script.parsed("sauvola:window=31,k=0.1")
    assert method.name == "sauvola"
    assert (params["window"], params["k"]) == (31, 0.1)
    with pytest.raises(UsageError, match="does not exist"):
        script.parsed("sauvolla")


def test_a_run_writes_every_page_and_is_reused(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(script, "KINDS", {"failing-kinds": ("lone-marks", "low-contrast")})
    pool = script.FailingPages

    def small(count: int, seed: int, cache: str, papers: None, kinds: tuple[str, ...], dataset: str) -> Any:
        assert (kinds, dataset) == (("lone-marks", "low-contrast"), "failing-kinds")
        return pool(count, seed, cache, papers, kinds, shape=(400, 320))

    monkeypatch.setattr(script, "FailingPages", small)
    options = ["--sets", "failing-kinds", "--numbers", "1", "--cache", str(tmp_path), "--json", str(tmp_path / "one.json")]
    assert script.main(["otsu", "sauvola", *options]) == 0
    shown = capsys.readouterr().out
    assert "| otsu |" in shown
    assert "| lone-marks |" in shown
    result = json.loads((tmp_path / "one.json").read_text())
    rows = result["methods"][0]["sets"]["failing-kinds"]
    assert [row["name"].rpartition("/")[2] for row in rows] == ["1000-lone-marks-000", "1000-low-contrast-000"]
    assert all(0 <= row["weak_recall"] <= 100 and row["fm"] > 0 for row in rows)
    part = result["summaries"][0]["failing-kinds"]
    assert part["fm"] == pytest.approx(np.mean([row["fm"] for row in rows]))
    assert part["kinds"]["lone-marks"]["weak_recall"] == pytest.approx(rows[0]["weak_recall"])
    monkeypatch.setattr(script, "scored", lambda *_: pytest.fail("both methods are in the earlier file"))
    assert script.main(["otsu", "sauvola", *options, "--reuse", str(tmp_path / "one.json")]) == 0
    with pytest.raises(Exception, match="--data-root"):
        script.main(["otsu", "--sets", "nabuco"])
