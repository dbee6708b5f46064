"""JBIG2 streams decoded by programs that others wrote: PDFium always, jbig2dec where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docbin import kernels
from docbin.files.write_tiff import group4
from docbin.page import Mask
from docbin.pdf import jbig2
from docbin.pdf.ink_picture import InkPicture, encoded, picture_stream
from tests.kernels.test_jbig2 import bitmap

needs_core = pytest.mark.skipif(kernels._core is None, reason="the twin takes too long for a page")
needs_jbig2dec = pytest.mark.skipif(shutil.which("jbig2dec") is None, reason="needs jbig2dec (apt-get install jbig2dec)")

BITMAPS = {
    "seed": st.integers(0, 1000),
    "height": st.integers(1, 50),
    "width": st.integers(1, 150),
    "share": st.sampled_from([0.0, 0.02, 0.3, 0.5, 0.98, 1.0]),
    "block": st.sampled_from([1, 2, 7]),
    "stripe": st.sampled_from([None, 1, 7, 50]),
    "typical": st.sampled_from([None, True, False]),
}


def page_of_text(scale: float = 1.0) -> Mask:
    page = np.zeros((int(700 * scale), int(1000 * scale)), np.uint8)
    for line in range(12):
        at = (int(40 * scale), int((60 + 50 * line) * scale))
        cv2.putText(page, "docbin, 1873 - plain ink & paper", at, cv2.FONT_HERSHEY_SIMPLEX, 1.4 * scale, 255, max(1, round(3 * scale)))
    return page > 127


def by_pdfium(mask: Mask, data: bytes) -> Mask:
    """A JBIG2 stream as PDFium decodes it from a PDF."""
    import io

    height, width = mask.shape
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(max(width, 3), max(height, 3)))
    page = pdf.pages[0]
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Ink=picture_stream(pdf, InkPicture(width, height, "jbig2", data))))
    page.Contents = pdf.make_stream(f"{width} 0 0 {height} 0 0 cm /Ink Do".encode())
    file = io.BytesIO()
    pdf.save(file)
    with pypdfium2.PdfDocument(file.getvalue()) as document:
        (picture,) = document[0].get_objects()
        values = picture.get_bitmap().to_numpy()
    return np.asarray(values.reshape(height, width, -1)[..., 0] < 128)


@settings(max_examples=40, deadline=None)
@given(**BITMAPS)
def test_pdfium_decodes_what_was_coded(
    seed: int, height: int, width: int, share: float, block: int, stripe: int | None, typical: bool | None
) -> None:
    mask = bitmap(seed, height, width, share, block)
    assert np.array_equal(by_pdfium(mask, jbig2.encode(mask, stripe_rows=stripe, typical=typical)), mask)


@needs_jbig2dec
@settings(max_examples=15, deadline=None)
@given(**BITMAPS)
def test_jbig2dec_decodes_what_was_coded(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    height: int,
    width: int,
    share: float,
    block: int,
    stripe: int | None,
    typical: bool | None,
) -> None:
    mask = bitmap(seed, height, width, share, block)
    assert np.array_equal(by_jbig2dec(mask, tmp_path_factory.mktemp("jbig2"), stripe, typical), mask)


def by_jbig2dec(mask: Mask, folder: Path, stripe: int | None = None, typical: bool | None = None) -> Mask:
    (folder / "page.jb2").write_bytes(jbig2.encode_file(mask, stripe_rows=stripe, typical=typical))
    command = ["jbig2dec", "-t", "pbm", "-o", str(folder / "page.pbm"), str(folder / "page.jb2")]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said.stderr == ""
    _, size, bits = (folder / "page.pbm").read_bytes().split(b"\n", 2)
    width, height = map(int, size.split())
    return np.unpackbits(np.frombuffer(bits, np.uint8).reshape(height, -1), axis=1, count=width).view(bool)


@needs_core
@needs_jbig2dec
def test_a_page_of_text_in_both_decoders(tmp_path: Path) -> None:
    mask = page_of_text()
    assert np.array_equal(by_jbig2dec(mask, tmp_path), mask)
    assert np.array_equal(by_pdfium(mask, jbig2.encode(mask)), mask)


@needs_core
def test_smaller_than_group_4_by_a_quarter() -> None:
    mask = page_of_text()
    assert len(jbig2.encode(mask)) < 0.75 * len(group4(mask))


@needs_core
def test_the_smaller_of_both_predictions_is_kept() -> None:
    plain, doubled = page_of_text(), np.repeat(page_of_text(), 2, axis=0)
    for mask in (plain, doubled):
        both = [len(jbig2.encode(mask, typical=typical)) for typical in (False, True)]
        assert len(jbig2.encode(mask)) == min(both)
    assert both[1] < both[0]  # every second row repeats


@needs_core
def test_a_large_page_is_coded_in_stripes_whatever_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jbig2, "STRIPE_PIXELS", 200_000)
    mask = page_of_text()
    codes = set()
    for threads in ("1", "3"):
        monkeypatch.setenv("DOCBIN_THREADS", threads)
        codes.add(jbig2.encode(mask))
    (code,) = codes
    assert np.array_equal(by_pdfium(mask, code), mask)
    assert len(code) < 1.2 * len(jbig2.encode(mask, stripe_rows=700))


@pytest.mark.parametrize("rows", [0, -3, 32768])
def test_stripes_that_cannot_be(rows: int) -> None:
    with pytest.raises(ValueError, match=f"stripe_rows {rows}: 1 to 32767"):
        jbig2.encode(np.zeros((4, 4), bool), stripe_rows=rows)


def test_the_smaller_compression_is_chosen() -> None:
    rng = np.random.default_rng(0)
    text, dots = page_of_text(0.2), rng.random((3, 3)) < 0.5
    if kernels.compiled():
        assert encoded(text).compression == "jbig2"
    assert encoded(dots).compression == "g4"  # JBIG2's headers alone are longer
    for mask in (text, dots):
        assert len(encoded(mask).data) <= min(len(encoded(mask, "g4").data), len(encoded(mask, "jbig2").data)) or not kernels.compiled()


def test_without_the_compiled_core_a_page_is_group_4() -> None:
    with kernels.use("numpy"):
        assert encoded(page_of_text(0.2)).compression == "g4"
