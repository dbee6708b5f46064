"""``docbin train RECIPE.toml``: run a recipe, from a 20-step smoke run (``--set run.steps=20``) to a full one.

``docbin train --pages DIR``: teach a shipped model one's own labelled pages.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from docbin.cli.options import Argument, Option
from docbin.errors import MissingExtra, UsageError
from docbin.files.access import access_error

if TYPE_CHECKING:
    from docbin.train.recipe import Recipe


def _check_readable(recipe: Path) -> None:
    """Say what is wrong with the file before torch is imported, which takes seconds."""
    try:
        with recipe.open("rb"):
            pass
    except OSError as error:
        raise access_error(error, str(recipe), "read the recipe") from error


def _say(text: str) -> None:
    """A line on stderr, with the time, as the run's own lines have it."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _own(pages: Path, model: str | None, settings: list[str], max_minutes: float | None) -> Recipe:
    """The recipe for a folder of labelled pages, which are looked over, and spoken of, before torch is loaded."""
    from docbin.data.own_pages import survey
    from docbin.train.own_pages import DEFAULT_MODEL, own_recipe, sides

    _say(f"looking at the pages in {pages}")
    found = survey(pages, _say)
    for note in found.notes:
        _say(f"note: {note}")
    recipe = own_recipe(pages, len(found.pages), model or DEFAULT_MODEL, settings)
    learned, held_out = sides(found.pages, recipe.data)
    names = ", ".join(page.name.rpartition("/")[2] for page in held_out[:5])
    kept = f"{len(held_out)} held out, for the score ({names}{', ...' if len(held_out) > 5 else ''})" if held_out else "none held out"
    minutes = recipe.run.minutes if max_minutes is None else max_minutes
    length = f"{minutes:.3g} minutes" if minutes else f"{recipe.run.steps} step{'' if recipe.run.steps == 1 else 's'}"
    _say(f"{len(learned)} pages to learn from, {kept}; from the weights of {recipe.net.init}, {length}")
    if not held_out:
        _say("note: with three pages or more, one would be held out, and you would be told what the training gained")
    return recipe


def _gained(out: Path, pages: Path) -> None:
    """Say what the run was good for, and what to do with it."""
    try:
        with (out / "validation.csv").open(encoding="utf-8") as file:
            means = [float(row["mean"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError):
        means = []
    if len(means) > 1:
        gain = max(means) - means[0]
        _say(f"F-measure on the held-out pages: {means[0]:.2f} before, {max(means):.2f} after ({gain:+.2f})")
        if gain <= 0:
            _say("nothing was gained, so the weights are those it began with; more pages or more minutes may help")
    _say(f"use it:       docbin binarize PAGE -m {out}")
    _say(f"pass it on:   docbin package {out} -o {pages.resolve().name}-model    (runs without torch, and has a card)")


def command(
    recipe: Annotated[
        Path | None,
        Argument(metavar="[RECIPE.toml]", help="What to train: network, data, losses, optimizer, length.", show_default=False),
    ] = None,
    pages: Annotated[
        Path | None,
        Option(
            "--pages",
            metavar="DIR",
            help="In place of a recipe: train on from a shipped model on your own pages, DIR/images with their truth of the same names in DIR/gt "
            "(black where ink is). Some pages are held out, and tell what was gained. [default: none]",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        Option(
            "--from",
            metavar="MODEL",
            help="With --pages: the model to start from, one of 'docbin models', a model folder or a run. [default: unet]",
            show_default=False,
        ),
    ] = None,
    data_root: Annotated[
        Path | None,
        Option(
            "--data-root",
            metavar="DIR",
            help="Folder of the benchmark data. [default: DOCBIN_DATA, else ../shared/data]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Option("--out", metavar="DIR", help="Folder of the run's files. [default: runs/<name of the recipe>]", show_default=False),
    ] = None,
    resume: Annotated[
        bool, Option("--resume", help="Go on from the checkpoint in --out. [default: refuse such a folder]", show_default=False)
    ] = False,
    max_minutes: Annotated[
        float | None,
        Option(
            "--max-minutes",
            metavar="N",
            min=0.01,
            example=15,
            help="End after N minutes, annealed to that end. [default: by steps]",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        Option(
            "--set", metavar="KEY=VALUE", help="Override a value, e.g. optim.rate=1e-3; repeatable. [default: none]", show_default=False
        ),
    ] = None,
) -> int:
    """Train a network: from a recipe, or a shipped one on your own labelled pages.

    docbin train --pages mypages/; docbin binarize scan.png -m runs/mypages
    """
    if (recipe is None) == (pages is None):
        raise UsageError(
            "give a recipe (docbin train RECIPE.toml) or a folder of labelled pages (docbin train --pages DIR), one of the two"
        )
    if start is not None and pages is None:
        raise UsageError("--from: goes with --pages; a recipe names its beginning itself (net.init)")
    made = None
    if pages is not None:
        name, made = pages.resolve().name, _own(pages, start, settings or [], max_minutes)
        _say("loading torch")
    else:
        assert recipe is not None
        _check_readable(recipe)
        name = recipe.stem if recipe.stem != "recipe" else recipe.resolve().parent.name
    try:
        from docbin.train.loop import train
        from docbin.train.recipe import read_recipe
    except ImportError as error:
        raise MissingExtra(f"training needs torch ({error}); pip install 'docbin[train]'") from None
    if made is None:
        assert recipe is not None
        made = read_recipe(recipe, settings or ())
    root = pages or data_root or Path(os.environ.get("DOCBIN_DATA", "../shared/data"))
    folder = out or Path("runs") / name
    try:
        outcome = train(made, folder, root, resume, max_minutes)
    except OSError as error:
        raise access_error(error, str(error.filename or folder), "write the run") from error
    if not outcome.finished:
        print("interrupted; go on with --resume", file=sys.stderr)
        return 130
    if pages is not None:
        _gained(folder, pages)
    return 0
