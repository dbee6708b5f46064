"""The models behind a verdict: fitted to results whose truth is known, and what they say of a result whose truth is not.

Foretold from the features are the F-measure, and of seven failures whether they are there: writing is missing, writing paler than the ink is
missing, ink is no writing, strokes are broken, grown together, too thick, too thin. Each is a sum of boosted trees
(:mod:`docbin.assessment.trees`) that ``scripts/fit_quality.py`` fits to the results of the methods on labelled and on drawn pages, degraded or
not, and to results spoiled on purpose; the same program finds the bounds from which a failure becomes a reason, so that of good results of sets
that were held out 4 in 100 are marked.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from docbin.assessment.features import NAMES, Measured
from docbin.assessment.trees import Trees

FITTED = "fitted.npz"
FAILURES = ("missed", "pale", "junk", "broken", "joined", "thick", "thin")
"""Failures of which the odds are; docbin.train.fit_verdict says how each is defined where the truth is known."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """What the models say: `fm`, the F-measure, 0..100; and of every failure (FAILURES) the logarithm of the odds that it is there."""

    fm: float
    failures: Mapping[str, float]


@functools.cache
def _models() -> tuple[dict[str, Trees], dict[str, float]]:
    from importlib import resources

    with resources.files("docbin.assessment").joinpath(FITTED).open("rb") as file, np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    if tuple(arrays["features"].tolist()) != tuple(NAMES):
        raise ValueError(f"{FITTED} was fitted to other features; run scripts/fit_quality.py")
    models = Trees.all_of(arrays)
    keys, values = arrays["bounds"].tolist()
    return models, {key: float(value) for key, value in zip(keys, values, strict=True)}


def bounds() -> Mapping[str, float]:
    """From where the odds of a failure are a reason, by failure."""
    return _models()[1]


def foretell(measured: Measured) -> Foretold:
    """The models' numbers for what was measured."""
    models, row = _models()[0], measured.vector()
    said = {name: trees.predict(row) for name, trees in models.items()}
    fm = said.pop("fm")
    return Foretold(min(100.0, max(0.0, fm)), said)
