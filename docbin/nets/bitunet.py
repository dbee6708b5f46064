"""`bitunet`: a U-Net that stays in bits from its first layer to its head, and draws the edges of strokes in whole numbers of 8 bits.

The engine runs a network fast only if nothing between the page and the head is float (ARCHITECTURE's decision 4), so every step here is
chosen to be a bit operation:

* *Stem.* Threshold codes of the page's 2 x 2 cells (:mod:`docbin.kernels.stem`): local z-scores at several windows against thresholds
  (SauvolaNet's many windows, Li et al., 2021, arXiv 2105.05521, without one multiplication), a few grey levels, and levels of the depth plane
  (:mod:`docbin.kernels.depth`), which measures a pixel in the ink of its page and so carries what a tile cannot know.
* *Blocks.* Binary convolution, batch norm, threshold; padding is -1. No real-valued shortcut: it would break the pipeline (in a first trial it
  gained nothing).
* *Thermometer.* A filter gives `thresholds` bits, its value compared with so many thresholds, and the next layer counts them alike:
  together they are one activation of `thresholds` + 1 levels. In training it costs what one bit costs (a map of levels instead of signs);
  in the engine the weights' words are repeated, so the count of equal bits *is* the product with the level. Bits are cheap there, crops are
  dear here.
* *Plumbing.* 2 x 2 max-pooling is OR, nearest upsampling and concatenation move words. A 1 x 1 convolution before each upsampling keeps the
  concatenated maps, the dearest layers of a U-Net, narrow.
* *Head.* Four logits a cell (its 2 x 2 pixels) from the last map and the stem's codes, with weights of `planes` signs each (learnable
  multi-basis, BinaryDM, 2024).
* *Edge.* Of the pixels that such a network gets wrong, 97 of 100 touch a stroke's edge: there a few grey levels decide, and threshold codes lie
  further apart than that. So the last step sees the page again, not as bits but as whole numbers of 8 bits: two small convolutions
  (:mod:`docbin.nets.edge`) over the head's logits, the pixels and their local z-scores. They are one part in thirty of the arithmetic.

In evaluation the network computes with the very integers and thresholds that the packed file holds, so that a comparison with the engine
is one of bits.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.nets.bitunet_config import BitUNetConfig
from docbin.nets.edge import Edge
from docbin.nets.native import levels_of_norm
from docbin.nets.pixels import autocast_type, framed, luma, padded
from docbin.nets.stem import Stem
from docbin.quant import get, sign
from docbin.quant.estimators import binarize, hard_tanh
from docbin.quant.layer import QuantConv2d
from docbin.quant.quantizer import ActQuantizer


class Bits(ActQuantizer):
    """Passes a map that is already +-1; tells the layer to pad it by -1."""

    def forward(self, x: Tensor) -> Tensor:
        """The map itself."""
        return x


class _Levels(torch.autograd.Function):
    """Mean of the signs of ``x + offset`` over offsets; backward, 1 within the outermost offset + 1, else 0 (the clipped straight-through
    estimator of multi-level activations, Zhou et al., 2016, arXiv 1606.06160)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, offsets: tuple[float, ...]) -> Tensor:
        ctx.save_for_backward(x)
        ctx.reach = 1.0 + max(offsets)
        reached = (x >= -offsets[0]).view(torch.int8)  # counted in bytes: a sum of bools and bfloat16 is not vectorised
        for offset in offsets[1:]:
            reached += (x >= -offset).view(torch.int8)
        if len(offsets) == 2:
            return reached.sub_(1).to(x.dtype)
        return reached.to(x.dtype).mul_(2 / len(offsets)).sub_(1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradient, x, -ctx.reach, ctx.reach), None


