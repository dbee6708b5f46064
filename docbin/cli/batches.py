"""What the commands that work on many pages share: their options (:class:`BatchOptions`), and the way from a plan to a summary."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

from docbin.cli import early_worker, messages
from docbin.cli.options import Argument, Option, own_parameters, parameter
from docbin.errors import DocbinError, FileAccessError, UsageError

if TYPE_CHECKING:
    from docbin import batch
    from docbin.cli.listener import ConsoleListener
    from docbin.processes.child import Child

TEMPORARY_PREFIX = "docbin-run-"
QUICK_FAMILIES = ("global threshold", "local threshold")
"""Families of methods that do a page in less time than a process takes to start."""
PAGES_A_QUICK_JOB = 16
"""So many pages of a quick method are worth a process more."""
QUICK_MEGABYTES = 40.0
"""Inputs of more megabytes together are worth processes with any method."""

Inputs = Annotated[
    list[str],
    Argument(
        metavar="INPUT...",
        help="Files, folders (with all below), globs in quotes, URLs, tar archives of pages, a work list (.jsonl of 'docbin list'), or - for stdin.",
        show_default=False,
    ),
]
Params = Annotated[
    list[str] | None,
    Option(
        "-p",
        "--param",
        metavar="KEY=VALUE",
        help="A parameter of the method; may be repeated. [default: as 'docbin methods' says]",
        show_default=False,
    ),
]
PictureFormat = Annotated[
    str | None,
    Option(
        "--format",
        metavar="png|tiff|jpeg|pdf",
        help="[default: PDF for PDF, TIFF for other files of several pages, else png]",
        show_default=False,
    ),
]
PdfWay = Annotated[
    str,
    Option(
        "--pdf",
        metavar="replace|rebuild",
        help="PDF to PDF: the same document, its scans replaced, text and links kept; or a new one of the results alone, drawn pages rendered. "
        "[default: replace]",
        show_default=False,
    ),
]
BreakSignatures = Annotated[
    bool,
    Option("--break-signatures", help="Change signed PDFs too, and take their signatures out. [default: no]", show_default=False),
]
Enlarge = Annotated[
    str,
    Option(
        "--enlarge",
        metavar="auto|1|2",
        help="Twice the pixels a side, ink decided on them, resolution doubled; auto: where letters are low (12 pixels, faded ones 20). [default: 1]",
        show_default=False,
    ),
]
SecondLook = Annotated[
    str,
    Option(
        "--second-look",
        metavar="auto|off",
        help="Whole lines that a network left out are shown to it once more, and told; off: its ink stays as it is. [default: auto]",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """The options of every command that works on many pages, in the order of its help; :func:`batch_command` gives them to one."""

    pages: Annotated[
        str | None,
        Option("--pages", metavar="1-3,7", help="Pages to take from each file, in this order. [default: all]", show_default=False),
    ] = None
    dpi: Annotated[
        float | None,
        Option(
            "--dpi",
            metavar="N",
            example=300,
            help="Resolution to render PDF pages at, and of files that name none. [default: the file's own; PDF drawings 300]",
            show_default=False,
        ),
    ] = None
    jobs: Annotated[
        int | None,
        Option(
            "--jobs",
            "-j",
            metavar="N",
            example=2,
            help="Worker processes; 1 has all threads, of several each has one. "
            "[default: by the work: 1 for little, else up to one a CPU (DOCBIN_THREADS)]",
            show_default=False,
        ),
    ] = None
    resume: Annotated[
        bool,
        Option("--resume", help="Keep what an earlier run finished with the same settings, do the rest. [default: no]", show_default=False),
    ] = False
    report: Annotated[
        str | None,
        Option(
            "--report",
            metavar="FILE.jsonl|.csv",
            help="Write a line a page, JSON or CSV, replacing FILE (or an object at a URL, at the end). [default: none]",
            show_default=False,
        ),
    ] = None
    overwrite: Annotated[bool, Option("--overwrite", help="Replace outputs that exist. [default: no]", show_default=False)] = False
    max_megapixels: Annotated[
        float | None,
        Option(
            "--max-megapixels",
            metavar="N",
            example=100,
            help="Refuse larger pages, in millions of pixels. [default: 400]",
            show_default=False,
        ),
    ] = None
    page_timeout: Annotated[
        float | None,
        Option(
            "--page-timeout",
            metavar="SECONDS",
            example=600,
            help="Give a page up after this time. [default: 1800, of which 300 to read it]",
            show_default=False,
        ),
    ] = None
    dry_run: Annotated[
        bool,
        Option("--dry-run", help="Print what would be written, a line a page, and write nothing. [default: no]", show_default=False),
    ] = False
    shard: Annotated[
        str | None,
        Option(
            "--shard",
            metavar="I/N",
            help="Do the I-th of N parts of the files (1/N to N/N, or 0/N to N-1/N); auto/N takes I from a job array's environment. "
            "[default: all]",
            show_default=False,
        ),
    ] = None
    engine: Annotated[
        str,
        Option(
            "--engine",
            metavar="local|ray",
            help="Work on this machine, or on a Ray cluster (RAY_ADDRESS; docbin[cluster]). [default: local]",
            show_default=False,
        ),
    ] = "local"

    def of_job(self) -> dict[str, Any]:
        """Those that every job takes when it is created."""
        return {"pages": self.pages, "dpi": self.dpi, "max_megapixels": self.max_megapixels}


def batch_command(command: Callable[..., int]) -> Callable[..., int]:
    """`command`, a function of its own options and of ``options: BatchOptions``, as one whose parameters are both: those of a
    :class:`BatchOptions` last."""
    hints = typing.get_type_hints(BatchOptions, include_extras=True)
    shared = [parameter(field.name, hints[field.name], field.default) for field in fields(BatchOptions)]

    @functools.wraps(command)
    def called(**given: Any) -> int:
        options = BatchOptions(**{one.name: given.pop(one.name) for one in shared})
        return command(**given, options=options)

    called.parameters = [*own_parameters(command, but="options"), *shared]  # type: ignore[attr-defined]
    return called


def run(
    inputs: Sequence[str],
    out: str | None,
    make_job: Callable[[], batch.Job],
    options: BatchOptions,
) -> int:
    """Plan the batch, run it, print how it went; returns the exit code."""
    jobs, dry_run = options.jobs, options.dry_run
    check_positive(jobs, options.page_timeout)
    if options.engine not in ("local", "ray"):
        raise UsageError(f"--engine {options.engine}: there are local and ray")
    with _stopped_like_interrupted(), temporary_folder() as spool, _worker(jobs) as worker:
        from docbin import batch

        job = make_job()
        shard = None if options.shard is None else batch.Shard.parse(options.shard)
        plan = batch.plan(inputs, out, job, spool=spool, overwrite=options.overwrite, resume=options.resume, shard=shard)
        _check_stdout(plan, dry_run)
        with _listener(dry_run) as listener, _report_file(options.report, spool) as report:
            try:
                if options.engine == "ray" and not dry_run:
                    from docbin.cluster import ray_engine

                    summary = ray_engine.run(plan, jobs=jobs, report=report, listener=listener, page_seconds=options.page_timeout)
                else:
                    start = _run_with_data_stream if plan.to_stdout and not dry_run else batch.run
                    summary = start(
                        plan,
                        jobs=jobs if jobs is not None else 1 if dry_run else _usual_jobs(plan),  # a plan is printed in order
                        report=report,
                        listener=listener,
                        dry_run=dry_run,
                        page_seconds=options.page_timeout,
                        worker=worker,
                    )
            finally:
                listener.finish()
        _print_summary(summary, listener, plan, dry_run)
    return summary.exit_code


@contextmanager
def _worker(jobs: int | None) -> Iterator[Child]:
    """The child process that started while this one read its arguments, or one that starts now."""
    from docbin.processes.child import Child

    child = early_worker.take() or Child(one_thread=jobs is not None and jobs > 1, preload=early_worker.PRELOAD)
    try:
        yield child
    finally:
        child.kill()


@contextmanager
def _report_file(word: str | None, spool: Path) -> Iterator[Path | None]:
    """Where the report is written; one at a URL lies on this machine until the batch ends, however it ends."""
    from docbin.files.remote_path import RemotePath, place

    path = None if word is None else place(word)
    if not isinstance(path, RemotePath):
        yield path
        return
    local = spool / f"report{path.suffix}"
    try:
        yield local
    finally:
        if local.exists():
            from docbin.files import object_store

            object_store.put(path, local.read_bytes(), replace=True)


def check_positive(jobs: int | None, page_timeout: float | None) -> None:
    """UsageError where a number that must be above 0 is not."""
    for name, value in (("--jobs", jobs), ("--page-timeout", page_timeout)):
        if value is not None and not value > 0:
            raise UsageError(f"{name} {value:g}: a number above 0 is wanted")


def _usual_jobs(plan: batch.Plan) -> int:
    """A process a CPU, but no more than there is work for: starting one costs what some pages of a quick method do."""
    from docbin import batch
    from docbin.files.kinds import PDF_WINDOW, SEVERAL_PAGES, TAR_SUFFIX, sniff
    from docbin.files.remote_path import RemotePath
    from docbin.kernels import threads

    planned = [file for file in itertools.islice(plan.files, 1000) if isinstance(file, batch.PlannedFile)]
    work = len(plan.files) if len(plan.files) > 1000 else len(planned)
    size = sum(file.source.size or 0 for file in planned) / 1e6
    path = planned[0].source.path if work == 1 else None
    if isinstance(path, RemotePath) and path.suffix.lower() == TAR_SUFFIX:
        work = threads()  # to count its pages is to fetch it
    elif path is not None and (isinstance(path, RemotePath) or sniff(_first_bytes(path, PDF_WINDOW)) in SEVERAL_PAGES):
        from docbin.files import open_pages

        try:
            with open_pages(path) as file:
                work = file.count
        except DocbinError:
            work = 1
    quick = plan.job.row.family in QUICK_FAMILIES
    return max(1, min(threads(), work // PAGES_A_QUICK_JOB if quick and size < QUICK_MEGABYTES else work))


def _first_bytes(path: Path, count: int) -> bytes:
    """The beginning of a file, nothing where it cannot be read: its page will say so."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""


