"""Networks of depthwise and pointwise layers in 16-bit whole numbers: file format, checks, and a page through one. Knows nothing of torch.

A file is safetensors; the metadata key ``docbin`` holds JSON, ``{"fixed": 1, "nodes": [{"op", "inputs", "attributes"}]}``, tensors are named
``<node>.<name>``. Node 0 is the page, shrunk (:mod:`docbin.kernels.shrunk`); the last node's first channel is the answer,
:data:`docbin.kernels.shrunk.UNIT` to one.

Ops
---
``stem``       convolution of 3 x 3 with stride 2 of all channels, padded behind the map as TensorFlow does; `weights` int8 (outs, 9 ins)
``pointwise``  1 x 1 convolution; `weights` int8 (outs, ins); a second input is added before the limits
``depthwise``  convolution of every channel by itself; `weights` int8 (side, side, channels), `stride` 1 or 2, `before`: rows and columns of padding
``double``     each number twice in both directions

All but ``double`` have `factor` and `offset`, float32 (outs,), and the numbers `low` and `high`: how a sum becomes a number
(:class:`docbin.kernels.fixed_point.Rescale`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.engine.graph import Node
from docbin.engine.packed import bytes_of, nodes_of
from docbin.errors import InputError
from docbin.kernels.fixed_point import BLOCK, Numbers, Rescale, depthwise, packed, pointwise
from docbin.kernels.shrunk import CELL, CHANNELS, LARGEST, SHRINK, shrunk
from docbin.page import Image

GRID = 64
"""Pixels of the page that sides are continued to multiples of."""
TILE = 4096
"""Side in pixels of what is looked at as one, without its surround; a multiple of GRID."""
REACH = 832
"""Pixels of surround of a tile, a multiple of GRID: the encoder of :mod:`docbin.nets.textregions` sees 185 pixels of the page, shrunk, around one of
its cells, and what is behind it 2 cells more: 804 in all."""
FORMAT = 1
MAX_CHANNELS = 4096
SUMS = 2**31 - 1
"""The largest sum."""
PRECISE = 2.0**20
"""The largest factor and offset, either way: what they make of a sum stays finite."""


@dataclass(frozen=True, slots=True)
class Net:
    """A checked network, its weights laid out for the kernels: `nodes` in running order, `readers` the last node that reads each."""

    nodes: tuple[Node, ...]
    weights: tuple[NDArray[np.int16] | None, ...]
    rescales: tuple[Rescale | None, ...]
    readers: tuple[int, ...]


def dumps(nodes: Sequence[Node]) -> bytes:
    """The file's bytes for nodes behind the page (checked first)."""
    from safetensors.numpy import save

    _checked(nodes, "the network to be written")
    tensors = {f"{k}.{name}": np.ascontiguousarray(array) for k, node in enumerate(nodes, 1) for name, array in node.tensors.items()}
    described = [{"op": node.op, "inputs": list(node.inputs), "attributes": dict(node.attributes)} for node in nodes]
    return bytes(save(tensors, metadata={"docbin": json.dumps({"fixed": FORMAT, "nodes": described}, separators=(",", ":"))}))


def loads(data: bytes, where: str = "network") -> Net:
    """Read and check a network.

    Raises
    ------
    InputError
        Not such a file, damaged, of an unknown format, or a network that does not hold together.
    """
    return _checked(nodes_of(data, where, "network of 16-bit numbers", "fixed", FORMAT, first=1), where)


def read(path: Path) -> Net:
    """Read a network from a file; FileAccessError where it cannot be opened."""
    return loads(bytes_of(path), str(path))


@dataclass(frozen=True, slots=True)
class _Map:
    """What is known of a node's map: its channels, how often the page's side (shrunk) was halved, the largest number in it either way."""

    channels: int
    halvings: int
    largest: float


