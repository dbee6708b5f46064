"""What the methods score on the benchmarks: the means of ``docbin evaluate``, kept as data beside the benchmarks' descriptors.

``datasets/scores.json`` is written by ``scripts/make_tables.py`` together with the tables of BENCHMARKS.md, from the same files, so that the two
cannot differ; a wheel has no BENCHMARKS.md, but it has this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from docbin.typed_config import typed


@dataclass(frozen=True, slots=True)
class MethodScores:
    """A method on a benchmark: mean scores over `pages` pages (None for an infinite PSNR), with ``seconds`` a page among them."""

    dataset: str
    method: str
    params: Mapping[str, Any]
    version: str
    pages: int
    mean: Mapping[str, float | None]


def shipped() -> list[MethodScores]:
    """The scores that came with docbin, in the order of the tables; empty in an install without them.

    Raises
    ------
    UsageError
        The file holds something else: an unknown or missing key, or a value of the wrong type.
    """
    try:
        text = (resources.files("docbin.benchmarks.datasets") / "scores.json").read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        return []
    return [typed(MethodScores, row, "scores.json", f"[{number}]") for number, row in enumerate(json.loads(text))]


def summary(result: Mapping[str, Any], keys: tuple[str, ...] = ("fm", "pfm", "psnr", "drd", "seconds")) -> dict[str, Any]:
    """A row of the file from a result in the JSON form of ``docbin evaluate``."""
    mean = {key: None if result["mean"][key] is None else float(f"{result['mean'][key]:.6g}") for key in keys}
    return {name: result[name] for name in ("dataset", "method", "params", "version")} | {"pages": len(result["images"]), "mean": mean}
