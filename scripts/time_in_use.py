"""How long a user waits: float models on a page in every runtime installed, and commands from start to finished file.

    .venv/bin/python scripts/time_in_use.py [--models unet deepotsu fourbi] [--threads 2] [--repeats 3] [--json FILE]

Run it on a quiet machine. Every model runs in a process of its own, on the page of :mod:`docbin.bench.page` (A4 at 300 dpi), once before the
clock starts; wall and processor seconds are the least of the repeats, memory is the process's peak. Commands are timed from outside, their files in
a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MODELS = ("unet", "comics-text", "deepotsu", "fourbi")
COMMANDS = {
    "docbin --version": ["--version"],
    "small picture, otsu": ["binarize", "small.png", "-o", "ink.png", "--overwrite", "-m", "otsu"],
    "small picture, default": ["binarize", "small.png", "-o", "ink.png", "--overwrite"],
    "page, default": ["binarize", "page.png", "-o", "ink.png", "--overwrite"],
}


def one_model(name: str, runtime: str, repeats: int) -> dict[str, Any]:
    """Measure a model in this process."""
    from docbin.bench.page import text_page
    from docbin.zoo import runtimes

    page = text_page()[0]
    start = time.perf_counter()
    model = runtimes.load(name, runtime)
    opened = time.perf_counter() - start
    ink = model(page)
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        model(page)
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"open": opened, "seconds": min(walls), "cpu_seconds": min(processors), "peak_mb": peak, "ink": float(ink.mean())}


def models(names: list[str], threads: int, repeats: int) -> list[dict[str, Any]]:
    """A row a model and runtime."""
    from docbin.zoo import folders, runtimes

    rows = []
    for name in names:
        config = folders.load_config(name)
        for runtime in runtimes.RUNTIMES:
            if not runtime.runs(config) or not runtime.installed or not runtime.suits:
                continue
            words = [sys.executable, __file__, "--one", name, runtime.name, "--repeats", str(repeats)]
            done = subprocess.run(words, env={**os.environ, "DOCBIN_THREADS": str(threads)}, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{name} in {runtime.name} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                continue
            rows.append({"model": name, "runtime": runtime.name, **json.loads(done.stdout.splitlines()[-1])})
            print(f"{name} in {runtime.name}: {rows[-1]['seconds']:.2f} s", file=sys.stderr)
    return rows


def commands(repeats: int) -> list[dict[str, Any]]:
    """A row a command, from its start to its end."""
    from PIL import Image

    from docbin.bench.page import text_page

    rows = []
    user = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # an install is compiled
    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(text_page()[0]).save(Path(folder) / "page.png")
        Image.fromarray(text_page((300, 400))[0]).save(Path(folder) / "small.png")
        for label, words in COMMANDS.items():
            walls, processors = [], []
            for _ in range(repeats + 1):  # the first fills the disk's cache
                before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                subprocess.run([sys.executable, "-m", "docbin.cli", *words], cwd=folder, env=user, capture_output=True, check=True)
                walls.append(time.perf_counter() - start)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                processors.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            rows.append({"command": label, "seconds": min(walls[1:]), "cpu_seconds": min(processors[1:])})
    return rows


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    parser.add_argument("--one", nargs=2, metavar=("MODEL", "RUNTIME"), help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.one:
        print(json.dumps(one_model(*asked.one, asked.repeats)))
        return 0
    found = {"machine": platform.processor() or platform.machine(), "threads": asked.threads, "commands": commands(asked.repeats)}
    found["models"] = models(asked.models, asked.threads, asked.repeats)
    print("| command | s | CPU s |\n|---|---|---|")
    for row in found["commands"]:
        print(f"| {row['command']} | {row['seconds']:.2f} | {row['cpu_seconds']:.2f} |")
    print("\n| model | runs in | s a page | CPU s | s to open | peak MB |\n|---|---|---|---|---|---|")
    for row in found["models"]:
        print(
            f"| {row['model']} | {row['runtime']} | {row['seconds']:.2f} | {row['cpu_seconds']:.2f} | {row['open']:.2f} | {row['peak_mb']:.0f} |"
        )
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
