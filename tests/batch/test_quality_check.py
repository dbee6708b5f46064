"""The check for results that look wrong."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.batch import quality_check
from tests.batch.pages import grey


def text() -> np.ndarray:
    return np.tile(grey(1), (8, 6))


def test_a_page_of_text_is_not_suspect() -> None:
    assert quality_check.suspicions(text(), text() < 128) == []
    assert quality_check.suspicions(np.stack([text()] * 3, axis=2), text() < 128) == []


@pytest.mark.parametrize(
    ("ink", "says"),
    [
        (np.zeros((480, 480), bool), "hardly any ink (0.000% of the page)"),
        (text() >= 128, "mostly ink"),
        (np.ones((480, 480), bool), "mostly ink"),
    ],
)
def test_too_little_and_too_much_ink(ink: np.ndarray, says: str) -> None:
    reasons = quality_check.suspicions(text(), ink)
    assert len(reasons) == 1
    assert reasons[0].startswith(says)


def test_the_thresholds_are_where_they_are_said_to_be() -> None:
    ink = np.zeros((1000, 1000), bool)
    ink.ravel()[: int(quality_check.HARDLY_ANY_INK * ink.size)] = True
    page = np.where(ink, 0, 255).astype(np.uint8)
    page[::7] = 90
    assert not quality_check.suspicions(page, ink)
    ink.ravel()[0] = False
    assert quality_check.suspicions(page, ink)


@pytest.mark.parametrize("side", range(4))
def test_a_black_border_on_any_side(side: int) -> None:
    ink = text() < 128
    page = text()
    strip = np.rot90(ink, side)
    strip[:, : int(0.06 * strip.shape[1])] = True
    assert quality_check.black_margin(ink) == pytest.approx(0.06, abs=0.005)
    [reason] = quality_check.suspicions(page, ink)
    assert reason.startswith("black border (6% of the page)")


def test_the_margin_of_an_all_black_page_is_the_page() -> None:
    assert quality_check.black_margin(np.ones((7, 5), bool)) == 1.0
    assert quality_check.black_margin(np.zeros((7, 5), bool)) == 0.0
    assert quality_check.black_margin(np.ones((1, 1), bool)) == 1.0


def test_contrast_is_counted_between_the_thousandths() -> None:
    page = np.full((1000, 1000), 200, np.uint8)
    page[:2] = 150
    page[2, :3] = 0  # three black specks do not count
    assert quality_check.contrast(page) == 50
    assert quality_check.contrast(np.full((1, 1), 7, np.uint8)) == 0


def test_a_grey_page_without_contrast_is_suspect() -> None:
    page = np.full((200, 200), 120, np.uint8)
    page[50:100, 50:60] = 110
    assert any("low contrast (the page spans 10 of 255" in reason for reason in quality_check.suspicions(page, page < 115))
