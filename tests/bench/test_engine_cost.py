"""The cost model counts what the engine does, is positive and adds up; and finds the units it is made of."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from docbin import kernels
from docbin.bench import engine_cost
from docbin.bench.engine_cost import FEATURES, PROBES, EngineCost, Work, added, cells, probe_graph, work
from docbin.errors import UsageError

UNITS = {op: {name: 10.0 ** -(3 + at) * (7 + len(op)) for at, name in enumerate(names)} for op, names in FEATURES.items()}


def test_a_taps_words_are_what_the_engine_plans() -> None:
    assert added(9, 0) == (4, 16, 1)  # nine taps are four words and a sum, in a run of 16
    assert added(576, 0) == (288, 288, 5)  # four runs of 64 and one of 32
    assert added(0, 288) == (192, 192, 3)  # 96 times three pairs, two words each
    assert added(0, 4) == (3, 32 + 16, 2)  # three pairs, and one that goes as two single taps beside the count's lowest digit
    # A second threshold costs a third more, a third one three quarters more than that.
    one, two, three = (added(singles, pairs).table for singles, pairs in ((576, 0), (0, 576), (576, 576)))
    assert two / one == pytest.approx(4 / 3, rel=0.01)
    assert three / two == pytest.approx(7 / 4, rel=0.01)


def test_cells_count_padding_and_spare_bits() -> None:
    assert cells((64, 1024), 0, deepest=4) == 64 * 1088 / (64 * 1024)  # a word more for what a filter reaches sideways
    assert cells((64, 1000), 1, deepest=4) == 32 * 512 / (64 * 1000)
    assert cells((50, 1000), 0, deepest=4) == 64 * 1024 / (50 * 1000)


def test_times_are_positive_and_add_up() -> None:
    cost = EngineCost(UNITS, "", 0.0)
    for probe in PROBES:
        parts = work(probe_graph(probe), (384, 2480))
        assert [one.op for one in parts] == ["depth", "codes", "conv", "pool", "conv", "upsample", "head", "edge"]
        each = [cost.of(one) for one in parts]
        assert min(each) > 0
        assert cost.page(parts) == pytest.approx(sum(each))
        assert sum(cost.by_op(parts).values()) == pytest.approx(sum(each))
    conv = Work("", "conv", (3.0, 1.0, 2.0, 5.0))
    twice = Work("", "conv", (6.0, 2.0, 4.0, 10.0))
    assert cost.of(twice) == pytest.approx(2 * cost.of(conv))


def test_the_fit_finds_the_units_again() -> None:
    cost = EngineCost(UNITS, "", 0.0)
    rows = [(parts := work(probe_graph(probe), (384, 2480)), cost.by_op(parts)) for probe in PROBES]
    for op, units in engine_cost.fit(rows).units.items():
        for parts, wanted in rows:
            said = sum(units[name] * one.amounts[at] for one in parts if one.op == op for at, name in enumerate(FEATURES[op]))
            assert said == pytest.approx(wanted.get(op, 0.0), rel=1e-6)


@pytest.mark.skipif(kernels.active() == "numpy", reason="this install has no compiled kernels")
def test_measured_units_are_positive_and_say_about_what_a_page_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_cost, "PAGE", (256, 512))
    cost = engine_cost.measure(repeats=1, size=(128, 640))
    assert cost.level == kernels.active()
    assert all(value >= 0 for units in cost.units.values() for value in units.values())
    assert all(sum(units.values()) > 0 for op, units in cost.units.items() if FEATURES[op])
    rows = engine_cost.check(cost, {"a probe": probe_graph(PROBES[2], seed=1)}, repeats=1, size=(128, 640))
    assert [row["op"] for row in rows] == ["depth", "codes", "conv", "pool", "upsample", "head", "edge", "page"]
    whole = rows[-1]
    assert whole["modelled"] == pytest.approx(sum(row["modelled"] for row in rows[:-1]))
    assert 0.2 < whole["modelled"] / whole["measured"] < 5  # of one run on a machine that does other things


def test_what_the_model_does_not_know_is_refused() -> None:
    with kernels.use("numpy"), pytest.raises(UsageError, match="compiler"):
        engine_cost.measure()
    with pytest.raises(UsageError, match="repeats=0"):
        engine_cost.least_of([], (128, 128), 0)
    graph = probe_graph(PROBES[0])
    graph.nodes[1].tensors["masks"] = np.zeros_like(graph.nodes[1].tensors["weights"])
    with pytest.raises(UsageError, match="zero weights"):
        work(graph)
