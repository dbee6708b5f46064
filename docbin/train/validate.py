"""F-measure of whole held-out pages: the number by which a checkpoint is chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from docbin.nets.inference import probability
from docbin.page import Image, Mask


def f_measure(said: Mask, truth: Mask) -> float:
    """F-measure of ink in percent, 100 where both are empty."""
    both, wrong = int((said & truth).sum()), int((said != truth).sum())
    return 100.0 if both + wrong == 0 else 200.0 * both / (2 * both + wrong)


def validate(net: nn.Module, pages: Sequence[tuple[str, Image, Mask]], precision: torch.dtype | None) -> dict[str, float]:
    """The F-measure of every page by name, ink where the probability is above a half, and their mean as "mean"."""
    scores = {name: f_measure(probability(net, image, tile=1536, precision=precision) > 0.5, truth) for name, image, truth in pages}
    return {"mean": float(np.mean(list(scores.values()))), **scores}