def _checked(nodes: Sequence[Node], where: str) -> Net:
    """The network; InputError where it does not hold together."""
    maps = [_Map(CHANNELS, 0, LARGEST)]
    weights: list[NDArray[np.int16] | None] = []
    rescales: list[Rescale | None] = []
    try:
        for index, node in enumerate(nodes, 1):
            if not node.inputs or not all(0 <= i < index for i in node.inputs):
                raise ValueError(f"node {index} ({node.op}): its inputs are not earlier nodes")
            if not all(type(number) in (int, float) for number in node.attributes.values()):
                raise ValueError(f"node {index} ({node.op}): its attributes are no numbers")
            if set(node.tensors) != (set() if node.op == "double" else {"weights", "factor", "offset"}):
                raise ValueError(f"node {index} ({node.op}): its tensors are {', '.join(sorted(node.tensors)) or 'none'}")
            found, plain = _after(node, [maps[i] for i in node.inputs])
            maps.append(found)
            weights.append(plain)
            rescales.append(None if node.op == "double" else _rescale(node, found.channels))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(f"{where}: {error}; export it again") from None
    if 2 ** maps[-1].halvings * SHRINK != CELL:
        raise InputError(f"{where}: its answer is not about cells of {CELL} pixels; export it again")
    readers = [0] * (len(nodes) + 1)
    for index, node in enumerate(nodes, 1):
        for i in node.inputs:
            readers[i] = index
    return Net(tuple(nodes), tuple(weights), tuple(rescales), tuple(readers))


def _after(node: Node, seen: Sequence[_Map]) -> tuple[_Map, NDArray[np.int16] | None]:
    """What a node's map is, and its weights as the kernels read them; ValueError where they do not fit."""
    first = seen[0]
    if node.op == "double":
        if len(seen) != 1 or first.halvings < 1:
            raise ValueError("double: of one smaller map")
        return _Map(first.channels, first.halvings - 1, first.largest), None
    raw = node.tensors["weights"]
    if raw.dtype != np.int8 or raw.size == 0:
        raise ValueError(f"{node.op}: weights are int8, these are {raw.dtype} {raw.shape}")
    wide = raw.astype(np.int64)
    high = max(abs(float(node.attributes["low"])), abs(float(node.attributes["high"])))
    if node.op == "depthwise":
        side, stride, before = raw.shape[0], node.attributes["stride"], node.attributes["before"]
        if raw.ndim != 3 or raw.shape[1] != side or raw.shape[2] != first.channels or not 1 <= side <= 7 or len(seen) != 1:
            raise ValueError(f"depthwise: weights {raw.shape} do not fit {first.channels} channels")
        if stride not in (1, 2) or type(before) is not int or not 0 <= before < side:
            raise ValueError(f"depthwise: stride {stride!r}, before {before!r}")
        largest = np.abs(wide).sum((0, 1)).max() * first.largest
        after = _Map(first.channels, first.halvings + (stride == 2), high)
        kept = raw.astype(np.int16)
    elif node.op in ("pointwise", "stem"):
        ins = 9 * first.channels if node.op == "stem" else first.channels
        beside = seen[1:]
        if raw.ndim != 2 or raw.shape[1] != ins or ins % 2 or raw.shape[0] % BLOCK or raw.shape[0] > MAX_CHANNELS:
            raise ValueError(f"{node.op}: weights {raw.shape} do not fit {ins} channels")
        if len(beside) > (node.op == "pointwise") or any((one.channels, one.halvings) != (len(raw), first.halvings) for one in beside):
            raise ValueError(f"{node.op}: what is added is of another shape")
        largest = np.abs(wide).sum(1).max() * first.largest
        after = _Map(len(raw), first.halvings + (node.op == "stem"), high)
        kept = packed(raw.astype(np.int16))
    else:
        raise ValueError(f"an unknown op {node.op!r}")
    if largest > SUMS or after.channels % BLOCK or after.halvings > 4:
        raise ValueError(f"{node.op}: its sums leave 32 bits, its channels no eights, or its map is too small")
    return after, kept


