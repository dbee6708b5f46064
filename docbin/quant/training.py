"""Helpers for training 1-bit networks: clipping of latent weights, penalties of quantizers, distillation.

They are functions over networks built from :class:`docbin.quant.layer.QuantConv2d`; the training loop calls them, they know nothing of it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.quant.layer import QuantConv2d
from docbin.quant.quantizer import WeightQuantizer


@torch.no_grad()
def clip_latent(net: nn.Module, limit: float = 1.0) -> None:
    """Clamp the latent weights of every layer with a weight quantizer to +-`limit`, so that none drifts beyond the estimator's reach;
    after each step."""
    for layer in net.modules():
        if isinstance(layer, QuantConv2d) and layer.weight_quantizer is not None:
            layer.weight.clamp_(-limit, limit)


def penalties(net: nn.Module) -> Tensor | None:
    """The sum of all quantizers' penalty terms, or None."""
    terms = [term for layer in net.modules() if isinstance(layer, WeightQuantizer) and (term := layer.penalty()) is not None]
    return torch.stack(terms).sum() if terms else None


def distil_logits(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """Binary cross-entropy of the student's logits against the teacher's softened probabilities, times temperature^2 (Hinton et al., 2015,
    arXiv 1503.02531)."""
    target = torch.sigmoid(teacher.detach() / temperature)
    return F.binary_cross_entropy_with_logits(student / temperature, target) * temperature**2
