"""Pictures that a strict decoder refuses or garbles though they are whole, and the proof that damaged ones still are refused."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from docbin import files
from docbin.errors import InputError, MissingExtra, RefusedInput
from docbin.files.deep_jpeg2000 import depth_of
from docbin.files.limits import ReadOptions
from docbin.page import Page

from .builders import COLOUR, GREY, grey_png, jpeg, saved


def _page(data: bytes, **options: float) -> Page:
    with files.open_pages(data, name="made", **options) as file:  # type: ignore[arg-type]
        return file.page(1)


@pytest.mark.parametrize(
    "extra",
    [
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 2_000_000),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"x" * 2_000_000)),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 2_000_000)),
        (b"tEXt", b"Comment\0" + b"x" * 70_000_000),
        (b"iCCP", b"profile\0\0" + zlib.compress(np.random.default_rng(0).bytes(1_200_000))),
    ],
    ids=["xmp", "xmp-packed", "ztxt", "text-of-70MB", "icc"],
)
def test_only_the_metadata_of_a_png_is_large(extra: tuple[bytes, bytes]) -> None:
    page = _page(grey_png(GREY, extra))
    assert np.array_equal(page.pixels, GREY)
    assert any("metadata of the PNG" in note for note in page.notes)


def test_a_png_cut_behind_large_metadata_is_still_refused() -> None:
    with pytest.raises(InputError, match="truncated or damaged PNG"):
        _page(grey_png(GREY, (b"tEXt", b"C\0" + b"x" * 100_000))[:-60])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"restart_marker_rows": 1}])
def test_a_jpeg_without_its_end_marker(options: dict[str, object]) -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, (90, 130, 3), np.uint8)
    data = saved(picture, "jpeg", quality=90, **options)
    page = _page(data[:-2])
    assert np.array_equal(page.pixels, _page(data).pixels)
    assert any("lacks its end marker" in note for note in page.notes)
    for cut in (3 + 6, 60, len(data) // 3):
        with pytest.raises(InputError, match="truncated or damaged JPEG"):
            _page(data[:-cut])


def test_alpha_of_zero_in_a_bmp_is_opaque() -> None:
    def bmp(alpha: int) -> bytes:
        pixels = np.dstack([COLOUR[::-1, :, ::-1], np.full(GREY.shape, alpha, np.uint8)])
        header = struct.pack("<IiiHHIIiiII", 124, 40, 24, 1, 32, 3, pixels.size, 0, 0, 0, 0)
        masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(64)
        return b"BM" + struct.pack("<IHHI", 138 + pixels.size, 0, 0, 138) + header + masks + pixels.tobytes()

    assert np.array_equal(_page(bmp(0)).pixels, COLOUR)
    assert any("ignored" in note for note in _page(bmp(0)).notes)
    assert np.array_equal(_page(bmp(255)).pixels, COLOUR)


def _run_length(levels: np.ndarray, bits: int, literal: bool) -> bytes:
    code = bytearray()
    for row in levels[::-1]:
        if literal:  # odd and even literal stretches of at least three pixels
            at = 0
            for length in (5, 7, 3, 25):
                part = row[at : at + length]
                octets = part if bits == 8 else np.pad(part, (0, len(part) % 2)).reshape(-1, 2) @ [16, 1]
                code += bytes([0, len(part)]) + bytes(octets.astype(np.uint8)) + b"\0" * (len(octets) % 2)
                at += length
        else:
            for value in row:
                code += bytes([1, value if bits == 8 else value << 4])
        code += b"\0\0"
    code += b"\0\1"
    palette = b"".join(bytes([v * (255 // ((1 << bits) - 1))] * 3 + [0]) for v in range(1 << bits))
    header = struct.pack(
        "<IiiHHIIiiII", 40, levels.shape[1], levels.shape[0], 1, bits, 1 if bits == 8 else 2, len(code), 11811, 11811, 0, 0
    )
    start = 54 + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(code), 0, 0, start) + header + palette + bytes(code)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("literal", [False, True])
def test_run_length_bmp(bits: int, literal: bool) -> None:
    levels = GREY >> (8 - bits)
    page = _page(_run_length(levels, bits, literal))
    assert np.array_equal(page.pixels, levels * (255 // ((1 << bits) - 1)))
    assert page.dpi == (300, 300)
    with pytest.raises(InputError, match=r"^made: truncated BMP.*row \d+ of 24"):
        _page(_run_length(levels, bits, literal)[:-200])


def test_avif_is_read() -> None:
    page = _page(saved(COLOUR, "avif", quality=100, subsampling="4:4:4"))
    assert np.abs(page.pixels.astype(int) - COLOUR).mean() < 8


def test_heic_is_read_with_its_extra_and_named_without(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pillow_heif", None)
        with pytest.raises(MissingExtra, match=r"^made: a HEIC picture needs the extra 'heif': pip install 'docbin\[heif\]'"):
            _page(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert ".heic" in files.READABLE_SUFFIXES
    heif = pytest.importorskip("pillow_heif", reason="the extra heif is not installed")
    made = io.BytesIO()
    heif.from_pillow(Image.fromarray(COLOUR)).save(made, quality=100, chroma=444)
    assert np.abs(_page(made.getvalue()).pixels.astype(int) - COLOUR).mean() < 8


def test_memory_is_budgeted_in_bytes_not_pixels() -> None:
    """WebP's decoder takes 18 bytes a pixel: 300 megapixels are within the limit of 400, their 5.4 GB are not."""
    with pytest.raises(RefusedInput, match=r"16000 x 16000 pixels of this kind takes 4\.6 GB.*--max-megapixels 461"):
        ReadOptions().check_bytes(16000, 16000, 18, "page")
    ReadOptions().check_bytes(19999, 19999, 7, "page")
    ReadOptions(max_megapixels=0.01).check_bytes(100, 100, 18, "page")
    lossless = b"VP8L" + struct.pack("<I", 20) + b"\x2f" + struct.pack("<I", 16382 | 16382 << 14) + bytes(15)
    with pytest.raises((RefusedInput, InputError)):
        _page(b"RIFF" + struct.pack("<I", 4 + len(lossless)) + b"WEBP" + lossless)


