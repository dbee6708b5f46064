"""``-m auto``: the default; or another method whose result is nearly the same, or clears a poor default, and has the better verdict."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

import docbin
from docbin import assessment, automatic, catalogue, second_look
from tests.assessment.pages import text_page


@pytest.fixture(scope="module")
def text() -> tuple[np.ndarray, np.ndarray]:
    return text_page(2, (300, 500))


def test_a_good_default_is_taken_without_another_look(text: tuple[np.ndarray, np.ndarray]) -> None:
    choice = automatic.choose(text[0], enough=0.0)
    assert choice.method == catalogue.DEFAULT
    assert list(choice.verdicts) == [catalogue.DEFAULT]
    np.testing.assert_array_equal(choice.ink, docbin.binarize(text[0], catalogue.DEFAULT, polarity="dark"))
    np.testing.assert_array_equal(choice.ink, docbin.binarize(text[0], "auto", polarity="dark", enough=0.0))


def judged_by(
    values: dict[str, float],
    inks: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    reasons: dict[str, tuple[str, ...]] | None = None,
) -> None:
    """Verdicts by the method that made an ink."""

    def judge(page: Any, ink: np.ndarray) -> assessment.Quality:
        method = next(name for name, known in inks.items() if np.array_equal(known, ink))
        return assessment.Quality(values[method], (reasons or {}).get(method, ()))

    monkeypatch.setattr(assessment, "judge", judge)
    monkeypatch.setattr(second_look, "judged", lambda page, grey, ink, run: (ink, judge(page, ink)))


@pytest.mark.parametrize(("otsu", "winner"), [(0.91, "otsu"), (0.9, "bitunet"), (0.5, "bitunet")])
def test_a_result_like_the_default_s_wins_by_a_better_verdict(
    otsu: float, winner: str, text: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    inks = {name: docbin.binarize(text[0], name) for name in (catalogue.DEFAULT, *automatic.CHALLENGERS)}
    assert automatic.resembles(inks["otsu"], inks[catalogue.DEFAULT])
    judged_by({catalogue.DEFAULT: 0.9, "otsu": otsu}, inks, monkeypatch)
    choice = automatic.choose(text[0])
    assert choice.method == winner
    assert choice.quality.value == max(otsu, 0.9)
    assert choice.verdicts == {catalogue.DEFAULT: 0.9, "otsu": otsu}
    np.testing.assert_array_equal(choice.ink, inks[winner])


def test_a_result_unlike_the_default_s_does_not_win(text: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    dark = text[0].copy()
    dark[:, :60] //= 4  # a shadow that Otsu's threshold takes for ink
    inks = {name: docbin.binarize(dark, name, polarity="dark") for name in (catalogue.DEFAULT, *automatic.CHALLENGERS)}
    judged_by({catalogue.DEFAULT: 0.3, "otsu": 0.9}, inks, monkeypatch)
    monkeypatch.setattr(automatic, "CRISP", 0.0)
    choice = automatic.choose(dark)
    assert choice.method == catalogue.DEFAULT
    assert choice.verdicts == {catalogue.DEFAULT: 0.3}


def patterned(text: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Inks by method: a default that keeps a pattern under the print, and the print alone; the page counts as not crisp."""
    waves = np.zeros_like(text[1])
    waves[::12] = True
    inks = {catalogue.DEFAULT: text[1] | waves, **dict.fromkeys(automatic.CLEARERS, text[1])}
    monkeypatch.setattr(automatic, "CRISP", 2.0)
    monkeypatch.setattr(catalogue, "get", lambda name: SimpleNamespace(binarize=lambda image: inks[name]))
    return inks


@pytest.mark.parametrize(
    ("default", "cleared", "reasons", "winner"),
    [
        (automatic.POOR - 0.1, automatic.POOR - 0.1 + automatic.GAIN, (), automatic.CLEARERS[0]),
        (automatic.POOR - 0.1, automatic.POOR - 0.11 + automatic.GAIN, (), catalogue.DEFAULT),
        (automatic.POOR - 0.1, 0.99, ("much that looks like writing was left out",), catalogue.DEFAULT),
        (automatic.POOR, 0.99, (), catalogue.DEFAULT),
    ],
)
def test_a_poor_default_that_kept_a_pattern_is_cleared(
    default: float,
    cleared: float,
    reasons: tuple[str, ...],
    winner: str,
    text: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inks = patterned(text, monkeypatch)
    values = {catalogue.DEFAULT: default, **dict.fromkeys(automatic.CLEARERS, cleared)}
    judged_by(values, inks, monkeypatch, dict.fromkeys(automatic.CLEARERS, reasons))
    choice = automatic.choose(text[0])
    assert choice.method == winner
    np.testing.assert_array_equal(choice.ink, inks[winner])
    assert list(choice.verdicts) == [catalogue.DEFAULT, *(automatic.CLEARERS if default < automatic.POOR else ())]


def test_what_clears_an_ink() -> None:
    ink = np.zeros((100, 100), bool)
    ink[:20] = True
    part, framed, other = ink.copy(), ink.copy(), np.roll(ink, 10, axis=0)
    part[10:20] = False
    framed[:, 90:] = True
    assert automatic.clears(ink, ink)
    assert automatic.clears(part, ink)
    assert not automatic.clears(framed, ink), "it adds ink"
    assert not automatic.clears(other, ink), "half of it lies elsewhere"


def test_on_a_page_that_is_not_crisp_the_default_is_taken(text: tuple[np.ndarray, np.ndarray]) -> None:
    soft = cv2.GaussianBlur(text[0], (0, 0), 4)
    assert assessment.Signs(soft).parted < automatic.CRISP < assessment.Signs(text[0]).parted
    assert list(automatic.choose(soft, enough=1.0).verdicts) == [catalogue.DEFAULT]
    assert list(automatic.choose(text[0], enough=1.0).verdicts) == [catalogue.DEFAULT, "otsu"]


def test_what_resembles_an_ink() -> None:
    ink = np.zeros((100, 100), bool)
    ink[:20] = True
    more, less, other = ink.copy(), ink.copy(), np.roll(ink, 3, axis=0)
    more[20:23] = True
    less[18:20] = False
    assert automatic.resembles(ink, ink)
    assert automatic.resembles(more, ink)  # 15 in 100 more
    assert automatic.resembles(less, ink)  # nine tenths of it
    assert not automatic.resembles(other, ink)
    more[23] = True
    less[17] = False
    assert not automatic.resembles(more, ink)
    assert not automatic.resembles(less, ink)
    assert automatic.resembles(np.zeros_like(ink), np.zeros_like(ink))
