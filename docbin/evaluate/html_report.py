"""The HTML report of an evaluation: one ``index.html`` beside its pictures, which needs nothing from elsewhere.

A dataset's methods stand in one table, and then every page once, the worst first: the page, its truth, and what each method made of it side by side
with its scores. On a narrow screen the table becomes a card a method, and pictures stand in two columns.

The report's folder holds a list of the files that docbin wrote there (:data:`LIST`), so that a new run can take away the pictures of methods that
it does not show, and nothing else: a file leaves only if the list names it, it lies in the folder or one below, is a plain file, and still has the
size and the time stamp of the list.
"""

from __future__ import annotations

import contextlib
import html
import json
import math
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from docbin.errors import FileAccessError
from docbin.evaluate.error_pictures import FALSE, MISSED, PAPER, RIGHT
from docbin.evaluate.judges.judge import Figure, Judge
from docbin.evaluate.results import PageResult, Result
from docbin.evaluate.tables import cells, number, page_count
from docbin.evaluate.verdict_plot import Point, scatter
from docbin.files.atomic import write_whole

INDEX, TITLE = "index.html", "<title>docbin evaluation</title>"
LIST = ".docbin-report.json"
"""The list of the files that docbin wrote into a report's folder: relative path -> [size, time stamp in ns]."""
MOST = 16 << 20  # bytes of a list that is read

Shown = tuple[Result, str]
"""A result, and the folder of its pictures relative to the report."""

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --soft: #595959; --line: #d4d4d4; --card: #fff; --page: #f4f4f2; --bad: #a33c00; --best: #00558f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececec; --soft: #b0b0b0; --line: #3f3f3f; --card: #242424; --page: #181818; --bad: #ff9a4d; --best: #7cc4ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1900px; padding: 1.5rem 1.5rem 4rem; background: var(--page); color: var(--ink); }
body { font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 0 0 .6rem; overflow-wrap: anywhere; } p { margin: .2rem 0 1rem; color: var(--soft); } a { color: inherit; }
.bad { color: var(--bad); overflow-wrap: anywhere; } .best { color: var(--best); font-weight: 700; }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .7rem; text-align: right; border-bottom: 1px solid var(--line); } th { font-weight: 600; color: var(--soft); }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; } small { color: var(--soft); font-size: .85rem; display: block; }
.key { display: inline-block; white-space: nowrap; margin-right: 1.1em; }
.key i { display: inline-block; width: .95em; height: .95em; border-radius: 2px; vertical-align: -.1em; margin-right: .35em; }
.key i { border: 1px solid var(--line); }
.show label { display: inline-block; margin-right: 1em; padding: .4rem 0; color: var(--ink); cursor: pointer; }
.show input { width: 1.1rem; height: 1.1rem; vertical-align: -.15rem; margin: 0 .4rem 0 0; }
article { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 1rem 0; }
.side { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 280px), 1fr)); gap: 0 1rem; }
figure { margin: 0 0 1rem; min-width: 0; display: grid; grid-row: span 2; grid-template-rows: auto 1fr; grid-template-rows: subgrid; gap: .4rem; }
figure.verdict { display: block; margin: 1rem 0; } .verdicts { max-width: 100%; height: auto; }
.verdicts text { fill: var(--soft); font-size: 12px; } figcaption { align-self: end; overflow-wrap: anywhere; } figcaption b { font-size: 1.05rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 0 1rem; margin: .2rem 0 0; font-size: .9rem; }
dl div { display: flex; justify-content: space-between; gap: .4rem; white-space: nowrap; }
dt { color: var(--soft); } dd { margin: 0; font-variant-numeric: tabular-nums; }
img { display: block; width: 100%; max-height: 620px; object-fit: contain; object-position: left top; border-radius: 4px; background: #fff; }
figure a { display: block; border: 1px solid var(--line); border-radius: 4px; align-self: start; }
@media (max-width: 760px) {
  body { padding: 1rem .75rem 3rem; } article { padding: .75rem; }
  .side { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 .75rem; } dl { font-size: .875rem; }
  table, tbody, tr { display: block; } thead { display: none; } table { border: 0; background: none; }
  tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1.2rem; padding: .6rem .75rem; margin-bottom: .75rem; }
  tr { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
  td { display: flex; justify-content: space-between; gap: .5rem; padding: .15rem 0; border: 0; white-space: nowrap; }
  td:first-child { grid-column: 1 / -1; display: block; white-space: normal; font-weight: 600; }
  td[data-label]::before { content: attr(data-label); color: var(--soft); font-weight: 400; }
}
"""


def write_report(results: Sequence[Result], folder: Path, pictures: Sequence[str]) -> Path:
    """Write ``index.html`` into `folder`, take away what an earlier run wrote there and this one did not, and return the report's path.

    Parameters
    ----------
    results : what to show
    folder : where the report goes
    pictures : for every result the folder of its pictures, relative to `folder`

    Raises
    ------
    FileAccessError
        The folder cannot be written.
    """
    datasets: dict[tuple[str, str], list[Shown]] = {}
    for result, where in zip(results, pictures, strict=True):
        datasets.setdefault((result.judge.task, result.dataset), []).append((result, where))
    body = ["<h1>docbin evaluation</h1>", _legend(results), _switch(results)]
    for (_, name), shown in datasets.items():
        body.append(_dataset(name, shown))
    style = _STYLE + "".join(f"body:has(#show-{label}:not(:checked)) .show-{label} {{ display: none; }}\n" for label in _choices(results))
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{TITLE}<style>{style}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )
    path = folder / INDEX
    write_whole(path, text.encode())
    try:
        _clear_up(folder, [path, *_drawn(results, folder, pictures)])
    except OSError as error:
        raise FileAccessError(f"{error.filename or path}: cannot be written ({error.strerror})") from None
    return path


def check_folder(folder: Path) -> None:
    """FileAccessError where a report in `folder` would replace a page that is no report, or leave the folder by a link."""
    path = folder / INDEX
    if not os.path.lexists(path):
        return
    if path.is_file() and not path.is_symlink():
        with contextlib.suppress(OSError), path.open("rb") as file:
            if TITLE.encode() in file.read(1024):
                return
    raise FileAccessError(f"{path}: is there already and is no report of docbin's; choose another folder with --pictures")


def _drawn(results: Sequence[Result], folder: Path, pictures: Sequence[str]) -> Iterator[Path]:
    for result, where in zip(results, pictures, strict=True):
        for page, _ in result.scored:
            for figure in result.judge.figures:
                yield folder / where / f"{page.name}-{figure.suffix}"


def _clear_up(folder: Path, written: Sequence[Path]) -> None:
    """Remove the files of the folder's list that were not written now, with the folders that this empties, and write the new list."""
    here = {path.relative_to(folder).as_posix(): path.stat() for path in written}
    for name, stamp in _listed(folder).items():
        parts = PurePosixPath(name).parts
        if name in here or not 1 <= len(parts) <= 2 or any(part in ("..", "/") or part.startswith(".") for part in parts):
            continue
        path, parent = folder / name, (folder / name).parent
        if parent.is_symlink() and parent != folder:
            continue
        try:
            found = path.lstat()
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode) and [found.st_size, found.st_mtime_ns] == stamp:
            path.unlink()
            if parent != folder and not any(parent.iterdir()):
                parent.rmdir()
    listed = {name: [found.st_size, found.st_mtime_ns] for name, found in here.items()}
    write_whole(folder / LIST, json.dumps({"files": listed}, indent=0, ensure_ascii=False).encode())


