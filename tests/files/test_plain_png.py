"""The usual PNG of a scanner, decoded straight into a page's array: Pillow's pixels, notes and resolution; whatever is not usual goes to Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image as pillow
from PIL.PngImagePlugin import PngInfo

from docbin import files, kernels
from docbin.errors import InputError
from docbin.files import plain_png as module
from docbin.files import read_picture
from docbin.files.plain_png import plain_png
from docbin.page import Image

needs_core = pytest.mark.skipif(kernels._core is None, reason="this install has no compiled kernels: Pillow decodes every PNG")
RNG = np.random.default_rng(0)
GREY = np.clip(np.cumsum(RNG.integers(-9, 10, (61, 47)), axis=1) + 128, 0, 255).astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=2)


def png(pixels: Image, **options: Any) -> bytes:
    file = io.BytesIO()
    pillow.fromarray(pixels).save(file, "png", **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def filtered(pixels: Image, filters: list[int], size: int = 1 << 20, cut: int = 0, more: bytes = b"") -> bytes:
    """A PNG whose rows have these filters in turn, its data in chunks of `size` bytes, the last `cut` bytes of samples left out."""
    rows = pixels.reshape(len(pixels), -1).astype(np.int64)
    step = pixels.shape[2] if pixels.ndim == 3 else 1
    samples = b""
    for y, row in enumerate(rows):
        above = rows[y - 1] if y else np.zeros_like(row)
        left, corner = (np.concatenate([np.zeros(step, np.int64), line[:-step]]) for line in (row, above))
        far = [np.abs(left + above - corner - neighbour) for neighbour in (left, above, corner)]
        paeth = np.where((far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], above, corner))
        number = filters[y % len(filters)]
        guess = (np.zeros_like(row), left, above, (left + above) // 2, paeth)[min(number, 4)]
        samples += bytes([number]) + ((row - guess) % 256).astype(np.uint8).tobytes()
    data = zlib.compress(samples[: len(samples) - cut])
    head = struct.pack(">IIBBBBB", pixels.shape[1], len(pixels), 8, 2 if step == 3 else 0, 0, 0, 0)
    parts = b"".join(chunk(b"IDAT", data[at : at + size]) for at in range(0, len(data), size))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + parts + chunk(b"IEND", b"")


@needs_core
@pytest.mark.parametrize("pixels", [GREY, COLOUR, GREY[:1, :1], COLOUR[:, :1]])
@pytest.mark.parametrize("filters", [[0], [1], [2], [3], [4], [4] * 11 + [0, 1, 2, 3]])
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_every_filter(pixels: Image, filters: list[int], size: int) -> None:
    found = plain_png(io.BytesIO(filtered(pixels, filters, size)))
    assert found is not None
    np.testing.assert_array_equal(found, pixels)
    assert found.flags.writeable
    assert found.flags.c_contiguous


@needs_core
def test_parts_end_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    data = filtered(COLOUR, [4, 4, 4, 4, 4, 4, 4, 4, 2])
    for part in (1, 50, 2000):
        monkeypatch.setattr(module, "_PART", part)
        found = plain_png(io.BytesIO(data))
        assert found is not None
        np.testing.assert_array_equal(found, COLOUR)


@needs_core
def test_what_a_file_says_of_itself_is_said_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolution, orientation and notes, with the fast way and without."""
    turned = pillow.Exif()
    turned[274] = 6
    described = PngInfo()
    described.add_text("Title", "x" * 100)
    made = [png(COLOUR, dpi=(300, 150)), png(GREY), png(GREY, exif=turned), png(COLOUR, pnginfo=described), png(GREY, dpi=(3, 3))]
    fast = [files.open_pages(data).page(1) for data in made]
    seen: list[bytes] = []
    monkeypatch.setattr(read_picture, "plain_png", lambda stream: seen.append(stream.read(1)))
    for data, page in zip(made, fast, strict=True):
        slow = files.open_pages(data).page(1)
        np.testing.assert_array_equal(page.pixels, slow.pixels)
        assert (page.dpi, page.notes) == (slow.dpi, slow.notes)
    assert len(seen) == len(made)
    assert fast[2].notes == ("orientation 6 applied",)


LEFT_TO_PILLOW: dict[str, Callable[[], bytes]] = {
    "a transparent grey": lambda: png(GREY, transparency=int(GREY[0, 0])),
    "a transparent colour": lambda: png(COLOUR, transparency=tuple(int(level) for level in COLOUR[0, 0])),
    "a palette": lambda: _saved(pillow.fromarray(COLOUR).quantize(8)),
    "one bit": lambda: _saved(pillow.fromarray(GREY > 99)),
    "16 bits": lambda: _saved(pillow.fromarray(GREY.astype(np.uint16) * 257)),
    "alpha": lambda: _saved(pillow.fromarray(COLOUR).convert("RGBA")),
    "an animation": lambda: _saved(pillow.fromarray(GREY), save_all=True, append_images=[pillow.fromarray(255 - GREY)]),
    "text behind the data": lambda: filtered(GREY, [4])[:-12] + chunk(b"tEXt", b"Title\0x") + filtered(GREY, [4])[-12:],
}


def _saved(image: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "png", **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", LEFT_TO_PILLOW)
def test_other_kinds_are_left_to_pillow(kind: str) -> None:
    stream = io.BytesIO(LEFT_TO_PILLOW[kind]())
    stream.seek(3)
    assert plain_png(stream) is None
    assert stream.tell() == 3
    assert files.open_pages(stream.getvalue()).page(1).pixels.shape[:2] == GREY.shape


@pytest.mark.parametrize("damage", ["cut", "filter", "code", "no end"])
def test_damage_is_pillows_to_judge(damage: str) -> None:
    whole = filtered(GREY, [4])
    data = {
        "cut": filtered(np.zeros_like(GREY), [0], cut=200),
        "filter": filtered(GREY, [4, 9]),
        "code": whole[:60] + bytes(40) + whole[100:],
        "no end": whole[:-200],
    }[damage]
    assert plain_png(io.BytesIO(data)) is None
    with pytest.raises(InputError, match="truncated or damaged PNG"):
        files.open_pages(data).page(1)


def test_without_the_core_pillow_decodes() -> None:
    with kernels.use("numpy"):
        assert plain_png(io.BytesIO(png(GREY))) is None
        np.testing.assert_array_equal(files.open_pages(png(GREY)).page(1).pixels, GREY)
