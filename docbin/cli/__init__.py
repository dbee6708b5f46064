"""The command line ``docbin``.

A command is one module in this room and one row in ``COMMANDS``. Its module is imported when the command is called, and imports the heavy libraries
inside its function, so that ``docbin --help`` answers at once.

What holds for every command:

* stdout carries data only. Messages and bars go to stderr, bars only where stderr is a terminal.
* Errors made on purpose (:mod:`docbin.errors`) are one line on stderr and their exit code. Wrong usage is exit code 1. Anything else is a bug: a
  short message that asks for a report, and the traceback with ``-v``.
* ``-v`` and ``-q`` may stand before or behind the command's name.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

import docbin
from docbin.cli import messages
from docbin.errors import DocbinError


class Row(NamedTuple):
    """A command: where its function is, and its line in ``docbin --help``."""

    function: str
    summary: str


COMMANDS: Mapping[str, Row] = {
    "binarize": Row("docbin.cli.binarize:command", "Turn pages (pictures, TIFF, PDF) into ink."),
    "clean": Row("docbin.cli.clean:command", "Write clean pages: white paper, ink in its own greys; for OCR, print, reading."),
    "detect": Row("docbin.cli.detect:command", "Find the words in pictures."),
    "evaluate": Row("docbin.cli.evaluate:command", "Score methods on benchmarks."),
    "score": Row("docbin.cli.score:command", "Score a result against the truth."),
    "enhance": Row("docbin.cli.enhance:command", "Repair pages: clean, sharp, without watermark."),
    "methods": Row("docbin.cli.methods:command", "List the methods, their parameters and their papers."),
    "models": Row("docbin.cli.models:command", "List the trained models, or show one."),
    "train": Row("docbin.cli.train:command", "Train a network from a recipe."),
    "package": Row("docbin.cli.package:command", "Make a model folder of a finished training run."),
    "export": Row("docbin.cli.export:command", "Write a trained model as ONNX or packed bits."),
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


_app = typer.Typer(cls=_Commands, add_completion=True, rich_markup_mode=None, no_args_is_help=False, context_settings=HELP)


@_app.callback(invoke_without_command=True)
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. The console script calls this."""
    _open_standard_streams()
    command = typer.main.get_command(_app)
    words = _loudness_first(sys.argv[1:] if arguments is None else arguments)
    try:
        result = command.main(args=words, prog_name="docbin", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except DocbinError as error:
        messages.error(str(error))
        return error.exit_code
    except (BrokenPipeError, SystemExit) as error:
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):  # typer turns a broken pipe into an exit
            raise
        _forget_stdout()
        return 5
    except KeyboardInterrupt:
        messages.error("interrupted")
        return 130
    except OSError as error:
        return _system_refused(error)
    except Exception as error:
        return _unexpected(error, words)


def _open_standard_streams() -> None:
    """Give stdin, stdout and stderr that are closed (cron, daemons, ``<&-``) a file each, or the next files opened would take their numbers.

    Reading from such a stdin and writing to such a stdout fail as what they are; what is said on such a stderr is lost.
    """
    for number, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)  # else a child's pipe takes the number
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the program runs
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="surrogateescape")  # names that are no text come out as the bytes they are


def _system_refused(error: OSError) -> int:
    """The system refused something of this process itself: stdout is full or closed, the current folder was deleted."""
    from docbin.files.access import access_error

    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        messages.error("the current folder was deleted; change to another one (cd), or give absolute paths")
        _forget_stdout()
        return 5
    if error.filename is None and error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO, errno.EDQUOT, errno.EFBIG):
        messages.error(str(access_error(error, "stdout", "write")))
        _forget_stdout()
        return 5
    if error.filename is not None and error.errno is not None:
        messages.error(str(access_error(error, str(error.filename), "open")))
        return 5
    return _unexpected(error)


def _loudness_first(words: Sequence[str]) -> list[str]:
    """The words with ``-v`` and ``-q`` in front: they concern every command, so none declares them."""
    end = words.index("--") if "--" in words else len(words)
    loud = [word for word in words[:end] if word in ("-v", "-vv", "--verbose", "-q", "--quiet")]
    return [*loud, *(word for word in words[:end] if word not in loud), *words[end:]]


def _dash_hint(words: Sequence[str]) -> str:
    """What to do where a word of the command line that looks like an option is the name of a file; else nothing."""
    words = words[: words.index("--")] if "--" in words else words
    name = next((word for word in words if len(word) > 1 and word.startswith("-") and os.path.exists(word)), None)  # noqa: PTH110
    return "" if name is None else f" The file {name} is given as ./{name}, or after a --, which ends the options."


def _unexpected(error: Exception, words: Sequence[str] = ()) -> int:
    if hasattr(error, "format_message"):  # typer's own: wrong usage
        context = getattr(error, "ctx", None)
        if context is not None:
            messages.line(context.get_usage())
        messages.error(error.format_message())
        if context is not None:
            messages.line(f"Try '{context.command_path} --help'.{_dash_hint(words)}")
        return 1
    if type(error).__name__ == "Abort":
        messages.error("interrupted")
        return 130
    messages.error(f"{type(error).__name__}: {error}")
    messages.line(f"This is a bug in docbin {docbin.__version__}. Please report it, with the command line and what -v adds to this.")
    if messages.loudness() > 0:
        import traceback

        traceback.print_exc()
    return 1


def _forget_stdout() -> None:
    """The reader of stdout has gone; let the interpreter flush into nothing instead of complaining at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout.flush()
