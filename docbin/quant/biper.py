"""BiPer: a periodic function as the soft binary weight. Vargas et al., CVPR 2024."""

from __future__ import annotations

import torch
from torch import Tensor

from docbin.quant.estimators import binarize, identity
from docbin.quant.recu import LearnedScale, ReCUAct


class BiPerWeight(LearnedScale):
    """Stage 1 (progress < `switch`): w_b = sin(omega w). Stage 2: w_b = sign(sin(omega w)), gradient omega cos(omega w) dL/dw_b.

    Both stages have the gradient of the sine; the second only hardens the forward. Deployed it is a sign like any other.
    """

    def __init__(self, omega: float = 20.0, switch: float = 0.5) -> None:
        super().__init__()
        self.omega, self.switch = omega, switch

    def forward(self, weight: Tensor) -> Tensor:
        """The soft weight of stage 1 or the signs of stage 2."""
        wave = torch.sin(self.omega * weight)
        return wave if self.progress < self.switch else binarize(wave, identity)


class BiPerAct(ReCUAct):
    """As in ReCU."""
