"""``docbin demo``: a folder of its own, two child processes, Gradio, and everything shut that need not be open.

Gradio serves what lies in its temporary folder and may copy what lies in the working directory, so both are new, empty folders, removed at the end;
a sweeper deletes what is older than an hour, since a visitor who leaves says no goodbye. (Gradio's own ``delete_cache`` knows only the files that it
handed out.) No link to a public tunnel, no analytics, no request to any other host: see :mod:`docbin.demo.request_limits`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import logging
import os
import secrets
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from types import FrameType
from typing import Any

from docbin.demo import documents
from docbin.demo.request_limits import UPLOAD_BYTES, Names, RequestLimits, Room
from docbin.demo.tabs.events import QUICK, SLOW, Sample
from docbin.demo.work import MEGAPIXELS
from docbin.errors import DocbinError, InputError, MissingExtra, PageTimeout, UsageError, WorkerDied
from docbin.processes.sandbox import Sandbox

HOST, PORT = "127.0.0.1", 7860
PREFIX = "docbin-demo-"
QUEUE = 32
"""Visitors that wait at most, in both lines together."""
KEEP_SECONDS = 3600.0
SWEEP_SECONDS = 300.0
KEEP_BYTES = 4 << 30
"""Beyond this the oldest files go before their hour is over."""
LIMITS = {QUICK: (3 << 30, 60.0), SLOW: (6 << 30, 240.0)}
"""Line -> address space of its process in bytes, seconds for a job. Of the methods on 40 megapixels none but Howe's needs more than the first; torch
alone takes 2 GB of addresses."""

TITLES = {
    "faded-letter": "Faded letter",
    "form-stamp-margin": "Form with a stamp",
    "handwritten-bleedthrough": "Writing that shines through",
    "typeset-stained": "Print with a stain",
    "uneven-light-table": "Table in uneven light",
    "shop-signs": "Street with signs",
}
"""Shipped page -> what its button says."""

_log = logging.getLogger("docbin.demo")


class Work:
    """Runs tasks in the two child processes and keeps a log of them: what came (by hash, never by name), how long, how it went."""

    def __init__(self, folder: Path, megapixels: float = MEGAPIXELS) -> None:
        self._folder, self.megapixels = folder, megapixels
        self._first: dict[str, Any] | None = None
        self._first_lock = threading.Lock()
        self._more = max(1.0, megapixels / MEGAPIXELS)  # a larger page needs more memory
        self._boxes = {line: Sandbox("docbin.demo.work:TASKS", round(memory * self._more)) for line, (memory, _) in LIMITS.items()}

    def start(self) -> None:
        """Start the processes; they get ready while Gradio is being imported."""
        for box in self._boxes.values():
            box.start()

    def __call__(self, line: str, task: str, **arguments: Any) -> dict[str, Any]:
        """Do a task in a folder of its own, whose name nobody can guess; raises what :meth:`docbin.processes.sandbox.Sandbox.call` raises."""
        folder = self._folder / secrets.token_hex(16)
        folder.mkdir(parents=True)
        start = time.monotonic()
        try:
            answer: dict[str, Any] = self._boxes[line].call(
                task, {"folder": str(folder), "megapixels": self.megapixels, **arguments}, LIMITS[line][1]
            )
        except DocbinError as error:
            shutil.rmtree(folder, ignore_errors=True)
            _log.info("%s of %s: %s in %.2f s", task, _known(arguments["path"]), type(error).__name__, time.monotonic() - start)
            for note in getattr(error, "__notes__", ()):
                _log.error("%s", note)
            raise _in_plain_words(error, arguments["name"]) from error
        _log.info("%s of %s: done in %.2f s", task, _known(arguments["path"]), time.monotonic() - start)
        return answer

    def document(self, files: Mapping[str, str], **arguments: Any) -> Iterator[tuple[documents.Progress, Path | None]]:
        """Turn whole files to ink, name -> path; yields how far it is, at the end with the result: a file, a ZIP of several, or None."""
        folder = self._folder / secrets.token_hex(16)
        inputs, out = folder / "in", folder / "out"
        inputs.mkdir(parents=True)
        start, done = time.monotonic(), False
        progress = documents.Progress()
        try:
            placed: list[str] = []
            for name, path in files.items():
                if not Path(path).is_file():
                    raise InputError(f"{name}: this file is no longer here, for files are deleted after an hour; choose it again")
                plain = _safe(name)
                while plain in placed:
                    plain = f"{len(placed)}-{plain}"
                placed.append(plain)
                _link(Path(path), inputs / placed[-1])
            job = {"inputs": str(inputs), "files": placed, "out": str(out), "megapixels": self.megapixels, **arguments}
            for progress in documents.run(job, memory=round(LIMITS[SLOW][0] * self._more)):
                yield progress, None
            made = documents.results(out, folder / "ink.zip") if out.is_dir() else None
            done = made is not None
            yield progress, made
        finally:
            shutil.rmtree(folder if not done else inputs, ignore_errors=True)
            _log.info("%d files: %d pages in %.2f s", len(files), progress.done, time.monotonic() - start)

    def first(self, sample: Sample) -> dict[str, Any] | None:
        """The ink of a shipped page by the default method, made for the first visitor, in the working directory, which is not swept."""
        with self._first_lock:
            if self._first is None:
                self._first = self._make_first(sample)
        return self._first

    def _make_first(self, sample: Sample) -> dict[str, Any] | None:
        from docbin import catalogue

        folder = Path.cwd() / "first"
        folder.mkdir(exist_ok=True)
        name = Path(sample.path).name
        page = {"folder": str(folder), "path": sample.path, "name": name, "page": 1, "method": catalogue.DEFAULT, "params": {}}
        try:
            answer: dict[str, Any] = self._boxes[QUICK].call("binarize", page, 120.0)
        except DocbinError as error:  # the page opens without it
            _log.error("the first page: %s", error)
            return None
        return answer

    def thumbnails(self, paths: dict[str, str], height: int = 152) -> dict[str, str]:
        """Small pictures of the shipped pages, as data URLs."""
        drawn: dict[str, str] = self._boxes[QUICK].call("thumbnails", {"paths": paths, "height": height}, 120.0)
        return drawn

    def close(self) -> None:
        """End the processes."""
        for box in self._boxes.values():
            box.close()


def _safe(name: str) -> str:
    """A visitor's name for a file as one in a folder of ours: no option, no path, no hidden file."""
    plain = "".join(sign if sign.isprintable() and sign not in '/\\\\*?[]:|<>"' else "_" for sign in name).lstrip("-. ")[-120:]
    return plain or "page"


