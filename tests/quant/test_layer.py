"""The shared layer: a superset of nn.Conv2d, the same bits without quantizers, and exact +-1 arithmetic with them."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from docbin import quant  # noqa: E402
from docbin.errors import UsageError  # noqa: E402
from docbin.kernels import bits, reference_bits  # noqa: E402
from docbin.quant import QuantConv2d  # noqa: E402


def test_the_signature_is_a_superset() -> None:
    mine, reference = inspect.signature(QuantConv2d).parameters, inspect.signature(nn.Conv2d).parameters
    assert list(mine)[: len(reference)] == list(reference)
    assert all(mine[name].default == parameter.default for name, parameter in reference.items())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2, "padding": 1},
        {"dilation": 2, "padding": 2, "groups": 2},
        {"padding": "same"},
        {"bias": False, "padding_mode": "reflect", "padding": 1},
    ],
)
def test_without_quantizers_it_is_the_float_layer_bit_for_bit(options: dict) -> None:
    torch.manual_seed(0)
    own = QuantConv2d(4, 6, 3, **options)
    reference = nn.Conv2d(4, 6, 3, **options)
    reference.load_state_dict(own.state_dict())
    x = torch.randn(2, 4, 9, 7)
    assert torch.equal(own(x), reference(x))


@pytest.mark.parametrize("name", quant.METHODS)
@pytest.mark.parametrize("options", [{"padding": 1}, {"stride": 2, "padding": 2, "dilation": 2, "groups": 2, "bias": False}])
def test_every_method_runs_and_every_parameter_gets_a_gradient(name: str, options: dict) -> None:
    torch.manual_seed(0)
    method = quant.get(name)
    layer = QuantConv2d(4, 6, 3, **options, weight_quantizer=method.weight(), act_quantizer=method.act() if method.act else None)
    with torch.no_grad():
        layer.weight.mul_(3)
    for progress in (0.0, 0.4, 0.6, 1.0):
        layer.zero_grad()
        quant.set_progress(layer, progress)
        y = layer(torch.randn(2, 4, 9, 7) + 0.2)
        assert y.shape == nn.Conv2d(4, 6, 3, **options)(torch.zeros(2, 4, 9, 7)).shape
        (y * torch.randn_like(y)).sum().backward()
        assert torch.isfinite(y).all()
        if progress == 0.4:
            without = [key for key, value in layer.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
            assert not without


@pytest.mark.parametrize("name", quant.METHODS)
def test_planes_add_up_to_the_weight_in_use(name: str) -> None:
    torch.manual_seed(0)
    layer = QuantConv2d(8, 5, 3, weight_quantizer=quant.get(name).weight()).eval()
    quant.set_progress(layer, 1.0)
    y = torch.ones(1, 5, 1, 1)
    scale = layer.weight_quantizer.output_scale(layer.weight, y)
    weight = layer.quantised_weight() * (1 if scale is None else scale.reshape(-1, 1, 1, 1))
    total = sum(plane.value() for plane in layer.planes())
    assert torch.allclose(total, weight, rtol=1e-5, atol=1e-6)


def test_sign_of_zero_is_plus_one_everywhere() -> None:
    assert quant.sign(torch.tensor([0.0, -0.0, 1.0, -1.0])).tolist() == [1, 1, 1, -1]
    for name in ("bnn", "bireal", "react", "recu", "reste"):
        act = quant.get(name).act()
        act.bind(1)
        assert act.eval()(torch.zeros(1, 1, 1, 1)).item() == 1


@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 1), (1, 2, 2)])
def test_the_layer_and_the_packed_kernel_agree_bit_for_bit(stride: int, dilation: int, groups: int) -> None:
    torch.manual_seed(0)
    layer = QuantConv2d(
        128,
        128,
        3,
        stride,
        padding=dilation,
        dilation=dilation,
        groups=groups,
        bias=False,
        weight_quantizer=quant.BNNWeight(),
        act_quantizer=quant.BNNAct(),
    )
    x = torch.randn(1, 128, 11, 13)
    x[0, 0, 0, 0] = 0.0
    want = layer(x)[0].detach().numpy().astype(np.int16)
    dots = reference_bits.conv_dots(
        bits.pack((x[0] >= 0).numpy()),
        bits.pack_weights((layer.weight >= 0).numpy()),
        stride=stride,
        padding=dilation,
        dilation=dilation,
        groups=groups,
    )
    assert np.array_equal(dots, want)


def test_a_padding_mode_that_bits_cannot_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="padding_mode='reflect'"):
        QuantConv2d(1, 1, 3, padding=1, padding_mode="reflect", act_quantizer=quant.BNNAct())


def test_an_unknown_method_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="binaryconnect, bnn"):
        quant.get("nope")


def test_every_class_that_does_not_fold_says_why() -> None:
    classes = {name: method.deployment() for name, method in quant.METHODS.items()}
    assert all(why for deployment, why in classes.values() if deployment is not quant.Deployment.FOLDS)
    assert classes["xnor"][0] is quant.Deployment.RUNTIME
    assert classes["denseshift"][0] is quant.Deployment.PLANES
    assert classes["bwn"][0] is quant.Deployment.CANNOT
    assert quant.XNORPlusPlusWeight((3, 3)).deployment is quant.Deployment.CANNOT
