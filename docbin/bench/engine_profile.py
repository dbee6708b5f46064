"""Where a page's time goes in a packed network: milliseconds, share and cycles a pixel of every op; what ``docbin bench engine`` measures.

One thread, processor time, the least of several runs for each op by itself. The ops are the engine's own clock (:func:`docbin.engine.profile`);
beside them stands the depth plane, which is made before the engine runs, and what is left of the whole: calls, tiles, edges of the page. Cycles are
by the clock that the core has while this runs, measured by additions that wait for each other, so that machines can be compared.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from docbin import engine, kernels
from docbin.bench.methods import one_thread
from docbin.bench.networks import Packed, shipped
from docbin.bench.page import text_page
from docbin.errors import UsageError
from docbin.kernels.depth import depth_plane
from docbin.page import Image

OPS = ("depth", "codes", "conv", "pool", "upsample", "head", "edge", "choice", "rest", "page")
"""Rows of a network, in the order in which a page goes through them; "page" is the sum."""


def seconds_by_op(graph: engine.Graph, page: Image) -> dict[str, float]:
    """Seconds of one page by op, all but "rest"."""
    start = time.process_time()
    by_op = engine.profile(graph, page, threads=1)
    whole = time.process_time() - start
    start = time.process_time()
    if graph.wants_depth:
        depth_plane(page)
    by_op["depth"] = time.process_time() - start
    return by_op | {"page": whole}


def run(networks: Sequence[Packed] | None = None, repeats: int = 5, size: tuple[int, int] = (3508, 2480)) -> list[dict[str, Any]]:
    """Measure packed networks on a page, op by op.

    Parameters
    ----------
    networks : which; None takes all binarizing ones of the zoo
    repeats : runs, of which every op's least time counts
    size : (height, width) of the page, pixels

    Returns
    -------
    A dict a row: network, op (of ``OPS``), level, ms, share (of the page, 0..1), ns_pixel, cycles_pixel (None where the clock is not known) and ghz.

    Raises
    ------
    UsageError
        The NumPy level, at which there is no compiled engine, or numbers that cannot be.
    """
    core, level = kernels._core, kernels.active()
    if core is None or level == "numpy":
        raise UsageError("bench engine: the NumPy level has no compiled engine to measure; install docbin with a C++ compiler")
    if repeats < 1 or min(size) < 1:
        raise UsageError(f"bench engine: repeats={repeats}, size={size}: numbers of at least 1 are wanted")
    page, _ = text_page(size)
    rows: list[dict[str, Any]] = []
    for network in [one for one in shipped() if not one.detector] if networks is None else networks:
        graph = engine.read(network.path)
        least = dict.fromkeys(OPS, float("inf")) | {"rest": 0.0}
        clock = 0.0
        with one_thread():
            seconds_by_op(graph, page[:256])  # the graph is made ready for the core once
            for _ in range(repeats):
                clock = max(clock, core.core_clock(0.02))
                for op, seconds in seconds_by_op(graph, page).items():
                    least[op] = min(least[op], seconds)
        least["rest"] = max(0.0, 2 * least["page"] - sum(least.values()))
        for op in OPS:
            nanoseconds = 1e9 * least[op] / page.size
            rows.append(
                {
                    "network": network.name,
                    "op": op,
                    "level": level,
                    "ms": 1000 * least[op],
                    "share": least[op] / least["page"],
                    "ns_pixel": nanoseconds,
                    "cycles_pixel": nanoseconds * clock if clock else None,
                    "ghz": clock,
                }
            )
    return rows


HEADER = ("network", "level", "op", "ms", "share", "ns a pixel", "cycles a pixel", "at GHz")


def show(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines: list[tuple[str, ...]] = [HEADER, tuple("---" for _ in HEADER)]
    for row in rows:
        cycles = "-" if row["cycles_pixel"] is None else f"{row['cycles_pixel']:.1f}"
        numbers = (f"{row['ms']:.1f}", f"{row['share']:.0%}", f"{row['ns_pixel']:.2f}", cycles, f"{row['ghz']:.2f}" if row["ghz"] else "-")
        lines.append((row["network"], row["level"], row["op"], *numbers))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
