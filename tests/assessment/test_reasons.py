"""Reasons that follow from the page and its ink alone."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.assessment import Signs, judge, reasons
from tests.assessment.pages import text_page


@pytest.fixture(scope="module")
def text() -> tuple[np.ndarray, np.ndarray]:
    return text_page()


def test_a_page_of_text_is_not_suspect(text: tuple[np.ndarray, np.ndarray]) -> None:
    verdict = judge(Signs(text[0]), text[1])
    assert verdict.reasons == ()
    assert not verdict.suspect
    assert verdict.value > 0.8


def test_a_blank_page_without_ink_is_right() -> None:
    rng = np.random.default_rng(0)
    paper = np.clip(rng.normal(220, 4, (400, 500)), 0, 255).astype(np.uint8)
    verdict = judge(Signs(paper), np.zeros(paper.shape, bool))
    assert verdict.value == 1.0
    assert verdict.reasons[0] == "hardly any ink (0.000% of the page): a blank page"


def test_a_page_of_text_without_ink_is_worth_nothing(text: tuple[np.ndarray, np.ndarray]) -> None:
    verdict = judge(Signs(text[0]), np.zeros(text[1].shape, bool))
    assert verdict.value == 0.0
    assert verdict.reasons[0].startswith("hardly any ink (0.000% of the page), though the page holds what looks like writing: ")


def test_a_few_pixels_of_ink_on_a_page_of_text_say_that_the_writing_is_lost(text: tuple[np.ndarray, np.ndarray]) -> None:
    ink = np.zeros(text[1].shape, bool)
    ink[100, 100:120] = True
    assert "though the page holds what looks like writing" in judge(Signs(text[0]), ink).reasons[0]


def test_mostly_ink(text: tuple[np.ndarray, np.ndarray]) -> None:
    for ink in (~text[1], np.ones(text[1].shape, bool)):
        assert judge(Signs(text[0]), ink).reasons[0].startswith("mostly ink (")


@pytest.mark.parametrize("side", range(4))
def test_a_black_border_on_any_side(side: int, text: tuple[np.ndarray, np.ndarray]) -> None:
    ink = text[1].copy()
    strip = np.rot90(ink, side)
    strip[:, : int(0.06 * strip.shape[1])] = True
    assert reasons.black_margin(ink) == pytest.approx(0.06, abs=0.005)
    assert judge(Signs(text[0]), ink).reasons[0].startswith("black border (6% of the page)")


def test_the_margin_of_an_all_black_page_is_the_page() -> None:
    assert reasons.black_margin(np.ones((7, 5), bool)) == 1.0
    assert reasons.black_margin(np.zeros((7, 5), bool)) == 0.0
    assert reasons.black_margin(np.ones((1, 1), bool)) == 1.0


def test_contrast_is_counted_between_the_thousandths() -> None:
    page = np.full((1000, 1000), 200, np.uint8)
    page[:2] = 150
    page[2, :3] = 0  # three black specks do not count
    assert reasons.contrast(page) == 50
    assert reasons.contrast(np.full((1, 1), 7, np.uint8)) == 0


def test_a_grey_page_without_contrast_is_suspect() -> None:
    page = np.full((200, 200), 120, np.uint8)
    page[50:100, 50:60] = 110
    assert any("low contrast (the page spans 10 of 255" in reason for reason in judge(Signs(page), page < 115).reasons)


@pytest.mark.parametrize("height", [12, 40])
def test_a_lone_title_in_black_is_not_of_low_contrast(height: int) -> None:
    page = np.random.default_rng(4).normal(240, 3, (1500, 1200)).clip(0, 255).astype(np.uint8)
    page[700 : 700 + height, 580:610] = 40  # 0.02 and 0.07 % of the page
    ink = page < 128
    assert 0 < ink.mean() < 0.001
    assert not any("low contrast" in reason for reason in judge(Signs(page), ink).reasons)