def test_alpha_in_bands_equals_alpha_at_once() -> None:
    rng = np.random.default_rng(2)
    picture = rng.integers(0, 256, (1300, 9, 4), np.uint8)
    page = _page(saved(Image.fromarray(picture), "png"))
    colour, alpha = picture[..., :3].astype(int), picture[..., 3:].astype(int)
    assert np.array_equal(page.pixels, (colour * alpha + 255 * (255 - alpha) + 127) // 255)


def test_jpeg_with_junk_behind_its_end_is_as_it_was() -> None:
    data = jpeg(GREY)
    assert np.array_equal(_page(data + b"\0" * 50).pixels, _page(data).pixels)


@pytest.mark.parametrize("channels", [3, 4])
def test_white_of_a_deep_jpeg_2000_is_white(channels: int) -> None:
    """Pillow rounds the highest of 16-bit samples up to 256, which is 0: white paper black, opaque alpha transparent."""
    import cv2

    deep = np.dstack([COLOUR[..., ::-1], np.full(GREY.shape, 255, np.uint8)])[..., :channels].astype(np.uint16) * 257
    deep[:6, :6] = 65535
    deep = deep.repeat(4, axis=0).repeat(4, axis=1)
    code = cv2.imencode(".jp2", deep, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])[1].tobytes()
    assert depth_of(code) == 16
    read = _page(code).pixels
    assert (read[:20, :20] >= 254).all()
    assert np.abs(read.astype(int) - (deep >> 8)[..., 2::-1]).mean() < 3
    assert depth_of(saved(COLOUR, "jpeg2000")) == 8


def test_a_transparent_16_bit_colour_is_white() -> None:
    paper = [int(value) * 257 for value in COLOUR[0, 0]]
    page = _page(grey_png(COLOUR.astype(np.uint16) * 257, (b"tRNS", struct.pack(">HHH", *paper))))
    assert np.array_equal(page.pixels, np.where((COLOUR[0, 0] == COLOUR).all(axis=2)[..., None], 255, COLOUR))
    assert "found by the high bytes" in page.notes[0]
