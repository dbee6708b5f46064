"""Whole labelled pages as a training sees them: decoded once, shared by every worker, split by page.

Decoding a lossless WebP page takes a hundred times longer than cutting a crop from it, and a training cuts a hundred thousand crops from a
hundred pages. So every page is decoded once into a ``.npy`` file of shape (H, W, 4), uint8: red, green, blue and truth (255 = ink, 0 = paper),
which all worker processes map into memory. One array instead of two because a geometric change then moves picture and truth in one call and
they cannot part; and a :class:`LabelledPage` holds only names, so handing it to a worker costs nothing. The file's name holds path, size and
time stamp of both sources: a changed page is decoded again, and several processes may fill one cache at a time (each file is put in place by
:func:`os.replace`).

The split into training and validation is **by page**: crops of one page on both sides would measure memory, not learning. Within each set a
page's side follows from a hash of (seed, name), so adding a set moves no page of another, and pages that show one sheet of paper (a band
twice, two halves of a spread) carry one `group` and stay together.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from docbin.errors import FileAccessError, InputError, UsageError
from docbin.page import Image, Mask

TRAINING_SETS = ("dibco2009", "dibco2010", "dibco2012", "bickley", "phibd2012", "smadi")
"""The sets that published weights of ours may learn from; every DIBCO year outside is kept for testing."""

RENDERED_SETS = ("rendered", "rendered-no-plasma", "comics")
"""Names that stand for pages of docbin's own making."""

_LAYOUT = 1  # raise when the cached files' layout changes


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """One page with truth, on disk, ready to be mapped into memory.

    Attributes
    ----------
    name : "dibco2009/H01"
    dataset : the set it belongs to; crops are weighted by it
    array_path : ``.npy`` file, uint8 (H, W, 4): red, green, blue, truth (255 = ink)
    group : pages with one group show one sheet and are never split apart; the name where nothing is known
    """

    name: str
    dataset: str
    array_path: Path
    group: str = ""

    def layers(self) -> NDArray[np.uint8]:
        """The page mapped into memory, uint8 (H, W, 4), read only; the mapping is kept for the life of the process."""
        return _mapped(os.fspath(self.array_path))

    @property
    def image(self) -> Image:
        """RGB pixels, uint8 (H, W, 3)."""
        return self.layers()[..., :3]

    @property
    def truth(self) -> Mask:
        """Ink mask, bool (H, W)."""
        return np.asarray(self.layers()[..., 3] > 127)

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.layers().shape[:2]
        return height, width


class PageSource(Protocol):
    """Anything that offers labelled pages: benchmarks here, rendered pages in :mod:`docbin.data.render`."""

    def pages(self) -> list[LabelledPage]: ...


@lru_cache(maxsize=4096)
def _mapped(path: str) -> NDArray[np.uint8]:
    try:
        mapped = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise FileAccessError(f"{path}: the cached page is gone; load the pages again to decode it") from None
    except ValueError as error:
        raise InputError(f"{path}: the cached page is damaged ({error}); delete it and load the pages again") from None
    if mapped.dtype != np.uint8 or mapped.ndim != 3 or mapped.shape[2] != 4:
        raise InputError(
            f"{path}: a uint8 array (H, W, 4) is wanted, found {mapped.dtype} {mapped.shape}; delete it and load the pages again"
        )
    layers: NDArray[np.uint8] = mapped
    return layers


def save_layers(path: Path, image: Image, truth: Mask) -> None:
    """Write picture and truth as one (H, W, 4) ``.npy`` file, whole or not at all."""
    layers = np.empty((*truth.shape, 4), np.uint8)
    layers[..., :3] = image if image.ndim == 3 else image[..., None]
    np.multiply(truth, np.uint8(255), out=layers[..., 3], casting="unsafe")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            np.save(file, layers)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def default_cache() -> Path:
    """Folder for decoded and rendered pages: ``docbin/pages`` under XDG_CACHE_HOME, or under ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "docbin" / "pages"


def load_pages(
    sets: Iterable[str], data_root: str | os.PathLike[str], cache: str | os.PathLike[str] | None = None, rendered: int = 100
) -> list[LabelledPage]:
    """Labelled pages of benchmarks, decoded into `cache` where they are not there yet.

    Parameters
    ----------
    sets : names of benchmarks (``docbin.zoo.benchmarks``), folders holding ``images/`` and ``gt/`` with equal stems, or one of RENDERED_SETS (the ink
        of "comics" is their lettering alone): the folder of that name under `data_root` or ``data_root/pages`` where there is one (pages carried
        here by ``docbin.data.render.save_plain``), else a pool rendered now into the cache
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
    from docbin.zoo import benchmarks

    folder = Path(cache) if cache is not None else default_cache()
    pages = []
    for name in sets:
        if name in RENDERED_SETS:
            carried = [folder for folder in (Path(data_root) / "pages" / name, Path(data_root) / name) if (folder / "images").is_dir()]
            if not carried:
                pages += _rendered(name, rendered, folder)
                continue
            name = os.fspath(carried[0])
        benchmark = benchmarks.load(name)
        root = benchmarks.data_root_of(name, data_root)
        for pair in benchmark.pairs(root):
            path = folder / benchmark.name / f"{pair.stem}-{_key(pair.image_path, pair.truth_path)}.npy"
            if not path.is_file():
                image = benchmarks.read_picture(pair.image_path)
                truth = benchmarks.truth_mask(pair.truth_path, benchmark.polarity)
                if image.shape[:2] != truth.shape:
                    sizes = f"{image.shape[:2]} and {truth.shape} (H, W)"
                    raise InputError(f"{pair.image_path} and its truth {pair.truth_path} must be of one size, they are {sizes}")
                save_layers(path, image, truth)
            full = f"{benchmark.name}/{pair.stem}"
            pages.append(LabelledPage(full, benchmark.name, path, SAME_SHEET.get(full, full)))
    return pages


def dataset_of(name: str) -> str:
    """The set that pages loaded under `name` belong to: a folder's own name where `name` is its path."""
    from docbin.zoo import benchmarks

    return name if name in RENDERED_SETS else benchmarks.load(name).name


def _rendered(name: str, count: int, cache: Path) -> list[LabelledPage]:
    workers = os.cpu_count() or 1
    if name == "comics":
        from docbin.data.comics import ComicPages

        return ComicPages(count, cache=cache, workers=workers).pages()
    from docbin.data.render import RenderedPages

    return RenderedPages(count, cache=cache, plasma=name != "rendered-no-plasma", workers=workers).pages()


def _key(*paths: Path) -> str:
    """Eight bytes that change when a file is moved or written again."""
    digest = hashlib.blake2b(str(_LAYOUT).encode(), digest_size=8)
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}".encode())
    return digest.hexdigest()


SAME_SHEET: dict[str, str] = {}
"""Pages of the training sets that show the same sheet (page -> group)."""


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
