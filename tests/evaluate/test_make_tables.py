"""scripts/make_tables.py: JSON of evaluations -> tables between markers."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_tables.py"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("make_tables", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def result(dataset: str, method: str, fm: float, psnr: float | None = 15.0, **params: float) -> dict[str, Any]:
    mean = {"fm": fm, "pfm": 80.123, "psnr": psnr, "drd": 3.0}
    return {"dataset": dataset, "method": method, "params": params, "version": "1.0", "images": [{"name": "a"}], "mean": mean}


def test_the_table_has_methods_down_and_datasets_across(script: Any) -> None:
    table = script.markdown(
        [result("y1", "otsu", 78.6), result("y1", "wolf", 80.0, k=0.5), result("y2", "otsu", 85.4, psnr=None)]
    ).splitlines()
    assert table[0] == "| method | y1 (1) | y2 (1) |"
    assert table[2] == "| otsu | 78.60 / 80.12 / 15.00 / 3.00 | **85.40** / 80.12 / inf / 3.00 |"
    assert table[3] == "| wolf | **80.00** / 80.12 / 15.00 / 3.00 | - |"


def test_two_runs_of_one_method_are_told_apart(script: Any) -> None:
    table = script.markdown([result("y", "wolf", 80.0, k=0.5), result("y", "wolf", 81.0, k=0.2)])
    assert "| wolf k=0.5 |" in table
    assert "| wolf k=0.2 |" in table


def test_writing_twice_changes_nothing_and_leaves_the_rest_alone(script: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([result("y", "otsu", 78.6)]), encoding="utf-8")
    page = tmp_path / "B.md"
    page.write_text("before\n<!-- table: t -->\nold\n<!-- end of table: t -->\nafter\n", encoding="utf-8")
    words = [f"t={tmp_path / 'a.json'}", "--into", str(page)]
    assert script.main(words) == 0
    once = page.read_text(encoding="utf-8")
    assert once.startswith("before\n<!-- table: t -->\n| method |")
    assert once.endswith("<!-- end of table: t -->\nafter\n")
    assert "old" not in once
    assert script.main(words) == 0
    assert page.read_text(encoding="utf-8") == once


def test_missing_markers_and_files_are_said(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "B.md"
    page.write_text("nothing here\n", encoding="utf-8")
    (tmp_path / "a.json").write_text("[]", encoding="utf-8")
    assert script.main([f"t={tmp_path / 'a.json'}", "--into", str(page)]) == 1
    assert "<!-- table: t -->" in capsys.readouterr().err
    assert script.main(["t=none.json", "--into", str(page)]) == 1
    assert "none.json" in capsys.readouterr().err


def test_the_rows_of_a_bench_become_its_table(script: Any) -> None:
    row = {
        "channels": 64,
        "filters": 64,
        "side": 8,
        "level": "scalar",
        "ms": 1.0,
        "gmacs": 2.0,
        "ceiling": 4.0,
        "share": 0.5,
        "torch_ms": None,
    }
    assert "50 %" in script.render([row])
    with pytest.raises(ValueError, match="neither"):
        script.render([{"unknown": 1}])
