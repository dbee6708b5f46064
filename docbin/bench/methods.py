"""Side by side: docbin's threshold methods and metrics beside doxapy, OpenCV and scikit-image; the engine of ``docbin bench methods``.

What keeps the comparison fair: one process, one thread each, the same page and parameters, results into memory, ours and the peer's runs taken
in turns so that a disturbance of the machine hits both, minimum and median of the runs given. What is timed is the process's own processor time, so
that other programs count less and a peer with threads of its own is charged for them; the pseudo-F row, whose sides use every core, is timed by
the clock. A peer's work that is not thresholding (doxapy copies the page into an object once) is left out of its time. Every peer is named with the
version that ran; one that is not installed, or is an old release that nobody should be compared with, is named in a note.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from docbin import catalogue, kernels, metrics
from docbin.bench.page import shaken, text_page
from docbin.errors import UsageError
from docbin.page import Image, Mask

Call = Callable[[], object]
DOXAPY = (0, 9, 9)
"""The oldest doxapy that is called a peer. Releases before it are up to a hundred times as slow at some methods and have no pseudo-F weights of their
own; pip installs such a one without a word where Python is older than 3.12."""


@dataclass(frozen=True, slots=True)
class Contest:
    """One comparison: a docbin method with its parameters, and for every peer how to prepare the same work there."""

    name: str
    method: str
    params: Mapping[str, Any]
    peers: Mapping[str, Callable[[Image], Call]]


def _doxapy(algorithm: str, **params: Any) -> Callable[[Image], Call]:
    def prepare(page: Image) -> Call:
        import doxapy

        binarization = doxapy.Binarization(getattr(doxapy.Binarization.Algorithms, algorithm))
        binarization.initialize(page)
        out = np.empty_like(page)
        return lambda: binarization.to_binary(out, params)

    return prepare


def _opencv_otsu(page: Image) -> Call:
    import cv2

    return lambda: cv2.threshold(page, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)


def _skimage_otsu(page: Image) -> Call:
    from skimage.filters import threshold_otsu

    return lambda: page <= threshold_otsu(page)


def _skimage_sauvola(window: int, k: float) -> Callable[[Image], Call]:
    def prepare(page: Image) -> Call:
        from skimage.filters import threshold_sauvola

        return lambda: page <= threshold_sauvola(page, window_size=window, k=k, r=128)

    return prepare


def _contests() -> tuple[Contest, ...]:
    """The table of what is measured. doxapy's own defaults are given out loud, so that both sides do the same work.

    (At window 301 the 32-bit sums of squares of doxapy 0.9.2 overflowed and its mask was wrong; the row is there for the time.)
    """

    def windowed(method: str, algorithm: str, window: int, k: float) -> Contest:
        name = method if window == 75 else f"{method} w{window}"
        peers = {"doxapy": _doxapy(algorithm, window=window, k=k)}
        if method == "sauvola" and window == 75:
            peers["skimage"] = _skimage_sauvola(window, k)
        return Contest(name, method, {"window": window, "k": k}, peers)

    return (
        Contest("otsu", "otsu", {}, {"doxapy": _doxapy("OTSU"), "cv2": _opencv_otsu, "skimage": _skimage_otsu}),
        *(windowed("sauvola", "SAUVOLA", window, 0.2) for window in (75, 15, 301)),
        windowed("wolf", "WOLF", 75, 0.2),
        windowed("nick", "NICK", 75, -0.2),
        windowed("niblack", "NIBLACK", 75, -0.2),
        windowed("singh", "TRSINGH", 75, 0.2),
        windowed("wan", "WAN", 75, 0.2),
        Contest(
            "bernsen",
            "bernsen",
            {"window": 75, "contrast": 25, "threshold": 100},
            {"doxapy": _doxapy("BERNSEN", **{"window": 75, "threshold": 100, "contrast-limit": 25})},
        ),
        Contest("isauvola", "isauvola", {"window": 15, "k": 0.01}, {"doxapy": _doxapy("ISAUVOLA", window=15, k=0.01)}),
        # doxapy 0.9.2 has one way only: window 9, and a deviation that comes out as 0.
        Contest("su", "su", {"window": 9, "spread": 0.0}, {"doxapy": _doxapy("SU")}),
        Contest("bataineh", "bataineh", {}, {"doxapy": _doxapy("BATAINEH")}),
        Contest("gatos", "gatos", {"window": 75, "k": 0.2, "glyph": 60}, {"doxapy": _doxapy("GATOS", window=75, k=0.2, glyph=60)}),
    )


SCORE = "score"  # FM, PSNR and DRD of a mask, beside doxapy's calculate_performance
PSEUDO = "score with pFM"  # and the pseudo-FM with its weights; on every core, because its two sides run beside each other


def names() -> tuple[str, ...]:
    """What :func:`run` can measure."""
    return (*(contest.name for contest in _contests()), SCORE, PSEUDO)


@contextmanager
def one_thread() -> Iterator[None]:
    """DOCBIN_THREADS=1, and OpenCV held to one thread, for the time being."""
    import cv2

    before = os.environ.get("DOCBIN_THREADS")
    os.environ["DOCBIN_THREADS"] = "1"
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DOCBIN_THREADS"]
        else:
            os.environ["DOCBIN_THREADS"] = before
        cv2.setNumThreads(threads)


def _in_turns(
    calls: Mapping[str, Call], repeats: int, budget: float, clock: Callable[[], float] = time.process_time
) -> dict[str, list[float]]:
    """Milliseconds of every run by `clock`, the calls taken in turns; a call that has used up `budget` seconds sits out after its first run."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            if times[name] and sum(times[name]) > 1000 * budget:
                continue
            start = clock()
            call()
            times[name].append(1000 * (clock() - start))
    return times


