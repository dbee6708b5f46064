"""DoReFa-Net: k-bit weights and activations. Zhou et al., 2016, arXiv 1606.06160."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from docbin.quant.estimators import binarize, identity
from docbin.quant.quantizer import ActQuantizer, Deployment, Plane, WeightQuantizer


class _Levels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, bits: int) -> Tensor:
        steps = 2**bits - 1
        levels: Tensor = torch.round(x * steps) / steps
        return levels

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def quantise(x: Tensor, bits: int) -> Tensor:
    """round((2^k - 1) x) / (2^k - 1) for x in 0..1; the gradient passes unchanged."""
    return _Levels.apply(x, bits)  # type: ignore[no-untyped-call,no-any-return]


class DoReFaWeight(WeightQuantizer):
    """1 bit: w_b = sign(w) E(abs(w)), E over the layer, gradient unchanged. k bits: w_b = 2 quantise_k(tanh(w) / (2 max abs tanh(w)) +
    1/2) - 1."""

    def __init__(self, bits: int = 1) -> None:
        super().__init__()
        self.bits = bits
        if bits > 1:
            self.deployment, self.why = Deployment.PLANES, f"{bits} weight planes"

    def forward(self, weight: Tensor) -> Tensor:
        """Quantised weights."""
        if self.bits == 1:
            return weight.detach().abs().mean() * binarize(weight, identity)
        curve = torch.tanh(weight)
        return 2 * quantise(curve / (2 * curve.detach().abs().max()) + 0.5, self.bits) - 1

    def planes(self, weight: Tensor) -> list[Plane]:
        """k planes with scales 2^j / (2^k - 1): the binary digits of the level, written in +-1."""
        if self.bits == 1:
            return super().planes(weight)
        with torch.no_grad():
            steps = 2**self.bits - 1
            level = torch.round((self(weight) + 1) / 2 * steps).to(torch.int64)
            ones = torch.ones(weight.shape[0], dtype=weight.dtype, device=weight.device)
            return [Plane((level >> j & 1).to(weight.dtype) * 2 - 1, ones * 2**j / steps) for j in range(self.bits)]


class DoReFaAct(ActQuantizer):
    """a_k = quantise_k(clip(a, 0, 1)); the gradient passes where 0 <= a <= 1. One bit is {0, 1}: as bits (s + 1) / 2, so padding by 0 is
    padding by bit -1."""

    low = 0.0

    def __init__(self, bits: int = 1) -> None:
        super().__init__()
        self.bits = bits
        if bits > 1:
            self.deployment, self.why = Deployment.PLANES, f"{bits} activation planes"

    def forward(self, x: Tensor) -> Tensor:
        """Quantised activations in 0..1."""
        return quantise(x.clamp(0, 1), self.bits)
