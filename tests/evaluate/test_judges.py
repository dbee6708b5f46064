"""One runner for every task: what the judges of words and of lettering make of small sets, and the JSON of version 0.1.0."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from docbin.benchmarks.descriptors import TASKS
from docbin.detection.table import DetectorRow
from docbin.errors import UsageError
from docbin.evaluate import evaluate
from docbin.evaluate.judges import JUDGES, judge_of
from docbin.evaluate.judges.ink_judge import InkJudge
from docbin.evaluate.results import by_judge, to_json, write_csv
from docbin.evaluate.tables import means_table
from docbin.page import Mask
from docbin.registry import Row
from docbin.word import Word
from tests.evaluate import rows

BOXES = {"img_1": [(5, 5, 25, 15), (30, 5, 50, 15)], "img_2": [(5, 20, 25, 30)]}


def corners(box: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Two pictures with three words; the detector below finds the first word of each, and something else."""
    for kind in ("images", "gt"):
        (tmp_path / "signs" / kind).mkdir(parents=True)
    for name, boxes in BOXES.items():
        picture = np.full((40, 60, 3), 255, np.uint8)
        for left, top, right, bottom in boxes:
            picture[top:bottom, left:right] = 0
        Image.fromarray(picture).save(tmp_path / "signs" / "images" / f"{name}.png")
        lines = [",".join(str(value) for corner in corners(box) for value in corner) + ",word" for box in boxes]
        (tmp_path / "signs" / "gt" / f"gt_{name}.txt").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "signs"


def find(image: Any, *, model: str = "") -> list[Word]:
    """The first dark box of a picture, and one that is none."""
    dark = image[..., 0] < 128
    top = int(np.argmax(dark.any(1)))
    left = int(np.argmax(dark[top]))
    found = [(left, top, left + 20, top + 10), (40, 32, 55, 39)]
    return [Word(np.array(corners(box), np.float32), score=0.9) for box in found]


DETECTOR = DetectorRow("first-box", "detector", "finds one word", "nobody", find=f"{__name__}:find")


