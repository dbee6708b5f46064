"""Howe's energy, its cuts against exhaustive search, its tuning, and its place among DIBCO's pages."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("maxflow", reason="the extra docbin[howe] is not installed")

from docbin.classical import howe


def energy(mask: np.ndarray, costs: np.ndarray, right: np.ndarray, lower: np.ndarray, c: float) -> float:
    """Energy up to a constant; costs are those of paper less those of ink."""
    unlike = (right & (mask[:, 1:] != mask[:, :-1])).sum() + (lower & (mask[1:] != mask[:-1])).sum()
    return float(-costs[mask].sum() + c * unlike)


@pytest.mark.parametrize("seed", range(6))
def test_cuts_have_the_least_energy_of_all_masks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.integers(-60, 61, (3, 4)).astype(np.int64)
    right, lower = rng.random((3, 3)) < 0.8, rng.random((2, 4)) < 0.8
    candidates = [5.0, 20.0, 60.0, 200.0]
    for c, mask in zip(candidates, howe.minimum_cuts(costs, right, lower, candidates), strict=True):
        masks = (np.array(bits, bool).reshape(3, 4) for bits in itertools.product((False, True), repeat=12))
        assert energy(mask, costs, right, lower, c) == pytest.approx(
            min(energy(other, costs, right, lower, c) for other in masks), abs=0.01 * c
        )


def test_a_run_over_many_costs_equals_single_cuts() -> None:
    rng = np.random.default_rng(4)
    page = rng.integers(0, 256, (40, 50)).astype(np.uint8)
    costs, (right, lower) = howe.pixel_costs(page), howe.borders(page, howe.edges(page, 0.4, 0.1, 0.6))
    candidates = np.geomspace(20, 5120, 7)
    together = howe.minimum_cuts(costs, right, lower, candidates)
    for c, mask in zip(candidates, together, strict=True):
        (alone,) = howe.minimum_cuts(costs, right, lower, [c])
        assert energy(mask, costs, right, lower, c) == pytest.approx(energy(alone, costs, right, lower, c), rel=1e-4)


def test_the_laplacian_is_positive_in_a_stroke() -> None:
    page = np.full((7, 7), 200, np.uint8)
    page[3, 3] = 100
    costs = howe.pixel_costs(page)
    assert costs[3, 3] == 2 * 4 * 100
    assert costs[3, 2] == costs[2, 3] == -2 * 100
    assert costs[0, 0] == 0


def test_borders_are_free_on_the_bright_side_of_edges() -> None:
    """Between an edge pixel and its brighter neighbour; not on its dark side, nor at a step that is no edge."""
    page = np.array([[200, 50, 50, 200]], np.uint8)
    edge = np.array([[False, True, False, False]])
    right, lower = howe.borders(page, edge)
    assert right.tolist() == [[False, True, True]]
    assert lower.shape == (0, 4)


def test_edges_surround_a_square() -> None:
    page = np.full((40, 40), 220, np.uint8)
    page[10:30, 10:30] = 40
    found = howe.edges(page, 0.4, 0.1, 0.6)
    assert found[8:32, 8:32].any()
    assert not found[14:26, 14:26].any()
    assert not found[:6].any()


def test_the_choice_is_the_valley_between_two_ridges() -> None:
    changes = [0.5, 0.9, 0.5, 0.2, 0.05, 0.01, 0.01, 0.05, 0.3, 0.8, 0.4, 0.1]
    assert 4 <= howe.stable_choice(changes) <= 8


@pytest.mark.parametrize("seed", range(5))
def test_the_choice_is_the_best_of_all_triples(seed: int) -> None:
    changes = np.random.default_rng(seed).random(32)
    taps = np.exp(-0.5 * (np.arange(6) - 2.5) ** 2)
    curve = np.convolve(changes, taps / taps.sum())[2:-2]
    assert len(curve) == len(changes) + 1
    triples = itertools.combinations(range(len(curve)), 3)
    _, best, _ = max(triples, key=lambda triple: curve[triple[0]] + curve[triple[2]] - 2 * curve[triple[1]])
    assert howe.stable_choice(changes) == best


@pytest.mark.parametrize("tune", ["both", "c", "none"])
def test_every_tuning_finds_strokes(tune: str) -> None:
    rng = np.random.default_rng(8)
    page = rng.normal(210, 5, (60, 90))
    page[20:23, 10:80] = 70
    page[40:43, 10:80] = 120
    ink = howe.howe_ink(page.clip(0, 255).astype(np.uint8), tune=tune, steps=17)
    truth = np.zeros((60, 90), bool)
    truth[20:23, 10:80] = truth[40:43, 10:80] = True
    assert (ink & truth).sum() > 0.9 * truth.sum()
    assert (ink & ~truth).sum() < 0.1 * truth.sum()


@pytest.mark.data
@pytest.mark.slow
def test_training_pages_of_dibco_2009(benchmark_pages: Path) -> None:
    """One cut a page, untuned, reaches more than 92 % F-measure on the handwritten pages."""
    scores = []
    for path in sorted((benchmark_pages / "dibco2009" / "images").glob("H*.webp")):
        ink = howe.howe_ink(np.asarray(Image.open(path).convert("RGB")), tune="none")
        truth = np.asarray(Image.open(benchmark_pages / "dibco2009" / "gt" / f"{path.stem}.png").convert("L")) < 128
        scores.append(200 * (ink & truth).sum() / (ink.sum() + truth.sum()))
    assert np.mean(scores) > 92
