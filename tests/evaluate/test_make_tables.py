"""scripts/make_tables.py: JSON of evaluations -> tables between markers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docbin.zoo.cards import with_table


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("make_tables")


def result(dataset: str, method: str, fm: float, psnr: float | None = 15.0, **params: float) -> dict[str, Any]:
    mean = {"fm": fm, "pfm": 80.123, "psnr": psnr, "drd": 3.0}
    return {
        "dataset": dataset,
        "method": method,
        "params": params,
        "version": "1.0",
        "images": [{"name": "a", "seconds": 0.25}],
        "mean": mean,
    }


def test_the_table_has_methods_down_and_datasets_across(script: Any) -> None:
    table = script.markdown(
        [result("y1", "otsu", 78.6), result("y1", "wolf", 80.0, k=0.5), result("y2", "otsu", 85.4, psnr=None)]
    ).splitlines()
    assert table[0] == "| method | y1 (1) | y2 (1) | mean FM | s a page | MB |"
    assert table[2] == "| otsu | 78.60 / 80.12 / 15.00 / 3.00 | **85.40** / 80.12 / inf / 3.00 | **82.00** | 0.25 | - |"
    assert table[3] == "| wolf | **80.00** / 80.12 / 15.00 / 3.00 | - | - | 0.25 | - |"


def test_a_model_of_the_zoo_has_its_size(script: Any) -> None:
    from docbin.zoo import folders

    size = folders.load_config("unet").verified(folders.load_config("unet").weights).stat().st_size
    row = script.markdown([result("y1", "unet", 90.0)]).splitlines()[2]
    assert row.endswith(f"| 0.25 | {size / 1e6:.1f} |")


def reading(method: str, *errors: float) -> dict[str, Any]:
    images = [
        {"name": name, "kind": kind, "source": name[0], "cer": error, "bag_cer": error / 2}
        for name, kind, error in zip(("a1", "a2", "b1"), ("note", "note", "print"), errors, strict=True)
    ]
    return {"dataset": "set", "task": "ocr", "method": method, "version": "1.0", "images": images}


def test_readings_have_a_column_a_kind_and_the_difference_to_the_page_as_it_came(script: Any) -> None:
    lines = script.render([reading("raw", 10, 20, 6), reading("clean:x", 6, 16, 8)]).splitlines()
    assert lines[0] == "| method | note (2) | print (1) | all (3) | all, less raw (95 %) |"
    assert lines[2] == "| raw | 15.0 (7.5) | **6.0** (3.0) | 12.0 (6.0) | - |"
    assert lines[3] == "| clean:x | **11.0** (5.5) | 8.0 (4.0) | **10.0** (5.0) | -2.0 (-4.0 to +2.0) |"


def test_detectors_have_a_table_of_their_own(script: Any) -> None:
    row = {
        "dataset": "icdar2015-held-out",
        "task": "detect",
        "protocol": "icdar2015",
        "method": "a-detector",
        "version": "1.0",
        "images": [{"name": "a", "seconds": 0.25}, {"name": "b", "seconds": 0.75}],
        "mean": {"precision": 42.26, "recall": 39.04, "f": 40.57, "seconds": 0.5},
    }
    table = script.render([row]).splitlines()
    assert table[2] == "| a-detector | icdar2015-held-out (2) | icdar2015 | 42.3 | 39.0 | 40.6 | 0.5 | - |"
    assert len({line.count("|") for line in table[:3]}) == 1


def test_published_rows_say_what_they_learned_from(script: Any, tmp_path: Path) -> None:
    text = """
[protocols]
same = "as ours"
[[rows]]
method = "Net"
protocol = "same"
mark = "re-measured"
source = "their weights"
pfm2010 = true
dibco2011 = { fm = 94, pfm = 95.5, psnr = 20.25 }
[[rows]]
method = "Other"
protocol = "same"
mark = "read"
source = "paper"
note = "n"
dibco2016 = { psnr = 19.7 }
"""
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    lines = script.render(script.read(tmp_path / "s.toml")).splitlines()
    assert lines[2] == r"| Net | 94.00 / 95.50\* / 20.25 / - | - | same | their weights, re-measured |  |"
    assert lines[3] == "| Other | - | - / - / 19.70 / - | same | paper | n |"
    assert "same: as ours" in lines[-1]
    for wrong in (
        text.replace("fm = 94", "f = 94"),
        text.replace('"read"', '"heard"'),
        text.replace("note =", "nota ="),
        text.replace('protocol = "same"', 'protocol = "x"'),
    ):
        (tmp_path / "w.toml").write_text(wrong, encoding="utf-8")
        with pytest.raises(ValueError, match=r"published row '(Net|Other)'"):
            script.render(script.read(tmp_path / "w.toml"))


def test_the_published_table_in_the_repository_is_that_of_its_file(script: Any) -> None:
    root = Path(__file__).resolve().parents[2]
    page = (root / "BENCHMARKS.md").read_text(encoding="utf-8")
    table = script.render(script.read(root / "datasets" / "published" / "scores.toml"))
    assert with_table(page, "published", table) == page


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
        "limit": 4.0,
        "counts_by": "popcnt",
        "times": 0.5,
        "torch_ms": None,
    }
    assert "| popcnt | 0.50 |" in script.render([row])
    with pytest.raises(ValueError, match="neither"):
        script.render([{"unknown": 1}])


def test_the_table_of_pdf_sizes_has_pages_down_and_forms_across(script: Any) -> None:
    row = {"version": "1.0", "method": "otsu", "quality": 85, "ocrmypdf": "17.0", "megapixels": 2.0, "colours": 1, "seconds": 0.25}
    sizes = {"jpeg": 200_000, "g4": 20_000, "jbig2": 15_000, "layers": 25_000}
    first = row | {"pdf_sizes": "a/1", "bytes": sizes | {"ocrmypdf": 100_000}, "likeness": {"layers": 0.96, "ocrmypdf": 0.98}}
    second = row | {"pdf_sizes": "a/2", "bytes": sizes | {"layers": 15_000}, "likeness": {"layers": 0.97}, "ocrmypdf": None}
    lines = script.render([first, second]).splitlines()
    assert lines[2] == "| a/1 | 2.0 | 200 | 20 | 15 | 25 | 100 | 8.0 | 0.960 | 0.980 | 0.25 |"
    assert lines[3] == "| a/2 | 2.0 | 200 | 20 | 15 | 15 | - | 13.3 | 0.970 | - | 0.25 |"
    assert lines[4] == "| together | 4.0 | 400 | 40 | 30 | 40 | - | 10.0 | 0.965 | - | 0.50 |"
    assert lines[-1] == "docbin 1.0; OCRmyPDF 17.0; ink by otsu, JPEG of quality 85."


def test_engines_stand_beside_the_local_one(script: Any) -> None:
    common = {"method": "otsu", "jobs": 1, "pages": 40, "seconds": 20.0, "clock_seconds": 0.6, "busy": 1.0}
    rows = [
        {"engine": "local", "work_seconds": 0.49, "other_seconds": 0.01, "start_seconds": 1.25, "idle_share": 0.0, **common},
        {"engine": "ray", "work_seconds": 0.5, "other_seconds": 0.03, "start_seconds": 9.0, "idle_share": 0.02, **common},
    ]
    lines = script.render(rows).splitlines()
    assert lines[2] == "| local | otsu | 1 | 40 | 0.60 | 0.490 | 0.010 |  | 0.000 | 1.2 |"
    assert lines[3] == "| ray | otsu | 1 | 40 | 0.60 | 0.500 | 0.030 | +6.0% | 0.020 | 9.0 |"
