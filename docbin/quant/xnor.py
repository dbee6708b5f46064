"""XNOR-Net and XNOR-Net++: signs with scales.

Rastegari et al., "XNOR-Net", 2016, arXiv 1603.05279: the optimal scale of a filter is the mean of its absolute values, and the input's
scale map K is a box filter
over mean abs(a). Bulat & Tzimiropoulos, "XNOR-Net++", 2019, arXiv 1909.13863: learn one scale instead, as an outer product over (channel,
row, column).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.quant.estimators import binarize, hard_tanh
from docbin.quant.quantizer import ActQuantizer, Deployment, WeightQuantizer


def mean_size(weight: Tensor) -> Tensor:
    """Mean absolute value a filter, (out, 1, ...), detached: the factor that brings sign(w) nearest to w."""
    return weight.detach().abs().flatten(1).mean(1).reshape(-1, *([1] * (weight.dim() - 1)))


class XNORWeight(WeightQuantizer):
    """w_b = alpha sign(w), alpha = mean abs(w) a filter (detached); dL/dw = alpha dL/dw_b where abs(w) <= 1. With float activations:
    binary-weight networks."""

    def forward(self, weight: Tensor) -> Tensor:
        """Scaled signs of the latent weight."""
        return mean_size(weight) * binarize(weight, hard_tanh)


class XNORAct(ActQuantizer):
    """a_b = sign(a) and the output times K, K = mean over the filter's window of mean over channels of abs(a); the gradient as in BNN.

    K is a statistic of the running input: it moves the threshold of a following batch norm with the picture, so the layer needs it at run
    time.
    """

    deployment = Deployment.RUNTIME
    why = "the scale map K is the mean of the float input's absolute values at run time"

    def forward(self, x: Tensor) -> Tensor:
        """Signs of the input."""
        return binarize(x, hard_tanh)

    def output_scale(self, x: Tensor, layer: nn.Module) -> Tensor | None:
        """K, (N, 1, H', W') for a convolution, (N, ..., 1) for a linear layer."""
        if isinstance(layer, nn.Conv2d):
            size = x.abs().mean(1, keepdim=True)
            kernel = torch.full(
                (1, 1, *layer.kernel_size), 1.0 / (layer.kernel_size[0] * layer.kernel_size[1]), dtype=x.dtype, device=x.device
            )
            return F.conv2d(F.pad(size, layer._reversed_padding_repeated_twice), kernel, None, layer.stride, 0, layer.dilation)
        return x.abs().mean(-1, keepdim=True)


class XNORPlusPlusWeight(WeightQuantizer):
    """w_b = sign(w), the output times Gamma learned: alpha[o], or alpha[o] beta[h] gamma[w] for an output of one fixed `size`.

    With `size` the scale depends on where a pixel lies: such a layer takes only outputs of that size, so neither tiles nor pages; the
    paper's first case
    (a scale a channel, `size` None) folds.
    """

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.size = size
        self.alpha: nn.Parameter | None = None
        if size is not None:
            self.deployment, self.why = (
                Deployment.CANNOT,
                f"its scale belongs to positions of a {size[0]} x {size[1]} map; pages have other sizes",
            )
            self.rows, self.columns = nn.Parameter(torch.ones(size[0])), nn.Parameter(torch.ones(size[1]))

    def bind(self, shape: torch.Size) -> None:
        """Make the scale a channel, 1 at first."""
        self.alpha = nn.Parameter(torch.ones(shape[0]))

    def forward(self, weight: Tensor) -> Tensor:
        """Signs of the latent weight."""
        return binarize(weight, hard_tanh)

    def output_scale(self, weight: Tensor, output: Tensor) -> Tensor | None:
        """Gamma, broadcast over the output."""
        assert self.alpha is not None
        if output.dim() != 4:
            return self.alpha
        scale = self.alpha.reshape(1, -1, 1, 1)
        if self.size is None:
            return scale
        if tuple(output.shape[-2:]) != self.size:
            raise ValueError(f"XNOR-Net++: scales for an output of {self.size}, got one of {tuple(output.shape[-2:])}")
        return scale * self.rows.reshape(1, 1, -1, 1) * self.columns.reshape(1, 1, 1, -1)
