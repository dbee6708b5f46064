"""Labelled pages of benchmarks and of docbin's own making, for a training: loaded into the store (:mod:`docbin.data.store`) and split by page.

The split into training and validation is **by page**: crops of one page on both sides would measure memory, not learning. Within each set a
page's side follows from a hash of (seed, name), so adding a set moves no page of another, and pages that show one sheet of paper (a band
twice, two halves of a spread) carry one `group` and stay together.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from docbin.data.store import LabelledPage, default_cache, save_layers, source_key
from docbin.errors import InputError, UsageError

TRAINING_SETS = ("dibco2009", "dibco2010", "dibco2012", "bickley", "phibd2012", "smadi")
"""The sets that published weights of ours may learn from; every DIBCO year outside is kept for testing."""

RENDERED_SETS = ("rendered", "rendered-no-plasma", "comics", "drawn", "failing-kinds", "faded-kinds", "figure-kinds")
"""Names that stand for pages of docbin's own making."""


def load_pages(
    sets: Iterable[str], data_root: str | os.PathLike[str], cache: str | os.PathLike[str] | None = None, rendered: int = 100
) -> list[LabelledPage]:
    """Labelled pages of benchmarks, decoded into `cache` where they are not there yet.

    Parameters
    ----------
    sets : names of benchmarks (``docbin.benchmarks.descriptors``), folders holding ``images/`` and ``gt/`` with equal stems, or one of RENDERED_SETS
        (the ink of "comics" is their lettering alone): the folder of that name under `data_root` or ``data_root/pages`` where there is one (pages
        carried here by ``docbin.data.rendered_pages.save_plain``), else a pool rendered now into the cache
    data_root : folder that holds the benchmarks
    cache : folder for the decoded pages; `default_cache` if None
    rendered : pages in the rendered pool, half a second and 3 MB of cache each, once

    Raises
    ------
    FileAccessError, UsageError
        A set that is unknown or not there.
    InputError
        A page whose truth has another size, or that cannot be decoded; the message names both files.
    """
    folder = Path(cache) if cache is not None else default_cache()
    pages: list[LabelledPage] = []
    for name in sets:
        if name not in RENDERED_SETS:
            pages += _decoded(name, data_root, folder)
        elif (carried := _carried(name, Path(data_root))) is not None:
            pages += _decoded(os.fspath(carried), data_root, folder)
        else:
            pages += _rendered(name, Path(data_root), folder, rendered)
    return pages


def _carried(name: str, data_root: Path) -> Path | None:
    """The folder of a set of docbin's own making that was carried here; None where there is none."""
    return next((folder for folder in (data_root / "pages" / name, data_root / name) if (folder / "images").is_dir()), None)


def _rendered(name: str, data_root: Path, cache: Path, count: int) -> list[LabelledPage]:
    """A pool of `count` pages of docbin's own making."""
    from docbin.data.failing_pages import KINDS, FailingPages
    from docbin.data.rendered_pages import RenderedPages

    workers = os.cpu_count() or 1
    if name not in KINDS:
        return RenderedPages(name, count, cache=cache, workers=workers).pages()
    kinds = tuple(kind for kind in KINDS[name] if kind != "white-on-dark")  # turned dark on light before a network sees it
    papers = data_root / "paper"
    return FailingPages(count, 0, cache, papers if papers.is_dir() else None, kinds, workers=workers, dataset=name).pages()


def _decoded(name: str, data_root: str | os.PathLike[str], cache: Path) -> list[LabelledPage]:
    """The pages of a benchmark, or of a folder."""
    from docbin import benchmarks

    benchmark = benchmarks.load(name)
    pages = []
    for pair in benchmark.pairs(benchmarks.data_root_of(name, data_root)):
        path = cache / benchmark.name / f"{pair.stem}-{source_key(pair.image_path, pair.truth_path)}.npy"
        if not path.is_file():
            image = benchmarks.read_picture(pair.image_path)
            truth = benchmarks.truth_mask(pair.truth_path, benchmark.polarity)
            if image.shape[:2] != truth.shape:
                sizes = f"{image.shape[:2]} and {truth.shape} (H, W)"
                raise InputError(f"{pair.image_path} and its truth {pair.truth_path} must be of one size, they are {sizes}")
            save_layers(path, image, truth)
        full = f"{benchmark.name}/{pair.stem}"
        pages.append(LabelledPage(full, benchmark.name, path, full))
    return pages


def dataset_of(name: str) -> str:
    """The set that pages loaded under `name` belong to: a folder's own name where `name` is its path."""
    from docbin import benchmarks

    return name if name in RENDERED_SETS else benchmarks.load(name).name


def split(pages: Sequence[LabelledPage], validation_share: float = 0.1, seed: int = 0) -> tuple[list[LabelledPage], list[LabelledPage]]:
    """(training, validation) pages: whole groups, the same share of each set, decided by hash of (seed, group).

    A set keeps at least one group for training; it gives at least one to validation if it has three or more and the share is not 0.

    Raises
    ------
    UsageError
        `validation_share` outside 0..1 (1 excluded).
    """
    if not 0.0 <= validation_share < 1.0:
        raise UsageError(f"validation_share={validation_share}: 0 <= share < 1 is wanted")
    held_out: set[tuple[str, str]] = set()
    for dataset in sorted({page.dataset for page in pages}):
        groups = sorted({page.group or page.name for page in pages if page.dataset == dataset}, key=lambda group: _rank(seed, group))
        wanted = round(validation_share * len(groups))
        if validation_share > 0 and len(groups) >= 3:
            wanted = max(wanted, 1)
        held_out |= {(dataset, group) for group in groups[: min(wanted, len(groups) - 1)]}
    training = [page for page in pages if (page.dataset, page.group or page.name) not in held_out]
    validation = [page for page in pages if (page.dataset, page.group or page.name) in held_out]
    return training, validation


def _rank(seed: int, group: str) -> bytes:
    return hashlib.blake2b(f"{seed}|{group}".encode(), digest_size=8).digest()
