"""Pages out and in again, and what lies on the disk checked by other means than our reader."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pikepdf
import pypdfium2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from docbin import files
from docbin.errors import UsageError
from docbin.files.write_tiff import group4

from .builders import INK

FORMATS = tuple(name for name, row in files.formats().items() if row.ink)
MANY = tuple(name for name, row in files.formats().items() if row.multipage)

masks = arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 70)))
resolutions = st.one_of(
    st.none(), st.integers(72, 2400).map(float), st.floats(72, 2400), st.tuples(st.integers(72, 1200), st.integers(72, 1200))
)
in_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def _stream(mask: np.ndarray, format: str, dpi: object = None) -> bytes:
    stream = io.BytesIO()
    files.write_page(mask, stream, dpi, format)  # type: ignore[arg-type]
    return stream.getvalue()


# --- round trips ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
@given(mask=masks, dpi=resolutions)
@in_folder
def test_mask_and_dpi_come_back(format: str, mask: np.ndarray, dpi: float | tuple[float, float] | None) -> None:
    if isinstance(dpi, tuple):
        assume(max(dpi) <= 10 * min(dpi))
    with files.open_pages(_stream(mask, format, dpi)) as file:
        page = file.page(1)
    assert np.array_equal(page.pixels, np.where(mask, 0, 255))
    wanted = (dpi, dpi) if isinstance(dpi, float | int) else dpi
    if not files.formats()[format].keeps_dpi:
        assert page.dpi is None
    elif wanted is None:
        assert page.dpi == ((300, 300) if format == "pdf" else None)
    elif format == "png":  # whole pixels per metre, and of those the whole number of dpi that they stand for; that comes back exactly
        assert [got / 0.0254 for got in page.dpi or ()] == pytest.approx([round(asked / 0.0254) for asked in wanted], abs=0.505)
        assert all(got == asked for got, asked in zip(page.dpi or (), wanted, strict=True) if asked == int(asked))
    elif format == "tiff":
        assert page.dpi == pytest.approx(wanted, abs=0.013)
    else:  # PDF: four decimals of a point for the size of the page
        for got, asked, side in zip(page.dpi or (), wanted, (mask.shape[1], mask.shape[0]), strict=True):
            assert got == pytest.approx(asked, abs=0.013 + asked * 1e-4 / (side * 72 / asked))


@pytest.mark.parametrize("format", MANY)
@given(pages=st.lists(st.tuples(masks, st.integers(72, 600)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=15)
def test_many_pages_come_back(format: str, pages: list[tuple[np.ndarray, int]]) -> None:
    stream = io.BytesIO()
    assert files.write_pages(iter(pages), stream, format) == len(pages)
    with files.open_pages(stream.getvalue()) as file:
        assert file.count == len(pages)
        for (mask, _), page in zip(pages, file, strict=True):
            assert np.array_equal(page.pixels, np.where(mask, 0, 255))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (8, 8), (17, 31), (3, 3000)])
def test_odd_sizes_all_ink_and_no_ink(format: str, shape: tuple[int, int]) -> None:
    for ink in (True, False):
        with files.open_pages(_stream(np.full(shape, ink), format, 300)) as file:
            assert (file.page(1).pixels == (0 if ink else 255)).all()


@pytest.mark.parametrize("format", FORMATS)
def test_arrays_of_any_layout(format: str) -> None:
    expected = _stream(np.ascontiguousarray(INK[::-1, ::2].T), format)
    assert _stream(INK[::-1, ::2].T, format) == expected
    assert _stream(np.asfortranarray(INK[::-1, ::2].T), format) == expected


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_page_gives_the_same_bytes(format: str) -> None:
    assert _stream(INK, format, 300) == _stream(INK, format, 300)


# --- what lies on the disk ------------------------------------------------------------------------------------------------------------------


def test_png_is_one_bit_and_black_is_zero() -> None:
    data = _stream(INK, "png", (300, 150))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks = dict(_png_chunks(data))
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (40, 24, 1, 0, 0, 0, 0)
    assert struct.unpack(">IIB", chunks[b"pHYs"]) == (11811, 5906, 1)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(24, 6)
    assert np.array_equal(np.unpackbits(rows[:, 1:], axis=1)[:, :40], 1 - INK)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "1"
        assert np.array_equal(np.asarray(image), ~INK)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + content)
        if content:
            yield kind, content
        at += 12 + length
    assert kind == b"IEND"


def test_tiff_is_one_bit_group_4_and_white_is_zero() -> None:
    data = _stream(INK, "tiff", (204, 98))
    directory = _directory(data, struct.unpack_from("<I", data, 4)[0])
    assert {tag: directory[tag] for tag in (256, 257, 258, 259, 262, 277, 278, 296)} == {
        256: 40, 257: 24, 258: 1, 259: 4, 262: 0, 277: 1, 278: 24, 296: 2
    }  # fmt: skip
    assert [struct.unpack_from("<II", data, directory[tag]) for tag in (282, 283)] == [(204, 1), (98, 1)]
    strip = data[directory[273] : directory[273] + directory[279]]
    assert strip == group4(INK)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), ~INK)
        assert image.info["dpi"] == (204, 98)


def _directory(data: bytes, at: int) -> dict[int, int]:
    entries = [struct.unpack_from("<HHII", data, at + 2 + 12 * index) for index in range(struct.unpack_from("<H", data, at)[0])]
    assert [entry[0] for entry in entries] == sorted(entry[0] for entry in entries)
    return {tag: value for tag, _, _, value in entries}


def test_tiff_pages_are_seen_by_pillow_and_by_opencv(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "pages.tif"
    pages = [np.random.default_rng(seed).random((20 + seed, 31 + 2 * seed)) < 0.3 for seed in range(5)]
    files.write_pages([(page, 300) for page in pages], path)
    with Image.open(path) as image:
        assert image.n_frames == 5
        for index, page in enumerate(pages):
            image.seek(index)
            assert np.array_equal(np.asarray(image), ~page)
    seen, pictures = cv2.imreadmulti(str(path), flags=cv2.IMREAD_GRAYSCALE)
    assert seen
    assert all(np.array_equal(picture < 128, page) for picture, page in zip(pictures, pages, strict=True))


def test_pbm_by_hand() -> None:
    assert _stream(np.array([[True, False, True]]), "pbm") == b"P4\n3 1\n\xa0"


def test_pdf_embeds_the_group_4_code_unchanged_page_by_page(tmp_path: Path) -> None:
    path = tmp_path / "out.pdf"
    pages = [(INK, (300.0, 150.0)), (~INK, (600.0, 600.0)), (INK.T.copy(), None)]
    with files.PageWriter(path, compression="g4") as writer:
        for mask, dpi in pages:
            writer.add(mask, dpi)
    with pikepdf.open(path) as document:
        assert len(document.pages) == 3
        for page, (mask, dpi) in zip(document.pages, pages, strict=True):
            (picture,) = page.Resources.XObject.values()
            assert picture.read_raw_bytes() == group4(mask)
            assert picture.Filter == "/CCITTFaxDecode"
            assert (int(picture.BitsPerComponent), int(picture.Width), int(picture.Height)) == (1, mask.shape[1], mask.shape[0])
            x, y = dpi or (300.0, 300.0)
            size = [float(value) for value in page.MediaBox]
            assert size == pytest.approx([0, 0, mask.shape[1] * 72 / x, mask.shape[0] * 72 / y], abs=1e-3)


def test_pdf_shows_black_ink_when_rendered(tmp_path: Path) -> None:
    path = tmp_path / "out.pdf"
    files.write_page(INK, path, 72)
    with pypdfium2.PdfDocument(path) as document:
        shown = document[0].render(scale=1).to_numpy()[..., 0]
    assert np.array_equal(shown < 128, INK)


def test_a_pdf_of_many_pages(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    count = 131
    files.write_pages(((np.arange(64).reshape(8, 8) == index % 64, 100 + index) for index in range(count)), path)
    for index, page in enumerate(files.read_pages(path)):
        assert int(np.flatnonzero(page.pixels.ravel() == 0)[0]) == index % 64
        assert page.dpi == pytest.approx((100 + index, 100 + index), rel=1e-3)
    assert index == count - 1


def test_a_pdf_page_beyond_200_inches(tmp_path: Path) -> None:
    path = tmp_path / "map.pdf"
    files.write_page(np.zeros((3, 5000), bool), path, 20)
    with pikepdf.open(path) as document:
        (page,) = document.pages
        unit = float(page.obj.get("/UserUnit", 1))
        assert unit > 1
        assert float(page.MediaBox[2]) * unit == pytest.approx(250 * 72, rel=1e-3)


def test_pages_over_the_limit_of_pillow_are_written_and_the_limit_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for format in FORMATS:
        path = tmp_path / f"out.{format}"
        files.write_page(INK, path, 300, format)
        assert Image.MAX_IMAGE_PIXELS == 100
        with files.open_pages(path) as file:
            assert np.array_equal(file.page(1).pixels == 0, INK)


# --- probability maps -----------------------------------------------------------------------------------------------------------------------


@given(arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1, width=32)))
def test_grey_of_a_probability_map(map: np.ndarray) -> None:
    grey = files.probability_grey(map)
    assert np.array_equal(grey <= 127, map >= 0.5)
    assert np.abs(grey - 255 * (1 - map.astype(float))).max() <= 0.5001


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_probability_maps_are_8_bit_with_dark_ink(tmp_path: Path, suffix: str) -> None:
    map = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    path = tmp_path / f"map{suffix}"
    files.write_probability(map, path, 300)
    with Image.open(path) as image:
        assert image.mode == "L"
        stored = np.asarray(image)
    assert (stored[0, 0], stored[-1, -1]) == (255, 0)
    (page,) = files.read_pages(path)
    assert np.array_equal(page.pixels, files.probability_grey(map))
    assert page.dpi == (300, 300)


def test_probability_maps_of_many_pages(tmp_path: Path) -> None:
    path = tmp_path / "maps.tif"
    with files.PageWriter(path) as writer:
        for level in (0.0, 0.25, 1.0):
            writer.add_probability(np.full((5, 7), level, np.float32), 150)
    assert [int(page.pixels[0, 0]) for page in files.read_pages(path)] == [255, 191, 0]


@pytest.mark.parametrize(
    "wrong", [np.full((2, 2), np.nan, np.float32), np.full((2, 2), 1.01), np.full((2, 2), -0.1), np.zeros((2, 2, 2)), np.zeros((0, 2))]
)
def test_what_is_no_probability_map(tmp_path: Path, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="probability map"):
        files.write_probability(wrong, tmp_path / "map.png")
    with pytest.raises(TypeError, match="float array is wanted"):
        files.write_probability(np.zeros((2, 2), np.uint8), tmp_path / "map.png")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_formats_of_one_bit_refuse_probability_maps(tmp_path: Path) -> None:
    for suffix in ("pdf", "pbm"):
        with pytest.raises(UsageError, match="1-bit pages only; write probability maps as png, tiff"):
            files.write_probability(np.zeros((2, 2), np.float32), tmp_path / f"map.{suffix}")
    assert not list(tmp_path.iterdir())


# --- the table and its errors ---------------------------------------------------------------------------------------------------------------


def test_the_table_is_whole() -> None:
    suffixes = [suffix for row in files.formats().values() for suffix in row.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert set(FORMATS) == {"png", "tiff", "pdf", "pbm"}
    assert set(files.formats()) - set(FORMATS) == {"jpeg"}
    assert set(MANY) == {"tiff", "pdf", "pbm"}
    for name, row in files.formats().items():
        assert row.name == name
        assert all(files.format_of(f"x{suffix.upper()}").name == name for suffix in row.suffixes)


def test_wrong_formats(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"suffix '\.gif' belongs to no output format; name one of png"):
        files.write_page(INK, tmp_path / "x.gif")
    with pytest.raises(UsageError, match="jpeg holds no 1-bit pages, it would smear them; write them as png"):
        files.write_page(INK, tmp_path / "x.jpg")
    with pytest.raises(UsageError, match="format 'jpg' does not exist; choose one of png"):
        files.write_page(INK, tmp_path / "x.jpg", format="jpg")
    with pytest.raises(UsageError, match="the suffix says tiff, the format png; make them agree"):
        files.write_page(INK, tmp_path / "x.tif", format="png")
    with pytest.raises(UsageError, match="a stream needs a format"):
        files.write_page(INK, io.BytesIO())
    files.write_page(INK, tmp_path / "x.dat", format="png")
    assert (tmp_path / "x.dat").read_bytes().startswith(b"\x89PNG")


def test_a_second_page_for_png_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="png holds one page; write many pages as tiff, pdf, pbm"):
        files.write_pages([(INK, 300), (INK, 300)], tmp_path / "x.png")
    with pytest.raises(UsageError, match="no page was given"):
        files.write_pages([], tmp_path / "x.tif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dpi", [0, -1, float("inf"), float("nan"), (300,), "300", (300, 0), 1e6])
def test_wrong_dpi(tmp_path: Path, dpi: object) -> None:
    with pytest.raises(UsageError, match="dpi="):
        files.write_page(INK, tmp_path / "x.png", dpi)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mask", [INK.astype(np.uint8), INK[None], np.zeros((0, 3), bool), "ink"])
def test_wrong_masks(tmp_path: Path, mask: object) -> None:
    with pytest.raises((TypeError, ValueError), match="mask: "):
        files.write_page(mask, tmp_path / "x.png")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


class _Pipe(io.RawIOBase, BinaryIO):
    """A stream that can only be written, like stdout into a pipe."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: object) -> int:
        self.data += bytes(memoryview(data))  # type: ignore[arg-type]
        return len(self.data)

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise OSError("not seekable")

    def tell(self) -> int:
        raise OSError("not seekable")

    def read(self, size: int | None = -1) -> bytes:
        raise OSError("not readable")


