"""Pages of failing kinds (:mod:`docbin.synth.page.failing_kinds`) as a set: rendered once, kept in the store, used like the pages of a benchmark."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from docbin.data.rendered_pages import in_children
from docbin.data.store import LabelledPage, default_cache, save_layers
from docbin.errors import UsageError
from docbin.page import Mask
from docbin.synth.fonts import find_fonts, fingerprint
from docbin.synth.page.faded_kinds import FADED_KINDS
from docbin.synth.page.failing_kinds import FAILING_KINDS, VERSION, render_failing_page
from docbin.synth.page.figure_kinds import FIGURE_KINDS
from docbin.synth.page.writing_on_paper import paper_pictures

KINDS = {"failing-kinds": tuple(FAILING_KINDS), "faded-kinds": tuple(FADED_KINDS), "figure-kinds": tuple(FIGURE_KINDS)}
"""The sets of these pages, for weights, with their kinds."""


@dataclass(frozen=True, slots=True)
class FailingPages:
    """A pool of pages of failing kinds that is used like a benchmark: page `i` is of the kind `kinds[i % len(kinds)]`.

    Attributes
    ----------
    count : pages in the pool
    seed : decides them; not CHECK_SEED in a training
    cache : folder for them; ``docbin.data.store.default_cache()`` if None
    papers : folder of photographs of blank paper, or None
    kinds : keys of FAILING_KINDS, FADED_KINDS and FIGURE_KINDS; all of the set if empty
    shape : (H, W) in pixels
    workers : processes that render what is not in the cache yet
    dataset : the set that they belong to, a key of KINDS
    """

    count: int = 96
    seed: int = 0
    cache: str | os.PathLike[str] | None = None
    papers: str | os.PathLike[str] | None = None
    kinds: tuple[str, ...] = ()
    shape: tuple[int, int] = (900, 700)
    workers: int = 1
    dataset: str = "failing-kinds"

    def pages(self) -> list[LabelledPage]:
        """The pool, rendering what is missing.

        Raises
        ------
        UsageError, FileAccessError
            A negative count, an unknown kind, or `papers` without pictures.
        """
        if self.count < 0:
            raise UsageError(f"count={self.count}: 0 or more pages are wanted")
        folder = Path(self.cache) if self.cache is not None else default_cache()
        papers = [] if self.papers is None else [f"{Path(name).name}:{Path(name).stat().st_size}" for name in paper_pictures(self.papers)]
        mark = hashlib.blake2b(f"{VERSION}|{fingerprint(find_fonts())}|{papers}|{self.shape}".encode(), digest_size=6).hexdigest()
        kinds = self.kinds or KINDS[self.dataset]
        pages, missing = [], []
        for place in range(self.count):
            kind, number = kinds[place % len(kinds)], place // len(kinds)
            path = folder / self.dataset / f"{self.seed}-{kind}-{number:03d}-{mark}.npy"
            name = f"{self.dataset}/{self.seed}-{kind}-{number:03d}"
            pages.append(LabelledPage(name, self.dataset, path, name))
            if not path.is_file():
                missing.append((kind, self.seed, number, self.shape, os.fspath(self.papers) if self.papers is not None else None, path))
        in_children(_render_to, missing, self.workers)
        return pages


def _render_to(job: tuple[str, int, int, tuple[int, int], str | None, Path]) -> None:
    kind, seed, number, shape, papers, path = job
    page = render_failing_page(kind, seed, number, shape, papers=papers)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.weak.npy")
    np.save(temporary, np.packbits(page.weak, axis=1))
    temporary.replace(_weak_path(path))  # before the page, whose presence says that both are there
    save_layers(path, page.image, page.truth)


def _weak_path(path: Path) -> Path:
    return path.with_suffix(".weak")


def weak_part(page: LabelledPage) -> Mask:
    """The weak part of the truth of a page of :class:`FailingPages`, bool (H, W)."""
    with _weak_path(page.array_path).open("rb") as file:
        return np.unpackbits(np.load(file), axis=1, count=page.shape[1]).astype(np.bool_)
