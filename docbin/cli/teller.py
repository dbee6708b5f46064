"""What ``docbin binarize`` says of a page: on stderr as pages are finished, or the plan of a dry run on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docbin.batch import Listener, PageRecord
from docbin.cli import messages

if TYPE_CHECKING:
    from docbin.cli.bar import PageBar


class Teller(Listener):
    """Says what deserves to be said, and moves the bar where there is one.

    Attributes
    ----------
    output : the output of the last page that has one
    """

    def __init__(self, dry_run: bool, bar: PageBar | None = None) -> None:
        self._dry_run = dry_run
        self._bar = bar
        self.output: str | None = None

    def expect(self, pages: int) -> None:
        if self._bar is not None:
            self._bar.expect(pages)

    def step(self) -> None:
        if self._bar is not None:
            self._bar.step()

    def page(self, record: PageRecord) -> None:
        self.output = record.output or self.output
        if record.error is not None:
            messages.error(record.error.message)
            if record.error.trace is not None and messages.loudness() > 0:
                messages.line(record.error.trace.rstrip())
        elif self._dry_run:
            print(f"{record.label} -> {record.output}" + (" (done before)" if record.status == "kept" else ""))
        elif record.status == "kept":
            messages.detail(f"{record.label}: done before, {record.output}")
        else:
            for reason in record.reasons:
                messages.warning(f"{record.label}: suspect: {reason}")
            for warning in record.warnings:
                messages.detail(f"{record.label}: {warning}")
            found = f"{record.ink:.1%} ink" if record.ink is not None else f"{record.words} word{'' if record.words == 1 else 's'}"
            messages.detail(f"{record.label} -> {record.output} ({found}, {record.seconds:.2f} s)")
