"""The 8-bit step behind the head the slow, obvious way; the twin of ``csrc/engine/edge*``.

The order of the single-precision steps is part of the definition.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from docbin.kernels.reference_stem import moments, pixels_of

Z_UNIT = 32.0
"""Levels of one local deviation; all that is seen of the page is on this scale."""
LOGIT_UNIT = 8.0
"""Levels of one unit of the head's logits: they are quantized to an eighth, and cut at 16."""
LARGEST = 127.0


def levels(page: NDArray[np.uint8], windows: NDArray[np.int32], floor: float, depth: NDArray[np.uint8] | None) -> NDArray[np.int64]:
    """What the step sees of a page of even sides: whole numbers (channels, h, w), 4 a window, then grey level and depth halved."""
    pixels = pixels_of(page)
    seen: list[NDArray[np.int64]] = []
    for mean, spread in moments(pixels, windows, floor):
        scores = np.float32(Z_UNIT) * ((pixels.astype(np.float32) - mean) / spread)
        seen.append(np.rint(np.clip(scores, -LARGEST, LARGEST)).astype(np.int64))
    seen.append(pixels.astype(np.int64) // 2 - 64)
    if depth is not None:
        seen.append(pixels_of(depth).astype(np.int64) // 2)
    return np.concatenate(seen)


def _sums(cells: NDArray[np.int64], weights: NDArray[np.int8]) -> NDArray[np.float32]:
    """3 x 3 convolution, 0 beyond the map, (channels, h, w) -> (filters, h, w); sums are whole in single precision."""
    height, width = cells.shape[1:]
    padded = np.pad(cells, ((0, 0), (1, 1), (1, 1)))
    total = np.zeros((len(weights), height, width), np.int64)
    for row in range(3):
        for column in range(3):
            total += np.tensordot(weights[:, :, row, column].astype(np.int64), padded[:, row : row + height, column : column + width], 1)
    return total.astype(np.float32)


def redraw(seen: NDArray[np.int64], logits: NDArray[np.float32], parts: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    """Logits of four pixels a cell, float32 (4, h, w), from what is seen and the head's logits (4, h, w); `parts` as a packed file holds them."""
    quantized = np.rint(np.clip(np.float32(LOGIT_UNIT) * logits, -LARGEST, LARGEST)).astype(np.int64)

    def scaled(sums: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        factor, offset = (np.asarray(parts[f"{name}_{which}"], np.float32)[:, None, None] for which in ("factor", "offset"))
        return sums * factor + offset

    first, second = (np.asarray(parts[name], np.int8) for name in ("first", "second"))
    hidden = np.rint(np.clip(scaled(_sums(np.concatenate([seen, quantized]), first), "first"), 0, LARGEST)).astype(np.int64)
    return np.asarray(quantized.astype(np.float32) * np.float32(1 / LOGIT_UNIT) + scaled(_sums(hidden, second), "second"), np.float32)
