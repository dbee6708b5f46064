"""Boosted regression trees as plain arrays: what LightGBM has fitted is run with NumPy alone, all trees of a model side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIELDS = ("base", "roots", "feature", "threshold", "left", "right", "value")


@dataclass(frozen=True, slots=True)
class Trees:
    """A sum of trees. A node asks whether ``features[feature] <= threshold`` and goes left or right; a leaf, whose `feature` is -1, has a value.

    Attributes
    ----------
    base : float64 (1,), added to the sum
    roots : int32 (trees,), the first node of each
    feature, threshold, left, right, value : int16, float32, int32, int32, float32 (nodes,)
    """

    base: NDArray[np.float64]
    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]

    @classmethod
    def all_of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Trees]:
        """The models of a file (:func:`joined`), by name."""
        ends = {field: np.cumsum(arrays["lengths"][:, place]) for place, field in enumerate(FIELDS)}
        parts = {field: np.split(arrays[field], ends[field][:-1]) for field in FIELDS}
        return {name: cls(*(parts[field][place] for field in FIELDS)) for place, name in enumerate(arrays["names"].tolist())}

    def predict(self, features: NDArray[np.float64]) -> float:
        """The sum for one row of features, float (features,)."""
        asked = np.asarray(features, np.float32)
        node = self.roots.copy()
        while True:
            feature = self.feature[node]
            inner = feature >= 0
            if not inner.any():
                return float(self.base[0] + self.value[node].sum(dtype=np.float64))
            goes_left = asked[feature] <= self.threshold[node]
            node = np.where(inner, np.where(goes_left, self.left[node], self.right[node]), node)


def joined(models: Mapping[str, Trees]) -> dict[str, NDArray[np.generic]]:
    """Several models as the arrays by which :meth:`Trees.all_of` finds them again: those of a field one behind the other, for opening each array of
    a file by itself takes longer than all that is in it. "names" and "lengths", (models, FIELDS), part them."""
    lengths = [[len(getattr(model, field)) for field in FIELDS] for model in models.values()]
    return {
        "names": np.array(list(models)),
        "lengths": np.array(lengths, np.int64),
        **{field: np.concatenate([getattr(model, field) for model in models.values()]) for field in FIELDS},
    }
