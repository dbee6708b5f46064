"""Every layout of TIFF samples reads as the same picture: depths, byte orders, planes, strips, tiles, codecs, alpha, palettes, YCbCr.

Files are written by tifffile's rules or by hand; the truth is the array that went in (and Pillow's own YCbCr for colours).
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from docbin import files
from docbin.errors import InputError
from docbin.files.tiff_directory import synthetic
from docbin.page import Page

from .builders import BILEVEL, COLOUR, GREY, INK, compressed_tiff, packed, saved, tiff, tiff_page

Array = NDArray[Any]


def _page(data: bytes) -> Page:
    with files.open_pages(data, name="made.tif") as file:
        return file.page(1)


def _tags(shape: tuple[int, ...], bits: int, **more: Any) -> dict[int, tuple[int, bytes]]:
    """Little-endian tags of an interleaved page; `more` by number with a list of SHORTs."""
    channels = shape[2] if len(shape) == 3 else 1
    values = {256: [shape[1]], 257: [shape[0]], 258: [bits] * channels, 259: [1], 262: [2 if channels >= 3 else 1], 277: [channels]}
    values |= {int(tag[1:]): list(value) for tag, value in more.items()}
    return {tag: (3, struct.pack(f"<{len(value)}H", *value)) for tag, value in values.items() if value}


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("inverted", [False, True])
def test_packed_depths(bits: int, inverted: bool) -> None:
    top = (1 << bits) - 1
    levels = (GREY.astype(np.uint32) * top + 127) // 255
    stored = top - levels if inverted else levels
    read = _page(synthetic(_tags(GREY.shape, bits, t262=[0 if inverted else 1]), [b"".join(packed(stored, bits))]))
    wanted = levels * 255 // top if bits <= 8 else levels >> (bits - 8)
    assert np.abs(read.pixels.astype(int) - wanted.astype(int)).max() <= 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32, np.float16, np.float32, np.float64])
def test_depths_in_both_byte_orders(order: str, big: bool, kind: type) -> None:
    scale = {np.uint8: 1, np.uint16: 257, np.uint32: 0x01010101}.get(kind, 1 / 255)
    values = (GREY.astype(np.float64) * scale).astype(kind)
    read = _page(tiff(tiff_page(values, order), order=order, big=big))
    assert np.abs(read.pixels.astype(int) - GREY).max() <= 1


@pytest.mark.parametrize("compression", [1, 8, 5, 32773, 32946])
@pytest.mark.parametrize("layout", ["strips", "tiles", "tiles under strip tags", "planes", "planes in tiles"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_layouts_and_codecs(compression: int, layout: str, kind: type) -> None:
    values = COLOUR.astype(kind) * (1 if kind is np.uint8 else 257)
    planes = [values[..., c] for c in range(3)] if "planes" in layout else [values]
    pieces: list[Array] = []
    for plane in planes:
        if "tiles" in layout:
            padded = np.pad(plane, [(0, 8), (0, 8)] + [(0, 0)] * (plane.ndim - 2))
            pieces += [padded[y : y + 16, x : x + 16] for y in (0, 16) for x in (0, 16, 32)]
        else:
            pieces += [plane[y : y + 7] for y in range(0, 24, 7)]
    chunks = [_coded(np.ascontiguousarray(piece), compression) for piece in pieces]
    tags = _tags(values.shape, kind().itemsize * 8, t259=[compression], t284=[2 if "planes" in layout else 1])
    if "tiles" in layout:
        tags |= {322: (3, struct.pack("<H", 16)), 323: (3, struct.pack("<H", 16))}
    else:
        tags[278] = (3, struct.pack("<H", 7))
    under = 324 if "tiles" in layout and "under" not in layout else 273
    assert np.array_equal(_page(synthetic(tags, chunks, offsets_tag=under)).pixels, COLOUR)


def _coded(piece: Array, compression: int) -> bytes:
    data = piece.astype(piece.dtype.newbyteorder("<")).tobytes()
    if compression == 1:
        return data
    if compression in (8, 32946):
        return zlib.compress(data)
    row = np.frombuffer(data, np.uint8).reshape(len(piece), -1)
    made = compressed_tiff(Image.fromarray(row), "tiff_lzw" if compression == 5 else "packbits", tiffinfo={278: len(row), 317: 1})
    with Image.open(io.BytesIO(made)) as read:
        return made[read.tag_v2[273][0] :][: read.tag_v2[279][0]]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32])
def test_horizontal_predictor(kind: type) -> None:
    values = COLOUR.astype(kind) * {1: 1, 2: 257, 4: 0x01010101}[kind().itemsize]
    first = np.diff(values, axis=1, prepend=kind(0)).astype(kind)
    tags = _tags(values.shape, kind().itemsize * 8, t259=[8], t317=[2])
    assert np.array_equal(_page(synthetic(tags, [zlib.compress(first.astype(first.dtype.newbyteorder("<")).tobytes())])).pixels, COLOUR)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_float_predictor(kind: type) -> None:
    values = (GREY / 255).astype(kind)
    octets = values.astype(values.dtype.newbyteorder(">")).view(np.uint8).reshape(24, 40, -1).transpose(0, 2, 1).reshape(24, -1)
    coded = np.diff(octets, axis=1, prepend=np.uint8(0)).astype(np.uint8)
    tags = _tags(GREY.shape, kind().itemsize * 8, t259=[8], t317=[3], t339=[3])
    assert np.abs(_page(synthetic(tags, [zlib.compress(coded.tobytes())])).pixels.astype(int) - GREY).max() <= 1


ALPHA = np.where(np.arange(40) < 20, 255, 0).astype(np.uint8) * np.ones((24, 1), np.uint8)


@pytest.mark.parametrize("base", [GREY[..., None], COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("meaning", [0, 1, 2, None])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_extra_samples(base: Array, meaning: int | None, apart: bool, kind: type) -> None:
    colours = base * (ALPHA[..., None] // 255) if meaning == 1 else base
    values = np.dstack([colours, ALPHA]).astype(kind) * (1 if kind is np.uint8 else 257)
    tags = _tags(
        values.shape,
        kind().itemsize * 8,
        t262=[1 if base.shape[2] == 1 else 2],
        t284=[2 if apart else 1],
        t338=[] if meaning is None else [meaning],
    )
    chunks = [values[..., c].tobytes() for c in range(values.shape[2])] if apart else [values.tobytes()]
    read = _page(synthetic(tags, chunks))
    wanted = base if meaning == 0 else np.where(ALPHA[..., None] == 255, base, 255)
    assert np.array_equal(np.atleast_3d(read.pixels), wanted)
    assert any(("without a known meaning ignored" if meaning == 0 else "laid on white") in note for note in read.notes)


def test_unstated_alpha_of_zero_is_opaque() -> None:
    values = np.dstack([COLOUR, ALPHA * 0])
    assert np.array_equal(_page(synthetic(_tags(values.shape, 8), [values.tobytes()])).pixels, COLOUR)


@pytest.mark.parametrize("bits", [2, 4, 7, 8, 10, 12, 15])
@pytest.mark.parametrize("negative", [False, True])
def test_packed_signed_depths(bits: int, negative: bool) -> None:
    """Numbers below 0 (two's complement) are darker than those above, and the page is stretched; without any, they are read as unsigned ones."""
    top = (1 << bits) - 1
    levels = (GREY.astype(np.int64) * (top if negative else top // 2) + 127) // 255
    stored = (levels - (1 << (bits - 1)) if negative else levels) & top
    read = _page(synthetic(_tags(GREY.shape, bits, t339=[2]), [b"".join(packed(stored.astype(np.uint32), bits))]))
    if negative:
        wanted = np.rint((levels - levels.min()) * (255 / np.ptp(levels)))
    else:
        wanted = levels * 255 // top if bits <= 8 else levels >> (bits - 8)
    assert np.abs(read.pixels.astype(int) - wanted).max() <= 1
    assert any("signed" in note for note in read.notes) == negative


@pytest.mark.parametrize("scale", [1, 257])
@pytest.mark.parametrize("bits", [4, 8])
def test_palettes_of_8_and_16_bit_values(scale: int, bits: int) -> None:
    levels = np.linspace(0, 255, 1 << bits).astype(np.uint16)[::-1]
    indices = (GREY >> (8 - bits)).astype(np.uint8)
    tags = _tags(GREY.shape, bits, t262=[3]) | {320: (3, np.tile(levels * scale, 3).astype("<u2").tobytes())}
    read = _page(synthetic(tags, [b"".join(packed(indices, bits))]))
    assert np.array_equal(read.pixels, levels[indices].astype(np.uint8))
    assert any("8-bit values" in note for note in read.notes) == (scale == 1)


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2), (1, 2), (4, 2)])
@pytest.mark.parametrize("apart", [False, True])
def test_ycbcr(subsampling: tuple[int, int], apart: bool) -> None:
    """Smooth colours come back through every subsampling; the truth is Pillow's conversion."""
    y, x = np.mgrid[:23, :37]
    colours = np.dstack([x * 6, y * 10, 128 + x * 0]).astype(np.uint8)
    stored = np.asarray(Image.fromarray(colours).convert("YCbCr"))
    across, down = subsampling
    high, wide = -(-23 // down) * down, -(-37 // across) * across
    full = np.pad(stored, ((0, high - 23), (0, wide - 37), (0, 0)), mode="edge")
    chroma = full.reshape(high // down, down, wide // across, across, 3).mean(axis=(1, 3)).astype(np.uint8)[..., 1:]
    if apart:
        chunks = [stored[..., 0].tobytes(), chroma[..., 0].tobytes(), chroma[..., 1].tobytes()]
    else:
        luma = full[..., 0].reshape(high // down, down, wide // across, across).swapaxes(1, 2).reshape(high // down, wide // across, -1)
        chunks = [np.dstack([luma, chroma]).tobytes()]
    tags = _tags(stored.shape, 8, t262=[6], t530=list(subsampling), t284=[2 if apart else 1])
    read = _page(synthetic(tags, chunks)).pixels.astype(int)
    assert np.abs(read - colours).max() <= (3 if subsampling == (1, 1) else 24)
    assert np.abs(read - colours).mean() < (1.5 if subsampling == (1, 1) else 6)


def test_photometric_absent() -> None:
    assert np.array_equal(_page(tiff(tiff_page(GREY, photometric=None))).pixels, GREY)
    assert np.array_equal(_page(tiff(tiff_page(COLOUR, photometric=None))).pixels, COLOUR)
    assert np.array_equal(
        _page(tiff(tiff_page(BILEVEL, bits=1, photometric=None, data=np.packbits(~INK, axis=1).tobytes()))).pixels, BILEVEL
    )


def test_jpeg_in_big_endian_bigtiff_and_in_planes() -> None:
    made = compressed_tiff(Image.fromarray(GREY), "jpeg", quality=100)
    with Image.open(io.BytesIO(made)) as read:
        chunk, table = made[read.tag_v2[273][0] :][: read.tag_v2[279][0]], read.tag_v2.get(347, b"")
    tags = _tags(COLOUR.shape, 8, t259=[7], t284=[2]) | ({347: (7, table)} if table else {})
    read_page = _page(synthetic(tags, [chunk] * 3))
    assert np.abs(read_page.pixels.astype(int) - GREY[..., None]).max() <= 6


def test_strips_whose_lengths_are_missing_or_wrong() -> None:
    assert np.array_equal(_page(tiff(tiff_page(GREY, counts=None))).pixels, GREY)
    assert np.array_equal(_page(tiff(tiff_page(GREY, counts=100))).pixels, GREY)
    short = zlib.compress(GREY.tobytes()[:500])
    with pytest.raises(InputError, match="truncated or damaged TIFF, strip 1 holds 500 of 960 bytes"):
        _page(synthetic(_tags(GREY.shape, 8, t259=[8]), [short]))


# --- pages that are not where, or what, one expects ------------------------------------------------------------------------------------------


def _with_sub_directory(page: Array, thumbnail: Array) -> bytes:
    """A thumbnail in the chain of pages, and the page in a directory below it."""
    first = tiff_page(thumbnail, subfile=1)
    first.tags[330] = (4, [0])
    made = bytearray(tiff(first, tiff_page(page)))
    (at,) = struct.unpack_from("<I", made, 4)
    (count,) = struct.unpack_from("<H", made, at)
    following = at + 2 + 12 * count
    entry = next(place for place in range(at + 2, following, 12) if struct.unpack_from("<H", made, place)[0] == 330)
    made[entry + 8 : entry + 12] = made[following : following + 4]
    made[following : following + 4] = bytes(4)
    return bytes(made)


def test_a_page_below_its_thumbnail_is_the_page() -> None:
    page = _page(_with_sub_directory(GREY, GREY[::4, ::4].copy()))
    assert np.array_equal(page.pixels, GREY)
    assert "in a directory below it" in page.notes[0]


def test_thumbnails_are_left_out_by_the_old_tag_too_and_large_ones_are_pages() -> None:
    small = tiff_page(GREY[::4, ::4].copy())
    small.tags[255] = (3, [2])
    with files.open_pages(tiff(tiff_page(GREY), small)) as file:
        assert file.count == 1
    with files.open_pages(tiff(tiff_page(GREY), tiff_page(GREY, subfile=1), tiff_page(GREY[:, :20].copy()))) as file:
        assert [page.pixels.shape for page in file] == [GREY.shape, GREY.shape, (24, 20)]
        assert "1 pictures that the TIFF calls reduced are as large as its pages" in file.page(1).notes[0]
    with files.open_pages(tiff(tiff_page(GREY), tiff_page(GREY, subfile=4))) as file:
        assert file.count == 1, "a transparency mask is as large as its page"


def _stack(pictures: list[Array], says: int, rows: int = 24) -> bytes:
    """What ImageJ writes of a large stack: one directory, all pictures behind each other."""
    first = tiff_page(pictures[0], data=b"".join(picture.tobytes() for picture in pictures), rows=rows, counts=pictures[0].nbytes)
    told = f"ImageJ=1.54f\nimages={says}\nslices={says}\nloop=false\n\0".encode()
    first.tags[270] = (2, [told[at : at + 1] for at in range(len(told))])
    return tiff(first)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_stack_of_imagej_has_all_its_pages(kind: type) -> None:
    factor = 257 if kind is np.uint16 else 1
    pictures: list[Array] = [GREY[:, ::step].astype(kind) * kind(factor) for step in (1, -1, 1)]
    with files.open_pages(_stack(pictures, 3)) as file:
        assert [np.array_equal(page.pixels, GREY[:, ::step]) for page, step in zip(file, (1, -1, 1), strict=True)] == [True] * 3
    with files.open_pages(_stack(pictures, 1)) as file:
        assert file.count == 1


def test_a_stack_of_imagej_that_is_cut_off_loses_no_page_silently() -> None:
    made = _stack([GREY, GREY], 9)
    with files.open_pages(made, name="made.tif") as file:
        assert file.count == 3, "two whole ones and what stands behind them"
        assert np.array_equal(file.page(2).pixels, GREY)
        assert "ImageJ wrote 9 pictures" in file.page(1).notes[0]
        with pytest.raises(InputError, match="truncated or damaged TIFF"):
            file.page(3)


@pytest.mark.parametrize(("codec", "number"), [("webp", 50001), ("jpeg2000", 34712), ("png", 34933)])
@pytest.mark.parametrize("base", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("layout", ["strips", "tiles", "planes"])
def test_strips_and_tiles_that_are_picture_files(codec: str, number: int, base: Array, layout: str) -> None:
    if codec == "webp" and (base.ndim == 2 or layout == "planes"):
        pytest.skip("WebP has three channels")
    options = {"lossless": True} if codec == "webp" else {}
    parts, more = [base[:16], base[16:]], {"t278": [16]}
    if layout == "tiles":
        wide = np.pad(base, [(0, 8), (0, 8), (0, 0)][: base.ndim])
        parts = [wide[top : top + 16, left : left + 16] for top in (0, 16) for left in (0, 16, 32)]
        more = {"t322": [16], "t323": [16]}
    if layout == "planes":
        planes = np.atleast_3d(base).transpose(2, 0, 1)
        parts, more = [plane[rows] for plane in planes for rows in (np.s_[:16], np.s_[16:])], {"t278": [16], "t284": [2]}
    chunks = [saved(np.ascontiguousarray(part), codec, **options) for part in parts]
    made = synthetic(_tags(base.shape, 8, t259=[number], **more), chunks, offsets_tag=324 if layout == "tiles" else 273)
    assert np.array_equal(_page(made).pixels, base)
    swapped = synthetic(_tags(base.shape, 8, t259=[number], **more), chunks[::-1], offsets_tag=324 if layout == "tiles" else 273)
    if layout == "strips":
        with pytest.raises(InputError, match=r"made\.tif: damaged TIFF, a strip or tile of 40 x 16 pixels holds 40 x 8"):
            _page(swapped)


@pytest.mark.parametrize(
    ("number", "name"), [(50002, r"as JPEG XL \(50002\)"), (34661, "as JBIG"), (12345, "in a way of the number 12345")]
)
def test_a_compression_that_cannot_be_read_is_named(number: int, name: str) -> None:
    with pytest.raises(InputError, match=rf"^made\.tif: the samples of this TIFF are compressed {name}.*save the page"):
        _page(tiff(tiff_page(GREY, compression=number)))


def test_what_a_careless_writer_leaves_out() -> None:
    assert np.array_equal(_page(tiff(tiff_page(COLOUR, channels=None))).pixels, COLOUR)
    made = bytearray(compressed_tiff(GREY, "tiff_lzw"))
    (at,) = struct.unpack_from("<I", made, 4)
    places = range(at + 2, at + 2 + 12 * struct.unpack_from("<H", made, at)[0], 12)
    entry = next(place for place in places if struct.unpack_from("<H", made, place)[0] == 279)
    made[entry + 8 : entry + 12] = bytes(4)
    assert np.array_equal(_page(bytes(made)).pixels, GREY)
