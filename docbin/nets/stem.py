"""Where a network of bits begins: threshold codes of a page's 2 x 2 cells, as :mod:`docbin.kernels.stem` computes them in the engine."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.kernels.depth import INK
from docbin.kernels.reference_edge import LARGEST, Z_UNIT


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
        """For each window the mean and the deviation plus floor around each cell of whole levels (N, 4, h, w), float32 (N, 1, h, w); the order of the
        single-precision steps is that of the kernel."""
        whole = pixels.round().to(torch.int64)
        sums, squares, ones = whole.sum(1, keepdim=True), whole.square().sum(1, keepdim=True), torch.ones_like(whole[:, :1])
        for window in self.windows:
            count = (4 * box_sum(ones, window)).float()
            mean = box_sum(sums, window).float() / count
            variance = box_sum(squares, window).float() / count - mean * mean
            yield mean, variance.clamp_min(0).sqrt() + self.floor

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
