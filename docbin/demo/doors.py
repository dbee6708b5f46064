"""The demo's doors: which requests come in, how long they may be, and what the browser may load.

Gradio serves more than this demo needs (a proxy to other Spaces, pictures fetched from any address, direct calls that pass by the queue, monitoring,
...). So the few paths that the page itself asks for are listed here, everything else is "not found", and a body that is longer than its path allows
is cut off. The headers keep the visitor's browser from asking any other host for anything.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

UPLOAD_BYTES = 25 * 1000 * 1000
"""Longest file."""
_FORM_BYTES = UPLOAD_BYTES + 100_000
_EVENT_BYTES = 200_000

_READ = re.compile(
    r"/(config|theme\.css|favicon\.ico|manifest\.json|robots\.txt|(static|assets|svelte)/.+"
    r"|gradio_api/(startup-events|app_id|theme\.css|info|heartbeat/\w+|queue/data|upload_progress|file=(?!\w\w+:).+))?"
)
_WRITE: Mapping[str, int] = {"/gradio_api/upload": _FORM_BYTES, "/gradio_api/queue/join": _EVENT_BYTES, "/gradio_api/cancel": _EVENT_BYTES}
"""Path -> longest body."""

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self' https://huggingface.co https://*.hf.space",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
"""Gradio's own scripts are inline and make functions of text, so those two must be allowed; the hosts are what counts."""


class Doors:
    """ASGI middleware; see the module's docstring."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        longest = longest_body(scope["method"], scope["path"])
        if longest is None:
            await _refuse(send, 404, "There is nothing here.")
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > longest:
            await _refuse(send, 413, f"The file is too large; the demo takes up to {UPLOAD_BYTES // 1_000_000} MB.")
            return
        await self._app(scope, _counted(receive, longest), _with_headers(send))


def longest_body(method: str, path: str) -> int | None:
    """Bytes that a request's body may have; None where the request has no business here."""
    if method in ("GET", "HEAD"):
        return 0 if _READ.fullmatch(path) else None
    return _WRITE.get(path) if method == "POST" else None


def _counted(receive: Receive, longest: int) -> Receive:
    """A body that does not say its length, or lies, ends as if its sender had gone."""
    left = longest

    async def read() -> dict[str, Any]:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return read


def _with_headers(send: Send) -> Send:
    async def write(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return write


async def _refuse(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
