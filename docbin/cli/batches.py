"""What the commands that work on many pages share: their options, and the way from a plan to a summary."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docbin.cli import messages
from docbin.errors import DocbinError, FileAccessError, UsageError

if TYPE_CHECKING:
    from docbin import batch
    from docbin.cli.teller import Teller

Inputs = Annotated[
    list[str],
    typer.Argument(metavar="INPUT", help="Files, folders (with all below), globs in quotes, or - for stdin.", show_default=False),
]
Pages = Annotated[
    str | None, typer.Option("--pages", metavar="1-3,7", help="Pages to take from each file. [default: all]", show_default=False)
]
Dpi = Annotated[
    float | None,
    typer.Option(
        "--dpi",
        metavar="N",
        help="Resolution to render PDF pages at, and of files that name none. [default: the file's own; PDF drawings 300]",
        show_default=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        help="Worker processes of one thread each; 1 works in this process with all threads. "
        "[default: 1 for a single page, else one a CPU (DOCBIN_THREADS), never more than there is work for]",
        show_default=False,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Keep what an earlier run finished with the same settings, do the rest. [default: no]", show_default=False
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.jsonl", help="Write a line of JSON a page, replacing FILE. [default: none]", show_default=False),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist. [default: no]", show_default=False)]
MaxMegapixels = Annotated[
    float | None,
    typer.Option("--max-megapixels", metavar="N", help="Refuse larger pages, in millions of pixels. [default: 400]", show_default=False),
]
PageTimeout = Annotated[
    float | None,
    typer.Option(
        "--page-timeout", metavar="SECONDS", help="With several jobs, give a page up after this time. [default: 1800]", show_default=False
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what would be written, a line a page, and write nothing. [default: no]", show_default=False),
]


def run(
    inputs: Sequence[str],
    out: str | None,
    what: batch.Settings,
    *,
    jobs: int | None,
    resume: bool,
    report: Path | None,
    overwrite: bool,
    page_timeout: float | None,
    dry_run: bool,
) -> int:
    """Plan the batch, run it, tell of it; returns the exit code."""
    from docbin import batch

    with _terminated_like_interrupted(), tempfile.TemporaryDirectory(prefix="docbin-") as spool:
        plan = batch.plan(inputs, out, what, spool=Path(spool), overwrite=overwrite, resume=resume)
        _check_stdout(plan, dry_run)
        workers = jobs if jobs is not None else 1 if dry_run else _usual_jobs(plan)  # a plan is printed in order
        with _listener(dry_run) as listener:
            limit = batch.PAGE_SECONDS if page_timeout is None else page_timeout
            start = _run_with_data_stream if plan.to_stdout and not dry_run else batch.run
            summary = start(plan, jobs=workers, report=report, listener=listener, dry_run=dry_run, page_seconds=limit)
        _tell(summary, listener, plan, dry_run)
    return summary.exit_code


def check_positive(jobs: int | None, page_timeout: float | None) -> None:
    """UsageError where a number that must be above 0 is not."""
    for name, value in (("--jobs", jobs), ("--page-timeout", page_timeout)):
        if value is not None and not value > 0:
            raise UsageError(f"{name} {value:g}: a number above 0 is wanted")


def parameters(words: Sequence[str]) -> dict[str, str]:
    """``-p KEY=VALUE`` words as a mapping."""
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"-p {word}: KEY=VALUE is wanted, for instance -p threshold=0.4")
        if name in given:
            raise UsageError(f"-p {word}: {name} was given before, as {given[name]}; give it once")
        given[name] = value
    return given


def _usual_jobs(plan: batch.Plan) -> int:
    """A process a CPU, but no more than there are inputs, or pages in the only one; a single page is fastest in this process."""
    from docbin.batch import Job
    from docbin.files import open_pages
    from docbin.kernels import threads

    work = len(plan.jobs)
    if work == 1 and isinstance(plan.jobs[0], Job):
        try:
            with open_pages(plan.jobs[0].source.path) as file:
                work = file.count
        except DocbinError:
            work = 1
    return max(1, min(threads(), work))


def _check_stdout(plan: batch.Plan, dry_run: bool) -> None:
    if plan.to_stdout and not dry_run and plan.settings.task == "binarize" and sys.stdout.isatty():
        raise UsageError("the result would go to this terminal; name a file with -o, or redirect stdout")


def _run_with_data_stream(plan: batch.Plan, **options: Any) -> batch.Summary:
    """Run a plan whose one result goes to stdout: only a finished file is copied there."""
    from docbin import batch

    with messages.data_stream() as stream:
        summary = batch.run(plan, **options)
        result = plan.stdout_file()
        if result is not None:
            try:
                with result.open("rb") as source:
                    shutil.copyfileobj(source, stream)
                stream.flush()
            except BrokenPipeError:
                raise FileAccessError("stdout: cannot write: the program reading it has gone") from None
            except OSError as error:
                from docbin.files.access import access_error

                raise access_error(error, "stdout", "write") from error
    return summary


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM (a batch system's time limit) ends a batch as Ctrl-C does: finished pages kept, unfinished files removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _listener(dry_run: bool) -> Iterator[Teller]:
    """A listener, with a progress bar where somebody looks at it."""
    from docbin.cli.teller import Teller

    if dry_run or messages.loudness() < 0 or not sys.stderr.isatty():
        yield Teller(dry_run)
        return
    from docbin.cli.bar import PageBar

    with PageBar() as bar, messages.printing_with(bar.print):
        yield Teller(dry_run, bar)


def _tell(summary: batch.Summary, listener: Teller, plan: batch.Plan, dry_run: bool) -> None:
    """The summary line, on stderr."""
    counts = summary.counts
    done, kept, failed = counts["done"], counts["kept"], counts["failed"]
    if dry_run:
        messages.note(f"dry run: {_pages(counts['planned'])} to do, {kept} done before, {failed} would fail")
        return
    if not done and not kept and failed == 1:
        return  # the error has said it all
    folder = next(iter(plan.homes)) if len(plan.homes) == 1 and len(plan.jobs) > 1 else None
    parts = []
    if done == 1 and not kept and not failed and listener.output != "-":
        parts.append(f"{listener.output} ({summary.seconds:.1f} s)")
    elif done:
        into = f" into {folder}/" if folder is not None else ""
        speed = f" ({done / summary.seconds:.1f} pages/s)" if done > 1 else ""
        parts.append(f"{_pages(done)}{into} in {summary.seconds:.1f} s{speed}")
    parts += [f"{_pages(kept)} done before"] * (kept > 0) + [f"{summary.suspect} suspect"] * (summary.suspect > 0)
    parts += [f"{_pages(failed)} failed"] * (failed > 0)
    messages.note(", ".join(parts))


def _pages(count: int) -> str:
    return f"{count} page{'' if count == 1 else 's'}"
