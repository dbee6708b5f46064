"""FourBi: a U-Net whose deepest level sees the whole crop at once, through the Fourier transform.

F. Quattrini, V. Pippi, S. Cascianelli, R. Cucchiara, "Binarizing Documents by Leveraging both Space and Frequency", ICDAR 2024, arXiv 2404.17243.
The blocks are the fast Fourier convolutions of L. Chi, B. Jiang, Y. Mu (NeurIPS 2020): channels are parted into *local* ones, seen by 3x3
convolutions, and *global* ones, which pass through a 1x1 convolution of the map's spectrum, so each value depends on every pixel. Paper
texture, shine-through and uneven light are patterns of a whole crop and cheap to tell apart there.

Layers, as published: a 7x7 convolution to 64 channels; three 3x3 ones of stride 2 to 128, 256, 512; two more 3x3 after each scale but the last; three
residual blocks of two fast Fourier convolutions (three quarters of the channels global, local Fourier unit on); then per scale concatenation with
the encoder, a transposed 3x3 convolution of stride 2 and two 3x3 ones; at last concatenation with the first scale, a 7x7 and two 3x3 convolutions.
BatchNorm and ReLU behind all but the last; on the way down margins are mirrored and convolutions have no bias, on the way up margins are zeros and
there is a bias. 17,575,809 weights (35.3 million with nine blocks). Where the public code runs two convolutions of one input into two outputs (local
to local and local to global), here is one with both outputs: the same weights, one call.

A Fourier unit turns real and imaginary parts of the spectrum into channels, mixes them by a 1x1 convolution with BatchNorm and ReLU, and goes back.
The *local* Fourier unit does so for the four quarters of the map (of a quarter of the channels) and lays the result out four times. Transforms
run in float32 whatever the precision around them: bfloat16 has none, and float16 overflows in the sum over a crop.

**Tiles.** The network is not local: what a tile holds changes every pixel of it, and a larger tile is *another input* than those it learned from. So
it has, unlike the local networks here, a ``window``: pages are cut into windows of just this side (published: 512), half of which overlaps, and
only the middle of each is kept; ``halo`` is then the margin that is thrown away, a quarter of the window. :func:`docbin.zoo.tiles.windows` is
the cutting. A page smaller than a window is taken whole. Results of two window sizes differ; within one they are exact and independent of
the page's size.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.nets.pixels import padded


@dataclass(frozen=True, slots=True)
class FourBiConfig:
    """A variant of :class:`FourBi`; the defaults are the published network.

    Attributes
    ----------
    width : channels at full size; they double with every scale
    scales : steps down
    blocks : residual blocks of fast Fourier convolutions at the deepest scale
    extra : further 3x3 convolutions a scale
    global_share : share of the deepest scale's channels that are global
    local_fourier : the local Fourier unit is on
    window : side of the windows that pages are cut into, pixels, a multiple of the grid
    """

    width: int = 64
    scales: int = 3
    blocks: int = 3
    extra: int = 2
    global_share: float = 0.75
    local_fourier: bool = True
    window: int = 512

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if self.width < 1 or self.scales < 1 or self.blocks < 1 or self.extra < 1:
            raise UsageError(
                f"fourbi: width, scales, blocks and extra of at least 1 are wanted; got {self.width}, {self.scales}, {self.blocks}, {self.extra}"
            )
        if not 0 < self.global_channels < self.deepest or self.global_channels % (8 if self.local_fourier else 2):
            raise UsageError(
                f"fourbi: global_share {self.global_share} of {self.deepest} channels are {self.global_channels}; "
                f"a multiple of {8 if self.local_fourier else 2} with local channels left over is wanted"
            )
        if self.window < 2 * self.grid or self.window % (4 * self.grid):
            raise UsageError(f"fourbi: window {self.window}: a multiple of {4 * self.grid} is wanted")

    @property
    def deepest(self) -> int:
        """Channels of the deepest scale."""
        return int(self.width * 2**self.scales)

    @property
    def global_channels(self) -> int:
        """Global channels of the deepest scale."""
        return int(self.deepest * self.global_share)

    @property
    def grid(self) -> int:
        """Crops are continued to multiples of this: the deepest map must part into quarters."""
        return int(2 ** (self.scales + 1))


class FourierUnit(nn.Module):
    """A 1x1 convolution of the spectrum: every output value depends on the whole map."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * inputs, 2 * outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * outputs)

    matrices: tuple[Tensor, ...] = ()
    """Instead of the transforms: what :class:`Window` is handed."""

    def forward(self, x: Tensor) -> Tensor:
        """Float32 (N, inputs, H, W) -> float32 (N, outputs, H, W); channel 2 c of the spectrum is the real part of c, 2 c + 1 the imaginary."""
        if self.matrices:
            return self._by_matrices(x)
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            spectrum = torch.view_as_real(torch.fft.rfft2(x, norm="ortho"))  # (N, C, H, W / 2 + 1, 2)
            parts = spectrum.permute(0, 1, 4, 2, 3).flatten(1, 2)
            mixed = F.relu(self.norm(self.mix(parts)))
            pairs = mixed.view(len(mixed), -1, 2, *mixed.shape[2:]).permute(0, 1, 3, 4, 2).contiguous()
            back: Tensor = torch.fft.irfft2(torch.view_as_complex(pairs), s=x.shape[-2:], norm="ortho")
            return back

    def _by_matrices(self, x: Tensor) -> Tensor:
        """The same: transform columns of each row, then rows; mix; and back."""
        rows_cos, rows_sin, columns_cos, columns_sin, back_real, back_imaginary = self.matrices
        real, imaginary = x @ columns_cos, -(x @ columns_sin)
        real, imaginary = rows_cos @ real + rows_sin @ imaginary, rows_cos @ imaginary - rows_sin @ real
        mix = self.mix.weight
        both = torch.cat([real, imaginary], 1)  # channels in another order than in the spectrum's pairs, so the weights are, too
        order = torch.cat([mix[:, 0::2], mix[:, 1::2]], 1)
        mixed = F.relu(self.norm(F.conv2d(both, order)))
        real, imaginary = mixed[:, 0::2], mixed[:, 1::2]
        real, imaginary = rows_cos @ real - rows_sin @ imaginary, rows_cos @ imaginary + rows_sin @ real
        return real @ back_real + imaginary @ back_imaginary


