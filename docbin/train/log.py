"""What a run says while it goes: a CSV that any spreadsheet opens, TensorBoard where it is installed, a progress bar on a terminal, plain
lines elsewhere.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any


class Log:
    """Writes ``train.csv`` and ``validation.csv`` in `folder`, TensorBoard events in ``folder/events``; a resumed run goes on in the same
    files.

    Lines after the step that is resumed from are cut off, so that the files read as one uncut run. Of several processes one writes and the
    others are `silent`.
    """

    def __init__(self, folder: Path, start: int, silent: bool = False) -> None:
        self.folder = folder
        self.silent = silent
        self.headers: dict[str, list[str]] = {}
        self.events: Any = None
        self.bar: Any = None
        self.began = time.monotonic()
        if silent:
            return
        for name in ("train", "validation"):
            self._cut(folder / f"{name}.csv", start)
        try:
            from torch.utils.tensorboard import SummaryWriter  # needs the package tensorboard
        except ImportError:
            return
        self.events = SummaryWriter(str(folder / "events"), purge_step=start + 1)

    def __enter__(self) -> Log:
        """Start the progress bar if standard error is a terminal."""
        if sys.stderr.isatty() and not self.silent:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:5.1f} %"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[left]}"),
            )
            self.bar = Progress(*columns, console=Console(stderr=True))
            self.bar.start()
            self.bar.add_task("training", total=1.0, left="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the bar, close the event file."""
        if self.bar is not None:
            self.bar.stop()
        if self.events is not None:
            self.events.close()

    @staticmethod
    def _cut(path: Path, start: int) -> None:
        if not path.is_file():
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.split(",")[0].isdigit() or int(line.split(",")[0]) <= start]
        path.write_text("".join(kept), encoding="utf-8")

    def row(self, name: str, step: int, values: Mapping[str, float]) -> None:
        """Add a line at `step` to ``name.csv`` and to TensorBoard."""
        if self.silent:
            return
        path = self.folder / f"{name}.csv"
        if name not in self.headers:
            self.headers[name] = ["step", *values]
            if not path.is_file() or path.stat().st_size == 0:
                with path.open("w", newline="", encoding="utf-8") as handle:
                    csv.writer(handle).writerow(self.headers[name])
        with path.open("a", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerow([step, *(f"{values[key]:.6g}" for key in self.headers[name][1:])])
        if self.events is not None:
            for key, value in values.items():
                self.events.add_scalar(f"{name}/{key}", value, step)

    def progress(self, step: int, done: float, start: float, text: str) -> None:
        """Show that `done` (0..1) of the run is over; time left is extrapolated from this sitting, which began at `start`."""
        if self.silent:
            return
        elapsed = time.monotonic() - self.began
        left = f"{elapsed * (1.0 - done) / (done - start) / 60:.0f} min left, " if done > start else ""
        words = f"step {step}, {left}{text}"
        if self.bar is not None:
            self.bar.update(0, completed=done, left=words)
        else:
            print(f"{time.strftime('%H:%M:%S')} {100 * done:5.1f} % {words}", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """A line of its own on standard error."""
        if self.silent:
            return
        if self.bar is not None:
            self.bar.console.print(text)
        else:
            print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
