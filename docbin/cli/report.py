"""``docbin report merge``: the reports of many runs as one."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

from docbin.cli import batches, messages
from docbin.cli.options import Argument, Option
from docbin.errors import OutputExists, UsageError

if TYPE_CHECKING:
    from docbin.cluster.merged_report import Finished


def command(
    action: Annotated[str, Argument(metavar="merge", help="What to do; merge is all there is.", show_default=False)],
    reports: Annotated[
        list[str],
        Argument(
            metavar="REPORT...",
            help="Reports (.jsonl) and output folders of batches, as paths or URLs.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        Option("-o", "--out", metavar="FILE.jsonl|.csv", help="Where the merged report goes. [default: stdout, JSON]", show_default=False),
    ] = None,
    work: Annotated[
        str | None,
        Option(
            "--list",
            metavar="WORK.jsonl",
            help="The work list that was to be done; tells what is missing. [default: none]",
            show_default=False,
        ),
    ] = None,
    rest: Annotated[
        Path | None,
        Option(
            "--rest",
            metavar="FILE.jsonl",
            help="Write the units that failed or are missing as a work list. [default: none]",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace FILEs that exist. [default: no]", show_default=False)] = False,
) -> int:
    """Merge the reports of shards, of resumed runs and of output folders: one line a page, the best that is known of it (done before kept before
    failed, and of equals the last).

    Exit codes: 0 all pages done; 6 some failed or are missing; where nothing was done for one kind of reason, that reason's.

    docbin report merge shard-*.jsonl -o all.jsonl

    docbin report merge s3://archive/ink/ --list work.jsonl --rest rest.jsonl -o all.csv
    """
    from docbin.batch.record import CSV_COLUMNS, Summary, flat
    from docbin.cluster.merged_report import Finished, MergedReport, record_of
    from docbin.files.csv_line import csv_line

    if action != "merge":
        raise UsageError(f"docbin report {action}: there is 'docbin report merge REPORT...'")
    if rest is not None and work is None:
        raise UsageError("--rest: what is left of which list? give it with --list WORK.jsonl")
    for path in (out, rest):
        if path is not None and path.is_file() and not overwrite:
            raise OutputExists(f"{path}: it exists; give --overwrite to replace it, or another name")
    summary, finished = Summary(), Finished()
    csv = out is not None and out.suffix.lower() == ".csv"
    with batches.temporary_folder() as spool:
        merged = MergedReport(reports, spool)
        for name in merged.torn:
            messages.warning(messages.one_line(f"{name}: the last line is cut (its run was killed); left out"))
        with contextlib.ExitStack() as held:
            sink: IO[bytes] = held.enter_context(_whole(out)) if out is not None else held.enter_context(messages.data_stream())
            if csv:
                sink.write(csv_line(CSV_COLUMNS).encode())
            for fields in merged.lines():
                summary.add(record_of(fields))
                finished.add(fields)
                sink.write((csv_line(flat(fields)) if csv else json.dumps(fields) + "\n").encode(errors="surrogateescape"))
        finished.without(merged.parted)
        sys.stdout.flush()
        missing = _missing(finished, work, rest, spool)
    counts = summary.counts
    parts = [f"{counts[status]} {status}" for status in ("done", "kept", "planned", "skipped", "failed") if counts[status]]
    if work is not None:
        parts.append(f"{missing} unit{'' if missing == 1 else 's'} of {work} to do" if missing else f"all units of {work} are done")
    messages.note(messages.one_line(", ".join(parts) or "no pages"))
    return summary.exit_code or (6 if missing else 0)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there whole or not at all."""
    from docbin.files.atomic import AtomicFile

    file = AtomicFile(path)
    try:
        yield file.stream
    except BaseException:
        file.discard()
        raise
    file.commit()


def _missing(finished: Finished, work: str | None, rest: Path | None, spool: Path) -> int:
    """How many units of the list are not finished; they are written to `rest`."""
    from docbin.batch.batch_plan import local_list

    if work is None:
        return 0
    path = local_list(work, spool)
    with contextlib.ExitStack() as held:
        sink = held.enter_context(_whole(rest)) if rest is not None else None
        missing = 0
        for line in finished.missing(path, work):
            missing += 1
            if sink is not None:
                sink.write(line)
    return missing