def _listed(folder: Path) -> dict[str, list[int]]:
    """What the folder's list says, as far as it is one: a list that is damaged names nothing."""
    path = folder / LIST
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST:
            return {}
        listed = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {name: stamp for name, stamp in listed.items() if name and "\0" not in name}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _legend(results: Sequence[Result]) -> str:
    if not any(figure.label == "errors" for result in results for figure in result.judge.figures):
        return "<p>Pages stand worst first.</p>"
    keys = ((MISSED, "missed ink"), (FALSE, "false ink"), (RIGHT, "right ink"), (PAPER, "right paper"))
    parts = " ".join(f'<span class="key"><i style="background:rgb{colour}"></i>{text}</span>' for colour, text in keys)
    return f"<p>Pages stand worst first. In error pictures: {parts}</p>"


def _choices(results: Sequence[Result]) -> list[str]:
    """Labels of the pictures of a method where it has several, of which the reader sees one at a time."""
    own = ([figure.label for figure in result.judge.figures if figure.of_method] for result in results)
    return list(dict.fromkeys(label for labels in own if len(labels) > 1 for label in labels))


def _switch(results: Sequence[Result]) -> str:
    choices = _choices(results)
    marks = [" checked", *[""] * len(choices)]
    inputs = (
        f'<label><input type="radio" name="show" id="show-{label}"{mark}>{label}</label>'
        for label, mark in zip(choices, marks, strict=False)
    )
    return f'<p class="show">Of each method show {"".join(inputs)}</p>' if choices else ""


def _dataset(name: str, shown: Sequence[Shown]) -> str:
    judge = shown[0][0].judge
    parts = [f"<h2>{html.escape(name)}</h2>", _overview(shown, judge), _verdicts(shown, judge)]
    for problem in dict.fromkeys(problem for result, _ in shown for problem in result.problems):
        parts.append(f'<p class="bad">{html.escape(problem)}</p>')
    pages: dict[str, list[tuple[Result, str, PageResult]]] = {}
    for result, where in shown:
        for page in result.pages:
            pages.setdefault(page.name, []).append((result, where, page))
    ordered = sorted(pages, key=lambda page: _standing(pages[page], judge))
    return "\n".join([*parts, *(_article(page, pages[page], judge) for page in ordered)])


