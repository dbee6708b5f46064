"""Filtered rows of a PNG: the compiled core against its twin, over all filters, odd widths and runs of rows of the one that is done by lanes."""

from __future__ import annotations

import numpy as np
import pytest

from docbin import kernels
from docbin.kernels import reference_png_rows as twin
from docbin.kernels.png_rows import png_rows

PAETH = 4


def both(filtered: np.ndarray, step: int, top: int, out: np.ndarray) -> np.ndarray:
    """`out` with the rows by both, which must be equal."""
    ours, theirs = out.copy(), out.copy()
    assert png_rows(filtered, step, top, ours) is twin.png_rows(filtered, step, top, theirs) is True
    np.testing.assert_array_equal(ours, theirs)
    return ours


@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 31])
@pytest.mark.parametrize("kind", ["any", "Paeth", "mostly Paeth"])
def test_the_core_and_its_twin_agree(step: int, width: int, kind: str) -> None:
    rng = np.random.default_rng(width)
    filtered = rng.integers(0, 256, (29, step * width + 1), np.uint8)
    filtered[:, 0] = rng.integers(0, 5, 29) if kind == "any" else PAETH
    if kind == "mostly Paeth":
        filtered[[0, 12, 27], 0] = (0, 1, 2)
    out = rng.integers(0, 256, (33, step * width), np.uint8)
    decoded = both(filtered, step, 0, out)
    np.testing.assert_array_equal(decoded[29:], out[29:])  # what is not theirs stays
    both(filtered, step, 4, out)  # below rows that are there


def test_what_a_row_was_comes_out_of_every_filter() -> None:
    """Filtered here by the specification's formulas, from left to right, and taken back."""
    rng = np.random.default_rng(0)
    step, picture = 3, rng.integers(0, 256, (2, 15)).astype(np.int64)
    above, row = picture
    left, corner = (np.concatenate([np.zeros(step, np.int64), line[:-step]]) for line in (row, above))
    plane = left + above - corner
    far = np.abs(plane - np.stack([left, above, corner]))
    paeth = np.where((far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], above, corner))
    for number, guess in enumerate((np.zeros_like(row), left, above, (left + above) // 2, paeth)):
        filtered = np.concatenate([[number], (row - guess) % 256]).astype(np.uint8)[None]
        out = np.stack([above, np.zeros_like(row)]).astype(np.uint8)
        np.testing.assert_array_equal(both(filtered, step, 1, out)[1], row)


@pytest.mark.parametrize("level", kernels.levels())
def test_a_filter_that_is_none_is_told(level: str) -> None:
    filtered = np.zeros((3, 4), np.uint8)
    filtered[2, 0] = 5
    with kernels.use(level):
        assert not png_rows(filtered, 1, 0, np.zeros((3, 3), np.uint8))


@pytest.mark.skipif(kernels._core is None, reason="this install has no compiled kernels")
def test_the_core_checks_its_arrays() -> None:
    out = np.zeros((4, 6), np.uint8)
    for width, step, top, told in ((6, 1, 0, "a byte more"), (7, 4, 0, "1 or 3"), (7, 3, 3, "more rows"), (7, 1, -1, "more rows")):
        with pytest.raises(ValueError, match=told):
            kernels._core.png_rows(np.zeros((2, width), np.uint8), step, top, out)
