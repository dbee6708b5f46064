"""The demo's own controls (``page.js`` draws them) and the small pieces of HTML that several tabs show.

Gradio's dropdown cannot grey a choice, its before-and-after slider cannot be moved with a keyboard and stores WebP with loss; so these controls are
made of the browser's own select, checkbox and range, which people and screen readers know. The browser's word is not trusted: what comes back is
checked where it is used (:mod:`docbin.demo.work`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

Row = dict[str, Any]


def _part(kind: str, value: Any, **props: Any) -> Any:
    import gradio as gr

    return gr.HTML(
        value,
        html_template=f'<div class="docbin docbin-{kind}"></div>',
        js_on_load=f"docbin.{kind}(element, props, watch, trigger)" + ("; 'input'" if kind in ("samples", "chooser") else ""),
        apply_default_css=False,
        **props,
    )


def chooser(label: str, table: Sequence[Row], usual: str, group: str, *, mark: bool = False, live: bool = False) -> Any:
    """One row of `table` with its settings, at first `usual`, which `mark` calls the default; the value is ``{"method", "params", "serial"}``.

    A change greys the results of `group` until one comes back with the newest serial; with `live` it is the event ``input`` as well, soon.
    """
    value = {"method": usual, "params": {}, "serial": 0}
    return _part("chooser", value, label=label, table=list(table), usual=usual, group=group, mark=mark, live=live)


def picker(table: Sequence[Row], chosen: Sequence[str], most: int) -> Any:
    """Up to `most` rows of `table`; the value is ``{"names", "serial"}``."""
    return _part("picker", {"names": list(chosen), "serial": 0}, table=list(table), most=most)


def samples(shipped: Sequence[Row]) -> Any:
    """Buttons with pictures; the event ``input`` carries the name of the one pressed."""
    return _part("samples", None, samples=list(shipped))


def slider(empty: str, group: str) -> Any:
    """Page and ink under one slider; the value is that of :func:`before_and_after`, or ``{"error"}``."""
    return _part("slider", None, empty=empty, group=group)


def sheet(empty: str, group: str) -> Any:
    """Pictures that scroll together; the value is ``{"panels", "legend", "note"}``, or ``{"error"}``."""
    return _part("sheet", None, empty=empty, group=group)


def progress(empty: str, group: str) -> Any:
    """How far a batch is; the value is ``{"done", "expected", "says", "rows"}``, or ``{"error"}``."""
    return _part("progress", None, empty=empty, group=group)


def serial(value: Any) -> int:
    """The number of a chooser's value, which the result made of it has to carry."""
    found = value.get("serial") if isinstance(value, Mapping) else None
    return found if isinstance(found, int) else 0


def html(text: str = "", **options: Any) -> Any:
    """A piece of HTML in the demo's style."""
    import gradio as gr

    return gr.HTML(framed(text), apply_default_css=False, js_on_load=None, **options)


def framed(text: str) -> str:
    """HTML in the element that the style sheet's rules begin with."""
    return f'<div class="docbin">{text}</div>'


def file(path: str) -> dict[str, Any]:
    """A picture for the browser; Gradio fills in its address."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def before_and_after(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The slider's value from the answer of :func:`docbin.demo.work.binarize`."""
    width, height = answer["shown"]
    full = answer["shown"] == answer["size"]
    note = "Drag the line: left of it is the page, right of it the ink. Wheel or pinch to zoom, drag to move."
    if not full:
        note += f" Shown at {width / answer['size'][0]:.0%} of its size, so that it loads fast; the downloads are in full size."
    return {"before": file(answer["page"]), "after": file(answer["result"]), "width": width, "height": height, "note": note}


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values."""
    inner = "".join(
        f"<div{' class=wide' * (name == 'File')}><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs
    )
    return f'<dl class="facts">{inner}</dl>'


def notes(sentences: Sequence[str], quiet: bool = False) -> str:
    """Sentences as a list; nothing where there are none."""
    if not sentences:
        return ""
    inner = "".join(f"<li>{escape(sentence[0].upper() + sentence[1:])}</li>" for sentence in sentences)
    return f'<ul class="notes{" quiet" if quiet else ""}">{inner}</ul>'


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], best: Collection[tuple[int, int]] = ()) -> str:
    """A table whose first column names the rows; the cells of `best`, (row, column) from 0, are bold."""
    columns = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = []
    for down, (name, *cells) in enumerate(rows):
        marks = [' class="best"' if (down, across) in best else "" for across in range(1, len(cells) + 1)]
        values = "".join(f"<td{mark}>{escape(cell)}</td>" for mark, cell in zip(marks, cells, strict=True))
        body.append(f'<tr><th scope="row">{escape(name)}</th>{values}</tr>')
    inner = f"<thead><tr>{columns}</tr></thead><tbody>{''.join(body)}</tbody>"
    said = escape(caption, quote=True)  # beside the table, not in it: a caption is as wide as its table, and cut off on a phone
    return (
        f'<p class="help">{escape(caption)}</p><div class="scroll" tabindex="0" role="group" aria-label="Table">'
        f'<table aria-label="{said}">{inner}</table></div>'
    )


def best_cells(columns: Sequence[Sequence[float]], more: Sequence[bool]) -> set[tuple[int, int]]:
    """The cells of a table's `columns` (the first stands beside the names) that hold the best value; `more` says whether more is better."""
    tops = [max(values) if up else min(values) for values, up in zip(columns, more, strict=True)]
    return {(row, at) for at, values in enumerate(columns, 1) for row, value in enumerate(values) if value == tops[at - 1]}


def wrong(sentence: str) -> str:
    """An error, said where its result would stand."""
    return f'<p class="wrong" role="alert">{escape(sentence)}</p>'


def resolution(dpi: Sequence[float] | None) -> str:
    """Dots per inch in words."""
    if dpi is None:
        return "not known"
    return f"{dpi[0]:.0f} dpi" if round(dpi[0]) == round(dpi[1]) else f"{dpi[0]:.0f} x {dpi[1]:.0f} dpi"


def duration(seconds: float) -> str:
    """Seconds in a form for people."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def verdict(answer: Mapping[str, Any]) -> str:
    """What is to be expected of a result, as a sentence."""
    value = f"an F-measure of about {100 * answer['quality']:.0f} of 100 is to be expected, as far as a look without the truth can tell"
    if answer["reasons"]:
        return f"not sure of this one: {value}"
    return f"this looks {'right' if answer['quality'] >= 0.9 else 'fair' if answer['quality'] >= 0.8 else 'poor'}: {value}"


def page_facts(answer: Mapping[str, Any]) -> str:
    """What the file and page are."""
    width, height = answer["size"]
    pairs = [
        ("File", answer["name"]),
        ("Kind", f"{answer['kind'].upper()}, {'colour' if answer['colour'] else 'grey'}"),
        ("Size", f"{width} x {height}"),
        ("Resolution", resolution(answer["dpi"])),
    ]
    if answer["count"] > 1:
        pairs.append(("Page", f"{answer['number']} of {answer['count']}"))
    return framed(facts(pairs) + notes(answer["notes"], quiet=True))
