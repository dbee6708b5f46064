"""What the Ray engine costs beside the local one: pages a second and CPU seconds of all processes, in turns within one run.

    python scripts/measure_engines.py --json engines.json
    python scripts/make_tables.py engines=engines.json

Both engines do the same pages (``measure_throughput.py`` draws them) with as many processes, in alternating rounds, each time as a batch of all
pages and as one of a quarter of them, so that what a page costs and what a batch's start costs are told apart. The cluster is one node on this
machine and is there before the first round. CPU seconds are those of all processes of an engine, Ray's own included; they depend little on what
else the machine does. The clock means something on a quiet machine only, so how busy it was is written down, too.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FIELDS = (
    "engine",
    "method",
    "jobs",
    "pages",
    "seconds",
    "clock_seconds",
    "work_seconds",
    "other_seconds",
    "start_seconds",
    "idle_share",
    "busy",
)
"""Of a row: engine, method, processes, pages of the large batch; its clock seconds, median of the rounds; of a page more: clock seconds, CPU seconds
of the processes that work on it (docbin's children, and actors), and those of all others (the driver, Ray's servers); CPU seconds of a batch without
pages; CPU seconds a clock second that Ray's servers take when nothing is to do; processes that want a CPU, a CPU."""
IDLE_SECONDS = 15.0


class FamilyCpu(threading.Thread):
    """CPU seconds of this process and of all below it, from now until :meth:`stop`; ended ones count as they were last seen, for Ray's leave no sums.

    The thread's own seconds are left out.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._psutil = importlib.import_module("psutil")  # Ray brings it
        self._last: dict[tuple[int, float], tuple[bool, float]] = {}
        self._own = 0.0
        self._end = threading.Event()
        self._look()
        self._before = dict(self._last)
        self.start()

    def run(self) -> None:
        """Look four times a second."""
        while not self._end.wait(0.25):
            self._look()
            self._own = time.thread_time()

    def _look(self) -> None:
        me = self._psutil.Process()
        for process in (me, *me.children(recursive=True)):
            with contextlib.suppress(self._psutil.Error):
                words, times = " ".join(process.cmdline()), process.cpu_times()
                works = "multiprocessing.spawn" in words or words.startswith("ray::MapWorker")
                key = process.pid, process.create_time()
                works = works or self._last.get(key, (False, 0.0))[0]
                self._last[key] = works, times.user + times.system

    def stop(self) -> tuple[float, float]:
        """CPU seconds of the processes that work on pages, and of all others."""
        self._end.set()
        self.join()
        self._look()
        totals = [0.0, -self._own]
        for key, (works, seconds) in self._last.items():
            totals[not works] += seconds - self._before.get(key, (False, 0.0))[1]
        return totals[0], totals[1]


def batch_seconds(words: Sequence[str], out: Path, method: str, jobs: int, engine: str) -> tuple[float, float, float]:
    """Of a batch: clock seconds, CPU seconds of the work, CPU seconds of all else."""
    from docbin import batch
    from docbin.cluster import ray_engine

    plan = batch.plan(words, str(out), batch.Binarize.create(method), spool=out.parent)
    cpu, start = FamilyCpu(), time.perf_counter()
    summary = ray_engine.run(plan, jobs=jobs) if engine == "ray" else batch.run(plan, jobs=jobs)
    clock, used = time.perf_counter() - start, cpu.stop()
    if summary.exit_code:
        raise SystemExit(f"{engine}: {dict(summary.counts)}")
    return clock, *used


def measure(method: str, jobs: int, pages: int, part: float, rounds: int, folder: Path) -> list[dict[str, Any]]:
    """A row an engine, see :data:`FIELDS`."""
    from measure_throughput import make_pages

    make_pages(folder / "scans", pages, 6, part)
    words = [str(path) for path in sorted((folder / "scans").iterdir())]
    found: dict[str, dict[int, list[tuple[float, float, float]]]] = {
        engine: {len(words): [], len(words) // 4: []} for engine in ("local", "ray")
    }
    busy, servers = [], FamilyCpu()
    time.sleep(IDLE_SECONDS)
    idle = sum(servers.stop()) / IDLE_SECONDS
    for number in range(rounds):
        for engine, sizes in found.items():
            for size, taken in sizes.items():
                taken.append(batch_seconds(words[:size], folder / f"{engine}-{size}-{number}", method, jobs, engine))
                busy.append(os.getloadavg()[0])
    rows = []
    for engine, sizes in found.items():
        much, little = max(sizes), min(sizes)
        clock, work, other = (
            {size: statistics.median(taken[at] for taken in rounds_) for size, rounds_ in sizes.items()} for at in (0, 1, 2)
        )
        each = [(part[much] - part[little]) / (much - little) for part in (clock, work, other)]
        begin = work[much] + other[much] - much * (each[1] + each[2])
        values = (
            engine,
            method,
            jobs,
            much,
            clock[much],
            *each,
            begin,
            idle if engine == "ray" else 0.0,
            statistics.mean(busy) / (os.cpu_count() or 1),
        )
        rows.append(dict(zip(FIELDS, values, strict=True)))
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write the JSON."""
    parser = argparse.ArgumentParser(description="What the Ray engine costs beside the local one.")
    parser.add_argument("-m", "--method", default="bitunet")
    parser.add_argument("--pages", type=int, default=40, help="of the large batch; the small one has a quarter (default: %(default)s)")
    parser.add_argument("--part", type=float, default=0.62, help="of an A4 page's height that is kept (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args(argv)
    os.environ |= dict.fromkeys(("DOCBIN_THREADS", "OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM", "OPENBLAS_NUM_THREADS"), "1")
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray's name; else its processes wait for whatever else runs here
    import ray

    ray.init(num_cpus=options.jobs, include_dashboard=False, log_to_driver=False, logging_level="ERROR", object_store_memory=100 << 20)
    try:
        with tempfile.TemporaryDirectory(prefix="docbin-engines-") as name:
            rows = measure(options.method, options.jobs, options.pages, options.part, options.rounds, Path(name))
    finally:
        ray.shutdown()
    options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print(" ".join(f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
