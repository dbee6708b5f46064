"""The server around the work: requests, folders, sweeping, the log, and a real one that is asked for what it must not give."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from docbin.cli import main
from docbin.demo import request_limits, server
from docbin.demo.request_limits import UPLOAD_BYTES, RequestLimits, longest_body
from docbin.errors import DocbinError, PageTimeout, UsageError, WorkerDied
from docbin.processes.sandbox import Sandbox
from tests.demo import pages

# --- requests -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "longest"),
    [
        ("GET", "/", 0),
        ("HEAD", "/", 0),
        ("GET", "/config", 0),
        ("GET", "/theme.css", 0),
        ("GET", "/assets/index-1.js", 0),
        ("GET", "/gradio_api/queue/data", 0),
        ("GET", "/gradio_api/heartbeat/abc123", 0),
        ("GET", "/gradio_api/file=/tmp/docbin-demo-1/files/0/page.png", 0),
        ("GET", "/gradio_api/file=C:/temp/page.png", 0),
        ("POST", "/gradio_api/upload", UPLOAD_BYTES + 100_000),
        ("POST", "/gradio_api/queue/join", 200_000),
        ("POST", "/gradio_api/cancel", 200_000),
        ("POST", "/gradio_api/reset", 200_000),
        ("GET", "/gradio_api/file=https://example.org/x.png", None),
        ("GET", "/gradio_api/file=file:///etc/passwd", None),
        ("GET", "/gradio_api/proxy=https://example.org", None),
        ("GET", "/monitoring", None),
        ("GET", "/monitoring/summary", None),
        ("GET", "/docs", None),
        ("GET", "/gradio_api/deep_link", None),
        ("POST", "/gradio_api/run/predict", None),
        ("POST", "/gradio_api/api/predict", None),
        ("POST", "/gradio_api/call/x", None),
        ("POST", "/gradio_api/vibe-edit", None),
        ("POST", "/login", None),
        ("POST", "/", None),
        ("PUT", "/", None),
        ("GET", "/configuration", None),
        ("GET", "/gradio_api/upload", None),
    ],
)
def test_only_what_the_page_asks_for_comes_in(method: str, path: str, longest: int | None) -> None:
    assert longest_body(method, path) == longest


STALL = b"a sender that sends no more"


class App:
    """Reads the whole body, as Gradio does, and answers with its length."""

    def __init__(self) -> None:
        self.read = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            self.read += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
        await send({"type": "http.response.body", "body": b"ok"})


def asked(
    path: str,
    bodies: list[bytes],
    length: str | None = None,
    kind: str = "http",
    told: dict[str, str] | None = None,
    method: str = "POST",
    **options: Any,
) -> tuple[App, list[dict[str, Any]]]:
    app, sent, left = App(), [], list(bodies)

    async def receive() -> dict[str, Any]:
        if not left:  # its sender waits for the answer
            await asyncio.Event().wait()
        body = left.pop(0)
        if body is STALL:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    names = {"host": "localhost:7860"} | ({} if length is None else {"content-length": length}) | (told or {})
    headers = [(name.encode(), value.encode()) for name, value in names.items()]
    asyncio.run(RequestLimits(app, **options)({"type": kind, "method": method, "path": path, "headers": headers}, receive, send))
    return app, sent


def test_a_body_within_its_length_passes_with_the_headers() -> None:
    app, sent = asked("/gradio_api/queue/join", [b"x" * 1000] * 3, "3000")
    assert app.read == 3000
    headers = dict(sent[0]["headers"])
    assert headers[b"x"] == b"y"
    assert b"default-src 'self'" in headers[b"content-security-policy"]
    assert not any(word in request_limits.headers()["content-security-policy"] for word in ("*", "http:", "unsafe-hashes"))
    assert headers[b"x-frame-options"] == b"DENY"
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
    assert b"camera=()" in headers[b"permissions-policy"]


def test_a_space_alone_is_shown_inside_another_page() -> None:
    told = request_limits.headers(["https://huggingface.co", "https://*.hf.space"])
    assert "frame-ancestors https://huggingface.co https://*.hf.space" in told["content-security-policy"]
    assert "x-frame-options" not in told


@pytest.mark.parametrize("length", ["200001", "99999999999", "-1", "ten"])
def test_a_body_that_says_it_is_too_long_is_refused_unread(length: str) -> None:
    app, sent = asked("/gradio_api/queue/join", [b"x"], length)
    assert app.read == 0
    assert sent[0]["status"] == 413
    assert b"25 MB" in sent[1]["body"]


def test_a_body_that_does_not_say_its_length_is_cut_off() -> None:
    app, sent = asked("/gradio_api/queue/join", [b"x" * 150_000] * 4)
    assert app.read == 150_000
    assert sent == []


def status(sent: list[dict[str, Any]]) -> int | None:
    return sent[0]["status"] if sent else None


@pytest.mark.parametrize(
    ("host", "listens", "more", "known"),
    [
        ("localhost:7860", "127.0.0.1", (), True),
        ("LOCALHOST", "127.0.0.1", (), True),
        ("127.0.0.1:7860", "127.0.0.1", (), True),
        ("127.8.9.10", "127.0.0.1", (), True),
        ("[::1]:7860", "127.0.0.1", (), True),
        ("attacker.example:7860", "127.0.0.1", (), False),
        ("127.0.0.1.attacker.example", "127.0.0.1", (), False),
        ("localhost.attacker.example", "0.0.0.0", (), False),
        ("192.168.1.5:7860", "127.0.0.1", (), False),
        ("192.168.1.5:7860", "0.0.0.0", (), True),
        ("192.168.1.5:7860", "192.168.1.5", (), True),
        ("[fe80::1]", "::", (), True),
        ("desk.lan:7860", "0.0.0.0", (), False),
        ("Desk.lan:7860", "0.0.0.0", ("desk.LAN",), True),
        ("desk.lan", "desk.lan", (), True),
        ("", "0.0.0.0", (), False),
        ("localhost:7860@attacker.example", "0.0.0.0", (), False),
        ("localhost/", "0.0.0.0", (), False),
    ],
)
def test_the_server_answers_to_its_own_names_alone(host: str, listens: str, more: tuple[str, ...], known: bool) -> None:
    """A site whose name was made to point here (DNS rebinding) sends that name."""
    names = request_limits.Names.of(listens, more)
    assert names.know(host) == known
    _, sent = asked("/", [b""], told={"host": host}, method="GET", names=names)
    assert status(sent) == (200 if known else 403)


@pytest.mark.parametrize(
    ("told", "lets"),
    [
        ({}, 200),  # a program, not a browser
        ({"origin": "http://localhost:7860"}, 200),
        ({"origin": "https://localhost:7860"}, 200),  # behind a proxy that speaks TLS
        ({"origin": "http://localhost:7860", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://localhost:8080"}, 403),
        ({"origin": "http://127.0.0.1:7860"}, 403),
        ({"origin": "https://attacker.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/cancel"])
def test_no_other_sites_page_sends_anything(path: str, told: dict[str, str], lets: int) -> None:
    app, sent = asked(path, [b"x" * 10], "10", told=told)
    assert status(sent) == lets
    assert app.read == (10 if lets == 200 else 0)


def test_a_link_from_another_site_leads_to_the_page() -> None:
    _, sent = asked("/", [b""], told={"sec-fetch-site": "cross-site"}, method="GET")
    assert status(sent) == 200


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/queue/join"])
@pytest.mark.parametrize("limit", ["IDLE_SECONDS", "BODY_SECONDS"])
def test_a_body_that_stands_still_is_hung_up_on(path: str, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, limit, 0.05)
    app, sent = asked(path, [b"x" * 10, STALL], "20", events=lambda: {})
    assert status(sent) == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert app.read == (10 if path.endswith("upload") else 0)
    assert len(sent) == 2  # the app's own answer comes too late


def test_an_upload_that_does_not_fit_the_folder_is_refused_before_it_begins() -> None:
    asked_for = []

    def clear(size: int) -> bool:
        asked_for.append(size)
        return size <= 1000

    room = request_limits.Room(clear)
    app, sent = asked("/gradio_api/upload", [b"x" * 1001], "1001", room=room)
    assert (status(sent), app.read) == (507, 0)
    app, sent = asked("/gradio_api/upload", [b"x" * 900], "900", room=room)
    assert (status(sent), app.read) == (200, 900)
    asked("/gradio_api/upload", [b"x"], room=room)  # one that does not say its length counts as the longest
    assert asked_for == [1001, 900, UPLOAD_BYTES + 100_000]


def test_uploads_on_their_way_count() -> None:
    room = request_limits.Room(lambda size: size <= 100)

    async def two() -> list[bool]:
        first, second = await room.take(60), await room.take(60)
        room.leave(60)
        return [first, second, await room.take(60)]

    assert asyncio.run(two()) == [True, False, True]


def event(**changes: Any) -> bytes:
    return json.dumps({"fn_index": 3, "data": [1, 2], "session_hash": "abc", **changes}).encode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (event(), 200),
        (event(fn_index=4), 404),
        (event(fn_index=-1), 404),
        (event(fn_index="3"), 400),
        (event(fn_index=True), 400),
        (event(fn_index=None), 400),
        (event(data=[1]), 400),
        (event(data=None), 400),
        (event(data={"0": 1, "1": 2}), 400),
        (event(session_hash=None), 400),
        (event(session_hash="../x"), 400),
        (b"[]", 400),
        (b"{", 400),
        (b"", 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
    ],
)
def test_only_the_pages_own_events_reach_gradio(body: bytes, says: int) -> None:
    app, sent = asked("/gradio_api/queue/join", [body[:5], body[5:]], events=lambda: {3: 2})
    assert status(sent) == says
    assert app.read == (len(body) if says == 200 else 0)


def test_what_goes_wrong_inside_is_a_sentence_and_the_log_has_no_names(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("/home/ann/private letter.png")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/gradio_api/file=/secret.png", "headers": [(b"host", b"localhost")]}
    asyncio.run(RequestLimits(broken)(scope, None, send))
    assert status(sent) == 500
    assert "ValueError" in caplog.text
    assert "private" not in caplog.text + str(sent)
    assert "secret" not in caplog.text


def test_a_websocket_is_not_answered() -> None:
    _, sent = asked("/", [b""], kind="websocket")
    assert sent == []


# --- files -------------------------------------------------------------------------------------------------------------------------------


def old(path: Path, age: float, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_files_older_than_an_hour_go_and_their_folders_with_them(tmp_path: Path) -> None:
    gone, kept = old(tmp_path / "a/page.png", 3700), old(tmp_path / "b/page.png", 3500)
    then = time.time() - 3700
    os.utime(tmp_path / "a", (then, then))
    assert server.sweep(tmp_path, time.time()) == 1
    assert not gone.exists()
    assert not gone.parent.exists()
    assert kept.exists()


def test_beyond_the_limit_the_oldest_go_first(tmp_path: Path) -> None:
    first, second, third = (old(tmp_path / f"{age}", age, 100) for age in (300, 200, 100))
    assert server.sweep(tmp_path, time.time(), most=250) == 1
    assert [path.exists() for path in (first, second, third)] == [False, True, True]


def test_room_for_an_upload_is_made_of_the_oldest_files(tmp_path: Path) -> None:
    first, second = old(tmp_path / "1", 300, 100), old(tmp_path / "2", 200, 100)
    assert not server.make_room(tmp_path, 1001, most=1000)
    assert first.exists()
    assert server.make_room(tmp_path, 850, most=1000)
    assert [path.exists() for path in (first, second)] == [False, True]


def test_a_link_is_removed_not_followed(tmp_path: Path) -> None:
    outside = old(tmp_path / "outside/keep", 9999)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link").symlink_to(outside)
    server.sweep(tmp_path / "files", time.time() + 9999)
    assert outside.exists()


def test_only_folders_of_this_user_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "docbin-demo-mine" / "files").mkdir(parents=True)
    (tmp_path / "docbin-demo-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "docbin-demo-file").write_text("")
    assert server._own_folders() == [tmp_path / "docbin-demo-mine" / "files"]
    if hasattr(os, "getuid"):
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        assert server._own_folders() == []


def test_the_demo_has_folders_of_its_own_and_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    where = Path.cwd()
    monkeypatch.setenv("GRADIO_SHARE", "True")
    with server._home() as files:
        assert Path.cwd() == files.parent / "work"
        assert list(Path.cwd().iterdir()) == []
        assert files.parent.stat().st_mode & 0o077 == 0  # of this user alone
        assert os.environ["GRADIO_TEMP_DIR"] == str(files)
        assert os.environ["GRADIO_SHARE"] == "False"
        assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert Path.cwd() == where
    assert os.environ["GRADIO_SHARE"] == "True"
    assert not files.parent.exists()


# --- work --------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Work]:
    work = server.Work(tmp_path_factory.mktemp("files"))
    yield work
    work.close()


def test_a_page_becomes_ink_in_a_child_and_the_log_keeps_its_name_secret(
    work: server.Work, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = pages.good(tmp_path)["good.png"][0]
    with caplog.at_level(logging.INFO, "docbin.demo"):
        answer = work(server.QUICK, "binarize", path=str(path), name="private letter.png", page=1, method="otsu", params={})
    assert Path(answer["result"]).is_file()
    assert Path(answer["downloads"]["png"]).name == "private letter.ink.png"
    assert len(Path(answer["result"]).parent.name) == 32
    assert "(png, " in caplog.text
    assert "private" not in caplog.text
    assert str(tmp_path) not in caplog.text


def test_whole_files_come_back_whole_and_together(work: server.Work, tmp_path: Path) -> None:
    """A TIFF of three pages and a PDF of two: the command line's own files, in one ZIP, with the way there told."""
    import zipfile

    good = pages.good(tmp_path)
    files = {name: str(good[name][0]) for name in ("book.tif", "scan.pdf")}
    heard = [(progress.done, made) for progress, made in work.document(files, method="otsu", params={}, format=None)]
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1][0] == 5
    made = heard[-1][1]
    assert made is not None
    assert made.name == "ink.zip"
    out = tmp_path / "cli"
    assert main(["-q", "binarize", files["book.tif"], files["scan.pdf"], "-o", str(out), "-m", "otsu", "--jobs", "1"]) == 0
    with zipfile.ZipFile(made) as file:
        assert sorted(file.namelist()) == ["book.tif", "scan.pdf"]
        assert file.read("book.tif") == (out / "book.tif").read_bytes()


