"""Which `bitunet` to train: the variants that fill a time, and successive halving of short trainings among them.

**Which fit.** A *space* is a list of knobs, each a few settings of the variant's fields from least to most. The engine's cost model gives
every combination its time, thousands a second. No guess of accuracy is asked for: of two variants that fit, one that has at least as much
of everything is the one to try, so what is left are the *maximal* ones, of which no knob can be turned up without breaking the bound.
They are the Pareto front of the space between time and every knob. From it a few that lie far apart are taken (greedily, each the
farthest from those taken).

**Which learns.** Successive halving (Jamieson and Talwalkar, 2016, arXiv 1502.07943): all train to the first rung, the better half goes
on to the next, and so on. A rung is a number of steps, not minutes, so that a busy machine does not decide, and every candidate sees the
same crops. Runs are ordinary runs of ``docbin train`` in folders of their own, and are taken up where they stopped.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from docbin.bench.engine_cost import PAGE, EngineCost
from docbin.errors import UsageError
from docbin.nets import config_of
from docbin.nets.bitunet_config import BitUNetConfig
from docbin.train.bitunet_work import work_of
from docbin.train.feed import CropSource
from docbin.train.recipe import Recipe

Setting = Mapping[str, Any]
"""Fields of a variant that a knob's position sets."""
Space = Mapping[str, Sequence[Setting]]
"""Knob -> its settings, from least to most in cost and ability; no two knobs set the same field, unless it is an entry of a list: "filters.2"."""

SPACE: Space = {
    "stem": (
        {"windows": [5, 13], "thetas": 5, "greys": 1, "depths": 5},
        {"windows": [5, 13], "thetas": 10, "greys": 4, "depths": 8},
        {"windows": [5, 13, 31], "thetas": 7, "greys": 3, "depths": 8},
    ),
    "half": (
        {"filters.0": 32, "decoder_filters.0": 32},
        {"filters.0": 32, "decoder_filters.0": 64},
        {"filters.0": 64, "decoder_filters.0": 64},
    ),
    "quarter": (
        {"filters.1": 64, "decoder_filters.1": 32},
        {"filters.1": 64, "decoder_filters.1": 64},
        {"filters.1": 96, "decoder_filters.1": 96},
        {"filters.1": 128, "decoder_filters.1": 128},
    ),
    "eighth": (
        {"filters.2": 64, "decoder_filters.2": 64},
        {"filters.2": 128, "decoder_filters.2": 128},
        {"filters.2": 192, "decoder_filters.2": 192},
        {"filters.2": 256, "decoder_filters.2": 256},
    ),
    "sixteenth": ({"filters.3": 128}, {"filters.3": 256}, {"filters.3": 384}, {"filters.3": 512}),
    "narrow": ({"narrow": [32, 32, 32]}, {"narrow": [32, 64, 64]}, {"narrow": [32, 64, 128]}),
    "convolutions": (
        {"encoder_convs": [1, 1, 1, 1], "decoder_convs": [1, 1, 1]},
        {"encoder_convs": [1, 1, 2, 2], "decoder_convs": [1, 1, 1]},
        {"encoder_convs": [1, 2, 2, 2], "decoder_convs": [1, 1, 1]},
        {"encoder_convs": [1, 2, 2, 2], "decoder_convs": [1, 1, 2]},
        {"encoder_convs": [1, 2, 3, 3], "decoder_convs": [1, 1, 2]},
    ),
    "head": ({"planes": 2, "edge": 8}, {"planes": 2, "edge": 24}, {"planes": 3, "edge": 48}),
}
"""Around `bitunet` and `bitunet-fast`, both of which are in it."""

BASE: Setting = {"filters": [32, 64, 64, 128], "decoder_filters": [32, 32, 64], "thresholds": 2}
"""Fields that no knob sets, and lists whose entries knobs set."""


class Candidate(NamedTuple):
    """A variant with the positions of its knobs, and its time on one thread in nanoseconds a pixel."""

    positions: tuple[int, ...]
    variant: Mapping[str, Any]
    time: float


def variant_at(space: Space, positions: Sequence[int], base: Setting = BASE) -> dict[str, Any]:
    """The fields of a variant with its knobs at these positions; those that knobs leave alone as in `base`.

    Raises
    ------
    UsageError
        A knob sets an entry of a list that `base` does not have.
    """
    variant: dict[str, Any] = {key: list(value) if isinstance(value, list | tuple) else value for key, value in base.items()}
    for (knob, settings), at in zip(space.items(), positions, strict=True):
        for key, value in settings[at].items():
            field, dot, entry = key.partition(".")
            if not dot:
                variant[field] = value
                continue
            if not isinstance(variant.get(field), list) or not entry.isdigit() or int(entry) >= len(variant[field]):
                raise UsageError(f"architecture search: knob {knob!r} sets {key!r}, an entry that the base variant does not have")
            variant[field][int(entry)] = value
    return variant


