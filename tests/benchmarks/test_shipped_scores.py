"""The scores that ship: read by the one reader of configs, so a broken file is said and not drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docbin import catalogue
from docbin.benchmarks import shipped_scores
from docbin.errors import UsageError

ROW = {"dataset": "dibco2009", "method": "otsu", "params": {}, "version": "0.1.0", "pages": 10, "mean": {"fm": 78.6, "psnr": None}}


def test_the_shipped_rows_name_methods_and_hold_scores() -> None:
    rows = shipped_scores.shipped()
    assert {row.method for row in rows} <= set(catalogue.METHODS)
    assert all(0 < (row.mean["fm"] or 0) <= 100 and row.pages > 0 for row in rows)
    assert len({(row.dataset, row.method) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pages": "ten"}, r"scores.json: \[1\].pages = 'ten': a whole number is wanted"),
        ({"mean": {"fm": "good"}}, "a number is wanted"),
        ({"methd": "otsu"}, r"unknown key \[1\].methd; did you mean method"),
    ],
)
def test_a_broken_row_is_refused(change: dict[str, object], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scores.json").write_text(json.dumps([ROW, ROW | change]), encoding="utf-8")
    monkeypatch.setattr(shipped_scores.resources, "files", lambda package: tmp_path)
    with pytest.raises(UsageError, match=says):
        shipped_scores.shipped()
