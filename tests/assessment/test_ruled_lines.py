"""Rules of a table: whole, gone, and in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.assessment import Signs, judge
from docbin.assessment.ruled_lines import rules
from docbin.page import Image, Mask
from tests.assessment.pages import text_page


@pytest.fixture(scope="module")
def text() -> tuple[Image, Mask]:
    return text_page()


def with_rules(text: tuple[Image, Mask], level: int, slant: float = 0.0) -> tuple[Image, Mask, Mask]:
    """Page, ink and rules: the page of text with a table's rules, two pixels wide, every sixty rows and columns of its first 600."""
    grey, lines = text[0].copy(), np.zeros(text[1].shape, bool)
    height, width = lines.shape
    for row in range(40, height - 40, 60):
        for column in range(20, width - 20):
            y = int(row + slant * column)
            lines[y : y + 2, column] = True
    grey[lines & ~text[1]] = level
    return grey, text[1], lines & ~text[1]


def in_pieces(lines: Mask, share: float) -> Mask:
    """Of every twenty columns this share."""
    kept = np.arange(lines.shape[1]) % 20 < 20 * share
    return np.asarray(lines & kept)


@pytest.mark.parametrize("slant", [0.0, 0.01])
def test_rules_in_pieces_are_a_reason(text: tuple[Image, Mask], slant: float) -> None:
    grey, ink, lines = with_rules(text, 150, slant)
    found = rules(Signs(grey), ink | in_pieces(lines, 0.6))
    assert found.in_pieces >= len(range(40, grey.shape[0] - 40, 60)) - 1
    assert found.drawn == pytest.approx(0.6, abs=0.15)
    assert any(reason.startswith("thin ruled lines in pieces: ") for reason in judge(Signs(grey), ink | in_pieces(lines, 0.6)).reasons)


@pytest.mark.parametrize("drawn", [0.0, 1.0])
def test_rules_that_are_whole_or_gone_are_none(text: tuple[Image, Mask], drawn: float) -> None:
    grey, ink, lines = with_rules(text, 150)
    found = rules(Signs(grey), ink | in_pieces(lines, drawn))
    assert found.lines >= 5
    assert found.length < 0.4 * max(grey.shape)  # text that crosses a rule draws some of it
    assert not any("ruled" in reason for reason in judge(Signs(grey), ink | in_pieces(lines, drawn)).reasons)


def test_rules_down_the_page_count_as_those_across(text: tuple[Image, Mask]) -> None:
    grey, ink, lines = with_rules(text, 150)
    across = rules(Signs(grey), ink | in_pieces(lines, 0.6))
    down = rules(Signs(np.ascontiguousarray(grey.T)), np.ascontiguousarray((ink | in_pieces(lines, 0.6)).T))
    assert down.in_pieces == across.in_pieces
    assert down.length == across.length
    assert down.drawn == pytest.approx(across.drawn)


def test_on_a_page_that_is_looked_at_smaller_a_whole_hairline_stays_whole(text: tuple[Image, Mask]) -> None:
    grey = np.full((2400, 2000), 230, np.uint8)
    ink = np.zeros(grey.shape, bool)
    ink[300:2100:150, 100:1900] = True  # one pixel, of which the overview's cell is half
    grey[ink] = 120
    page = Signs(grey)
    assert page.shrink == 2
    whole = rules(page, ink)
    assert (whole.lines, whole.in_pieces) == (12, 0)
    assert rules(page, in_pieces(ink, 0.5)).in_pieces == 12


def test_text_has_no_rules(text: tuple[Image, Mask]) -> None:
    assert rules(Signs(text[0]), text[1]).length < 0.2 * max(text[0].shape)
