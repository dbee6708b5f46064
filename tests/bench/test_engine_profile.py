"""``docbin bench engine`` takes a page apart into ops that add up to it."""

from __future__ import annotations

import pytest

from docbin import kernels
from docbin.bench import engine_profile
from docbin.bench.networks import packed
from docbin.errors import UsageError


@pytest.mark.skipif(kernels.active() == "numpy", reason="this install has no compiled kernels")
def test_the_ops_of_a_page_add_up_to_it() -> None:
    rows = engine_profile.run([packed("bitunet-fast")], repeats=1, size=(300, 250))
    assert [row["op"] for row in rows] == list(engine_profile.OPS)
    by_op = {row["op"]: row for row in rows}
    whole = by_op.pop("page")
    assert sum(row["ms"] for row in by_op.values()) == pytest.approx(whole["ms"], rel=0.5)  # depth is made a second time for its own row
    assert by_op["conv"]["ms"] == max(by_op[op]["ms"] for op in ("codes", "conv", "pool", "upsample"))
    assert whole["share"] == 1
    assert 0.3 < whole["ghz"] < 10
    assert whole["cycles_pixel"] == pytest.approx(whole["ms"] * 1e6 / (300 * 250) * whole["ghz"])
    assert engine_profile.show(rows).count("\n") == len(rows) + 1


def test_without_a_compiled_engine_there_is_nothing_to_take_apart() -> None:
    with kernels.use("numpy"), pytest.raises(UsageError, match="compiler"):
        engine_profile.run()
