"""The page: one place to choose a page, and a tab for each thing that can be done with it.

Everything here and in :mod:`docbin.demo.tabs` is words, layout and events; the work is a task of a child process (`work`,
:class:`docbin.demo.server.Work`). An error is a sentence where the result would stand. Events are private, heavy ones wait in one of two lines
(:data:`~docbin.demo.tabs.events.QUICK`, ``SLOW``), each with one job at a time, whole documents in a third.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from docbin import catalogue
from docbin.demo import parts
from docbin.demo.request_limits import UPLOAD_BYTES
from docbin.demo.tabs.benchmarks_tab import benchmarks_tab
from docbin.demo.tabs.binarize_tab import BinarizeEvent, binarize_tab
from docbin.demo.tabs.compare_tab import compare_tab
from docbin.demo.tabs.documents_tab import documents_tab
from docbin.demo.tabs.endpoints import add_endpoints
from docbin.demo.tabs.events import QUICK, ChosenPage, PageInputs, Sample, Work, file_name, heavy, light
from docbin.demo.tabs.find_tab import find_tab
from docbin.demo.tabs.inside_tab import inside_tab

STATE_SECONDS = 3600
"""What a visitor chose is forgotten after this time, as the files are deleted."""
FIRST = "handwritten-bleedthrough"
"""The shipped page that stands there at first."""
LINKS = (
    ("Licence: Apache 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    ("Calling the demo from Python", "https://www.gradio.app/guides/getting-started-with-the-python-client"),
)
"""Of "About": name and address."""


def build(work: Work, samples: Sequence[Sample]) -> Any:
    """The Blocks of the demo."""
    import gradio as gr

    with gr.Blocks(title="docbin – pictures of text to ink", analytics_enabled=False) as blocks:
        parts.html(
            "<h1>docbin</h1><p>turns pictures of text into ink: black writing on white paper, one bit a pixel</p>", elem_id="docbin-head"
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=260):
                inputs, upload, shipped, about = _page_panel(samples, work.megapixels)
            with gr.Column(scale=4, min_width=320), gr.Tabs(overflow_behavior="wrap"):  # a phone shows all tabs
                with gr.Tab("Binarize"):
                    show = binarize_tab(work, inputs, about)
                with gr.Tab("Whole files"):
                    documents_tab(work, inputs)
                with gr.Tab("Compare"):
                    compare_tab(work, inputs)
                with gr.Tab("Look inside"):
                    inside_tab(work, inputs)
                with gr.Tab("Find text"):
                    find_tab(work, inputs)
                with gr.Tab("Benchmarks"):
                    benchmarks_tab()
        with gr.Accordion("About docbin", open=False, elem_id="docbin-about"):
            parts.html(_about())
        _choosing(show, inputs, upload, shipped, samples)
        _first(blocks, work, show, inputs, (upload, shipped), samples)
        add_endpoints(work)
    return blocks


def _about() -> str:
    """Version, licence and where to read on."""
    import docbin

    links = "".join(
        f'<li><a href="{escape(link)}" target="_blank" rel="noopener noreferrer">{escape(name)}</a></li>' for name, link in LINKS
    )
    there = sum(row.available for row in catalogue.METHODS.values())
    return (
        f'<div class="about"><p><strong>docbin {escape(docbin.__version__)}</strong>, free software under the Apache License 2.0. {there} of its '
        f"{len(catalogue.METHODS)} methods are installed here. Pages are worked on where this server runs and sent nowhere else.</p>"
        f"<p>On your own computer: <code>docbin binarize scan.pdf</code>. From a program: <code>gradio_client.Client(ADDRESS)</code> has the "
        f"endpoints <code>/binarize</code>, <code>/find_text</code> and <code>/methods</code>.</p><ul>{links}</ul></div>"
    )


def _page_panel(samples: Sequence[Sample], megapixels: float) -> tuple[PageInputs, Any, Any, Any]:
    """Where a page is chosen: its inputs, the upload, the shipped pages, and what is known of the chosen one."""
    import gradio as gr

    page = gr.State(None, time_to_live=STATE_SECONDS)
    upload = gr.File(label="Your page", type="filepath", height=150, elem_id="docbin-upload")
    parts.html(
        f'<p class="help">A scan or photograph: PNG, JPEG, TIFF, PDF and others, up to {UPLOAD_BYTES // 1_000_000} MB and {megapixels:g} '
        'megapixels. Files are deleted after an hour.</p><p class="help">Or take one of docbin\'s own pages, or its street for “Find text”:</p>'
    )
    shipped = parts.samples([{"name": one.name, "title": one.title, "picture": one.picture} for one in samples])
    number = gr.Slider(
        1, 2, value=1, step=1, label="Page of the file", info="Which page to work on.", visible=False, elem_id="docbin-number"
    )
    about = parts.html()
    return PageInputs(page, number), upload, shipped, about


def _choosing(show: BinarizeEvent, inputs: PageInputs, upload: Any, shipped: Any, samples: Sequence[Sample]) -> None:
    """A page is chosen: its ink by the method in the list is shown at once."""
    import gradio as gr

    known = {sample.name: sample for sample in samples}

    def uploaded(path: str | None) -> ChosenPage | None:
        return None if path is None else {"path": str(path), "name": file_name(path), "truth": None}

    def picked(event: gr.EventData) -> tuple[ChosenPage | None, None]:
        sample = known.get(str(event.name))
        return (None if sample is None else {"path": sample.path, "name": Path(sample.path).name, "truth": sample.truth}), None

    def first(page: ChosenPage | None, chosen: Any) -> list[Any]:
        shown: list[Any] = show.function(page, 1, chosen)
        if isinstance(shown[0], dict) and "error" in shown[0]:  # another file's facts must not stand there
            shown[2:4] = [parts.framed(""), gr.Slider(visible=False)]
        return shown

    picked.__annotations__["event"] = gr.EventData  # Gradio looks at the annotation, which here is still text
    quick = light()
    for event in (
        upload.upload(uploaded, upload, inputs.page, **quick),
        shipped.input(picked, None, [inputs.page, upload], **quick),
    ):
        event.then(first, [inputs.page, show.chooser], show.outputs, **heavy(QUICK, show.view))
    upload.clear(lambda: None, None, inputs.page, **quick)


def _first(blocks: Any, work: Work, show: BinarizeEvent, inputs: PageInputs, ways: tuple[Any, Any], samples: Sequence[Sample]) -> None:
    """A shipped page and its ink stand there when the page is opened; they come no more where a visitor was faster in one of the two `ways`."""
    import gradio as gr

    if not samples:
        return
    sample = next((one for one in samples if one.name == FIRST), samples[0])

    def opened() -> list[Any]:
        answer = work.first(sample)
        if answer is None:
            return [gr.skip()] * (1 + len(show.outputs))
        out = show.shown(answer, {"serial": 0})
        out[0] |= {"quiet": True}  # nobody has asked: a phone does not scroll to it
        return [{"path": sample.path, "name": Path(sample.path).name, "truth": sample.truth}, *out]

    loading = blocks.load(opened, None, [inputs.page, *show.outputs], **light())
    upload, shipped = ways
    for chosen in (upload.upload, shipped.input):
        chosen(None, cancels=[loading], api_visibility="private")
