"""Evaluation: a benchmark and a method -> scores of every page, tables, error pictures.

>>> from docbin.evaluate import evaluate
>>> result = evaluate("dibco2009", "sauvola", {"window": 25}, data_root="/data")     # doctest: +SKIP
>>> result.mean.fm                                                                    # doctest: +SKIP
84.99
"""

from __future__ import annotations

from docbin.evaluate.compare import score_paths
from docbin.evaluate.results import PageResult, Result
from docbin.evaluate.run import evaluate

__all__ = ["PageResult", "Result", "evaluate", "score_paths"]
