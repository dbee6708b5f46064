"""``docbin evaluate``: methods on benchmarks, as a table, JSON, CSV and an HTML report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from docbin.errors import FileAccessError, SomePagesFailed, UsageError


def command(
    datasets: Annotated[list[str], typer.Argument(metavar="DATASET...", help="Names of benchmarks, or folders that hold images/ and gt/.")],
    methods: Annotated[
        list[str], typer.Option("--method", "-m", metavar="METHOD", help="A method; give it several times to compare several.")
    ],
    params: Annotated[
        list[str] | None,
        typer.Option(
            "--param", "-p", metavar="[METHOD.]KEY=VALUE", help="A parameter, of one method or of all; default: those of 'docbin methods'."
        ),
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option("--data-root", metavar="DIR", help="Where the benchmarks' pages are.", show_default="$DOCBIN_DATA")
    ] = None,
    json_file: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Write the scores of every page as JSON; '-' prints it instead of the table.",
            show_default="none",
        ),
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the scores of every page as CSV.", show_default="none")
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", metavar="DIR", help="Write an HTML report with page, result and error picture.", show_default="none"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Only the first N pages of each.", show_default="all")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Worker processes.")] = 1,
) -> None:
    """Score METHODs on every page of DATASETs and print the means, one row each.

    For a dataset of words (icdar2015, total-text, ctw1500, msra-td500, or a folder with images/ and gt/*.txt) METHOD is a detector of
    'docbin models', and the scores are precision, recall and F by the dataset's own way of counting. For text masks (manga109-text) they
    are pixel and global F1.
    """
    from rich.console import Console

    from docbin import benchmarks, catalogue
    from docbin.detection import table as detectors
    from docbin.evaluate.masks import MaskResult, evaluate_masks, masks_table, write_masks_csv
    from docbin.evaluate.pictures import write_report
    from docbin.evaluate.results import Result, to_json, write_csv
    from docbin.evaluate.run import evaluate
    from docbin.evaluate.tables import means_table
    from docbin.evaluate.words import WordResult, evaluate_words, words_table, write_words_csv

    given = _by_method(methods, params or [])
    benches = [(name, benchmarks.load(name), benchmarks.data_root_of(name, data_root)) for name in datasets]
    for method in methods:
        for task in {bench.task for _, bench, _ in benches}:
            (detectors if task == "detect" else catalogue).get(method).parse(given[method])
    pages = {name: len(bench.pairs(root)[:limit]) for name, bench, root in benches}
    messages = Console(stderr=True)
    runs: dict[str, Callable[..., Result | WordResult | MaskResult]] = {
        "binarize": evaluate,
        "detect": evaluate_words,
        "text-mask": evaluate_masks,
    }
    results: list[Result | WordResult | MaskResult] = []
    folders: list[str] = []
    with _bar(messages, sum(pages.values()) * len(methods)) as done:
        for _, bench, root in benches:
            for problem in bench.check(root):
                messages.print(problem, style="yellow", highlight=False, soft_wrap=True)
            for method in methods:
                folders.append(f"{bench.name}-{Path(method).name}")
                where = pictures / folders[-1] if pictures is not None else None
                results.append(runs[bench.task](bench, method, given[method], root, limit, jobs, where, done))
    of_ink = [result for result in results if isinstance(result, Result)]
    of_words = [result for result in results if isinstance(result, WordResult)]
    of_masks = [result for result in results if isinstance(result, MaskResult)]
    if json_file == "-":
        typer.echo(to_json(results), nl=False)
    else:
        out = Console(width=None if sys.stdout.isatty() else 200)
        if of_ink:
            out.print(means_table(of_ink))
        if of_words:
            out.print(words_table(of_words))
        if of_masks:
            out.print(masks_table(of_masks))
    try:
        if json_file not in (None, "-"):
            Path(json_file).write_text(to_json(results), encoding="utf-8")
        if csv_file is not None:
            with csv_file.open("w", encoding="utf-8", newline="") as file:
                if of_ink:
                    write_csv(of_ink, file)
                if of_words:
                    write_words_csv(of_words, file)
                if of_masks:
                    write_masks_csv(of_masks, file)
    except OSError as error:
        raise FileAccessError(f"{error.filename}: cannot be written ({error.strerror})") from None
    if pictures is not None and of_ink:
        ours = [folder for result, folder in zip(results, folders, strict=True) if isinstance(result, Result)]
        messages.print(f"report: {write_report(of_ink, pictures, ours)}", highlight=False, soft_wrap=True)
    if pictures is not None and (of_words or of_masks):
        messages.print(f"pictures: {pictures}", highlight=False, soft_wrap=True)
    failed = [f"{result.dataset}, {result.method}: {page.error}" for result in results for page in result.failed]
    if failed:
        raise SomePagesFailed("\n".join([f"{len(failed)} pages failed, the rest are scored:", *failed]))


def _by_method(methods: Sequence[str], params: Sequence[str]) -> dict[str, dict[str, str]]:
    """``["k=0.3", "wolf.window=51"]`` -> the parameters of each method."""
    given: dict[str, dict[str, str]] = {method: {} for method in methods}
    for text in params:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"-p {text}: wants KEY=VALUE or METHOD.KEY=VALUE")
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
