"""Many inputs into one PDF or TIFF: order, memory, what is missing, resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docbin import batch
from docbin.batch import one_document
from docbin.errors import FileAccessError, UsageError
from docbin.files import open_pages
from tests.batch import faults
from tests.batch.pages import binarize, files, grey, ink_of, leftovers, make_job, save, save_many, save_pdf


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def shelf(folder: Path) -> list[np.ndarray[Any, Any]]:
    """A folder as archives have them, with subfolder, TIFF and PDF; the ink that the pages should have, in order."""
    save(folder / "page1.png", 1)
    save(folder / "page2.png", 2)
    save(folder / "page10.png", 3)
    save_many(folder / "tail.tif", [9] * 3)
    (folder / "z").mkdir()
    save_pdf(folder / "z/last.pdf", 2)
    return [grey(seed) < 128 for seed in (1, 2, 3)] + [grey(seed, 9) < 128 for seed in range(3)] + [grey(seed) < 128 for seed in range(2)]


@pytest.mark.parametrize("jobs", [0, 2])
@pytest.mark.parametrize("name", ["book.pdf", "book.tif"])
def test_all_pages_in_the_order_of_the_inputs(tmp_path: Path, spool: Path, jobs: int, name: str) -> None:
    wanted = shelf(tmp_path / "scans")
    report = tmp_path / "report.jsonl"
    summary, records = binarize([tmp_path / "scans"], tmp_path / "out" / name, spool, jobs=jobs, report=report)
    assert summary.exit_code == 0
    assert files(tmp_path / "out") == {name}
    with open_pages(tmp_path / "out" / name) as file:
        assert file.count == len(wanted)
        for number, ink in enumerate(wanted, 1):
            page = file.page(number)
            assert np.array_equal(page.pixels == 0, ink), number
            assert page.dpi == pytest.approx((300, 300), abs=0.5)
    assert [Path(record.input).name for record in records] == ["page1.png", "page2.png", "page10.png", *["tail.tif"] * 3, *["last.pdf"] * 2]
    assert {record.output for record in records} == {str(tmp_path / "out" / name)}
    assert len([json.loads(line) for line in report.read_text().splitlines()]) == len(wanted)
    assert leftovers(tmp_path) == []


def test_named_files_and_one_page_folders(tmp_path: Path, spool: Path) -> None:
    one, two = save(tmp_path / "b.png", 1), save(tmp_path / "a.png", 2)
    binarize([one, two], tmp_path / "book.pdf", spool)
    assert np.array_equal(ink_of(tmp_path / "book.pdf", 1), grey(1) < 128)
    save(tmp_path / "single/p.png", 4)
    binarize([tmp_path / "single"], tmp_path / "single.pdf", spool)
    assert np.array_equal(ink_of(tmp_path / "single.pdf"), grey(4) < 128)


def test_pages_far_ahead_of_their_turn_are_not_begun(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the answers come, no more pages wait than are allowed ahead."""
    most = 0
    append = one_document.OneDocument._advance

    def watched(self: one_document.OneDocument) -> None:
        nonlocal most
        most = max(most, sum(len(part.waiting) for part in self._parts.values() if part is not None))
        append(self)

    monkeypatch.setattr(one_document.OneDocument, "_advance", watched)
    for number in range(30):
        save(tmp_path / f"scans/p{number}.png", number)
    binarize([tmp_path / "scans"], tmp_path / "book.tif", spool, jobs=2)
    assert 1 <= most <= 5
    assert np.array_equal(ink_of(tmp_path / "book.tif", 30), grey(29) < 128)


