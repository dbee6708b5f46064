"""Many machines: what a batch needs beyond one of them.

``listing``
    ``docbin list``: inputs, wherever they lie, as a work list.
``merged_report``
    ``docbin report merge``: the reports and records of many runs as one; what is still missing.
``ray_engine``
    ``--engine ray``: a batch on the machines of a Ray cluster; and ``docbin.cluster.map``, the same for a Ray dataset in a program.

Every engine does the same unit of work, that of :mod:`docbin.batch`: a file of pages, worked on by a guarded child process, written whole under a
name that depends on the unit alone. It may be done again at any time, by any machine, with the same bytes as the result.
"""

from __future__ import annotations

from typing import Any

__all__ = ["map"]


def __getattr__(name: str) -> Any:
    if name == "map":  # imports Ray
        from docbin.cluster.ray_engine import map_units

        return map_units
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
