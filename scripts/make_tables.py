"""Write the tables of BENCHMARKS.md from the JSON files of ``docbin evaluate`` and ``docbin bench``.

A table stands between two markers that name it::

    <!-- table: classical -->
    <!-- end of table: classical -->

and what lies between them is never typed by hand. Run::

    docbin evaluate dibco2011 dibco2014 -m otsu -m sauvola --json out/classical.json
    python scripts/make_tables.py classical=out/classical.json

A speed table is made the same way of the JSON of ``docbin bench methods``, ``kernels`` or ``networks``. In an evaluation's table rows are
methods (with the parameters that tell two runs of one method apart), columns are benchmarks, cells are mean FM / pFM / PSNR /
DRD. Running it twice changes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

SCORES = (("fm", 2), ("pfm", 2), ("psnr", 2), ("drd", 2))


def markdown(results: Sequence[Mapping[str, Any]]) -> str:
    """Table of several results: a row a method, a column a dataset, both in the order they come; the best FM of a column is bold."""
    datasets = list(dict.fromkeys(result["dataset"] for result in results))
    params: dict[str, set[str]] = {}
    for result in results:
        params.setdefault(result["method"], set()).add(json.dumps(result["params"], sort_keys=True))
    rows: dict[str, dict[str, Mapping[str, Any]]] = {}
    for result in results:
        label = result["method"]
        if len(params[label]) > 1:
            label += " " + " ".join(f"{key}={value}" for key, value in result["params"].items())
        rows.setdefault(label, {})[result["dataset"]] = result
    pages = {name: {len(row[name]["images"]) for row in rows.values() if name in row} for name in datasets}
    heads = [f"{name} ({'/'.join(str(count) for count in sorted(pages[name]))})" for name in datasets]
    lines = [f"| method | {' | '.join(heads)} |", "|---" * (len(datasets) + 1) + "|"]
    best = {name: _highest(row[name] for row in rows.values() if name in row) for name in datasets}
    for label, row in rows.items():
        cells = [_cell(row.get(name), best[name]) for name in datasets]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    version = ", ".join(sorted({result["version"] for result in results}))
    lines.append("")
    lines.append(f"Mean FM / pFM / PSNR / DRD over the pages (number of pages in brackets), docbin {version}.")
    return "\n".join(lines)


def render(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table of whatever wrote `rows`: an evaluation or one of the benches; ValueError for anything else."""
    if not rows or "dataset" in rows[0]:
        return markdown(rows)
    if "peers" in rows[0]:
        from docbin.bench import methods

        return methods.show(rows)
    if "gmacs" in rows[0]:
        from docbin.bench import kernels

        return kernels.show(rows)
    if "runtime" in rows[0]:
        from docbin.bench import networks

        return networks.show(rows)
    raise ValueError("the JSON is neither of 'docbin evaluate' nor of 'docbin bench'")


def _highest(results: Iterable[Mapping[str, Any]]) -> float | None:
    return max((result["mean"]["fm"] for result in results if result["images"]), default=None)


def _cell(result: Mapping[str, Any] | None, best: float | None) -> str:
    if result is None or not result["images"]:
        return "-"
    mean = result["mean"]
    texts = ["inf" if mean[name] is None else f"{mean[name]:.{decimals}f}" for name, decimals in SCORES]
    if mean["fm"] == best:
        texts[0] = f"**{texts[0]}**"
    return " / ".join(texts)


def replace(text: str, name: str, table: str) -> str:
    """`text` with the table between the markers of `name` replaced; ValueError if they are not there exactly once and in order."""
    start, end = f"<!-- table: {name} -->", f"<!-- end of table: {name} -->"
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise ValueError(f"the markers '{start}' and '{end}' must stand there once each, in this order")
    head, rest = text.split(start)
    _, tail = rest.split(end)
    return f"{head}{start}\n{table}\n{end}{tail}"


def main(argv: Sequence[str] | None = None) -> int:
    """Replace the named tables; returns 0, or 1 with a message if a file or marker is missing."""
    parser = argparse.ArgumentParser(description="Write tables into BENCHMARKS.md from JSON files of 'docbin evaluate' and 'docbin bench'.")
    parser.add_argument(
        "tables", nargs="+", metavar="NAME=FILE.json", help="a table and the JSON file it is made of; repeat NAME to join files"
    )
    parser.add_argument("--into", type=Path, default=Path("BENCHMARKS.md"), help="the file with the markers (default: %(default)s)")
    given = parser.parse_args(argv)
    results: dict[str, list[Mapping[str, Any]]] = {}
    try:
        for entry in given.tables:
            name, equals, file = entry.partition("=")
            if not equals:
                raise ValueError(f"{entry}: wants NAME=FILE.json")
            results.setdefault(name, []).extend(json.loads(Path(file).read_text(encoding="utf-8")))
        text = given.into.read_text(encoding="utf-8")
        for name, rows in results.items():
            text = replace(text, name, render(rows))
        given.into.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"{given.into}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