class _Spread(torch.autograd.Function):
    """Signs of ``x + offset``, the offsets' maps one behind the other; backward the triangle of Bi-Real Net, summed over offsets.

    The same as ``binarize(x + offset, triangle)`` for each offset, concatenated, in fewer passes over memory.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, offsets: tuple[float, ...]) -> Tensor:
        ctx.save_for_backward(x)
        ctx.offsets = offsets
        return torch.cat([(x + offset >= 0).view(torch.int8) for offset in offsets], 1).mul_(2).sub_(1).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        total = None
        for offset, part in zip(ctx.offsets, torch.split(gradient, x.shape[1], 1), strict=True):
            slope = (x + offset).abs_().mul_(-2).add_(2).clamp_min_(0).mul_(part)
            total = slope if total is None else total.add_(slope)
        return total, None  # type: ignore[return-value]


def offsets(thresholds: int) -> tuple[float, ...]:
    """What is added to an activation before its signs are taken: the levels are then those of a uniform quantiser of -1..1 in `thresholds` steps."""
    return tuple((2 * k + 1 - thresholds) / thresholds for k in range(thresholds))


class BitBlock(nn.Module):
    """Binary convolution, batch norm, thermometer of `thresholds` bits.

    In training maps hold levels: (N, in, H, W) in -1..1 -> (N, filters, H, W), with `spread_out` the bits, (N, thresholds * filters, H, W).
    In evaluation they hold bits, the first threshold's channels first: (N, in_thresholds * in, H, W) -> (N, thresholds * filters, H, W).

    Parameters
    ----------
    sources : channels of the maps that are concatenated into the input
    in_thresholds : thresholds a filter of those maps
    stride : 1 or 2
    """

    def __init__(
        self,
        sources: tuple[int, ...],
        in_thresholds: int,
        filters: int,
        thresholds: int,
        kernel: int,
        quantizer: str,
        spread_out: bool = False,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.sources, self.in_thresholds, self.spread_out = sources, in_thresholds, spread_out
        self.conv = QuantConv2d(
            sum(sources),
            filters,
            kernel,
            stride,
            padding=kernel // 2,
            bias=False,
            weight_quantizer=get(quantizer).weight(),
            act_quantizer=Bits(),
        )
        nn.init.normal_(self.conv.weight, std=0.3)
        self.norm = nn.BatchNorm2d(filters)
        # Constants: batch norm's factor and bias move and stretch them for every filter.
        self.offsets = offsets(thresholds)

    def forward(self, maps: Tensor | tuple[Tensor, ...]) -> Tensor:
        """Levels or bits of the block, of one map or of several side by side; see the class."""
        maps = (maps,) if isinstance(maps, Tensor) else maps
        if not self.training:
            return self._exact(torch.cat(maps, 1))
        y = self.conv.of_padded(framed(maps, self.conv.kernel_size[0] // 2, -1.0))
        levels = levels_of_norm(self.norm, y, self.offsets, self.spread_out)
        if levels is not None:
            return levels
        y = self.norm(y)
        if self.spread_out:
            return _Spread.apply(y, self.offsets)  # type: ignore[no-untyped-call,no-any-return]
        return _Levels.apply(y, self.offsets)  # type: ignore[no-untyped-call,no-any-return]

    def _repeated(self, weight: Tensor) -> Tensor:
        """Each source's part of a weight (filters, in, k, k), once for each of its bits."""
        return torch.cat([part.repeat(1, self.in_thresholds, 1, 1) for part in torch.split(weight, list(self.sources), 1)], 1)

    @torch.no_grad()
    def folded(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """(signs, least, masks): bit f of filter o is +1 where the integer dot product of all bits with ``signs[o]`` is at least ``least[f,
        o]`` (float64).

        Batch norm, the weight's scale and the offset become one threshold; a filter with a negative factor has its signs turned over.
        """
        (plane,) = self.conv.planes()
        norm = self.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        scale = plane.scale.double() * factor / self.in_thresholds
        shift = norm.bias.double() - norm.running_mean.double() * factor
        height = (
            shift + torch.tensor(self.offsets, dtype=torch.float64, device=shift.device)[:, None]
        )  # the value at a dot product of 0, (thresholds, filters)
        turned = torch.where(scale < 0, -1.0, 1.0)
        least = -height / scale.abs().clamp_min(1e-300)
        dead = scale == 0
        least[:, dead] = torch.where(height[:, dead] >= 0, -torch.inf, torch.inf).double()
        signs = plane.signs * turned.reshape(-1, 1, 1, 1).to(plane.signs.dtype)
        return self._repeated(signs), least, None if plane.mask is None else self._repeated(plane.mask)

    def _exact(self, x: Tensor) -> Tensor:
        signs, least, mask = self.folded()
        weight = signs if mask is None else signs * mask
        edge = signs.shape[-1] // 2
        # Sums of at most 9 * channels values +-1 are exact in single precision.
        dots = F.conv2d(F.pad(x.float(), (edge, edge, edge, edge), value=-1.0), weight.float(), stride=self.conv.stride).double()
        return torch.cat([sign(dots - limit.reshape(1, -1, 1, 1)) for limit in least], 1).to(x.dtype)


class BitHead(nn.Module):
    """Four logits a cell from bits: ``bias + sum over planes of scale[k] dot(signs[k])``; +-1 (N, in, H, W) -> (N, 4, H, W)."""

    def __init__(self, channels: int, planes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, channels, 3, 3) * 0.3)
        # Each plane halves what is left of the weight, as binary digits do.
        self.scale = nn.Parameter((0.5 ** torch.arange(planes).float()).reshape(-1, 1).repeat(1, 4) * 0.5)
        self.gain = nn.Parameter(torch.full((4,), 2.0 / (9 * channels) ** 0.5))
        self.bias = nn.Parameter(torch.full((4,), -2.2))  # the logit of a tenth: the share of ink on a page

    def signs(self) -> list[Tensor]:
        """The planes' signs, each of what the planes before it leave of the latent weight."""
        left, planes = self.weight, []
        for scale in self.scale:
            bits = binarize(left, hard_tanh)
            planes.append(bits)
            left = left - (scale.reshape(-1, 1, 1, 1) * bits).detach()
        return planes

    def forward(self, *maps: Tensor) -> Tensor:
        """Logits of maps side by side; in evaluation summed plane by plane in single precision, as the engine does."""
        padded = framed(maps, 1, -1.0)
        if self.training:
            weight = sum(scale.reshape(-1, 1, 1, 1) * bits for scale, bits in zip(self.scale, self.signs(), strict=True))
            y = F.conv2d(padded, (self.gain.reshape(-1, 1, 1, 1) * weight).to(padded.dtype))
            return y.float() + self.bias.reshape(1, -1, 1, 1)
        total = self.bias.reshape(1, -1, 1, 1).expand(padded.shape[0], 4, *maps[0].shape[-2:]).float()
        for factor, bits in zip(self.factors(), self.signs(), strict=True):
            total = total + factor.reshape(1, -1, 1, 1) * F.conv2d(padded.float(), bits.float())
        return total

    @torch.no_grad()
    def factors(self) -> Tensor:
        """Scale times gain, (planes, 4)."""
        return self.scale * self.gain


