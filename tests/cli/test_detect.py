"""``docbin detect`` and ``docbin evaluate`` of words as a user meets them: what is written where, resume, report, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import docbin
from docbin.cli import main
from tests.detection.boxes import bars


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three pictures, one in a folder below, and one file that is no picture."""
    folder = tmp_path / "photos"
    for name, seed in (("a.png", 1), ("b.jpg", 2), ("more/c.png", 3)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(bars(seed, 80, 100)[0]).save(folder / name, quality=95)
    (folder / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    return folder


def test_one_picture_prints_its_words(tiny_detector: Path, photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(photos / "a.png"), "-m", str(tiny_detector)]) == 0
    said = capfd.readouterr().out
    told = json.loads(said)
    assert said.count("\n") == 1
    assert set(told) == {"image", "size", "words"}
    assert (told["image"], told["size"]) == (str(photos / "a.png"), [100, 80])
    wanted = docbin.detect(bars(1, 80, 100)[0], tiny_detector)
    assert [word["polygon"] for word in told["words"]] == [word.polygon.astype(float).round(2).tolist() for word in wanted]
    assert len(wanted) == 2
    assert sorted(path.name for path in photos.iterdir()) == ["a.png", "b.jpg", "damaged.png", "more"]


def test_accurate_is_the_parameter(tiny_detector: Path, photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said = []
    for more in (["--accurate"], ["-p", "accurate=true"], []):
        assert main(["detect", str(photos / "a.png"), "-m", str(tiny_detector), *more]) == 0
        said.append(capfd.readouterr().out)
    assert said[0] == said[1] != said[2]


def test_each_format_by_its_suffix(tiny_detector: Path, photos: Path, tmp_path: Path) -> None:
    source = str(photos / "a.png")
    for name in ("words.json", "words.txt", "drawn.png", "drawn.jpg"):
        assert main(["detect", source, "-m", str(tiny_detector), "-o", str(tmp_path / name)]) == 0
    told = json.loads((tmp_path / "words.json").read_text())
    lines = [[int(value) for value in line.split(",")] for line in (tmp_path / "words.txt").read_text().splitlines()]
    assert [len(line) for line in lines] == [8, 8]
    exact = np.array([word["polygon"] for word in told["words"]]).reshape(2, 8)
    assert np.abs(np.array(lines) - exact).max() <= 0.505  # the JSON has two decimals: 18.503 is 18.5 there and 19 in the text
    for name in ("drawn.png", "drawn.jpg"):
        with Image.open(tmp_path / name) as picture:
            assert picture.size == (100, 80)
            changed = np.abs(np.asarray(picture, int) - bars(1, 80, 100)[0]).max(2) > 60
        assert 0.01 < changed.mean() < 0.3  # outlines, no more


def test_a_folder_is_mirrored_reported_and_resumed(
    tiny_detector: Path, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.jsonl"
    words = ["detect", str(photos), "-m", str(tiny_detector), "-o", str(out), "--format", "icdar", "--report", str(report)]
    assert main([*words, "--jobs", "2"]) == 6
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.txt")) == ["a.txt", "b.txt", "more/c.txt"]
    told = {Path(row["input"]).name: row for row in map(json.loads, report.read_text().splitlines())}
    assert {name: row["status"] for name, row in told.items()} == {
        "a.png": "done",
        "b.jpg": "done",
        "c.png": "done",
        "damaged.png": "failed",
    }
    assert told["a.png"]["words"] == 2
    assert told["a.png"]["ink"] is None
    assert told["a.png"]["parameters"]["score"] == 0.6
    before = (out / "a.txt").stat().st_mtime_ns
    assert main([*words, "--resume"]) == 6
    again = {Path(row["input"]).name: row for row in map(json.loads, report.read_text().splitlines())}
    assert (again["a.png"]["status"], again["a.png"]["words"]) == ("kept", 2)
    assert (out / "a.txt").stat().st_mtime_ns == before
    assert main([*words, "--resume", "-p", "score=0.7"]) != 0  # other settings are other results
    assert "damaged.png" in capfd.readouterr().err


def test_without_out_results_lie_beside_and_are_no_inputs_later(tiny_detector: Path, photos: Path) -> None:
    (photos / "damaged.png").unlink()
    words = ["detect", str(photos / "a.png"), str(photos / "b.jpg"), "-m", str(tiny_detector)]
    assert main(words) == 0
    assert main([*words, "--format", "picture"]) == 0
    there = {path.name for path in photos.iterdir() if not path.name.startswith(".")}
    assert there == {"a.png", "b.jpg", "more"} | {f"{name}.words.{suffix}" for name in "ab" for suffix in ("json", "jpg")}
    assert main(["detect", str(photos), "-m", str(tiny_detector)]) == 0
    beside = photos.parent / "photos.words"
    assert sorted(path.relative_to(beside).as_posix() for path in beside.rglob("*.json")) == ["a.json", "b.json", "more/c.json"]


def test_pages_of_a_document_are_files_of_their_own(tiny_detector: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pages = [Image.fromarray(bars(seed, 80, 100)[0]) for seed in (1, 2)]
    pages[0].save(tmp_path / "book.tif", save_all=True, append_images=pages[1:])
    words = ["detect", str(tmp_path / "book.tif"), "-m", str(tiny_detector)]
    assert main([*words, "-o", f"{tmp_path}/out/"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*.json")) == ["book.p0001.json", "book.p0002.json"]
    assert main(words) == 1  # two objects do not go to stdout as one
    assert "choose a folder" in capfd.readouterr().err
    assert main([*words, "--pages", "2"]) == 0
    assert json.loads(capfd.readouterr().out)["size"] == [100, 80]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["-o", "out.tif"], 1, "does not write .tif files"),
        (["--format", "pdf"], 1, "choose one of json, icdar, picture"),
        (["-p", "window=3"], 1, "no parameter 'window'"),
        (["-m", "no-such-model"], 1, "neither a model of docbin"),
    ],
)
def test_wrong_usage_is_told(
    words: list[str], code: int, says: str, tiny_detector: Path, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = [] if "-m" in words else ["-m", str(tiny_detector)]
    assert main(["detect", str(photos / "a.png"), *model, *words]) == code
    assert says in capfd.readouterr().err


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    """A user's own benchmark of words, one of them don't-care, in the plain layout."""
    for folder in ("images", "gt"):
        (tmp_path / "own" / folder).mkdir(parents=True)
    for number in (1, 2, 10):
        image, outlines = bars(number, 96, 128, 3)
        Image.fromarray(image).save(tmp_path / "own" / "images" / f"{number}.png")
        texts = ["###", "one", "two, three"]
        lines = [",".join(str(int(v)) for v in outline.ravel()) + f",{text}" for outline, text in zip(outlines, texts, strict=True)]
        (tmp_path / "own" / "gt" / f"gt_{number}.txt").write_text("﻿" + "\r\n".join(lines), encoding="utf-8")
    return tmp_path / "own"


def test_evaluate_counts_words(tiny_detector: Path, benchmark: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", str(benchmark), "-m", str(tiny_detector)]
    assert main([*words, "--json", "-", "--csv", str(tmp_path / "w.csv"), "--pictures", str(tmp_path / "pictures")]) == 0
    (told,) = json.loads(capfd.readouterr().out)
    assert (told["task"], told["protocol"], told["errors"]) == ("detect", "icdar2015", [])
    assert [image["name"] for image in told["images"]] == ["1", "2", "10"]
    assert sum(image["words"] for image in told["images"]) == 6  # the don't-care ones left out
    assert told["mean"]["f"] > 90
    assert (tmp_path / "w.csv").read_text().splitlines()[-1].startswith("own,")
    assert len(list((tmp_path / "pictures").rglob("*-words.jpg"))) == 3
    assert main([*words, "--limit", "1"]) == 0
    assert "precision" in capfd.readouterr().out


def test_evaluate_refuses_the_wrong_kind_of_method(tiny_detector: Path, benchmark: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(benchmark), "-m", "sauvola"]) == 1
    assert "neither a model" in capfd.readouterr().err
    assert main(["evaluate", "samples", "-m", str(tiny_detector)]) == 1
    assert "its task is detect" in capfd.readouterr().err


def test_a_damaged_truth_costs_its_picture(tiny_detector: Path, benchmark: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (benchmark / "gt" / "gt_2.txt").write_text("1,2,3\n")
    assert main(["evaluate", str(benchmark), "-m", str(tiny_detector), "--json", "-"]) == 6
    told = capfd.readouterr()
    assert [error["name"] for error in json.loads(told.out)[0]["errors"]] == ["2"]
    assert "line 1: 3 parts" in told.err
