"""How many bits each layer of a `bitunet` should give: what one more or fewer does to the loss, beside what it costs the engine.

A layer's precision here is its number of thresholds (:attr:`docbin.nets.bitunet_config.BitUNetConfig.layer_thresholds`): its map has
thresholds + 1 levels, and every layer that reads it adds more words. The head's is its planes of weights. (The engine has no other 8-bit
layer than the edge step, so 8 bits are no choice for the rest.) Layers whose maps are read side by side must agree and are one *group*.

For every group and number of thresholds three things are found on a few crops of held-out pages:

* *cost*: nanoseconds a pixel that the page takes more, by the engine's cost model;
* *predicted*: what the loss becomes more to second order, HAWQ-V2's measure: half the Gauss-Newton trace of the group's activations times
  the change of the mean squared error between the activation (batch norm's output, clipped to -1..1) and its levels
  (:mod:`docbin.quant.sensitivity`);
* *measured*: what the loss becomes more when the thresholds are changed in the trained network, nothing else learned anew, but every
  batch norm taking the statistics of these crops, because a map of other levels has another variance, which any training would first of
  all make good.

Both losses are lower bounds of what more thresholds are worth and upper bounds of what fewer cost: the layers behind learned with the levels that
there were. :func:`docbin.quant.allocation.allocate` takes either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.bench.engine_cost import PAGE, EngineCost
from docbin.engine.graph import Graph
from docbin.errors import UsageError
from docbin.nets.bitunet import BitBlock, BitUNet, offsets
from docbin.nets.bitunet_config import MOST_THRESHOLDS, BitUNetConfig
from docbin.quant.allocation import Allocation, Option, allocate
from docbin.quant.sensitivity import Trace, gauss_newton_traces, predicted_loss
from docbin.train.bitunet_work import work_of
from docbin.train.task import f_measure
from docbin.train.unpack import unpack_bits, with_thresholds

Crops = Sequence[tuple[Tensor, Tensor]]
"""Batches of images float32 (N, 3 or 4, S, S) in 0..1 and truth float32 (N, 1, S, S)."""

HEAD = "head"


class Group(NamedTuple):
    """Layers that have one number of thresholds; of the head (no layers) it is the planes."""

    name: str
    layers: tuple[int, ...]
    now: int
    choices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A group with a number of thresholds: see the module. `trace` sums over the group's layers, `error` is the mean squared error of an activation
    (weighed by their traces); None for the head, whose planes are no rounding of an activation."""

    group: str
    thresholds: int
    cost: float
    measured: float
    crop_fm: float
    predicted: float | None = None
    trace: Trace | None = None
    error: float | None = None


def groups(config: BitUNetConfig, most: int = 4) -> list[Group]:
    """Every group with the thresholds it could have, up to `most`: those whose bits fill words. The head last, with fewer planes than it has."""
    if not 1 <= most <= MOST_THRESHOLDS:
        raise UsageError(f"precision search: up to {most} thresholds: 1 to {MOST_THRESHOLDS} is wanted")
    layers, counts = config.layers, config.thresholds_of
    found = []
    for group in config.joined:
        choices = [count for count in range(1, most + 1) if all(layers[at].filters * count % 64 == 0 for at in group)]
        now = counts[group[0]]
        found.append(Group(" + ".join(layers[at].name for at in group), group, now, tuple(sorted({*choices, now}))))
    return [*found, Group(HEAD, (), config.planes, tuple(range(1, config.planes + 1)))]


def changed_config(config: BitUNetConfig, changes: Mapping[Group, int]) -> BitUNetConfig:
    """The variant with these groups' numbers."""
    counts, planes = list(config.thresholds_of), config.planes
    for group, count in changes.items():
        for at in group.layers:
            counts[at] = count
        planes = planes if group.layers else count
    return replace(config, layer_thresholds=tuple(counts), planes=planes)


@contextmanager
def changed(net: BitUNet, changes: Mapping[Group, int]) -> Iterator[None]:
    """The network with these groups' numbers, in training mode, for as long as the context lasts; its weights are not touched.

    The head takes what it has of the last map's bits (:func:`docbin.train.unpack.with_thresholds`), and of its planes the first.
    """
    head, blocks = net.head, net.blocks
    before = [block.offsets for block in blocks]
    weight, scale = head.weight, head.scale
    try:
        for group, count in changes.items():
            for at in group.layers:
                blocks[at].offsets = offsets(count)
            if not group.layers:
                head.scale = nn.Parameter(scale[:count], requires_grad=False)
            elif len(blocks) - 1 in group.layers:
                filters = blocks[-1].norm.num_features
                head.weight = nn.Parameter(with_thresholds(weight.detach(), filters, group.now, count), requires_grad=False)
        yield
    finally:
        for block, had in zip(blocks, before, strict=True):
            block.offsets = had
        head.weight, head.scale = weight, scale


