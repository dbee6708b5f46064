"""From a list of inputs to finished files: everything about a batch that is not a page.

>>> from docbin import batch                                                                    # doctest: +SKIP
>>> what = batch.settings("sauvola", {"window": 51})
>>> plan = batch.plan(["scans/"], "out", what, spool=Path(temporary), resume=True)
>>> batch.run(plan, jobs=8, report=Path("report.jsonl")).exit_code

The command line and the web demo call this room; it prints nothing. The order of the modules is the way of a page: ``inputs`` (which files),
``names`` and ``plan`` (what goes where), ``worker`` and ``pool`` (who does it), ``guard`` (does it look wrong), ``unit`` and ``home`` (how it becomes
a finished file), ``record`` (what is told), all driven by ``run``.

What is promised: an output is whole or not there; an input is never overwritten, nor is an output without leave; a page that fails, hangs or kills
its worker costs that page; after a kill at any moment, ``resume`` finishes the rest and makes nothing twice.
"""

from __future__ import annotations

from docbin.batch.plan import Job, Plan, plan
from docbin.batch.record import Failure, PageRecord, Summary
from docbin.batch.run import Listener, run
from docbin.batch.settings import PAGE_SECONDS, Settings, settings

__all__ = ["PAGE_SECONDS", "Failure", "Job", "Listener", "PageRecord", "Plan", "Settings", "Summary", "plan", "run", "settings"]
