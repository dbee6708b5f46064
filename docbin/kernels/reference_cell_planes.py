"""What a float network sees of a page, the slow, obvious way; the twin of ``csrc/local/cell_planes*``.

The order of the steps is part of the definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from docbin.kernels.reference_stem import box_sum

Kind = Literal["red", "green", "blue", "grey", "depth", "score"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order of ``planes::Kind`` in csrc/local/cell_planes.hpp."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane of numbers.

    Attributes
    ----------
    kind : "red", "green", "blue" (0..255; of a grey page all three are its grey), "grey" (luma less 128), "depth" (0..255) or "score"
    window : of a score: side of its window in cells, odd, 1..151
    floor : of a score: added to the deviation, in units of white; keeps flat paper near 0 instead of amplifying its noise
    limit : of a score: its largest size
    """

    kind: Kind
    window: int = 0
    floor: float = 0.0
    limit: float = 0.0


WHOLE = 255000.0
"""White in thousandths of a grey level."""


def luma(page: NDArray[np.uint8]) -> NDArray[np.int64]:
    """ITU-R BT.601 grey of (H, W, 1 or 3) pixels in thousandths of a level, (H, W)."""
    weights = np.array([1000] if page.shape[2] == 1 else [299, 587, 114], np.int64)
    return np.asarray(page.astype(np.int64) @ weights)


def _pixels(plane: NDArray[np.int64]) -> NDArray[np.int64]:
    """The four pixels of each cell, (4, h, w)."""
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    return plane.reshape(height, 2, width, 2).transpose(1, 3, 0, 2).reshape(4, height, width)


def cell_planes(
    page: NDArray[np.uint8], depth: NDArray[np.uint8] | None, planes: Sequence[Plane], cells_high: int, cells_wide: int
) -> NDArray[np.float32]:
    """See :func:`docbin.kernels.cell_planes.cell_planes`; the whole page."""
    more = (0, 2 * cells_high - page.shape[0]), (0, 2 * cells_wide - page.shape[1])
    page = np.pad(page, (*more, (0, 0)), mode="edge")
    grey = _pixels(luma(page))
    sums, squares = grey.sum(0), (grey**2).sum(0)
    out: list[NDArray[np.float32]] = []
    for plane in planes:
        if plane.kind == "score":
            count = (4 * box_sum(np.ones_like(sums), plane.window)).astype(np.float64)
            mean = box_sum(sums, plane.window) / count
            variance = box_sum(squares, plane.window) / count - mean * mean
            spread = np.sqrt(np.maximum(variance, 0.0).astype(np.float32)) + np.float32(plane.floor * WHOLE)
            z = (grey.astype(np.float32) - mean.astype(np.float32)) / spread
            out.append(np.clip(z, np.float32(-plane.limit), np.float32(plane.limit)))
        elif plane.kind == "grey":
            out.append((grey - 128000).astype(np.float32) / np.float32(1000))
        elif plane.kind == "depth":
            assert depth is not None
            out.append(_pixels(np.pad(depth, more, mode="edge").astype(np.int64)).astype(np.float32))
        else:
            channel = 0 if page.shape[2] == 1 else ("red", "green", "blue").index(plane.kind)
            out.append(_pixels(page[..., channel].astype(np.int64)).astype(np.float32))
    return np.concatenate(out)
