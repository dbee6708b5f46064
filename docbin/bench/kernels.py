"""The engine's binary convolution beside the limit of population counts and beside float convolution; what ``docbin bench kernels`` measures.

Three numbers belong together, so they are measured in turns in one process on one thread:

* the convolution that the packed networks run (bits in, threshold, bits out): one layer of a network of the engine, by the engine's
  own clock of thread time;
* the rate of xor + population count + addition on data that never leaves the registers, which no convolution that counts bits can pass on this CPU at
  this level. The engine's counts none: it adds 64 pixels a word by carry-save adders, so it may pass that limit, and does;
* PyTorch's float32 convolution of the same shape where torch is installed.

A lone time says more about the machine than about the code.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin import engine, kernels
from docbin.engine import Graph, Node
from docbin.errors import UsageError

SHAPES: tuple[tuple[int, int, int], ...] = ((64, 64, 512), (128, 128, 512), (256, 256, 256))
"""Channels in, filters, side of the square map."""


def network(channels: int, filters: int) -> Graph:
    """The smallest network with one 3 x 3 convolution of that size, of random bits: threshold codes, the convolution, a head of one plane.

    Parameters
    ----------
    channels, filters : multiples of 64, `channels` at least 64
    """
    rng = np.random.default_rng(0)

    def words(*shape: int) -> NDArray[np.uint64]:
        return rng.integers(0, 2**64, shape, dtype=np.uint64)

    theta = rng.normal(0, 1, (1, channels // 4 - 1)).astype(np.float32)
    codes: dict[str, NDArray[Any]] = {"windows": np.array([9], np.int32), "theta": theta, "grey": np.full(1, 128, np.float32)}
    conv: dict[str, NDArray[Any]] = {
        "weights": words(filters, channels // 64, 3, 3),
        "limit": np.full((1, filters), 9 * channels // 2, np.int32),
    }
    head: dict[str, NDArray[Any]] = {
        "weights": words(4, filters // 64, 1, 1),
        "scale": np.ones((1, 4), np.float32),
        "bias": np.zeros(4, np.float32),
    }
    nodes = [
        Node("codes", (), {"floor": 7.65}, codes),
        Node("conv", (0,), {"stride": 1, "dilation": 1, "padding": 1, "groups": 1}, conv),
        Node("head", (1,), {}, head),
    ]
    return engine.loads(engine.dumps(nodes))


def _thread_milliseconds(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return 1000 * (time.thread_time() - start)


def _float_convolution(channels: int, filters: int, side: int) -> Callable[[], object]:
    """PyTorch's float32 convolution of the same shape, in the faster of its two memory layouts."""
    import torch

    torch.set_num_threads(1)
    layer = torch.nn.Conv2d(channels, filters, 3, padding=1, bias=False)
    layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    x = torch.randn(1, channels, side, side).contiguous(memory_format=torch.channels_last)

    def call() -> object:
        with torch.inference_mode():
            return layer(x)

    return call


def run(repeats: int = 7, levels: Iterable[str] | None = None, shapes: Sequence[tuple[int, int, int]] = SHAPES) -> list[dict[str, Any]]:
    """Measure the engine's 3 x 3 binary convolution, one thread.

    Returns
    -------
    A dict a row: channels, filters, side, level, ms (thread time), gmacs (10^9 multiply-accumulates a second), limit (of population counts, the same
    unit), counts_by (the instruction that counts there), times (gmacs / limit), torch_ms and torch_ratio (None without torch).
    """
    core = kernels._core
    chosen = list(levels) if levels is not None else [level for level in kernels.levels() if level != "numpy"]
    if core is None or "numpy" in chosen:
        raise UsageError("bench kernels: the NumPy level has no compiled convolution to measure; install docbin with a C++ compiler")
    has_torch = importlib.util.find_spec("torch") is not None
    rows: list[dict[str, Any]] = []
    for channels, filters, side in shapes:
        graph = network(channels, filters)
        page = np.random.default_rng(1).integers(0, 256, (2 * side, 2 * side), dtype=np.uint8)
        work = 9 * channels * filters * side * side
        float_call = _float_convolution(channels, filters, side) if has_torch else None
        for level in chosen:
            with kernels.use(level):
                best, limit, counts_by, torch_ms = float("inf"), 0.0, "", float("inf")
                for _ in range(repeats):  # in turns
                    best = min(best, 1000 * engine.profile(graph, page, threads=1)["conv"])
                    rate, counts_by = core.popcount_ceiling(level, 0.05)
                    limit = max(limit, rate)
                    if float_call is not None:
                        torch_ms = min(torch_ms, _thread_milliseconds(float_call))
            gmacs = work / best / 1e6
            rows.append(
                {
                    "channels": channels,
                    "filters": filters,
                    "side": side,
                    "level": level,
                    "ms": best,
                    "gmacs": gmacs,
                    "limit": limit,
                    "counts_by": counts_by,
                    "times": gmacs / limit,
                    "torch_ms": torch_ms if has_torch else None,
                    "torch_ratio": torch_ms / best if has_torch else None,
                }
            )
    return rows


HEADER = (
    "3 x 3 convolution",
    "level",
    "ms",
    "GMAC/s",
    "limit of counting bits",
    "by",
    "times the limit",
    "torch float32 ms",
    "torch / docbin",
)


def show(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines: list[tuple[str, ...]] = [HEADER, tuple("---" for _ in HEADER)]
    for row in rows:
        beside = ("-", "-") if row["torch_ms"] is None else (f"{row['torch_ms']:.1f}", f"{row['torch_ratio']:.1f}")
        lines.append(
            (
                f"{row['channels']} -> {row['filters']}, {row['side']} x {row['side']}",
                row["level"],
                f"{row['ms']:.2f}",
                f"{row['gmacs']:.0f}",
                f"{row['limit']:.0f}",
                row["counts_by"],
                f"{row['times']:.2f}",
                *beside,
            )
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
