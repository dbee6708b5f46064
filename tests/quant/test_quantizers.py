"""Forward values and gradients of every quantizer against its written formula, computed here once more without the quantizer's own code."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from docbin import quant  # noqa: E402
from docbin.quant.denseshift import DenseShiftWeight  # noqa: E402
from docbin.quant.dorefa import DoReFaAct, DoReFaWeight  # noqa: E402
from docbin.quant.fda import FDAAct, FDAWeight  # noqa: E402
from docbin.quant.partial import PartialWeight  # noqa: E402
from docbin.quant.reste import ReSTEAct  # noqa: E402
from docbin.quant.sparks import SparksWeight, all_codewords, sinkhorn  # noqa: E402

X = [-1.7, -1.0, -0.6, -0.04, 0.0, 0.03, 0.5, 0.9, 1.2]


def run(quantizer, values, bind=None):
    """(output, gradient of the sum of output * (1, 2, 3, ...)) as lists, with that weighting."""
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    quantizer.double()
    y = quantizer(x)
    send = torch.arange(1, y.numel() + 1, dtype=torch.float64).reshape(y.shape)
    (y * send).sum().backward()
    return y.detach(), x.grad / send


def signs(values):
    return torch.where(torch.tensor(values, dtype=torch.float64) >= 0, 1.0, -1.0).double()


FLAT = torch.tensor(X, dtype=torch.float64)
WINDOW = (FLAT.abs() <= 1).double()
TRIANGLE = torch.clamp(2 - 2 * FLAT.abs(), min=0)


def weight_case(quantizer, values=X):
    """The same for a weight of one filter (1, 9, 1, 1)."""
    quantizer.bind(torch.Size([1, len(values), 1, 1]))
    y, gradient = run(quantizer, torch.tensor(values).reshape(1, -1, 1, 1).tolist())
    return y.flatten(), gradient.flatten()


def test_bnn() -> None:
    for quantizer in (quant.BNNAct(), quant.BNNWeight()):
        y, gradient = run(quantizer, X)
        assert torch.equal(y, signs(X))
        assert torch.equal(gradient, WINDOW)


def test_xnor_and_bireal_weights_carry_the_mean_size() -> None:
    for quantizer in (quant.XNORWeight(), quant.BiRealWeight(), quant.ReActWeight()):
        y, gradient = weight_case(quantizer)
        alpha = FLAT.abs().mean()
        assert torch.allclose(y, alpha * signs(X))
        assert torch.allclose(gradient, alpha * WINDOW)


def test_xnor_input_scale_is_a_box_mean_of_sizes() -> None:
    layer = quant.QuantConv2d(2, 1, 3, padding=1, act_quantizer=quant.XNORAct())
    x = torch.randn(1, 2, 4, 5)
    scale = layer.act_quantizer.output_scale(x, layer)
    padded = nn.functional.pad(x.abs().mean(1), (1, 1, 1, 1))
    assert scale.shape == (1, 1, 4, 5)
    assert math.isclose(scale[0, 0, 2, 3].item(), padded[0, 2:5, 3:6].mean().item(), rel_tol=1e-5)


def test_xnor_plus_plus_scales_by_an_outer_product() -> None:
    quantizer = quant.XNORPlusPlusWeight((2, 3))
    quantizer.bind(torch.Size([2, 1, 1, 1]))
    with torch.no_grad():
        quantizer.alpha.copy_(torch.tensor([2.0, 3.0]))
        quantizer.rows.copy_(torch.tensor([1.0, 5.0]))
        quantizer.columns.copy_(torch.tensor([1.0, 7.0, 11.0]))
    scale = quantizer.output_scale(torch.zeros(2, 1, 1, 1), torch.zeros(1, 2, 2, 3))
    assert scale[0, 1, 1, 2].item() == 3 * 5 * 11
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        quantizer.output_scale(torch.zeros(2, 1, 1, 1), torch.zeros(1, 2, 4, 3))


def test_dorefa() -> None:
    y, gradient = weight_case(DoReFaWeight())
    assert torch.allclose(y, FLAT.abs().mean() * signs(X))
    assert torch.allclose(gradient, torch.full_like(FLAT, FLAT.abs().mean().item()))
    y, gradient = run(DoReFaAct(2), [-0.3, 0.1, 0.2, 0.49, 0.51, 0.9, 1.4])
    assert torch.allclose(y, torch.tensor([0, 0, 1 / 3, 1 / 3, 2 / 3, 1, 1], dtype=torch.float64))
    assert gradient.tolist() == [0, 1, 1, 1, 1, 1, 0]
    quantizer = DoReFaWeight(3)
    y, _ = weight_case(quantizer)
    curve = torch.tanh(FLAT)
    want = 2 * torch.round((curve / (2 * curve.abs().max()) + 0.5) * 7) / 7 - 1
    assert torch.allclose(y, want)
    assert len(quantizer.planes(FLAT.reshape(1, -1, 1, 1))) == 3


def test_bireal_and_react_activations() -> None:
    y, gradient = run(quant.BiRealAct(), X)
    assert torch.equal(y, signs(X))
    assert torch.allclose(gradient, TRIANGLE)
    react = quant.ReActAct()
    react.bind(1)
    with torch.no_grad():
        react.shift.fill_(0.25)
    react.double()
    x = FLAT.reshape(1, 1, 3, 3).clone().requires_grad_()
    react(x).sum().backward()
    slope = torch.clamp(2 - 2 * (FLAT + 0.25).abs(), min=0)
    assert torch.allclose(x.grad.flatten(), slope)
    assert torch.allclose(react.shift.grad, slope.sum().reshape(1))


def test_recu_standardises_clamps_and_stops_the_tails() -> None:
    quantizer = quant.ReCUWeight()
    values = torch.linspace(-2, 3, 21).tolist()
    y, gradient = weight_case(quantizer, values)
    flat = torch.tensor(values, dtype=torch.float64)
    standard = (flat - flat.mean()) / (flat.var(unbiased=False).sqrt() + 1e-5)
    assert torch.equal(y, torch.where(standard >= 0, 1.0, -1.0).double())
    low, high = torch.quantile(standard.float(), 0.15), torch.quantile(standard.float(), 0.85)
    inside = (standard >= low) & (standard <= high)
    # The gradient into the standardised weight is 1 inside and 0 in the tails; undo the standardisation to see it.
    x = flat.clone().requires_grad_()
    z = (x - x.mean()) / (x.var(unbiased=False).sqrt() + 1e-5)
    send = torch.arange(1, 22, dtype=torch.float64)
    (z * inside * send).sum().backward()
    assert torch.allclose(gradient * send, x.grad, atol=1e-6)
    quantizer.set_progress(1.0)
    assert math.isclose(quantizer.tau, 0.99)


def test_recu_activation_slope_is_the_triangle_at_unit_deviation() -> None:
    _, gradient = run(quant.ReCUAct(), X)
    std = FLAT.float().std().double() + 1e-5
    assert torch.allclose(gradient, torch.clamp(2 - 2 * (FLAT / std).abs(), min=0) / std, atol=1e-6)


def test_fda_slope_is_the_truncated_series_and_the_noise_fades() -> None:
    quantizer = FDAAct()
    quantizer.bind(1)
    quantizer.eval()
    _, gradient = run(quantizer, X)
    series = sum(torch.cos((2 * i + 1) * 0.1 * FLAT) for i in range(9)) * 0.4 / math.pi
    assert torch.allclose(gradient, series * WINDOW)
    weight = FDAWeight()
    weight.bind(torch.Size([2, 3, 3, 3]))
    w = torch.randn(2, 3, 3, 3)
    weight.set_progress(0.0)
    plain = w.abs().flatten(1).mean(1).reshape(-1, 1, 1, 1) * quant.sign(w)
    assert not torch.allclose(weight(w), plain)
    weight.set_progress(1.0)
    assert torch.allclose(weight(w), plain)


def test_biper_stages_share_the_gradient_of_the_sine() -> None:
    quantizer = quant.METHODS["biper"].weight()
    soft, slope = weight_case(quantizer)
    assert torch.allclose(soft, torch.sin(20 * FLAT))
    quantizer.set_progress(0.9)
    hard, slope_hard = weight_case(quantizer)
    assert torch.equal(hard, signs(torch.sin(20 * FLAT).tolist()))
    want = 20 * torch.cos(20 * FLAT)
    assert torch.allclose(slope, want)
    assert torch.allclose(slope_hard, want)


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_reste_slope(progress: float) -> None:
    quantizer = ReSTEAct()
    quantizer.set_progress(progress)
    _, gradient = run(quantizer, X)
    o = 1 + 2 * progress
    size = FLAT.abs()
    want = torch.where(size < 0.1, torch.full_like(size, 0.1), size) ** ((1 - o) / o) / o * (size <= 1.5)
    assert torch.allclose(gradient, want)


def test_insta_threshold_follows_the_pictures_skewness() -> None:
    act = quant.METHODS["insta"].act()
    act.bind(1)
    with torch.no_grad():
        act.alpha.fill_(0.1)
        act.beta.fill_(0.5)
    x = torch.rand(2, 1, 8, 8) ** 3
    z = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    threshold = 0.1 + 0.5 * (z**3).mean((2, 3), keepdim=True)
    assert torch.equal(act(x), torch.where(z >= threshold, 1.0, -1.0))
    assert threshold[0].item() != threshold[1].item()


def test_sparks_kernels_are_the_nearest_of_the_kept_codewords() -> None:
    torch.manual_seed(0)
    quantizer = SparksWeight(size=16, candidates=48)
    quantizer.bind(torch.Size([4, 8, 3, 3]))
    quantizer.eval()
    w = (torch.randn(4, 8, 3, 3) * 0.5).requires_grad_()
    book = quantizer.codebook().detach()
    assert len({tuple(row.tolist()) for row in book}) == 16
    assert {tuple(row.tolist()) for row in book} <= {tuple(row.tolist()) for row in all_codewords()}
    y = quantizer(w)
    alpha = w.detach().abs().flatten(1).mean(1)
    nearest = torch.cdist(w.detach().reshape(-1, 9), book).argmin(1)
    assert torch.allclose(y.detach(), alpha.reshape(-1, 1, 1, 1) * book[nearest].reshape(w.shape))
    y.sum().backward()
    assert torch.allclose(w.grad, alpha.reshape(-1, 1, 1, 1) * (w.detach().abs() <= 1))
    assert quantizer.logits.grad.abs().sum() > 0


def test_sinkhorn_is_doubly_stochastic() -> None:
    matrix = sinkhorn(torch.randn(6, 6), rounds=50)
    assert torch.allclose(matrix.sum(0), torch.ones(6), atol=1e-4)
    assert torch.allclose(matrix.sum(1), torch.ones(6), atol=1e-4)


def test_multibasis_and_its_evolution() -> None:
    quantizer = quant.MultiBasisWeight(evolve=0.5)
    y, _ = weight_case(quantizer)
    first = 0.8 * signs(X)
    rest = FLAT - first
    assert torch.allclose(y, first + 0.5 * torch.where(rest >= 0, 1.0, -1.0), atol=1e-6)
    quantizer.set_progress(0.5)
    assert math.isclose(quantizer.penalty().item(), 0.5 * 0.5 * 0.5)
    quantizer.set_progress(1.0)
    assert quantizer.penalty() is None
    assert torch.allclose(quantizer(FLAT.reshape(1, -1, 1, 1)).flatten(), first, atol=1e-6)


def test_partial_keeps_the_largest_channels_in_eight_bits_and_fixed() -> None:
    quantizer = PartialWeight(share=0.25)
    quantizer.bind(torch.Size([2, 4, 3, 3]))
    w = torch.randn(2, 4, 3, 3) * 0.1
    w[:, 2] *= 10
    w.requires_grad_()
    y = quantizer(w)
    assert quantizer.salient.tolist() == [False, False, True, False]
    step = w.detach()[:, 2].abs().flatten(1).amax(1) / 127
    assert torch.allclose(y[:, 2].detach(), torch.round(w.detach()[:, 2] / step.reshape(-1, 1, 1)) * step.reshape(-1, 1, 1))
    rest = w.detach()[:, [0, 1, 3]]
    assert torch.allclose(y[:, [0, 1, 3]].detach(), rest.abs().flatten(1).mean(1).reshape(-1, 1, 1, 1) * quant.sign(rest))
    y.sum().backward()
    assert not w.grad[:, 2].any()
    assert (w.grad[:, 0] != 0).all()


def test_denseshift_is_a_signed_power_of_two() -> None:
    torch.manual_seed(1)
    quantizer = DenseShiftWeight(2)
    quantizer.bind(torch.Size([3, 4, 3, 3]))
    w = torch.randn(3, 4, 3, 3, requires_grad=True)
    y = quantizer(w)
    v1, v2 = ((latent >= 0).float() for latent in quantizer.latent)
    shift = v2 * (v1 + 1)
    assert torch.allclose(y, quant.sign(w) * 2**shift)
    assert set(y.abs().flatten().tolist()) == {1.0, 2.0, 4.0}
    y.sum().backward()
    assert torch.allclose(w.grad, 2**shift * (w.detach().abs() <= 1))
    want = math.log(2) * y.detach() * (v1 + 1) / 2 * (quantizer.latent[1].detach().abs() <= 1)
    assert torch.allclose(quantizer.latent[1].grad, want)


def test_zero_mask() -> None:
    quantizer = quant.ZeroMaskWeight()
    quantizer.bind(torch.Size([1, 9, 1, 1]))
    with torch.no_grad():
        quantizer.latent.view(-1)[:3] = -0.5
    w = FLAT.float().reshape(1, 9, 1, 1).clone().requires_grad_()
    y = quantizer(w)
    alpha = FLAT[3:].abs().mean().float()
    assert torch.allclose(y.flatten()[3:], alpha * signs(X)[3:].float())
    assert not y.flatten()[:3].any()
    y.sum().backward()
    assert torch.allclose(quantizer.latent.grad.flatten(), 0.5 * alpha * signs(X).float())


def test_progress_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"progress=1\.5"):
        quant.BNNWeight().set_progress(1.5)
