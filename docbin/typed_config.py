"""The one reader of TOML tables: descriptors of benchmarks, model folders, recipes and networks' variants become frozen dataclasses.

A misspelt key that is silently ignored costs a night of training or a worse model, and ``year = "soon"`` fails hours later in another file. So
unknown keys, missing keys, values of another type, NaN and infinity are refused here, and the message names the file, the key, the value and what
is wanted.
msgspec checks the types (strictly: no text that looks like a number, no truth value for one; a whole number may stand for a real one); it takes
unknown keys of dataclasses without a word, so they are looked for first.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import reprlib
import stat
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from docbin.errors import DocbinError, FileAccessError, UsageError

Kind = TypeVar("Kind")

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def read_toml(path: Path, what: str, refusal: type[DocbinError] = UsageError) -> dict[str, Any]:
    """The table of a TOML file; `what` names it in messages ("the recipe").

    Raises
    ------
    FileAccessError
        The file cannot be read.
    UsageError (or another `refusal`)
        It is no TOML.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileAccessError(f"{path}: cannot read {what} ({error.strerror or error})") from None
    return parse_toml(data, str(path), refusal)


def refuse_device(path: Path) -> None:
    """Refuse a path that is there and is neither a file nor a folder (a device, a pipe, a socket): reading one may never end.

    Raises
    ------
    FileAccessError
        It is such a thing; the message names the path.
    OSError
        It is not there, or not to be looked at.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise FileAccessError(f"{path}: a device or a pipe, not a file; put a regular file there")


def parse_toml(text: str | bytes, where: str, refusal: type[DocbinError] = UsageError) -> dict[str, Any]:
    """The table of a TOML text; a `refusal` that names `where` for anything else, be it nested a thousand deep or a number of a million digits."""
    try:
        return tomllib.loads(text if isinstance(text, str) else text.decode("utf-8-sig"))  # Windows' editors put a byte order mark in front
    except RecursionError:
        raise refusal(f"{where}: not a TOML file that can be read: lists or tables are nested too deep") from None
    except UnicodeDecodeError as error:
        raise refusal(f"{where}: not a TOML file ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except ValueError as error:  # TOMLDecodeError, a number with too many digits
        raise refusal(f"{where}: not a TOML file ({error})") from None


def typed(kind: type[Kind], table: Any, where: str, prefix: str = "") -> Kind:
    """The dataclass `kind` of a table; `where` is the file, `prefix` the key that the table itself has there, for messages.

    Raises
    ------
    UsageError
        An unknown key (near ones are suggested), a missing one, a value of the wrong type, or a number that is infinite or none (NaN).
    """
    try:
        _refuse_unknown(kind, table, where, prefix)
        _refuse_endless(table, where, prefix)
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, DocbinError):  # of a dataclass's own check
            raise error.__cause__ from None
        raise UsageError(f"{where}: {_said(str(error), table, prefix)}") from None
    except OverflowError:
        raise UsageError(f"{where}: {prefix or 'a value'}: a number is too large") from None
    except RecursionError:
        raise UsageError(f"{where}: {prefix or 'the tables'}: nested too deep") from None


def suggestion(name: str, known: Iterable[str]) -> str:
    """ "did you mean a or b? known are a, b, c" (or "there are none") for a name that is not among `known`."""
    known = list(known)
    if not known:
        return "there are none"
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    return (f"did you mean {' or '.join(near)}? " if near else "") + f"known are {', '.join(known)}"


def shown(value: Any) -> str:
    """A value for a message, short."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of thousands of digits"


def _refuse_unknown(kind: Any, table: Any, where: str, prefix: str) -> None:
    """Keys that the dataclass `kind`, or one inside it, does not have."""
    if not isinstance(table, Mapping):
        return  # msgspec says what is wanted
    hints = typing.get_type_hints(kind)
    for key, value in table.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if key not in hints:
            raise UsageError(f"{where}: unknown key {path}; {suggestion(str(key), hints)}")
        inner = _dataclass_of(hints[key])
        if inner is None:
            continue
        for number, item in enumerate(value if isinstance(value, list | tuple) else [value]):
            _refuse_unknown(inner, item, where, f"{path}[{number}]" if isinstance(value, list | tuple) else path)


def _refuse_endless(value: Any, where: str, key: str) -> None:
    """NaN and infinity, wherever they stand: every comparison with NaN is false, so no check of a range would notice one."""
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{where}: {key} = {value}: a finite number is wanted")
    if isinstance(value, Mapping):
        for name, item in value.items():
            _refuse_endless(item, where, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _refuse_endless(item, where, f"{key}[{number}]")


def _dataclass_of(hint: Any) -> Any:
    """The dataclass in a hint: itself, optional, or the items of a tuple; None where there is none."""
    if dataclasses.is_dataclass(hint):
        return hint
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is tuple:
        return next((one for one in typing.get_args(hint) if dataclasses.is_dataclass(one)), None)
    return None


def _said(message: str, table: Any, prefix: str) -> str:
    """What msgspec says, with the key as the file has it, the value, and the wanted type in words."""
    text, _, path = message.partition(" - at `$")
    steps = re.findall(r"\.([^.\[`]+)|\[(\d+|\.\.\.)\]", path)
    value, key = table, prefix
    for name, number in steps:
        if number == "...":  # some value of a table of any keys
            break
        value = value[int(number)] if number else value[name]
        key = f"{key}[{number}]" if number else (f"{key}.{name}" if key else name)
    missing = re.fullmatch(r"Object missing required field `(.*)`", text)
    if missing:
        return f"{f'{key}: ' if key else ''}missing {missing[1]}"
    wanted = re.fullmatch(r"Expected `([^`]*)`(.*?)(?:, got .*)?", text)
    if wanted is None:
        return f"{key} = {shown(value)}: {text}"
    kinds = [_WORDS.get(one, one) for one in wanted[1].split(" | ") if one != "null"]
    return f"{key} = {shown(value)}: {' or '.join(kinds)}{wanted[2]} is wanted"
