"""ReCU: revive the dead weights. Xu et al., 2021, arXiv 2103.12369.

Latent weights in the tails never change their sign again. ReCU standardises each filter and clamps the tails to the tau-quantiles, which
pulls them back to where
a gradient can flip them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from docbin.quant.estimators import binarize, identity, triangle
from docbin.quant.quantizer import ActQuantizer, WeightQuantizer


def standardise(weight: Tensor) -> Tensor:
    """Each filter at mean 0 and deviation 1 (differentiable)."""
    flat = weight.flatten(1)
    centred = flat - flat.mean(1, keepdim=True)
    deviation = centred.square().mean(1, keepdim=True).sqrt()
    return (centred / (deviation + 1e-5)).reshape(weight.shape)


class LearnedScale(WeightQuantizer):
    """Base of the methods whose output is multiplied by a factor learned a channel (`scale`, 1 at first)."""

    def __init__(self) -> None:
        super().__init__()
        self.scale: nn.Parameter | None = None

    def bind(self, shape: torch.Size) -> None:
        """Make the scale a channel."""
        self.scale = nn.Parameter(torch.ones(shape[0]))

    def output_scale(self, weight: Tensor, output: Tensor) -> Tensor | None:
        """The learned scale, broadcast over the output."""
        assert self.scale is not None
        return self.scale.reshape(1, -1, 1, 1) if output.dim() == 4 else self.scale


class ReCUWeight(LearnedScale):
    """w_b = sign(clamp(s(w), Q_{1-tau}, Q_tau)), s standardises the filter; the sign passes the gradient unchanged, the clamp stops it in
    the tails.

    tau rises from 0.85 to 0.99, exponentially in the share of training done.
    """

    def __init__(self, start: float = 0.85, end: float = 0.99) -> None:
        super().__init__()
        self.start, self.end = start, end

    @property
    def tau(self) -> float:
        """The quantile in force: start * (end / start)^progress."""
        return float(self.start * (self.end / self.start) ** self.progress)

    def forward(self, weight: Tensor) -> Tensor:
        """Signs of the standardised, clamped weight."""
        standard = standardise(weight)
        flat = standard.detach().flatten(1).float()
        shape = (-1, *([1] * (weight.dim() - 1)))
        high = torch.quantile(flat, self.tau, dim=1).reshape(shape).to(weight.dtype)
        low = torch.quantile(flat, 1 - self.tau, dim=1).reshape(shape).to(weight.dtype)
        return binarize(torch.minimum(torch.maximum(standard, low), high), identity)


class ReCUAct(ActQuantizer):
    """a_b = sign(a / std(a)) with std over the batch (detached; it never changes the sign); slope max(0, 2 - 2 abs(a / std)) / std."""

    def forward(self, x: Tensor) -> Tensor:
        """Signs of the input."""
        if not self.training:
            return binarize(x, triangle)
        return binarize(x / (x.detach().float().std() + 1e-5).to(x.dtype), triangle)
