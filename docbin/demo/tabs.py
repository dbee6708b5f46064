"""The page: one place to choose a page, and a tab for each thing that can be done with it.

Everything here is words, layout and who tells whom; the work is a task of a child process (`work`, :class:`docbin.demo.server.Work`). An error is a
sentence where the result would stand. Events are private, heavy ones wait in one of two lines (:data:`QUICK`, :data:`SLOW`), each with one job at a
time, whole documents in a third.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Protocol

from docbin import catalogue
from docbin.demo import choices, documents, parts, plot
from docbin.demo.doors import UPLOAD_BYTES
from docbin.demo.work import DOWNLOADS, MOST_METHODS
from docbin.errors import DocbinError, UsageError

QUICK, SLOW, DOCUMENTS = "quick", "slow", "documents"
"""The lines: ink of a page, which must not wait behind a network; whole documents; the rest."""
NO_PAGE = "Choose a page first: drop a file, or take one of docbin's own pages."
STATE_SECONDS = 3600
"""What a visitor chose is forgotten after this time, as the files are deleted."""
FIRST = "handwritten-bleedthrough"
"""The shipped page that stands there at first."""
LINKS = (
    ("Licence: Apache 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    ("Calling the demo from Python", "https://www.gradio.app/guides/getting-started-with-the-python-client"),
)
"""Of "About": name and address."""
BINARIZE, WHOLE, COMPARE, INSIDE, FIND = "binarize", "documents", "compare", "inside", "find"
"""Groups of settings and their results, as ``page.js`` calls them."""
FORMAT_NAMES = {"png": "1-bit PNG", "tiff": "G4 TIFF", "pdf": "PDF"}

Place = dict[str, Any]
"""The page in front of the visitor: path, name, and the path of its truth where it has one."""


class Work(Protocol):
    """Does a task in a child process of its line; see :mod:`docbin.demo.work`."""

    megapixels: float
    """Largest page."""

    def __call__(self, line: str, task: str, **arguments: Any) -> dict[str, Any]: ...

    def document(self, files: Mapping[str, str], **arguments: Any) -> Iterator[tuple[documents.Progress, Path | None]]:
        """Turn whole files, name -> path, to ink; see :mod:`docbin.demo.documents`."""

    def first(self, sample: Sample) -> dict[str, Any] | None:
        """The answer of "binarize" for a shipped page and the default method."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A page that came with docbin."""

    name: str
    title: str
    path: str
    truth: str | None
    picture: str


@dataclass(frozen=True, slots=True)
class _Desk:
    """The components that every tab reads."""

    place: Any
    number: Any


def build(work: Work, samples: Sequence[Sample]) -> Any:
    """The Blocks of the demo."""
    import gradio as gr

    with gr.Blocks(title="docbin – pictures of text to ink", analytics_enabled=False) as blocks:
        parts.html(
            "<h1>docbin</h1><p>turns pictures of text into ink: black writing on white paper, one bit a pixel</p>", elem_id="docbin-head"
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=260):
                desk, upload, shipped, about = _page_panel(samples, work.megapixels)
            with gr.Column(scale=4, min_width=320), gr.Tabs(overflow_behavior="wrap"):  # a phone shows all tabs
                with gr.Tab("Binarize"):
                    show = _binarize(work, desk, about)
                with gr.Tab("Whole files"):
                    _documents(work, desk)
                with gr.Tab("Compare"):
                    _compare(work, desk)
                with gr.Tab("Look inside"):
                    _inside(work, desk)
                with gr.Tab("Find text"):
                    _find(work, desk)
                with gr.Tab("Benchmarks"):
                    _benchmarks()
        with gr.Accordion("About docbin", open=False, elem_id="docbin-about"):
            parts.html(_about())
        _choosing(show, desk, upload, shipped, samples)
        _first(blocks, work, show, desk, (upload, shipped), samples)
        _endpoints(work)
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


def _page_panel(samples: Sequence[Sample], megapixels: float) -> tuple[_Desk, Any, Any, Any]:
    import gradio as gr

    place = gr.State(None, time_to_live=STATE_SECONDS)
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
    return _Desk(place, number), upload, shipped, about


# --- Binarize ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Show:
    """How the chosen page is turned to ink: the event's function, its inputs and outputs."""

    function: Callable[..., Any]
    shown: Callable[..., Any]
    """An answer of the task "binarize" -> its outputs."""
    chooser: Any
    view: Any
    outputs: list[Any]


