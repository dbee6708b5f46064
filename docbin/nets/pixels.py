"""What several architectures share: grey, padding to the grid of the deepest level, and maps side by side with a border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def luma(image: Tensor) -> Tensor:
    """Grey (N, 1, H, W) of RGB (N, 3, H, W), ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B), as :func:`docbin.page.to_grey` has it."""
    return 0.299 * image[:, 0:1] + 0.587 * image[:, 1:2] + 0.114 * image[:, 2:3]


def padded(page: Tensor, multiple: int, white: bool = False) -> Tensor:
    """`page` (N, C, H, W) continued below and to the right to multiples of `multiple`: by its last row and column, or by white (1.0)."""
    bottom, right = -page.shape[-2] % multiple, -page.shape[-1] % multiple
    if not bottom and not right:
        return page
    if white:
        return F.pad(page, (0, right, 0, bottom), value=1.0)
    return F.pad(page, (0, right, 0, bottom), mode="replicate")


def for_convolution(x: Tensor, autocast: torch.dtype | None) -> Tensor:
    """`x` in channels_last and in the type that autocast would hand a convolution (None: as it is), in one pass over it."""
    return x.to(dtype=autocast or x.dtype, memory_format=torch.channels_last)


def autocast_type(x: Tensor) -> torch.dtype | None:
    """The type that autocast computes in where `x` is, or None where it is off."""
    return torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else None


class _Framed(torch.autograd.Function):
    """See :func:`framed`. Its gradients are views of the one that arrives."""

    @staticmethod
    def forward(ctx: Any, edge: int, value: float, *maps: Tensor) -> Tensor:
        batch, _, height, width = maps[0].shape
        ctx.edge, ctx.channels = edge, [one.shape[1] for one in maps]
        shape = (batch, sum(ctx.channels), height + 2 * edge, width + 2 * edge)
        out = torch.empty(shape, dtype=maps[0].dtype, device=maps[0].device, memory_format=torch.channels_last)
        if edge:
            for side in (out[:, :, :edge], out[:, :, -edge:], out[..., :edge], out[..., -edge:]):
                side.fill_(value)
        for part, one in zip(torch.split(_inner(out, edge), ctx.channels, 1), maps, strict=True):
            part.copy_(one)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        return (None, None, *torch.split(_inner(gradient, ctx.edge), ctx.channels, 1))


def _inner(x: Tensor, edge: int) -> Tensor:
    return x[..., edge : x.shape[-2] - edge, edge : x.shape[-1] - edge]


def framed(maps: Sequence[Tensor], edge: int, value: float) -> Tensor:
    """Maps of one size and type side by side, with a border of `edge` pixels of `value`: (N, C_i, H, W) -> (N, sum of C_i, H + 2 edge, W + 2 edge).

    The same as ``F.pad(torch.cat(maps, 1), ...)``, which writes every pixel three times; in a training each is written once, in channels_last.
    """
    if not torch.is_grad_enabled() or torch.compiler.is_compiling() or len({one.dtype for one in maps}) > 1:
        return F.pad(torch.cat(tuple(maps), 1), (edge, edge, edge, edge), value=value)
    out: Tensor = _Framed.apply(edge, value, *maps)  # type: ignore[no-untyped-call]
    return out
