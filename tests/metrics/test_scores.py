"""Scores against hand-written masks, identities, empty pages, and the contest tool's own numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import docbin
from docbin import kernels, metrics
from docbin.benchmarks.ink_truth import truth_mask
from docbin.metrics import Scores, mean, score
from docbin.page import Mask


def mask(*rows: str) -> Mask:
    return np.array([[letter == "#" for letter in row] for row in rows])


TRUTH = mask(".....", ".###.", ".###.", ".....", ".....")
PREDICTION = mask(".....", ".##..", ".###.", "..#..", ".....")


@pytest.fixture(params=["numpy", "best"])
def level(request: pytest.FixtureRequest) -> str:
    return "numpy" if request.param == "numpy" else kernels.levels()[-1]


def test_a_hand_written_page(level: str) -> None:
    with kernels.use(level):
        found = score(PREDICTION, TRUTH)
    assert found.precision == pytest.approx(100 * 5 / 6)  # of 6 predicted 5 are right
    assert found.recall == pytest.approx(100 * 5 / 6)
    assert found.fm == pytest.approx(100 * 5 / 6)
    assert found.psnr == pytest.approx(10 * math.log10(25 / 2))
    assert found.nrm == pytest.approx((1 / 6 + 1 / 19) / 2)
    # every ink pixel of this truth is contour: the missed pixel lies on it, the false one next to it
    ink = [(y, x) for y, x in np.argwhere(TRUTH)]
    everywhere = sum(min(math.hypot(y - v, x - u) for v, u in ink) for y in range(5) for x in range(5))
    assert found.mpm == pytest.approx((0 + 1) / (2 * everywhere), rel=1e-5)
    # the skeleton of a 2 x 3 block is one row of it
    assert found.pfm2010 > found.fm


def test_drd_by_hand() -> None:
    """One false pixel next to the corner of a block: its neighbours that are paper cost their share, the ink ones nothing."""
    truth = np.zeros((16, 16), bool)
    truth[4:12, 4:12] = True
    prediction = truth.copy()
    prediction[3, 3] = True
    weights = {(dy, dx): 1 / math.hypot(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if dy or dx}
    paper = sum(weight for (dy, dx), weight in weights.items() if not truth[3 + dy, 3 + dx])
    assert score(prediction, truth).drd == pytest.approx(paper / sum(weights.values()) / 4)  # all four 8 x 8 blocks hold both


def test_drd_counts_whole_blocks_only() -> None:
    truth = np.zeros((15, 15), bool)
    truth[4, 4] = truth[14, 14] = True  # the second lies in no whole block
    prediction = truth.copy()
    prediction[4, 5] = True  # all its neighbours but one are paper
    total = sum(1 / math.hypot(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if dy or dx)
    assert score(prediction, truth).drd == pytest.approx(1 - 1 / total)
    prediction = truth.copy()
    prediction[4, 4] = False  # a lost speck: its neighbours agree that there is paper
    assert score(prediction, truth).drd == 0


@pytest.mark.parametrize("truth", [TRUTH, np.zeros((5, 7), bool), np.ones((9, 8), bool), np.ones((1, 1), bool)])
def test_a_perfect_prediction(truth: Mask, level: str) -> None:
    with kernels.use(level):
        found = score(truth.copy(), truth)
    hundred = (found.fm, found.pfm, found.precision, found.recall, found.pprecision, found.precall, found.pfm2010)
    assert hundred == (100.0,) * 7
    assert (found.drd, found.nrm, found.mpm) == (0.0, 0.0, 0.0)
    assert found.psnr == math.inf
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["psnr"] is None


def test_swapping_prediction_and_truth_swaps_precision_and_recall() -> None:
    random = np.random.default_rng(1)
    one, other = random.random((40, 50)) < 0.3, random.random((40, 50)) < 0.4
    there, back = score(one, other), score(other, one)
    assert there.precision == back.recall
    assert there.recall == back.precision
    assert there.fm == pytest.approx(back.fm)
    assert there.psnr == back.psnr


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (16, 17)])
def test_empty_truth_and_empty_prediction_have_an_answer(size: tuple[int, int], level: str) -> None:
    empty, full = np.zeros(size, bool), np.ones(size, bool)
    with kernels.use(level):
        for prediction, truth in ((full, empty), (empty, full)):
            found = score(prediction, truth)
            assert (found.fm, found.pfm, found.precision, found.recall, found.pfm2010) == (0.0,) * 5
            assert found.psnr == 0.0
            assert found.nrm == 0.5
            assert all(math.isfinite(value) for value in found.as_dict().values() if value is not None)


def test_unequal_sizes_name_both() -> None:
    with pytest.raises(ValueError, match="prediction is 7 x 5 pixels, truth is 5 x 7"):
        score(np.zeros((5, 7), bool), np.zeros((7, 5), bool))


def test_other_arrays_are_refused() -> None:
    with pytest.raises(TypeError, match="prediction: a bool array is wanted"):
        score(np.zeros((5, 7), np.uint8), np.zeros((5, 7), bool))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="truth: shape"):
        score(np.zeros((5, 7), bool), np.zeros((5, 7, 1), bool))


def test_without_the_weights_the_rest_is_the_same() -> None:
    fast, full = score(PREDICTION, TRUTH, pseudo=False), score(PREDICTION, TRUTH)
    assert math.isnan(fast.pfm)
    assert fast.as_dict()["pfm"] is None
    assert (fast.fm, fast.psnr, fast.drd, fast.nrm, fast.mpm) == (full.fm, full.psnr, full.drd, full.nrm, full.mpm)


def test_the_mean_is_over_pages() -> None:
    one, other = score(PREDICTION, TRUTH), score(TRUTH, TRUTH)
    both = mean([one, other])
    assert both.fm == pytest.approx((one.fm + 100) / 2)
    assert both.psnr == math.inf
    with pytest.raises(ValueError, match="no pages"):
        mean([])


def test_the_public_function_takes_views_of_any_order() -> None:
    random = np.random.default_rng(2)
    prediction, truth = random.random((2, 31, 43)) < 0.3
    assert isinstance(docbin.score(prediction, truth), Scores)
    turned = score(np.asfortranarray(prediction[::-1, ::2]), truth[::-1, ::2])
    assert turned == score(np.ascontiguousarray(prediction[::-1, ::2]), np.ascontiguousarray(truth[::-1, ::2]))


@pytest.mark.data
def test_the_contest_tools_numbers_to_their_last_digit(oracle: Path, level: str) -> None:
    truth = truth_mask(oracle / "page" / "2JohnC1V3-GroundTruth.pbm")
    prediction = truth_mask(oracle / "page" / "2JohnC1V3-Sauvola.pbm")
    with kernels.use(level):
        found = metrics.score(prediction, truth)
    assert found.precision == pytest.approx(95.1025, abs=6e-5)
    assert found.recall == pytest.approx(91.3811, abs=6e-5)
    assert found.fm == pytest.approx(93.204, abs=1e-3)
    assert found.pprecision == pytest.approx(93.9983, abs=6e-5)
    assert found.precall == pytest.approx(92.7954, abs=6e-5)
    assert found.pfm == pytest.approx(93.393, abs=6e-4)
    assert found.psnr == pytest.approx(16.329, abs=6e-4)
    assert found.drd == pytest.approx(1.9519, abs=6e-5)
    assert found.nrm == pytest.approx(0.048, abs=6e-4)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("year", "old", "tolerance"), [(2011, 85.96, 0.3), (2014, 95.69, 0.3), (2016, 89.92, 0.3)])
def test_the_older_pseudo_fm_comes_near_the_published_one(benchmark_pages: Path, year: int, old: float, tolerance: float) -> None:
    """Published with another thinning, so near is all that can be asked: it is far from the newer measure."""
    import cv2

    from docbin import benchmarks
    from docbin.page import to_grey

    found = []
    for pair in benchmarks.load(f"dibco{year}").pairs(benchmark_pages.parent):
        grey = to_grey(benchmarks.read_picture(pair.image_path))
        threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
        found.append(score(grey <= threshold, truth_mask(pair.truth_path), distances=False))
    assert mean(found).pfm2010 == pytest.approx(old, abs=tolerance)
