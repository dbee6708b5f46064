"""Batches whose inputs and outputs lie in a store: the bytes of a batch on this machine, nothing half-written, nothing made twice."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("s3fs", reason="needs docbin[remote]")
pytest.importorskip("moto", reason="needs moto[server], an S3 for tests")

from docbin import batch
from docbin.batch import remote_folder
from docbin.errors import UsageError
from docbin.files import object_store, open_pages
from docbin.files.object_store import RetryPolicy
from docbin.files.remote_path import RemotePath
from tests.batch.faults import KILLED, RAISES
from tests.batch.pages import Records, binarize, files, grey, make_job, save, save_many
from tests.files.s3_server import BUCKET, Faults, archive_server, emptied


@pytest.fixture(scope="module")
def server() -> Iterator[Faults]:
    with archive_server() as faults:
        yield faults


@pytest.fixture
def store(server: Faults, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    monkeypatch.setattr(object_store, "POLICY", RetryPolicy(tries=5, first_pause=0.01, longest_pause=0.05, call_seconds=20.0))
    with emptied(server) as store:
        yield store


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def scans(tmp_path: Path, store: Faults) -> Path:
    """A folder, here and in the store under ``scans/``."""
    for seed in range(4):
        save(tmp_path / f"scans/p{seed}.png", seed)
    save(tmp_path / "scans/deep/er/p4.png", 4)
    save_many(tmp_path / "scans/book.tif", [9] * 3)
    for name in files(tmp_path / "scans"):
        object_store.put(BUCKET / "scans" / name, (tmp_path / "scans" / name).read_bytes(), replace=True)
    return tmp_path / "scans"


def objects(folder: RemotePath) -> dict[str, bytes]:
    """Every object below a folder but docbin's own."""
    names = [entry.path.relative_to(folder).as_posix() for entry in object_store.listing(folder)]
    return {name: object_store.read(folder / name) for name in names if not name.startswith(".docbin/")}


