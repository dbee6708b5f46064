"""Learning rate as a function of how much of the run is over, not of a step count: a run that must end at a given minute anneals to that
minute.
"""

from __future__ import annotations

import math


def warmup_cosine(progress: float, warmup: float, final: float) -> float:
    """Factor on the peak rate at `progress` in 0..1: a straight rise over the first `warmup`, then half a cosine from 1 down to `final`.

    (Goyal et al., 2017, arXiv 1706.02677, for the rise; Loshchilov and Hutter, 2016, arXiv 1608.03983, for the cosine.)
    """
    progress = min(max(progress, 0.0), 1.0)
    if progress < warmup:
        return max(progress / warmup, 1e-3)
    part = (progress - warmup) / max(1.0 - warmup, 1e-9)
    return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * part))


class Clock:
    """How much of a run is over, 0..1: the larger of its share of the steps and its share of the minutes.

    A run that is resumed with a fresh budget of minutes spends it on what was left: progress goes on from where the checkpoint stood and
    reaches 1 when the budget ends. Without minutes, progress is a pure function of the step, which is what makes a resumed run equal to an
    uncut one.
    """

    def __init__(self, steps: int, minutes: float | None, start: float = 0.0) -> None:
        self.steps = steps
        self.minutes = minutes
        self.start = start

    def progress(self, step: int, elapsed: float) -> float:
        """Progress after `step` steps (of the whole run) and `elapsed` minutes (of this sitting)."""
        done = step / self.steps
        if self.minutes is not None:
            done = max(done, self.start + (1.0 - self.start) * elapsed / self.minutes)
        return min(done, 1.0)
