"""Helpers for training 1-bit networks: two stages, distillation, clipping of latent weights, a warm start from a float network.

They are functions over networks built from :class:`docbin.quant.layer.QuantConv2d`; the training loop calls them, they know nothing of it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.quant.layer import QuantConv2d, QuantLinear
from docbin.quant.multibasis import MultiBasisWeight
from docbin.quant.quantizer import WeightQuantizer


class TwoStage:
    """Binarise activations first, weights second (the two steps of ReActNet's recipe, Liu et al. 2020).

    Takes the weight quantizers out of `net` while progress < `switch` and puts them back then; call :meth:`update` once a step.
    """

    def __init__(self, net: nn.Module, switch: float = 0.5) -> None:
        self.switch = switch
        self._held: list[tuple[QuantConv2d | QuantLinear, WeightQuantizer]] = []
        for layer in net.modules():
            if isinstance(layer, QuantConv2d | QuantLinear) and layer.weight_quantizer is not None:
                self._held.append((layer, layer.weight_quantizer))

    def update(self, progress: float) -> None:
        """Set the stage that belongs to `progress`."""
        for layer, quantizer in self._held:
            layer.weight_quantizer = quantizer if progress >= self.switch else None


@torch.no_grad()
def clip_latent(net: nn.Module, limit: float = 1.0) -> None:
    """Clamp the latent weights of every layer with a weight quantizer to +-`limit`, so that none drifts beyond the estimator's reach;
    after each step."""
    for layer in net.modules():
        if isinstance(layer, QuantConv2d | QuantLinear) and layer.weight_quantizer is not None:
            layer.weight.clamp_(-limit, limit)


@torch.no_grad()
def warm_start(net: nn.Module, float_net: nn.Module, deviation: float = 0.5) -> int:
    """Copy the float network's weights by name and shape; latent weights of quantised layers are standardised a filter to `deviation`,
    which keeps their signs
    relative to the filter's mean and brings them within the estimator's reach. Returns how many tensors were taken; none at all is a
    UsageError.
    """
    own, theirs = dict(net.state_dict()), float_net.state_dict()
    taken = {name: value for name, value in theirs.items() if name in own and own[name].shape == value.shape}
    if not taken:
        raise UsageError("warm start: the two networks share no tensor of equal name and shape")
    net.load_state_dict({**own, **taken})
    for name, layer in net.named_modules():
        if isinstance(layer, QuantConv2d | QuantLinear) and layer.weight_quantizer is not None and f"{name}.weight" in taken:
            flat = layer.weight.flatten(1)
            centred = flat - flat.mean(1, keepdim=True)
            layer.weight.copy_((centred / centred.std(1, keepdim=True).clamp_min(1e-8) * deviation).reshape(layer.weight.shape))
            if isinstance(layer.weight_quantizer, MultiBasisWeight):
                layer.weight_quantizer.start_from(layer.weight)
    return len(taken)


def penalties(net: nn.Module) -> Tensor | None:
    """The sum of all quantizers' penalty terms, or None."""
    terms = [term for layer in net.modules() if isinstance(layer, WeightQuantizer) and (term := layer.penalty()) is not None]
    return torch.stack(terms).sum() if terms else None


def distil_logits(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """Binary cross-entropy of the student's logits against the teacher's softened probabilities, times temperature^2 (Hinton et al., 2015,
    arXiv 1503.02531)."""
    target = torch.sigmoid(teacher.detach() / temperature)
    return F.binary_cross_entropy_with_logits(student / temperature, target) * temperature**2


def distil_features(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared distance of the two maps' energy over channels, each normalised a picture (attention transfer, Zagoruyko & Komodakis,
    2017, arXiv 1612.03928).

    (N, C, H, W) and (N, C', H, W): channel counts may differ.
    """

    def energy(x: Tensor) -> Tensor:
        return F.normalize(x.float().square().mean(1).flatten(1), dim=1)

    return (energy(student) - energy(teacher.detach())).square().sum(1).mean()


class LowRankMimic(nn.Module):
    """Low-rank representation mimicking (BinaryDM, arXiv 2404.05662): compare features in the teacher's first `rank` principal directions.

    The binary student cannot follow every direction of a float feature; in the directions of largest variance it can. The directions come
    from the first batch
    given to :meth:`fit` and stay fixed. `student_channels` = `teacher_channels` as in the paper.
    """

    def __init__(self, channels: int, rank: int) -> None:
        super().__init__()
        if not 1 <= rank <= channels:
            raise ValueError(f"low-rank mimicking: rank={rank}: 1 to {channels} is wanted")
        self.rank = rank
        self.directions: Tensor
        self.register_buffer("directions", torch.zeros(channels, rank))

    @torch.no_grad()
    def fit(self, teacher: Tensor) -> None:
        """Take the principal directions of a teacher's map (N, C, H, W)."""
        rows = teacher.float().movedim(1, -1).reshape(-1, teacher.shape[1])
        covariance = (rows - rows.mean(0)).t() @ (rows - rows.mean(0)) / max(1, len(rows) - 1)
        self.directions.copy_(torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, : self.rank])

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Mean squared distance of both maps in the kept directions."""
        if not bool(self.directions.any()):
            self.fit(teacher)
        difference = (student.float() - teacher.detach().float()).movedim(1, -1)
        return (difference @ self.directions).square().mean()