class SpectralTransform(nn.Module):
    """Global channels to global channels: squeeze to half, Fourier unit and local Fourier unit side by side, widen again."""

    def __init__(self, channels: int, local_fourier: bool) -> None:
        super().__init__()
        half = channels // 2
        self.squeeze = nn.Conv2d(channels, half, 1, bias=False)
        self.norm = nn.BatchNorm2d(half)
        self.whole = FourierUnit(half, half)
        self.quarters = FourierUnit(half, half) if local_fourier else None
        self.widen = nn.Conv2d(half, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W); H and W even where the local Fourier unit is on."""
        y = F.relu(self.norm(self.squeeze(x))).float()
        total = y + self.whole(y)
        if self.quarters is not None:
            part = y[:, : y.shape[1] // 4]
            tiles = torch.cat(part.chunk(2, -2), 1)
            tiles = torch.cat(tiles.chunk(2, -1), 1)  # channels: left-top, left-bottom, right-top, right-bottom
            total = total + self.quarters(tiles).repeat(1, 1, 2, 2)
        return self.widen(total)  # type: ignore[no-any-return]


class FourierConv(nn.Module):
    """A fast Fourier convolution with BatchNorm and ReLU; the last `global_channels` channels are the global ones, before and after."""

    def __init__(self, channels: int, global_channels: int, local_fourier: bool) -> None:
        super().__init__()
        self.local_channels = local = channels - global_channels
        self.from_local = nn.Conv2d(local, channels, 3, padding=1, padding_mode="reflect", bias=False)
        self.to_local = nn.Conv2d(global_channels, local, 3, padding=1, padding_mode="reflect", bias=False)
        self.spectral = SpectralTransform(global_channels, local_fourier)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        local, far = x[:, : self.local_channels], x[:, self.local_channels :]
        both = self.from_local(local) + torch.cat([self.to_local(far), self.spectral(far)], 1)
        return F.relu(self.norm(both))


class FourierBlock(nn.Module):
    """Two fast Fourier convolutions, and the input added."""

    def __init__(self, config: FourBiConfig) -> None:
        super().__init__()
        self.first = FourierConv(config.deepest, config.global_channels, config.local_fourier)
        self.second = FourierConv(config.deepest, config.global_channels, config.local_fourier)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return x + self.second(self.first(x))  # type: ignore[no-any-return]


def down_conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution with mirrored margins and no bias, BatchNorm, ReLU."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, padding_mode="reflect", bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


def up_conv(channels: int, outputs: int | None = None) -> list[nn.Module]:
    """3x3 convolution with zero margins, BatchNorm, ReLU."""
    outputs = outputs or channels
    return [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]


class FourBi(nn.Module):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB (N, 3, H, W) in 0..1."""

    def __init__(self, config: FourBiConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or FourBiConfig()
        widths = [config.width * 2**scale for scale in range(config.scales + 1)]
        self.stem = nn.Sequential(down_conv(3, widths[0], 7), *(down_conv(widths[0], widths[0]) for _ in range(config.extra)))
        self.encoder = nn.ModuleList(
            nn.Sequential(
                down_conv(above, here, stride=2), *(down_conv(here, here) for _ in range(config.extra if here != widths[-1] else 0))
            )
            for above, here in pairwise(widths)
        )
        self.blocks = nn.Sequential(*(FourierBlock(config) for _ in range(config.blocks)))
        self.decoder = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(2 * here, above, 3, stride=2, padding=1, output_padding=1),
                nn.BatchNorm2d(above),
                nn.ReLU(),
                *(layer for _ in range(config.extra) for layer in up_conv(above)),
            )
            for above, here in pairwise(widths)
        )
        last = 2 * widths[0]
        self.head = nn.Sequential(
            nn.Conv2d(last, last, 7, padding=3, padding_mode="reflect"),
            nn.BatchNorm2d(last),
            nn.ReLU(),
            *(layer for _ in range(config.extra - 1) for layer in up_conv(last)),
            nn.Conv2d(last, 1, 3, padding=1),
        )

    @property
    def stride(self) -> int:
        """Crops are continued to multiples of this."""
        return self.config.grid

    @property
    def window(self) -> int:
        """Side of the windows that pages are cut into; see the module's docstring."""
        return self.config.window

    @property
    def halo(self) -> int:
        """Margin of a window that is thrown away (at the page's own borders it is kept): not how far the network sees, which is everything."""
        return self.config.window // 4

    def convolutions(self) -> Window:
        """The network with its Fourier transforms as products of matrices, for another runtime; see there."""
        return Window(self)

    def features(self, image: Tensor) -> Tensor:
        """What the head sees of RGB crops (N, 3, H, W) whose sides are multiples of the stride."""
        skips = [self.stem(image)]
        for encode in self.encoder:
            skips.append(encode(skips[-1]))
        y = self.blocks(skips[-1])
        for decode in reversed(self.decoder):
            y = decode(torch.cat([y, skips.pop()], 1))
        return torch.cat([y, skips.pop()], 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of ink, (N, 1, H, W), of RGB crops (N, 3, H, W) in 0..1; odd sizes are continued by their last row and column, and cut back."""
        height, width = image.shape[-2:]
        logits: Tensor = self.head(self.features(padded(image, self.stride)))
        return logits[..., :height, :width]


class Window(nn.Module):
    """A :class:`FourBi` for a runtime without Fourier transforms: its logits for some rows and columns of one window (1, 3, H, W).

    A transform of a map of 64 x 64 is a product with matrices of 64 x 64, which any runtime does faster than it would a transform; they depend on the
    map's size and are inputs (:func:`docbin.zoo.graphs.transform_matrices` makes them). And of a window only the middle is kept, so the head, which
    costs more than all the rest, is given no more than the middle and what it sees around: its features there are the same.
    """

    MATRICES = ("rows_cos", "rows_sin", "columns_cos", "columns_sin", "back_real", "back_imaginary")
    """Inputs of a transform: (h, h), (h, h), (w, f), (w, f), (f, w), (f, w), with f = w // 2 + 1."""

    def __init__(self, net: FourBi) -> None:
        super().__init__()
        self.net = net
        self.stride, self.halo = net.stride, net.halo
        self.margin = 3 + net.config.extra  # of the head's 7 x 7 and 3 x 3 convolutions

    def inputs(self) -> dict[str, Tensor]:
        """An example of every input, by name."""
        height, width = 4 * self.stride, 6 * self.stride
        deep = height // 2**self.net.config.scales, width // 2**self.net.config.scales
        found = {"page": torch.rand(1, 3, height, width), "rows": torch.arange(height - 4), "columns": torch.arange(width - 3)}
        for part, (high, wide) in self._parts(deep).items():
            shapes = (
                (high, high),
                (high, high),
                (wide, wide // 2 + 1),
                (wide, wide // 2 + 1),
                (wide // 2 + 1, wide),
                (wide // 2 + 1, wide),
            )
            found.update({f"{part}_{name}": torch.rand(shape) for name, shape in zip(self.MATRICES, shapes, strict=True)})
        return found

    def _parts(self, deep: tuple[int, int]) -> dict[str, tuple[int, int]]:
        """The transforms by name, with the sizes of their maps."""
        return {"whole": deep, **({"quarter": (deep[0] // 2, deep[1] // 2)} if self.net.config.local_fourier else {})}

    def metadata(self) -> dict[str, str]:
        """What :mod:`docbin.zoo.graphs` must know to run it."""
        sizes = {"window": self.net.window, "margin": self.margin, "scale": 2**self.net.config.scales, "parts": list(self._parts((2, 2)))}
        return {"docbin.window": json.dumps(sizes)}

    def forward(self, page: Tensor, rows: Tensor, columns: Tensor, *matrices: Tensor) -> Tensor:
        """Logits (1, 1, rows, columns)."""
        count = len(self.MATRICES)
        units = [unit for unit in self.net.modules() if isinstance(unit, SpectralTransform)]
        for unit in units:
            unit.whole.matrices = matrices[:count]
            if unit.quarters is not None:
                unit.quarters.matrices = matrices[count:]
        try:
            seen = self.net.features(page).index_select(2, rows).index_select(3, columns)
        finally:
            for unit in units:
                unit.whole.matrices = ()
                if unit.quarters is not None:
                    unit.quarters.matrices = ()
        logits: Tensor = self.net.head(seen)
        return logits
