"""Pages as programs draw them: the same for a seed, of every kind, with ink where truth says."""

from __future__ import annotations

import numpy as np
import pytest

import docbin
from docbin.errors import UsageError
from docbin.synth.fonts import BUILT_IN
from docbin.synth.page.drawn_pages import KINDS, render_drawn_page

SHAPE = (200, 260)


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_truth_is_what_is_darker_than_paper(number: int) -> None:
    image, truth = render_drawn_page(8, number, [BUILT_IN], SHAPE)
    assert image.shape == (*SHAPE, 3)
    assert truth.shape == SHAPE
    assert 0.003 < truth.mean() < 0.4
    grey = image.mean(axis=2)
    assert grey[truth].mean() < np.median(grey) - 60
    assert docbin.score(docbin.binarize(image, "otsu", polarity="dark"), truth).fm > 85


def test_a_page_follows_from_its_seed_and_number() -> None:
    first, again, other = (render_drawn_page(0, number, [BUILT_IN], SHAPE) for number in (1, 1, 5))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


def test_a_page_without_room_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 64 x 64"):
        render_drawn_page(0, 0, [BUILT_IN], (63, 200))