def _binarize(work: Work, desk: _Desk, about: Any) -> _Show:
    import gradio as gr

    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=260):
            chooser = parts.chooser("Method", choices.methods(), catalogue.DEFAULT, BINARIZE, mark=True, live=True)
            go = gr.Button("Turn into ink", variant="primary", elem_id="docbin-go")
        with gr.Column(scale=5, min_width=320, elem_classes=_result(BINARIZE)):
            view = parts.slider("The page appears here, laid over its ink, with a line between the two that you can drag.", BINARIZE)
            facts = parts.html()
            with gr.Row():
                buttons = [gr.DownloadButton(f"Download {FORMAT_NAMES[format]}", interactive=False, size="sm") for format in DOWNLOADS]

    def failed(sentence: str, chosen: Any) -> list[Any]:
        return [
            {"error": sentence, "serial": parts.serial(chosen)},
            parts.framed(""),
            gr.skip(),
            gr.skip(),
            *(gr.DownloadButton(value=None, interactive=False) for _ in buttons),
        ]

    def show(place: Place | None, number: float, chosen: Any) -> list[Any]:
        """Slider, facts, about, page number, downloads."""
        if place is None:
            return failed(NO_PAGE, chosen)
        try:
            method, params = _chosen(chosen)
            answer = work(QUICK, "binarize", **_page(place, number), method=method, params=params)
        except DocbinError as error:
            return failed(str(error), chosen)
        return shown(answer, chosen)

    def shown(answer: Mapping[str, Any], chosen: Any) -> list[Any]:
        told = parts.facts(
            [
                ("Method", answer["method"]),
                ("Ink", f"{answer['ink']:.1%} of the page"),
                ("Time", parts.duration(answer["seconds"])),
                ("Resolution", parts.resolution(answer["dpi"])),
            ]
        )
        doubts = parts.notes([f"look again: {reason}" for reason in answer["reasons"]])
        files = [gr.DownloadButton(value=answer["downloads"][format], interactive=True) for format in DOWNLOADS]
        pages = gr.Slider(maximum=max(2, answer["count"]), value=answer["number"], visible=answer["count"] > 1)
        picture = parts.before_and_after(answer) | {"serial": parts.serial(chosen)}
        return [picture, parts.framed(told + doubts), parts.page_facts(answer), pages, *files]

    outputs = [view, facts, about, desk.number, *buttons]
    for listen in (go.click, desk.number.input, chooser.input):
        listen(show, [desk.place, desk.number, chooser], outputs, **_heavy(QUICK, view), trigger_mode="always_last")
    return _Show(show, shown, chooser, view, outputs)


def _choosing(show: _Show, desk: _Desk, upload: Any, shipped: Any, samples: Sequence[Sample]) -> None:
    """A page is chosen: its ink by the method in the list is shown at once."""
    import gradio as gr

    known = {sample.name: sample for sample in samples}

    def uploaded(path: str | None) -> Place | None:
        return None if path is None else {"path": str(path), "name": str(path).replace("\\", "/").rpartition("/")[2], "truth": None}

    def picked(event: gr.EventData) -> tuple[Place | None, None]:
        sample = known.get(str(event.name))
        return (None if sample is None else {"path": sample.path, "name": Path(sample.path).name, "truth": sample.truth}), None

    def first(place: Place | None, chosen: Any) -> list[Any]:
        shown: list[Any] = show.function(place, 1, chosen)
        if isinstance(shown[0], dict) and "error" in shown[0]:  # another file's facts must not stand there
            shown[2:4] = [parts.framed(""), gr.Slider(visible=False)]
        return shown

    picked.__annotations__["event"] = gr.EventData  # Gradio looks at the annotation, which here is still text
    light = _light()
    for event in (
        upload.upload(uploaded, upload, desk.place, **light),
        shipped.input(picked, None, [desk.place, upload], **light),
    ):
        event.then(first, [desk.place, show.chooser], show.outputs, **_heavy(QUICK, show.view))
    upload.clear(lambda: None, None, desk.place, **light)


def _first(blocks: Any, work: Work, show: _Show, desk: _Desk, ways: tuple[Any, Any], samples: Sequence[Sample]) -> None:
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

    loading = blocks.load(opened, None, [desk.place, *show.outputs], **_light())
    upload, shipped = ways
    for chosen in (upload.upload, shipped.input):
        chosen(None, cancels=[loading], api_visibility="private")


# --- Whole files -------------------------------------------------------------------------------------------------------------------------


