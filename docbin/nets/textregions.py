"""`textregions`: where on a page there is writing, in cells of 16 pixels.

A network that draws strokes at full size sees little of the page: one of bits 200 pixels. Whether something is writing, or a stain, the back of the
leaf, cloth, a hand or the edge of a book, is seen from further away and needs no stroke's edge. So this one looks at the page at a quarter of its
size, at a sixteenth of the pixels: the mean colour of every 4 x 4 and its darkest grey, without which a thin stroke is paper a little darker. Its
encoder is EfficientNet-Lite0 (:mod:`docbin.nets.lite0`) up to 1/16 of that picture. Three of its maps are brought to one width, the smaller ones
enlarged (nearest) and added; a depthwise layer looks around each cell, and a last one says whether ink lies in it.

Depthwise and pointwise layers, ReLU6: what :mod:`docbin.engine.fixed_point` computes in 16-bit whole numbers, the same bits on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.engine.fixed_point import GRID
from docbin.errors import UsageError
from docbin.kernels.shrunk import CELL, SHRINK
from docbin.nets.lite0 import first_stages
from docbin.nets.native import ClippedNorm2d, DepthwiseConv2d
from docbin.nets.pixels import luma, padded


@dataclass(frozen=True, slots=True)
class TextRegionsConfig:
    """A variant of :class:`TextRegions`.

    Attributes
    ----------
    width : channels in which the encoder's maps are added, a multiple of 8
    """

    width: int = 48

    def __post_init__(self) -> None:
        """Refuse a width that the engine cannot compute."""
        if self.width < 8 or self.width % 8:
            raise UsageError(f"textregions: width = {self.width}: a multiple of 8 is wanted")


class TextRegions(nn.Module):
    """The network; see the module's docstring. Logits (N, 1, h, w) of cells of 16 pixels from RGB (N, 3, H, W) in 0..1; h and w are H and W over 16,
    rounded up."""

    cell = CELL
    stride = GRID
    halo = None

    def __init__(self, config: TextRegionsConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TextRegionsConfig()
        self.encoder, channels = first_stages()
        model: Any = self.encoder.model
        weight = model.conv_stem.weight.detach()
        model.conv_stem.weight = nn.Parameter(torch.cat([weight, torch.zeros_like(weight[:, :1])], 1))
        width = config.width
        self.seen = nn.ModuleList(nn.Conv2d(count, width, 1, bias=False) for count in channels[1:])
        self.norm = ClippedNorm2d(width, low=0.0, high=6.0)
        self.around = DepthwiseConv2d(width, 5, 1, 2, False)
        self.around_norm = ClippedNorm2d(width, low=0.0, high=6.0)
        self.last = nn.Conv2d(width, 1, 1)
        nn.init.constant_(self.last.bias, -1.0)  # type: ignore[arg-type]  # the logit of a quarter: the share of cells with ink

    def forward(self, image: Tensor) -> Tensor:
        """Logits of "ink lies in this cell"."""
        height, width = (-(-side // CELL) for side in image.shape[-2:])
        with torch.no_grad(), torch.autocast(image.device.type, enabled=False):
            page = self.shrunk(image.float())
        maps = self.encoder(page.contiguous(memory_format=torch.channels_last))[2:]
        total: Tensor = self.seen[0](maps[0])
        for layer, seen in zip(self.seen[1:], maps[1:], strict=True):
            told = layer(seen)
            total = total + F.interpolate(told, scale_factor=float(total.shape[-1] // told.shape[-1]), mode="nearest")
        logits: Tensor = self.last(self.around_norm(self.around(self.norm(total))))
        return logits[..., :height, :width]

    @staticmethod
    def shrunk(image: Tensor) -> Tensor:
        """What is looked at: mean red, green, blue and the darkest grey of every 4 x 4 pixels in -1..1, (N, 4, h, w), h and w multiples of 16."""
        image = padded(image[:, :3], SHRINK)
        darkest = -F.max_pool2d(-luma(image), SHRINK)
        small = torch.cat([F.avg_pool2d(image, SHRINK), (255 * darkest).round() / 255], 1)
        return padded(2 * small - 1, GRID // SHRINK)
