"""A backbone that two CPU cores can train and run: residual blocks at 1/4 to 1/32 of a picture's side, as :mod:`docbin.nets.unet` builds them.

Nothing is averaged away and nothing is computed at full size: the stem puts the pixels of a cell into channels (pixel-unshuffle), a level ends in
2 x 2 convolution of stride 2, and the deepest level's blocks are dilated, because a word on a poster is wider than what 3 x 3 convolutions reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from docbin.nets.unet import ResidualBlock

LEVELS = (4, 8, 16, 32)
"""Cells of the levels in pixels."""


class Compact(nn.Module):
    """RGB (N, 3, H, W) in 0..1, sides multiples of 32 -> four maps of `widths` channels at 1/4, 1/8, 1/16, 1/32.

    Parameters
    ----------
    widths : channels of the four levels
    blocks : residual blocks of the four levels
    dilations : of the deepest level's blocks in turn
    stem : channels of a level at 1/2 before them with one residual block; 0 for none
    """

    def __init__(self, widths: Sequence[int], blocks: Sequence[int], dilations: Sequence[int], stem: int) -> None:
        super().__init__()
        self.cell = 2 if stem else 4
        self.enter: nn.Module
        if stem:
            self.enter = nn.Sequential(*_step(12, stem, 3, 1), ResidualBlock(stem), *_step(stem, widths[0], 2, 2))
        else:
            self.enter = nn.Sequential(*_step(48, widths[0], 3, 1))
        self.down = nn.ModuleList(nn.Sequential(*_step(here, below, 2, 2)) for here, below in pairwise(widths))
        last = len(widths) - 1
        self.levels = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width, dilations[k % len(dilations)] if level == last else 1) for k in range(blocks[level])))
            for level, width in enumerate(widths)
        )
        # How far a cell of each level sees, in pixels to either side.
        reach = 2 * 3 if stem else 4
        self.reaches: list[int] = []
        for level, cell in enumerate(LEVELS):
            spans = [dilations[k % len(dilations)] if level == last else 1 for k in range(blocks[level])]
            reach += cell * (1 + 2 * sum(spans))  # 1: which cell a pixel falls into
            self.reaches.append(reach)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The maps, finest first."""
        y = self.enter(F.pixel_unshuffle(4 * (image - 0.5), self.cell))
        maps = [self.levels[0](y)]
        for down, level in zip(self.down, self.levels[1:], strict=True):
            maps.append(level(down(maps[-1])))
        return maps


def _step(channels: int, filters: int, size: int, stride: int) -> list[nn.Module]:
    """Convolution, BatchNorm, ReLU."""
    return [nn.Conv2d(channels, filters, size, stride, size // 2 if stride == 1 else 0, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