def _check_stdout(plan: batch.Plan, dry_run: bool) -> None:
    if plan.to_stdout and not dry_run and plan.job.task in ("binarize", "clean", "enhance") and sys.stdout.isatty():
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
def _stopped_like_interrupted() -> Iterator[None]:
    """SIGTERM (a batch system's time limit) and SIGHUP (a terminal that goes away) end a batch as Ctrl-C does: finished pages kept, unfinished files
    removed. While that is done, a second Ctrl-C does not tear it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        for each in before:
            if each != signal.SIGINT or number == signal.SIGINT:
                signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    wanted = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []), signal.SIGINT]
    before = {number: signal.getsignal(number) for number in wanted}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}  # nohup, a shell's background job
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for stdin's bytes and for what goes to stdout; those that killed runs left are removed."""
    from docbin.files.access import access_error

    try:
        remove_left_folders()
        folder = tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, ignore_cleanup_errors=True)
        lock = (Path(folder.name) / ".lock").open("wb")
    except OSError as error:
        raise access_error(error, str(error.filename or "the folder for temporary files"), "write") from error
    with folder as name, lock:
        _take_lock(lock)
        yield Path(name)


def remove_left_folders() -> None:
    """Remove temporary folders of docbin whose process was killed: it holds a lock as long as it lives."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*"):
        with contextlib.suppress(OSError):
            if not folder.is_symlink() and folder.stat().st_uid == os.getuid() and time.time() - folder.stat().st_mtime > 60:
                with (folder / ".lock").open("rb+") as lock:
                    if _take_lock(lock):
                        shutil.rmtree(folder, ignore_errors=True)


def _take_lock(file: IO[bytes]) -> bool:
    """Whether the lock of a folder could be taken; False where there are no locks."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


