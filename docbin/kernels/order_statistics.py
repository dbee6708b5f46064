"""Median and percentile, to the last bit NumPy's (tests/kernels/test_order_statistics.py), without what NumPy's import: they ask whether an array is
a masked one, and `numpy.ma` takes as long to import as a small picture to be read, binarized and written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(values: NDArray[Any]) -> float:
    """``np.median`` of an array of numbers (no NaN among them) of any shape; NaN of an empty one."""
    flat, middle = values.reshape(-1), values.size // 2
    if not flat.size:
        return float("nan")
    first = middle if flat.size % 2 else middle - 1
    return float(np.partition(flat, (first, middle))[first : middle + 1].mean())


def percentile(rows: NDArray[np.uint8], share: float) -> NDArray[np.float64]:
    """Of each row of (N, M) the level below which `share`, 0..1, of it lies: ``np.percentile(rows, 100 * share, axis=1)``, float64 (N,)."""
    place = share * (rows.shape[1] - 1)
    under = int(place)
    above = min(under + 1, rows.shape[1] - 1)
    ordered = np.partition(rows, (under, above), axis=1)
    low, high = ordered[:, under].astype(np.float64), ordered[:, above].astype(np.float64)
    part = place - under
    between = low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)  # numpy's order of operations
    return np.asarray(between, np.float64)
