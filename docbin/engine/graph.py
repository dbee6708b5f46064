"""The op graph of a packed 1-bit network: what the file may say, and what each op does to the size of a map.

A graph is a list of nodes in running order; each names its op, its inputs and a few numbers. Everything is checked here before a single
word is computed: a file is
data from elsewhere, and a wrong one must end as an :class:`InputError`, never as a crash or an allocation without bound.

Ops
---
``codes``     page -> bits at 1/2 of the page's side: threshold codes (:mod:`docbin.kernels.stem`), of a second plane too if there are `depth` levels
``conv``      bits -> bits: binary convolution with one or more integer thresholds a filter, padded by -1; all bits of the first threshold come
              first, and only all together must they fill words
``pool``      bits -> bits at half the side: 2 x 2 max-pooling (OR)
``upsample``  bits -> bits at twice the side: nearest
``concat``    several maps of one size -> one map
``head``      bits -> float32 logits of 2 x 2 pixels a cell, or before a choice its numbers a cell of 4 x 4: sum over planes of scale times binary dot
              product, plus bias
``edge``      logits -> logits, drawn again by two convolutions of 8-bit numbers that see the page, too (:mod:`docbin.kernels.reference_edge`); last
``choice``    the head's numbers -> logits: shares of local thresholds, with which the pixel's grey level is compared
              (:mod:`docbin.kernels.reference_choice`); last
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.errors import InputError
from docbin.kernels.reference_choice import CONTROLS
from docbin.kernels.stem import WIDEST

Array = NDArray[Any]
MAX_NODES = 256
MAX_WORDS = 64
"""The widest map, in words of 64 channels."""
MAX_HALVINGS = 6
MAX_PLANES = 16
"""The most sign planes of a head's weights."""
MAX_EDGE = 256
"""The most channels or filters of an edge step."""
MAX_CHOICE_WINDOWS = 16
SHARPEST, STEEPEST = 128.0, 8.0
"""The most that a choice's sharpness may be, logits a deviation and logits a grey level: its sums are of 32 bits."""
STEPS = ("edge", "choice")
"""Ops behind the head, which see the page again."""


@dataclass(frozen=True, slots=True)
class Node:
    """One op: `inputs` are indices of earlier nodes."""

    op: str
    inputs: tuple[int, ...]
    attributes: Mapping[str, int | float]
    tensors: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Size:
    """What a node gives: `words` of 64 channels (0 = numbers, logits but before a choice) at 1 / 2^halvings of the page's side."""

    words: int
    halvings: int


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked graph: nodes, their sizes, and the multiple that a page's sides are padded to."""

    nodes: tuple[Node, ...]
    sizes: tuple[Size, ...]
    compiled: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The graph made ready for the compiled core, by kernel level; filled when it first runs."""

    @property
    def wants_depth(self) -> bool:
        """Whether it reads the page's depth plane (:mod:`docbin.kernels.depth`) beside its grey levels."""
        return any("depth" in node.tensors for node in self.nodes)

    @property
    def head(self) -> int:
        """The number of the head."""
        return len(self.nodes) - 1 - (self.nodes[-1].op in STEPS)

    @property
    def stride(self) -> int:
        """A page's sides are padded (last row and column repeated) to a multiple of this."""
        return int(2 ** max(size.halvings for size in self.sizes))


# op -> (least inputs, most inputs, attributes with their range, tensors with dtype and axes, tensors that may be missing)
_NUMBERS = {
    "stride": (1, 4),
    "dilation": (1, 16),
    "padding": (0, 64),
    "groups": (1, 64),
    "floor": (0.0, 255.0),
    "k": (0.0, 1.0),
    "sharpness": (0.01, SHARPEST),
}
_Tensors = dict[str, tuple[str, int]]
_MASKS: _Tensors = {"masks": ("uint64", 4)}
_OPS: Mapping[str, tuple[int, int, tuple[str, ...], _Tensors, _Tensors]] = {
    "codes": (0, 0, ("floor",), {"windows": ("int32", 1), "theta": ("float32", 2), "grey": ("float32", 1)}, {"depth": ("float32", 1)}),
    "conv": (1, 1, ("stride", "dilation", "padding", "groups"), {"weights": ("uint64", 4), "limit": ("int32", 2)}, _MASKS),
    "pool": (1, 1, (), {}, {}),
    "upsample": (1, 1, (), {}, {}),
    "concat": (1, 16, (), {}, {}),
    "head": (1, 1, (), {"weights": ("uint64", 4), "scale": ("float32", 2), "bias": ("float32", 1)}, _MASKS),
    "edge": (
        1,
        1,
        (),
        dict.fromkeys(("first", "second"), ("int8", 4))
        | {f"{name}_{which}": ("float32", 1) for name in ("first", "second") for which in ("factor", "offset")},
        {},
    ),
    "choice": (1, 1, ("k", "sharpness"), {"windows": ("int32", 1)}, {}),
}


