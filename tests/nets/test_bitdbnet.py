# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""`bitdbnet`: a detector in bits: packed and run by the engine, its logits are the torch network's to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn

from docbin import engine, export
from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.bitdbnet import BitDBNet

SMALL: dict[str, Any] = {
    "windows": [3, 7],
    "thetas": 6,
    "greys": 4,
    "filters": [32, 64, 64],
    "decoder_filters": [32, 64],
    "narrow": [32, 32],
    "encoder_convs": [1, 1, 1],
    "decoder_convs": [1, 1],
    "planes": 2,
}


def made(**changes: Any) -> BitDBNet:
    torch.manual_seed(0)
    net = build("bitdbnet", {**SMALL, **changes})
    assert isinstance(net, BitDBNet)
    with torch.no_grad():
        for _ in range(3):
            net.maps(torch.rand(2, 3, 48, 64))
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.copy_(torch.randn_like(module.weight))
                module.bias.copy_(torch.randn_like(module.bias) * 0.3)
    return net


@pytest.mark.parametrize("size", [(64, 96), (61, 75), (1, 1)])
def test_the_packed_detector_has_the_torch_networks_logits(size: tuple[int, int]) -> None:
    net = made().eval()
    rng = np.random.default_rng(1)
    picture = np.kron(rng.integers(0, 255, (-(-size[0] // 4), -(-size[1] // 4))), np.ones((4, 4)))[: size[0], : size[1]].astype(np.uint8)
    with torch.no_grad():
        wanted = net(torch.from_numpy(picture).float().div(255)[None, None].repeat(1, 3, 1, 1))[0, 0].numpy()
    assert np.array_equal(engine.logits(engine.loads(export.to_packed(net)), picture), wanted)


def test_the_default_variant_packs_into_a_megabyte() -> None:
    net = build("bitdbnet").eval()
    assert len(export.to_packed(net)) < 1_000_000
    assert net.stride == 32


@pytest.mark.parametrize("size", [(32, 40), (33, 50)])
def test_both_maps_come_back_at_the_pictures_size(size: tuple[int, int]) -> None:
    net = made().train()
    probability, threshold = net.maps(torch.rand(2, 3, *size))
    assert probability.shape == threshold.shape == (2, 1, *size)
    net.eval()
    with torch.no_grad():
        picture = torch.rand(1, 3, *size)
        assert torch.equal(net(picture), net.maps(picture)[0])


def test_every_parameter_that_learns_gets_a_gradient() -> None:
    net = made().train()
    probability, threshold = net.maps(torch.rand(2, 3, 48, 64))
    (probability.square().mean() + threshold.square().mean()).backward()
    learning = {name: weight for name, weight in net.named_parameters() if weight.requires_grad}
    assert [name for name, weight in learning.items() if weight.grad is None or not weight.grad.abs().sum() > 0] == []


def test_light_writing_and_dark_writing_have_codes() -> None:
    """Thresholds lie alike on both sides of the local mean: the codes of a negative are those of the picture, turned over."""
    stem = made().stem
    assert torch.allclose(stem.theta, -stem.theta.flip(1), atol=1e-6)
    picture = torch.randint(0, 256, (1, 1, 32, 32)).float()
    ones = (stem(picture)[:, : 4 * stem.theta.numel()] > 0).float().mean()
    turned = (stem(255 - picture)[:, : 4 * stem.theta.numel()] > 0).float().mean()
    assert float(ones + turned) == pytest.approx(1, abs=0.01)


def test_wrong_variants_are_refused() -> None:
    with pytest.raises(UsageError, match="multiple of 64"):
        build("bitdbnet", {"greys": 5})
    with pytest.raises(UsageError, match="unknown key variant"):
        build("bitdbnet", {"inner": 64})