@contextmanager
def measuring(net: BitUNet, own_statistics: bool) -> Iterator[None]:
    """The network in training mode without learning: norms by the statistics of each batch, or by those they have; then as it was."""
    was_training = net.training
    wanted = [parameter.requires_grad for parameter in net.parameters()]
    net.train()
    net.requires_grad_(False)
    for block in net.blocks:
        block.norm.track_running_stats = False  # those it has stay as they are
        block.norm.train(own_statistics)
    try:
        yield
    finally:
        for block in net.blocks:
            block.norm.track_running_stats = True
        for parameter, want in zip(net.parameters(), wanted, strict=True):
            parameter.requires_grad_(want)
        net.train(was_training)


@torch.no_grad()
def losses(net: BitUNet, crops: Crops) -> tuple[float, float]:
    """Mean binary cross-entropy and F-measure in percent of all crops together."""
    total, said, wanted = 0.0, [], []
    for images, truth in crops:
        logits = net(images).float()
        total += float(F.binary_cross_entropy_with_logits(logits, truth, reduction="sum"))
        said.append((logits > 0).flatten())
        wanted.append((truth > 0.5).flatten())
    pixels = sum(one.numel() for one in wanted)
    return total / pixels, float(f_measure(torch.cat(said), torch.cat(wanted)))


