"""What a quantizer is: a weight or activation object that one shared layer asks for values, for an output scale, and for its deployed form.

Every published 1-bit method is a sentence with the same five words: a *pre-map* of the latent value (standardise, sine, clamp), a
*forward* (sign, several
signs, a codebook), a *gradient estimator* for the step that has none, a *scale*, and a *schedule* that changes them while training goes
on. A method is
a small class here that spells out its sentence; :class:`docbin.quant.layer.QuantConv2d` knows none of them by name.

sign(0) = +1 everywhere, as in the packed engine; ``torch.sign`` would bring a third value that bits cannot hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor, nn


class Deployment(Enum):
    """What it takes to run a quantizer's values in the packed engine."""

    FOLDS = "folds to bits + integer threshold"
    PLANES = "needs planes"
    RUNTIME = "needs run-time statistics"
    CANNOT = "cannot deploy"


@dataclass(frozen=True, slots=True)
class Plane:
    """One term of a deployed weight: ``scale[o] * signs[o] * mask[o]``; signs are +-1, the mask 0 or 1 (None = all 1)."""

    signs: Tensor
    scale: Tensor
    mask: Tensor | None = None

    def value(self) -> Tensor:
        """The term as a float tensor of the weight's shape."""
        shape = (-1, *([1] * (self.signs.dim() - 1)))
        term = self.scale.reshape(shape) * self.signs
        return term if self.mask is None else term * self.mask


class Quantizer(nn.Module):
    """Base of all quantizers. Subclasses override :meth:`forward` and declare `deployment`."""

    deployment: Deployment = Deployment.FOLDS
    why: str = ""
    """Where deployment is not FOLDS: the reason, for the table and for the exporter's message."""

    def __init__(self) -> None:
        super().__init__()
        self.progress = 0.0

    def set_progress(self, progress: float) -> None:
        """Schedule hook, called with the share of training done, 0..1; subclasses derive their tau, n, omega, stage from
        ``self.progress``."""
        if not 0.0 <= progress <= 1.0:
            raise ValueError(f"progress={progress}: 0 to 1 is wanted")
        self.progress = progress

    def penalty(self) -> Tensor | None:
        """A term for the loss (evolution of a basis, say), or None."""
        return None


class WeightQuantizer(Quantizer):
    """Quantizer of a layer's latent weight. The layer calls ``bind(shape)`` once, before training, so that parameters of the right size
    exist."""

    def bind(self, shape: torch.Size) -> None:
        """Make whatever depends on the weight's shape (out, in / groups, *kernel)."""

    def output_scale(self, weight: Tensor, output: Tensor) -> Tensor | None:
        """Factor for the layer's output (N, out, ...), or None where the scale is part of the weight."""
        return None

    def planes(self, weight: Tensor) -> list[Plane]:
        """The deployed weight as a sum of planes, equal to ``forward(weight) * output scale a channel``.

        The default serves every quantizer whose forward is a sign times a positive factor a channel.
        """
        with torch.no_grad():
            value = self(weight)
            signs = sign(value)
            shape = (-1, *([1] * (weight.dim() - 1)))
            scale = value.abs().flatten(1).amax(1)
            if not torch.allclose(value, scale.reshape(shape) * signs, rtol=1e-5, atol=1e-7):
                raise ValueError(f"{type(self).__name__}: its weights are no single sign times a scale; it must bring planes of its own")
            return [Plane(signs, scale)]


class ActQuantizer(Quantizer):
    """Quantizer of a layer's input. `low` is its lowest value: what the padding of a quantised map is filled with."""

    low: float = -1.0

    def bind(self, channels: int) -> None:
        """Make whatever depends on the number of input channels."""

    def output_scale(self, x: Tensor, layer: nn.Module) -> Tensor | None:
        """Factor for the layer's output that depends on the unquantised input (XNOR-Net's K), or None."""
        return None


def sign(x: Tensor) -> Tensor:
    """+1 where x >= 0, else -1, in x's dtype."""
    return (x >= 0).to(x.dtype).mul_(2).sub_(1)  # torch.where would compute in float32 first
