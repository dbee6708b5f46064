"""The tab "Compare": several methods side by side, with scores where there is a truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from docbin import catalogue
from docbin.demo import choices, parts
from docbin.demo.tabs.events import NO_PAGE, SLOW, ChosenPage, PageInputs, Work, file_name, heavy, page_arguments, result_class
from docbin.demo.work import MOST_METHODS
from docbin.errors import DocbinError

GROUP = "compare"
"""Of these settings and their result, as ``page.js`` calls it."""


def compare_tab(work: Work, inputs: PageInputs) -> None:
    """The tab's components and events."""
    import gradio as gr

    table = choices.methods()
    usual = [name for name in dict.fromkeys((catalogue.DEFAULT, "otsu", "wolf", "su")) if name in catalogue.METHODS][:3]
    parts.html(f'<p class="help">Up to {MOST_METHODS} methods on the chosen page, each with its default settings.</p>')
    picker = parts.picker(table, usual, MOST_METHODS)
    with gr.Accordion("Score them against the truth", open=False):
        parts.html(
            '<p class="help">A picture as large as the page, in which ink is black and all else white. docbin\'s own pages bring theirs.</p>'
        )
        truth = gr.File(label="Truth picture", type="filepath", height=130, elem_id="docbin-truth")
    go = gr.Button("Compare", variant="primary", elem_id="docbin-compare")
    with gr.Column(elem_classes=result_class(GROUP)):
        scores = parts.html()
        inks = parts.sheet("The results appear here side by side; they scroll and zoom together.", GROUP)
        errors = parts.html()
        wrong = parts.sheet("", GROUP)
        wrong.visible = False

    def compare(page: ChosenPage | None, number: float, methods: Any, given: str | None) -> list[Any]:
        hidden, serial = gr.HTML(visible=False), parts.serial(methods)
        if page is None:
            return [parts.framed(""), {"error": NO_PAGE, "serial": serial}, parts.framed(""), hidden]
        truth_path = given if given is not None else page["truth"]
        listed = methods.get("names") if isinstance(methods, dict) else None
        names = [str(name) for name in listed] if isinstance(listed, list) else []
        try:
            answer = work(
                SLOW,
                "compare",
                **page_arguments(page, number),
                methods=names,
                truth=truth_path,
                truth_name=file_name(truth_path or ""),
            )
        except DocbinError as error:
            return [parts.framed(""), {"error": str(error), "serial": serial}, parts.framed(""), hidden]
        shown = [{"title": "the page", "picture": parts.file(answer["page"]), "alt": "The page before"}]
        mistakes = []
        for panel in answer["panels"]:
            name = panel["method"]
            if "error" in panel:
                shown.append({"title": name, "error": panel["error"]})
                continue
            lines = [f"ink {panel['ink']:.1%}", parts.duration(panel["seconds"])]
            shown.append({"title": name, "lines": lines, "picture": parts.file(panel["result"]), "alt": f"The ink by {name}"})
            if "errors" in panel:
                lines = [f"FM {panel['scores']['fm']:.2f} %"]
                mistakes.append({"title": name, "lines": lines, "picture": parts.file(panel["errors"]), "alt": f"Errors of {name}"})
        heading = parts.framed("<h3>Where they err</h3>") if mistakes else parts.framed("")
        pictures = gr.HTML(value={"panels": mistakes, "legend": answer["legend"], "serial": serial}, visible=True) if mistakes else hidden
        return [parts.framed(_scores(answer["panels"])), {"panels": shown, "serial": serial}, heading, pictures]

    go.click(compare, [inputs.page, inputs.number, picker, truth], [scores, inks, errors, wrong], **heavy(SLOW, inks))


def _scores(panels: Sequence[Mapping[str, Any]]) -> str:
    """The table of scores, where there is a truth; best FM first."""
    scored = sorted((panel for panel in panels if "scores" in panel), key=lambda panel: -panel["scores"]["fm"])
    if not scored:
        return ""
    keys = (("fm", "FM %"), ("pfm", "pFM %"), ("psnr", "PSNR dB"), ("drd", "DRD"))
    rows = []
    for panel in scored:
        values = (panel["scores"][key] for key, _ in keys)
        rows.append([panel["method"], *("inf" if value is None else f"{value:.2f}" for value in values)])
    caption = "F-measure (FM), pseudo-F-measure (pFM) and PSNR: more is better; DRD: less is better."
    columns = [[math.inf if panel["scores"][key] is None else panel["scores"][key] for panel in scored] for key, _ in keys]
    best = parts.best_cells(columns, [key != "drd" for key, _ in keys])
    return parts.table(caption, ["method", *(title for _, title in keys)], rows, best)
