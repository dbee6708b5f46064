"""ReSTE: a power function that walks from the straight-through estimator to the sign. Wu et al., ICCV 2023, arXiv 2308.06689."""

from __future__ import annotations

from torch import Tensor

from docbin.quant.estimators import Slope, binarize, power
from docbin.quant.quantizer import ActQuantizer, WeightQuantizer


def exponent(progress: float, end: float) -> float:
    """o = 1 + (end - 1) progress."""
    return 1.0 + (end - 1.0) * progress


class ReSTEWeight(WeightQuantizer):
    """w_b = E(abs(w)) sign(w), E over the layer and detached; slope (1/o) abs(w)^((1-o)/o) inside abs(w) <= 1.5, constant below 0.1; o
    from 1 to `end`."""

    def __init__(self, end: float = 3.0) -> None:
        super().__init__()
        self.end = end

    @property
    def slope(self) -> Slope:
        """The estimator in force."""
        return power(exponent(self.progress, self.end))

    def forward(self, weight: Tensor) -> Tensor:
        """Scaled signs of the latent weight."""
        return weight.detach().abs().mean() * binarize(weight, self.slope)


class ReSTEAct(ActQuantizer):
    """a_b = sign(a) with the same slope."""

    def __init__(self, end: float = 3.0) -> None:
        super().__init__()
        self.end = end

    @property
    def slope(self) -> Slope:
        """The estimator in force."""
        return power(exponent(self.progress, self.end))

    def forward(self, x: Tensor) -> Tensor:
        """Signs of the input."""
        return binarize(x, self.slope)
