"""What a batch does with pages that go well, and with pages that do not."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docbin import batch
from docbin.batch import record as records_module
from docbin.errors import FileAccessError, Interrupted, OutputExists
from docbin.page import Page
from tests.batch import faults
from tests.batch.pages import binarize, files, grey, ink_of, leftovers, make_job, save, save_many, save_pdf
from tests.files.corpus import build_all


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def test_a_page_keeps_its_ink_and_resolution_and_the_report_tells(tmp_path: Path, spool: Path) -> None:
    page = save(tmp_path / "p.png", seed=3)
    report = tmp_path / "report.jsonl"
    summary, _ = binarize([page], tmp_path / "out", spool, report=report)
    assert (ink_of(tmp_path / "out/p.png") == (grey(3) < 128)).all()
    with Image.open(tmp_path / "out/p.png") as written:
        assert written.mode == "1"
        assert written.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    [line] = [json.loads(line) for line in report.read_text().splitlines()]
    assert {
        name: line[name] for name in ("input", "page", "pages", "output", "status", "method", "parameters", "size", "error", "exit_code")
    } == {
        "input": str(page),
        "page": 1,
        "pages": 1,
        "output": str(tmp_path / "out/p.png"),
        "status": "done",
        "method": "half",
        "parameters": {"unused": 1},
        "size": [80, 60],
        "error": None,
        "exit_code": 0,
    }
    assert line["ink"] == pytest.approx((grey(3) < 128).mean(), abs=1e-6)
    assert line["dpi"] == pytest.approx([300, 300], abs=0.1)
    assert 0 < line["seconds"] < 10
    assert summary.exit_code == 0
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("jobs", [1, 3])
def test_here_and_in_processes_the_same_files_come_out(tmp_path: Path, spool: Path, jobs: int) -> None:
    for seed in range(4):
        save(tmp_path / f"scans/p{seed}.png", seed)
    save_many(tmp_path / "scans/b.tif", [9] * 11)
    save_pdf(tmp_path / "scans/c.pdf", 5)
    summary, records = binarize([tmp_path / "scans"], tmp_path / "out", spool, jobs=jobs)
    assert files(tmp_path / "out") == {*(f"p{seed}.png" for seed in range(4)), "b.tif", "c.pdf"}
    for seed in range(11):
        assert (ink_of(tmp_path / "out/b.tif", seed + 1) == (grey(seed, 9) < 128)).all()
    assert summary.counts == {"done": 20}
    assert [record.page for record in records if record.input.endswith("b.tif")] == list(range(1, 12))


@pytest.mark.parametrize(
    ("mark", "type", "says"),
    [
        (faults.RAISES, "PageFailed", "ZeroDivisionError: a bug of the method"),
        (faults.WRONG_SHAPE, "PageFailed", "has shape (59, 80) for a page of (60, 80)"),
        (faults.WRONG_TYPE, "PageFailed", "a bool array is wanted"),
        (faults.NO_MEMORY, "PageFailed", "not enough memory"),
    ],
)
def test_a_method_that_breaks_costs_its_page(tmp_path: Path, spool: Path, mark: int, type: str, says: str) -> None:
    bad, good = save(tmp_path / "bad.png", 1, mark), save(tmp_path / "good.png")
    summary, records = binarize([bad, good], tmp_path / "out", spool, make_job("marked"))
    assert files(tmp_path / "out") == {"good.png"}
    error = records[0].error
    assert error is not None
    assert (error.type, error.exit_code) == (type, 6)
    assert says in error.message
    assert str(bad) in error.message
    assert summary.exit_code == 6


def test_a_probability_map_is_written_and_one_with_nan_is_refused(tmp_path: Path, spool: Path) -> None:
    good, bad = save(tmp_path / "good.png"), save(tmp_path / "bad.png", 1, faults.NAN)
    _, records = binarize([good, bad], tmp_path / "out", spool, make_job("marked", probability=True))
    assert files(tmp_path / "out") == {"good.png"}
    with Image.open(tmp_path / "out/good.png") as written:
        assert written.mode == "L"
        assert np.abs(np.asarray(written).astype(int) - grey()).max() <= 1
    assert records[1].error is not None
    assert "NaN" in records[1].error.message


def test_a_worker_that_dies_crashes_or_hangs_costs_its_page(tmp_path: Path, spool: Path) -> None:
    marks = {"a": 230, "b": faults.KILLED, "c": 231, "d": faults.HANGS, "e": 232, "f": faults.SEGFAULT, "g": 233}
    for seed, (name, mark) in enumerate(marks.items()):
        save(tmp_path / f"scans/{name}.png", seed, mark)
    summary, records = binarize([tmp_path / "scans"], tmp_path / "out", spool, make_job("marked"), jobs=2, page_seconds=3.0)
    assert files(tmp_path / "out") == {"a.png", "c.png", "e.png", "g.png"}
    told = {Path(record.input).stem: record.error for record in records if record.error is not None}
    assert {name: error.type for name, error in told.items()} == {"b": "WorkerDied", "d": "PageTimeout", "f": "WorkerDied"}
    assert "SIGKILL" in told["b"].message
    assert "memory" in told["b"].message
    assert "SIGSEGV" in told["f"].message
    assert "3 s" in told["d"].message
    assert summary.exit_code == 6
    assert leftovers(tmp_path) == []


def test_a_worker_that_dies_within_a_document_costs_a_page_and_the_rest_is_called_incomplete(tmp_path: Path, spool: Path) -> None:
    book = save_many(tmp_path / "book.tif", [9, faults.KILLED, 9, 9, 9])
    summary, records = binarize([book], tmp_path / "out", spool, make_job("marked"), jobs=2)
    assert files(tmp_path / "out") == {"book.incomplete.tif"}
    assert [record.status for record in records] == ["done", "failed", "done", "done", "done"]
    assert records[0].output == str(tmp_path / "out/book.incomplete.tif")
    assert records[1].label == f"page 2 of {book}"
    assert (ink_of(tmp_path / "out/book.incomplete.tif", 2) == (grey(2, 9) < 128)).all()
    assert summary.exit_code == 6
    # once the page can be done, the document takes its name and the incomplete one goes
    save_many(tmp_path / "book.tif", [9] * 5)
    summary, _ = binarize([book], tmp_path / "out", spool, make_job("marked"), resume=True)
    assert files(tmp_path / "out") == {"book.tif"}
    assert summary.exit_code == 0


def test_workers_that_never_start_end_the_batch(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = save(tmp_path / "p.png")
    monkeypatch.setattr("docbin.processes.child._serve", os._exit)
    with pytest.raises(batch.run.__globals__["DocbinError"], match="worker processes do not start"):
        binarize([page], tmp_path / "out", spool, jobs=2)


def test_in_a_worker_every_library_has_one_thread(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCBIN_THREADS", "7")
    page = save(tmp_path / "p.png")
    _, records = binarize([page], tmp_path / "out", spool, make_job("threads"), jobs=2)
    assert records[0].error is None, records[0].error
    assert os.environ["DOCBIN_THREADS"] == "7"


def test_what_a_method_prints_in_a_worker_does_not_reach_stdout(tmp_path: Path, spool: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = save(tmp_path / "p.png", mark=faults.PRINTS)
    binarize([page], tmp_path / "out", spool, make_job("marked"), jobs=2)
    told = capfd.readouterr()
    assert told.out == ""
    assert "written by a C library" in told.err


@pytest.mark.parametrize("pdf", ["replace", "rebuild"])
def test_the_hostile_corpus_goes_through_with_each_file_its_outcome(tmp_path: Path, spool: Path, pdf: str) -> None:
    cases = [case for case in build_all(tmp_path / "corpus") if not case.options]
    assert len(cases) >= 40
    folder = tmp_path / "corpus"
    summary, records = binarize([case.path for case in cases], tmp_path / "out", spool, make_job(pdf=pdf), report=tmp_path / "report.jsonl")
    by_input: dict[str, list[batch.PageRecord]] = {}
    for record in records:
        by_input.setdefault(record.input, []).append(record)
    for case in cases:
        told = by_input[str(case.path)]
        if case.opening is not None:
            expected = [case.opening]
        else:
            expected = list(case.pages)
        assert len(told) == len(expected), case.path.name
        for record, expect in zip(told, expected, strict=True):
            if expect.error is None or (pdf == "replace" and record.warnings and "drawn, not scanned" in record.warnings[0]):
                assert record.error is None, (case.path.name, record.error)
                assert Path(record.output or "").is_file()
                if expect.pixels is not None and (pdf == "rebuild" or case.path.suffix != ".pdf"):  # replaced, drawn pages stay
                    assert record.size == (expect.pixels.shape[1], expect.pixels.shape[0])
            else:
                assert record.error is not None, case.path.name
                assert record.error.type == expect.error.__name__
                assert record.error.exit_code == expect.error.exit_code
                assert all(word in record.error.message for word in expect.says), (case.path.name, record.error.message, expect.says)
                assert case.path.name in record.error.message
    assert summary.exit_code == 6
    assert len((tmp_path / "report.jsonl").read_text().splitlines()) == len(records)
    assert leftovers(tmp_path / "out") == []
    assert folder.is_dir()


def test_nothing_is_replaced_without_leave(tmp_path: Path, spool: Path) -> None:
    one, two = save(tmp_path / "one.png"), save(tmp_path / "two.png", 1)
    out = tmp_path / "out"
    out.mkdir()
    (out / "one.png").write_text("mine")
    (out / "two.png").mkdir()
    summary, records = binarize([one, two, save(tmp_path / "three.png")], out, spool)
    assert summary.exit_code == 6
    assert (out / "one.png").read_text() == "mine"
    assert "--overwrite" in records[0].error.message  # type: ignore[union-attr]
    summary, records = binarize([one, two], out, spool, resume=True)
    assert "no earlier run is known to have written it" in records[0].error.message  # type: ignore[union-attr]
    summary, records = binarize([one, two], out, spool, overwrite=True)
    assert (ink_of(out / "one.png") == (grey() < 128)).all()
    assert "it is a folder" in records[1].error.message  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("counts", "codes", "code"),
    [
        ({"done": 3}, {}, 0),
        ({"done": 3, "failed": 1}, {2: 1}, 6),
        ({"kept": 3, "failed": 1}, {2: 1}, 6),
        ({"failed": 1}, {2: 1}, 2),
        ({"failed": 2}, {5: 2}, 5),
        ({"failed": 2}, {5: 1, 2: 1}, 6),
        ({}, {}, 0),
    ],
)
def test_exit_codes(counts: dict[str, int], codes: dict[int, int], code: int) -> None:
    summary = batch.Summary()
    summary.counts.update(counts)
    summary.codes.update(codes)
    assert summary.exit_code == code


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_ends_the_batch(tmp_path: Path, spool: Path) -> None:
    pages = [save(tmp_path / f"p{n}.png") for n in range(3)]
    out = tmp_path / "out"
    out.mkdir(mode=0o555)
    with pytest.raises(FileAccessError, match="permission denied"):
        binarize(pages, out, spool)


def test_an_output_folder_that_is_a_file_ends_the_batch(tmp_path: Path, spool: Path) -> None:
    pages = [save(tmp_path / f"p{n}.png") for n in range(3)]
    (tmp_path / "out").write_text("a file")
    with pytest.raises(Exception, match="file"):
        binarize(pages, tmp_path / "out" / "deeper", spool)


def test_a_full_disk_fails_the_page_and_leaves_nothing(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real full disk needs a mount; the file size limit of the process gives the same refusal from the same system call."""
    import resource
    import signal

    big = tmp_path / "big.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 2, (900, 900), np.uint8) * 255).save(big)
    small = save(tmp_path / "small.png")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        summary, records = binarize([big, small], tmp_path / "out", spool)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [record.status for record in records] == ["failed", "done"]
    error = records[0].error
    assert error is not None
    assert error.exit_code == 5
    assert f"{tmp_path}/out/big.png" in error.message
    assert ".docbin" not in error.message
    assert files(tmp_path / "out") == {"small.png"}
    assert summary.exit_code == 6
    assert leftovers(tmp_path) == []


