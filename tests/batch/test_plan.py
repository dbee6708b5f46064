"""Which files are meant, and what goes where."""

from __future__ import annotations

import itertools
import os
import stat
import subprocess
import sys
import time
from pathlib import Path, PurePath

import pytest

from docbin import batch
from docbin.batch.inputs import Source, natural
from docbin.batch.names import stems
from docbin.errors import MissingExtra, UsageError
from tests.batch.pages import binarize, files, grey, ink_of, make_job, save, save_many, save_pdf


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def sources(*places: str) -> list[Source]:
    return [Source(place, Path("/scans") / place, PurePath(PurePath(place).name)) for place in places]


def test_a_batch_knows_the_choices_of_the_modules_that_it_is_planned_without() -> None:
    from docbin import enlarging, polarity, straightening
    from docbin.batch import clean_job, job

    assert job.POLARITIES == polarity.POLARITIES
    assert job.ENLARGE == enlarging.CHOICES
    assert clean_job.STRAIGHTEN == straightening.CHOICES


@pytest.mark.parametrize(
    ("places", "wanted"),
    [
        (["a.jpg", "b.tif"], ["a", "b"]),
        (["a.jpg", "a.tif", "b.png"], ["a.jpg", "a.tif", "b"]),
        (["a.jpg", "a.tif", "a.jpg.png"], ["scans_a", "a.tif", "a.jpg.png"]),
        (["one/p.png", "two/p.png"], ["one_p", "two_p"]),
        (["A.jpg", "a.tif"], ["A.jpg", "a.tif"]),
        (["caf\u00e9.jpg", "cafe\u0301.jpg"], None),
        (["book.tif", "book.p0001.png"], ["book.tif", "book.p0001.png"]),
        (["book.p0001.png", "book.p0002.png"], ["book.p0001", "book.p0002"]),
    ],
)
def test_names_are_distinct_in_any_order(places: list[str], wanted: list[str] | None) -> None:
    named = {}
    for order in itertools.permutations(places):
        now = dict(zip(order, stems(sources(*order)), strict=True))
        named = named or now
        assert now == named
    assert len({stem.casefold() for stem in named.values()}) == len(places)
    if wanted is not None:
        assert [named[place] for place in places] == wanted


def test_a_remembered_name_is_kept_when_a_newcomer_would_take_it() -> None:
    old, new = sources("a.jpg", "a.tif")
    old = Source(old.name, old.path, old.place, stat=("/scans/a.jpg", 1, 1))
    assert stems([old, new], {"/scans/a.jpg": "a"}) == ["a", "a.tif"]


def test_natural_order() -> None:
    assert sorted(["page10.png", "page2.png", "Page1.png"], key=natural) == ["Page1.png", "page2.png", "page10.png"]


def test_a_folder_is_mirrored_and_only_pages_are_taken(tmp_path: Path, spool: Path) -> None:
    scans = tmp_path / "scans"
    for name in ("p1.png", "deep/er/p2.png", ".hidden.png", ".git/p.png", "old.ink.png", "old.ink.p0001.png", "x.ink/p.png"):
        save(scans / name)
    (scans / "notes.txt").write_text("no page")
    summary, _ = binarize([scans], tmp_path / "out", spool)
    assert files(tmp_path / "out") == {"p1.png", "deep/er/p2.png"}
    assert summary.exit_code == 0


def test_two_folders_keep_apart(tmp_path: Path, spool: Path) -> None:
    save(tmp_path / "one/p.png")
    save(tmp_path / "two/p.png")
    binarize([tmp_path / "one", tmp_path / "two"], tmp_path / "out", spool)
    assert files(tmp_path / "out") == {"one/p.png", "two/p.png"}


def test_a_glob_mirrors_what_is_below_its_fixed_part(tmp_path: Path, spool: Path) -> None:
    save(tmp_path / "scans/a/p.png")
    save(tmp_path / "scans/b/p.png")
    (tmp_path / "scans/b/notes.txt").write_text("no page")
    binarize([tmp_path / "scans" / "**" / "*"], tmp_path / "out", spool)
    assert files(tmp_path / "out") == {"a/p.png", "b/p.png"}


def test_without_out_results_lie_beside_the_inputs(tmp_path: Path, spool: Path) -> None:
    page = save(tmp_path / "some/page.png")
    save(tmp_path / "scans/deep/p.png")
    binarize([page, tmp_path / "scans"], None, spool)
    assert files(tmp_path) == {"some/page.png", "some/page.ink.png", "scans/deep/p.png", "scans.ink/deep/p.png"}


