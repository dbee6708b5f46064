"""Pale writing off the ink: pencil and a back are told apart by numbers, and these are what they say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docbin.assessment import Signs, pale_writing
from docbin.assessment.features import measure
from docbin.assessment.pale_writing import alike, median_of
from docbin.kernels.pieces import AREA, pieces
from tests.assessment.pages import text_page


def page_with(soft: float) -> tuple[Signs, np.ndarray]:
    """(page whose lower half is a quarter as dark, blurred by `soft` pixels, ink of the upper half)."""
    grey, truth = text_page(7, (300, 400), noise=0)
    paper = np.broadcast_to(np.linspace(225, 200, 400)[None, :], grey.shape)
    pale = paper - 0.3 * (paper - grey)
    if soft:
        pale = cv2.GaussianBlur(pale, (0, 0), soft)
    lower = np.arange(300)[:, None] >= 150
    return Signs(np.where(lower, pale, grey).round().clip(0, 255).astype(np.uint8)), truth & ~lower


def test_pencil_is_as_sharp_as_print_and_a_back_is_not() -> None:
    (pencil, ink), (back, _) = page_with(0), page_with(2)
    assert pencil.pale_strokes["page_pale_sharpness"] == pytest.approx(1, abs=0.15)
    assert back.pale_strokes["page_pale_sharpness"] < 0.75
    of_pencil, of_back = measure(pencil, ink).features, measure(back, ink).features
    assert of_pencil["pale_left_sharpness"] == pytest.approx(1, abs=0.15)
    assert of_back["pale_left_sharpness"] < 0.75
    assert of_pencil["pale_left_sharp"] > 0.5 * of_pencil["pale_left"] > 0.2
    assert of_back["pale_left_sharp"] < 0.1 * of_back["pale_left"]
    assert of_pencil["pale_left_depth"] == pytest.approx(0.3, abs=0.08)
    assert of_pencil["pale_left_apart"] > 0.5  # below the ink, but for the cells that both share


def test_what_is_in_the_ink_is_not_left_out() -> None:
    page, _ = page_with(0)
    whole = page.overview.depth > 20
    found = measure(page, whole)
    assert found.features["pale_left"] == found.counts["pale_strokes"] == 0


def test_a_page_of_one_ink_has_nothing_to_compare() -> None:
    grey, _ = text_page(7, (300, 400))
    found = Signs(grey).pale_strokes
    assert found["page_pale_sharpness"] == found["page_pale_slope"] == 0
    assert found["page_pale_count"] < 0.1
    assert set(Signs(np.full((40, 40), 200, np.uint8)).pale_strokes.values()) == {0.0}


def test_a_median_counts_pieces_by_area_up_to_a_limit() -> None:
    table = np.zeros((3, 9), np.int64)
    table[:, AREA] = 10, 30, 100_000
    assert median_of(np.array([1.0, 2.0, 3.0]), table) == 3.0
    table[:, AREA] = 150, 160, 100_000
    assert median_of(np.array([1.0, 2.0, 3.0]), table) == 2.0
    assert median_of(np.zeros(0), table[:0]) == 0.0


def test_only_strokes_of_about_the_same_width_are_compared() -> None:
    bits = np.zeros((60, 400), np.uint8)
    for place in range(10):
        bits[10:50, 10 + 30 * place : 13 + 30 * place] = 1  # three pixels wide
        bits[10:50, 20 + 30 * place : 29 + 30 * place] = 1  # nine
    table = pieces(bits, bits, bits)
    thin = table[table[:, AREA] == 120]
    assert alike(table, thin).sum() == 10
    assert not alike(table[:7], thin).any()  # too few
    assert pale_writing.strokes_off(table, 5.0)[:, AREA].tolist() == [120, 360] * 10
    assert len(pale_writing.strokes_off(table, 25.0)) == 0
