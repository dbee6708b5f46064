"""Opening files: access errors, page choices, limits that leave the host program alone, laziness."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

import docbin
from docbin import files
from docbin.errors import FileAccessError, InputError, RefusedInput, UsageError

from .builders import BILEVEL, COLOUR, GREY, TEXT, WHITE, grey_png, jpeg, pdf, saved, scan, stored, tiff, tiff_page


@pytest.fixture
def three(tmp_path: Path) -> Path:
    path = tmp_path / "three.tif"
    path.write_bytes(tiff(tiff_page(GREY), tiff_page(WHITE), tiff_page(255 - GREY)))
    return path


# --- access ---------------------------------------------------------------------------------------------------------------------------------


def test_missing_folder_device_and_wrong_names(tmp_path: Path) -> None:
    cases = {
        tmp_path / "nothing.png": "does not exist; check the name",
        tmp_path: "it is a folder; name the files in it",
        Path(os.devnull): "a device or socket, not a file of pages",
        tmp_path / "a\0b.png": "no file can have this name",
        tmp_path / ("x" * 300 + ".png"): "name is too long",
    }
    for path, words in cases.items():
        with pytest.raises(FileAccessError) as error:
            files.open_pages(path)
        assert words in str(error.value)
        assert error.value.exit_code == 5
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FileAccessError, match="form a loop"):
        files.open_pages(tmp_path / "loop")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(FileAccessError, match="not a folder; check the path"):
        files.open_pages(tmp_path / "file" / "page.png")


def test_forbidden(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(grey_png(GREY))
    path.chmod(0)
    if os.geteuid() == 0:  # root may read anything, so become nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(FileAccessError, match=r"cannot read: permission denied; change its permissions"):
            files.open_pages(path)
    finally:
        if os.getuid() == 0:
            os.seteuid(0)


def test_a_pipe_is_read_whole(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(grey_png(GREY),))
    writer.start()
    with files.open_pages(fifo) as file:
        assert np.array_equal(file.page(1).pixels, GREY)
    writer.join()


def test_bytes_are_called_stdin_unless_named() -> None:
    with files.open_pages(grey_png(GREY)) as file:
        assert (file.name, file.kind, file.count, len(file)) == ("-", "png", 1, 1)
        assert file.page(1).source == "-"
    with pytest.raises(InputError, match=r"^upload\.png: the file is empty"):
        files.open_pages(b"", name="upload.png")


def test_a_disk_error_while_decoding_is_an_access_error(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.files.read_tiff import TiffReader

    def fail(self: TiffReader, at: int, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    with files.open_pages(three) as file:
        monkeypatch.setattr(TiffReader, "_read", fail)
        with pytest.raises(FileAccessError, match=r"page 2 of .*three\.tif: cannot read: the disk reports"):
            file.page(2)


def test_want_of_memory_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.files.read_picture import PictureReader

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PictureReader, "decode", fail)
    with files.open_pages(grey_png(GREY)) as file, pytest.raises(RefusedInput, match="not enough memory"):
        file.page(1)


# --- pages ----------------------------------------------------------------------------------------------------------------------------------


def test_pages_are_numbered_and_labelled(three: Path) -> None:
    pages = list(docbin.read_pages(three))
    assert [page.number for page in pages] == [1, 2, 3]
    assert [page.count for page in pages] == [3] * 3
    assert pages[2].label == f"page 3 of {three}"
    assert [int(page.pixels[0, 0]) for page in pages] == [230, 255, 25]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (None, [1, 2, 3]),
        ({3, 1}, [1, 3]),
        ([2, 2], [2]),
        (files.parse_page_ranges("2-"), [2, 3]),
        (files.parse_page_ranges("3,1-2"), [3, 1, 2]),
        ([], []),
    ],
)
def test_chosen_pages(three: Path, pages: object, expected: list[int]) -> None:
    assert [page.number for page in files.read_pages(three, pages=pages)] == expected  # type: ignore[arg-type]


def test_pages_beyond_the_end(three: Path) -> None:
    for pages in ([1, 4], files.parse_page_ranges("4-"), files.parse_page_ranges("1-4")):
        with pytest.raises(UsageError, match=r"three\.tif: page 4 was asked for, but the file has 3 pages; choose 1 to 3"):
            next(iter(files.read_pages(three, pages=pages)))
    with pytest.raises(UsageError, match="count from 1"):
        next(iter(files.read_pages(three, pages=[0])))
    with files.open_pages(three) as file, pytest.raises(UsageError, match="page 0 does not exist; the file has 3 pages"):
        file.page(0)


def test_reading_page_ranges() -> None:
    ranges = files.parse_page_ranges(" 1-3, 7 ,9-")
    assert ranges.numbers(10, "x") == [1, 2, 3, 7, 9, 10]
    assert [n in ranges for n in (3, 4, 7, 8, 9, 10_000)] == [True, False, True, False, True, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'' is no page number"),
        ("1,,2", "'' is no page number"),
        ("a", "'a' is no page number"),
        ("-3", "'-3' is no page number"),
        ("1.5", "such as 1-3,7,9-"),
        ("0", "count from 1"),
        ("5-2", "runs backwards; write 2-5"),
        ("1-2-3", "is no page number or range"),
        ("٣", "is no page number"),
    ],
)
def test_page_ranges_that_cannot_be_read(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        files.parse_page_ranges(text)
    assert words in str(error.value)
    assert repr(text) in str(error.value)


# --- options and limits ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dpi", [0, -1, 5, 1e9, float("nan"), float("inf")])
def test_dpi_out_of_range(dpi: float) -> None:
    with pytest.raises(UsageError, match="10 to 20000"):
        files.open_pages(grey_png(GREY), dpi=dpi)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_limit_out_of_range(limit: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        files.open_pages(grey_png(GREY), max_megapixels=limit)


def test_dpi_fills_in_but_never_overrides_a_picture() -> None:
    with files.open_pages(grey_png(GREY), dpi=200) as file:
        page = file.page(1)
    assert page.dpi == (200, 200)
    assert any("200 dpi as given" in note for note in page.notes)
    with files.open_pages(tiff(tiff_page(GREY, x=[600, 1], y=[600, 1], unit=2)), dpi=200) as file:
        assert file.page(1).dpi == (600, 600)


def test_dpi_renders_pdf_pages_also_scanned_ones() -> None:
    with files.open_pages(pdf(scan(dpi=100), TEXT), dpi=50) as file:
        first, second = file
    assert first.pixels.shape == (12, 20)
    assert (first.dpi, second.dpi) == ((50, 50), (50, 50))
    assert second.pixels.shape == (25, 50)


def test_rendered_text_is_dark_on_white_and_upright() -> None:
    with files.open_pages(pdf(TEXT)) as file:
        pixels = file.page(1).pixels
    ink = pixels < 128
    assert pixels.ndim == 2
    assert 0.02 < ink.mean() < 0.5
    assert pixels[0, 0] == 255
    letter = ink[:, :38]  # the capital I: one tall bar, whose foot stands on the base line 8 pt above the page's lower edge
    assert abs(np.flatnonzero(letter.any(axis=1))[-1] - (150 - 8 * 300 / 72)) < 3


def test_the_annotation_on_a_scan_is_seen() -> None:
    note = "/Annots [<< /Type /Annot /Subtype /Square /Rect [2 2 9 9] /C [1 0 0] /IC [1 0 0] >>]"
    with files.open_pages(pdf(scan(WHITE, page=note))) as file:
        page = file.page(1)
    assert page.pixels.ndim == 3
    red = (page.pixels[..., 0] > 200) & (page.pixels[..., 1] < 50)
    assert red[-12:, :12].any()
    assert not red[:8].any()


@pytest.mark.parametrize(
    "data",
    [
        grey_png(np.zeros((100, 100), np.uint8)),
        jpeg(np.zeros((100, 100), np.uint8)),
        tiff(tiff_page(np.zeros((100, 100), np.uint8))),
        b"P5 100 100 255\n" + bytes(10_000),
        pdf(scan(np.zeros((100, 100), np.uint8))),
        saved(np.zeros((100, 100), np.uint8), "bmp"),
        saved(np.zeros((100, 100), np.uint8), "jpeg2000"),
        saved(np.zeros((100, 100), np.uint8), "gif"),
        saved(np.zeros((100, 100), np.uint8), "webp", lossless=True),
        saved(np.zeros((100, 100), np.uint8), "webp", lossless=False),
        saved(np.zeros((100, 100, 4), np.uint8), "webp", lossless=False),
    ],
    ids=["png", "jpeg", "tiff", "pnm", "pdf", "bmp", "jpeg2000", "gif", "webp-VP8L", "webp-VP8", "webp-VP8X"],
)
def test_the_limit_is_exact_and_ours(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """10 000 pixels pass a limit of 0.01 megapixels, though Pillow's own limit (the host's) would refuse 1000, and that stays as it was."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with files.open_pages(data, max_megapixels=0.01) as file:
            assert file.page(1).pixels.shape[:2] == (100, 100)
        with files.open_pages(data, max_megapixels=0.00999) as file, pytest.raises(RefusedInput, match=r"0\.00999.*--max-megapixels 1\)"):
            file.page(1)
    assert Image.MAX_IMAGE_PIXELS == 1000
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_damage_in_one_page_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "damaged.tif"
    path.write_bytes(tiff(*(tiff_page(GREY, compression=1 if index != 4 else 99) for index in range(9))))
    good, wrong = [], []
    with files.open_pages(path) as file:
        for number in range(1, file.count + 1):
            try:
                good.append(file.page(number).number)
            except InputError as error:
                wrong.append(str(error))
    assert good == [1, 2, 3, 4, 6, 7, 8, 9]
    assert len(wrong) == 1
    assert wrong[0].startswith(f"page 5 of {path}: ")


