"""The task of DBNet: probability, threshold, and the two together through the differentiable step.

Liao et al. (2020, arXiv 1911.08947) sum three losses: binary cross-entropy of the probability map over the kernels and three times as many of the
hardest other pixels (weight 5), soft Dice of the approximate binary map (weight 1), and absolute errors of the threshold map within the bands (weight
10). The names in ``loss.terms`` are ``bce``, ``dice`` and ``threshold``; for a network that has no threshold map, Dice is that of the probability.

Both make a start from random weights very slow: the hardest negatives are those that come out highest, so whatever first tells one pixel from
another is punished, and the step is flat while T is ahead of P. A compact network stood at the loss of a constant for 240 steps of 8 crops; with
``options.plain``, a share of the run in which all pixels count and Dice is that of the probability, it had left it after 150. (All negatives with the
weight of three to a kernel pixel learn as quickly, but words come out fat and run together.)

A batch without any word is normal: it asks for nothing but quiet, so that some negatives are always counted, and no term divides by nothing.

A network of bits is clipped and told its progress at each step; ``options.teacher`` names a model whose probabilities it is to copy too, a term
called ``teacher``, and the term ``hints`` the maps inside it (:mod:`docbin.train.hints`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.data.detection_targets import PAPER
from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.dbnet import differentiable_step
from docbin.quant import quantizers, set_progress
from docbin.quant.training import clip_latent
from docbin.train.device import Device
from docbin.train.feed import Batch
from docbin.train.hints import Hints
from docbin.train.recipe import Recipe
from docbin.train.task import Task, adamw, f_measure
from docbin.typed_config import typed

TERMS = ("bce", "dice", "threshold", "teacher", "hints")
BALANCES = ("hard", "all")


@dataclass(frozen=True, slots=True)
class DetectionOptions:
    """``[options]`` of a recipe with this task.

    Attributes
    ----------
    negatives : how many of the hardest other pixels count for each kernel pixel
    quiet : share of all pixels that count as negatives at least, words or none
    plain : share of the run, from its start, in which all pixels count and there is no step; 0 is the paper's way
    balance : from then on, which negatives count: "hard", `negatives` of the hardest for each kernel pixel, as published, or "all"
    frozen_norms : share of the run, from its start, in which the norms of a trained encoder keep the statistics they came with
    encoder_rate : learning rate of the encoder, as a share of the others'
    teacher : a model of the zoo, or a model folder, to copy; "" for none
    """

    negatives: float = 3.0
    quiet: float = 0.02
    plain: float = 0.0
    teacher: str = ""
    balance: str = "hard"
    frozen_norms: float = 0.0
    encoder_rate: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what lies outside the ranges above."""
        if self.balance not in BALANCES:
            raise UsageError(f"options.balance = {self.balance!r}: choose one of {', '.join(BALANCES)}")
        for name in ("plain", "frozen_norms"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"options.{name} = {getattr(self, name):g}: a share of the run, 0 to 1, is wanted")
        if not 0 <= self.encoder_rate <= 10:
            raise UsageError(f"options.encoder_rate = {self.encoder_rate:g}: 0 to 10 is wanted")


def balanced_bce(logits: Tensor, kernel: Tensor, judged: Tensor, negatives: float = 3.0, quiet: float = 0.0) -> Tensor:
    """Mean cross-entropy over the kernel pixels and the `negatives` times as many others of the largest loss, over the whole batch.

    Parameters
    ----------
    logits, kernel, judged : float32 (N, 1, H, W); kernel and judged 0 or 1
    negatives : others for each kernel pixel
    quiet : share of all pixels that are counted as others at least
    """
    loss = F.binary_cross_entropy_with_logits(logits, kernel, reduction="none")
    positive, negative = kernel * judged, (1 - kernel) * judged
    found, others = round(float(positive.sum())), round(float(negative.sum()))  # a teacher's kernel is soft
    wanted = min(others, max(round(negatives * found), round(quiet * kernel.numel())))
    missed = loss * negative
    if wanted < others:
        missed = torch.topk(missed.flatten(), wanted, sorted=False).values
    return ((loss * positive).sum() + missed.sum()) / max(found + wanted, 1)


def dice(said: Tensor, kernel: Tensor, judged: Tensor, smooth: float = 1.0) -> Tensor:
    """1 - soft F-measure of a map in 0..1 over the judged pixels of the batch; `smooth` pixels above and below keep an empty batch finite."""
    overlap = (said * kernel * judged).sum()
    return 1 - (2 * overlap + smooth) / ((said * judged).sum() + (kernel * judged).sum() + smooth)


def band_error(said: Tensor, wanted: Tensor, band: Tensor) -> Tensor:
    """Mean absolute error of the threshold map where `band` is 1; 0 without any band."""
    return ((said - wanted).abs() * band).sum() / band.sum().clamp_min(1)


def freeze_norms(net: nn.Module) -> None:
    """Let the norms of `net` use the statistics that they have, until the next call of ``train``: those of a million pictures are better than a
    few crops' while the layers behind are still random.
    """
    for layer in net.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()


def _set_apart(optimizer: torch.optim.Optimizer, part: nn.Module, share: float) -> None:
    """Give the weights of `part` groups of their own, whose learning rate is `share` of the others'."""
    apart = {id(weight) for weight in part.parameters()}
    for group in list(optimizer.param_groups):
        inside = [weight for weight in group["params"] if id(weight) in apart]
        group["params"] = [weight for weight in group["params"] if id(weight) not in apart]
        others = {key: value for key, value in group.items() if key != "params"}
        optimizer.add_param_group({**others, "params": inside, "share": share})


