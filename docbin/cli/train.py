"""``docbin train RECIPE.toml``: run a recipe, from a 20-step smoke run (``--set run.steps=20``) to a full one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from docbin.errors import MissingExtra


def _check_readable(recipe: Path) -> None:
    """Say what is wrong with the file before torch is imported, which takes seconds."""
    from docbin.files.access import access_error

    try:
        with recipe.open("rb"):
            pass
    except OSError as error:
        raise access_error(error, str(recipe), "read the recipe") from error


def command(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What to train: network, data, losses, optimizer, length.")],
    data_root: Annotated[
        Path | None,
        typer.Option("--data-root", metavar="DIR", help="Folder of the benchmark data (default: DOCBIN_DATA, else ../shared/data)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder of the run's files (default: runs/<name of the recipe>).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out (default: refuse such a folder).")] = False,
    max_minutes: Annotated[
        float | None,
        typer.Option("--max-minutes", metavar="N", min=0.01, help="End after N minutes, annealed to that end (default: by steps)."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a value, e.g. optim.rate=1e-3; repeatable (default: none)."),
    ] = None,
) -> None:
    """Train a network from a recipe."""
    _check_readable(recipe)
    try:
        from docbin.train.loop import train
        from docbin.train.recipe import read_recipe
    except ImportError as error:
        raise MissingExtra(f"training needs torch ({error}); pip install 'docbin[train]'") from None
    root = data_root or Path(os.environ.get("DOCBIN_DATA", "../shared/data"))
    name = recipe.stem if recipe.stem != "recipe" else recipe.resolve().parent.name
    outcome = train(read_recipe(recipe, settings or ()), out or Path("runs") / name, root, resume, max_minutes)
    if not outcome.finished:
        print("interrupted; go on with --resume", file=sys.stderr)
        raise typer.Exit(130)
