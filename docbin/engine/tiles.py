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
from docbin.kernels import bits, reference_bits
from docbin.kernels.reference_edge import levels, redraw
from docbin.kernels.reference_stem import pixels_of
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

    def halved(self) -> Region:
        """The cells of a map of half the side that this region touches."""
        return Region(self.top // 2, -(-self.bottom // 2), self.left // 2, -(-self.right // 2))

    def doubled(self) -> Region:
        """The same place on a map of twice the side."""
        return Region(2 * self.top, 2 * self.bottom, 2 * self.left, 2 * self.right)


def _reach(node: Node) -> int:
    """How far a convolution (or head) looks to each side, in cells of its input."""
    half: int = node.tensors["weights"].shape[2] // 2
    return int(node.attributes.get("dilation", 1)) * half


def _needed(graph: Graph, wanted: Region, height: int, width: int) -> list[Region]:
    """The region of every node's map that the output region needs; `height` and `width` are the padded page's."""
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
                part = region.halved().spread(1, reach, reach, rows, columns)
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
    """Logits (2 h, 2 w) from the head's padded input: for each of a cell's four pixels, bias + scale dot, plane after plane."""
    scale, bias = node.tensors["scale"], node.tensors["bias"]
    dots = reference_bits.conv_dots(field, node.tensors["weights"], masks=node.tensors.get("masks"))
    height, width = dots.shape[1:]
    logits = np.empty((height, 2, width, 2), np.float32)
    for pixel in range(4):
        total = np.full((height, width), bias[pixel], np.float32)
        for plane, factors in enumerate(scale):
            total += factors[pixel] * dots[4 * plane + pixel].astype(np.float32)
        logits[:, pixel // 2, :, pixel % 2] = total
    return logits.reshape(2 * height, 2 * width)


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


def _tile(graph: Graph, planes: Planes, region: Region) -> FloatMap:
    """Logits of one output region of the padded page."""
    regions = _needed(graph, region, *planes[0].shape)
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
    cells = region.halved()
    logits = _head(head, _padded(maps[source], regions[source], cells, 1, _reach(head)))
    whole = cells.doubled()
    return logits[region.top - whole.top : region.bottom - whole.top, region.left - whole.left : region.right - whole.left]


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
    edge = graph.nodes[-1]
    if edge.op == "edge":
        # The step sees the logits of cells beyond the page, too, so the padded page goes through the rest.
        head = np.empty(page.shape, np.float32)
        run(Graph(graph.nodes[:-1], graph.sizes[:-1]), page, deep, threads, tile, head.__setitem__)
        codes = graph.nodes[0]
        seen = levels(page, codes.tensors["windows"], float(codes.attributes["floor"]), deep)
        cells = redraw(seen, np.ascontiguousarray(pixels_of(head)), edge.tensors)
        drawn = cells.reshape(2, 2, *cells.shape[1:]).transpose(2, 0, 3, 1).reshape(page.shape)
        put((slice(0, height), slice(0, width)), drawn[:height, :width])
        return
    rows, columns = tile
    regions = [
        Region(y, min(y + rows, height), x, min(x + columns, width)) for y in range(0, height, rows) for x in range(0, width, columns)
    ]

    def work(region: Region) -> None:
        put((slice(region.top, region.bottom), slice(region.left, region.right)), _tile(graph, planes, region))

    with ThreadPoolExecutor(max(1, min(threads, len(regions)))) as pool:
        for _ in pool.map(work, regions):
            pass
