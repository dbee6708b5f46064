"""The demo's limits of requests: which come in, from where, how long they may be and take, and what the browser may load.

Gradio serves more than this demo needs (a proxy to other Spaces, pictures fetched from any address, direct calls that pass by the queue, monitoring,
...). So the few paths that the page itself asks for are listed here, everything else is "not found", and a body that is longer than its path allows
is cut off. A browser is a stranger's errand boy as well: another site's page may send requests to this server, and may even read the answers where
its own name is made to point here (DNS rebinding). So a request must call the server by a name of its own (:class:`Names`), and one that says which
page sent it (``Origin``, ``Sec-Fetch-Site``) must come from this one. An upload has to fit what the folder may hold before it begins, and to arrive
in time. The headers keep the visitor's browser from asking any other host for anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UPLOAD_BYTES = 25 * 1000 * 1000
"""Longest file."""
BODY_SECONDS, IDLE_SECONDS = 180.0, 20.0
"""A body must be here after the first, and not stand still for the second."""
_FORM_BYTES = UPLOAD_BYTES + 100_000
_EVENT_BYTES = 200_000

_READ = re.compile(
    r"/(config|theme\.css|favicon\.ico|manifest\.json|robots\.txt|(static|assets|svelte)/.+"
    r"|gradio_api/(startup-events|app_id|theme\.css|info|heartbeat/[\w-]+|queue/data|upload_progress|file=(?!\w\w+:).+))?"
)
UPLOAD, EVENT = "/gradio_api/upload", "/gradio_api/queue/join"
_WRITE: Mapping[str, int] = {
    UPLOAD: _FORM_BYTES,
    EVENT: _EVENT_BYTES,
    "/gradio_api/cancel": _EVENT_BYTES,
    "/gradio_api/reset": _EVENT_BYTES,  # of an event that was cancelled
}
"""Path -> longest body."""
_SESSION = re.compile(r"[\w-]{1,64}")

_NOTHING_ELSE = "camera microphone geolocation display-capture payment usb serial hid midi publickey-credentials-get"
_HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors {frames}",
    "permissions-policy": ", ".join(f"{name}=()" for name in _NOTHING_ELSE.split()),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
"""Gradio's own scripts are inline and make functions of text, so those two must be allowed; the hosts are what counts."""

_log = logging.getLogger("docbin.demo")


def headers(frames: Collection[str] = ()) -> dict[str, str]:
    """What every answer carries; `frames` are the sites that may show the page inside theirs."""
    headers = {name: value.format(frames=" ".join(frames) or "'none'") for name, value in _HEADERS.items()}
    return headers if frames else headers | {"x-frame-options": "DENY"}  # that header knows no list


@dataclass(frozen=True, slots=True)
class Names:
    """What a visitor may call this server: this machine's own names, and those given; a port is not looked at.

    A page of another site whose name was made to point here still sends its own name, so a server that answers to any is read by it.
    With `addresses` every bare IP address is allowed too (of a server that listens on all of them): no such name is in an address.
    """

    given: frozenset[str] = frozenset()
    addresses: bool = False

    @classmethod
    def of(cls, host: str, more: Collection[str] = ()) -> Names:
        """Of a server that listens on `host` and has `more` names."""
        everywhere = host in ("0.0.0.0", "::", "")
        given = {*more} if everywhere else {host, *more}
        return cls(frozenset(name.lower().strip("[]") for name in given), everywhere)

    def know(self, host: str) -> bool:
        """Whether a request's Host header is one of them."""
        found = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:/@\s]+))(?::\d{1,5})?", host.lower())
        if found is None:
            return False
        name = found[1] or found[2]
        if name == "localhost" or name.endswith(".localhost") or name in self.given:
            return True
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(name)
            return self.addresses or address.is_loopback
        return False


class Room:
    """How many bytes the demo's folder may hold, told before they come.

    Parameters
    ----------
    clear : makes room for so many bytes where that is possible; whether it was
    """

    def __init__(self, clear: Callable[[int], bool]) -> None:
        self._clear = clear
        self._coming = 0

    async def take(self, size: int) -> bool:
        """Whether `size` bytes may come, beside those that are on their way; they are counted until :meth:`leave`."""
        self._coming += size
        if await asyncio.to_thread(self._clear, self._coming):
            return True
        self._coming -= size
        return False

    def leave(self, size: int) -> None:
        """They have come, and lie in the folder, or never will."""
        self._coming -= size


class Refused(Exception):
    """A request that ends here: status and sentence."""


