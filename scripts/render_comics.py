"""Rendered comic pages as a benchmark of text masks: a held-out set for ``docbin evaluate``, in the layout of Manga109 with its masks.

    python scripts/render_comics.py out/comics --pages 20
    docbin evaluate manga109-text --data-root out/comics -m comics-text --allow-missing

Trainings render with seed 0 (``docbin.data.rendered_pages``), so pages of any other seed are held out; the default is 1. Pages are drawn with the
fonts of this machine: numbers of two machines compare only where these are the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from docbin.synth.comics.comic_renderer import render_comic

BOOK = "rendered"


def main(argv: Sequence[str] | None = None) -> int:
    """Render what is missing; returns 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder; gets manga109/images/ and manga109/")
    parser.add_argument("--pages", type=int, default=20, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides the pages; 0 is that of the trainings (default: %(default)s)")
    options = parser.parse_args(argv)
    root = options.out / "manga109"
    for folder in (root / "images" / BOOK, root / BOOK):
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.pages):
        picture, truth = root / "images" / BOOK / f"{number:03d}.jpg", root / BOOK / f"{number:03d}.png"
        if picture.is_file() and truth.is_file():
            continue
        image, lettering = render_comic(options.seed, number)
        Image.fromarray(np.where(lettering, 0, 255).astype(np.uint8)).save(truth)
        Image.fromarray(image).save(picture, quality=95)
    print(f"{options.pages} pages in {root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
