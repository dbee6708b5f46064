"""The tab "Binarize": the chosen page laid over its ink, and the downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from docbin import catalogue
from docbin.demo import choices, parts
from docbin.demo.tabs.events import FORMAT_NAMES, NO_PAGE, QUICK, ChosenPage, PageInputs, Work, choice, heavy, page_arguments, result_class
from docbin.demo.work import DOWNLOADS
from docbin.errors import DocbinError

GROUP = "binarize"
"""Of these settings and their result, as ``page.js`` calls it."""


@dataclass(frozen=True, slots=True)
class BinarizeEvent:
    """How the chosen page is turned to ink: the event's function, its inputs and outputs."""

    function: Callable[..., Any]
    shown: Callable[..., Any]
    """An answer of the task "binarize" -> its outputs."""
    chooser: Any
    view: Any
    outputs: list[Any]


def binarize_tab(work: Work, inputs: PageInputs, about: Any) -> BinarizeEvent:
    """The tab's components and events."""
    import gradio as gr

    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=260):
            chooser = parts.chooser("Method", choices.methods(), catalogue.DEFAULT, GROUP, mark=True, live=True)
            go = gr.Button("Turn into ink", variant="primary", elem_id="docbin-go")
        with gr.Column(scale=5, min_width=320, elem_classes=result_class(GROUP)):
            view = parts.slider("The page appears here, laid over its ink, with a line between the two that you can drag.", GROUP)
            facts = parts.html()
            with gr.Row():
                buttons = [gr.DownloadButton(f"Download {FORMAT_NAMES[format]}", interactive=False, size="sm") for format in DOWNLOADS]
                buttons.append(gr.DownloadButton("Download clean page", interactive=False, size="sm", elem_id="docbin-clean"))

    def failed(sentence: str, chosen: Any) -> list[Any]:
        return [
            {"error": sentence, "serial": parts.serial(chosen)},
            parts.framed(""),
            gr.skip(),
            gr.skip(),
            *(gr.DownloadButton(value=None, interactive=False) for _ in buttons),
        ]

    def show(page: ChosenPage | None, number: float, chosen: Any) -> list[Any]:
        """Slider, facts, about, page number, downloads."""
        if page is None:
            return failed(NO_PAGE, chosen)
        try:
            method, params = choice(chosen)
            answer = work(QUICK, "binarize", **page_arguments(page, number), method=method, params=params)
        except DocbinError as error:
            return failed(str(error), chosen)
        return shown(answer, chosen)

    def shown(answer: Mapping[str, Any], chosen: Any) -> list[Any]:
        fact_list = parts.facts(
            [
                ("Method", answer["method"]),
                ("Ink", f"{answer['ink']:.1%} of the page"),
                ("Time", parts.duration(answer["seconds"])),
                ("Resolution", parts.resolution(answer["dpi"])),
            ]
        )
        doubts = parts.notes([parts.verdict(answer), *(f"look again: {reason}" for reason in answer["reasons"])])
        files = [gr.DownloadButton(value=answer["downloads"][format], interactive=True) for format in DOWNLOADS]
        files.append(gr.DownloadButton(value=answer["clean"], interactive=True))
        pages = gr.Slider(maximum=max(2, answer["count"]), value=answer["number"], visible=answer["count"] > 1)
        picture = parts.before_and_after(answer) | {"serial": parts.serial(chosen)}
        return [picture, parts.framed(fact_list + doubts), parts.page_facts(answer), pages, *files]

    outputs = [view, facts, about, inputs.number, *buttons]
    for listen in (go.click, inputs.number.input, chooser.input):
        listen(show, [inputs.page, inputs.number, chooser], outputs, **heavy(QUICK, view), trigger_mode="always_last")
    return BinarizeEvent(show, shown, chooser, view, outputs)
