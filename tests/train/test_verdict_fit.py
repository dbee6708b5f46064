"""How the verdict is fitted: what is held out with what, what counts how much, and which results a page gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import docbin
from docbin.assessment.features import NAMES
from docbin.train import fit_verdict
from docbin.train.verdict_cases import SPOILED_A_PART, TRUTHS, Cases, gather, judged, measure_parts, results_of
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
    truths = np.tile(np.array([95, 0, 0, 0, 0], np.float32), (len(ROWS), 1))
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
    assert new == 0.5 * su  # degraded, as any method's
    assert spoiled < new
    assert unseen < 0.01
    assert drawn == also_drawn < 0.2 * su
    assert list(fit_verdict.good_ones(cases)) == [True, True, True, False, False, True, True]


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
    assert judged(first["truth"], truth) == (100.0, 0.0, 0.0, 0.0, 0.0)
    (tmp_path / "parts").mkdir()
    packed = {name: np.packbits(mask, axis=1) for name, mask in {"truth": truth, **part.masks}.items()}
    np.savez(tmp_path / "parts" / "dibco2009--H01--0.npz", image=np.stack([grey] * 3, axis=2), **packed)
    measure_parts(tmp_path / "parts", tmp_path / "features")
    table = gather(tmp_path / "features")
    assert table.features.shape == (len(first), len(NAMES))
    assert table.truths.shape == (len(first), len(TRUTHS))
    assert set(table.parts.tolist()) == {part.name}
