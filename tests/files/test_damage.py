"""Whatever happens to a file's bytes, the answer is a page or one of our errors: never another exception, a hang or a huge allocation."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest

from docbin import files
from docbin.errors import DocbinError

from .corpus import build_all


def _damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """A file cut, with bytes changed (rather in the first kilobyte, where the headers are), lengthened or with a piece moved."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        if not out:
            break
        at = int(rng.integers(len(out))) if rng.random() < 0.4 else int(rng.integers(min(len(out), 1000)))
        match rng.integers(6):
            case 0:
                out = out[:at]
            case 1:
                out[at] = int(rng.integers(256))
            case 2:
                out[at : at + 4] = rng.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x01", b"\x01\0\0\0"])
            case 3:
                out[at:at] = rng.bytes(int(rng.integers(1, 20)))
            case 4:
                del out[at : at + int(rng.integers(1, 20))]
            case 5:
                out[at] ^= 1 << int(rng.integers(8))
    return bytes(out)


def _survives(data: bytes, name: str) -> bool:
    """Read every page; True where at least one could be."""
    seen = False
    messages: list[str] = []
    try:
        with files.open_pages(data, name=name, max_megapixels=1) as file:
            for number in range(1, min(file.count, 20) + 1):
                try:
                    page = file.page(number)
                except DocbinError as error:
                    messages.append(str(error))
                else:
                    seen = True
                    assert page.pixels.dtype == np.uint8
                    assert page.pixels.size <= 3_000_000
    except DocbinError as error:
        messages.append(str(error))
    assert all(name in message for message in messages)
    assert seen or messages
    return seen


def _run(folder: Path, rounds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    survivors = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in build_all(folder):
            data = case.path.read_bytes()[:200_000]
            for index in range(rounds):
                damaged = _damaged(data, rng)
                try:
                    survivors += _survives(damaged, case.path.name)
                except Exception as error:
                    raise AssertionError(f"{case.path.name}, round {index} of seed {seed}: {error!r}") from error
    assert survivors > 0


def test_damaged_files_give_pages_or_our_errors(tmp_path: Path) -> None:
    _run(tmp_path / "corpus", rounds=3, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_damaged_files(tmp_path: Path, seed: int) -> None:
    _run(tmp_path / "corpus", rounds=40, seed=seed)


def test_random_bytes_behind_every_magic_number() -> None:
    from docbin.files.kinds import _KINDS

    rng = np.random.default_rng(0)
    for kind in _KINDS:
        for magic in kind.magic:
            for length in (0, 1, 7, 40, 2000):
                _survives(magic + rng.bytes(length), f"random.{kind.name}")
    _survives(io.BytesIO(b"RIFF\0\0\0\0WEBPVP8 ").getvalue() + rng.bytes(100), "random.webp")


def test_three_seconds_of_the_fuzzer() -> None:
    from .fuzz import fuzz

    assert fuzz(3, seed=7) > 10
