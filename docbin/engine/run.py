"""Run a packed network on a page: the compiled engine (``csrc/engine/network.hpp`` tells how), or its NumPy twin where that is the kernel level."""

from __future__ import annotations

from typing import Any

import numpy as np

from docbin import kernels
from docbin.engine import tiles
from docbin.engine.graph import Graph
from docbin.kernels.depth import depth_plane
from docbin.kernels.stem import NO_LEVELS
from docbin.page import FloatMap, Image, Mask, to_grey


def _compiled(graph: Graph, level: str) -> Any:
    """The graph in the compiled core at a level, made once."""
    if level not in graph.compiled:
        network = kernels._core.Network(level)
        for node in graph.nodes:
            tensors, numbers = node.tensors, node.attributes
            if node.op == "codes":
                network.codes(
                    tensors["windows"], tensors["theta"], tensors["grey"], tensors.get("depth", NO_LEVELS), float(numbers["floor"])
                )
            elif node.op == "conv":
                sizes = (int(numbers[key]) for key in ("dilation", "groups", "stride"))
                network.conv(node.inputs[0], tensors["weights"], tensors.get("masks"), tensors["limit"], *sizes)
            elif node.op == "head":
                network.head(node.inputs[0], tensors["weights"], tensors.get("masks"), tensors["scale"], tensors["bias"])
            elif node.op == "edge":
                network.edge(node.inputs[0], **tensors)
            elif node.op == "choice":
                network.choice(node.inputs[0], tensors["windows"], float(numbers["k"]), float(numbers["sharpness"]))
            elif node.op == "concat":
                network.concat(list(node.inputs))
            else:
                {"pool": network.pool, "upsample": network.upsample}[node.op](node.inputs[0])
        graph.compiled[level] = network
    return graph.compiled[level]


def _run(graph: Graph, image: Image, out: FloatMap | Mask, threads: int | None, tile: tuple[int, int] | None) -> dict[str, float]:
    """Fill `out` with logits (float32) or ink (bool); returns the compiled engine's seconds by op, summed over its threads."""
    grey = np.ascontiguousarray(to_grey(image))
    depth = depth_plane(grey) if graph.wants_depth else None
    if depth is not None and (depth.dtype != np.uint8 or depth.shape != grey.shape):
        raise ValueError(f"engine: the depth plane must be uint8 {grey.shape}, got {depth.dtype} {depth.shape}")
    if tile is not None and min(tile) < 1:
        raise ValueError(f"engine: tile {tile}: rows and columns of at least 1 are wanted")
    threads, level = threads or kernels.threads(), kernels.active()
    logits, ink = (out, None) if out.dtype == np.float32 else (None, out)
    if level != "numpy":
        network = _compiled(graph, level)
        depth = None if depth is None else np.ascontiguousarray(depth)
        seconds: dict[str, float] = network.run(grey, depth, logits, ink, threads, *(tile or (0, 0)))
        return seconds

    def put(place: tuple[slice, slice], values: FloatMap) -> None:
        out[place] = values if logits is not None else values >= 0

    tiles.run(graph, grey, depth, threads, tile or tiles.TILE, put)
    return {}


def logits(graph: Graph, image: Image, threads: int | None = None, tile: tuple[int, int] | None = None) -> FloatMap:
    """Logits of ink, float32 (H, W), of a page (grey or RGB); ink is where they are >= 0.

    Parameters
    ----------
    threads : at most so many; None = :func:`docbin.kernels.threads`
    tile : rows and columns, in pixels, that are computed on their own; None = chosen by the engine. The result does not depend on it.
    """
    out = np.empty(image.shape[:2], np.float32)
    _run(graph, image, out, threads, tile)
    return out


def ink(graph: Graph, image: Image, threads: int | None = None, tile: tuple[int, int] | None = None) -> Mask:
    """Ink mask of a page (grey or RGB), bool (H, W); parameters as in :func:`logits`. Memory is that of a few rows of each map a thread."""
    out = np.empty(image.shape[:2], np.bool_)
    _run(graph, image, out, threads, tile)
    return out


def profile(graph: Graph, image: Image, threads: int | None = None) -> dict[str, float]:
    """Seconds that each kind of node took on a page, summed over the threads; empty at the NumPy level."""
    return _run(graph, image, np.empty(image.shape[:2], np.bool_), threads, None)
