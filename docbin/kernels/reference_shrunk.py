"""A page at a quarter of its size, the slow, obvious way; the twin of ``csrc/fixed/shrunk.cpp``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image

SHRINK = 4


def shrunk(page: Image, grey: Image, shape: tuple[int, int]) -> NDArray[np.int16]:
    """See :func:`docbin.kernels.shrunk.shrunk`."""
    colours = np.repeat(page[..., None], 3, axis=2) if page.ndim == 2 else page
    more = tuple((0, -side % SHRINK) for side in grey.shape)
    blocks = np.pad(np.dstack([colours, grey]).astype(np.int64), (*more, (0, 0)), mode="edge")
    blocks = blocks.reshape(blocks.shape[0] // SHRINK, SHRINK, blocks.shape[1] // SHRINK, SHRINK, 4)
    small = np.concatenate([blocks[..., :3].sum((1, 3)), 16 * blocks[..., 3:].min((1, 3))], axis=2)
    small = np.pad(small, ((0, shape[0] - small.shape[0]), (0, shape[1] - small.shape[1]), (0, 0)), mode="edge")
    return np.asarray(2 * small - 4080, np.int16)
