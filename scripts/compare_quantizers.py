"""Which 1-bit method is best for pages? One small network, one set of crops, as many steps for every quantizer of ``docbin.quant``.

    python scripts/compare_quantizers.py --data-root DIR --minutes 25 --out out/quantizers.json
    python scripts/make_tables.py quantizers=out/quantizers.json

BiBench's question (Qin et al., ICML 2023), asked of our task. Every method trains the same network: threshold codes of the page's 2 x 2 cells (64
bits a cell, computed once with the crops), a quantised 3 x 3 convolution at half size, three at a quarter, each with batch norm, and a float head
over the codes, the first map and the last. There is no real-valued shortcut, as there is none in `bitunet`: a method that lives by one is judged
without. Methods that binarise weights only have activations clipped to -1..1. The row `float` is the network without any quantizer.

The budget is the same number of steps, and so the same crops, for every method and seed; a method that needs more time a step gets more time, which
the table says. ``--minutes`` is turned into steps by timing a few of every method first (or give ``--steps``). Rows are written as they are done;
the same command again does what is missing, with the steps of the rows that are there.

Scored are windows of held-out training pages, never a test year: as they are, and under degradations of ``docbin.augment.degrade`` at three strengths
(for each window the same kinds by the same random numbers, so that only the strength differs). Size and time are those of the network in
docbin's packed form; where a weight takes several planes, every further one is charged what one more convolution costs the engine.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from docbin import engine, metrics
from docbin.augment.degrade import DEGRADATIONS, apply, by_set
from docbin.bench.page import text_page
from docbin.data.crops import CropSource
from docbin.data.pages import TRAINING_SETS, load_pages, split
from docbin.data.store import LabelledPage, default_cache
from docbin.engine import Graph, Node
from docbin.kernels.stem import threshold_codes
from docbin.page import Image, Mask, to_grey
from docbin.quant import METHODS, QuantConv2d, QuantMethod, SparksWeight, set_progress
from docbin.quant.multibasis import MultiBasisWeight
from docbin.quant.partial import PartialWeight
from docbin.quant.training import clip_latent, penalties
from docbin.train.device import computes_bfloat16
from docbin.train.losses import weighted

FLOAT = "float"
NAMES = (FLOAT, *METHODS)
CHANNELS = 64
STEM: dict[str, Any] = {
    "windows": np.array([5, 13], np.int32),
    "theta": np.linspace(-1.9, 0.6, 7, dtype=np.float32)[None].repeat(2, 0),
    "grey": np.array([80, 160], np.float32),
    "floor": 7.65,
}
STRENGTHS = (1 / 3, 2 / 3, 1.0)
FAST_BFLOAT16 = computes_bfloat16()
VALIDATION = {"validation_share": 0.15, "seed": 0}
"""The split of the recipes of the zoo: the same pages are held out."""

Words = NDArray[np.uint64]


class Scale(NamedTuple):
    """How large everything is; tests take less."""

    side: int = 128
    crops: int = 3072
    window: int = 384
    draws: int = 2
    batch: int = 8
    page: tuple[int, int] = (3508, 2480)
    least: int = 100  # steps


class Window(NamedTuple):
    """A piece to be scored: its codes (1, h, w) and its ink."""

    codes: Words
    truth: Mask


class Task(NamedTuple):
    """What every method is given: training crops (codes, packed truth) and windows to be scored, by condition ("" = as they are)."""

    codes: Words
    truth: NDArray[np.uint8]
    windows: dict[str, list[Window]]


# --- data -----------------------------------------------------------------------------------------------------------------------------------


def codes_of(image: Image) -> Words:
    """The stem's codes of a picture with even sides, (1, H / 2, W / 2)."""
    return threshold_codes(to_grey(image), STEM["windows"], STEM["theta"], STEM["grey"], STEM["floor"])