def test_without_out_a_collision_beside_the_inputs_is_resolved_too(tmp_path: Path, spool: Path) -> None:
    one, two = save(tmp_path / "a.png"), save(tmp_path / "a.tif")
    binarize([one, two], None, spool)
    assert files(tmp_path) == {"a.png", "a.tif", "a.png.ink.png", "a.tif.ink.png"}


def test_a_dot_means_this_folder(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "scans/p.png")
    monkeypatch.chdir(tmp_path / "scans")
    binarize(["."], None, spool)
    assert files(tmp_path) == {"scans/p.png", "scans.ink/p.png"}


@pytest.mark.parametrize(
    ("format", "marks", "wanted"),
    [
        (None, [9], {"in.png"}),
        (None, [9, 9], {"in.tif"}),
        ("pdf", [9, 9], {"in.pdf"}),
        ("png", [9, 9], {"in.p0001.png", "in.p0002.png"}),
        ("pbm", [9, 9], {"in.p0001.pbm", "in.p0002.pbm"}),
        ("tiff", [9], {"in.tif"}),
    ],
)
def test_formats_of_tiff_inputs(tmp_path: Path, spool: Path, format: str | None, marks: list[int], wanted: set[str]) -> None:
    book = save_many(tmp_path / "in.tif", marks)
    binarize([book], tmp_path / "out", spool, make_job(format=format))
    assert files(tmp_path / "out") == wanted
    for seed in range(len(marks)):
        single = sorted(wanted)[seed] if len(wanted) > 1 else next(iter(wanted))
        page = ink_of(tmp_path / "out" / single, 1 if len(wanted) > 1 else seed + 1)
        assert (page == (grey(seed, 9) < 128)).all()


def test_a_pdf_gives_a_pdf_and_pages_can_be_chosen(tmp_path: Path, spool: Path) -> None:
    book = save_pdf(tmp_path / "book.pdf", 5)
    _, records = binarize([book], tmp_path / "out", spool, make_job(pages="2,4-5"))
    assert [record.page for record in records] == [2, 4, 5]
    assert all(record.pages == 5 for record in records)
    assert (ink_of(tmp_path / "out/book.pdf", 2) == (grey(3) < 128)).all()


def test_the_suffix_of_a_named_file_chooses_the_format(tmp_path: Path, spool: Path) -> None:
    page = save(tmp_path / "p.png")
    binarize([page], tmp_path / "x.TIFF", spool)
    assert (tmp_path / "x.TIFF").read_bytes()[:2] in (b"II", b"MM")
    assert not (tmp_path / ".docbin").exists()


def test_one_chosen_page_fits_a_named_png(tmp_path: Path, spool: Path) -> None:
    book = save_many(tmp_path / "b.tif", [9, 9, 9])
    binarize([book], tmp_path / "p.png", spool, make_job(pages="2"))
    assert (ink_of(tmp_path / "p.png") == (grey(1, 9) < 128)).all()


