"""Single features against what NumPy counts in the plainest way."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.assessment import Signs
from docbin.assessment.features import measure
from docbin.assessment.signs import OTHERS, grown, packed
from tests.assessment.pages import text_page


@pytest.fixture(scope="module")
def page() -> tuple[Signs, np.ndarray]:
    grey, truth = text_page(4, (240, 331))
    ink = truth.copy()
    ink[:100, 40:80] = False
    ink[200:206, 100:300] = True
    return Signs(grey), ink


def test_votes_of_the_cheap_methods_are_counted_pixel_by_pixel(page: tuple[Signs, np.ndarray]) -> None:
    signs, ink = page
    votes = np.sum([signs.others[name] for name in OTHERS], axis=0)
    found = measure(signs, ink).features
    assert found["most_precision"] == pytest.approx((ink & (votes >= 2)).sum() / ink.sum())
    assert found["most_recall"] == pytest.approx((ink & (votes >= 2)).sum() / (votes >= 2).sum())
    assert found["all_recall"] == pytest.approx((ink & (votes == 3)).sum() / (votes == 3).sum())
    assert found["any_precision"] == pytest.approx((ink & (votes > 0)).sum() / ink.sum())


def test_an_ink_is_judged_by_cheap_methods_as_by_a_truth(page: tuple[Signs, np.ndarray]) -> None:
    from docbin.train.verdict_cases import TRUTHS, judged

    signs, ink = page
    votes = np.sum([signs.others[name] for name in OTHERS], axis=0)
    found = measure(signs, ink).features
    for name, other in (("most", votes >= 2), ("all", votes == 3), ("any", votes > 0), ("su", signs.others["su"].astype(bool))):
        said = dict(zip(TRUTHS, judged(ink, other), strict=True))
        assert found[f"{name}_far"] == pytest.approx(said["junk"])
        assert found[f"{name}_lost"] == pytest.approx(said["missed"])
        assert found[f"{name}_weight"] == pytest.approx(said["weight"])


def test_f_measures_are_in_order_whichever_method_they_are_of(page: tuple[Signs, np.ndarray]) -> None:
    signs, ink = page
    others = [signs.others[name].astype(bool) for name in OTHERS]
    plain = sorted((2 * (ink & other).sum() / (ink.sum() + other.sum()) for other in others), reverse=True)
    found = measure(signs, ink).features
    assert [found[f"f_{name}"] for name in ("best", "middle", "worst")] == pytest.approx(plain)
    assert found["f_over"] == pytest.approx(np.mean(plain) - np.mean(list(signs.others_agree.values())))
    assert found["near_recall_best"] == max(found[f"{name}_near_recall"] for name in OTHERS)


def test_pieces_of_two_depths_are_parted() -> None:
    grey, ink = np.full((200, 300), 230, np.uint8), np.zeros((200, 300), bool)
    for number, left in enumerate(range(20, 280, 20)):
        grey[40:160, left : left + 5] = 60 if number % 2 else 150
        ink[40:160, left : left + 5] = True
    found = measure(Signs(grey), ink).features
    assert found["depths_parted"] > 0.99
    assert found["paler_area"] == pytest.approx(7 / 13)
    assert 0.3 < found["paler_depth"] < 0.6
    dark_only = ink.copy()
    dark_only[:, [left + x for left in range(20, 280, 40) for x in range(5)]] = False
    assert measure(Signs(grey), dark_only).features["paler_depth"] > 0.95


def test_an_ink_too_thick_has_the_steepest_slope_inside() -> None:
    import cv2

    grey, truth = text_page(5, (240, 331))
    grown = cv2.dilate(truth.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)
    inside = [measure(Signs(grey), ink).features["slope_within"] for ink in (truth, grown)]
    assert inside[1] > 2 * inside[0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (2, 9), (30, 1), (33, 64), (40, 71), (5, 8)])
@pytest.mark.parametrize("reach", [1, 3, 7])
def test_packed_pixels_grow_as_opencv_dilates(shape: tuple[int, int], reach: int) -> None:
    import cv2

    bits = (np.random.default_rng(shape[1]).random(shape) < 0.03).astype(np.uint8)
    bits[0, 0] = 1
    words, count = grown(packed(bits), reach, shape[1])
    wanted = np.asarray(cv2.dilate(bits, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))).reshape(shape)
    np.testing.assert_array_equal(np.unpackbits(words, axis=1, count=shape[1]), wanted)
    assert count == wanted.sum()
