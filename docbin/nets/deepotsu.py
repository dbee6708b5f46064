"""DeepOtsu: a network that cleans the page step by step, and a threshold that is easy because the page is clean.

S. He, L. Schomaker, "DeepOtsu: Document enhancement and binarization using iterative deep learning", Pattern Recognition 91, 379-390, 2019,
doi:10.1016/j.patcog.2019.01.025, arXiv 1901.06081.

The network does not decide between ink and paper. It learns what is *wrong* with a page: the residual between it and the "uniform page", on which
all ink has one colour and all paper another (:func:`docbin.train.refinement.uniform_page` defines it). A U-Net adds its residual to the page,
and the sum is a page again, so the step can be repeated:

* *stacked refinement*, the published size: six networks, each trained on what the one before it leaves (``shared = false``);
* *recurrent refinement*: one network applied again and again (``shared = true``), a sixth of the weights.

Every step's page is returned; the last is binarized by Otsu's threshold (Otsu 1979) or, after ``docbin enhance``, by any method of the catalogue.

The U-Net is the authors': 16-32-64-128-256 channels, *one* 3x3 convolution a level, 2x2 maxima below every level, the fifth included (so the
grid is 32 pixels), up by learned 4x4 transposed convolutions over all channels that start as bilinear interpolation and have no bias, leaky
ReLU of slope 0.25 behind everything but the last convolution. 2,572,945 weights a step on grey pages, 15,437,670 in six steps. The authors work
on grey; with ``channels = 3`` the page keeps its colours.

Otsu's threshold belongs to the whole page: a tile of bare paper has two classes of noise. So a page is cleaned in tiles, each step over the whole
page before the next (a tile then needs the surround of one step, not of six), and thresholded once; :meth:`DeepOtsu.decide` is that last step.
On a page without any ink Otsu's threshold splits the paper's noise; that is a limit of the method, not of the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.nets.pixels import luma, padded

SHARPNESS = 32.0
"""Logits of ink per unit of grey (0..1) below the threshold: eight grey levels are one logit."""


@dataclass(frozen=True, slots=True)
class DeepOtsuConfig:
    """A variant of :class:`DeepOtsu`; the defaults are the published network.

    Attributes
    ----------
    widths : channels of the U-Net's levels at 1, 1/2, 1/4, ... of the page's side
    channels : 1 cleans the grey page, 3 the coloured one
    steps : refinements
    shared : one network for all steps (recurrent refinement) instead of one a step (stacked refinement)
    slope : of the leaky ReLU
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    channels: int = 1
    steps: int = 6
    shared: bool = False
    slope: float = 0.25

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if not self.widths or min(self.widths) < 1 or self.channels not in (1, 3) or self.steps < 1:
            raise UsageError(
                f"deepotsu: widths of at least 1, channels 1 or 3 and at least one step are wanted; "
                f"got widths {self.widths}, channels {self.channels}, steps {self.steps}"
            )


