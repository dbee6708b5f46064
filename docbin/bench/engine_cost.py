"""What a packed network will cost in the engine, before there is one: a linear model of every op's time, fitted to small probes on this machine.

A search over widths, depths and precisions (:mod:`docbin.train.architecture_search`) asks for the time of thousands of networks and can build few.
The engine's work is regular enough to be written down. Its convolutions (``csrc/engine/bitsliced.hpp``) make a table of words once for all filters
and then add, for every filter, one word for every two taps, or two words for every three *pairs* of taps that all filters weigh alike, which is what
the bits of a thermometer code are; a threshold is a comparison of a binary number. So one more bit a filter costs its readers 1/6 word a tap where it
makes a pair and 1/2 where it does not: two thresholds cost a third more than one, three three quarters more than two. What a unit of each kind
costs is measured: probes (little networks of random bits with every op in several sizes) are run on a small page, and non-negative least squares of
relative errors splits each op's time. Ops are fitted apart, so the model of a page is a sum over nodes and can be checked op by op.

Left out: halos between the tiles of several threads, and rows so short that a vector is longer.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from docbin import engine, kernels
from docbin.bench.engine_profile import seconds_by_op
from docbin.bench.methods import one_thread
from docbin.bench.page import text_page
from docbin.engine.graph import Graph, Node
from docbin.errors import MissingExtra, UsageError
from docbin.kernels.bits import pack_weights, unpack
from docbin.kernels.depth import depth_plane
from docbin.page import Image

FEATURES: Mapping[str, tuple[str, ...]] = {
    "depth": ("page",),
    "codes": ("bits", "windows", "page"),
    "conv": ("words", "runs", "table", "limits"),
    "pool": ("maps",),
    "upsample": ("maps",),
    "concat": (),
    "head": ("words", "runs", "table", "dots"),
    "edge": ("first", "second", "page"),
}
"""Op -> what its work is measured in, each an amount a pixel of the page: bits of codes, windows and the plain 1 for "page"; words that filters add,
runs of up to 64 of them, each a number to be added, words of the table that filters share, digits that limits are compared with, two limits at a
time, dot products turned to numbers; maps (channels); products of 8 bits."""

FILTERS_AT_ONCE = 256
"""Filters that share a table."""
PAGE = (3508, 2480)
"""(height, width), pixels: A4 at 300 dpi."""


class Work(NamedTuple):
    """What a node does: `amounts` a pixel of the page, in the order of ``FEATURES[op]``; `name` says which node."""

    name: str
    op: str
    amounts: tuple[float, ...]


def cells(size: tuple[int, int], halvings: int, deepest: int = 4, reach: int = 1) -> float:
    """Columns and rows that are computed of a map at 1 / 2^halvings of a page's side, a pixel of the page: with what pads the page to its grid of
    2^deepest pixels, and the spare bits at a row's end."""
    height, width = (-(-side >> deepest) << deepest >> halvings for side in size)
    return height * 64 * -(-(width + reach) // 64) / (size[0] * size[1])


class Added(NamedTuple):
    """How a filter's taps are added: words of the table, which all filters share, words that a filter takes from it, and in how many runs. The first
    two differ by what fills a run up to 16, 32 or 64 words."""

    table: int
    words: int
    runs: int


def added(singles: int, pairs: int) -> Added:
    """For `singles` taps and `pairs` of taps that all filters weigh alike; as ``csrc/engine/bitsliced_program.cpp`` plans it."""
    left = pairs % 3  # they go one by one
    singles, steps = singles + 2 * left, pairs // 3
    singles += steps > 0  # the lowest digit of the pairs' own count
    plain = max(0, singles // 2)

    def filled(words: int, longest: int) -> tuple[int, int]:
        total = runs = 0
        while words > 0:
            run = 2 ** min(longest, 6 if words > 48 else 5 if words > 16 else 4)
            total, words, runs = total + run, words - run, runs + 1
        return total, runs

    of_pairs, of_singles = filled(steps, 5), filled(plain, 6)
    return Added(2 * steps + plain, 2 * of_pairs[0] + of_singles[0], of_pairs[1] + of_singles[1])


def conv_work(name: str, filters: int, singles: int, pairs: int, thresholds: int, computed: float) -> Work:
    """A convolution's work: `singles` and `pairs` of taps a filter (channels times kernel), `computed` cells a pixel of the page."""
    sums, parts = added(singles, pairs), -(-filters // FILTERS_AT_ONCE)
    digits = (singles + 2 * pairs).bit_length()
    compared = filters * -(-thresholds // 2) * digits
    return Work(
        name, "conv", tuple(computed * amount for amount in (filters * sums.words, filters * sums.runs, parts * sums.table, compared))
    )


def head_work(name: str, filters: int, singles: int, pairs: int, computed: float) -> Work:
    """A head's work; `filters` are 4 logits a cell times the planes of weights."""
    sums = added(singles, pairs)
    return Work(name, "head", tuple(computed * amount for amount in (filters * sums.words, filters * sums.runs, sums.table, filters)))


def codes_work(name: str, bits: int, windows: int, computed: float) -> Work:
    """The stem's work."""
    return Work(name, "codes", (computed * bits, computed * windows, 1.0))


def edge_work(name: str, filters: int, channels: int) -> Work:
    """The edge step's work: `channels` that it sees, logits among them. Both convolutions are 3 x 3 on cells of 2 x 2 pixels, channels in fours."""
    return Work(name, "edge", (filters * 4 * math.ceil(channels / 4) * 9 / 4, 4 * filters * 9 / 4, 1.0))


DEPTH = Work("depth plane", "depth", (1.0,))


def _alike(weights: Any) -> tuple[int, int]:
    """(channels without a partner, pairs of channels that all filters weigh alike) of packed weights (out, words, k, k)."""
    signs = np.stack([unpack(one, 64 * weights.shape[1]) for one in weights])
    counts = Counter(signs[:, channel].tobytes() for channel in range(signs.shape[1]))
    pairs = sum(count // 2 for count in counts.values())
    return signs.shape[1] - 2 * pairs, pairs


def work(graph: Graph, size: tuple[int, int] = PAGE) -> list[Work]:
    """The work of every node of a graph on a page of that (height, width), with the depth plane before them where the network takes one."""
    if graph.nodes[-1].op == "choice":
        raise UsageError("engine cost: the model knows networks of an ordinary head alone, not a choice among thresholds")
    deepest = max(one.halvings for one in graph.sizes)
    reach = max(node.tensors["weights"].shape[-1] // 2 for node in graph.nodes if node.op in ("conv", "head"))
    found = [DEPTH] if graph.wants_depth else []
    for index, (node, given) in enumerate(zip(graph.nodes, graph.sizes, strict=True)):
        tensors, name = node.tensors, f"{index} {node.op}"
        computed = cells(size, given.halvings, deepest, reach)
        if node.op == "codes":
            found.append(codes_work(name, 64 * given.words, len(tensors["windows"]), computed))
        elif node.op in ("conv", "head"):
            weights = tensors["weights"]
            if "masks" in tensors or node.attributes.get("groups", 1) != 1:
                raise UsageError(f"engine cost: node {name} has zero weights or groups, which the model does not know")
            area = weights.shape[-1] ** 2
            singles, pairs = (area * count for count in _alike(weights))
            if node.op == "conv":
                # With a stride of 2 every second row is computed at the input's width.
                wide = computed * node.attributes["stride"]
                found.append(conv_work(name, weights.shape[0], singles, pairs, tensors["limit"].shape[0], wide))
            else:
                found.append(head_work(name, weights.shape[0], singles, pairs, cells(size, 1, deepest, reach)))
        elif node.op in ("pool", "upsample"):
            found.append(Work(name, node.op, (64 * given.words * computed,)))
        elif node.op == "edge":
            found.append(edge_work(name, *tensors["first"].shape[:2]))
    return found


@dataclass(frozen=True, slots=True)
class EngineCost:
    """Nanoseconds of one thread a unit of work, by op and feature, at a kernel level; `ghz` is the core's clock meanwhile (0: not known)."""

    units: Mapping[str, Mapping[str, float]]
    level: str
    ghz: float

    def of(self, one: Work) -> float:
        """Nanoseconds a pixel of the page for one node."""
        return math.fsum(self.units[one.op][name] * amount for name, amount in zip(FEATURES[one.op], one.amounts, strict=True))

    def page(self, parts: Iterable[Work]) -> float:
        """Nanoseconds a pixel of the page for all of them."""
        return math.fsum(self.of(one) for one in parts)

    def by_op(self, parts: Iterable[Work]) -> dict[str, float]:
        """The same for each op."""
        total: dict[str, float] = {}
        for one in parts:
            total[one.op] = total.get(one.op, 0.0) + self.of(one)
        return total


# --- probes ---------------------------------------------------------------------------------------------------------------------------------


class Probe(NamedTuple):
    """A network of two convolutions, one behind a pooling: filters and thresholds of each, and the rest as in a `bitunet`."""

    windows: int
    thetas: int
    fixed: int  # levels, half of them of the depth plane
    filters: tuple[int, int]
    thresholds: tuple[int, int]
    planes: int
    edge: int
    kernel: int = 3  # of the second


PROBES = (
    Probe(1, 8, 8, (32, 64), (2, 1), 1, 4),
    Probe(2, 5, 6, (64, 64), (1, 2), 2, 8),
    Probe(3, 7, 11, (32, 128), (2, 2), 3, 48),
    Probe(3, 8, 8, (64, 256), (3, 1), 1, 16),
    Probe(1, 20, 12, (64, 32), (4, 4), 2, 24),
    Probe(2, 12, 8, (128, 128), (2, 3), 4, 32),
    Probe(4, 3, 4, (16, 64), (4, 2), 3, 12),
    Probe(2, 8, 16, (128, 64), (1, 4), 1, 64),
    Probe(3, 4, 4, (128, 256), (2, 2), 2, 4),
    Probe(5, 5, 7, (64, 128), (2, 1), 3, 40),
    Probe(2, 5, 6, (16, 128), (4, 2), 1, 8, kernel=1),
    Probe(1, 8, 8, (256, 64), (2, 2), 2, 16, kernel=1),
)


def probe_graph(probe: Probe, seed: int = 0) -> Graph:
    """A probe's graph, with random bits; the weights of a map's thresholds are alike, as an exporter writes them."""
    random = np.random.default_rng(seed)

    def signs(outs: int, kinds: Sequence[tuple[int, int]], side: int) -> Any:
        """Words of weights over maps of (filters, thresholds) side by side."""
        parts = [np.tile(random.random((outs, filters, side, side)) < 0.5, (1, count, 1, 1)) for filters, count in kinds]
        return pack_weights(np.concatenate(parts, 1))

    def conv(source: int, at: int, kinds: Sequence[tuple[int, int]], side: int) -> Node:
        counted, filters = sum(a * b for a, b in kinds) * side * side, probe.filters[at]
        limit = counted // 2 + random.integers(-9, 10, (probe.thresholds[at], filters))
        tensors = {"weights": signs(filters, kinds, side), "limit": limit.astype(np.int32)}
        return Node("conv", (source,), {"stride": 1, "dilation": 1, "padding": side // 2, "groups": 1}, tensors)

    codes = 4 * (probe.windows * probe.thetas + probe.fixed)
    deep = probe.fixed // 2
    stem: dict[str, Any] = {
        "windows": np.arange(3, 3 + 6 * probe.windows, 6, dtype=np.int32),
        "theta": np.tile(np.linspace(-1.9, 0.6, probe.thetas, dtype=np.float32), (probe.windows, 1)),
        "grey": np.linspace(60, 180, probe.fixed - deep, dtype=np.float32),
        "depth": np.linspace(10.5, 180.5, deep, dtype=np.float32),
    }
    first, second = (list(pair) for pair in zip(probe.filters, probe.thresholds, strict=True))
    kinds = [(codes, 1), (first[0], first[1]), (second[0], second[1])]
    outs, seen = 4 * probe.planes, 4 * (probe.windows + 3)
    head: dict[str, Any] = {
        # The last map's bits have weights of their own each, as the head of a `bitunet`.
        "weights": signs(outs, [(channels * count, 1) for channels, count in kinds], 3),
        "scale": random.uniform(0.01, 0.02, (probe.planes, 4)).astype(np.float32),
        "bias": np.zeros(4, np.float32),
    }
    edge: dict[str, Any] = {
        "first": random.integers(-9, 10, (probe.edge, seen, 3, 3)).astype(np.int8),
        "second": random.integers(-9, 10, (4, probe.edge, 3, 3)).astype(np.int8),
        "first_factor": np.full(probe.edge, 1e-3, np.float32),
        "first_offset": np.zeros(probe.edge, np.float32),
        "second_factor": np.full(4, 1e-3, np.float32),
        "second_offset": np.zeros(4, np.float32),
    }
    nodes = [
        Node("codes", (), {"floor": 7.65}, stem),
        conv(0, 0, kinds[:1], 3),
        Node("pool", (1,), {}, {}),
        conv(2, 1, kinds[1:2], probe.kernel),
        Node("upsample", (3,), {}, {}),
        Node("concat", (0, 1, 4), {}, {}),
        Node("head", (5,), {}, head),
        Node("edge", (6,), {}, edge),
    ]
    return engine.graph.check(nodes, "a probe")


def fit(rows: Sequence[tuple[Sequence[Work], Mapping[str, float]]], level: str = "", ghz: float = 0.0) -> EngineCost:
    """The model that fits measured pages: each the work of its nodes, and nanoseconds a pixel by op.

    Raises
    ------
    MissingExtra
        SciPy is not installed.
    """
    try:
        from scipy.optimize import nnls
    except ImportError:
        raise MissingExtra("the cost model needs SciPy; run: pip install 'docbin[train]'") from None
    units: dict[str, dict[str, float]] = {}
    for op, names in FEATURES.items():
        if not names:
            units[op] = {}
            continue
        amounts = np.array(
            [np.sum([one.amounts for one in parts if one.op == op], axis=0, initial=0) + np.zeros(len(names)) for parts, _ in rows]
        )
        times = np.array([measured[op] for _, measured in rows])
        # Relative errors, and features of one size.
        size = np.maximum(amounts.max(0), 1e-300)
        found, _ = nnls(amounts / size / times[:, None], np.ones(len(times)))
        units[op] = {name: float(value) for name, value in zip(names, found / size, strict=True)}
    return EngineCost(units, level, ghz)


def rounds(graphs: Sequence[Graph], size: tuple[int, int], repeats: int) -> Iterator[tuple[int, dict[str, float], float]]:
    """(number of the graph, nanoseconds a pixel by op and for the "page", clock in GHz), graph after graph, so many times round."""
    page, _ = text_page(size)
    core = kernels._core
    with one_thread():
        for graph in graphs:
            seconds_by_op(graph, page[:64])  # made ready for the core
        for _ in range(repeats):
            for number, graph in enumerate(graphs):
                clock = core.core_clock(0.005)
                yield number, {op: 1e9 * seconds / page.size for op, seconds in seconds_by_op(graph, page).items()}, clock


def least_of(graphs: Sequence[Graph], size: tuple[int, int], repeats: int) -> tuple[list[dict[str, float]], float]:
    """For each graph the least time of every op over `repeats` rounds, nanoseconds a pixel, and the fastest clock seen.

    Raises
    ------
    UsageError
        The NumPy level, at which there is no compiled engine, or numbers that cannot be.
    """
    if kernels._core is None or kernels.active() == "numpy":
        raise UsageError("engine cost: the NumPy level has no compiled engine to measure; install docbin with a C++ compiler")
    if repeats < 1 or min(size) < 64:
        raise UsageError(f"engine cost: repeats={repeats}, size={size}: at least 1, and 64 pixels, are wanted")
    least: list[dict[str, float]] = [{} for _ in graphs]
    ghz = 0.0
    for number, measured, clock in rounds(graphs, size, repeats):
        least[number] = {op: min(value, least[number].get(op, value)) for op, value in measured.items()}
        ghz = max(ghz, clock)
    return least, ghz


def _seconds_of_depth(page: Image) -> float:
    start = time.process_time()
    depth_plane(page)
    return time.process_time() - start


def measure(repeats: int = 5, size: tuple[int, int] = (384, 2480)) -> EngineCost:
    """Run the probes on this machine, one thread, at the kernel level in force, and fit the model; about 3 s. Errors as in :func:`least_of`."""
    graphs = [probe_graph(probe) for probe in PROBES]
    least, ghz = least_of(graphs, size, repeats)
    # The depth plane looks at no more strokes of a large page than of a small one.
    page, _ = text_page(PAGE)
    with one_thread():
        depth = min(_seconds_of_depth(page) for _ in range(2))
    least = [{**measured, "depth": 1e9 * depth / page.size} for measured in least]
    return fit([(work(graph, size), measured) for graph, measured in zip(graphs, least, strict=True)], kernels.active(), ghz)


def check(cost: EngineCost, graphs: Mapping[str, Graph], repeats: int = 3, size: tuple[int, int] = PAGE) -> list[dict[str, Any]]:
    """Networks measured on whole pages beside what the model says: a dict a row with network, op ("page" is the sum of them), measured and modelled
    nanoseconds a pixel. The probes know nothing of these networks."""
    least, _ = least_of(list(graphs.values()), size, repeats)
    rows = []
    for (name, graph), measured in zip(graphs.items(), least, strict=True):
        modelled = cost.by_op(work(graph, size))
        for op in (*(op for op in FEATURES if op in modelled), "page"):
            said = math.fsum(modelled.values()) if op == "page" else modelled[op]
            rows.append({"network": name, "op": op, "measured": measured[op], "modelled": said})
    return rows
