"""Named endpoints of the demo for ``gradio_client``."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docbin import catalogue
from docbin.demo import choices
from docbin.demo.tabs.events import QUICK, SLOW, ChosenPage, Work, file_name, page_arguments
from docbin.demo.work import DOWNLOADS
from docbin.errors import DocbinError, UsageError


def add_endpoints(work: Work) -> None:
    """Named endpoints for ``gradio_client``; they pass the same limits and wait in the same lines as the page."""
    import gradio as gr

    def page_of(file: Any) -> ChosenPage:
        path = str(file["path"] if isinstance(file, dict) else file.path)
        name = (file.get("orig_name") if isinstance(file, dict) else file.orig_name) or path
        return {"path": path, "name": file_name(name), "truth": None}

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
            answer = work(QUICK, "binarize", **page_arguments(page_of(page), number), method=method, params=params or {})
            return gr.FileData(path=answer["downloads"][format], orig_name=Path(answer["downloads"][format]).name)

        return answered(task)

    def find_text(page: gr.FileData, model: str, params: dict[str, Any] | None = None, number: int = 1) -> list[dict[str, Any]]:
        """The words on a photograph: polygon and score of each."""
        found: list[dict[str, Any]] = answered(
            lambda: work(SLOW, "find", **page_arguments(page_of(page), number), model=model, params=params or {})["words"]
        )
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
