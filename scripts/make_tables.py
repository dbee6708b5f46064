"""Write the tables of BENCHMARKS.md from the JSON files of ``docbin evaluate`` and ``docbin bench``.

A table stands between two markers that name it::

    <!-- table: classical -->
    <!-- end of table: classical -->

and what lies between them is never typed by hand. Run::

    docbin evaluate dibco2011 dibco2014 -m otsu -m sauvola --json out/classical.json
    python scripts/make_tables.py classical=out/classical.json

The means of methods with their default settings go into ``datasets/scores.json`` beside BENCHMARKS.md as well, in place of their old ones: the demo
shows them.

A speed table is made the same way of the JSON of ``docbin bench methods``, ``kernels``, ``networks`` or ``engine``, the table and figure of the 1-bit
methods of that of ``scripts/compare_quantizers.py``, that of PDFs' sizes of ``scripts/compare_pdf_sizes.py``, that of detectors beside others' of
``scripts/compare_detectors.py``, the table of published scores of ``datasets/published/scores.toml``. In a table of scores rows are methods (with the
parameters that tell two runs of one method apart), columns are benchmarks, cells are mean FM / pFM / PSNR / DRD; of our own runs also the FM averaged
over the benchmarks, the seconds a page and the megabytes of the weights. Rows of ``bench methods`` and ``networks`` together make the picture of
quality against time, with the F-measures of ``datasets/scores.json``. Running it twice changes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from docbin.zoo import cards

FIGURE = "app/assets/quantizers.svg"
"""Of the comparison of quantizers, beside the file with the markers."""
PARETO = "app/assets/quality-and-time.svg"
"""Of all methods that ship."""
KEPT = Path("datasets/scores.json")
"""Mean scores of all evaluated methods, in the checkout."""
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
    heads += ["mean FM", "s a page", "MB"]
    lines = [f"| method | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    best = {name: _highest(row[name] for row in rows.values() if name in row) for name in datasets}
    means = {label: _mean_fm(row, datasets) for label, row in rows.items()}
    highest = max((mean for mean in means.values() if mean is not None), default=None)
    for label, row in rows.items():
        cells = [_cell(row.get(name), best[name]) for name in datasets]
        mean = means[label]
        cells += ["-" if mean is None else f"**{mean:.2f}**" if mean == highest else f"{mean:.2f}", _seconds(row.values())]
        cells.append(_megabytes(next(iter(row.values()))["method"]))
        lines.append(f"| {label} | {' | '.join(cells)} |")
    version = ", ".join(sorted({result["version"] for result in results}))
    lines.append("")
    lines.append(
        "Mean FM / pFM / PSNR / DRD over the pages (number of pages in brackets), FM averaged over the benchmarks, seconds a page while "
        f"they were scored, megabytes of weights, docbin {version}."
    )
    return "\n".join(lines)


def detectors(results: Sequence[Mapping[str, Any]]) -> str:
    """Table of results of detectors: a row a detector and dataset."""
    lines = ["| detector | dataset (pictures) | counted by | precision | recall | F | s a picture | MB |", "|---" * 8 + "|"]
    for result in results:
        scores = " | ".join(f"{result['mean'][key]:.1f}" for key in ("precision", "recall", "f"))
        where = f"{result['dataset']} ({len(result['images'])}) | {result['protocol']}"
        lines.append(f"| {result['method']} | {where} | {scores} | {_seconds([result])} | {_megabytes(result['method'])} |")
    version = ", ".join(sorted({result["version"] for result in results}))
    told = f"Percent of all words together, seconds a picture while they were scored, megabytes of weights, docbin {version}."
    return "\n".join([*lines, "", told])


def readings(results: Sequence[Mapping[str, Any]]) -> str:
    """Table of 'docbin evaluate --ocr': a row a method, a column a kind of page; character error in order and as a bag, and the difference to raw."""
    from docbin.evaluate.judges.ocr_judge import interval

    rows = {result["method"]: result for result in results}
    kinds = list(dict.fromkeys(image["kind"] for result in results for image in result["images"]))
    pages = {kind: max(sum(image["kind"] == kind for image in result["images"]) for result in results) for kind in kinds}
    heads = [f"{kind or 'pages'} ({pages[kind]})" for kind in kinds] + [f"all ({sum(pages.values())})", "all, less raw (95 %)"]
    raw = {image["name"]: image for image in rows["raw"]["images"]} if "raw" in rows else {}
    means = {
        name: [_reading([image for image in row["images"] if kind in (None, image["kind"])]) for kind in (*kinds, None)]
        for name, row in rows.items()
    }
    best = [min((row[place][0] for row in means.values() if row[place]), default=None) for place in range(len(kinds) + 1)]
    lines = [f"| method | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name, row in rows.items():
        cells = []
        for place, mean in enumerate(means[name]):
            if not mean:
                cells.append("-")
                continue
            text = f"{mean[0]:.1f}"
            cells.append(f"{f'**{text}**' if mean[0] == best[place] else text} ({mean[1]:.1f})")
        both = [(image["cer"] - raw[image["name"]]["cer"], image["source"]) for image in row["images"] if image["name"] in raw]
        if name == "raw" or not both:
            cells.append("-")
        else:
            low, high = interval([difference for difference, _ in both], [source for _, source in both])
            cells.append(f"{sum(difference for difference, _ in both) / len(both):+.1f} ({low:+.1f} to {high:+.1f})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    version = ", ".join(sorted({result["version"] for result in results}))
    return "\n".join(
        [
            *lines,
            "",
            "Character error in percent, mean over the pages (number of pages in brackets), and in brackets that of the bag of characters, which no "
            "reading order disturbs. Last column: the difference to the page as it came, and where it lies with 95 percent if the sources (books, "
            f"hands) are resampled. docbin {version}.",
        ]
    )


def _reading(images: Sequence[Mapping[str, Any]]) -> tuple[float, float] | None:
    if not images:
        return None
    return sum(image["cer"] for image in images) / len(images), sum(image["bag_cer"] for image in images) / len(images)


def published(table: Mapping[str, Any]) -> str:
    """Table of ``datasets/published/scores.toml``: a row a method, a column a test year, and what each learned from; ValueError for odd rows."""
    protocols: Mapping[str, str] = table["protocols"]
    datasets = sorted({key for row in table["rows"] for key in row if key.startswith("dibco")})
    lines = [f"| method | {' | '.join(datasets)} | learned from | source | note |", "|---" * (len(datasets) + 4) + "|"]
    for row in table["rows"]:
        cells = [_published_cell(row[name], row) if name in row else "-" for name in datasets]
        unknown = set(row) - {"method", "protocol", "mark", "source", "note", "pfm2010", *datasets}
        if unknown or row["mark"] not in ("read", "re-measured") or row["protocol"] not in protocols:
            raise ValueError(f"published row {row['method']!r}: unknown {', '.join(unknown) or 'mark or protocol'}")
        source = f"{row['source']}, re-measured" if row["mark"] == "re-measured" else row["source"]
        lines.append(f"| {row['method']} | {' | '.join(cells)} | {row['protocol']} | {source} | {row.get('note', '')} |")
    learned = "; ".join(f"{name}: {protocols[name]}" for name in protocols)
    return "\n".join([*lines, "", f"FM / pFM / PSNR / DRD, \\* the pseudo-FM of 2010, - not given. Learned from: {learned}."])


def pdf_sizes(rows: Sequence[Mapping[str, Any]]) -> str:
    """Table of ``scripts/compare_pdf_sizes.py``: a row a page, kilobytes in each form, and how alike the paper of the last two is."""
    forms = {"jpeg": "JPEG", "g4": "G4", "jbig2": "JBIG2", "layers": "layers", "ocrmypdf": "OCRmyPDF -O3"}
    heads = ["page", "megapixels", *(f"{form}, kB" for form in forms.values()), "JPEG / layers", "paper, layers", "paper, OCRmyPDF", "s"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]

    def cells(bytes_of: Mapping[str, float], alike: Mapping[str, float]) -> list[str]:
        sizes = [f"{bytes_of[form] / 1000:.0f}" if form in bytes_of else "-" for form in forms]
        likeness = [f"{alike[form]:.3f}" if form in alike else "-" for form in ("layers", "ocrmypdf")]
        return [*sizes, f"{bytes_of['jpeg'] / bytes_of['layers']:.1f}", *likeness]

    for row in rows:
        values = [row["pdf_sizes"], f"{row['megapixels']:.1f}", *cells(row["bytes"], row["likeness"]), f"{row['seconds']:.2f}"]
        lines.append(f"| {' | '.join(values)} |")
    whole = {form: sum(row["bytes"][form] for row in rows) for form in forms if all(form in row["bytes"] for row in rows)}
    means = {form: sum(row["likeness"][form] for row in rows) / len(rows) for form in ("layers", "ocrmypdf") if form in whole}
    total, seconds = sum(row["megapixels"] for row in rows), sum(row["seconds"] for row in rows)
    lines.append(f"| together | {total:.1f} | {' | '.join(cells(whole, means))} | {seconds:.2f} |")
    versions = {
        name: ", ".join(sorted({str(row[key]) for row in rows if row[key]}))
        for name, key in (("docbin", "version"), ("OCRmyPDF", "ocrmypdf"))
    }
    told = f"ink by {', '.join(sorted({row['method'] for row in rows}))}, JPEG of quality {', '.join(sorted({str(row['quality']) for row in rows}))}"
    return "\n".join([*lines, "", f"{'; '.join(f'{name} {version}' for name, version in versions.items() if version)}; {told}."])


def _published_cell(scores: Mapping[str, float], row: Mapping[str, Any]) -> str:
    if not set(scores) <= {name for name, _ in SCORES}:
        raise ValueError(f"published row {row['method']!r}: scores are {', '.join(name for name, _ in SCORES)}, got {', '.join(scores)}")
    texts = [f"{scores[name]:.{decimals}f}" if name in scores else "-" for name, decimals in SCORES]
    if "pfm" in scores and row.get("pfm2010"):
        texts[1] += "\\*"
    return " / ".join(texts)


def _mean_fm(row: Mapping[str, Mapping[str, Any]], datasets: Sequence[str]) -> float | None:
    """FM averaged over the benchmarks, each counting once; None where one is missing."""
    if not all(name in row and row[name]["images"] for name in datasets):
        return None
    return sum(float(row[name]["mean"]["fm"]) for name in datasets) / len(datasets)


def _seconds(results: Iterable[Mapping[str, Any]]) -> str:
    seconds = [image["seconds"] for result in results for image in result["images"] if "seconds" in image]
    return f"{sum(seconds) / len(seconds):.2g}" if seconds else "-"


def _megabytes(method: str) -> str:
    """Size of the weights of a method that is a model of the zoo (or a model folder)."""
    from docbin.zoo import folders

    if method not in folders.names() and not folders.is_folder(method):
        return "-"
    return f"{folders.load_config(method).size() / 1e6:.1f}"


def read(path: Path) -> list[Mapping[str, Any]]:
    """The rows of a JSON file, or the one table of a TOML file."""
    text = path.read_text(encoding="utf-8")
    rows: list[Mapping[str, Any]] = [tomllib.loads(text)] if path.suffix == ".toml" else json.loads(text)
    return rows


def render(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table of whatever `rows` are: of an evaluation, of one of the benches, or published; ValueError for anything else."""
    if rows and "protocols" in rows[0]:
        return published(rows[0])
    if rows and rows[0].get("task") == "detect":
        return detectors(rows)
    if rows and rows[0].get("task") == "ocr":
        return readings(rows)
    if rows and rows[0].get("task") == "text-mask":
        return cards.scores_table(rows)
    if not rows or "dataset" in rows[0]:
        return markdown(rows)
    if "by_word" in rows[0]:
        from docbin.bench import detection_peers

        return detection_peers.show([detection_peers.Standing.from_json(row) for row in rows])
    if "pdf_sizes" in rows[0]:
        return pdf_sizes(rows)
    if _is_pareto(rows):
        from docbin.bench import pareto

        return f"![Every method that ships: F-measure against processor time]({PARETO})\n\n{pareto.show(_points(rows))}"
    if "peers" in rows[0]:
        from docbin.bench import methods

        return methods.show(rows)
    if "gmacs" in rows[0]:
        from docbin.bench import kernels

        return kernels.show(rows)
    if "cycles_pixel" in rows[0]:
        from docbin.bench import engine_profile

        return engine_profile.show(rows)
    if "engine" in rows[0]:
        return engines_table(rows)
    if "runtime" in rows[0]:
        from docbin.bench import networks

        return networks.show(rows)
    if "deployment" in rows[0]:
        from docbin.bench import quantizers

        return f"{quantizers.show(rows)}\n\n![F-measure of every method, degraded and not]({FIGURE})"
    raise ValueError(
        "the JSON is neither of 'docbin evaluate' nor of 'docbin bench' nor of a script (measure_engines, compare_quantizers, "
        "compare_detectors, compare_pdf_sizes)"
    )


