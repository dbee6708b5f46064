"""A corpus of odd and hostile page files, each made by a builder, each with its named outcome.

``build_all(folder)`` writes them and returns the cases: a file, and either what its pages hold (pixels, dpi, notes) or which error it must give.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from docbin.errors import DocbinError, InputError, RefusedInput

from .builders import (
    BILEVEL,
    COLOUR,
    FLATE_IN_PDF,
    GREY,
    INK,
    JPEG_IN_PDF,
    TEXT,
    WHITE,
    Array,
    PdfPage,
    bomb_png,
    cmyk_jpeg,
    compressed_tiff,
    cut_strip,
    encrypted_pdf,
    exif,
    fill_order_2,
    g4_scan,
    g4_tiff,
    grey_png,
    interlaced_png,
    jpeg,
    many_directories,
    packed,
    pbm,
    pdf,
    phys,
    plain,
    planar_tiff,
    png,
    rows_of,
    saved,
    scan,
    stored,
    tiff,
    tiff_page,
    without_jfif,
    ycck_jpeg,
)


@dataclass(frozen=True)
class Expect:
    """What one page must be: `pixels` within `tolerance`, `dpi`, words that its notes hold; or an error of type `error` that says `says`."""

    pixels: Array | None = None
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    tolerance: int = 0
    error: type[DocbinError] | None = None
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """A file of the corpus: its path and its pages in order; `opening` where the file as a whole must fail. `options` go to open_pages."""

    path: Path
    pages: tuple[Expect, ...] = ()
    opening: Expect | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether every page can be read."""
        return self.opening is None and all(page.error is None for page in self.pages)


def ok(pixels: Array, dpi: tuple[float, float] | None = None, *notes: str, tolerance: int = 0) -> Expect:
    return Expect(pixels, dpi, notes, tolerance)


def bad(*says: str, error: type[DocbinError] = InputError) -> Expect:
    return Expect(error=error, says=says)


# --- the table ------------------------------------------------------------------------------------------------------------------------------

_16BIT = GREY.astype(np.uint16) * 257
_DIRTY_16BIT = _16BIT - (np.arange(_16BIT.size).reshape(_16BIT.shape) % 200).astype(np.uint16) * (_16BIT > 300)
_ALPHA = np.full(GREY.shape, 255, np.uint8)
_ALPHA[:, 20:] = 0
_ON_WHITE = np.where(_ALPHA == 0, 255, GREY).astype(np.uint8)
_STRETCHED = np.rint(GREY * (255 / 230)).astype(np.uint8)
_INDICES = INK.astype(np.uint8)  # 0 paper, 1 ink

Row = tuple[str, Callable[[], bytes], "tuple[Expect, ...] | Expect"]