def _verdicts(shown: Sequence[Shown], judge: Judge[Any, Any, Any]) -> str:
    """The verdicts without a truth beside the truth, where the task has any."""
    points = [
        Point(page.name, result.method, judge.page_values(scores)[judge.ranking], 100 * page.verdict.value, page.verdict.reasons)
        for result, _ in shown
        for page, scores in result.scored
        if page.verdict is not None
    ]
    return scatter(points)


def _standing(entries: Sequence[tuple[Result, str, PageResult]], judge: Judge[Any, Any, Any]) -> float:
    """The mean of a page's ranking score over methods, one that failed counting as 0."""
    return sum(judge.page_values(page.scores)[judge.ranking] if page.scores is not None else 0.0 for _, _, page in entries) / len(entries)


def _overview(shown: Sequence[Shown], judge: Judge[Any, Any, Any]) -> str:
    headings = [judge.method_word, f"{judge.page_word}s", *(column.heading for column in judge.columns.values()), f"s/{judge.page_word}"]
    best = max((_rank(result, judge) for result, _ in shown), default=math.nan)
    rows = []
    for result, _ in shown:
        params = "".join(f"{key}={value} " for key, value in result.params.items()) + ("\u00b7 " if result.params else "")
        count = page_count(result)
        values = [count, *cells(result.mean_values, judge.columns), number(result.seconds, 3)]
        tds = "".join(
            f'<td data-label="{html.escape(label, quote=True)}"{_mark(label, result, judge, best)}>{value}</td>'
            for label, value in zip(headings[1:], values, strict=True)
        )
        rows.append(
            f"<tr><td>{html.escape(result.method)}<small>{html.escape(params)}docbin {html.escape(result.version)}</small></td>{tds}</tr>"
        )
    head = "".join(f"<th>{html.escape(heading)}</th>" for heading in headings)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _rank(result: Result, judge: Judge[Any, Any, Any]) -> float:
    values = result.mean_values
    return -math.inf if values is None else values[judge.ranking]


def _mark(label: str, result: Result, judge: Judge[Any, Any, Any], best: float) -> str:
    if label.endswith("s") and label == f"{judge.page_word}s":
        return ' class="bad"' if " of " in page_count(result) else ""
    return ' class="best"' if label == judge.columns[judge.ranking].heading and _rank(result, judge) == best else ""


def _article(name: str, entries: Sequence[tuple[Result, str, PageResult]], judge: Judge[Any, Any, Any]) -> str:
    figures = []
    drawn = next((where for _, where, page in entries if page.scores is not None), None)
    if drawn is not None:
        for figure in judge.figures:
            if not figure.of_method:
                figures.append(f"<figure><figcaption>{figure.label}</figcaption>{_picture(drawn, name, figure)}</figure>")
    ranks = [judge.page_values(page.scores)[judge.ranking] for _, _, page in entries if page.scores is not None]
    several = [figure for figure in judge.figures if figure.of_method]
    for result, where, page in entries:
        title = f"<b>{html.escape(result.method)}</b>"
        if page.scores is None:
            figures.append(f'<figure><figcaption>{title}</figcaption><p class="bad">{html.escape(page.error or "")}</p></figure>')
            continue
        values = judge.page_values(page.scores)
        best = len(ranks) > 1 and values[judge.ranking] == max(ranks)
        scores = _scores(values, judge, best) + _told(page)
        pictures = "".join(_picture(where, name, figure, f"show-{figure.label}" if len(several) > 1 else "") for figure in several)
        figures.append(f"<figure><figcaption>{title}{scores}</figcaption><div>{pictures}</div></figure>")
    return f'<article><h3>{html.escape(name)}</h3><div class="side">{"".join(figures)}</div></article>'


def _told(page: PageResult) -> str:
    """What the verdict without a truth says of a page."""
    if page.verdict is None:
        return ""
    reasons = "".join(f"; {reason}" for reason in page.verdict.reasons)
    return f"<small>Without the truth: expected FM {100 * page.verdict.value:.0f}{html.escape(reasons)}</small>"


def _scores(values: Mapping[str, float], judge: Judge[Any, Any, Any], best: bool) -> str:
    texts = dict(zip(judge.columns, cells(values, judge.columns), strict=True))
    rows = []
    for name, column in judge.columns.items():
        mark = ' class="best"' if best and name == judge.ranking else ""
        rows.append(f"<div><dt>{html.escape(column.heading)}</dt><dd{mark}>{texts[name]}</dd></div>")
    return f"<dl>{''.join(rows)}</dl>"


def _picture(where: str, name: str, figure: Figure, shown_as: str = "") -> str:
    source = quote(f"{where}/{name}-{figure.suffix}")
    alt = html.escape(f"{name}: {figure.label}", quote=True)
    mark = f' class="{shown_as}"' if shown_as else ""
    return f'<a href="{source}"{mark}><img loading="lazy" src="{source}" alt="{alt}"></a>'