def _link(path: Path, place: Path) -> None:
    """The file at another place, as cheaply as may be."""
    try:
        os.link(path, place)
    except OSError:
        shutil.copyfile(path, place)


def _known(path: str) -> str:
    """A file as the log names it: its hash, kind and length."""
    from docbin.files.kinds import PDF_WINDOW, sniff

    try:
        data = Path(path).read_bytes()
    except OSError:
        return "a file that is gone"
    return f"{hashlib.sha256(data).hexdigest()[:16]} ({sniff(data[:PDF_WINDOW]) or 'unknown'}, {len(data)} bytes)"


def _in_plain_words(error: DocbinError, name: str) -> DocbinError:
    """What became of the process matters to the log; the visitor wants to know what to do."""
    if isinstance(error, PageTimeout):
        return PageTimeout(f"{name}: this took too long and was stopped; choose a faster method or a smaller page")
    if isinstance(error, WorkerDied):
        return WorkerDied(f"{name}: the work on this page broke down; choose another method or a smaller page")
    return error


def shipped_samples(work: Work) -> list[Sample]:
    """The pages that came with docbin, with their truths and thumbnails."""
    from docbin import benchmarks

    folder = Path(str(resources.files("docbin.benchmarks.datasets") / "samples"))
    pairs = benchmarks.load("samples").pairs(folder) if folder.is_dir() else []
    photographs = sorted((folder / "photographs").glob("*.jpg"))
    drawn = work.thumbnails({pair.stem: str(pair.image_path) for pair in pairs} | {path.stem: str(path) for path in photographs})
    return [
        Sample(pair.stem, TITLES.get(pair.stem, pair.stem), str(pair.image_path), str(pair.truth_path), drawn[pair.stem]) for pair in pairs
    ] + [Sample(path.stem, TITLES.get(path.stem, path.stem), str(path), None, drawn[path.stem]) for path in photographs]


