"""A corpus of odd and hostile page files, each made here byte by byte, each with its named outcome.

``build_all(folder)`` writes them and returns the cases: a file, and either what its pages hold (pixels, dpi, notes) or which error it must give.
The table is at the end; above it are the builders. Everything odd is made with struct, so that no encoder quietly repairs it.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docbin.errors import DocbinError, InputError, RefusedInput

Array = NDArray[Any]

INK = np.zeros((24, 40), bool)  # a letter F: no symmetry, so that every turn and mirror shows
INK[3:21, 6:10] = INK[3:7, 6:30] = INK[11:14, 6:22] = True
BILEVEL = np.where(INK, 0, 255).astype(np.uint8)
GREY = np.where(INK, 20, 230).astype(np.uint8)
GREY[:, 33:] = np.arange(24 * 7, dtype=np.uint8).reshape(24, 7)
COLOUR = np.stack([GREY, GREY // 2, 255 - GREY], axis=2)
WHITE = np.full_like(GREY, 255)


@dataclass(frozen=True)
class Expect:
    """What one page must be: `pixels` within `tolerance`, `dpi`, and words that its notes hold; or an error of type `error` whose text holds `says`."""

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


# --- PNG ------------------------------------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    rows: Sequence[bytes], width: int, depth: int, colour: int, *extra: tuple[bytes, bytes], height: int | None = None, interlace: int = 0
) -> bytes:
    """A PNG of unfiltered rows; `extra` chunks stand before the data."""
    header = struct.pack(">IIBBBBB", width, len(rows) if height is None else height, depth, colour, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    body = b"".join(chunk(kind, content) for kind, content in extra)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def rows_of(values: Array) -> list[bytes]:
    return [row.tobytes() for row in values]


def grey_png(values: Array, *extra: tuple[bytes, bytes]) -> bytes:
    depth = values.dtype.itemsize * 8
    return png(rows_of(values.astype(">u2") if depth == 16 else values), values.shape[1], depth, 0 if values.ndim == 2 else 2, *extra)


def phys(x: int, y: int, unit: int = 1) -> tuple[bytes, bytes]:
    return b"pHYs", struct.pack(">IIB", x, y, unit)


def packed(indices: Array, bits: int) -> list[bytes]:
    """Rows of small numbers, most significant first, as PNG and TIFF pack 1, 2 and 4 bits."""
    planes = ((indices[..., None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
    return rows_of(np.packbits(planes.reshape(indices.shape[0], -1), axis=1))


def interlaced_png(values: Array) -> bytes:
    """Adam7: seven reduced pictures, one behind the other."""
    rows: list[bytes] = []
    for y, x, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
        rows += rows_of(np.ascontiguousarray(values[y::dy, x::dx]))
    return png(rows, values.shape[1], 8, 0, height=values.shape[0], interlace=1)


def bomb_png() -> bytes:
    """400.02 megapixels in less than 60 kB."""
    row = b"\0" * ((20_001 + 7) // 8 + 1)
    squeeze = zlib.compressobj(9)
    data = b"".join(squeeze.compress(row * 100) for _ in range(200)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", 20_001, 20_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def exif(**tags: Any) -> bytes:
    """An EXIF block by Pillow; tags by name: orientation, x, y, unit."""
    block = Image.Exif()
    for name, number in (("orientation", 274), ("x", 282), ("y", 283), ("unit", 296), ("software", 305)):
        if name in tags:
            block[number] = tags[name]
    return block.tobytes()


def saved(picture: Array | Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(file, kind, **options)
    return file.getvalue()


def stored(upright: Array, orientation: int) -> Array:
    """The picture as a camera in position `orientation` stores it (the inverse of applying it)."""
    turn: dict[int, Callable[[Array], Array]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(turn[orientation](upright))


# --- JPEG -----------------------------------------------------------------------------------------------------------------------------------


def jpeg(picture: Array, **options: Any) -> bytes:
    return saved(picture, "jpeg", quality=100, subsampling=0, **options)


def without_jfif(data: bytes) -> bytes:
    """The JPEG without its APP0 segment, as cameras write it."""
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + struct.unpack(">H", data[4:6])[0] :]


def cmyk_jpeg() -> bytes:
    return saved(Image.fromarray(COLOUR).convert("CMYK"), "jpeg", quality=100, subsampling=0)


def ycck_jpeg() -> bytes:
    """Adobe YCCK: C, M, Y as YCbCr and K, inverted; Pillow writes only plain CMYK, so the Adobe transform byte is set by hand."""
    cmyk = np.asarray(Image.fromarray(COLOUR).convert("CMYK"))
    ycc = np.asarray(Image.fromarray(np.ascontiguousarray(cmyk[..., :3])).convert("YCbCr"))
    stored_samples = np.dstack([ycc, 255 - cmyk[..., 3]])
    data = bytearray(saved(Image.frombytes("CMYK", cmyk.shape[1::-1], (255 - stored_samples).tobytes()), "jpeg", quality=100, subsampling=0))
    at = data.index(b"Adobe")
    data[at + 11] = 2
    return bytes(data)


# --- TIFF -----------------------------------------------------------------------------------------------------------------------------------

_SIZES = {1: "B", 2: "s", 3: "H", 4: "I", 5: "I", 12: "d", 16: "Q"}


@dataclass
class TiffPage:
    """A page: tags (number -> (type, values)), samples, and whether its directory is left out (the pointer then leads beyond the file)."""

    tags: dict[int, tuple[int, Sequence[Any]]]
    data: bytes
    lost: bool = False


def tiff_page(values: Array, order: str = "<", **changes: Any) -> TiffPage:
    """An uncompressed page of `values`; changes by tag name, None leaves a tag out."""
    samples = values if values.dtype.itemsize == 1 else values.astype(values.dtype.newbyteorder(order))
    channels = 1 if values.ndim == 2 else values.shape[2]
    form = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    names = {"subfile": 254, "width": 256, "length": 257, "bits": 258, "compression": 259, "photometric": 262, "fill": 266, "strips": 273}
    names |= {"orientation": 274, "channels": 277, "rows": 278, "counts": 279, "x": 282, "y": 283, "planar": 284, "unit": 296, "map": 320}
    names |= {"extra": 338, "format": 339}
    tags: dict[str, tuple[int, Sequence[Any]]] = {
        "width": (4, [values.shape[1]]),
        "length": (4, [values.shape[0]]),
        "bits": (3, [values.dtype.itemsize * 8] * channels),
        "compression": (3, [1]),
        "photometric": (3, [1 if channels == 1 else 2]),
        "strips": (4, [0]),
        "channels": (3, [channels]),
        "rows": (4, [values.shape[0]]),
        "counts": (4, [0]),
        "format": (3, [form] * channels),
    }
    data = changes.pop("data", samples.tobytes())
    lost = changes.pop("lost", False)
    for name, value in changes.items():
        if value is None:
            del tags[name]
        elif name in ("x", "y"):
            tags[name] = (5, value)
        else:
            tags[name] = (tags.get(name, (3, []))[0], value if isinstance(value, list) else [value])
    return TiffPage({names[name]: entry for name, entry in tags.items()}, data, lost)


def tiff(*pages: TiffPage, order: str = "<", big: bool = False, loop_to: int | None = None) -> bytes:
    """A TIFF, or BigTIFF, of `pages`; `loop_to` makes the last directory point back at that page."""
    start, pointer, counter, inline = (16, "Q", "Q", 8) if big else (8, "I", "H", 4)
    out = bytearray(start)
    out[:2] = b"II" if order == "<" else b"MM"
    struct.pack_into(order + ("HHH" if big else "H"), out, 2, *((43, 8, 0) if big else (42,)))
    hook, directories = (8 if big else 4), []
    for page in pages:
        if page.lost:
            struct.pack_into(order + pointer, out, hook, len(out) + 1_000_000)
            return bytes(out)
        data_at = len(out)
        out += page.data + b"\0" * (len(page.data) % 2)
        entries = b""
        for tag, (kind, values) in sorted(page.tags.items()):
            values = [data_at] if tag == 273 else [len(page.data)] if tag == 279 and list(values) == [0] else values
            content = b"".join(struct.pack(order + _SIZES[kind], value) for value in values)
            count = len(values) // 2 if kind == 5 else len(values)
            if len(content) > inline:
                where, content = len(out), content + b"\0" * (len(content) % 2)
                out += content
                content = struct.pack(order + pointer, where)
            entries += struct.pack(order + "HH" + pointer, tag, kind, count) + content.ljust(inline, b"\0")
        struct.pack_into(order + pointer, out, hook, len(out))
        directories.append(len(out))
        out += struct.pack(order + counter, len(page.tags)) + entries
        hook = len(out)
        out += struct.pack(order + pointer, 0 if loop_to is None or page is not pages[-1] else directories[loop_to])
    return bytes(out)


def many_directories(count: int) -> bytes:
    """A chain of `count` tiny directories (one tag each), 18 bytes apiece."""
    out = bytearray(b"II*\0" + struct.pack("<I", 8))
    for index in range(count):
        following = 0 if index == count - 1 else 8 + 18 * (index + 1)
        out += struct.pack("<HHHII", 1, 256, 3, 1, 1) + struct.pack("<I", following)
    return bytes(out)


def compressed_tiff(picture: Array | Image.Image, compression: str, **options: Any) -> bytes:
    return saved(picture, "tiff", compression=compression, **options)


def g4_tiff(white_is_zero: bool) -> bytes:
    """G4 as fax machines write it (ink coded black, 0 is white), or its MinIsBlack twin (same picture, inverted code)."""
    strip = Image.fromarray(INK if white_is_zero else ~INK)
    made = saved(strip, "tiff", compression="group4", tiffinfo={278: INK.shape[0]})
    with Image.open(io.BytesIO(made)) as read:
        offset, length = read.tag_v2[273][0], read.tag_v2[279][0]
    photometric = 0 if white_is_zero else 1
    return tiff(
        tiff_page(BILEVEL, bits=1, compression=4, photometric=photometric, format=None, data=made[offset : offset + length], x=[300, 1], y=[300, 1])
    )


def fill_order_2() -> bytes:
    bits = np.packbits(INK, axis=1)
    swapped = np.array([int(f"{byte:08b}"[::-1], 2) for byte in range(256)], np.uint8)[bits]
    return tiff(tiff_page(BILEVEL, bits=1, photometric=0, format=None, fill=2, data=swapped.tobytes()))


def planar_tiff() -> bytes:
    data = np.ascontiguousarray(COLOUR.transpose(2, 0, 1)).tobytes()
    size = COLOUR.shape[0] * COLOUR.shape[1]
    page = tiff_page(COLOUR, planar=2, data=data)
    page.tags[279] = (4, [size] * 3)
    made = bytearray(tiff(page))
    # Three strips, one a plane: the builder knows one offset, so the other two are appended and the entry made to point at all three.
    where = len(made)
    made += struct.pack("<III", 8, 8 + size, 8 + 2 * size)
    directory = struct.unpack_from("<I", made, 4)[0]
    for index in range(struct.unpack_from("<H", made, directory)[0]):
        at = directory + 2 + 12 * index
        if struct.unpack_from("<H", made, at)[0] == 273:
            struct.pack_into("<II", made, at + 4, 3, where)
    return bytes(made)


# --- PNM, BMP -------------------------------------------------------------------------------------------------------------------------------


def pbm(ink: Array = INK) -> bytes:
    return b"P4\n%d %d\n" % (ink.shape[1], ink.shape[0]) + np.packbits(ink, axis=1).tobytes()


def plain(kind: int, values: Array, maxval: int | None) -> bytes:
    header = f"P{kind}\n# a comment\n{values.shape[1]} {values.shape[0]}\n" + (f"{maxval}\n" if maxval else "")
    return (header + "\n".join(" ".join(str(v) for v in row.ravel()) for row in values) + "\n").encode()


# --- PDF ------------------------------------------------------------------------------------------------------------------------------------


@dataclass
class PdfPage:
    """A page: size in points, content stream, named streams (dictionary entries as text, data), further entries of the page as text."""

    size: tuple[float, float]
    content: bytes
    streams: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    more: str = ""


def pdf(*pages: PdfPage, trailer: str = "") -> bytes:
    """A plain PDF 1.4 written by hand, with a right cross-reference table; Helvetica is font F."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    def stream(entries: str, data: bytes) -> bytes:
        return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"

    kids = []
    for page in pages:
        names = " ".join(f"/{name} {add(stream(*content))} 0 R" for name, content in page.streams.items())
        content = add(stream("", page.content))
        body = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {page.size[0]:g} {page.size[1]:g}] /Contents {content} 0 R {page.more} "
        kids.append(add(f"{body} /Resources << /Font << /F 3 0 R >> /XObject << {names} >> >> >>".encode()))
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>".encode()
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode() + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


