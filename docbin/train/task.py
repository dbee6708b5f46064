"""A task: the network, its losses and its optimizers, and one training step. The loop knows nothing else of what is trained.

The seam is here so that an adversarial net (two networks, two optimizers, alternating steps), a recurrent refiner or a 1-bit net with a
schedule of its own is a class of its own and not a flag of the loop. A task gets the progress of the run (0..1) and the factor on the
learning rate at every step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.nets import build
from docbin.page import Image, Mask
from docbin.train.checkpoint import load_optimizer
from docbin.train.device import Device
from docbin.train.feed import Batch, named
from docbin.train.losses import weighted
from docbin.train.recipe import OptimSection, Recipe
from docbin.typed_config import typed


class Task(ABC):
    """What the loop needs. `net` is the network that is averaged, validated and shipped."""

    net: nn.Module
    optimizer: torch.optim.Optimizer
    optim: OptimSection

    @abstractmethod
    def step(self, batch: Batch, rate: float, progress: float) -> dict[str, float | Tensor]:
        """One optimizer step at learning-rate factor `rate`; returns the numbers to log (tensors are read only when logged)."""

    def wanted(self, image: Image, truth: Mask) -> Image:
        """The picture that the network is to make of a page uint8 (H, W, 3) with this ink; UsageError if it makes none."""
        raise UsageError(f"data.score = 'psnr': {type(self.net).__name__} only says where ink is; say data.score = 'fm'")

    def set_rate(self, rate: float) -> None:
        """Set every group of weights to the recipe's learning rate times `rate` (times the group's own "share")."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.optim.rate * rate * group.get("share", 1.0)

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs, of tensors, numbers, text, lists and mappings: network and optimizer."""
        return {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state that :meth:`state` returned, possibly after a trip through a file."""
        self.net.load_state_dict(state["net"])
        load_optimizer(self.optimizer, state["optimizer"])


def adamw(net: nn.Module, optim: OptimSection) -> torch.optim.AdamW:
    """AdamW over `net`; weight decay on convolution and matrix weights only."""
    decayed = [weight for weight in net.parameters() if weight.requires_grad and weight.ndim > 1]
    free = [weight for weight in net.parameters() if weight.requires_grad and weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": optim.decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=optim.rate, betas=optim.betas, fused=True)


def tensors(batch: Batch, device: Device) -> tuple[Tensor, Tensor]:
    """A batch as the networks take it: images float32 (N, 3 or 4, S, S) in 0..1, truth float32 (N, 1, S, S)."""
    images = batch.images.to(device.torch_device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255.0)
    return images, batch.truth.to(device.torch_device, non_blocking=True)[:, None].float()


def f_measure(said: Tensor, wanted: Tensor) -> Tensor:
    """F-measure in percent of a bool map against another of its shape; 0 where both are empty."""
    return 200.0 * (wanted & said).sum() / (wanted.sum() + said.sum()).clamp_min(1)


@dataclass(frozen=True, slots=True)
class NoOptions:
    """``[options]`` of a task that has none."""


class Supervised(Task):
    """Page in, ink out, a weighted sum of losses, AdamW. A task that adds to it overrides the methods below :meth:`step`."""

    def __init__(self, recipe: Recipe, device: Device) -> None:
        if type(self) is Supervised:
            typed(NoOptions, recipe.options, "recipe", "options")
        self.device = device
        self.optim = recipe.optim
        self.net = device.to_device(build(recipe.net.name, recipe.net.variant))
        self.loss = weighted(recipe.loss.terms)
        self.optimizer = adamw(self.net, recipe.optim)
        self.wrapped = device.wrap(self.net)

    def step(self, batch: Batch, rate: float, progress: float) -> dict[str, float | Tensor]:
        """Forward, losses, backward, one step of AdamW."""
        images, truth = tensors(batch, self.device)
        self.set_rate(rate)
        self.before(progress)
        self.wrapped.train()
        with self.device.autocast():
            logits = self.wrapped(images)
        loss, parts = self.losses(images, logits, truth)
        penalty = self.penalty()
        norm = self.device.optimizer_step(loss if penalty is None else loss + penalty, self.optimizer, self.optim.clip)
        self.after()
        with torch.no_grad():
            scores = {name: part.detach() for name, part in parts.items()} | {"crop_fm": self.crop_fm(logits, truth)}
        return {"loss": loss.detach(), **scores, "gradient": norm, "rate": self.optim.rate * rate}

    def before(self, progress: float) -> None:
        """Called before each forward pass."""

    def losses(self, images: Tensor, logits: Tensor, truth: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss that is logged, and its parts by name."""
        return self.loss(logits, truth)

    def crop_fm(self, logits: Tensor, truth: Tensor) -> Tensor:
        """The F-measure of the crops in percent, for the log."""
        return f_measure(logits > 0, truth > 0.5)

    def penalty(self) -> Tensor | None:
        """What is minimised beside the loss, not logged."""
        return None

    def after(self) -> None:
        """Called after each optimizer step."""


TASKS: Mapping[str, str] = {
    "supervised": "docbin.train.task:Supervised",
    "refinement": "docbin.train.refinement:Refinement",
    "adversarial": "docbin.train.adversarial:Adversarial",
    "detection": "docbin.train.detection:Detection",
    "unmarking": "docbin.train.unmarking:Unmarking",
    "bits": "docbin.train.bits:Bits",
    "regions": "docbin.train.regions:Regions",
}
"""Task name in a recipe -> "module:class", called with the recipe and the device."""


def make_task(recipe: Recipe, device: Device) -> Task:
    """The task of a recipe, freshly initialised from the recipe's seed."""
    if recipe.task not in TASKS:
        raise UsageError(f"task = {recipe.task!r}: choose one of {', '.join(TASKS)}")
    torch.manual_seed(recipe.run.seed)
    task: Task = named(TASKS[recipe.task], "task")(recipe, device)
    return task
