"""Builders of page files, byte by byte: PNG, JPEG, TIFF, PNM, PDF. Everything odd is made with struct, so that no encoder quietly repairs it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]

INK = np.zeros((24, 40), bool)  # a letter F: no symmetry, so that every turn and mirror shows
INK[3:21, 6:10] = INK[3:7, 6:30] = INK[11:14, 6:22] = True
BILEVEL = np.where(INK, 0, 255).astype(np.uint8)
GREY = np.where(INK, 20, 230).astype(np.uint8)
GREY[:, 33:] = np.arange(24 * 7, dtype=np.uint8).reshape(24, 7)
COLOUR = np.stack([GREY, GREY // 2, 255 - GREY], axis=2)
WHITE = np.full_like(GREY, 255)


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
    data = bytearray(
        saved(Image.frombytes("CMYK", cmyk.shape[1::-1], (255 - stored_samples).tobytes()), "jpeg", quality=100, subsampling=0)
    )
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


def g4_strip(ink: Array) -> bytes:
    """The CCITT G4 code of a picture by libtiff, ink coded black."""
    made = saved(Image.fromarray(ink), "tiff", compression="group4", tiffinfo={278: ink.shape[0]})
    with Image.open(io.BytesIO(made)) as read:
        offset, length = read.tag_v2[273][0], read.tag_v2[279][0]
    return made[offset : offset + length]


def g4_tiff(white_is_zero: bool, directory_first: bool = False) -> bytes:
    """G4 as fax machines write it (ink coded black, 0 is white), or its MinIsBlack twin (same picture, inverted code)."""
    strip = g4_strip(INK if white_is_zero else ~INK)
    dpi: dict[str, Any] = {"x": [300, 1], "y": [300, 1]}
    page = tiff_page(BILEVEL, bits=1, compression=4, photometric=0 if white_is_zero else 1, format=None, data=strip, **dpi)
    if not directory_first:
        return tiff(page)
    # The code goes behind the directory, so that cutting the file cuts the code.
    page.data, page.tags[279] = b"", (4, [len(strip)])
    made = bytearray(tiff(page))
    directory = struct.unpack_from("<I", made, 4)[0]
    for index in range(struct.unpack_from("<H", made, directory)[0]):
        at = directory + 2 + 12 * index
        if struct.unpack_from("<H", made, at)[0] == 273:
            struct.pack_into("<I", made, at + 8, len(made))
    return bytes(made) + strip


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
    fax = f"/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns {INK.shape[1]} /Rows {INK.shape[0]} >>"
    return scan(BILEVEL, 300, g4_strip(INK), entries=fax, bits=1)


def encrypted_pdf() -> bytes:
    import pikepdf

    file = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(scan()))) as document:
        document.save(file, encryption=pikepdf.Encryption(owner="o", user="secret"))
    return file.getvalue()


TEXT = PdfPage((72, 36), b"BT /F 24 Tf 4 8 Td (Ink) Tj ET")

JPEG_IN_PDF = "/Filter /DCTDecode"
FLATE_IN_PDF = "/Filter /FlateDecode"


def cut_strip(made: bytes) -> bytes:
    """The TIFF with its strip cut to a third and the count in the directory put right, so that only the code itself is short."""
    data = bytearray(made)
    directory = struct.unpack_from("<I", data, 4)[0]
    for index in range(struct.unpack_from("<H", data, directory)[0]):
        at = directory + 2 + 12 * index
        if struct.unpack_from("<H", data, at)[0] == 279:
            struct.pack_into("<I", data, at + 8, struct.unpack_from("<I", data, at + 8)[0] // 3)
    return bytes(data)
