"""`unet`: the accurate page binarizer that two CPU cores can train and run.

A U-Net (Ronneberger et al., 2015, arXiv 1505.04597) of residual blocks (He et al., 2015, arXiv 1512.03385), bent to four facts of the
task:

* *Ink edges decide the score.* Nearly every wrong pixel of a good method lies on a stroke's edge, so full resolution must reach the output.
  But a convolution over a full-resolution map with few channels is the most expensive layer a CPU can run. The stem is therefore a
  space-to-depth step (pixel-unshuffle by 2): nothing is averaged away, every layer works at half size or below, and the head writes four
  logits a position that pixel-shuffle puts back. The raw pixels go around the whole network into the head.
* *Ink is dark relative to its neighbourhood.* The classical local thresholds (Niblack 1986, Sauvola 2000) rest on the local z-score (x -
  mean) / std; it is handed in as extra channels at two window sizes instead of being learned from a few dozen pages. Means are box filters,
  so the input contract stays an image. Colour is kept: stains and stamps differ from ink in hue.
* *Shine-through is ink, but not of this page.* What stands on the back and shows looks like faint ink within any window; against the ink of the whole
  page it is pale. The variants with `depth` see each pixel's depth in units of the page's ink (:mod:`docbin.kernels.depth`).
* *Edges, once more.* The variants with `edge` end in the step that the 1-bit networks end in (:class:`docbin.nets.edge.Edge`), here without its
  rounding: behind a network that stays as it is, it learns from so many more crops that it still takes a tenth of the errors away.
* *What ImageNet teaches holds on paper that nobody showed.* A hundred contest pages teach ink; they do not teach what cloth, mould or a photograph
  look like. The variants with `eye` have a second, trained encoder beside their own: EfficientNet-Lite0 (:mod:`docbin.nets.lite0`) looks at the page
  at half its size, and what it sees at 1/4 to 1/32 of the side is added where the network's own maps of that size begin. It is a thirtieth of the
  arithmetic, since its layers are depthwise and its picture is a quarter.
* *Deep levels are cheap.* At 1/16 of the page's side a 256-channel block costs less a pixel than a 32-channel one at half size, and tells a
  stain from a stroke. So widths double downwards.

BatchNorm, because it folds into the convolutions when the net is exported; ReLU, because it fuses into them. Down is a 2x2 convolution, up
is a 1x1 convolution with pixel-shuffle, and skips are added, not concatenated, which halves the decoder.

Measured on 2 cores (bfloat16 autocast, channels_last): 640 to 740 GFLOP/s forward and backward. Nearest or bilinear upsampling in place of
pixel-shuffle halves that (PyTorch's CPU kernels for them leave channels_last bfloat16), torch.compile gains nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.kernels.cell_planes import Plane
from docbin.kernels.reference_edge import LARGEST, LOGIT_UNIT, Z_UNIT
from docbin.nets.edge import Edge
from docbin.nets.folded_conv import FoldedConv
from docbin.nets.lite0 import CENTRE, LITE0, first_stages
from docbin.nets.native import ClippedNorm2d
from docbin.nets.pixels import autocast_type, for_convolution, luma, padded

EYE_LEVELS = 3
"""Levels of the network that the eye's maps are added to: those at 1/4, 1/8 and 1/16; its map at 1/32 goes to the last of them."""


@dataclass(frozen=True, slots=True)
class UNetConfig:
    """A variant of :class:`UNet`.

    Attributes
    ----------
    widths : channels at 1/2, 1/4, 1/8, ... of the page's side; their number is the depth
    encoder_blocks : residual blocks on the way down, one number a level
    decoder_blocks : residual blocks on the way up, one number a level but the deepest
    dilations : of the deepest level's blocks in turn
    windows : sides of the local-contrast windows in pixels at *half* resolution, odd; () for none
    depth : the input has a fourth channel, the depth plane of :mod:`docbin.kernels.depth`
    head : channels of the hidden layer of the head
    edge : filters of the edge step; 0 for none
    edge_windows : sides of the windows that it sees, as `windows`
    eye : a trained encoder that looks, too: "efficientnet-lite0", for four levels; "" for none
    """

    widths: tuple[int, ...] = (32, 64, 128, 256)
    encoder_blocks: tuple[int, ...] = (1, 2, 2, 2)
    decoder_blocks: tuple[int, ...] = (2, 1, 1)
    dilations: tuple[int, ...] = (1, 2)
    windows: tuple[int, ...] = (9, 35)
    depth: bool = False
    head: int = 32
    edge: int = 0
    edge_windows: tuple[int, ...] = (5, 13, 31)
    eye: str = ""

    def __post_init__(self) -> None:
        """Refuse counts that do not fit each other."""
        if len(self.widths) < 2 or len(self.encoder_blocks) != len(self.widths) or len(self.decoder_blocks) != len(self.widths) - 1:
            raise UsageError(
                f"unet: widths {self.widths} ask for {len(self.widths)} encoder_blocks and {len(self.widths) - 1} decoder_blocks, "
                f"got {self.encoder_blocks} and {self.decoder_blocks}"
            )
        if not self.dilations or any(window % 2 == 0 or window < 3 for window in self.windows):
            raise UsageError(f"unet: windows must be odd and at least 3, dilations not empty; got {self.windows}, {self.dilations}")
        if self.eye not in ("", LITE0) or (self.eye and len(self.widths) != 1 + EYE_LEVELS):
            raise UsageError(f"unet: eye {self.eye!r} with {len(self.widths)} widths: {LITE0!r} with {1 + EYE_LEVELS} is there, or none")


