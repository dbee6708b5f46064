"""The command line as data, and as man pages: what ``docbin COMMAND --help`` says, taken from the commands themselves.

    python scripts/command_reference.py            # writes docs/man/docbin.1 and a page a command
    python scripts/command_reference.py --check    # says which of them are not current (exit code 1)

The man pages are committed, because a wheel is built where docbin's libraries are not; they are installed to ``share/man/man1``. The documentation
site (scripts/build_docs.py) takes the same data.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from docbin.cli.commands import COMMANDS
from docbin.cli.parser import app

HOME = Path(__file__).resolve().parent.parent
MAN = HOME / "docs" / "man"


@dataclass(frozen=True, slots=True)
class Option:
    """An option, or an argument: how it is written, and what it does."""

    names: tuple[str, ...]
    metavar: str
    help: str
    argument: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its line in the list, its paragraphs, what it takes."""

    name: str
    summary: str
    paragraphs: tuple[str, ...]
    options: tuple[Option, ...]

    @property
    def usage(self) -> str:
        """Such as "docbin score [OPTIONS] PREDICTION TRUTH"."""
        words = [option.metavar for option in self.options if option.argument]
        return " ".join(["docbin", *([self.name, "[OPTIONS]"] if self.name else ["[OPTIONS]", "COMMAND"]), *words])


def commands() -> Iterator[Command]:
    """Every command in the order of ``docbin --help``; first docbin itself, with an empty name."""
    group = typer.main.get_command(app)
    context = group.make_context("docbin", [], resilient_parsing=True)
    yield _command("", "", group)
    for name, row in COMMANDS.items():
        yield _command(name, row.summary, group.get_command(context, name))


def _command(name: str, summary: str, command: Any) -> Command:
    paragraphs = tuple(re.sub(r"\s+", " ", part).strip() for part in re.split(r"\n\s*\n", command.help or summary) if part.strip())
    context = command.make_context(f"docbin {name}".strip(), [], resilient_parsing=True)
    options = (_option(part, context) for part in command.params if not getattr(part, "hidden", False))
    return Command(name, summary or paragraphs[0], paragraphs, tuple(option for option in options if option is not None))


def _option(part: Any, context: Any) -> Option | None:
    """What the help says of a parameter."""
    record = part.get_help_record(context)
    if record is None:
        return None
    written, help = (re.sub(r"\s+", " ", text).strip() for text in record)
    if part.param_type_name == "argument":
        return Option((), part.metavar, help.removesuffix("[required]").strip(), True)
    names = tuple(re.findall(r"(?:^|(?<=[ ,/]))--?[A-Za-z][\w-]*", written))
    metavar = written[written.rindex(names[-1]) + len(names[-1]) :].strip(" ,/")
    metavar = {"<str>": "TEXT", "<int>": "N", "<float>": "X", "<path>": "PATH"}.get(metavar, metavar.strip("<>"))
    return Option(names, metavar, help, False)


def man_page(command: Command, others: Sequence[Command]) -> str:
    """The page in roff (man(7))."""
    title = f"docbin-{command.name}" if command.name else "docbin"
    lines = [f'.TH "{title.upper()}" "1" "" "docbin" "docbin"', ".SH NAME", f"{title} \\- {_roff(command.summary.rstrip('.'))}"]
    lines += [".SH SYNOPSIS", f".B {_roff(command.usage)}", ".SH DESCRIPTION"]
    for paragraph in command.paragraphs:
        lines += [".PP", _roff(paragraph)]
    if command.options:
        lines.append(".SH OPTIONS")
    for option in command.options:
        names = ", ".join(f"\\fB{_roff(name)}\\fR" for name in option.names)
        lines += [".TP", f"{names} \\fI{_roff(option.metavar)}\\fR".strip() if option.metavar else names, _roff(option.help) or "\\&"]
    if not command.name:
        lines.append(".SH COMMANDS")
        for other in others:
            lines += [".TP", f"\\fBdocbin\\-{_roff(other.name)}\\fR(1)", _roff(other.summary)]
    else:
        lines += [".SH SEE ALSO", "\\fBdocbin\\fR(1)"]
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    """Text that roff takes as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def man_pages() -> dict[str, str]:
    """File name to text."""
    first, *others = commands()
    return {"docbin.1": man_page(first, others)} | {f"docbin-{one.name}.1": man_page(one, ()) for one in others}


def markdown(command: Command) -> str:
    """The command as a section of the documentation."""
    lines = [f"## docbin {command.name}".rstrip(), "", f"    {command.usage}", ""]
    for paragraph in command.paragraphs:
        lines += [f"    {paragraph}" if command.name and paragraph.startswith("docbin ") else _escaped(paragraph), ""]
    if command.options:
        lines += ["| option | what it does |", "|---|---|"]
        for option in command.options:
            names = (
                "<br>".join(f"`{name}{' ' + option.metavar if option.metavar else ''}`" for name in option.names) or f"`{option.metavar}`"
            )
            lines.append(f"| {names.replace('|', chr(92) + '|')} | {_escaped(option.help).replace('|', chr(92) + '|')} |")
        lines.append("")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Markdown that shows `text` as it is."""
    return re.sub(r"([*_<>\[\]`])", r"\\\1", text)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a page is not current")
    options = parser.parse_args(argv)
    pages = man_pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in MAN.glob("*.1")}
    old = sorted(name for name in pages.keys() | there.keys() if pages.get(name) != there.get(name))
    if options.check:
        if old:
            print(f"not current: {', '.join(old)}; run python scripts/command_reference.py", file=sys.stderr)
        return 1 if old else 0
    MAN.mkdir(parents=True, exist_ok=True)
    for name in old:
        (MAN / name).unlink(missing_ok=True)
        if name in pages:
            (MAN / name).write_text(pages[name], encoding="utf-8")
            print(f"docs/man/{name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
