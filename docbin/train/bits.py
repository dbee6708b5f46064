"""The task of the 1-bit networks: truth, a float teacher's opinion, and the care that latent weights need.

A pixel on a stroke's edge is ink or not by the hair's breadth of an annotator; the teacher's probability says how sure one can be, and so
asks less of a network that has few bits to be sure with (Hinton et al., 2015, arXiv 1503.02531). Beside it, after every step the latent
weights are clipped to the reach of their estimator, and quantizers with a schedule learn how far the run is.
"""

from __future__ import annotations

import torch

from docbin.errors import UsageError
from docbin.nets import pretrained
from docbin.nets.unet import UNet
from docbin.quant.layer import set_progress
from docbin.quant.training import clip_latent, distil_logits, penalties
from docbin.train.feed import Batch
from docbin.train.place import Place
from docbin.train.recipe import Recipe
from docbin.train.task import Supervised, tensors
from docbin.zoo import folders

OPTIONS = {"teacher": "", "distil": 1.0, "limit": 1.0}


class Bits(Supervised):
    """The losses of the recipe plus, with a teacher, ``distil`` times the cross-entropy against its probabilities.

    ``options``: ``teacher`` names a model of the zoo (or a model folder), "" for none; ``distil`` is its weight; ``limit`` bounds the latent
    weights.
    """

    def __init__(self, recipe: Recipe, place: Place) -> None:
        for key in recipe.options:
            if key not in OPTIONS:
                raise UsageError(f"options: the task 'bits' has {', '.join(OPTIONS)}, got {key!r}")
        options = {**OPTIONS, **recipe.options}
        super().__init__(recipe, place)
        self.limit, self.distil = float(options["limit"]), float(options["distil"])
        self.teacher = None
        if options["teacher"]:
            teacher = pretrained.network(folders.load_config(str(options["teacher"])))
            wants = 4 if getattr(teacher, "depth", False) else 3
            if wants == 4 and not recipe.data.depth:
                raise UsageError(f"options.teacher = {options['teacher']!r}: looks at the depth plane; set data.depth = true")
            if isinstance(teacher, UNet):
                teacher.eval().fold_norms()
            self.teacher = place.settle(teacher).requires_grad_(False)
            self.channels = wants

    def step(self, batch: Batch, rate: float, progress: float) -> dict[str, float | torch.Tensor]:
        """Forward, losses, backward, one step of AdamW, latent weights clipped."""
        images, truth = tensors(batch, self.place)
        for group in self.optimizer.param_groups:
            group["lr"] = self.optim.rate * rate
        set_progress(self.net, progress)
        self.shared.train()
        with self.place.autocast():
            logits = self.shared(images)
        loss, parts = self.loss(logits, truth)
        if self.teacher is not None:
            with torch.no_grad(), self.place.autocast():
                opinion = self.teacher(images[:, : self.channels])
            parts["distil"] = distil_logits(logits.float(), opinion.float())
            loss = loss + self.distil * parts["distil"]
        extra = penalties(self.net)
        norm = self.place.descend(loss if extra is None else loss + extra, self.optimizer, self.optim.clip)
        clip_latent(self.net, self.limit)
        with torch.no_grad():
            ink, said = truth > 0.5, logits > 0
            f_measure = 200.0 * (ink & said).sum() / (ink.sum() + said.sum()).clamp_min(1)
        return {
            "loss": loss.detach(),
            **{name: part.detach() for name, part in parts.items()},
            "crop_fm": f_measure,
            "gradient": norm,
            "rate": self.optim.rate * rate,
        }
