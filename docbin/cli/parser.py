"""The parser that typer makes of the table of commands: for help, for mistakes, and for all words that are not plain (:mod:`docbin.cli.options`)."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import docbin
from docbin.cli.commands import COMMANDS, before_command, function_of
from docbin.cli.options import OWN, REQUIRED, Option, Parameter, is_number, number, parameters_of
from docbin.errors import UsageError

HELP = {"help_option_names": ["-h", "--help"]}
_WORD_OF_PATH: dict[Any, Any] = {Path: str, Path | None: str | None}


def for_typer(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command's function with what it declares in typer's terms. Paths and numbers are words to typer: of an empty path it would make the current
    folder, and of what is no number it speaks in words of the library below it."""

    def hint(one: Parameter) -> Any:
        kind = str | None if is_number(one) else _WORD_OF_PATH.get(one.type, one.type)
        if isinstance(one.declared, Option):
            keywords: dict[str, Any] = {name: value for name, value in one.declared.keywords.items() if name not in OWN}
            keywords |= {"callback": _version} if one.name == "version" else {}
            return Annotated[kind, typer.Option(*one.declared.names, **keywords)]
        return Annotated[kind, typer.Argument(**one.declared.keywords)]

    @functools.wraps(command)
    def called(**given: Any) -> Any:
        for one in declared:
            value = given[one.name]
            if value != one.default:
                for word in value if isinstance(value, list) else [value]:
                    _check_word(one, word)
                if one.type in _WORD_OF_PATH:
                    given[one.name] = Path(value)
                elif is_number(one):
                    given[one.name] = number(one, value)
        return command(**given)

    declared = parameters_of(command)
    parameters = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if one.default is REQUIRED else one.default,
            annotation=hint(one),
        )
        for one in declared
    ]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called


def _check_word(one: Parameter, word: Any) -> None:
    """UsageError for a value that is empty (an empty path is the current folder to the system, an empty method would be the default), and for
    ``-o=x``, which would be a file of the name ``=x``."""
    if word == "":
        if isinstance(one.declared, Option):
            raise UsageError(f"{one.declared.names[-1]}: its value is empty; give one, or leave the option out")
        raise UsageError("a word of the command line is empty (a shell variable without a value?); the current folder is .")
    short = next((name for name in one.declared.names if not name.startswith("--")), None) if isinstance(one.declared, Option) else None
    if short is not None and isinstance(word, str) and word.startswith("="):
        raise UsageError(f"{short}{word}: between {short} and its value there is a space: {short} {word[1:]}")


class _Command(TyperCommand):
    """A command whose help names its arguments as they are declared (``INPUT...``, ``[NAME]``): versions of typer differ in what they put around."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["[OPTIONS]", *(str(part.metavar) for part in self.params if part.param_type_name == "argument")]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for part in self.get_params(ctx):
            record = part.get_help_record(ctx)
            if record is not None:
                argument = part.param_type_name == "argument"
                row = (str(part.metavar), record[1].removesuffix("[required]").strip()) if argument else record
                sections[part.param_type_name].append(row)
        for title, rows in (("Arguments", sections["argument"]), ("Options", sections["option"])):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


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
            app.command(cmd_name, cls=_Command)(for_typer(function_of(cmd_name)))
        return typer.main.get_command(app)

    def invoke(self, ctx: Any) -> Any:
        result = super().invoke(ctx)
        if ctx.invoked_subcommand is None:
            print(ctx.get_help())
        return result

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
app.callback(invoke_without_command=True)(for_typer(before_command))
