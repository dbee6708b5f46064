"""The pixel-mode table: exact against slow twins, complete, and without clipping."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps

from docbin.errors import InputError
from docbin.files import modes
from docbin.files.orientation import turned, upright


def _slow_scale(values: list[int]) -> list[int]:
    """The rule for integers a value at a time: as many bits as the largest needs, the high eight of them kept."""
    bits = next(width for width in (8, 10, 12, 14, 16, 24, 32) if max(values) <= 2**width - 1)
    return [value // 2 ** (bits - 8) for value in values]


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=30), st.integers(0, 32))
def test_integers_agree_with_the_slow_twin(values: list[int], shift: int) -> None:
    values = [value >> shift for value in values]
    assert modes.scale_integers(np.array([values], np.uint32), []).tolist() == [_slow_scale(values)]


@given(arrays(np.uint16, (4, 5)))
def test_16_bit_is_never_clipped(values: np.ndarray) -> None:
    scaled = modes.scale_integers(values, [])
    order = np.argsort(values, axis=None)
    assert (np.diff(scaled.ravel()[order].astype(int)) >= 0).all()
    top = values.max()
    if top > 255:  # at least half the grey scale stays in use, whatever the bits of the scanner
        assert scaled.max() >= 64
        assert scaled.max() == 255 or top < 65280


@given(arrays(np.int16, (3, 4)))
def test_signed_pixels_keep_their_order(values: np.ndarray) -> None:
    notes: list[str] = []
    scaled = modes.scale_integers(values.astype(np.int32), notes)
    order = np.argsort(values, axis=None)
    assert (np.diff(scaled.ravel()[order].astype(int)) >= 0).all()
    assert bool(notes) or values.max() > 16383


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        ([0, 0.5, 1], [0, 128, 255], "0..1"),
        ([0, 100.4, 255], [0, 100, 255], "0..255"),
        ([0, 25700, 65535], [0, 100, 255], "0..65535"),
        ([0, 0.51, 1.02], [0, 128, 255], "stretched"),  # 0..1 after resampling, not an almost black 0..255
        ([-1, 0, 1], [0, 128, 255], "stretched"),
        ([0, 150, 300], [0, 128, 255], "stretched"),
        ([7, 7, 7], [255, 255, 255], "stretched"),
        ([0, 0, 0], [0, 0, 0], "0..1"),
    ],
)
def test_float_ranges(values: list[float], expected: list[int], note: str) -> None:
    notes: list[str] = []
    assert modes.scale_floats(np.array([values], np.float32), notes, "p").tolist() == [expected]
    assert note in notes[0]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_floats_must_be_finite(wrong: float) -> None:
    with pytest.raises(InputError, match=r"page 2 of x\.tif: float pixels hold .*; export"):
        modes.scale_floats(np.array([[0.5, wrong]], np.float32), [], "page 2 of x.tif")


def test_every_mode_of_pillow_has_a_rule_that_runs() -> None:
    grey = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(6, 10))
    wanted = {
        "1",
        "L",
        "P",
        "PA",
        "LA",
        "La",
        "RGB",
        "RGBA",
        "RGBa",
        "RGBX",
        "CMYK",
        "YCbCr",
        "HSV",
        "LAB",
        "I",
        "F",
        "I;16",
        "I;16L",
        "I;16B",
    }
    assert wanted <= set(modes._RULES)
    assert set(Image.MODES) <= set(modes._RULES)
    for mode in sorted(wanted):
        image = Image.new(mode, (10, 6)) if mode in ("LAB", "La", "RGBa", "I;16L", "I;16B", "HSV", "PA") else grey.convert(mode)
        pixels = modes.Picture(image, mode).pixels()
        assert pixels.dtype == np.uint8
        assert pixels.shape in ((6, 10), (6, 10, 3))
        assert pixels.flags.writeable


def test_the_docstring_is_the_table() -> None:
    told = modes.__doc__ or ""
    for mode in modes._RULES:
        assert re.search(rf"(^|\s){re.escape(mode.split(';')[0])}[,;\s*]", told), mode


def test_a_mode_without_a_rule_is_named() -> None:
    image = Image.new("L", (2, 2))
    image._mode = "XYZ"
    with pytest.raises(InputError, match=r"'XYZ'.*convert the page"):
        modes.Picture(image, "p.png").pixels()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", [1, 3])
def test_upright_agrees_with_pillow(orientation: int, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (5, 7, channels), np.uint8).squeeze()
    image = Image.fromarray(pixels)
    image.getexif()[274] = orientation
    assert np.array_equal(upright(pixels, orientation), np.asarray(ImageOps.exif_transpose(image)))
    assert turned((100, 200), orientation) == ((200, 100) if orientation >= 5 else (100, 200))


@given(arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 90), st.just(3)), elements=st.integers(7, 8)))
def test_is_grey_looks_at_every_pixel(pixels: np.ndarray) -> None:
    assert modes.is_grey(pixels) == all(len(set(pixel)) == 1 for row in pixels.tolist() for pixel in row)
    grey = np.repeat(pixels[..., :1], 3, axis=2)
    assert modes.is_grey(grey)
