"""OCR as a judge: transcriptions, errors of text, what Tesseract is given, and the command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from docbin import benchmarks
from docbin.benchmarks import text_truth
from docbin.benchmarks.descriptors import PagePair
from docbin.cli import main
from docbin.errors import InputError, MissingExtra, UsageError
from docbin.evaluate import tesseract
from docbin.evaluate.judges.ocr_judge import OcrJudge, interval, preparation
from docbin.evaluate.run import evaluate
from docbin.metrics.text import bag_distance, distance, text_errors

pytest.importorskip("rapidfuzz")

ALTO = """<?xml version="1.0"?><alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Layout><Page><PrintSpace><TextBlock>
<TextLine><String CONTENT="Ein"/><SP/><String CONTENT="Hof-"/></TextLine>
<TextLine><String CONTENT="gut"/><HYP CONTENT="-"/></TextLine></TextBlock></PrintSpace></Page></Layout></alto>"""

PAGE = """<?xml version="1.0"?><PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page>
<ReadingOrder><OrderedGroup id="g"><RegionRefIndexed index="0" regionRef="b"/>
<RegionRefIndexed index="1" regionRef="a"/></OrderedGroup></ReadingOrder>
<TextRegion id="a"><TextLine><TextEquiv><Unicode>second</Unicode></TextEquiv></TextLine></TextRegion>
<TextRegion id="c"><TextEquiv><Unicode>third</Unicode></TextEquiv></TextRegion>
<TextRegion id="b"><TextLine><Word><TextEquiv><Unicode>word</Unicode></TextEquiv></Word>
<TextEquiv index="1"><Unicode>worse</Unicode></TextEquiv><TextEquiv index="0"><Unicode>first</Unicode></TextEquiv></TextLine></TextRegion>
</Page></PcGts>"""


def slow_distance(one: str, other: str) -> int:
    """Levenshtein's distance by its definition, row after row."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


@given(st.text("abc ", max_size=12), st.text("abc ", max_size=12))
def test_distances_are_levenshteins_and_order_never_helps_a_bag(one: str, other: str) -> None:
    assert distance(one, other) == slow_distance(one, other)
    assert bag_distance(one, other) <= distance(one, other)
    assert bag_distance(one, "".join(reversed(one))) == 0


def test_errors_worked_out_by_hand() -> None:
    errors = text_errors("tho cat sat", "the cat sat down")
    assert errors.rates() == pytest.approx({"cer": 100 * 6 / 16, "wer": 50.0, "bag_cer": 100 * 4 / 13, "bag_wer": 50.0})
    swapped = text_errors("sat the cat", "the cat sat").rates()
    assert swapped["cer"] > 50
    assert swapped["bag_cer"] == swapped["bag_wer"] == 0
    assert text_errors("", "abc").rates()["cer"] == 100


