"""Gradient estimators: what to send back through a sign, whose own derivative is zero almost everywhere.

An estimator is its slope: a function of the pre-activation that multiplies the incoming gradient. The forward is always the exact sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from docbin.quant.quantizer import sign

Slope = Callable[[Tensor], Tensor]


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Slope) -> Tensor:
        ctx.save_for_backward(x)
        ctx.slope = slope
        return sign(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradient * ctx.slope(x), None


def binarize(x: Tensor, slope: Slope) -> Tensor:
    """sign(x) forward, ``gradient * slope(x)`` backward."""
    return _Sign.apply(x, slope)  # type: ignore[no-untyped-call,no-any-return]


def identity(x: Tensor) -> Tensor:
    """Slope 1 everywhere: the straight-through estimator without a window."""
    return torch.ones_like(x)


def hard_tanh(x: Tensor) -> Tensor:
    """Slope 1 for abs(x) <= 1, else 0 (Hubara, Courbariaux et al., 2016, arXiv 1602.02830)."""
    return (x.abs() <= 1).to(x.dtype)


def triangle(x: Tensor) -> Tensor:
    """Slope max(0, 2 - 2 abs(x)): the derivative of Bi-Real's piecewise quadratic (Liu et al., 2018, arXiv 1808.00278)."""
    return (2 - 2 * x.abs()).clamp_min(0)


def fourier(terms: int, omega: float = 0.1) -> Slope:
    """Derivative of the first `terms` terms of the square wave's Fourier series, cut off outside [-1, 1].

    slope(x) = (4 omega / pi) * sum_{i < terms} cos((2 i + 1) omega x)  (Xu et al., 2021, arXiv 2103.00841).
    """

    def slope(x: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        for i in range(terms):
            total = total + torch.cos((2 * i + 1) * omega * x)
        return (4 * omega / math.pi) * total * (x.abs() <= 1)

    return slope


def power(o: float, reach: float = 1.5, flat: float = 0.1) -> Slope:
    """Derivative of sign(x) abs(x)^(1/o): (1/o) abs(x)^((1-o)/o) for flat <= abs(x) <= reach, constant below `flat`, 0 beyond `reach`.

    ReSTE (Wu et al., 2023, arXiv 2308.06689). o = 1 is the straight-through estimator, o -> infinity the sign itself.
    """
    if o < 1:
        raise ValueError(f"ReSTE: o={o}: at least 1 is wanted")

    def slope(x: Tensor) -> Tensor:
        size = x.abs()
        return size.clamp_min(flat).pow((1 - o) / o) / o * (size <= reach)

    return slope
