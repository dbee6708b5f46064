"""The tab "Whole files": many pages at once, with progress and cancel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from docbin import catalogue
from docbin.demo import choices, documents, parts
from docbin.demo.request_limits import UPLOAD_BYTES
from docbin.demo.tabs.events import DOCUMENTS, FORMAT_NAMES, NO_PAGE, ChosenPage, PageInputs, Work, choice, file_name, light, result_class
from docbin.demo.work import DOWNLOADS
from docbin.errors import DocbinError

GROUP = "documents"
"""Of these settings and their result, as ``page.js`` calls it."""


def documents_tab(work: Work, inputs: PageInputs) -> None:
    """The tab's components and events."""
    import gradio as gr

    parts.html(
        '<p class="help">A whole book or many pages at once: each file comes back in one piece, a PDF as a PDF, a TIFF of several pages as such a '
        f"TIFF; several files come as one ZIP. Up to {documents.MOST_FILES} files of {UPLOAD_BYTES // 1_000_000} MB.</p>"
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=260):
            label = "Files (none: the page on the left)"
            files = gr.File(label=label, file_count="multiple", type="filepath", height=150, elem_id="docbin-files")
            kinds = [("As it came", ""), *((FORMAT_NAMES[name], name) for name in DOWNLOADS)]
            format = gr.Radio(kinds, value="", label="Write", elem_id="docbin-format")
            chooser = parts.chooser("Method for the files", choices.methods(), catalogue.DEFAULT, GROUP, mark=True)
        with gr.Column(scale=3, min_width=320):
            with gr.Row():
                go = gr.Button("Turn all pages into ink", variant="primary", elem_id="docbin-all")
                cancel = gr.Button("Cancel", interactive=False, elem_id="docbin-cancel")
            with gr.Column(elem_classes=result_class(GROUP)):
                view = parts.progress("How far it is, and what became of each file, stands here.", GROUP)
                download = gr.DownloadButton("Download", interactive=False, elem_id="docbin-download-all")

    def convert(page: ChosenPage | None, given: list[str] | None, wanted: str, chosen: Any) -> Iterator[list[Any]]:
        """Progress, download, start, cancel."""
        serial = parts.serial(chosen)
        idle, busy = (
            [gr.Button(interactive=True), gr.Button(interactive=False)],
            [gr.Button(interactive=False), gr.Button(interactive=True)],
        )
        nothing = gr.DownloadButton("Download", value=None, interactive=False)
        named = [(file_name(path), str(path)) for path in given or []]
        if not named and page is not None:
            named = [(page["name"], page["path"])]
        if not named or len(named) > documents.MOST_FILES or wanted not in ("", *DOWNLOADS):
            sentence = f"{len(named)} files are too many; take up to {documents.MOST_FILES}." if named else NO_PAGE
            yield [{"error": sentence, "serial": serial}, nothing, *idle]
            return
        yield [{"done": 0, "expected": 1, "says": "Reading …", "serial": serial}, nothing, *busy]
        try:
            method, params = choice(chosen)
            result, progress = None, documents.Progress()
            for progress, result in work.document(_unlike(named), method=method, params=params, format=wanted or None):  # noqa: B007
                if progress.expected:
                    says = f"{progress.done} of {progress.expected} pages done"
                    rows = documents.outcomes(progress.records)
                    yield [
                        {"done": progress.done, "expected": progress.expected, "says": says, "rows": rows, "serial": serial},
                        nothing,
                        *busy,
                    ]
        except DocbinError as error:
            yield [{"error": str(error), "serial": serial}, nothing, *idle]
            return
        rows = documents.outcomes(progress.records)
        state = {"done": progress.done, "expected": max(1, progress.done), "rows": rows, "serial": serial}
        wrong = progress.error or progress.stopped
        if result is None:
            yield [
                {"error": wrong or "; ".join(row[1] for row in rows) or "No page could be read.", "serial": serial},
                nothing,
                *idle,
            ]
            return
        good = sum(record.get("status") == "done" for record in progress.records)
        says = f"Done: {good} page{'' if good == 1 else 's'}." if not wrong else f"Stopped after {good} pages: {wrong}."
        yield [state | {"says": says}, gr.DownloadButton(f"Download {result.name}", value=str(result), interactive=True), *idle]

    outputs = [view, download, go, cancel]
    running = go.click(
        convert,
        [inputs.page, files, format, chooser],
        outputs,
        concurrency_id=DOCUMENTS,
        concurrency_limit=1,
        show_progress="hidden",
        api_visibility="private",
    )

    def stopped(chosen: Any) -> list[Any]:
        state = {"error": "Cancelled. Nothing was kept.", "serial": parts.serial(chosen)}
        return [
            state,
            gr.DownloadButton("Download", value=None, interactive=False),
            gr.Button(interactive=True),
            gr.Button(interactive=False),
        ]

    cancel.click(None, cancels=[running], api_visibility="private")  # an event that cancels gets no inputs, so the words are another's
    cancel.click(stopped, [chooser], outputs, **light())


def _unlike(named: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Name -> path, where a name that came twice is numbered."""
    out: dict[str, str] = {}
    for name, path in named:
        stem, suffix = Path(name).stem, Path(name).suffix
        number = 1
        while name.casefold() in {one.casefold() for one in out}:
            number += 1
            name = f"{stem}-{number}{suffix}"
        out[name] = path
    return out
