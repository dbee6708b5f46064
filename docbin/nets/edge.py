"""The last step of a 1-bit network: a stroke's edge, drawn in whole numbers of 8 bits.

A network of bits knows what is ink, and wavers where it ends. On the contests' held-out pages 97 of 100 wrong pixels touch an edge of the truth,
with a float U-Net as with one of bits, and the latter has a third more of them: a pixel there is ink or paper by a few grey levels, while
neighbouring threshold codes lie a third of the local deviation apart. More codes would cost in every layer that reads them. A float network of full
precision at the end would leave the integers, and with them the certainty that every machine gives the same page.

So the page is looked at again at the very end, in the integers of an 8-bit layer: per cell of 2 x 2 pixels the head's four logits, the pixels,
their local z-scores at the stem's windows and their depth; a 3 x 3 convolution, a ReLU, a 3 x 3 convolution, added to the logits. Weights are int8
with a scale a filter (as in Jacob et al., 2018, arXiv 1712.05877), sums int32, the two rescalings one multiplication and one addition in single
precision. In training the same numbers are rounded with the straight-through estimator; in evaluation the integers themselves are computed, as the
engine does.

Under autocast the two convolutions of a training run in bfloat16, several times faster on a CPU with units for it: their inputs and weights are whole
numbers up to 127, which bfloat16 holds exactly, products are summed in single precision, and only the sum is rounded, to one part in 512. Evaluation
stays exact whatever the precision.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.kernels.reference_edge import LARGEST, LOGIT_UNIT, Z_UNIT
from docbin.nets.pixels import autocast_type, for_convolution

HIDDEN_UNIT = 16.0
"""Levels of one unit of the hidden layer."""


class _Rounded(torch.autograd.Function):
    """Whole numbers between `low` and 127; the gradient passes where the number lay between them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float) -> Tensor:
        ctx.save_for_backward((x >= low).logical_and_(x <= LARGEST))
        return x.round().clamp_(low, LARGEST)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None


def _rounded(x: Tensor, low: float = -LARGEST) -> Tensor:
    """`x` as a whole number between `low` and 127; the gradient passes where it is between them."""
    if torch.is_grad_enabled() and x.requires_grad:
        return _Rounded.apply(x, low)  # type: ignore[no-untyped-call,no-any-return]
    return x.round().clamp(low, LARGEST)


def _whole_weights(weight: Tensor) -> tuple[Tensor, Tensor]:
    """(whole numbers -127..127, scale a filter): their product is the weight to within half a step; the gradient passes."""
    scale = (weight.detach().flatten(1).abs().amax(1) / LARGEST).clamp_min(1e-8)
    steps = weight / scale.reshape(-1, 1, 1, 1)
    return steps + (steps.round() - steps).detach(), scale


class Edge(nn.Module):
    """Logits of four pixels a cell, drawn again from what is seen of the page.

    Parameters
    ----------
    seen : channels of what is seen of the page, whole numbers -127..127 (``Stem.levels``)
    filters : of the hidden layer, at most 115 with up to 115 channels: so sums of 9 * 115 * 127 * 127 are whole in single precision
    whole : compute in whole numbers; False for a float network, whose logits, hidden layer and weights are not rounded, nor what it sees
    """

    def __init__(self, seen: int, filters: int, whole: bool = True) -> None:
        super().__init__()
        self.is_whole = whole
        self.first = nn.Conv2d(seen + 4, filters, 3, padding=1)
        self.second = nn.Conv2d(filters, 4, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, seen: Tensor, logits: Tensor) -> Tensor:
        """(N, seen, h, w) levels and (N, 4, h, w) logits -> (N, 4, h, w); beyond the map everything is 0."""
        if not self.is_whole:
            x = torch.cat([seen / Z_UNIT, (logits * (LOGIT_UNIT / Z_UNIT)).clamp(-LARGEST / Z_UNIT, LARGEST / Z_UNIT)], 1)
            drawn: Tensor = self.second(F.relu(self.first(for_convolution(x, autocast_type(x)))))
            return logits + drawn
        rounded = _rounded(LOGIT_UNIT * logits)
        x = torch.cat([seen, rounded], 1)
        if not self.training:
            with torch.autocast(x.device.type, enabled=False):
                return self._exact(x, rounded)
        weight, scale = _whole_weights(self.first.weight)
        shape = (1, -1, 1, 1)
        y = F.conv2d(for_convolution(x, autocast_type(x)), weight, padding=1) * (scale * (HIDDEN_UNIT / Z_UNIT)).reshape(shape)
        hidden = _rounded(y + HIDDEN_UNIT * self.first.bias.reshape(shape), low=0.0)  # type: ignore[union-attr]
        weight, scale = _whole_weights(self.second.weight)
        drawn = F.conv2d(hidden, weight, padding=1) * (scale / HIDDEN_UNIT).reshape(shape)
        return rounded / LOGIT_UNIT + (drawn + self.second.bias.reshape(shape))  # type: ignore[union-attr]

    @torch.no_grad()
    def whole(self) -> dict[str, Tensor]:
        """What the packed file holds: ``first`` int8 (filters, seen + 4, 3, 3), ``second`` int8 (4, filters, 3, 3), and for each a float32 factor and
        offset a filter: hidden = clamp(round(factor * sum + offset), 0, 127), logit = rounded / 8 + (factor * sum + offset)."""
        first, first_scale = _whole_weights(self.first.weight)
        second, second_scale = _whole_weights(self.second.weight)
        assert self.first.bias is not None
        assert self.second.bias is not None
        return {
            "first": first.to(torch.int8),
            "first_factor": (first_scale * (HIDDEN_UNIT / Z_UNIT)).float(),
            "first_offset": (HIDDEN_UNIT * self.first.bias).float(),
            "second": second.to(torch.int8),
            "second_factor": (second_scale / HIDDEN_UNIT).float(),
            "second_offset": self.second.bias.detach().float(),
        }

    def _exact(self, x: Tensor, rounded: Tensor) -> Tensor:
        parts, shape = self.whole(), (1, -1, 1, 1)
        sums = F.conv2d(x.float(), parts["first"].float(), padding=1).round()
        hidden = (sums * parts["first_factor"].reshape(shape) + parts["first_offset"].reshape(shape)).round().clamp(0, LARGEST)
        sums = F.conv2d(hidden, parts["second"].float(), padding=1).round()
        return rounded / LOGIT_UNIT + (sums * parts["second_factor"].reshape(shape) + parts["second_offset"].reshape(shape))
