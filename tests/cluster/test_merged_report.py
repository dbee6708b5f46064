"""Reports of shards, of resumed runs and of output folders, merged: the best that is known of every page."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from docbin.batch.shard import Shard
from docbin.cli import main
from docbin.cluster import merged_report
from tests.batch.pages import binarize, make_job, save, save_many


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for seed in range(6):
        save(tmp_path / f"scans/p{seed}.png", seed)
    save_many(tmp_path / "scans/book.tif", [9, 9])
    (tmp_path / "scans/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "spool").mkdir()
    return tmp_path / "scans"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_shards_reports_make_the_whole_report(tmp_path: Path, scans: Path) -> None:
    common = ["-m", "otsu", "-j", "1", "-o", str(tmp_path / "out")]
    for index in (1, 2):
        main(["binarize", str(scans), *common, "--shard", f"{index}/2", "--report", str(tmp_path / f"r{index}.jsonl")])
    assert len(lines(tmp_path / "r1.jsonl")) < 9
    assert main(["report", "merge", str(tmp_path / "r1.jsonl"), str(tmp_path / "r2.jsonl"), "-o", str(tmp_path / "all.jsonl")]) == 6
    merged = lines(tmp_path / "all.jsonl")
    assert len(merged) == 9
    assert sorted(str(line["status"]) for line in merged) == ["done"] * 8 + ["failed"]
    assert main(["report", "merge", str(tmp_path / "r1.jsonl"), str(tmp_path / "r2.jsonl"), "-o", str(tmp_path / "all.csv")]) == 6
    with (tmp_path / "all.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 9


def test_the_best_that_is_known_of_a_page_counts(tmp_path: Path, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = (scans / "p0.png").read_bytes()
    (scans / "book.tif").rename(tmp_path / "book.tif")
    (scans / "book.tif").write_bytes(b"II*\0")
    binarize([scans], tmp_path / "out", tmp_path / "spool", report=tmp_path / "first.jsonl")
    (scans / "broken.png").write_bytes(good)
    (tmp_path / "book.tif").replace(scans / "book.tif")
    binarize([scans], tmp_path / "out", tmp_path / "spool", resume=True, report=tmp_path / "second.jsonl")
    for words in (["first.jsonl", "second.jsonl"], ["second.jsonl", "first.jsonl"], ["first.jsonl", "out"]):
        for at_once in (200_000, 3):
            monkeypatch.setattr(merged_report, "LINES_AT_ONCE", at_once)
            assert (
                main(["report", "merge", *(str(tmp_path / word) for word in words), "-o", str(tmp_path / "all.jsonl"), "--overwrite"]) == 0
            )
            merged = lines(tmp_path / "all.jsonl")
            assert len(merged) == 9
            assert {(Path(str(line["input"])).name, line["page"]) for line in merged} == {
                *((f"p{seed}.png", 1) for seed in range(6)), ("broken.png", 1), ("book.tif", 1), ("book.tif", 2)
            }  # fmt: skip
            assert {line["status"] for line in merged} == {"done"}


def test_what_is_missing_of_a_list(tmp_path: Path, scans: Path, capfd: pytest.CaptureFixture[str]) -> None:
    main(["list", str(scans)])
    work = tmp_path / "work.jsonl"
    work.write_text(capfd.readouterr().out)
    out, report, rest = str(tmp_path / "out"), str(tmp_path / "r.jsonl"), tmp_path / "rest.jsonl"
    # The part with a whole page: which one that is depends on the folder's name, and the broken page alone would end with its own exit code.
    whole = next(str(line["uri"]) for line in lines(work) if str(line["uri"]).endswith("p0.png"))
    part = 1 if Shard(1, 2).holds(whole) else 2
    assert main(["binarize", str(work), "-o", out, "-m", "otsu", "-j", "1", "--shard", f"{part}/2", "--report", report]) in (0, 6)
    merge = ["report", "merge", report, "--list", str(work), "--rest", str(rest), "-o", str(tmp_path / "all.jsonl"), "--overwrite"]
    assert main(merge) == 6
    done = {str(line["input"]) for line in lines(tmp_path / "r.jsonl") if line["status"] == "done"}
    assert {str(line["uri"]) for line in lines(rest)} == {str(line["uri"]) for line in lines(work)} - done
    (scans / "broken.png").write_bytes((scans / "p0.png").read_bytes())
    assert main(["binarize", str(rest), "-o", out, "-m", "otsu", "-j", "1", "--report", str(tmp_path / "r2.jsonl")]) == 0
    assert main([*merge[:3], str(tmp_path / "r2.jsonl"), *merge[3:]]) == 0
    assert rest.read_text() == ""


def test_torn_and_foreign_lines(tmp_path: Path, scans: Path, capfd: pytest.CaptureFixture[str]) -> None:
    binarize([scans], tmp_path / "out", tmp_path / "spool", report=tmp_path / "r.jsonl")
    whole = (tmp_path / "r.jsonl").read_bytes()
    (tmp_path / "torn.jsonl").write_bytes(whole[:-20])
    main(["report", "merge", str(tmp_path / "torn.jsonl")])
    said = capfd.readouterr()
    assert len(said.out.splitlines()) == len(whole.splitlines()) - 1
    assert "the last line is cut" in said.err
    (tmp_path / "foreign.jsonl").write_text("hello\nworld\n")
    assert main(["report", "merge", str(tmp_path / "foreign.jsonl")]) == 2
    assert main(["report", "merge", str(tmp_path / "none.jsonl")]) == 5
    assert main(["report", "merge", str(scans)]) == 5
    assert main(["report", "merge", "x.csv"]) == 1
    assert main(["report", "split", str(tmp_path / "r.jsonl")]) == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}\n',
        '{"a": 1}',
        "[]",
        "{}",
        '{"input": "p.png", "status": "fine", "method": "otsu"}\n',
        '{"input": "p.png", "status": "done", "method": "otsu", "page": "1"}\n',
        '{"input": "p.png", "status": "failed", "method": "otsu", "page": 1, "error": "bad"}\n',
        '{\n "datasets": []\n}\n',
    ],
)
def test_json_that_is_no_report_is_refused_by_name(tmp_path: Path, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "foreign.jsonl").write_text(text)
    assert main(["report", "merge", str(tmp_path / "foreign.jsonl")]) == 2
    assert f"{tmp_path}/foreign.jsonl: line 1 is not a line of a report" in capfd.readouterr().err


def test_a_report_of_an_older_version_becomes_csv_too(tmp_path: Path) -> None:
    line = {"input": "p.png", "page": 1, "pages": 1, "status": "done", "method": "otsu", "quality": None}
    (tmp_path / "old.jsonl").write_text(json.dumps(line) + "\n" + '{"input": "q.pn')
    assert main(["report", "merge", str(tmp_path / "old.jsonl"), "-o", str(tmp_path / "all.csv")]) == 0
    with (tmp_path / "all.csv").open() as file:
        assert [(row["input"], row["status"], row["width"]) for row in csv.DictReader(file)] == [("p.png", "done", "")]


def test_files_that_exist_are_replaced_only_when_asked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report, work = tmp_path / "r.jsonl", tmp_path / "work.jsonl"
    report.write_text('{"input": "p.png", "page": 1, "pages": 1, "status": "done", "method": "otsu"}\n')
    work.write_text('{"uri": "p.png"}\n{"uri": "q.png"}\n')
    (tmp_path / "mine.txt").write_text("mine")
    merge = ["report", "merge", str(report), "--list", str(work)]
    for more in (["-o", str(tmp_path / "mine.txt")], ["-o", str(tmp_path / "new.jsonl"), "--rest", str(tmp_path / "mine.txt")]):
        assert main([*merge, *more]) == 5
        assert "mine.txt: it exists; give --overwrite" in capfd.readouterr().err
        assert (tmp_path / "mine.txt").read_text() == "mine"
        assert not (tmp_path / "new.jsonl").exists()
        assert main([*merge, *more, "--overwrite"]) == 6
        assert (tmp_path / "mine.txt").read_text() != "mine"
        (tmp_path / "mine.txt").write_text("mine")


def test_a_unit_of_which_pages_are_missing_is_to_do(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from tests.files.test_tar import archive

    pages = [(f"{seed}.png", save(tmp_path / "page.png", seed).read_bytes()) for seed in range(3)]
    (tmp_path / "s.tar").write_bytes(archive(pages))
    (tmp_path / "spool").mkdir()
    binarize([tmp_path / "s.tar"], tmp_path / "out", tmp_path / "spool", report=tmp_path / "r.jsonl")
    work, whole = tmp_path / "work.jsonl", (tmp_path / "r.jsonl").read_text().splitlines(keepends=True)
    work.write_text(json.dumps({"uri": str(tmp_path / "s.tar")}) + "\n")
    merge = ["report", "merge", str(tmp_path / "r.jsonl"), "--list", str(work), "--rest", str(tmp_path / "rest.jsonl"), "--overwrite"]
    assert main(merge) == 0
    (tmp_path / "r.jsonl").write_text("".join(whole[:2]))  # as a killed run leaves it
    assert main(merge) == 6
    assert (tmp_path / "rest.jsonl").read_text() == work.read_text()
    assert f"1 unit of {work} to do" in capfd.readouterr().err
    binarize([tmp_path / "s.tar"], tmp_path / "two", tmp_path / "spool", make_job(pages="1-2"), report=tmp_path / "r.jsonl")
    assert main(merge) == 0  # two were asked for
