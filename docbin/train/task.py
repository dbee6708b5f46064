"""A task: the network, its losses and its optimizers, and one training step. The loop knows nothing else of what is trained.

The seam is here so that an adversarial net (two networks, two optimizers, alternating steps), a recurrent refiner or a 1-bit net with a
schedule of its own is a class of its own and not a flag of the loop. A task gets the progress of the run (0..1) and the factor on the
learning rate at every step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.nets import build
from docbin.page import Image, Mask
from docbin.train.checkpoint import load_optimizer
from docbin.train.feed import Batch, named
from docbin.train.losses import weighted
from docbin.train.place import Place
from docbin.train.recipe import OptimSection, Recipe


class Task(ABC):
    """What the loop needs. `net` is the network that is averaged, validated and shipped."""

    net: nn.Module

    @abstractmethod
    def step(self, batch: Batch, rate: float, progress: float) -> dict[str, float | Tensor]:
        """One optimizer step at learning-rate factor `rate`; returns the numbers to log (tensors are read only when logged)."""

    def wanted(self, image: Image, truth: Mask) -> Image:
        """The picture that the network is to make of a page uint8 (H, W, 3) with this ink; UsageError if it makes none."""
        raise UsageError(f"data.score = 'psnr': {type(self.net).__name__} only says where ink is; say data.score = 'fm'")

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that a resumed run needs (the network included), of tensors, numbers, text, lists and mappings."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state that :meth:`state` returned, possibly after a trip through a file."""


def adamw(net: nn.Module, optim: OptimSection) -> torch.optim.AdamW:
    """AdamW over `net`; weight decay on convolution and matrix weights only."""
    decayed = [weight for weight in net.parameters() if weight.requires_grad and weight.ndim > 1]
    free = [weight for weight in net.parameters() if weight.requires_grad and weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": optim.decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=optim.rate, betas=optim.betas, fused=True)


def tensors(batch: Batch, place: Place) -> tuple[Tensor, Tensor]:
    """A batch as the networks take it: images float32 (N, 3 or 4, S, S) in 0..1, truth float32 (N, 1, S, S)."""
    images = batch.images.to(place.device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255.0)
    return images, batch.truth.to(place.device, non_blocking=True)[:, None].float()


class Supervised(Task):
    """Page in, ink out, a weighted sum of losses, AdamW."""

    def __init__(self, recipe: Recipe, place: Place) -> None:
        if recipe.options and type(self) is Supervised:
            raise UsageError(f"options: the task 'supervised' has none, got {', '.join(recipe.options)}")
        self.place = place
        self.optim = recipe.optim
        self.net = place.settle(build(recipe.net.name, recipe.net.variant))
        self.loss = weighted(recipe.loss.terms)
        self.optimizer = adamw(self.net, recipe.optim)
        self.shared = place.share(self.net)

    def step(self, batch: Batch, rate: float, progress: float) -> dict[str, float | Tensor]:
        """Forward, losses, backward, one step of AdamW."""
        images, truth = tensors(batch, self.place)
        for group in self.optimizer.param_groups:
            group["lr"] = self.optim.rate * rate
        self.shared.train()
        with self.place.autocast():
            logits = self.shared(images)
        loss, parts = self.loss(logits, truth)
        norm = self.place.descend(loss, self.optimizer, self.optim.clip)
        with torch.no_grad():
            ink, said = truth > 0.5, logits > 0
            f_measure = 200.0 * (ink & said).sum() / (ink.sum() + said.sum()).clamp_min(1)
        return {"loss": loss.detach(), **parts, "crop_fm": f_measure, "gradient": norm, "rate": self.optim.rate * rate}

    def state(self) -> dict[str, Any]:
        """Network and optimizer."""
        return {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Inverse of :meth:`state`."""
        self.net.load_state_dict(state["net"])
        load_optimizer(self.optimizer, state["optimizer"])


TASKS: Mapping[str, str] = {
    "supervised": "docbin.train.task:Supervised",
    "refinement": "docbin.train.refinement:Refinement",
    "adversarial": "docbin.train.adversarial:Adversarial",
    "detection": "docbin.train.detection:Detection",
    "bits": "docbin.train.bits:Bits",
}
"""Task name in a recipe -> "module:class", called with the recipe and the place."""


def make_task(recipe: Recipe, place: Place) -> Task:
    """The task of a recipe, freshly initialised from the recipe's seed."""
    if recipe.task not in TASKS:
        raise UsageError(f"task = {recipe.task!r}: choose one of {', '.join(TASKS)}")
    torch.manual_seed(recipe.run.seed)
    task: Task = named(TASKS[recipe.task], "task")(recipe, place)
    return task
