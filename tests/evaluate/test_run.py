"""Evaluation: what comes out for good pages, bad pages, and pages that kill their worker."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docbin import benchmarks
from docbin.catalogue import Method
from docbin.cli import main
from docbin.errors import FileAccessError, MissingExtra, UsageError
from docbin.evaluate import Result, evaluate
from docbin.evaluate.results import to_json, write_csv
from tests.evaluate import rows

Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Writes a benchmark of small random pages whose truth is "darker than 128": name -> (height, width)."""

    def write(**sizes: tuple[int, int]) -> Path:
        random = np.random.default_rng(5)
        for name, size in sizes.items():
            grey = random.integers(0, 256, size, dtype=np.uint8)
            for kind, pixels in (("images", grey), ("gt", np.where(grey < 128, 0, 255).astype(np.uint8))):
                (tmp_path / "own" / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(tmp_path / "own" / kind / f"{name}.png")
        return tmp_path / "own"

    return write


def test_pages_come_in_natural_order_with_all_scores(folder: Folder) -> None:
    result = evaluate(folder(p10=(9, 20), p2=(20, 9)), rows.FIXED, {"threshold": "100"})
    assert [page.name for page in result.pages] == ["p2", "p10"]
    assert (result.dataset, result.method, result.params) == ("own", "fixed", {"threshold": 100})
    assert result.mean is not None
    first, second = (scores for _, scores in result.scored)
    assert result.mean.fm == pytest.approx((first.fm + second.fm) / 2)
    assert first.precision == 100.0
    assert first.recall < 100.0


def test_perfect_pages_make_valid_json_with_null_for_infinity(folder: Folder) -> None:
    result = evaluate(folder(a=(9, 20)), rows.FIXED)
    text = to_json([result])
    (back,) = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert set(back) == {"dataset", "method", "params", "version", "images", "mean", "errors"}
    keys = {"name", "fm", "pfm", "psnr", "drd", "nrm", "mpm", "precision", "recall", "seconds"}
    assert keys <= set(back["images"][0])
    assert keys - {"name"} <= set(back["mean"])
    assert back["mean"]["fm"] == 100.0
    assert back["mean"]["psnr"] is None


def test_a_bad_page_is_named_and_the_rest_is_scored(folder: Folder) -> None:
    root = folder(a=(9, 20), b=(20, 9), c=(9, 20), d=(9, 20))
    (root / "images" / "c.png").write_bytes(b"broken")
    Image.new("L", (5, 5), 255).save(root / "gt" / "d.png")
    result = evaluate(root, rows.FRAGILE)
    errors = {page.name: page.error or "" for page in result.failed}
    assert set(errors) == {"b", "c", "d"}
    assert "too tall for me" in errors["b"]
    assert "c.png" in errors["c"]
    assert "20 x 9" in errors["d"]
    assert "5 x 5" in errors["d"]
    assert [page.name for page, _ in result.scored] == ["a"]
    table = list(csv.DictReader(_csv(result)))
    assert [row["name"] for row in table] == ["a", "b", "c", "d", "mean"]
    assert table[1]["fm"] == ""
    assert table[-1]["psnr"] == "inf"
    assert [entry["name"] for entry in result.as_dict()["errors"]] == ["b", "c", "d"]


def test_all_pages_bad_gives_no_mean_and_valid_json(folder: Folder) -> None:
    result = evaluate(folder(b=(20, 9)), rows.FRAGILE)
    assert result.mean is None
    assert math.isnan(result.seconds)
    assert json.loads(to_json([result]))[0]["mean"]["fm"] is None


def test_no_name_of_a_page_is_a_formula_to_a_spreadsheet_program(folder: Folder) -> None:
    result = evaluate(folder(**{"=1+1": (20, 9)}), rows.FIXED)
    assert [row["name"] for row in csv.DictReader(_csv(result))] == ["'=1+1", "mean"]
    assert result.as_dict()["images"][0]["name"] == "=1+1"  # JSON has it as it is


def _csv(result: Result) -> io.StringIO:
    text = io.StringIO()
    write_csv([result], text)
    text.seek(0)
    return text


@pytest.mark.slow
def test_workers_give_what_one_process_gives(folder: Folder) -> None:
    root = folder(a=(9, 20), b=(20, 9), c=(30, 31))
    seen: list[str] = []
    alone, together = evaluate(root, rows.FIXED), evaluate(root, rows.FIXED, jobs=2, progress=lambda page: seen.append(page.name))
    assert [(page.name, page.scores) for page in alone.pages] == [(page.name, page.scores) for page in together.pages]
    assert seen == ["a", "b", "c"]


@pytest.mark.slow
def test_a_page_that_kills_its_worker_takes_only_itself_along(folder: Folder) -> None:
    result = evaluate(folder(a=(9, 20), b=(20, 9), c=(9, 20)), rows.DEADLY, jobs=2)
    assert [page.name for page in result.failed] == ["b"]
    assert "worker process died" in (result.failed[0].error or "")
    assert len(result.scored) == 2


def test_truths_that_are_none_or_look_inverted(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """A photograph, or several pages, in place of a truth is the page's error; one that is mostly ink is scored, with a word about it."""
    root = folder(a=(40, 30), b=(40, 30), c=(40, 30), d=(40, 30))
    page = Image.open(root / "images" / "a.png")
    page.save(root / "gt" / "a.png")
    white = Image.new("1", page.size, 1)
    (root / "gt" / "b.png").unlink()
    white.save(root / "gt" / "b.tif", save_all=True, append_images=[white])
    Image.new("1", page.size, 0).save(root / "gt" / "c.png")
    assert main(["evaluate", str(root), "-m", "otsu", "--json", "-"]) == 6
    told = capsys.readouterr()
    (result,) = json.loads(told.out)
    assert [image["name"] for image in result["images"]] == ["c", "d"]
    assert [error["name"] for error in result["errors"]] == ["a", "b"]
    assert "a.png: 1" not in told.out
    assert f"{root}/gt/a.png: " in result["errors"][0]["message"]
    assert "no mask of ink but a grey picture" in result["errors"][0]["message"]
    assert "b.tif: has 2 pages" in result["errors"][1]["message"]
    assert f"{root}/gt/c.png: more than half of it is ink" in told.err
    assert "gt/d.png" not in told.err
    assert main(["score", str(root / "gt" / "c.png"), str(root / "gt" / "d.png")]) == 0
    assert "c.png: more than half of it is ink" in capsys.readouterr().err


def test_files_that_are_no_results_are_not_replaced(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(a=(9, 20))
    page = root / "images" / "a.png"
    before = page.read_bytes()
    for option in ("--csv", "--json"):
        assert main(["evaluate", str(root), "-m", "otsu", option, str(page)]) == 5
        assert f"{page}: it exists and is no result of 'docbin evaluate'" in capsys.readouterr().err
        assert page.read_bytes() == before
    out = tmp_path / "scores.csv"
    out.write_bytes(b"")
    for _ in range(2):  # an empty file and an earlier result may be replaced
        assert main(["evaluate", str(root), "-m", "otsu", "--csv", str(out), "--json", str(tmp_path / "scores.json")]) == 0
    assert [row["name"] for row in csv.DictReader(out.open())] == ["a", "mean"]
    assert main(["evaluate", str(root), "-m", "otsu", "--csv", str(out), "--json", str(out)]) == 1
    assert "give each a file of its own" in capsys.readouterr().err


def test_names_that_look_like_markup_are_told_as_they_are(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(a=(9, 20)).rename(folder(a=(9, 20)).parent / "[")
    (root / "images" / "a.png").rename(root / "images" / "[red]a.png")
    (root / "gt" / "a.png").rename(root / "gt" / "[red]a.png")
    (root / "images" / "b].png").write_bytes(b"")
    assert main(["evaluate", str(root), "-m", "otsu"]) == 0
    told = capsys.readouterr()
    assert told.out.count("[ ") == 1  # the name of the set
    assert "no truth for" in told.err
    assert "[/images/b].png" in told.err
    assert main(["score", str(root / "gt"), str(root / "gt")]) == 0
    assert "[red]a" in capsys.readouterr().out


def test_limit_and_problems(folder: Folder) -> None:
    root = folder(a=(9, 20), b=(9, 20))
    (root / "gt" / "c.png").write_bytes(b"")
    result = evaluate(root, rows.FIXED, limit=1)
    assert len(result.pages) == 1
    assert any(problem.startswith("c: no picture") for problem in result.problems)


def test_wrong_wishes_are_refused_before_any_page_is_read(folder: Folder, tmp_path: Path) -> None:
    root = folder(a=(9, 20))
    with pytest.raises(UsageError, match="limit=0"):
        evaluate(root, rows.FIXED, limit=0)
    with pytest.raises(UsageError, match="no parameter 'k'"):
        evaluate(root, rows.FIXED, {"k": 1})
    with pytest.raises(UsageError, match="does not exist"):
        evaluate(root, "no such method")
    with pytest.raises(MissingExtra, match="surely_not_there"):
        evaluate(root, Method("m", "f", "s", "c", "x:y", needs=("surely_not_there",), extra="howe"))
    with pytest.raises(FileAccessError, match="dibco2011/images"):
        evaluate("dibco2011", rows.FIXED, data_root=tmp_path)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("year", "method", "fm", "psnr", "drd"),
    [
        (2009, rows.OTSU, 78.60, 15.31, 22.57),
        (2010, rows.OTSU, 85.43, 17.52, 4.05),
        (2011, rows.OTSU, 82.10, 15.72, 8.95),
        (2012, rows.OTSU, 75.07, 15.03, None),
        (2013, rows.OTSU, 79.16, 16.35, None),
        (2014, rows.OTSU, 91.62, 18.72, 2.65),
        (2016, rows.OTSU, 86.59, 17.79, 5.58),
        (2017, rows.OTSU, 76.40, 13.38, None),
        (2009, rows.SAUVOLA, 84.99, 16.32, None),
        (2011, rows.SAUVOLA, 82.24, 15.70, None),
        (2014, rows.SAUVOLA, 83.93, 17.51, None),
        (2016, rows.SAUVOLA, 83.79, 17.15, None),
    ],
)
def test_the_means_of_whole_years_are_reproduced(
    benchmark_pages: Path, year: int, method: Method, fm: float, psnr: float, drd: float | None
) -> None:
    from docbin.metrics import mean, score

    bench = benchmarks.load(f"dibco{year}")
    scores = []
    for pair in bench.pairs(benchmark_pages.parent):
        ink = method.binarize(benchmarks.read_picture(pair.image_path))
        scores.append(score(ink, benchmarks.truth_mask(pair.truth_path), pseudo=False, distances=False))
    average = mean(scores)
    assert average.fm == pytest.approx(fm, abs=0.05)
    assert average.psnr == pytest.approx(psnr, abs=0.05)
    if drd is not None:
        assert average.drd == pytest.approx(drd, abs=0.05)