def picture_entries(values: Array, more: str = "", bits: int = 8, space: str = "/DeviceGray") -> str:
    colour = f"/ColorSpace {space} " if space else ""
    return f"/Type /XObject /Subtype /Image /Width {values.shape[1]} /Height {values.shape[0]} /BitsPerComponent {bits} {colour}{more}"


def scan(
    values: Array = GREY,
    dpi: float = 100,
    data: bytes | None = None,
    *,
    place: str | None = None,
    over: str = "",
    page: str = "",
    entries: str = "",
    bits: int = 8,
    space: str | None = None,
) -> PdfPage:
    """A page that one picture covers: `place` is the matrix that puts it there, `over` is drawn on top, `entries` go to the picture's dictionary."""
    height, width = values.shape[:2]
    size = (width * 72 / dpi, height * 72 / dpi)
    content = f"q {place or f'{size[0]:g} 0 0 {size[1]:g} 0 0'} cm /I Do Q {over}".encode()
    if space is None:
        space = "/DeviceGray" if values.ndim == 2 else "/DeviceRGB"
    return PdfPage(size, content, {"I": (picture_entries(values, entries, bits, space), values.tobytes() if data is None else data)}, page)


def g4_scan() -> PdfPage:
    made = g4_tiff(True)
    with Image.open(io.BytesIO(made)) as read:
        offset, length = read.tag_v2[273][0], read.tag_v2[279][0]
    fax = f"/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns {INK.shape[1]} /Rows {INK.shape[0]} >>"
    return scan(BILEVEL, 300, made[offset : offset + length], entries=fax, bits=1)


