"""Fits the models of :mod:`docbin.assessment` to a table of cases, and says how well they judge pages of collections that they have not seen.

A user's pages are of no set that the models were fitted to. So results of a labelled set are held out *all at once*, and settings, weights and bounds
are chosen by what models say that never saw the set; of pages of docbin's own making a quarter of each kind is held out at a time, by page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.assessment.features import NAMES
from docbin.assessment.foretold import FAILURES
from docbin.assessment.trees import Trees, joined
from docbin.train.verdict_cases import TRUTHS, Cases
from docbin.train.verdict_pages import OTHERS, OTHERS_A_PART, PENCIL

FOLDS = 4
"""Parts in which pages of docbin's own making are held out."""
MADE = ("drawn", "failing-kinds", "rendered")
"""Sets of pages of docbin's own making."""
NETWORKS = ("bitunet", "bitunet-fast")
"""Methods that learned from the labelled pages: their results there are better than those on pages that are new to them."""
SETTINGS: tuple[Mapping[str, Any], ...] = (
    {"learning_rate": 0.08, "rounds": 150},
    {"learning_rate": 0.05, "rounds": 300, "extra_trees": True},
)
"""Two kinds of boosting whose mean is taken: the best split of each feature, and splits drawn by chance, which are better on strange pages."""
PALE_FEATURES = tuple(name for name in NAMES if name.startswith(("page_pale_", "pale_left")))
"""Features that only the model of pale writing sees. The others do no better with them on labelled sets that are held out, and worse where a back
shines through."""
PALE_TIMES = 5.0
"""How much more pages of docbin's own making count for pale writing: most of those that have pencil beside print are rendered."""
GOOD = 90.0
"""F-measure from which a result counts as good, for false alarms."""
WHOLE = 0.02
"""Share of the truth missed up to which a result counts as whole."""
MISSED, JUNK, SPLIT, WEIGHT = 0.06, 0.12, 0.35, 0.25
"""From where a failure counts as there (:data:`docbin.train.verdict_cases.TRUTHS`)."""
ALARMS: Mapping[str, float] = {
    "missed": 0.025,
    "pale": 0.01,
    "junk": 0.008,
    "broken": 0.003,
    "joined": 0.003,
    "thin": 0.003,
    "thick": 0.003,
}
"""Share of good, whole results that each reason may mark by mistake; many are marked by several, so together they stay below 5 in 100."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How verdicts compare with truths: mean absolute error and bias of the F-measure, area under the curve for "below 80", Spearman's rank
    correlation; share of results with a tenth missing that are marked where 5 in 100 good ones are; results judged."""

    error: float
    bias: float
    auc: float
    rank: float
    tenth_marked: float
    results: int