def test_names_that_become_one_by_being_made_plain_stay_two_files(work: server.Work, tmp_path: Path) -> None:
    """The third file's number was the first one's name, whose content it replaced, through the link to what the visitor had sent."""
    import zipfile

    sizes = {"2-a_b.png": (40, 30), "a:b.png": (50, 30), "a?b.png": (60, 30)}
    files = {}
    for number, (name, size) in enumerate(sizes.items()):
        files[name] = str(tmp_path / f"{number}.png")
        Image.new("L", size, 200).save(files[name])
    *_, (_, made) = work.document(files, method="otsu", params={}, format="png")
    assert made is not None
    with zipfile.ZipFile(made) as file:
        found = [Image.open(file.open(name)).size for name in file.namelist()]
    assert sorted(found) == sorted(sizes.values())
    assert [Image.open(path).size for path in files.values()] == list(sizes.values())


def test_a_cancelled_batch_ends_its_process_and_leaves_nothing(work: server.Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    real = server.documents.subprocess.Popen
    monkeypatch.setattr(server.documents.subprocess, "Popen", lambda *a, **k: started.append(real(*a, **k)) or started[-1])
    before = set(work._folder.iterdir())
    job = work.document({"book.tif": str(pages.good(tmp_path)["book.tif"][0])}, method="otsu", params={}, format="pdf")
    next(job)
    job.close()
    assert started[0].poll() is not None
    assert set(work._folder.iterdir()) == before


def test_bad_files_of_a_batch_are_told_and_the_good_ones_made(work: server.Work, tmp_path: Path) -> None:
    files = {"letter.png": str(pages.bad(tmp_path)["letter.png"][0]), "good.png": str(pages.good(tmp_path)["good.png"][0])}
    *_, (progress, made) = work.document(files, method="otsu", params={}, format=None)
    assert made is not None
    assert made.name == "good.png"
    rows = dict(server.documents.outcomes(progress.records))
    assert rows["good.png"] == "1 page turned into ink."
    assert "not a picture or PDF but text" in rows["letter.png"]
    assert str(tmp_path) not in str(rows)


@pytest.mark.parametrize("name", ["../../x.png", "-o", ".docbin", "a*b?.png", "s3://x/y", "\x1b[2J.png", "", "..."])
def test_a_visitors_name_is_a_plain_one(name: str) -> None:
    plain = server._safe(name)
    assert plain
    assert not plain.startswith(("-", "."))
    assert not set(plain) & set("/\\*?[]:\x1b")


def test_a_larger_page_is_taken_where_the_server_says_so(tmp_path: Path) -> None:
    path = str(pages.good(tmp_path)["good.png"][0])
    page = {"path": path, "name": "good.png", "page": 1, "method": "otsu", "params": {}}
    small = server.Work(tmp_path / "files", 0.05)
    with pytest.raises(DocbinError, match=r"over the limit of 0\.05"):
        small(server.QUICK, "binarize", **page)
    small.close()
    assert server.Work(tmp_path, 80.0)._boxes[server.SLOW]._memory == 2 * server.LIMITS[server.SLOW][0]


def test_a_failed_page_leaves_no_folder(work: server.Work, tmp_path: Path) -> None:
    path, says = pages.bad(tmp_path)["bomb.png"]
    before = set(work._folder.iterdir())
    with pytest.raises(DocbinError, match=says):
        work(server.QUICK, "binarize", path=str(path), name="bomb.png", page=1, method="otsu", params={})
    assert set(work._folder.iterdir()) == before


@pytest.mark.parametrize(("error", "says"), [(PageTimeout, "took too long and was stopped"), (WorkerDied, "broke down")])
def test_what_became_of_the_process_is_told_as_what_to_do(error: type[DocbinError], says: str) -> None:
    told = server._in_plain_words(error("the worker process died (SIGKILL)"), "scan.png")
    assert str(told).startswith("scan.png: ")
    assert says in str(told)
    assert "SIG" not in str(told)


def test_every_line_has_a_limit_of_memory_and_time() -> None:
    assert set(server.LIMITS) == {server.QUICK, server.SLOW}
    for memory, seconds in server.LIMITS.values():
        assert memory <= 8 << 30
        assert seconds <= 300


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="only Linux limits the address space")
def test_the_largest_page_fits_the_limit_of_its_line(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    path = tmp_path / "large.png"
    Image.fromarray(np.tile(pages.page(500, 500), (12, 13))[..., None].repeat(3, 2)).save(path, compress_level=1)
    box = Sandbox("docbin.demo.work:TASKS", server.LIMITS[server.QUICK][0])
    for method in ("sauvola", "multiscale-sauvola", "su"):
        job = {"folder": str(tmp_path), "path": str(path), "name": "large.png", "page": 1, "method": method, "params": {}}
        assert box.call("binarize", job, 300)["size"] == [6500, 6000]
    box.close()


# --- a real one --------------------------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A demo that runs in this process."""
    pytest.importorskip("gradio", reason="needs the extra app")
    chosen = free_port()
    with server.running(port=chosen):
        yield chosen


def ask(port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest(method, path, skip_host=False)  # the path as it is: nobody tidies up its dots
    length = {} if body is None else {"content-length": str(len(body))}
    for name, value in {**length, **(headers or {})}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, answer.headers, data


def test_the_page_comes_with_its_headers_and_no_outside_address_in_its_scripts(port: int) -> None:
    status, headers, data = ask(port, "GET", "/")
    assert status == 200
    assert headers["content-security-policy"] == request_limits.headers()["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    text = data.decode()
    assert "window.docbin" in text
    assert "sauvola" in text


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/gradio_api/file=/proc/self/environ",
        "/gradio_api/file=" + str(Path(server.__file__)),
        "/gradio_api/file=.",
        "/gradio_api/file=" + str(Path.cwd()) + "/pyproject.toml",
        "/gradio_api/file=http://127.0.0.1/",
        "/gradio_api/file=https://example.org/x.png",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=https://example.org/",
        "/static/../../../../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/__init__.py",
        "/custom_component/1/client/component/../../x",
        "/monitoring",
        "/docs",
        "/openapi.json",
    ],
)
def test_nothing_outside_its_own_folder_is_served(port: int, path: str) -> None:
    status, _, data = ask(port, "GET", path)
    assert status in (403, 404), (status, data[:200])
    assert b"root:" not in data
    assert b"[project]" not in data


def test_a_file_that_gradio_did_not_make_is_no_input(port: int, tmp_path: Path) -> None:
    """Somebody names a file of the server in place of an upload."""
    config = json.loads(ask(port, "GET", "/config")[2])
    upload = next(one for one in config["dependencies"] if any(target[1] == "upload" for target in one["targets"]))
    data = [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]
    said = run(port, upload["id"], data)
    assert "passwd" not in json.dumps(said.get("output", {}).get("data", ""))
    assert said["success"] is False


def run(port: int, function: int, data: list[Any], session: str = "abc") -> dict[str, Any]:
    """One event through the queue, as the browser sends it; the last message."""
    body = json.dumps({"data": data, "fn_index": function, "session_hash": session, "event_data": None, "trigger_id": None}).encode()
    status, _, answer = ask(port, "POST", "/gradio_api/queue/join", body, {"content-type": "application/json"})
    assert status == 200, answer
    stream = ask(port, "GET", f"/gradio_api/queue/data?session_hash={session}")[2].decode()
    messages = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
    return next(message for message in reversed(messages) if message["msg"] == "process_completed")


def test_every_event_is_private_and_the_heavy_ones_wait_in_two_lines(port: int) -> None:
    import gradio as gr

    config = json.loads(ask(port, "GET", "/config")[2])
    named = {one["api_name"] for one in config["dependencies"] if one["api_visibility"] != "private"}
    assert named == {"binarize", "find_text", "methods"}
    (blocks,) = server._running
    assert isinstance(blocks, gr.Blocks)
    limits = {fn.concurrency_id: fn.concurrency_limit for fn in blocks.fns.values() if fn.concurrency_id in ("quick", "slow", "documents")}
    assert limits == {"quick": 1, "slow": 1, "documents": 1}
    assert blocks._queue.max_size == server.QUEUE
    assert blocks.max_file_size == UPLOAD_BYTES
    assert blocks.share is False
    assert blocks.allowed_paths == []
    assert blocks.analytics_enabled is False
    assert json.loads(ask(port, "GET", "/gradio_api/info")[2])["named_endpoints"].keys() == {"/binarize", "/find_text", "/methods"}


def test_a_program_calls_the_named_endpoints(port: int, tmp_path: Path) -> None:
    from gradio_client import Client, handle_file

    path = pages.good(tmp_path)["good.png"][0]
    client = Client(f"http://127.0.0.1:{port}/", verbose=False, download_files=str(tmp_path / "got"))
    assert "otsu" in [row["name"] for row in client.predict(api_name="/methods")]
    got = client.predict(handle_file(str(path)), "otsu", {}, 1, "tiff", api_name="/binarize")
    assert main(["-q", "binarize", str(path), "-o", str(tmp_path / "cli.tif"), "-m", "otsu"]) == 0
    found = Path(got if isinstance(got, str) else got["path"])
    assert found.read_bytes() == (tmp_path / "cli.tif").read_bytes()
    with pytest.raises(Exception, match="choose one from the list"):
        client.predict(handle_file(str(path)), "/etc", {}, 1, "tiff", api_name="/binarize")


def test_a_request_of_another_site_gets_no_leave_to_read_the_answer(port: int) -> None:
    for origin in ("http://localhost:9999", "https://attacker.example"):
        for method in ("GET", "OPTIONS"):
            told = {"origin": origin, "access-control-request-method": "POST"}
            status, headers, _ = ask(port, method, "/config", headers=told)
            assert status in (403, 404)
            assert headers["access-control-allow-origin"] is None
    status, headers, _ = ask(port, "GET", "/config", headers={"origin": f"http://127.0.0.1:{port}"})
    assert status == 200
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/", headers={"host": "attacker.example"})
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"not called 'attacker.example'" in answer.read()


def test_a_bad_event_is_no_500_and_prints_no_path(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    bad = {"data": [], "fn_index": 9999, "session_hash": "bad", "event_data": None, "trigger_id": None}
    status, _, data = ask(port, "POST", "/gradio_api/queue/join", json.dumps(bad).encode(), {"content-type": "application/json"})
    assert (status, data) == (404, b"The page has no such event.")
    config = json.loads(ask(port, "GET", "/config")[2])
    upload = next(one for one in config["dependencies"] if any(target[1] == "upload" for target in one["targets"]))
    said = run(port, upload["id"], [{"path": "/home/ann/private letter.png", "meta": {"_type": "gradio.FileData"}}], "bad")
    assert said["success"] is False
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    assert "private" not in out + err


def test_an_upload_is_limited(port: int) -> None:
    body = b"--x\r\ncontent-disposition: form-data; name=files; filename=a.png\r\n\r\n" + b"0" * (UPLOAD_BYTES + 10_000) + b"\r\n--x--\r\n"
    status, _, _ = ask(port, "POST", "/gradio_api/upload", body, {"content-type": "multipart/form-data; boundary=x"})
    assert status == 413
    told = {"content-type": "multipart/form-data; boundary=x", "content-length": str(10**10)}
    status, _, said = ask(port, "POST", "/gradio_api/upload", None, told)
    assert status == 413
    assert b"25 MB" in said


def test_the_server_loads_no_network(port: int) -> None:
    """What is in this process cannot be asked where other tests have imported torch; the demo's own child can."""
    import subprocess
    import sys

    program = (
        "import sys\nfrom docbin.demo import server\n"
        f"if __name__ == '__main__':\n    with server.running(port={free_port()}):\n"
        "        print([name for name in ('torch', 'onnxruntime', 'cv2', 'skimage') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


# --- the command -------------------------------------------------------------------------------------------------------------------------


def test_a_port_in_use_and_a_host_that_is_none_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gradio", reason="needs the extra app")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["demo", "--port", str(taken.getsockname()[1])]) == 1
    assert "cannot be used" in capsys.readouterr().err
    assert main(["demo", "--host", "256.0.0.1"]) == 1
    with pytest.raises(UsageError, match="1 to 65535"):
        server._check_free("127.0.0.1", 0)


def test_without_gradio_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(server.importlib.util, "find_spec", lambda name: None)
    assert main(["demo"]) == 3
    assert "pip install 'docbin[app]'" in capsys.readouterr().err
