"""Plasma fields: any size, steady, equal to the point-by-point twin, and rougher when asked to be."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from docbin.augment.plasma import patches, plasma, plasma_by_points

SHAPES = [(1, 1), (1, 7), (9, 1), (2, 2), (5, 8), (16, 16), (17, 33), (40, 23)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("clouds", [1, 3])
def test_equals_the_textbook_twin(shape: tuple[int, int], clouds: int) -> None:
    fast = plasma(np.random.default_rng(4), shape, 0.6, clouds)
    slow = plasma_by_points(np.random.default_rng(4), shape, 0.6, clouds)
    assert fast.shape == shape
    np.testing.assert_allclose(fast, slow, atol=1e-5)


@pytest.mark.parametrize("shape", [*SHAPES, (256, 256), (700, 31), (1, 999)])
def test_fills_zero_to_one(shape: tuple[int, int]) -> None:
    field = plasma(np.random.default_rng(1), shape)
    assert field.dtype == np.float32
    assert np.isfinite(field).all()
    if min(shape) > 1:
        assert (field.min(), field.max()) == (0.0, 1.0)


def _field(seed: int) -> bytes:
    return plasma(np.random.default_rng(seed), (65, 130)).tobytes()


def test_same_in_another_process() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(_field, [1, 2])) == [_field(1), _field(2)]
    assert _field(1) != _field(2)


def test_roughness_is_in_the_fine_detail() -> None:
    """Neighbouring pixels differ more the rougher the field, and a soft field still varies over the whole."""

    def step(roughness: float) -> float:
        return float(np.mean([np.abs(np.diff(plasma(np.random.default_rng(k), (128, 128), roughness))).mean() for k in range(8)]))

    steps = [step(r) for r in (0.2, 0.4, 0.6, 0.8)]
    assert steps == sorted(steps)
    assert steps[3] > 3 * steps[0]


def test_power_falls_with_frequency() -> None:
    """A fractal has most of its power at long waves: octave by octave the mean amplitude falls."""
    total = np.zeros((129, 65))
    for seed in range(10):
        field = plasma(np.random.default_rng(seed), (129, 129), 0.5)
        total += np.abs(np.fft.rfft2(field - field.mean()))
    fy, fx = np.meshgrid(np.fft.fftfreq(129) * 129, np.arange(65), indexing="ij")
    radius = np.hypot(fy, fx)
    octaves = [total[(radius >= low) & (radius < 2 * low)].mean() for low in (1, 2, 4, 8, 16, 32)]
    assert octaves == sorted(octaves, reverse=True)


def test_patches_keep_their_share() -> None:
    for share in (0.1, 0.4):
        shares = [patches(np.random.default_rng(k), (200, 150), share, softness=0.05).mean() for k in range(12)]
        assert abs(np.mean(shares) - share) < 0.05


@pytest.mark.parametrize(("shape", "roughness", "clouds"), [((0, 5), 0.5, 1), ((5, 5), 1.5, 1), ((5, 5), 0.5, 0)])
def test_wrong_arguments(shape: tuple[int, int], roughness: float, clouds: int) -> None:
    with pytest.raises(ValueError, match="wanted"):
        plasma(np.random.default_rng(0), shape, roughness, clouds)