class _Maps(nn.Module):
    """Both maps from one call, so that gradients are averaged over several devices in one go; the threshold is None for a network without one."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """(N, 3, H, W) -> logits of probability and threshold."""
        net: Any = self.net
        if hasattr(net, "maps"):
            probability, threshold = net.maps(images)
            return probability, threshold
        return net(images), None


class Detection(Task):
    """Pictures in, kernels of words out, AdamW."""

    def __init__(self, recipe: Recipe, device: Device) -> None:
        self.options = typed(DetectionOptions, recipe.options, "recipe", "options")
        self.device, self.optim = device, recipe.optim
        self.net = device.to_device(build(recipe.net.name, recipe.net.variant))
        self.terms = dict(recipe.loss.terms)
        unknown = [name for name in self.terms if name not in TERMS]
        if unknown or not self.terms:
            raise UsageError(f"loss.terms: {', '.join(unknown) or 'none'}; the task 'detection' knows {', '.join(TERMS)}")
        if "threshold" in self.terms and not hasattr(self.net, "maps"):
            raise UsageError(f"loss.terms: threshold: {recipe.net.name} has no threshold map; leave the term out")
        if bool({"teacher", "hints"} & self.terms.keys()) != bool(self.options.teacher):
            raise UsageError("loss.terms: the terms teacher and hints and options.teacher (a model of the zoo, or a folder) go together")
        self.teacher = self._load_teacher() if self.options.teacher else None
        self.hints = Hints(self.net, self.teacher) if self.teacher and "hints" in self.terms else None
        if self.hints is not None:
            device.to_device(self.hints)
        self.in_bits = bool(quantizers(self.net))
        encoder = getattr(self.net, "encoder", None)
        self.encoder = encoder if isinstance(encoder, nn.Module) else None
        self.optimizer = adamw(self.net, recipe.optim)
        if self.options.encoder_rate != 1 and self.encoder is not None:
            _set_apart(self.optimizer, self.encoder, self.options.encoder_rate)
        if self.hints is not None:
            self.optimizer.add_param_group({"params": list(self.hints.parameters()), "weight_decay": 0.0})
        self.wrapped = device.wrap(_Maps(self.net))

    def _load_teacher(self) -> nn.Module:
        from docbin.nets.pretrained import network
        from docbin.zoo import folders

        return self.device.to_device(network(folders.load_config(self.options.teacher))).requires_grad_(False)

    def step(self, batch: Batch, rate: float, progress: float) -> dict[str, float | Tensor]:
        """Forward, losses, backward, one step of AdamW."""
        device = self.device.torch_device
        images = batch.images.to(device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255.0)
        truth = batch.truth.to(device, non_blocking=True).permute(3, 0, 1, 2)[:, :, None].float()
        self.set_rate(rate)
        self.wrapped.train()
        if progress < self.options.frozen_norms and self.encoder is not None:
            freeze_norms(self.encoder)
        if self.in_bits:
            set_progress(self.net, progress)
        with self.device.autocast(), self.hints.of_student(self.net) if self.hints else nullcontext():
            probability, threshold = self.wrapped(images)
        parts = self.losses(
            images, truth, probability.float(), None if threshold is None else threshold.float(), progress < self.options.plain
        )
        loss = torch.stack([self.terms[name] * part for name, part in parts.items()]).sum()
        norm = self.device.optimizer_step(loss, self.optimizer, self.optim.clip)
        if self.in_bits:
            clip_latent(self.net)
        with torch.no_grad():
            kernel, said = (truth[0] * truth[1]) > 0.5, (probability > 0) & (truth[1] > 0.5)
            scores = {name: part.detach() for name, part in parts.items()} | {"kernel_fm": f_measure(said, kernel)}
        return {"loss": loss.detach(), **scores, "gradient": norm, "rate": self.optim.rate * rate}

    def state(self) -> dict[str, Any]:
        """Network, optimizer, and what reads the hints."""
        return super().state() | ({"hints": self.hints.state_dict()} if self.hints else {})

    def load_state(self, state: Mapping[str, Any]) -> None:
        """See :class:`docbin.train.task.Task`."""
        super().load_state(state)
        if self.hints:
            self.hints.load_state_dict(state["hints"])

    def losses(
        self, images: Tensor, truth: Tensor, probability: Tensor, threshold: Tensor | None, plain: bool = False
    ) -> dict[str, Tensor]:
        """The recipe's terms; `truth` is float32 (3, N, 1, H, W), the planes of :data:`docbin.data.detection_targets.Truth`."""
        kernel, judged, band = truth
        parts: dict[str, Tensor] = {}
        counted = (0.0, 1.0) if plain or self.options.balance == "all" else (self.options.negatives, self.options.quiet)
        shown = None if self.teacher is None else self._taught(images)
        for name in self.terms:
            if name == "bce":
                parts[name] = balanced_bce(probability, kernel, judged, *counted)
            elif name == "dice":
                said = torch.sigmoid(probability)
                parts[name] = dice(
                    said if threshold is None or plain else differentiable_step(said, torch.sigmoid(threshold)), kernel, judged
                )
            elif name == "threshold":
                assert threshold is not None
                wanted = PAPER.low + (PAPER.high - PAPER.low) / 254 * (band - 1).clamp_min(0)
                parts[name] = band_error(torch.sigmoid(threshold), wanted, (band > 0).float())
            elif name == "teacher":
                assert shown is not None
                parts[name] = balanced_bce(probability, shown, torch.ones_like(shown), *counted)
            else:
                assert self.hints is not None
                with self.device.autocast():
                    parts[name] = self.hints()
        return parts

    def _taught(self, images: Tensor) -> Tensor:
        """The teacher's probabilities."""
        assert self.teacher is not None
        with torch.no_grad(), self.device.autocast(), self.hints.of_teacher(self.teacher) if self.hints else nullcontext():
            return torch.sigmoid(self.teacher(images).float())
