"""NumPy twin of the metric statistics: slow, obviously right, the same integers as ``csrc/metrics/counts.cpp`` and ``csrc/metrics/weights.cpp``."""

from __future__ import annotations

import numpy as np

from docbin.kernels import reference_weights
from docbin.page import Mask

SCALE = 1 << 30
"""Weights are summed as whole multiples of 1 / SCALE: integer sums do not depend on the order, so every level gives the same."""

DISTANCES = (1, 2, 4, 5, 8)
"""Squared distances within a 5 x 5 neighbourhood."""


def counts(prediction: Mask, truth: Mask) -> list[int]:
    """True ink, false ink, missed ink, five distortion counts by squared distance, mixed blocks; see :func:`docbin.kernels.metrics.counts`."""
    height, width = truth.shape
    wrong = prediction ^ truth
    around = np.pad(truth, 2)
    inside = np.pad(np.ones_like(truth), 2)
    distortion = dict.fromkeys(DISTANCES, 0)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            if dy == 0 and dx == 0:
                continue
            window = np.s_[2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width]
            differs = wrong & inside[window] & (around[window] ^ prediction)
            distortion[dy * dy + dx * dx] += int(np.count_nonzero(differs))
    whole = truth[: height // 8 * 8, : width // 8 * 8].reshape(height // 8, 8, width // 8, 8)
    mixed = whole.any(axis=(1, 3)) & ~whole.all(axis=(1, 3))
    first = (np.count_nonzero(prediction & truth), np.count_nonzero(prediction & ~truth), np.count_nonzero(truth & ~prediction))
    return [*(int(value) for value in first), *distortion.values(), int(np.count_nonzero(mixed))]


def pseudo_counts(prediction: Mask, truth: Mask) -> list[int]:
    """Recall weight found and in all, precision weight right and in all (in 1 / SCALE), skeleton pixels found and in all."""
    parts = reference_weights.weight_parts(truth)
    recall = _fixed(parts.depth, parts.depth_scale)
    precision = np.minimum(_fixed(parts.gap, parts.gap_scale), 2 * SCALE) + SCALE
    both = prediction & truth
    skeleton = parts.skeleton
    sums = (recall[both].sum(), recall.sum(), precision[both].sum(), precision[prediction].sum())
    return [*(int(value) for value in sums), int(np.count_nonzero(skeleton & prediction)), int(np.count_nonzero(skeleton))]


def _fixed(top: reference_weights.Ints, bottom: reference_weights.Ints) -> reference_weights.Longs:
    """``top / bottom`` in 1 / SCALE, rounded down; 0 where `bottom` is 0."""
    return np.where(bottom > 0, (top.astype(np.int64) * SCALE) // np.maximum(bottom, 1), 0)
