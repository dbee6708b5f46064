"""How commands declare what they take: once, in their signatures, for two readers.

``inputs: Annotated[list[str], Argument(metavar="INPUT...", help="...")]``, ``out: Annotated[str | None, Option("-o", "--out", ...)] = None``. What
typer knows to do with the keywords of an :class:`Option` is what they mean; :mod:`docbin.cli.parser` hands them over. Typer and the libraries that it
asks for take longer to import than a small picture takes to binarize, so plain words are read without it, from the same declarations
(:func:`plain_values`). Whatever is not plain (help, mistakes, spellings such as ``-ofile`` and ``--``, completion) is left to typer: there is one
help and one set of messages, and where both answer they give the same values (tests/cli/test_options.py).
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from docbin.errors import UsageError

REQUIRED = object()
"""The default of a parameter that has none."""
_SAID = frozenset({"help", "metavar", "show_default"})
"""Keywords that only help shows."""
OWN = frozenset({"min", "example"})
"""Keywords of an option that is a number, which typer is not told: the least value, and one that messages give as an example."""
_INT = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_FLOAT = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?", re.ASCII)
_WORD = re.compile(r"[^-=].*|-", re.DOTALL)
_VALUES: Mapping[Any, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    int: (_INT, int),
    float: (_FLOAT, float),
    str: (_WORD, str),
    Path: (_WORD, Path),
}
"""Type of an option -> spellings of it that need no second thought, and how to read them."""


class Option:
    """An option: its names, and typer's keywords for it, beside those of :data:`OWN`."""

    def __init__(self, *names: str, **keywords: Any) -> None:
        self.names, self.keywords = names, keywords


class Argument:
    """Words that follow without an option's name, and typer's keywords for them."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords


class Parameter(NamedTuple):
    """A parameter of a command's function: `type` as annotated, `default` :data:`REQUIRED` where it has none."""

    name: str
    type: Any
    declared: Option | Argument
    default: Any


def parameters_of(command: Callable[..., Any]) -> list[Parameter]:
    """What a command takes, in the order of its help: its `parameters`, where it has such an attribute, else by its signature."""
    given: list[Parameter] | None = getattr(command, "parameters", None)
    return own_parameters(command) if given is None else given


def own_parameters(function: Callable[..., Any], *, but: str = "") -> list[Parameter]:
    """What a function's signature declares; `but`: without the parameter of that name."""
    code, last = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    defaults = dict(zip(names[code.co_argcount - len(last) : code.co_argcount], last, strict=True)) | (function.__kwdefaults__ or {})
    hints = typing.get_type_hints(function, include_extras=True)
    return [parameter(name, hints[name], defaults.get(name, REQUIRED)) for name in names if name != but]


def parameter(name: str, hint: Any, default: Any) -> Parameter:
    """The parameter of an annotation ``Annotated[type, Option(...)]``."""
    kind, declared = typing.get_args(hint)
    return Parameter(name, kind, declared, default)


def kind_of(one: Parameter) -> Any:
    """The type of a parameter's value, of ``type`` or ``type | None``; None of other unions."""
    kinds = (
        set(typing.get_args(one.type)) - {types.NoneType} if typing.get_origin(one.type) in (types.UnionType, typing.Union) else {one.type}
    )
    return kinds.pop() if len(kinds) == 1 else None


def is_number(one: Parameter) -> bool:
    """Whether a parameter is an option whose value is a number (``-v``, which is counted, is none)."""
    return isinstance(one.declared, Option) and kind_of(one) in (int, float) and "count" not in one.declared.keywords


def number(one: Parameter, word: str) -> int | float:
    """The number that a word of the command line means to an option.

    Raises
    ------
    UsageError
        Names the option, the word, and a value that it takes.
    """
    keywords, kind = one.declared.keywords, kind_of(one)
    least = keywords.get("min")
    try:
        value: int | float = kind(word)
    except ValueError:  # of digits by the thousand, too
        value = math.nan
    if math.isnan(value) or (least is not None and value < least):
        name = next(name for name in one.declared.names if name.startswith("--"))  # type: ignore[union-attr]
        wanted = f"a{' whole' if kind is int else ''} number{'' if least is None else f' from {least} on'}"
        raise UsageError(f"{name} {word}: {wanted} is wanted, for instance {name} {keywords['example']}")
    return value


def plain_values(parameters: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any] | None:
    """Words of a command line -> a value for each parameter, as typer gives it; None where typer has to be asked."""
    named = [(name, one) for one in parameters if isinstance(one.declared, Option) for name in one.declared.names]
    options = {name: one for name, one in named if "/" not in name}  # --yes/--no is two
    values = {one.name: one.default for one in parameters}
    listed = [one for one in parameters if isinstance(one.declared, Argument)]
    rest: list[str] = []
    left = iter(words)
    for word in left:
        if not _is_text(word):
            return None
        if word == "-" or not word.startswith("-"):
            rest.append(word)
            continue
        name, equals, inline = word.partition("=")
        one = options.get(name)
        if one is None or (equals and not name.startswith("--")):
            return None
        if not _read(one, inline if equals else None, left, values):
            return None
    if any(values[one.name] is REQUIRED for one in parameters if isinstance(one.declared, Option)):
        return None
    placed = _placed(listed, rest)
    return None if placed is None else values | placed


def _placed(arguments: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any] | None:
    """Words without an option's name -> a value for each argument that gets one, in their order; None where words are lacking or left over."""
    placed: dict[str, Any] = {}
    rest = list(words)
    for one in arguments:
        kind = kind_of(one)
        if not rest and one.default is not REQUIRED:
            continue
        if not rest or (kind not in _VALUES and kind != list[str]):
            return None
        if kind == list[str]:
            placed[one.name], rest = rest, []
        else:
            pattern, read = _VALUES[kind]
            word = rest.pop(0)
            if not pattern.fullmatch(word):
                return None
            placed[one.name] = read(word)
    return placed if not rest else None


def _read(one: Parameter, inline: str | None, left: typing.Iterator[str], values: dict[str, Any]) -> bool:
    """Read an option's value, `inline` or the next word, into `values`; False where that is not plain."""
    unread = set(one.declared.keywords) - _SAID - OWN
    if one.type is bool or unread == {"count"}:
        if inline is None and not unread:
            values[one.name] = True
        elif inline is None and one.type is int:
            values[one.name] += 1
        else:
            return False
        return True
    word = next(left, "") if inline is None else inline
    kind = kind_of(one)
    several = kind == list[str]
    pattern, read = _VALUES.get(str if several else kind, (None, str))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        pattern, read = re.compile("|".join(map(re.escape, kind))), kind
    if unread or pattern is None or not pattern.fullmatch(word) or not _is_text(word):
        return False
    before, value, least = values[one.name], read(word), one.declared.keywords.get("min")
    if least is not None and value < least:
        return False
    values[one.name] = [*(before if isinstance(before, list) else []), word] if several else value
    return True


def _is_text(word: str) -> bool:
    """False of nothing, and of bytes that are no text."""
    try:
        return bool(word.encode())
    except UnicodeEncodeError:
        return False
