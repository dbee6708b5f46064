"""What is said of a command line that the parser refuses: its words, or plainer ones, and the way out where it can be told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from docbin.cli.commands import COMMANDS, function_of
from docbin.cli.options import Option, Parameter, kind_of, parameters_of


def refusal(error: Any, words: Sequence[str]) -> str:
    """The line of an error of the parser at these words."""
    name = getattr(error, "option_name", None)
    declared = _options(words).get(name) if name is not None else None
    if declared is not None:  # the option exists, so it has a value too few or too many
        if kind_of(declared) is bool or "count" in declared.declared.keywords:
            return f"{name}: takes no value; give it by itself, or leave it out"
        keywords = declared.declared.keywords
        example = f", for instance {name} {keywords['example']}" if "example" in keywords else ""
        return f"{name}: a value is wanted behind it ({keywords.get('metavar', 'see --help')}){example}"
    said = " ".join(error.format_message().split())  # choices are listed in lines
    return str(said).replace(": Value error, ", ": ")  # pydantic's word, in typer's message


def hint(error: Any, words: Sequence[str]) -> str:
    """What to do instead, after a space; empty where nothing is known: a file whose name looks like an option, a method's parameter given as one of
    docbin's, the word by which other tools name the format."""
    words = words[: words.index("--")] if "--" in words else words
    file = next((word for word in words if len(word) > 1 and word.startswith("-") and os.path.exists(word)), None)  # noqa: PTH110
    if file is not None:
        return f" The file {file} is given as ./{file}, or after a --, which ends the options."
    options, name = _options(words), str(getattr(error, "option_name", ""))
    if name in options or not name.startswith("--"):
        return ""
    if "-p" in options:
        from docbin.catalogue import METHODS

        key = name.removeprefix("--").replace("-", "_")
        if any(param.name == key for method in METHODS.values() for param in method.params):
            return f" A parameter of a method is given by -p: -p {key}=VALUE; 'docbin methods NAME' tells its values."
    if name in ("--to", "--output-format", "--type") and "--format" in options:
        return " What is written goes by the suffix of -o (out.pdf), or by --format."
    return ""


def _options(words: Sequence[str]) -> dict[str, Parameter]:
    """The options of the command that the words call, by each of their names."""
    command = next((word for word in words if not word.startswith("-")), "")
    if command not in COMMANDS:
        return {}
    declared = parameters_of(function_of(command))
    return {name: one for one in declared if isinstance(one.declared, Option) for name in one.declared.names}