def _refuse(where: str, what: str) -> InputError:
    return InputError(f"{where}: {what}; this is no packed network that docbin wrote, or it was damaged: export it again")


def _check_node(node: Node, index: int, where: str) -> None:
    """Op, inputs, attributes and tensors of one node, without looking at other nodes' sizes."""
    name = f"node {index} ({node.op[:40]})"
    if node.op not in _OPS:
        raise _refuse(where, f"{name}: no such op; known are {', '.join(_OPS)}")
    least, most, numbers, tensors, optional = _OPS[node.op]
    if not least <= len(node.inputs) <= most or any(not 0 <= i < index for i in node.inputs):
        raise _refuse(where, f"{name}: inputs {node.inputs[:20]} do not fit")
    if set(node.attributes) != set(numbers):
        raise _refuse(where, f"{name}: attributes {sorted(node.attributes)[:20]}, wanted are {sorted(numbers)}")
    for key, value in node.attributes.items():
        low, high = _NUMBERS[key]
        whole = isinstance(low, int)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not low <= value <= high:
            raise _refuse(where, f"{name}: {key}={value!r}, wanted is {low} to {high}")
    if not set(tensors) <= set(node.tensors) <= set(tensors) | set(optional):
        raise _refuse(where, f"{name}: tensors {sorted(node.tensors)[:20]}, wanted are {sorted(tensors)}")
    for key, array in node.tensors.items():
        dtype, axes = (tensors | optional)[key]
        if array.dtype != np.dtype(dtype) or array.ndim != axes or 0 in array.shape:
            raise _refuse(where, f"{name}: tensor {key} is {array.dtype} {array.shape}, wanted is {dtype} with {axes} axes")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise _refuse(where, f"{name}: tensor {key} holds NaN or infinity")
    if "masks" in node.tensors and node.tensors["masks"].shape != node.tensors["weights"].shape:
        raise _refuse(where, f"{name}: masks and weights differ in shape")


def _odd_sides(windows: Array) -> bool:
    return all(w % 2 == 1 and 1 <= w <= WIDEST for w in windows.tolist())


