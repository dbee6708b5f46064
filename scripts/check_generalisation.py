"""Does a method hold on pages that nobody tuned it to? Scores on sets that are not test years, for choosing networks and settings.

    python scripts/check_generalisation.py --data-root DIR otsu sauvola wolf su bitunet runs/new --json out/check.json

* ``held-out``: the training pages that ``docbin.data.pages.split`` keeps back (share 0.15, seed 0), whole pages;
* ``nabuco``: 13 pages, a development check that no training sees;
* ``failing-kinds``: rendered pages of the kinds that methods are seen to fail on (:mod:`docbin.synth.page.failing_kinds`), three a kind;
* ``faded-kinds``: the same of writing that fades, is copied through, pencilled or wet (:mod:`docbin.synth.page.faded_kinds`), three a kind;
* ``figure-kinds``: the same of pages with drawings (:mod:`docbin.synth.page.figure_kinds`), three a kind.
  Beside FM, the recall of the *weak* part of the truth (the pencil beside the heading, the lone marks), and the share of its pieces found by half
  or more.

A method is a name, a model folder, or either with parameters: ``bitunet:threshold=0.4``. "behind" counts pages on which a method's FM is more than 2
below the best of otsu, sauvola, wolf and su, as far as these are among the methods. Methods that ``--reuse`` holds are not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from docbin import __version__, catalogue
from docbin.data.failing_pages import KINDS, FailingPages, weak_part
from docbin.data.pages import TRAINING_SETS, load_pages, split
from docbin.data.store import LabelledPage
from docbin.errors import DocbinError, UsageError
from docbin.metrics import score
from docbin.page import Mask
from docbin.polarity import upright
from docbin.synth.page.failing_kinds import CHECK_SEED

CLASSICAL = ("otsu", "sauvola", "wolf", "su")
BEHIND = 2.0  # FM below the best classical method that counts as falling behind it

Row = dict[str, Any]

SETS = ("held-out", "nabuco", *KINDS)


def parsed(spec: str) -> tuple[catalogue.Method, dict[str, Any]]:
    """A method and its parameters from ``NAME[:key=value,...]``; the name may be the path of a model folder."""
    name, _, settings = spec.rpartition(":") if ":" in spec and "=" in spec.rpartition(":")[2] else (spec, "", "")
    params = {}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"{spec}: NAME:key=value,key=value is wanted")
        params[key] = value
    method = catalogue.get(name)
    method.check_available()
    return method, method.parse(params)


def sets_of(names: Sequence[str], data_root: str | None, cache: str | None, numbers: int, seed: int) -> dict[str, list[LabelledPage]]:
    """The pages of each set asked for."""
    sets = {}
    if "held-out" in names:
        sets["held-out"] = split(load_pages(TRAINING_SETS, _wanted(data_root, "held-out"), cache), 0.15, 0)[1]
    if "nabuco" in names:
        sets["nabuco"] = load_pages(["nabuco"], _wanted(data_root, "nabuco"), cache)
    papers = Path(data_root, "paper") if data_root else None
    papers = papers if papers is not None and papers.is_dir() else None
    for name, kinds in KINDS.items():
        if name in names:
            sets[name] = FailingPages(numbers * len(kinds), seed, cache, papers, kinds, dataset=name).pages()
    return sets


def _wanted(data_root: str | None, name: str) -> str:
    if data_root is None:
        raise UsageError(f"{name}: its pages are not shipped; give --data-root, or --sets failing-kinds alone")
    return data_root


def scored(method: catalogue.Method, params: Mapping[str, Any], page: LabelledPage, rendered: bool) -> Row:
    """Scores of one page; a method that raises gets FM 0 and the message."""
    start = time.perf_counter()
    try:
        ink = method.binarize(upright(np.ascontiguousarray(page.image), "auto")[0], **params)
    except (DocbinError, ValueError) as error:
        return {"name": page.name, "fm": 0.0, "recall": 0.0, "precision": 0.0, "error": str(error)}
    seconds = time.perf_counter() - start
    scores = score(ink, page.truth, pseudo=False, distances=False)
    row: Row = {"name": page.name, "fm": scores.fm, "recall": scores.recall, "precision": scores.precision, "seconds": round(seconds, 3)}
    if rendered:
        row |= weak_recall(ink, weak_part(page))
    return row


def weak_recall(ink: Mask, weak: Mask) -> Row:
    """Recall of the weak part by pixel, and the share of its connected pieces (8 neighbours) of which half or more was found, in percent."""
    import cv2

    count, labels = cv2.connectedComponents(weak.view(np.uint8), connectivity=8)
    whole = np.bincount(labels.ravel(), minlength=count)[1:]
    found = np.bincount(labels[ink], minlength=count)[1:]
    return {
        "weak_recall": 100 * float(found.sum() / max(int(whole.sum()), 1)),
        "weak_pieces": 100 * float((2 * found >= whole).mean()) if count > 1 else 100.0,
    }


def kind_of(name: str) -> str:
    """The kind of a rendered page, from "failing-kinds/1000-pale-90-border-002"."""
    return name.rpartition("/")[2].partition("-")[2].rpartition("-")[0]


def behind(rows: Sequence[Row], classical: Sequence[Mapping[str, Row]]) -> int | None:
    """Pages on which the method falls more than BEHIND below the best classical one; None where there is none to compare with."""
    if not classical:
        return None
    return sum(bool(row["fm"] < max(one[row["name"]]["fm"] for one in classical) - BEHIND) for row in rows)


def summary(result: Row, others: Sequence[Row]) -> Row:
    """Means, worst pages and comparisons of one method's rows."""
    told: Row = {"method": result["method"]}
    for name, rows in result["sets"].items():
        classical = [
            {row["name"]: row for row in one["sets"][name]} for one in others if one["method"] in CLASSICAL and name in one["sets"]
        ]
        worst = min(rows, key=lambda row: row["fm"])
        told[name] = {
            "pages": len(rows),
            "fm": mean(rows, "fm"),
            "recall": mean(rows, "recall"),
            "worst": worst["name"],
            "worst_fm": worst["fm"],
            "behind": behind(rows, classical),
        }
        if name in KINDS:
            told[name]["kinds"] = {}
            for kind in KINDS[name]:
                own = [row for row in rows if kind_of(row["name"]) == kind]
                if own:
                    told[name]["kinds"][kind] = {key: mean(own, key) for key in ("fm", "weak_recall", "weak_pieces")}
    return told


