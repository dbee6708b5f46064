"""Scores of ink masks, as the DIBCO contests compute them.

>>> import numpy as np
>>> from docbin import metrics
>>> truth = np.zeros((16, 16), bool)
>>> truth[4:12, 6:9] = True
>>> metrics.score(truth, truth).fm
100.0
"""

from __future__ import annotations

from docbin.metrics.ink import FIELDS, Scores, mean, score, statistics
from docbin.metrics.pseudo import weights

__all__ = ["FIELDS", "Scores", "mean", "score", "statistics", "weights"]
