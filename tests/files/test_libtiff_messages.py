"""Damage that libtiff sees is a warning of the page or its end, and not a line on stderr."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from docbin import files
from docbin.errors import InputError
from docbin.files.libtiff_messages import libtiff_messages
from docbin.files.tiff_directory import synthetic


def fax(tmp_path: Path, *damaged: int) -> Path:
    """A G3 page of 400 lines, one strip, with three bytes of other code at each of the places, in per cent of its code."""
    page = Image.new("1", (640, 400), 1)
    for line in range(16):
        ImageDraw.Draw(page).text((9, 4 + 24 * line), "The quick brown fox jumps over the lazy dog 0123456789", fill=0, font_size=18)
    coded = io.BytesIO()
    page.save(coded, "tiff", compression="group3", tiffinfo={278: 400})
    data = bytearray(coded.getvalue())
    image = Image.open(coded)
    start, size = image.tag_v2[273][0], image.tag_v2[279][0]
    for place in damaged:
        at = start + size * place // 100
        data[at : at + 3] = b"\x00\xff\x00"
    path = tmp_path / "fax.tif"
    path.write_bytes(data)
    return path


def test_a_bad_line_of_a_fax_is_a_warning_and_not_a_line_on_stderr(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (whole,) = files.read_pages(fax(tmp_path))
    assert whole.notes == ()
    (page,) = files.read_pages(fax(tmp_path, 40, 80))
    (note,) = page.notes
    assert note.startswith("pixels may be wrong, libtiff says: Fax3Decode1D: Bad code word at line ")
    assert note.endswith(", and 1 more")
    assert 0 < (page.pixels != whole.pixels).mean() < 0.02
    assert capfd.readouterr().err == ""


def test_a_fax_of_many_bad_lines_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        InputError, match=r"fax\.tif: truncated or damaged TIFF, \d+ of its 400 lines cannot be decoded \(Fax3Decode1D: Bad code"
    ):
        list(files.read_pages(fax(tmp_path, *range(1, 99))))
    assert capfd.readouterr().err == ""


def test_what_is_not_docbins_goes_where_it_went(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = fax(tmp_path, 40)
    with libtiff_messages() as said:
        thread = threading.Thread(target=lambda: Image.open(path).load())
        thread.start()
        thread.join()
        assert list(said) == []  # another thread's
        Image.open(path).load()
    assert len(said) == 1
    assert capfd.readouterr().err.count("Bad code word") == 1


@pytest.mark.parametrize("level", [0, 6])
def test_a_deflate_strip_whose_checksum_is_another_is_refused(level: int, tmp_path: Path) -> None:
    grey = np.random.default_rng(1).integers(0, 256, (240, 400)).astype(np.uint8)
    code = bytearray(zlib.compress(grey.tobytes(), level))
    path = tmp_path / "page.tif"
    tags = {tag: (4, struct.pack("<I", value)) for tag, value in {256: 400, 257: 240, 258: 8, 259: 8, 262: 1, 277: 1, 278: 240}.items()}
    path.write_bytes(synthetic(tags, [bytes(code)]))
    (page,) = files.read_pages(path)
    assert np.array_equal(page.pixels, grey)
    code = bytearray(zlib.compress(grey.tobytes() + bytes(99), level))  # more than the strip needs
    path.write_bytes(synthetic(tags, [bytes(code)]))
    assert np.array_equal(next(iter(files.read_pages(path))).pixels, grey)
    code[-1] ^= 1
    path.write_bytes(synthetic(tags, [bytes(code)]))
    with pytest.raises(InputError, match=r"page\.tif: truncated or damaged TIFF \(.*incorrect data check"):
        list(files.read_pages(path))
