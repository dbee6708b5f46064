"""`dbnet`: text detection by a threshold that the network learns with the map it is applied to.

DBNet (Liao et al., 2020, arXiv 1911.08947) predicts for every pixel the probability P of lying in the *shrunken* outline of a word, so that
neighbouring words part, and a threshold T that is high along the outlines. In training both meet in the differentiable step 1 / (1 + exp(-k (P -
T))), k = 50, whose gradient is large just where pixels are on the edge of a decision. In use P alone is enough, says the paper:
:mod:`docbin.detection` binarizes it at a constant and grows the components back. With ``outline``, as much is taken off P as T is above its least,
so that kernels that touch part where the network has learned an outline. DBNet++ (Liao et al., 2022, arXiv 2202.10304) weighs the four levels of the
pyramid at every place by an attention over scales before they are joined (``fusion = "adaptive"``).

The published form is any encoder of segmentation-models-pytorch under a pyramid of nearest-neighbour upsampling (``backbone = "resnet18"``,
``"resnet50"``, ``"tu-mobilenetv3_large_100"``, ``inner = 256``), with deformable convolutions in the three deeper stages if asked for. The default
is our own for CPUs: the backbone :mod:`docbin.nets.compact`, and 1 x 1 convolutions with pixel-shuffle wherever the paper upsamples, since nearest
upsampling leaves the fast memory layout in PyTorch's CPU kernels. (The heads' transposed 2 x 2 convolutions of stride 2 *are* such pairs, and are
computed so.) ``backbone = "efficientnet-lite0"`` has the same pyramid over an encoder that ImageNet has trained (:mod:`docbin.nets.lite0`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.nets.compact import LEVELS, Compact
from docbin.nets.deformable import deform
from docbin.nets.lite0 import CENTRE, LITE0, TIMM, fixed_padding
from docbin.nets.pixels import padded
from docbin.nets.smp import IMAGENET_DEVIATION, IMAGENET_MEAN, encoder_of

COMPACT = "compact"
FUSIONS = ("concat", "adaptive")
STEEPNESS = 50.0
"""k of the differentiable step."""
LOWEST = 0.3
"""The threshold map away from all outlines."""


@dataclass(frozen=True, slots=True)
class DBNetConfig:
    """A variant of :class:`DBNet`.

    Attributes
    ----------
    backbone : "compact", "efficientnet-lite0", or an encoder of segmentation-models-pytorch ("resnet18", "tu-mobilenetv3_large_100", ...)
    encoder_weights : pretrained weights of the encoder that the library is to download ("imagenet"); "" for none
    inner : channels of the pyramid, a multiple of 4
    fusion : how the pyramid's levels are joined: "concat" (DBNet) or "adaptive" (DBNet++)
    outline : share of the learned threshold, less its least, that is taken off the probability in use; 0 for the probability alone
    deformable : deformable 3 x 3 convolutions in the encoder's stages at 1/8, 1/16 and 1/32
    widths, blocks, dilations, stem : of the backbone "compact"; see :class:`docbin.nets.compact.Compact`
    """

    backbone: str = COMPACT
    encoder_weights: str = ""
    inner: int = 96
    fusion: str = "concat"
    outline: float = 0.0
    deformable: bool = False
    widths: tuple[int, ...] = (48, 96, 160, 256)
    blocks: tuple[int, ...] = (2, 2, 3, 1)
    dilations: tuple[int, ...] = (2,)
    stem: int = 24

    def __post_init__(self) -> None:
        """Refuse counts that do not fit each other."""
        if self.inner < 4 or self.inner % 4:
            raise UsageError(f"dbnet: inner = {self.inner}: a multiple of 4 is wanted")
        if self.fusion not in FUSIONS:
            raise UsageError(f"dbnet: fusion = {self.fusion!r}: choose one of {', '.join(FUSIONS)}")
        if not 0 <= self.outline <= 1:
            raise UsageError(f"dbnet: outline = {self.outline}: 0 to 1 is wanted")
        if self.backbone != COMPACT:
            return
        if self.deformable:
            raise UsageError("dbnet: deformable convolutions go into the stages of an encoder; the backbone 'compact' has none")
        if len(self.widths) != 4 or len(self.blocks) != 4 or min(self.widths) < 1 or min(self.blocks) < 1 or self.stem < 0:
            raise UsageError(
                f"dbnet: widths {self.widths} and blocks {self.blocks}: four positive numbers each, stem {self.stem} at least 0"
            )
        if not self.dilations or min(self.dilations) < 1:
            raise UsageError(f"dbnet: dilations {self.dilations}: at least one, each at least 1")


class Raise(nn.ConvTranspose2d):
    """A transposed 2 x 2 convolution of stride 2, computed as a 1 x 1 convolution and pixel-shuffle: the same weights, less time on a CPU."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__(channels, filters, 2, 2)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(N, C, H, W) -> (N, C', 2 H, 2 W)."""
        assert output_size is None
        assert self.bias is not None
        weight = self.weight.permute(1, 2, 3, 0).reshape(4 * self.out_channels, self.in_channels, 1, 1)
        return F.pixel_shuffle(F.conv2d(x, weight, self.bias.repeat_interleave(4)), 2)


