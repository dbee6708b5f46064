"""An error of a page as plain data. (A file of its own, for a worker makes nothing else of a record, and starts sooner without.)"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as plain data, so that it crosses from a worker process and into the report unchanged."""

    type: str
    message: str
    exit_code: int
    trace: str | None = None
    """Where it happened, for errors that are no fault of the page."""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The record of an exception; whatever is not one of docbin's own errors has no exit code of its own and counts as a failed page."""
        return cls(type(error).__name__, str(error) or type(error).__name__, getattr(error, "exit_code", 6))
