"""Binary convolution beside its physical limit and beside float convolution; the engine of ``docbin bench kernels``.

Three numbers belong together, so they are measured in turns in one process on one thread: the convolution (bits in, threshold, bits out),
the rate of xor + count +
add on data that never leaves the registers (the level's ceiling), and PyTorch's float32 convolution of the same shape where torch is
installed. A lone time says more
about the machine than about the code.
"""

from __future__ import annotations

import functools
import importlib.util
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from docbin import kernels
from docbin.kernels import bits

SHAPES: tuple[tuple[int, int, int], ...] = ((64, 64, 512), (128, 128, 512), (256, 256, 256))
"""Channels in, filters, side of the square map."""


def _milliseconds(call: Callable[[], object], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, 1000 * (time.perf_counter() - start))
    return best


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
    """Measure 3 x 3 binary convolution, one thread.

    Returns
    -------
    A dict a row: channels, filters, side, level, ms, gmacs (10^9 multiply-accumulates a second), ceiling (the same unit), share of the
    ceiling,
    torch_ms and torch_ratio (None without torch).
    """
    chosen = list(levels) if levels is not None else [level for level in kernels.levels() if level != "numpy"]
    has_torch = importlib.util.find_spec("torch") is not None
    rows: list[dict[str, Any]] = []
    rng = np.random.default_rng(0)
    for channels, filters, side in shapes:
        words = rng.integers(0, 2**64, (channels // 64, side, side), dtype=np.uint64)
        weights = rng.integers(0, 2**64, (filters, channels // 64, 3, 3), dtype=np.uint64)
        limit = np.full(filters, 9 * channels // 2, np.int32)
        work = 9 * channels * filters * side * side
        convolution = functools.partial(bits.conv_bits, words, weights, limit, padding=1)
        float_call = _float_convolution(channels, filters, side) if has_torch else None
        for level in chosen:
            with kernels.use(level):
                best, ceiling, torch_ms = float("inf"), 0.0, float("inf")
                for _ in range(repeats):  # in turns
                    best = min(best, _milliseconds(convolution, 1))
                    ceiling = max(ceiling, bits.popcount_ceiling(0.05))
                    if float_call is not None:
                        torch_ms = min(torch_ms, _milliseconds(float_call, 1))
            rate = work / best / 1e6
            rows.append(
                {
                    "channels": channels,
                    "filters": filters,
                    "side": side,
                    "level": level,
                    "ms": best,
                    "gmacs": rate,
                    "ceiling": ceiling,
                    "share": rate / ceiling,
                    "torch_ms": torch_ms if has_torch else None,
                    "torch_ratio": torch_ms / best if has_torch else None,
                }
            )
    return rows


HEADER = ("3 x 3 convolution", "level", "ms", "GMAC/s", "ceiling", "share", "torch float32 ms", "torch / docbin")


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
                f"{row['ceiling']:.0f}",
                f"{100 * row['share']:.0f} %",
                *beside,
            )
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
