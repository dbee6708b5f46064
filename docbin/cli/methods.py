"""``docbin methods``: the method table, for people and for programs."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import Annotated, Any

from docbin.cli.options import Argument, Option


def command(
    name: Annotated[str | None, Argument(metavar="[NAME]", help="One method. [default: all]", show_default=False)] = None,
    as_json: Annotated[bool, Option("--json", help="Print the table as JSON. [default: no]", show_default=False)] = False,
) -> None:
    """List every method by family, or show one: what it does, its parameters with default and range, its paper, and what it needs."""
    import docbin
    from docbin import catalogue
    from docbin.catalogue import DEFAULT

    rows = docbin.methods()
    if name is not None:
        catalogue.get(name)  # suggests near names
        rows = [row for row in rows if row["name"] == name] or catalogue.rows([catalogue.get(name)])
    if as_json:
        print(json.dumps(rows if name is None else rows[0], indent=2))
        return
    width = min(120, shutil.get_terminal_size().columns)
    families = list(dict.fromkeys(row["family"] for row in rows))
    for family in families:
        print(family.upper())
        for row in rows:
            if row["family"] == family:
                print("\n".join(_described(row, width, default=row["name"] == DEFAULT)))
        print()


def _described(row: dict[str, Any], width: int, *, default: bool) -> list[str]:
    """The lines of a method."""
    head = f"  {row['name']}" + (" (default)" if default else "")
    if not row["available"]:
        head += f" [not installed: pip install '{row['needs']}']"
    lines = [head, *textwrap.wrap(row["summary"], width, initial_indent="      ", subsequent_indent="      ")]
    for param in row["params"]:
        name = f"      -p {param['name']}={_value(param['default'])}"
        description = f"{_range(param)}{param['help']}"
        lines += textwrap.wrap(description, width, initial_indent=f"{name:<28}  ", subsequent_indent=" " * 30, break_on_hyphens=False)
    lines += textwrap.wrap(
        row["citation"], width, initial_indent="      Paper: ", subsequent_indent="             ", break_on_hyphens=False
    )
    return lines


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _range(param: dict[str, Any]) -> str:
    low, high = param["min"], param["max"]
    if low is None and high is None:
        return ""
    if high is None:
        return f"from {low:g}: "
    return f"up to {high:g}: " if low is None else f"{low:g} to {high:g}: "
