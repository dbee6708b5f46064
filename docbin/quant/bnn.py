"""BinaryConnect and BNN: the plain sign.

Courbariaux, Bengio, David, "BinaryConnect", 2015, arXiv 1511.00363 (weights); Hubara, Courbariaux et al., "Binarized Neural Networks", 2016,
arXiv 1602.02830 (weights and activations).
"""

from __future__ import annotations

from torch import Tensor

from docbin.quant.estimators import binarize, hard_tanh
from docbin.quant.quantizer import ActQuantizer, WeightQuantizer


class BNNWeight(WeightQuantizer):
    """w_b = sign(w); dL/dw = dL/dw_b where abs(w) <= 1, else 0. BinaryConnect is this with float activations."""

    def forward(self, weight: Tensor) -> Tensor:
        """Signs of the latent weight."""
        return binarize(weight, hard_tanh)


class BNNAct(ActQuantizer):
    """a_b = sign(a); dL/da = dL/da_b where abs(a) <= 1, else 0."""

    def forward(self, x: Tensor) -> Tensor:
        """Signs of the input."""
        return binarize(x, hard_tanh)
