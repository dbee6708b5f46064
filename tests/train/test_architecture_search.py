"""Variants that fill a time, and which of them go on learning."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.bench.engine_cost import FEATURES, EngineCost  # noqa: E402
from docbin.errors import UsageError  # noqa: E402
from docbin.nets.bitunet import BitUNet  # noqa: E402
from docbin.nets.bitunet_config import BitUNetConfig  # noqa: E402
from docbin.train import architecture_search as search  # noqa: E402
from docbin.train import checkpoint  # noqa: E402
from docbin.train.recipe import recipe_of  # noqa: E402
from docbin.train.validate import validate_packed  # noqa: E402
from docbin.zoo import folders  # noqa: E402
from tests.nets.variants import BITUNET  # noqa: E402

COST = EngineCost({op: dict.fromkeys(names, 1e-3) for op, names in FEATURES.items()}, "", 0.0)
SPACE: search.Space = {
    "half": ({"filters.0": 32}, {"filters.0": 48}, {"filters.0": 64}),  # 48 filters of two bits are no whole words
    "quarter": ({"filters.1": 32}, {"filters.1": 64}, {"filters.1": 128}),
    "head": ({"planes": 1}, {"planes": 2}, {"planes": 3}),
}
BASE: search.Setting = {
    "filters": [32, 32],
    "decoder_filters": [32],
    "narrow": [32],
    "encoder_convs": [1, 1],
    "decoder_convs": [1],
    "thresholds": 2,
}


def test_only_what_the_engine_can_run_is_enumerated() -> None:
    found = list(search.enumerate_variants(SPACE, COST, BASE))
    assert len(found) == 2 * 3 * 3
    assert found[0].variant["filters"] == [32, 32]
    assert found[-1].variant["filters"] == [64, 128]
    assert BASE["filters"] == [32, 32]  # the base stays
    by_knobs = {one.positions: one.time for one in found}
    for positions, time in by_knobs.items():
        for knob in range(3):
            step = (*positions[:knob], positions[knob] + 1, *positions[knob + 1 :])
            assert by_knobs.get(step, float("inf")) > time


def test_maximal_variants_are_those_that_no_other_that_fits_covers() -> None:
    space = {**SPACE, "half": (SPACE["half"][0], SPACE["half"][2])}
    found = list(search.enumerate_variants(space, COST, BASE))
    bound = sorted(one.time for one in found)[len(found) // 2]
    fitting = [one for one in found if one.time <= bound]

    def covers(one: search.Candidate, other: search.Candidate) -> bool:
        return one.positions != other.positions and all(a >= b for a, b in zip(one.positions, other.positions, strict=True))

    wanted = {one.positions for one in fitting if not any(covers(other, one) for other in fitting)}
    best = search.maximal(found, bound)
    assert {one.positions for one in best} == wanted
    assert len(wanted) > 1
    assert all(first.time >= second.time for first, second in itertools.pairwise(best))
    assert search.maximal(found, 0.0) == []


def test_candidates_lie_far_apart() -> None:
    row = [search.Candidate((at, 0), {}, 1.0) for at in (0, 1, 5, 9, 10)]
    assert [one.positions[0] for one in search.spread(row, 3)] == [0, 10, 5]
    assert search.spread([row[0], row[0]], 2) == [row[0]]
    with pytest.raises(UsageError, match="0 of 5"):
        search.spread(row, 0)


@pytest.mark.parametrize(("name", "positions"), [("bitunet", (2, 1, 3, 1, 1, 1, 3, 2)), ("bitunet-fast", (0,) * 6 + (2, 0))])
def test_the_shipped_networks_are_in_the_space(name: str, positions: tuple[int, ...]) -> None:
    shipped = folders.load_config(name).variant
    variant = search.variant_at(search.SPACE, positions)
    assert all(list(shipped[key]) == list(value) if isinstance(value, list) else shipped[key] == value for key, value in variant.items())


def test_the_better_half_goes_on() -> None:
    learned = {"slow": (1.0, 2.0, 9.0), "fast": (3.0, 4.0, 5.0), "poor": (0.0, 9.0, 9.0), "fair": (2.0, 4.5, 6.0), "last": (0.5, 9.0, 9.0)}
    asked: list[tuple[str, int]] = []

    def train(name: str, steps: int) -> float:
        asked.append((name, steps))
        return learned[name][(10, 20, 40).index(steps)]

    rungs = search.successive_halving(list(learned), (10, 20, 40), train)
    assert [(rung.steps, [name for name, _ in rung.scores]) for rung in rungs] == [
        (10, ["fast", "fair", "slow", "last", "poor"]),
        (20, ["fair", "fast", "slow"]),
        (40, ["fair", "fast"]),
    ]
    assert len(asked) == 5 + 3 + 2
    with pytest.raises(UsageError, match="rising"):
        search.successive_halving(["a"], (10, 10), train)
    with pytest.raises(UsageError, match="name each"):
        search.successive_halving(["a", "a"], (10,), train)
    with pytest.raises(UsageError, match="between 0 and 1"):
        search.successive_halving(["a"], (10,), train, keep=1.0)


def test_a_knob_that_sets_what_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match=r"filters\.4"):
        search.variant_at({"deep": ({"filters.4": 64},)}, (0,))


class Bars:
    """Dark bars on light noise; crop `index` depends on nothing but `index`."""

    def crop(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(index)
        truth = np.zeros((32, 32), bool)
        for row, column in rng.integers(0, 24, (4, 2)):
            truth[row : row + 3, column : column + 8] = True
        grey = np.where(truth, 90, 200)[..., None] + rng.normal(0, 8, (32, 32, 3))
        return grey.clip(0, 255).astype(np.uint8), truth


def test_candidates_train_on_from_rung_to_rung_and_are_scored_by_the_engine(tmp_path: Path) -> None:
    table = {
        "net": {"name": "bitunet"},
        "task": "bits",
        "data": {"size": 32, "workers": 0},
        "run": {"batch": 2, "precision": "float32", "threads": 1},
    }
    variants = {name: {**BITUNET, "greys": 11, "depths": 0, "planes": planes} for name, planes in (("one", 1), ("two", 2))}
    page, ink = Bars().crop(99)
    scores = []

    def score(net: torch.nn.Module) -> float:
        scores.append(validate_packed(net, [("page", page, ink)]))
        return scores[-1]["mean"]

    train = search.trainer(recipe_of(table), variants, tmp_path, tmp_path, score, Bars())
    rungs = search.successive_halving(list(variants), (2, 3), train)
    assert [len(rung.scores) for rung in rungs] == [2, 1]
    best = rungs[1].scores[0][0]
    assert {name: checkpoint.load(tmp_path / name / "last.safetensors")["step"] for name in variants} == {"one": 2, "two": 2, best: 3}
    assert all(0 <= one["mean"] <= 100 and one["mean"] == one["page"] for one in scores)
    assert search.successive_halving(list(variants), (2, 3), train) == rungs  # by the scores that are kept
    assert len(scores) == 3
    with pytest.raises(UsageError, match="ink is scored"):
        validate_packed(BitUNet(BitUNetConfig()).eval(), [("words", page, ())])


def test_the_program_lists_what_fills_a_time(
    load_script: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = load_script("search_architecture")
    monkeypatch.setattr(program.engine_cost, "measure", lambda: COST)
    monkeypatch.setattr(search, "SPACE", {"half": search.SPACE["half"], "head": search.SPACE["head"]})
    base = {**search.BASE, "narrow": [32, 32, 32], "encoder_convs": [1, 1, 1, 1], "decoder_convs": [1, 1, 1]}
    monkeypatch.setattr(search.enumerate_variants, "__defaults__", (base, (3508, 2480)))
    assert program.main(["models/bitunet/recipe.toml", "--time-of", "bitunet", "--list"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "| half | head | ns a pixel |"
    assert [line.split(" | ")[:2] for line in out.splitlines()[2:]] == [["| 2", "2"]]  # all knobs up are still cheaper than bitunet
    assert "9 variants weighed" in err
    assert program.main(["models/bitunet/recipe.toml", "--share", "0.01", "--list"]) == 1
    assert "no variant of the space is so fast" in capsys.readouterr().err
    assert program.main(["models/bitunet/recipe.toml", "--time-of", "unet", "--list"]) == 1
    assert "a bitunet is wanted" in capsys.readouterr().err
