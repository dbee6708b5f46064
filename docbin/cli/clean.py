"""``docbin clean``: parse, call :mod:`docbin.batch` for clean pages, print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from docbin.catalogue import DEFAULT
from docbin.cli import batches
from docbin.cli.options import Option

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
            "[default: beside the input, page.jpg -> page.clean.png, scans/ -> scans.clean/; stdin to stdout]",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str | None,
        Option(
            "-m",
            "--method",
            metavar="METHOD",
            help=f"What says where ink is: a name from 'docbin methods', or a model folder. [default: {DEFAULT}]",
            show_default=False,
        ),
    ] = None,
    param: batches.Params = None,
    colour: Annotated[bool, Option("--colour", "--color", help="Keep the ink's colours. [default: grey]", show_default=False)] = False,
    format: batches.PictureFormat = None,
    polarity: Annotated[
        str,
        Option(
            "--polarity",
            metavar="dark|light|auto",
            help="Dark writing on light paper, light on dark (written as dark on white), or look at each page. [default: auto]",
            show_default=False,
        ),
    ] = "auto",
    pdf: batches.PdfWay = "replace",
    break_signatures: batches.BreakSignatures = False,
    enlarge: batches.Enlarge = "1",
    second_look: batches.SecondLook = "auto",
    straighten: Annotated[
        str,
        Option(
            "--straighten",
            metavar="auto|off",
            help="Curved lines (a photographed book) become straight, the page a little higher; off: every pixel stays in its place. [default: auto]",
            show_default=False,
        ),
    ] = "auto",
    *,
    options: batches.BatchOptions,
) -> int:
    """Write clean pages: white paper, the ink in its own greys or colours, with soft edges; for OCR, for print and for reading.

    Stains, shadows, folds, what shines through, specks and dark borders of the scan go; lines that a photograph has curved become straight. OCR
    engines that read grey (Tesseract and most others) read such a page better than one of black and white, above all where letters are small.
    A PDF gives the same PDF with its scans replaced, every pixel in its place. Folders, several jobs, --resume and the report work as for binarize.

    docbin clean page.jpg -o page.png

    docbin clean page.jpg -o - | tesseract - - -l eng

    docbin clean scans/ -o out/ --colour --report out.jsonl --resume
    """

    def job() -> Job:
        from docbin import batch, catalogue

        row = catalogue.get(method)
        own = {"colour": colour, "polarity": polarity, "enlarge": enlarge, "straighten": straighten, "second_look": second_look}
        own |= {"pdf": pdf, "break_signatures": break_signatures}
        return batch.Clean.create(row, row.given(param or []), format=format, **own, **options.of_job())

    return batches.run(inputs, out, job, options)