def test_what_is_missing_makes_the_document_incomplete(tmp_path: Path, spool: Path) -> None:
    save(tmp_path / "scans/a.png", 1)
    save(tmp_path / "scans/b.png", 2, faults.RAISES)
    (tmp_path / "scans/c.png").write_bytes(b"no picture")
    save(tmp_path / "scans/d.png", 4)
    summary, records = binarize([tmp_path / "scans", tmp_path / "gone.png"], tmp_path / "book.tif", spool, make_job("marked"))
    assert summary.exit_code == 6
    assert not (tmp_path / "book.tif").exists()
    with open_pages(tmp_path / "book.incomplete.tif") as file:
        assert file.count == 2
    assert sorted((Path(record.input).name, record.status) for record in records) == [
        ("a.png", "done"),
        ("b.png", "failed"),
        ("c.png", "failed"),
        ("d.png", "done"),
        ("gone.png", "failed"),
    ]
    nothing, _ = binarize([tmp_path / "scans/c.png", tmp_path / "gone.png"], tmp_path / "none.tif", spool)
    assert nothing.exit_code != 0
    assert not (tmp_path / "none.tif").exists()


def test_resume_keeps_a_finished_document_and_refuses_other_settings(tmp_path: Path, spool: Path) -> None:
    shelf(tmp_path / "scans")
    words, out = [tmp_path / "scans"], tmp_path / "out/book.pdf"
    binarize(words, out, spool, resume=True)
    before = out.read_bytes()
    summary, records = binarize(words, out, spool, resume=True)
    assert summary.counts["kept"] == len(records) == 8
    assert out.read_bytes() == before
    with pytest.raises(UsageError, match="marked"):
        binarize(words, out, spool, make_job("marked"), resume=True)
    assert out.read_bytes() == before
    save(tmp_path / "scans/page3.png", 9)
    summary, records = binarize(words, out, spool, resume=True)
    assert (summary.counts["done"], summary.counts["kept"]) == (9, 0)
    with open_pages(out) as file:
        assert file.count == 9


def test_nothing_is_overwritten_unasked_and_no_input_ever(tmp_path: Path, spool: Path) -> None:
    page = save(tmp_path / "a.png", 1)
    other = save_many(tmp_path / "b.tif", [9, 9])
    (tmp_path / "book.pdf").write_bytes(b"mine")
    with pytest.raises(FileAccessError, match="--overwrite"):
        binarize([page, other], tmp_path / "book.pdf", spool)
    assert (tmp_path / "book.pdf").read_bytes() == b"mine"
    binarize([page, other], tmp_path / "book.pdf", spool, overwrite=True)
    with open_pages(tmp_path / "book.pdf") as file:
        assert file.count == 3
    before = other.read_bytes()
    with pytest.raises(UsageError, match="input"):
        binarize([page, other], other, spool, overwrite=True)
    assert other.read_bytes() == before


def test_the_document_in_its_own_folder_is_not_read_back(tmp_path: Path, spool: Path) -> None:
    save(tmp_path / "scans/a.png", 1)
    save(tmp_path / "scans/b.png", 2)
    for _ in range(2):
        binarize([tmp_path / "scans"], tmp_path / "scans/book.pdf", spool, overwrite=True)
        with open_pages(tmp_path / "scans/book.pdf") as file:
            assert file.count == 2


def test_a_dry_run_writes_nothing(tmp_path: Path, spool: Path) -> None:
    shelf(tmp_path / "scans")
    _, records = binarize([tmp_path / "scans"], tmp_path / "out/book.pdf", spool, dry_run=True)
    assert {record.status for record in records} == {"planned"}
    assert {record.output for record in records} == {str(tmp_path / "out/book.pdf")}
    assert not (tmp_path / "out").exists()


def test_formats_of_one_page_say_what_to_do(tmp_path: Path, spool: Path) -> None:
    one, two = save(tmp_path / "a.png"), save(tmp_path / "b.png")
    with pytest.raises(UsageError, match=r"\.pdf"):
        batch.plan([str(one), str(two)], str(tmp_path / "out.png"), make_job(), spool=spool)
    with pytest.raises(UsageError, match="agree"):
        batch.plan([str(one), str(two)], str(tmp_path / "out.pdf"), make_job(format="tiff"), spool=spool)
