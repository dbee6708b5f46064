"""The table of commands, and the parser that typer makes of it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

import docbin
from docbin.cli import messages


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


HELP = {"help_option_names": ["-h", "--help"]}


class _Commands(TyperGroup):
    """The commands of ``COMMANDS``; the help of all of them needs none of their modules."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP)
        if self._listing:
            app.command(cmd_name, help=row.summary)(_nothing)
        else:
            module, function = row.function.split(":")
            app.command(cmd_name)(getattr(importlib.import_module(module), function))
        return typer.main.get_command(app)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self._check_name(ctx, args)
        return super().resolve_command(ctx, args)

    def _check_name(self, ctx: Any, args: list[str]) -> None:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
            ctx.fail(f"no command {args[0]!r}; {hint}")

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


def _nothing() -> None:
    """Stands for a command while they are listed."""


def _version(asked: bool) -> None:
    if asked:
        print(f"docbin {docbin.__version__}")
        raise typer.Exit


app = typer.Typer(cls=_Commands, add_completion=True, rich_markup_mode=None, no_args_is_help=False, context_settings=HELP)


@app.callback(invoke_without_command=True)
def _global(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "-V", "--version", callback=_version, is_eager=True, help="Print the version and leave. [default: no]", show_default=False
        ),
    ] = False,
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, help="Say more on stderr, with tracebacks. [default: no]", show_default=False)
    ] = 0,
    quiet: Annotated[
        int, typer.Option("-q", "--quiet", count=True, help="Say only errors on stderr, no bar. [default: no]", show_default=False)
    ] = 0,
) -> None:
    """docbin turns pictures of text into ink: document binarization.

    Exit codes: 0 all done; 1 wrong usage; 2 unreadable or refused input; 3 missing extra or model; 5 file access; 6 some pages failed, the rest are
    done and the report lists them; 130 interrupted (finished pages kept).
    """
    messages.set_loudness(verbose - quiet)
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        ctx.exit(0)
