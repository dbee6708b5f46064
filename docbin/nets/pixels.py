"""What several architectures do to a page before their first layer: grey, and padding to the grid of their deepest level."""

from __future__ import annotations

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
