"""How the verdict is fitted: what is held out with what, what counts how much, and which results a page gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import docbin
from docbin.assessment import Signs, foretold
from docbin.assessment.features import NAMES
from docbin.train import fit_verdict
from docbin.train.verdict_cases import SPOILED_A_PART, TRUTHS, Cases, gather, judged, measure_parts, pale_writing, results_of
from docbin.train.verdict_pages import Part
from tests.assessment.pages import text_page

ROWS = (
    ("dibco2009/H01", "dibco2009/H01#0", "su"),
    ("dibco2009/H01", "dibco2009/H01#0", "bitunet"),
    ("dibco2009/H01", "dibco2009/H01#4", "bitunet"),
    ("dibco2009/H02", "dibco2009/H02#2", "su+specks-0"),
    ("smadi/1", "smadi/1#0", "truth"),
    ("drawn/0", "drawn/0#0", "bitunet"),
    ("drawn/1", "drawn/1#0", "su"),
)


@pytest.fixture
def cases() -> Cases:
    pages, parts, results = (np.array(column) for column in zip(*ROWS, strict=True))
    truths = np.tile(np.array([95, 0, 0, 0, 0, 0], np.float32), (len(ROWS), 1))
    return Cases(pages, parts, results, np.zeros((len(ROWS), len(NAMES)), np.float32), truths)


def test_a_labelled_set_is_held_out_at_once_and_made_pages_by_page(cases: Cases) -> None:
    folds = fit_verdict.folds_of(cases)
    assert set(folds[:4]) == {"dibco2009"}
    assert folds[4] == "smadi"
    assert set(folds[5:]) <= {str(part) for part in range(fit_verdict.FOLDS)}


def test_networks_count_little_where_they_learned(cases: Cases) -> None:
    weights = dict(zip(ROWS, fit_verdict.weights_of(cases), strict=True))
    su, learned, new, spoiled, unseen, drawn, also_drawn = (weights[row] for row in ROWS)
    assert learned < 0.5 * su
    assert new == 0.5 * su * len(fit_verdict.OTHERS) / fit_verdict.OTHERS_A_PART  # degraded: as new to it as to any method
    assert spoiled < new
    assert unseen < 0.01
    assert drawn == also_drawn < 0.2 * su
    assert list(fit_verdict.good_ones(cases)) == [True, True, True, False, False, True, True]


def test_pages_of_docbins_own_making_count_more_for_pale_writing(cases: Cases) -> None:
    ratio = fit_verdict.weights_of(cases, "pale") / fit_verdict.weights_of(cases)
    assert list(ratio) == [1, 1, 1, 1, 1, fit_verdict.PALE_TIMES, fit_verdict.PALE_TIMES]


def test_a_method_of_few_parts_counts_as_much_in_all_as_one_of_every_part(cases: Cases) -> None:
    plain = fit_verdict.weights_of(cases)[0]
    cases.results[0] = fit_verdict.OTHERS[0]
    assert fit_verdict.weights_of(cases)[0] * fit_verdict.OTHERS_A_PART == pytest.approx(plain * len(fit_verdict.OTHERS))


def test_only_the_model_of_pale_writing_asks_for_it() -> None:
    models, bounds = foretold._models()
    assert set(models) == {"fm", *foretold.FAILURES}
    assert set(bounds) == set(fit_verdict.ALARMS) == set(foretold.FAILURES)
    names = list(NAMES)
    for output, trees in models.items():
        asked = {names[feature] for feature in trees.feature if feature >= 0}
        assert bool(asked & set(fit_verdict.PALE_FEATURES)) == (output == "pale"), output


def test_what_is_missed_and_pale_is_told_apart() -> None:
    grey, truth = text_page(5, (240, 300))
    lower = np.arange(240)[:, None] >= 120
    page = Signs(np.where(lower, 255 - (255 - grey.astype(int)) * 2 // 5, grey).astype(np.uint8))
    pale = pale_writing(page, truth)
    assert (pale & lower).sum() > 0.9 * (truth & lower).sum()
    assert (pale & ~lower).sum() < 0.05 * (truth & ~lower).sum()
    missed = {
        name: dict(zip(TRUTHS, judged(truth & kept, truth, pale), strict=True)) for name, kept in (("lower", ~lower), ("upper", lower))
    }
    assert missed["lower"]["pale"] == pytest.approx(missed["lower"]["missed"], rel=0.1)
    assert missed["upper"]["pale"] < 0.1 * missed["upper"]["missed"]


def test_a_weighted_quantile_of_equal_weights_is_an_order_statistic() -> None:
    values = np.random.default_rng(0).permutation(100).astype(float)
    assert fit_verdict.weighted_quantile(values, np.ones(100), 0.95) == 94
    assert fit_verdict.weighted_quantile(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 98.0]), 0.5) == 3.0


def test_a_part_gives_the_methods_results_and_spoiled_ones_always_the_same(tmp_path: Path) -> None:
    grey, truth = text_page(3, (160, 240))
    part = Part("dibco2009/H01#0", "dibco2009/H01", grey, truth, {"su": docbin.binarize(grey, "su"), "otsu": docbin.binarize(grey, "otsu")})
    first, again = results_of(part), results_of(part)
    assert list(first)[:3] == ["truth", "su", "otsu"]
    assert len(first) == 3 + SPOILED_A_PART
    assert all(np.array_equal(ink, again[name]) for name, ink in first.items())
    assert judged(first["truth"], truth) == (100.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    (tmp_path / "parts").mkdir()
    packed = {name: np.packbits(mask, axis=1) for name, mask in {"truth": truth, **part.masks}.items()}
    np.savez(tmp_path / "parts" / "dibco2009--H01--0.npz", image=np.stack([grey] * 3, axis=2), **packed)
    measure_parts(tmp_path / "parts", tmp_path / "features")
    table = gather(tmp_path / "features")
    assert table.features.shape == (len(first), len(NAMES))
    assert table.truths.shape == (len(first), len(TRUTHS))
    assert set(table.parts.tolist()) == {part.name}
