"""``docbin bench kernels`` measures what it says, on a tiny shape."""

from __future__ import annotations

import pytest

from docbin import kernels
from docbin.bench import kernels as bench
from docbin.errors import UsageError


def test_a_row_a_level_with_numbers_that_belong_together() -> None:
    levels = [level for level in kernels.levels() if level != "numpy"]
    if not levels:
        pytest.skip("no compiled core")
    rows = bench.run(repeats=2, shapes=[(64, 128, 24)])
    assert [row["level"] for row in rows] == levels
    for row in rows:
        assert row["gmacs"] == pytest.approx(9 * 64 * 128 * 24 * 24 / row["ms"] / 1e6)
        assert 0 < row["times"] == pytest.approx(row["gmacs"] / row["limit"])
    counting = {row["level"]: row["counts_by"] for row in rows}
    assert counting["scalar"] == "popcnt"
    assert counting.get("avx2", "vpshufb") == "vpshufb"
    assert counting.get("avx512") == counting.get("avx512vnni")  # what the CPU has, at either level
    assert bench.show(rows).count("\n") == len(rows) + 1


def test_numpy_is_refused() -> None:
    with pytest.raises(UsageError, match="no compiled convolution"):
        bench.run(levels=["numpy"])
