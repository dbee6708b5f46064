"""What every table of things to run is made of: a row (name, paper, parameters, what must be installed) and its parameters.

Methods (:mod:`docbin.catalogue`), detectors (:mod:`docbin.detection.table`) and repairs (:mod:`docbin.enhancing`) are rows. A row is plain data and
names its functions as ``"module:function"``, which are imported when they are first used: a table can be listed without any library of its rows, and
a row crosses to a worker process.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docbin.errors import MissingExtra, UsageError


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a row: default, closed range (None = unbounded), unit and meaning in `help`.

    The type of `default` is the type of the parameter: bool, int, float or str (then `choices` lists the values). An `odd` int refuses even values.
    """

    name: str
    default: bool | int | float | str
    help: str
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    odd: bool = False

    def parse(self, value: Any, method: str) -> bool | int | float | str:
        """Turn `value` (text from the command line, or a Python value) into this parameter's type and check its range.

        Raises
        ------
        UsageError
            Names the method, the parameter, the value and what is allowed.
        """
        where = f"{method}: {self.name}={value!r}"
        kind = type(self.default)
        try:
            if kind is bool:
                parsed: bool | int | float | str = _parse_bool(value)
            elif kind is int:
                parsed = _parse_int(value)
            elif kind is float:
                parsed = float(value)
            else:
                parsed = str(value)
        except (TypeError, ValueError, OverflowError):
            raise UsageError(f"{where}: {_WANTED[kind]} is wanted ({self.help})") from None
        if isinstance(parsed, float) and not math.isfinite(parsed):
            raise UsageError(f"{where}: a finite number is wanted ({self.help})")
        if self.choices and parsed not in self.choices:
            raise UsageError(f"{where}: choose one of {', '.join(self.choices)}")
        if not isinstance(parsed, str) and ((self.min is not None and parsed < self.min) or (self.max is not None and parsed > self.max)):
            low = "-inf" if self.min is None else f"{self.min:g}"
            high = "inf" if self.max is None else f"{self.max:g}"
            raise UsageError(f"{where}: allowed is {low} to {high} ({self.help})")
        if self.odd and int(parsed) % 2 == 0:
            raise UsageError(f"{where}: an odd number is wanted, for instance {int(parsed) + 1} ({self.help})")
        return parsed


_WANTED: Mapping[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


def _parse_bool(value: Any) -> bool:
    words = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in words:
        raise ValueError(text)
    return words[text]


def _parse_int(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    number = float(value)
    if number != int(number):
        raise ValueError(value)
    return int(number)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that can be run on a picture: a method, a detector, a repair."""

    name: str
    family: str
    summary: str
    citation: str
    params: tuple[Param, ...] = field(default=(), kw_only=True)
    needs: tuple[str, ...] = field(default=(), kw_only=True)
    """Modules that must be importable."""
    extra: str | None = field(default=None, kw_only=True)
    """The extra that brings them: ``pip install 'docbin[extra]'``."""
    model: str | None = field(default=None, kw_only=True)
    """The name or folder of the trained model behind the row, handed to its functions as keyword `model`."""
    sha256: str | None = field(default=None, kw_only=True)
    """Of the model's weights: other weights are another method, under whatever name."""
    memory: int = field(default=0, kw_only=True)
    """Bytes a pixel that it takes beside the page, where that is so much that a page must be refused beforehand; 0: not worth asking."""

    @property
    def available(self) -> bool:
        """Whether everything the method needs is installed."""
        return all(importlib.util.find_spec(module) is not None for module in self.needs)

    def parse(self, given: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
        """All parameters of the method: defaults, overridden by `given`; an unknown name or a value out of range is a UsageError."""
        known = {param.name: param for param in self.params}
        for name in given:
            if name not in known:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise UsageError(f"{self.name}: no parameter {name!r}; {has}")
        return {name: param.parse(given.get(name, param.default), self.name) for name, param in known.items()}

    def given(self, words: Sequence[str], option: str = "-p") -> dict[str, str]:
        """``KEY=VALUE`` words of a command line as a mapping for :meth:`parse`, spaces around either dropped.

        Raises
        ------
        UsageError
            Names `option`, the word, and what is wanted, by an example among this row's parameters.
        """
        found: dict[str, str] = {}
        for word in words:
            name, equals, value = (part.strip() for part in word.partition("="))
            if "=" in value and "," in value:
                parts = " ".join(f"{option} {part.strip()}" for part in word.split(","))
                raise UsageError(f"{option} {word}: one parameter at a time; give {option} twice: {parts}")
            if not equals or not name:
                raise UsageError(f"{option} {word}: {self.example(word, option)}")
            if name in found:
                raise UsageError(f"{option} {word}: {name} was given before, as {found[name]}; give it once")
            found[name] = value
        return found

    def example(self, word: str, option: str = "-p") -> str:
        """What is wanted behind `option` in place of `word`: the parameter that it names, else the first, with its default."""
        if not self.params:
            return f"KEY=VALUE is wanted, and {self.name} has no parameters; leave it out"
        named = next((param for param in self.params if param.name == word.strip().strip("=")), self.params[0])
        value = str(named.default).lower() if isinstance(named.default, bool) else named.default
        has = ", ".join(param.name for param in self.params)
        return f"KEY=VALUE is wanted, for instance {option} {named.name}={value}; {self.name} has {has}"

    def check_available(self) -> None:
        """Raise MissingExtra, saying what to install, where something the method needs is missing."""
        if not self.available:
            missing = ", ".join(module for module in self.needs if importlib.util.find_spec(module) is None)
            raise MissingExtra(f"{self.name} needs {missing}, which is not installed; run: pip install 'docbin[{self.extra}]'")

    def prepare(self) -> None:
        """Import what the row runs, and load its model, so that the first page need not wait; a row that has more to load overrides this."""

    def function(self, path: str) -> Callable[..., Any]:
        """The function ``"module:name"``, imported now; the row's model goes with it. Raises as :meth:`check_available`."""
        self.check_available()
        module, name = path.split(":")
        call: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return call if self.model is None else functools.partial(call, model=self.model)
