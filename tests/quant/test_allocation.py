"""Integer programming finds the assignment that trying all of them finds."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from docbin.errors import UsageError
from docbin.quant.allocation import Allocation, Option, allocate, allocate_by_trying_all


@pytest.mark.parametrize("seed", range(6))
def test_the_best_assignment_is_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    unit = 10.0 ** random.integers(-6, 6)  # of the loss: what comes out must not depend on it
    options = [[Option(*(float(x) for x in random.random(2) * (1, unit))) for _ in range(random.integers(1, 5))] for _ in range(6)]
    least, most = (sum(pick(one.cost for one in row) for row in options) for pick in (min, max))
    for bound in (least, 0.7 * least + 0.3 * most, most):
        best, wanted = allocate(options, bound), allocate_by_trying_all(options, bound)
        assert best.chosen == wanted.chosen
        assert best.cost == pytest.approx(wanted.cost)
        assert best.loss == pytest.approx(wanted.loss)
        assert best.cost <= bound * (1 + 1e-9)


def test_a_dear_option_is_taken_where_it_is_worth_most() -> None:
    options = [[Option(1, 0), Option(3, -5)], [Option(1, 0), Option(3, -9)], [Option(1, 0), Option(2, 1)]]
    assert allocate(options, 5) == Allocation((0, 1, 0), 5, -9)
    assert allocate(options, 7) == Allocation((1, 1, 0), 7, -14)


def test_what_cannot_be_met_is_refused_with_what_could() -> None:
    with pytest.raises(UsageError, match="cheapest options together cost 4"):
        allocate([[Option(1, 0)], [Option(3, 0), Option(4, -1)]], 3.5)
    with pytest.raises(UsageError, match="at least one option"):
        allocate([[Option(1, 0)], []], 3)
    with pytest.raises(UsageError, match="finite"):
        allocate([[Option(1, float("nan"))]], 3)
