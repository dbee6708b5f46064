"""``-m auto``: the default first, others where its verdict is low, the best verdict wins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import docbin
from docbin import assessment, automatic, catalogue
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


@pytest.mark.parametrize("winner", ["su", "wolf", "otsu"])
def test_a_challenger_that_is_clearly_better_wins(
    winner: str, text: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    inks = {name: docbin.binarize(text[0], name) for name in (catalogue.DEFAULT, *automatic.CHALLENGERS)}

    def judged(page: Any, ink: np.ndarray) -> assessment.Quality:
        name = next(name for name, known in inks.items() if np.array_equal(known, ink))
        return assessment.Quality(0.9 if name == winner else 0.5)

    monkeypatch.setattr(assessment, "judge", judged)
    choice = automatic.choose(text[0])
    assert choice.method == winner
    assert choice.quality.value == 0.9
    assert choice.verdicts == {name: 0.9 if name == winner else 0.5 for name in inks}
    np.testing.assert_array_equal(choice.ink, inks[winner])


def test_a_challenger_that_is_hardly_better_does_not_win(text: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([0.5, 0.5 + automatic.MARGIN, 0.5, 0.5])
    monkeypatch.setattr(assessment, "judge", lambda page, ink: assessment.Quality(next(values)))
    assert automatic.choose(text[0]).method == catalogue.DEFAULT
