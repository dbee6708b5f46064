"""Results spoiled on purpose: each failure does what its name says, to the amount that was asked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docbin.augment.spoiled_ink import LOSSES, SPOILS


def page() -> tuple[np.ndarray, np.ndarray]:
    """Rows of words of upright strokes, and their ink."""
    ink = np.zeros((300, 400), bool)
    for top in range(20, 280, 26):
        for left in range(20, 370, 7):
            if (left // 7) % 6:
                ink[top : top + 12, left : left + 3] = True
    rng = np.random.default_rng(0)
    drawn = cv2.GaussianBlur(np.where(ink, 60.0, 220.0), (0, 0), 0.8)  # as a scanner's edges: a moved threshold moves them
    return np.clip(drawn + rng.normal(0, 4, ink.shape), 0, 255).astype(np.uint8), ink


@pytest.mark.parametrize("name", sorted(SPOILS))
def test_every_failure_changes_the_ink_and_nothing_else(name: str) -> None:
    grey, ink = page()
    before = grey.copy(), ink.copy()
    spoiled = SPOILS[name](np.random.default_rng(3), grey, ink, 0.5)
    assert spoiled.dtype == np.bool_
    assert spoiled.shape == ink.shape
    assert (spoiled != ink).any()
    np.testing.assert_array_equal(grey, before[0])
    np.testing.assert_array_equal(ink, before[1])
    again = SPOILS[name](np.random.default_rng(3), grey, ink, 0.5)
    np.testing.assert_array_equal(spoiled, again)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("share", [0.1, 0.4])
def test_losses_take_about_the_share_asked_and_add_nothing(name: str, share: float) -> None:
    grey, ink = page()
    spoiled = SPOILS[name](np.random.default_rng(1), grey, ink, share)
    assert not (spoiled & ~ink).any()
    lost = 1 - spoiled.sum() / ink.sum()
    assert share * 0.7 < lost < share + (0.25 if name == "place_lost" else 0.12)
