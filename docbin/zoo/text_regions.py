"""Where on a page there is writing, by the model that came for it, and what of an ink lies elsewhere.

A network that draws strokes sees some hundred pixels around each; this one sees a page a quarter as large and far around
(:mod:`docbin.engine.fixed_point`). What it is asked is not where a stroke ends but where the page is written on: the *written area* is what lies
among cells of writing, too. What the network takes for the back's or a stain's within it stays: where the back shines through as dark as the front,
words of the front look like the back's, but they stand among others. Outside, pieces of ink go as a whole, if the network is sure of them.
"""

from __future__ import annotations

import math
import threading
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docbin.engine import fixed_point
from docbin.errors import MissingExtra
from docbin.kernels.pieces import keep_by_cells
from docbin.kernels.shrunk import CELL, UNIT
from docbin.page import Image, Mask
from docbin.zoo import folders

Cells = NDArray[np.int16]

MODEL = "text-regions"
TASK = "regions"
AMONG = 31
"""Cells of writing with a gap of less than so many cells between them, 496 pixels, have written area between them."""
DOUBT = -1.0
"""Logit of a cell from which what lies in it may be writing: a stroke in the margin. A piece of ink with a part there stays."""
SMALL, SMALL_DOUBT = 400, -2.5
"""Pixels below which a piece may be a digit or a word alone on its page, and how sure the network must be that it is none: edges and stains are
larger, and a speck too many costs less than a page's number."""
NEAR = 3
"""Cells that the written area goes beyond those of writing."""


@lru_cache(maxsize=1)
def _opened(folder: Path) -> fixed_point.Net:
    config = folders.read_config(folder)
    assert config.packed is not None
    return fixed_point.read(config.verified(config.packed))


class _Seen(threading.local):
    """What a thread saw last, and of which page (shape and checksum): a method and the verdict on its result ask after each other."""

    page: tuple[tuple[int, ...], int] | None = None
    cells: Cells | None = None


_seen = _Seen()


def available() -> bool:
    """Whether this install has the model."""
    return MODEL in folders.shipped()


def cells(grey: Image) -> Cells:
    """Logits of "ink lies in this cell", int16 (H / 16, W / 16, rounded up), :data:`docbin.kernels.shrunk.UNIT` to one.

    Colours are not looked at: of what they could tell, the methods that this serves see nothing either.

    Parameters
    ----------
    grey : uint8 (H, W), dark writing on light paper

    Raises
    ------
    MissingExtra
        This install has no such model.
    InputError, FileAccessError
        Its file is damaged or missing.
    """
    page = grey.shape, zlib.crc32(np.ascontiguousarray(grey).data)
    if _seen.page == page and _seen.cells is not None:
        return _seen.cells
    folder = folders.shipped().get(MODEL)
    if folder is None:
        raise MissingExtra(f"model {MODEL}: this install brings none; install docbin from a wheel, or say '-p regions=0'")
    found = fixed_point.run(_opened(folder), grey, grey)
    _seen.page, _seen.cells = page, found
    return found


def written_area(cells: Cells, least: float) -> Mask:
    """Which cells lie among, or near, such as hold writing with a probability of at least `least`, 0..1; bool (h, w)."""
    import cv2

    level = math.log(least / (1 - least)) if 0 < least < 1 else math.copysign(math.inf, least - 0.5)
    margin = AMONG + NEAR
    holds = np.pad((cells >= level * UNIT).view(np.uint8), margin)  # what is beyond the page is not written on
    closed = cv2.morphologyEx(holds, cv2.MORPH_CLOSE, np.ones((AMONG, AMONG), np.uint8))
    _, labels = cv2.connectedComponents(1 - closed, connectivity=4)
    filled = np.asarray(labels != labels[0, 0], np.uint8)  # all that paper from the page's edge does not reach
    near = cv2.dilate(filled, np.ones((2 * NEAR + 1,) * 2, np.uint8))
    return np.asarray(near[margin:-margin, margin:-margin], np.bool_)


def keep_writing(ink: Mask, grey: Image, least: float) -> Mask:
    """`ink`, bool (H, W), without the pieces that lie outside the written area and surely are no writing; `least` as of :func:`written_area`, 0
    keeps all; `grey` as of :func:`cells`.

    A piece goes if more than half of it lies outside, and no pixel in a cell that may hold writing (`DOUBT`, of `SMALL` ones `SMALL_DOUBT`).
    """
    import cv2

    if least <= 0 or not ink.any():
        return ink
    seen = cells(grey)
    area = written_area(seen, least)
    bits = ink.view(np.uint8)
    kept = _kept(bits, area, seen >= DOUBT * UNIT)
    gone = np.asarray(cv2.subtract(bits, kept), np.uint8)
    if gone.any():
        back = _kept(gone, area, seen >= SMALL_DOUBT * UNIT)
        number, labels, boxes, _ = cv2.connectedComponentsWithStats(back, connectivity=8)
        small = boxes[:, cv2.CC_STAT_AREA] < SMALL
        small[0] = False
        if number > 1 and small.any():
            kept = np.asarray(cv2.bitwise_or(kept, small[labels].view(np.uint8)), np.uint8)
    return np.asarray(kept.view(np.bool_))


def _kept(bits: Image, area: Mask, doubtful: Mask) -> Image:
    """The pieces that lie in an area for the most part, or have a part in a cell that is doubtful; both bool (h, w)."""
    numbers = np.where(area, 1, -1).astype(np.int16)
    numbers[doubtful] = np.iinfo(np.int16).max  # outweighs any piece's other pixels, up to tens of thousands for each of its own
    return keep_by_cells(bits, numbers, CELL, 0)
