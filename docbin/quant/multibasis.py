"""Learnable multi-basis weights and their evolution to one basis. BinaryDM (Zheng et al., 2024, arXiv 2404.05662).

Two signs a weight carry what one cannot; the second is then talked out of existence by a penalty on its scale, so that the deployed layer
has one plane again.
The paper uses it where a network is most sensitive, at its head and tail.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from docbin.quant.estimators import binarize, hard_tanh
from docbin.quant.quantizer import Deployment, Plane, WeightQuantizer, sign


class MultiBasisWeight(WeightQuantizer):
    """w_b = s1 sign(w) + s2 sign(w - s1 sign(w)); s1, s2 learned a filter; each sign's slope is 1 inside [-1, 1].

    With `evolve`, the penalty ``evolve * progress * mean abs(s2)`` joins the loss and the second basis is dropped once progress is 1.
    """

    deployment = Deployment.PLANES
    why = "two weight planes"

    def __init__(self, evolve: float = 0.0) -> None:
        super().__init__()
        self.evolve = evolve
        self.first: nn.Parameter | None = None
        self.second: nn.Parameter | None = None
        if evolve > 0:
            self.deployment, self.why = Deployment.FOLDS, ""

    def bind(self, shape: torch.Size) -> None:
        """Make both scales a filter; the values of a weight of deviation about 1 to start with (see :meth:`start_from`)."""
        self.first, self.second = nn.Parameter(torch.full((shape[0],), 0.8)), nn.Parameter(torch.full((shape[0],), 0.5))

    @torch.no_grad()
    def start_from(self, weight: Tensor) -> None:
        """Set the scales to their best values for `weight`: the mean size, and the mean size of what is left."""
        assert self.first is not None
        assert self.second is not None
        size = weight.abs().flatten(1).mean(1)
        self.first.copy_(size)
        self.second.copy_((weight.abs().flatten(1) - size[:, None]).abs().mean(1))

    @property
    def evolved(self) -> bool:
        """Whether only the first basis is left."""
        return self.evolve > 0 and self.progress >= 1.0

    def forward(self, weight: Tensor) -> Tensor:
        """The weighted sum of both signs."""
        assert self.first is not None
        assert self.second is not None
        shape = (-1, *([1] * (weight.dim() - 1)))
        first = self.first.reshape(shape) * binarize(weight, hard_tanh)
        if self.evolved:
            return first
        return first + self.second.reshape(shape) * binarize(weight - first.detach(), hard_tanh)

    def penalty(self) -> Tensor | None:
        """What the second basis costs, growing with progress."""
        if self.evolve == 0 or self.second is None or self.evolved:
            return None
        return self.evolve * self.progress * self.second.abs().mean()

    def planes(self, weight: Tensor) -> list[Plane]:
        """Both signs with their scales (a negative scale moves into the signs)."""
        assert self.first is not None
        assert self.second is not None
        with torch.no_grad():
            shape = (-1, *([1] * (weight.dim() - 1)))
            signs = sign(weight)
            rest = sign(weight - self.first.reshape(shape) * signs)
            pairs = [(self.first, signs)] if self.evolved else [(self.first, signs), (self.second, rest)]
            return [Plane(s * sign(scale).reshape(shape), scale.abs()) for scale, s in pairs]
