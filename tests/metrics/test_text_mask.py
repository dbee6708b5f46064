"""Scores of text masks: values worked out by hand, and a second implementation that loops over components."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label

from docbin.metrics import text_mask
from docbin.metrics.text_mask import Statistics
from docbin.page import Mask


def mask(shape: tuple[int, int], *boxes: tuple[int, int, int, int]) -> Mask:
    """Boxes (top, left, bottom, right), ends excluded."""
    drawn = np.zeros(shape, np.bool_)
    for top, left, bottom, right in boxes:
        drawn[top:bottom, left:right] = True
    return drawn


def test_counts_and_scores_by_hand() -> None:
    truth = mask((30, 40), (2, 2, 6, 12), (20, 2, 22, 4))  # 40 and 4 pixels
    found = mask((30, 40), (2, 0, 6, 7), (25, 30, 28, 33))  # 20 right and 8 wrong on the first, nothing on the second, 9 astray
    counts = text_mask.statistics(found, truth)
    assert (counts.truths, counts.touched, counts.false) == (2, 1, 1)
    assert (counts.right, counts.missed, counts.wrong) == (20, 24, 17)
    assert (counts.accuracy, counts.coverage) == (pytest.approx(20 / 28), pytest.approx(1 / 2))
    scores = counts.scores()
    assert scores.pixel_precision == pytest.approx(100 * 20 / 37)
    assert scores.pixel_recall == pytest.approx(100 * 20 / 44)
    assert scores.pixel_f1 == pytest.approx(100 * 40 / 81)
    assert (scores.quantity_precision, scores.quantity_recall) == (50, 50)
    precision, recall = 0.5 * 20 / 28, 0.5 * 0.5
    assert scores.global_precision == pytest.approx(100 * precision)
    assert scores.global_recall == pytest.approx(100 * recall)
    assert scores.global_f1 == pytest.approx(100 * 2 * precision * recall / (precision + recall))


def test_the_relaxed_form_forgives_three_pixels_outside_and_blames_the_fourth() -> None:
    truth = mask((60, 60), (20, 20, 40, 40))
    counts = text_mask.statistics(mask((60, 60), (20, 16, 40, 40)), truth)  # four columns too many
    assert (counts.right, counts.wrong) == (400, 80)
    assert (counts.forgiven, counts.blamed) == (460, 20)
    assert counts.relaxed_accuracy == pytest.approx(460 / 480)
    assert counts.scores().relaxed_pixel_f1 == pytest.approx(100 * 2 * (460 / 480) / (1 + 460 / 480))


def test_the_relaxed_form_does_not_ask_for_the_rim() -> None:
    truth = mask((60, 60), (20, 20, 40, 40))
    inner = mask((60, 60), (23, 23, 37, 37))  # all but three pixels at every side: 196 pixels
    counts = text_mask.statistics(inner, truth)
    assert (counts.right, counts.missed) == (196, 204)
    skeleton_outside = counts.kept + counts.lost - 196
    assert counts.kept == 196
    assert 0 <= skeleton_outside == counts.lost <= 12, "of the rim only the skeleton's ends towards the four corners are asked for"


def test_a_bridge_is_shared_out_between_the_components_it_joins() -> None:
    truth = mask((20, 60), (5, 5, 12, 15), (5, 45, 12, 55))
    found = mask((20, 60), (5, 5, 12, 55))
    counts = text_mask.statistics(found, truth)
    assert (counts.touched, counts.false, counts.right, counts.wrong) == (2, 0, 140, 210)
    assert counts.accuracy == pytest.approx(2 * 70 / 175, abs=0.06), "half of the bridge each, up to a column"


def test_touching_hard_and_easy_lettering_are_two_components() -> None:
    truth = mask((20, 40), (5, 5, 10, 25))
    hard = mask((20, 40), (5, 15, 10, 25))
    found = mask((20, 40), (5, 5, 10, 15))
    assert text_mask.statistics(found, truth).truths == 1
    counts = text_mask.statistics(found, truth, hard)
    assert (counts.truths, counts.touched, counts.right, counts.missed) == (2, 1, 50, 50)
    assert counts.coverage == 1.0


def test_nothing_and_everything() -> None:
    empty, full = mask((9, 9)), mask((9, 9), (2, 2, 6, 6))
    assert text_mask.score(empty, empty).pixel_f1 == text_mask.score(empty, empty).global_f1 == 100
    perfect = text_mask.score(full, full)
    assert (perfect.pixel_f1, perfect.global_f1, perfect.relaxed_pixel_f1, perfect.relaxed_global_f1) == (100, 100, 100, 100)
    for one, other in ((empty, full), (full, empty)):
        assert text_mask.score(one, other).pixel_f1 == text_mask.score(one, other).global_f1 == 0


def test_pages_add_up_as_counts_and_not_as_scores() -> None:
    truth = mask((30, 40), (2, 2, 6, 12))
    pages = [text_mask.statistics(truth, truth), text_mask.statistics(mask((30, 40), (20, 20, 30, 30)), truth)]
    assert text_mask.total(pages).scores().pixel_f1 == pytest.approx(100 * 2 * 40 / (80 + 140))
    assert text_mask.total([]) == Statistics()


def looped(found: Mask, truth: Mask) -> dict[str, float]:
    """The counts where no piece of the prediction touches two components of the truth: component by component, pixel by pixel."""
    truths, pieces = label(truth, connectivity=2), label(found, connectivity=2)
    counts = dict.fromkeys(("truths", "touched", "false", "right", "missed", "wrong", "accuracy", "coverage"), 0.0)
    given: dict[int, set[int]] = {number: set() for number in range(1, truths.max() + 1)}
    for piece in range(1, pieces.max() + 1):
        touched = {int(number) for number in truths[pieces == piece] if number}
        assert len(touched) <= 1
        if touched:
            given[touched.pop()].add(piece)
        else:
            counts["false"] += 1
            counts["wrong"] += int((pieces == piece).sum())
    for number, own in given.items():
        area, all_own = truths == number, np.isin(pieces, list(own))
        right = int((area & all_own).sum())
        counts["truths"] += 1
        counts["right"] += right
        counts["missed"] += int(area.sum()) - right
        if right:
            counts["touched"] += 1
            counts["wrong"] += int(all_own.sum()) - right
            counts["accuracy"] += right / int(all_own.sum())
            counts["coverage"] += right / int(area.sum())
    return counts


@pytest.mark.parametrize("seed", range(6))
def test_a_loop_over_components_counts_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, found = mask((97, 131)), mask((97, 131))
    for top in range(0, 90, 16):
        for left in range(0, 124, 16):  # one letter a cell at most, so that no piece meets two
            for drawn, chance in ((truth, 0.6), (found, 0.6)):
                if rng.random() < chance:
                    y, x, tall, wide = rng.integers((0, 0, 1, 1), (6, 6, 8, 8))
                    drawn[top + y : top + y + tall, left + x : left + x + wide] |= (
                        rng.random(drawn[top + y : top + y + tall, left + x : left + x + wide].shape) < 0.8
                    )
    counts = text_mask.statistics(found, truth)
    expected = looped(found, truth)
    assert {name: getattr(counts, name) for name in expected} == pytest.approx(expected)


def test_sizes_that_differ_are_named() -> None:
    with pytest.raises(ValueError, match="prediction is 8 x 9 pixels, truth is 9 x 9"):
        text_mask.statistics(mask((9, 8)), mask((9, 9)))
