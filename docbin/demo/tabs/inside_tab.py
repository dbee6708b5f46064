"""The tab "Look inside": what a method computes on its way to the ink."""

from __future__ import annotations

from typing import Any

from docbin import catalogue
from docbin.demo import choices, parts
from docbin.demo.tabs.events import NO_PAGE, SLOW, ChosenPage, PageInputs, Work, choice, heavy, page_arguments, result_class
from docbin.errors import DocbinError

GROUP = "inside"
"""Of these settings and their result, as ``page.js`` calls it."""


def inside_tab(work: Work, inputs: PageInputs) -> None:
    """The tab's components and events."""
    import gradio as gr

    table = choices.views()
    there = [row["name"] for row in table if row["available"]]
    first = (f"{kind}:{catalogue.DEFAULT}" for kind in ("threshold", "probability"))  # what the default method has of the two
    usual = next((name for name in first if name in there), there[0])
    chooser = parts.chooser("What to look at", table, usual, GROUP)
    go = gr.Button("Look inside", variant="primary", elem_id="docbin-inside")
    with gr.Column(elem_classes=result_class(GROUP)):
        view = parts.sheet("What the method computes on its way to the ink appears here, beside the page.", GROUP)

    def look(page: ChosenPage | None, number: float, chosen: Any) -> dict[str, Any]:
        if page is None:
            return {"error": NO_PAGE, "serial": parts.serial(chosen)}
        try:
            name, params = choice(chosen)
            answer = work(SLOW, "inside", **page_arguments(page, number), view=name, params=params)
        except DocbinError as error:
            return {"error": str(error), "serial": parts.serial(chosen)}
        shown = [{"title": one["title"], "picture": parts.file(one["path"])} for one in answer["pictures"]]
        return {
            "panels": shown,
            "legend": answer["legend"],
            "note": answer["note"],
            "small": len(shown) > 2,
            "serial": parts.serial(chosen),
        }

    go.click(look, [inputs.page, inputs.number, chooser], view, **heavy(SLOW, view))