def fit_one(
    features: NDArray[np.float32], truth: NDArray[np.float32], weights: NDArray[np.float64], loss: str = "l1", setting: int = 0
) -> Any:
    """A fitted LightGBM model by one of SETTINGS: of a number ("l1") or of whether a failure is there ("binary"; its trees add up to the logarithm
    of the odds, and are half as many)."""
    import lightgbm

    settings = {
        "objective": loss, "num_leaves": 15, "min_data_in_leaf": 60, "feature_fraction": 0.3, "bagging_fraction": 0.8, "bagging_freq": 1,
        "lambda_l2": 1.0, "seed": setting, "num_threads": 1, "deterministic": True, "verbosity": -1, **SETTINGS[setting],
    }  # fmt: skip
    rounds = int(settings.pop("rounds"))
    dataset = lightgbm.Dataset(features, truth, weight=weights, free_raw_data=True)
    return lightgbm.train(settings, dataset, rounds if loss == "l1" else rounds // 2)


def fit_all(cases: Cases, chosen: NDArray[np.bool_]) -> dict[str, list[Any]]:
    """The models of every kind, one of each of SETTINGS, fitted to the chosen rows."""
    blind = cases.features.copy()
    blind[:, [name in PALE_FEATURES for name in NAMES]] = 0  # what never differs is never split
    models: dict[str, list[Any]] = {}
    for name, truth in targets(cases).items():
        rows = chosen if name == "pale" else chosen & ~in_pencil(cases)
        shown, weights = (cases.features if name == "pale" else blind)[rows], weights_of(cases, name)[rows]
        models[name] = [fit_one(shown, truth[rows], weights, loss_of(name), setting) for setting in range(len(SETTINGS))]
    return models


def in_pencil(cases: Cases) -> NDArray[np.bool_]:
    """Rows of pages that are in part in pencil (:data:`docbin.train.verdict_pages.PENCIL`)."""
    return np.asarray(np.char.endswith(cases.parts, f"#{PENCIL}"))


def loss_of(name: str) -> str:
    """What the model `name` is fitted by: absolute errors of a number, or the odds of a failure."""
    return "l1" if name == "fm" else "binary"


def targets(cases: Cases) -> dict[str, NDArray[np.float32]]:
    """What each model of :mod:`docbin.assessment.foretold` learns: the F-measure in percent, and whether each of FAILURES is there."""
    truths = dict(zip(TRUTHS, cases.truths.T, strict=True))
    split, weight = truths["split"], truths["weight"]
    found = {
        "missed": truths["missed"] > MISSED,
        "pale": truths["pale"] > MISSED,
        "junk": truths["junk"] > JUNK,
        "broken": split > SPLIT,
        "joined": split < -SPLIT,
        "thick": weight > WEIGHT,
        "thin": weight < -WEIGHT,
    }
    return {"fm": truths["fm"]} | {name: found[name].astype(np.float32) for name in FAILURES}


def sets_of(cases: Cases) -> NDArray[np.str_]:
    """The set of each row."""
    return np.array([page.split("/")[0] for page in cases.pages.tolist()])


def unseen(cases: Cases) -> NDArray[np.bool_]:
    """Truths of bands in which the writing cannot be seen (S-MS, where no method comes near it): they teach nothing that a page shows."""
    return np.asarray((np.char.find(cases.pages, "smadi") == 0) & (np.char.find(cases.results, "truth") == 0))


def weights_of(cases: Cases, output: str = "fm") -> NDArray[np.float64]:
    """What each row counts for an output. Methods' own results on pages as they are count most: that is what people ask about. Methods that do
    a part by chance count as much in all as those that do every part, and so do networks on degraded pages, the default method among them.
    Networks' results on pages that they learned from count little, and so do pages of docbin's own making, of which there are many (a
    tenth: with three tenths, the error on labelled sets that are held out grows from 4.2 to 4.6 points), but for pale writing."""
    as_is, sets = np.char.endswith(cases.parts, "#0"), sets_of(cases)
    own, made = np.char.find(cases.results, "+") < 0, np.isin(sets, MADE)
    weights = np.where(own, 1.0, 0.5) * np.where(as_is, 2.0, 1.0)
    weights *= np.where(np.isin(cases.results, NETWORKS) & as_is & ~made, 0.3, 1.0)
    rare = np.isin(cases.results, OTHERS) | (np.isin(cases.results, NETWORKS) & ~as_is)
    weights *= np.where(rare, len(OTHERS) / OTHERS_A_PART, 1.0)
    by_set = {"noisyoffice": 0.5, **dict.fromkeys(MADE, 0.1 * (PALE_TIMES if output == "pale" else 1.0))}
    weights *= np.array([by_set.get(name, 1.0) for name in sets.tolist()])
    return weights * np.where(unseen(cases), 1e-3, 1.0)


def said_by(model: Any, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """What a model says: the F-measure, or the logarithm of the odds."""
    return np.asarray(model.predict(features, raw_score=True), np.float64)


def folds_of(cases: Cases) -> NDArray[np.str_]:
    """What each row is held out with: its set, or, of pages of docbin's own making, one of FOLDS parts, decided by a hash of the page's name."""
    digests = {page: hashlib.blake2b(page.encode(), digest_size=4).digest() for page in set(cases.pages.tolist())}
    parts = [str(int.from_bytes(digests[page], "little") % FOLDS) for page in cases.pages.tolist()]
    sets = sets_of(cases)
    return np.where(np.isin(sets, MADE), parts, sets)


def held_out(cases: Cases) -> dict[str, NDArray[np.float64]]:
    """What models say of rows that they were not fitted to (:func:`folds_of`)."""
    folds = folds_of(cases)
    said = {name: np.zeros(len(cases.pages)) for name in targets(cases)}
    for fold in sorted(set(folds.tolist())):
        kept = folds == fold
        for name, models in fit_all(cases, ~kept).items():
            said[name][kept] = np.mean([said_by(model, cases.features[kept]) for model in models], axis=0)
    return said


def bounds_of(cases: Cases, said: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Values of the held-out verdicts from which a reason is given, so that no more of the good, whole results are marked than ALARMS allows: neither
    of all by their weights, most of them scans, nor of those on drawn pages, which everybody expects to come out well."""
    good, weights = good_ones(cases), weights_of(cases)
    groups = [good, good & (sets_of(cases) == "drawn")]
    return {
        name: max(weighted_quantile(said[name][group], weights[group], 1 - share) for group in groups if group.any())
        for name, share in ALARMS.items()
    }


def weighted_quantile(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """The value that `share` of the weight lies at or below."""
    order = np.argsort(values)
    summed = np.cumsum(weights[order])
    return float(values[order][min(len(order) - 1, int(np.searchsorted(summed, share * summed[-1])))])


def good_ones(cases: Cases) -> NDArray[np.bool_]:
    """Methods' results and truths that nobody need look at again, on pages in one ink."""
    own = np.char.find(cases.results, "+") < 0
    return np.asarray(own & (cases.truths[:, 0] >= GOOD) & (cases.truths[:, 1] <= WHOLE) & ~unseen(cases) & ~in_pencil(cases))


def check(cases: Cases, said: Mapping[str, NDArray[np.float64]], chosen: NDArray[np.bool_]) -> Checked:
    """Compare verdicts with truths over the chosen results; the share marked is told of the results of the same pages that lack about a tenth."""
    from scipy.stats import spearmanr

    fm, guess = cases.truths[chosen, 0], np.clip(said["fm"][chosen], 0, 100)
    low = fm < 80
    auc = area_under_curve(low, -guess)
    parts = np.isin(cases.parts, cases.parts[chosen]) & ~unseen(cases)
    good = good_ones(cases) & parts
    lost = parts & (np.char.find(cases.results, "_lost") > 0) & (cases.truths[:, 1] > 0.08) & (cases.truths[:, 1] < 0.16)
    bound = np.quantile(said["missed"][good], 0.95) if good.any() else float("nan")
    marked = float((said["missed"][lost] > bound).mean()) if lost.any() else float("nan")
    return Checked(float(np.abs(fm - guess).mean()), float((guess - fm).mean()), auc, float(spearmanr(fm, guess)[0]), marked, len(fm))


def area_under_curve(there: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Share of the pairs of one that is there and one that is not which the score puts in order; NaN where there are none of one kind."""
    from scipy.stats import rankdata

    count, rest = int(there.sum()), int((~there).sum())
    if not count or not rest:
        return float("nan")
    return float((rankdata(score)[there].sum() - count * (count + 1) / 2) / (count * rest))


def trees_of(model: Any) -> Trees:
    """A fitted model as arrays."""
    roots: list[int] = []
    rows: list[list[float]] = []

    def add(node: dict[str, Any]) -> int:
        place = len(rows)
        rows.append([-1, 0.0, 0, 0, float(node.get("leaf_value", 0.0))])
        if "split_feature" in node:
            assert node["decision_type"] == "<="
            rows[place][:2] = [node["split_feature"], node["threshold"]]
            rows[place][2] = add(node["left_child"])
            rows[place][3] = add(node["right_child"])
        return place

    for tree in model.dump_model()["tree_info"]:
        roots.append(add(tree["tree_structure"]))
    feature, exact, left, right, value = np.array(rows).T
    threshold = exact.astype(np.float32)
    # Rounded down: a threshold lies between two float32 features, and no rounding may carry it over the lower one.
    threshold = np.where(threshold > exact, np.nextafter(threshold, np.float32(-np.inf)), threshold)
    nodes = feature.astype(np.int16), threshold, left.astype(np.int32), right.astype(np.int32), value.astype(np.float32)
    return Trees(np.zeros(1), np.array(roots, np.int32), *nodes)


def save(path: Path, cases: Cases, models: Mapping[str, Sequence[Any]], bounds: Mapping[str, float]) -> None:
    """Write the file that :mod:`docbin.assessment.verdict` reads: of each kind the mean of its models."""
    told = np.array([list(bounds), [repr(value) for value in bounds.values()]])
    few = cases.features[:: max(1, len(cases.features) // 50)]
    trees = {name: mean_of([trees_of(model) for model in own]) for name, own in models.items()}
    for name, own in models.items():
        said = [trees[name].predict(row) for row in few]
        np.testing.assert_allclose(said, np.mean([said_by(model, few) for model in own], axis=0), atol=1e-3)
    np.savez_compressed(path, features=np.array(list(NAMES)), bounds=told, **joined(trees))  # type: ignore[arg-type]


def mean_of(models: Sequence[Trees]) -> Trees:
    """One model that says the mean of what several say."""
    starts = np.cumsum([0, *(len(model.feature) for model in models)])[:-1].astype(np.int32)

    def joined(field: str, shift: bool = False) -> NDArray[Any]:
        parts = [getattr(model, field) + start if shift else getattr(model, field) for model, start in zip(models, starts, strict=True)]
        return np.concatenate(parts)

    value = (joined("value") / np.float32(len(models))).astype(np.float32)
    base = np.array([np.mean([model.base[0] for model in models])])
    nodes = joined("feature"), joined("threshold"), joined("left", True), joined("right", True)
    return Trees(base, joined("roots", True), *nodes, value)