def _codes_size(node: Node, where: str) -> Size:
    windows, theta, grey = (node.tensors[key] for key in ("windows", "theta", "grey"))
    levels = grey.size + (node.tensors["depth"].size if "depth" in node.tensors else 0)
    channels = 4 * (theta.size + levels)
    if theta.shape[0] != windows.size or channels % 64 or not _odd_sides(windows):
        raise _refuse(where, f"codes: windows {windows.tolist()[:20]}, theta {theta.shape} and {levels} fixed levels do not fit")
    return Size(channels // 64, 1)


def _conv_size(node: Node, given: Size, where: str) -> Size:
    weights, limit = node.tensors["weights"], node.tensors["limit"]
    outs, per_group, high, wide = weights.shape
    stride, dilation, padding, groups = (int(node.attributes[key]) for key in ("stride", "dilation", "padding", "groups"))
    thresholds = limit.shape[0]
    whole = outs * thresholds % 64 == 0 and (groups == 1 or outs % (64 * groups) == 0)
    if per_group * groups != given.words or not whole or limit.shape[1] != outs or not 1 <= thresholds <= 8:
        raise _refuse(
            where, f"conv: weights {weights.shape}, limits {limit.shape} and groups={groups} do not fit an input of {given.words} words"
        )
    if high != wide or high % 2 == 0 or high > 15 or padding != dilation * (high // 2) or stride not in (1, 2):
        raise _refuse(where, f"conv: {high} x {wide}, stride {stride}, padding {padding}: square, odd, same size or half is wanted")
    if per_group * high * wide > 511:
        raise _refuse(where, f"conv: {per_group * high * wide} words a filter, at most 511")
    return Size(thresholds * outs // 64, given.halvings + (stride == 2))


def _head_size(node: Node, given: Size, where: str) -> Size:
    weights, scale, bias = node.tensors["weights"], node.tensors["scale"], node.tensors["bias"]
    outs, words, high, wide = weights.shape
    if (
        words != given.words
        or scale.shape[1] != bias.size
        or outs != scale.size
        or scale.shape[0] > MAX_PLANES
        or high != wide
        or high % 2 == 0
        or words * high * wide > 511
    ):
        raise _refuse(
            where, f"head: weights {weights.shape}, scale {scale.shape}, bias {bias.shape} do not fit an input of {given.words} words"
        )
    if (given.halvings, bias.size) == (1, 4):
        return Size(0, 0)
    return Size(0, given.halvings)


def _edge_size(node: Node, nodes: list[Node], where: str) -> Size:
    tensors = node.tensors
    first, second = tensors["first"], tensors["second"]
    hidden, channels = first.shape[:2]
    numbers = {name: tensors[name].size for name in ("first_factor", "first_offset", "second_factor", "second_offset")}
    shapes = f"edge: weights {first.shape} and {second.shape}, factors and offsets {list(numbers.values())}"
    if second.shape != (4, hidden, 3, 3) or first.shape[2:] != (3, 3) or list(numbers.values()) != [hidden, hidden, 4, 4]:
        raise _refuse(where, f"{shapes} do not fit together")
    if hidden % 4 or max(hidden, channels) > MAX_EDGE or nodes[0].op != "codes":
        raise _refuse(where, f"{shapes}: filters in fours, at most {MAX_EDGE}, after a network that begins with codes are wanted")
    codes = nodes[0].tensors
    if channels != 4 * (len(codes["windows"]) + 2 + ("depth" in codes)):
        raise _refuse(where, f"{shapes}: {channels} channels do not fit the codes")
    if any(127 * int(np.abs(weights.astype(np.int64)).sum((1, 2, 3)).max()) >= 1 << 24 for weights in (first, second)):
        raise _refuse(where, f"{shapes}: sums can leave 24 bits")
    return Size(0, 0)


def _choice_size(node: Node, nodes: list[Node], given: Size, where: str) -> Size:
    windows, sharpness, head = node.tensors["windows"], float(node.attributes["sharpness"]), nodes[node.inputs[0]]
    if head.op != "head":
        raise _refuse(where, f"choice: takes what {head.op} gives, wanted is a head")
    if nodes[0].op != "codes" or not _odd_sides(windows) or windows.size > MAX_CHOICE_WINDOWS:
        raise _refuse(
            where,
            f"choice: windows {windows.tolist()[:20]}: at most {MAX_CHOICE_WINDOWS} odd sides up to {WIDEST}, in a network that begins with codes",
        )
    outputs, wanted = head.tensors["bias"].size, 2 * windows.size + ("depth" in nodes[0].tensors) + CONTROLS
    if outputs != wanted or given.halvings != 2:
        raise _refuse(where, f"choice: {outputs} numbers at 1/{2**given.halvings} of the page's side, wanted are {wanted} at 1/4")
    floor = float(nodes[0].attributes["floor"])
    if floor < 1 or sharpness > STEEPEST * floor:
        raise _refuse(
            where, f"choice: sharpness {sharpness:g}, floor {floor:g}: a floor of at least 1 and at most {STEEPEST:g} times it are wanted"
        )
    return Size(0, 0)


def check(nodes: list[Node], where: str) -> Graph:
    """Check a graph and work out every node's size.

    Raises
    ------
    InputError
        Names the file (`where`), the node and what does not fit.
    """
    if not 2 <= len(nodes) <= MAX_NODES:
        raise _refuse(where, f"{len(nodes)} nodes, wanted are 2 to {MAX_NODES}")
    sizes: list[Size] = []
    for index, node in enumerate(nodes):
        _check_node(node, index, where)
        given = [sizes[i] for i in node.inputs]
        if any(size.words == 0 for size in given) and node.op not in STEPS:
            raise _refuse(where, f"node {index} ({node.op}): takes logits for bits")
        if node.op == "codes":
            size = _codes_size(node, where)
        elif node.op == "conv":
            size = _conv_size(node, given[0], where)
        elif node.op == "head":
            size = _head_size(node, given[0], where)
        elif node.op == "edge":
            size = _edge_size(node, nodes, where)
        elif node.op == "choice":
            size = _choice_size(node, nodes, given[0], where)
        elif node.op == "concat":
            if len({one.halvings for one in given}) != 1:
                raise _refuse(where, f"node {index} (concat): maps of different sizes")
            size = Size(sum(one.words for one in given), given[0].halvings)
        else:
            size = Size(given[0].words, given[0].halvings + (1 if node.op == "pool" else -1))
        if size.words > MAX_WORDS or not 0 <= size.halvings <= MAX_HALVINGS or (size.halvings == 0 and node.op not in ("head", *STEPS)):
            raise _refuse(where, f"node {index} ({node.op}): {size.words} words at 1/{2.0**size.halvings:g} of the page's side")
        sizes.append(size)
    ends = [node.op for node in nodes if node.op in ("head", *STEPS)]
    last = len(nodes) - 1
    whole = ends in (["head"], *(["head", step] for step in STEPS))
    if not whole or nodes[-1].op != ends[-1] or (ends[-1] in STEPS and nodes[-1].inputs != (last - 1,)):
        raise _refuse(where, "a network ends in its one head, or that and one edge step or choice")
    graph = Graph(tuple(nodes), tuple(sizes))
    if sizes[graph.head].halvings and ends[-1] != "choice":
        raise _refuse(where, "head: wants a map at half the page's side and gives four logits a cell, but before a choice")
    return graph
