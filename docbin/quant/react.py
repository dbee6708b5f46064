"""ReActNet: learn where zero is. Liu et al., 2020, arXiv 2003.03488."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from docbin.quant.bireal import BiRealWeight
from docbin.quant.estimators import binarize, triangle
from docbin.quant.quantizer import ActQuantizer


class ReActWeight(BiRealWeight):
    """As in Bi-Real Net."""


class ReActAct(ActQuantizer):
    """RSign: a_b = sign(a + b), b learned a channel; the slope is the triangle at a + b, and b receives the same gradient summed over its channel."""

    def __init__(self) -> None:
        super().__init__()
        self.shift: nn.Parameter | None = None

    def bind(self, channels: int) -> None:
        """Make the shift a channel, 0 at first."""
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Signs of the shifted input (channels are axis 1 of maps, the last axis of vectors)."""
        assert self.shift is not None
        shift = self.shift.reshape(1, -1, 1, 1) if x.dim() == 4 else self.shift
        return binarize(x + shift.to(x.dtype), triangle)
