"""``docbin list``: what a batch would do, as a work list on stdout."""

from __future__ import annotations

import sys
from typing import Annotated

from docbin.cli import batches, messages
from docbin.cli.options import Option


def command(
    inputs: batches.Inputs,
    count: Annotated[
        bool,
        Option(
            "--count/--no-count",
            help="Open TIFF, PDF and GIF files of this machine to count their pages. [default: yes]",
            show_default=False,
        ),
    ] = True,
) -> int:
    """Print a work list: a line of JSON a file of pages, with its uri, the name of its output, size, etag (time of change) and pages where they are
    known without opening an object.

    The list may be cut, joined, filtered and sorted with any tool. 'docbin binarize work.jsonl -o OUT' does it, or a part of it (--shard), on this
    machine or on a cluster (--engine ray).

    docbin list s3://archive/1871/ > work.jsonl

    docbin list scans/ > work.jsonl; docbin binarize work.jsonl -o out/ --shard 3/200
    """
    import msgspec

    from docbin.batch.inputs import STDIN, Refused, Skipped
    from docbin.cluster.listing import units
    from docbin.errors import UsageError

    if STDIN in inputs:
        raise UsageError("stdin cannot be listed: no other machine could read it; name files, folders or URLs")
    listed, codes = 0, []
    with batches.temporary_folder() as spool, messages.data_stream() as stream:
        for item in units(inputs, spool, count=count):
            if isinstance(item, Refused):
                messages.error(messages.one_line(str(item.error)))
                codes.append(item.error.exit_code)
            elif isinstance(item, Skipped):
                messages.warning(messages.one_line(f"{item.name}: {item.reason}"))
            else:
                stream.write(msgspec.json.encode(item) + b"\n")
                listed += 1
    sys.stdout.flush()
    messages.note(
        f"{listed} unit{'' if listed == 1 else 's'}" + (f", {len(codes)} input{'' if len(codes) == 1 else 's'} refused" if codes else "")
    )
    return 0 if not codes else codes[0] if not listed and len(set(codes)) == 1 else 6
