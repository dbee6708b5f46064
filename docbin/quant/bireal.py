"""Bi-Real Net: a better slope for activations, a magnitude-aware one for weights. Liu et al., 2018, arXiv 1808.00278.

The network that uses it carries a real-valued shortcut around every binary convolution; without one the method loses most of its gain.
"""

from __future__ import annotations

from torch import Tensor

from docbin.quant.estimators import binarize, hard_tanh, triangle
from docbin.quant.quantizer import ActQuantizer, WeightQuantizer
from docbin.quant.xnor import mean_size


class BiRealWeight(WeightQuantizer):
    """w_b = mean abs(w) sign(w), the mean a filter and detached; dL/dw = mean abs(w) dL/dw_b where abs(w) <= 1."""

    def forward(self, weight: Tensor) -> Tensor:
        """Scaled signs of the latent weight."""
        return mean_size(weight) * binarize(weight, hard_tanh)


class BiRealAct(ActQuantizer):
    """a_b = sign(a); dL/da = max(0, 2 - 2 abs(a)) dL/da_b."""

    def forward(self, x: Tensor) -> Tensor:
        """Signs of the input."""
        return binarize(x, triangle)
