"""``docbin enhance``: parse, call :mod:`docbin.batch` for repaired pages, print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from docbin.cli import batches, messages
from docbin.cli.options import Option
from docbin.enhancing import DEFAULT, REPAIRS, available

if TYPE_CHECKING:
    from docbin.batch import Job


@batches.batch_command
def command(
    inputs: batches.Inputs,
    out: Annotated[
        str | None,
        Option(
            "-o",
            "--out",
            metavar="OUT",
            help="A file for one input (.png .tif .jpg .pdf), a .pdf or .tif for all pages of many, a folder for a file each, - for stdout. "
            "[default: beside the input, page.jpg -> page.enhanced.png, scans/ -> scans.enhanced/; stdin to stdout]",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        str | None,
        Option(
            "--task",
            metavar="TASK",
            help=f"{', '.join(available()) or 'None is in this install, name a --model'}. [default: {DEFAULT}]",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        Option("--model", metavar="MODEL", help="A model of the zoo or a model folder. [default: the task's own]", show_default=False),
    ] = None,
    grey: Annotated[bool, Option("--grey", help="Write grey pages also of coloured ones. [default: no]", show_default=False)] = False,
    format: batches.PictureFormat = None,
    pdf: batches.PdfWay = "replace",
    break_signatures: batches.BreakSignatures = False,
    *,
    options: batches.BatchOptions,
) -> int:
    """Write repaired pages: one colour of ink on one of paper, sharp again, or without a watermark; then binarize them with any method, or read them.

    Experimental: the networks are small and trained here; look at what they make of your pages. Needs the extra 'train' (PyTorch). Folders, several
    jobs, --resume and the report work as for binarize.

    docbin enhance scan.jpg -o clean.png

    docbin enhance book.tif -o book-clean.tif
    """

    def job() -> Job:
        from docbin import batch

        own = {"format": format, "pdf": pdf, "break_signatures": break_signatures}
        made = batch.Enhance.create(task, model, {"grey": grey}, **own, **options.of_job())
        if REPAIRS[made.row.name].experimental:
            messages.warning(f"task {made.row.name} is experimental: {made.row.summary}")
        return made

    return batches.run(inputs, out, job, options)
