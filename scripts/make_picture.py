"""Draw the README's pictures: shipped sample pages beside, or above, what a method makes of them.

    python scripts/make_picture.py                    # app/assets/before-after.jpg: a page, and its ink on the right
    python scripts/make_picture.py --four             # app/assets/four-pages.jpg: parts of four pages, and their ink below
    python scripts/make_picture.py --page faded-letter --method unet --out picture.jpg

Pictures are reduced; the ink is averaged to grey on the way, as a screen would show it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import docbin
from docbin import catalogue

SAMPLES = Path(__file__).resolve().parent.parent / "datasets" / "samples" / "images"

FOUR = {
    "handwritten-bleedthrough": (90, 150),
    "faded-letter": (90, 230),
    "typeset-stained": (70, 180),
    "form-stamp-margin": (60, 330),
}
"""Pages of the picture of four, and the (left, top) of the part that is shown of each."""
PART, SHOWN, GAP = 560, 320, 10
"""Side of such a part on the page, its side in the picture, and the white between, pixels."""


def four(method: str, out: Path) -> None:
    """Parts of four pages in a row, their ink in a row below."""
    sheet = Image.new("RGB", (len(FOUR) * (SHOWN + GAP) - GAP, 2 * SHOWN + GAP), "white")
    for column, (name, (left, top)) in enumerate(FOUR.items()):
        page = next(docbin.read_pages(SAMPLES / f"{name}.png"))
        paper = np.where(docbin.binarize(page, method), 0, 255).astype(np.uint8)
        for row, pixels in enumerate((page.pixels, paper)):
            part = Image.fromarray(pixels).convert("RGB").crop((left, top, left + PART, top + PART))
            sheet.paste(part.resize((SHOWN, SHOWN), Image.Resampling.LANCZOS), (column * (SHOWN + GAP), row * (SHOWN + GAP)))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, quality=86, optimize=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the picture and name the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", default="handwritten-bleedthrough", help="a page of datasets/samples (default: %(default)s)")
    parser.add_argument("--method", default=catalogue.DEFAULT, help="a method of 'docbin methods' (default: %(default)s)")
    parser.add_argument("--width", type=int, default=440, help="width of each half, pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=420, help="height of the part shown, pixels (default: %(default)s)")
    parser.add_argument("--four", action="store_true", help="parts of four pages in place of one page")
    parser.add_argument("--out", type=Path, help="the file to write (default: app/assets/before-after.jpg, of four pages four-pages.jpg)")
    given = parser.parse_args(argv)
    given.out = given.out or Path("app/assets") / ("four-pages.jpg" if given.four else "before-after.jpg")
    if given.four:
        four(given.method, given.out)
        print(given.out)
        return 0
    page = next(docbin.read_pages(SAMPLES / f"{given.page}.png")).pixels
    ink = docbin.binarize(page, given.method)
    paper = np.where(ink, 0, 255).astype(np.uint8)
    halves = []
    for half in (page, paper):
        picture = Image.fromarray(half).convert("RGB")
        picture = picture.resize((given.width, round(picture.height * given.width / picture.width)), Image.Resampling.LANCZOS)
        halves.append(picture.crop((0, 0, given.width, min(given.height, picture.height))))
    gap = 12
    sheet = Image.new("RGB", (2 * given.width + gap, halves[0].height), "white")
    sheet.paste(halves[0], (0, 0))
    sheet.paste(halves[1], (given.width + gap, 0))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(given.out, quality=88, optimize=True)
    print(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
