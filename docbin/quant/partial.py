"""Partial binarization: keep the few weights that matter most in 8 bits. After PB-LLM (Shang et al., 2023, arXiv 2310.00034), by whole
channels."""

from __future__ import annotations

import torch
from torch import Tensor

from docbin.quant.estimators import binarize, hard_tanh
from docbin.quant.quantizer import Deployment, Plane, WeightQuantizer


class PartialWeight(WeightQuantizer):
    """Salient input channels (the `share` with the largest mean abs(w)) in int8 a filter, fixed in place; the rest s sign(w), s = mean
    abs(w) of the rest.

    Whole input channels, so that the engine runs a small 8-bit convolution beside the binary one. Salient weights get no gradient (as in
    the paper's
    quantization-aware training); the rest have slope 1 inside [-1, 1], times s.
    """

    deployment = Deployment.PLANES
    why = "a side convolution in 8 bits for the salient channels"

    def __init__(self, share: float = 0.1) -> None:
        super().__init__()
        if not 0 < share < 1:
            raise ValueError(f"partial binarization: share={share}: between 0 and 1 is wanted")
        self.share = share
        self.salient: Tensor

    def bind(self, shape: torch.Size) -> None:
        """Reserve the list of salient channels; it is chosen from the weights at the first forward, and then kept."""
        self.register_buffer("salient", torch.zeros(shape[1], dtype=torch.bool))

    @torch.no_grad()
    def choose(self, weight: Tensor) -> None:
        """Take the channels with the largest mean absolute weight."""
        size = weight.abs().transpose(0, 1).flatten(1).mean(1)
        count = max(1, round(self.share * len(size)))
        self.salient.zero_()
        self.salient[size.topk(count).indices] = True

    def _parts(self, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(mask of the rest, scale of the rest a filter, int8 values of the salient ones); broadcastable to the weight."""
        if not bool(self.salient.any()):
            self.choose(weight)
        shape = (-1, *([1] * (weight.dim() - 1)))
        salient = self.salient.reshape(1, -1, *([1] * (weight.dim() - 2)))
        rest = (~salient).to(weight.dtype)
        with torch.no_grad():
            per_filter = float((~self.salient).sum()) * weight[0, 0].numel()
            scale = ((weight.abs() * rest).flatten(1).sum(1) / max(1.0, per_filter)).reshape(shape)
            step = ((weight.abs() * salient).flatten(1).amax(1) / 127).clamp_min(1e-12).reshape(shape)
            kept = torch.round(weight / step).clamp(-127, 127) * step * salient
        return rest, scale, kept

    def forward(self, weight: Tensor) -> Tensor:
        """Signs with scale for the rest, 8-bit values for the salient channels."""
        rest, scale, kept = self._parts(weight)
        return scale * binarize(weight, hard_tanh) * rest + kept

    def planes(self, weight: Tensor) -> list[Plane]:
        """One masked plane for the rest and seven (magnitude digits) for the salient channels."""
        with torch.no_grad():
            rest, scale, kept = self._parts(weight)
            shape = (-1, *([1] * (weight.dim() - 1)))
            signs = torch.where(weight >= 0, 1.0, -1.0).to(weight.dtype)
            planes = [Plane(signs, scale.flatten(), rest.expand_as(weight))]
            salient = self.salient.reshape(1, -1, *([1] * (weight.dim() - 2)))
            step = ((weight.abs() * salient).flatten(1).amax(1) / 127).clamp_min(1e-12)
            digits = torch.round(kept.abs() / step.reshape(shape)).to(torch.int64)
            return planes + [Plane(signs, step * 2**j, (digits >> j & 1).to(weight.dtype)) for j in range(7)]
