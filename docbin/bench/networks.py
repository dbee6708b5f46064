"""Networks on a page, side by side: docbin's packed engine beside float32 and INT8 runtimes; the engine of ``docbin bench networks``.

What is compared: every packed network at the kernel level in force and at AVX2; the *same graph* in float32 in ONNX Runtime; the U-Net of base 32
and 16 in INT8 in OpenVINO (static quantisation after training), the real competitor on x86; and `unet` in every runtime for float networks.
Detectors have a picture of their own, the packed ones beside the shipped `dbnet` in float32 in ONNX Runtime and in OpenVINO, each from the picture to
its words.

What keeps it fair:

* Every network has a process of its own with the same number of threads, and they are asked in turns (:mod:`docbin.bench.contest`). The minimum of
  several runs is given, the median beside it, and the processor time, which a disturbance changes least.
* The clock runs from the grey page in memory to the ink mask in memory. Loading, compiling, quantising and one run to warm up come before.
* Peers that take tiles of one size get 512 pixels a side, or the little less that makes whole tiles of the page, without the overlap that exact tiles
  need: docbin pays for it, they do not.
* The float twin's ink is compared with the engine's: it is no comparison if it does not compute the same. (Not so with random weights, where one bit
  that the stem rounds otherwise changes everything after it.)
* Float models that are asked for by name or folder, a trained peer for instance, run in the same runtimes as `unet`.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from docbin import kernels
from docbin.bench.contest import Contestant, Measured, started
from docbin.bench.openers import STRIDE, tile_of
from docbin.bench.page import text_page
from docbin.errors import UsageError
from docbin.page import Image

PICTURE = (720, 1280)
"""(height, width) of the picture that detectors search, pixels."""
FLOAT, INT8, OPENVINO = "ONNX Runtime float32", "OpenVINO INT8", "OpenVINO"
FLOAT_RUNTIMES: Mapping[str, str] = {
    "onnx": FLOAT,
    "openvino-float32": "OpenVINO float32",
    "openvino": "OpenVINO bfloat16, where the CPU has it",
    "openvino-int8": INT8,
}
"""What runs the float model of the zoo beside the packed ones, and what the table calls it."""
PEERS: Mapping[str, tuple[str, ...]] = {FLOAT: ("onnxruntime", "onnx"), INT8: ("openvino", "nncf", "onnx")}
"""Peer -> the modules it needs; all come with ``docbin[peers]``."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed network to measure: what the table calls it, its file, whether its weights are random, and its folder if it finds words."""

    name: str
    path: Path
    random: bool = False
    detector: str = ""


def packed(name: str) -> Packed:
    """A packed network by the name of a model of the zoo, the path of its folder, or the path of a packed file.

    Raises
    ------
    UsageError
        There is none of that name, or it is not packed.
    InputError, FileAccessError
        It is damaged.
    """
    from docbin import engine
    from docbin.zoo import folders

    path = Path(name)
    if path.is_file():
        engine.read(path)
        return Packed(path.parent.name if path.stem == "packed" else path.stem, path)
    config = folders.load_config(name)
    if config.packed is None:
        raise UsageError(f"{name}: is no packed network; 'docbin bench networks' measures those, and others beside them")
    return Packed(config.folder.name, config.verified(config.packed), detector=str(config.folder) if config.task == "detect" else "")


def is_float(name: str) -> bool:
    """Whether a name or folder is that of a float model that tells ink from paper; a file is none. Errors as in :func:`packed`."""
    from docbin.zoo import folders

    if Path(name).is_file():
        return False
    config = folders.load_config(name)
    return config.packed is None and config.task == "binarize"


def shipped() -> list[Packed]:
    """The packed networks of the zoo."""
    from docbin.zoo import folders

    return [packed(config.name) for config in folders.readable() if config.packed is not None]