def _png_rows() -> list[Row]:
    indexed = (b"PLTE", bytes([250, 240, 230, 10, 0, 90]))
    grey_palette = (b"PLTE", bytes([255] * 3 + [0] * 3))
    tall = np.ascontiguousarray(COLOUR.swapaxes(0, 1))
    return [
        ("grey8.png", lambda: grey_png(GREY, phys(11811, 11811)), ok(GREY, (300, 300))),
        ("bilevel.png", lambda: png(packed(1 - _INDICES, 1), 40, 1, 0), ok(BILEVEL)),
        ("grey2.png", lambda: png(packed(3 * (1 - _INDICES), 2), 40, 2, 0), ok(BILEVEL)),
        (
            "grey4-transparent.png",
            lambda: png(packed(_INDICES * 7, 4), 40, 4, 0, (b"tRNS", b"\0\7")),
            ok(np.where(INK, 255, 0), None, "laid on white"),
        ),
        ("grey16.png", lambda: grey_png(_DIRTY_16BIT), ok(_DIRTY_16BIT >> 8)),
        ("grey16-transparent.png", lambda: grey_png(_16BIT, (b"tRNS", struct.pack(">H", 20 * 257))), ok(np.where(GREY == 20, 255, GREY))),
        ("grey16-of-12-bit.png", lambda: grey_png(GREY.astype(np.uint16) * 16), ok(GREY, None, "scaled as 12-bit")),
        ("rgb8.png", lambda: grey_png(COLOUR), ok(COLOUR)),
        ("rgb16.png", lambda: grey_png(COLOUR.astype(np.uint16) * 257), ok(COLOUR)),
        (
            "rgb-transparent-colour.png",
            lambda: grey_png(COLOUR, (b"tRNS", struct.pack(">HHH", *COLOUR[3, 6]))),
            ok(np.where((COLOUR[3, 6] == COLOUR).all(axis=2, keepdims=True), 255, COLOUR), None, "colour laid on white"),
        ),
        ("palette.png", lambda: png(packed(_INDICES, 1), 40, 1, 3, indexed), ok(np.array([[250, 240, 230], [10, 0, 90]])[_INDICES])),
        ("palette-of-greys.png", lambda: png(packed(_INDICES, 4), 40, 4, 3, grey_palette), ok(BILEVEL)),
        (
            "palette-transparent.png",
            lambda: png(packed(_INDICES, 8), 40, 8, 3, (b"PLTE", bytes(6)), (b"tRNS", b"\0")),
            ok(BILEVEL, None, "laid on white"),
        ),
        ("palette-short.png", lambda: png(packed(_INDICES, 8), 40, 8, 3, (b"PLTE", bytes([255] * 3))), ok(BILEVEL)),
        (
            "grey-alpha.png",
            lambda: png(rows_of(np.dstack([np.where(_ALPHA == 0, 0, GREY).astype(np.uint8), _ALPHA])), 40, 8, 4),
            ok(_ON_WHITE, None, "alpha laid on white"),
        ),
        (
            "rgba-black-below.png",
            lambda: png(rows_of(np.dstack([np.zeros((24, 40, 3), np.uint8), INK.astype(np.uint8) * 255])), 40, 8, 6),
            ok(np.dstack([BILEVEL] * 3), None, "alpha laid on white"),
        ),
        (
            "rgba-half.png",
            lambda: png(rows_of(np.dstack([np.zeros((24, 40, 3), np.uint8), np.full((24, 40), 128, np.uint8)])), 40, 8, 6),
            ok(np.full((24, 40, 3), 127), None, "alpha laid on white"),
        ),
        ("rgba-opaque.png", lambda: png(rows_of(np.dstack([COLOUR, np.full((24, 40), 255, np.uint8)])), 40, 8, 6), ok(COLOUR)),
        (
            "rgba-nothing.png",
            lambda: png(rows_of(np.dstack([COLOUR, np.zeros((24, 40), np.uint8)])), 40, 8, 6),
            ok(np.full((24, 40, 3), 255), None, "every pixel is transparent"),
        ),
        ("interlaced.png", lambda: interlaced_png(GREY), ok(GREY)),
        (
            "exif-turned.png",
            lambda: grey_png(tall[::-1], phys(3937, 7874), (b"eXIf", exif(orientation=6)[6:])),
            ok(COLOUR, (200, 100), "orientation 6 applied"),
        ),
        ("aspect-only.png", lambda: grey_png(GREY, phys(300, 300, unit=0)), ok(GREY)),
        ("dpi-0.png", lambda: grey_png(GREY, phys(0, 0)), ok(GREY, None, "cannot be true")),
        ("dpi-1.png", lambda: grey_png(GREY, phys(39, 39)), ok(GREY, None, "cannot be true")),
        ("dpi-huge.png", lambda: grey_png(GREY, phys(2**31, 2**31)), ok(GREY, None, "cannot be true")),
        (
            "animated.png",
            lambda: saved(GREY, "png", save_all=True, append_images=[Image.fromarray(WHITE)]),
            ok(GREY, None, "only the first is read"),
        ),
        ("one-pixel.png", lambda: grey_png(np.zeros((1, 1), np.uint8)), ok(np.zeros((1, 1)))),
        ("truncated.png", lambda: grey_png(np.random.default_rng(1).integers(0, 255, (99, 99), np.uint8))[:-4000], bad("truncated")),
        ("header-only.png", lambda: grey_png(GREY)[:20], bad("truncated")),
        ("wrong-checksum.png", lambda: grey_png(GREY)[:29] + b"\0\0\0\0" + grey_png(GREY)[33:], bad("damaged PNG")),
        ("no-area.png", lambda: png([], 0, 8, 0), bad("damaged PNG")),
        # A stream that ends rightly but six rows early: Pillow leaves them black, and the text that stood there would be lost without a word.
        ("missing-rows.png", lambda: png(rows_of(GREY), 40, 8, 0, height=30), bad("984 of 1230 bytes of samples")),
        ("bomb.png", bomb_png, bad("20001 x 20000", "are 400.02 megapixels", "limit of 400;", "--max-megapixels 401", error=RefusedInput)),
    ]


