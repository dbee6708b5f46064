"""Which precision each layer gets under a bound of time: integer programming, as in HAWQ-V3 (Yao et al., 2021, arXiv 2011.10680).

Every layer (or group of layers that must agree) has a few options, each with what it costs and what it does to the loss. Both are taken
to add up over layers, so the best assignment under a bound is a multiple-choice knapsack: one binary variable an option, exactly one
option a layer, costs at most the bound, least loss. SciPy's ``milp`` (HiGHS) finds the best one and proves it;
:func:`allocate_by_trying_all` is its slow twin.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from docbin.errors import MissingExtra, UsageError


class Option(NamedTuple):
    """What a layer may have: its cost (of any unit) and what the loss becomes more by (negative: less)."""

    cost: float
    loss: float


class Allocation(NamedTuple):
    """For each layer the number of its option, with the sums of their costs and losses."""

    chosen: tuple[int, ...]
    cost: float
    loss: float


def _of(options: Sequence[Sequence[Option]], chosen: Sequence[int]) -> Allocation:
    picked = [row[at] for row, at in zip(options, chosen, strict=True)]
    return Allocation(tuple(chosen), math.fsum(one.cost for one in picked), math.fsum(one.loss for one in picked))


def _check(options: Sequence[Sequence[Option]], bound: float) -> None:
    if not options or not all(options) or not np.isfinite([one for row in options for one in row]).all():
        raise UsageError("allocation: every layer wants at least one option, of finite cost and loss")
    least = math.fsum(min(one.cost for one in row) for row in options)
    if not bound >= least:
        raise UsageError(f"allocation: a bound of {bound:g} cannot be met: the cheapest options together cost {least:g}")


def allocate(options: Sequence[Sequence[Option]], bound: float) -> Allocation:
    """The assignment of least loss whose cost is at most `bound`.

    Raises
    ------
    UsageError
        A layer without options, numbers that are not finite, or a bound below the cheapest assignment, which the message names.
    MissingExtra
        SciPy is not installed.
    """
    _check(options, bound)
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
    except ImportError:
        raise MissingExtra("integer programming needs SciPy; run: pip install 'docbin[train]'") from None
    costs, losses = (np.array([one[k] for row in options for one in row]) for k in (0, 1))
    one_each = np.zeros((len(options), len(costs)))
    start = 0
    for layer, row in enumerate(options):
        one_each[layer, start : start + len(row)] = 1
        start += len(row)
    # In units of their own size: HiGHS' tolerances are absolute. The bound's room is for the rounding of sums that meet it exactly.
    cost_unit, loss_unit = max(np.abs(costs).max(), 1e-300), max(np.ptp(losses), 1e-300)
    bounded = LinearConstraint(costs[None] / cost_unit, ub=bound / cost_unit + 1e-9)
    found = milp(
        losses / loss_unit,
        integrality=np.ones(len(costs)),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(one_each, 1, 1), bounded],
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise UsageError(f"allocation: the solver found no assignment ({found.message})")
    chosen, start = [], 0
    for row in options:
        chosen.append(int(np.argmax(found.x[start : start + len(row)])))
        start += len(row)
    return _of(options, chosen)


def allocate_by_trying_all(options: Sequence[Sequence[Option]], bound: float) -> Allocation:
    """What :func:`allocate` finds, by trying every assignment: for a few layers only."""
    _check(options, bound)
    every = (_of(options, chosen) for chosen in itertools.product(*(range(len(row)) for row in options)))
    return min((one for one in every if one.cost <= bound * (1 + 1e-12)), key=lambda one: one.loss)
