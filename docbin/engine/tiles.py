"""The engine in NumPy: the twin of ``csrc/engine/*``, and what runs where there is no compiled core.

A tile's output region is followed backwards through the graph: each node learns which part of its map is needed, clipped to the page. Forwards, each
computes just that part. Where a region is clipped by the page's edge a convolution sees the padding (-1), everywhere else it sees real neighbours, so
tiles and whole page agree bit for bit, whatever the tile's size; the price is computing the overlap twice. Maps are freed after their last reader,
so memory does not grow with the page but for its pixels and its ink.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docbin.engine.graph import Graph, Node
from docbin.kernels import bits, reference_bits, reference_choice
from docbin.kernels.reference_edge import levels, redraw
from docbin.kernels.stem import NO_LEVELS, threshold_codes
from docbin.page import FloatMap, Image

TILE = (768, 4096)
"""Rows and columns of a tile in pixels: few enough rows for memory, whole page width for little overlap."""

Words = NDArray[np.uint64]
Planes = tuple[Image, Image | None]
"""The page's grey pixels and, where the graph wants it, its depth; both of sides that the graph's stride divides."""


@dataclass(frozen=True, slots=True)
class Region:
    """Rows [top, bottom) and columns [left, right) of a map."""

    top: int
    bottom: int
    left: int
    right: int

    def union(self, other: Region | None) -> Region:
        """The smallest region that holds both."""
        if other is None:
            return self
        return Region(min(self.top, other.top), max(self.bottom, other.bottom), min(self.left, other.left), max(self.right, other.right))

    def spread(self, stride: int, before: int, after: int, height: int, width: int) -> Region:
        """The input cells that output cells [top, bottom) x [left, right) read: from ``stride * first - before`` to ``stride * last +
        after``, clipped."""
        return Region(
            max(0, stride * self.top - before),
            min(height, stride * (self.bottom - 1) + after + 1),
            max(0, stride * self.left - before),
            min(width, stride * (self.right - 1) + after + 1),
        )

    def halved(self, times: int = 1) -> Region:
        """The cells of a map of half the side, or halved so many times, that this region touches."""
        side = 2**times
        return Region(self.top // side, -(-self.bottom // side), self.left // side, -(-self.right // side))

    def doubled(self) -> Region:
        """The same place on a map of twice the side."""
        return Region(2 * self.top, 2 * self.bottom, 2 * self.left, 2 * self.right)


def _reach(node: Node) -> int:
    """How far a convolution (or head) looks to each side, in cells of its input."""
    half: int = node.tensors["weights"].shape[2] // 2
    return int(node.attributes.get("dilation", 1)) * half


def _needed(graph: Graph, wanted: Region, height: int, width: int) -> list[Region]:
    """The region of every node's map that the head's cells `wanted` need; `height` and `width` are the padded page's."""
    needed: list[Region | None] = [None] * len(graph.nodes)
    needed[graph.head] = wanted
    for index in range(graph.head, -1, -1):
        node, region = graph.nodes[index], needed[index]
        if region is None:
            continue
        for i in node.inputs:
            side = 2 ** graph.sizes[i].halvings
            rows, columns = height // side, width // side
            if node.op == "conv":
                reach = _reach(node)
                part = region.spread(int(node.attributes["stride"]), reach, reach, rows, columns)
            elif node.op == "head":
                reach = _reach(node)
                part = region.spread(1, reach, reach, rows, columns)
            elif node.op == "pool":
                part = region.doubled()
            elif node.op == "upsample":
                part = region.halved()
            else:
                part = region
            needed[i] = part.union(needed[i])
    unused = Region(0, 0, 0, 0)
    return [region or unused for region in needed]


def _cut(words: Words, has: Region, want: Region) -> Words:
    """The part `want` of a map computed on the region `has`."""
    return words[:, want.top - has.top : want.bottom - has.top, want.left - has.left : want.right - has.left]


def _padded(words: Words, has: Region, out: Region, stride: int, reach: int) -> Words:
    """What a convolution for the output region `out` reads: real cells where the map has them, -1 beyond the page."""
    rows, columns = stride * (out.bottom - out.top - 1) + 2 * reach + 1, stride * (out.right - out.left - 1) + 2 * reach + 1
    first_row, first_column = stride * out.top - reach, stride * out.left - reach
    field = np.zeros((words.shape[0], rows, columns), np.uint64)
    top, left = max(first_row, has.top), max(first_column, has.left)
    bottom, right = min(first_row + rows, has.bottom), min(first_column + columns, has.right)
    field[:, top - first_row : bottom - first_row, left - first_column : right - first_column] = _cut(
        words, has, Region(top, bottom, left, right)
    )
    return field


def _head(node: Node, field: Words) -> FloatMap:
    """What the head says, (outputs, h, w), from its padded input: for each output, bias + scale dot, plane after plane."""
    scale, bias = node.tensors["scale"], node.tensors["bias"]
    dots = reference_bits.conv_dots(field, node.tensors["weights"], masks=node.tensors.get("masks"))
    total = np.repeat(bias, dots[0].size).reshape(bias.size, *dots.shape[1:])
    with np.errstate(over="ignore", invalid="ignore"):  # a file may hold any finite numbers
        for plane, factors in enumerate(scale):
            total += factors[:, None, None] * dots[bias.size * plane :][: bias.size].astype(np.float32)
    return total


