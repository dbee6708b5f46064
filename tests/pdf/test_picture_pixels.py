"""Pictures of a PDF decoded without PDFium: every kind shows the page that it was made from, and what PDFium shows of it."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image

from docbin.errors import InputError
from docbin.page import to_grey
from docbin.pdf.picture_pixels import picture_pixels
from tests.pdf.documents import Pixels

WIDTH, HEIGHT = 61, 40
WHITE = Dictionary(WhitePoint=[0.9642, 1, 0.8249], Range=[-128, 127, -128, 127])


def page() -> Pixels:
    """Paper of 225, a word of 25, nothing between."""
    made = np.full((HEIGHT, WIDTH), 225, np.uint8)
    cv2.putText(made, "Ink", (4, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 25, 5)
    return np.where(made < 128, 25, 225).astype(np.uint8)


def black() -> Pixels:
    """The page in black ink alone, of four."""
    return np.dstack([np.zeros((HEIGHT, WIDTH, 3), np.uint8), 255 - page()])


def packed(levels: Pixels, bits: int) -> bytes:
    """Levels 0..255 (H, W) or (H, W, C) as samples of so many bits, rows at whole bytes."""
    values = np.rint(levels.reshape(HEIGHT, -1) / 255 * ((1 << bits) - 1)).astype(">u2")
    if bits == 16:
        return values.tobytes()
    loose = np.unpackbits(values.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :]
    return np.packbits(loose.reshape(HEIGHT, -1), axis=1).tobytes()


def coded(levels: Pixels, form: str, mode: str | None = None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels, mode).save(file, form, **({"quality": 95, "subsampling": 0} if form == "jpeg" else {}))
    return file.getvalue()


def picture(pdf: Any, data: bytes, space: Any, bits: int = 8, **more: Any) -> Any:
    entries = {"Width": WIDTH, "Height": HEIGHT, "BitsPerComponent": bits} | ({} if space is None else {"ColorSpace": space}) | more
    return pdf.make_indirect(pikepdf.Stream(pdf, data, Dictionary(Type=Name.XObject, Subtype=Name.Image, **entries)))


def ink(pdf: Any, name: str) -> Any:
    """The colour space of one ink."""
    look = Dictionary(FunctionType=2, Domain=[0, 1], C0=[0, 0, 0, 0], C1=[0, 0, 0, 1], N=1)
    return Array([Name.Separation, Name(name), Name.DeviceCMYK, look])


def profile(pdf: Any, channels: int) -> Any:
    """A colour profile that is none."""
    return Array([Name.ICCBased, pdf.make_stream(b"no profile", N=channels)])


def palette(base: Any, colours: bytes) -> Any:
    return Array([Name.Indexed, base, 1, pikepdf.String(colours)])


def indices() -> bytes:
    return packed(np.where(page() > 128, 17, 0).astype(np.uint8), 4)


KINDS: dict[str, Callable[[Any], Any]] = {
    **{f"grey of {bits} bits": lambda pdf, bits=bits: picture(pdf, packed(page(), bits), Name.DeviceGray, bits) for bits in (2, 4, 8, 16)},
    **{
        f"RGB of {bits} bits": lambda pdf, bits=bits: picture(pdf, packed(np.dstack([page()] * 3), bits), Name.DeviceRGB, bits)
        for bits in (2, 4, 8, 16)
    },
    **{f"CMYK of {bits} bits": lambda pdf, bits=bits: picture(pdf, packed(black(), bits), Name.DeviceCMYK, bits) for bits in (2, 8, 16)},
    "ink of 16 bits": lambda pdf: picture(pdf, packed(255 - page(), 16), ink(pdf, "/Black"), 16),
    "all inks": lambda pdf: picture(pdf, packed(255 - page(), 8), ink(pdf, "/All")),
    "inverted": lambda pdf: picture(pdf, packed(255 - page(), 4), Name.DeviceGray, 4, Decode=[1, 0]),
    "inverted JPEG": lambda pdf: picture(pdf, coded(255 - page(), "jpeg"), Name.DeviceGray, Decode=[1, 0], Filter=Name.DCTDecode),
    "broken profile": lambda pdf: picture(pdf, packed(np.dstack([page()] * 3), 8), profile(pdf, 3)),
    "broken profile, palette": lambda pdf: picture(pdf, indices(), palette(profile(pdf, 1), bytes([25, 225])), 4),
    "palette of Lab": lambda pdf: picture(
        pdf, indices(), palette(Array([Name.Lab, WHITE]), bytes([25, 128, 128, 226, 128, 128])), 4, Decode=[0, 15]
    ),
    "Lab": lambda pdf: picture(pdf, np.dstack([page(), page() * 0 + 128, page() * 0 + 128]).tobytes(), Array([Name.Lab, WHITE])),
    "Lab in JPEG": lambda pdf: picture(
        pdf, coded(np.dstack([page(), page() * 0 + 128, page() * 0 + 128]), "jpeg"), Array([Name.Lab, WHITE]), Filter=Name.DCTDecode
    ),
    "CMYK in JPEG": lambda pdf: picture(pdf, coded(black(), "jpeg", "CMYK"), Name.DeviceCMYK, Decode=[1, 0] * 4, Filter=Name.DCTDecode),
    "a coloured JPEG called grey": lambda pdf: picture(pdf, coded(np.dstack([page()] * 3), "jpeg"), profile(pdf, 1), Filter=Name.DCTDecode),
    "JPEG 2000 of 16 bits": lambda pdf: picture(pdf, coded(page().astype(np.uint16) * 257, "jpeg2000"), None, Filter=Name.JPXDecode),
    "JPEG 2000, alpha unused": lambda pdf: picture(
        pdf, coded(np.dstack([*[page()] * 3, page() * 0]), "jpeg2000"), Name.DeviceRGB, Filter=Name.JPXDecode
    ),
    "JPEG within ASCII": lambda pdf: picture(
        pdf, base64.a85encode(coded(page(), "jpeg")) + b"~>", Name.DeviceGray, Filter=Array([Name.ASCII85Decode, Name.DCTDecode])
    ),
    "JPEG within Flate": lambda pdf: picture(
        pdf,
        zlib.compress(coded(page(), "jpeg")),
        Name.DeviceGray,
        Filter=Array([Name.FlateDecode, Name.DCTDecode]),
        DecodeParms=Array([None, None]),
    ),
    "run lengths": lambda pdf: picture(
        pdf, b"".join(bytes([WIDTH - 1]) + row.tobytes() for row in page()) + b"\x80", Name.DeviceGray, Filter=Name.RunLengthDecode
    ),
}
OTHERWISE_SHOWN = ("CMYK", "ink", "all inks", "a coloured JPEG called grey")
"""PDFium has other colours of inks on paper, and makes nothing of a JPEG with channels too many."""


def greys(pixels: Pixels) -> tuple[float, float]:
    """The grey of paper and word, as a rule."""
    word = page() < 128
    return float(np.median(pixels[~word])), float(np.median(pixels[word]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_shows_its_page(kind: str, tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        stream = KINDS[kind](pdf)
        pixels = picture_pixels(stream)
        assert pixels.dtype == np.uint8
        grey = to_grey(pixels)
        assert grey.shape == (HEIGHT, WIDTH)
        wrong = (grey < 128) != (page() < 128)
        assert wrong.mean() <= (0.02 if "JPEG" in kind else 0)
        assert greys(grey) == pytest.approx((225, 25), abs=31 if "2 bits" in kind else 10)
        if kind.startswith(OTHERWISE_SHOWN):
            return
        things = Dictionary(XObject=Dictionary(Im=stream))
        drawn = Dictionary(Type=Name.Page, MediaBox=[0, 0, WIDTH, HEIGHT], Resources=things)
        drawn.Contents = pdf.make_stream(b"q %d 0 0 %d 0 0 cm /Im Do Q" % (WIDTH, HEIGHT))
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(drawn)))
        pdf.save(tmp_path / "a.pdf")
    with pypdfium2.PdfDocument(tmp_path / "a.pdf") as document:
        shown = to_grey(np.ascontiguousarray(document[0].render(scale=1).to_numpy()[..., :3]))
    assert greys(shown) == pytest.approx(greys(grey), abs=3)


@pytest.mark.parametrize(
    ("space", "more", "says"),
    [
        (lambda pdf: ink(pdf, "/Gold"), {}, "/Separation"),
        (lambda pdf: profile(pdf, 2), {}, "/ICCBased"),
        (lambda pdf: Name.Pattern, {}, "/Pattern"),
        (lambda pdf: Name.DeviceGray, {"Decode": [0, 1, 0, 1]}, "4 numbers for 1 channels"),
        (lambda pdf: Name.DeviceRGB, {}, f"truncated picture, {WIDTH * HEIGHT} bytes"),
        (lambda pdf: Name.DeviceGray, {"BitsPerComponent": 12}, "12 bits"),
    ],
)
def test_what_is_not_read_is_refused_in_words(space: Callable[[Any], Any], more: dict[str, Any], says: str) -> None:
    with pikepdf.new() as pdf, pytest.raises(InputError, match=says):
        picture_pixels(picture(pdf, page().tobytes(), space(pdf), **more))


def test_a_code_of_another_size_is_not_decoded() -> None:
    """A JPEG may have a thousand times the pixels that the PDF speaks of."""
    with pikepdf.new() as pdf, pytest.raises(InputError, match="61 x 40 pixels where the PDF says 61 x 4"):
        picture_pixels(picture(pdf, coded(page(), "jpeg"), Name.DeviceGray, Filter=Name.DCTDecode, Height=4))


def test_a_palette_that_is_its_own_base_is_refused() -> None:
    with pikepdf.new() as pdf:
        space = pdf.make_indirect(palette(Name.DeviceGray, b"ab"))
        space[1] = space
        with pytest.raises(InputError, match="/Indexed"):
            picture_pixels(picture(pdf, indices(), space, 4))


def test_a_palette_may_be_a_stream() -> None:
    with pikepdf.new() as pdf:
        space = palette(Name.DeviceRGB, b"")
        space[3] = pdf.make_stream(zlib.compress(bytes([25, 25, 25, 225, 225, 225])), Filter=Name.FlateDecode)
        assert np.array_equal(to_grey(picture_pixels(picture(pdf, indices(), space, 4))), page())