@contextmanager
def _hooked(blocks: Sequence[BitBlock], hook: Any, of: str) -> Iterator[None]:
    """``hook(number of the block, output)``, whose result (or None) takes the output's place, on blocks ("block") or on their norms
    ("norm")."""
    modules = [block if of == "block" else block.norm for block in blocks]
    handles = [module.register_forward_hook(lambda _, given, made, at=at: hook(at, made)) for at, module in enumerate(modules)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def squared_errors(net: BitUNet, crops: Crops, most: int = MOST_THRESHOLDS) -> list[list[float]]:
    """For each block the mean squared error of its levels with 1, 2, ... thresholds, against the activation clipped to -1..1."""
    blocks = net.blocks
    sums = [[0.0] * most for _ in blocks]
    counts = [0] * len(blocks)

    def measure(at: int, x: Tensor) -> None:
        clipped = x.clamp(-1, 1)
        counts[at] += x.numel()
        for k in range(most):
            # Thresholds at (2 j + 1 - n) / n: the nearest of n + 1 levels.
            levels = ((clipped + 1) * ((k + 1) / 2)).round() * (2 / (k + 1)) - 1
            sums[at][k] += float((levels - clipped).square().sum(dtype=torch.float64))

    with measuring(net, own_statistics=False), _hooked(blocks, measure, "norm"):
        for images, _ in crops:
            net(images)
    return [[total / count for total in row] for row, count in zip(sums, counts, strict=True)]


def activation_traces(net: BitUNet, crops: Crops, probes: int = 4, generator: torch.Generator | None = None) -> list[Trace]:
    """For each block the Gauss-Newton trace of the mean cross-entropy in its activations, mean over batches.

    The derivative is that of a change of the activation that all of a filter's bits follow: the last map, which hands its bits on one by
    one, is no exception."""
    blocks = net.blocks
    found: list[list[Trace]] = []
    for images, _ in crops:
        moved: dict[int, Tensor] = {}

        def move(at: int, levels: Tensor, moved: dict[int, Tensor] = moved) -> Tensor:
            copies = len(blocks[at].offsets) if blocks[at].spread_out else 1
            shape = (levels.shape[0], levels.shape[1] // copies, *levels.shape[2:])
            moved[at] = torch.zeros(shape, dtype=levels.dtype, device=levels.device, requires_grad=True)
            return levels + moved[at].repeat(1, copies, 1, 1)

        with measuring(net, own_statistics=False), _hooked(blocks, move, "block"):
            logits = net(images).float()
        found.append(gauss_newton_traces(logits, [moved[at] for at in range(len(blocks))], probes, generator))
    batches = len(found)
    joined = []
    for of_block in zip(*found, strict=True):
        error = sum(trace.error**2 for trace in of_block) ** 0.5 / batches
        joined.append(Trace(sum(trace.mean for trace in of_block) / batches, error, probes * batches))
    return joined


def sensitivities(
    net: BitUNet, crops: Crops, cost: EngineCost, probes: int = 4, most: int = 4, size: tuple[int, int] = PAGE, seed: int = 0
) -> tuple[list[Group], list[Row]]:
    """A row for every group and number of thresholds other than what it has; see the module.

    Parameters
    ----------
    net : trained, its batch norms measured (:func:`docbin.train.unpack.calibrate`)
    crops : a few, of pages that it did not learn from
    cost : of the engine
    probes : random vectors a batch for the traces
    most : thresholds to try
    size : (height, width) of the page that is paid for
    """
    config = net.config
    found = groups(config, most)
    errors = squared_errors(net, crops)
    traces = activation_traces(net, crops, probes, torch.Generator().manual_seed(seed))
    now = cost.page(work_of(config, size))
    rows = []
    with measuring(net, own_statistics=True):
        loss, fm = losses(net, crops)
        for group in found:
            of_group = [traces[at] for at in group.layers]
            total = sum(trace.mean for trace in of_group)
            trace = Trace(total, sum(trace.error**2 for trace in of_group) ** 0.5, of_group[0].probes) if of_group else None
            for count in group.choices:
                if count == group.now:
                    continue
                with changed(net, {group: count}):
                    other, other_fm = losses(net, crops)
                more = cost.page(work_of(changed_config(config, {group: count}), size)) - now
                if trace is None:
                    rows.append(Row(group.name, count, more, other - loss, other_fm - fm))
                    continue
                predicted = sum(predicted_loss(traces[at].mean, errors[at][count - 1] - errors[at][group.now - 1]) for at in group.layers)
                error = sum(traces[at].mean * errors[at][count - 1] for at in group.layers) / total if total else 0.0
                rows.append(Row(group.name, count, more, other - loss, other_fm - fm, predicted, trace, error))
    return found, rows


def options(found: Sequence[Group], rows: Sequence[Row], by: str = "measured") -> list[list[Option]]:
    """What :func:`docbin.quant.allocation.allocate` chooses from, an option for each of a group's choices in their order; costs and losses are what
    the network has more than now. `by` is the row's "measured" or "predicted"; of the head, it is always what was measured."""
    if by not in ("measured", "predicted"):
        raise UsageError(f"precision search: by {by!r}: 'measured' or 'predicted' is wanted")
    known = {(row.group, row.thresholds): row for row in rows}

    def option(group: Group, count: int) -> Option:
        if count == group.now:
            return Option(0.0, 0.0)
        row = known[group.name, count]
        return Option(row.cost, row.measured if by == "measured" or row.predicted is None else row.predicted)

    return [[option(group, count) for count in group.choices] for group in found]


def choose(
    config: BitUNetConfig, found: Sequence[Group], rows: Sequence[Row], more: float, by: str = "measured"
) -> tuple[dict[Group, int], BitUNetConfig, Allocation]:
    """The best numbers that cost at most `more` nanoseconds a pixel than the network takes now (negative: that are so much cheaper).

    Returned are those that change, the variant that has them all, and the sums that they were chosen by.
    Errors as of :func:`docbin.quant.allocation.allocate`.
    """
    best = allocate(options(found, rows, by), more)
    picked = {group: group.choices[at] for group, at in zip(found, best.chosen, strict=True)}
    changes = {group: count for group, count in picked.items() if count != group.now}
    return changes, changed_config(config, changes), best


def unpacked(graph: Graph, config: BitUNetConfig) -> BitUNet:
    """A packed network with other numbers, nothing learned anew: every batch norm's line stays, of the head's planes the first are kept."""
    (head,) = (node for node in graph.nodes if node.op == "head")
    net = BitUNet(replace(config, planes=len(head.tensors["scale"])))
    unpack_bits(net, graph)
    if config.planes > len(net.head.scale):
        raise UsageError(f"precision search: {config.planes} planes of a head that was packed with {len(net.head.scale)}; train them")
    net.head.scale = nn.Parameter(net.head.scale.detach()[: config.planes])
    net.config = config
    return net.eval()


HEADER = ("layers", "bits", "ns a pixel", "trace", "squared error", "predicted", "measured", "crops' FM")


def show(found: Sequence[Group], rows: Sequence[Row], chosen: Mapping[str, Mapping[Group, int]]) -> str:
    """The rows as a Markdown table, a line a group and number; a further column for each allocation in `chosen` (title -> what it changes), ticked
    where it takes the line's number. Traces, errors and losses in thousandths."""
    lines: list[tuple[str, ...]] = [(*HEADER, *chosen), tuple("---" for _ in (*HEADER, *chosen))]
    known = {(row.group, row.thresholds): row for row in rows}
    for group in found:
        for count in group.choices:
            row = known.get((group.name, count))
            ticks = ["x" if changes.get(group, group.now) == count else "" for changes in chosen.values()]
            if row is None:
                lines.append((group.name, f"{count} (now)", *([""] * (len(HEADER) - 2)), *ticks))
                continue
            trace = "" if row.trace is None else f"{row.trace.mean * 1e3:.1f} ± {row.trace.error * 1e3:.1f}"
            error, predicted = (
                "" if value is None else f"{value * 1e3:{form}}" for value, form in ((row.error, ".1f"), (row.predicted, "+.2f"))
            )
            numbers = (f"{row.cost:+.2f}", trace, error, predicted, f"{row.measured * 1e3:+.2f}", f"{row.crop_fm:+.2f}")
            lines.append((group.name, str(count), *numbers, *ticks))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
