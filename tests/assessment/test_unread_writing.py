"""Writing that is seen from further away and not in the ink: told where there is enough of it, and read by a second look where it can be."""

from __future__ import annotations

import numpy as np
import pytest

import docbin
from docbin.assessment import Signs, judge
from docbin.assessment.reasons import GRAVE, READ_AGAIN
from docbin.assessment.unread_writing import FEWEST, GROUP, unread, unread_cells
from docbin.second_look import judged
from docbin.zoo import text_regions
from tests.assessment.pages import text_page


def page_with(cells: np.ndarray, grey: np.ndarray) -> Signs:
    page = Signs(grey)
    page.__dict__["writing"] = cells.astype(np.int16)  # what a cached property has found
    return page


def test_cells_count_where_no_ink_is_near_and_enough_hang_together() -> None:
    grey = np.full((320, 480), 210, np.uint8)
    cells = np.full((20, 30), -900)
    cells[3:8, 5:15] = 900
    ink = np.zeros(grey.shape, np.bool_)
    told = unread(page_with(cells, grey), ink)
    assert told is not None
    assert told.share == pytest.approx(50 / 600)
    assert (told.top, told.bottom) == (48, 128)
    ink[16 * 5 + 3, 16 * 9 + 2] = True  # one pixel: the cells around it are read
    found = unread_cells(page_with(cells, grey), ink)
    assert found is not None
    assert found.sum() == 50 - 9
    few = np.full((20, 30), -900)
    few[::3, ::4] = 900
    assert (few > 0).sum() >= FEWEST
    assert unread(page_with(few, grey), ink) is None, "lone cells are no words"
    few[10, 10 : 10 + FEWEST - 12] = 900
    assert FEWEST - 12 > GROUP
    assert unread(page_with(few, grey), ink) is None, "a word is too little to tell of"
    assert unread(page_with(np.full((20, 30), 200), grey), ink) is None, "what is not sure does not count"


def test_odd_sides_and_a_page_that_nobody_looks_at_from_afar() -> None:
    grey = np.full((100, 75), 210, np.uint8)
    page = page_with(np.full((7, 5), 900), grey)
    told = unread(page, np.zeros(grey.shape, np.bool_))
    assert told is not None
    assert (told.top, told.bottom) == (0, 100)
    assert unread(Signs(grey, afar=False), np.zeros(grey.shape, np.bool_)) is None


def washed_out() -> tuple[np.ndarray, np.ndarray]:
    """(page, truth): print whose lower half has a twelfth of its contrast left."""
    grey, truth = text_page(6, (700, 700), noise=1.0)
    paper = np.broadcast_to(np.linspace(225, 200, 700)[None, :], grey.shape)
    pale = paper - (paper - grey) / 12
    grey = grey.copy()
    grey[340:] = pale[340:].round().clip(0, 255).astype(np.uint8)
    return grey, truth


def cells_of(truth: np.ndarray) -> np.ndarray:
    height, width = (-(-side // 16) * 16 for side in truth.shape)
    whole = np.zeros((height, width), np.bool_)
    whole[: truth.shape[0], : truth.shape[1]] = truth
    return np.where(whole.reshape(height // 16, 16, width // 16, 16).any(axis=(1, 3)), 900, -900)


def test_what_is_seen_and_not_read_is_told_as_grave() -> None:
    grey, truth = washed_out()
    ink = truth.copy()
    ink[340:] = False
    verdict = judge(page_with(cells_of(truth), grey), ink)
    assert any("further away" in reason for reason in verdict.reasons) or verdict.reasons[0].startswith(GRAVE[4])
    assert verdict.grave
    assert not any("further away" in reason for reason in judge(page_with(cells_of(truth), grey), truth).reasons)


def test_a_second_look_reads_it_and_the_page_stays_marked() -> None:
    grey, truth = washed_out()
    ink = truth.copy()
    ink[340:] = False
    shown = []

    def run(part: np.ndarray) -> np.ndarray:
        shown.append(part.shape)
        return part < 170

    again, verdict = judged(page_with(cells_of(truth), grey), grey, ink, run)
    assert shown
    assert docbin.score(again, truth).recall > 75
    np.testing.assert_array_equal(again[:330], ink[:330])
    assert verdict.reasons[0].startswith(READ_AGAIN)


def test_a_method_that_reads_nothing_there_changes_nothing() -> None:
    grey, truth = washed_out()
    ink = truth.copy()
    ink[340:] = False
    again, verdict = judged(page_with(cells_of(truth), grey), grey, ink, lambda part: np.zeros(part.shape, np.bool_))
    np.testing.assert_array_equal(again, ink)
    assert verdict.suspect


@pytest.mark.skipif(not text_regions.available(), reason="this install has no model of text regions")
def test_a_page_that_was_read_has_nothing_unread() -> None:
    grey, truth = text_page(8, (700, 900))
    assert unread(Signs(grey), truth) is None