def test_transcriptions_in_every_form(tmp_path: Path) -> None:
    for name, text in (("plain.txt", "\ufeffe\u0301tat\n  de \t choses\n"), ("alto.xml", ALTO), ("page.xml", PAGE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    read = {name: text_truth.normalized(text_truth.read_text(tmp_path / name)) for name in ("plain.txt", "alto.xml", "page.xml")}
    assert read == {"plain.txt": "\u00e9tat de choses", "alto.xml": "Ein Hof- gut-", "page.xml": "first second third"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"\xff\xfe", "not UTF-8"),
        ("a.txt", b" \n", "holds no text"),
        ("a.xml", b"<svg/>", "ALTO"),
        ("a.xml", b"<alto>", "well-formed"),
        ("a.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><alto/>', "entities"),
    ],
)
def test_what_is_no_transcription_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        text_truth.transcription(PagePair("a", tmp_path / "a.png", tmp_path / "text" / name))


@pytest.mark.parametrize("text", ["{}[", '[{"kind": "x"}]', '[{"id": "a", "psm": "6"}]', '[{"id": "a", "dpi": [1]}]', "[3]"])
def test_items_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text/a.txt").write_text("x", encoding="utf-8")
    (tmp_path / "items.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"items\.json"):
        text_truth.transcription(PagePair("a", tmp_path / "a.png", tmp_path / "text/a.txt"))


def test_sources_are_guessed_from_names() -> None:
    found = [text_truth.source_of(stem) for stem in ("book-a_012", "stain-a", "filing7", "12", "plain")]
    assert found == ["book-a", "stain", "filing", "12", "plain"]


def test_the_interval_resamples_sources() -> None:
    assert interval([1, 2, 3], ["a", "a", "a"]) != interval([1, 2, 3], ["a", "b", "c"])
    low, high = interval([1.0, 1.0, 9.0, 9.0], ["a", "a", "b", "b"])
    assert (low, high) == (1, 9)
    values = list(np.random.default_rng(1).normal(10, 2, 400))
    low, high = interval(values, [str(k) for k in range(400)])
    assert low == pytest.approx(np.mean(values) - 1.96 * 0.1, abs=0.03)
    assert high == pytest.approx(np.mean(values) + 1.96 * 0.1, abs=0.03)


def test_what_tesseract_is_given() -> None:
    page = np.full((60, 90, 3), 200, np.uint8)
    page[20:40, 20:24] = 30
    assert preparation("raw").prepared(page)[0] is page
    assert preparation("otsu").prepared(page)[0].dtype == np.bool_
    clean, scale = preparation("clean:otsu").prepared(page)
    assert (clean.shape, scale) == ((60, 90), 1)
    assert clean[0, 0] == 255
    assert preparation("probability:bitunet").prepared(page)[0].dtype == np.uint8
    for name in ("otsu@2", "clean:otsu@2", "probability:bitunet@2"):
        assert preparation(name).name == name
        large, scale = preparation(name).prepared(page)
        assert (large.shape, scale) == ((120, 180), 2)
    assert preparation("clean:otsu").name == "clean:otsu"
    with pytest.raises(UsageError, match="no probability map"):
        preparation("probability:otsu")
    with pytest.raises(UsageError, match="choose one of auto, 1, 2"):
        preparation("otsu@3")
    with pytest.raises(UsageError, match="did you mean"):
        preparation("clean:otsuu")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program in place of Tesseract that tells what it was called with."""
    path = tmp_path / "tesseract"
    path.write_text(
        '#!/bin/sh\nif [ "$1" = --list-langs ]; then printf "List of languages (2):\\neng\\nFraktur\\n"; exit; fi\n'
        f'echo "$@ $OMP_THREAD_LIMIT" >> {tmp_path}/calls\nif [ "$4" = Fraktur ]; then echo no such >&2; exit 3; fi\necho "the  cat"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    monkeypatch.setattr(tesseract, "PROGRAM", str(path))
    monkeypatch.setattr(tesseract, "_READ", {})
    tesseract.program.cache_clear()
    tesseract.languages.cache_clear()
    yield tmp_path / "calls"
    tesseract.program.cache_clear()
    tesseract.languages.cache_clear()


def _set(folder: Path, **items: Any) -> Path:
    for name in ("images", "text"):
        (folder / name).mkdir(parents=True)
    for stem in ("a1", "a2", "b1"):
        Image.new("L", (60, 40), 255).save(folder / f"images/{stem}.png", dpi=(200, 200))
        (folder / f"text/{stem}.txt").write_text("the cat\n", encoding="utf-8")
    if items:
        (folder / "items.json").write_text(json.dumps([items]), encoding="utf-8")
    return folder


def test_the_runner_with_this_judge(fake: Path, tmp_path: Path) -> None:
    folder = _set(tmp_path / "set", id="b1", kind="note", psm=6, lang="eng")
    bench = benchmarks.load(folder)
    assert bench.task == "ocr"
    result = evaluate(bench, "otsu", data_root=folder, judge=OcrJudge("eng"))
    assert [page.error for page in result.failed] == []
    assert result.mean_values is not None
    assert result.mean_values["cer"] == 0
    told = result.as_dict()
    assert told["language"] == "eng"
    assert [(image["kind"], image["source"]) for image in told["images"]] == [("", "a"), ("", "a"), ("note", "b")]
    calls = fake.read_text().splitlines()
    assert [call.split(" - ")[1] for call in calls] == ["-l eng 1", "-l eng --psm 6 1"]  # a1 and a2 are the same page: read once
    evaluate(bench, "tesseract-sauvola", data_root=folder, judge=OcrJudge("eng"), limit=1)
    assert fake.read_text().splitlines()[-1].endswith("-c thresholding_method=2 1")


def test_a_page_on_which_tesseract_fails_is_one_error(fake: Path, tmp_path: Path) -> None:
    folder = _set(tmp_path / "set", id="a2", lang="Fraktur")
    result = evaluate(benchmarks.load(folder), "raw", data_root=folder, judge=OcrJudge("eng"))
    assert [page.name for page in result.failed] == ["a2"]
    assert "ended with 3: no such" in str(result.failed[0].error)


def test_the_command_shows_the_raw_page_beside(fake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(_set(tmp_path / "set"))
    assert main(["evaluate", folder, "--ocr", "eng", "-m", "clean:otsu", "--json", str(tmp_path / "out.json")]) == 0
    rows = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [row["method"] for row in rows] == ["raw", "tesseract-otsu", "tesseract-sauvola", "clean:otsu"]
    assert {row["task"] for row in rows} == {"ocr"}
    assert "CER %" in capsys.readouterr().out
    assert main(["evaluate", folder, "-m", "otsu"]) == 1
    assert "give --ocr LANG" in capsys.readouterr().err
    assert main(["evaluate", folder, "--ocr", "deu", "-m", "otsu"]) == 3
    assert "apt install tesseract-ocr-deu" in capsys.readouterr().err
    assert main(["evaluate", folder, "--ocr", "-x", "-m", "otsu"]) == 1


def test_without_the_program_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract, "PROGRAM", "no-such-program")
    tesseract.program.cache_clear()
    with pytest.raises(MissingExtra, match="apt install tesseract-ocr"):
        tesseract.read(np.zeros((9, 9), np.bool_), "eng")
    tesseract.program.cache_clear()


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="needs the program tesseract (apt install tesseract-ocr)")
def test_tesseract_itself_reads_a_line() -> None:
    page = Image.new("L", (700, 120), 255)
    ImageDraw.Draw(page).text((30, 30), "plain reading matter", fill=0, font=ImageFont.load_default(48))
    assert text_truth.normalized(tesseract.read(np.asarray(page), "eng", 7, (300, 300))) == "plain reading matter"
    assert text_truth.normalized(tesseract.read(np.asarray(page) < 128, "eng", 7, (300, 300))) == "plain reading matter"
