"""Pictures whose code ends before their pixels, in files that look whole: their decoders fill the rest and say nothing, so docbin must."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from docbin import files
from docbin.errors import InputError
from docbin.files.broken_off import jpeg_lacks_scans
from docbin.files.write_tiff import group4, group4_of_equal_rows
from docbin.page import Page

from .builders import Array, chunk, png, rows_of, saved

END = b"\xff\xd9"


def _page(data: bytes) -> Page:
    with files.open_pages(data, name="made") as file:
        return file.page(1)


def _photo(height: int = 90, width: int = 130) -> Array:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_a_jpeg_that_was_cut_and_closed_is_refused(colour: bool, options: dict[str, object], share: float) -> None:
    picture = _photo() if colour else _photo()[..., 0]
    whole = saved(picture, "jpeg", quality=90, **options)
    _page(whole)
    with pytest.raises(InputError, match="truncated or damaged JPEG"):
        _page(whole[: int(share * len(whole))] + END)


def test_a_jpeg_with_a_hole_or_a_header_of_more_rows_is_refused() -> None:
    whole = saved(_photo(), "jpeg", quality=90)
    half = len(whole) // 2
    taller = bytearray(whole)
    at = whole.index(b"\xff\xc0") + 5
    taller[at : at + 2] = struct.pack(">H", 400)
    for damaged in (whole[:half] + whole[half + 900 :], bytes(taller)):
        with pytest.raises(InputError, match="its code ends before its pixels"):
            _page(damaged)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True}])
def test_a_jpeg_that_ends_in_mid_grey_of_its_own_is_whole(options: dict[str, object]) -> None:
    picture = _photo()
    picture[40:] = 128
    whole = saved(picture, "jpeg", quality=90, **options)
    assert _page(whole).pixels.shape == picture.shape
    assert _page(whole + b"\0" * 50 + whole).pixels.shape == picture.shape  # a second picture behind it, as cameras append one


def test_scans_that_were_announced_and_never_came() -> None:
    whole = saved(_photo(), "jpeg", quality=90, progressive=True)
    starts = [at for at in range(len(whole) - 1) if whole[at : at + 2] == b"\xff\xda"]
    assert not jpeg_lacks_scans(whole)
    assert all(jpeg_lacks_scans(whole[:at] + END) for at in starts[1:])
    assert not jpeg_lacks_scans(saved(_photo(), "jpeg"))


@pytest.mark.parametrize(("colour", "depth", "interlace"), [(0, 8, 0), (2, 8, 0), (0, 16, 0), (0, 1, 0), (6, 8, 0), (0, 8, 1)], ids=str)
def test_a_png_whose_rows_end_early_is_refused(colour: int, depth: int, interlace: int) -> None:
    width, rows = 40, 24
    row = -(-width * depth * {0: 1, 2: 3, 6: 4}[colour] // 8)
    full = [bytes([200]) * row] * rows
    with pytest.raises(InputError, match=r"truncated or damaged PNG"):
        _page(png(full[: rows // 2], width, depth, colour, height=rows, interlace=interlace))
    if not interlace:
        black = [*full[: rows // 2], *[bytes(row)] * (rows // 2)]
        assert _page(png(black, width, depth, colour)).pixels.shape[:2] == (rows, width)  # as empty at its end, but whole


@pytest.mark.parametrize("kind", [b"pHYs", b"tEXt", b"gAMA", b"abCd"])
def test_a_png_of_which_only_a_side_chunk_is_damaged_is_read(kind: bytes) -> None:
    grey = np.full((24, 40), 200, np.uint8)
    whole = png(rows_of(grey), 40, 8, 0)
    damaged = chunk(kind, b"123456789")[:-4] + b"\1\2\3\4"
    page = _page(whole[:33] + damaged + whole[33:])
    assert np.array_equal(page.pixels, grey)
    assert any(f"damaged metadata of the PNG ({kind.decode()}) left out" in note for note in page.notes)


def _strips(codes: list[bytes], width: int, height: int, rows: int, photometric: int = 0, fill: int = 1, compression: int = 4) -> bytes:
    """A TIFF of CCITT strips."""
    at, places = 8, []
    for code in codes:
        places.append(at)
        at += len(code)
    offsets, counts = struct.pack(f"<{len(codes)}I", *places), struct.pack(f"<{len(codes)}I", *map(len, codes))
    many = len(codes) > 1
    entries = [
        (256, width),
        (257, height),
        (258, 1),
        (259, compression),
        (262, photometric),
        (266, fill),
        (273, places[0]),
        (277, 1),
        (278, rows),
    ]
    entries.append((279, len(codes[0])))
    body = at + len(offsets) + len(counts) if many else at
    directory = struct.pack("<H", len(entries))
    for tag, value in entries:
        if many and tag in (273, 279):
            value = at if tag == 273 else at + len(offsets)
        directory += struct.pack("<HHII", tag, 4, len(codes) if tag in (273, 279) else 1, value)
    return b"II*\0" + struct.pack("<I", body) + b"".join(codes) + (offsets + counts if many else b"") + directory + bytes(4)


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("fill", [1, 2])
def test_a_g4_strip_that_ends_early_is_refused(photometric: int, fill: int) -> None:
    ink = np.random.default_rng(2).random((120, 300)) < 0.2
    turned = np.array([int(f"{byte:08b}"[::-1], 2) for byte in range(256)], np.uint8)

    def code(mask: Array) -> bytes:
        made = group4(mask)
        return turned[np.frombuffer(made, np.uint8)].tobytes() if fill == 2 else made

    upper, lower = code(ink[:60]), code(ink[60:])
    page = _page(_strips([upper, lower], 300, 120, 60, photometric, fill))
    assert np.array_equal(page.pixels < 128, ink if photometric == 0 else ~ink)
    for codes in ([upper, lower[: len(lower) // 2]], [code(ink[:20]), lower], [upper[:200] + b"\0" * 90 + upper[290:], lower]):
        with pytest.raises(InputError, match=r"the code of strip or tile [12] ends before its pixels"):
            _page(_strips(codes, 300, 120, 60, photometric, fill))


@pytest.mark.parametrize("codec", ["group3", "tiff_ccitt"])
@pytest.mark.parametrize("rows", [120, 50])
def test_a_fax_that_was_cut_is_refused(codec: str, rows: int) -> None:
    """The other CCITT codes: libtiff reads what lies behind the end of a strip that was cut."""
    ink = np.random.default_rng(2).random((120, 300)) < 0.2
    data = saved(Image.fromarray(~ink), "tiff", compression=codec, tiffinfo={278: rows})
    assert np.array_equal(_page(data).pixels < 128, ink)
    with Image.open(io.BytesIO(data)) as opened:
        tags = dict(opened.tag_v2)  # type: ignore[attr-defined]
    codes = [data[at : at + size] for at, size in zip(tags[273], tags[279], strict=True)]
    number = {"group3": 3, "tiff_ccitt": 2}[codec]
    assert np.array_equal(_page(_strips(codes, 300, 120, rows, tags[262], compression=number)).pixels < 128, ink)
    codes[-1] = codes[-1][: len(codes[-1]) // 2]
    with pytest.raises(InputError, match="truncated or damaged TIFF"):
        _page(_strips(codes, 300, 120, rows, tags[262], compression=number))


@pytest.mark.parametrize("width", [1, 9, 300])
def test_equal_rows_in_g4(width: int) -> None:
    drawn = np.random.default_rng(3).random(width) < 0.5
    for row in (np.zeros(width, bool), np.ones(width, bool), drawn):
        for rows in (1, 2, 40):
            assert group4_of_equal_rows(row, rows) == group4(np.repeat(row[None], rows, axis=0))


def test_jpeg_in_tiff_that_breaks_off_or_lost_its_tables_is_refused() -> None:
    whole = saved(_photo()[..., 0], "tiff", compression="jpeg", quality=90)
    assert _page(whole).pixels.shape == (90, 130)
    with pytest.raises(InputError, match="JPEG tables are not whole"):
        _page(whole[:-1])
    at = whole.rindex(END, 0, struct.unpack("<I", whole[4:8])[0])
    with pytest.raises(InputError, match="ends before its pixels"):
        _page(whole[: at - 1500] + END + whole[at - 1500 + 2 :])


def test_zlib_of_a_png_is_not_unpacked_without_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("counted a page whose last row is not empty")

    monkeypatch.setattr("docbin.files.read_picture.png_breaks_off", never)
    assert _page(png(rows_of(np.full((24, 40), 200, np.uint8)), 40, 8, 0)).pixels.shape == (24, 40)
