"""Rendered comic pages with the exact pixels of their lettering.

Manga109, the set on which text masks in comics are measured (Del Gobbo and Matuk Herrera, "Unconstrained text detection in manga: a new dataset and
baseline", ECCV 2020 workshops, arXiv 2009.04042), may not be handed on, and its authors found that a network that learned from lettering pasted at
random does poorly (pixel F1 57 against 79). So these pages try to have what makes manga hard: screen tone and hatching, eyes and hair of strokes as
thick as letters, columns with small reading aids, noises drawn across the art. :class:`ComicPages` is a pool that is used like a benchmark.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from docbin.data.comics.page import draw_page
from docbin.data.comics.speech import JAPANESE, SCRIPTS, Voices, draws
from docbin.data.fonts import Font, find_fonts, fingerprint
from docbin.data.lettering import Faces
from docbin.data.pages import LabelledPage, default_cache, save_layers
from docbin.errors import UsageError
from docbin.page import Image, Mask

__all__ = ["DATASET", "SCRIPTS", "ComicPages", "render_comic"]

DATASET = "comics"
"""The set that rendered comic pages belong to, for weights."""

_VERSION = 1  # raise when pages of one seed change


def render_comic(
    seed: int, number: int, fonts: Sequence[Font] | None = None, shape: tuple[int, int] | None = None, script: str | None = None
) -> tuple[Image, Mask]:
    """Comic page `number` of `seed`: picture uint8 (H, W, 3) and lettering bool (H, W); a pure function of its arguments.

    Parameters
    ----------
    seed, number : decide the page
    fonts : fonts to letter with; the system's if None
    shape : (H, W) in pixels; drawn between 800 x 560 and 1400 x 980 if None
    script : a key of ``SCRIPTS``; drawn by its share among those that there is a font for if None

    Raises
    ------
    UsageError
        An unknown script, or a shape below 64 x 64.
    """
    if script is not None and script not in SCRIPTS:
        raise UsageError(f"script {script!r}: unknown; known are {', '.join(SCRIPTS)}")
    rng = np.random.default_rng((seed, number, 32452843))
    tall = int(rng.integers(800, 1401))
    height, width = shape if shape is not None else (tall, int(tall * rng.uniform(0.66, 0.74)))
    if min(height, width) < 64:
        raise UsageError(f"shape={shape}: at least 64 x 64 pixels are wanted")
    faces, japanese = _faces(tuple(fonts) if fonts is not None else tuple(find_fonts()))
    return draw_page(rng, Voices(rng, faces, japanese, script), height, width)


@lru_cache(maxsize=4)
def _faces(fonts: tuple[Font, ...]) -> tuple[Faces, Faces | None]:
    """Faces of any script, and those that write Japanese."""
    japanese = [font for font in fonts if "han" in font.scripts and draws(font, JAPANESE)]
    return Faces(fonts), Faces(japanese) if japanese else None


@dataclass(frozen=True, slots=True)
class ComicPages:
    """A pool of rendered comic pages that is used like a benchmark.

    Attributes
    ----------
    count : pages in the pool
    seed : decides them
    cache : folder for them; ``docbin.data.pages.default_cache()`` if None
    shape : see :func:`render_comic`
    workers : processes that render what is not in the cache yet
    """

    count: int = 200
    seed: int = 0
    cache: str | os.PathLike[str] | None = None
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
            raise UsageError(f"count={self.count}: 0 or more comic pages are wanted")
        folder = (Path(self.cache) if self.cache is not None else default_cache()) / DATASET
        mark = hashlib.blake2b(f"{_VERSION}|{fingerprint(find_fonts())}|{self.shape}".encode(), digest_size=6).hexdigest()
        paths = [folder / f"{self.seed}-{number:04d}-{mark}.npy" for number in range(self.count)]
        missing = [(self.seed, number, self.shape, path) for number, path in enumerate(paths) if not path.is_file()]
        if self.workers > 1 and len(missing) > 1:
            with ProcessPoolExecutor(self.workers) as pool:
                list(pool.map(_render_to, missing, chunksize=1))
        else:
            for job in missing:
                _render_to(job)
        names = [f"{DATASET}/{self.seed}-{number:04d}" for number in range(self.count)]
        return [LabelledPage(name, DATASET, path, name) for name, path in zip(names, paths, strict=True)]


def _render_to(job: tuple[int, int, tuple[int, int] | None, Path]) -> None:
    seed, number, shape, path = job
    save_layers(path, *render_comic(seed, number, shape=shape))
