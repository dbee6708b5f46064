"""An input file and where its result goes."""

from __future__ import annotations

from dataclasses import dataclass

from docbin.batch.inputs import Source
from docbin.files.remote_path import AnyPath


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One input file and where its result goes: ``folder / (stem + suffix)``, or the `exact` file."""

    source: Source
    folder: AnyPath
    stem: str
    exact: AnyPath | None = None
    one_file: bool = False
    """The result must be one file: the user named it, or it goes to stdout."""