@contextmanager
def _listener(dry_run: bool) -> Iterator[ConsoleListener]:
    """A listener, with a progress bar where somebody looks at it."""
    from docbin.cli.listener import ConsoleListener

    if dry_run or messages.loudness() < 0 or not sys.stderr.isatty():
        yield ConsoleListener(dry_run)
        return
    from docbin.cli.progress_bar import PageBar

    with PageBar() as bar, messages.printing_with(bar.print):
        yield ConsoleListener(dry_run, bar)


def _print_summary(summary: batch.Summary, listener: ConsoleListener, plan: batch.Plan, dry_run: bool) -> None:
    """The summary line, on stderr."""
    counts = summary.counts
    done, kept, failed = counts["done"], counts["kept"], counts["failed"]
    if dry_run:
        messages.note(f"dry run: {_pages(counts['planned'])} to do, {kept} done before, {failed} would fail")
        return
    if not done and not kept and failed == 1:
        return  # the error has said it all
    folder = next(iter(plan.folders)) if len(plan.folders) == 1 and len(plan.files) > 1 else None
    parts = []
    if done and not kept and not failed and len(listener.outputs) == 1 and listener.outputs != ["-"]:
        pages = f"{_pages(done)} in " if done > 1 else ""
        parts.append(f"{messages.one_line(listener.outputs[0])} ({pages}{summary.seconds:.1f} s)")
    elif done:
        into = f" into {messages.one_line(str(folder))}/" if folder is not None else ""
        speed = f" ({messages.speed(done / summary.seconds)})" if done > 1 else ""
        parts.append(f"{_pages(done)}{into} in {summary.seconds:.1f} s{speed}")
    parts += [f"{_pages(summary.drawn)} drawn, not scanned, and left as {'it is' if summary.drawn == 1 else 'they are'}"] * (
        summary.drawn > 0
    )
    parts += [f"{_pages(kept)} done before"] * (kept > 0) + [f"{summary.suspect} suspect"] * (summary.suspect > 0)
    parts += [f"{summary.low} below the quality asked"] * (summary.low > 0)
    parts += [f"{_pages(failed)} failed"] * (failed > 0)
    messages.note(", ".join(parts) or "no page to do")
    if summary.suspect > 1:
        for kind, count in summary.kinds.most_common():
            messages.note(f"{count:>6} {'page ' if count == 1 else 'pages'} {kind}")


def _pages(count: int) -> str:
    return f"{count} page{'' if count == 1 else 's'}"