def test_a_report_that_cannot_be_written_is_an_error_before_any_page(tmp_path: Path, spool: Path) -> None:
    page = save(tmp_path / "p.png")
    with pytest.raises(FileAccessError, match="report"):
        binarize([page], tmp_path / "out", spool, report=tmp_path / "no/report.jsonl")
    assert not (tmp_path / "out").exists()


def test_the_report_never_replaces_an_input(tmp_path: Path, spool: Path) -> None:
    page = save(tmp_path / "p.png")
    before = page.read_bytes()
    with pytest.raises(records_module.UsageError, match="one of the inputs"):
        binarize([page], tmp_path / "out", spool, report=page)
    assert page.read_bytes() == before


@pytest.mark.parametrize("name", ["thesis.txt", "ink.jsonl", "ink.csv"])
def test_the_report_replaces_reports_alone(tmp_path: Path, spool: Path, name: str) -> None:
    report, page = tmp_path / name, save(tmp_path / "p.png")
    report.write_text("years of work\n")
    with pytest.raises(OutputExists, match="no report of docbin's; choose another name"):
        binarize([page], tmp_path / "out", spool, report=report)
    assert report.read_text() == "years of work\n"
    assert not (tmp_path / "out").exists()
    report.write_text("")
    for out in ("a", "b"):
        binarize([page], tmp_path / out, spool, report=report)
    assert len(report.read_text().splitlines()) == 1 + (name == "ink.csv")


