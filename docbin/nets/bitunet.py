"""`bitunet`: a U-Net that stays in bits from its first layer to its last.

The engine runs a network fast only if nothing between the page and the head is float (ARCHITECTURE's decision 4), so every step here is
chosen to be a bit operation:

* *Stem.* Threshold codes of the page's 2 x 2 cells (:mod:`docbin.kernels.stem`): local z-scores at several windows against learned
thresholds, and a few grey levels.
  They are SauvolaNet's many windows (Li et al., 2021, arXiv 2105.05521) as bits, at half size, without one multiplication.
* *Blocks.* Binary 3 x 3 convolution, batch norm, sign; padding is -1. No real-valued shortcut: it would break the pipeline (in a first
trial it gained nothing).
* *Fan.* A filter may give several bits, its dot product compared with several learned thresholds. The next layer then sees a thermometer
code of the activation and
  weighs its steps with weights of its own, which is what a 2-bit activation offers and more, while the convolution that made it costs the
  same.
* *Plumbing.* 2 x 2 max-pooling is OR, nearest upsampling and concatenation move words.
* *Head.* Four logits a cell (its 2 x 2 pixels) from the last map and the stem's codes, with weights of `planes` signs each (learnable
multi-basis, BinaryDM, 2024).

In evaluation the network computes with the very integers and thresholds that the packed file holds, so that a comparison with the engine
is one of bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.quant import get, sign
from docbin.quant.estimators import binarize, hard_tanh, triangle
from docbin.quant.layer import QuantConv2d
from docbin.quant.quantizer import ActQuantizer, Deployment


@dataclass(frozen=True, slots=True)
class BitUNetConfig:
    """A variant of :class:`BitUNet`.

    Attributes
    ----------
    windows : sides of the stem's windows in cells of 2 x 2 pixels, odd
    thetas : thresholds a window
    greys : fixed grey thresholds; 4 (windows * thetas + greys) must be a multiple of 64
    floor : added to the local deviation, grey levels
    filters : filters at 1/2, 1/4, 1/8, ... of the page's side, multiples of 64
    fans : thresholds a filter, one number a level
    encoder_convs, decoder_convs : convolutions a level on the way down and up (one fewer number for the way up)
    planes : sign planes of the head's weights
    quantizer : a row of ``docbin.quant.METHODS`` whose weights fold to one plane
    """

    windows: tuple[int, ...] = (5, 13, 31)
    thetas: int = 9
    greys: int = 5
    floor: float = 7.65
    filters: tuple[int, ...] = (64, 128, 128, 128)
    fans: tuple[int, ...] = (2, 1, 1, 1)
    encoder_convs: tuple[int, ...] = (2, 2, 2, 2)
    decoder_convs: tuple[int, ...] = (2, 2, 2)
    planes: int = 3
    quantizer: str = "bireal"

    def __post_init__(self) -> None:
        """Refuse counts that do not fit each other or the engine."""
        levels = len(self.filters)
        if len(self.fans) != levels or len(self.encoder_convs) != levels or len(self.decoder_convs) != levels - 1 or levels < 1:
            raise UsageError(
                f"bitunet: {levels} levels of filters want {levels} fans, {levels} encoder_convs and {levels - 1} decoder_convs"
            )
        if 4 * (len(self.windows) * self.thetas + self.greys) % 64:
            raise UsageError(
                f"bitunet: 4 ({len(self.windows)} windows x {self.thetas} thetas + {self.greys} greys) must be a multiple of 64"
            )
        if (
            any(count % 64 or count < 64 for count in self.filters)
            or min(self.fans) < 1
            or min(self.encoder_convs + self.decoder_convs) < 1
        ):
            raise UsageError(f"bitunet: filters {self.filters} must be multiples of 64, fans {self.fans} and convolutions at least 1")
        deployment, why = get(self.quantizer).weight().deployment, get(self.quantizer).weight().why
        if deployment is not Deployment.FOLDS:
            raise UsageError(f"bitunet: quantizer {self.quantizer!r} does not fold to one plane of bits ({why})")


class Bits(ActQuantizer):
    """Passes a map that is already +-1; tells the layer to pad it by -1."""

    def forward(self, x: Tensor) -> Tensor:
        """The map itself."""
        return x


def box_sum(cells: Tensor, window: int) -> Tensor:
    """Sum of int64 cells (N, 1, H, W) over the in-map part of the window around each; exact."""
    half = window // 2
    height, width = cells.shape[-2:]
    integral = F.pad(cells.cumsum(2).cumsum(3), (1, 0, 1, 0))
    rows, columns = torch.arange(height, device=cells.device), torch.arange(width, device=cells.device)
    top, bottom = (rows - half).clamp_min(0), (rows + half + 1).clamp_max(height)
    left, right = (columns - half).clamp_min(0), (columns + half + 1).clamp_max(width)
    strip = integral[:, :, bottom] - integral[:, :, top]
    return strip[..., right] - strip[..., left]


class Stem(nn.Module):
    """Threshold codes with learned thresholds: grey (N, 1, 2 h, 2 w) on the 0..255 scale -> +-1 (N, 4 t, h, w), channel 4 t + 2 dy + dx."""

    def __init__(self, config: BitUNetConfig) -> None:
        super().__init__()
        self.windows, self.floor = config.windows, config.floor
        # Where the local z-scores of ink and paper lie: ink reaches down to -2, paper crowds just above 0.
        self.theta = nn.Parameter(torch.linspace(-1.9, 0.7, config.thetas).repeat(len(config.windows), 1))
        self.grey = nn.Parameter(torch.linspace(50, 205, config.greys))

    @property
    def channels(self) -> int:
        """Bits a cell."""
        return 4 * (self.theta.numel() + self.grey.numel())

    def forward(self, grey: Tensor) -> Tensor:
        """Codes of whole grey levels (the page is uint8); the order of the single-precision steps is that of the kernel."""
        pixels = F.pixel_unshuffle(grey.float(), 2)
        whole = pixels.detach().round().to(torch.int64)
        sums, squares, ones = whole.sum(1, keepdim=True), whole.square().sum(1, keepdim=True), torch.ones_like(whole[:, :1])
        codes: list[Tensor] = []
        for window, thetas in zip(self.windows, self.theta, strict=True):
            count = (4 * box_sum(ones, window)).float()
            mean = box_sum(sums, window).float() / count
            variance = box_sum(squares, window).float() / count - mean * mean
            spread = variance.clamp_min(0).sqrt() + self.floor
            # The same sign as pixels - threshold; the division only scales the gradient to units of the deviation.
            codes.extend(binarize((pixels - (mean + theta * spread)) / spread, triangle) for theta in thetas)
        codes.extend(binarize((pixels - level) / 32, triangle) for level in self.grey)
        return torch.cat(codes, 1)


class BitBlock(nn.Module):
    """Binary convolution, batch norm, `fan` signs: +-1 (N, in, H, W) -> +-1 (N, fan * filters, H, W), the first threshold's channels
    first."""

    def __init__(self, channels: int, filters: int, fan: int, quantizer: str) -> None:
        super().__init__()
        self.conv = QuantConv2d(channels, filters, 3, padding=1, bias=False, weight_quantizer=get(quantizer).weight(), act_quantizer=Bits())
        nn.init.normal_(self.conv.weight, std=0.3)
        self.norm = nn.BatchNorm2d(filters)
        spread = torch.linspace(-0.7, 0.7, fan) if fan > 1 else torch.zeros(1)
        self.offset = nn.Parameter(spread[:, None].repeat(1, filters))

    def forward(self, x: Tensor) -> Tensor:
        """Bits of the block."""
        if not self.training:
            return self._exact(x)
        y = self.norm(self.conv(x).float())
        return torch.cat([binarize(y + offset.reshape(1, -1, 1, 1), triangle).to(x.dtype) for offset in self.offset], 1)

    @torch.no_grad()
    def folded(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """(signs, least, masks): bit f of filter o is +1 where the integer dot product with ``signs[o]`` is at least ``least[f, o]``
        (float64).

        Batch norm, the weight's scale and the offset become one threshold; a filter with a negative factor has its signs turned over.
        """
        (plane,) = self.conv.planes()
        norm = self.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = plane.scale.double() * norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        shift = norm.bias.double() - norm.running_mean.double() * norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        height = shift + self.offset.double()  # the value at a dot product of 0, (fan, filters)
        turned = torch.where(scale < 0, -1.0, 1.0)
        least = -height / scale.abs().clamp_min(1e-300)
        dead = scale == 0
        least[:, dead] = torch.where(height[:, dead] >= 0, -torch.inf, torch.inf).double()
        return plane.signs * turned.reshape(-1, 1, 1, 1).to(plane.signs.dtype), least, plane.mask

    def _exact(self, x: Tensor) -> Tensor:
        signs, least, mask = self.folded()
        weight = signs if mask is None else signs * mask
        # Sums of at most 9 * channels values +-1 are exact in single precision.
        dots = F.conv2d(F.pad(x.float(), (1, 1, 1, 1), value=-1.0), weight.float()).double()
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

    def forward(self, x: Tensor) -> Tensor:
        """Logits; in evaluation summed plane by plane in single precision, as the engine does."""
        padded = F.pad(x, (1, 1, 1, 1), value=-1.0)
        if self.training:
            weight = sum(scale.reshape(-1, 1, 1, 1) * bits for scale, bits in zip(self.scale, self.signs(), strict=True))
            y = F.conv2d(padded, (self.gain.reshape(-1, 1, 1, 1) * weight).to(x.dtype))
            return y.float() + self.bias.reshape(1, -1, 1, 1)
        total = self.bias.reshape(1, -1, 1, 1).expand(x.shape[0], 4, *x.shape[-2:]).float()
        for factor, bits in zip(self.factors(), self.signs(), strict=True):
            total = total + factor.reshape(1, -1, 1, 1) * F.conv2d(padded.float(), bits.float())
        return total

    @torch.no_grad()
    def factors(self) -> Tensor:
        """Scale times gain, (planes, 4)."""
        return self.scale * self.gain


class BitUNet(nn.Module):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB (N, 3, H, W) in 0..1, of which it sees the grey."""

    def __init__(self, config: BitUNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or BitUNetConfig()
        self.stem = Stem(config)
        widths = [count * fan for count, fan in zip(config.filters, config.fans, strict=True)]

        def level(channels: int, at: int, convolutions: int) -> nn.Sequential:
            blocks = [
                BitBlock(channels if k == 0 else widths[at], config.filters[at], config.fans[at], config.quantizer)
                for k in range(convolutions)
            ]
            return nn.Sequential(*blocks)

        inputs = [self.stem.channels, *widths[:-1]]
        self.encoder = nn.ModuleList(level(inputs[at], at, convolutions) for at, convolutions in enumerate(config.encoder_convs))
        self.decoder = nn.ModuleList(
            level(widths[at] + widths[at + 1], at, convolutions) for at, convolutions in enumerate(config.decoder_convs)
        )
        self.head = BitHead(widths[0] + self.stem.channels, config.planes)

    @property
    def stride(self) -> int:
        """Side of the deepest level's cell in pixels."""
        return int(2 ** len(self.config.filters))

    @property
    def halo(self) -> int:
        """How many pixels away a pixel of the input can still change a pixel of the output (an upper bound, a multiple of `stride`)."""
        config = self.config
        reach = 1 + max(config.windows) // 2
        for at, count in enumerate(config.encoder_convs):
            reach += (count + (config.decoder_convs[at] if at < len(config.decoder_convs) else 0) + 1) * 2**at
        return -(-(2 * reach + 1) // self.stride) * self.stride

    def forward(self, image: Tensor) -> Tensor:
        """Logits of ink; odd sizes are padded by their last row and column, and cut back."""
        height, width = image.shape[-2:]
        with torch.autocast(image.device.type, enabled=False):
            grey = 255 * (0.299 * image[:, 0:1].float() + 0.587 * image[:, 1:2].float() + 0.114 * image[:, 2:3].float())
            bottom, right = -height % self.stride, -width % self.stride
            if bottom or right:
                grey = F.pad(grey, (0, right, 0, bottom), mode="replicate")
            codes = self.stem(grey.round())
        x = codes = (codes.to(torch.get_autocast_dtype(image.device.type)) if self._lowered(image) else codes).contiguous(
            memory_format=torch.channels_last
        )
        skips: list[Tensor] = []
        for at, encode in enumerate(self.encoder):
            x = encode(F.max_pool2d(x, 2) if at else x)
            skips.append(x)
        for at in range(len(self.decoder) - 1, -1, -1):
            x = self.decoder[at](torch.cat([skips[at], F.interpolate(x, scale_factor=2, mode="nearest")], 1))
        logits = F.pixel_shuffle(self.head(torch.cat([x, codes], 1)), 2)
        return logits[..., :height, :width]

    @staticmethod
    def _lowered(image: Tensor) -> bool:
        return torch.is_autocast_enabled(image.device.type)
