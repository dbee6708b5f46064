"""Every file of the corpus gets its named outcome: pixels, resolution and notes, or a typed error that names file, page, value and way out."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from docbin import files
from docbin.errors import InputError

from .corpus import Case, Expect, build_all


def _cases() -> tuple[tempfile.TemporaryDirectory[str], list[Case]]:
    folder = tempfile.TemporaryDirectory(prefix="docbin-corpus-")
    return folder, build_all(Path(folder.name))


_FOLDER, CASES = _cases()


@pytest.fixture(scope="module", autouse=True)
def _clean_up() -> Iterator[None]:
    yield
    _FOLDER.cleanup()


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 100
    assert sum(not case.good for case in CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.name)
@pytest.mark.parametrize("given_as", ["path", "bytes"])
def test_named_outcome(case: Case, given_as: str) -> None:
    name = str(case.path)
    source = case.path if given_as == "path" else case.path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow remarks on damaged tags
        if case.opening is not None:
            with pytest.raises(InputError) as error:
                files.open_pages(source, name=name, **case.options)
            _check_error(error.value, case.opening, name)
            return
        with files.open_pages(source, name=name, **case.options) as file:
            assert file.count == len(case.pages)
            for number, expected in enumerate(case.pages, 1):
                if expected.error is not None:
                    with pytest.raises(InputError) as error:
                        file.page(number)
                    _check_error(error.value, expected, name)
                else:
                    _check_page(file.page(number), expected)


def _check_error(error: InputError, expected: Expect, name: str) -> None:
    assert type(error) is expected.error
    message = str(error)
    for words in (name, *expected.says):
        assert words in message
    assert ";" in message, "a message ends with the way out"


def _check_page(page: files.pagefile.Page, expected: Expect) -> None:
    assert expected.pixels is not None
    assert page.pixels.dtype == np.uint8
    assert page.pixels.flags.c_contiguous
    assert page.pixels.flags.writeable
    assert page.pixels.shape == expected.pixels.shape
    difference = np.abs(page.pixels.astype(int) - np.asarray(expected.pixels).astype(int))
    assert difference.max() <= expected.tolerance
    if expected.dpi is None:
        assert page.dpi is None
    else:
        assert page.dpi == pytest.approx(expected.dpi, abs=2e-3)
    for words in expected.notes:
        assert any(words in note for note in page.notes), page.notes
    for note in page.notes:
        assert "oriented" not in note