def _jpeg_rows() -> list[Row]:
    near = np.repeat(COLOUR[..., :1], 3, axis=2)
    return [
        ("grey.jpg", lambda: jpeg(GREY, dpi=(240, 240)), ok(GREY, (240, 240), tolerance=6)),
        ("colour-progressive.jpg", lambda: jpeg(COLOUR, progressive=True), ok(COLOUR, None, tolerance=8)),
        (
            "centimetres.jpg",
            lambda: jpeg(GREY, dpi=(118, 118)).replace(b"JFIF\0\1\1\1", b"JFIF\0\1\1\2", 1),
            ok(GREY, (299.72, 299.72), tolerance=6),
        ),
        ("exif-dpi.jpg", lambda: without_jfif(jpeg(GREY, exif=exif(x=350.0, y=350.0, unit=2))), ok(GREY, (350, 350), tolerance=6)),
        ("exif-without-dpi.jpg", lambda: without_jfif(jpeg(GREY, exif=exif(software="camera"))), ok(GREY, None, tolerance=6)),
        *[
            (
                f"turned-{n}.jpg",
                lambda n=n: jpeg(stored(GREY, n), exif=exif(orientation=n), dpi=(100, 200)),
                ok(GREY, (200, 100) if n > 4 else (100, 200), f"orientation {n} applied", tolerance=6),
            )
            for n in (2, 3, 4, 5, 6, 7, 8)
        ],
        ("orientation-9.jpg", lambda: jpeg(GREY, exif=exif(orientation=9)), ok(GREY, None, tolerance=6)),
        ("cmyk.jpg", cmyk_jpeg, ok(COLOUR, None, tolerance=10)),
        ("ycck.jpg", ycck_jpeg, ok(COLOUR, None, tolerance=12)),
        ("truncated.jpg", lambda: jpeg(near)[:-200], bad("truncated")),
        ("half-header.jpg", lambda: jpeg(near)[:150], bad("truncated")),
        ("garbage-behind.jpg", lambda: jpeg(GREY) + bytes(5000), ok(GREY, None, tolerance=6)),
    ]


