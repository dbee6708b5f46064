"""Error pictures, the HTML report, scoring of pictures already there, and the two commands."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from docbin import catalogue
from docbin.cli import evaluate as evaluate_cli
from docbin.cli import score as score_cli
from docbin.cli.parser import for_typer
from docbin.errors import FileAccessError, InputError, SomePagesFailed, UsageError
from docbin.evaluate import evaluate, score_paths
from docbin.evaluate.error_pictures import FALSE, MISSED, PAPER, RIGHT, error_picture
from docbin.evaluate.html_report import LIST, write_report
from docbin.files import open_pages
from docbin.files.open_raster import write_open_raster
from tests.evaluate import rows


def app(command: Callable[..., Any]) -> typer.Typer:
    made = typer.Typer()
    made.command()(for_typer(command))
    return made


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Two pages: "good & plain" is as a threshold of 127 reads it, "worse" has a missed and a false pixel."""
    grey = np.full((6, 12), 255, np.uint8)
    grey[2:4, 3:9] = 0
    other = grey.copy()
    other[2, 3], other[5, 0] = 255, 0
    for name, truth in (("good & plain", grey), ("worse", other)):
        for kind, pixels in (("images", grey), ("gt", truth)):
            (tmp_path / "own" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "own" / kind / f"{name}.png")
    return tmp_path / "own"


def test_the_error_picture_shows_each_kind_in_its_colour() -> None:
    prediction, truth = np.array([[0, 1], [0, 1]], bool), np.array([[0, 0], [1, 1]], bool)
    assert error_picture(prediction, truth).tolist() == [[list(PAPER), list(FALSE)], [list(MISSED), list(RIGHT)]]


