"""``docbin score``: scores of one picture, or of two folders by stem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from docbin.cli.options import Argument, Option
from docbin.errors import SomePagesFailed


def command(
    prediction: Annotated[
        Path, Argument(metavar="PREDICTION", help="The result: a picture, or a folder of pictures (ink is what is darker than 128).")
    ],
    truth: Annotated[
        Path, Argument(metavar="TRUTH", help="The truth: a picture of the same size, or a folder with pictures of the same stems.")
    ],
    as_json: Annotated[bool, Option("--json", help="Print JSON instead of a table. [default: no]", show_default=False)] = False,
) -> None:
    """Score PREDICTION against TRUTH as the DIBCO contests do: FM, pseudo-FM, PSNR, DRD, NRM, MPM, precision, recall."""
    from docbin.cli import messages
    from docbin.evaluate import score_paths
    from docbin.evaluate.judges.ink_judge import InkJudge
    from docbin.evaluate.tables import pages_table
    from docbin.metrics import mean

    pages = score_paths(prediction, truth, messages.warning)
    good = [page.scores for page in pages if page.scores is not None]
    failed = [page for page in pages if page.scores is None]
    average = mean(good) if good else None
    if as_json:
        images = [{"name": page.name, **page.scores.as_dict()} for page in pages if page.scores is not None]
        if prediction.is_dir():
            errors = [{"name": page.name, "message": page.error} for page in failed]
            report: object = {"images": images, "mean": average.as_dict() if average else None, "errors": errors}
        else:
            report = images[0]
        print(json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        from rich.console import Console

        Console(width=None if Console().is_terminal else 160, markup=False).print(pages_table(pages, average, InkJudge()))
    if failed:
        raise SomePagesFailed("\n  ".join(page.error or page.name for page in failed))
