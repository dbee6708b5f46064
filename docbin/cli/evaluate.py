"""``docbin evaluate``: methods on benchmarks, as a table, JSON, CSV and an HTML report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from docbin.cli import messages
from docbin.cli.options import Argument, Option
from docbin.errors import SomePagesFailed, UsageError

if TYPE_CHECKING:
    from docbin.benchmarks.descriptors import Benchmark
    from docbin.evaluate.judges.ocr_judge import OcrJudge
    from docbin.evaluate.results import Result


def command(
    datasets: Annotated[
        list[str], Argument(metavar="DATASET...", help="Names of benchmarks, or folders that hold images/ and gt/ (or text/).")
    ],
    methods: Annotated[list[str], Option("--method", "-m", metavar="METHOD", help="A method; give it several times to compare several.")],
    params: Annotated[
        list[str] | None,
        Option(
            "--param",
            "-p",
            metavar="[METHOD.]KEY=VALUE",
            help="A parameter, of one method or of all. [default: as 'docbin methods' says]",
            show_default=False,
        ),
    ] = None,
    data_root: Annotated[
        Path | None,
        Option("--data-root", metavar="DIR", help="Where the benchmarks' pages are. [default: DOCBIN_DATA]", show_default=False),
    ] = None,
    json_file: Annotated[
        str | None,
        Option(
            "--json",
            metavar="FILE",
            help="Write the scores of every page as JSON; '-' prints it instead of the table. [default: none]",
            show_default=False,
        ),
    ] = None,
    csv_file: Annotated[
        Path | None, Option("--csv", metavar="FILE", help="Write the scores of every page as CSV. [default: none]", show_default=False)
    ] = None,
    pictures: Annotated[
        Path | None,
        Option(
            "--pictures",
            metavar="DIR",
            help="Write an HTML report with page, result and error picture. [default: none]",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        Option("--limit", metavar="N", min=1, example=10, help="Only the first N pages of each. [default: all]", show_default=False),
    ] = None,
    jobs: Annotated[
        int, Option("--jobs", "-j", metavar="N", min=1, example=2, help="Worker processes. [default: 1]", show_default=False)
    ] = 1,
    ocr: Annotated[
        str | None,
        Option(
            "--ocr",
            metavar="LANG",
            help="Score by what Tesseract reads, against the set's text/: eng, deu, eng+fra, ... METHOD may be clean:METHOD or "
            "probability:METHOD, too. [default: the set's truths decide]",
            show_default=False,
        ),
    ] = None,
    allow_missing: Annotated[
        bool,
        Option(
            "--allow-missing",
            help="Pages of a published set that are not there are no failure (exit code 6). [default: no]",
            show_default=False,
        ),
    ] = False,
) -> None:
    """Score METHODs on every page of DATASETs and print the means, one row each.

    For a dataset of words (icdar2015, total-text, ctw1500, msra-td500, or a folder with images/ and gt/*.txt) METHOD is a detector of
    'docbin models', and the scores are precision, recall and F by the dataset's own way of counting. For text masks (manga109-text) they
    are pixel and global F1.

    With --ocr the pages go through Tesseract: the ink of METHOD, its clean page (clean:METHOD), its probability (probability:METHOD); beside them
    the page as it is and Tesseract's own thresholds. text/ holds a transcription a page (.txt, or .xml in ALTO or PAGE), items.json what differs
    from page to page (id, kind, source, lang, psm, dpi). Scores are character and word error, in order and as a bag, and a 95 % interval.

    docbin evaluate book/ --ocr deu -m bitunet -m clean:bitunet
    """
    from rich.console import Console

    _check_outputs(json_file, csv_file, pictures)
    bars = Console(stderr=True)
    judge = _ocr_judge(ocr)
    beside: dict[str, dict[str, str]] = {name: {} for name in judge.beside if name not in methods} if judge is not None else {}
    given: dict[str, dict[str, str]] = {**beside, **_by_method(methods, params or [])}
    planned = _plan(datasets, given, data_root, limit, judge)
    with _bar(bars, sum(pages for *_, pages in planned) * len(given)) as done:
        results, folders = _run(planned, given, limit, jobs, pictures, done, judge)
    _show(results, json_file)
    _write(results, json_file, csv_file)
    if pictures is not None:
        from docbin.evaluate.html_report import write_report

        messages.note(f"report: {write_report(results, pictures, folders)}")
    _complain(results, allow_missing)


NAMED = 12
"""Missing pages that a message names."""

Planned = tuple["Benchmark", Path, int]
"""A benchmark, where it is, and how many pages are to be scored."""


def _plan(
    datasets: Sequence[str], given: Mapping[str, Mapping[str, str]], data_root: Path | None, limit: int | None, judge: OcrJudge | None
) -> list[Planned]:
    """Every dataset with its pages, after all names and parameters were checked."""
    from docbin import benchmarks
    from docbin.benchmarks.text_truth import transcribed
    from docbin.evaluate.judges import judge_of

    planned = []
    for name in datasets:
        bench, root = benchmarks.load(name), benchmarks.data_root_of(name, data_root)
        if judge is not None:
            bench = transcribed(bench)
        elif bench.task == "ocr":
            raise UsageError(f"{name}: holds transcriptions; give --ocr LANG, such as --ocr eng")
        for method, params in given.items():
            (judge or judge_of(bench.task)).method(method).parse(params)
        pairs = bench.pairs(root)[:limit]
        if judge is not None:
            judge.check(pairs)
        planned.append((bench, root, len(pairs)))
    return planned


def _ocr_judge(language: str | None) -> OcrJudge | None:
    if language is None:
        return None
    from docbin.evaluate.judges.ocr_judge import OcrJudge

    return OcrJudge(language)


def _run(
    planned: Sequence[Planned],
    given: Mapping[str, Mapping[str, str]],
    limit: int | None,
    jobs: int,
    pictures: Path | None,
    done: Callable[[object], None] | None,
    judge: OcrJudge | None,
) -> tuple[list[Result], list[str]]:
    """Results, and for each the folder of its pictures, relative to `pictures`."""
    from docbin.evaluate.run import evaluate

    results: list[Result] = []
    folders: list[str] = []
    for bench, root, _ in planned:
        for problem in bench.check(root):
            messages.warning(problem)
        for method in given:
            name = f"{bench.name}-{Path(method).name.replace(':', '-')}"
            folders.append(name if name not in folders else f"{name}-{len(folders)}")
            where = pictures / folders[-1] if pictures is not None else None
            results.append(evaluate(bench, method, given[method], root, limit, jobs, where, done, judge))
    return results, folders


def _show(results: Sequence[Result], json_file: str | None) -> None:
    from rich.console import Console

    from docbin.evaluate.results import by_judge, to_json
    from docbin.evaluate.tables import means_table

    if json_file == "-":
        print(to_json(results), end="")
        return
    out = Console(width=None if sys.stdout.isatty() else 200, markup=False)
    for judge, own in by_judge(results):
        out.print(means_table(own, judge))


def _write(results: Sequence[Result], json_file: str | None, csv_file: Path | None) -> None:
    import io

    from docbin.evaluate.results import to_json, write_csv
    from docbin.files.atomic import write_whole

    if json_file is not None and json_file != "-":
        write_whole(json_file, to_json(results).encode())
    if csv_file is not None:
        table = io.StringIO(newline="")
        write_csv(results, table)
        write_whole(csv_file, table.getvalue().encode())


def _check_outputs(json_file: str | None, csv_file: Path | None, pictures: Path | None) -> None:
    """Say before the pages are scored, which may take hours, what could not be written after."""
    from docbin.evaluate.results import check_result_file

    files = [Path(file) for file in (None if json_file == "-" else json_file, csv_file) if file is not None]
    if len({os.path.realpath(file) for file in files}) < len(files):
        raise UsageError(f"--json and --csv: both name {csv_file}; give each a file of its own")
    for file in files:
        check_result_file(file)
    if pictures is not None:
        from docbin.evaluate.html_report import check_folder

        check_folder(pictures)


def _complain(results: Sequence[Result], allow_missing: bool) -> None:
    """Pages that failed, and pages of a published set that are not there, are exit code 6; a mean over some of a set's pages is not that set's."""
    for doubt in dict.fromkeys(page.doubt for result in results for page in result.pages if page.doubt is not None):
        messages.warning(doubt)
    says = []
    failed = [f"{result.dataset}, {result.method}: {page.error}" for result in results for page in result.failed]
    if failed:
        says += [f"{len(failed)} page{'' if len(failed) == 1 else 's'} failed, the rest are scored:", *failed]
    if not allow_missing:
        lacking = {result.dataset: result for result in results if result.missing}
        for name, result in lacking.items():
            says.append(f"{name}: only {len(result.pages)} of {result.expected} pages are there; means are over these")
            names = [problem.partition(":")[0] for problem in result.problems if not problem.startswith(f"{name}: ")]
            if names:
                says.append(f"  missing: {', '.join(names[:NAMED])}{f' and {len(names) - NAMED} more' if len(names) > NAMED else ''}")
        if lacking:
            says.append("put the missing pages there, or say --allow-missing")
    if says:
        raise SomePagesFailed("\n  ".join(says))


def _by_method(methods: Sequence[str], params: Sequence[str]) -> dict[str, dict[str, str]]:
    """``["k=0.3", "wolf.window=51"]`` -> the parameters of each method."""
    given: dict[str, dict[str, str]] = {method: {} for method in methods}
    for text in params:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"-p {text}: KEY=VALUE or METHOD.KEY=VALUE is wanted; 'docbin methods {methods[0]}' tells keys and values")
        method, dot, name = key.partition(".")
        if dot and method not in given:
            raise UsageError(f"-p {text}: {method} is not among the methods of this run ({', '.join(methods)})")
        for one in [method] if dot else methods:
            given[one][name if dot else key] = value
    return given


@contextmanager
def _bar(messages: object, total: int) -> Iterator[Callable[[object], None] | None]:
    """A progress bar on stderr where that is a terminal, else nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if not isinstance(messages, Console) or not messages.is_terminal:
        yield None
        return
    with Progress(TextColumn("pages"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=messages, transient=True) as bar:
        task = bar.add_task("pages", total=total)

        def advance(page: object) -> None:
            bar.advance(task)

        yield advance