def _missing(peer: str) -> str:
    """What to install for a peer; empty where it is there."""
    lacking = [module for module in PEERS[peer] if importlib.util.find_spec(module) is None]
    return f"{', '.join(lacking)} not installed; run: pip install 'docbin[peers]'" if lacking else ""


def _nobody(network: str, runtime: str, note: str) -> Contestant:
    """A row that only says why it is empty."""
    return Contestant(network, runtime, "", {}, (), note)


def _contestants(
    networks: Sequence[Packed],
    floats: Sequence[str],
    levels: Sequence[str],
    unets: Sequence[int],
    page: Image,
    folder: Path,
    page_file: Path,
    threads: int,
) -> Iterator[Contestant]:
    """Everything that is to run, with the files of the peers made in `folder`."""
    from docbin import engine
    from docbin.bench import peers

    for index, one in enumerate(networks):
        name = f"{one.name} (random weights)" if one.random else one.name
        for level in levels:
            yield Contestant(name, f"docbin {level}", "docbin.bench.openers:open_packed", {"path": one.path, "level": level}, (one.path,))
        if _missing(FLOAT):
            yield _nobody(name, FLOAT, _missing(FLOAT))
            continue
        graph = engine.read(one.path)
        tile, target = tile_of(page, max(STRIDE, graph.stride)), folder / f"{index}.onnx"
        try:
            target.write_bytes(peers.float_graph(graph, *tile))
        except UsageError as error:
            yield _nobody(name, FLOAT, str(error))
            continue
        args = {"path": target, "tile": tile, "depth": graph.wants_depth}
        yield Contestant(name, FLOAT, "docbin.bench.openers:open_onnx", args, (target,), "the same graph", None if one.random else name)
    tile = tile_of(page)
    for base in unets:
        name = f"U-Net, base {base}"
        if _missing(INT8):
            yield _nobody(name, INT8, _missing(INT8))
            continue
        source, target = folder / f"unet{base}.onnx", folder / f"unet{base}.xml"
        source.write_bytes(peers.unet(base, *tile))
        work = Contestant(name, INT8, "docbin.bench.openers:quantise", {"source": source, "target": target, "tile": tile}, ())
        with started([work], page_file, threads) as (worker,):
            fault = worker.fault
        if fault:
            yield _nobody(name, INT8, fault)
            continue
        weights = target.with_suffix(".bin")
        yield Contestant(
            name, INT8, "docbin.bench.openers:open_openvino", {"path": target, "tile": tile}, (target, weights), "random weights"
        )
    for name in dict.fromkeys(["unet", *floats]):
        for runtime in FLOAT_RUNTIMES:
            yield _float_model(name, "docbin.bench.openers:open_model", {}, runtime)


def _float_model(name: str, opener: str, args: Mapping[str, Any], runtime: str = "onnx") -> Contestant:
    """A float model of the zoo or of a folder in one of its runtimes, or the row that says what is missing."""
    from docbin.zoo import folders, runtimes

    label = FLOAT_RUNTIMES[runtime]
    if name not in folders.names() and not folders.is_folder(name):
        return _nobody(name, label, "not in this install")
    config = folders.load_config(name)
    row = next(row for row in runtimes.RUNTIMES if row.name == runtime)
    if not row.installed:
        return _nobody(config.folder.name, label, f"{row.module} not installed; run: pip install 'docbin[{row.extra}]'")
    if not row.suits or not row.runs(config):
        return _nobody(config.folder.name, label, "not on this CPU" if not row.suits else "not packaged for it")
    files = sorted(path for path in config.folder.iterdir() if path.suffix in (".onnx", ".safetensors"))
    return Contestant(config.folder.name, label, opener, {"name": name, "runtime": runtime, **args}, files)