def _tiff_rows() -> list[Row]:
    floats = (GREY / 255).astype(np.float32)
    nan = floats.copy()
    nan[5, 5] = np.nan
    infinite = floats.copy()
    infinite[5, 5] = np.inf
    tiles = compressed_tiff(GREY, "tiff_lzw")
    three = (tiff_page(GREY), tiff_page(255 - GREY, compression=3), tiff_page(WHITE))
    return [
        ("g4-white-is-0.tif", lambda: g4_tiff(True), ok(BILEVEL, (300, 300))),
        ("g4-black-is-0.tif", lambda: g4_tiff(False), ok(BILEVEL, (300, 300))),
        ("g3.tif", lambda: compressed_tiff(Image.fromarray(~INK), "group3"), ok(BILEVEL)),
        ("fill-order-2.tif", fill_order_2, ok(BILEVEL)),
        *[
            (f"{name}.tif", lambda name=name: compressed_tiff(COLOUR, name), ok(COLOUR))
            for name in ("packbits", "tiff_lzw", "tiff_adobe_deflate")
        ],
        *[(f"{name}.tif", lambda name=name: compressed_tiff(COLOUR, name), ok(COLOUR)) for name in ("zstd", "lzma")],
        ("jpeg-inside.tif", lambda: compressed_tiff(COLOUR, "jpeg", quality=100), ok(COLOUR, None, tolerance=60)),
        ("planes-apart.tif", planar_tiff, ok(COLOUR)),
        ("grey16-le.tif", lambda: tiff(tiff_page(_DIRTY_16BIT)), ok(_DIRTY_16BIT >> 8)),
        ("grey16-be.tif", lambda: tiff(tiff_page(_DIRTY_16BIT, ">"), order=">"), ok(_DIRTY_16BIT >> 8)),
        ("grey16-lzw.tif", lambda: compressed_tiff(Image.fromarray(_DIRTY_16BIT), "tiff_lzw"), ok(_DIRTY_16BIT >> 8)),
        ("grey16-white-is-0.tif", lambda: tiff(tiff_page(65535 - _16BIT, photometric=0)), ok(GREY)),
        ("grey16-white-is-0-be.tif", lambda: tiff(tiff_page(65535 - _16BIT, ">", photometric=0), order=">"), ok(GREY)),
        ("grey8-white-is-0.tif", lambda: tiff(tiff_page(255 - GREY, photometric=0)), ok(GREY)),
        ("rgb16.tif", lambda: tiff(tiff_page(COLOUR.astype(np.uint16) * 257)), ok(COLOUR)),
        ("grey32.tif", lambda: tiff(tiff_page(GREY.astype(np.uint32) * 0x01010101)), ok(GREY, None, "32-bit")),
        (
            "signed8.tif",
            lambda: tiff(tiff_page((GREY.astype(np.int16) - 128).astype(np.int8))),
            ok(_STRETCHED, None, "signed pixels -128 to 102 stretched"),
        ),
        ("signed16.tif", lambda: tiff(tiff_page(GREY.astype(np.int16) - 128)), ok(_STRETCHED, None, "signed pixels -128 to 102 stretched")),
        ("float-0-1.tif", lambda: tiff(tiff_page(floats)), ok(GREY, None, "0..1")),
        ("float-be.tif", lambda: tiff(tiff_page(floats, ">"), order=">"), ok(GREY, None, "0..1")),
        ("float-0-255.tif", lambda: tiff(tiff_page(GREY.astype(np.float32))), ok(GREY, None, "0..255")),
        ("float-negative.tif", lambda: tiff(tiff_page(GREY.astype(np.float32) - 1000)), ok(_STRETCHED, None, "stretched")),
        ("float-white-is-0.tif", lambda: tiff(tiff_page(1 - floats, photometric=0)), ok(GREY, None, "0..1")),
        ("float-nan.tif", lambda: tiff(tiff_page(nan)), bad("NaN", "8 or 16 bit")),
        ("float-infinity.tif", lambda: tiff(tiff_page(infinite)), bad("infinity")),
        ("float64.tif", lambda: tiff(tiff_page(floats.astype(np.float64))), ok(GREY, None, "0..1")),
        ("complex.tif", lambda: tiff(tiff_page(GREY, format=6)), bad("pixel layout that cannot be read", "8-bit grey or RGB")),
        ("cmyk.tif", lambda: tiff(tiff_page(np.asarray(Image.fromarray(COLOUR).convert("CMYK")), photometric=5)), ok(COLOUR, tolerance=1)),
        (
            "lab.tif",
            lambda: tiff(tiff_page(np.dstack([WHITE, WHITE * 0, WHITE * 0]), photometric=8)),
            ok(np.dstack([WHITE] * 3), None, "CIELab", tolerance=1),
        ),
        (
            "rgba-premultiplied.tif",
            lambda: tiff(tiff_page(np.dstack([COLOUR * 0, INK * np.uint8(255)]), extra=1)),
            ok(np.dstack([BILEVEL] * 3), None, "alpha"),
        ),
        ("palette.tif", lambda: compressed_tiff(Image.fromarray(COLOUR).quantize(64), "tiff_lzw"), ok(COLOUR, None, tolerance=40)),
        ("tiff-dpi-centimetres.tif", lambda: tiff(tiff_page(GREY, x=[11811, 100], y=[11811, 100], unit=3)), ok(GREY, (300, 300))),
        ("tiff-dpi-no-unit.tif", lambda: tiff(tiff_page(GREY, x=[300, 1], y=[300, 1], unit=1)), ok(GREY)),
        ("tiff-dpi-infinite.tif", lambda: tiff(tiff_page(GREY, x=[300, 0], y=[300, 0], unit=2)), ok(GREY, None, "cannot be true")),
        *[
            (
                f"turned-{n}.tif",
                lambda n=n: tiff(tiff_page(stored(GREY, n), orientation=n, x=[204, 1], y=[98, 1], unit=2)),
                ok(GREY, (98, 204) if n > 4 else (204, 98), f"orientation {n} applied"),
            )
            for n in (2, 3, 4, 5, 6, 7, 8)
        ],
        (
            "turned-lzw.tif",
            lambda: compressed_tiff(stored(COLOUR, 8), "tiff_lzw", tiffinfo={274: 8}),
            ok(COLOUR, None, "orientation 8 applied"),
        ),
        ("big.tif", lambda: tiff(tiff_page(GREY), tiff_page(WHITE), big=True), (ok(GREY), ok(WHITE))),
        ("big-be.tif", lambda: tiff(tiff_page(GREY, ">"), order=">", big=True), ok(GREY)),
        ("three-pages-second-damaged.tif", lambda: tiff(*three), (ok(GREY), bad("page 2 of", "damaged TIFF"), ok(WHITE))),
        (
            "first-of-two-unreadable.tif",
            lambda: tiff(tiff_page(GREY, bits=[7, 9], channels=2), tiff_page(GREY)),
            (bad("page 1 of", "pixel layout"), ok(GREY)),
        ),
        ("page-of-no-area.tif", lambda: tiff(tiff_page(GREY), tiff_page(GREY, width=0)), (ok(GREY), bad("page 2 of", "without area"))),
        (
            "chain-lost.tif",
            lambda: tiff(tiff_page(GREY), tiff_page(GREY, lost=True)),
            (ok(GREY), bad("page 2 of", "truncated", "is not whole")),
        ),
        (
            "circle.tif",
            lambda: tiff(tiff_page(GREY), tiff_page(WHITE), loop_to=0),
            (ok(GREY, None, "in a circle"), ok(WHITE, None, "in a circle")),
        ),
        ("thumbnail.tif", lambda: tiff(tiff_page(GREY), tiff_page(GREY[::2, ::2], subfile=1)), ok(GREY, None, "1 reduced")),
        ("only-thumbnail.tif", lambda: tiff(tiff_page(GREY, subfile=1)), ok(GREY)),
        ("million-pages.tif", lambda: many_directories(1_000_000), _opening("more than 65536 pages", error=RefusedInput)),
        ("no-pages.tif", lambda: b"II*\0\0\0\0\0", _opening("without pages")),
        ("four-bytes.tif", lambda: b"II*\0", _opening("header is not whole")),
        ("truncated-strip.tif", lambda: tiff(tiff_page(GREY, data=GREY.tobytes()[:400], lost=False), order="<"), bad("truncated")),
        ("truncated-lzw.tif", lambda: cut_strip(tiles), bad("damaged TIFF")),
        ("directory-first-g4.tif", lambda: g4_tiff(True, directory_first=True), ok(BILEVEL, (300, 300))),
        ("truncated-g4.tif", lambda: g4_tiff(True, directory_first=True)[:-20], bad("damaged TIFF")),
        (
            "bomb.tif",
            lambda: tiff(tiff_page(GREY, width=100_000, length=100_000)),
            bad("10,000.0 megapixels", "100000 x 100000", error=RefusedInput),
        ),
    ]


