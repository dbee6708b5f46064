"""DenseShift: weights that are powers of two and never zero. Li et al., ICCV 2023, arXiv 2208.09708."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from docbin.quant.estimators import binarize, hard_tanh
from docbin.quant.quantizer import Deployment, Plane, WeightQuantizer, sign


class DenseShiftWeight(WeightQuantizer):
    """w_q = sign(w) 2^S, S = S_t, S_i = H(v_i) (S_{i-1} + 1), S_0 = 0: the latent weight carries the sign, t more latent weights v_i the
    exponent 0..t.

    H(v) = 1 where v >= 0, else 0. Gradients pass H and the sign with slope 1 inside [-1, 1], and dw_q/dS = ln 2 w_q. Zero-free: shift
    networks waste codes and
    gradients around zero.
    """

    deployment = Deployment.PLANES

    def __init__(self, exponents: int = 2) -> None:
        super().__init__()
        if exponents < 1:
            raise ValueError(f"DenseShift: exponents={exponents}: at least 1 is wanted")
        self.exponents = exponents
        self.why = f"a mask plane for each of {exponents + 1} exponents"
        self.latent: nn.ParameterList = nn.ParameterList()

    def bind(self, shape: torch.Size) -> None:
        """Make the latent weights of the exponent, small and of both signs."""
        self.latent = nn.ParameterList(nn.Parameter(torch.randn(shape) * 0.1) for _ in range(self.exponents))

    def shift(self) -> Tensor:
        """The exponent S, 0..`exponents`."""
        total: Tensor | None = None
        for latent in self.latent:
            step = (binarize(latent, hard_tanh) + 1) / 2
            total = step if total is None else step * (total + 1)
        assert total is not None
        return total

    def forward(self, weight: Tensor) -> Tensor:
        """Signed powers of two."""
        return binarize(weight, hard_tanh) * torch.exp2(self.shift())

    def planes(self, weight: Tensor) -> list[Plane]:
        """One plane an exponent, masked to the weights that have it."""
        with torch.no_grad():
            shift, ones = self.shift(), torch.ones(weight.shape[0], dtype=weight.dtype, device=weight.device)
            return [Plane(sign(weight), ones * 2**p, (shift == p).to(weight.dtype)) for p in range(self.exponents + 1)]
