"""``docbin bench``: speed on this machine, beside what a user could pick instead."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from docbin.cli import messages
from docbin.errors import UsageError

BENCHES: Mapping[str, str] = {
    "methods": "docbin.bench.methods",
    "kernels": "docbin.bench.kernels",
}
"""What can be measured -> a module with ``run() -> rows`` (plain data) and ``show(rows) -> str``."""


def command(
    what: Annotated[str, typer.Argument(metavar="|".join(BENCHES), help=f"What to measure. [default: {next(iter(BENCHES))}]")] = next(
        iter(BENCHES)
    ),
    json_file: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write the rows as JSON too; - prints them instead of the table. [default: none]"),
    ] = None,
) -> None:
    """Measure speed: docbin and its peers in turns, one thread each, the same page and parameters. Takes a minute or two."""
    if what not in BENCHES:
        raise UsageError(f"bench {what!r}: choose from {', '.join(BENCHES)}")
    bench: Any = importlib.import_module(BENCHES[what])
    messages.note("measuring; leave the machine alone meanwhile")
    rows = bench.run()
    text = json.dumps(rows, indent=2)
    if json_file == "-":
        print(text)
        return
    print(bench.show(rows))
    if json_file is not None:
        from docbin.files.access import access_error

        try:
            Path(json_file).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise access_error(error, json_file, "write") from error
    sys.stdout.flush()
