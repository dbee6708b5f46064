"""`bitsauvola`: bits choose, grey decides. A 1-bit network with a wide view says, per cell, which local threshold to trust; the pixel's own grey
level draws the edge.

SauvolaNet (Li et al., 2021, arXiv 2105.05521) holds on pages that nobody tuned it to with 44,041 weights, because it only chooses among local
thresholds. Here the trunk of :mod:`docbin.nets.bitunet` does the choosing, on a map of a quarter of the page's side (``first_stride`` 2), so that the
same bits see four times the area:

* *Thresholds.* For each of `threshold_windows` the mean m of the pixels around and Sauvola's threshold m (1 + k (s / 128 - 1)) (Sauvola and
  Pietikäinen, 2000): as a threshold is linear in k, a blend of the two is one of any smaller k. They are smooth, and computed a cell of 2 x 2 pixels.
* *Choice.* One convolution over the last map's bits gives weights over the thresholds (softmax) and one weight more for the page's own: the depth
  plane (:mod:`docbin.kernels.depth`), which says how dark a pixel is in the ink of its page. Besides, an offset in local deviations, how sure the
  comparison is, and the gate "writing here or not".
* *Decision.* A pixel is ink where its gate is open and it is darker than the blended threshold: the logit is the lesser of the gate and of sharpness
  (threshold - grey), so what training minimises and what use decides have one sign. The gradient goes to the lesser: the gate learns from the pixels
  that are dark enough to be ink, the threshold from those behind an open gate.

The sharpness is positive and decides nothing but how probable a pixel is. In evaluation the head's weights are whole numbers of 8 bits and the
decision is the engine's (:mod:`docbin.kernels.reference_choice`), so a packed network gives the same page; with a `lattice` of 2, which the engine
lacks, it stays float. docs/experiments/2026-11-29-bits-choose-grey-decides.md has its trial beside `bitunet`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.engine.graph import SHARPEST, STEEPEST
from docbin.errors import UsageError
from docbin.kernels.reference_choice import CONTROLS, GATE, GATE_SLOPE, PAGE_LEVEL, PAGE_UNIT, RANGE, SCALE_WINDOW, SHARPENING, decided
from docbin.nets.bitunet import BitTrunk
from docbin.nets.bitunet_config import BitUNetConfig
from docbin.nets.pixels import framed
from docbin.nets.stem import cell_moments

LEAST_GAIN = 0.1
"""Of the learned sharpness, so that darker never means paper."""

PLANES = 8
"""Sign planes of the head's weights in evaluation: the binary digits of whole numbers of 8 bits."""


@dataclass(frozen=True, slots=True)
class BitSauvolaConfig(BitUNetConfig):
    """A variant of :class:`BitSauvola`; fields as of :class:`docbin.nets.bitunet_config.BitUNetConfig`, and these.

    Attributes
    ----------
    threshold_windows : sides of the thresholds' windows in cells of 2 x 2 pixels, odd
    k : Sauvola's k, the largest that a blend can have
    lattice : 4 for a choice a cell of 4 x 4 pixels, interpolated; 2 for one a cell of 2 x 2
    head : side of the head's kernel, odd
    """

    first_stride: int = 2
    filters: tuple[int, ...] = (64, 128, 256, 256)
    decoder_filters: tuple[int, ...] = (64, 128, 128)
    narrow: tuple[int, ...] = (64, 64, 128)
    encoder_convs: tuple[int, ...] = (2, 2, 2, 2)
    decoder_convs: tuple[int, ...] = (1, 1, 2)
    threshold_windows: tuple[int, ...] = (5, 11, 25, 51)
    k: float = 0.5
    lattice: int = 4
    head: int = 3

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        BitUNetConfig.__post_init__(self)  # super() knows the class without its slots
        if self.first_stride != 2 or self.edge:
            raise UsageError(f"bitsauvola: first_stride = {self.first_stride}, edge = {self.edge}: 2 and 0 are wanted")
        if not self.threshold_windows or any(window < 1 or window % 2 == 0 for window in self.threshold_windows):
            raise UsageError(f"bitsauvola: threshold_windows = {self.threshold_windows}: odd sides of at least 1 are wanted")
        if self.lattice not in (2, 4) or self.head < 1 or self.head % 2 == 0:
            raise UsageError(f"bitsauvola: lattice = {self.lattice}, head = {self.head}: 2 or 4, and an odd side are wanted")


