"""FDA: estimate the gradient in the frequency domain, repair the rest by a noise net that fades away. Xu et al., NeurIPS 2021, arXiv 2103.00841."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.quant.estimators import Slope, binarize, fourier
from docbin.quant.quantizer import ActQuantizer, Plane, WeightQuantizer, sign
from docbin.quant.xnor import mean_size


class NoiseNet(nn.Module):
    """Two linear layers with a ReLU between and a bottleneck of width / `ratio`: the noise adaptation of the paper, over the last axis."""

    def __init__(self, width: int, ratio: int = 16) -> None:
        super().__init__()
        inner = max(1, width // ratio)
        self.down, self.up = nn.Linear(width, inner, bias=False), nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        return self.up(F.relu(self.down(x)))  # type: ignore[no-any-return]


def terms(progress: float) -> int:
    """Terms of the series: 9 at first, 18 at the end."""
    return round(9 + 9 * progress)


def strength(progress: float) -> float:
    """Weight of the noise net: 0.1 at first, by a cosine to 0."""
    return 0.05 * (1 + math.cos(math.pi * progress))


class FDAWeight(WeightQuantizer):
    """w_b = mean abs(w) (sign(w) + alpha noise(w)); slope (4 omega / pi) sum cos((2 i + 1) omega w) inside [-1, 1]; alpha 0.1 -> 0, terms 9 -> 18."""

    def __init__(self, omega: float = 0.1) -> None:
        super().__init__()
        self.omega = omega
        self.noise: NoiseNet | None = None

    def bind(self, shape: torch.Size) -> None:
        """Make the noise net over a filter's weights."""
        self.noise = NoiseNet(math.prod(shape[1:]), ratio=64)

    @property
    def slope(self) -> Slope:
        """The estimator in force."""
        return fourier(terms(self.progress), self.omega)

    def forward(self, weight: Tensor) -> Tensor:
        """Scaled signs of the latent weight, and the noise net's share while it lasts."""
        assert self.noise is not None
        binary = binarize(weight, self.slope)
        if self.training and (alpha := strength(self.progress)) > 0:
            binary = binary + alpha * self.noise(weight.flatten(1)).reshape(weight.shape)
        return mean_size(weight) * binary

    def planes(self, weight: Tensor) -> list[Plane]:
        """One plane: the noise net is gone when training is over."""
        with torch.no_grad():
            return [Plane(sign(weight), mean_size(weight).flatten())]


class FDAAct(ActQuantizer):
    """a_b = sign(a) + alpha noise(a) over the channels; the same slope."""

    def __init__(self, omega: float = 0.1) -> None:
        super().__init__()
        self.omega = omega
        self.noise: NoiseNet | None = None

    def bind(self, channels: int) -> None:
        """Make the noise net over the channels."""
        self.noise = NoiseNet(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Signs of the input, and the noise net's share while it lasts."""
        assert self.noise is not None
        binary = binarize(x, fourier(terms(self.progress), self.omega))
        if self.training and (alpha := strength(self.progress)) > 0:
            last = x.movedim(1, -1) if x.dim() == 4 else x
            noise = self.noise(last)
            binary = binary + alpha * (noise.movedim(-1, 1) if x.dim() == 4 else noise)
        return binary