def test_memory_of_a_200_page_tiff_is_that_of_one_page(tmp_path: Path) -> None:
    path = tmp_path / "long.tif"
    page = np.random.default_rng(0).random((350, 250)) < 0.2
    assert files.write_pages(((page, 300) for _ in range(200)), path) == 200
    tracemalloc.start()
    try:
        for number, read in enumerate(files.read_pages(path), 1):
            assert read.count == 200
            assert read.number == number
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(read.pixels < 128, page)
    assert peak < 20 * page.size, f"{peak / page.size:.1f} bytes a pixel of one page"


def test_a_page_is_reached_without_decoding_those_before(tmp_path: Path) -> None:
    path = tmp_path / "long.tif"
    files.write_pages(((np.eye(9, dtype=bool), None) for _ in range(500)), path)
    with files.open_pages(path) as file:
        reads: list[int] = []
        decode = file._reader.decode
        file._reader.decode = lambda number, label: (reads.append(number), decode(number, label))[1]  # type: ignore[method-assign]
        assert file.page(500).number == 500
    assert reads == [500]


def test_a_closed_file_frees_the_file(three: Path) -> None:
    file = files.open_pages(three)
    page = file.page(1)
    file.close()
    assert file._stream.closed
    assert np.array_equal(page.pixels, GREY)


