"""Boosted trees as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.assessment.trees import FIELDS, Trees, joined


def two_trees() -> Trees:
    """1.5 + (10 where x0 <= 2, else 20 where x1 <= 0, else 30) + 0.25."""
    return Trees(
        np.array([1.5]),
        np.array([0, 5], np.int32),
        np.array([0, -1, 1, -1, -1, -1], np.int16),
        np.array([2, 0, 0, 0, 0, 0], np.float32),
        np.array([1, 0, 3, 0, 0, 0], np.int32),
        np.array([2, 0, 4, 0, 0, 0], np.int32),
        np.array([0, 10, 0, 20, 30, 0.25], np.float32),
    )


@pytest.mark.parametrize(("row", "sum_"), [((2, 5), 11.75), ((2.1, 0), 21.75), ((3, 0.1), 31.75)])
def test_a_row_goes_down_every_tree(row: tuple[float, float], sum_: float) -> None:
    assert two_trees().predict(np.array(row)) == sum_


def test_arrays_and_back() -> None:
    one = Trees(np.array([2.0]), *(np.zeros(1, dtype) for dtype in (np.int32, np.int16, np.float32, np.int32, np.int32, np.float32)))
    one.feature[:] = -1
    again = Trees.all_of(joined({"fm": two_trees(), "none": one, "fm again": two_trees()}))
    assert [trees.predict(np.array([3.0, 1.0])) for trees in again.values()] == [31.75, 2.0, 31.75]
    assert list(again) == ["fm", "none", "fm again"]
    for field in FIELDS:
        have, want = getattr(again["fm again"], field), getattr(two_trees(), field)
        np.testing.assert_array_equal(have, want)
        assert have.dtype == want.dtype


def test_a_fitted_model_says_what_lightgbm_says() -> None:
    pytest.importorskip("lightgbm")
    from docbin.train.fit_verdict import fit_one, trees_of

    rng = np.random.default_rng(0)
    features = rng.random((400, 5)).astype(np.float32)
    truth = (features[:, 0] * 10 + (features[:, 1] > 0.5)).astype(np.float32)
    model = fit_one(features, truth, np.ones(400))
    trees = trees_of(model)
    np.testing.assert_allclose([trees.predict(row) for row in features[:60]], model.predict(features[:60]), atol=1e-4)


def test_the_mean_of_models_says_the_mean() -> None:
    from docbin.train.fit_verdict import mean_of

    first = two_trees()
    second = Trees(np.array([0.5]), *(getattr(first, field) for field in ("roots", "feature", "threshold", "left", "right", "value")))
    both = mean_of([first, second])
    for row in ((2, 5), (2.1, 0), (3, 0.1)):
        assert both.predict(np.array(row)) == (first.predict(np.array(row)) + second.predict(np.array(row))) / 2
