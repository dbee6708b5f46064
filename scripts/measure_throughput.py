"""What a page costs beside its method: CPU seconds of a batch as the user starts it, and of its method alone, in one run.

    python scripts/measure_throughput.py -m bitunet -m sauvola --into BENCHMARKS.md      a table there

Pages are drawn (text on uneven paper, A4 at 300 dpi, JPEG). The engine's rate is that of the method on decoded pages in one process with one
thread. A batch is run with all pages and with a quarter of them, so that what a page costs and what a start costs are told apart; the share of the
engine's rate in a batch of 200 pages is computed from the two. CPU seconds of all processes depend little on what else the machine does. The method
alone is held at its best: as in a batch's process, freed memory is kept for the next page.
``measure_engines.py`` puts the Ray engine beside the local one.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

A4 = (3508, 2480)


def draw(seed: int) -> Any:
    """A page of text, uint8 (3508, 2480, 3)."""
    import cv2

    rng = np.random.default_rng(seed)
    height, width = A4
    paper = 225 + cv2.resize(rng.normal(0, 12, (height // 32, width // 32)).astype(np.float32), (width, height))
    page = (paper + rng.normal(0, 4, A4)).clip(0, 255).astype(np.uint8)
    for row in range(200, height - 200, 52):
        x = 200
        while x < width - 230:
            word = "".join(chr(97 + int(letter)) for letter in rng.integers(0, 26, int(rng.integers(2, 9))))
            cv2.putText(page, word, (x, row), cv2.FONT_HERSHEY_COMPLEX, 1.1, int(rng.integers(30, 90)), 2, cv2.LINE_AA)
            x += int(rng.integers(110, 230))
    return np.repeat(cv2.GaussianBlur(page, (3, 3), 0.8)[..., None], 3, axis=2)


def make_pages(folder: Path, count: int, different: int = 8, part: float = 1.0) -> None:
    """`count` JPEG files of at most so many different pages, of whose height the upper `part` is kept, in a new folder."""
    from PIL import Image

    folder.mkdir()
    for number in range(count):
        path = folder / f"page-{number:05d}.jpg"
        if number < different:
            page = draw(number)
            Image.fromarray(page[: int(part * len(page))]).save(path, quality=88, dpi=(300, 300))
        else:
            shutil.copyfile(folder / f"page-{number % different:05d}.jpg", path)


def method_seconds(folder: Path, method: str, pages: int = 4) -> float:
    """CPU seconds a page of the method alone, the least of three rounds."""
    from docbin import catalogue
    from docbin.files import open_pages
    from docbin.processes.memory import keep_freed_memory

    keep_freed_memory()
    row = catalogue.get(method)
    params = row.parse({})
    images = [open_pages(path).page(1).pixels for path in sorted(folder.iterdir())[:pages]]
    row.binarize(images[0], **params)
    rounds = []
    for _ in range(3):
        start = time.process_time()
        for image in images:
            row.binarize(image, **params)
        rounds.append((time.process_time() - start) / pages)
    return min(rounds)


def batch_seconds(folder: Path, out: Path, method: str, jobs: int) -> float:
    """CPU seconds of ``docbin binarize`` and its children."""
    words = [
        sys.executable,
        "-m",
        "docbin.cli",
        "binarize",
        str(folder),
        "-o",
        str(out),
        "-m",
        method,
        "-j",
        str(jobs),
        "-q",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def row(folder: Path, method: str, jobs: int) -> list[str]:
    """A method's row of the table."""
    pages = sorted(folder.iterdir())
    alone = method_seconds(folder, method)
    with tempfile.TemporaryDirectory(prefix="docbin-throughput-") as name:
        few = Path(name, "few")
        few.mkdir()
        for path in pages[: len(pages) // 4]:
            shutil.copyfile(path, few / path.name)
        little = batch_seconds(few, Path(name, "out-few"), method, jobs)
        much = batch_seconds(folder, Path(name, "out"), method, jobs)
    page = (much - little) / (len(pages) - len(pages) // 4)
    start = max(0.0, much - len(pages) * page)
    return [method, f"{alone:.3f}", f"{page:.3f}", f"{start:.1f}", f"{alone / (page + start / 200):.1%}"]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("-m", "--method", action="append", required=True)
    parser.add_argument("--pages", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--into", type=Path, help="a file with the markers of the table 'throughput'")
    options = parser.parse_args(argv)
    for name in ("DOCBIN_THREADS", "OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ[name] = "1"
    with tempfile.TemporaryDirectory(prefix="docbin-throughput-") as name:
        scans = Path(name, "scans")
        make_pages(scans, options.pages)
        lines = [
            "| method | CPU s a page, method alone | CPU s a page in a batch | CPU s of the start | share of the engine's rate, 200 pages |"
        ]
        lines.append("|---|---|---|---|---|")
        lines += ["| " + " | ".join(row(scans, method, options.jobs)) + " |" for method in options.method]
    table = "\n".join(lines)
    print(table)
    if options.into is not None:
        from docbin.zoo.cards import with_table

        options.into.write_text(with_table(options.into.read_text(encoding="utf-8"), "throughput", table), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
