"""What the demo does to a page: the tasks of the child process (:mod:`docbin.processes.sandbox`), plain JSON in and out.

A task reads the page with the command line's reader and calls what the command line calls; pictures and downloads go into a `folder` that the server
made for this one task. Nothing here arrives unchecked: names of methods are looked up in the table (a path of a model folder is no method here), and
parameters pass the table's own ranges.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from docbin import catalogue, files
from docbin.demo import pictures, views
from docbin.errors import DocbinError, InputError, RefusedInput, UsageError
from docbin.page import to_grey

if TYPE_CHECKING:
    from docbin.catalogue import Method
    from docbin.page import Image, Mask, Page
    from docbin.registry import Row

MEGAPIXELS = 40.0
"""Largest page, unless the server was given another. An A4 page at 600 dpi has 35."""
DOWNLOADS = ("png", "tiff", "pdf")
MOST_METHODS = 4
"""So many methods are compared at a time."""
PANEL_PIXELS = 1_500_000
"""Largest preview where several stand side by side."""


def thumbnails(paths: Mapping[str, str], height: int) -> dict[str, str]:
    """Small pictures of shipped pages, as data URLs by name."""
    import base64

    import cv2

    out = {}
    for name, path in paths.items():
        page = next(files.read_pages(path)).pixels
        width = round(page.shape[1] * height / page.shape[0])
        small = cv2.resize(page, (width, height), interpolation=cv2.INTER_AREA)
        stored = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, 80])
        out[name] = "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
    return out


def look(folder: str, path: str, name: str, page: int, *, megapixels: float = MEGAPIXELS) -> dict[str, Any]:
    """The page itself, and what the file is."""
    read, facts = _read(path, name, page, megapixels)
    return facts | {"page": pictures.write_page_preview(Path(folder) / "page.png", read.pixels)}


def binarize(
    folder: str, path: str, name: str, page: int, method: str, params: Mapping[str, Any], *, megapixels: float = MEGAPIXELS
) -> dict[str, Any]:
    """A page turned to ink: previews of both, what there is to know of it, and the downloads, which are the files that the CLI writes.

    "clean" is the clean page in grey (``docbin clean``), for OCR and for reading.
    """
    from docbin import assessment
    from docbin.cleaning import clean_page

    row = method_row(method)
    settings = _settings(row, params)
    home = Path(folder)
    read, facts = _read(path, name, page, megapixels)
    start = time.perf_counter()
    pixels = _upright(read, facts)
    ink, probability = row.ink_with_probability(pixels, **settings)
    seconds = time.perf_counter() - start
    verdict = assessment.judge(assessment.Signs(to_grey(pixels)), ink)
    stem = download_stem(name, read)
    downloads = {}
    for format in DOWNLOADS:
        target = home / f"{stem}{files.formats()[format].suffixes[0]}"
        files.write_page(ink, target, dpi=read.dpi)
        downloads[format] = str(target)
    clean = home / f"{download_stem(name, read, 'clean')}.png"
    files.write_picture(clean_page(pixels, ink, probability), clean, dpi=read.dpi)
    return facts | {
        "method": row.name,
        "params": settings,
        "seconds": seconds,
        "ink": float(np.count_nonzero(ink) / ink.size),
        "quality": verdict.value,
        "reasons": list(verdict.reasons),
        "page": pictures.write_page_preview(home / "page.png", read.pixels),
        "result": pictures.write_ink_preview(home / "result.png", ink),
        "downloads": downloads,
        "clean": str(clean),
    }


def compare(
    folder: str,
    path: str,
    name: str,
    page: int,
    methods: list[str],
    truth: str | None = None,
    truth_name: str = "",
    *,
    megapixels: float = MEGAPIXELS,
) -> dict[str, Any]:
    """Several methods, with their defaults, on one page; with its truth, scores and pictures of the errors. A method that fails fails alone."""
    from docbin.evaluate.error_pictures import error_picture
    from docbin.metrics import score

    if not 1 <= len(methods) <= MOST_METHODS:
        raise UsageError(f"{len(methods)} methods are chosen; choose 1 to {MOST_METHODS}")
    rows = [method_row(method) for method in methods]
    home = Path(folder)
    read, facts = _read(path, name, page, megapixels)
    pixels = _upright(read, facts)
    wanted = _truth(truth, truth_name, read.pixels.shape[:2], megapixels) if truth is not None else None
    panels = []
    for number, row in enumerate(rows):
        panel: dict[str, Any] = {"method": row.name}
        panels.append(panel)
        try:
            start = time.perf_counter()
            ink = row.binarize(pixels)
            panel["seconds"] = time.perf_counter() - start
        except DocbinError as error:
            panel["error"] = str(error)
            continue
        panel["ink"] = float(np.count_nonzero(ink) / ink.size)
        panel["result"] = pictures.write_ink_preview(home / f"{number}-result.png", ink, PANEL_PIXELS)
        if wanted is not None:
            errors = pictures.reduced(error_picture(ink, wanted), PANEL_PIXELS)
            panel["errors"] = pictures.write_picture(home / f"{number}-errors.png", errors)
            panel["scores"] = score(ink, wanted).as_dict()
    shown = pictures.write_page_preview(home / "page.png", read.pixels, PANEL_PIXELS)
    legend = pictures.error_legend() if wanted is not None else None
    return facts | {"page": shown, "panels": panels, "legend": legend}


def inside(
    folder: str, path: str, name: str, page: int, view: str, params: Mapping[str, Any], *, megapixels: float = MEGAPIXELS
) -> dict[str, Any]:
    """What a method or network computes on its way to the ink; see :mod:`docbin.demo.views`."""
    read, facts = _read(path, name, page, megapixels)
    return facts | views.show(view, _upright(read, facts), params, Path(folder))


def find(
    folder: str, path: str, name: str, page: int, model: str, params: Mapping[str, Any], *, megapixels: float = MEGAPIXELS
) -> dict[str, Any]:
    """The words on a photograph: outlined, listed, and as the file that ``docbin detect`` writes."""
    from docbin.detection import output, table

    if not isinstance(model, str) or model not in table.names():
        raise UsageError(f"model {str(model)[:80]!r} does not find text; choose one from the list")
    read, facts = _read(path, name, page, megapixels)
    row = table.get(model)
    settings = _settings(row, params)
    start = time.perf_counter()
    words = row.words(read.pixels, **settings)
    seconds = time.perf_counter() - start
    home = Path(folder)
    listed = home / f"{download_stem(name, read, 'words')}.json"
    output.write(listed, "json", read.pixels, words, name)
    outlined = pictures.write_page_preview(home / "words.png", output.drawn(read.pixels, words))
    found = output.as_dict(words, name, (read.pixels.shape[1], read.pixels.shape[0]))["words"]
    return facts | {"words": found, "seconds": seconds, "picture": outlined, "list": str(listed)}


def method_row(name: str) -> Method:
    """The row of a method of the table; unlike the command line, the demo takes no path of a model folder."""
    if not isinstance(name, str) or name not in catalogue.METHODS:
        raise UsageError(f"method {str(name)[:80]!r} does not exist; choose one from the list")
    return catalogue.METHODS[name]


def _settings(row: Row, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a row, all of them, checked; a program may send anything in their place."""
    if not isinstance(params, Mapping):
        raise UsageError(f'{row.name}: settings are an object, {{"name": value}}, not a {type(params).__name__}')
    return row.parse(params)


