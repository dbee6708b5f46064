"""Draw the gallery of the documentation: pages of nine kinds, each by six methods, with F-measure and time under every picture.

    python scripts/make_gallery.py            # writes docs/gallery: pictures, and gallery.json with the numbers

The pages are the five samples that ship and four rendered ones of kinds that methods fail on (``docbin.synth.page.failing_kinds``, a seed of no
training), so that there is exact truth for each and nothing that may not be shown. Scores are of the whole page; the pictures show the part with
most ink. Times are CPU time of one thread, the page in memory already, the second of two runs. ``scripts/build_docs.py`` makes the page of these
files.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

os.environ.setdefault("DOCBIN_THREADS", "1")

import docbin
from docbin import benchmarks, metrics
from docbin.synth.page.failing_kinds import CHECK_SEED, render_failing_page

METHODS = ("otsu", "sauvola", "wolf", "su", "bitunet", "unet")
RENDERED = {
    "pale-90-heading": ("Pencil below a black heading", 2),
    "white-on-dark": ("White on dark", 1),
    "shadow": ("A shadow over the page", 3),
    "coloured": ("Coloured ink on coloured paper", 2),
}
SAMPLES = {
    "handwritten-bleedthrough": "The back shines through",
    "faded-letter": "Faded ink",
    "typeset-stained": "Stains and folds",
    "form-stamp-margin": "A form, a stamp, a black margin",
    "uneven-light-table": "Uneven light",
}
TILE = (300, 400)
"""(height, width) of what is shown of a page, pixels of the page."""


def pages() -> list[tuple[str, str, np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """(name, caption, page, ink) of every kind."""
    found = []
    for pair in benchmarks.load("samples").pairs(benchmarks.data_root_of("samples", None)):
        found.append((pair.stem, SAMPLES[pair.stem], benchmarks.read_picture(pair.image_path), benchmarks.truth_mask(pair.truth_path)))
    found.sort(key=lambda page: list(SAMPLES).index(page[0]))
    for kind, (caption, number) in RENDERED.items():
        page = render_failing_page(kind, CHECK_SEED, number, (900, 700))
        found.append((kind, caption, page.image, page.truth))
    return found


def most_ink(truth: np.ndarray[Any, Any]) -> tuple[slice, slice]:
    """The part of a page that is shown: where the ink is most even over its cells, so a block of text and not a stamp."""
    height, width = (min(side, full) for side, full in zip(TILE, truth.shape, strict=True))
    best, place = -1.0, (0, 0)
    for top in range(0, truth.shape[0] - height + 1, 50):
        for left in range(0, truth.shape[1] - width + 1, 50):
            part = truth[top : top + height, left : left + width]
            cells = part[: height // 25 * 25, : width // 25 * 25].reshape(height // 25, 25, width // 25, 25).any(axis=(1, 3))
            if cells.mean() > best:
                best, place = float(cells.mean()), (top, left)
    return slice(place[0], place[0] + height), slice(place[1], place[1] + width)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "docs" / "gallery")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    kinds = []
    for name, caption, page, truth in pages():
        rows, columns = most_ink(truth)
        Image.fromarray(page[rows, columns]).save(options.out / f"{name}.webp", quality=80)
        results = []
        for method in METHODS:
            docbin.binarize(page, method)
            began = time.process_time()
            ink = docbin.binarize(page, method)
            took = time.process_time() - began
            fm = metrics.score(ink, truth, pseudo=False, distances=False).fm
            Image.fromarray(~ink[rows, columns]).save(options.out / f"{name}-{method}.png", optimize=True)
            results.append({"method": method, "fm": round(fm, 1), "ms": round(1000 * took)})
            print(f"{name} {method}: FM {fm:.1f}, {1000 * took:.0f} ms", file=sys.stderr, flush=True)
        kinds.append({"name": name, "caption": caption, "size": [page.shape[1], page.shape[0]], "results": results})
    about = {"docbin": docbin.__version__, "machine": f"{platform.machine()}, one thread", "kinds": kinds}
    (options.out / "gallery.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
