"""Modulated deformable convolution (Zhu et al., 2019, arXiv 1811.11168): each tap of a 3 x 3 kernel looks at a learned place, with a learned weight.

torchvision has it as a compiled operator. Where that does not load (:mod:`docbin.nets.torchvision_repair` says when) the same sums are made from
``grid_sample``, a tap at a time: slower, exportable to ONNX, and the twin that the operator is tested against.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.nets.torchvision_repair import repair


def has_operator() -> bool:
    """Whether torchvision's compiled operator works here."""
    repair()
    try:
        import torchvision  # noqa: F401
    except ImportError:
        return False
    return hasattr(torch.ops.torchvision, "deform_conv2d")


def by_sampling(x: Tensor, offset: Tensor, weight: Tensor, stride: int, padding: int, dilation: int, mask: Tensor) -> Tensor:
    """The convolution without the operator; arguments as ``torchvision.ops.deform_conv2d`` has them: offset (N, 2 K, h, w) holds dy, dx of a tap."""
    _, _, height, width = x.shape
    rows, columns = offset.shape[-2:]
    _, _, high, wide = weight.shape
    top = torch.arange(rows, device=x.device, dtype=offset.dtype)[:, None] * stride - padding
    left = torch.arange(columns, device=x.device, dtype=offset.dtype)[None, :] * stride - padding
    total: Tensor | None = None
    for tap in range(high * wide):
        y = top + (tap // wide) * dilation + offset[:, 2 * tap]
        x_at = left + (tap % wide) * dilation + offset[:, 2 * tap + 1]
        # grid_sample's -1..1 runs over pixel edges; pixel i has its centre at (2 i + 1) / size - 1.
        grid = torch.stack([(2 * x_at + 1) / width - 1, (2 * y + 1) / height - 1], -1)
        seen = F.grid_sample(x, grid.to(x.dtype), mode="bilinear", padding_mode="zeros", align_corners=False)
        part = F.conv2d(seen * mask[:, tap : tap + 1].to(x.dtype), weight[:, :, tap // wide, tap % wide, None, None].to(x.dtype))
        total = part if total is None else total + part
    assert total is not None
    return total


class DeformableConv2d(nn.Module):
    """Takes the place of a square ``nn.Conv2d`` without groups and bias, keeping its weight; at first every tap looks where the convolution's did,
    with half its weight.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        size, self.stride, self.padding, self.dilation = conv.kernel_size[0], conv.stride[0], int(conv.padding[0]), conv.dilation[0]
        self.weight = conv.weight
        self.offset = nn.Conv2d(conv.in_channels, 3 * size * size, size, self.stride, self.padding, self.dilation)
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H', W')."""
        with torch.autocast(x.device.type, enabled=False):  # an offset in bfloat16 would be good to a pixel at the far edge
            x, predicted = x.float(), F.conv2d(x.float(), self.offset.weight, self.offset.bias, self.stride, self.padding, self.dilation)
            offset, mask = predicted[:, : predicted.shape[1] * 2 // 3], torch.sigmoid(predicted[:, predicted.shape[1] * 2 // 3 :])
            if has_operator() and not torch.onnx.is_in_onnx_export():
                from torchvision.ops import deform_conv2d

                done: Tensor = deform_conv2d(x, offset, self.weight, None, self.stride, self.padding, self.dilation, mask)
                return done
            return by_sampling(x, offset, self.weight, self.stride, self.padding, self.dilation, mask)


def deform(module: nn.Module) -> int:
    """Replace every 3 x 3 convolution inside `module` that has neither groups nor bias by a deformable one; returns how many."""
    count = 0
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Conv2d) and child.kernel_size == (3, 3) and child.groups == 1 and child.bias is None:
            setattr(module, name, DeformableConv2d(child))
            count += 1
        else:
            count += deform(child)
    return count
