"""The task of DE-GAN: a generator that repairs pages against a discriminator that tells true pairs from repaired ones.

Souibgui and Kessentini (2020, doi:10.1109/TPAMI.2020.3022406). A step is, as in the authors' code, one step of the discriminator on true pairs
and one on repaired pairs (mean squared error from 1 and 0), then one of the generator: squared error of the discriminator's answer from 1,
weight 1, plus the content loss, cross-entropy with weight 100 (``loss.terms = {bce = 100.0}``). Adam at 1e-4 is ``optim.decay = 0``. Two things
are simpler than there. The repaired pairs are those of the generator's own forward pass, dropout included, so there is one pass a step and not
two. And the discriminator normalises by the batch at hand throughout; its running statistics are kept but not used.

The wanted page is 1 - truth for crops with truth (binarization), or the picture that a pair source gives (:mod:`docbin.train.pairs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.degan import Degan, PatchDiscriminator
from docbin.page import Image, Mask
from docbin.train.checkpoint import load_optimizer
from docbin.train.device import Device
from docbin.train.feed import Batch
from docbin.train.losses import weighted
from docbin.train.recipe import Recipe
from docbin.train.task import Task, adamw
from docbin.typed_config import typed


@dataclass(frozen=True, slots=True)
class AdversarialOptions:
    """``[options]`` of a recipe with this task.

    Attributes
    ----------
    adversarial : weight of the discriminator's answer in the generator's loss
    discriminator_rate : learning rate of the discriminator as a multiple of the generator's
    """

    adversarial: float = 1.0
    discriminator_rate: float = 1.0


def wanted_page(batch: Batch, device: torch.device) -> Tensor:
    """The page that is wanted, float32 (N, 1, S, S), 1 = white: the picture of a pair, or white paper with black ink where truth is given.

    Raises
    ------
    UsageError
        The pairs are in colour: the generator makes a grey page.
    """
    if batch.truth.ndim == 4:
        raise UsageError("task 'adversarial': wants pairs in grey, and those of data.source are in colour; the task 'unmarking' takes them")
    truth = batch.truth.to(device, non_blocking=True)[:, None]
    return 1.0 - truth.float() if truth.dtype == torch.bool else truth.float().div_(255.0)


class _Paper(torch.nn.Module):
    """The generator's paper logits as a plain call, so that several devices can share it."""

    def __init__(self, net: Degan) -> None:
        super().__init__()
        self.net = net

    def forward(self, grey: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, 1, H, W)."""
        return self.net.paper(grey)


class Adversarial(Task):
    """Two networks, two optimizers, alternating steps. `net` is the generator."""

    def __init__(self, recipe: Recipe, device: Device) -> None:
        net = build(recipe.net.name, recipe.net.variant)
        if not isinstance(net, Degan):
            raise UsageError(f"task 'adversarial': trains degan, not {recipe.net.name}")
        self.options = typed(AdversarialOptions, recipe.options, "recipe", "options")
        self.device, self.optim = device, recipe.optim
        self.generator: Degan = device.to_device(net)  # type: ignore[assignment]
        self.net = self.generator
        self.discriminator = device.to_device(PatchDiscriminator(net.config.discriminator))
        self.content = weighted(recipe.loss.terms)
        self.optimizer = adamw(self.generator, recipe.optim)
        self.judge_optimizer = adamw(self.discriminator, recipe.optim)
        self.wrapped = device.wrap(_Paper(self.generator))
        self.judge = device.wrap(self.discriminator)

    def step(self, batch: Batch, rate: float, progress: float) -> dict[str, float | Tensor]:
        """Discriminator on true pairs, on repaired pairs, then the generator."""
        images = batch.images.to(self.device.torch_device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255.0)
        degraded, wanted = self.generator.enter(images), wanted_page(batch, self.device.torch_device)
        for optimizer, factor in ((self.optimizer, 1.0), (self.judge_optimizer, self.options.discriminator_rate)):
            for group in optimizer.param_groups:
                group["lr"] = self.optim.rate * rate * factor
        self.wrapped.train()
        self.judge.train()
        with self.device.autocast():
            logits = self.wrapped(degraded)
        repaired = torch.sigmoid(logits)
        true = self._judge(wanted, degraded, 1.0)
        false = self._judge(repaired.detach(), degraded, 0.0)
        loss, parts, fooled, norm = self._generate(logits, repaired, degraded, wanted)
        return {
            "loss": loss.detach(),
            **parts,
            "fooled": fooled.detach(),
            "judge_true": true,
            "judge_false": false,
            "error": (repaired.detach() - wanted).abs().mean(),
            "gradient": norm,
            "rate": self.optim.rate * rate,
        }

    def _judge(self, page: Tensor, degraded: Tensor, answer: float) -> Tensor:
        """One step of the discriminator on pairs whose answer is known; its loss."""
        with self.device.autocast():
            said = self.judge(page, degraded)
        loss = F.mse_loss(said, torch.full_like(said, answer))
        self.device.optimizer_step(loss, self.judge_optimizer, self.optim.clip)
        return loss.detach()

    def _generate(
        self, logits: Tensor, repaired: Tensor, degraded: Tensor, wanted: Tensor
    ) -> tuple[Tensor, dict[str, Tensor], Tensor, float]:
        """One step of the generator: (loss, content losses, adversarial loss, gradient's norm). The discriminator stands still."""
        content, parts = self.content(-logits, 1.0 - wanted)  # the losses are written for ink
        self.discriminator.requires_grad_(False)
        try:
            with self.device.autocast():
                said = self.discriminator(repaired, degraded)
            fooled = F.mse_loss(said, torch.ones_like(said))
            loss = content + self.options.adversarial * fooled
            norm = self.device.optimizer_step(loss, self.optimizer, self.optim.clip)
        finally:
            self.discriminator.requires_grad_(True)
        return loss, parts, fooled, norm

    def wanted(self, image: Image, truth: Mask) -> Image:
        """The ink in black on white."""
        return np.where(truth, 0, 255).astype(np.uint8)

    def state(self) -> dict[str, Any]:
        """Both networks and both optimizers; on a GPU also the state that dropout draws from."""
        return {
            "net": self.generator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "judge_optimizer": self.judge_optimizer.state_dict(),
            "random": torch.cuda.get_rng_state(self.device.torch_device) if self.device.torch_device.type == "cuda" else None,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Inverse of :meth:`state`."""
        self.generator.load_state_dict(state["net"])
        self.discriminator.load_state_dict(state["discriminator"])
        load_optimizer(self.optimizer, state["optimizer"])
        load_optimizer(self.judge_optimizer, state["judge_optimizer"])
        if state["random"] is not None and self.device.torch_device.type == "cuda":
            torch.cuda.set_rng_state(state["random"], self.device.torch_device)