def box_mean(x: Tensor, window: int) -> Tensor:
    """Mean over a `window` x `window` box around each pixel, over the pixels that lie inside the map; (N, C, H, W) -> same shape."""
    half = window // 2
    rows = F.avg_pool2d(x, (window, 1), stride=1, padding=(half, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, window), stride=1, padding=(0, half), count_include_pad=False)


def local_contrast(grey: Tensor, window: int, floor: float = 0.05, limit: float = 4.0) -> Tensor:
    """Local z-score of each of the four pixels of a 2x2 cell: (x - mean) / (std + `floor`), clamped to +-`limit`.

    `grey` is pixel-unshuffled, (N, 4, H, W) in 0..1; mean and deviation are those of all pixels of the `window` x `window` cells around.
    `floor` keeps flat paper near 0 instead of amplifying its noise.
    """
    mean = box_mean(grey.mean(1, keepdim=True), window)
    square = box_mean(grey.square().mean(1, keepdim=True), window)
    deviation = (square - mean.square()).clamp_min(0.0).sqrt()
    return ((grey - mean) / (deviation + floor)).clamp(-limit, limit)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with BatchNorm, the input added before the last ReLU."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.first_norm = ClippedNorm2d(channels, low=0.0)
        self.second = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.second_norm = ClippedNorm2d(channels, low=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        y: Tensor = self.second_norm(self.second(self.first_norm(self.first(x))), x)
        return y


class Eye(nn.Module):
    """A trained encoder that looks at the page at half its size, and what it tells the levels below the first.

    Its answers begin at zero, so that a network to which it is added is at first the one it was.
    """

    reach = 2 * (169 + 16)
    """How far it sees in pixels of the page: 169 of the picture that it is given, which is half as large, by its 3x3 and 5x5 layers, and a cell."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder, channels = first_stages()
        self.told = nn.ModuleList(nn.Conv2d(seen, level, 1) for seen, level in zip(channels, (*widths, 4 * widths[-1]), strict=True))
        for layer in self.told:
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, colours: Tensor) -> list[Tensor]:
        """Colours in cells of 2 x 2 pixels, (N, 12, H, W) in 0..1, to what is added at 1/2, 1/4 and 1/8 of their size."""
        count, _, height, width = colours.shape
        page = colours.reshape(count, 3, 4, height, width).mean(2)
        seen = self.encoder(((page - CENTRE[0]) / CENTRE[0]).contiguous(memory_format=torch.channels_last))[1:]
        *told, deepest = (layer(maps) for layer, maps in zip(self.told, seen, strict=True))
        told[-1] = told[-1] + F.pixel_shuffle(deepest, 2)
        return told


class UNet(nn.Module):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB (N, 3, H, W), with `depth` RGB and depth (N, 4, H, W), in 0..1."""

    def __init__(self, config: UNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or UNetConfig()
        widths = config.widths
        raw = 12 + 4 * len(config.windows) + 4 * config.depth
        self.stem = nn.Conv2d(raw, widths[0], 3, padding=1, bias=False)
        self.stem_norm = ClippedNorm2d(widths[0], low=0.0)
        last = len(widths) - 1
        self.encoder = nn.ModuleList(
            nn.Sequential(
                *(ResidualBlock(width, config.dilations[k % len(config.dilations)] if level == last else 1) for k in range(blocks))
            )
            for level, (width, blocks) in enumerate(zip(widths, config.encoder_blocks, strict=True))
        )
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(here, below, 2, stride=2, bias=False), ClippedNorm2d(below, low=0.0))
            for here, below in pairwise(widths)
        )
        self.up = nn.ModuleList(nn.Conv2d(below, 4 * here, 1) for here, below in pairwise(widths))
        self.decoder = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
            for width, blocks in zip(widths[:-1], config.decoder_blocks, strict=True)
        )
        self.head = nn.Conv2d(widths[0] + raw, config.head, 3, padding=1)
        self.out = nn.Conv2d(config.head, 4, 1)
        nn.init.constant_(self.out.bias, -2.2)  # type: ignore[arg-type]  # the logit of a tenth: the share of ink on a page
        self.edge = Edge(4 * (len(config.edge_windows) + 1 + config.depth), config.edge, whole=False) if config.edge else None
        self.eye = Eye(widths[1:]) if config.eye else None

    @property
    def depth(self) -> bool:
        """Whether the input has a fourth channel, the depth plane."""
        return self.config.depth

    @property
    def stride(self) -> int:
        """Side of the deepest level's cell in pixels: tiles must start at its multiples to see the same cells as the whole page."""
        return int(2 ** (len(self.config.widths) + (self.eye is not None)))

    @property
    def halo(self) -> int:
        """How many pixels away a pixel of the input can still change a pixel of the output (an upper bound, a multiple of `stride`)."""
        seen = self.config.windows + (self.config.edge_windows if self.config.edge else ())
        return self._reach(max((window // 2 for window in seen), default=0))

    def _reach(self, windows: int) -> int:
        """The halo in pixels where what the convolutions see reaches `windows` cells of half size further."""
        config = self.config
        reach = 1 + 1 + 2 * (config.edge > 0) + windows  # stem, head, edge, in cells of half size
        last = len(config.widths) - 1
        for level in range(last + 1):
            if level == last:
                convolutions = 2 * sum(config.dilations[k % len(config.dilations)] for k in range(config.encoder_blocks[level]))
            else:
                convolutions = (
                    2 * (config.encoder_blocks[level] + config.decoder_blocks[level]) + 1
                )  # + 1: a cell of the level below is two of this
            reach += convolutions * 2**level
        seen = 2 * reach + 1 if self.eye is None else 2 * reach + 1 + self.eye.reach
        return -(-seen // self.stride) * self.stride

    def planes(self) -> dict[str, tuple[Plane, ...]]:
        """What the network sees of a page, by the names of :class:`Convolutions`' inputs: the same as `_raw` and `levels`, in other units."""
        config = self.config
        depth = (Plane("depth"),) if config.depth else ()
        colours = (Plane("red"), Plane("green"), Plane("blue"))
        inputs = {"raw": (*colours, *(Plane("score", window, 0.05, 4.0) for window in config.windows), *depth)}
        if config.edge:
            seen = (Plane("score", window, 0.03, LARGEST / Z_UNIT) for window in config.edge_windows)
            inputs["seen"] = (*seen, Plane("grey"), *depth)
        return inputs

    def convolutions(self) -> Convolutions:
        """The network without what it does at full size; see there."""
        return Convolutions(self)

    @torch.no_grad()
    def fold_norms(self) -> None:
        """Make every norm, and the addition and ReLU behind it, part of the convolution before it: for a network that is only evaluated."""
        pairs: list[tuple[nn.Module, str, str]] = [(self, "stem", "stem_norm"), *((part, "0", "1") for part in self.down)]
        for block in self.modules():
            if isinstance(block, ResidualBlock):
                pairs += [(block, "first", "first_norm"), (block, "second", "second_norm")]
        for owner, conv, norm in pairs:
            setattr(owner, norm, FoldedConv(getattr(owner, conv), getattr(owner, norm)))
            setattr(owner, conv, nn.Identity())

    def _raw(self, image: Tensor) -> Tensor:
        """The image, its local contrast and its depth at half size, (N, 12 + 4 * windows (+ 4), H/2, W/2); no gradient flows into the page."""
        lowered = autocast_type(image)
        with torch.no_grad(), torch.autocast(image.device.type, enabled=False):
            image = image.float()
            cells = F.pixel_unshuffle(luma(image), 2)
            parts = [F.pixel_unshuffle(image[:, :3], 2), *(local_contrast(cells, window) for window in self.config.windows)]
            if self.config.depth:
                parts.append(F.pixel_unshuffle(2 * image[:, 3:4], 2))
            return for_convolution(torch.cat(parts, 1), lowered)

    def levels(self, image: Tensor) -> Tensor:
        """What the edge step sees of a page whose sides are even, as ``docbin.nets.stem.Stem.levels`` but for the rounding."""
        with torch.no_grad(), torch.autocast(image.device.type, enabled=False):
            image = image.float()
            cells = F.pixel_unshuffle(luma(image), 2)
            limit = LARGEST / Z_UNIT
            seen = [Z_UNIT * local_contrast(cells, window, 0.03, limit) for window in self.config.edge_windows]
            seen.append(127.5 * cells - 64)
            if self.config.depth:
                seen.append(127.5 * F.pixel_unshuffle(image[:, 3:4], 2))
            return torch.cat(seen, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of ink, (N, 1, H, W), of pages (N, 3 or 4, H, W) in 0..1; odd sizes are padded by their last row and column, and cut back."""
        height, width = image.shape[-2:]
        image = padded(image, self.stride)
        logits = self.cells(image)
        if self.edge is not None:
            logits = self.edge(self.levels(image), logits.float())
        return F.pixel_shuffle(logits, 2)[..., :height, :width]

    def cells(self, image: Tensor) -> Tensor:
        """The logits of four pixels a cell, (N, 4, H / 2, W / 2), of a page whose sides are multiples of `stride`: what the edge step is handed."""
        raw = self._raw(image)
        y = self._body(self.stem_norm(self.stem(raw)), self.eye(raw[:, :12]) if self.eye else ())
        logits: Tensor = self.out(F.relu(self.head(torch.cat([y, raw.to(y.dtype)], 1)), inplace=True))
        return logits

    def _body(self, y: Tensor, told: Sequence[Tensor]) -> Tensor:
        """What is between stem and head; `told` by the eye, a map a level below the first, or nothing."""
        skips: list[Tensor] = []
        for level, (encode, down) in enumerate(zip(self.encoder[:-1], self.down, strict=True)):
            y = encode(y)
            skips.append(y)
            y = down(y)
            if told:
                y = y + told[level]
        y = self.encoder[-1](y)
        for skip, up, decode in zip(reversed(skips), reversed(self.up), reversed(self.decoder), strict=True):
            y = decode(skip + F.pixel_shuffle(up(y), 2))
        return y


UNITS: Mapping[str, float] = {"red": 1 / 255, "green": 1 / 255, "blue": 1 / 255, "depth": 2 / 255, "score": 1.0}
"""What one unit of a plane of :mod:`docbin.kernels.cell_planes` is in the stem and the head."""
EDGE_UNITS: Mapping[str, float] = {"score": 1.0, "grey": 0.5 / Z_UNIT, "depth": 0.5 / Z_UNIT}
"""The same in the edge step."""


class Convolutions(nn.Module):
    """A :class:`UNet` from its planes to the logits of each cell: all that a graph for another runtime has to compute.

    What a network does at full size (colours to cells, local z-scores) is a hundred small steps in a graph, each a pass over memory, and wants single
    precision; :mod:`docbin.kernels.cell_planes` does it in one pass. The convolutions that are left do without: in bfloat16 they give the same page.
    Whole numbers up to 255 are exact there, so colours come as they are and the weights of the first convolutions are divided by 255 instead.

    Inputs (N, 4 * planes, h, w) in the order of ``net.planes()``, sides multiples of half the stride; output (N, 4, h, w).
    """

    def __init__(self, net: UNet) -> None:
        super().__init__()
        self.net = net
        self.planes = net.planes()
        self.stride, self.halo = net.stride, net._reach(0)

    def inputs(self) -> dict[str, Tensor]:
        """An example of every input, by name."""
        return {name: torch.rand(1, 4 * len(planes), self.stride, 2 * self.stride) for name, planes in self.planes.items()}

    def metadata(self) -> dict[str, str]:
        """What :mod:`docbin.zoo.graphs` must know to run it: the planes of every input."""
        return {"docbin.planes": json.dumps({name: [astuple(plane) for plane in planes] for name, planes in self.planes.items()})}

    def forward(self, raw: Tensor, *seen: Tensor) -> Tensor:
        """`raw` for stem and head, then what the edge step sees, if there is one."""
        net = self.net
        factors = self._factors("raw", UNITS)
        told = net.eye(raw[:, :12] * factors[:, :12]) if net.eye else ()
        y = net._body(net.stem_norm(F.conv2d(raw, net.stem.weight * factors, padding=1)), told)
        width = net.config.widths[0]
        head = torch.cat([net.head.weight[:, :width], net.head.weight[:, width:] * factors], 1)
        logits: Tensor = net.out(F.relu(F.conv2d(torch.cat([y, raw], 1), head, net.head.bias, padding=1)))
        if net.edge is None:
            return logits
        factors = torch.cat([self._factors("seen", EDGE_UNITS), torch.full((1, 4, 1, 1), LOGIT_UNIT / Z_UNIT)], 1)
        limited = logits.clamp(-LARGEST / LOGIT_UNIT, LARGEST / LOGIT_UNIT)
        first = net.edge.first
        hidden = F.relu(F.conv2d(torch.cat([seen[0], limited], 1), first.weight * factors, first.bias, padding=1))
        drawn: Tensor = net.edge.second(hidden)
        return logits + drawn

    def _factors(self, name: str, units: Mapping[str, float]) -> Tensor:
        """The unit of every channel of an input, (1, channels, 1, 1)."""
        return torch.tensor([units[plane.kind] for plane in self.planes[name]]).repeat_interleave(4).reshape(1, -1, 1, 1)
