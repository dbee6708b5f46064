"""`unmark`: finds the watermark on a page and takes back what it did to each pixel.

A mark that is laid half-transparently over a page changes each colour c to ``(1 - g) c + o``: over the page, g is the mark's opacity and o its colour
times that; under the ink, where light is multiplied, o is 0. So the page is not painted anew: a network says, pixel by pixel, if there is a mark
(one number) and what it did there (g and o for red, green and blue), and the page is ``(c - o) / (1 - g)`` where it says so and stays as it is, bit
for bit but for rounding, where it does not. A generator that has to make the whole page (DE-GAN's, :mod:`docbin.nets.degan`) first loses the paper's
grain, which is more than a pale mark takes (docs/experiments/2026-11-29-first-weights-of-repairs.md); and it sees grey alone, where half of all marks
differ from ink by their colour. Splitting a marked picture into mask, mark and picture is the way of blind watermark removal (Hertz et al., CVPR
2019, arXiv 1904.02756; Cun and Pun, AAAI 2021, arXiv 2012.07007).

The network between is that of :mod:`docbin.nets.unet`, which has learned what ink and paper look like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.nets.pixels import padded
from docbin.nets.unet import UNet, UNetConfig

STRONGEST = 0.8
"""The largest share of a colour that a mark is said to have taken: what lies under a stronger one is noise."""
ANSWERS = 7
"""Numbers a pixel: the logit of "here is a mark", then for red, green and blue what is taken and what is added."""


@dataclass(frozen=True, slots=True)
class UnmarkConfig:
    """A variant of :class:`Unmark`; the fields are those of :class:`docbin.nets.unet.UNetConfig`.

    Attributes
    ----------
    widths, encoder_blocks, decoder_blocks, dilations, windows, head : see there
    """

    widths: tuple[int, ...] = (32, 64, 128, 256)
    encoder_blocks: tuple[int, ...] = (1, 2, 2, 2)
    decoder_blocks: tuple[int, ...] = (2, 1, 1)
    dilations: tuple[int, ...] = (1, 2)
    windows: tuple[int, ...] = (9, 35)
    head: int = 32


class Unmark(nn.Module):
    """The network; see the module's docstring. Logits of "here is a mark", (N, 1, H, W), from RGB (N, 3, H, W) in 0..1; :meth:`step` is the page."""

    steps = 1

    def __init__(self, config: UnmarkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or UnmarkConfig()
        fields = {name: getattr(config, name) for name in UnmarkConfig.__dataclass_fields__}
        self.trunk = UNet(UNetConfig(**fields))
        self.trunk.out = nn.Conv2d(config.head, 4 * ANSWERS, 1)
        nn.init.normal_(self.trunk.out.weight, 0, 0.02)
        nn.init.zeros_(self.trunk.out.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.trunk.out.bias[:4] = -2.0  # type: ignore[index]  # a page without a mark is the likeliest

    def adapted(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weights to start from: those of a :class:`docbin.nets.unet.UNet` become the trunk's, without its last layer, its depth plane and its edge
        step; this network's own stay as they are.
        """
        if "stem.weight" not in weights:
            return dict(weights)
        start = self.state_dict()
        for name, value in weights.items():
            mine = f"trunk.{name}"
            if mine in start and not name.startswith("out."):
                seen = (
                    start[mine].shape[1] if name in ("stem.weight", "head.weight") else None
                )  # without the depth plane, which is the last
                start[mine] = value if seen is None else value[:, :seen]
        return start

    @property
    def stride(self) -> int:
        """Side of the deepest level's cell in pixels."""
        return self.trunk.stride

    @property
    def halo(self) -> int:
        """How far a pixel of the page reaches; see :class:`docbin.nets.unet.UNet`."""
        return self.trunk.halo

    @property
    def step_halo(self) -> int:
        """There is one step."""
        return self.halo

    def answers(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of RGB (N, 3, H, W): the logit of a mark (N, 1, H, W), what it takes of each colour, 0..:data:`STRONGEST`, and adds (N, 3, H, W)."""
        height, width = image.shape[-2:]
        said = F.pixel_shuffle(self.trunk.cells(padded(image, self.stride)).float(), 2)[..., :height, :width]
        return said[:, :1], STRONGEST * torch.sigmoid(said[:, 1:4] - 1.0), torch.sigmoid(said[:, 4:] - 2.0)

    @staticmethod
    def restored(image: Tensor, mark: Tensor, taken: Tensor, added: Tensor) -> Tensor:
        """The page (N, 3, H, W), 0..1, of a marked one and what :meth:`answers` says; `mark` is a logit, a half-sure mark is taken back by half."""
        share = torch.sigmoid(mark)
        return ((image - share * added) / (1 - share * taken)).clamp(0, 1)

    def enter(self, image: Tensor) -> Tensor:
        """The page as the network takes it: RGB (N, 3, H, W)."""
        return image

    def step(self, number: int, page: Tensor) -> Tensor:
        """The page without its mark, RGB (N, 3, H, W) in 0..1; `number` is 0."""
        return self.restored(page, *self.answers(page))

    def clean(self, image: Tensor) -> list[Tensor]:
        """The page without its mark, a list of one."""
        return [self.step(0, image)]

    def forward(self, image: Tensor) -> Tensor:
        """Logits of "here is a mark", (N, 1, H, W), of RGB pages (N, 3, H, W) in 0..1."""
        return self.answers(image)[0]
