"""``docbin models``: the trained models, for people and for programs."""

from __future__ import annotations

import json
from typing import Annotated, Any

from docbin.cli.options import Argument, Option
from docbin.errors import FileAccessError, InputError, UsageError


def command(
    words: Annotated[
        list[str] | None,
        Argument(
            metavar="[NAME]",
            help="A model of docbin, or the path of a model folder. [default: a list of all]",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON. [default: no]", show_default=False)] = False,
) -> None:
    """List the trained models with what runs them here, or show one: its card and its config. MB (of JSON: bytes) are those of the weights."""
    from docbin.zoo import folders

    name = _name(words or [])
    if name is not None:
        config = folders.load_config(name)
        row = _row(config)
        print(json.dumps({**row, "card": config.card()}, indent=2, ensure_ascii=False) if as_json else _shown(row, config.card()))
        return
    rows = []
    for model in folders.names():
        try:
            rows.append(_row(folders.load_config(model)))
        except (InputError, FileAccessError, UsageError) as error:  # of this model; what is wrong with the install is said once
            rows.append({"name": model, "available": False, "error": str(error)})
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    print("\n".join(_line(row) for row in rows) or "No trained model is in this install.")


def _name(words: list[str]) -> str | None:
    """The model asked for: ``NAME``, or as it was written once, ``show NAME``; ``list`` alone is the list."""
    if words in ([], ["list"]):
        return None
    if words == ["show"]:
        raise UsageError("docbin models show: which? 'docbin models' lists them")
    names = words[1:] if words[0] in ("show", "list") else words
    if len(names) > 1 or words[0] == "list":
        raise UsageError(f"one name is wanted, got {' '.join(words)}; 'docbin models NAME' shows one")
    return names[0]


def _row(config: Any) -> dict[str, Any]:
    """A model as plain data."""
    from dataclasses import asdict

    from docbin.zoo import runtimes

    runtime = runtimes.choose(config)
    fields = {key: value for key, value in asdict(config).items() if key not in ("folder", "name")}
    return {
        "name": config.name,
        "folder": str(config.folder),
        "bytes": config.size(),
        "numbers": config.numbers,
        "runtime": runtime.name,
        "runtimes": [*runtimes.able(config)],
        "available": runtime.installed,
        "needs": f"docbin[{runtime.extra}]" if runtime.extra else None,
        **fields,
    }


def _line(row: dict[str, Any]) -> str:
    """A model in two lines."""
    if "error" in row:
        return f"{row['name']} [damaged: {row['error']}]"
    how = f"runs with {row['runtime']}" if row["available"] else f"not installed: pip install '{row['needs']}'"
    what = f"{row['task']}, {row['net']}, {row['numbers']:,} weights, {row['bytes'] / 1e6:.1f} MB"
    return f"{row['name']} ({what}) [{how}]\n    {row['summary']}"


def _shown(row: dict[str, Any], card: str) -> str:
    """A model at length."""
    lines = [_line(row), f"    Paper: {row['citation']}", f"    Folder: {row['folder']}", f"    Runtimes: {', '.join(row['runtimes'])}"]
    lines += [f"    {key} = {value}" for key, value in row["variant"].items()]
    return "\n".join([*lines, "", card.rstrip()])
