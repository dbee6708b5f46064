"""Median and percentile against NumPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from docbin.kernels.order_statistics import median, percentile


@pytest.mark.parametrize("count", [1, 2, 3, 4, 57, 1000])
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64])
def test_the_median_is_numpys(count: int, kind: type) -> None:
    values = (np.random.default_rng(count).random((count, 3)) * 250).astype(kind)
    for view in (values, values[:, 1], values[:, :2]):
        assert median(view) == float(np.median(view))


def test_nothing_has_no_median() -> None:
    assert math.isnan(median(np.zeros(0)))


@pytest.mark.parametrize("pixels", [1, 2, 3, 24, 576, 1023])
def test_the_percentile_is_numpys(pixels: int) -> None:
    rows = np.random.default_rng(pixels).integers(0, 256, (50, pixels), np.uint8)
    for share in (0.0, 0.04, 0.5, 0.96, 1.0):
        assert np.array_equal(percentile(rows, share), np.percentile(rows, 100 * share, axis=1))
