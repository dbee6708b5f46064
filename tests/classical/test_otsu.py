"""Otsu and multi-level Otsu against exhaustive search in fractions, scikit-image and OpenCV."""

from __future__ import annotations

import itertools
from fractions import Fraction

import cv2
import numpy as np
import pytest
import skimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.filters import threshold_multiotsu, threshold_otsu

from docbin.classical.otsu import multi_otsu_ink, multi_otsu_levels, otsu_ink, otsu_level
from docbin.errors import UsageError

small_pages = hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    mixture = np.concatenate([rng.normal(m, s, n) for m, s, n in ((60, 12, 4000), (130, 15, 9000), (205, 8, 30_000))])
    return [skimage.data.page(), skimage.data.coins(), skimage.data.text(), mixture.clip(0, 255).astype(np.uint8).reshape(200, -1)]


def criterion(grey: np.ndarray, levels: tuple[int, ...]) -> Fraction:
    """Between-class variance times the squared number of pixels, exactly."""
    values = grey.ravel().astype(int)
    mean, total = Fraction(int(values.sum()), values.size), Fraction(0)
    for low, high in itertools.pairwise((-1, *levels, 255)):
        members = values[(values > low) & (values <= high)]
        if members.size:
            total += members.size * (Fraction(int(members.sum()), members.size) - mean) ** 2
    return total


@settings(max_examples=80, deadline=None)
@given(small_pages)
def test_otsu_is_the_smallest_best_threshold(grey: np.ndarray) -> None:
    scores = [criterion(grey, (t,)) for t in range(255)]
    assert otsu_level(grey) == scores.index(max(scores))


@settings(max_examples=80, deadline=None)
@given(small_pages)
def test_otsu_is_as_good_as_the_other_programs(grey: np.ndarray) -> None:
    """Equal criterion on any page of two greys or more (they may break ties otherwise)."""
    if grey.min() == grey.max():
        return
    best = criterion(grey, (otsu_level(grey),))
    for other in (int(threshold_otsu(grey)), int(cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)[0])):
        assert best >= criterion(grey, (other,))
        assert float(best - criterion(grey, (other,))) <= 1e-9 * float(best)


def test_otsu_agrees_with_scikit_image_and_opencv_on_pictures() -> None:
    for grey in pictures():
        assert otsu_level(grey) == threshold_otsu(grey) == cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)[0]
        np.testing.assert_array_equal(otsu_ink(grey), grey <= threshold_otsu(grey))


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_multi_otsu_agrees_with_scikit_image_on_pictures(classes: int) -> None:
    for grey in pictures():
        assert multi_otsu_levels(grey, classes) == tuple(threshold_multiotsu(grey, classes))


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.integers(0, 11)), st.integers(2, 5))
def test_multi_otsu_is_the_best_division(grey: np.ndarray, classes: int) -> None:
    levels = multi_otsu_levels(grey, classes)
    distinct = np.unique(grey)
    if len(distinct) == 1:
        assert levels == (0,)
        return
    assert len(levels) == min(classes, len(distinct)) - 1
    assert list(levels) == sorted(set(levels))
    best = max(criterion(grey, cut) for cut in itertools.combinations(distinct[:-1].tolist(), len(levels)))
    assert float(best - criterion(grey, levels)) <= 1e-9 * float(best)


def test_which_classes_are_ink() -> None:
    grey = np.array([[10, 10, 120, 120, 250, 250]], np.uint8)
    assert multi_otsu_ink(grey, 3, 1).tolist() == [[True, True, False, False, False, False]]
    assert multi_otsu_ink(grey, 3, 2).tolist() == [[True, True, True, True, False, False]]
    with pytest.raises(UsageError, match="leaves no paper"):
        multi_otsu_ink(grey, 3, 3)


def test_a_page_of_one_grey_has_ink_only_where_it_is_black() -> None:
    for value, ink in ((0, True), (1, False), (255, False)):
        page = np.full((5, 4), value, np.uint8)
        assert (otsu_ink(page) == ink).all()
        assert (multi_otsu_ink(page) == ink).all()