class ChoiceHead(nn.Module):
    """Weights and controls from bits: +-1 (N, bits, h, w) -> float32 (N, options + CONTROLS, 2 h, 2 w)."""

    def __init__(self, bits: int, options: int, lattice: int, kernel: int) -> None:
        super().__init__()
        self.lattice, outputs = lattice, options + CONTROLS
        # Large weights whose sum is made small: a step of Adam is as long for every weight, and would throw the sum of a thousand bits about.
        self.conv = nn.Conv2d(bits, outputs * (4 if lattice == 2 else 1), kernel, bias=False)
        nn.init.normal_(self.conv.weight, std=0.3)
        self.gain = (bits * kernel**2) ** -0.5
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, bits: Tensor) -> Tensor:
        """Unbounded numbers: the softmax and the bounds are the network's."""
        y = self.gain * self.conv(framed((bits,), self.conv.kernel_size[0] // 2, -1.0)).float()
        raised = F.pixel_shuffle(y, 2) if self.lattice == 2 else F.interpolate(y.contiguous(), scale_factor=2.0, mode="bilinear")
        return raised + self.bias.reshape(1, -1, 1, 1)

    def planes(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The weights as odd whole numbers, +-1 to +-255 times a scale an output, digit by digit from the highest: factor (outputs,) and signs
        (outputs, bits, k, k)."""
        weight = self.conv.weight.detach().double()
        most = 2**PLANES - 1
        step = (weight.flatten(1).abs().amax(1) / most).clamp_min(1e-12)
        steps = weight / step.reshape(-1, 1, 1, 1)
        levels = ((steps.floor().div(2, rounding_mode="floor") * 2 + 1).clamp(-most, most).long() + most) // 2  # 0..255
        for digit in range(PLANES - 1, -1, -1):
            yield (self.gain * 2**digit * step).float(), 2.0 * (levels >> digit & 1).float() - 1.0

    def exact(self, bits: Tensor) -> Tensor:
        """What the engine's head says a cell of the bits' map, float32 (N, outputs, h, w), summed plane by plane in single precision as it does."""
        padded = framed((bits,), self.conv.kernel_size[0] // 2, -1.0).float()
        total = self.bias.detach().float().reshape(1, -1, 1, 1).expand(bits.shape[0], -1, *bits.shape[-2:])
        for factor, signs in self.planes():
            total = total + factor.reshape(1, -1, 1, 1) * F.conv2d(padded, signs)
        return total


class BitSauvola(BitTrunk):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB, with depths RGB and depth plane, (N, 3 or 4, H, W) in 0..1."""

    config: BitSauvolaConfig

    def __init__(self, config: BitSauvolaConfig | None = None) -> None:
        super().__init__(config := config or BitSauvolaConfig())
        options = 2 * len(config.threshold_windows) + self.depth
        self.head = ChoiceHead(self.bits_out, options, config.lattice, config.head)
        self.gain = nn.Parameter(torch.tensor(3.0))

    @property
    def halo(self) -> int:
        """How many pixels away a pixel of the input can still change a pixel of the output (an upper bound, a multiple of `stride`)."""
        trunk = super().halo + 4 * (self.config.head // 2) + 8
        windows = 2 * (max(*self.config.threshold_windows, SCALE_WINDOW) // 2) + 4
        return -(-max(trunk, windows) // self.stride) * self.stride

    def forward(self, image: Tensor) -> Tensor:
        """Logits of ink; odd sizes are padded by their last row and column, and cut back."""
        height, width = image.shape[-2:]
        grey, depth = self._planes(image)
        bits, _ = self._trunk(image, grey, depth)
        with torch.autocast(image.device.type, enabled=False):
            if not self.training and self.config.lattice == 4:
                return self._exact(grey, depth, self.head.exact(bits))[..., :height, :width]
        chosen = self.head(bits)
        with torch.autocast(image.device.type, enabled=False):
            return self._decided(grey, depth, chosen)[..., :height, :width]

    @property
    def sharpness(self) -> float:
        """The largest that a pixel's comparison has, logits a deviation, within what the engine's 32 bits hold: cut, ink stays ink, less surely."""
        largest = max(LEAST_GAIN, float(self.gain.detach())) * math.exp(SHARPENING)
        return min(largest, SHARPEST, STEEPEST * self.config.floor)

    def _exact(self, grey: Tensor, depth: Tensor | None, head: Tensor) -> Tensor:
        """The engine's decision, of whole levels and what :meth:`ChoiceHead.exact` says, on a map of a quarter of the side."""
        config, pages = self.config, [plane[:, 0].to(torch.uint8).cpu().numpy() for plane in (grey, depth) if plane is not None]
        windows = np.array(config.threshold_windows, np.int32)
        logits = [
            decided(said, page, deep[0] if deep else None, windows, config.floor, config.k, self.sharpness)
            for said, page, *deep in zip(head.cpu().numpy(), *pages, strict=True)
        ]
        return torch.from_numpy(np.stack(logits))[:, None].to(grey.device)

    def _decided(self, grey: Tensor, depth: Tensor | None, chosen: Tensor) -> Tensor:
        """Logits (N, 1, H, W) of whole levels and what the head says, (N, options + CONTROLS, H / 2, W / 2)."""
        with torch.no_grad():
            thresholds, spread = self.thresholds(grey)
        options = chosen.shape[1] - CONTROLS
        weights = chosen[:, :options].softmax(1)
        offset, sharpness, gate = torch.split(chosen[:, options:], 1, 1)
        count = thresholds.shape[1]
        local = weights[:, :count]
        sharp = self.gain.clamp_min(LEAST_GAIN) * (SHARPENING * torch.tanh(sharpness)).exp()
        slope = sharp * local.sum(1, keepdim=True) / spread
        level = sharp * ((local * thresholds).sum(1, keepdim=True) / spread + torch.tanh(offset))
        maps = [slope, level, GATE + GATE_SLOPE * gate]
        if depth is not None:
            maps.append(sharp * weights[:, count:])
        raised = F.interpolate(torch.cat(maps, 1), scale_factor=2.0, mode="bilinear", align_corners=False)
        slope, level, gate, *page = torch.split(raised, 1, 1)
        darker = level - slope * grey
        if depth is not None:
            darker = darker + page[0] * ((depth - PAGE_LEVEL) / PAGE_UNIT)
        return torch.minimum(darker, gate)

    def thresholds(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """The thresholds to choose from in grey levels, (N, 2 windows, H / 2, W / 2), and the unit of offsets, (N, 1, H / 2, W / 2), of whole levels
        (N, 1, H, W)."""
        config = self.config
        windows = (*config.threshold_windows, SCALE_WINDOW)
        *moments, (_, spread) = cell_moments(F.pixel_unshuffle(grey, 2), windows, config.floor)
        found = [(mean, mean * (1 + config.k * ((floored - config.floor) / RANGE - 1))) for mean, floored in moments]
        return torch.cat([threshold for pair in found for threshold in pair], 1), spread
