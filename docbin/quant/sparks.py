"""Sparks: 3x3 kernels drawn from a learned codebook. Wang et al., CVPR 2023 ("Compacting Binary Neural Networks by Sparse Kernel
Selection").

A 3x3 kernel of signs is one of 512 codewords, and trained networks use few of them. Sparks learns which `size` codewords to keep (a
permutation of the 512, its first
`size` places count) and replaces each kernel by the nearest kept one, so an index of log2(size) bits stands for nine weights. Deployed,
the kernels are ordinary bits.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from docbin.quant.quantizer import WeightQuantizer
from docbin.quant.xnor import mean_size


def all_codewords(cells: int = 9) -> Tensor:
    """Every sign pattern of `cells` cells, float (2^cells, cells)."""
    index = torch.arange(2**cells)
    return ((index[:, None] >> torch.arange(cells)) & 1).float() * 2 - 1


def sinkhorn(logits: Tensor, rounds: int = 10) -> Tensor:
    """Rows and columns of exp(logits) normalised in turn: a doubly stochastic matrix in the limit."""
    for _ in range(rounds):
        logits = logits - logits.logsumexp(1, keepdim=True)
        logits = logits - logits.logsumexp(0, keepdim=True)
    return logits.exp()


class _HardPermutation(torch.autograd.Function):
    """Forward: the permutation nearest to a doubly stochastic matrix (Hungarian method); backward: unchanged (the permutation
    straight-through estimator)."""

    @staticmethod
    def forward(ctx: Any, soft: Tensor) -> Tensor:
        from scipy.optimize import linear_sum_assignment

        rows, columns = linear_sum_assignment(soft.detach().float().cpu().numpy(), maximize=True)
        hard = torch.zeros_like(soft)
        hard[torch.as_tensor(rows), torch.as_tensor(columns)] = 1
        return hard

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor]:
        return (gradient,)


class _Nearest(torch.autograd.Function):
    """Forward: each kernel's nearest codeword; backward: to the kernel where abs(w) <= 1, and to the codeword it chose."""

    @staticmethod
    def forward(ctx: Any, kernels: Tensor, codebook: Tensor) -> Tensor:
        chosen = (kernels @ codebook.t()).argmax(1)  # codewords have equal length, so the nearest has the largest product
        ctx.save_for_backward(kernels, chosen)
        ctx.size = codebook.shape[0]
        return codebook[chosen]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        kernels, chosen = ctx.saved_tensors
        to_codebook = torch.zeros(ctx.size, gradient.shape[1], dtype=gradient.dtype, device=gradient.device).index_add_(0, chosen, gradient)
        return gradient * (kernels.abs() <= 1), to_codebook


class SparksWeight(WeightQuantizer):
    """w_b = mean abs(w) c(w), c = the nearest of `size` codewords U = B P[:, :size]; B all codewords, P a permutation from Gumbel-Sinkhorn
    at `temperature`.

    dL/dw = mean abs(w) dL/dc where abs(w) <= 1; dL/dU sums dL/dc over the kernels that chose each codeword and reaches the permutation's
    logits through the hard
    assignment unchanged. Gumbel noise is added in training only. `candidates` limits B (512 for 3x3) to that many random codewords to make
    the assignment cheap.
    """

    def __init__(self, size: int = 32, temperature: float = 0.05, candidates: int | None = None, seed: int = 0) -> None:
        super().__init__()
        self.size, self.temperature, self.candidates, self.seed = size, temperature, candidates, seed
        self.logits: nn.Parameter | None = None
        self.codewords: Tensor

    def bind(self, shape: torch.Size) -> None:
        """Make codewords and logits for kernels of this size (at most 12 cells)."""
        cells = int(torch.Size(shape[2:]).numel())
        if not 1 <= cells <= 12:
            raise ValueError(f"Sparks: kernels of {cells} cells; 1 to 12 (3 x 4) are wanted: the codebook has 2^cells words")
        words = all_codewords(cells)
        chooser = torch.Generator().manual_seed(self.seed)
        if self.candidates is not None and self.candidates < len(words):
            words = words[torch.randperm(len(words), generator=chooser)[: self.candidates]]
        if self.size > len(words):
            raise ValueError(f"Sparks: size={self.size} of {len(words)} codewords")
        self.register_buffer("codewords", words)
        self.logits = nn.Parameter(torch.randn(len(words), len(words), generator=chooser) * 0.1)

    def codebook(self) -> Tensor:
        """The kept codewords, (size, cells)."""
        assert self.logits is not None
        logits: Tensor = self.logits
        if self.training:
            uniform = torch.rand_like(logits).clamp(1e-9, 1 - 1e-9)
            logits = logits - torch.log(-torch.log(uniform))
        permutation = _HardPermutation.apply(sinkhorn(logits / self.temperature))  # type: ignore[no-untyped-call]
        return permutation[:, : self.size].t() @ self.codewords  # type: ignore[no-any-return]

    def forward(self, weight: Tensor) -> Tensor:
        """Scaled codewords in the weight's shape."""
        book = self.codebook().to(weight.dtype)
        kernels = weight.reshape(-1, book.shape[1])
        return mean_size(weight) * _Nearest.apply(kernels, book).reshape(weight.shape)  # type: ignore[no-untyped-call,no-any-return]
