"""Draw the README's picture: a shipped sample page beside what a method makes of it.

    python scripts/make_picture.py [--page handwritten-bleedthrough] [--method unet] [--out app/assets/before-after.jpg]

Both halves are reduced to the same width; the ink is averaged to grey on the way, as a screen would show it.
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


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the picture and name the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", default="handwritten-bleedthrough", help="a page of datasets/samples (default: %(default)s)")
    parser.add_argument("--method", default=catalogue.DEFAULT, help="a method of 'docbin methods' (default: %(default)s)")
    parser.add_argument("--width", type=int, default=440, help="width of each half, pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=420, help="height of the part shown, pixels (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("app/assets/before-after.jpg"), help="the file to write (default: %(default)s)")
    given = parser.parse_args(argv)
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