class Pyramid(nn.Module):
    """Four maps, finest first -> the four levels at the finest one's size, `inner` / 4 channels each, coarsest first (Lin et al., 2017).

    With `shuffle`, upsampling is a 1 x 1 convolution with pixel-shuffle; without, nearest neighbours, as published.
    """

    def __init__(self, channels: Sequence[int], inner: int, shuffle: bool) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(count, inner, 1, bias=False) for count in channels)
        self.out = nn.ModuleList(nn.Conv2d(inner, inner // 4, 3, padding=1, bias=False) for _ in channels)
        self.down = nn.ModuleList()
        self.spread = nn.ModuleList()
        if shuffle:
            self.down.extend(nn.Conv2d(inner, 4 * inner, 1, bias=False) for _ in channels[1:])
            self.spread.extend(nn.Conv2d(inner // 4, inner // 4 * 4**level, 1, bias=False) for level in range(1, len(channels)))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """See the class."""
        last = len(maps) - 1
        y, levels = self.lateral[last](maps[last]), []
        for level in range(last, -1, -1):
            level_map = self.out[level](y)
            if level and self.spread:
                level_map = F.pixel_shuffle(self.spread[level - 1](level_map), 2**level)
            elif level:
                level_map = F.interpolate(level_map, scale_factor=2**level, mode="nearest")
            levels.append(level_map)
            if level:
                raised = F.pixel_shuffle(self.down[level - 1](y), 2) if self.down else F.interpolate(y, scale_factor=2, mode="nearest")
                y = self.lateral[level - 1](maps[level - 1]) + raised
        return levels


class AdaptiveFusion(nn.Module):
    """DBNet++'s weighing of the levels: each gets a weight of its own for every place, found by channel, spatial and scale attention in turn."""

    def __init__(self, inner: int, levels: int) -> None:
        super().__init__()
        within = inner // 4
        narrow = max(1, within // 4)
        self.mix = nn.Conv2d(inner, within, 3, padding=1)
        self.channel = nn.Sequential(nn.Conv2d(within, narrow, 1, bias=False), nn.ReLU(), nn.Conv2d(narrow, within, 1, bias=False))
        self.spatial = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(1, 1, 1, bias=False))
        self.scale = nn.Conv2d(within, levels, 1, bias=False)
        # Of one channel and a handful of weights, a random start may be dead behind its ReLU.
        for layer in (self.spatial[0], self.spatial[2]):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())  # type: ignore[arg-type, index]

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Levels of one size -> their weighted concatenation."""
        y = self.mix(torch.cat(list(levels), 1))
        y = y + torch.sigmoid(self.channel(y.mean((2, 3), keepdim=True)))
        y = y + torch.sigmoid(self.spatial(y.mean(1, keepdim=True)))
        weights = torch.sigmoid(self.scale(y))
        return torch.cat([level * weights[:, k : k + 1] for k, level in enumerate(levels)], 1)


def head(inner: int, bias: float, shuffle: bool) -> nn.Sequential:
    """A map at 1/4 of the picture's side -> logits at its full size; `bias` is what they start near.

    As published it goes through a map at 1/2; with `shuffle`, the 16 logits of a cell come at once from a hidden layer twice as wide.
    """
    within = inner // 2 if shuffle else inner // 4
    hidden = [nn.Conv2d(inner, within, 3, padding=1, bias=False), nn.BatchNorm2d(within), nn.ReLU()]
    if shuffle:
        last: nn.Conv2d | Raise = nn.Conv2d(within, LEVELS[0] ** 2, 1)
        after: list[nn.Module] = [last, nn.PixelShuffle(LEVELS[0])]
    else:
        last = Raise(within, 1)
        after = [Raise(within, within), nn.BatchNorm2d(within), nn.ReLU(), last]
    nn.init.constant_(last.bias, bias)  # type: ignore[arg-type]
    return nn.Sequential(*hidden, *after)


class DBNet(nn.Module):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB (N, 3, H, W) in 0..1: of lying within a word's shrunken outline.

    Attributes
    ----------
    stride : sides are padded to its multiples
    halo : how many pixels away a pixel can still matter; None where an encoder or the adaptive fusion may look at the whole picture
    bounded : a detector's pictures are scaled to a bounded size first (:mod:`docbin.detection`), so a network that needs them whole may have them
    """

    stride = LEVELS[-1]
    bounded = True
    mean: Tensor
    deviation: Tensor

    def __init__(self, config: DBNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DBNetConfig()
        self.encoder: nn.Module
        if config.backbone == COMPACT:
            self.encoder = Compact(config.widths, config.blocks, config.dilations, config.stem)
            channels = list(config.widths)
        else:
            lite = config.backbone == LITE0
            self.encoder, channels = encoder_of("dbnet", TIMM if lite else config.backbone, config.encoder_weights)
            if lite:
                fixed_padding(self.encoder)
            mean, deviation = (CENTRE, CENTRE) if lite else (IMAGENET_MEAN, IMAGENET_DEVIATION)
            self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
            self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), persistent=False)
            if config.deformable and not sum(deform(stage) for stage in self._deep_stages()):
                raise UsageError(f"dbnet: the encoder {config.backbone} has no 3 x 3 convolutions to deform; take a ResNet")
        ours = config.backbone in (COMPACT, LITE0)
        self.pyramid = Pyramid(channels, config.inner, ours)
        self.fusion = AdaptiveFusion(config.inner, len(channels)) if config.fusion == "adaptive" else None
        self.probability = head(config.inner, -2.0, ours)
        self.threshold = head(config.inner, 0.0, ours)

    def _deep_stages(self) -> list[nn.Module]:
        """The encoder's stages at 1/8, 1/16 and 1/32, as the library's ResNets name them."""
        stages = [getattr(self.encoder, f"layer{number}", None) for number in (2, 3, 4)]
        return [stage for stage in stages if isinstance(stage, nn.Module)]

    @property
    def halo(self) -> int | None:
        """See the class."""
        if not isinstance(self.encoder, Compact) or self.fusion is not None:
            return None
        # A pixel of the deepest level goes up through one 3 x 3 convolution of the pyramid, at most, and one of the head.
        reach = max(reach + cell for reach, cell in zip(self.encoder.reaches, LEVELS, strict=True)) + 2 * LEVELS[0]
        return -(-reach // self.stride) * self.stride

    def features(self, image: Tensor) -> Tensor:
        """The joined pyramid (N, inner, H / 4, W / 4) of pictures whose sides are multiples of `stride`."""
        if isinstance(self.encoder, Compact):
            maps = self.encoder(image.contiguous(memory_format=torch.channels_last))
        else:
            maps = self.encoder(((image - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last))[-4:]
        levels = self.pyramid(maps)
        return self.fusion(levels) if self.fusion is not None else torch.cat(levels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the probability map, lowered along outlines if so configured."""
        height, width = image.shape[-2:]
        features = self.features(padded(image, self.stride))
        logits: Tensor = self.probability(features)
        if self.config.outline:
            above = torch.sigmoid(self.threshold(features)) - LOWEST
            logits = torch.logit(torch.sigmoid(logits) - self.config.outline * above.clamp_min(0), eps=1e-4)
        return logits[..., :height, :width]

    def maps(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the probability map and of the threshold map, (N, 1, H, W) each: what a training needs."""
        height, width = image.shape[-2:]
        features = self.features(padded(image, self.stride))
        return self.probability(features)[..., :height, :width], self.threshold(features)[..., :height, :width]


def differentiable_step(probability: Tensor, threshold: Tensor, k: float = STEEPNESS) -> Tensor:
    """The approximate binary map 1 / (1 + exp(-k (P - T))) of two maps in 0..1."""
    return torch.sigmoid(k * (probability - threshold))
