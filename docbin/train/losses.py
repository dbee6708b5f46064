"""Losses by name. Each takes logits and truth, both float32 (N, 1, H, W), truth in 0..1, and returns a scalar.

The default of the binarizing networks is cross-entropy plus soft Dice. Cross-entropy gives every pixel a gradient and calibrated
probabilities; Dice is the F-measure that the result is judged by, made smooth (Milletari et al., 2016, arXiv 1606.04797), and keeps the
tenth of the page that is ink from being outvoted by the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from docbin.errors import UsageError

Loss = Callable[[Tensor, Tensor], Tensor]


def bce(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean binary cross-entropy."""
    return F.binary_cross_entropy_with_logits(logits, truth)


def dice(logits: Tensor, truth: Tensor, smooth: float = 64.0) -> Tensor:
    """1 - soft F-measure of each crop, averaged; `smooth` pixels are added above and below, so that a crop without ink asks for none and
    stays finite.
    """
    probability = torch.sigmoid(logits).flatten(1)
    truth = truth.flatten(1)
    overlap = (probability * truth).sum(1)
    return (1 - (2 * overlap + smooth) / (probability.sum(1) + truth.sum(1) + smooth)).mean()


def charbonnier(logits: Tensor, truth: Tensor, epsilon: float = 1e-6) -> Tensor:
    """Smooth absolute error of the probability, sqrt(error^2 + epsilon^2); the loss of FourBi with its epsilon (Quattrini et al., 2024)."""
    return (torch.sigmoid(logits) - truth).square().add(epsilon * epsilon).sqrt().mean()


def hinge(logits: Tensor, truth: Tensor) -> Tensor:
    """max(0, 1 - sign * logit), the loss of SauvolaNet (Li et al., 2021)."""
    return F.relu(1 - (2 * truth - 1) * logits).mean()


def mse(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error of the probability."""
    return F.mse_loss(torch.sigmoid(logits), truth)


def _of_smp(name: str, **options: Any) -> Loss:
    """The loss `name` of segmentation-models-pytorch, imported when it is first called."""

    @lru_cache(maxsize=1)
    def made() -> Any:
        from docbin.nets.smp import open_library

        return getattr(open_library().losses, name)("binary", **options)

    def loss(logits: Tensor, truth: Tensor) -> Tensor:
        value: Tensor = made()(logits, truth)
        return value

    return loss


LOSSES: Mapping[str, Loss] = {
    "bce": bce,
    "dice": dice,
    "charbonnier": charbonnier,
    "hinge": hinge,
    "mse": mse,
    "smp-dice": _of_smp("DiceLoss", smooth=64.0),
    "smp-log-dice": _of_smp("DiceLoss", log_loss=True, smooth=64.0),
    "smp-jaccard": _of_smp("JaccardLoss", smooth=64.0),
    "smp-tversky": _of_smp("TverskyLoss", smooth=64.0, alpha=0.3, beta=0.7),
    "smp-focal": _of_smp("FocalLoss"),
    "smp-lovasz": _of_smp("LovaszLoss"),
}
"""Ours, and by ``smp-`` those of segmentation-models-pytorch, over the whole batch. ``smp-log-dice`` is the loss of
Del Gobbo and Matuk Herrera's manga networks (2020, arXiv 2009.04042)."""


def weighted(terms: Mapping[str, float]) -> Callable[[Tensor, Tensor], tuple[Tensor, dict[str, Tensor]]]:
    """A function (logits, truth) -> (weighted sum, each term detached) of the losses named in `terms`.

    Raises
    ------
    UsageError
        No term, or a name that is not in ``LOSSES``.
    """
    if not terms:
        raise UsageError("loss.terms: at least one loss is wanted, for instance {bce = 1.0, dice = 1.0}")
    for name in terms:
        if name not in LOSSES:
            raise UsageError(f"loss.terms: unknown loss {name!r}; choose from {', '.join(LOSSES)}")

    def total(logits: Tensor, truth: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        logits = logits.float()
        parts = {name: LOSSES[name](logits, truth) for name in terms}
        summed = torch.stack([weight * parts[name] for name, weight in terms.items()]).sum()
        return summed, {name: part.detach() for name, part in parts.items()}

    return total
