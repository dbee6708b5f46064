"""scripts/compare_quantizers.py at a size for tests: every method trains, rows are kept and resumed; and the table and figure made of rows."""

from __future__ import annotations

import json
import xml.etree.ElementTree as Xml
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docbin.bench import quantizers


@pytest.fixture(scope="module")
def compare(load_script: Callable[[str], Any]) -> Any:
    pytest.importorskip("torch")
    return load_script("compare_quantizers")


@pytest.fixture(scope="module")
def scale(compare: Any) -> Any:
    return compare.Scale(side=32, crops=16, window=48, draws=1, batch=4, page=(64, 96), least=1)


@pytest.fixture(scope="module")
def task(compare: Any, scale: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Crops and windows of the sample pages that come with docbin, small."""
    from docbin.data.store import LabelledPage, save_layers

    folder = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(0)
    pages = []
    for number in range(3):
        truth = np.zeros((90, 101), bool)
        truth[10::14, 8:-8] = truth[11::14, 8:-8] = True
        image = np.where(truth, 60, 200)[..., None] + rng.normal(0, 12, (90, 101, 3))
        save_layers(folder / f"{number}.npy", image.clip(0, 255).astype(np.uint8), truth)
        pages.append(LabelledPage(f"mine/{number}", "mine", folder / f"{number}.npy"))
    codes, truth = compare.training_crops(pages[:2], scale, folder)
    again = compare.training_crops(pages[:2], scale, folder)
    assert np.array_equal(codes, again[0])
    assert len(list(folder.glob("quantizers-*.npz"))) == 1
    return compare.Task(codes, truth, compare.scored_windows(pages[2:], scale))


def test_crops_are_the_stems_codes_and_their_truth(compare: Any, task: Any, scale: Any) -> None:
    from docbin.nets.stem import Stem

    torch = pytest.importorskip("torch")
    assert task.codes.shape == (16, 16, 16)
    assert task.truth.shape == (16, 32, 4)
    stem = Stem((5, 13), 7, 2, 0, 7.65)
    stem.grey.data = torch.from_numpy(compare.STEM["grey"])
    image = np.random.default_rng(1).integers(0, 256, (32, 40), dtype=np.uint8)
    wanted = stem(torch.from_numpy(image)[None, None].float())
    assert torch.equal(compare.signs_of(compare.codes_of(image)).float(), wanted)


def test_windows_are_degraded_by_strength(task: Any, scale: Any) -> None:
    assert list(task.windows) == ["", "0.33", "0.67", "1.00"]
    assert all(len(windows) == 1 for windows in task.windows.values())
    for windows in task.windows.values():
        assert windows[0].truth.shape == (48, 48)
        assert windows[0].codes.shape == (1, 24, 24)
    assert not np.array_equal(task.windows[""][0].codes, task.windows["1.00"][0].codes)


def test_every_method_trains_and_gets_its_row(compare: Any, task: Any, scale: Any) -> None:
    """One step each; the values of a method are covered by tests/quant, here it must get through training, scoring and costing."""
    costs = compare.Costs(scale)
    rows = {name: compare.train(name, 0, task, scale, 1, costs) for name in compare.NAMES}
    for name, row in rows.items():
        assert np.isfinite(row["loss"]), name
        assert 0 <= row["fm"] <= 100
        assert list(row["degraded"]) == ["0.33", "0.67", "1.00"]
        runs = row["deployment"] in ("folds to bits + integer threshold", "needs planes")
        assert (row["page_seconds"] is not None) == runs, name
        assert bool(row["why"]) != (row["deployment"] in ("folds to bits + integer threshold", "float32")), name
    assert rows["bwn"]["deployment"] == "cannot deploy"
    assert rows["multibasis"]["planes"] == 2
    assert rows["bnn"]["bytes"] < rows["zeromask"]["bytes"] < rows["float"]["bytes"]
    assert rows["multibasis"]["bytes"] - rows["bnn"]["bytes"] == 4 * (64 * 64 * 9 // 8 + 4 * 64)


def test_learning_helps(compare: Any, task: Any, scale: Any) -> None:
    training = compare.Training("bireal", 0, task, scale, 40)
    before = compare.f_measure(training.net, task.windows[""])
    for _ in range(40):
        training.step()
    assert compare.f_measure(training.net, task.windows[""]) > before + 10


def test_rows_are_kept_and_only_what_is_missing_is_done(compare: Any, task: Any, scale: Any, tmp_path: Path) -> None:
    out, said = tmp_path / "rows.json", []
    first = compare.compare(["bnn"], [0, 1], task, scale, out, 0.0, said.append, steps=2)
    assert [(row["method"], row["seed"]) for row in first] == [("bnn", 0), ("bnn", 1)]
    assert first[0]["steps"] == first[1]["steps"] == 2
    rows = compare.compare(["bnn", "float"], [0], task, scale, out, 999.0, said.append)
    assert [(row["method"], row["seed"]) for row in rows] == [("bnn", 0), ("bnn", 1), ("float", 0)]
    assert rows[2]["steps"] == rows[0]["steps"]  # the budget of the rows that are there, not of 999 seconds
    assert json.loads(out.read_text()) == rows
    with pytest.raises(ValueError, match="cannot be compared"):
        compare.compare(["dorefa"], [0], task, scale, out, 1.0, said.append, steps=rows[0]["steps"] + 1)
    assert compare.steps_for(["bnn"], 1, 3600.0, task, scale, trial=1) > 10
    with pytest.raises(ValueError, match="minutes are too few at this pace, 9999 steps"):
        compare.compare(["bnn"], [0], task, scale._replace(least=9999), tmp_path / "new.json", 1.0, said.append)
    rows[0]["steps"] += 1
    out.write_text(json.dumps(rows))
    with pytest.raises(ValueError, match="cannot be compared"):
        compare.compare(["bnn"], [2], task, scale, out, 1.0, said.append)


def row(method: str, seed: int, fm: float, **more: Any) -> dict[str, Any]:
    common = {"citation": "Nobody 2020", "deployment": "needs planes", "steps": 50, "crops": 400, "seconds": 5.0, "windows": 9, "why": "so"}
    found = {"planes": 2, "bytes": 20500, "page_seconds": 0.0125, "degraded": {"0.33": fm - 1, "1.00": fm - 9}}
    return {"method": method, "seed": seed, "fm": fm, **common, **found, **more}


ROWS = [row("worse", 0, 80.0, page_seconds=None, planes=None), row("better", 0, 90.0), row("better", 1, 91.0)]


def test_the_table_has_a_line_a_method_best_first() -> None:
    table = quantizers.show(ROWS).splitlines()
    assert table[2] == "| better | needs planes | 90.50 | 90.0 91.0 | 89.50 | 81.50 | 2 | 20 | 12 | 100 | Nobody 2020 |"
    assert table[3].startswith("| worse | needs planes | 80.00 | 80.0 |")
    assert " | - | 20 | - | 100 |" in table[3]
    assert table[-1] == "50 steps (400 crops) a run; FM in percent, mean over 9 held-out windows."


def test_the_figure_is_svg_with_every_method(tmp_path: Path) -> None:
    text = quantizers.figure([*ROWS, row("a<b", 0, 70.0, deployment="cannot deploy")])
    root = Xml.fromstring(text)
    assert [entry.text for entry in root.iter("{http://www.w3.org/2000/svg}text") if entry.get("text-anchor") == "end"] == [
        "better", "worse", "a<b",
    ]  # fmt: skip
    dots = [entry for entry in root.iter("{http://www.w3.org/2000/svg}circle") if entry.get("cy") == "70" and entry.get("r") == "5"]
    assert len(dots) == 1
    width = int(root.get("width") or 0)
    assert all(150 <= float(entry.get("cx") or 0) <= width for entry in root.iter("{http://www.w3.org/2000/svg}circle"))


def test_make_tables_writes_table_and_figure(tmp_path: Path, load_script: Callable[[str], Any]) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(ROWS), encoding="utf-8")
    page = tmp_path / "B.md"
    page.write_text("<!-- table: q -->\n<!-- end of table: q -->\n", encoding="utf-8")
    assert load_script("make_tables").main([f"q={tmp_path / 'rows.json'}", "--into", str(page)]) == 0
    assert "| better |" in page.read_text(encoding="utf-8")
    assert "(app/assets/quantizers.svg)" in page.read_text(encoding="utf-8")
    assert (tmp_path / "app/assets/quantizers.svg").read_text(encoding="utf-8") == quantizers.figure(ROWS)
