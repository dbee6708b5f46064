"""Rendered pages: as many as wanted, with perfect truth, from a seed and the fonts of this machine.

Eighty real pages show few hands, fewer typefaces and hardly any script but Latin and Persian. A rendered page costs half a second and 3 MB of
cache, and its truth is exact (see :mod:`docbin.data.canvas`), so a pool of them fills the gaps; what a renderer cannot invent is honest damage,
and so its pages stay a minority of a training and are cut and degraded like real ones (:mod:`docbin.data.degrade`, preset ``full``).

:class:`RenderedPages` renders the pool once into a cache and hands out the same :class:`~docbin.data.pages.LabelledPage` objects that benchmarks
give. Page `number` of a seed depends on (seed, number) and the set of fonts only; the file name holds a fingerprint of both.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from docbin.data import surface
from docbin.data.canvas import Canvas
from docbin.data.fonts import Font, find_fonts, fingerprint
from docbin.data.ink import PAPERS
from docbin.data.layout import KINDS
from docbin.data.pages import LabelledPage, default_cache, save_layers
from docbin.errors import UsageError
from docbin.page import Image, Mask

DATASET = "rendered"
"""The set that rendered pages belong to, for weights (those without plasma: "rendered-no-plasma")."""

_VERSION = 3  # raise when pages of one seed change


def render_page(
    seed: int,
    number: int,
    fonts: Sequence[Font] | None = None,
    shape: tuple[int, int] | None = None,
    kind: str | None = None,
    plasma: bool = True,
    oversampling: int = 3,
) -> tuple[Image, Mask]:
    """Page `number` of `seed`: picture uint8 (H, W, 3) and truth bool (H, W); a pure function of its arguments.

    Parameters
    ----------
    seed, number : decide the page
    fonts : fonts to draw with; the system's if None
    shape : (H, W) in pixels; drawn between 700 x 600 and 1100 x 1000 if None
    kind : a key of ``docbin.data.layout.KINDS``; drawn by their shares if None
    plasma : clouds on the paper; without, the paper has grain only (for the ablation)
    oversampling : points per final pixel in each direction

    Raises
    ------
    UsageError
        Unknown kind, or a shape below 64 x 64.
    """
    rng = np.random.default_rng((seed, number, 7919))
    if kind is not None and kind not in KINDS:
        raise UsageError(f"kind {kind!r}: unknown; known are {', '.join(KINDS)}")
    if shape is None:
        shape = int(rng.integers(700, 1101)), int(rng.integers(600, 1001))
    if min(shape) < 64:
        raise UsageError(f"shape={shape}: at least 64 x 64 pixels are wanted")
    shares = np.array([share for _, share in KINDS.values()])
    drawn = list(KINDS)[int(rng.choice(len(KINDS), p=shares / shares.sum()))]
    canvas = Canvas(shape[0], shape[1], oversampling)
    KINDS[kind or drawn][0](rng, canvas, fonts if fonts is not None else find_fonts())
    return canvas.finish(rng, draw_paper(rng, shape, plasma), softness=float(rng.uniform(0.4, 0.9)))


def draw_paper(rng: Generator, shape: tuple[int, int], plasma: bool = True) -> Image:
    """A blank sheet: a paper colour with grain, clouds of age and, on three of ten, printed rules; uint8 (H, W, 3)."""
    colour = np.asarray(PAPERS[int(rng.integers(len(PAPERS)))]) + rng.normal(0, 0.02, 3)
    if rng.random() < 0.4:  # a grey scan
        colour[:] = colour.mean()
    bright = float(rng.uniform(0.75, 1.02))
    sheet = np.empty((*shape, 3), np.uint8)
    sheet[:] = np.rint(np.clip(colour * bright, 0, 1) * 255)
    nothing = np.zeros(shape, np.bool_)
    if plasma:
        sheet, _ = surface.mottling(rng, sheet, nothing, float(rng.uniform(0.05, 0.45)))
        if rng.random() < 0.5:
            sheet, _ = surface.uneven_light(rng, sheet, nothing, float(rng.uniform(0.05, 0.35)))
    if rng.random() < 0.3:
        sheet, _ = surface.ruled_lines(rng, sheet, nothing, float(rng.uniform(0.3, 0.9)))
    sheet, _ = surface.paper_texture(rng, sheet, nothing, float(rng.uniform(0.0, 0.35)))
    return sheet


@dataclass(frozen=True, slots=True)
class RenderedPages:
    """A pool of rendered pages that is used like a benchmark.

    Attributes
    ----------
    count : pages in the pool
    seed : decides them
    cache : folder for them; ``docbin.data.pages.default_cache()`` if None
    plasma, shape : see :func:`render_page`
    workers : processes that render what is not in the cache yet
    """

    count: int = 100
    seed: int = 0
    cache: str | os.PathLike[str] | None = None
    plasma: bool = True
    shape: tuple[int, int] | None = None
    workers: int = 1

    def pages(self) -> list[LabelledPage]:
        """The pool, rendering what is missing.

        Raises
        ------
        UsageError
            A negative count.
        """
        if self.count < 0:
            raise UsageError(f"count={self.count}: 0 or more rendered pages are wanted")
        folder = Path(self.cache) if self.cache is not None else default_cache()
        fonts = find_fonts()
        mark = hashlib.blake2b(f"{_VERSION}|{fingerprint(fonts)}|{self.plasma}|{self.shape}".encode(), digest_size=6).hexdigest()
        paths = [folder / DATASET / f"{self.seed}-{number:04d}-{mark}.npy" for number in range(self.count)]
        missing = [(self.seed, number, self.shape, self.plasma, path) for number, path in enumerate(paths) if not path.is_file()]
        if self.workers > 1 and len(missing) > 1:
            # not forked: the process that asks may have used threads, whose locks a forked one would inherit for ever
            with ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn")) as pool:
                list(pool.map(_render_to, missing, chunksize=1))
        else:
            for job in missing:
                _render_to(job)
        dataset = DATASET if self.plasma else f"{DATASET}-no-plasma"
        names = [f"{dataset}/{self.seed}-{number:04d}" for number in range(self.count)]
        return [LabelledPage(name, dataset, path, name) for name, path in zip(names, paths, strict=True)]


def _render_to(job: tuple[int, int, tuple[int, int] | None, bool, Path]) -> None:
    seed, number, shape, plasma, path = job
    image, truth = render_page(seed, number, shape=shape, plasma=plasma)
    save_layers(path, image, truth)


def save_plain(pages: Sequence[LabelledPage], folder: str | os.PathLike[str], quality: int = 92) -> None:
    """Pages as ``images/*.webp`` (lossy, `quality` 1..100) and ``gt/*.png`` (1 bit, ink black): small enough to carry to another machine."""
    from PIL import Image as Pictures

    root = Path(folder)
    for kind in ("images", "gt"):
        (root / kind).mkdir(parents=True, exist_ok=True)
    for page in pages:
        stem = page.name.replace("/", "-")
        Pictures.fromarray(np.ascontiguousarray(page.image)).save(root / "images" / f"{stem}.webp", quality=quality)
        Pictures.fromarray(~page.truth).save(root / "gt" / f"{stem}.png")
