"""``docbin binarize``: parse, call :mod:`docbin.batch`, print."""

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
            help="A file for one input (.png .tif .pdf .pbm), a .pdf or .tif for all pages of many, a folder for a file each, - for stdout. "
            "[default: beside the input, page.jpg -> page.ink.png, scans/ -> scans.ink/; stdin to stdout]",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str | None,
        Option(
            "-m",
            "--method",
            metavar="METHOD",
            help=f"A name from 'docbin methods', or a model folder. [default: {DEFAULT}]",
            show_default=False,
        ),
    ] = None,
    param: batches.Params = None,
    format: Annotated[
        str | None,
        Option(
            "--format",
            metavar="png|tiff|pdf|pbm",
            help="1-bit PNG, TIFF, PDF or PBM. [default: PDF for PDF and --layers, TIFF for other files of several pages, else png]",
            show_default=False,
        ),
    ] = None,
    compression: Annotated[
        str | None,
        Option(
            "--compression",
            metavar="g4|jbig2",
            help="CCITT G4 (TIFF, PDF) or JBIG2 (PDF), both without loss. [default: G4 in TIFF, the smaller of the two in PDF]",
            show_default=False,
        ),
    ] = None,
    pdf: batches.PdfWay = "replace",
    layers: Annotated[
        bool,
        Option(
            "--layers",
            help="PDF pages that look like the scan at a tenth of its size: the ink sharp and in its colours, over a small JPEG of paper and "
            "pictures. "
            "[default: ink alone]",
            show_default=False,
        ),
    ] = False,
    break_signatures: batches.BreakSignatures = False,
    polarity: Annotated[
        str,
        Option(
            "--polarity",
            metavar="dark|light|auto",
            help="Dark writing on light paper, light on dark, or look at each page. [default: auto]",
            show_default=False,
        ),
    ] = "auto",
    min_quality: Annotated[
        float | None,
        Option(
            "--min-quality",
            metavar="0..1",
            example=0.8,
            help="End with exit code 6 where a page's expected F-measure is below; it is written all the same. [default: pages are only marked]",
            show_default=False,
        ),
    ] = None,
    probability: Annotated[
        bool,
        Option(
            "--probability",
            help="Write the method's 8-bit probability map instead of the ink (dark = ink). [default: no]",
            show_default=False,
        ),
    ] = False,
    editable: Annotated[
        bool,
        Option(
            "--editable",
            help="Write OpenRaster files (.ora) for GIMP or Krita, the ink as a layer over its page: correct it by hand, then 'docbin train --pages' "
            "or 'docbin evaluate' reads it as truth. [default: no]",
            show_default=False,
        ),
    ] = False,
    enlarge: batches.Enlarge = "1",
    second_look: batches.SecondLook = "auto",
    *,
    options: batches.BatchOptions,
) -> int:
    """Turn pages into ink: black writing on white paper, one bit a pixel.

    Reads PNG, JPEG, TIFF, BMP, PNM, WebP, JPEG 2000, AVIF, GIF, HEIC (docbin[heif]) and PDF. A TIFF of several pages gives such a TIFF; a PDF gives
    the same PDF with its scans replaced. With --format png or pbm every page is a file of its own (book.p0001.png). Folders are mirrored in OUT.
    Inputs are never overwritten.

    Exit codes: 0 all done; 6 some pages failed (or are below --min-quality), the rest are done; where nothing could be done for one kind of
    reason, that reason's: 1 wrong usage, 2 unreadable or refused input, 3 missing extra, 5 file access; 130 interrupted.

    docbin binarize page.jpg -o page.png

    docbin binarize scans/ -o out/ -m sauvola -p window=51 --report out.jsonl --resume

    docbin binarize scans/ -o book.pdf --layers
    """

    def job() -> Job:
        from docbin import batch, catalogue

        row = catalogue.get(method)
        chosen = {
            "probability": probability,
            "editable": editable,
            "polarity": polarity,
            "format": format,
            "compression": compression,
            "enlarge": enlarge,
            "second_look": second_look,
            "min_quality": min_quality,
        }
        chosen |= {"pdf": pdf, "layers": layers, "break_signatures": break_signatures}
        return batch.Binarize.create(row, row.given(param or []), **chosen, **options.of_job())

    return batches.run(inputs, out, job, options)
