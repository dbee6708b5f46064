"""Labelled pages on disk: decoded or rendered once, mapped into memory by every worker process.

Decoding a lossless WebP page takes a hundred times longer than cutting a crop from it, and a training cuts a hundred thousand crops from a
hundred pages. So every page is decoded once into a ``.npy`` file of shape (H, W, 4), uint8: red, green, blue and truth (255 = ink, 0 = paper),
which all worker processes map into memory. One array instead of two because a geometric change then moves picture and truth in one call and
they cannot part; and a :class:`LabelledPage` holds only names, so handing it to a worker costs nothing. The file's name holds what it was made
from (:func:`source_key`): a changed page is decoded again, and several processes may fill one cache at a time (each file is put in place by
:func:`os.replace`).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docbin.errors import FileAccessError, InputError
from docbin.files.access import access_error
from docbin.files.cache import cache_folder
from docbin.page import Image, Mask

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
    """Write picture and truth as one (H, W, 4) ``.npy`` file, whole or not at all; FileAccessError where it cannot be written."""
    layers = np.empty((*truth.shape, 4), np.uint8)
    layers[..., :3] = image if image.ndim == 3 else image[..., None]
    np.multiply(truth, np.uint8(255), out=layers[..., 3], casting="unsafe")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.save(file, layers)
        temporary.replace(path)
    except OSError as error:  # of a disk that fills up NumPy says how much it wrote, but not why
        reason = error if error.errno is not None else OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise access_error(reason, str(path), "write the decoded page") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def default_cache() -> Path:
    """Folder for decoded and rendered pages: ``docbin/pages`` under XDG_CACHE_HOME, or under ``~/.cache``."""
    return cache_folder("pages")


def source_key(*paths: Path) -> str:
    """Eight bytes that change when a file is moved or written again."""
    digest = hashlib.blake2b(str(_LAYOUT).encode(), digest_size=8)
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}".encode())
    return digest.hexdigest()
