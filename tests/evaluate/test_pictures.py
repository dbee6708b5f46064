"""Error pictures, the HTML report, scoring of pictures already there, and the two commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from docbin import catalogue
from docbin.cli import evaluate as evaluate_cli
from docbin.cli import score as score_cli
from docbin.errors import FileAccessError, InputError, SomePagesFailed, UsageError
from docbin.evaluate import evaluate, score_paths
from docbin.evaluate.pictures import FALSE, MISSED, PAPER, RIGHT, error_picture, write_report
from tests.evaluate import rows


def app(command: object) -> typer.Typer:
    made = typer.Typer()
    made.command()(command)  # type: ignore[arg-type]
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
    assert len(sources) == 6
    assert all((out / source).is_file() for source in sources)
    assert "http" not in text  # nothing from elsewhere
    errors = np.asarray(Image.open(out / "own-fixed" / "worse-errors.png").convert("RGB"))
    assert tuple(errors[2, 3]) == FALSE
    assert tuple(errors[5, 0]) == MISSED
    assert Image.open(out / "own-fixed" / "worse-result.png").mode == "1"


def test_one_picture_and_two_folders_are_scored(pages: Path) -> None:
    (page,) = score_paths(pages / "images" / "worse.png", pages / "gt" / "worse.png")
    assert page.scores is not None
    assert page.scores.precision == pytest.approx(100 * 11 / 12)
    Image.new("L", (3, 3)).save(pages / "gt" / "alone.png")
    found = {page.name: page for page in score_paths(pages / "images", pages / "gt")}
    assert found["alone"].error == f"alone: no picture of this name in {pages / 'images'}"
    assert found["good & plain"].scores is not None
    assert found["good & plain"].scores.fm == 100


def test_paths_that_do_not_fit_are_refused(pages: Path, tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="no such file"):
        score_paths(pages / "none.png", pages)
    with pytest.raises(UsageError, match="two pictures or two folders"):
        score_paths(pages / "images", pages / "gt" / "worse.png")
    Image.new("L", (3, 4)).save(tmp_path / "small.png")
    with pytest.raises(InputError, match=r"small\.png: prediction is 3 x 4 pixels, truth is 12 x 6"):
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


@pytest.mark.parametrize(("words", "says"), [(["-p", "threshold"], "KEY=VALUE"), (["-p", "wolf.k=1"], "not among the methods")])
def test_the_evaluate_command_refuses_odd_parameters(pages: Path, words: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "METHODS", {"fixed": rows.FIXED})
    run = CliRunner().invoke(app(evaluate_cli.command), [str(pages), "-m", "fixed", *words])
    assert isinstance(run.exception, UsageError)
    assert says in str(run.exception)
