"""``docbin binarize``: parse, call :mod:`docbin.batch`, print."""

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

from docbin.catalogue import DEFAULT
from docbin.cli import messages
from docbin.errors import DocbinError, FileAccessError, UsageError

if TYPE_CHECKING:
    from docbin import batch
    from docbin.cli.teller import Teller


def command(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Files, folders (with all below), globs in quotes, or - for stdin.", show_default=False),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="A file for one input (.png .tif .pdf .pbm), a folder for many, - for stdout. "
            "[default: beside the input, page.jpg -> page.ink.png, scans/ -> scans.ink/; stdin to stdout]",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option("-m", "--method", metavar="METHOD", help=f"A name from 'docbin methods'. [default: {DEFAULT}]", show_default=False),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--param",
            metavar="KEY=VALUE",
            help="A parameter of the method; may be repeated. [default: as 'docbin methods' says]",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="png|tiff|pdf|pbm",
            help="1-bit PNG, CCITT G4 TIFF or PDF, or PBM. [default: PDF for PDF, TIFF for other files of several pages, else png]",
            show_default=False,
        ),
    ] = None,
    pages: Annotated[
        str | None, typer.Option("--pages", metavar="1-3,7", help="Pages to take from each file. [default: all]", show_default=False)
    ] = None,
    dpi: Annotated[
        float | None,
        typer.Option(
            "--dpi",
            metavar="N",
            help="Resolution to render PDF pages at, and of files that name none. [default: the file's own; PDF drawings 300]",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            metavar="N",
            help="Worker processes of one thread each; 1 works in this process with all threads. "
            "[default: 1 for a single page, else one a CPU (DOCBIN_THREADS), never more than there is work for]",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Keep what an earlier run finished with the same settings, do the rest. [default: no]", show_default=False
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE.jsonl", help="Write a line of JSON a page, replacing FILE. [default: none]", show_default=False
        ),
    ] = None,
    probability: Annotated[
        bool,
        typer.Option(
            "--probability",
            help="Write the method's 8-bit probability map instead of the ink (dark = ink). [default: no]",
            show_default=False,
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist. [default: no]", show_default=False)] = False,
    max_megapixels: Annotated[
        float | None,
        typer.Option(
            "--max-megapixels", metavar="N", help="Refuse larger pages, in millions of pixels. [default: 400]", show_default=False
        ),
    ] = None,
    page_timeout: Annotated[
        float | None,
        typer.Option(
            "--page-timeout",
            metavar="SECONDS",
            help="With several jobs, give a page up after this time. [default: 1800]",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print what would be written, a line a page, and write nothing. [default: no]", show_default=False),
    ] = False,
) -> int:
    """Turn pages into ink: black writing on white paper, one bit a pixel.

    Reads PNG, JPEG, TIFF, BMP, PNM, WebP, JPEG 2000, GIF and PDF. A TIFF of several pages gives such a TIFF, a PDF gives a PDF; with --format png or
    pbm every page is a file of its own (book.p0001.png). Folders are mirrored in OUT. Inputs are never overwritten.

    Exit codes: 0 all done; 6 some pages failed, the rest are done; where nothing could be done for one kind of reason, that reason's: 1 wrong usage,
    2 unreadable or refused input, 3 missing extra, 5 file access; 130 interrupted.

    docbin binarize page.jpg -o page.png

    docbin binarize scans/ -o out/ -m sauvola -p window=51 --report out.jsonl --resume
    """
    from docbin import batch

    for name, value in (("--jobs", jobs), ("--page-timeout", page_timeout)):
        if value is not None and not value > 0:
            raise UsageError(f"{name} {value:g}: a number above 0 is wanted")
    what = batch.settings(
        method, _parameters(param or []), format=format, pages=pages, dpi=dpi, max_megapixels=max_megapixels, probability=probability
    )
    with _terminated_like_interrupted(), tempfile.TemporaryDirectory(prefix="docbin-") as spool:
        plan = batch.plan(inputs, out, what, spool=Path(spool), overwrite=overwrite, resume=resume)
        _check_stdout(plan, dry_run)
        workers = jobs if jobs is not None else 1 if dry_run else _usual_jobs(plan)  # a plan is printed in order
        with _listener(dry_run) as listener:
            limit = batch.PAGE_SECONDS if page_timeout is None else page_timeout
            run = _run_with_data_stream if plan.to_stdout and not dry_run else batch.run
            summary = run(plan, jobs=workers, report=report, listener=listener, dry_run=dry_run, page_seconds=limit)
        _tell(summary, listener, plan, dry_run)
    return summary.exit_code


def _parameters(words: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"-p {word}: KEY=VALUE is wanted, for instance -p window=51")
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
    if plan.to_stdout and not dry_run and sys.stdout.isatty():
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