def _openvino_detector(name: str) -> Contestant:
    """The float detector in OpenVINO, in the precision that it picks for this CPU, or the row that says what is missing."""
    from docbin.zoo import folders

    if name not in folders.names() or (config := folders.load_config(name)).onnx is None or config.weights is None:
        return _nobody(name, OPENVINO, "not in this install")
    if importlib.util.find_spec("openvino") is None:
        return _nobody(name, OPENVINO, "openvino not installed; run: pip install 'docbin[peers]'")
    files = config.folder / config.onnx.file, config.folder / config.weights.file
    return Contestant(name, OPENVINO, "docbin.bench.openers:open_openvino_detector", {"name": str(config.folder)}, files)


def _detectors(networks: Sequence[Packed], levels: Sequence[str]) -> Iterator[Contestant]:
    """The packed detectors and the float one."""
    from docbin.detection.table import DEFAULT

    opener = "docbin.bench.openers:open_detector"
    for one in networks:
        for level in levels:
            yield Contestant(one.name, f"docbin {level}", opener, {"name": one.detector, "runtime": "packed", "level": level}, (one.path,))
    yield _float_model(DEFAULT, opener, {"level": levels[0]})
    yield _openvino_detector(DEFAULT)


def run(
    networks: Iterable[Packed] | None = None,
    repeats: int = 5,
    size: tuple[int, int] = (3508, 2480),
    levels: Iterable[str] | None = None,
    threads: int = 2,
    unets: Sequence[int] = (32, 16),
    budget: float = 20.0,
    floats: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Measure packed networks and their peers on one page, and those that find words on one picture.

    Parameters
    ----------
    networks : the packed networks; None takes those of the zoo
    repeats : runs of each, after one that does not count
    size : (height, width) of the page, pixels; a picture is :data:`PICTURE`
    levels : kernel levels of docbin's rows; None takes the one in force, and AVX2 where that is another that runs here
    threads : of every contestant
    unets : base channels of the INT8 U-Nets
    budget : seconds of counted runs after which a contestant is not run again
    floats : names or folders of further float models, measured beside `unet` on the page

    Returns
    -------
    A dict a row: network, runtime, threads, size, runs, seconds (minimum), seconds_median, cpu_seconds (minimum), peak_mb (of the process), run_mb
    (by which running raised it), file_bytes, ratios {a packed network: seconds over its at the first level}, same_ink (share of pixels that come
    out as from the engine; of float twins), note. A row that could not run has `seconds` None and says why in its note.

    Raises
    ------
    UsageError
        Nothing to measure, or a level or number that cannot be.
    """
    chosen = list(networks) if networks is not None else shipped()
    if not chosen and not floats:
        raise UsageError("bench networks: no packed network is in this install; name one, a folder or a packed file")
    if repeats < 1 or min(size) < 1 or threads < 1:
        raise UsageError(f"bench networks: repeats={repeats}, size={size}, threads={threads}: numbers of at least 1 are wanted")
    usual = [kernels.active(), *(["avx2"] if "avx2" in kernels.levels() and not os.environ.get("DOCBIN_KERNELS") else [])]
    at = list(levels) if levels is not None else list(dict.fromkeys(usual))
    for level in at:
        with kernels.use(level):  # a level that cannot run is refused before the long work
            pass
    binarizers, detectors = ([one for one in chosen if bool(one.detector) is finds] for finds in (False, True))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="docbin-bench-") as spool:
        folder = Path(spool)
        if binarizers or floats:
            page, page_file = _shown(size, folder)
            contestants = list(_contestants(binarizers, floats, at, unets, page, folder, page_file, threads))
            rows += _rows(_measured(contestants, page_file, threads, repeats, budget), at[0], threads, size)
        if detectors:
            _, page_file = _shown(PICTURE, folder)
            contestants = list(_detectors(detectors, at))
            rows += _rows(_measured(contestants, page_file, threads, repeats, budget), at[0], threads, PICTURE)
    return rows


def _shown(size: tuple[int, int], folder: Path) -> tuple[Image, Path]:
    """The page that is binarized or searched, and the file that carries it to the contestants."""
    page, _ = text_page(size)
    path = folder / f"{size[1]}x{size[0]}.npy"
    np.save(path, page)
    return page, path


def _measured(
    contestants: Sequence[Contestant], page_file: Path, threads: int, repeats: int, budget: float
) -> list[tuple[Contestant, Measured | None]]:
    """What became of each: asked in turns, after a run that does not count."""
    with started([one for one in contestants if one.opener], page_file, threads) as entries:
        for counts in (False, *[True] * repeats):
            for entry in entries:
                if sum(entry.wall) <= budget:
                    entry.run(counts)
    measured = {id(entry.contestant): entry for entry in entries}
    return [(one, measured.get(id(one))) for one in contestants]


def _rows(results: Sequence[tuple[Contestant, Measured | None]], level: str, threads: int, size: tuple[int, int]) -> list[dict[str, Any]]:
    ours = {one.network: entry for one, entry in results if entry is not None and one.runtime == f"docbin {level}" and entry.wall}
    rows = []
    for one, entry in results:
        ran = entry if entry is not None and entry.wall else None
        twin = ours.get(one.twin or "")
        rows.append(
            {
                "network": one.network,
                "runtime": one.runtime,
                "threads": threads,
                "size": list(size),
                "runs": len(ran.wall) if ran else 0,
                "seconds": min(ran.wall) if ran else None,
                "seconds_median": statistics.median(ran.wall) if ran else None,
                "cpu_seconds": min(ran.processor) if ran else None,
                "peak_mb": ran.peak if ran else None,
                "run_mb": ran.peak - ran.held if ran and ran.peak and ran.held else None,
                "file_bytes": sum(path.stat().st_size for path in one.files) or None,
                "ratios": {name: min(ran.wall) / min(other.wall) for name, other in ours.items()} if ran else {},
                "same_ink": _agreement(ran.ink, twin.ink, size) if ran and twin else None,
                "note": (entry.fault if entry is not None else "") or one.note,
            }
        )
    return rows


def _agreement(ink: bytes, other: bytes, size: tuple[int, int]) -> float:
    """The share of pixels in which two packed masks agree."""
    unequal = np.bitwise_count(np.frombuffer(ink, np.uint8) ^ np.frombuffer(other, np.uint8)).sum()
    return float(1 - unequal / (size[0] * size[1]))


def show(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as Markdown tables, one for pages and one for pictures.

    Each has a column of ratios a packed network (above 1: slower than that) and a line on how it was measured.
    """
    groups: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["size"][0], row["size"][1]), []).append(row)
    return "\n\n".join(_table(group) for group in groups.values())


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    ours = list(dict.fromkeys(name for row in rows for name in row["ratios"]))
    head = ["network", "runs in", "s", "median", "CPU s", "peak MB", "by running", "file MB", *(f"/ {name}" for name in ours), "note"]
    lines = [head, ["---"] * len(head)]

    def number(value: float | None, decimals: int) -> str:
        return "-" if value is None else f"{value:.{decimals}f}"

    for row in rows:
        size = None if row["file_bytes"] is None else row["file_bytes"] / 1e6
        note = row["note"] + ("" if row["same_ink"] is None else f"; {100 * row['same_ink']:.2f} % of the pixels as docbin's")
        cells = [number(row[key], 3) for key in ("seconds", "seconds_median", "cpu_seconds")]
        cells += [number(row["peak_mb"], 0), number(row["run_mb"], 0), number(size, 2)]
        cells += [number(row["ratios"].get(name), 1) for name in ours]
        lines.append([row["network"], row["runtime"], *cells, note])
    table_rows = [" | ".join(line) for line in lines]
    height, width = rows[0]["size"]
    what = "Picture" if (height, width) == PICTURE else "Page"
    runs = max(row["runs"] for row in rows)
    return (
        "\n".join(f"| {line} |" for line in table_rows) + f"\n\n{what} of {width} x {height}, {rows[0]['threads']} threads, best of {runs}."
    )


__all__ = ["Packed", "packed", "run", "shipped", "show"]
