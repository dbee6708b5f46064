"""A convolution with the norm folded in and the addition and ReLU behind it: of a network that is only evaluated, such as a teacher.

oneDNN can add and clip while a sum is still in a register; PyTorch's separate operations read and write the map once more each, which costs as
much as half the convolution. Its fused operations are those that PyTorch's own compiler calls; where they are not there, and outside of bfloat16
autocast on a CPU, the separate ones do the same.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from docbin.nets.native import ClippedNorm2d


class FoldedConv(nn.Module):
    """``clip(norm(conv(x)) + residual)`` of a layer in evaluation; no gradients.

    The fused operation rounds to bfloat16 once, the separate ones after the convolution and after the addition.
    """

    def __init__(self, conv: nn.Conv2d, norm: ClippedNorm2d) -> None:
        super().__init__()
        self.conv = fuse_conv_bn_eval(conv, norm)
        self.behind = norm.behind
        self._rounded: tuple[Tensor, Tensor] | None = None

    @torch.no_grad()
    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """(N, C, H, W), and what is added before the clipping -> (N, filters, H', W')."""
        if not self._is_fused(x):
            y: Tensor = self.behind(self.conv(x), residual)
            return y
        conv = self.conv
        if self._rounded is None:
            assert conv.bias is not None
            weight = conv.weight.detach().bfloat16().contiguous(memory_format=torch.channels_last)
            self._rounded = weight, conv.bias.detach().bfloat16()
        where = (*self._rounded, conv.padding, conv.stride, conv.dilation, conv.groups)
        x = x.bfloat16()
        fused: Tensor
        if residual is None:
            fused = torch.ops.mkldnn._convolution_pointwise(x, *where, "relu", [], "")
        else:
            fused = torch.ops.mkldnn._convolution_pointwise.binary(x, residual.bfloat16(), *where, "add", 1.0, "relu", [], "")
        return fused

    def _is_fused(self, x: Tensor) -> bool:
        return (
            self.behind.limits == (0.0, math.inf)
            and x.device.type == "cpu"
            and torch.is_autocast_enabled("cpu")
            and torch.get_autocast_dtype("cpu") == torch.bfloat16
            and not torch.compiler.is_compiling()
            and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
            and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        )
