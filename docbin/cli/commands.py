"""The table of commands, what stands before a command's name, and the way to a command for words that are plain."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from docbin.cli import messages
from docbin.cli.options import Option, parameters_of, plain_values


class Row(NamedTuple):
    """A command: where its function is, and its line in ``docbin --help``."""

    function: str
    summary: str


COMMANDS: Mapping[str, Row] = {
    "binarize": Row("docbin.cli.binarize:command", "Turn pages (pictures, TIFF, PDF) into ink."),
    "clean": Row("docbin.cli.clean:command", "Clean pages: white paper, ink in its own greys."),
    "detect": Row("docbin.cli.detect:command", "Find the words in pictures."),
    "evaluate": Row("docbin.cli.evaluate:command", "Score methods on benchmarks."),
    "score": Row("docbin.cli.score:command", "Score a result against the truth."),
    "enhance": Row("docbin.cli.enhance:command", "Repair pages: clean, sharp, without watermark."),
    "methods": Row("docbin.cli.methods:command", "List the methods, their parameters and their papers."),
    "models": Row("docbin.cli.models:command", "List the trained models, or show one."),
    "train": Row("docbin.cli.train:command", "Train a network from a recipe."),
    "package": Row("docbin.cli.package:command", "Make a model folder of a finished training run."),
    "export": Row("docbin.cli.export:command", "Write a trained model as ONNX or packed bits."),
    "list": Row("docbin.cli.listing:command", "List inputs as a work list, for many machines."),
    "report": Row("docbin.cli.report:command", "Merge the reports of many runs."),
    "demo": Row("docbin.cli.demo:command", "Try docbin in a browser on this machine."),
    "bench": Row("docbin.cli.bench:command", "Measure speed beside other tools on this machine."),
}


def function_of(name: str) -> Callable[..., Any]:
    """The function of a command; imports its module."""
    module, function = COMMANDS[name].function.split(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def before_command(
    version: Annotated[
        bool, Option("-V", "--version", is_eager=True, help="Print the version and leave. [default: no]", show_default=False)
    ] = False,
    verbose: Annotated[
        int, Option("-v", "--verbose", count=True, help="Say more on stderr, with tracebacks. [default: no]", show_default=False)
    ] = 0,
    quiet: Annotated[
        int, Option("-q", "--quiet", count=True, help="Say only errors on stderr, no bar. [default: no]", show_default=False)
    ] = 0,
) -> None:
    """docbin turns pictures of text into ink: document binarization.

    Exit codes: 0 all done; 1 wrong usage; 2 unreadable or refused input; 3 missing extra or model; 5 file access; 6 some pages failed, the rest are
    done and the report lists them; 130 interrupted (finished pages kept).
    """
    messages.set_loudness(verbose - quiet)


def plain_call(words: Sequence[str]) -> Callable[[], Any] | None:
    """The call that plain words mean; None where they want typer: see :mod:`docbin.cli.options`."""
    place = next((number for number, word in enumerate(words) if not word.startswith("-")), None)
    if (
        place is None or words[place] not in COMMANDS or any(name.startswith("_DOCBIN_") for name in os.environ)
    ):  # the shell asks to complete
        return None
    before = plain_values(parameters_of(before_command), words[:place])
    if before is None:
        return None
    command = function_of(words[place])
    values = plain_values(parameters_of(command), words[place + 1 :])
    if values is None:
        return None

    def call() -> Any:
        before_command(**before)
        return command(**values)

    return call
