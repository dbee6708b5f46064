"""``docbin package RUN``: a finished training run to a model folder that ``-m FOLDER`` takes."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from docbin.cli import messages
from docbin.cli.options import Argument, Option
from docbin.errors import FileAccessError, InputError, MissingExtra, UsageError


class Task(StrEnum):
    """What the model does."""

    binarize = "binarize"
    enhance = "enhance"
    detect = "detect"


def command(
    run: Annotated[Path, Argument(metavar="RUN", help="The folder of a training run, or one of its checkpoints.")],
    out: Annotated[
        Path | None,
        Option("-o", "--out", metavar="FOLDER", help="The model folder. [default: RUN/model]", show_default=False),
    ] = None,
    machine: Annotated[
        str, Option("--machine", metavar="WORDS", help="What it was trained on, in words. [default: not recorded]", show_default=False)
    ] = "a machine that was not recorded",
    notes: Annotated[
        Path | None,
        Option(
            "--notes", metavar="FILE", help="Markdown for the card: what it is for, where it fails. [default: none]", show_default=False
        ),
    ] = None,
    evaluation: Annotated[
        Path | None,
        Option(
            "--evaluation", metavar="JSON", help="Of 'docbin evaluate --json', for the card's table. [default: none]", show_default=False
        ),
    ] = None,
    task: Annotated[
        Task | None,
        Option("--task", metavar="|".join(Task), help="What the model does. [default: what it was trained for]", show_default=False),
    ] = None,
    summary: Annotated[
        str, Option("--summary", metavar="LINE", help="A line for 'docbin methods'. [default: the architecture's]", show_default=False)
    ] = "",
    citation: Annotated[
        str, Option("--citation", metavar="PAPER", help="The paper. [default: the architecture's]", show_default=False)
    ] = "",
    licence: Annotated[
        str, Option("--licence", metavar="NAME", help="Of the weights. [default: Apache-2.0]", show_default=False)
    ] = "Apache-2.0",
    tile: Annotated[
        int,
        Option(
            "--tile",
            metavar="PIXELS",
            example=1024,
            help="Side of a tile in pixels. [default: 1024, of a detector 2048]",
            show_default=False,
        ),
    ] = 0,
    halo: Annotated[
        int | None,
        Option(
            "--halo",
            metavar="PIXELS",
            example=64,
            help="Surround of a tile in pixels. [default: the network's own, with an eye 256]",
            show_default=False,
        ),
    ] = None,
    depth: Annotated[
        float,
        Option(
            "--depth",
            metavar="N",
            help="Keep strokes that are somewhere this deep; 0 keeps all. [default: 0]",
            example=0.5,
            show_default=False,
        ),
    ] = 0.0,
    regions: Annotated[
        float,
        Option(
            "--regions",
            metavar="P",
            help="Least probability of writing around a piece of ink; 0 keeps all. [default: 0]",
            example=0.5,
            show_default=False,
        ),
    ] = 0.0,
    with_weights: Annotated[
        bool, Option("--with-weights", help="Keep the float weights of a network of bits, too. [default: no]", show_default=False)
    ] = False,
    side: Annotated[
        int | None,
        Option(
            "--side",
            metavar="PIXELS",
            example=1280,
            help="Of a detector's picture, the longer, pixels. [default: that of the run]",
            show_default=False,
        ),
    ] = None,
    score: Annotated[
        float, Option("--score", metavar="P", help="Least mean probability of a word. [default: 0.6]", example=0.6, show_default=False)
    ] = 0.6,
    threshold: Annotated[
        float,
        Option("--threshold", metavar="P", example=0.5, help="Of the probability. [default: 0.5, of a detector 0.3]", show_default=False),
    ] = 0.0,
    shrink: Annotated[
        float,
        Option(
            "--shrink",
            metavar="RATIO",
            help="The ratio by which a detector's kernels have shrunk. [default: 0.4]",
            example=0.4,
            show_default=False,
        ),
    ] = 0.4,
    int8: Annotated[
        Path | None,
        Option(
            "--int8",
            metavar="PAGES",
            help="Make it run in 8 bits too, in OpenVINO: a folder of pages to measure on. [default: no]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a model folder of a finished training run: weights, config, the forms that run without torch, a card. Every runtime is checked.

    docbin package runs/unet -o my-unet; docbin binarize scan.tif -m my-unet
    """
    Path.cwd()  # in a folder that was deleted PyTorch ends the process with a message of its own
    try:
        from docbin.train.package_model import PackageOptions, package_run
    except ImportError as error:
        raise MissingExtra(f"packaging needs torch and onnx ({error}); run: pip install 'docbin[train]'") from None
    if int8 is not None and not int8.is_dir():
        raise UsageError(f"--int8 {int8}: no such folder; a folder of pages to measure on is wanted")
    options = PackageOptions(
        machine=machine,
        notes=_text(notes),
        evaluation=_results(evaluation),
        task=task.value if task else "",
        summary=summary,
        citation=citation,
        licence=licence,
        tile=tile,
        halo=halo,
        depth=depth,
        regions=regions,
        with_weights=with_weights,
        side=side,
        score=score,
        threshold=threshold,
        shrink=shrink,
        int8=int8,
    )
    folder = out or (run if run.is_dir() else run.parent) / "model"
    try:
        written = package_run(run, folder, options)
    except OSError as error:
        raise FileAccessError(f"{error.filename or folder}: cannot be written ({error.strerror or error})") from None
    except UsageError:
        raise
    except ValueError as error:
        raise InputError(f"{run}: cannot be packaged: {error}") from None
    for path in written:
        messages.note(f"{path}: {path.stat().st_size:,} bytes")


def _text(path: Path | None) -> str:
    """A file's text; nothing where none is named."""
    try:
        return path.read_text(encoding="utf-8") if path is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise FileAccessError(f"{path}: cannot be read ({error})") from None


def _results(path: Path | None) -> list[dict[str, object]]:
    """Results of ``docbin evaluate --json``."""
    if path is None:
        return []
    try:
        results: list[dict[str, object]] = json.loads(_text(path))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); --evaluation takes what 'docbin evaluate --json' writes") from None
    return results
