"""The table of a mask's pieces: the compiled core against OpenCV's labels, and against pieces drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.kernels import pieces, reference_pieces


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 3), (33, 70), (64, 64), (120, 131)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("eight", [True, False])
def test_the_core_and_its_twin_agree(shape: tuple[int, int], share: float, eight: bool) -> None:
    rng = np.random.default_rng(int(100 * share) + shape[1])
    bits = (rng.random(shape) < share).astype(np.uint8)
    depth, slope = (rng.integers(0, 256, shape).astype(np.uint8) for _ in range(2))
    np.testing.assert_array_equal(pieces.pieces(bits, depth, slope, eight=eight), reference_pieces.pieces(bits, depth, slope, eight=eight))
    np.testing.assert_array_equal(pieces.pieces(bits, eight=eight), reference_pieces.pieces(bits, eight=eight))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 3), (33, 70), (120, 131)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.9, 1.0])
def test_the_core_and_its_twin_agree_on_the_largest_values(shape: tuple[int, int], share: float) -> None:
    rng = np.random.default_rng(int(100 * share) + shape[0])
    bits = (rng.random(shape) < share).astype(np.uint8)
    planes = [rng.random(shape, np.float32) for _ in range(3)]
    np.testing.assert_array_equal(pieces.peaks(bits, *planes), reference_pieces.peaks(bits, *planes))


def test_the_largest_values_by_hand() -> None:
    bits = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 1]], np.uint8)
    rising = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert pieces.peaks(bits, rising, 11 - rising, rising[:, ::-1]).tolist() == [[2, 5, 11, 6], [3, 11, 8, 8]]


def test_a_table_by_hand() -> None:
    bits = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 1]], np.uint8)
    depth = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert pieces.pieces(bits, depth, depth).tolist() == [[2, 0, 0, 2, 2, 5, 5, 5, 5], [3, 3, 0, 4, 3, 21, 11, 21, 11]]
    assert pieces.pieces(bits, eight=False)[:, pieces.AREA].tolist() == [1, 3, 1]


def test_a_view_of_a_larger_page_is_read_as_it_is_seen() -> None:
    page = np.zeros((20, 20), np.uint8)
    page[::2] = 1
    np.testing.assert_array_equal(pieces.pieces(page[::2, ::3]), reference_pieces.pieces(np.ascontiguousarray(page[::2, ::3])))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (33, 70), (120, 131)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.9, 1.0])
def test_the_core_and_its_twin_agree_on_what_cells_keep(shape: tuple[int, int], share: float) -> None:
    rng = np.random.default_rng(int(100 * share) + shape[0])
    bits = (rng.random(shape) < share).astype(np.uint8)
    cells = rng.integers(-3000, 3000, tuple(-(-side // 16) for side in shape)).astype(np.int16)
    for least in (-3000, -500, 0, 900, 3000):
        kept = pieces.keep_by_cells(bits, cells, 16, least)
        np.testing.assert_array_equal(kept, reference_pieces.keep_by_cells(bits, cells, 16, least))
        assert not (kept > bits).any()


def test_what_cells_keep_by_hand() -> None:
    bits = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 1]], np.uint8)
    cells = np.array([[4, -4], [0, 9]], np.int16)  # of 2 x 2 pixels: the pieces' means are 4 and (-4 - 4 + 9) / 3
    assert pieces.keep_by_cells(bits, cells, 2, 1).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert pieces.keep_by_cells(bits, cells, 2, 0).tolist() == bits.tolist()
    assert bits.sum() == 5, "the mask that came in is as it was"
    with pytest.raises(ValueError, match="do not cover"):
        pieces.keep_by_cells(bits, cells[:1], 2, 0)
