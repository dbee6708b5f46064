"""What the command line says on stderr, and the one way for data to stdout."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

_loudness = 0
_printer: Callable[[str], None] | None = None


def set_loudness(level: int) -> None:
    """-1 or less: errors only (``-q``); 0: warnings and a summary; 1 or more (``-v``): everything."""
    global _loudness
    _loudness = level


def loudness() -> int:
    """The level in force."""
    return _loudness


_CONTROL = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")
"""Characters that move a terminal's cursor, change its colours or title, or turn the direction of writing; but not the line end."""


def escaped(text: str) -> str:
    """The text with control characters written out (``\\x1b``): names of files come from anybody, and a terminal would obey them."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str) -> str:
    """As :func:`escaped`, line ends too: what is said of one page stays one line."""
    return escaped(text).replace("\n", "\\n")


def with_list(text: str) -> str:
    """As :func:`escaped`; line ends stay where an indented line follows, as where an error lists pages, and are written out elsewhere: a line end in
    a file's name makes nothing that looks like a line of docbin's."""
    return re.sub(r"\n(?! {2})", r"\\n", escaped(text))


def speed(pages_a_second: float) -> str:
    """A speed above 0 as people read it: "2.2 pages/s", and of less than one page a second "7.6 s/page"."""
    return f"{pages_a_second:.1f} pages/s" if pages_a_second >= 0.95 else f"{1 / pages_a_second:.1f} s/page"


def line(text: str) -> None:
    """Print a line on stderr, above a progress bar where there is one. Where stderr cannot be written (closed, full) the work goes on."""
    text = escaped(text)
    with contextlib.suppress(OSError, ValueError):
        if _printer is not None:
            _printer(text)
        elif sys.stderr is not None:
            print(text, file=sys.stderr, flush=True)


def error(text: str) -> None:
    """Say that something failed."""
    line(f"docbin: error: {text}")


def warning(text: str) -> None:
    """Say that something deserves a look; silent with ``-q``."""
    if _loudness >= 0:
        line(f"docbin: warning: {text}")


def note(text: str) -> None:
    """Say what was done; silent with ``-q``."""
    if _loudness >= 0:
        line(f"docbin: {text}")


def detail(text: str) -> None:
    """Say what only a curious user wants to know; with ``-v``."""
    if _loudness >= 1:
        line(f"docbin: {text}")


@contextmanager
def printing_with(printer: Callable[[str], None]) -> Iterator[None]:
    """Let `printer` print the lines (a progress bar that must stay at the bottom)."""
    global _printer
    before, _printer = _printer, printer
    try:
        yield
    finally:
        _printer = before


@contextmanager
def data_stream() -> Iterator[BinaryIO]:
    """The real stdout for data, while whatever else is printed to stdout, by C libraries too, lands on stderr."""
    sys.stdout.flush()
    real = os.dup(1)
    with contextlib.suppress(OSError):
        os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(real), "wb") as stream:
            yield stream
    finally:
        sys.stdout.flush()
        os.dup2(real, 1)
        os.close(real)
