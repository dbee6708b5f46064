"""Contact sheets of what a training sees, to be looked at: real crops, rendered pages, every degradation, and the presets on both.

    python scripts/preview_data.py --data-root DIR --out out/preview

Writes PNG sheets into the output folder. Truth is shown beside each crop where it matters. Without --data-root only rendered pages are shown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pictures

from docbin.augment.degrade import DEGRADATIONS, PRESETS, Pipeline, apply
from docbin.augment.plasma import plasma
from docbin.data.crops import NO_AUGMENT, CropSource
from docbin.data.pages import TRAINING_SETS, load_pages, split
from docbin.data.rendered_pages import RenderedPages
from docbin.data.store import LabelledPage
from docbin.page import Image, Mask
from docbin.synth.page.page_layout import KINDS
from docbin.synth.page.page_renderer import render_page

SIDE = 224  # pixels of a crop on the sheets


def sheet(rows: Sequence[tuple[str, Sequence[Image]]], path: Path) -> None:
    """Rows of equal pictures with a label at the left of each."""
    from PIL import ImageDraw

    label = 150
    height, width = rows[0][1][0].shape[:2]
    columns = max(len(pictures) for _, pictures in rows)
    page = Pictures.new("RGB", (label + columns * (width + 4), len(rows) * (height + 4)), "white")
    pen = ImageDraw.Draw(page)
    for row, (name, pictures) in enumerate(rows):
        pen.text((4, row * (height + 4) + height // 2), name, fill="black")
        for column, picture in enumerate(pictures):
            page.paste(Pictures.fromarray(np.ascontiguousarray(picture)), (label + column * (width + 4), row * (height + 4)))
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path)
    print(path)


def with_truth(image: Image, truth: Mask) -> Image:
    """The crop, and its truth to the right."""
    return np.hstack([image, np.repeat(np.where(truth, 0, 255).astype(np.uint8)[..., None], 3, axis=2)])


def rows_of_presets(pages: Sequence[LabelledPage], seed: int) -> list[tuple[str, list[Image]]]:
    rows = []
    for preset in PRESETS:
        source = CropSource(pages, SIDE, seed, degrade=Pipeline(preset))
        rows.append((preset, [source.crop(index)[0] for index in range(8)]))
    return rows


def sheets_of_degradations(pages: Sequence[LabelledPage], seed: int, out: Path) -> None:
    """Each degradation at growing strength on one crop, the last two local; ten a sheet."""
    source = CropSource(pages, SIDE, seed, augment=NO_AUGMENT)
    rows = []
    for place, name in enumerate(DEGRADATIONS):
        image, truth = source.crop(place)
        pictures = [image]
        for step, (strength, local) in enumerate([(0.2, False), (0.4, False), (0.7, False), (1.0, False), (0.7, True), (1.0, True)]):
            rng = np.random.default_rng((seed, place, step))
            pictures.append(apply(name, rng, image, truth, strength, source.cut, local)[0])
        rows.append((name, pictures))
    for start in range(0, len(rows), 10):
        sheet(rows[start : start + 10], out / f"degradations-{start // 10 + 1}.png")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data-root", help="folder that holds the benchmarks (training sets only are read)")
    parser.add_argument("--out", default="out/preview", help="folder for the sheets (default %(default)s)")
    parser.add_argument("--cache", help="folder for decoded and rendered pages (default: the user's cache)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rendered", type=int, default=16, help="rendered pages in the pool (default %(default)s)")
    options = parser.parse_args(argv)
    out = Path(options.out)
    rng = np.random.default_rng(options.seed)
    rows = []
    for rough in (0.3, 0.5, 0.7):
        clouds = [np.repeat((plasma(rng, (SIDE, SIDE), rough, cells) * 255).astype(np.uint8)[..., None], 3, 2) for cells in (1, 1, 2, 4, 8)]
        rows.append((f"roughness {rough}", clouds))
    sheet(rows, out / "plasma.png")
    kinds = []
    for kind in KINDS:
        pages = [render_page(options.seed, number, shape=(640, 560), kind=kind) for number in range(5)]
        kinds.append((kind, [page[0] for page in pages]))
    sheet(kinds, out / "pages.png")
    rendered = RenderedPages("rendered", options.rendered, options.seed, options.cache).pages()
    sheet(rows_of_presets(rendered, options.seed), out / "presets-rendered.png")
    plain = CropSource(rendered, SIDE, options.seed, augment=NO_AUGMENT)
    sheet([("truth", [with_truth(*plain.crop(4 * row + k)) for k in range(4)]) for row in range(4)], out / "truth-rendered.png")
    if not options.data_root:
        sheets_of_degradations(rendered, options.seed, out)
        return 0
    real, _ = split(load_pages(TRAINING_SETS, options.data_root, options.cache), 0.1, options.seed)
    sheet(rows_of_presets(real, options.seed), out / "presets-real.png")
    sheets_of_degradations(real, options.seed, out)
    rows = []
    for name in TRAINING_SETS:
        source = CropSource([page for page in real if page.dataset == name], SIDE, options.seed, augment=NO_AUGMENT)
        rows.append((name, [source.crop(index)[0] for index in range(8)]))
    source = CropSource(rendered, SIDE, options.seed, augment=NO_AUGMENT, degrade=Pipeline("full"))
    rows += [("rendered, full", [source.crop(8 * row + k)[0] for k in range(8)]) for row in range(4)]
    sheet(rows, out / "beside-real.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
