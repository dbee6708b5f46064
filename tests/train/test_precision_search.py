"""Sensitivities of a tiny network, and the precision that integer programming gives it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from docbin import engine, export  # noqa: E402
from docbin.bench.engine_cost import FEATURES, EngineCost  # noqa: E402
from docbin.errors import UsageError  # noqa: E402
from docbin.nets.bitunet import BitUNet, _Levels, offsets  # noqa: E402
from docbin.nets.bitunet_config import BitUNetConfig  # noqa: E402
from docbin.quant.allocation import allocate_by_trying_all  # noqa: E402
from docbin.train import precision_search as search  # noqa: E402
from docbin.train.bitunet_work import work_of  # noqa: E402

SMALL = BitUNetConfig(
    windows=(3, 5, 7),
    filters=(32, 64),
    decoder_filters=(64,),
    narrow=(32,),
    encoder_convs=(1, 2),
    decoder_convs=(1,),
    planes=2,
    edge=4,
)
COST = EngineCost({op: dict.fromkeys(names, 1e-3) for op, names in FEATURES.items()}, "", 0.0)
CROPS = [
    (image, (image[:, :1] < 0.4).float())
    for seed in range(2)
    for image in [torch.rand(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))]
]


@pytest.fixture(scope="module")
def net() -> BitUNet:
    """A network with the looks of a trained one: norms with statistics, factors and biases of their own."""
    torch.manual_seed(0)
    made = BitUNet(SMALL)
    with torch.no_grad():
        for block in made.blocks:
            block.norm.weight.uniform_(0.5, 1.5)
            block.norm.bias.normal_(std=0.3)
        for image, _ in 4 * CROPS:
            made(image)
    return made


def test_maps_that_are_read_side_by_side_are_one_group() -> None:
    found = search.groups(SMALL)
    assert [(group.name, group.choices) for group in found] == [
        ("encoder.0.0 + narrow.0", (2, 4)),  # of 32 filters, one bit each fills no word
        ("encoder.1.0", (1, 2, 3, 4)),
        ("encoder.1.1", (1, 2, 3, 4)),
        ("decoder.0.0", (1, 2, 3, 4)),
        ("head", (1, 2)),
    ]
    assert all(group.now == 2 for group in found)
    variant = search.changed_config(SMALL, {found[0]: 4, found[2]: 1, found[-1]: 1})
    assert variant.layer_thresholds == (4, 2, 1, 4, 2)
    assert variant.planes == 1
    with pytest.raises(UsageError, match="up to 9 thresholds"):
        search.groups(SMALL, 9)


def test_measured_rows_are_what_a_changed_network_loses_and_leave_it_as_it_was(net: BitUNet) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found, rows = search.sensitivities(net, CROPS, COST, probes=2, most=3)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.requires_grad for name, parameter in net.named_parameters() if not name.startswith("stem."))
    assert [(row.group, row.thresholds) for row in rows] == [(g.name, count) for g in found for count in g.choices if count != g.now]
    for row in rows:
        assert (row.cost > 0) == (row.thresholds > 2)
        if row.group == "head":
            assert row.predicted is None
            continue
        assert row.trace is not None
        assert row.trace.mean > 0
        assert row.predicted is not None
        assert (row.predicted < 0) == (row.thresholds > 2)  # finer levels round less
    # One of them again, by a network that is built with the thresholds.
    group = found[1]
    other = BitUNet(search.changed_config(SMALL, {group: 3}))
    other.load_state_dict(net.state_dict())
    with search.measuring(net, True), search.measuring(other, True):
        wanted = search.losses(other, CROPS)[0] - search.losses(net, CROPS)[0]
    assert next(row for row in rows if (row.group, row.thresholds) == (group.name, 3)).measured == pytest.approx(wanted, abs=1e-7)
    base = COST.page(work_of(SMALL))
    assert next(row for row in rows if (row.group, row.thresholds) == (group.name, 3)).cost == pytest.approx(
        COST.page(work_of(other.config)) - base
    )


def test_squared_errors_are_those_of_the_levels_that_the_network_takes(net: BitUNet) -> None:
    seen: list[torch.Tensor] = []
    handle = net.blocks[1].norm.register_forward_hook(lambda module, given, made: seen.append(made.clone()))
    found = search.squared_errors(net, CROPS[:1], 4)
    handle.remove()
    for count in (1, 2, 3, 4):
        levels = _Levels.apply(seen[0], offsets(count))
        assert found[1][count - 1] == pytest.approx(float((levels - seen[0].clamp(-1, 1)).square().mean()), rel=1e-4)


def test_the_choice_is_the_best_of_all_and_can_be_packed(net: BitUNet) -> None:
    found, rows = search.sensitivities(net, CROPS[:1], COST, probes=1, most=3)
    for by in ("measured", "predicted"):
        for more in (-0.05, 0.0, 0.2):
            changes, variant, best = search.choose(SMALL, found, rows, more, by)
            wanted = allocate_by_trying_all(search.options(found, rows, by), more)
            assert best.loss == pytest.approx(wanted.loss)
            assert best.cost <= more + 1e-9
            assert all(count != group.now for group, count in changes.items())
    _, variant, _ = search.choose(SMALL, found, rows, -0.05)
    graph = engine.loads(export.to_packed(net.eval()))
    changed = engine.loads(export.to_packed(search.unpacked(graph, variant)))
    assert [node.tensors["limit"].shape[0] for node in changed.nodes if node.op == "conv"] == list(variant.thresholds_of)
    assert changed.nodes[changed.head].tensors["scale"].shape[0] == variant.planes
    table = search.show(found, rows, {"cheaper": {}})
    assert table.count("\n") == 1 + len(rows) + len(found)
    assert table.count("| x |") == len(found)
    with pytest.raises(UsageError, match="'measured' or 'predicted'"):
        search.options(found, rows, "guessed")
    with pytest.raises(UsageError, match="train them"):
        search.unpacked(graph, search.changed_config(SMALL, {search.Group("head", (), 2, (1, 2)): 3}))


@pytest.mark.slow
@pytest.mark.data
def test_the_program_searches_a_shipped_network(
    benchmark_pages: Path,
    tmp_path: Path,
    load_script: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = load_script("search_precision")
    monkeypatch.setattr(program.engine_cost, "measure", lambda: COST)
    monkeypatch.setattr(program.engine_cost, "check", lambda cost, graphs: [])
    out = tmp_path / "precision.json"
    few = ["--crops", "1", "--probes", "1", "--most", "2", "--times", "1.0", "0.5", "--out", str(out)]
    assert program.main(["bitunet-fast", "--data-root", str(benchmark_pages), *few]) == 0
    kept = json.loads(out.read_text(encoding="utf-8"))
    assert {row["thresholds"] for row in kept["rows"]} == {1}
    assert [one["by"] for one in kept["allocations"]] == ["measured", "predicted"]  # half the time is out of reach, and said so
    said = capsys.readouterr()
    assert "cannot be met" in said.err
    assert said.out.count("| measured |") == 2
    assert program.main(["unet", "--data-root", str(benchmark_pages)]) == 1
    assert "a packed bitunet is wanted" in capsys.readouterr().err