def _documents(work: Work, desk: _Desk) -> None:
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
            chooser = parts.chooser("Method for the files", choices.methods(), catalogue.DEFAULT, WHOLE, mark=True)
        with gr.Column(scale=3, min_width=320):
            with gr.Row():
                go = gr.Button("Turn all pages into ink", variant="primary", elem_id="docbin-all")
                cancel = gr.Button("Cancel", interactive=False, elem_id="docbin-cancel")
            with gr.Column(elem_classes=_result(WHOLE)):
                view = parts.progress("How far it is, and what became of each file, stands here.", WHOLE)
                download = gr.DownloadButton("Download", interactive=False, elem_id="docbin-download-all")

    def convert(place: Place | None, given: list[str] | None, wanted: str, chosen: Any) -> Iterator[list[Any]]:
        """Progress, download, start, cancel."""
        serial = parts.serial(chosen)
        idle, busy = (
            [gr.Button(interactive=True), gr.Button(interactive=False)],
            [gr.Button(interactive=False), gr.Button(interactive=True)],
        )
        nothing = gr.DownloadButton("Download", value=None, interactive=False)
        named = [(str(path).replace("\\", "/").rpartition("/")[2], str(path)) for path in given or []]
        if not named and place is not None:
            named = [(place["name"], place["path"])]
        if not named or len(named) > documents.MOST_FILES or wanted not in ("", *DOWNLOADS):
            sentence = f"{len(named)} files are too many; take up to {documents.MOST_FILES}." if named else NO_PAGE
            yield [{"error": sentence, "serial": serial}, nothing, *idle]
            return
        yield [{"done": 0, "expected": 1, "says": "Reading …", "serial": serial}, nothing, *busy]
        try:
            method, params = _chosen(chosen)
            result, progress = None, documents.Progress()
            for progress, result in work.document(_unlike(named), method=method, params=params, format=wanted or None):  # noqa: B007
                if progress.expected:
                    says = f"{progress.done} of {progress.expected} pages done"
                    rows = documents.told(progress.records)
                    yield [
                        {"done": progress.done, "expected": progress.expected, "says": says, "rows": rows, "serial": serial},
                        nothing,
                        *busy,
                    ]
        except DocbinError as error:
            yield [{"error": str(error), "serial": serial}, nothing, *idle]
            return
        rows = documents.told(progress.records)
        told = {"done": progress.done, "expected": max(1, progress.done), "rows": rows, "serial": serial}
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
        yield [told | {"says": says}, gr.DownloadButton(f"Download {result.name}", value=str(result), interactive=True), *idle]

    outputs = [view, download, go, cancel]
    running = go.click(
        convert,
        [desk.place, files, format, chooser],
        outputs,
        concurrency_id=DOCUMENTS,
        concurrency_limit=1,
        show_progress="hidden",
        api_visibility="private",
    )

    def stopped(chosen: Any) -> list[Any]:
        told = {"error": "Cancelled. Nothing was kept.", "serial": parts.serial(chosen)}
        return [
            told,
            gr.DownloadButton("Download", value=None, interactive=False),
            gr.Button(interactive=True),
            gr.Button(interactive=False),
        ]

    cancel.click(None, cancels=[running], api_visibility="private")  # an event that cancels gets no inputs, so the words are another's
    cancel.click(stopped, [chooser], outputs, **_light())


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


# --- Compare -----------------------------------------------------------------------------------------------------------------------------


