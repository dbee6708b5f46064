"""Rendered pages as a training set: made once by child processes, kept in the store, used like the pages of a benchmark.

Page `number` of a seed depends on (seed, number) and the set of fonts only. The file's name holds a fingerprint of the fonts, the settings and the
renderer's version, so a renderer that draws other pages than before must raise its version: tests hold golden hashes against it.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from docbin.data.store import LabelledPage, default_cache, save_layers
from docbin.errors import UsageError
from docbin.page import Image, Mask
from docbin.synth.comics import comic_renderer
from docbin.synth.fonts import find_fonts, fingerprint
from docbin.synth.page import drawn_pages, page_renderer

Job = TypeVar("Job")


@dataclass(frozen=True, slots=True)
class Renderer:
    """What renders the pages of a set.

    Attributes
    ----------
    function : (seed, number, fonts=, shape=) -> (picture uint8 (H, W, 3), truth bool (H, W))
    version : the renderer's; part of the cached files' names
    folder : of the cache
    settings : what else decides a page; part of the cached files' names
    """

    function: Callable[..., tuple[Image, Mask]]
    version: int
    folder: str
    settings: tuple[Any, ...] = ()


RENDERERS: Mapping[str, Renderer] = {
    "rendered": Renderer(page_renderer.render_page, page_renderer.VERSION, "rendered", (True,)),
    "rendered-no-plasma": Renderer(partial(page_renderer.render_page, plasma=False), page_renderer.VERSION, "rendered", (False,)),
    "comics": Renderer(comic_renderer.render_comic, comic_renderer.VERSION, "comics"),
    "drawn": Renderer(drawn_pages.render_drawn_page, drawn_pages.VERSION, "drawn"),
}
"""The sets of rendered pages. The ink of "comics" is their lettering alone; "drawn" are pages of office programs, crisp."""


@dataclass(frozen=True, slots=True)
class RenderedPages:
    """Rendered pages that are used like a benchmark.

    Attributes
    ----------
    dataset : a key of :data:`RENDERERS`, the set that the pages belong to
    count : pages in the set
    seed : decides them
    cache : folder for them; ``docbin.data.store.default_cache()`` if None
    shape : (H, W) of a page in pixels; drawn for each where None
    workers : processes that render what is not in the cache yet
    """

    dataset: str = "rendered"
    count: int = 100
    seed: int = 0
    cache: str | os.PathLike[str] | None = None
    shape: tuple[int, int] | None = None
    workers: int = 1

    def pages(self) -> list[LabelledPage]:
        """The pages; those that are missing are rendered.

        Raises
        ------
        UsageError
            An unknown set, or a negative count.
        """
        if self.dataset not in RENDERERS:
            raise UsageError(f"rendered set {self.dataset!r}: unknown; known are {', '.join(RENDERERS)}")
        if self.count < 0:
            raise UsageError(f"count={self.count}: 0 or more rendered pages are wanted")
        renderer = RENDERERS[self.dataset]
        folder = (Path(self.cache) if self.cache is not None else default_cache()) / renderer.folder
        made_from = "|".join(map(str, (renderer.version, fingerprint(find_fonts()), *renderer.settings, self.shape)))
        mark = hashlib.blake2b(made_from.encode(), digest_size=6).hexdigest()
        paths = [folder / f"{self.seed}-{number:04d}-{mark}.npy" for number in range(self.count)]
        missing = [(self.dataset, self.seed, number, self.shape, path) for number, path in enumerate(paths) if not path.is_file()]
        in_children(_render_to, missing, self.workers)
        names = [f"{self.dataset}/{self.seed}-{number:04d}" for number in range(self.count)]
        return [LabelledPage(name, self.dataset, path, name) for name, path in zip(names, paths, strict=True)]


def _render_to(job: tuple[str, int, int, tuple[int, int] | None, Path]) -> None:
    dataset, seed, number, shape, path = job
    save_layers(path, *RENDERERS[dataset].function(seed, number, fonts=find_fonts(), shape=shape))


def in_children(work: Callable[[Job], None], jobs: Sequence[Job], workers: int, chunk: int = 1) -> None:
    """Do `work` on every job, in `workers` child processes where that is more than one; `work` is a module's function.

    The children are started afresh, never forked: the process that asks may have used threads, whose locks a forked one would inherit for ever.
    """
    if workers > 1 and len(jobs) > 1:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            list(pool.map(work, jobs, chunksize=chunk))
    else:
        for job in jobs:
            work(job)


def save_plain(pages: Iterable[LabelledPage], folder: str | os.PathLike[str], quality: int = 92) -> None:
    """Pages as ``images/*.webp`` (lossy, `quality` 1..100) and ``gt/*.png`` (1 bit, ink black): small enough to carry to another machine."""
    from PIL import Image as Pictures

    root = Path(folder)
    for kind in ("images", "gt"):
        (root / kind).mkdir(parents=True, exist_ok=True)
    for page in pages:
        stem = page.name.replace("/", "-")
        Pictures.fromarray(np.ascontiguousarray(page.image)).save(root / "images" / f"{stem}.webp", quality=quality)
        Pictures.fromarray(~page.truth).save(root / "gt" / f"{stem}.png")