def same(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


def test_from_store_to_store_is_as_from_disk_to_disk(tmp_path: Path, spool: Path, scans: Path, store: Faults) -> None:
    binarize([scans], tmp_path / "out", spool)
    store.choose = lambda method, path, number: "503" if number % 3 == 1 and "scans" in path else None
    summary, records = binarize(["s3://archive/scans"], "s3://archive/ink", spool)
    assert summary.counts == {"done": 8}
    assert objects(BUCKET / "ink") == same(tmp_path / "out")
    assert {record.output for record in records} == {f"s3://archive/ink/{name}" for name in files(tmp_path / "out")}
    assert objects(BUCKET / "scans") == same(scans)


def test_from_store_to_disk_and_from_disk_to_store(tmp_path: Path, spool: Path, scans: Path) -> None:
    binarize([scans], tmp_path / "out", spool)
    binarize(["s3://archive/scans/"], tmp_path / "from-store", spool)
    binarize([scans], "s3://archive/from-disk/", spool)
    assert same(tmp_path / "from-store") == same(tmp_path / "out") == objects(BUCKET / "from-disk")
    binarize(["s3://archive/scans/p1.png"], "s3://archive/one/ink.png", spool)
    assert objects(BUCKET / "one") == {"ink.png": (tmp_path / "out/p1.png").read_bytes()}


def test_globs_in_a_store(tmp_path: Path, spool: Path, scans: Path) -> None:
    binarize(["s3://archive/scans/p[0-2].png"], tmp_path / "a", spool)
    assert files(tmp_path / "a") == {"p0.png", "p1.png", "p2.png"}
    binarize(["s3://archive/scans/**/p?.png"], tmp_path / "b", spool)
    assert files(tmp_path / "b") == {*(f"p{seed}.png" for seed in range(4)), "deep/er/p4.png"}


def test_a_resumed_batch_makes_nothing_twice(spool: Path, scans: Path, store: Faults) -> None:
    binarize(["s3://archive/scans"], "s3://archive/ink", spool)
    store.seen.clear()
    summary, records = binarize(["s3://archive/scans"], "s3://archive/ink", spool, resume=True)
    assert summary.counts == {"kept": 8}
    assert all(record.ink is not None for record in records)
    assert not [key for key in store.seen if key[0] == "PUT"]
    with pytest.raises(UsageError, match="made with half, not slow"):
        binarize(["s3://archive/scans"], "s3://archive/ink", spool, make_job("slow"), resume=True)


def test_what_a_kill_left_without_a_record_is_made_again_and_only_that(spool: Path, scans: Path, store: Faults) -> None:
    binarize(["s3://archive/scans"], "s3://archive/ink", spool)
    before = objects(BUCKET / "ink")
    records = list(object_store.listing(BUCKET / "ink/.docbin/records"))
    lines = object_store.read(records[0].path).splitlines(keepends=True)
    object_store.put(records[0].path, b"".join(lines[:4]), replace=True)
    summary, _ = binarize(["s3://archive/scans"], "s3://archive/ink", spool, resume=True)
    assert summary.counts["kept"] + summary.counts["done"] == 8
    assert 0 < summary.counts["kept"] < 8
    assert summary.exit_code == 0
    assert objects(BUCKET / "ink") == before
    assert binarize(["s3://archive/scans"], "s3://archive/ink", spool, resume=True)[0].counts == {"kept": 8}  # records of two runs


def test_an_object_of_somebody_elses_stays(spool: Path, scans: Path) -> None:
    object_store.put(BUCKET / "ink/p1.png", b"precious", replace=False)
    for resume in (False, True):
        summary, records = binarize(["s3://archive/scans/p1.png"], "s3://archive/ink/", spool, resume=resume)
        assert summary.exit_code == 5
        assert records[0].error is not None
        assert "s3://archive/ink/p1.png: it exists" in records[0].error.message
    assert object_store.read(BUCKET / "ink/p1.png") == b"precious"
    assert binarize(["s3://archive/scans/p1.png"], "s3://archive/ink/", spool, overwrite=True)[0].counts == {"done": 1}
    assert object_store.read(BUCKET / "ink/p1.png") != b"precious"


def test_an_input_that_changed_is_made_again(spool: Path, scans: Path, tmp_path: Path) -> None:
    binarize(["s3://archive/scans"], "s3://archive/ink", spool)
    object_store.put(BUCKET / "scans/p0.png", save(tmp_path / "new.png", 77).read_bytes(), replace=True)
    summary, _ = binarize(["s3://archive/scans"], "s3://archive/ink", spool, resume=True)
    assert summary.counts == {"done": 1, "kept": 7}
    with open_pages("s3://archive/ink/p0.png") as file:
        assert ((file.page(1).pixels == 0) == (grey(77) < 128)).all()


def test_pages_that_fail_cost_themselves(spool: Path, store: Faults, tmp_path: Path) -> None:
    for seed, mark in enumerate([230, RAISES, KILLED, 230]):
        object_store.put(BUCKET / f"scans/p{seed}.png", save(tmp_path / f"{seed}.png", seed, mark).read_bytes(), replace=True)
    object_store.put(BUCKET / "scans/p4.jpg", b"\xff\xd8\xff not a picture", replace=True)
    summary, records = binarize(["s3://archive/scans"], "s3://archive/ink", spool, make_job("marked"), jobs=1)
    assert summary.counts == {"done": 2, "failed": 3}
    assert set(objects(BUCKET / "ink")) == {"p0.png", "p3.png"}
    assert "/tmp" not in "".join(record.error.message for record in records if record.error)


def test_an_object_that_cannot_be_had_costs_its_page(spool: Path, scans: Path, store: Faults) -> None:
    store.choose = lambda method, path, number: "503" if method == "GET" and path == "/archive/scans/p2.png" else None
    summary, records = binarize(["s3://archive/scans"], "s3://archive/ink", spool)
    assert summary.counts == {"done": 7, "failed": 1}
    failed = next(record for record in records if record.error)
    assert failed.input == "s3://archive/scans/p2.png"
    assert failed.error is not None
    assert "the store failed 5 times" in failed.error.message
    store.choose = lambda method, path, number: None
    assert binarize(["s3://archive/scans"], "s3://archive/ink", spool, resume=True)[0].counts == {"done": 1, "kept": 7}


def test_stores_without_metadata_keep_records_first(tmp_path: Path, spool: Path, store: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for seed in range(3):
        memory.pipe_file(f"/m/scans/p{seed}.png", save(tmp_path / f"scans/p{seed}.png", seed).read_bytes())
    summary, _ = binarize(["memory://m/scans"], "memory://m/ink", spool)
    assert summary.counts == {"done": 3}
    binarize([tmp_path / "scans"], tmp_path / "out", spool)
    assert objects(RemotePath("memory://m/ink")) == same(tmp_path / "out")
    assert binarize(["memory://m/scans"], "memory://m/ink", spool, resume=True)[0].counts == {"kept": 3}
    memory.pipe_file("/m/ink/p1.png", b"somebody else's")
    assert binarize(["memory://m/scans"], "memory://m/ink", spool, resume=True)[0].exit_code == 6
    assert object_store.read(RemotePath("memory://m/ink/p1.png")) == b"somebody else's"
    memory.rm("/m", recursive=True)


def test_records_are_written_in_objects_of_many_lines(spool: Path, store: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_folder, "LINES", 4)
    for seed in range(10):
        save(tmp_path / f"scans/p{seed}.png", seed)
    binarize([tmp_path / "scans"], "s3://archive/ink", spool)
    found = list(object_store.listing(BUCKET / "ink/.docbin/records"))
    assert [len(object_store.read(entry.path).splitlines()) for entry in found] == [4, 4, 2]
    puts = [path for (method, path), count in store.seen.items() for _ in range(count) if method == "PUT" and "records" in path]
    assert len(puts) == 3


def test_what_makes_no_sense_is_refused(tmp_path: Path, spool: Path, scans: Path) -> None:
    job = make_job()
    cases = [
        (["s3://archive/scans"], None, "needs an output"),
        (["s3://archive/scans"], "s3://archive/scans/ink", "lies in the input folder"),
        (["s3://archive/scans/deep"], "s3://archive/scans", "holds the input"),
        (["s3://archive/scans"], "s3://archive/ink.png", "names a file, but"),
    ]
    for words, out, said in cases:
        with pytest.raises(UsageError, match=said):
            batch.plan(words, out, job, spool=spool)
    _, records = binarize(["s3://archive/nothing-here/", "s3://archive/none.png", "https://127.0.0.1:9/x.png"], tmp_path / "out", spool)
    assert len(records) == 3
    assert all(record.error is not None and record.error.exit_code == 5 for record in records)


def test_pages_of_the_web(tmp_path: Path, spool: Path) -> None:
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    body = save(tmp_path / "p.png", 3).read_bytes()

    class Site(BaseHTTPRequestHandler):
        """A web server that knows no ranges."""

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            found = self.path.startswith("/scans/p%201.png")
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body) if found else 0))
            self.end_headers()
            if found and self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{site.server_address[1]}"
    try:
        _, records = binarize([f"{address}/scans/p%201.png?signature=secret", f"{address}/none.png"], tmp_path / "out", spool)
    finally:
        site.shutdown()
        site.server_close()
    assert files(tmp_path / "out") == {"p 1.png"}
    assert [record.status for record in records] == ["done", "failed"]
    assert "secret" not in json.dumps([record.as_dict() for record in records])


def test_pixels_of_a_page_at_a_url(store: Faults, tmp_path: Path) -> None:
    import docbin

    object_store.put(BUCKET / "p.png", save(tmp_path / "p.png", 3).read_bytes(), replace=True)
    pages = list(docbin.read_pages("s3://archive/p.png"))
    assert (pages[0].pixels == grey(3)).all()
    assert pages[0].source == "s3://archive/p.png"
    assert isinstance(pages[0].pixels, np.ndarray)
    assert io.BytesIO(object_store.read(BUCKET / "p.png")).getvalue() == (tmp_path / "p.png").read_bytes()
    assert Records().all == []
