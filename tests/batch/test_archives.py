"""Batches over tar archives: an output a member, named by archive and member alone, resumed page by page; archives in a store are fetched once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docbin import batch
from docbin.batch.names import member_stems, stays_below
from docbin.errors import UsageError
from docbin.files.remote_path import RemotePath
from tests.batch.faults import KILLED
from tests.batch.pages import binarize, files, grey, ink_of, leftovers, make_job, save
from tests.files.test_tar import archive


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def page(folder: Path, seed: int, mark: int = 230) -> bytes:
    return save(folder / "page.png", seed, mark).read_bytes()


def test_an_output_a_member(tmp_path: Path, spool: Path) -> None:
    made = archive([(f"a/{seed}.png", page(tmp_path, seed)) for seed in range(3)] + [("a/0.json", b"{}"), ("x.jpg", b"\xff\xd8\xff")])
    (tmp_path / "s-0.tar").write_bytes(made)
    summary, records = binarize([tmp_path / "s-0.tar"], tmp_path / "out", spool)
    assert summary.counts == {"done": 3, "failed": 1}
    assert files(tmp_path / "out") == {f"s-0/a/{seed}.png" for seed in range(3)}
    for seed in range(3):
        assert (ink_of(tmp_path / f"out/s-0/a/{seed}.png") == (grey(seed) < 128)).all()
    assert [(r.page, r.pages, r.member) for r in records] == [(1, 4, "a/0.png"), (2, 4, "a/1.png"), (3, 4, "a/2.png"), (4, 4, "x.jpg")]
    assert records[3].label == f"x.jpg in {tmp_path}/s-0.tar"
    before = (tmp_path / "out/s-0/a/1.png").stat().st_mtime_ns
    (tmp_path / "out/s-0/a/2.png").unlink()
    again, records = binarize([tmp_path / "s-0.tar"], tmp_path / "out", spool, resume=True)
    assert again.counts == {"kept": 2, "done": 1, "failed": 1}
    assert {record.member for record in records if record.status == "kept"} == {"a/0.png", "a/1.png"}
    assert (tmp_path / "out/s-0/a/1.png").stat().st_mtime_ns == before


def test_beside_the_archive_and_in_other_formats(tmp_path: Path, spool: Path) -> None:
    (tmp_path / "one.tar").write_bytes(archive([("p.png", page(tmp_path, 1))]))
    (tmp_path / "page.png").unlink()
    binarize([tmp_path / "one.tar"], None, spool)
    assert (tmp_path / "one.ink/p.png").is_file()
    (tmp_path / "two.tar").write_bytes(archive([("p.png", page(tmp_path, 1)), ("q.png", page(tmp_path, 2))]))
    binarize([tmp_path / "two.tar"], tmp_path / "tiffs", spool, make_job(format="tiff"))
    assert files(tmp_path / "tiffs") == {"two/p.tif", "two/q.tif"}
    binarize([tmp_path / "two.tar"], tmp_path / "book.pdf", spool)
    assert (ink_of(tmp_path / "book.pdf", 2) == (grey(2) < 128)).all()
    summary, records = binarize([tmp_path / "two.tar"], tmp_path / "page.png", spool, overwrite=True)
    assert summary.counts == {"failed": 1}
    assert "2 pages do not fit" in str(records[0].error)


def test_names_that_lead_out_or_clash(tmp_path: Path, spool: Path) -> None:
    assert member_stems(["a.png", "b/a.png", "../a.png", "/a.png", "a/../../b.png", ".docbin/a.png", "c\\d.png", "C:x.png"]) == [
        "a", "b/a", None, None, None, None, None, None,
    ]  # fmt: skip
    assert member_stems(["a.png", "a.jpg"]) == ["a.png", "a.jpg"]
    stems = [stem for stem in member_stems(["A.png", "a.png", "b.png"]) if stem is not None]
    assert len({stem.casefold() for stem in stems}) == 3
    assert stems[2] == "b"
    assert stays_below("a/b")
    outside = archive([("../../out-of-it.png", page(tmp_path, 1)), ("good.png", page(tmp_path, 2))])
    (tmp_path / "s.tar").write_bytes(outside)
    summary, records = binarize([tmp_path / "s.tar"], tmp_path / "deep/er/out", spool)
    assert summary.counts == {"done": 1, "failed": 1}
    assert "does not stay below the output folder" in str(records[0].error)
    assert not list(tmp_path.rglob("out-of-it*"))
    assert binarize([tmp_path / "s.tar"], tmp_path / "other", spool, dry_run=True)[0].counts == {"planned": 1, "failed": 1}


@pytest.mark.slow
def test_a_member_that_crashes_its_process_fails_alone(tmp_path: Path, spool: Path) -> None:
    members = [("a.png", page(tmp_path, 1)), ("b.png", page(tmp_path, 2, KILLED)), ("c.png", page(tmp_path, 3))]
    (tmp_path / "s.tar").write_bytes(archive(members))
    summary, records = binarize([tmp_path / "s.tar"], tmp_path / "out", spool, make_job("marked"), jobs=1)
    assert summary.counts == {"done": 2, "failed": 1}
    assert {record.member for record in records if record.error is not None} == {"b.png"}
    assert not leftovers(tmp_path / "out")


def test_a_work_list_of_archives_and_a_walk(tmp_path: Path, spool: Path) -> None:
    for number in range(2):
        (tmp_path / f"in/s-{number}.tar").parent.mkdir(exist_ok=True)
        (tmp_path / f"in/s-{number}.tar").write_bytes(archive([("0.png", page(tmp_path, number))]))
    lines = [{"uri": str(tmp_path / f"in/s-{number}.tar"), "name": f"t/s-{number}"} for number in range(2)]
    (tmp_path / "work.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert binarize([tmp_path / "work.jsonl"], tmp_path / "out", spool)[0].counts == {"done": 2}
    assert files(tmp_path / "out") == {"t/s-0/0.png", "t/s-1/0.png"}
    assert binarize([str(tmp_path / "in/*.tar")], tmp_path / "glob", spool)[0].counts == {"done": 2}
    save(tmp_path / "in/p.png", 3)
    summary, records = binarize([tmp_path / "in"], tmp_path / "walk", spool)
    assert summary.counts == {"done": 1, "skipped": 2}
    assert "name it, or a glob such as '*.tar'" in records[-1].warnings[0]


def test_an_archive_in_a_store_is_fetched_once(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec", reason="needs docbin[remote]")
    from docbin.files import object_store, range_reader

    store = RemotePath("memory://archive")
    object_store.put(store / "s-0.tar", archive([(f"{n}.png", page(tmp_path, n)) for n in range(3)]), replace=True)
    calls: list[tuple[int | None, int | None]] = []
    read = object_store.read

    def counted(path: RemotePath, start: int | None = None, end: int | None = None, *, size: int | None = None) -> bytes:
        calls.append((start, end))
        return read(path, start, end, size=size)

    monkeypatch.setattr(object_store, "read", counted)
    monkeypatch.setattr(range_reader, "PIECE", 4096)
    binarize(["memory://archive/*.tar"], tmp_path / "out", spool)
    assert files(tmp_path / "out") == {f"s-0/{n}.png" for n in range(3)}
    size = object_store.info(store / "s-0.tar").size  # type: ignore[union-attr]
    assert calls == [(start, min(start + 4096, size)) for start in range(0, size, 4096)]
    records = binarize(["memory://archive/s-0.tar"], tmp_path / "again", spool)[1]
    assert {record.input for record in records} == {"memory://archive/s-0.tar"}


def test_archives_cannot_be_one_unit_of_two_shards(tmp_path: Path, spool: Path) -> None:
    for number in range(8):
        (tmp_path / f"s-{number}.tar").write_bytes(archive([(f"{n}.png", page(tmp_path, n)) for n in range(2)]))
    words = [str(tmp_path / f"s-{number}.tar") for number in range(8)]
    done: list[str] = []
    for index in range(2):
        plan = batch.plan(words, str(tmp_path / "out"), make_job(), spool=spool, shard=batch.Shard(index, 2))
        assert batch.run(plan, jobs=0).exit_code == 0
        done += [file.source.name for file in plan.files if isinstance(file, batch.PlannedFile)]
    assert sorted(done) == words
    assert len(files(tmp_path / "out")) == 16
    with pytest.raises(UsageError, match="cannot share one document"):
        batch.plan(words, str(tmp_path / "all.pdf"), make_job(), spool=spool, shard=batch.Shard(0, 2))
