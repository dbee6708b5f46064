"""The JBIG2 encoder beside its twin, byte by byte."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docbin import kernels
from docbin.kernels import reference_jbig2
from docbin.kernels.jbig2 import generic_region
from docbin.page import Mask

needs_core = pytest.mark.skipif(kernels._core is None, reason="this install has no compiled kernels")


def bitmap(seed: int, height: int, width: int, share: float, block: int) -> Mask:
    """Random ink in squares of `block` pixels."""
    cells = np.random.default_rng(seed).random((-(-height // block), -(-width // block))) < share
    return np.kron(cells, np.ones((block, block), bool))[:height, :width]


@needs_core
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    height=st.integers(1, 40),
    width=st.integers(1, 200),
    share=st.sampled_from([0.0, 0.02, 0.3, 0.5, 0.98, 1.0]),
    block=st.sampled_from([1, 2, 7]),
    typical=st.booleans(),
)
def test_equals_its_twin(seed: int, height: int, width: int, share: float, block: int, typical: bool) -> None:
    mask = bitmap(seed, height, width, share, block)
    assert generic_region(mask, typical=typical) == reference_jbig2.generic_region(mask, typical=typical)


def test_the_twin_codes_the_sequence_of_the_standard() -> None:
    """T.88, annex H.2: the test sequence of the arithmetic coder and what it must become."""
    symbols = bytes.fromhex("00020051000000C0 0352872AAAAAAAAA 82C02000FCD79EF6 BF7FED904F46A3BF")
    encoder = reference_jbig2.ArithmeticEncoder()
    for byte in symbols:
        for bit in range(7, -1, -1):
            encoder.code(0, byte >> bit & 1)
    assert encoder.finish() == bytes.fromhex("84C73B FC E1A1 430402 2000 00 41 0D BB 86 F4 31 7F FF 88 FF 37 47 1A DB 6A DF FF AC")


@needs_core
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_speed(share: float) -> None:
    """At least 30 megapixels a second a core, even where every pixel is a guess."""
    mask = bitmap(3, 1000, 2000, share, 1)
    best = min(_seconds(mask) for _ in range(3))
    assert mask.size / best > 30e6


def _seconds(mask: Mask) -> float:
    start = time.process_time()
    generic_region(mask, typical=True)
    return time.process_time() - start