def encrypted_pdf() -> bytes:
    import pikepdf

    file = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(scan()))) as document:
        document.save(file, encryption=pikepdf.Encryption(owner="o", user="secret"))
    return file.getvalue()


TEXT = PdfPage((72, 36), b"BT /F 24 Tf 4 8 Td (Ink) Tj ET")

JPEG_IN_PDF = "/Filter /DCTDecode"
FLATE_IN_PDF = "/Filter /FlateDecode"


# --- the table ------------------------------------------------------------------------------------------------------------------------------

_16BIT = GREY.astype(np.uint16) * 257
_DIRTY_16BIT = _16BIT - (np.arange(_16BIT.size).reshape(_16BIT.shape) % 200).astype(np.uint16) * (_16BIT > 300)
_ALPHA = np.full(GREY.shape, 255, np.uint8)
_ALPHA[:, 20:] = 0
_ON_WHITE = np.where(_ALPHA == 0, 255, GREY).astype(np.uint8)
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
        ("grey4-transparent.png", lambda: png(packed(_INDICES * 7, 4), 40, 4, 0, (b"tRNS", b"\0\7")), ok(np.where(INK, 255, 0), None, "laid on white")),
        ("grey16.png", lambda: grey_png(_DIRTY_16BIT), ok(_DIRTY_16BIT >> 8)),
        ("grey16-transparent.png", lambda: grey_png(_16BIT, (b"tRNS", struct.pack(">H", 20 * 257))), ok(np.where(GREY == 20, 255, GREY))),
        ("grey16-of-12-bit.png", lambda: grey_png(GREY.astype(np.uint16) * 16), ok(GREY, None, "scaled as 12-bit")),
        ("rgb8.png", lambda: grey_png(COLOUR), ok(COLOUR)),
        ("rgb16.png", lambda: grey_png(COLOUR.astype(np.uint16) * 257), ok(COLOUR)),
        ("rgb-transparent-colour.png", lambda: grey_png(COLOUR, (b"tRNS", struct.pack(">HHH", *COLOUR[3, 6]))), ok(
            np.where((COLOUR == COLOUR[3, 6]).all(axis=2, keepdims=True), 255, COLOUR), None, "colour laid on white")),
        ("palette.png", lambda: png(packed(_INDICES, 1), 40, 1, 3, indexed), ok(np.array([[250, 240, 230], [10, 0, 90]])[_INDICES])),
        ("palette-of-greys.png", lambda: png(packed(_INDICES, 4), 40, 4, 3, grey_palette), ok(BILEVEL)),
        ("palette-transparent.png", lambda: png(packed(_INDICES, 8), 40, 8, 3, (b"PLTE", bytes(6)), (b"tRNS", b"\0")), ok(BILEVEL, None, "laid on white")),
        ("palette-short.png", lambda: png(packed(_INDICES, 8), 40, 8, 3, (b"PLTE", bytes([255] * 3))), ok(BILEVEL)),
        ("grey-alpha.png", lambda: png(rows_of(np.dstack([np.where(_ALPHA == 0, 0, GREY).astype(np.uint8), _ALPHA])), 40, 8, 4), ok(
            _ON_WHITE, None, "alpha laid on white")),
        ("rgba-black-below.png", lambda: png(rows_of(np.dstack([np.zeros((24, 40, 3), np.uint8), INK.astype(np.uint8) * 255])), 40, 8, 6), ok(
            np.dstack([BILEVEL] * 3), None, "alpha laid on white")),
        ("rgba-half.png", lambda: png(rows_of(np.dstack([np.zeros((24, 40, 3), np.uint8), np.full((24, 40), 128, np.uint8)])), 40, 8, 6), ok(
            np.full((24, 40, 3), 127), None, "alpha laid on white")),
        ("rgba-opaque.png", lambda: png(rows_of(np.dstack([COLOUR, np.full((24, 40), 255, np.uint8)])), 40, 8, 6), ok(COLOUR)),
        ("rgba-nothing.png", lambda: png(rows_of(np.dstack([COLOUR, np.zeros((24, 40), np.uint8)])), 40, 8, 6), ok(
            np.full((24, 40, 3), 255), None, "every pixel is transparent")),
        ("interlaced.png", lambda: interlaced_png(GREY), ok(GREY)),
        ("exif-turned.png", lambda: grey_png(tall[::-1], phys(3937, 7874), (b"eXIf", exif(orientation=6)[6:])), ok(
            COLOUR, (200, 100), "orientation 6 applied")),
        ("aspect-only.png", lambda: grey_png(GREY, phys(300, 300, unit=0)), ok(GREY)),
        ("dpi-0.png", lambda: grey_png(GREY, phys(0, 0)), ok(GREY, None, "cannot be true")),
        ("dpi-1.png", lambda: grey_png(GREY, phys(39, 39)), ok(GREY, None, "cannot be true")),
        ("dpi-huge.png", lambda: grey_png(GREY, phys(2**31, 2**31)), ok(GREY, None, "cannot be true")),
        ("animated.png", lambda: saved(GREY, "png", save_all=True, append_images=[Image.fromarray(WHITE)]), ok(GREY, None, "only the first is read")),
        ("one-pixel.png", lambda: grey_png(np.zeros((1, 1), np.uint8)), ok(np.zeros((1, 1)))),
        ("truncated.png", lambda: grey_png(np.random.default_rng(1).integers(0, 255, (99, 99), np.uint8))[:-4000], bad("truncated")),
        ("header-only.png", lambda: grey_png(GREY)[:20], bad("truncated")),
        ("wrong-checksum.png", lambda: grey_png(GREY)[:29] + b"\0\0\0\0" + grey_png(GREY)[33:], bad("damaged PNG")),
        ("no-area.png", lambda: png([], 0, 8, 0), bad("0 x 0", "without area")),
        ("missing-rows.png", lambda: png(rows_of(GREY), 40, 8, 0, height=30), bad("truncated")),
        ("bomb.png", bomb_png, bad("20001 x 20000", "400.0 megapixels", "limit of 400", "--max-megapixels 401", error=RefusedInput)),
    ]


