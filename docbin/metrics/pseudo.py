"""Weights of the pseudo-recall and pseudo-precision (Ntirogiannis, Gatos, Pratikakis, IEEE TIP 22(2), 2013), computed from the truth alone.

They are the maps that the contests' weight program writes to ``*_RWeights.dat`` and ``*_PWeights.dat``. How they are made, step by step, is told in
:mod:`docbin.kernels.reference_weights`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.kernels import metrics as kernel
from docbin.page import Mask, check_mask


def weights(truth: Mask) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision weights of a truth.

    Returns
    -------
    recall : float64 (H, W), 0 on paper; pseudo-recall is its sum over the ink found, over its sum
    precision : float64 (H, W), 0 on ink, at most 2; pseudo-precision is the sum of 1 + weight over the right ink, over that of all predicted ink
    """
    parts = kernel.weight_parts(check_mask(truth, "truth"))
    return _ratio(parts.depth, parts.depth_scale), np.minimum(_ratio(parts.gap, parts.gap_scale), 2.0)


def _ratio(top: NDArray[np.int32], bottom: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.divide(top, bottom, out=np.zeros(top.shape), where=bottom > 0)
