"""Sufficient statistics of the metrics, at the level in force.

Everything here is a count or an integer sum, so all levels return the same numbers, not merely close ones. What the numbers mean, and the
scores computed from them, is in :mod:`docbin.metrics`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin import kernels
from docbin.kernels import reference_metrics, reference_weights
from docbin.page import Mask

SCALE = reference_metrics.SCALE
DISTANCES = reference_metrics.DISTANCES


def _bytes(mask: Mask) -> NDArray[np.uint8]:
    return np.ascontiguousarray(mask).view(np.uint8)


def counts(prediction: Mask, truth: Mask) -> list[int]:
    """Integer statistics of two masks of equal size (bool (H, W)).

    Returns
    -------
    nine ints : true ink, false ink, missed ink; for the squared distances 1, 2, 4, 5, 8 the number of pixel pairs (wrong pixel, neighbour
        inside the page) whose truth differs from the wrong pixel's prediction; the number of whole 8 x 8 blocks of the truth that hold ink and
        paper
    """
    if kernels.compiled():
        return [int(value) for value in kernels._core.metrics_counts(_bytes(prediction), _bytes(truth))]
    return reference_metrics.counts(prediction, truth)


def pseudo_counts(prediction: Mask, truth: Mask) -> list[int]:
    """Weighted sums of two masks of equal size.

    Returns
    -------
    six ints : recall weight of the true ink found, of all true ink; precision weight of the right ink, of all predicted ink (in units of 1 /
        SCALE); skeleton pixels of the truth found, and in all
    """
    if kernels.compiled():
        sums = kernels._core.metrics_pseudo_counts(kernels.active(), _bytes(prediction), _bytes(truth), kernels.threads())
        return [int(value) for value in sums]
    return reference_metrics.pseudo_counts(prediction, truth)


def weight_parts(truth: Mask) -> reference_weights.Parts:
    """Both weight maps of a truth as ratios of integers, and its skeleton; see :class:`docbin.kernels.reference_weights.Parts`."""
    if kernels.compiled():
        found = kernels._core.metrics_weight_parts(kernels.active(), _bytes(truth), kernels.threads())
        depth, depth_scale, gap, gap_scale, skeleton = found
        return reference_weights.Parts(depth, depth_scale, gap, gap_scale, skeleton.view(np.bool_))
    return reference_weights.weight_parts(truth)
