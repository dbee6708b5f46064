"""The 8-bit step behind the head: what training rounds is what evaluation counts, and everything learns."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from docbin.nets.edge import Edge, _rounded  # noqa: E402


def made(seen: int = 12, filters: int = 8) -> Edge:
    torch.manual_seed(0)
    edge = Edge(seen, filters)
    torch.nn.init.normal_(edge.second.weight, std=0.3)
    torch.nn.init.normal_(edge.second.bias)
    return edge


def given(seen: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randint(-127, 128, (2, seen, 9, 11)).float(), torch.randn(2, 4, 9, 11) * 6


def test_training_computes_what_evaluation_counts() -> None:
    edge, (seen, logits) = made(), given()
    with torch.no_grad():
        trained, exact = edge.train()(seen, logits), edge.eval()(seen, logits)
    # A hidden value between two whole numbers may fall to either side in single precision.
    assert ((trained - exact).abs() < 1e-4).float().mean() > 0.98
    assert (trained - exact).abs().max() < 0.2


def test_it_starts_by_changing_nothing_but_the_rounding() -> None:
    seen, logits = given()
    out = Edge(12, 8).eval()(seen, logits)
    assert torch.equal(out, (8 * logits).clamp(-127, 127).round() / 8)


def test_without_whole_numbers_it_is_the_same_step_unrounded() -> None:
    whole, real = made(), Edge(12, 8, whole=False)
    real.load_state_dict(whole.state_dict())
    seen, logits = given()
    with torch.no_grad():
        difference = (real(seen, logits) - whole.eval()(seen, logits)).abs()
        assert difference[logits.abs() < 127 / 8].quantile(0.95) < 0.02 * real(seen, logits).std()


def test_weights_are_whole_numbers_of_eight_bits() -> None:
    edge = made()
    parts = edge.whole()
    for name, layer in (("first", edge.first), ("second", edge.second)):
        whole = parts[name].float()
        assert parts[name].dtype == torch.int8
        assert (whole.flatten(1).abs().amax(1) == 127).all()
        step = layer.weight.detach().flatten(1).abs().amax(1) / 127
        assert ((whole * step.reshape(-1, 1, 1, 1) - layer.weight).abs() <= 0.5001 * step.reshape(-1, 1, 1, 1)).all()


def test_every_parameter_and_the_logits_get_a_gradient() -> None:
    edge, (seen, logits) = made().train(), given()
    logits.requires_grad_()
    edge(seen, logits).square().sum().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in edge.parameters())
    assert logits.grad is not None
    inside = logits.detach().abs() < 127 / 8
    assert (logits.grad[inside] != 0).float().mean() > 0.9


def test_bfloat16_rounds_sums_in_training_and_nothing_in_evaluation() -> None:
    """Its slow twin is the same step in single precision: what it draws and its gradients differ by the rounding of sums to 8 bits."""
    edge, (seen, logits) = made(), given()
    drawn, gradients = [], []
    for lowered in (False, True):
        edge.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=lowered):
            drawn.append(edge.train()(seen, logits))
        drawn[-1].square().mean().backward()
        gradients.append(torch.cat([value.grad.flatten() for value in edge.parameters()]))
    assert (drawn[0] - drawn[1]).abs().max() < 0.02 * drawn[0].abs().max()
    assert torch.linalg.vector_norm(gradients[0] - gradients[1]) < 0.02 * torch.linalg.vector_norm(gradients[0])
    with torch.no_grad():
        exact = edge.eval()(seen, logits)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(edge(seen, logits), exact)


@pytest.mark.parametrize("low", [-127.0, 0.0])
def test_rounding_passes_the_gradient_where_a_number_lies_within(low: float) -> None:
    x = torch.tensor([-300.0, -127.0, -126.5, -0.4, 0.0, 0.5, 1.5, 126.6, 127.0, 127.2]).requires_grad_()
    found = _rounded(x, low)
    gradient = torch.arange(1.0, 11.0)
    found.backward(gradient)
    twin = x.detach().clone().requires_grad_()
    clamped = twin.clamp(low, 127)
    wanted = clamped + (clamped.round() - clamped).detach()
    wanted.backward(gradient)
    assert torch.equal(found, wanted)
    assert torch.equal(x.grad, twin.grad)
    assert torch.equal(_rounded(x.detach(), low), wanted)
