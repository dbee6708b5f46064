"""What the batch commands say: one line for what many pages have in common, names without a terminal's commands, ways out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docbin.catalogue import METHODS
from docbin.cli import batches, main, messages
from docbin.errors import UsageError
from tests.batch.pages import save, save_many
from tests.pdf.documents import Document


def test_outputs_that_exist_are_one_line_and_a_finished_document_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(7):
        save(tmp_path / f"scans/p{seed}.png", seed)
    words = ["binarize", str(tmp_path / "scans"), "-o", str(tmp_path / "out"), "-m", "otsu"]
    assert main(words) == 0
    capsys.readouterr()
    assert main(words) == 5
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("docbin: error: 7 outputs exist and were left as they are; the first: ")
    assert "--overwrite" in lines[0]
    book = save_many(tmp_path / "book.tif", [9, 9, 9])
    assert main(["binarize", str(book), "-o", str(tmp_path / "made.tif"), "-m", "otsu"]) == 0
    assert capsys.readouterr().err.startswith(f"docbin: {tmp_path}/made.tif (3 pages in ")


def test_drawn_pages_of_a_pdf_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They look as before among pages of ink; who does not know why would think them lost."""
    made = Document()
    made.scan(1)
    made.drawn()
    book = made.save(tmp_path / "book.pdf")
    assert main(["binarize", str(book), "-o", str(tmp_path / "ink.pdf"), "-m", "otsu"]) == 0
    assert capsys.readouterr().err.splitlines()[-1].endswith("s), 1 page drawn, not scanned, and left as it is")


@pytest.mark.parametrize(
    ("pages_a_second", "text"), [(212 / 95, "2.2 pages/s"), (1.0, "1.0 pages/s"), (0.94, "1.1 s/page"), (2 / 45.6, "22.8 s/page")]
)
def test_a_slow_batch_tells_seconds_a_page(pages_a_second: float, text: str) -> None:
    assert messages.speed(pages_a_second) == text


def test_a_part_without_pages_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "scans/p.png")
    told = []
    for part in ("1/2", "2/2"):
        assert main(["binarize", str(tmp_path / "scans"), "-o", str(tmp_path / "out"), "-m", "otsu", "--shard", part]) == 0
        told.append(capsys.readouterr().err.strip())
    assert sum(line == "docbin: no page to do" for line in told) == 1
    assert all(line.removeprefix("docbin:").strip() for line in told)


def test_a_name_does_not_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a\x1b]0;owned\x07\nb\u202e.png").write_bytes(b"")
    assert main(["binarize", str(tmp_path), "-o", str(tmp_path.parent / "out-of-names"), "-m", "otsu"]) == 2
    told = capsys.readouterr().err
    assert "a\\x1b]0;owned\\x07\\nb\\u202e.png: the file is empty" in told
    assert not set(told) & set("\x1b\x07\u202e")
    assert messages.escaped("two\nlines\té") == "two\nlines\\té"


def test_a_line_end_in_a_name_makes_no_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = "a\ndocbin: 5 pages done\r.png"
    save(tmp_path / "scans" / name)
    reports = [tmp_path / "r.jsonl", tmp_path / "r.csv"]
    for report in reports:
        words = ["binarize", str(tmp_path / "scans"), "-o", str(tmp_path / "out"), "-m", "otsu", "--dry-run", "--report", str(report)]
        assert main(words) == 0
        told = capfd.readouterr()
        assert len(told.out.splitlines()) == 1
        assert "a\\ndocbin: 5 pages done\\r.png -> " in told.out
    assert [len(report.read_text().splitlines()) for report in reports] == [1, 2]
    assert json.loads(reports[0].read_text())["input"] == str(tmp_path / "scans" / name)
    assert "a\\ndocbin: 5 pages done\\r.png,1,1,planned" in reports[1].read_text()
    assert main(["report", "merge", "a\ndocbin: all well.csv"]) == 1
    assert len(capfd.readouterr().err.splitlines()) == 1
    assert messages.with_list("2 pages:\n  a\n  b\nc") == "2 pages:\n  a\n  b\\nc"


def test_parameters_one_at_a_time_and_in_range() -> None:
    with pytest.raises(UsageError, match=r"give -p twice: -p window=51 -p k=0\.3"):
        METHODS["sauvola"].given(["window=51,k=0.3"])
    for value in ("1e400", "-1e400", "nan", "9" * 400):
        with pytest.raises(UsageError, match="sauvola: window="):
            METHODS["sauvola"].parse({"window": value})


def test_few_pages_of_a_quick_method_use_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin import batch

    pages = [str(save(tmp_path / f"p{seed}.png", seed)) for seed in range(40)]
    for count, method, wanted in ((5, "otsu", 1), (40, "otsu", 2), (2, "howe", 2), (1, "howe", 1)):
        job = batch.Binarize(METHODS[method], METHODS[method].parse({}))
        plan = batch.plan(pages[:count], str(tmp_path / "out"), job, spool=tmp_path)
        monkeypatch.setenv("DOCBIN_THREADS", "4")
        assert batches._usual_jobs(plan) == wanted