def training_crops(pages: Sequence[LabelledPage], scale: Scale, cache: Path) -> tuple[Words, NDArray[np.uint8]]:
    """Codes (N, h, w) and packed truth (N, side, side / 8) of the crops that all methods learn from, kept in `cache`."""
    names = [f"{page.name}|{page.array_path.name}" for page in pages]
    key = hashlib.blake2b(repr((names, scale, {k: np.asarray(v).tolist() for k, v in STEM.items()})).encode(), digest_size=8).hexdigest()
    path = cache / f"quantizers-{key}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return kept["codes"], kept["truth"]
    source = CropSource(pages, scale.side, seed=1, degrade=by_set("light", "full", {page.dataset for page in pages}))
    codes = np.empty((scale.crops, scale.side // 2, scale.side // 2), np.uint64)
    truth = np.empty((scale.crops, scale.side, scale.side // 8), np.uint8)
    for index in range(scale.crops):
        image, ink = source.crop(index)
        codes[index], truth[index] = codes_of(image)[0], np.packbits(ink, axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    spool = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(spool, codes=codes, truth=truth)
    spool.replace(path)
    return codes, truth


def inkiest(page: LabelledPage, side: int) -> tuple[Image, Mask]:
    """The window of a page that holds most ink; the page's own size, made even, where that is smaller."""
    image, truth = np.asarray(page.image), page.truth
    height, width = (min(side, length // 2 * 2) for length in truth.shape)
    sums = np.pad(truth.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inks = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(inks.argmax(), inks.shape)
    here = np.s_[top : top + height, left : left + width]
    return np.ascontiguousarray(image[here]), np.ascontiguousarray(truth[here])


def scored_windows(pages: Sequence[LabelledPage], scale: Scale) -> dict[str, list[Window]]:
    """The windows of the held-out pages by condition: "" as they are, else a strength."""
    plain = [inkiest(page, scale.window) for page in pages]
    kinds = [name for name, kind in DEGRADATIONS.items() if not kind.moves_truth]

    def verso(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Image, Mask]:
        image, truth = plain[int(rng.integers(len(plain)))]
        tall, wide = -(-shape[0] // truth.shape[0]), -(-shape[1] // truth.shape[1])
        return np.tile(image, (tall, wide, 1))[: shape[0], : shape[1]], np.tile(truth, (tall, wide))[: shape[0], : shape[1]]

    found = {"": [Window(codes_of(image), truth) for image, truth in plain]}
    for strength in STRENGTHS:
        found[f"{strength:.2f}"] = windows = []
        for number, (image, truth) in enumerate(plain):
            for draw in range(scale.draws):
                chosen = np.random.default_rng((number, draw)).permutation(len(kinds))[:3]
                changed, ink = image, truth
                for place in sorted(chosen.tolist()):
                    changed, ink = apply(kinds[place], np.random.default_rng((number, draw, place)), changed, ink, strength, verso)
                windows.append(Window(codes_of(changed), ink))
    return found


def task_of(data_root: str, scale: Scale, cache: Path) -> Task:
    """Everything of :class:`Task` from the training sets under `data_root`."""
    learned, held = split(load_pages(TRAINING_SETS, data_root, cache), **VALIDATION)  # type: ignore[arg-type]
    codes, truth = training_crops(learned, scale, cache)
    return Task(codes, truth, scored_windows(held, scale))


def signs_of(codes: Words) -> Tensor:
    """Codes (N, h, w) as +-1, (N, 64, h, w) in channels_last, bfloat16 where the CPU computes in it, else float32."""
    octets = np.ascontiguousarray(codes, "<u8").view(np.uint8).reshape(*codes.shape, 8)
    bits = torch.from_numpy(np.unpackbits(octets, axis=-1, bitorder="little").reshape(*codes.shape, CHANNELS))
    return bits.to(torch.bfloat16 if FAST_BFLOAT16 else torch.float32).mul_(2).sub_(1).permute(0, 3, 1, 2)


def batches(task: Task, scale: Scale, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batch after batch of (signs, truth), an own order for every seed, all crops before any comes again."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(task.codes))
        for start in range(0, len(order) - scale.batch + 1, scale.batch):
            some = order[start : start + scale.batch]
            yield signs_of(task.codes[some]), torch.from_numpy(np.unpackbits(task.truth[some], axis=2))[:, None].float()


# --- network --------------------------------------------------------------------------------------------------------------------------------


def method_of(name: str) -> QuantMethod | None:
    """The row of a method, None for `float`; Sparks draws its codebook from 128 codewords here, because matching all 512 takes seconds a step."""
    if name == FLOAT:
        return None
    row = METHODS[name]
    return row if name != "sparks" else QuantMethod(lambda: SparksWeight(candidates=128), row.act, row.citation)


class Block(nn.Module):
    """A quantised 3 x 3 convolution and batch norm; values that no activation quantizer will bound are clipped to -1..1."""

    def __init__(self, name: str) -> None:
        super().__init__()
        method = method_of(name)
        weight = method.weight() if method else None
        self.clips = method is None or method.act is None
        act = None if method is None or method.act is None else method.act()
        self.conv = QuantConv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False, weight_quantizer=weight, act_quantizer=act)
        # The spread that bitunet's latent weights start with; BiPer's sine turns over every 0.3 / 2 and starts within one wave, as its authors do.
        nn.init.normal_(self.conv.weight, std=0.05 if name in ("biper", FLOAT) else 0.3)
        if isinstance(weight, MultiBasisWeight):
            weight.start_from(self.conv.weight)
        self.norm = nn.BatchNorm2d(CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 64, h, w) -> (N, 64, h, w), not quantised yet: that is the next layer's part."""
        y: Tensor = self.norm(self.conv(x))
        return F.hardtanh(y) if self.clips else y


class SmallNet(nn.Module):
    """See the module's docstring; +-1 codes (N, 64, h, w) -> logits (N, 1, 2 h, 2 w)."""

    def __init__(self, name: str) -> None:
        super().__init__()
        method = method_of(name)
        self.first, self.deep = Block(name), nn.Sequential(*(Block(name) for _ in range(3)))
        self.act = method.act() if method is not None and method.act is not None else None
        if self.act is not None:
            self.act.bind(2 * CHANNELS)
        self.head = nn.Conv2d(3 * CHANNELS, 4, 3)
        nn.init.constant_(self.head.bias, -2.2)  # type: ignore[arg-type]  # the logit of a tenth: the share of ink on a page

    def forward(self, codes: Tensor) -> Tensor:
        """Logits of ink."""
        fine = self.first(codes)
        coarse = self.deep(F.max_pool2d(fine, 2))
        maps = torch.cat([fine, F.interpolate(coarse, fine.shape[-2:], mode="nearest")], 1)
        if self.act is not None:
            low = self.act.low
            maps = (self.act(maps) - low) * (2 / (1 - low)) - 1  # every method's two values as -1 and +1
        return F.pixel_shuffle(self.head(F.pad(torch.cat([maps, codes], 1), (1, 1, 1, 1), value=-1.0)), 2)


class Training:
    """A network under way: one step a call."""

    def __init__(self, name: str, seed: int, task: Task, scale: Scale, steps: int) -> None:
        torch.manual_seed(seed)
        self.net = SmallNet(name).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=3e-3, weight_decay=0.0, fused=True)
        self.feed, self.steps, self.done = batches(task, scale, seed), steps, 0
        self.loss = weighted({"bce": 1.0, "dice": 1.0})

    def step(self) -> float:
        """Forward, backward, AdamW on a cosine with a short warm-up, latent weights clipped; the loss."""
        progress = self.done / self.steps
        for group in self.optimizer.param_groups:
            group["lr"] = 3e-3 * min(1.0, (self.done + 1) / (0.05 * self.steps)) * 0.5 * (1 + math.cos(math.pi * progress))
        set_progress(self.net, progress)
        codes, truth = next(self.feed)
        self.net.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BFLOAT16):
            logits = self.net(codes)
        loss, _ = self.loss(logits, truth)
        extra = penalties(self.net)
        self.optimizer.zero_grad(set_to_none=True)
        (loss if extra is None else loss + extra).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        clip_latent(self.net)
        self.done += 1
        return float(loss.detach())


@torch.inference_mode()
def f_measure(net: nn.Module, windows: Sequence[Window]) -> float:
    """Mean F-measure over windows in percent, float32."""
    net.eval()
    scores = []
    for window in windows:
        said = net(signs_of(window.codes).float())[0, 0].numpy() > 0
        scores.append(metrics.score(said, window.truth, pseudo=False, distances=False).fm)
    return float(np.mean(scores))


# --- what it would cost in the engine ---------------------------------------------------------------------------------------------------------


def packed_graph(deep: int = 3, masked: bool = False) -> Graph:
    """The network in packed form with random bits; with 6 `deep` convolutions the first layer is doubled too: what a second plane costs."""
    rng = np.random.default_rng(0)

    def words(*shape: int) -> Words:
        return rng.integers(0, 2**64, shape, dtype=np.uint64)

    def conv(source: int) -> Node:
        tensors = {"weights": words(CHANNELS, 1, 3, 3), "limit": np.full((1, CHANNELS), 9 * CHANNELS // 2, np.int32)}
        if masked:
            tensors["masks"] = words(CHANNELS, 1, 3, 3)
        return Node("conv", (source,), {"stride": 1, "dilation": 1, "padding": 1, "groups": 1}, tensors)

    nodes = [Node("codes", (), {"floor": STEM["floor"]}, {key: STEM[key] for key in ("windows", "theta", "grey")}), conv(0)]
    fine = 1
    if deep > 3:  # the first layer's further plane, at its size
        nodes.append(conv(1))
        fine = 2
    nodes.append(Node("pool", (fine,), {}, {}))
    for _ in range(deep):
        nodes.append(conv(len(nodes) - 1))
    nodes.append(Node("upsample", (len(nodes) - 1,), {}, {}))
    nodes.append(Node("concat", (fine, len(nodes) - 1, 0), {}, {}))
    head = {"weights": words(12, 3, 3, 3), "scale": np.ones((3, 4), np.float32), "bias": np.zeros(4, np.float32)}
    nodes.append(Node("head", (len(nodes) - 1,), {}, head))
    return engine.loads(engine.dumps(nodes))


def page_seconds(graphs: dict[str, Graph], size: tuple[int, int], repeats: int = 5) -> dict[str, float]:
    """Best time of a page of every graph, runs in turns."""
    page, _ = text_page(size)
    best = dict.fromkeys(graphs, math.inf)
    for _ in range(repeats):
        for name, graph in graphs.items():
            start = time.perf_counter()
            engine.ink(graph, page)
            best[name] = min(best[name], time.perf_counter() - start)
    return best


class Costs:
    """Bytes and seconds of a method's network in packed form."""

    def __init__(self, scale: Scale) -> None:
        graphs = {f"{planes}{masked}": packed_graph(3 * planes, masked) for planes in (1, 2) for masked in (False, True)}
        self._seconds = page_seconds(graphs, scale.page)
        graph = graphs["1False"]
        self._bytes = len(engine.dumps(list(graph.nodes)))

    def of(self, name: str, net: SmallNet) -> dict[str, Any]:
        """planes, bytes and page_seconds (None where the engine cannot run it) of a trained network."""
        method = method_of(name)
        if method is None:
            return {"planes": None, "bytes": 4 * sum(p.numel() for p in net.parameters()), "page_seconds": None}
        layers = [net.first, *net.deep.children()]
        planes = [block.conv.planes() for block in layers]  # type: ignore[union-attr,operator]
        masked, count = any(plane.mask is not None for plane in planes[0]), len(planes[0])
        plain = sum(block.conv.weight.numel() for block in layers) // 8  # type: ignore[union-attr,operator]
        if isinstance(net.first.conv.weight_quantizer, PartialWeight):  # the engine would keep the salient channels as bytes, not as planes
            salient = sum(int(block.conv.weight_quantizer.salient.sum()) for block in layers)  # type: ignore[union-attr]
            size = self._bytes + salient * CHANNELS * 9
        else:
            stored = count * plain * (2 if masked else 1)
            size = self._bytes + stored - plain + (4 * CHANNELS * len(layers) * (count - 1))
        folded = method.deployment()[0].name in ("FOLDS", "PLANES")
        one, two = (self._seconds[f"{planes}{masked}"] for planes in (1, 2))
        return {"planes": count, "bytes": size, "page_seconds": one + (count - 1) * max(0.0, two - one) if folded else None}


# --- the comparison -----------------------------------------------------------------------------------------------------------------------------


def train(name: str, seed: int, task: Task, scale: Scale, steps: int, costs: Costs) -> dict[str, Any]:
    """Train a method once and score it: a row."""
    start = time.perf_counter()
    training, losses = Training(name, seed, task, scale, steps), []
    for _ in range(steps):
        losses.append(training.step())
    seconds = time.perf_counter() - start
    net = training.net
    set_progress(net, 1.0)
    method = method_of(name)
    deployment, why = method.deployment() if method else (None, "")
    scores = {condition: f_measure(net, windows) for condition, windows in task.windows.items()}
    return {
        "method": name,
        "seed": seed,
        "citation": method.citation if method else "",
        "deployment": deployment.value if deployment else "float32",
        "why": why,
        "steps": steps,
        "crops": steps * scale.batch,
        "seconds": seconds,
        "loss": float(np.mean(losses[-max(1, steps // 10) :])),
        "fm": scores.pop(""),
        "degraded": scores,
        "windows": len(task.windows[""]),
        **costs.of(name, net),
    }


def steps_for(names: Sequence[str], seeds: int, seconds: float, task: Task, scale: Scale, trial: int = 6) -> int:
    """So many steps a run that all runs take about `seconds` on this machine as it is now; ValueError where that is too few to learn anything."""
    total = 0.0
    for name in names:
        training = Training(name, 0, task, scale, steps=1000)
        training.step()
        start = time.perf_counter()
        for _ in range(trial):
            training.step()
        total += (time.perf_counter() - start) / trial
    start = time.perf_counter()
    for windows in task.windows.values():
        f_measure(training.net, windows)
    scoring = (time.perf_counter() - start) * len(names) * seeds
    steps = round((seconds - scoring) / (total * seeds))
    if steps < scale.least:
        need = (scale.least * total * seeds + scoring) / 60
        raise ValueError(
            f"{seconds / 60:.0f} minutes are too few at this pace, {scale.least} steps a run take {need:.0f}; give --minutes or --steps"
        )
    return steps


def compare(
    names: Sequence[str],
    seeds: Sequence[int],
    task: Task,
    scale: Scale,
    out: Path,
    seconds: float,
    say: Callable[[str], None],
    steps: int | None = None,
) -> list[dict[str, Any]]:
    """All rows, those of `out` included; `out` is written after every one. `steps` a run, None for as many as fit `seconds`.

    Raises
    ------
    ValueError
        `out` holds rows of another budget, or the budget is too small.
    """
    rows: list[dict[str, Any]] = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else []
    have = {(row["method"], row["seed"]) for row in rows}
    todo = [(name, seed) for seed in seeds for name in names if (name, seed) not in have]
    if not todo:
        return rows
    budgets = {row["steps"] for row in rows} | ({steps} if steps else set())
    if len(budgets) > 1:
        raise ValueError(f"{out}: rows of {sorted(budgets)} steps cannot be compared; begin a new file")
    steps = budgets.pop() if budgets else steps_for(names, len(seeds), seconds, task, scale)
    costs = Costs(scale)
    say(f"{len(todo)} runs of {steps} steps of {scale.batch} crops")
    for name, seed in todo:
        row = train(name, seed, task, scale, steps, costs)
        rows.append(row)
        out.parent.mkdir(parents=True, exist_ok=True)
        spool = out.with_suffix(".part")
        spool.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        spool.replace(out)
        degraded = " ".join(f"{value:.1f}" for value in row["degraded"].values())
        say(f"{name} (seed {seed}): FM {row['fm']:.2f}, degraded {degraded}, {row['seconds']:.0f} s")
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, compare, say what was done; returns 0, or 1 with a message."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-root", default=os.environ.get("DOCBIN_DATA"), help="folder of the benchmarks (default: DOCBIN_DATA)")
    parser.add_argument("--minutes", type=float, default=25.0, help="for all runs together (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="of every run (default: as many as fit --minutes, measured first)")
    parser.add_argument(
        "--methods", nargs="+", choices=NAMES, default=NAMES, metavar="METHOD", help=f"of {', '.join(NAMES)} (default: all)"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1], help="a run each (default: 0 1)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of the training (default: all CPUs)")
    parser.add_argument("--out", type=Path, default=Path("out/quantizers.json"), help="where the rows go (default: %(default)s)")
    options = parser.parse_args(argv)
    if options.data_root is None:
        print("compare_quantizers: where are the pages? give --data-root DIR or set DOCBIN_DATA", file=sys.stderr)
        return 1
    torch.set_num_threads(options.threads)
    scale = Scale()
    start = time.perf_counter()
    try:
        task = task_of(options.data_root, scale, default_cache())
        print(f"{len(task.codes)} crops, {len(task.windows[''])} windows ({time.perf_counter() - start:.0f} s)", file=sys.stderr)
        say = functools.partial(print, file=sys.stderr, flush=True)
        compare(options.methods, options.seeds, task, scale, options.out, 60 * options.minutes, say, options.steps)
    except (OSError, ValueError) as error:
        print(f"compare_quantizers: {error}", file=sys.stderr)
        return 1
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
