"""Render the sample pages of datasets/samples from a seed: plausible degraded pages with exact truth, made here and free of anyone's rights.

    python scripts/make_samples.py [--out datasets/samples]

Each sample is a rendered page (docbin.synth.page.page_renderer), at two hundred dots per inch, with a chosen list of degradations. They depend on the
fonts of the machine that ran this; which families drew them is written into the folder's README. The pages are checked in, so nothing that uses them
needs a font.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image as Pictures

from docbin.augment.degrade import apply
from docbin.page import Image, Mask
from docbin.synth.fonts import Font, find_fonts
from docbin.synth.page.canvas import Canvas
from docbin.synth.page.page_layout import KINDS
from docbin.synth.page.page_renderer import draw_paper, render_page

DPI = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """One page: what is written, in which fonts, and what happened to it.

    Attributes
    ----------
    name : file name, says what it shows
    kind : key of docbin.synth.page.page_layout.KINDS
    seed : decides it
    families : font families to draw with (the first that is there)
    degradations : (name, strength) in the order of application
    colour : False saves it grey
    """

    name: str
    kind: str
    seed: int
    families: tuple[str, ...]
    degradations: tuple[tuple[str, float], ...]
    shape: tuple[int, int]
    colour: bool = True


SAMPLES = (
    Sample(
        "typeset-stained",
        "typeset",
        53,
        ("EB Garamond", "Linux Libertine O", "Cardo"),
        (
            ("uneven_density", 0.5),
            ("flake", 0.25),
            ("mottling", 0.5),
            ("stains", 0.75),
            ("stains", 0.55),
            ("specks", 0.15),
            ("gaussian_blur", 0.1),
        ),
        (1240, 900),
    ),
    Sample(
        "handwritten-bleedthrough",
        "handwritten",
        51,
        (),
        (("bleed_through", 0.7), ("fade_in_places", 0.5), ("mottling", 0.4), ("uneven_light", 0.25), ("gaussian_blur", 0.15)),
        (1200, 960),
    ),
    Sample(
        "uneven-light-table",
        "table",
        50,
        ("Old Standard", "GFS Didot", "Linux Libertine O"),
        (("fold", 0.35), ("uneven_light", 0.8), ("shadow", 0.9), ("gaussian_blur", 0.25)),
        (1150, 960),
        False,
    ),
    Sample(
        "faded-letter",
        "handwritten",
        34,
        (),
        (("fade", 0.55), ("fade_in_places", 0.7), ("stains", 0.5), ("fold", 0.4), ("uneven_light", 0.4)),
        (1200, 900),
    ),
    Sample(
        "form-stamp-margin",
        "form",
        52,
        ("Liberation Serif", "FreeSerif"),
        (("uneven_density", 0.4), ("specks", 0.2), ("shadow", 0.35), ("gaussian_blur", 0.15), ("black_margin", 0.3), ("compress", 0.5)),
        (1180, 900),
        False,
    ),
)

PHOTOGRAPH = "shop-signs"


def chosen_fonts(sample: Sample, fonts: Sequence[Font]) -> list[Font]:
    """The fonts of the first of the sample's families that is installed; all fonts where it names none or none is there."""
    for family in sample.families:
        cut = [font for font in fonts if font.family == family or font.family.startswith(family + " ")]
        upright = [
            font for font in cut if "latin" in font.scripts and font.style.lower() in ("regular", "roman", "book", "medium", "12 regular")
        ]
        if upright or cut:
            return upright or cut
    return list(fonts)


def draw(sample: Sample, fonts: Sequence[Font]) -> tuple[Image, Mask]:
    """The sample's picture and truth."""
    rng = np.random.default_rng((sample.seed, 1))
    canvas = Canvas(*sample.shape, 4)
    KINDS[sample.kind][0](rng, canvas, fonts)
    image, truth = canvas.finish(rng, draw_paper(rng, sample.shape), softness=0.7)

    def verso(_: Generator, shape: tuple[int, int]) -> tuple[Image, Mask]:
        return render_page(sample.seed + 1000, 0, fonts, shape, sample.kind)

    for name, strength in sample.degradations:
        image, truth = apply(name, rng, image, truth, strength, verso)
    return image, truth


def save(sample: Sample, image: Image, truth: Mask, out: Path) -> int:
    """Write images/NAME.png (colour as a palette of 256, or grey) and gt/NAME.png (1 bit, ink black); returns the picture's size in bytes."""
    for kind in ("images", "gt"):
        (out / kind).mkdir(parents=True, exist_ok=True)
    picture = Pictures.fromarray(image)
    picture = picture.quantize(96, Pictures.Quantize.MEDIANCUT, dither=Pictures.Dither.NONE) if sample.colour else picture.convert("L")
    path = out / "images" / f"{sample.name}.png"
    picture.save(path, optimize=True, dpi=(DPI, DPI))
    Pictures.fromarray(~truth).save(out / "gt" / f"{sample.name}.png", optimize=True, dpi=(DPI, DPI))
    return path.stat().st_size


def photograph(out: Path) -> int:
    """Write photographs/NAME.jpg, a rendered street for a detector of words, which is no page of the data set; returns its size in bytes."""
    from docbin.synth.scene import SceneSource

    path = out / "photographs" / f"{PHOTOGRAPH}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    scene = SceneSource((600, 800), seed=11, zoom=(1.0, 2.0), scripts={}).scene(0)
    Pictures.fromarray(scene.picture.image).save(path, quality=85, optimize=True)
    return path.stat().st_size


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--out", default=str(Path(__file__).resolve().parent.parent / "datasets" / "samples"), help="folder (default %(default)s)"
    )
    parser.add_argument("--only", help="name of one sample")
    options = parser.parse_args(argv)
    fonts = find_fonts()
    if options.only in (None, PHOTOGRAPH):
        print(f"{PHOTOGRAPH}: {photograph(Path(options.out))} bytes")
    for sample in SAMPLES:
        if options.only in (None, sample.name):
            used = chosen_fonts(sample, fonts)
            image, truth = draw(sample, used)
            size = save(sample, image, truth, Path(options.out))
            families = ", ".join(sorted({font.family for font in used})) if sample.families else "own handwriting generator"
            print(f"{sample.name}: {image.shape[1]} x {image.shape[0]}, {size / 1024:.0f} KB, ink {truth.mean():.1%}, {families}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
