"""DE-GAN: a conditional adversarial network for four repairs of a page: binarization, clean-up, deblurring, removal of watermarks.

M. A. Souibgui, Y. Kessentini, "DE-GAN: A Conditional Generative Adversarial Network for Document Enhancement", IEEE Transactions on Pattern
Analysis and Machine Intelligence 44(3), 2022 (online 2020), doi:10.1109/TPAMI.2020.3022406, arXiv 2010.08764.

A generator turns the degraded grey page into the wanted one; a discriminator looks at small patches of the *pair* (page, degraded page) and says
which pairs are true. Cross-entropy with the wanted page (weight 100) says where ink is, the discriminator (weight 1) what pages look like
(:mod:`docbin.train.adversarial`).

The generator is the first U-Net (Ronneberger et al. 2015) with "same" padding: two 3x3 convolutions a level, ReLU, dropout of one half on the two
deepest levels (the skip of the deeper one passes through it), up by doubling each pixel and a 2x2 convolution, and at the end a 3x3 convolution to
two channels and a 1x1 one to the paper's probability. The two published sizes differ in the bottleneck: 1024 channels for binarization and
deblurring (31,031,685 weights), 512 for watermarks (15,825,797; the level above it then has 256 on the way down but still 512 on the way up).
No normalisation, so it is local and tiles equal the page; pages are continued in white, as published.

Doubling pixels only to run a 2x2 kernel over them reads every value four times. :class:`UpConv` computes the same numbers at the small size: a
window of 2x2 on the doubled map covers at most 2x2 of the small one, so each of the four phases of the result is a 2x2 convolution with some taps
added up, and pixel-shuffle interleaves them.

The published decision is "paper where its probability is above 0.95"; ``threshold`` is part of the variant, and the logits of :meth:`Degan.forward`
are shifted so that positive means ink under it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.nets.pixels import luma, padded


@dataclass(frozen=True, slots=True)
class DeganConfig:
    """A variant of :class:`Degan`; the defaults are the published generator for binarization.

    Attributes
    ----------
    widths : channels of the levels above the bottleneck
    bottleneck : channels of the deepest level, even; the level above it has half of them on the way down
    head : channels of the last 3x3 convolution. The published two can both die (a ReLU follows); small variants take more
    dropout : share of values dropped on the two deepest levels
    threshold : paper is where its probability is above this
    discriminator : channels of the discriminator's first layer; the others have 2, 4 and 4 times as many
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    bottleneck: int = 1024
    head: int = 2
    dropout: float = 0.5
    threshold: float = 0.95
    discriminator: int = 64

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if not self.widths or min(self.widths) < 1 or self.bottleneck < 2 or self.bottleneck % 2 or self.head < 1 or self.discriminator < 1:
            raise UsageError(
                f"degan: widths, head and discriminator of at least 1 and an even bottleneck are wanted; got widths {self.widths}, "
                f"bottleneck {self.bottleneck}, head {self.head}, discriminator {self.discriminator}"
            )
        if not 0.0 < self.threshold < 1.0 or not 0.0 <= self.dropout < 1.0:
            raise UsageError(f"degan: threshold {self.threshold} must lie between 0 and 1, dropout {self.dropout} from 0 to below 1")


