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
    def of(cls, arrays: Mapping[str, NDArray[np.generic]], name: str) -> Trees:
        """The model `name` of a file of several: arrays ``name.base``, ``name.roots`` and so on."""
        return cls(*(np.asarray(arrays[f"{name}.{field}"]) for field in FIELDS))

    def arrays(self, name: str) -> dict[str, NDArray[np.generic]]:
        """The arrays by which :meth:`of` finds the model again."""
        return {f"{name}.{field}": getattr(self, field) for field in FIELDS}

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
