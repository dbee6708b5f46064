"""``docbin enhance``: pages repaired, in grey or colour, without deciding what is ink."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from docbin.errors import UsageError

if TYPE_CHECKING:
    from docbin.page import Page

FORMATS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
"""Suffix of an output -> Pillow's name of the format; only TIFF holds several pages."""


def command(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Pages: pictures, TIFF or PDF files.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="A file (.png, .tif) for one input, a folder for many; of several pages only .tif holds all. [required]",
            show_default=False,
        ),
    ],
    task: Annotated[
        str,
        typer.Option(
            "--task", metavar="TASK", help="uniform, clean-up, deblur, watermark or binarize. [default: uniform]", show_default=False
        ),
    ] = "uniform",
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="MODEL", help="A model of the zoo or a model folder. [default: the task's own]", show_default=False
        ),
    ] = None,
    grey: Annotated[bool, typer.Option("--grey", help="Write grey pages also of coloured ones. [default: no]", show_default=False)] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist. [default: no]", show_default=False)] = False,
    max_megapixels: Annotated[
        float | None,
        typer.Option(
            "--max-megapixels", metavar="N", help="Refuse larger pages, in millions of pixels. [default: 400]", show_default=False
        ),
    ] = None,
) -> None:
    """Write clean pages: one colour of ink on one of paper, sharp again, or without a watermark; then binarize them with any method, or read them.

    docbin enhance scan.jpg -o clean.png

    docbin enhance book.tif -o book-clean.tif --task clean-up
    """
    from docbin.enhancing import enhance, model_config
    from docbin.files import DEFAULT_MEGAPIXELS, open_pages

    model_config(task, model)  # a missing model is said before a page is read
    for source, target in _targets(inputs, out, overwrite):
        with open_pages(source, max_megapixels=DEFAULT_MEGAPIXELS if max_megapixels is None else max_megapixels) as file:
            if file.count > 1 and FORMATS[target.suffix.lower()] != "TIFF":
                raise UsageError(f"{target}: a PNG holds one page and {source} has {file.count}; name a .tif")
            _write(((page, enhance(page.pixels, task, model, grey)) for page in file), target, overwrite)


def _targets(inputs: list[Path], out: Path, overwrite: bool) -> list[tuple[Path, Path]]:
    """Each input with its output, checked: one file for one input, else a folder with the inputs' names."""
    if out.suffix and not out.is_dir():
        if out.suffix.lower() not in FORMATS:
            raise UsageError(f"{out}: {out.suffix} cannot be written; choose one of {', '.join(FORMATS)}, or a folder")
        if len(inputs) > 1:
            raise UsageError(f"{out}: one file for {len(inputs)} inputs; name a folder")
        pairs = [(inputs[0], out)]
    else:
        many = (".tif", ".tiff", ".pdf")
        pairs = [(source, out / f"{source.stem}{'.tif' if source.suffix.lower() in many else '.png'}") for source in inputs]
        if len({target for _, target in pairs}) < len(pairs):
            raise UsageError(f"{out}: two inputs would be written under one name; enhance them into two folders")
        _make(out)
    for source, target in pairs:
        if target.exists() and source.exists() and target.samefile(source):
            raise UsageError(f"{target}: the input would be overwritten; choose another -o")
        if target.exists() and not overwrite:
            raise UsageError(f"{target}: is there already; say --overwrite, or choose another -o")
    return pairs


def _make(folder: Path) -> None:
    from docbin.files.access import access_error

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise access_error(error, str(folder), "make the folder") from error


def _write(pages: Iterator[tuple[Page, Any]], target: Path, overwrite: bool) -> None:
    """Pages and their repaired pixels into one file, whole or not at all; TIFF pages are written as they come."""
    from PIL import Image as Pictures

    from docbin.files.access import access_error
    from docbin.files.atomic import AtomicFile

    def pictures() -> Iterator[tuple[Any, dict[str, Any]]]:
        for page, pixels in pages:
            yield Pictures.fromarray(pixels), {} if page.dpi is None else {"dpi": page.dpi}

    file = AtomicFile(target, overwrite=overwrite)
    try:
        try:
            if FORMATS[target.suffix.lower()] == "PNG":
                for picture, options in pictures():
                    picture.save(file.stream, format="PNG", **options)
            else:
                _write_tiff(pictures(), file.stream)
        except OSError as error:
            raise access_error(error, str(target), "write") from error
        file.commit()
    except BaseException:
        file.discard()
        raise


def _write_tiff(pictures: Iterator[tuple[Any, dict[str, Any]]], stream: BinaryIO) -> None:
    """One page after another through a temporary file, since Pillow reads back what it wrote to chain the pages."""
    from PIL.TiffImagePlugin import AppendingTiffWriter

    with tempfile.TemporaryFile() as spool, AppendingTiffWriter(spool) as writer:
        for picture, options in pictures:
            picture.save(writer, format="TIFF", compression="tiff_deflate", **options)
            writer.newFrame()
        writer.finalize()
        spool.seek(0)
        shutil.copyfileobj(spool, stream)
