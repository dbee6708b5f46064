"""Histograms by zone: the compiled core against NumPy, and against a page of four pixels."""

from __future__ import annotations

import numpy as np
import pytest

from docbin import kernels
from docbin.kernels import reference_zone_counts as twin
from docbin.kernels.zone_counts import zone_counts


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (5, 7), (64, 65)])
@pytest.mark.parametrize("even", [True, False])
def test_the_core_and_its_twin_agree(shape: tuple[int, int], even: bool) -> None:
    rng = np.random.default_rng(shape[1])
    zones = rng.integers(0, 5, shape).astype(np.uint8)
    first, second = (np.full(shape, 3, np.uint8) if even else rng.integers(0, 256, shape).astype(np.uint8) for _ in range(2))
    for have, want in zip(zone_counts(zones, first, second), twin.zone_counts(zones, first, second), strict=True):
        np.testing.assert_array_equal(have, want)
        assert have.sum() == zones.size


def test_four_pixels() -> None:
    zones, first, second = np.array([[0, 4, 4, 2]], np.uint8), np.array([[9, 7, 7, 255]], np.uint8), np.array([[0, 1, 2, 3]], np.uint8)
    by_first, by_second = zone_counts(zones, first, second)
    assert {(int(z), int(v)): int(by_first[z, v]) for z, v in np.argwhere(by_first)} == {(0, 9): 1, (4, 7): 2, (2, 255): 1}
    assert {(int(z), int(v)): int(by_second[z, v]) for z, v in np.argwhere(by_second)} == {(0, 0): 1, (4, 1): 1, (4, 2): 1, (2, 3): 1}


@pytest.mark.skipif(kernels._core is None, reason="this install has no compiled kernels")
def test_the_core_checks_its_arrays() -> None:
    plane, counts = np.zeros((4, 5), np.uint8), np.zeros((5, 256), np.int64)
    with pytest.raises(ValueError, match="unequal shape"):
        kernels._core.zone_counts(plane, plane, plane[:3], counts, counts)
    with pytest.raises(ValueError, match="256 integers a zone"):
        kernels._core.zone_counts(plane, plane, plane, counts[:4], counts)