def _jpeg_rows() -> list[Row]:
    near = np.repeat(COLOUR[..., :1], 3, axis=2)
    return [
        ("grey.jpg", lambda: jpeg(GREY, dpi=(240, 240)), ok(GREY, (240, 240), tolerance=6)),
        ("colour-progressive.jpg", lambda: jpeg(COLOUR, progressive=True), ok(COLOUR, None, tolerance=8)),
        ("centimetres.jpg", lambda: jpeg(GREY, dpi=(118, 118)).replace(b"JFIF\0\1\1\1", b"JFIF\0\1\1\2", 1), ok(GREY, (299.72, 299.72), tolerance=6)),
        ("exif-dpi.jpg", lambda: without_jfif(jpeg(GREY, exif=exif(x=350.0, y=350.0, unit=2))), ok(GREY, (350, 350), tolerance=6)),
        ("exif-without-dpi.jpg", lambda: without_jfif(jpeg(GREY, exif=exif(software="camera"))), ok(GREY, None, tolerance=6)),
        *[
            (f"turned-{n}.jpg", lambda n=n: jpeg(stored(GREY, n), exif=exif(orientation=n), dpi=(100, 200)), ok(
                GREY, (200, 100) if n > 4 else (100, 200), f"orientation {n} applied", tolerance=6))
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
        *[(f"{name}.tif", lambda name=name: compressed_tiff(COLOUR, name), ok(COLOUR)) for name in ("packbits", "tiff_lzw", "tiff_adobe_deflate")],
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
        ("signed16.tif", lambda: tiff(tiff_page(GREY.astype(np.int16) - 128)), ok(GREY, None, "stretched", tolerance=2)),
        ("float-0-1.tif", lambda: tiff(tiff_page(floats)), ok(GREY, None, "0..1")),
        ("float-be.tif", lambda: tiff(tiff_page(floats, ">"), order=">"), ok(GREY, None, "0..1")),
        ("float-0-255.tif", lambda: tiff(tiff_page(GREY.astype(np.float32))), ok(GREY, None, "0..255")),
        ("float-negative.tif", lambda: tiff(tiff_page(GREY.astype(np.float32) - 1000)), ok(GREY, None, "stretched", tolerance=2)),
        ("float-white-is-0.tif", lambda: tiff(tiff_page(1 - floats, photometric=0)), ok(GREY, None, "0..1")),
        ("float-nan.tif", lambda: tiff(tiff_page(nan)), bad("NaN", "8 or 16 bit")),
        ("float-infinity.tif", lambda: tiff(tiff_page(infinite)), bad("infinity")),
        ("float64.tif", lambda: tiff(tiff_page(floats.astype(np.float64))), bad("pixel layout that cannot be read", "8-bit grey or RGB")),
        ("cmyk.tif", lambda: tiff(tiff_page(np.asarray(Image.fromarray(COLOUR).convert("CMYK")), photometric=5)), ok(COLOUR, tolerance=1)),
        ("lab.tif", lambda: tiff(tiff_page(np.dstack([WHITE, WHITE * 0, WHITE * 0]), photometric=8)), ok(np.dstack([WHITE] * 3), None, "CIELab", tolerance=1)),
        ("rgba-premultiplied.tif", lambda: tiff(tiff_page(np.dstack([COLOUR * 0, INK * np.uint8(255)]), extra=1)), ok(np.dstack([BILEVEL] * 3), None, "alpha")),
        ("palette.tif", lambda: compressed_tiff(Image.fromarray(COLOUR).quantize(64), "tiff_lzw"), ok(COLOUR, None, tolerance=40)),
        ("tiff-dpi-centimetres.tif", lambda: tiff(tiff_page(GREY, x=[11811, 100], y=[11811, 100], unit=3)), ok(GREY, (300, 300))),
        ("tiff-dpi-no-unit.tif", lambda: tiff(tiff_page(GREY, x=[300, 1], y=[300, 1], unit=1)), ok(GREY)),
        ("tiff-dpi-infinite.tif", lambda: tiff(tiff_page(GREY, x=[300, 0], y=[300, 0], unit=2)), ok(GREY, None, "cannot be true")),
        *[
            (f"turned-{n}.tif", lambda n=n: tiff(tiff_page(stored(GREY, n), orientation=n, x=[204, 1], y=[98, 1], unit=2)), ok(
                GREY, (98, 204) if n > 4 else (204, 98), f"orientation {n} applied"))
            for n in (2, 3, 4, 5, 6, 7, 8)
        ],
        ("turned-lzw.tif", lambda: compressed_tiff(stored(COLOUR, 8), "tiff_lzw", tiffinfo={274: 8}), ok(COLOUR, None, "orientation 8 applied")),
        ("big.tif", lambda: tiff(tiff_page(GREY), tiff_page(WHITE), big=True), (ok(GREY), ok(WHITE))),
        ("big-be.tif", lambda: tiff(tiff_page(GREY, ">"), order=">", big=True), ok(GREY)),
        ("three-pages-second-damaged.tif", lambda: tiff(*three), (ok(GREY), bad("page 2 of", "damaged TIFF"), ok(WHITE))),
        ("first-of-two-unreadable.tif", lambda: tiff(tiff_page(GREY, bits=7), tiff_page(GREY)), (bad("page 1 of", "pixel layout"), ok(GREY))),
        ("page-of-no-area.tif", lambda: tiff(tiff_page(GREY), tiff_page(GREY, width=0)), (ok(GREY), bad("page 2 of", "without area"))),
        ("chain-lost.tif", lambda: tiff(tiff_page(GREY), tiff_page(GREY, lost=True)), (ok(GREY), bad("page 2 of", "truncated", "is not whole"))),
        ("circle.tif", lambda: tiff(tiff_page(GREY), tiff_page(WHITE), loop_to=0), (ok(GREY, None, "in a circle"), ok(WHITE, None, "in a circle"))),
        ("thumbnail.tif", lambda: tiff(tiff_page(GREY), tiff_page(GREY[::2, ::2], subfile=1)), ok(GREY, None, "1 reduced")),
        ("only-thumbnail.tif", lambda: tiff(tiff_page(GREY, subfile=1)), ok(GREY)),
        ("million-pages.tif", lambda: many_directories(1_000_000), _opening("more than 65536 pages", error=RefusedInput)),
        ("no-pages.tif", lambda: b"II*\0\0\0\0\0", _opening("without pages")),
        ("four-bytes.tif", lambda: b"II*\0", _opening("header is not whole")),
        ("truncated-strip.tif", lambda: tiff(tiff_page(GREY, data=GREY.tobytes()[:400], lost=False), order="<"), bad("truncated")),
        ("truncated-lzw.tif", lambda: _cut_strip(tiles), bad("damaged TIFF")),
        ("truncated-g4.tif", lambda: _cut_strip(compressed_tiff(Image.fromarray(np.random.default_rng(0).random((99, 99)) < 0.5), "group4")), bad("TIFF")),
        ("bomb.tif", lambda: tiff(tiff_page(GREY, width=100_000, length=100_000)), bad("10,000.0 megapixels", "100000 x 100000", error=RefusedInput)),
    ]


def _cut_strip(made: bytes) -> bytes:
    """The TIFF with its strip cut to a third and the count in the directory put right, so that only the code itself is short."""
    data = bytearray(made)
    directory = struct.unpack_from("<I", data, 4)[0]
    for index in range(struct.unpack_from("<H", data, directory)[0]):
        at = directory + 2 + 12 * index
        if struct.unpack_from("<H", data, at)[0] == 279:
            struct.pack_into("<I", data, at + 8, struct.unpack_from("<I", data, at + 8)[0] // 3)
    return bytes(data)


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
        ("trailing.pbm", lambda: pbm() + b"junk", ok(BILEVEL, None, "4 bytes behind the last picture ignored")),
        ("bomb.pgm", lambda: b"P5\n99999 99999\n255\n", bad("megapixels", error=RefusedInput)),
        ("bad-header.pgm", lambda: b"P5\nforty 24\n255\n", _opening("damaged PNM header")),
        ("alpha.webp", lambda: saved(Image.fromarray(np.dstack([COLOUR, _ALPHA])), "webp", lossless=True, exact=True), ok(
            np.where(_ALPHA[..., None] == 0, 255, COLOUR), None, "alpha laid on white")),
        ("animated.webp", lambda: saved(COLOUR, "webp", lossless=True, save_all=True, append_images=[Image.fromarray(255 - COLOUR)]), ok(
            COLOUR, None, "animation of 2 pictures")),
        ("truncated.webp", lambda: saved(COLOUR, "webp", lossless=True)[:-60], bad("WEBP")),
        ("grey.jp2", lambda: saved(GREY, "jpeg2000"), ok(GREY)),
        ("grey16.jp2", lambda: saved(Image.fromarray(_DIRTY_16BIT), "jpeg2000"), ok(_DIRTY_16BIT >> 8)),
        ("colour.j2k", lambda: saved(COLOUR, "jpeg2000", no_jp2=True), ok(COLOUR)),
        ("truncated.jp2", lambda: saved(COLOUR, "jpeg2000")[:200], bad("JPEG2000")),
        ("first-frame.gif", lambda: saved(GREY, "gif", save_all=True, append_images=[Image.fromarray(WHITE)]), ok(GREY, None, "only the first is read")),
        ("empty.png", lambda: b"", _opening("empty (0 bytes)")),
        ("one-byte.jpg", lambda: b"\xff", _opening("not a picture or PDF", "unknown bytes")),
        ("text.png", lambda: b"Dear reader,\nthis is a letter.\n", _opening("not a picture or PDF", "text", "Dear reader", "readable are PNG")),
        ("page.tif", lambda: b"<html><body>404</body></html>", _opening("a web page")),
        ("letter.pdf", lambda: b"PK\x03\x04" + bytes(100), _opening("ZIP archive")),
        ("phone.jpg", lambda: b"\0\0\0\x18ftypheic" + bytes(100), _opening("HEIC")),
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
    flipped = f"0 {24 * 0.72:g} {40 * 0.72:g} 0 0 0"
    hidden_text = "BT 3 Tr /F 12 Tf 2 2 Td (Ink) Tj ET"
    annotation = "/Annots [<< /Type /Annot /Subtype /Square /Rect [0 0 3 3] /C [1 0 0] >>]"
    return [
        ("scan-g4.pdf", lambda: pdf(g4_scan()), ok(BILEVEL, (300, 300), own)),
        ("scan-grey.pdf", lambda: pdf(scan()), ok(GREY, (100, 100), own)),
        ("scan-colour.pdf", lambda: pdf(scan(COLOUR, 600)), ok(COLOUR, (600, 600), own)),
        ("scan-jpeg.pdf", lambda: pdf(scan(GREY, 200, jpeg(GREY), entries=JPEG_IN_PDF)), ok(GREY, (200, 200), own, tolerance=6)),
        ("scan-inverted.pdf", lambda: pdf(scan(255 - GREY, entries="/Decode [1 0]")), ok(GREY, (100, 100), own)),
        ("scan-indexed.pdf", lambda: pdf(scan(GREY, data=np.packbits(INK, axis=1).tobytes(), bits=1, space="[/Indexed /DeviceRGB 1 <FFFFFF000000>]")), ok(
            BILEVEL, (100, 100), own)),
        ("scan-16-bit.pdf", lambda: pdf(scan(GREY, data=_16BIT.astype(">u2").tobytes(), bits=16)), ok(GREY, (100, 100), own)),
        ("scan-stencil.pdf", lambda: pdf(scan(GREY, data=np.packbits(~INK, axis=1).tobytes(), bits=1, space="", entries="/ImageMask true")), ok(
            BILEVEL, (100, 100), "rendered " + own)),
        ("scan-with-ocr-text.pdf", lambda: pdf(scan(over=hidden_text)), ok(GREY, (100, 100), "decoded " + own)),
        ("scan-annotated.pdf", lambda: pdf(scan(page=annotation)), ok(GREY, (100, 100), "rendered " + own, tolerance=255)),
        ("scan-clipped.pdf", lambda: pdf(scan(place="0 0 9999 9999 re W n 28.8 0 0 17.28 0 0")), ok(GREY, (100, 100), own)),
        *[
            (f"scan-page-turned-{angle}.pdf", lambda angle=angle, n=n: pdf(scan(stored(COLOUR, n), 100, page=f"/Rotate {angle}")), ok(
                COLOUR, (100, 100), f"orientation {n} applied"))
            for angle, n in ((90, 6), (180, 3), (270, 8))
        ],
        ("scan-placed-upside-down.pdf", lambda: pdf(scan(COLOUR[::-1, ::-1], place="-28.8 0 0 -17.28 28.8 17.28")), ok(COLOUR, (100, 100), "orientation 3")),
        ("scan-mirrored.pdf", lambda: pdf(scan(COLOUR[:, ::-1], place="-28.8 0 0 17.28 28.8 0")), ok(COLOUR, (100, 100), "orientation 2")),
        ("scan-anisotropic.pdf", lambda: pdf(PdfPage((40 * 72 / 204, 24 * 72 / 98), b"q 14.1176 0 0 17.6327 0 0 cm /I Do Q", scan().streams)), ok(
            GREY, (204, 98), own)),
        ("white-scan-under-text.pdf", lambda: pdf(scan(WHITE, 72, over="BT /F 9 Tf 2 2 Td (Ink) Tj ET")), ok(
            np.full((100, 167), 255), (300, 300), "rendered at 300 dpi", tolerance=255)),
        ("text.pdf", lambda: pdf(TEXT), ok(np.full((150, 300), 255), (300, 300), "rendered at 300 dpi", tolerance=255)),
        ("blank.pdf", lambda: pdf(PdfPage((72, 72), b"")), ok(np.full((300, 300), 255), (300, 300), "rendered at 300 dpi")),
        ("junk-before.pdf", lambda: b"junk\n" * 20 + pdf(scan()), ok(GREY, (100, 100), own)),
        ("mixed.pdf", lambda: pdf(TEXT, scan()), (ok(np.full((150, 300), 255), (300, 300), tolerance=255), ok(GREY, (100, 100), own))),
        ("second-scan-short.pdf", lambda: pdf(scan(), scan(data=GREY.tobytes()[:500]), scan()), (
            ok(GREY, (100, 100)), bad("page 2 of", "truncated picture", "500 bytes"), ok(GREY, (100, 100)))),
        ("second-jpeg-cut.pdf", lambda: pdf(scan(), scan(COLOUR, data=jpeg(COLOUR)[:-300], entries=JPEG_IN_PDF)), (
            ok(GREY, (100, 100)), bad("page 2 of", "truncated or damaged JPEG"))),
        ("flate-cut.pdf", lambda: pdf(scan(COLOUR, data=zlib.compress(COLOUR.tobytes())[:200], entries=FLATE_IN_PDF)), bad("truncated picture")),
        ("encrypted.pdf", encrypted_pdf, _opening("encrypted", "password")),
        ("huge-page.pdf", lambda: pdf(PdfPage((200_000, 200_000), b"")), bad("694,444", "200000 x 200000 pt", "limit of 400", error=RefusedInput)),
        ("large-page.pdf", lambda: pdf(PdfPage((7200, 7200), b"")), bad("900.0 megapixels", "--dpi 200", error=RefusedInput)),
        ("bomb-inside.pdf", lambda: pdf(scan(GREY, entries="/Width 90000 /Height 90000")), bad("8,100.0 megapixels", error=RefusedInput)),
        ("no-pages.pdf", lambda: pdf(), _opening("without pages")),
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
