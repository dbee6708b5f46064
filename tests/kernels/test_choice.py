"""The choice among thresholds: exponentials, interpolation, decisions by hand, and that 32 bits hold every sum that a checked file can ask for."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.kernels import reference_choice as choice
from docbin.kernels.reference_stem import pixels_of

WINDOWS = np.array([5, 11], np.int32)


def head(height: int, width: int, has_depth: bool = False, **outputs: float) -> np.ndarray:
    """What a head says that says the same everywhere; options by number ("option0"), `offset`, `sharper`, `gate`; 0 what is not named."""
    names = [*(f"option{k}" for k in range(2 * len(WINDOWS) + has_depth)), "offset", "sharper", "gate"]
    return np.stack([np.full((height // 4, width // 4), outputs.get(name, 0.0), np.float32) for name in names])


def test_the_power_of_two_and_the_tangent_are_near_the_true_ones() -> None:
    x = np.linspace(-50, 0, 20001).astype(np.float32)
    assert np.abs(choice.power(x) / np.exp2(x.astype(np.float64)) - 1).max() < 4e-6
    assert choice.power(np.zeros(1, np.float32))[0] == 1
    y = np.linspace(-15.9, 15.9, 2001).astype(np.float32)
    assert np.abs(choice.tanh(y) - np.tanh(y.astype(np.float64))).max() < 4e-6
    assert np.array_equal(choice.tanh(-y), -choice.tanh(y))


def test_maps_are_interpolated_between_their_cells_centres() -> None:
    maps = np.array([[[0, 4], [8, 100]]], np.int32)
    # 9, 3, 3 and 1 parts of the four nearest: 136 = 9 * 0 + 3 * 4 + 3 * 8 + 100
    assert choice.raised(maps)[0].tolist() == [[0, 16, 48, 64], [32, 136, 344, 448], [96, 376, 936, 1216], [128, 496, 1232, 1600]]


def test_a_pixel_darker_than_the_threshold_is_ink_where_the_gate_is_open() -> None:
    page = np.full((64, 64), 200, np.uint8)
    page[20:28, 20:28] = 60
    mean_alone = {"option0": 15.0, "option1": -15.0, "option2": -15.0, "option3": -15.0}
    logits = choice.decided(head(64, 64, **mean_alone), page, None, WINDOWS, 7.65, 0.5, 13.5)
    assert (logits[22:26, 22:26] > 0).all()
    sauvola = {"option0": -15.0, "option1": 15.0, "option2": -15.0, "option3": -15.0}
    ink = choice.decided(head(64, 64, **sauvola), page, None, WINDOWS, 7.65, 0.5, 13.5) >= 0
    assert np.array_equal(ink, page < 100)
    assert not (choice.decided(head(64, 64, gate=-1.0, **sauvola), page, None, WINDOWS, 7.65, 0.5, 13.5) >= 0).any()
    # With k = 0 flat paper lies on its threshold, and an offset of tanh(1) deviations, here of the floor, moves that by 5.8 levels.
    raised = choice.decided(head(64, 64, offset=1.0, **sauvola), page, None, WINDOWS, 7.65, 0.0, 13.5)
    assert (raised[:12] >= 0).all()


def test_the_pages_own_threshold_is_the_depth_plane() -> None:
    page = np.full((16, 16), 200, np.uint8)
    depth = np.arange(256, dtype=np.uint8).reshape(16, 16)
    logits = choice.decided(head(16, 16, True, option4=15.0), page, depth, WINDOWS, 7.65, 0.5, 13.5)
    want = 13.5 * np.exp(-1.5) * (depth.astype(float) - 48) / 32  # the sharpness is in the middle of its range
    assert np.abs(logits - np.minimum(want, 2.0)).max() < 0.02


@pytest.mark.parametrize("sharpness", [128.0, 8 * 7.65, 0.01])
def test_32_bits_hold_every_sum_that_a_checked_file_can_ask_for(sharpness: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    floor = max(1.0, sharpness / 8)  # as steep as may be
    page = np.kron(rng.choice(np.array([0, 255], np.uint8), (8, 8)), np.ones((8, 8), np.uint8))
    depth = np.kron(rng.choice(np.array([0, 255], np.uint8), (8, 8)), np.ones((8, 8), np.uint8))
    said = 40 * rng.choice([-1.0, 1.0], (8, 16, 16)).astype(np.float32)
    said[5], said[6] = 40 * rng.choice([-1.0, 1.0]), 40
    given = (said, page, depth, WINDOWS, floor, 0.5, sharpness)
    got = choice.decided(*given)
    lines = choice.lines
    monkeypatch.setattr(choice, "lines", lambda *args: lines(*args).astype(np.int64))
    assert np.array_equal(choice.decided(*given), got)  # the same in 64 bits
    slope, level, _, of_page = choice.raised(choice.lines(said, pixels_of(page), WINDOWS, floor, 0.5, sharpness, True))
    for part in (level, 255 * slope, level - 255 * slope, level + 207 * of_page, level - 255 * slope - 48 * of_page):
        assert np.abs(part).max() < 2**31