def test_many_pages_do_not_fit_a_named_png(tmp_path: Path, spool: Path) -> None:
    book = save_many(tmp_path / "b.tif", [9, 9, 9])
    summary, records = binarize([book], tmp_path / "p.png", spool)
    assert summary.exit_code == 1
    assert "3 pages do not fit" in records[0].error.message  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "out", "says"),
    [
        (["scans", "p.png"], "x.png", "names a file, but there are 2 inputs"),
        (["scans"], "x.pbm", "which may be many"),
        (["scans"], "scans", "lies in the input folder"),
        (["scans"], "scans/out", "lies in the input folder"),
        (["scans/*.png"], "scans", "holds the input"),
        (["p.png"], "x.jpg", "does not write .jpg"),
        (["p.png"], "x.txt", r"does not write \.txt files; name one with \.png, .* a / at its end"),
        (["scans/*.png"], "scans/p.png", "names a file"),
        (["scans", "p.png"], "-", "stdout takes the result of one file"),
        (["-", "p.png"], None, "stdin together with other inputs"),
        ([], "out", "no input"),
    ],
)
def test_contradictions_are_wrong_usage(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], out: str | None, says: str
) -> None:
    save(tmp_path / "scans/p.png")
    save(tmp_path / "p.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", (tmp_path / "p.png").open())
    with pytest.raises(UsageError, match=says):
        batch.plan(words, out, make_job(), spool=spool)
    assert files(tmp_path) == {"scans/p.png", "p.png"} | ({"spool/stdin-0"} if "-" in words else set())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "half", "params": {"unused": 10}}, "allowed is 0 to 9"),
        ({"method": "half", "params": {"other": 1}}, "no parameter 'other'"),
        ({"method": "half", "format": "gif"}, "cannot be written"),
        ({"method": "half", "probability": True}, "has no probability map"),
        ({"method": "marked", "probability": True, "format": "pdf"}, "cannot hold a probability map"),
        ({"method": "half", "pages": "3-1"}, "runs backwards"),
        ({"method": "half", "dpi": 1.0}, "allowed is"),
        ({"method": "half", "max_megapixels": 0}, "above 0"),
    ],
)
def test_wrong_settings_are_refused_before_any_page(options: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make_job(**options)  # type: ignore[arg-type]


def test_a_missing_extra_is_found_before_any_page() -> None:
    with pytest.raises(MissingExtra, match="docbin\\[nothing\\]"):
        make_job("absent")


def test_an_input_is_never_the_output(tmp_path: Path, spool: Path) -> None:
    page, other = save(tmp_path / "page.png"), save(tmp_path / "page2.png")
    before = page.read_bytes()
    linked = tmp_path / "linked.png"
    os.link(page, linked)
    for out in (page, linked, tmp_path):
        summary, records = binarize([page] if out != tmp_path else [page, other], out, spool, overwrite=True)
        assert summary.exit_code == 1
        assert all("one of the inputs" in record.error.message for record in records)  # type: ignore[union-attr]
    assert page.read_bytes() == before


def test_what_is_no_page_file_is_an_error_of_its_own_and_the_others_go_on(tmp_path: Path, spool: Path) -> None:
    good = save(tmp_path / "good.png")
    (tmp_path / "empty").mkdir()
    pipe = tmp_path / "device"
    os.mknod(pipe, stat.S_IFSOCK | 0o600)
    summary, records = binarize([tmp_path / "missing.png", good, tmp_path / "empty", tmp_path / "no*.png", pipe], tmp_path / "out", spool)
    assert [record.status for record in records] == ["failed", "done", "failed", "failed", "failed"]
    told = {record.input: record.error.message for record in records if record.error is not None}
    assert "does not exist" in told[str(tmp_path / "missing.png")]
    assert "no page files" in told[str(tmp_path / "empty")]
    assert "matches" in told[str(tmp_path / "no*.png")]
    assert "socket" in told[str(pipe)]
    assert summary.exit_code == 6
    assert files(tmp_path / "out") == {"good.png"}


def test_a_file_named_twice_is_done_once(tmp_path: Path, spool: Path) -> None:
    page = save(tmp_path / "scans/p.png")
    _, records = binarize([page, tmp_path / "scans", tmp_path / "scans/*.png"], tmp_path / "out", spool)
    assert len(records) == 1


def test_a_dry_run_tells_all_and_leaves_no_trace(tmp_path: Path, spool: Path) -> None:
    save(tmp_path / "scans/p.png")
    save_many(tmp_path / "scans/b.tif", [9, 9])
    (tmp_path / "scans/bad.png").write_bytes(b"")
    summary, records = binarize([tmp_path / "scans"], tmp_path / "out", spool, dry_run=True)
    assert not (tmp_path / "out").exists()
    out = tmp_path / "out"
    assert {(record.page, record.output) for record in records} == {
        (1, f"{out}/p.png"),
        (1, f"{out}/b.tif"),
        (2, f"{out}/b.tif"),
        (None, None),
    }
    assert summary.counts == {"planned": 3, "failed": 1}


def test_pages_come_in_the_order_asked_for(tmp_path: Path, spool: Path) -> None:
    book = save_many(tmp_path / "book.tif", [9] * 4)
    binarize([book], tmp_path / "out", spool, make_job(pages="3,1"))
    for page, seed in ((1, 2), (2, 0)):
        assert (ink_of(tmp_path / "out/book.tif", page) == (grey(seed, 9) < 128)).all()


def test_overlapping_page_ranges_cost_no_more_than_the_pages() -> None:
    from docbin.files import parse_page_ranges

    start = time.process_time()
    assert parse_page_ranges(",".join(["1-"] * 20_000)).numbers(60_000, "x.tif") == list(range(1, 60_001))
    assert time.process_time() - start < 5  # a set of every range takes 20 s and more


def test_a_picture_that_is_not_read_is_left_out_with_a_word(tmp_path: Path, spool: Path) -> None:
    save(tmp_path / "scans/a.tif")
    (tmp_path / "scans/IMG.jxl").write_bytes(b"\xff\x0a")
    (tmp_path / "scans/P1.NEF").write_bytes(b"MM\0*")
    (tmp_path / "scans/notes.txt").write_text("none that anybody takes for a page")
    report = tmp_path / "r.jsonl"
    summary, records = binarize([tmp_path / "scans"], tmp_path / "out", spool, report=report)
    assert summary.exit_code == 0
    assert {Path(record.input).name: record.status for record in records} == {"a.tif": "done", "IMG.jxl": "skipped", "P1.NEF": "skipped"}
    assert '"left out: JPEG XL is not read; convert it to PNG, TIFF or JPEG"' in report.read_text()
    assert "left out: a camera's raw picture is not read" in report.read_text()


def test_pages_and_archives_that_a_name_hides_are_left_out_with_a_word(tmp_path: Path, spool: Path) -> None:
    """A suffix is all that a walk goes by, so that what it goes past is told where it is a page, and only there."""
    page = save(tmp_path / "a.png").read_bytes()
    told = {"IMG_0001", "b.png ", "c.png.", "d.tif.gz", "e.zip"}
    silent = {"README", "f.png.bak", "g.xml.gz", "h.txt ", ".hidden"}
    (tmp_path / "scans").mkdir()
    for name in told | silent:
        (tmp_path / "scans" / name).write_bytes(b"words" if name in ("README", "h.txt ") else page)
    os.mkfifo(tmp_path / "scans" / "pipe")
    save(tmp_path / "i.jpg").rename(tmp_path / "scans/i.mpo")
    save(tmp_path / "j.tif").rename(tmp_path / "scans/j.btf")
    summary, records = binarize([tmp_path / "scans"], tmp_path / "out", spool)
    assert summary.exit_code == 0
    reasons = {Path(record.input).name: record.warnings[0] for record in records if record.status == "skipped"}
    assert set(reasons) == told
    assert "its name does not end like one; name it by itself, or rename it" in reasons["IMG_0001"]
    assert reasons["e.zip"].endswith("unpack it")
    assert {Path(record.input).name for record in records if record.status == "done"} == {"i.mpo", "j.btf"}


def test_what_is_left_out_for_the_name_of_an_earlier_result_is_told_in_one_line(tmp_path: Path, spool: Path) -> None:
    """Somebody's own page may be called so: ScanTailor's ``p1.clean.png``, a folder ``vol1.clean``."""
    for name in ("a.png", "b.ink.png", "sub/c.clean.png", "vol1.clean/d.png", "sub/.e.ink.png"):
        (tmp_path / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        save(tmp_path / "scans" / name)
    _, records = binarize([tmp_path / "scans"], tmp_path / "out", spool)
    (skipped,) = [record for record in records if record.status == "skipped"]
    assert skipped.input == str(tmp_path / "scans")
    assert "vol1.clean/ and 2 more" in skipped.warnings[0]
    assert files(tmp_path / "out") == {"a.png"}
    _, records = binarize([tmp_path / "scans" / "b.ink.png"], tmp_path / "out", spool)
    assert [record.status for record in records] == ["done"]


@pytest.mark.parametrize(
    ("program", "without"),
    [
        (
            "from docbin import batch; batch.plan, batch.run, batch.Binarize.create('otsu', {}), batch.Binarize.create(None, {})",
            {"numpy", "cv2", "PIL"},
        ),
        (
            "import docbin.batch.worker, docbin.batch.binarize_job",
            {"docbin.batch.batch_plan", "docbin.batch.batch_run", "docbin.batch.outputs"},
        ),
    ],
)
def test_a_process_imports_its_own_side_of_a_batch(program: str, without: set[str]) -> None:
    """Planning and running want no pixels, a worker wants no plan: each is half of what a small picture waits for."""
    found = subprocess.run(
        [sys.executable, "-c", f"{program}; import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert not without & set(found.stdout.split())


@pytest.mark.parametrize(("out", "there"), [("x.txt/", False), ("x.txt", True), ("v1.0", False), ("2026.11", False), ("ink", False)])
def test_what_reads_like_a_folder_is_one(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch, out: str, there: bool) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "p.png")
    if there:
        (tmp_path / out).mkdir()
    assert list(batch.plan(["p.png"], out, make_job(), spool=spool).folders) == [Path(out)]


def test_a_file_without_an_ending_is_no_folder(tmp_path: Path, spool: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UsageError, match="notes is a file, and its name does not tell a format"):
        batch.plan([str(save(tmp_path / "p.png"))], str(tmp_path / "notes"), make_job(), spool=spool)
    assert (tmp_path / "notes").read_text() == "mine"
