"""One job is guarded as several are: a page that crashes, hangs or takes all memory is one failed page, and the good pages after it are done."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docbin import batch
from docbin.batch.batch_run import worker_memory
from docbin.batch.worker import check_memory
from docbin.catalogue import METHODS
from docbin.errors import RefusedInput
from tests.batch import faults
from tests.batch.pages import binarize, files, make_job, save


def test_one_job_survives_crashes_hangs_and_bombs(tmp_path: Path) -> None:
    marks = {"a": 230, "b": faults.KILLED, "c": 231, "d": faults.HANGS, "e": 232, "f": faults.SEGFAULT, "g": 233}
    for seed, (name, mark) in enumerate(marks.items()):
        save(tmp_path / f"scans/{name}.png", seed, mark)
    summary, records = binarize([tmp_path / "scans"], tmp_path / "out", tmp_path, make_job("marked"), jobs=1, page_seconds=10.0)
    assert files(tmp_path / "out") == {"a.png", "c.png", "e.png", "g.png"}
    assert [record.error.type for record in records if record.error] == ["WorkerDied", "PageTimeout", "WorkerDied"]
    assert summary.exit_code == 6


def test_the_limit_of_reading_ends_where_the_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(batch.run.__globals__, "READ_SECONDS", 4.0)
    good = save(tmp_path / "good.png")
    _, records = binarize([good], tmp_path / "out", tmp_path, make_job("slow", {"seconds": 6.0}), jobs=1, page_seconds=None)
    assert [record.status for record in records] == ["done"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory that a process may write")
def test_a_page_that_takes_all_memory_is_one_failed_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(batch.run.__globals__, "machine_memory", lambda: 600 << 20)
    Image.fromarray(np.zeros((16_000, 16_000, 3), np.uint8)).save(tmp_path / "bomb.png")  # 770 MB of pixels, a megabyte of file
    good = save(tmp_path / "good.png")
    _, records = binarize([tmp_path / "bomb.png", good], tmp_path / "out", tmp_path, jobs=1)
    assert [record.status for record in records] == ["failed", "done"]
    assert records[0].error is not None
    assert "memory" in records[0].error.message
    assert records[0].error.exit_code in (2, 6)


def test_howe_says_beforehand_that_a_page_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    job = batch.Binarize(METHODS["howe"], METHODS["howe"].parse({}))
    monkeypatch.setattr("docbin.processes.memory.memory_limit", lambda: 2 << 30)
    monkeypatch.setattr("docbin.processes.memory.memory_in_use", lambda: 200 << 20)  # of whatever the tests before have loaded
    with pytest.raises(
        RefusedInput, match=r"scan.png: howe needs 9.4 GB of memory for 6000 x 6000 pixels .* it can do pages of \d\.\d megapixels"
    ):
        check_memory(job, 6000, 6000, "scan.png")
    check_memory(job, 1000, 1000, "scan.png")


def test_a_worker_s_share_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    gigabyte = 1 << 30
    monkeypatch.setitem(batch.run.__globals__, "machine_memory", lambda: 100 * gigabyte)
    assert worker_memory(make_job(), 1) == 8 * gigabyte
    assert worker_memory(make_job(max_megapixels=800), 1) == 16 * gigabyte
    assert worker_memory(make_job(max_megapixels=float("inf")), 1) == 80 * gigabyte  # no limit of pixels
    assert worker_memory(make_job(), 64) == 4 * gigabyte
    assert worker_memory(batch.Binarize(METHODS["howe"], {}), 1) == 80 * gigabyte


def test_hostile_documents_are_failed_pages_and_the_good_page_after_them_is_done(tmp_path: Path) -> None:
    """A form that draws itself twice (584 bytes) and forms that double 22 times: no more than the time that a page may take."""
    import pikepdf

    for name, depth in (("recursive", 0), ("doubling", 22)):
        with pikepdf.new() as pdf:
            pdf.add_blank_page(page_size=(200, 200))
            inner = pdf.make_stream(b"0 0 9 9 re f", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 200, 200])
            for _ in range(depth):
                resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=inner))
                inner = pdf.make_stream(
                    b"/F Do /F Do", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 200, 200], Resources=resources
                )
            if depth == 0:
                inner = pdf.make_stream(b"/F Do /F Do", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 200, 200])
                inner.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=inner))
            pdf.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=inner))
            pdf.pages[0].Contents = pdf.make_stream(b"/F Do")
            pdf.save(tmp_path / f"{name}.pdf")
    good = save(tmp_path / "good.png")
    inputs = [tmp_path / "recursive.pdf", tmp_path / "doubling.pdf", good]
    _, records = binarize(inputs, tmp_path / "out", tmp_path, jobs=1, page_seconds=6.0)
    assert records[-1].status == "done"
    for record in records[:-1]:  # a reader that draws such a form once, as viewers do, may finish it, too
        assert record.status == "done" or (record.error is not None and record.error.exit_code in (2, 6)), record
