"""Pictures on a page of text, which one bit a pixel cannot hold."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from docbin import binarize, quality
from docbin.assessment.pictures import pictures
from docbin.assessment.signs import Signs
from docbin.page import Image


def page() -> Image:
    """A page of dark lines on its lower half, uint8 (1000, 800)."""
    drawn = np.full((1000, 800), 245, np.uint8)
    for baseline in range(560, 980, 40):
        cv2.putText(drawn, "Lines of text below the picture", (60, baseline), cv2.FONT_HERSHEY_COMPLEX, 1.0, 40, 2, cv2.LINE_AA)
    return noisy(drawn)


def noisy(drawn: Image) -> Image:
    soft = cv2.GaussianBlur(drawn, (0, 0), 0.8) + np.random.default_rng(0).normal(0, 3, drawn.shape)
    return np.clip(soft, 0, 255).astype(np.uint8)


def clouds(shape: tuple[int, int], spread: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Shades of patches some 60 pixels wide, float64."""
    coarse = np.random.default_rng(1).normal(0, spread, (shape[0] // 60 + 3, shape[1] // 60 + 3))
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float64)


def photograph(shape: tuple[int, int] = (400, 680)) -> Image:
    seen = page()
    seen[60 : 60 + shape[0], 60 : 60 + shape[1]] = np.clip(100 + clouds(shape, 50), 5, 200)
    return seen


@pytest.mark.parametrize("scale", [1, 3])
def test_a_picture_is_seen_and_told(scale: int) -> None:
    image = np.asarray(cv2.resize(photograph(), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
    ink = binarize(image, "sauvola")
    found = pictures(Signs(image), ink)
    assert abs(found.share - 0.34) < 0.03
    assert abs(found.ink - ink[60 * scale : 460 * scale, 60 * scale : 740 * scale].mean()) < 0.03
    (reason,) = [reason for reason in quality(image, ink).reasons if reason.startswith("picture on the page")]
    assert "--layers" in reason


def coloured_box() -> Image:
    box = page()
    box[60:460, 60:740] = 190
    cv2.putText(box, "A note on grey", (100, 300), cv2.FONT_HERSHEY_COMPLEX, 1.0, 40, 2, cv2.LINE_AA)
    return noisy(box)


def stain() -> Image:
    spot = np.zeros((1000, 800))
    cv2.circle(spot, (400, 260), 220, 120.0, cv2.FILLED)
    varied = cv2.GaussianBlur(spot, (0, 0), 25) * (1 + clouds((1000, 800), 0.2))
    return np.asarray(np.clip(page() - varied, 0, 255), np.uint8)


def on_a_table() -> Image:
    framed = np.clip(60 + clouds((1200, 1000), 30), 0, 255).astype(np.uint8)
    framed[100:1100, 100:900] = page()
    return framed


def black_square() -> Image:
    square = page()
    square[60:460, 60:740] = 20
    return square


@pytest.mark.parametrize("other", [page, coloured_box, stain, on_a_table, black_square, lambda: photograph((60, 100))])
def test_nothing_else_is_taken_for_one(other: Callable[[], Image]) -> None:
    assert pictures(Signs(other()), np.zeros(other().shape, np.bool_)).number == 0


def test_a_picture_that_is_all_ink_is_drawn_as_it_is() -> None:
    ink = np.zeros((1000, 800), np.bool_)
    ink[58:462, 58:742] = True
    assert pictures(Signs(photograph()), ink).number == 0
