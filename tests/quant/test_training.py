"""Training helpers: two stages, clipping, warm start, distillation."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from docbin import quant  # noqa: E402
from docbin.errors import UsageError  # noqa: E402
from docbin.quant import QuantConv2d  # noqa: E402
from docbin.quant.training import LowRankMimic, TwoStage, clip_latent, distil_features, distil_logits, penalties, warm_start  # noqa: E402


def net() -> nn.Sequential:
    return nn.Sequential(QuantConv2d(2, 4, 3, weight_quantizer=quant.BNNWeight(), act_quantizer=quant.BNNAct()), nn.Conv2d(4, 1, 1))


def test_the_first_stage_leaves_weights_float() -> None:
    layers = net()
    stage = TwoStage(layers, switch=0.5)
    stage.update(0.2)
    assert layers[0].weight_quantizer is None
    assert layers[0].act_quantizer is not None
    stage.update(0.5)
    assert set(layers[0].quantised_weight().flatten().tolist()) == {-1.0, 1.0}


def test_clipping_touches_only_latent_weights() -> None:
    layers = net()
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.fill_(3.0)
    clip_latent(layers)
    assert layers[0].weight.max() == 1
    assert layers[1].weight.max() == 3


def test_a_warm_start_keeps_signs_about_the_mean_and_the_spread() -> None:
    teacher, student = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 1, 1)), net()
    assert warm_start(student, teacher) == 4
    flat = teacher[0].weight.flatten(1)
    assert torch.equal(student[0].weight.flatten(1) >= 0, flat >= flat.mean(1, keepdim=True))
    assert torch.allclose(student[0].weight.flatten(1).std(1), torch.full((4,), 0.5), atol=1e-5)
    with pytest.raises(UsageError, match="share no tensor"):
        warm_start(student, nn.Linear(3, 3))


def test_penalties_are_summed() -> None:
    layers = nn.Sequential(
        QuantConv2d(1, 2, 3, weight_quantizer=quant.MultiBasisWeight(evolve=1.0)),
        QuantConv2d(2, 2, 3, weight_quantizer=quant.MultiBasisWeight(evolve=1.0)),
    )
    quant.set_progress(layers, 0.5)
    assert penalties(layers).item() == pytest.approx(0.5)
    assert penalties(net()) is None


def test_distillation_is_least_at_the_teacher() -> None:
    teacher = torch.randn(2, 1, 4, 4)
    at, off = distil_logits(teacher, teacher, 2.0), distil_logits(teacher + 0.5, teacher, 2.0)
    assert at < off
    assert distil_features(torch.cat([teacher] * 3, 1), teacher).item() == pytest.approx(0.0, abs=1e-6)


def test_low_rank_mimicking_ignores_directions_of_no_variance() -> None:
    torch.manual_seed(0)
    basis = torch.linalg.qr(torch.randn(6, 6)).Q
    teacher = (torch.randn(2, 5, 5, 2) @ basis[:2]).movedim(-1, 1)
    mimic = LowRankMimic(6, 2)
    other = basis[5].reshape(1, 6, 1, 1)
    assert mimic(teacher, teacher).item() == pytest.approx(0.0, abs=1e-6)
    assert mimic(teacher + other, teacher).item() == pytest.approx(0.0, abs=1e-4)
    assert mimic(teacher + basis[0].reshape(1, 6, 1, 1), teacher).item() > 0.1