class RequestLimits:
    """ASGI middleware; see the module's docstring.

    Parameters
    ----------
    names : of the server
    room : for uploads
    events : the page's events, id -> how many values come with it
    frames : sites that may show the page inside theirs
    """

    def __init__(
        self,
        app: App,
        names: Names = Names(),
        room: Room | None = None,
        events: Callable[[], Mapping[int, int]] | None = None,
        frames: Collection[str] = (),
    ) -> None:
        self._app, self._names, self._room, self._events = app, names, room, events
        self._headers = [(name.encode(), value.encode()) for name, value in headers(frames).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        answer = _Answer(send, self._headers)
        try:
            await self._let_in(scope, receive, answer)
        except Refused as refused:
            await answer.refuse(*refused.args)
        except Exception as error:  # its text and traceback name visitors' files
            _log.error("a request to %s ended in %s", scope["path"].partition("=")[0][:80], type(error).__name__)
            await answer.refuse(500, "This went wrong in the demo; load the page anew and try again.")

    async def _let_in(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        sent = dict(scope["headers"])
        self._check_sender(scope["method"], sent)
        longest = longest_body(scope["method"], scope["path"])
        if longest is None:
            raise Refused(404, "There is nothing here.")
        length = sent.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > longest:
            raise Refused(413, f"The file is too large; the demo takes up to {UPLOAD_BYTES // 1_000_000} MB.")
        body = _Body(receive, longest, answer)
        if scope["path"] == EVENT and self._events is not None:
            body = await self._event(body)
        size = (int(length) or longest) if scope["path"] == UPLOAD and self._room is not None else 0
        if self._room is None or not size:
            await self._app(scope, body.receive, answer.send)
            return
        if not await self._room.take(size):
            raise Refused(507, "The demo holds as many files as it may; try again in some minutes.")
        try:
            await self._app(scope, body.receive, answer.send)
        finally:
            self._room.leave(size)

    def _check_sender(self, method: str, sent: Mapping[bytes, bytes]) -> None:
        """Refuse a server's name that is not ours, and a request that another site's page has sent."""
        host = sent.get(b"host", b"").decode("latin-1")
        if not self._names.know(host):
            raise Refused(403, f"This server is not called {host[:80]!r}; docbin demo --allow-host NAME lets a name in.")
        origin = sent.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            raise Refused(403, "Another site's page may not send this.")
        if method not in ("GET", "HEAD") and sent.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"):
            raise Refused(403, "Another site's page may not send this.")

    async def _event(self, body: _Body) -> _Body:
        """A body that is an event of the page, read and given back; Gradio answers any other with an error of its own and its traceback."""
        assert self._events is not None
        data = await body.whole()
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise Refused(400, "This is no event of the page.") from None
        if not isinstance(event, dict) or not isinstance(event.get("fn_index"), int) or isinstance(event["fn_index"], bool):
            raise Refused(400, "This is no event of the page.")
        wanted = self._events().get(event["fn_index"])
        if wanted is None:
            raise Refused(404, "The page has no such event.")
        session = event.get("session_hash")
        if not isinstance(session, str) or not _SESSION.fullmatch(session):
            raise Refused(400, "This is no event of the page.")
        if not isinstance(event.get("data"), list) or len(event["data"]) != wanted:
            raise Refused(400, "This is no event of the page.")
        return body.again(data)


def longest_body(method: str, path: str) -> int | None:
    """Bytes that a request's body may have; None where the request has no business here."""
    if method in ("GET", "HEAD"):
        return 0 if _READ.fullmatch(path) else None
    return _WRITE.get(path) if method == "POST" else None


class _Body:
    """A request's body, within its length and time.

    One that does not say its length, or lies, ends as if its sender had gone; so does one that is too slow, which is also told and hung up on.
    """

    def __init__(self, receive: Receive, longest: int, answer: _Answer) -> None:
        self._receive, self._left, self._answer = receive, longest, answer
        self._until = time.monotonic() + BODY_SECONDS
        self._done = False

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        if self._done:  # what comes now is the sender's farewell, whenever that is
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, min(IDLE_SECONDS, self._until - time.monotonic())))
        except TimeoutError:
            self._done = True
            await self._answer.refuse(408, "This took too long to arrive.")
            return {"type": "http.disconnect"}
        self._left -= len(message.get("body", b""))
        self._done = not message.get("more_body", False)
        return message if self._left >= 0 else {"type": "http.disconnect"}

    async def whole(self) -> bytes:
        """All of it."""
        parts = []
        while not self._done:
            message = await self.receive()
            if message["type"] != "http.request":
                raise Refused(400, "This is no event of the page.")
            parts.append(message.get("body", b""))
        return b"".join(parts)

    def again(self, data: bytes) -> _Body:
        """A body that gives `data`, which was read from this one."""
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                return await self._receive()
            given = True
            return {"type": "http.request", "body": data, "more_body": False}

        return _Body(receive, len(data), self._answer)


class _Answer:
    """What goes back: with our headers, and once only."""

    def __init__(self, send: Send, more: list[tuple[bytes, bytes]]) -> None:
        self._send, self._more = send, more
        self._begun = self._refused = False

    async def send(self, message: Mapping[str, Any]) -> None:
        """What the app says, unless the request was refused meanwhile."""
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self._begun = True
            message = {**message, "headers": [*message.get("headers", ()), *self._more]}
        await self._send(message)

    async def refuse(self, status: int, text: str) -> None:
        """A sentence instead of an answer; the connection is closed after it, for the rest of a body may still be on its way."""
        if self._begun or self._refused:
            return
        self._refused = True
        body = text.encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *self._more]})
        await self._send({"type": "http.response.body", "body": body})