def _rescale(node: Node, channels: int) -> Rescale:
    factor, offset = node.tensors["factor"], node.tensors["offset"]
    low, high = float(node.attributes["low"]), float(node.attributes["high"])
    if any(one.dtype != np.float32 or one.shape != (channels,) or not np.abs(one).max() <= PRECISE for one in (factor, offset)):
        raise ValueError(f"{node.op}: factor and offset are float32 ({channels},) within +-{PRECISE:g}")
    if not -32768 <= low <= high <= 32767:
        raise ValueError(f"{node.op}: limits {low} and {high} leave 16 bits")
    return Rescale(np.ascontiguousarray(factor), np.ascontiguousarray(offset), low, high)


def run(net: Net, page: Image, grey: Image, threads: int | None = None) -> NDArray[np.int16]:
    """The answer for every cell of a page, int16 (H / 16, W / 16, rounded up), :data:`docbin.kernels.shrunk.UNIT` to one unit of a logit.

    Parameters
    ----------
    page : uint8 (H, W) or (H, W, 3)
    grey : the same in grey, uint8 (H, W)
    threads : at most so many; None = :func:`docbin.kernels.threads`

    Memory is that of a tile, whatever the page's size, and tiles answer as the whole page would: they are handed in with all that a cell sees.
    """
    threads = threads or kernels.threads()
    height, width = grey.shape
    out = np.empty((-(-height // CELL), -(-width // CELL)), np.int16)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            rows, columns = (
                slice(max(0, start - REACH), min(side, start + TILE + REACH)) for start, side in ((top, height), (left, width))
            )
            answer = _tile(net, page[rows, columns], grey[rows, columns], threads)
            y, x = (top - rows.start) // CELL, (left - columns.start) // CELL
            part = answer[y : y + TILE // CELL, x : x + TILE // CELL]
            out[top // CELL : top // CELL + part.shape[0], left // CELL : left // CELL + part.shape[1]] = part
    return out


def _tile(net: Net, page: Image, grey: Image, threads: int) -> NDArray[np.int16]:
    """The answer for the cells of a page that is looked at as one."""
    height, width = grey.shape
    small = shrunk(page, grey, (-(-height // GRID) * (GRID // SHRINK), -(-width // GRID) * (GRID // SHRINK)), threads)
    maps: dict[int, Numbers] = {0: small}
    for index, (node, weights, rescale) in enumerate(zip(net.nodes, net.weights, net.rescales, strict=True), 1):
        first = maps[node.inputs[0]]
        if node.op == "double":
            maps[index] = _doubled(first)
        else:
            assert weights is not None
            assert rescale is not None
            if node.op == "stem":
                maps[index] = pointwise(_around(first), weights, rescale, None, threads)
            elif node.op == "pointwise":
                beside = maps[node.inputs[1]] if len(node.inputs) > 1 else None
                maps[index] = pointwise(first, weights, rescale, beside, threads)
            else:
                stride, before = int(node.attributes["stride"]), int(node.attributes["before"])
                shape = (first.shape[0] // stride, first.shape[1] // stride)
                maps[index] = depthwise(first, weights, rescale, stride, before, shape, threads)
        for i in node.inputs:
            if net.readers[i] == index:
                maps.pop(i, None)
    return np.ascontiguousarray(maps[len(net.nodes)][: -(-height // CELL), : -(-width // CELL), 0])


def _around(maps: Numbers) -> Numbers:
    """The 3 x 3 numbers that each output of a stem sees, (H / 2, W / 2, 9 channels); beyond the map all is zero."""
    field = np.pad(maps, ((0, 1), (0, 1), (0, 0)))
    height, width, channels = maps.shape[0] // 2, maps.shape[1] // 2, maps.shape[2]
    # Three pixels of a row lie one behind the other, and are copied as one thing.
    row, pixel, _ = field.strides
    threes = np.ndarray((height, width, 3), np.dtype((np.void, 3 * pixel)), field, strides=(2 * row, 2 * pixel, row))
    return np.ascontiguousarray(threes).view(np.int16).reshape(height, width, 9 * channels)


def _doubled(maps: Numbers) -> Numbers:
    """Each number twice in both directions."""
    height, width, channels = maps.shape
    out = np.empty((height, 2, width, 2, channels), np.int16)
    out[:] = maps[:, None, :, None]
    return out.reshape(2 * height, 2 * width, channels)
