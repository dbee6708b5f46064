"""The task of the 1-bit networks: truth, a float teacher's opinion, and the care that latent weights need.

A pixel on a stroke's edge is ink or not by the hair's breadth of an annotator; the teacher's probability says how sure one can be, and so
asks less of a network that has few bits to be sure with (Hinton et al., 2015, arXiv 1503.02531). Beside it, after every step the latent
weights are clipped to the reach of their estimator, and quantizers with a schedule learn how far the run is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from docbin.errors import UsageError
from docbin.nets import pretrained
from docbin.nets.unet import UNet
from docbin.quant.layer import set_progress
from docbin.quant.training import clip_latent, distil_logits, penalties
from docbin.train.device import Device
from docbin.train.recipe import Recipe
from docbin.train.task import Supervised
from docbin.typed_config import typed
from docbin.zoo import folders


@dataclass(frozen=True, slots=True)
class BitOptions:
    """``[options]`` of a recipe with this task.

    Attributes
    ----------
    teacher : a model of the zoo, or a model folder, whose probabilities are copied; "" for none
    distil : weight of the cross-entropy against them
    limit : bound of the latent weights' magnitude
    """

    teacher: str = ""
    distil: float = 1.0
    limit: float = 1.0


class Bits(Supervised):
    """The losses of the recipe plus, with a teacher, ``distil`` times the cross-entropy against its probabilities."""

    def __init__(self, recipe: Recipe, device: Device) -> None:
        self.options = typed(BitOptions, recipe.options, "recipe", "options")
        super().__init__(recipe, device)
        self.teacher = None
        if self.options.teacher:
            teacher = pretrained.network(folders.load_config(self.options.teacher))
            wants = 4 if getattr(teacher, "depth", False) else 3
            if wants == 4 and not recipe.data.depth:
                raise UsageError(f"options.teacher = {self.options.teacher!r}: looks at the depth plane; set data.depth = true")
            if isinstance(teacher, UNet):
                teacher.eval().fold_norms()
            self.teacher = device.to_device(teacher).requires_grad_(False)
            self.channels = wants

    def before(self, progress: float) -> None:
        """Quantizers with a schedule learn how far the run is."""
        set_progress(self.net, progress)

    def losses(self, images: Tensor, logits: Tensor, truth: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Those of the recipe, and the teacher's."""
        loss, parts = self.loss(logits, truth)
        if self.teacher is not None:
            with torch.no_grad(), self.device.autocast():
                taught = self.teacher(images[:, : self.channels])
            parts["distil"] = distil_logits(logits.float(), taught.float())
            loss = loss + self.options.distil * parts["distil"]
        return loss, parts

    def penalty(self) -> Tensor | None:
        """The quantizers' own losses."""
        return penalties(self.net)

    def after(self) -> None:
        """Latent weights are clipped to the reach of their estimator."""
        clip_latent(self.net, self.options.limit)
