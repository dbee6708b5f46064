"""Quality and time of docbin beside the tools that people use for the same: the table of README.md.

    python scripts/compare_tools.py --data-root FOLDER            # measures the others, writes the table between README.md's markers
    python scripts/compare_tools.py --data-root FOLDER --json F   # and the numbers

Each tool as its documentation or the first answer on the web has it, with no tuning on these pages: the five DIBCO test years, every page. docbin's
own rows are the means of datasets/scores.json (``docbin evaluate``), its times are measured here. Time is CPU time of one thread for a page of
1,240 x 1,754 pixels (A4 at 150 dpi), the best of three, the page in memory; megabytes are of what pip installs for it beside NumPy and Pillow.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

os.environ.setdefault("DOCBIN_THREADS", "1")

import docbin
from docbin import benchmarks, metrics
from docbin.bench.page import text_page
from docbin.page import to_grey
from docbin.zoo.cards import with_table

HOME = Path(__file__).resolve().parent.parent
YEARS = ("dibco2011", "dibco2013", "dibco2014", "dibco2016", "dibco2017")
OURS = ("bitunet", "unet")
Grey = np.ndarray[Any, np.dtype[np.uint8]]
Ink = np.ndarray[Any, np.dtype[np.bool_]]


def opencv_otsu(grey: Grey) -> Ink:
    import cv2

    return np.asarray(cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1] == 0)


def opencv_adaptive(grey: Grey) -> Ink:
    import cv2

    return np.asarray(cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, 11, 2) == 0)


def skimage_sauvola(grey: Grey) -> Ink:
    from skimage.filters import threshold_sauvola

    return np.asarray(grey <= threshold_sauvola(grey, window_size=25))


def doxa_wolf(grey: Grey) -> Ink:
    import doxapy

    out = np.empty(grey.shape, np.uint8)
    wolf = doxapy.Binarization(doxapy.Binarization.Algorithms.WOLF)
    wolf.initialize(grey)
    wolf.to_binary(out, {"window": 75, "k": 0.2})
    return np.asarray(out == 0)


def tesseract(grey: Grey) -> Ink:
    """What Tesseract hands to its recognition, by its Sauvola (thresholding_method 2)."""
    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(grey).save(f"{folder}/page.png", dpi=(300, 300))
        settings = ["-c", "tessedit_write_images=1", "-c", "thresholding_method=2"]
        command = ["tesseract", "page.png", "out", "--psm", "13", *settings]  # one line, so that little is recognised
        subprocess.run(command, cwd=folder, capture_output=True, check=False, env=os.environ | {"OMP_THREAD_LIMIT": "1"})
        (seen,) = [*Path(folder).glob("tessinput.tif"), *Path(folder).glob("out.processed.tif")]  # the name depends on its version
        with Image.open(seen) as picture:
            return np.asarray(picture.convert("L")) < 128


TOOLS: dict[str, tuple[Callable[[Grey], Ink], tuple[str, ...]]] = {
    "OpenCV, Otsu": (opencv_otsu, ("opencv-python-headless",)),
    "OpenCV, adaptive": (opencv_adaptive, ("opencv-python-headless",)),
    "scikit-image, Sauvola": (skimage_sauvola, ("scikit-image", "scipy", "networkx", "imageio", "tifffile", "lazy-loader")),
    "Doxa, Wolf": (doxa_wolf, ("doxapy",)),
    "Tesseract 5, its Sauvola": (tesseract, ()),
}
"""Name -> function, and the distributions that it takes."""


def megabytes(distributions: Sequence[str]) -> float | None:
    """Of the installed files; None where it is no matter of pip."""
    files = [file.locate() for name in distributions for file in metadata.files(name) or () if not str(file).endswith(".pyc")]
    return sum(Path(str(file)).stat().st_size for file in files if Path(str(file)).is_file()) / 1e6 if files else None


def best_of_three(call: Callable[[], Any]) -> float:
    times = []
    for _ in range(3):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return min(times)


def measured(root: Path) -> list[dict[str, Any]]:
    """A row a tool."""
    pages = []
    for year in YEARS:
        for pair in benchmarks.load(year).pairs(root):
            truth = benchmarks.truth_mask(pair.truth_path, benchmarks.load(year).polarity)
            pages.append((year, to_grey(benchmarks.read_picture(pair.image_path)), truth))
    sheet = np.ascontiguousarray(to_grey(text_page((1754, 1240))[0]))
    rows = []
    for name, (call, needs) in TOOLS.items():
        if call is tesseract and shutil.which("tesseract") is None:
            continue
        by_year: dict[str, list[float]] = {}
        for year, grey, truth in pages:
            by_year.setdefault(year, []).append(metrics.score(call(grey), truth, pseudo=False, distances=False).fm)
        fm = float(np.mean([np.mean(scores) for scores in by_year.values()]))
        took = None if call is tesseract else best_of_three(lambda call=call: call(sheet))  # type: ignore[misc]
        rows.append({"tool": name, "fm": fm, "seconds": took, "megabytes": megabytes(needs)})
        print(rows[-1], file=sys.stderr, flush=True)
    shipped = json.loads((HOME / "datasets" / "scores.json").read_text(encoding="utf-8"))
    for method in OURS:
        means = [row["mean"]["fm"] for row in shipped if row["method"] == method and row["dataset"] in YEARS]
        if len(means) == len(YEARS):
            took = best_of_three(lambda method=method: docbin.binarize(sheet, method, polarity="dark"))  # type: ignore[misc]
            rows.append({"tool": f"docbin, {method}", "fm": float(np.mean(means)), "seconds": took, "megabytes": None})
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """As Markdown."""
    best = max(row["fm"] for row in rows)
    lines = ["| | F-measure | time, A4 at 150 dpi |", "|---|---|---|"]
    for row in sorted(rows, key=lambda row: row["fm"]):
        fm = f"**{row['fm']:.1f}**" if row["fm"] == best else f"{row['fm']:.1f}"
        took = "-" if row["seconds"] is None else f"{1000 * row['seconds']:,.0f} ms" if row["seconds"] < 10 else f"{row['seconds']:.0f} s"
        lines.append(f"| {row['tool']} | {fm} | {took} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder of the benchmark data")
    parser.add_argument("--json", type=Path, help="write the numbers, too")
    parser.add_argument("--readme", type=Path, default=HOME / "README.md", help="file whose table is written (default: README.md)")
    options = parser.parse_args(argv)
    rows = measured(options.data_root)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    text = options.readme.read_text(encoding="utf-8")
    options.readme.write_text(with_table(text, "tools", table(rows)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
