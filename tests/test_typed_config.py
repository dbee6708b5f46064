"""The one reader of TOML tables: what it takes, and that every refusal names file, key, value and what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from docbin.errors import InputError, UsageError
from docbin.typed_config import parse_toml, typed


@dataclass(frozen=True, slots=True)
class Inner:
    rate: float
    betas: tuple[float, float] = (0.9, 0.99)
    halo: int | None = None

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise UsageError(f"rate = {self.rate}: below 0")


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    inner: Inner = Inner(1.0)
    parts: tuple[Inner, ...] = ()
    chances: Mapping[str, float] = field(default_factory=dict)
    free: Mapping[str, Any] = field(default_factory=dict)


def test_a_whole_number_stands_for_a_real_one_and_lists_become_tuples() -> None:
    found = typed(Outer, parse_toml('name = "a"\n[inner]\nrate = 2\nbetas = [1, 0.5]\n[free]\nx = [1, "b"]\n', "f"), "f")
    assert found == Outer("a", Inner(2.0, (1.0, 0.5)), free={"x": [1, "b"]})
    assert isinstance(found.inner.rate, float)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "f.toml: missing name"),
        ("name = 3", "f.toml: name = 3: text is wanted"),
        ('name = "a"\nnames = "b"', "f.toml: unknown key names; did you mean name? known are name, inner"),
        ('name = "a"\n[inner]\n', "f.toml: inner: missing rate"),
        ('name = "a"\n[inner]\nrate = true', "f.toml: inner.rate = True: a number is wanted"),
        ('name = "a"\n[inner]\nrate = "1"', "f.toml: inner.rate = '1': a number is wanted"),
        ('name = "a"\n[inner]\nrate = 1\nbetas = [1]', "f.toml: inner.betas = [1]: a list of length 2 is wanted"),
        ('name = "a"\n[inner]\nrate = 1\nhalo = 0.5', "f.toml: inner.halo = 0.5: a whole number is wanted"),
        ('name = "a"\ninner = [1]', "f.toml: inner = [1]: a table is wanted"),
        ('name = "a"\n[[parts]]\nrate = 1\n[[parts]]\nrat = 1', "f.toml: unknown key parts[1].rat; did you mean rate?"),
        ('name = "a"\n[chances]\nfade = "often"', "f.toml: chances = {'fade': 'often'}: a number is wanted"),
        ('name = "a"\n[inner]\nrate = -1', "rate = -1.0: below 0"),
        ('name = "a"\n[inner]\nrate = 0x' + "f" * 5000, "f.toml: "),
    ],
)
def test_refusals_name_file_key_value_and_what_is_wanted(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        typed(Outer, parse_toml(text, "f.toml"), "f.toml")
    assert says in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_byte_order_mark_is_no_part_of_the_text_and_other_codings_are_named() -> None:
    assert parse_toml(b"\xef\xbb\xbfyear = 2013\r\n", "set.toml") == {"year": 2013}
    with pytest.raises(UsageError, match=r"set\.toml: not a TOML file .* save it as UTF-8"):
        parse_toml("year = 2013".encode("utf-16"), "set.toml")


@pytest.mark.parametrize("text", ["a = ", "a = " + "[" * 5000, "a = " + "9" * 5000, b"a = '\xff'", "a = 1\na = 2"])
def test_what_is_no_toml_is_refused_by_the_error_asked_for(text: str | bytes) -> None:
    with pytest.raises(InputError, match=r"f\.toml: not a TOML file"):
        parse_toml(text, "f.toml", InputError)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[inner]\nrate = nan", "inner.rate = nan: a finite number is wanted"),
        ("[inner]\nrate = 1.0\nbetas = [0.9, inf]", r"inner.betas\[1\] = inf: a finite number"),
        ("[chances]\na = -inf", "chances.a = -inf: a finite number"),
        ("[free]\nx = [[1, nan]]", r"free.x\[0\]\[1\] = nan: a finite number"),
    ],
)
def test_numbers_that_are_none_are_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=f"f: {says}"):
        typed(Outer, parse_toml(f'name = "a"\n{text}\n', "f"), "f")
