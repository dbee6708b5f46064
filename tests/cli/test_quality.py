"""What the command line and the report say of a result's quality."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from docbin import cli
from docbin.batch.record import kind_of
from tests.assessment.pages import text_page


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two pages that come out well by one threshold for the page, and two of which half lies in shadow and turns black."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for seed in range(2):
        page, _ = text_page(seed)
        Image.fromarray(page).save(folder / f"good{seed}.png")
        shade = np.clip(np.linspace(1.9, 0.1, page.shape[1]), 0.25, 1.0)
        Image.fromarray((page * shade).astype(np.uint8)).save(folder / f"half{seed}.png")
    return folder


def test_suspect_pages_are_one_line_each_and_counted_by_reason(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "r.jsonl"
    words = ["binarize", str(scans), "-o", str(tmp_path / "out"), "-m", "otsu", "--jobs", "1", "--report", str(report)]
    assert cli.main(words) == 0
    told = capsys.readouterr().err.splitlines()
    lines = {Path(line["input"]).name: line for line in map(json.loads, report.read_text().splitlines())}
    for name, line in lines.items():
        assert 0 <= line["quality"] <= 1
        assert line["suspect"] is (name.startswith("half"))
        assert line["suspect"] is bool(line["reasons"])
        assert line["chosen"] is None
    assert all(lines[f"good{seed}.png"]["quality"] > lines[f"half{seed}.png"]["quality"] for seed in range(2))
    assert sum("suspect: " in line for line in told) == 2
    assert any("2 suspect" in line for line in told)
    kinds = Counter(kind for line in lines.values() for kind in {kind_of(reason) for reason in line["reasons"]})
    for kind, count in kinds.items():
        assert any(line.split() == ["docbin:", str(count), "pages" if count > 1 else "page", *kind.split()] for line in told), told


def test_a_page_below_the_quality_asked_is_an_exit_of_6_and_written(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["binarize", str(scans), "-o", str(out), "-m", "otsu", "--jobs", "1"]
    assert cli.main([*words, "--min-quality", "0.8"]) == 6
    assert (out / "half0.png").is_file()
    told = capsys.readouterr().err
    assert "below the 0.8 that was asked" in told
    assert "2 below the quality asked" in told
    assert cli.main([*words, "--min-quality", "0", "--overwrite"]) == 0
    assert cli.main([*words, "--min-quality", "0.8", "--resume", "-q"]) == 6  # kept, and still low


@pytest.mark.parametrize("value", ["1.5", "-0.1", "80"])
def test_a_quality_out_of_range_is_refused(scans: Path, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["binarize", str(scans / "good0.png"), "-o", "-", f"--min-quality={value}"]) == 1
    assert "an expected F-measure of 0 to 1 is wanted" in capsys.readouterr().err


def test_auto_says_in_the_report_which_method_it_took_and_why(scans: Path, tmp_path: Path) -> None:
    for suffix in ("jsonl", "csv"):
        report = tmp_path / f"r.{suffix}"
        words = ["-q", "binarize", str(scans / "good0.png"), "-o", str(tmp_path / "o.png"), "-m", "auto", "-p", "enough=1", "--overwrite"]
        assert cli.main([*words, "--report", str(report)]) == 0
    line = json.loads((tmp_path / "r.jsonl").read_text())
    assert line["method"] == "auto"
    assert set(line["verdicts"]) == {"bitunet", "otsu"}
    assert line["quality"] == line["verdicts"][line["chosen"]]
    assert line["quality"] >= line["verdicts"]["bitunet"]
    with (tmp_path / "r.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert row["chosen"] == line["chosen"]
    assert row["verdicts"].startswith("bitunet=0.")


def test_a_suspect_page_of_small_letters_is_told_what_helps_and_it_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Image.new("L", (620, 400), 225)
    draw = ImageDraw.Draw(page)
    for line in range(21):
        draw.text((40, 20 + 17 * line), "The quick brown fox jumps over the lazy dog 0123456789 and more"[line:], fill=40, font_size=9)
    pixels = np.asarray(page) + np.random.default_rng(3).normal(0, 4, (400, 620))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / "tiny.png", dpi=(75, 75))
    words = ["binarize", str(tmp_path / "tiny.png"), "-o", str(tmp_path / "ink.png"), "--overwrite", "--report", str(tmp_path / "r.jsonl")]
    assert cli.main(words) == 0
    told = capsys.readouterr().err
    assert "small letters: " in told
    assert "for which --enlarge auto takes twice the pixels" in told
    assert json.loads((tmp_path / "r.jsonl").read_text())["reasons"][-1].startswith("small letters: ")
    assert cli.main([*words, "--enlarge", "auto"]) == 0
    after = json.loads((tmp_path / "r.jsonl").read_text())
    assert after["reasons"] == []
    assert after["size"] == [1240, 800]
