"""Where a network of bits begins: threshold codes of a page's 2 x 2 cells, as :mod:`docbin.kernels.stem` computes them in the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin import kernels
from docbin.kernels.depth import INK
from docbin.kernels.reference_edge import LARGEST, Z_UNIT
from docbin.kernels.stem import WIDEST, threshold_codes


def box_sum(cells: Tensor, window: int) -> Tensor:
    """Sum of whole cells (N, 1, H, W) over the in-map part of the window around each, in the cells' own type.

    Exact where the sum of a row, and that of a window's width of all rows, fit the type.
    """
    half = window // 2
    for axis in (3, 2):
        integral = F.pad(cells.cumsum(axis, dtype=cells.dtype), (1, 0) if axis == 3 else (0, 0, 1, 0))
        size = cells.shape[axis]
        at = torch.arange(size, device=cells.device)
        end, begin = (at + half + 1).clamp_max(size), (at - half).clamp_min(0)
        cells = integral.index_select(axis, end) - integral.index_select(axis, begin)
    return cells


def cell_moments(pixels: Tensor, windows: Sequence[int], floor: float) -> Iterator[tuple[Tensor, Tensor]]:
    """For each window, a side in cells, odd, the mean and the deviation plus `floor` around each cell of whole levels (N, 4, h, w), float32 (N, 1,
    h, w); the order of the single-precision steps is that of the kernel."""
    height, width = pixels.shape[-2:]
    largest = 4 * 255**2 * max(width, height * max(windows, default=1))  # that a sum of squares may reach on its way
    kind = torch.int32 if largest < 2**31 else torch.int64
    # Whole numbers of at most 4 * 255^2, exact in single precision; adding slices is many times faster than a sum over so short an axis.
    first, second, third, fourth = torch.split(pixels.round(), 1, 1)
    sums = (first + second + third + fourth).to(kind)
    squares = (first * first + second * second + third * third + fourth * fourth).to(kind)
    ones = torch.ones_like(sums[:1])
    for window in windows:
        count = (4 * box_sum(ones, window)).float()
        mean = box_sum(sums, window).float() / count
        variance = box_sum(squares, window).float() / count - mean * mean
        yield mean, variance.clamp_min(0).sqrt() + floor


@torch.library.custom_op("docbin::stem_bits", mutates_args=())
def stem_bits(grey: Tensor, depth: Tensor, windows: list[int], theta: Tensor, greys: Tensor, depths: Tensor, floor: float) -> Tensor:
    """Threshold codes of crops by the engine's kernel: uint8 planes (N, 2 h, 2 w) on a CPU -> int8 +-1 (N, h, w, channels)."""
    levels = [level.numpy() for level in (theta, greys, depths)]
    batch, height, width = grey.shape
    bits = np.empty((batch, height // 2, width // 2, 4 * sum(level.size for level in levels)), np.uint8)
    for page, deep, out in zip(grey.numpy(), depth.numpy(), bits, strict=True):
        words = threshold_codes(
            page, np.array(windows, np.int32), levels[0], levels[1], floor, depth=deep if levels[2].size else None, depths=levels[2]
        )
        packed = np.ascontiguousarray(words.transpose(1, 2, 0)).astype("<u8", copy=False).view(np.uint8)
        out[:] = np.unpackbits(packed, axis=-1, bitorder="little")
    return torch.from_numpy(bits.view(np.int8)).mul_(2).sub_(1)


@stem_bits.register_fake
def _(grey: Tensor, depth: Tensor, windows: list[int], theta: Tensor, greys: Tensor, depths: Tensor, floor: float) -> Tensor:
    channels = 4 * (theta.numel() + greys.numel() + depths.numel())
    return grey.new_empty((grey.shape[0], grey.shape[1] // 2, grey.shape[2] // 2, channels), dtype=torch.int8)


class Stem(nn.Module):
    """Threshold codes: grey (N, 1, 2 h, 2 w) and, with depths, the depth plane on the 0..255 scale -> +-1 (N, 4 t, h, w), channel 4 t + 2 dy
    + dx.

    The thresholds are constants: learning them cost more time than the convolutions and moved them little.

    Parameters
    ----------
    windows : sides of the windows in cells, odd
    thetas : thresholds a window
    greys : fixed grey levels
    depths : fixed levels of the depth plane; 0 for none
    floor : added to the local deviation, grey levels
    """

    def __init__(self, windows: tuple[int, ...], thetas: int, greys: int, depths: int, floor: float) -> None:
        super().__init__()
        self.windows, self.floor = windows, floor
        # Where the local z-scores of ink and paper lie: ink reaches down to -2, paper crowds just above 0.
        self.theta = nn.Parameter(torch.linspace(-1.9, 0.6, thetas).repeat(len(windows), 1), requires_grad=False)
        self.grey = nn.Parameter(torch.linspace(60, 180, greys), requires_grad=False)
        # From barely visible to the page's darkest ink, closer together where shine-through and faint strokes part.
        spread = torch.linspace(0, 1, depths) if depths > 1 else torch.full((depths,), 0.5)
        self.depth = nn.Parameter((INK * (0.1 + 0.9 * spread**1.3)).round() - 0.5, requires_grad=False)

    @property
    def channels(self) -> int:
        """Bits a cell."""
        return 4 * (self.theta.numel() + self.grey.numel() + self.depth.numel())

    def moments(self, pixels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """:func:`cell_moments` of the stem's own windows and floor."""
        return cell_moments(pixels, self.windows, self.floor)

    @torch.no_grad()
    def forward(self, grey: Tensor, depth: Tensor | None = None) -> Tensor:
        """Codes of whole levels (the page is uint8)."""
        pixels = F.pixel_unshuffle(grey.float(), 2)
        codes: list[Tensor] = []
        for (mean, spread), thetas in zip(self.moments(pixels), self.theta, strict=True):
            codes.extend(pixels - (mean + theta * spread) >= 0 for theta in thetas)
        codes.extend(pixels - level >= 0 for level in self.grey)
        if depth is not None:
            deep = F.pixel_unshuffle(depth.float(), 2)
            codes.extend(deep - level >= 0 for level in self.depth)
        return 2 * torch.cat(codes, 1).to(grey.dtype) - 1

    @torch.no_grad()
    def codes(self, grey: Tensor, depth: Tensor | None, dtype: torch.dtype) -> Tensor:
        """What :meth:`forward` gives, in `dtype` and channels_last; a training on a CPU has it from the engine's kernel."""
        fits = self.channels % 64 == 0 and max(self.windows, default=1) <= WIDEST
        if not (self.training and grey.device.type == "cpu" and fits and kernels.compiled()):
            plain: Tensor = self(grey, depth).to(dtype).contiguous(memory_format=torch.channels_last)
            return plain
        pages = grey[:, 0].to(torch.uint8)
        deep = pages if depth is None else depth[:, 0].to(torch.uint8)
        bits = stem_bits(pages, deep, list(self.windows), self.theta, self.grey, self.depth, self.floor)
        counted: Tensor = bits.permute(0, 3, 1, 2).to(dtype)
        return counted

    @torch.no_grad()
    def levels(self, grey: Tensor, depth: Tensor | None = None) -> Tensor:
        """What :class:`docbin.nets.edge.Edge` sees of the page: whole numbers -127..127, (N, 4 (windows + 1 or, with depth, 2), h, w).

        Local z-scores in units of 1 / 32 a window, then half the grey level less 64, then half the depth.
        """
        pixels = F.pixel_unshuffle(grey.float(), 2)
        seen = [((pixels - mean) / spread * Z_UNIT).round().clamp(-LARGEST, LARGEST) for mean, spread in self.moments(pixels)]
        seen.append((pixels / 2).floor() - 64)
        if depth is not None:
            seen.append((F.pixel_unshuffle(depth.float(), 2) / 2).floor())
        return torch.cat(seen, 1)