def download_stem(name: str, page: Page, mark: str = "ink") -> str:
    """The name of a result, less its suffix, as the command line has it: scan.ink, or scan.ink.p0003 for a page of many."""
    from docbin.batch.names import page_stem

    stem = f"{Path(name).stem}.{mark}"
    return stem if page.count == 1 else page_stem(stem, page.number)


def _read(path: str, name: str, number: int, megapixels: float) -> tuple[Page, dict[str, Any]]:
    """A page of a file, and what every answer says of it."""
    with _opened(path, name, megapixels) as file:
        page, kind = file.page(number), file.kind
    height, width = page.pixels.shape[:2]
    return page, {
        "kind": kind,
        "name": page.source,
        "number": page.number,
        "count": page.count,
        "size": [width, height],
        "shown": list(pictures.shown_size(height, width)[::-1]),
        "colour": page.pixels.ndim == 3,
        "dpi": list(page.dpi) if page.dpi is not None else None,
        "notes": list(page.notes),
    }


def _upright(page: Page, facts: dict[str, Any]) -> Image:
    """The page as dark writing on light, as the command line takes it; where it was turned over, a note in `facts` says so."""
    from docbin.polarity import upright

    pixels, polarity = upright(page.pixels, "auto")
    if polarity == "light":
        facts["notes"].append("the writing is white on black, and was taken so")
    return pixels


@contextmanager
def _opened(path: str, name: str, megapixels: float) -> Iterator[files.PageFile]:
    """A file of pages under the demo's limit; `name` is what the visitor calls it."""
    if not Path(path).is_file():
        raise InputError(f"{name}: this page is no longer here, for files are deleted after an hour; choose it again")
    try:
        with files.open_pages(path, max_megapixels=megapixels, name=name) as file:
            yield file
    except RefusedInput as error:  # its way out is an option of the command line
        reason = str(error).split("; ")[0]
        raise RefusedInput(f"{reason}; make the page smaller, or use docbin on your own computer, which has no such limit") from error


def _truth(path: str, name: str, shape: tuple[int, ...], megapixels: float) -> Mask:
    """The ink of a truth picture; it must be as large as the page."""
    from docbin.benchmarks.ink_truth import ink_of_truth
    from docbin.page import to_grey

    with _opened(path, name, megapixels) as file:
        ink = ink_of_truth(to_grey(file.page(1).pixels))
    if ink.shape != shape:
        sizes = f"{ink.shape[1]} x {ink.shape[0]} pixels, the page {shape[1]} x {shape[0]}"
        raise UsageError(f"{name}: the truth has {sizes}; they must be of one size")
    return ink


TASKS: Mapping[str, Callable[..., Any]] = {
    "thumbnails": thumbnails,
    "look": look,
    "binarize": binarize,
    "compare": compare,
    "inside": inside,
    "find": find,
}
