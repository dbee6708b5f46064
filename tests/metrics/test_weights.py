"""Weights of pseudo-recall and pseudo-precision: the contest program's files, the kernel against its twin, the twin against plain search."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docbin import kernels
from docbin.benchmarks.ink_truth import truth_mask
from docbin.kernels import metrics as kernel
from docbin.kernels import reference_metrics, reference_weights
from docbin.metrics import weights
from docbin.page import Mask

compiled = pytest.mark.skipif(len(kernels.levels()) == 1, reason="this install has no compiled kernels")


def scribble(seed: int, height: int, width: int) -> Mask:
    """Strokes, blobs, holes, specks or noise, by seed."""
    import cv2

    random = np.random.default_rng(seed)
    kind = seed % 4
    if kind == 0:
        return np.asarray(random.random((height, width)) < random.random())
    if kind == 1:
        smooth = cv2.GaussianBlur(random.random((height, width)).astype(np.float32), (0, 0), float(random.uniform(1, 4)))
        return np.asarray(smooth > np.quantile(smooth, random.uniform(0.3, 0.95)))
    page = np.zeros((height, width), np.uint8)
    for _ in range(random.integers(1, 12)):
        ends = [(int(random.integers(-5, width + 5)), int(random.integers(-5, height + 5))) for _ in range(2)]
        thick = int(random.integers(1, 9))
        if kind == 2:
            cv2.line(page, ends[0], ends[1], 1, thick)
        else:
            cv2.circle(page, ends[0], int(random.integers(1, 14)), 1, thick if thick < 5 else -1)
    return page.astype(bool)


FIELDS = ("depth", "depth_scale", "gap", "gap_scale", "skeleton")


def assert_same(truth: Mask) -> None:
    fast, slow = kernel.weight_parts(truth), reference_weights.weight_parts(truth)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(fast, field), getattr(slow, field), err_msg=field)


@compiled
@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("seed", range(32))
def test_the_kernel_is_its_twin(seed: int, threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCBIN_THREADS", threads)
    random = np.random.default_rng(1000 + seed)
    height, width = (int(side) for side in random.integers(1, 200, 2))
    assert_same(scribble(seed, height, width))


@compiled
@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 140), st.integers(0, 2**20))
def test_the_kernel_is_its_twin_at_any_size(height: int, width: int, seed: int) -> None:
    assert_same(scribble(seed, height, width))


@compiled
@pytest.mark.parametrize("seed", range(24))
def test_counts_and_weighted_sums_are_equal_integers(seed: int) -> None:
    random = np.random.default_rng(seed)
    height, width = (int(side) for side in random.integers(1, 150, 2))
    truth = scribble(seed, height, width)
    prediction = truth ^ (random.random((height, width)) < 0.1)
    assert kernel.counts(prediction, truth) == reference_metrics.counts(prediction, truth)
    assert kernel.pseudo_counts(prediction, truth) == reference_metrics.pseudo_counts(prediction, truth)


@compiled
@pytest.mark.parametrize("level", kernels.levels()[1:])
def test_every_level_finds_the_same_weights(level: str) -> None:
    """Over widths about the ends of words and vectors, with skeletons and gaps that take many rounds."""
    for seed, (height, width) in enumerate([(90, 1), (1, 90), (37, 63), (64, 64), (70, 129), (45, 511), (150, 513), (30, 4200)]):
        truth = scribble(seed, height, width)
        with kernels.use("scalar"):
            expected = kernel.weight_parts(truth)
        with kernels.use(level):
            found = kernel.weight_parts(truth)
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(found, field), getattr(expected, field), err_msg=f"{field}, {height} x {width}")


@compiled
def test_more_components_than_labels_of_16_bits() -> None:
    """Specks are alike wherever they are, so a page of too many has the weights of a page that ends earlier, away from the end."""
    many = np.zeros((514, 516), bool)
    many[::2, ::2] = True  # 66306 components
    among_many, among_few = kernel.weight_parts(many), kernel.weight_parts(many[:400])
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(among_many, field)[:390], getattr(among_few, field)[:390], err_msg=field)


@compiled
@pytest.mark.parametrize("seed", range(12))
def test_a_few_false_pixels_weigh_what_they_weigh_among_all(seed: int) -> None:
    """The paper's weights are worked out about false ink alone; on all of the paper they are those of `weights`."""
    random = np.random.default_rng(seed)
    truth = scribble(seed, 120, 170)
    prediction = truth | (random.random(truth.shape) < random.choice([0.0005, 0.01, 0.3]))
    _, precision = weights(truth)
    false = prediction & ~truth
    *_, right, total, _, _ = kernel.pseudo_counts(prediction, truth)
    assert right == reference_metrics.SCALE * int(truth.sum())
    assert total / reference_metrics.SCALE == pytest.approx(prediction.sum() + precision[false].sum(), abs=1e-9 * truth.size)


