"""A small packed network without torch: random bits, every op, limits around the half at which ink and paper come out in like shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docbin import engine
from docbin.engine import Graph, Node


def nodes(masked: bool = False, dilation: int = 1, depth: bool = False, edge: int = 0) -> list[Node]:
    """Two convolutions of two thresholds and one of one, a head of two planes; with masks, dilation, a depth plane or an edge step of so many filters
    where asked for."""
    rng = np.random.default_rng(3)

    def words(*shape: int) -> NDArray[np.uint64]:
        return rng.integers(0, 2**64, shape, dtype=np.uint64)

    def conv(source: int, inputs: int, thresholds: int, reach: int = 1, mask: bool = False) -> Node:
        counted = 64 * inputs * 9 // (2 if mask else 1)
        limit = counted // 2 + rng.integers(-9, 9, (thresholds, 64)).astype(np.int32)
        tensors = {"weights": words(64, inputs, 3, 3), "limit": limit.astype(np.int32)}
        if mask:
            tensors["masks"] = words(64, inputs, 3, 3)
        return Node("conv", (source,), {"stride": 1, "dilation": reach, "padding": reach, "groups": 1}, tensors)

    theta = np.linspace(-1.9, 0.7, 27, dtype=np.float32).reshape(3, 9)
    stem = {"windows": np.array([3, 7, 9], np.int32), "theta": theta, "grey": np.linspace(50, 205, 5, dtype=np.float32)}
    if depth:
        stem["grey"], stem["depth"] = stem["grey"][:2], np.array([12.5, 40.5, 90.5], np.float32)
    head = {"weights": words(8, 5, 3, 3), "scale": rng.uniform(0.5, 2, (2, 4)).astype(np.float32), "bias": np.full(4, 0.3, np.float32)}
    seen = 4 * (5 + depth)
    last = {
        "first": rng.integers(-127, 128, (edge, seen, 3, 3)).astype(np.int8),
        "first_factor": rng.uniform(1e-4, 5e-4, edge).astype(np.float32),
        "first_offset": rng.uniform(-20, 60, edge).astype(np.float32),
        "second": rng.integers(-127, 128, (4, edge, 3, 3)).astype(np.int8),
        "second_factor": rng.uniform(1e-5, 1e-4, 4).astype(np.float32),
        "second_offset": rng.uniform(-1, 1, 4).astype(np.float32),
    }
    return [
        Node("codes", (), {"floor": 7.65}, stem),
        conv(0, 2, 2),
        Node("pool", (1,), {}, {}),
        conv(2, 2, 2, dilation),
        Node("upsample", (3,), {}, {}),
        Node("concat", (1, 4), {}, {}),
        conv(5, 4, 1, mask=masked),
        Node("concat", (6, 0, 1), {}, {}),
        Node("head", (7,), {}, head),
        *([Node("edge", (8,), {}, last)] if edge else []),
    ]


def choosing(depth: bool = False, windows: tuple[int, ...] = (3, 11, 25)) -> list[Node]:
    """A network that ends in a choice among thresholds: two convolutions, the second on cells of 4 x 4 pixels, and a head of eight planes."""
    rng = np.random.default_rng(4)
    start = nodes(depth=depth)[:4]
    outputs = 2 * len(windows) + depth + 3
    scale = (0.002 * 2.0 ** np.arange(7, -1, -1)[:, None] * rng.uniform(0.5, 1, outputs) / 128).astype(np.float32)
    head = {
        "weights": rng.integers(0, 2**64, (8 * outputs, 2, 3, 3), dtype=np.uint64),
        "scale": 40 * scale,
        "bias": np.array([*rng.normal(0, 0.3, outputs - 3), 0.2, 0.0, 0.4], np.float32),
    }
    return [
        *start,
        Node("head", (3,), {}, head),
        Node("choice", (4,), {"k": 0.5, "sharpness": 13.5}, {"windows": np.array(windows, np.int32)}),
    ]


def graph(masked: bool = False, dilation: int = 1, depth: bool = False, edge: int = 0) -> Graph:
    """The same, checked."""
    return engine.loads(engine.dumps(nodes(masked, dilation, depth, edge)))


def folder(path: Path) -> Path:
    """A model folder that holds the network, packed alone, as docbin ships it."""
    import hashlib

    data = engine.dumps(nodes())
    path.mkdir(parents=True)
    (path / "packed.safetensors").write_bytes(data)
    entry = f'[packed]\nfile = "packed.safetensors"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n'
    (path / "config.toml").write_text(
        f'net = "bitunet"\nsummary = "bits for a test"\n{entry}[input]\nchannels = "grey"\n', encoding="utf-8"
    )
    return path