def enumerate_variants(space: Space, cost: EngineCost, base: Setting = BASE, size: tuple[int, int] = PAGE) -> Iterator[Candidate]:
    """Every combination that the engine can run, with its time."""
    for positions in itertools.product(*(range(len(settings)) for settings in space.values())):
        variant = variant_at(space, positions, base)
        try:
            config = config_of("bitunet", variant)
        except UsageError:  # counts that fill no words
            continue
        assert isinstance(config, BitUNetConfig)
        yield Candidate(positions, variant, cost.page(work_of(config, size)))


def maximal(candidates: Sequence[Candidate], bound: float) -> list[Candidate]:
    """Those of at most `bound` nanoseconds a pixel of which no other within the bound has every knob as high and one higher; slowest first."""
    fitting = {one.positions: one for one in candidates if one.time <= bound}

    def can_grow(positions: tuple[int, ...]) -> bool:
        steps = ((*positions[:knob], at + 1, *positions[knob + 1 :]) for knob, at in enumerate(positions))
        return any(step in fitting for step in steps)

    found = [one for one in fitting.values() if not can_grow(one.positions)]
    return sorted(found, key=lambda one: (-one.time, one.positions))


def spread(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """So many candidates far apart: the first, then always the one whose knobs differ most from those of the nearest that is taken.

    Knobs are compared in steps, each as a share of its range; ties go to the earlier.
    """
    if not candidates or count < 1:
        raise UsageError(f"architecture search: {count} of {len(candidates)} candidates: at least one of each is wanted")
    ranges = [max(1, max(column) - min(column)) for column in zip(*(one.positions for one in candidates), strict=True)]

    def distance(one: Candidate, other: Candidate) -> float:
        return math.fsum(abs(a - b) / most for a, b, most in zip(one.positions, other.positions, ranges, strict=True))

    taken = [candidates[0]]
    nearest = [distance(one, taken[0]) for one in candidates]
    while len(taken) < min(count, len(candidates)):
        at = max(range(len(candidates)), key=lambda k: nearest[k])
        if nearest[at] == 0:
            break
        taken.append(candidates[at])
        nearest = [min(near, distance(one, candidates[at])) for near, one in zip(nearest, candidates, strict=True)]
    return taken


class Rung(NamedTuple):
    """The scores of those that reached so many steps, best first."""

    steps: int
    scores: tuple[tuple[str, float], ...]


def successive_halving(names: Sequence[str], rungs: Sequence[int], train: Callable[[str, int], float], keep: float = 0.5) -> list[Rung]:
    """Train all of `names` to the first of `rungs`, the best to the next, and so on.

    Parameters
    ----------
    names : of the candidates, each once
    rungs : steps, rising
    train : (name, steps) -> score of that candidate after so many steps in all (higher is better)
    keep : share that goes on, rounded up; a tie goes to the earlier name

    Raises
    ------
    UsageError
        No names, one twice, rungs that do not rise, or a share that keeps all or none.
    """
    if not names or len(set(names)) < len(names):
        raise UsageError("successive halving: candidates with a name each are wanted")
    if not rungs or any(later <= earlier for earlier, later in itertools.pairwise((0, *rungs))):
        raise UsageError(f"successive halving: rungs {list(rungs)}: rising numbers of steps are wanted")
    if not 0 < keep < 1:
        raise UsageError(f"successive halving: keep={keep}: a share between 0 and 1 is wanted")
    left = list(names)
    found = []
    for steps in rungs:
        scored = sorted(((name, train(name, steps)) for name in left), key=lambda pair: -pair[1])
        found.append(Rung(steps, tuple(scored)))
        left = [name for name, _ in scored[: math.ceil(keep * len(scored))]]
    return found


def trainer(
    recipe: Recipe,
    variants: Mapping[str, Mapping[str, Any]],
    out: Path,
    root: Path,
    score: Callable[[Any], float],
    source: CropSource | None = None,
) -> Callable[[str, int], float]:
    """A ``train`` for :func:`successive_halving`: runs of `recipe` with each variant, in folders of `out`, scored by the averaged network.

    Each rung is a schedule of its own, annealed to its end (a cosine with restarts): while the rate is high, networks with few layers lead
    that have no lead once it has fallen. Scores are kept beside the runs, so that a search that was stopped goes on with those it has. The
    held-out pages are left to `score`; `source` takes the place of the recipe's crops.
    """
    from docbin.nets import build
    from docbin.train import checkpoint
    from docbin.train.loop import train

    def run(name: str, steps: int) -> float:
        kept = out / name / "rungs.json"
        scores: dict[str, float] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        if str(steps) in scores:
            return scores[str(steps)]
        changed = dataclasses.replace(
            recipe,
            net=dataclasses.replace(recipe.net, variant=variants[name]),
            data=dataclasses.replace(recipe.data, validation=()),
            run=dataclasses.replace(recipe.run, steps=steps, minutes=0.0),
        )
        if not train(changed, out / name, root, resume=True, source=source).finished:
            raise KeyboardInterrupt  # by a signal; the run is saved
        net = build(recipe.net.name, variants[name])
        state = checkpoint.load(out / name / "last.safetensors")
        net.load_state_dict(state["ema"] or state["task"]["net"])
        scores[str(steps)] = score(net.eval())
        kept.write_text(json.dumps(scores) + "\n", encoding="utf-8")
        return scores[str(steps)]

    return run
