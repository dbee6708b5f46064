"""Training helpers: clipping, penalties, distillation."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from docbin import quant  # noqa: E402
from docbin.quant import QuantConv2d  # noqa: E402
from docbin.quant.training import clip_latent, distil_logits, penalties  # noqa: E402


def net() -> nn.Sequential:
    return nn.Sequential(QuantConv2d(2, 4, 3, weight_quantizer=quant.BNNWeight(), act_quantizer=quant.BNNAct()), nn.Conv2d(4, 1, 1))


def test_clipping_touches_only_latent_weights() -> None:
    layers = net()
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.fill_(3.0)
    clip_latent(layers)
    assert layers[0].weight.max() == 1
    assert layers[1].weight.max() == 3


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
