"""The twin of :mod:`docbin.kernels.deflate`: zlib."""

from __future__ import annotations

import zlib

import numpy as np

from docbin.page import Image

LEVEL = 6


def zlib_stream(rows: Image) -> bytes:
    """As :func:`docbin.kernels.deflate.zlib_stream`."""
    return zlib.compress(np.ascontiguousarray(rows).data, LEVEL)
