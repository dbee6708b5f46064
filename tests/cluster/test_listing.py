"""``docbin list``: the names of a batch, a line a unit, in flat memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from docbin import batch
from docbin.batch.inputs import Refused
from docbin.batch.work_list import Unit
from docbin.cli import main
from docbin.cluster.listing import units
from docbin.files import object_store
from docbin.files.object_store import ObjectInfo
from docbin.files.remote_path import RemotePath
from tests.batch.pages import make_job, save, save_many, save_pdf


def test_a_list_has_the_names_of_the_batch(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("p2.png", "p10.png", "a/p.png", "a/p.jpg", "a/p.jpg.tif", "a/P.png", "b/page.v1.png", "b/page.v2.png", "b/page.v1.jpg"):
        save(tmp_path / "scans" / name, 1)
    save_many(tmp_path / "scans/book.tif", [9, 9, 9])
    save_pdf(tmp_path / "scans/paper.pdf", 2)
    (tmp_path / "scans/broken.tif").write_bytes(b"II*\0")
    (tmp_path / "scans/note.txt").write_text("no page")
    assert main(["list", str(tmp_path / "scans")]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    plan = batch.plan([str(tmp_path / "scans")], str(tmp_path / "out"), make_job(), spool=tmp_path)
    wanted = {str(file.source.path.absolute()): file.stem for file in plan.files if isinstance(file, batch.PlannedFile)}
    assert {line["uri"]: line["name"] for line in lines} == wanted
    pages = {Path(line["uri"]).name: line.get("pages") for line in lines}
    assert pages["book.tif"] == 3
    assert pages["paper.pdf"] == 2
    assert pages["p2.png"] == 1
    assert pages["broken.tif"] is None
    assert all(line["size"] == Path(line["uri"]).stat().st_size for line in lines)


def test_a_list_is_done_as_its_folder_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("p.png", "p.jpg", "deep/q.png"):
        save(tmp_path / "scans" / name, 1)
    assert main(["list", str(tmp_path / "scans")]) == 0
    (tmp_path / "work.jsonl").write_text(capfd.readouterr().out)
    common = ["-m", "otsu", "-j", "1"]
    assert main(["binarize", str(tmp_path / "work.jsonl"), "-o", str(tmp_path / "a"), *common]) == 0
    assert (
        main(["binarize", str(tmp_path / "scans"), "-o", str(tmp_path / "a"), *common, "--resume", "--report", str(tmp_path / "r.jsonl")])
        == 0
    )
    assert {json.loads(line)["status"] for line in (tmp_path / "r.jsonl").read_text().splitlines()} == {"kept"}


def test_what_cannot_be_listed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "-"]) == 1
    assert main(["list", str(tmp_path / "none")]) == 5
    save(tmp_path / "p.png", 1)
    assert main(["list", str(tmp_path / "none"), str(tmp_path / "p.png")]) == 6
    assert len(capfd.readouterr().out.splitlines()) == 1


def test_names_that_clash_in_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = sorted(
        [
            "a/p.jpg",
            "a/p.png",
            "a/p-1.jpg",
            "a/p/q.jpg",
            "a/p.jpg.tif",
            "a/p0.jpg",
            "a.jpg",
            "b/book.tif",
            "b/book.p0001.png",
            "b/x.ink.png",
        ]
    )
    entries = [ObjectInfo(RemotePath(f"s3://bucket/{key}"), 1, "e") for key in keys]
    monkeypatch.setattr(object_store, "listing", lambda folder: iter(entries))
    found = {unit.uri.removeprefix("s3://bucket/"): unit.name for unit in units(["s3://bucket/"], tmp_path) if isinstance(unit, Unit)}
    assert "b/x.ink.png" not in found  # docbin's own
    names = [name.casefold() for name in found.values() if name]
    assert len(set(names)) == len(names) == 9
    assert found["a/p-1.jpg"] == "a/p-1"
    assert found["a/p.png"] == "a/p.png"
    assert found["a/p0.jpg"] == "a/p0"


def test_memory_does_not_grow_with_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def many(folder: RemotePath) -> Iterator[ObjectInfo]:
        return (ObjectInfo(folder / f"{number // 1000:04d}/page-{number:07d}.jpg", number, "etag") for number in range(4_000))

    monkeypatch.setattr(object_store, "listing", many)
    next(units(["s3://bucket/"], tmp_path))  # imports
    tracemalloc.start()
    count = sum(not isinstance(unit, Refused) for unit in units(["s3://bucket/"], tmp_path))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4_000
    assert most < 2_000_000  # of the units themselves more than twice as many
