"""The task of the text regions: whether a cell of a crop holds ink.

A cell that holds a handful of ink pixels is the end of a stroke that lies in the cell beside it: closing it loses nearly nothing, so it weighs
little.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from docbin.errors import UsageError
from docbin.kernels.shrunk import CELL
from docbin.train.device import Device
from docbin.train.recipe import Recipe
from docbin.train.task import Supervised, f_measure

LEAST, MOST = 0.1, 1.5
"""What a cell with ink weighs, beside one without: from a pixel of it to FULL."""
FULL = 48.0
"""Ink pixels, of a cell's 256."""


def of_cells(truth: Tensor) -> Tensor:
    """Ink pixels of every cell, (N, 1, H / 16, W / 16, rounded up), of a truth (N, 1, H, W), 1 = ink."""
    more = (0, -truth.shape[-1] % CELL, 0, -truth.shape[-2] % CELL)
    return F.avg_pool2d(F.pad(truth, more), CELL) * CELL * CELL


class Regions(Supervised):
    """Cross-entropy of the cells, those with ink weighed by how much there is."""

    def __init__(self, recipe: Recipe, device: Device) -> None:
        super().__init__(recipe, device)
        if not hasattr(self.net, "cell"):
            raise UsageError(f"task 'regions': {recipe.net.name} draws ink; it trains textregions")

    def losses(self, images: Tensor, logits: Tensor, truth: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The cross-entropy; for the log, the share of the ink whose cells are taken for empty, and of the empty cells that are not."""
        ink = of_cells(truth)
        holds = ink > 0
        weight = torch.where(holds, LEAST + (MOST - LEAST) * (ink / FULL).clamp(max=1.0), 1.0)
        loss = F.binary_cross_entropy_with_logits(logits.float(), holds.float(), weight, reduction="sum") / weight.sum()
        with torch.no_grad():
            said = logits > 0
            lost = (ink * ~said).sum() / ink.sum().clamp_min(1)
            false = (said & ~holds).sum() / (~holds).sum().clamp_min(1)
        return loss, {"bce": loss, "lost": lost, "false": false}

    def crop_fm(self, logits: Tensor, truth: Tensor) -> Tensor:
        """That of the cells."""
        return f_measure(logits > 0, of_cells(truth) > 0)
