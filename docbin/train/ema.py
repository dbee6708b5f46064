"""Exponential moving average of the weights: the network that is validated and shipped (Polyak averaging, as in Tarvainen and Valpola,
2017).
"""

from __future__ import annotations

import copy

import torch
from torch import nn


class Ema:
    """Keeps ``average = d * average + (1 - d) * weights`` with d = min(decay, (1 + step) / (10 + step)), so that the first steps are soon
    forgotten.

    Floating-point buffers (BatchNorm's statistics) are averaged too, counters are copied.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.net = copy.deepcopy(net).eval().requires_grad_(False)

    def decay_at(self, step: int) -> float:
        """The decay used after optimizer step `step` (the first is 1)."""
        return min(self.decay, (1 + step) / (10 + step))

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Take `net` in as the weights after optimizer step `step`."""
        average = self.net.state_dict()
        current = net.state_dict()
        floats = [name for name, value in average.items() if value.is_floating_point()]
        torch._foreach_lerp_([average[name] for name in floats], [current[name] for name in floats], 1.0 - self.decay_at(step))
        for name, value in average.items():
            if not value.is_floating_point():
                value.copy_(current[name])
