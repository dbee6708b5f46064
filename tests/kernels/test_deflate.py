"""Deflated rows: zlib unpacks them to what they were, and they are not larger than zlib's own."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from docbin import kernels
from docbin.kernels import deflate, reference_deflate
from docbin.page import Image
from tests.assessment.pages import text_page

needs_core = pytest.mark.skipif(kernels._core is None, reason="this install has no compiled kernels")


def pages() -> dict[str, Image]:
    rng = np.random.default_rng(7)
    text = np.packbits(text_page(1, (420, 900))[1], axis=1)
    fibonacci = np.ones(2, np.int64)
    while len(fibonacci) < 24:
        fibonacci = np.append(fibonacci, fibonacci[-1] + fibonacci[-2])
    return {
        "text": text,
        "white": np.zeros((300, 311), np.uint8),
        "noise": rng.integers(0, 256, (200, 150)).astype(np.uint8),
        "sparse": (rng.random((300, 200)) < 0.02).astype(np.uint8),
        "one row": rng.integers(0, 4, (1, 20_000)).astype(np.uint8),
        "one column": rng.integers(0, 2, (9_000, 1)).astype(np.uint8),
        "widest": np.tile(rng.integers(0, 256, (1, deflate.WIDEST)).astype(np.uint8), (3, 1)),
        # How often the bytes come up makes Huffman codes as long as they can be, longer than DEFLATE allows.
        "long codes": rng.permutation(np.repeat(np.arange(24, dtype=np.uint8), fibonacci)).reshape(-1, 1),
        # Matches at every length and at distances far and near.
        "lengths": np.concatenate([np.r_[rng.integers(0, 256, 40), np.full(n, n % 256)] for n in range(300)])[:56_000]
        .astype(np.uint8)
        .reshape(-1, 1000),
    }


@needs_core
@pytest.mark.parametrize("name", list(pages()))
def test_zlib_unpacks_what_was_packed(name: str) -> None:
    rows = pages()[name]
    stream = deflate.zlib_stream(rows)
    assert stream != reference_deflate.zlib_stream(rows)  # the core's own
    assert zlib.decompress(stream) == rows.tobytes()
    unpacking = zlib.decompressobj(-15)
    assert unpacking.decompress(kernels._core.deflate_rows(rows)) == rows.tobytes()
    assert unpacking.eof
    assert unpacking.unused_data == b""


@needs_core
def test_any_size_unpacks() -> None:
    rng = np.random.default_rng(8)
    for size in (*range(1, 40), *rng.integers(40, 70_000, 25)):
        width = int(rng.choice([n for n in (1, 2, 3, 7, 31, 310, 1000) if n <= size]))
        rows = np.repeat(rng.integers(0, 256 if size % 2 else 3, (size // width, width)), 1, axis=0).astype(np.uint8)
        if size % 3:
            rows[1::2] = rows[::2][: len(rows[1::2])]
        assert zlib.decompress(kernels._core.deflate_rows(rows), -15) == rows.tobytes(), (size, width)


@needs_core
@pytest.mark.parametrize("times", [1, 3])
def test_a_page_of_text_is_smaller_than_by_zlib(times: int) -> None:
    ink = np.kron(text_page(2, (1000, 1000))[1], np.ones((times, times), np.bool_))
    rows = np.pad(np.invert(np.packbits(ink, axis=1)), ((0, 0), (1, 0)))  # as PNG has them
    assert len(deflate.zlib_stream(rows)) < len(zlib.compress(rows.tobytes(), 6))


def test_what_is_small_or_too_wide_is_zlib_s() -> None:
    for rows in (np.zeros((10, 20), np.uint8), np.zeros((2, deflate.WIDEST + 1), np.uint8)):
        assert deflate.zlib_stream(rows) == reference_deflate.zlib_stream(rows)