@compiled
@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["dibco2009", "dibco2016", "phibd2012"])
def test_the_kernel_is_its_twin_on_real_truths(benchmark_pages: Path, name: str) -> None:
    for path in sorted((benchmark_pages / name / "gt").iterdir())[:3]:
        assert_same(truth_mask(path)[:700, :1100])


@pytest.mark.data
@pytest.mark.parametrize("level", ["numpy", "best"])
def test_the_contest_programs_weight_files_to_their_last_digit(oracle: Path, level: str) -> None:
    stem = oracle / "page" / "2JohnC1V3-GroundTruth"
    truth = truth_mask(stem.with_suffix(".pbm"))
    with kernels.use("numpy" if level == "numpy" else kernels.levels()[-1]):
        maps = weights(truth)
    for ours, letter in zip(maps, "RP", strict=True):
        with gzip.open(f"{stem}_{letter}Weights.dat.gz", "rt") as file:
            theirs = np.array(file.read().split(), float).reshape(truth.shape)
        assert np.abs(ours - theirs).max() <= 5.1e-7  # six digits are printed


def test_the_nearest_sets_are_those_of_a_plain_search() -> None:
    """The two ways to carry a maximum along "looks at" against looking everywhere, component boxes included."""
    for seed in range(12):
        features = scribble(seed + 2, 23, 31) & (np.random.default_rng(seed).random((23, 31)) < 0.2)
        domain = scribble(seed, 23, 31)
        found = reference_weights.components(domain)
        looks = reference_weights.Nearest(features, reference_weights.chessboard(features), domain, found)
        values = np.where(features, np.random.default_rng(seed).integers(0, 99, features.shape), -1).astype(np.int32)
        keys = np.arange(features.size, dtype=np.int64).reshape(features.shape)
        outwards, inwards = np.full(features.shape, -1), np.full(features.shape, -1)
        for y, x in np.argwhere(domain):
            top, left, bottom, right = found.boxes[found.labels[y, x]]
            inside = [(int(v), int(u)) for v, u in np.argwhere(features) if top <= v <= bottom and left <= u <= right]
            distance = {at: max(abs(at[0] - y), abs(at[1] - x)) for at in inside}
            for at in (at for at in inside if distance[at] == min(distance.values())):
                outwards[y, x] = max(outwards[y, x], values[at])
                inwards[at] = max(inwards[at], keys[y, x])
        np.testing.assert_array_equal(np.where(domain, looks.outwards(values), -1), outwards)
        np.testing.assert_array_equal(np.where(features, looks.inwards(keys), -1), inwards)


def test_thinning_keeps_components_and_holes_and_leaves_lines_alone() -> None:
    line = np.zeros((7, 20), bool)
    line[3, 2:18] = True
    np.testing.assert_array_equal(reference_weights.thin(line), line)
    for seed in (1, 2, 3, 5, 6, 7):
        ink = scribble(seed, 60, 80)
        skeleton = reference_weights.thin(ink)
        assert not np.any(skeleton & ~ink)
        count = len(reference_weights.components(ink).boxes) - 1
        survivors = np.unique(reference_weights.components(ink).labels[skeleton])
        assert len(reference_weights.components(skeleton).boxes) - 1 == len(survivors) <= count


def test_weights_of_a_bar_by_hand() -> None:
    """A bar of five rows: the depth across is 0, 1, 2 (+ 1 on the crest), 1, 0; all of the stroke shares one normaliser away from its ends."""
    truth = np.zeros((25, 60), bool)
    truth[10:15, 10:50] = True
    recall, precision = weights(truth)
    column = recall[10:15, 30]
    assert column[0] == column[4] == 0
    assert column[1] == column[3] > 0
    assert column[2] > column[1]
    assert not recall[~truth].any()
    assert not precision[truth].any()
    above = precision[:10, 30][::-1]  # from the bar outwards: rising to 1, then nothing
    reach = int(np.count_nonzero(above))
    assert reach > 0
    np.testing.assert_allclose(above[:reach], np.arange(1, reach + 1) / reach)


def test_false_ink_between_two_close_strokes_costs_more_than_beside_them() -> None:
    truth = np.zeros((30, 80), bool)
    truth[10:14, 10:70] = truth[17:21, 10:70] = True  # a gap of three rows, narrower than the strokes' reach
    _, precision = weights(truth)
    assert precision[14, 40] > precision[9, 40] > 0  # both touch the upper stroke
    assert precision[15, 40] > precision[8, 40]
    assert precision.max() <= 2


def test_the_twin_alone_counts_as_the_plain_definition() -> None:
    random = np.random.default_rng(4)
    prediction, truth = random.random((2, 21, 34)) < 0.4
    right, false, missed, *_ = reference_metrics.counts(prediction, truth)
    assert right == sum(bool(p and t) for p, t in zip(prediction.flat, truth.flat, strict=True))
    assert false == sum(bool(p and not t) for p, t in zip(prediction.flat, truth.flat, strict=True))
    assert missed == sum(bool(t and not p) for p, t in zip(prediction.flat, truth.flat, strict=True))
