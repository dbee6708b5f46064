"""A learned zero: binary weights that may also be absent. After Masked Binary U-Net (2026, arXiv 2601.11660)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from docbin.quant.estimators import binarize, hard_tanh
from docbin.quant.quantizer import Plane, WeightQuantizer, sign


class ZeroMaskWeight(WeightQuantizer):
    """w_b = alpha m sign(w), m = H(v) learned beside w, alpha = mean abs(w) over the weights that count (detached); slopes 1 inside [-1, 1].

    One mask plane; the number of weights that count is a constant of each filter, so the layer still folds to an integer threshold.
    """

    def __init__(self) -> None:
        super().__init__()
        self.latent: nn.Parameter | None = None

    def bind(self, shape: torch.Size) -> None:
        """Make the mask's latent weights; all weights count at first."""
        self.latent = nn.Parameter(torch.rand(shape) * 0.1 + 0.05)

    def mask(self) -> Tensor:
        """0 or 1 a weight."""
        assert self.latent is not None
        return (binarize(self.latent, hard_tanh) + 1) / 2

    def _scale(self, weight: Tensor, mask: Tensor) -> Tensor:
        counted = mask.detach().flatten(1).sum(1).clamp_min(1)
        return (weight.detach().abs() * mask.detach()).flatten(1).sum(1) / counted

    def forward(self, weight: Tensor) -> Tensor:
        """Scaled signs, or 0."""
        mask = self.mask()
        return self._scale(weight, mask).reshape(-1, *([1] * (weight.dim() - 1))) * mask * binarize(weight, hard_tanh)

    def planes(self, weight: Tensor) -> list[Plane]:
        """One masked plane."""
        with torch.no_grad():
            mask = self.mask()
            return [Plane(sign(weight), self._scale(weight, mask), mask)]
