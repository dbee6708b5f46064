"""Lines of CSV: what a spreadsheet program would run is text, and a program gets the text back."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docbin.files.csv_line import csv_line, plain


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1.png", "'=1+1.png"),
        ("+49.png", "'+49.png"),
        ("-o.png", "'-o.png"),
        ("@sum", "'@sum"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("'=1", "''=1"),
        ("'tis.png", "'tis.png"),
        ("a=1", "a=1"),
        ("a\nb", "a\\nb"),
        (-1.5, "-1.5"),
        (None, ""),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(cell: object, written: str) -> None:
    assert csv_line([cell, "x"]) == f"{written},x\n"


@given(st.lists(st.text(st.sampled_from("'=+-@a,\" \uff0b")), min_size=2))
def test_the_text_of_every_cell_comes_back(cells: list[str]) -> None:
    (row,) = csv.reader([csv_line(cells)])
    assert [plain(cell) for cell in row] == cells
    assert all(cell[:1] not in tuple("=+-@\uff0b") for cell in row if cell)
