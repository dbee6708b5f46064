"""A packed network taken up for training is the network that was packed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin import engine, export  # noqa: E402
from docbin.errors import UsageError  # noqa: E402
from docbin.nets.bitsauvola import BitSauvola, BitSauvolaConfig  # noqa: E402
from docbin.nets.bitunet import BitUNet  # noqa: E402
from docbin.nets.bitunet_config import BitUNetConfig  # noqa: E402
from docbin.train import checkpoint  # noqa: E402
from docbin.train.unpack import calibrate, is_packed, unpack_bits  # noqa: E402

TRUNK: dict[str, Any] = {
    "windows": (3, 7, 9),
    "filters": (32, 64),
    "decoder_filters": (64,),
    "narrow": (32,),
    "encoder_convs": (1, 1),
    "decoder_convs": (1,),
}
SMALL = BitUNetConfig(**TRUNK, edge=8)
IMAGE = torch.rand(2, 4, 48, 64, generator=torch.Generator().manual_seed(1))


def trained(config: BitUNetConfig) -> BitUNet:
    """A network after a few steps: its norms have statistics and factors of their own."""
    torch.manual_seed(0)
    net = BitUNet(config)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(4):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(net(IMAGE), (IMAGE[:, :1] < 0.4).float()).backward()
        optimizer.step()
    return net.eval()


def test_a_choice_packed_again_is_the_same_file() -> None:
    config = BitSauvolaConfig(**TRUNK, threshold_windows=(3, 5))
    torch.manual_seed(0)
    old, net = BitSauvola(config), BitSauvola(config)
    with torch.no_grad():
        old(IMAGE)
    graph = engine.loads(export.to_packed(old.eval()))
    unpack_bits(net, graph)
    again = engine.loads(export.to_packed(net.eval()))
    assert again.nodes[-1].attributes["sharpness"] == pytest.approx(graph.nodes[-1].attributes["sharpness"], rel=1e-6)
    for name, array in graph.nodes[-2].tensors.items():
        np.testing.assert_allclose(again.nodes[-2].tensors[name], array, rtol=1e-5, err_msg=name)
    with pytest.raises(UsageError, match="threshold_windows"):
        unpack_bits(BitSauvola(replace(config, threshold_windows=(3, 7))), graph)


@pytest.mark.parametrize(
    "config", [SMALL, replace(SMALL, edge=0), replace(SMALL, thresholds=4), replace(SMALL, decoder_convs=(2,), planes=2)]
)
def test_packed_again_it_is_the_same_file(config: BitUNetConfig) -> None:
    data = export.to_packed(trained(config))
    graph, net = engine.loads(data), BitUNet(config)
    unpack_bits(net, graph)
    again = engine.loads(export.to_packed(net.eval()))
    for node, other in zip(graph.nodes, again.nodes, strict=True):
        for name, array in node.tensors.items():
            if array.dtype.kind == "f":
                np.testing.assert_allclose(other.tensors[name], array, rtol=1e-6)
            elif name == "limit" and config.thresholds > 2:  # whole numbers of more than two thresholds need not lie on one line
                assert np.abs(other.tensors[name] - array).max() <= 1
            else:
                np.testing.assert_array_equal(other.tensors[name], array, err_msg=f"{node.op} {name}")


def test_measured_norms_draw_the_same_line_in_training() -> None:
    graph, net = engine.loads(export.to_packed(trained(SMALL))), BitUNet(SMALL)
    unpack_bits(net, graph)
    with torch.no_grad():
        want = net.eval()(IMAGE)
        calibrate(net, [IMAGE])
        assert not net.training
        kept, trained_like = net(IMAGE), net.train()(IMAGE)
    assert ((kept - want).abs() < 1e-3).float().mean() > 0.99
    assert ((trained_like > 0) == (want > 0)).float().mean() > 0.97
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert all(norm.running_var.min() < 0.99 or norm.running_var.max() > 1.01 for norm in norms)


@pytest.mark.parametrize("change", [{"thresholds": 4}, {"edge": 16}])
def test_a_richer_variant_starts_near_the_packed_one(change: dict[str, int]) -> None:
    old = trained(replace(SMALL, edge=0))
    net = BitUNet(replace(SMALL, **{"edge": 0, **change}))
    unpack_bits(net, engine.loads(export.to_packed(old)))
    with torch.no_grad():
        got, want = net.eval()(IMAGE), old(IMAGE)
    if "edge" in change:
        assert (got - want.clamp(-127 / 8, 127 / 8)).abs().max() <= 1 / 16 + 1e-5
    else:
        assert ((got > 0) == (want > 0)).float().mean() > 0.8


def test_another_variant_is_refused() -> None:
    graph = engine.loads(export.to_packed(trained(SMALL)))
    with pytest.raises(UsageError, match="the recipe's variant"):
        unpack_bits(BitUNet(replace(SMALL, decoder_convs=(2,))), graph)
    with pytest.raises(UsageError, match="another variant"):
        unpack_bits(BitUNet(replace(SMALL, filters=(64, 64))), graph)


def test_packed_files_are_told_from_checkpoints(tmp_path: Path) -> None:
    packed, saved, broken = (tmp_path / name for name in ("packed", "saved", "broken"))
    packed.write_bytes(export.to_packed(trained(SMALL)))
    checkpoint.save(saved, {"net": trained(SMALL).state_dict()})
    broken.write_bytes(b"no")
    assert [is_packed(path) for path in (packed, saved, broken, tmp_path / "missing")] == [True, False, False, False]
