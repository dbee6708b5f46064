"""From a list of inputs to finished files: everything about a batch that is not a page.

>>> from docbin import batch                                                                    # doctest: +SKIP
>>> job = batch.Binarize.create("sauvola", {"window": 51})
>>> plan = batch.plan(["scans/"], "out", job, spool=Path(temporary), resume=True)
>>> batch.run(plan, jobs=8, report=Path("report.jsonl")).exit_code

The command line and the web demo call this room; it prints nothing. The order of the modules is the way of a page: ``job`` and ``*_job`` (what is
done), ``inputs`` (which files), ``names`` and ``plan`` (what goes where), ``worker`` (the work, in a process of :mod:`docbin.processes`),
``outputs`` and ``output_folder`` (how it becomes a finished file), ``record`` (the report), all driven by
``run``.

What is promised: an output is whole or not there; an input is never overwritten, nor is an output without leave; a page that fails, hangs, takes all
memory or kills its worker costs that page; after a kill at any moment, ``resume`` finishes the rest and makes nothing twice.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docbin.batch.batch_plan import Plan, plan
    from docbin.batch.batch_run import Listener, run
    from docbin.batch.binarize_job import Binarize
    from docbin.batch.clean_job import Clean
    from docbin.batch.detect_job import Detect
    from docbin.batch.enhance_job import Enhance
    from docbin.batch.failure import Failure
    from docbin.batch.job import PAGE_SECONDS, Job
    from docbin.batch.planned_file import PlannedFile
    from docbin.batch.record import PageRecord, Summary
    from docbin.batch.shard import Shard

__all__ = [
    "PAGE_SECONDS",
    "Binarize",
    "Clean",
    "Detect",
    "Enhance",
    "Failure",
    "Job",
    "Listener",
    "PageRecord",
    "Plan",
    "PlannedFile",
    "Shard",
    "Summary",
    "plan",
    "run",
]

_HOMES = {
    "Binarize": "binarize_job",
    "Clean": "clean_job",
    "Detect": "detect_job",
    "Enhance": "enhance_job",
    "PAGE_SECONDS": "job",
    "Job": "job",
    "Plan": "batch_plan",
    "plan": "batch_plan",
    "PlannedFile": "planned_file",
    "Failure": "failure",
    "PageRecord": "record",
    "Summary": "record",
    "Listener": "batch_run",
    "run": "batch_run",
    "Shard": "shard",
}


def __getattr__(name: str) -> Any:
    """What this room offers, from its module when it is asked for: a worker process needs neither plan nor run."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