def _row(
    name: str, params: Mapping[str, Any], level: str, times: dict[str, list[float]], ours: str, notes: Sequence[str]
) -> dict[str, Any]:
    best = min(times[ours])
    return {
        "name": name,
        "params": dict(params),
        "level": level,
        "runs": len(times[ours]),
        "ms": best,
        "ms_median": statistics.median(times[ours]),
        "peers": {
            peer: {
                "version": version_of(peer),
                "runs": len(runs),
                "ms": min(runs),
                "ms_median": statistics.median(runs),
                "ratio": min(runs) / best,
            }
            for peer, runs in times.items()
            if peer != ours
        },
        "note": "; ".join(notes),
    }


def version_of(peer: str) -> str:
    """The version of a peer that runs here; empty where it is not installed."""
    from importlib import metadata

    packages = {"cv2": "opencv-python-headless", "skimage": "scikit-image"}
    if importlib.util.find_spec(peer) is None:
        return ""
    try:
        return metadata.version(packages.get(peer, peer))
    except metadata.PackageNotFoundError:  # under another name (opencv-python)
        return str(getattr(importlib.import_module(peer), "__version__", ""))


def _no_peer(peer: str) -> str:
    """Why a peer is not measured; empty where it is."""
    version = version_of(peer)
    if not version:
        return f"{peer} is not installed"
    if peer == "doxapy" and _numbers(version) < DOXAPY:
        wanted = ".".join(str(number) for number in DOXAPY)
        return f"doxapy {version} is installed, {wanted} is the peer; it wants Python 3.12 or later"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version."""
    found = []
    for part in version.split("."):
        if not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)


def _contest_row(contest: Contest, page: Image, level: str, repeats: int, budget: float) -> dict[str, Any]:
    method, notes = catalogue.METHODS[contest.method], []
    calls: dict[str, Call] = {}

    def ours() -> object:
        with kernels.use(level):
            return method.binarize(page, **contest.params)

    calls["docbin"] = ours
    for peer, prepare in contest.peers.items():
        if missing := _no_peer(peer):
            notes.append(missing)
        else:
            calls[peer] = prepare(page)
    ours()  # imports, and memory the first run would pay for
    return _row(contest.name, contest.params, level, _in_turns(calls, repeats, budget), "docbin", notes)


def _score_row(prediction: Mask, truth: Mask, level: str, repeats: int, budget: float) -> dict[str, Any]:
    notes = []
    calls: dict[str, Call] = {"docbin": lambda: metrics.score(prediction, truth, pseudo=False, distances=False)}
    if missing := _no_peer("doxapy"):
        notes.append(missing)
    else:
        import doxapy

        black_truth, black_prediction = (np.where(mask, 0, 255).astype(np.uint8) for mask in (truth, prediction))
        calls["doxapy"] = lambda: doxapy.calculate_performance(black_truth, black_prediction)
    calls["docbin"]()
    return _row(SCORE, {"pseudo": False}, level, _in_turns(calls, repeats, budget), "docbin", notes)


def _pseudo_row(prediction: Mask, truth: Mask, level: str, repeats: int, budget: float) -> dict[str, Any]:
    calls: dict[str, Call] = {"docbin": lambda: metrics.score(prediction, truth, distances=False)}
    calls["docbin"]()
    threads, notes = kernels.threads(), []
    if missing := _no_peer("doxapy"):
        notes.append(missing)
    else:
        import doxapy

        black_truth, black_prediction = (np.where(mask, 0, 255).astype(np.uint8) for mask in (truth, prediction))
        calls["doxapy"] = lambda: doxapy.calculate_performance(black_truth, black_prediction, *doxapy.generate_pseudo_weights(black_truth))
    return _row(PSEUDO, {"pseudo": True, "threads": threads}, level, _in_turns(calls, repeats, budget, time.perf_counter), "docbin", notes)


def run(
    names: Iterable[str] | None = None,
    repeats: int = 7,
    size: tuple[int, int] = (3508, 2480),
    levels: Iterable[str] | None = None,
    budget: float = 4.0,
) -> list[dict[str, Any]]:
    """Measure methods beside their peers.

    Parameters
    ----------
    names : which (see :func:`names`); None measures all
    repeats : runs of each side
    size : (height, width) of the page, pixels
    levels : kernel levels to measure, each a row; None takes the level in force
    budget : seconds after which a side is not run again (it always runs once)

    Returns
    -------
    A dict a row: name, params, level, runs, ms (minimum), ms_median, peers {name: {version, runs, ms, ms_median, ratio}} and note; `ratio` is the
    peer's minimum over ours, times are of the processor.

    Raises
    ------
    UsageError
        A name, level or number that cannot be.
    """
    known = {contest.name: contest for contest in _contests()}
    wanted = list(names) if names is not None else [*known, SCORE, PSEUDO]
    for name in wanted:
        if name not in known and name not in (SCORE, PSEUDO):
            raise UsageError(f"bench: {name!r} is not measured; choose from {', '.join([*known, SCORE, PSEUDO])}")
    if repeats < 1 or min(size) < 1:
        raise UsageError(f"bench: repeats={repeats}, size={size}: numbers of at least 1 are wanted")
    chosen = list(levels) if levels is not None else [kernels.active()]
    for level in chosen:
        with kernels.use(level):  # a level that cannot run is refused before the long work
            pass
    page, truth = text_page(size)
    rows = []
    with one_thread():
        for name in wanted:
            if name == PSEUDO:
                continue
            for level in chosen:
                if name == SCORE:
                    rows.append(_score_row(page <= 128, truth, level, repeats, budget))
                else:
                    rows.append(_contest_row(known[name], page, level, repeats, budget))
    if PSEUDO in wanted:
        for level in chosen:
            with kernels.use(level):
                rows.append(_pseudo_row(shaken(truth), truth, level, repeats, budget))  # the weights of the paper are those of false ink
    return rows


HEADER = ("method", "parameters", "level", "docbin ms", "median", "peer", "peer ms", "median", "peer / docbin", "note")


def table(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The rows of :func:`run` as text under ``HEADER``, a line a peer; the faster side is the one the last ratio says (above 1: docbin)."""
    lines: list[tuple[str, ...]] = []
    for row in rows:
        params = " ".join(f"{name}={value}" for name, value in row["params"].items())
        start = (row["name"], params, row["level"], f"{row['ms']:.2f}", f"{row['ms_median']:.2f}")
        for peer, seen in row["peers"].items():
            name = f"{peer} {seen['version']}".strip() if "version" in seen else peer
            lines.append((*start, name, f"{seen['ms']:.2f}", f"{seen['ms_median']:.2f}", f"{seen['ratio']:.1f}", row["note"]))
        if not row["peers"]:
            lines.append((*start, "", "", "", "", row["note"]))
    return lines


def show(rows: Iterable[Mapping[str, Any]]) -> str:
    """The table in columns, for a terminal or a Markdown file."""
    lines = [HEADER, *table(rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in ruled)