@pytest.mark.parametrize("format", FORMATS)
def test_streams_need_neither_seek_nor_tell(format: str) -> None:
    pipe = _Pipe()
    pages = [(INK, 300.0), (~INK, 300.0)] if format in MANY else [(INK, 300.0)]
    files.write_pages(pages, pipe, format)
    assert not pipe.closed
    with files.open_pages(bytes(pipe.data)) as file:
        assert file.count == len(pages)
        assert all(np.array_equal(page.pixels == 0, mask) for page, (mask, _) in zip(file, pages, strict=True))


def test_a_format_with_its_own_file_is_one_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What CONTRIBUTING promises: a writer class somewhere and a row in the table are all that a new format needs."""
    from docbin.files import output

    class Text:
        def __init__(self, stream: BinaryIO) -> None:
            self.stream = stream

        def add(self, mask: np.ndarray, dpi: object) -> None:
            self.stream.write("\n".join("".join(".#"[bit] for bit in row) for row in mask.astype(int)).encode())

        def finish(self) -> None:
            self.stream.write(b"\n")

        def release(self) -> None:
            pass

    monkeypatch.setattr(sys.modules[__name__], "Text", Text, raising=False)
    row = files.Format("text", (".txt",), "dots", False, False, False, f"{__name__}:Text")
    monkeypatch.setattr(output, "_FORMATS", {**files.formats(), "text": row})
    files.write_page(np.eye(2, dtype=bool), tmp_path / "x.txt")
    assert (tmp_path / "x.txt").read_text() == "#.\n.#\n"