def _is_pareto(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether rows of both ``docbin bench methods`` and ``networks`` are there."""
    return {"peers", "runtime"} <= {key for row in rows for key in row}


def _points(rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    from docbin.bench import pareto

    return pareto.points(rows, json.loads((Path(__file__).resolve().parent.parent / KEPT).read_text(encoding="utf-8")))


def engines_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of ``measure_engines.py`` as a table; each engine beside the local one of the same file."""
    lines = [
        "| engine | method | processes | pages | clock s a page | CPU s a page: its processes | all others | beside local | idle, CPU s a second | "
        "CPU s of a batch's start |"
    ]
    lines.append("|---" * 10 + "|")
    local = next(row for row in rows if row["engine"] == "local")
    for row in rows:
        total, ours = (one["work_seconds"] + one["other_seconds"] for one in (row, local))
        cells = [row["engine"], row["method"], str(row["jobs"]), str(row["pages"]), f"{row['clock_seconds']:.2f}"]
        cells += [f"{row['work_seconds']:.3f}", f"{row['other_seconds']:.3f}", "" if row is local else f"{total / ours - 1:+.1%}"]
        cells += [f"{row['idle_share']:.3f}", f"{row['start_seconds']:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def scores_file(rows: Sequence[Mapping[str, Any]], old: str) -> str:
    """The text of ``datasets/scores.json``: `old`, with the results of known binarizers with their defaults in place of earlier ones."""
    from docbin.benchmarks.shipped_scores import summary
    from docbin.catalogue import METHODS

    kept = {(row["dataset"], row["method"]): row for row in json.loads(old or "[]")}
    for row in rows:
        if row["images"] and "fm" in row["mean"] and row["method"] in METHODS and row["params"] == METHODS[row["method"]].parse({}):
            kept[row["dataset"], row["method"]] = summary(row)
    order = list(dict.fromkeys(method for _, method in kept))
    lines = [
        json.dumps(row, ensure_ascii=False) for row in sorted(kept.values(), key=lambda row: (order.index(row["method"]), row["dataset"]))
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


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


def main(argv: Sequence[str] | None = None) -> int:
    """Replace the named tables; returns 0, or 1 with a message if a file or marker is missing."""
    parser = argparse.ArgumentParser(description="Write tables into BENCHMARKS.md from files of 'docbin evaluate' and 'docbin bench'.")
    parser.add_argument("tables", nargs="+", metavar="NAME=FILE", help="a table and the file it is made of; repeat NAME to join files")
    parser.add_argument("--into", type=Path, default=Path("BENCHMARKS.md"), help="the file with the markers (default: %(default)s)")
    given = parser.parse_args(argv)
    results: dict[str, list[Mapping[str, Any]]] = {}
    try:
        for entry in given.tables:
            name, equals, file = entry.partition("=")
            if not equals:
                raise ValueError(f"{entry}: wants NAME=FILE")
            results.setdefault(name, []).extend(read(Path(file)))
        text = given.into.read_text(encoding="utf-8")
        for name, rows in results.items():
            text = cards.with_table(text, name, render(rows))
        given.into.write_text(text, encoding="utf-8")
        for rows in results.values():
            if rows and "deployment" in rows[0]:
                from docbin.bench import quantizers

                (given.into.parent / FIGURE).parent.mkdir(parents=True, exist_ok=True)
                (given.into.parent / FIGURE).write_text(quantizers.figure(rows), encoding="utf-8")
            if _is_pareto(rows):
                from docbin.bench import pareto

                (given.into.parent / PARETO).parent.mkdir(parents=True, exist_ok=True)
                (given.into.parent / PARETO).write_text(pareto.figure(_points(rows)), encoding="utf-8")
        evaluated = [row for rows in results.values() for row in rows if "dataset" in row]
        scores = given.into.parent / KEPT
        if evaluated and scores.parent.is_dir():
            old = scores.read_text(encoding="utf-8") if scores.is_file() else ""
            scores.write_text(scores_file(evaluated, old), encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"{given.into}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
