"""A line of CSV, for programs and for spreadsheets.

Names of files come from anybody, and to a spreadsheet program a cell that begins with ``=``, ``+``, ``-`` or ``@`` is a formula, which it runs
when the table is opened. So text that begins so gets an apostrophe in front, text before which apostrophes stand one more, and a program that wants
the text takes one off again (:func:`plain`). Numbers stay numbers, below 0 too. JSON has every text as it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FORMULA = re.compile("'*[=+@\\-\uff1d\uff0b\uff0d\uff20]")
"""How text begins that is or looks like a formula: the wide signs are taken for the others where one writes Chinese or Japanese."""


def csv_line(cells: Sequence[Any]) -> str:
    """A line of CSV with its end, one line whatever the cells hold: control characters (a line end in a file's name) are written out, as ``\\n``, and
    no text is a formula."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return line.getvalue()


def plain(cell: str) -> str:
    """The text of a cell that :func:`csv_line` wrote, control characters as written out: without the apostrophe before what looks like a formula."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _safe(text: str) -> str:
    text = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    return f"'{text}" if _FORMULA.match(text) else text