def _compare(work: Work, desk: _Desk) -> None:
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
    with gr.Column(elem_classes=_result(COMPARE)):
        scores = parts.html()
        inks = parts.sheet("The results appear here side by side; they scroll and zoom together.", COMPARE)
        errors = parts.html()
        wrong = parts.sheet("", COMPARE)
        wrong.visible = False

    def compare(place: Place | None, number: float, methods: Any, given: str | None) -> list[Any]:
        hidden, serial = gr.HTML(visible=False), parts.serial(methods)
        if place is None:
            return [parts.framed(""), {"error": NO_PAGE, "serial": serial}, parts.framed(""), hidden]
        truth_path = given if given is not None else place["truth"]
        listed = methods.get("names") if isinstance(methods, dict) else None
        names = [str(name) for name in listed] if isinstance(listed, list) else []
        try:
            answer = work(
                SLOW,
                "compare",
                **_page(place, number),
                methods=names,
                truth=truth_path,
                truth_name=str(truth_path or "").replace("\\", "/").rpartition("/")[2],
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

    go.click(compare, [desk.place, desk.number, picker, truth], [scores, inks, errors, wrong], **_heavy(SLOW, inks))


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
    told = "F-measure (FM), pseudo-F-measure (pFM) and PSNR: more is better; DRD: less is better."
    columns = [[math.inf if panel["scores"][key] is None else panel["scores"][key] for panel in scored] for key, _ in keys]
    best = parts.best_cells(columns, [key != "drd" for key, _ in keys])
    return parts.table(told, ["method", *(title for _, title in keys)], rows, best)


# --- Look inside -------------------------------------------------------------------------------------------------------------------------


def _inside(work: Work, desk: _Desk) -> None:
    import gradio as gr

    table = choices.views()
    there = [row["name"] for row in table if row["available"]]
    first = (f"{kind}:{catalogue.DEFAULT}" for kind in ("threshold", "probability"))  # what the default method has of the two
    usual = next((name for name in first if name in there), there[0])
    chooser = parts.chooser("What to look at", table, usual, INSIDE)
    go = gr.Button("Look inside", variant="primary", elem_id="docbin-inside")
    with gr.Column(elem_classes=_result(INSIDE)):
        view = parts.sheet("What the method computes on its way to the ink appears here, beside the page.", INSIDE)

    def look(place: Place | None, number: float, chosen: Any) -> dict[str, Any]:
        if place is None:
            return {"error": NO_PAGE, "serial": parts.serial(chosen)}
        try:
            name, params = _chosen(chosen)
            answer = work(SLOW, "inside", **_page(place, number), view=name, params=params)
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

    go.click(look, [desk.place, desk.number, chooser], view, **_heavy(SLOW, view))


# --- Find text ---------------------------------------------------------------------------------------------------------------------------


def _find(work: Work, desk: _Desk) -> None:
    import gradio as gr

    table = choices.detectors()
    if not table:
        parts.html(
            '<p class="empty">docbin can find words on photographs, but no trained model for it is installed. With one, the words of your '
            "photograph are outlined here, with their scores and a JSON file to download.</p>"
        )
        return
    chooser = parts.chooser("Model", table, next((row["name"] for row in table if row["available"]), table[0]["name"]), FIND)
    go = gr.Button("Find text", variant="primary", elem_id="docbin-find")
    with gr.Column(elem_classes=_result(FIND)):
        view = parts.sheet("The photograph with its words outlined appears here.", FIND)
        listed = parts.html()
        download = gr.DownloadButton("Download JSON", interactive=False, size="sm")

    def find(place: Place | None, number: float, chosen: Any) -> list[Any]:
        nothing = [parts.framed(""), gr.DownloadButton(value=None, interactive=False)]
        if place is None:
            return [{"error": NO_PAGE, "serial": parts.serial(chosen)}, *nothing]
        try:
            model, params = _chosen(chosen)
            answer = work(SLOW, "find", **_page(place, number), model=model, params=params)
        except DocbinError as error:
            return [{"error": str(error), "serial": parts.serial(chosen)}, *nothing]
        words = answer["words"]
        count = f"{len(words)} word{'' if len(words) == 1 else 's'}"
        panel = {"title": f"{count} found", "lines": [parts.duration(answer["seconds"])], "picture": parts.file(answer["picture"])}
        panel["alt"] = f"The photograph with {count} outlined"
        told = {"panels": [panel], "serial": parts.serial(chosen)}
        return [told, parts.framed(_words(words)), gr.DownloadButton(value=answer["list"], interactive=True)]

    go.click(find, [desk.place, desk.number, chooser], [view, listed, download], **_heavy(SLOW, view))


def _words(words: Sequence[Mapping[str, Any]], most: int = 200) -> str:
    """The words' places and scores, surest first."""
    rows = []
    for number, word in enumerate(sorted(words, key=lambda one: -one["score"])[:most], 1):
        across, down = zip(*word["polygon"], strict=True)
        size = f"{max(across) - min(across):.0f} x {max(down) - min(down):.0f}"
        rows.append([f"{number}", f"{word['score']:.2f}", f"{min(across):.0f}, {min(down):.0f}", size])
    if not rows:
        return ""
    told = "Surest first." if len(words) <= most else f"The surest {most}; the JSON file has them all."
    return parts.table(told, ["word", "score", "left, top", "width x height"], rows)


# --- Benchmarks --------------------------------------------------------------------------------------------------------------------------


def _benchmarks() -> None:
    import gradio as gr

    from docbin.benchmarks import shipped_scores

    shipped = shipped_scores.shipped()
    families = {row.name: row.family for row in catalogue.METHODS.values()}
    datasets = [plot.ALL, *dict.fromkeys(row.dataset for row in shipped)]
    without = ", ".join(name for name in families if name not in {row.method for row in shipped})
    parts.html(
        '<p class="help">The methods with their default settings on the pages of the DIBCO contests. No method was trained on these years. '
        "Times are of one machine that was busy with other things as well: they tell fast from slow, no more.</p>"
    )
    with gr.Row():
        dataset = gr.Dropdown(datasets, value=plot.ALL, label="Pages", info="One contest, or the mean of all.")
        measure = gr.Dropdown(
            [(name, key) for key, (name, _, _) in plot.MEASURES.items()], value="fm", label="Score", info="What the picture shows upwards."
        )

    def drawn(name: str, key: str) -> str:
        if name not in datasets or key not in plot.MEASURES:
            return parts.framed(parts.wrong("There are no such scores."))
        shown = plot.points(shipped, name, families)
        caption = (
            f"Means over the pages of {name}, by docbin evaluate, as in BENCHMARKS.md; pFM is the pseudo-F-measure, and the best is bold."
        )
        caption += f" Not timed yet: {without}." if without else ""
        pictures = "".join(f'<div class="{shape.name}">{plot.plot(shown, key, shape)}</div>' for shape in plot.SHAPES)
        return parts.framed(pictures + plot.table(shown, key, caption))

    picture = parts.html()
    picture.value = drawn(plot.ALL, "fm")
    for choice in (dataset, measure):
        choice.change(drawn, [dataset, measure], picture, **_light())


# --- for programs ------------------------------------------------------------------------------------------------------------------------


def _endpoints(work: Work) -> None:
    """Named endpoints for ``gradio_client``; they pass the same doors and wait in the same lines as the page."""
    import gradio as gr

    def page_of(file: Any) -> Place:
        path = str(file["path"] if isinstance(file, dict) else file.path)
        name = (file.get("orig_name") if isinstance(file, dict) else file.orig_name) or path
        return {"path": path, "name": str(name).replace("\\", "/").rpartition("/")[2], "truth": None}

    def answered(task: Callable[[], Any]) -> Any:
        try:
            return task()
        except DocbinError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def binarize(
        page: gr.FileData, method: str = catalogue.DEFAULT, params: dict[str, Any] | None = None, number: int = 1, format: str = "png"
    ) -> gr.FileData:
        """A page turned into ink: a file of the format png, tiff or pdf."""

        def task() -> Any:
            if format not in DOWNLOADS:
                raise UsageError(f"format {format[:20]!r} cannot be written; choose one of {', '.join(DOWNLOADS)}")
            answer = work(QUICK, "binarize", **_page(page_of(page), number), method=method, params=params or {})
            return gr.FileData(path=answer["downloads"][format], orig_name=Path(answer["downloads"][format]).name)

        return answered(task)

    def find_text(page: gr.FileData, model: str, params: dict[str, Any] | None = None, number: int = 1) -> list[dict[str, Any]]:
        """The words on a photograph: polygon and score of each."""
        asked = _page(page_of(page), number)
        found: list[dict[str, Any]] = answered(lambda: work(SLOW, "find", **asked, model=model, params=params or {})["words"])
        return found

    def methods() -> list[dict[str, Any]]:
        """The methods, as ``docbin methods --json`` has them."""
        return [row for row in choices.methods() if row["available"]]

    for function, line in ((binarize, QUICK), (find_text, SLOW)):
        for name, kind in typing.get_type_hints(function, globals() | locals()).items():
            function.__annotations__[name] = kind  # Gradio looks at the annotation, which here is still text
        gr.api(function, api_name=function.__name__, concurrency_id=line, concurrency_limit=1)
    methods.__annotations__["return"] = list
    gr.api(methods, api_name="methods", concurrency_limit=None)


# --- what the tabs share -----------------------------------------------------------------------------------------------------------------


def _result(group: str) -> list[str]:
    """The classes of a place whose content is greyed when a setting of its group changes; see ``page.js``."""
    return [f"docbin-result-{group}"]


def _heavy(line: str, view: Any) -> dict[str, Any]:
    """Options of an event that works in a child process: it waits in its line, of which one job runs at a time, and `view` alone shows that."""
    return {"concurrency_id": line, "concurrency_limit": 1, "api_visibility": "private", "show_progress_on": view}


def _light() -> dict[str, Any]:
    """Options of an event that is done at once."""
    return {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}


def _page(place: Place, number: float) -> dict[str, Any]:
    return {"path": place["path"], "name": place["name"], "page": int(number)}


def _chosen(value: Any) -> tuple[str, dict[str, Any]]:
    """The chooser's value, which comes from the browser: a name and settings, to be checked by what uses them."""
    if not isinstance(value, dict):
        return "", {}
    params = value.get("params")
    return str(value.get("method", "")), dict(params) if isinstance(params, dict) else {}
