"""The progress bar: pages done, pages a second, time left."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from docbin.cli import messages


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(messages.speed(speed) if speed else "")


class PageBar:
    """A bar on stderr; a context manager. Its total grows while files are opened and turn out to have many pages."""

    def __init__(self) -> None:
        console = Console(stderr=True, highlight=False)
        columns = (TextColumn("docbin"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn(elapsed_when_finished=True))
        self._progress = Progress(*columns, console=console, transient=True, redirect_stdout=False)
        self._total = 0
        self._task = self._progress.add_task("pages", total=0)

    def expect(self, pages: int) -> None:
        """So many more pages are to come."""
        self._total += pages
        self._progress.update(self._task, total=self._total)

    def step(self) -> None:
        """A page was worked on."""
        self._progress.advance(self._task)

    def print(self, text: str) -> None:
        """Print a line above the bar, as it is: names may hold what looks like markup, and are never wrapped."""
        self._progress.console.print(text, markup=False, soft_wrap=True)

    def __enter__(self) -> PageBar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()
