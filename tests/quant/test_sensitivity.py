"""Traces by random signs are the exact traces, on a quadratic form, a smooth network and a small network of bits."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from docbin.nets.bitunet import BitUNet  # noqa: E402
from docbin.nets.bitunet_config import BitUNetConfig  # noqa: E402
from docbin.quant.sensitivity import gauss_newton_traces, hessian_traces, predicted_loss  # noqa: E402


def within(trace, exact: float, deviations: float = 5.0) -> bool:
    return abs(trace.mean - exact) <= deviations * trace.error + 1e-9 * abs(exact)


def test_a_diagonal_quadratic_form_has_its_trace_from_a_single_probe() -> None:
    diagonal = torch.tensor([1.0, -3.0, 0.5, 7.0], dtype=torch.float64)
    x = torch.randn(4, dtype=torch.float64, requires_grad=True)
    (trace,) = hessian_traces(0.5 * (diagonal * x * x).sum(), [x], probes=1)
    assert trace.mean == pytest.approx(5.5)  # v'Hv = sum of h v^2 whatever the signs
    assert trace.error == 0


def test_a_quadratic_form_of_two_tensors_has_a_trace_each() -> None:
    generator = torch.Generator().manual_seed(0)
    square = torch.randn(6, 6, dtype=torch.float64, generator=generator)
    symmetric = square + square.t()
    first, second = (torch.randn(3, dtype=torch.float64, generator=generator, requires_grad=True) for _ in range(2))
    x = torch.cat([first, second])
    loss = 0.5 * x @ symmetric @ x
    for trace, block in zip(hessian_traces(loss, [first, second], 200, generator), (symmetric[:3, :3], symmetric[3:, 3:]), strict=True):
        exact = float(block.trace())
        assert within(trace, exact)
        assert trace.error < 0.8  # so that the test above says something
        assert trace.probes == 200


def test_what_the_loss_is_linear_in_has_no_second_derivative() -> None:
    x, y = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    assert [trace.mean for trace in hessian_traces((2 * x + 3 * y).sum(), [x, y], 2)] == [0, 0]


def exact_gauss_newton(logits, tensor) -> float:
    probability = torch.sigmoid(logits.detach()).flatten()
    rows = [torch.autograd.grad(one, tensor, retain_graph=True)[0].double().square().sum() for one in logits.flatten()]
    return float((torch.stack(rows) * (probability * (1 - probability)).double()).sum() / logits.numel())


def test_gauss_newton_of_a_linear_network_is_the_hessian() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(5, 4, dtype=torch.float64, generator=generator)
    weight = torch.randn(4, dtype=torch.float64, generator=generator, requires_grad=True)
    truth = (torch.rand(5, dtype=torch.float64, generator=generator) < 0.5).double()

    def loss(w):
        return F.binary_cross_entropy_with_logits(x @ w, truth)

    exact = float(torch.autograd.functional.hessian(loss, weight.detach()).trace())
    logits = x @ weight
    assert exact_gauss_newton(logits, weight) == pytest.approx(exact, rel=1e-9)
    (trace,) = gauss_newton_traces(logits, [weight], 200, generator)
    assert within(trace, exact)
    assert trace.error < 0.2 * exact


def test_traces_of_the_maps_in_a_network_of_bits_are_the_exact_ones() -> None:
    torch.manual_seed(0)
    variant = BitUNetConfig(
        (3, 5, 7), 5, 1, 0, filters=(32, 32), decoder_filters=(32,), narrow=(32,), encoder_convs=(1, 1), decoder_convs=(1,)
    )
    net = BitUNet(variant)
    for block in net.blocks:
        block.norm.eval()
    maps = []
    for block in (net.encoder[1][0], net.decoder[0][0]):
        block.register_forward_hook(lambda module, given, made: maps.append(made))
    page = torch.rand(1, 3, 8, 4)
    logits = net(page)
    exact = [exact_gauss_newton(logits, one) for one in maps]
    assert min(exact) > 0
    generator = torch.Generator().manual_seed(2)
    for trace, wanted in zip(gauss_newton_traces(logits, maps, 40, generator), exact, strict=True):
        assert within(trace, wanted)
        assert trace.error < 0.5 * wanted
    # Behind the last map nothing is curved, so there the gradient of a gradient says the same.
    (second,) = hessian_traces(F.binary_cross_entropy_with_logits(logits, (page[:, :1] < 0.4).float()), maps[1:], 40, generator)
    assert within(second, exact[1])


def test_what_rounding_costs_is_half_the_trace_times_its_squared_error() -> None:
    assert predicted_loss(8.0, 0.25) == 1.0


def test_nothing_to_probe_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        hessian_traces(torch.ones(()), [])
    with pytest.raises(ValueError, match="0 probes"):
        gauss_newton_traces(torch.ones(1), [torch.ones(1)], probes=0)
