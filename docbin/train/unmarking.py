"""The task of `unmark`: the page without its watermark, and where the mark was.

The pairs say both: a pixel is the mark's where the picture that came and the wanted one differ. Loss: absolute error of the page, where the mark is
and over all (most of a page is bare, and what is changed there is seen just as well), and cross-entropy plus soft Dice of the mark's place.
"""

from __future__ import annotations

import torch
from torch import Tensor

from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.unmark import Unmark
from docbin.train.device import Device
from docbin.train.feed import Batch
from docbin.train.losses import weighted
from docbin.train.recipe import Recipe
from docbin.train.task import NoOptions, Task, adamw
from docbin.typed_config import typed

PAGE = 10.0
"""Weight of the page's error, in 0..1, beside the terms of the mark's place."""
DIFFERS = 1.5 / 255
"""From this difference of a colour on a pixel is the mark's."""


class _Answers(torch.nn.Module):
    """The three answers as a plain call, so that several devices can share it."""

    def __init__(self, net: Unmark) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As :meth:`Unmark.answers`."""
        return self.net.answers(images)


class Unmarking(Task):
    """See the module's docstring; AdamW. ``loss.terms`` are those of the mark's place."""

    def __init__(self, recipe: Recipe, device: Device) -> None:
        typed(NoOptions, recipe.options, "recipe", "options")
        net = build(recipe.net.name, recipe.net.variant)
        if not isinstance(net, Unmark):
            raise UsageError(f"task 'unmarking': trains unmark, not {recipe.net.name}")
        self.device, self.optim = device, recipe.optim
        self.net: Unmark = device.to_device(net)  # type: ignore[assignment]
        self.place = weighted(recipe.loss.terms)
        self.optimizer = adamw(self.net, recipe.optim)
        self.wrapped = device.wrap(_Answers(self.net))

    def step(self, batch: Batch, rate: float, progress: float) -> dict[str, float | Tensor]:
        """Forward, losses, backward, one step of AdamW."""
        if batch.truth.ndim != 4:
            raise UsageError("task 'unmarking': wants pairs in colour; say data.source = 'docbin.train.pairs:watermarks'")
        device = self.device.torch_device
        images, wanted = (
            part.to(device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255.0) for part in (batch.images, batch.truth)
        )
        place = ((images - wanted).abs().amax(1, keepdim=True) > DIFFERS).float()
        self.set_rate(rate)
        self.wrapped.train()
        with self.device.autocast():
            mark, taken, added = self.wrapped(images)
        error = (self.net.restored(images, mark, taken, added) - wanted).abs().mean(1, keepdim=True)
        within = (error * place).sum() / place.sum().clamp_min(1)
        found, parts = self.place(mark, place)
        loss = PAGE * (error.mean() + within) + found
        norm = self.device.optimizer_step(loss, self.optimizer, self.optim.clip)
        untouched = (images - wanted).abs().mean()
        return {
            "loss": loss.detach(),
            **{name: part.detach() for name, part in parts.items()},
            "error": error.detach().mean(),
            "within": within.detach(),
            "untouched": untouched,
            "gradient": norm,
            "rate": self.optim.rate * rate,
        }
