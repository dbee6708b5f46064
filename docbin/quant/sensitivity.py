"""How much a loss minds the rounding of a tensor: traces of its second derivative, estimated with random signs.

HAWQ-V2 (Dong et al., 2020, arXiv 1911.03852) ranks layers by the mean of the Hessian's eigenvalues, trace over size, times the squared
error that quantisation brings: to second order a perturbation d of a tensor whose directions are all alike costs ``tr(H) / n * |d|^2 /
2``. The trace of a matrix that nobody can write down is the mean of v'Hv over vectors v of random signs (Hutchinson, 1990).

Two estimators, because a network of bits has no second derivative to speak of:

* :func:`hessian_traces` is HAWQ-V2's own: v'Hv by a gradient of a gradient, whatever the loss, where that exists.
* :func:`gauss_newton_traces` is for a mean of binary cross-entropies over logits z: there H = J' D J + (second derivatives of z), D =
  diag(p (1 - p) / n), and tr(J' D J) is the mean of |J' sqrt(D) u|^2 over random signs u of the logits. One gradient instead of two,
  never negative, and the traces for all tensors come out of the same backward pass.

**What is taken of a straight-through gradient.** A sign has the derivative zero, so the Hessian of what is computed is zero as well.
Meant is that of the network which the estimators describe: every quantizer a piecewise linear function with the slope of its estimator,
evaluated where the quantised forward pass went. Such a network (norms held fixed, max-pooling, ReLU and clipping are piecewise linear,
too) is piecewise linear in the activations of any layer, the second derivatives of z vanish, and the two estimators have the same mean. A
quantizer with a curved estimator between tensor and loss (the triangle of Bi-Real Net) makes the first one's gradient of a gradient see
that curve; the second leaves it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace by `probes` random vectors: the mean, and the standard error of that mean (0 of a single probe)."""

    mean: float
    error: float
    probes: int


def _signs(like: Tensor, generator: torch.Generator | None) -> Tensor:
    bits = torch.randint(0, 2, like.shape, generator=generator, device=like.device)
    return bits.to(like.dtype).mul_(2).sub_(1)


def _traces(samples: Sequence[Sequence[float]]) -> list[Trace]:
    found = torch.tensor(samples, dtype=torch.float64)
    count = len(samples)
    error = found.std(0) / count**0.5 if count > 1 else torch.zeros(found.shape[1])
    return [Trace(float(mean), float(spread), count) for mean, spread in zip(found.mean(0), error, strict=True)]


def _check(tensors: Sequence[Tensor], probes: int) -> None:
    if probes < 1 or not tensors:
        raise ValueError(f"traces of {len(tensors)} tensors by {probes} probes: at least one of each is wanted")


def hessian_traces(loss: Tensor, tensors: Sequence[Tensor], probes: int = 8, generator: torch.Generator | None = None) -> list[Trace]:
    """tr(d^2 loss / d tensor^2) for each of `tensors`, which the scalar `loss` was computed from.

    One gradient with its graph, then one gradient a probe. All tensors are probed at once: what one tensor's signs do to another's
    product has mean zero, and only adds to the error.

    Parameters
    ----------
    loss : scalar, twice differentiable; its graph is kept
    tensors : parameters, or maps within the graph
    probes : random vectors
    generator : of the random signs

    Raises
    ------
    ValueError
        No tensor, or no probe.
    """
    _check(tensors, probes)
    gradients = torch.autograd.grad(loss, list(tensors), create_graph=True)
    samples = []
    for _ in range(probes):
        signs = [_signs(tensor, generator) for tensor in tensors]
        # A gradient that does not depend on any tensor has no graph: its second derivative is zero.
        total = sum(((g * v).sum() for g, v in zip(gradients, signs, strict=True)), torch.zeros((), dtype=loss.dtype))
        products = (
            torch.autograd.grad(total, list(tensors), retain_graph=True, allow_unused=True) if total.requires_grad else [None] * len(signs)
        )
        samples.append([0.0 if h is None else float((h * v).sum()) for h, v in zip(products, signs, strict=True)])
    return _traces(samples)


def gauss_newton_traces(
    logits: Tensor, tensors: Sequence[Tensor], probes: int = 8, generator: torch.Generator | None = None
) -> list[Trace]:
    """tr(J' D J) for each of `tensors`, of the mean binary cross-entropy of `logits`: J the logits' derivative, D = diag(p (1 - p) / numel).

    Parameters
    ----------
    logits : of any shape; their graph is kept
    tensors : parameters, or maps within the graph
    probes : random vectors, a backward pass each
    generator : of the random signs

    Raises
    ------
    ValueError
        No tensor, or no probe.
    """
    _check(tensors, probes)
    probability = torch.sigmoid(logits.detach())
    root = (probability * (1 - probability) / logits.numel()).sqrt()
    samples = []
    for _ in range(probes):
        found = torch.autograd.grad(logits, list(tensors), root * _signs(logits, generator), retain_graph=True, allow_unused=True)
        samples.append([0.0 if g is None else float(g.double().square().sum()) for g in found])
    return _traces(samples)


def predicted_loss(trace: float, squared_error: float) -> float:
    """What a rounding costs to second order: half the trace times the mean squared error of an element."""
    return 0.5 * trace * squared_error