def test_an_interrupt_keeps_what_is_finished_and_cleans_up(tmp_path: Path, spool: Path) -> None:
    for seed in range(5):
        save(tmp_path / f"scans/p{seed}.png", seed)
    plan = batch.plan([str(tmp_path / "scans")], str(tmp_path / "out"), make_job(), spool=spool)

    class Impatient(batch.Listener):
        def page(self, record: batch.PageRecord) -> None:
            if record.input.endswith("p2.png"):
                raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="3 finished pages are kept"):
        batch.run(plan, listener=Impatient())
    assert files(tmp_path / "out") == {"p0.png", "p1.png", "p2.png"}
    assert leftovers(tmp_path) == []


def test_an_interrupt_stops_workers_at_once(tmp_path: Path, spool: Path) -> None:
    hanging, good = save(tmp_path / "h.png", 1, faults.HANGS), save(tmp_path / "g.png")
    plan = batch.plan([str(hanging), str(good)], str(tmp_path / "out"), make_job("marked"), spool=spool)

    class Impatient(batch.Listener):
        def page(self, record: batch.PageRecord) -> None:
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(Interrupted):
        batch.run(plan, jobs=2, listener=Impatient())
    assert time.monotonic() - start < 30
    assert leftovers(tmp_path) == []


def test_few_pages_of_a_document_are_held_at_a_time(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow first page must not let the pages behind it pile up in memory."""
    from docbin.batch.outputs import WholeDocument

    book = save_many(tmp_path / "book.tif", [9] * 40)
    most = 0
    append = WholeDocument._append

    def watched(self: WholeDocument, page: int) -> None:
        nonlocal most
        most = max(most, len(self._waiting))
        append(self, page)

    monkeypatch.setattr(WholeDocument, "_append", watched)
    binarize([book], tmp_path / "out", spool, make_job("first_slow"), jobs=3)
    assert 1 < most <= 6


def test_a_page_is_the_same_written_beside_its_verdict_or_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, job = Page(grey(5, shape=(200, 300)), dpi=(300, 300)), batch.Binarize.create("otsu")
    results, written = [], []
    for threads in ("1", "2"):
        monkeypatch.setenv("DOCBIN_THREADS", threads)
        staged = tmp_path / f"{threads}.png"
        results.append(job.work(page, "page.png", staged, "png"))
        written.append(staged.read_bytes())
        with pytest.raises(FileAccessError, match="no folder does not exist"):
            job.work(page, "page.png", tmp_path / "no folder" / "page.png", "png")
    assert results[0] == results[1]
    assert written[0] == written[1]
    assert results[0].quality is not None