class Refiner(nn.Module):
    """One step: a page plus what a U-Net finds wrong with it. Height and width are multiples of ``2 ** levels``."""

    def __init__(self, config: DeepOtsuConfig) -> None:
        super().__init__()
        widths = config.widths
        self.slope = config.slope
        self.encoder = nn.ModuleList(nn.Conv2d(above, here, 3, padding=1) for above, here in pairwise((config.channels, *widths)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(width, width, 4, stride=2, padding=1, bias=False) for width in widths)
        self.decoder = nn.ModuleList(nn.Conv2d(2 * here, above, 3, padding=1) for above, here in pairwise((config.channels, *widths)))
        for layer in (*self.encoder, *self.decoder):
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        # The first residuals are small, so that six untrained steps leave a page a page.
        nn.init.xavier_uniform_(self.decoder[0].weight, gain=0.1)  # type: ignore[arg-type]
        for layer in self.up:
            bilinear_(layer.weight)  # type: ignore[arg-type]

    def forward(self, page: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), both 0..1 but for overshoot."""
        return page + self.residual(page)

    def residual(self, page: Tensor) -> Tensor:
        """What is wrong with the page, (N, C, H, W)."""
        skips: list[Tensor] = []
        y = page
        for encode in self.encoder:
            y = F.leaky_relu(encode(y), self.slope)
            skips.append(y)
            y = F.max_pool2d(y, 2)
        for level in reversed(range(len(skips))):
            y = F.leaky_relu(self.up[level](y), self.slope)
            y = self.decoder[level](torch.cat([y, skips[level]], 1))
            if level:
                y = F.leaky_relu(y, self.slope)
        return y


@torch.no_grad()
def bilinear_(weight: Tensor) -> Tensor:
    """Fill a (C, C, 4, 4) transposed kernel of stride 2 with bilinear interpolation, channel by channel."""
    line = torch.tensor([0.25, 0.75, 0.75, 0.25], dtype=weight.dtype, device=weight.device)
    weight.zero_()
    for channel in range(weight.shape[0]):
        weight[channel, channel] = line[:, None] * line
    return weight


def otsu(grey: Tensor) -> Tensor:
    """Otsu's threshold of each page, (N, 1, H, W) in 0..1 -> (N, 1, 1, 1); ink is what is darker.

    256 greys, as on paper pages: the threshold lies half a grey above the last dark one. Of equally good ones the darkest is taken, and a page
    of one grey has only its black as ink, as in :mod:`docbin.classical`. No gradient flows.
    """
    with torch.no_grad():
        levels = grey.detach().float().clamp(0, 1).mul(255).round().long().flatten(1)
        counts = torch.zeros(len(levels), 256, dtype=torch.float64, device=grey.device)
        counts.scatter_add_(1, levels, torch.ones_like(levels, dtype=torch.float64))
        dark = counts.cumsum(1)
        weighted = (counts * torch.arange(256, dtype=torch.float64, device=grey.device)).cumsum(1)
        total, mean = dark[:, -1:], weighted[:, -1:] / dark[:, -1:]
        between = (mean * dark - weighted).square() / (dark * (total - dark)).clamp_min(1.0)
        between = torch.where((dark > 0) & (dark < total), between, 0.0)
        best = (between >= between.amax(1, keepdim=True) * (1 - 1e-12)).to(torch.int8).argmax(1)
        return ((best.to(grey.dtype) + 0.5) / 255).view(-1, 1, 1, 1)


class DeepOtsu(nn.Module):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB (N, 3, H, W) in 0..1, each page with its own threshold."""

    def __init__(self, config: DeepOtsuConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DeepOtsuConfig()
        self.refiners = nn.ModuleList(Refiner(config) for _ in range(1 if config.shared else config.steps))

    @property
    def stride(self) -> int:
        """Side of the deepest pooled cell in pixels."""
        return int(2 ** len(self.config.widths))

    @property
    def steps(self) -> int:
        """How many clean pages come out."""
        return self.config.steps

    @property
    def step_halo(self) -> int:
        """How far one step sees, in pixels, rounded up to the grid: two 3x3 convolutions and half a transposed one a level, and a cell."""
        levels = len(self.config.widths)
        reach = sum(2 * 2**level + 2 ** (level + 1) for level in range(levels)) + 2**levels
        return int(-(-reach // self.stride)) * self.stride

    @property
    def halo(self) -> int:
        """How far all steps together see; the threshold sees everything."""
        return self.steps * self.step_halo

    def convolutions(self) -> Residual | None:
        """One step without its sum, for another runtime; None where every step is another network."""
        return Residual(self) if self.config.shared or self.steps == 1 else None

    def enter(self, image: Tensor) -> Tensor:
        """The page before the first step: RGB (N, 3, H, W) -> (N, channels, H, W)."""
        return image if self.config.channels == 3 else luma(image)

    def step(self, number: int, page: Tensor) -> Tensor:
        """The page after step `number` (from 0), float32 (N, channels, H, W), of the page before it."""
        height, width = page.shape[-2:]
        refiner = self.refiners[0 if self.config.shared else number]
        refined: Tensor = refiner(padded(page, self.stride))
        return refined[..., :height, :width].float()

    def clean(self, image: Tensor) -> list[Tensor]:
        """The pages after every step, each (N, channels, H, W), of RGB (N, 3, H, W); not clamped."""
        page = self.enter(image)
        pages: list[Tensor] = []
        for number in range(self.steps):
            page = self.step(number, page)
            pages.append(page)
        return pages

    def decide(self, page: Tensor) -> Tensor:
        """Logits of ink (N, 1, H, W) of the last step's *whole* page (N, channels, H, W), by Otsu's threshold."""
        page = page.float()
        grey = page if self.config.channels == 1 else luma(page)
        return (otsu(grey) - grey) * SHARPNESS

    def forward(self, image: Tensor) -> Tensor:
        """Logits of ink, (N, 1, H, W), of whole RGB pages (N, 3, H, W) in 0..1."""
        return self.decide(self.clean(image)[-1])


class Residual(nn.Module):
    """What one step finds wrong with a page (N, channels, H, W) whose sides are multiples of the stride.

    The sum of page and residual is not in it, nor the threshold: both want single precision, and :mod:`docbin.zoo.graphs` does them.
    """

    def __init__(self, net: DeepOtsu) -> None:
        super().__init__()
        self.net = net
        self.stride, self.halo = net.stride, net.step_halo

    def inputs(self) -> dict[str, Tensor]:
        """An example of the input, by name."""
        return {"page": torch.rand(1, self.net.config.channels, self.stride, 2 * self.stride)}

    def metadata(self) -> dict[str, str]:
        """What :mod:`docbin.zoo.graphs` must know to run it."""
        channels = self.net.config.channels
        return {"docbin.steps": str(self.net.steps), "docbin.channels": str(channels), "docbin.sharpness": str(SHARPNESS)}

    def forward(self, page: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape."""
        refiner = self.net.refiners[0]
        assert isinstance(refiner, Refiner)
        return refiner.residual(page)
