"""`bitdbnet`: a text detector in bits, DBNet's task on the trunk of :mod:`docbin.nets.bitunet`.

DBNet (Liao et al., 2020, arXiv 1911.08947) needs a probability map in use and a threshold map in training. The first is what a `bitunet`
gives, logits from bits; so the network *is* one, runs in the same engine and is packed by the same exporter. What it has of its own:

* *Thresholds of the stem* on both sides of the local mean: in a street, writing is as often light on dark as dark on light.
* *One level more*, so that a cell of the deepest map is 32 pixels wide and a word on a poster within reach.
* *A second head* for the threshold map, an ordinary convolution over the same bits, because it is thrown away after training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.nets.bitunet import BitUNet
from docbin.nets.bitunet_config import BitUNetConfig


@dataclass(frozen=True, slots=True)
class BitDBNetConfig(BitUNetConfig):
    """A variant of :class:`BitDBNet`; fields as of :class:`docbin.nets.bitunet_config.BitUNetConfig`, with defaults for pictures of words."""

    windows: tuple[int, ...] = (5, 13, 31)
    thetas: int = 8
    greys: int = 8
    depths: int = 0
    filters: tuple[int, ...] = (32, 128, 128, 256, 256)
    decoder_filters: tuple[int, ...] = (64, 128, 128, 128)
    narrow: tuple[int, ...] = (32, 64, 64, 128)
    encoder_convs: tuple[int, ...] = (1, 2, 2, 2, 2)
    decoder_convs: tuple[int, ...] = (1, 1, 1, 1)


class BitDBNet(BitUNet):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB (N, 3, H, W) in 0..1: of lying within a word's shrunken outline."""

    bounded = True

    def __init__(self, config: BitUNetConfig | None = None) -> None:
        super().__init__(config or BitDBNetConfig())
        with torch.no_grad():
            self.stem.theta.copy_(torch.linspace(-1.6, 1.6, self.config.thetas).repeat(len(self.config.windows), 1))
            self.stem.grey.copy_(torch.linspace(30, 225, self.config.greys))
        self.threshold = nn.Conv2d(self.head.weight.shape[1], 4, 3, padding=1)
        nn.init.normal_(self.threshold.weight, std=0.01)

    def maps(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the probability map and of the threshold map, (N, 1, H, W) each: what a training needs."""
        height, width = image.shape[-2:]
        bits = self.bits(image)
        probability, threshold = F.pixel_shuffle(self.head(bits), 2), F.pixel_shuffle(self.threshold(bits), 2)
        return probability[..., :height, :width], threshold[..., :height, :width]
