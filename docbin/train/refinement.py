"""The task of DeepOtsu: every step's page is to be the "uniform page", all ink of one colour and all paper of another.

He and Schomaker (2019, doi:10.1016/j.patcog.2019.01.025) train each refinement on the residual between its input and the uniform page by absolute
errors. Here the errors of all steps are averaged and the gradient flows through the whole chain, so that an early step is also asked to leave
what a later one can mend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.inference import to_tensor
from docbin.page import Image, Mask
from docbin.train.device import Device
from docbin.train.feed import Batch
from docbin.train.recipe import Recipe
from docbin.train.task import NoOptions, Task, adamw, tensors
from docbin.typed_config import typed


def uniform_page(page: Tensor, truth: Tensor) -> Tensor:
    """The page with every ink pixel in the mean colour of its ink and every other in the mean colour of its paper, channel by channel.

    A page without ink is all mean paper, one of ink alone all mean ink; nothing is divided by nothing.

    Parameters
    ----------
    page : float (N, C, H, W); means are taken over each page (or crop) of the batch by itself
    truth : (N, 1, H, W), 1 = ink, 0 = paper, nothing between
    """
    ink, paper = truth, 1 - truth
    of_ink = (page * ink).sum((2, 3), keepdim=True) / ink.sum((2, 3), keepdim=True).clamp_min(1)
    of_paper = (page * paper).sum((2, 3), keepdim=True) / paper.sum((2, 3), keepdim=True).clamp_min(1)
    return ink * of_ink + paper * of_paper


class _Chain(torch.nn.Module):
    """The pages of all steps from one call, so that gradients are averaged over several devices in one go."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (steps, N, C, H, W)."""
        net: Any = self.net
        return torch.stack(net.clean(images))


class Refinement(Task):
    """Mean absolute difference of every step's page from the uniform page, AdamW."""

    def __init__(self, recipe: Recipe, device: Device) -> None:
        typed(NoOptions, recipe.options, "recipe", "options")
        self.device, self.optim = device, recipe.optim
        self.net = device.to_device(build(recipe.net.name, recipe.net.variant))
        if not hasattr(self.net, "clean"):
            raise UsageError(f"task 'refinement': {recipe.net.name} makes no clean pages; it trains deepotsu")
        self.optimizer = adamw(self.net, recipe.optim)
        self.wrapped = device.wrap(_Chain(self.net))

    def step(self, batch: Batch, rate: float, progress: float) -> dict[str, float | Tensor]:
        """All refinements forward, absolute errors, backward, one step of AdamW."""
        images, truth = tensors(batch, self.device)
        self.set_rate(rate)
        net: Any = self.net
        wanted = uniform_page(net.enter(images), truth)
        self.wrapped.train()
        with self.device.autocast():
            pages = self.wrapped(images)
        errors = (pages.float() - wanted).abs().mean((1, 2, 3, 4))
        loss = errors.mean()
        norm = self.device.optimizer_step(loss, self.optimizer, self.optim.clip)
        start = (net.enter(images) - wanted).abs().mean()
        return {
            "loss": loss.detach(),
            "first": errors[0].detach(),
            "last": errors[-1].detach(),
            "untouched": start,
            "gradient": norm,
            "rate": self.optim.rate * rate,
        }

    def wanted(self, image: Image, truth: Mask) -> Image:
        """The uniform page, grey or in colour as the network works."""
        net: Any = self.net
        ink = torch.from_numpy(np.ascontiguousarray(truth)).to(self.device.torch_device)[None, None].float()
        page = uniform_page(net.enter(to_tensor(image, self.device.torch_device)), ink)[0].mul(255).round().byte().permute(1, 2, 0)
        pixels = np.ascontiguousarray(page.cpu().numpy())
        return pixels[..., 0] if pixels.shape[2] == 1 else pixels
