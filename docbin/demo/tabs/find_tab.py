"""The tab "Find text": the words of a photograph outlined and listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from docbin.demo import choices, parts
from docbin.demo.tabs.events import NO_PAGE, SLOW, ChosenPage, PageInputs, Work, choice, heavy, page_arguments, result_class
from docbin.errors import DocbinError

GROUP = "find"
"""Of these settings and their result, as ``page.js`` calls it."""


def find_tab(work: Work, inputs: PageInputs) -> None:
    """The tab's components and events; a sentence where no detector is installed."""
    import gradio as gr

    table = choices.detectors()
    if not table:
        parts.html(
            '<p class="empty">docbin can find words on photographs, but no trained model for it is installed. With one, the words of your '
            "photograph are outlined here, with their scores and a JSON file to download.</p>"
        )
        return
    chooser = parts.chooser("Model", table, next((row["name"] for row in table if row["available"]), table[0]["name"]), GROUP)
    go = gr.Button("Find text", variant="primary", elem_id="docbin-find")
    with gr.Column(elem_classes=result_class(GROUP)):
        view = parts.sheet("The photograph with its words outlined appears here.", GROUP)
        listed = parts.html()
        download = gr.DownloadButton("Download JSON", interactive=False, size="sm")

    def find(page: ChosenPage | None, number: float, chosen: Any) -> list[Any]:
        nothing = [parts.framed(""), gr.DownloadButton(value=None, interactive=False)]
        if page is None:
            return [{"error": NO_PAGE, "serial": parts.serial(chosen)}, *nothing]
        try:
            model, params = choice(chosen)
            answer = work(SLOW, "find", **page_arguments(page, number), model=model, params=params)
        except DocbinError as error:
            return [{"error": str(error), "serial": parts.serial(chosen)}, *nothing]
        words = answer["words"]
        count = f"{len(words)} word{'' if len(words) == 1 else 's'}"
        panel = {"title": f"{count} found", "lines": [parts.duration(answer["seconds"])], "picture": parts.file(answer["picture"])}
        panel["alt"] = f"The photograph with {count} outlined"
        result = {"panels": [panel], "serial": parts.serial(chosen)}
        return [result, parts.framed(_words(words)), gr.DownloadButton(value=answer["list"], interactive=True)]

    go.click(find, [inputs.page, inputs.number, chooser], [view, listed, download], **heavy(SLOW, view))


def _words(words: Sequence[Mapping[str, Any]], most: int = 200) -> str:
    """The words' places and scores, surest first."""
    rows = []
    for number, word in enumerate(sorted(words, key=lambda one: -one["score"])[:most], 1):
        across, down = zip(*word["polygon"], strict=True)
        size = f"{max(across) - min(across):.0f} x {max(down) - min(down):.0f}"
        rows.append([f"{number}", f"{word['score']:.2f}", f"{min(across):.0f}, {min(down):.0f}", size])
    if not rows:
        return ""
    caption = "Surest first." if len(words) <= most else f"The surest {most}; the JSON file has them all."
    return parts.table(caption, ["word", "score", "left, top", "width x height"], rows)