def test_the_report_shows_the_worst_page_first_and_all_its_pictures_exist(pages: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    result = evaluate(pages, rows.FIXED, pictures=out / "own-fixed")
    text = write_report([result], out, ["own-fixed"]).read_text(encoding="utf-8")
    assert text.index("<h3>worse") < text.index("<h3>good &amp; plain")
    sources = [unquote(source) for source in re.findall(r'src="([^"]+)"', text)]
    assert len(sources) == 8, "page, truth, errors and result of two pages"
    assert all((out / source).is_file() for source in sources)
    assert "http" not in text  # nothing from elsewhere
    errors = np.asarray(Image.open(out / "own-fixed" / "worse-errors.png").convert("RGB"))
    assert tuple(errors[2, 3]) == FALSE
    assert tuple(errors[5, 0]) == MISSED
    assert Image.open(out / "own-fixed" / "worse-result.png").mode == "1"


def test_methods_stand_side_by_side_on_every_page(pages: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    results = [evaluate(pages, row, params, pictures=out / name) for name, row, params in _METHODS]
    text = write_report(results, out, [name for name, *_ in _METHODS]).read_text(encoding="utf-8")
    articles = text.split("<article>")[1:]
    assert len(articles) == 2
    for article in articles:
        assert article.count("<figure>") == 4, "page, truth and two methods"
        assert article.count("-truth.png") == 2, "once, as a link and as a picture"
        assert article.index("<b>fixed</b>") < article.index("<b>fragile</b>")
    sources = [unquote(source) for source in re.findall(r'src="([^"]+)"', text)]
    assert all((out / source).is_file() for source in sources)
    assert text.count('<td data-label="FM"') == 2


_METHODS = (("own-fixed", rows.FIXED, {}), ("own-fragile", rows.FRAGILE, {}))


def test_a_new_run_takes_away_the_pictures_of_methods_it_does_not_show_and_nothing_else(pages: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    results = [evaluate(pages, row, params, pictures=out / name) for name, row, params in _METHODS]
    write_report(results, out, [name for name, *_ in _METHODS])
    (out / "own-fragile" / "notes.txt").write_text("mine")
    changed = out / "own-fragile" / "worse-result.png"
    changed.write_bytes(changed.read_bytes() + b"mine, too")
    result = evaluate(pages, rows.FIXED, pictures=out / "own-fixed")
    write_report([result], out, ["own-fixed"])
    assert sorted(path.name for path in (out / "own-fragile").iterdir()) == ["notes.txt", "worse-result.png"]
    assert len(list((out / "own-fixed").iterdir())) == 8
    write_report([], out, [])
    assert not (out / "own-fixed").exists(), "all of its files were ours, and so was the folder"


@pytest.mark.parametrize(
    "name", ["../outside-result.png", "/{root}/outside-result.png", "a/../../outside-result.png", "link/outside-result.png", "."]
)
def test_a_list_received_from_somebody_removes_nothing_outside_the_folder(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "elsewhere" / "outside-result.png"
    outside.parent.mkdir()
    outside.write_bytes(b"mine")
    out = tmp_path / "elsewhere" / "report"
    out.mkdir()
    (out / "link").symlink_to(outside.parent)
    found = outside.stat()
    name = name.replace("/{root}", str(outside.parent))
    (out / LIST).write_text(json.dumps({"files": {name: [found.st_size, found.st_mtime_ns]}}))
    write_report([], out, [])
    assert outside.read_bytes() == b"mine"


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": {"a": null}}', "[" * 100000, '{"files": {"a\\u0000b": [1, 2]}}'])
def test_a_damaged_list_names_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / LIST).write_text(text)
    (tmp_path / "a").write_text("mine")
    write_report([], tmp_path, [])
    assert (tmp_path / "a").read_text() == "mine"


def test_a_grey_photograph_is_no_mask(pages: Path, tmp_path: Path) -> None:
    truth = pages / "gt" / "worse.png"
    photograph = tmp_path / "scan.png"
    Image.fromarray(np.linspace(20, 235, 72, dtype=np.uint8).reshape(6, 12)).save(photograph)
    with pytest.raises(InputError, match=r"scan\.png: .* neither black nor white: this is no mask of ink .* 'docbin binarize'"):
        score_paths(photograph, truth)
    with pytest.raises(InputError, match="scan"):
        score_paths(truth, photograph)
    (tmp_path / "results").mkdir()
    for name in ("worse", "good & plain"):
        Image.open(photograph if name == "worse" else pages / "gt" / f"{name}.png").save(tmp_path / "results" / f"{name}.png")
    found = {page.name: page.error for page in score_paths(tmp_path / "results", pages / "gt")}
    assert found["good & plain"] is None
    assert "no mask of ink" in (found["worse"] or "")


def test_soft_edges_are_scored_with_a_warning_and_any_two_values_without(pages: Path, tmp_path: Path) -> None:
    grey = np.asarray(Image.open(pages / "gt" / "worse.png")).copy()
    grey[0, :5] = 200, 190, 180, 170, 160
    Image.fromarray(grey).save(tmp_path / "soft.png")
    told: list[str] = []
    (page,) = score_paths(tmp_path / "soft.png", pages / "gt" / "worse.png", told.append)
    assert page.scores is not None
    assert page.scores.fm == 100
    assert told == [f"{tmp_path / 'soft.png'}: 7 % of its pixels are neither black nor white; what is darker than 128 was taken for ink"]
    Image.fromarray(np.where(np.asarray(Image.open(pages / "gt" / "worse.png")) > 0, 200, 60).astype(np.uint8)).save(tmp_path / "two.png")
    (page,) = score_paths(tmp_path / "two.png", pages / "gt" / "worse.png", lambda text: pytest.fail(text))
    assert page.scores is not None
    assert page.scores.fm == 100


def test_one_picture_and_two_folders_are_scored(pages: Path) -> None:
    (page,) = score_paths(pages / "images" / "worse.png", pages / "gt" / "worse.png")
    assert page.scores is not None
    assert page.scores.precision == pytest.approx(100 * 11 / 12)
    Image.new("L", (3, 3)).save(pages / "gt" / "alone.png")
    found = {page.name: page for page in score_paths(pages / "images", pages / "gt")}
    assert found["alone"].error == f"alone: no picture of this name in {pages / 'images'}"
    assert found["good & plain"].scores is not None
    assert found["good & plain"].scores.fm == 100


def test_a_corrected_layer_of_ink_is_scored(pages: Path, tmp_path: Path) -> None:
    page = np.full((20, 30), 200, np.uint8)
    ink = np.zeros((20, 30), np.bool_)
    ink[5:9, 4:20] = True
    write_open_raster(page, ink, tmp_path / "page.ora")
    Image.fromarray(~ink).save(tmp_path / "truth.png")
    for pair in (("page.ora", "truth.png"), ("truth.png", "page.ora")):
        run = CliRunner().invoke(app(score_cli.command), [*(str(tmp_path / name) for name in pair), "--json"])
        assert run.exit_code == 0, run.output
        assert json.loads(run.stdout)["fm"] == 100
    with pytest.raises(InputError, match="an OpenRaster file, layers of an editor"), open_pages(tmp_path / "page.ora"):
        pass


def test_paths_that_do_not_fit_are_refused(pages: Path, tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="no such file"):
        score_paths(pages / "none.png", pages)
    with pytest.raises(UsageError, match="two pictures or two folders"):
        score_paths(pages / "images", pages / "gt" / "worse.png")
    Image.new("L", (3, 4)).save(tmp_path / "small.png")
    with pytest.raises(InputError, match=r"small\.png is 3 x 4 pixels, its truth .*worse\.png is 12 x 6"):
        score_paths(tmp_path / "small.png", pages / "gt" / "worse.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileAccessError, match="no picture"):
        score_paths(tmp_path / "empty", pages / "gt")


def test_the_score_command_prints_a_table_or_json(pages: Path) -> None:
    run = CliRunner().invoke(app(score_cli.command), [str(pages / "images"), str(pages / "gt")])
    assert run.exit_code == 0, run.output
    assert "good & plain" in run.stdout
    assert "mean" in run.stdout
    run = CliRunner().invoke(app(score_cli.command), [str(pages / "images" / "worse.png"), str(pages / "gt" / "worse.png"), "--json"])
    assert json.loads(run.stdout)["recall"] == pytest.approx(100 * 11 / 12)
    (pages / "gt" / "worse.png").unlink()
    run = CliRunner().invoke(app(score_cli.command), [str(pages / "images"), str(pages / "gt"), "--json"])
    assert isinstance(run.exception, SomePagesFailed)
    assert [entry["name"] for entry in json.loads(run.stdout)["errors"]] == ["worse"]


def test_the_evaluate_command_writes_all_it_is_asked_for(pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "METHODS", {"fixed": rows.FIXED, "fragile": rows.FRAGILE})
    out = {name: str(tmp_path / name) for name in ("a.json", "a.csv", "report")}
    words = [str(pages), "-m", "fixed", "-m", "fragile", "-p", "fixed.threshold=3"]
    words += ["--json", out["a.json"], "--csv", out["a.csv"], "--pictures", out["report"]]
    run = CliRunner().invoke(app(evaluate_cli.command), words)
    assert run.exit_code == 0, run.output
    assert "fixed" in run.stdout
    results = json.loads(Path(out["a.json"]).read_text(encoding="utf-8"))
    assert [(one["method"], one["params"]) for one in results] == [("fixed", {"threshold": 3}), ("fragile", {})]
    assert Path(out["a.csv"]).read_text(encoding="utf-8").count("\n") == 1 + 2 * 3
    assert (tmp_path / "report" / "index.html").is_file()
    run = CliRunner().invoke(app(evaluate_cli.command), [str(pages), "-m", "fixed", "--json", "-", "--limit", "1"])
    assert len(json.loads(run.stdout)[0]["images"]) == 1


def test_pages_that_are_missing_are_a_failure_unless_allowed(pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "METHODS", {"fixed": rows.FIXED})
    for kind in ("images", "gt"):
        (tmp_path / "dibco2013" / kind).mkdir(parents=True)
        for name in ("HW01", "PR02"):
            shutil.copy(pages / kind / "worse.png", tmp_path / "dibco2013" / kind / f"{name}.png")
    words = ["dibco2013", "-m", "fixed", "--data-root", str(tmp_path), "--json", str(tmp_path / "a.json")]
    run = CliRunner().invoke(app(evaluate_cli.command), words)
    assert isinstance(run.exception, SomePagesFailed)
    assert "dibco2013: only 2 of 16 pages are there" in str(run.exception)
    assert "--allow-missing" in str(run.exception)
    assert "missing: HW02, HW03, HW04," in str(run.exception)
    assert "and 2 more" in str(run.exception)
    assert "2 of 16" in run.stdout
    (result,) = json.loads((tmp_path / "a.json").read_text())
    assert result["missing"] == {"pages": 2, "expected": 16}
    run = CliRunner().invoke(app(evaluate_cli.command), [*words, "--allow-missing"])
    assert run.exit_code == 0, run.output
    assert json.loads((tmp_path / "a.json").read_text())[0]["missing"] == {"pages": 2, "expected": 16}
    run = CliRunner().invoke(app(evaluate_cli.command), [*words, "--limit", "2"])
    assert run.exit_code == 0, "all pages that were asked for are there"


@pytest.mark.parametrize(("words", "says"), [(["-p", "threshold"], "KEY=VALUE"), (["-p", "wolf.k=1"], "not among the methods")])
def test_the_evaluate_command_refuses_odd_parameters(pages: Path, words: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "METHODS", {"fixed": rows.FIXED})
    run = CliRunner().invoke(app(evaluate_cli.command), [str(pages), "-m", "fixed", *words])
    assert isinstance(run.exception, UsageError)
    assert says in str(run.exception)


def test_a_report_replaces_nothing_that_is_no_report_and_leaves_its_folder_by_no_link(
    pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "METHODS", {"fixed": rows.FIXED})
    folder, mine = tmp_path / "website", tmp_path / "mine"
    folder.mkdir()
    mine.mkdir()
    words = [str(pages), "-m", "fixed", "--pictures", str(folder)]
    (folder / "index.html").write_text("a page of the user's")
    run = CliRunner().invoke(app(evaluate_cli.command), words)
    assert isinstance(run.exception, FileAccessError)
    assert "no report of docbin's" in str(run.exception)
    assert (folder / "index.html").read_text() == "a page of the user's"
    (folder / "index.html").unlink()
    assert CliRunner().invoke(app(evaluate_cli.command), words).exit_code == 0
    assert CliRunner().invoke(app(evaluate_cli.command), words).exit_code == 0  # its own is replaced
    drawn = next(path for path in folder.iterdir() if path.is_dir())
    shutil.rmtree(drawn)
    drawn.symlink_to(mine)
    run = CliRunner().invoke(app(evaluate_cli.command), words)
    assert "is a link" in str(run.exception)
    assert list(mine.iterdir()) == []
    drawn.unlink()
    drawn.mkdir()
    (mine / "victim.png").write_text("precious")
    for name in ("worse-result.png", "worse-errors.png"):
        (drawn / name).symlink_to(mine / "victim.png")
    assert CliRunner().invoke(app(evaluate_cli.command), words).exit_code == 0
    assert (mine / "victim.png").read_text() == "precious"


def test_a_page_that_cannot_be_read_is_named_once(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "METHODS", {"fixed": rows.FIXED})
    worse = pages / "images" / "worse.png"
    worse.write_bytes(b"")
    run = CliRunner().invoke(app(evaluate_cli.command), [str(pages), "-m", "fixed"])
    says = str(run.exception)
    assert "1 page failed, the rest are scored" in says
    assert says.count(str(worse)) == 1


def test_scores_that_could_not_be_written_are_told_before_the_pages_are_scored(
    pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "METHODS", {"fixed": rows.FIXED})
    for option, path in (("--json", tmp_path / "nowhere" / "a.json"), ("--csv", tmp_path)):
        run = CliRunner().invoke(app(evaluate_cli.command), [str(pages), "-m", "fixed", option, str(path)])
        assert isinstance(run.exception, FileAccessError)
        assert f"{path}: cannot write" in str(run.exception)
        assert run.stdout == ""


def test_a_full_disk_leaves_the_scores_of_before(pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "METHODS", {"fixed": rows.FIXED})
    scores = tmp_path / "a.json"
    assert CliRunner().invoke(app(evaluate_cli.command), [str(pages), "-m", "fixed", "--json", str(scores)]).exit_code == 0
    before = scores.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    run = CliRunner().invoke(app(evaluate_cli.command), [str(pages), "-m", "fixed", "--json", str(scores)])
    assert str(run.exception) == f"{scores}: cannot write: the disk is full; free space or choose a folder on another disk"
    assert scores.read_bytes() == before