def _other_rows() -> list[Row]:
    ramp = np.arange(1000, dtype=np.int64).reshape(25, 40)
    scaled = ((ramp * 255 + 499) // 999).astype(np.uint8)
    return [
        ("bilevel.bmp", lambda: saved(Image.fromarray(~INK), "bmp", dpi=(300, 300)), ok(BILEVEL, (300, 300))),
        ("colour.bmp", lambda: saved(COLOUR, "bmp", dpi=(150, 150)), ok(COLOUR, (150, 150))),
        ("truncated.bmp", lambda: saved(COLOUR, "bmp")[:-900], bad("truncated")),
        ("bilevel.pbm", pbm, ok(BILEVEL)),
        ("plain.pbm", lambda: plain(1, INK.astype(int), None), ok(BILEVEL)),
        ("plain.pgm", lambda: plain(2, GREY, 255), ok(GREY)),
        ("plain.ppm", lambda: plain(3, COLOUR, 255), ok(COLOUR)),
        ("raw.pgm", lambda: b"P5 # raw\n40 24\n255\n" + GREY.tobytes(), ok(GREY)),
        ("raw16.pgm", lambda: b"P5\n40 24\n65535\n" + _DIRTY_16BIT.astype(">u2").tobytes(), ok(_DIRTY_16BIT >> 8)),
        ("maxval-999.pgm", lambda: b"P5\n40 25\n999\n" + ramp.astype(">u2").tobytes(), ok(scaled, None, "0..999")),
        ("raw.ppm", lambda: b"P6\n40 24\n255\n" + COLOUR.tobytes(), ok(COLOUR)),
        ("two-pages.pbm", lambda: pbm() + pbm(~INK), (ok(BILEVEL), ok(255 - BILEVEL))),
        ("second-truncated.pbm", lambda: pbm() + pbm()[:-7], (ok(BILEVEL), bad("page 2 of", "truncated", "113 of 120"))),
        (
            "two-plain.pbm",
            lambda: plain(1, INK.astype(int), None) + pbm(),
            ok(BILEVEL, None, "129 bytes behind the picture ignored: a plain PNM"),
        ),
        ("trailing-plain.pgm", lambda: plain(2, GREY, 255) + b"# P2\nP2 junk", ok(GREY, None, "7 bytes behind the picture ignored")),
        ("trailing.pbm", lambda: pbm() + b"junk", ok(BILEVEL, None, "4 bytes behind the last picture ignored")),
        ("bomb.pgm", lambda: b"P5\n99999 99999\n255\n", bad("megapixels", error=RefusedInput)),
        ("bad-header.pgm", lambda: b"P5\nforty 24\n255\n", _opening("damaged PNM header")),
        (
            "alpha.webp",
            lambda: saved(Image.fromarray(np.dstack([COLOUR, _ALPHA])), "webp", lossless=True, exact=True),
            ok(np.where(_ALPHA[..., None] == 0, 255, COLOUR), None, "alpha laid on white"),
        ),
        (
            "animated.webp",
            lambda: saved(COLOUR, "webp", lossless=True, save_all=True, append_images=[Image.fromarray(255 - COLOUR)]),
            ok(COLOUR, None, "animation of 2 pictures"),
        ),
        ("truncated.webp", lambda: saved(COLOUR, "webp", lossless=True)[:-60], bad("WEBP")),
        ("grey.jp2", lambda: saved(GREY, "jpeg2000"), ok(GREY)),
        ("grey16.jp2", lambda: saved(Image.fromarray(_DIRTY_16BIT), "jpeg2000"), ok(_DIRTY_16BIT >> 8)),
        ("colour.j2k", lambda: saved(COLOUR, "jpeg2000", no_jp2=True), ok(COLOUR)),
        ("truncated.jp2", lambda: saved(COLOUR, "jpeg2000")[:200], bad("JPEG2000")),
        (
            "first-frame.gif",
            lambda: saved(GREY, "gif", save_all=True, append_images=[Image.fromarray(WHITE)]),
            ok(GREY, None, "only the first is read"),
        ),
        ("empty.png", lambda: b"", _opening("empty (0 bytes)")),
        ("one-byte.jpg", lambda: b"\xff", _opening("not a picture or PDF", "unknown bytes")),
        (
            "text.png",
            lambda: b"Dear reader,\nthis is a letter.\n",
            _opening("not a picture or PDF", "text", "Dear reader", "readable are PNG"),
        ),
        ("page.tif", lambda: b"<html><body>404</body></html>", _opening("a web page")),
        ("letter.pdf", lambda: b"PK\x03\x04" + bytes(100), _opening("ZIP archive")),
        ("really-jpeg.png", lambda: jpeg(GREY), ok(GREY, None, "named .png but holds JPEG", tolerance=6)),
        ("really-tiff.jpg", lambda: tiff(tiff_page(GREY)), ok(GREY, None, "named .jpg but holds TIFF")),
        ("no-suffix", lambda: grey_png(GREY), ok(GREY)),
        ("strange name \u00e9\u4e2d.png", lambda: grey_png(GREY), ok(GREY)),
    ]


def _opening(*says: str, error: type[DocbinError] = InputError) -> Expect:
    """An error that already opening the file must give."""
    return Expect(error=error, says=says, notes=("opening",))


def _pdf_rows() -> list[Row]:
    own = "at its own resolution"
    hidden_text = "BT 3 Tr /F 12 Tf 2 2 Td (Ink) Tj ET"
    annotation = "/Annots [<< /Type /Annot /Subtype /Square /Rect [0 0 3 3] /C [1 0 0] >>]"
    return [
        ("scan-g4.pdf", lambda: pdf(g4_scan()), ok(BILEVEL, (300, 300), own)),
        ("scan-grey.pdf", lambda: pdf(scan()), ok(GREY, (100, 100), own)),
        ("scan-colour.pdf", lambda: pdf(scan(COLOUR, 600)), ok(COLOUR, (600, 600), own)),
        ("scan-jpeg.pdf", lambda: pdf(scan(GREY, 200, jpeg(GREY), entries=JPEG_IN_PDF)), ok(GREY, (200, 200), own, tolerance=6)),
        ("scan-inverted.pdf", lambda: pdf(scan(255 - GREY, entries="/Decode [1 0]")), ok(GREY, (100, 100), own)),
        (
            "scan-indexed.pdf",
            lambda: pdf(scan(GREY, data=np.packbits(INK, axis=1).tobytes(), bits=1, space="[/Indexed /DeviceRGB 1 <FFFFFF000000>]")),
            ok(BILEVEL, (100, 100), own),
        ),
        ("scan-16-bit.pdf", lambda: pdf(scan(GREY, data=_16BIT.astype(">u2").tobytes(), bits=16)), ok(GREY, (100, 100), own, tolerance=1)),
        (
            "scan-stencil.pdf",
            lambda: pdf(scan(GREY, data=np.packbits(~INK, axis=1).tobytes(), bits=1, space="", entries="/ImageMask true")),
            ok(BILEVEL, (100, 100), "rendered " + own),
        ),
        ("scan-with-ocr-text.pdf", lambda: pdf(scan(over=hidden_text)), ok(GREY, (100, 100), "decoded " + own)),
        ("scan-annotated.pdf", lambda: pdf(scan(page=annotation)), ok(np.dstack([GREY] * 3), (100, 100), "rendered " + own, tolerance=255)),
        ("scan-clipped.pdf", lambda: pdf(scan(place="0 0 9999 9999 re W n 28.8 0 0 17.28 0 0")), ok(GREY, (100, 100), own)),
        *[
            (
                f"scan-page-turned-{angle}.pdf",
                lambda angle=angle, n=n: pdf(scan(stored(COLOUR, n), 100, page=f"/Rotate {angle}")),
                ok(COLOUR, (100, 100), f"orientation {n} applied"),
            )
            for angle, n in ((90, 6), (180, 3), (270, 8))
        ],
        (
            "scan-placed-upside-down.pdf",
            lambda: pdf(scan(COLOUR[::-1, ::-1], place="-28.8 0 0 -17.28 28.8 17.28")),
            ok(COLOUR, (100, 100), "orientation 3"),
        ),
        ("scan-mirrored.pdf", lambda: pdf(scan(COLOUR[:, ::-1], place="-28.8 0 0 17.28 28.8 0")), ok(COLOUR, (100, 100), "orientation 2")),
        (
            "scan-anisotropic.pdf",
            lambda: pdf(PdfPage((40 * 72 / 204, 24 * 72 / 98), b"q 14.1176 0 0 17.6327 0 0 cm /I Do Q", scan().streams)),
            ok(GREY, (204, 98), own),
        ),
        (
            "white-scan-under-text.pdf",
            lambda: pdf(scan(WHITE, 72, over="BT /F 9 Tf 2 2 Td (Ink) Tj ET")),
            ok(np.full((100, 167), 255), (300, 300), "rendered at 300 dpi", tolerance=255),
        ),
        ("text.pdf", lambda: pdf(TEXT), ok(np.full((150, 300), 255), (300, 300), "rendered at 300 dpi", tolerance=255)),
        ("blank.pdf", lambda: pdf(PdfPage((72, 72), b"")), ok(np.full((300, 300), 255), (300, 300), "rendered at 300 dpi")),
        ("junk-before.pdf", lambda: b"junk\n" * 20 + pdf(scan()), ok(GREY, (100, 100), own)),
        ("mixed.pdf", lambda: pdf(TEXT, scan()), (ok(np.full((150, 300), 255), (300, 300), tolerance=255), ok(GREY, (100, 100), own))),
        (
            "second-scan-short.pdf",
            lambda: pdf(scan(), scan(data=GREY.tobytes()[:500]), scan()),
            (ok(GREY, (100, 100)), bad("page 2 of", "truncated picture", "500 bytes"), ok(GREY, (100, 100))),
        ),
        (
            "second-jpeg-cut.pdf",
            lambda: pdf(scan(), scan(COLOUR, data=jpeg(COLOUR)[:-300], entries=JPEG_IN_PDF)),
            (ok(GREY, (100, 100)), bad("page 2 of", "truncated or damaged JPEG")),
        ),
        (
            "flate-cut.pdf",
            lambda: pdf(scan(COLOUR, data=zlib.compress(COLOUR.tobytes())[:200], entries=FLATE_IN_PDF)),
            bad("truncated picture"),
        ),
        ("encrypted.pdf", encrypted_pdf, _opening("encrypted", "password")),
        (
            "huge-page.pdf",
            lambda: pdf(PdfPage((200_000, 200_000), b"")),
            bad("694,445", "200000 x 200000 pt", "limit of 400", error=RefusedInput),
        ),
        ("large-page.pdf", lambda: pdf(PdfPage((7200, 7200), b"")), bad("900.0 megapixels", "--dpi 200", error=RefusedInput)),
        ("bomb-inside.pdf", lambda: pdf(scan(GREY, entries="/Width 90000 /Height 90000")), bad("8,100.0 megapixels", error=RefusedInput)),
        ("no-pages.pdf", lambda: pdf(), _opening("an empty PDF, without pages")),
        ("truncated.pdf", lambda: pdf(scan())[:60], _opening("truncated or damaged PDF")),
        ("header-only.pdf", lambda: b"%PDF-1.7\n", _opening("truncated or damaged PDF")),
    ]


def build_all(folder: Path) -> list[Case]:
    """Write the corpus into `folder`; the cases in the table's order. Names of files are unique."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, build, expected in _png_rows() + _jpeg_rows() + _tiff_rows() + _other_rows() + _pdf_rows():
        path = folder / name
        assert not path.exists(), f"{name} stands twice in the table"
        path.write_bytes(build())
        pages = expected if isinstance(expected, tuple) else (expected,)
        if pages[0].notes == ("opening",):
            cases.append(Case(path, (), pages[0]))
        else:
            cases.append(Case(path, pages))
    return cases