def _laid_out(cells: FloatMap) -> FloatMap:
    """Four pixels of each cell, (4, h, w), at their places, (2 h, 2 w)."""
    return cells.reshape(2, 2, *cells.shape[1:]).transpose(2, 0, 3, 1).reshape(2 * cells.shape[1], 2 * cells.shape[2])


def compute(graph: Graph, planes: Planes, index: int, regions: list[Region], maps: dict[int, Words]) -> Words:
    """One node (but the head) on its region, from the maps of earlier nodes on theirs."""
    node, out = graph.nodes[index], regions[index]
    if node.op == "codes":
        area = (out.top, out.left, out.bottom - out.top, out.right - out.left)
        tensors, floor = node.tensors, float(node.attributes["floor"])
        grey, depth = planes
        depths = tensors.get("depth", NO_LEVELS)
        return threshold_codes(grey, tensors["windows"], tensors["theta"], tensors["grey"], floor, area, depth=depth, depths=depths)
    given = [(maps[i], regions[i]) for i in node.inputs]
    if node.op == "conv":
        stride = int(node.attributes["stride"])
        field = _padded(*given[0], out, stride, _reach(node))
        weights, limit, masks = node.tensors["weights"], node.tensors["limit"], node.tensors.get("masks")
        dilation, groups = int(node.attributes["dilation"]), int(node.attributes["groups"])
        if len(weights) % 64:  # the bits of one threshold fill no words: a filter for each threshold, their bits in the same order
            thresholds = len(limit)
            limit = limit.reshape(1, -1)
            weights = np.concatenate([weights] * thresholds)
            masks = None if masks is None else np.concatenate([masks] * thresholds)
        return reference_bits.conv_bits(field, weights, limit, masks=masks, stride=stride, dilation=dilation, groups=groups)
    if node.op == "pool":
        return bits.max_pool(_cut(*given[0], out.doubled()))
    if node.op == "upsample":
        below = out.halved()
        return np.ascontiguousarray(_cut(bits.upsample(_cut(*given[0], below)), below.doubled(), out))
    return bits.concat(*(_cut(words, has, out) for words, has in given))


def _tile(graph: Graph, planes: Planes, cells: Region) -> FloatMap:
    """What the head says of some of its cells, (outputs, h, w)."""
    regions = _needed(graph, cells, *planes[0].shape)
    last_reader = {i: index for index, node in enumerate(graph.nodes) for i in node.inputs}
    maps: dict[int, Words] = {}
    for index in range(graph.head):
        if index not in last_reader:
            continue
        maps[index] = compute(graph, planes, index, regions, maps)
        for i in graph.nodes[index].inputs:
            if last_reader[i] == index:
                del maps[i]
    head = graph.nodes[graph.head]
    (source,) = head.inputs
    return _head(head, _padded(maps[source], regions[source], cells, 1, _reach(head)))


def run(
    graph: Graph,
    grey: Image,
    depth: Image | None,
    threads: int,
    tile: tuple[int, int],
    put: Callable[[tuple[slice, slice], FloatMap], None],
) -> None:
    """Compute every tile of a page and hand its logits to `put`, from as many threads."""
    height, width = grey.shape
    pad = ((0, -height % graph.stride), (0, -width % graph.stride))
    planes = page, deep = np.pad(grey, pad, mode="edge"), None if depth is None else np.pad(depth, pad, mode="edge")
    halvings = graph.sizes[graph.nodes[graph.head].inputs[0]].halvings  # of the head's cells
    step = graph.nodes[-1]
    # A step behind the head sees the cells beyond the page, too.
    bottom, right = (height, width) if step.op == "head" else page.shape
    rows, columns = tile
    regions = [
        Region(y, min(y + rows, bottom), x, min(x + columns, right)) for y in range(0, bottom, rows) for x in range(0, right, columns)
    ]
    head = np.empty((graph.nodes[graph.head].tensors["bias"].size, *(side >> halvings for side in page.shape)), np.float32)

    def work(region: Region) -> None:
        cells = region.halved(halvings)
        said = _tile(graph, planes, cells)
        if step.op != "head":
            head[:, cells.top : cells.bottom, cells.left : cells.right] = said
            return
        whole = cells.doubled()
        part = _laid_out(said)[region.top - whole.top : region.bottom - whole.top, region.left - whole.left : region.right - whole.left]
        put((slice(region.top, region.bottom), slice(region.left, region.right)), part)

    with ThreadPoolExecutor(max(1, min(threads, len(regions)))) as pool:
        for _ in pool.map(work, regions):
            pass
    codes = graph.nodes[0]
    if step.op == "edge":
        seen = levels(page, codes.tensors["windows"], float(codes.attributes["floor"]), deep)
        put((slice(0, height), slice(0, width)), _laid_out(redraw(seen, head, step.tensors))[:height, :width])
    elif step.op == "choice":
        floor, k, sharpness = float(codes.attributes["floor"]), float(step.attributes["k"]), float(step.attributes["sharpness"])
        drawn = reference_choice.decided(head, page, deep, step.tensors["windows"], floor, k, sharpness)
        put((slice(0, height), slice(0, width)), drawn[:height, :width])
