"""The engine of ``docbin bench kernels`` measures what it says, on a tiny shape."""

from __future__ import annotations

import pytest

from docbin import kernels
from docbin.bench import kernels as bench


def test_a_row_a_level_with_numbers_that_belong_together() -> None:
    levels = [level for level in kernels.levels() if level != "numpy"]
    if not levels:
        pytest.skip("no compiled core")
    rows = bench.run(repeats=2, shapes=[(64, 64, 24)])
    assert [row["level"] for row in rows] == levels
    for row in rows:
        assert row["gmacs"] == pytest.approx(9 * 64 * 64 * 24 * 24 / row["ms"] / 1e6)
        assert 0 < row["share"] == pytest.approx(row["gmacs"] / row["ceiling"])
    assert bench.show(rows).count("\n") == len(rows) + 1
