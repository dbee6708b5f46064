"""Error pictures and the HTML report.

Missed ink is blue, false ink vermilion, right ink grey: two colours of Okabe and Ito's palette, which people with any of the usual colour vision
deficiencies tell apart, and which differ in lightness as well. The report is one ``index.html`` beside its pictures; it needs nothing from elsewhere.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from docbin.errors import FileAccessError
from docbin.evaluate.results import PageResult, Result
from docbin.evaluate.tables import COLUMNS, cells
from docbin.metrics import Scores
from docbin.page import Image, Mask

PAPER, RIGHT, MISSED, FALSE = (255, 255, 255), (150, 150, 150), (0, 90, 181), (213, 94, 0)
"""Colours of the error picture, RGB."""


def error_picture(prediction: Mask, truth: Mask) -> Image:
    """RGB (H, W, 3): paper white, right ink grey, missed ink blue, false ink vermilion."""
    return np.array([PAPER, FALSE, MISSED, RIGHT], np.uint8)[truth * np.uint8(2) + prediction]


def write_pictures(folder: Path, name: str, image: Image, prediction: Mask, truth: Mask) -> None:
    """Write ``NAME-page.webp``, ``NAME-result.png`` (1 bit) and ``NAME-errors.png`` (palette) into `folder`.

    Raises
    ------
    FileAccessError
        The folder cannot be written.
    """
    from PIL import Image as Pictures

    errors = Pictures.fromarray(truth * np.uint8(2) + prediction).convert("P")
    errors.putpalette([value for colour in (PAPER, FALSE, MISSED, RIGHT) for value in colour])
    try:
        Pictures.fromarray(image).save(folder / f"{name}-page.webp", quality=85)
        Pictures.fromarray(~prediction).save(folder / f"{name}-result.png")
        errors.save(folder / f"{name}-errors.png", bits=2)
    except OSError as error:
        raise FileAccessError(f"{folder}: the pictures of {name} cannot be written ({error.strerror or error})") from None


_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --soft: #6a6a6a; --line: #d9d9d9; --card: #fff; --page: #f4f4f2; --bad: #b34700; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececec; --soft: #a5a5a5; --line: #3a3a3a; --card: #242424; --page: #181818; --bad: #ff9a4d; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1500px; padding: 2rem 1.5rem 4rem; background: var(--page); color: var(--ink); }
body { font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem; } h3 { font-size: 1rem; margin: 0; }
p { margin: .2rem 0 1rem; color: var(--soft); } a { color: inherit; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--soft); } td:first-child, th:first-child, td.word, th.word { text-align: left; }
.key { display: inline-block; width: .9em; height: .9em; border-radius: 2px; vertical-align: -.1em; margin: 0 .3em 0 1em; }
.key { border: 1px solid var(--line); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 1rem 0; }
header { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; align-items: baseline; margin-bottom: .7rem; }
header span { color: var(--soft); font-variant-numeric: tabular-nums; } header b { color: var(--ink); font-weight: 600; }
.three { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: .8rem; }
figure { margin: 0; } figcaption { font-size: .85rem; color: var(--soft); } .bad, header span.bad { color: var(--bad); }
img { display: block; width: 100%; max-height: 620px; object-fit: contain; object-position: left top; }
img { background: #fff; border: 1px solid var(--line); border-radius: 4px; }
"""


def write_report(results: Sequence[Result], folder: Path, pictures: Sequence[str]) -> Path:
    """Write ``index.html`` into `folder`: a table of means, then every page of every result, worst FM first.

    Parameters
    ----------
    results : what to show
    folder : where the report goes
    pictures : for every result the folder of its pictures, relative to `folder`

    Returns
    -------
    the report's path
    """
    body = ["<h1>docbin evaluation</h1>", _legend(), _overview(results)]
    for number, (result, where) in enumerate(zip(results, pictures, strict=True)):
        body.append(_section(result, where, f"r{number}"))
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>docbin evaluation</title><style>{_STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )
    path = folder / "index.html"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileAccessError(f"{path}: cannot be written ({error.strerror})") from None
    return path


def _legend() -> str:
    def key(colour: tuple[int, int, int], text: str) -> str:
        return f'<span class="key" style="background:rgb{colour}"></span>{text}'

    parts = key(MISSED, "missed ink"), key(FALSE, "false ink"), key(RIGHT, "right ink"), key(PAPER, "right paper")
    return f"<p>Pages stand worst first. Error pictures: {' '.join(parts)}</p>"


def _overview(results: Sequence[Result]) -> str:
    heads = "".join(f"<th>{heading}</th>" for heading, *_ in COLUMNS.values())
    rows = []
    for number, result in enumerate(results):
        values = "".join(f"<td>{value}</td>" for value in cells(result.mean))
        count = f"{len(result.scored)}" + (f' <span class="bad">+ {len(result.failed)} failed</span>' if result.failed else "")
        rows.append(
            f'<tr><td><a href="#r{number}">{html.escape(result.dataset)}</a></td><td class="word">{html.escape(_method(result))}</td>'
            f"<td>{count}</td>{values}<td>{result.seconds:.3f}</td></tr>"
        )
    head = f'<tr><th>dataset</th><th class="word">method</th><th>pages</th>{heads}<th>s/page</th></tr>'
    return f'<div class="scroll"><table>{head}{"".join(rows)}</table></div>'


def _method(result: Result) -> str:
    return " ".join([result.method, *(f"{key}={value}" for key, value in result.params.items())])


def _section(result: Result, where: str, anchor: str) -> str:
    parts = [f'<h2 id="{anchor}">{html.escape(result.dataset)} &middot; {html.escape(result.method)}</h2>']
    parts.append(f"<p>{html.escape(_method(result))} &middot; docbin {html.escape(result.version)}</p>")
    for problem in result.problems:
        parts.append(f'<p class="bad">{html.escape(problem)}</p>')
    for page in result.failed:
        parts.append(
            f'<article><header><h3>{html.escape(page.name)}</h3><span class="bad">{html.escape(page.error or "")}</span></header></article>'
        )
    for page, scores in sorted(result.scored, key=lambda entry: (entry[1].fm, -_finite(entry[1].drd))):
        parts.append(_article(page, scores, where))
    return "\n".join(parts)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _article(page: PageResult, scores: Scores, where: str) -> str:
    from urllib.parse import quote

    chips = "".join(f"<span>{heading} <b>{value}</b></span>" for (heading, *_), value in zip(COLUMNS.values(), cells(scores), strict=True))
    figures = []
    for kind, suffix in (("page", "webp"), ("result", "png"), ("errors", "png")):
        source = quote(f"{where}/{page.name}-{kind}.{suffix}")
        alt = html.escape(f"{page.name}: {kind}", quote=True)
        figures.append(
            f'<figure><a href="{source}"><img loading="lazy" src="{source}" alt="{alt}"></a><figcaption>{kind}</figcaption></figure>'
        )
    return f'<article><header><h3>{html.escape(page.name)}</h3>{chips}</header><div class="three">{"".join(figures)}</div></article>'