def sweep(folder: Path, now: float, keep: float = KEEP_SECONDS, most: int = KEEP_BYTES) -> int:
    """Delete the files below `folder` that are older than `keep` seconds, and the oldest ones beyond `most` bytes; returns how many went."""
    found, stale = [], []
    for path in folder.rglob("*"):
        try:
            info = path.lstat()
        except OSError:  # gone meanwhile
            continue
        if path.is_dir() and not path.is_symlink():
            stale += [path] * (now - info.st_mtime > keep)
        else:
            found.append((info.st_mtime, info.st_size, path))
    left = sum(size for _, size, _ in found)
    gone = 0
    for modified, size, path in sorted(found):
        if now - modified <= keep and left <= most:
            break
        path.unlink(missing_ok=True)
        left -= size
        gone += 1
    for path in sorted(stale, reverse=True):
        with contextlib.suppress(OSError):  # one that is not empty stays
            path.rmdir()
    return gone


def make_room(folder: Path, coming: int, most: int = KEEP_BYTES) -> bool:
    """Whether `coming` more bytes fit below `folder`, for which the oldest files go where they must."""
    if coming > most:
        return False
    sweep(folder, time.time(), most=most - coming)
    return True


def _own_folders() -> list[Path]:
    """The folder of files of every demo of this user, also of one that was killed. What another user put there, a link above all, is left alone."""
    out = []
    for root in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            info = root.lstat()
            if stat.S_ISDIR(info.st_mode) and (not hasattr(os, "getuid") or info.st_uid == os.getuid()):
                out.append(root / "files")
    return out


def _sweep_for_ever(stop: threading.Event) -> None:
    while True:
        for folder in _own_folders():
            sweep(folder, time.time())
        if stop.wait(SWEEP_SECONDS):
            return


@contextmanager
def _home() -> Iterator[Path]:
    """New folders for files and for the working directory; the environment that Gradio reads when it is imported."""
    root = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    files, work = root / "files", root / "work"
    files.mkdir()
    work.mkdir()
    changes = {"GRADIO_TEMP_DIR": str(files), "GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_SHARE": "False", "HF_HUB_OFFLINE": "1"}
    before = {name: os.environ.get(name) for name in changes}
    where = Path.cwd()
    os.environ.update(changes)
    os.chdir(work)
    try:
        yield files
    finally:
        os.chdir(where)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def running(
    host: str = HOST,
    port: int = PORT,
    *,
    names: Collection[str] = (),
    frames: Collection[str] = (),
    max_megapixels: float | None = None,
) -> Iterator[str]:
    """The demo, up and answering at the address that is yielded, until the block ends.

    Parameters
    ----------
    host, port : where it listens
    names : what visitors may call it, besides `host` and this machine's own names; see :class:`docbin.demo.request_limits.Names`
    frames : sites that may show the page inside theirs
    max_megapixels : largest page; None: :data:`docbin.demo.work.MEGAPIXELS`

    Raises
    ------
    MissingExtra
        Gradio is not installed.
    UsageError
        The address cannot be used: another program has the port, or there is no such host here.
    """
    if importlib.util.find_spec("gradio") is None:
        raise MissingExtra("the demo needs gradio, which is not installed; run: pip install 'docbin[app]'")
    _check_free(host, port)
    if max_megapixels is not None and not max_megapixels > 0:
        raise UsageError(f"--max-megapixels {max_megapixels:g}: a number above 0 is wanted")
    stop = threading.Event()
    with _home() as files:
        work = Work(files, MEGAPIXELS if max_megapixels is None else max_megapixels)
        work.start()
        sweeper = threading.Thread(target=_sweep_for_ever, args=(stop,), daemon=True, name="docbin-sweeper")
        try:
            sweeper.start()
            yield _launch(work, files, (host, port), Names.of(host, names), frames)
        finally:
            stop.set()
            _close()
            work.close()
            sweeper.join(5.0)