class BitTrunk(nn.Module):
    """Stem, encoder and decoder: what networks that end in another head have in common. Of the colours of a page they see the grey."""

    def __init__(self, config: BitUNetConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = Stem(config.windows, config.thetas, config.greys, config.depths, config.floor)
        by_name = {layer.name: (layer, count) for layer, count in zip(config.layers, config.thresholds_of, strict=True)}
        levels = len(config.filters)

        def block(name: str, spread_out: bool = False) -> BitBlock:
            layer, count = by_name[name]
            in_thresholds = config.thresholds_of[layer.inputs[0]] if layer.inputs else 1
            sources = tuple(config.layers[at].filters for at in layer.inputs) or (self.stem.channels,)
            return BitBlock(sources, in_thresholds, layer.filters, count, layer.kernel, config.quantizer, spread_out, layer.stride)

        def level(name: str, convolutions: int, last: bool = False) -> nn.Sequential:
            return nn.Sequential(*(block(f"{name}.{k}", last and k == convolutions - 1) for k in range(convolutions)))

        self.encoder = nn.ModuleList(level(f"encoder.{at}", config.encoder_convs[at], last=levels == 1) for at in range(levels))
        self.narrow = nn.ModuleList(block(f"narrow.{at}") for at in range(levels - 1))
        self.decoder = nn.ModuleList(level(f"decoder.{at}", config.decoder_convs[at], last=at == 0) for at in range(levels - 1))

    @property
    def blocks(self) -> list[BitBlock]:
        """Its convolutions of bits, in the order of ``config.layers``, which is the engine's."""
        return [self.get_submodule(layer.name) for layer in self.config.layers]  # type: ignore[misc]

    @property
    def depth(self) -> bool:
        """Whether the input has a fourth channel, the depth plane."""
        return self.config.depths > 0

    @property
    def stride(self) -> int:
        """Side of the deepest level's cell in pixels."""
        return int(2 ** len(self.config.filters)) * self.config.first_stride

    @property
    def halo(self) -> int:
        """How many pixels away a pixel of the input can still change a pixel of the output (an upper bound, a multiple of `stride`)."""
        config = self.config
        reach = 1 + max(config.windows, default=1) // 2
        for at, count in enumerate(config.encoder_convs):
            cell = config.first_stride * 2**at
            reach += (count + (config.decoder_convs[at] if at < len(config.decoder_convs) else 0) + 1) * cell
        reach += 2 * (config.edge > 0)
        return -(-(2 * reach + 1) // self.stride) * self.stride

    @property
    def bits_out(self) -> int:
        """Bits of the last map."""
        return self.config.thresholds_of[-1] * self.config.layers[-1].filters

    def _planes(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Grey and depth in whole levels, (N, 1, H, W), padded to multiples of `stride`."""
        with torch.autocast(image.device.type, enabled=False):
            grey = 255 * luma(image.float())
            planes = torch.cat([grey, 255 * image[:, 3:4].float()], 1) if self.depth else grey
            planes = padded(planes, self.stride).round()
        return planes[:, :1], planes[:, 1:] if self.depth else None

    def _trunk(self, image: Tensor, grey: Tensor, depth: Tensor | None) -> tuple[Tensor, Tensor]:
        """The bits of the last map, 1 / (2 first_stride) of the page's side, and the stem's."""
        dtype = autocast_type(image) or grey.dtype
        with torch.autocast(image.device.type, enabled=False):
            x = codes = self.stem.codes(grey, depth, dtype)
        skips: list[Tensor] = []
        for at, encode in enumerate(self.encoder):
            x = encode(F.max_pool2d(x, 2) if at else x)
            skips.append(x)
        for at in range(len(self.decoder) - 1, -1, -1):
            x = self.decoder[at]((skips[at], _twice(self.narrow[at](x))))
        return x, codes


class BitUNet(BitTrunk):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB, with depths RGB and depth plane, (N, 3 or 4, H, W) in 0..1."""

    def __init__(self, config: BitUNetConfig | None = None) -> None:
        super().__init__(config := config or BitUNetConfig())
        self.head = BitHead(self.bits_out + self.stem.channels, config.planes)
        self.edge = Edge(4 * (len(config.windows) + 1 + self.depth), config.edge) if config.edge else None

    def forward(self, image: Tensor) -> Tensor:
        """Logits of ink; odd sizes are padded by their last row and column, and cut back."""
        height, width = image.shape[-2:]
        grey, depth = self._planes(image)
        logits = self.head(*self._bits(image, grey, depth))
        if self.edge is not None:
            with torch.autocast(image.device.type, enabled=False):
                seen = self.stem.levels(grey, depth)
            logits = self.edge(seen, logits.float())
        return F.pixel_shuffle(logits, 2)[..., :height, :width]

    def bits(self, image: Tensor) -> Tensor:
        """What the head sees: the bits of the last map and of the stem, of a page whose sides are padded to multiples of `stride`."""
        return torch.cat(self._bits(image, *self._planes(image)), 1)

    def _bits(self, image: Tensor, grey: Tensor, depth: Tensor | None) -> tuple[Tensor, Tensor]:
        """The bits of the last map at the stem's size, and the stem's."""
        x, codes = self._trunk(image, grey, depth)
        return _twice(x) if self.config.first_stride == 2 else x, codes


class _Twice(torch.autograd.Function):
    """Nearest upsampling by 2, by expanding a view, because interpolation leaves channels_last bfloat16 on CPUs; backward the sum of each four."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        rows = x.permute(0, 2, 3, 1)[:, :, None, :, None, :].expand(batch, height, 2, width, 2, channels)
        return rows.reshape(batch, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # A mean of four rounds once, as a sum does; the sum over the expanded view would take six times as long.
        return F.avg_pool2d(gradient, 2, divisor_override=1)


def _twice(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2 H, 2 W)."""
    raised: Tensor = _Twice.apply(x)  # type: ignore[no-untyped-call]
    return raised
