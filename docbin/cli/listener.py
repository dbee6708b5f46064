"""What the commands of batches print of a page: on stderr as pages are finished, or the plan of a dry run on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docbin.batch import Failure, Listener, PageRecord
from docbin.cli import messages
from docbin.errors import DocbinError

if TYPE_CHECKING:
    from docbin.cli.progress_bar import PageBar


class ConsoleListener(Listener):
    """Prints what deserves it, and moves the bar where there is one.

    Attributes
    ----------
    outputs : the first two files that were written; a batch of one is told by its name
    """

    def __init__(self, dry_run: bool, bar: PageBar | None = None) -> None:
        self._dry_run = dry_run
        self._bar = bar
        self._existing = 0
        self._first_existing = ""
        self.outputs: list[str] = []

    def expect(self, pages: int) -> None:
        if self._bar is not None:
            self._bar.expect(pages)

    def step(self) -> None:
        if self._bar is not None:
            self._bar.step()

    def document(self, output: str, pages: int) -> None:
        messages.detail(messages.one_line(f"{output}: {pages} pages, finished"))

    def report_failed(self, error: DocbinError) -> None:
        messages.error(messages.one_line(f"{error}; the pages go on, the report ends here"))

    def page(self, record: PageRecord) -> None:
        if record.status == "done" and record.output is not None and record.output not in self.outputs and len(self.outputs) < 2:
            self.outputs.append(record.output)
        if record.error is not None:
            self._failed(record.error)
        elif record.status == "skipped":
            messages.warning(messages.one_line(f"{record.input}: {'; '.join(record.warnings)}"))
        elif self._dry_run:
            line = f"{record.label} -> {record.output}" + (" (done before)" if record.status == "kept" else "")
            print(messages.one_line(line))
        elif record.status == "kept":
            messages.detail(messages.one_line(f"{record.label}: done before, {record.output}"))
        else:
            if record.reasons:
                messages.warning(messages.one_line(f"{record.label}: suspect: {'; '.join(record.reasons)}"))
            for warning in record.warnings:
                messages.detail(messages.one_line(f"{record.label}: {warning}"))
            messages.detail(messages.one_line(f"{record.label} -> {record.output} ({_found(record)}{record.seconds:.2f} s)"))

    def _failed(self, error: Failure) -> None:
        if error.type == "OutputExists":
            self._existing += 1
            self._first_existing = self._first_existing or error.message
            return
        messages.error(messages.one_line(error.message))
        if error.trace is not None and messages.loudness() > 0:
            messages.line(error.trace.rstrip())

    def finish(self) -> None:
        """Print what many pages have in common: outputs that exist are one line however many there are."""
        if self._existing:
            more = f"{self._existing} outputs exist and were left as they are; the first: " if self._existing > 1 else ""
            messages.error(messages.one_line(more + self._first_existing))


def _found(record: PageRecord) -> str:
    if record.ink is not None:
        quality = "" if record.quality is None else f"quality {record.quality:.2f}, "
        quality += "" if record.chosen is None else f"by {record.chosen}, "
        return f"{record.ink:.1%} ink, {quality}"
    return "" if record.words is None else f"{record.words} word{'' if record.words == 1 else 's'}, "