def test_pdf_turned_and_scanned_at_two_resolutions() -> None:
    fax = scan(BILEVEL, place=f"{40 * 72 / 204:.5f} 0 0 {24 * 72 / 98:.5f} 0 0", page="/Rotate 90")
    fax.size = (40 * 72 / 204, 24 * 72 / 98)
    with files.open_pages(pdf(fax)) as file:
        page = file.page(1)
    assert page.dpi == pytest.approx((98, 204), abs=0.02)
    assert np.array_equal(stored(page.pixels, 6), BILEVEL)


def test_pages_of_many_threads_are_right(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf(*[scan(np.full_like(GREY, level)) for level in range(0, 250, 10)]))
    wrong: list[str] = []

    def read() -> None:
        for page in files.read_pages(path):
            if not (page.pixels == (page.number - 1) * 10).all():
                wrong.append(page.label)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_plain_files_need_no_heavy_library(tmp_path: Path) -> None:
    """Opening docbin.files imports no decoder; a PNG brings Pillow and nothing else; writing a PNG not even that."""
    path = tmp_path / "page.png"
    path.write_bytes(grey_png(COLOUR))
    program = """
import sys
from docbin import files
heavy = {"PIL", "cv2", "skimage", "pypdfium2", "pikepdf", "torch", "scipy"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
import numpy as np
files.write_page(np.eye(9, dtype=bool), sys.argv[2], 300)
assert not heavy & set(sys.modules), heavy & set(sys.modules)
page, = files.read_pages(sys.argv[1])
assert heavy & set(sys.modules) == {"PIL"}, heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program, str(path), str(tmp_path / "out.png")], check=True, cwd=tmp_path)


def test_folder_scans_know_the_suffixes() -> None:
    assert {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pbm", ".webp", ".jp2", ".pdf"} <= files.readable_suffixes
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in files.readable_suffixes)
    assert files.TEMPORARY_SUFFIX not in files.readable_suffixes
