"""An S3 of the tests' own on this machine (moto), and a proxy before it that fails on purpose.

The faults are those of real stores: 503 "Slow Down", a body that ends early, one that comes slowly, a connection cut before the answer to a PUT that
had arrived.
"""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from docbin.files import object_store
from docbin.files.remote_path import RemotePath

SLOW_DOWN = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'


BUCKET = RemotePath("s3://archive")


class Faults:
    """What the proxy does to requests.

    Attributes
    ----------
    choose : (method, path, number of this request among those of the same method and path, from 1) -> the fault: "503", "truncated", "slow",
        "no answer" (the request is carried out, the answer is not sent), or None
    seen : requests that came, as (method, path)
    """

    def __init__(self) -> None:
        self.choose: Callable[[str, str, int], str | None] = lambda method, path, number: None
        self.seen: Counter[tuple[str, str]] = Counter()
        self.log: list[tuple[str, str, str | None]] = []
        self.slow_seconds = 3.0
        self.lock = threading.Lock()


def _handler(port: int, faults: Faults) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def _do(self) -> None:
            path = self.path.split("?")[0]
            with faults.lock:
                faults.seen[self.command, path] += 1
                number = faults.seen[self.command, path]
                fault = faults.choose(self.command, path, number)
                faults.log.append((self.command, self.path, fault))
            body = self._body()
            if fault == "503":
                self._answer(503, {"Content-Type": "application/xml"}, b"" if self.command == "HEAD" else SLOW_DOWN)
                return
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                headers = {
                    name: value for name, value in self.headers.items() if name.lower() not in ("transfer-encoding", "content-length")
                }
                upstream.request(self.command, self.path, body, headers)
                answer = upstream.getresponse()
                data = answer.read()
                kept = {
                    n: v
                    for n, v in answer.getheaders()
                    if n.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server")
                }
                length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
                if fault == "no answer":
                    self.close_connection = True
                    return
                self._answer(answer.status, kept, data, length, fault)
            finally:
                upstream.close()

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _answer(self, status: int, headers: dict[str, str], data: bytes, length: str | None = None, fault: str | None = None) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(data)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if fault == "truncated":
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
                return
            if fault == "slow":
                self.wfile.write(data[:10])
                self.wfile.flush()
                time.sleep(faults.slow_seconds)
                self.wfile.write(data[10:])
                return
            self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _do

    return Handler


@contextmanager
def s3_with_faults() -> Iterator[tuple[str, Faults]]:
    """(the proxy's address, its faults); the environment of this process and its children names it as their S3 meanwhile."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    faults = Faults()
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _handler(port, faults))
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{proxy.server_address[1]}"
    ours = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield address, faults
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        proxy.shutdown()
        proxy.server_close()
        server.stop()


@contextmanager
def archive_server() -> Iterator[Faults]:
    """The S3 behind its proxy, as the store that docbin finds."""
    with s3_with_faults() as (_, faults):
        object_store._filesystems.clear()
        yield faults
    object_store._filesystems.clear()


@contextmanager
def emptied(server: Faults) -> Iterator[Faults]:
    """The server with an empty :data:`BUCKET`, and no fault before or after."""
    server.choose = lambda method, path, number: None
    filesystem = object_store._filesystem(BUCKET)
    if filesystem.exists("archive"):
        filesystem.rm("archive", recursive=True)
    filesystem.mkdir("archive")
    server.seen.clear()
    server.log.clear()
    yield server
    server.choose = lambda method, path, number: None
