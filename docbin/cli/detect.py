"""``docbin detect``: parse, call :mod:`docbin.batch` for words, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from docbin.cli import batches
from docbin.cli.options import Option
from docbin.detection import table

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
            help="A file for one input (.json, .txt, .jpg, .png), a folder for many, - for stdout. "
            "[default: one picture's JSON to stdout; else beside the input, photo.jpg -> photo.words.json, photos/ -> photos.words/]",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        Option(
            "-m",
            "--model",
            metavar="MODEL",
            help=f"A detector of 'docbin models', or a model folder. [default: {table.DEFAULT}]",
            show_default=False,
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        Option(
            "-p",
            "--param",
            metavar="KEY=VALUE",
            help="threshold, score, unclip, shape (quad, polygon), least, side, accurate, runtime; may be repeated. [default: the model's own]",
            show_default=False,
        ),
    ] = None,
    accurate: Annotated[
        bool,
        Option(
            "--accurate",
            help="Look at every picture at two sizes and average: three times the time. The same as -p accurate=true. [default: no]",
            show_default=False,
        ),
    ] = False,
    format: Annotated[
        str | None,
        Option(
            "--format",
            metavar="json|icdar|picture",
            help="JSON, ICDAR's text lines, or the picture with outlines. [default: by OUT's suffix, else json]",
            show_default=False,
        ),
    ] = None,
    *,
    options: batches.BatchOptions,
) -> int:
    """Find the words in pictures: their outlines in pixels of the picture, in reading order.

    Reads what 'docbin binarize' reads. JSON is an object a picture, on one line: {"image", "size": [w, h], "words": [{"polygon": [[x, y]...],
    "score"}]}. An ICDAR file has a line a word, x1,y1,x2,y2,x3,y3,x4,y4. Folders, several jobs, --resume and the report work as for binarize.

    Exit codes: as for 'docbin binarize'.

    docbin detect photo.jpg

    docbin detect photo.jpg -o photo-with-words.jpg

    docbin detect photos/ -o out/ --format icdar --report out.jsonl --resume
    """

    def job() -> Job:
        from docbin import batch

        row = table.get(model or table.DEFAULT)
        given = row.given(param or [])
        if accurate:
            given = {**given, "accurate": "true"}
        return batch.Detect.create(row, given, format=format, **options.of_job())

    if out is None and format in (None, "json") and len(inputs) == 1 and Path(inputs[0]).is_file() and not options.dry_run:
        out = "-"
    return batches.run(inputs, out, job, options)