def test_words_are_counted_together_and_shaped_as_in_version_0_1_0(words: Path, tmp_path: Path) -> None:
    result = evaluate(words, DETECTOR, pictures=tmp_path / "out")  # type: ignore[arg-type]
    (told,) = json.loads(to_json([result]))
    assert list(told) == ["dataset", "task", "protocol", "method", "params", "version", "images", "mean", "errors"]
    assert (told["dataset"], told["task"], told["protocol"], told["method"]) == ("signs", "detect", "icdar2015", "first-box")
    assert list(told["images"][0]) == [
        "name", "precision", "recall", "f", "found", "words", "small_words", "small_found", "seconds"
    ]  # fmt: skip
    assert [(one["name"], one["precision"], one["recall"], one["found"], one["words"]) for one in told["images"]] == [
        ("img_1", 50, 50, 2, 2),
        ("img_2", 50, 100, 2, 1),
    ]
    assert list(told["mean"]) == [
        "precision", "recall", "f", "small_words", "small_found", "small_recall", "wordless", "false_each", "seconds"
    ]  # fmt: skip
    assert told["mean"]["recall"] == pytest.approx(100 * 2 / 3), "two of three words, not the mean of 50 and 100"
    assert told["errors"] == []
    table = list(csv.DictReader(csv_of(result)))
    assert [row["name"] for row in table] == ["img_1", "img_2", "mean"]
    assert (table[0]["found"], table[2]["found"]) == ("2", "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["img_1-words.jpg", "img_2-words.jpg"]
    assert [column.header for column in means_table([result], result.judge).columns] == [
        "dataset", "detector", "counted by", "pictures", "precision", "recall", "F", "s/picture"
    ]  # fmt: skip


def csv_of(*results: Any) -> io.StringIO:
    text = io.StringIO()
    write_csv(results, text)
    text.seek(0)
    return text


@pytest.fixture
def lettering(tmp_path: Path) -> Path:
    """Two pages of lettering: one found whole (100 pixels), one of which the page shows a quarter (25 of 100)."""
    for kind in ("images", "gt"):
        (tmp_path / "comic" / kind).mkdir(parents=True)
    (tmp_path / "comic" / "descriptor.toml").write_text(
        'name = "comic"\ntitle = "t"\nyear = 2026\nrole = "other"\nhomepage = "h"\nlicence = "l"\ncitation = "c"\nexpected = 2\ntask = "text-mask"\n'
    )
    for name, share in (("p1", 10), ("p2", 5)):
        page, truth = np.full((40, 60), 255, np.uint8), np.full((40, 60), 255, np.uint8)
        truth[10:20, 10:20] = 0
        page[10 : 10 + share, 10 : 10 + share] = 0
        Image.fromarray(page).save(tmp_path / "comic" / "images" / f"{name}.png")
        Image.fromarray(truth).save(tmp_path / "comic" / "gt" / f"{name}.png")
    return tmp_path / "comic"


def test_lettering_is_counted_together_and_shaped_as_in_version_0_1_0(lettering: Path) -> None:
    result = evaluate(lettering, rows.FIXED)
    (told,) = json.loads(to_json([result]))
    assert list(told) == ["dataset", "task", "method", "params", "version", "images", "mean", "errors"]
    assert told["task"] == "text-mask"
    assert [one["pixel_recall"] for one in told["images"]] == [100, 25]
    assert told["mean"]["pixel_recall"] == pytest.approx(100 * 125 / 200)
    assert told["mean"]["pixel_f1"] == pytest.approx(100 * 2 * 125 / (125 + 200)), "of all pixels, not the mean of 100 and 40"
    assert "relaxed_global_f1" in told["mean"]


def test_nothing_scored_gives_null_as_before(lettering: Path, words: Path) -> None:
    for path in [*lettering.glob("images/*"), *words.glob("images/*")]:
        path.write_bytes(b"broken")
    assert evaluate(lettering, rows.FIXED).as_dict()["mean"] is None
    assert evaluate(words, DETECTOR).as_dict()["mean"] is None  # type: ignore[arg-type]


def test_small_words_and_pictures_without_words_are_told_apart(words: Path) -> None:
    """Three words of 10 pixels, of which two are found; a tall one, missed; and a picture without words, with two false regions."""
    for name, box in (("img_3", None), ("img_4", (5, 5, 25, 35))):
        picture = np.full((40, 60, 3), 255, np.uint8)
        left, top, right, bottom = box or (5, 5, 6, 6)
        picture[top:bottom, left:right] = 0
        Image.fromarray(picture).save(words / "images" / f"{name}.png")
        line = ",".join(str(value) for corner in corners(box) for value in corner) + ",word" if box else ""
        (words / "gt" / f"gt_{name}.txt").write_text(line, encoding="utf-8")
    (told,) = json.loads(to_json([evaluate(words, DETECTOR)]))  # type: ignore[arg-type]
    assert [(one["small_words"], one["small_found"]) for one in told["images"]] == [(2, 1), (1, 1), (0, 0), (0, 0)]
    mean = told["mean"]
    assert (mean["small_words"], mean["small_found"], mean["wordless"], mean["false_each"]) == (3, 2, 1, 2)
    assert mean["small_recall"] == pytest.approx(100 * 2 / 3)
    assert mean["recall"] == pytest.approx(100 * 2 / 4)


def test_tasks_stand_one_below_the_other_in_csv(lettering: Path, words: Path) -> None:
    results = [evaluate(words, DETECTOR), evaluate(lettering, rows.FIXED)]  # type: ignore[arg-type]
    assert [judge.task for judge, _ in by_judge(results)] == ["detect", "text-mask"]
    lines = csv_of(*results).read().splitlines()
    assert [line.split(",")[0] for line in lines] == ["dataset", *["signs"] * 3, "dataset", *["comic"] * 3]


OF_ALL_PAGES = {"ocr": {"accuracy", "cer_low", "cer_high"}}
"""Columns by task that are no field of a page's row in CSV."""


def test_every_task_has_a_judge() -> None:
    assert set(JUDGES) == set(TASKS)
    for task in TASKS:
        judge = judge_of(task)
        assert judge.task == task
        assert judge.ranking in judge.columns
        assert set(judge.columns) - set(judge.fields) <= OF_ALL_PAGES.get(task, set())
    with pytest.raises(UsageError, match="nothing here can score it"):
        judge_of("smell")


class InkShareJudge(InkJudge):
    """A judge of one's own: the share of ink alone."""

    fields = ("fm",)

    def counts(self, benchmark: Any, answer: Mask, truth: Mask) -> Any:
        return float(answer.mean())

    def page_values(self, counts: Any) -> Mapping[str, float]:
        return {"fm": counts}

    def total(self, counts: Any) -> float:
        return max(counts)

    def total_values(self, total: Any) -> Mapping[str, float]:
        return {"fm": total}

    def method(self, name: str) -> Row:
        return rows.FIXED


def test_another_judge_is_one_class(lettering: Path) -> None:
    result = evaluate(lettering, "whatever", judge=InkShareJudge())
    assert result.mean == pytest.approx(100 / 2400)
    assert result.as_dict()["mean"]["fm"] == result.mean
