"""INSTA-BNN: a threshold for every picture. Lee, Kim et al., ICCV 2023, arXiv 2204.07439."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from docbin.quant.estimators import binarize, triangle
from docbin.quant.quantizer import ActQuantizer, Deployment


class INSTAAct(ActQuantizer):
    """a_b = sign(z - TH), TH = alpha[c] + beta[c] E(z^3), with z the input at mean 0 and deviation 1 and E over one picture's channel.

    The third moment tells how lopsided this picture's values are, which a threshold fixed after training cannot know. Slope: the triangle at z - TH.
    """

    deployment = Deployment.RUNTIME
    why = "the threshold follows each picture's own mean, deviation and skewness, so a tile and its page would differ"

    def __init__(self) -> None:
        super().__init__()
        self.alpha: nn.Parameter | None = None
        self.beta: nn.Parameter | None = None

    def bind(self, channels: int) -> None:
        """Make both parameters a channel: no threshold at first."""
        self.alpha, self.beta = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Signs of the input against its own threshold, (N, C, H, W)."""
        assert self.alpha is not None
        assert self.beta is not None
        if x.dim() != 4:
            raise ValueError(f"INSTA-BNN: maps (N, C, H, W) are wanted, got shape {tuple(x.shape)}")
        mean = x.mean((2, 3), keepdim=True)
        z = (x - mean) / (x.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
        skewness = z.pow(3).mean((2, 3), keepdim=True)
        threshold = self.alpha.reshape(1, -1, 1, 1) + self.beta.reshape(1, -1, 1, 1) * skewness
        return binarize(z - threshold, triangle)
