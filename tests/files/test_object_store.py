"""Objects in a store that fails as stores do: whole, or not at all, and never for ever."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("s3fs", reason="needs docbin[remote]")
pytest.importorskip("moto", reason="needs moto[server], an S3 for tests")

from docbin.errors import FileAccessError, MissingExtra, OutputExists, UsageError
from docbin.files import object_store, open_pages, range_reader
from docbin.files.object_store import RetryPolicy
from docbin.files.range_reader import BLOCK, RangeReader, open_object
from docbin.files.remote_path import RemotePath, is_url, place
from tests.files.s3_server import BUCKET, Faults, archive_server, emptied


@pytest.fixture(scope="module")
def server() -> Iterator[Faults]:
    with archive_server() as faults:
        yield faults


@pytest.fixture
def store(server: Faults, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """An empty bucket, and a proxy that does as it is told; pauses are short."""
    monkeypatch.setattr(object_store, "POLICY", RetryPolicy(tries=4, first_pause=0.01, longest_pause=0.05, call_seconds=5.0))
    with emptied(server) as store:
        yield store


def test_an_object_comes_back_as_it_was_put(store: Faults) -> None:
    data = os.urandom(100_000)
    path = BUCKET / "a b/ü#1?.bin"
    object_store.put(path, data, replace=False, words={"docbin-key": "k1"})
    assert object_store.read(path) == data
    assert object_store.read(path, 10, 20) == data[10:20]
    assert object_store.metadata(path) == {"docbin-key": "k1"}
    found = object_store.info(path)
    assert found is not None
    assert found.size == len(data)
    assert object_store.info(BUCKET / "a b") is None
    assert object_store.info(BUCKET / "none") is None
    puts = [line for line in store.log if line[0] == "PUT"]
    assert len(puts) == 1  # one PUT, no parts


@pytest.mark.slow
def test_an_object_of_a_hundred_megabytes_is_one_put_too(store: Faults) -> None:
    data = bytes(101 << 20)
    object_store.put(BUCKET / "large.tif", data, replace=False)
    assert [line[0] for line in store.log] == ["PUT"]


def test_nothing_is_replaced_unasked(store: Faults) -> None:
    path = BUCKET / "page.png"
    object_store.put(path, b"first", replace=False)
    with pytest.raises(OutputExists, match=r"s3://archive/page\.png: it exists"):
        object_store.put(path, b"second", replace=False)
    assert object_store.read(path) == b"first"
    object_store.put(path, b"second", replace=True)
    assert object_store.read(path) == b"second"


@pytest.mark.parametrize("fault", ["503", "truncated"])
def test_a_read_outlives_failures(store: Faults, fault: str) -> None:
    data = os.urandom(50_000)
    object_store.put(BUCKET / "page", data, replace=False)
    store.choose = lambda method, path, number: fault if method == "GET" and number <= 3 else None
    assert object_store.read(BUCKET / "page", size=len(data)) == data
    assert store.seen["GET", "/archive/page"] == 4


def test_a_slow_body_is_given_up_and_read_again(store: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "POLICY", RetryPolicy(tries=3, first_pause=0.01, call_seconds=1.0))
    object_store.put(BUCKET / "page", b"0123456789abcdef", replace=False)
    store.choose = lambda method, path, number: "slow" if method == "GET" and number == 1 else None
    assert object_store.read(BUCKET / "page", size=16) == b"0123456789abcdef"
    assert store.seen["GET", "/archive/page"] == 2


@pytest.mark.parametrize("fault", ["503", "truncated"])
def test_failures_without_end_are_an_error_that_names_the_object(store: Faults, fault: str) -> None:
    object_store.put(BUCKET / "page", bytes(1000), replace=False)
    store.choose = lambda method, path, number: fault if method == "GET" else None
    with pytest.raises(FileAccessError, match=r"s3://archive/page: cannot read: the store failed 4 times"):
        object_store.read(BUCKET / "page", size=1000)
    assert store.seen["GET", "/archive/page"] == 4  # ours, not multiplied by the driver's own


def test_a_put_whose_answer_was_lost_is_not_taken_for_somebody_elses(store: Faults) -> None:
    store.choose = lambda method, path, number: "no answer" if method == "PUT" and number == 1 else None
    object_store.put(BUCKET / "page", b"ours", replace=False, words={"docbin-run": "r1"})
    assert object_store.read(BUCKET / "page") == b"ours"
    assert store.seen["PUT", "/archive/page"] == 2


def test_a_put_outlives_503_and_leaves_one_whole_object(store: Faults) -> None:
    store.choose = lambda method, path, number: "503" if number <= 2 else None
    object_store.put(BUCKET / "a/page", b"x" * 5000, replace=False)
    assert [(found.path.name, found.size) for found in object_store.listing(BUCKET)] == [("page", 5000)]


def test_an_object_that_changed_since_it_was_listed_is_refused(store: Faults) -> None:
    for content in (b"longer than it was", b"short"):
        object_store.put(BUCKET / "page", content, replace=True)
        with pytest.raises(FileAccessError, match="changed since"):
            open_object(BUCKET / "page", 10)


def test_what_is_not_there_is_said_at_once(store: Faults) -> None:
    with pytest.raises(FileAccessError, match="no such object"):
        object_store.read(BUCKET / "none", size=10)
    assert store.seen["GET", "/archive/none"] == 1
    with pytest.raises(FileAccessError, match="no such object"):
        open_object(BUCKET / "none")


def test_a_listing_goes_over_its_pages(store: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "NAMES", 10)
    filesystem = object_store._filesystem(BUCKET)
    names = [f"scans/{number:04d}.png" for number in range(25)]
    filesystem.pipe({f"archive/{name}": b"1" for name in [*names, "other/x"]})
    store.choose = lambda method, path, number: "503" if method == "GET" and number == 2 else None
    found = list(object_store.listing(BUCKET / "scans"))
    assert [entry.path.url for entry in found] == [f"s3://archive/{name}" for name in names]
    assert all(entry.size == 1 and entry.etag for entry in found)


def test_ranges_fetch_what_is_asked_for(store: Faults) -> None:
    data = os.urandom(3 * BLOCK + 17)
    object_store.put(BUCKET / "large", data, replace=False)
    raw = RangeReader(BUCKET / "large", len(data))
    stream = io.BufferedReader(raw)
    stream.seek(2 * BLOCK - 3)
    assert stream.read(10) == data[2 * BLOCK - 3 : 2 * BLOCK + 7]
    assert raw.fetched == 2 * BLOCK
    stream.seek(-5, io.SEEK_END)
    assert stream.read() == data[-5:]
    assert stream.read() == b""
    stream.seek(0)
    assert stream.read() == data
    assert raw.fetched == len(data)


def test_a_page_of_a_large_tiff_costs_its_own_bytes(store: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    from PIL import Image

    monkeypatch.setattr(object_store, "ONE_GET", 1 << 20)
    monkeypatch.setattr(range_reader, "BLOCK", 1 << 18)
    rng = np.random.default_rng(1)
    frames = [Image.fromarray(rng.integers(0, 255, (800, 800), dtype=np.uint8)) for _ in range(5)]
    frames[0].save(tmp_path / "book.tif", save_all=True, append_images=frames[1:])
    data = (tmp_path / "book.tif").read_bytes()
    object_store.put(BUCKET / "book.tif", data, replace=False)
    with open_pages(BUCKET / "book.tif") as book:
        assert book.count == 5
        assert (book.page(5).pixels == np.asarray(frames[4])).all()
        raw = book._stream.raw  # type: ignore[attr-defined]
        assert raw.fetched < 0.6 * len(data)
        store.choose = lambda method, path, number: "503" if method == "GET" else None
        with pytest.raises(FileAccessError, match=r"s3://archive/book\.tif: cannot read: the store failed"):
            book.page(1)


def test_names_of_objects() -> None:
    page = RemotePath("S3://bucket/a/page.v2.jpg")
    assert (str(page), page.name, page.stem, page.suffix) == ("s3://bucket/a/page.v2.jpg", "page.v2.jpg", "page.v2", ".jpg")
    assert page.parent == RemotePath("s3://bucket/a/")
    assert page.relative_to(RemotePath("s3://bucket")).as_posix() == "a/page.v2.jpg"
    assert not RemotePath("s3://bucket/ab").is_relative_to(RemotePath("s3://bucket/a"))
    assert page.with_name("q.png").url == "s3://bucket/a/q.png"
    assert RemotePath("https://host/p%20q.jpg?sig=secret").shown() == "https://host/p%20q.jpg"
    assert RemotePath("https://host/p%20q.jpg?sig=secret").name == "p q.jpg"
    assert place("file:///tmp/a%20b.png") == Path("/tmp/a b.png")
    assert place("c:/x.png") == Path("c:/x.png")
    assert not is_url("a/b.png")
    for wrong in ("s3://", "https://me:word@host/x.png", "file://elsewhere/x"):
        with pytest.raises(UsageError) as raised:
            place(wrong)
        assert "word" not in str(raised.value).split(": ")[0]


def test_what_is_missing_or_makes_no_sense_is_said() -> None:
    with pytest.raises(MissingExtra, match="pip install"):
        object_store.info(RemotePath("gs://bucket/x"))
    with pytest.raises(UsageError, match="nothing here reads nope://"):
        object_store.info(RemotePath("nope://bucket/x"))
    with pytest.raises(UsageError, match="does not write to web servers"):
        object_store.put(RemotePath("https://host/x.png"), b"", replace=True)
    with pytest.raises(UsageError, match="a web server does not list"):
        list(object_store.listing(RemotePath("https://host/x")))


def test_pauses_grow_and_are_capped() -> None:
    policy = RetryPolicy()
    assert [policy.pause(failed, 1.0) for failed in range(1, 9)] == [0.25, 0.5, 1, 2, 4, 8, 16, 20]
    assert policy.pause(3, 0.0) == pytest.approx(0.1)