def mean(rows: Sequence[Row], key: str) -> float:
    return float(np.mean([row.get(key, 0.0) for row in rows]))


def tables(told: Sequence[Row]) -> str:
    """The summaries as Markdown: one table of the sets, one of FM and one of weak recall by kind."""
    lines = []
    sets = [name for name in SETS if any(name in one for one in told)]
    lines.append("| method | " + " | ".join(f"{name} FM | worst page | behind" for name in sets) + " |")
    lines.append("|---" * (1 + 3 * len(sets)) + "|")
    for one in told:
        cells = []
        for name in sets:
            if name not in one:
                cells += ["", "", ""]
                continue
            part = one[name]
            place = part["worst"].removeprefix(f"{name}/")
            cells += [
                f"{part['fm']:.2f}",
                f"{part['worst_fm']:.1f} {place}",
                "-" if part["behind"] is None else f"{part['behind']} of {part['pages']}",
            ]
        lines.append(f"| {one['method']} | " + " | ".join(cells) + " |")
    for key, heading in (("fm", "FM"), ("weak_recall", "recall of the weak part"), ("weak_pieces", "pieces of the weak part found")):
        if any(name in one for one in told for name in KINDS):
            lines += ["", f"| {heading} | " + " | ".join(one["method"] for one in told) + " |", "|---" * (1 + len(told)) + "|"]
            for name, kinds in KINDS.items():
                for kind in kinds:
                    found = [one.get(name, {}).get("kinds", {}).get(kind) for one in told]
                    if any(found):
                        lines.append(f"| {kind} | " + " | ".join("" if part is None else f"{part[key]:.1f}" for part in found) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("methods", nargs="+", metavar="METHOD", help="a method's name or a model folder, with :key=value,... if wanted")
    parser.add_argument("--data-root", help="folder that holds the benchmarks, and paper/ with photographs of paper if there are any")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--cache", help="folder for decoded and rendered pages (default: the user's cache)")
    parser.add_argument("--numbers", type=int, default=3, help="rendered pages a kind (default %(default)s)")
    parser.add_argument("--seed", type=int, default=CHECK_SEED, help="of the rendered pages (default %(default)s, which no training uses)")
    parser.add_argument("--json", type=Path, help="write every page's scores and the summaries here, after every method")
    parser.add_argument("--reuse", type=Path, help="take methods that this earlier --json file holds, on the same pages, from there")
    options = parser.parse_args(argv)
    methods = {spec: parsed(spec) for spec in options.methods}
    sets = sets_of(options.sets, options.data_root, options.cache, options.numbers, options.seed)
    wanted = {name: [page.name for page in pages] for name, pages in sets.items()}
    earlier = json.loads(options.reuse.read_text())["methods"] if options.reuse else []
    results: list[Row] = []
    for spec, (method, params) in methods.items():
        known: Row = next((one for one in earlier if one["method"] == spec), {"sets": {}})
        result: Row = {"method": spec, "sets": {}}
        for name, pages in sets.items():
            rows = known["sets"].get(name, [])
            if [row["name"] for row in rows] != wanted[name]:
                rows = []
                for place, page in enumerate(pages, 1):
                    rows.append(scored(method, params, page, name in KINDS))
                    if sys.stderr.isatty():
                        print(f"\r{spec}: {name} {place} of {len(pages)}", end="", file=sys.stderr, flush=True)
                print(f"\r{spec}: {name}, {len(pages)} pages", file=sys.stderr)
            result["sets"][name] = rows
        results.append(result)
        if options.json:
            told = [summary(one, results) for one in results]
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(
                json.dumps({"version": __version__, "seed": options.seed, "summaries": told, "methods": results}, indent=1)
            )
    print(tables([summary(one, results) for one in results]))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DocbinError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