_running: list[Any] = []


def _launch(work: Work, files: Path, place: tuple[str, int], names: Names, frames: Collection[str]) -> str:
    import gradio as gr
    from starlette.middleware import Middleware

    from docbin.demo.layout import build

    host, port = place

    def events() -> Mapping[int, int]:
        return {number: len(fn.inputs) for number, fn in blocks.fns.items()}

    limits = Middleware(RequestLimits, names=names, room=Room(functools.partial(make_room, files)), events=events, frames=frames)
    _quiet()

    style, script = (resources.files("docbin.demo").joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    blocks = build(work, shipped_samples(work))
    blocks.queue(max_size=QUEUE, default_concurrency_limit=1, api_open=False)
    # Gradio's file for weight 600 lacks most letters; without it a browser takes 700
    fonts = (gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif")
    theme = gr.themes.Base(primary_hue="blue", neutral_hue="zinc", radius_size="md", font=fonts).set(
        body_text_color_subdued="*neutral_600",  # Gradio's own is too faint to read
        body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
    )
    blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        show_error=False,
        max_file_size=UPLOAD_BYTES,
        allowed_paths=[],
        app_kwargs={"middleware": [limits], "docs_url": None, "redoc_url": None, "openapi_url": None},
        strict_cors=True,
        mcp_server=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        footer_links=[],
        favicon_path=str(resources.files("docbin.demo") / "favicon.svg"),
        state_session_capacity=1000,
        theme=theme,
        head=f"<style>{style}</style><script>{script}</script>",
    )
    _running.append(blocks)
    shown = "localhost" if host in ("0.0.0.0", "::", "127.0.0.1") else host
    return f"http://{shown}:{port}"


class _NoTraceback:
    """Stands for the module ``traceback`` in Gradio, which prints one, with the names of visitors' files, for every event that goes wrong."""

    @staticmethod
    def print_exc() -> None:
        _log.error("an event ended in %s", getattr(sys.exc_info()[0], "__name__", "an error"))


class _NoOtherOrigins:
    """Stands for Gradio's middleware that lets pages of other origins in, among them every other server of this machine."""

    def __init__(self, app: Any, **options: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


def _quiet() -> None:
    """Take from Gradio what cannot be switched off."""
    from gradio import queueing, routes

    queueing.traceback = routes.traceback = _NoTraceback
    routes.CustomCORSMiddleware = _NoOtherOrigins


def _close() -> None:
    while _running:
        _running.pop().close(verbose=False)


def _check_free(host: str, port: int) -> None:
    """Say in one line what Gradio would say in forty."""
    import socket

    if not 1 <= port <= 65535:
        raise UsageError(f"--port {port}: 1 to 65535 is wanted")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be used ({error.strerror or error}); choose another --port or --host") from None


def serve(host: str = HOST, port: int = PORT, say: Any = print, **options: Any) -> None:
    """Run the demo until Ctrl-C or SIGTERM. `say` is told, in a line, where it is; `options` are those of :func:`running`."""
    done = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        done.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with running(host, port, **options) as address:
            say(f"the demo is at {address} (Ctrl-C ends it)")
            while not done.wait(1.0):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