def conv(inputs: int, outputs: int, kernel: int = 3) -> nn.Conv2d:
    """A convolution that keeps the size, with the initialisation of He et al. (2015), zero bias."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class Pair(nn.Module):
    """Two 3x3 convolutions, each with ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = conv(inputs, outputs), conv(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        return F.relu(self.second(F.relu(self.first(x))))


class UpConv(nn.Module):
    """Every pixel doubled in both directions, then a 2x2 convolution with zeros continued below and to the right; see the module's docstring."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 2, 2))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def phases(self) -> Tensor:
        """The kernel at the small size, (4 * outputs, inputs, 2, 2), in the order of pixel-shuffle: channel, row phase, column phase.

        In phase 0 both taps of an axis fall on one small pixel and are added up; in phase 1 they fall on it and on the next.
        """
        weight = self.weight
        rows = torch.stack([F.pad(weight.sum(2, keepdim=True), (0, 0, 0, 1)), weight], 1)  # (out, row phase, in, 2, 2)
        columns = torch.stack([F.pad(rows.sum(4, keepdim=True), (0, 1)), rows], 2)  # (out, row phase, column phase, in, 2, 2)
        return columns.flatten(0, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, 2 H, 2 W)."""
        y = F.conv2d(F.pad(x, (0, 1, 0, 1)), self.phases(), self.bias.repeat_interleave(4))
        return F.pixel_shuffle(y, 2)


class Degan(nn.Module):
    """The generator; see the module's docstring. Logits (N, 1, H, W) from RGB (N, 3, H, W) in 0..1."""

    steps = 1

    def __init__(self, config: DeganConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DeganConfig()
        down = (*config.widths[:-1], config.bottleneck // 2)
        inputs = (1, *down[:-1])
        self.encoder = nn.ModuleList(Pair(before, here) for before, here in zip(inputs, down, strict=True))
        self.bottleneck = Pair(down[-1], config.bottleneck)
        below = (*config.widths[1:], config.bottleneck)
        self.up = nn.ModuleList(UpConv(under, here) for under, here in zip(below, config.widths, strict=True))
        self.decoder = nn.ModuleList(Pair(skip + here, here) for skip, here in zip(down, config.widths, strict=True))
        self.head = conv(config.widths[0], config.head)
        self.out = nn.Conv2d(config.head, 1, 1)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        self.drop = nn.Dropout(config.dropout)

    @property
    def stride(self) -> int:
        """Side of the deepest level's cell in pixels."""
        return int(2 ** len(self.config.widths))

    @property
    def halo(self) -> int:
        """How far a pixel of the page reaches, rounded up to the grid: four 3x3 and a 2x2 convolution a level, two at the bottom, a cell."""
        levels = len(self.config.widths)
        reach = 1 + sum(5 * 2**level for level in range(levels)) + 2 * 2**levels + 2**levels
        return int(-(-reach // self.stride)) * self.stride

    @property
    def step_halo(self) -> int:
        """There is one step."""
        return self.halo

    def enter(self, image: Tensor) -> Tensor:
        """The page as the generator takes it: RGB (N, 3, H, W) -> grey (N, 1, H, W)."""
        return luma(image)

    def paper(self, grey: Tensor) -> Tensor:
        """Logits of paper (white), (N, 1, H, W), of grey pages (N, 1, H, W) in 0..1."""
        height, width = grey.shape[-2:]
        y = padded(grey, self.stride, white=True)
        skips: list[Tensor] = []
        for level, encode in enumerate(self.encoder):
            y = encode(y)
            if level == len(self.encoder) - 1:
                y = self.drop(y)
            skips.append(y)
            y = F.max_pool2d(y, 2)
        y = self.drop(self.bottleneck(y))
        for skip, up, decode in zip(reversed(skips), reversed(self.up), reversed(self.decoder), strict=True):
            y = decode(torch.cat([skip, F.relu(up(y))], 1))
        logits: Tensor = self.out(F.relu(self.head(y)))
        return logits[..., :height, :width].float()

    def step(self, number: int, page: Tensor) -> Tensor:
        """The repaired grey page, 0..1, (N, 1, H, W); `number` is 0."""
        return torch.sigmoid(self.paper(page))

    def clean(self, image: Tensor) -> list[Tensor]:
        """The repaired page, grey 0..1, (N, 1, H, W), of RGB (N, 3, H, W); a list of one."""
        return [self.step(0, self.enter(image))]

    def forward(self, image: Tensor) -> Tensor:
        """Logits of ink, (N, 1, H, W), of RGB pages (N, 3, H, W) in 0..1; positive where paper's probability is not above `threshold`."""
        threshold = self.config.threshold
        return math.log(threshold / (1 - threshold)) - self.paper(self.enter(image))


class PatchDiscriminator(nn.Module):
    """Is this pair true? (N, 1, H / 16, W / 16) answers in 0..1, each for a patch of the pair (16 x 16 of them for crops of 256).

    Four 4x4 convolutions of stride 2 (64-128-256-256 as published), leaky ReLU of slope 0.2 and then, from the second on, BatchNorm; a 4x4
    convolution to one channel. 1,712,065 weights.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 4 * width)
        self.layers = nn.ModuleList(
            nn.Conv2d(before, here, 4, stride=2, padding=1) for before, here in zip((2, *widths[:-1]), widths, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(here, eps=1e-3, momentum=0.2) for here in widths[1:])
        self.out = nn.Conv2d(widths[-1], 1, 4)

    def forward(self, page: Tensor, degraded: Tensor) -> Tensor:
        """The answers for `page` (N, 1, H, W) as the repair of `degraded` (N, 1, H, W), both 0..1."""
        y = padded(torch.cat([page, degraded], 1), 16, white=True)
        for number, layer in enumerate(self.layers):
            y = F.leaky_relu(layer(y), 0.2)
            if number:
                y = self.norms[number - 1](y)
        return torch.sigmoid(self.out(F.pad(y, (1, 2, 1, 2))).float())
