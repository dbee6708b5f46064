"""What is judged: for every task of a benchmark a judge, which reads its truth, runs a method and counts. One file and one row a task."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from docbin.errors import UsageError
from docbin.evaluate.judges.judge import Judge

JUDGES: Mapping[str, str] = {
    "binarize": "docbin.evaluate.judges.ink_judge:InkJudge",
    "detect": "docbin.evaluate.judges.word_judge:WordJudge",
    "text-mask": "docbin.evaluate.judges.text_mask_judge:TextMaskJudge",
    "ocr": "docbin.evaluate.judges.ocr_judge:OcrJudge",
}
"""Task of a benchmark's descriptor -> ``"module:class"`` of its judge."""


def judge_of(task: str) -> Judge[Any, Any, Any]:
    """The judge of a task.

    Raises
    ------
    UsageError
        No judge knows the task.
    """
    if task not in JUDGES:
        raise UsageError(f"task {task!r} of the benchmark: nothing here can score it; known are {', '.join(JUDGES)}")
    module, name = JUDGES[task].split(":")
    judge: Judge[Any, Any, Any] = getattr(importlib.import_module(module), name)()
    return judge


__all__ = ["JUDGES", "Judge", "judge_of"]
