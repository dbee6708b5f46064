"""`sauvolanet`: Sauvola's threshold at many window sizes, and a small network that chooses among them at every pixel.

SauvolaNet (Li, Wu, Abd-Almageed and Natarajan, ICDAR 2021, arXiv 2105.05521). Three parts:

* *Multi-window Sauvola.* For each window the threshold m (1 + k (s / R - 1)) of Sauvola and Pietikäinen (2000), m and s the mean and the
  standard deviation of the pixels of the window that lie on the page, on the scale 0..1; k and R are learned, one pair a window.
* *Pixelwise window attention.* Six 3x3 convolutions (all but the first dilated by 2), each followed by an instance norm without weights and
  ReLU, then a 3x3 convolution and softmax: how far each window is trusted at this pixel.
* *Adaptive threshold.* The blend of the windows' thresholds; the logit is alpha times (threshold - grey), alpha learned.

Three things had to be decided here.

*Statistics are exact.* The page is taken at 256 grey levels (:func:`docbin.page.to_grey`'s own fixed-point luma), so the sums over windows
are sums of integers below 2^53 and exact in float64, and n Q - S^2 (pixels, sum of squares, sum) loses nothing by cancellation.

*The norm sees the whole page, memory does not.* :meth:`SauvolaNet.for_page` measures mean and deviation of each layer over the page in
squares, layer by layer, keeping the squares' maps as far as a fixed store holds them and computing them again beyond. With these numbers
fixed the norm folds into the convolutions (its mean becomes their bias, its deviation scales the next one's weights), and what is left is
a local network; :meth:`SauvolaNetOfPage.pieces` finishes the squares from the maps that are still there. This is exact. Measuring only part
of the page is not done: the deviations hang on rare pixels, and statistics of a quarter of the pixels, spread over the page, moved a page of
DIBCO 2009 by 2 points of F-measure.

*What may be left out.* The trust in a window changes from pixel to pixel: it tells ink from paper rather than one part of the page from
another, and attention at half size, interpolated, costs the published weights 2 to 5 points of F-measure. Each window's threshold, in
contrast, is smooth, being made of sums over windows, and may be computed at every second row and column (``page_lattice``). A variant for
CPUs (``lattice`` = 2) is trained with its attention at half size and loses no pixel: the page goes in by pixel-unshuffle, and the last
convolution writes the trust of all four pixels of a cell.

A bias before the norm is cancelled by it and learns nothing; the published network has these 168 idle weights, so it has them here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.nets.inference import to_tensor
from docbin.page import Image, check_image
from docbin.zoo.tiles import inside, tiles

VARIANCE_FLOOR = 1e-6
"""Least variance of a window, on the scale 0..1: a deviation is at least a quarter of a grey level."""

NORM_FLOOR = 1e-5
"""Least deviation of a map in the norm."""

RANGE_FLOOR = 1e-3
"""Least learned R; at 0 the threshold would be infinite."""

SQUARE = 512
"""Side in pixels of the squares in which a page is measured."""

STORE = 512 * 2**20
"""Bytes of maps that are kept from one layer to the next while a page is measured."""


@dataclass(frozen=True, slots=True)
class SauvolaNetConfig:
    """A variant of :class:`SauvolaNet`; the defaults are the published network, 44,041 weights.

    Attributes
    ----------
    windows : sides of the windows in pixels, odd
    widths : channels of the attention's convolutions
    dilation : of all of them but the first
    k, deviation_range, alpha : where k, R and alpha start
    lattice : side in pixels of the cells in which the attention works; 1 is the published network
    page_lattice : 2 to compute the windows' thresholds of whole pages at every second row and column, 1 at all
    """

    windows: tuple[int, ...] = (7, 15, 23, 31, 39, 47, 55, 63)
    widths: tuple[int, ...] = (8, 16, 24, 32, 40, 48)
    dilation: int = 2
    k: float = 0.2
    deviation_range: float = 0.5
    alpha: float = 16.0
    lattice: int = 1
    page_lattice: int = 2

    def __post_init__(self) -> None:
        """Refuse windows without a middle and sizes without meaning."""
        if not self.windows or any(window % 2 == 0 or window < 3 for window in self.windows):
            raise UsageError(f"sauvolanet: windows must be odd and at least 3, at least one; got {self.windows}")
        if not self.widths or min(self.widths) < 1 or self.dilation < 1:
            raise UsageError(f"sauvolanet: widths and dilation must be at least 1; got {self.widths}, {self.dilation}")
        if self.lattice < 1 or self.page_lattice not in (1, 2):
            raise UsageError(f"sauvolanet: lattice = {self.lattice}: at least 1; page_lattice = {self.page_lattice}: 1 or 2")


def grey_levels(image: Tensor) -> Tensor:
    """Grey levels, whole numbers 0..255 as float32 (N, 1, H, W), of RGB (N, 3, H, W) in 0..1; bit for bit those of ``to_grey``.

    Every sum is a whole number below 2^24 and so exact.
    """
    levels = (image.float() * 255.0).round_().clamp_(0.0, 255.0)
    red, green, blue = levels[:, 0:1], levels[:, 1:2], levels[:, 2:3]
    return (9798.0 * red + 19235.0 * green + 3735.0 * blue + 16384.0).div_(32768.0).floor_()


def box_statistics(levels: Tensor, windows: Sequence[int], lattice: int = 1) -> tuple[Tensor, Tensor]:
    """Mean and population deviation of the pixels of each window that lie on the page.

    Parameters
    ----------
    levels : (N, 1, H, W), whole numbers 0..255
    windows : sides, odd
    lattice : 1 for every pixel, 2 for every second row and column (the sums are over all pixels either way)

    Returns
    -------
    float32 (N, windows, ceil(H / lattice), ceil(W / lattice)), grey levels; each is the exact value, rounded at most three times
    """
    count, _, height, width = levels.shape
    reach = max(windows) // 2
    exact = levels.double()
    sums = torch.cat([exact, exact.square()], 1).cumsum(-1).cumsum_(-2)
    # sums[reach + 1 + i] is the sum of the rows up to i: nothing before the page, the page's own sum behind it
    sums = F.pad(F.pad(sums, (0, reach, 0, reach), mode="replicate"), (reach + 1, 0, reach + 1, 0))
    rows = torch.arange(0, height, lattice, device=levels.device)
    columns = torch.arange(0, width, lattice, device=levels.device)
    mean = torch.empty(count, len(windows), len(rows), len(columns), device=levels.device)
    deviation = torch.empty_like(mean)
    for index, window in enumerate(windows):
        half = window // 2
        low, high = reach - half, reach + half + 1
        bands = sums[..., high : high + height : lattice, :] - sums[..., low : low + height : lattice, :]
        boxes = bands[..., high : high + width : lattice] - bands[..., low : low + width : lattice]
        tall = (rows + half + 1).clamp_max(height) - (rows - half).clamp_min(0)
        wide = (columns + half + 1).clamp_max(width) - (columns - half).clamp_min(0)
        pixels = (tall[:, None] * wide).double()
        total, squares = boxes[:, 0], boxes[:, 1]
        mean[:, index] = total / pixels
        deviation[:, index] = (pixels * squares).sub_(total * total).sqrt_().div_(pixels)
    return mean, deviation


def page_norm(maps: Tensor) -> Tensor:
    """(maps - mean) / deviation, both over the pixels of each image and channel; float32 or better inside."""
    variance, mean = torch.var_mean(maps.float(), (2, 3), correction=0, keepdim=True)
    return (maps - mean) * variance.clamp_min(NORM_FLOOR**2).rsqrt()


def trained_norm(maps: Tensor) -> Tensor:
    """:func:`page_norm` by torch's kernel, which rounds to the maps' own type: a training step takes 0.7 of the time in bfloat16 on a CPU.

    The kernel hands out contiguous maps, whatever it was given; unless they are laid out again, everything after it is slow.
    """
    layout = torch.channels_last if maps.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    return F.instance_norm(maps, eps=NORM_FLOOR**2).contiguous(memory_format=layout)


def widen(values: Tensor, lattice: int, height: int, width: int) -> Tensor:
    """Values at every second row and column, (N, C, ceil(H / 2), ceil(W / 2)), interpolated to all, (N, C, H, W)."""
    if lattice == 1:
        return values
    rows, columns = values.shape[-2:]
    between = F.interpolate(values, size=(2 * rows - 1, 2 * columns - 1), mode="bilinear", align_corners=True)
    return F.pad(between, (0, width - between.shape[-1], 0, height - between.shape[-2]), mode="replicate")


class SauvolaNet(nn.Module):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB (N, 3, H, W) in 0..1, no gradient into the page.

    `halo` is None: through its norm every pixel sees the whole page. :meth:`for_page` returns the local network for one page.
    """

    halo = None
    stride = 1

    def __init__(self, config: SauvolaNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SauvolaNetConfig()
        pixels = config.lattice**2
        self.convolutions = nn.ModuleList(nn.Conv2d(here, above, 3) for here, above in pairwise((pixels, *config.widths)))
        self.choice = nn.Conv2d(config.widths[-1], len(config.windows) * pixels, 3)
        self.k = nn.Parameter(torch.full((len(config.windows),), config.k))
        self.deviation_range = nn.Parameter(torch.full((len(config.windows),), config.deviation_range))
        self.alpha = nn.Parameter(torch.tensor([config.alpha]))
        for layer in (*self.convolutions, self.choice):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def cells(self, levels: Tensor) -> Tensor:
        """The page in cells of `lattice` x `lattice` pixels, a channel a pixel; its last row and column fill a cell that is not full."""
        lattice = self.config.lattice
        height, width = levels.shape[-2:]
        if height % lattice or width % lattice:
            levels = F.pad(levels, (0, -width % lattice, 0, -height % lattice), mode="replicate")
        return F.pixel_unshuffle(levels, lattice) if lattice > 1 else levels

    def convolve(self, index: int, maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolution number `index` of the attention with `weight` and `bias` in place of its own, zeros outside the page.

        The first is computed in float32 always: its maps' means are many times their deviations, which bfloat16 would round away.
        """
        if index == 0:
            with torch.autocast(maps.device.type, enabled=False):
                return F.conv2d(maps.float(), weight.float(), bias, padding=1)
        more = -maps.shape[1] % 16
        if more and torch.is_grad_enabled() and maps.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            # oneDNN's bfloat16 gradient of a dilated kernel over channels_last maps holds whatever lay in memory (torch 2.13) where the channels
            # are 24, 40 or 56; channels of zeros that fill sixteens make it right and add nothing.
            maps, weight = F.pad(maps, (0, 0, 0, 0, 0, more)), F.pad(weight, (0, 0, 0, 0, 0, more))
        return F.conv2d(maps, weight, bias, padding=self.config.dilation, dilation=self.config.dilation)

    def trust(self, maps: Tensor, weight: Tensor, height: int, width: int) -> Tensor:
        """The attention's last step: trust in each window, float32 (N, windows, H, W), a sum of 1 over the windows."""
        chosen = F.conv2d(maps, weight, self.choice.bias, padding=1)
        if self.config.lattice > 1:
            chosen = F.pixel_shuffle(chosen, self.config.lattice)[..., :height, :width]
        return chosen.float().softmax(1)

    def attention(self, levels: Tensor) -> Tensor:
        """Trust in each window, (N, windows, H, W), of grey levels (N, 1, H, W), every image normed over itself."""
        maps = self.cells(levels / 255.0)
        norm = trained_norm if self.training else page_norm
        for index, layer in enumerate(self.convolutions):
            maps = F.relu(norm(self.convolve(index, maps, layer.weight, layer.bias)))  # type: ignore[arg-type]
        return self.trust(maps, self.choice.weight, *levels.shape[-2:])

    def logits(self, levels: Tensor, trust: Tensor, lattice: int = 1) -> Tensor:
        """alpha (blended threshold - grey), (N, 1, H, W), of grey levels (N, 1, H, W) and the trust in each window (N, windows, H, W).

        With a `lattice` of 2 each window's threshold is computed at every second row and column and interpolated.
        """
        return self.blend(levels, trust, self.thresholds(levels, lattice))

    def blend(self, levels: Tensor, trust: Tensor, thresholds: Tensor) -> Tensor:
        """alpha (blended threshold - grey), (N, 1, H, W)."""
        return self.alpha * ((trust * thresholds).sum(1, keepdim=True) - levels / 255.0)

    def thresholds(self, levels: Tensor, lattice: int = 1) -> Tensor:
        """Each window's threshold in 0..1, (N, windows, H, W); see :meth:`logits`."""
        with torch.no_grad():
            mean, deviation = box_statistics(levels, self.config.windows, lattice)
            mean.div_(255.0)
            deviation.div_(255.0).clamp_min_(VARIANCE_FLOOR**0.5)
        k = self.k.clamp_min(0.0)[:, None, None]
        steep = k / self.deviation_range.clamp_min(RANGE_FLOOR)[:, None, None]
        return widen(mean * (1.0 - k + steep * deviation), lattice, *levels.shape[-2:])

    def forward(self, image: Tensor) -> Tensor:
        """Logits of ink, (N, 1, H, W), of RGB pages (N, 3, H, W) in 0..1, each normed over itself."""
        if self.training:
            with torch.no_grad():  # the papers' constraint, kept by projection after each step, that is before the next use
                self.k.clamp_(min=0.0)
                self.deviation_range.clamp_(min=RANGE_FLOOR)
        with torch.no_grad(), torch.autocast(image.device.type, enabled=False):
            levels = grey_levels(image)
        trust = self.attention(levels)
        with torch.autocast(image.device.type, enabled=False):
            return self.logits(levels, trust)

    @torch.no_grad()
    def for_page(self, image: Image) -> SauvolaNetOfPage:
        """The local network that this network is on one page, uint8 (H, W) or (H, W, 3): its norm measured and folded in."""
        local = SauvolaNetOfPage(self)
        local.measure(check_image(image))
        return local


class Moments:
    """Mean and population deviation of each channel over maps that come in parts, float64 (Chan, Golub and LeVeque, 1983)."""

    def __init__(self, channels: int, device: torch.device) -> None:
        self.pixels = 0
        self.mean = torch.zeros(channels, dtype=torch.float64, device=device)
        self.squares = torch.zeros_like(self.mean)  # of the distances from the mean

    def add(self, maps: Tensor) -> None:
        """Take in maps (N, channels, H, W).

        Sums of the distances from a rough mean and of their squares: 14 times faster on channels_last maps than ``torch.var_mean``.
        """
        rough = maps[..., ::16, ::16].float().mean((0, 2, 3), keepdim=True)
        distances = maps.float() - rough
        more = maps.shape[0] * maps.shape[-2] * maps.shape[-1]
        mean = distances.sum((0, 2, 3)).double() / more
        squares = distances.square_().sum((0, 2, 3)).double() - mean.square() * more
        away = mean + rough.flatten().double() - self.mean
        self.squares += squares.clamp_min(0.0) + away.square() * (self.pixels * more / (self.pixels + more))
        self.mean += away * (more / (self.pixels + more))
        self.pixels += more

    @property
    def deviation(self) -> Tensor:
        """Population deviation, (channels,)."""
        return (self.squares / self.pixels).sqrt()


class Square(NamedTuple):
    """A part of a page: rows and columns to hand in, those of the page that the result is good for, and the same among the maps' cells."""

    rows: slice
    columns: slice
    good_rows: slice
    good_columns: slice
    inner_rows: slice
    inner_columns: slice


class SauvolaNetOfPage:
    """A :class:`SauvolaNet` whose norm is settled by one page: it is local, and run in squares."""

    def __init__(self, net: SauvolaNet) -> None:
        self.net = net
        self.stride = math.lcm(net.config.lattice, net.config.page_lattice)
        layers = [*net.convolutions, net.choice]
        self.weights = [layer.weight.float().contiguous(memory_format=torch.channels_last) for layer in layers]
        self.weights[0] = self.weights[0] / 255.0  # grey levels in
        self.biases: list[Tensor] = []
        self._kept: dict[int, Tensor] = {}  # by square, the newest convolution's maps as they left it

    @property
    def reach(self) -> int:
        """How many pixels away the page can change the last normed map."""
        config = self.net.config
        return config.lattice * (2 + config.dilation * (len(config.widths) - 1))

    def features(self, levels: Tensor) -> Tensor:
        """What the convolutions that were measured so far make of grey levels (N, 1, H, W)."""
        maps = self.net.cells(levels)
        for index, bias in enumerate(self.biases):
            maps = self.net.convolve(index, maps, self.weights[index], bias).relu_()
        return maps

    def measure(self, image: Image) -> None:
        """Measure mean and deviation of every map over the page, layer by layer, and fold them into weights and biases.

        The page is measured in squares with all that they can see around them. A square's maps wait for the next layer while there is room
        for them (`STORE` bytes in all) and are computed again from the page where there is none, so that memory is bounded for any page.
        """
        squares = self._squares(*image.shape[:2])
        device = self.net.alpha.device
        room = STORE
        for index in range(len(self.net.convolutions)):
            moments = Moments(self.weights[index].shape[0], device)
            for number, square in enumerate(squares):
                room += self._kept[number].nbytes if number in self._kept else 0
                maps = self.net.convolve(index, self._below(image, number, square), self.weights[index], None)
                moments.add(maps[..., square.inner_rows, square.inner_columns])
                if maps.nbytes <= room:
                    self._kept[number] = maps
                    room -= maps.nbytes
            self.biases.append(-moments.mean.float())
            self.weights[index + 1] = self.weights[index + 1] / moments.deviation.clamp_min(NORM_FLOOR).float()[:, None, None]

    def _below(self, image: Image, number: int, square: Square) -> Tensor:
        """What the next convolution is handed of square `number`: its kept maps, which are given up, or the same from the page."""
        if number not in self._kept:
            return self.features(grey_levels(to_tensor(image[square.rows, square.columns], self.net.alpha.device)))
        maps = self._kept.pop(number)
        return maps.add_(self.biases[-1].to(maps.dtype)[:, None, None]).relu_()

    def _squares(self, height: int, width: int) -> list[Square]:
        """The squares of a page."""
        lattice = self.net.config.lattice
        side = -(-SQUARE // self.stride) * self.stride
        return [
            Square(
                rows,
                columns,
                good_rows,
                good_columns,
                slice((good_rows.start - rows.start) // lattice, -(-(good_rows.stop - rows.start) // lattice)),
                slice((good_columns.start - columns.start) // lattice, -(-(good_columns.stop - columns.start) // lattice)),
            )
            for rows, columns, good_rows, good_columns in tiles(height, width, side, self.reach)
        ]

    def trusts(self, image: Image) -> Iterator[tuple[slice, slice, Tensor]]:
        """Rows and columns of each square of the page and the trust in each window there, float32 (1, windows, h, w)."""
        lattice = self.net.config.lattice
        for number, square in enumerate(self._squares(*image.shape[:2])):
            maps = self._below(image, number, square)
            # One cell around it is what the last convolution sees.
            high, wide = (
                slice(max(inner.start - 1, 0), min(inner.stop + 1, size))
                for inner, size in zip((square.inner_rows, square.inner_columns), maps.shape[-2:], strict=True)
            )
            trust = self.net.trust(maps[..., high, wide], self.weights[-1], *(lattice * (part.stop - part.start) for part in (high, wide)))
            top, left = square.rows.start + lattice * high.start, square.columns.start + lattice * wide.start
            rows, columns = square.good_rows, square.good_columns
            yield rows, columns, trust[..., rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]

    def pieces(self, image: Image) -> Iterator[tuple[slice, slice, Tensor]]:
        """Rows and columns of each square of the page that was measured and the logits of ink there, (1, 1, h, w)."""
        lattice, device = self.net.config.page_lattice, self.net.alpha.device
        margin = -(-(max(self.net.config.windows) // 2 + lattice - 1) // lattice) * lattice
        for rows, columns, trust in self.trusts(image):
            high, wide = (slice(max(part.start - margin, 0), part.stop + margin) for part in (rows, columns))
            levels = grey_levels(to_tensor(image[high, wide], device))
            down, across = inside(high, rows), inside(wide, columns)
            with torch.autocast(device.type, enabled=False):
                logits = self.net.blend(levels[..., down, across], trust, self.net.thresholds(levels, lattice)[..., down, across])
            yield rows, columns, logits
