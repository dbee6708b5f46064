"""The samples of a TIFF page, whatever its layout: strips or tiles, planes together or apart, 1 to 64 bits a sample, either byte order.

Codecs that pack bytes (none, Deflate, LZW, PackBits, ZSTD, LZMA) know nothing of samples. So their chunks are unpacked as bytes (Deflate by
zlib, the others by libtiff, which is told of an 8-bit grey picture as wide as a row has bytes) and what a byte means is settled here: predictor,
byte order, bits, planes. Pillow names a mode for some 60 combinations of these and refuses or garbles the rest (TIFF in 10, 12, 14 bits, 16-bit
colour in planes, grey with associated alpha, big-endian BigTIFF, ...). Codecs of pictures (JPEG, CCITT) go through libtiff as a whole, a plane at a
time where planes are apart; those whose strips are picture files (WebP, JPEG 2000, PNG) through the decoder of such files.
"""

from __future__ import annotations

import importlib
import io
import itertools
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from docbin.errors import InputError
from docbin.files.deep_jpeg2000 import is_deep, pixels_of
from docbin.files.limits import ReadOptions, pillow_limit_lifted
from docbin.files.tiff_directory import Directory, synthetic

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

Samples = NDArray[Any]

NONE, GROUP4, LZW, OLD_JPEG, JPEG, ADOBE_DEFLATE, PACKBITS, DEFLATE = 1, 4, 5, 6, 7, 8, 32773, 32946
BYTE_CODECS = frozenset((NONE, LZW, ADOBE_DEFLATE, PACKBITS, DEFLATE, 34925, 50000))
PICTURE_CODECS = frozenset((2, 3, 4, 6, 7, 32771, 32809, 34676, 34677))
_MOST_BEHIND = 16
"""So many times its size a Deflate strip may hold for its checksum to be looked at; of bombs it is not."""
FILE_CODECS = {
    33003: ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    33005: ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    34712: ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    34933: ("PIL.PngImagePlugin", "PngImageFile"),
    50001: ("PIL.WebPImagePlugin", "WebPImageFile"),
}
"""Compressions whose strips and tiles are whole picture files, which libtiff does not know or Pillow's does not bring, and who decodes them."""
_UNREADABLE = {
    9: "JBIG",
    10: "JBIG",
    34661: "JBIG",
    22610: "JPEG XR",
    34934: "JPEG XR",
    34887: "LERC",
    34892: "lossy JPEG of DNG",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
CCITT = frozenset((2, 3, 4, 32771))
YCBCR = 6

_MOST_CHANNELS = 32
_BLOCK = 1 << 24
"""Bits unpacked at a time, a byte each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a page's samples lie in the file.

    `subsampling`: pixels of luma for one of chroma, across and down. `tile`: its width and height, or None.
    """

    width: int
    height: int
    channels: int
    bits: int
    kind: str
    apart: bool
    compression: int
    predictor: int
    fill: int
    photometric: int
    subsampling: tuple[int, int]
    tile: tuple[int, int] | None
    rows: int
    order: str


def plan_of(directory: Directory, order: str, label: str, options: ReadOptions) -> Plan:
    """Read and check the layout tags.

    Raises
    ------
    InputError
        A layout that nobody can read: samples of different widths, complex numbers, no channels.
    RefusedInput
        Over the limit, padding of tiles included.
    """
    width, height = directory.get(256, 0), directory.get(257, 0)
    options.check_size(width, height, label)
    told = len(directory.values(258)) if directory.get(262, -1) in (2, 5, 6) else 1  # of colours the bits tell how many, too
    channels = directory.get(277, max(1, told))
    if not 1 <= channels <= _MOST_CHANNELS:
        raise InputError(f"{label}: TIFF of {channels} samples a pixel; convert the page to 8-bit grey or RGB")
    bits = {int(value) for value in directory.values(258)[:channels]} or {1}
    forms = {int(value) for value in directory.values(339)[:channels]} or {1}
    if len(bits) != 1 or len(forms) != 1 or not 1 <= min(bits) <= 64:
        said = f"{sorted(bits)} bits, formats {sorted(forms)}"
        raise InputError(
            f"{label}: TIFF with a pixel layout that cannot be read (samples of {said}); convert the page to 8-bit grey or RGB"
        )
    form, depth = forms.pop(), bits.pop()
    kind = {1: "u", 2: "i", 3: "f", 4: "u"}.get(form, "")
    fits = depth in (16, 32, 64) if kind == "f" else depth <= 32 or depth == 64
    if not kind or not fits:
        raise InputError(
            f"{label}: TIFF with a pixel layout that cannot be read ({depth}-bit samples of format {form}); convert the page to 8-bit grey or RGB"
        )
    compression = directory.get(259, NONE)
    if compression not in BYTE_CODECS | PICTURE_CODECS | FILE_CODECS.keys():
        name = _UNREADABLE.get(compression)
        said = f"as {name} ({compression})" if name else f"in a way of the number {compression}"
        raise InputError(
            f"{label}: the samples of this TIFF are compressed {said}, which cannot be read; save the page uncompressed or as PNG"
        )
    tile = None
    if 322 in directory and 323 in directory:
        tile = directory.get(322, 0), directory.get(323, 0)
        if min(tile) > 0:
            options.check_size(-(-width // tile[0]) * tile[0], -(-height // tile[1]) * tile[1], f"{label}, its tiles")
        else:
            tile = None
    rows = directory.get(278, height)
    photometric = directory.get(262, -1)
    if photometric < 0:  # as libtiff has it: CCITT counts ink, three channels are colours, the rest is light
        photometric = 0 if compression in CCITT else 2 if channels >= 3 else 1
    subsampling = (1, 1)
    if photometric == YCBCR and compression not in FILE_CODECS:
        given = [int(value) for value in directory.values(530)[:2]]
        subsampling = (given[0], given[1]) if len(given) == 2 else (2, 2)
        if not set(subsampling) <= {1, 2, 4} or channels < 3:
            raise InputError(
                f"{label}: YCbCr TIFF with subsampling {subsampling} of {channels} samples; convert the page to 8-bit grey or RGB"
            )
    return Plan(
        width,
        height,
        channels,
        depth,
        kind,
        channels > 1 and directory.get(284, 1) == 2,
        compression,
        directory.get(317, 1),
        directory.get(266, 1),
        photometric,
        subsampling,
        tile,
        min(max(1, rows), height) if rows else height,
        order,
    )


def chunks_of(stream: BinaryIO, directory: Directory, plan: Plan, label: str, notes: list[str], behind: int = 0) -> list[list[bytes]]:
    """The coded strips or tiles, a list for each plane (one list where planes are together), `behind` bytes behind where the directory says."""
    offsets = [int(value) + behind for value in directory.values(324) or directory.values(273)]
    counts = [int(value) for value in directory.values(325) or directory.values(279)]
    size = stream.seek(0, io.SEEK_END)
    across, down = grid_of(plan)
    wanted, planes = across * down, plan.channels if plan.apart else 1
    if len(offsets) < wanted * planes:
        raise InputError(
            f"{label}: truncated TIFF, it names {len(offsets)} of {wanted * planes} strips or tiles; copy, scan or export it again"
        )
    if len(counts) < len(offsets) or (
        plan.compression != NONE and not any(counts)
    ):  # libtiff: each reaches to the next, the last to the end
        ends = [*sorted(set(offsets)), size]
        counts = [ends[ends.index(offset) + 1] - offset for offset in offsets]
        notes.append("the TIFF does not say how long its strips are: taken to reach to the next one")
    found: list[list[bytes]] = []
    for plane in range(planes):
        found.append([])
        for index in range(wanted):
            offset, count = offsets[plane * wanted + index], counts[plane * wanted + index]
            if plan.compression == NONE:
                need = _chunk_bytes(plan, plane, index)
                if count < need and (count == 0 or wanted * planes == 1) and offset + need <= size:
                    notes.append(f"the TIFF gives {count} bytes for samples of {need}: read whole")
                count = need if count >= need or (count == 0 or wanted * planes == 1) else count
            if offset <= 0 or offset >= size or offset + count > size:
                have = max(0, min(count, size - offset)) if offset > 0 else 0
                if plan.compression in (NONE, *PICTURE_CODECS) or have == 0:
                    raise InputError(
                        f"{label}: truncated or damaged TIFF, {have} of {count} bytes of a strip are there; copy, scan or export it again"
                    )
                count = have  # the codec itself says whether samples are missing
            stream.seek(offset)
            found[-1].append(stream.read(count))
    return found


def samples_of(plan: Plan, chunks: list[list[bytes]], label: str) -> list[Samples]:
    """Planes of samples (H, W, channels of the plane): one of all channels, or one a channel; chroma planes of YCbCr may be smaller.

    Interleaved subsampled YCbCr is spread to full size and comes as one plane.
    """
    if plan.photometric == YCBCR and plan.subsampling != (1, 1) and not plan.apart:
        return [_subsampled(plan, chunks[0], label)]
    return [_plane(plan, plane, part, label) for plane, part in enumerate(chunks)]


def _size_of_plane(plan: Plan, plane: int) -> tuple[int, int, int]:
    """Width and height of a plane, and the rows of its strips."""
    if plan.photometric == YCBCR and plan.apart and plane in (1, 2):
        across, down = plan.subsampling
        return -(-plan.width // across), -(-plan.height // down), max(1, -(-plan.rows // down))
    return plan.width, plan.height, plan.rows


def grid_of(plan: Plan) -> tuple[int, int]:
    """Strips or tiles of a plane, across and down."""
    if plan.tile is None:
        return 1, -(-plan.height // plan.rows)
    return -(-plan.width // plan.tile[0]), -(-plan.height // plan.tile[1])


def _chunk_shape(plan: Plan, plane: int, index: int) -> tuple[int, int]:
    """Rows and pixels a row of strip or tile `index`."""
    width, height, rows = _size_of_plane(plan, plane)
    if plan.tile is not None:
        across, down = plan.subsampling if (width, height) != (plan.width, plan.height) else (1, 1)
        return -(-plan.tile[1] // down), -(-plan.tile[0] // across)
    return min(rows, height - index * rows), width


def _row_bytes(plan: Plan, pixels: int) -> int:
    return (pixels * (1 if plan.apart else plan.channels) * plan.bits + 7) // 8


def _chunk_bytes(plan: Plan, plane: int, index: int) -> int:
    rows, pixels = _chunk_shape(plan, plane, index)
    if plan.photometric == YCBCR and plan.subsampling != (1, 1) and not plan.apart:
        return _blocks(plan, rows, pixels)[2] * _blocks(plan, rows, pixels)[0] * _blocks(plan, rows, pixels)[1]
    return rows * _row_bytes(plan, pixels)


def _blocks(plan: Plan, rows: int, pixels: int) -> tuple[int, int, int]:
    """Rows of blocks, blocks a row, bytes a block of interleaved subsampled YCbCr."""
    across, down = plan.subsampling
    return -(-rows // down), -(-pixels // across), across * down + plan.channels - 1


def _unpacked(plan: Plan, chunks: list[bytes], shapes: list[tuple[int, int]], label: str) -> list[NDArray[np.uint8]]:
    """Chunks unpacked to bytes, each (rows, bytes a row) of `shapes`."""
    if plan.compression in (NONE, DEFLATE, ADOBE_DEFLATE):
        made = []
        for number, (chunk, (rows, row)) in enumerate(zip(chunks, shapes, strict=True), 1):
            if plan.fill == 2 and plan.compression == NONE:
                chunk = bits_turned(chunk)
            data = chunk if plan.compression == NONE else _inflated(chunk, rows * row)
            if len(data) < rows * row:
                raise InputError(
                    f"{label}: truncated or damaged TIFF, strip {number} holds {len(data)} of {rows * row} bytes; copy, scan or export it again"
                )
            made.append(np.frombuffer(data, np.uint8, rows * row).reshape(rows, row))
        return made
    # libtiff takes strips of equal length with a shorter last one, which strips and tiles are both
    rows, row = shapes[0]
    height = sum(shape[0] for shape in shapes)
    tags = {
        256: (4, struct.pack("<I", row)),
        257: (4, struct.pack("<I", height)),
        258: (3, struct.pack("<H", 8)),
        259: (3, struct.pack("<H", plan.compression)),
        262: (3, struct.pack("<H", 1)),
        266: (3, struct.pack("<H", plan.fill)),
        277: (3, struct.pack("<H", 1)),
        278: (4, struct.pack("<I", rows)),
    }
    image = tiff_image(synthetic(tags, chunks))
    image.load()
    whole = np.asarray(image)
    edges = [0, *itertools.accumulate(shape[0] for shape in shapes)]
    return [whole[start:end] for start, end in itertools.pairwise(edges)]


def _inflated(chunk: bytes, size: int) -> bytes:
    """The first `size` bytes of a zlib stream; zlib's error where it is damaged, its checksum among what tells so."""
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(chunk, size)
    # The checksum lies behind the last byte, where the first call may not have come to it; damaged code may hold far more than it should.
    left = _MOST_BEHIND * max(size, 1 << 16)
    while unpacking.unconsumed_tail and left > 0:
        left -= len(unpacking.decompress(unpacking.unconsumed_tail, 1 << 20))
    return data


def _plane(plan: Plan, plane: int, chunks: list[bytes], label: str) -> Samples:
    channels = 1 if plan.apart else plan.channels
    shapes = [_chunk_shape(plan, plane, index) for index in range(len(chunks))]
    parts = _unpacked(plan, chunks, [(rows, _row_bytes(plan, pixels)) for rows, pixels in shapes], label)
    return _joined(plan, plane, (_typed(plan, part, pixels, channels) for part, (_, pixels) in zip(parts, shapes, strict=True)), shapes)


def pictures_of(plan: Plan, chunks: list[list[bytes]], label: str) -> list[Samples]:
    """As :func:`samples_of`, of a page whose strips or tiles are picture files (:data:`FILE_CODECS`)."""
    planes = []
    for plane, part in enumerate(chunks):
        shapes = [_chunk_shape(plan, plane, index) for index in range(len(part))]
        files = (_of_file(plan, code, shape, label) for code, shape in zip(part, shapes, strict=True))
        planes.append(_joined(plan, plane, files, shapes))
    return planes


def _of_file(plan: Plan, code: bytes, shape: tuple[int, int], label: str) -> Samples:
    """The samples (rows, pixels, channels) of a strip or tile that is a picture file, of 8 bits or of the page's."""
    module, name = FILE_CODECS[plan.compression]
    channels = 1 if plan.apart else plan.channels
    with pillow_limit_lifted(shape[0] * shape[1]):
        image = getattr(importlib.import_module(module), name)(io.BytesIO(code))
        if image.size != shape[::-1]:
            raise InputError(
                f"{label}: damaged TIFF, a strip or tile of {shape[1]} x {shape[0]} pixels holds {image.width} x {image.height}; "
                "copy, scan or export it again"
            )
        image.load()
    values: Samples = np.atleast_3d(pixels_of(code) if module.startswith("PIL.Jpeg2K") and is_deep(image, code) else np.asarray(image))
    if values.dtype == np.bool_ or values.shape[2] + 1 < channels or plan.bits not in (8, 16):
        raise ValueError(f"unsupported: {plan.bits}-bit samples coded as a picture of mode {image.mode}")
    if values.shape[2] < channels:  # an alpha that is opaque everywhere is not coded
        values = np.dstack([values, np.full(values.shape[:2], np.iinfo(values.dtype).max, values.dtype)])
    values = values[..., :channels]
    if plan.bits == 16 and values.dtype == np.uint8:
        values = values * np.uint16(257)
    return values.astype(np.uint8 if plan.bits == 8 else np.uint16)


def _joined(plan: Plan, plane: int, parts: Iterable[Samples], shapes: list[tuple[int, int]]) -> Samples:
    """A plane out of the samples (rows, pixels, channels) of its strips or tiles; `shapes`: rows and pixels of each."""
    if plan.tile is None and len(shapes) == 1:
        return next(iter(parts))
    width, height, _ = _size_of_plane(plan, plane)
    channels = 1 if plan.apart else plan.channels
    out: Samples | None = None
    across, _ = grid_of(plan)
    top = 0
    for index, (typed, (rows, pixels)) in enumerate(zip(parts, shapes, strict=True)):
        if out is None:
            out = np.empty((height, width, channels), typed.dtype)
        left = 0 if plan.tile is None else index % across * pixels
        top = top if plan.tile is None else index // across * rows
        into = out[top : top + rows, left : left + pixels]
        into[...] = typed[: into.shape[0], : into.shape[1]]
        if plan.tile is None:
            top += rows
    assert out is not None
    return out


def _typed(plan: Plan, data: NDArray[np.uint8], pixels: int, channels: int) -> Samples:
    """Bytes (rows, bytes a row) as samples (rows, pixels, channels), the predictor undone."""
    rows, bits = data.shape[0], plan.bits
    if plan.predictor == 3 and plan.kind == "f" and plan.compression != NONE:
        return _float_predicted(plan, data, pixels, channels)
    if bits in (8, 16, 32, 64):
        code = ("i" if plan.kind == "i" and bits > 8 else "u" if plan.kind != "f" or plan.predictor == 2 else "f") + str(bits // 8)
        values = np.ascontiguousarray(data).view(np.dtype(plan.order + code)).reshape(rows, pixels, channels)
        if plan.predictor == 2 and plan.compression != NONE:
            values = np.add.accumulate(values, axis=1, dtype=np.dtype(code))
            if plan.kind == "f":
                values = values.view(np.dtype(f"f{bits // 8}"))
        return values
    if plan.predictor == 2 and plan.compression != NONE:
        raise ValueError(f"unsupported: a predictor over {bits}-bit samples")
    if bits == 24:
        octets = data.reshape(rows, pixels, channels, 3).astype(np.uint32)
        low, high = (0, 2) if plan.order == "<" else (2, 0)
        return octets[..., low] | octets[..., 1] << 8 | octets[..., high] << 16
    return numbers_of(data, bits, pixels * channels).reshape(rows, pixels, channels)


def numbers_of(data: NDArray[np.uint8], bits: int, count: int) -> Samples:
    """Numbers of `bits` bits, most significant first, `count` a row; rows begin at whole bytes."""
    if bits == 1:
        return np.unpackbits(data, axis=1, count=count)
    out = np.empty((data.shape[0], count), np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32)
    step = max(1, _BLOCK // max(1, count * bits))
    for top in range(0, data.shape[0], step):
        loose = np.unpackbits(data[top : top + step], axis=1, count=count * bits).reshape(-1, count, bits)
        values = np.zeros(loose.shape[:2], out.dtype)
        for bit in range(bits):
            values <<= 1
            values |= loose[..., bit]
        out[top : top + step] = values
    return out


def _float_predicted(plan: Plan, data: NDArray[np.uint8], pixels: int, channels: int) -> Samples:
    """Predictor 3 (TIFF technical note 3): differences of bytes, the bytes of a row sorted by significance, highest first."""
    octets, count = plan.bits // 8, pixels * channels
    summed = np.add.accumulate(data.reshape(data.shape[0], -1, channels), axis=1, dtype=np.uint8)
    sorted_back = np.ascontiguousarray(summed.reshape(data.shape[0], octets, count).transpose(0, 2, 1))
    return sorted_back.view(f">f{octets}").reshape(data.shape[0], pixels, channels)


def _subsampled(plan: Plan, chunks: list[bytes], label: str) -> Samples:
    """Interleaved YCbCr (TIFF 6.0, page 95): blocks of luma, then one Cb and one Cr, spread over the block."""
    if plan.bits != 8:
        raise ValueError("unsupported: subsampled YCbCr of other than 8 bits")
    shapes = [_chunk_shape(plan, 0, index) for index in range(len(chunks))]
    across, down = plan.subsampling
    blocks = [_blocks(plan, *shape) for shape in shapes]
    parts = _unpacked(plan, chunks, [(rows, count * size) for rows, count, size in blocks], label)
    out = np.empty((plan.height, plan.width, 3), np.uint8)
    tiles, _ = grid_of(plan)
    top = 0
    for index, (part, (rows, count, size), (high, wide)) in enumerate(zip(parts, blocks, shapes, strict=True)):
        units = part.reshape(rows, count, size)
        luma = units[..., : across * down].reshape(rows, count, down, across).swapaxes(1, 2).reshape(rows * down, count * across)
        left = 0 if plan.tile is None else index % tiles * wide
        top = top if plan.tile is None else index // tiles * high
        into = out[top : top + high, left : left + wide]
        into[..., 0] = luma[: into.shape[0], : into.shape[1]]
        for channel in (1, 2):
            chroma = units[..., across * down + channel - 1].repeat(down, axis=0).repeat(across, axis=1)
            into[..., channel] = chroma[: into.shape[0], : into.shape[1]]
        if plan.tile is None:
            top += high
    return out


def bits_turned(data: bytes) -> bytes:
    """Every byte with its bits in the other order (fill order 2)."""
    return _REVERSED[np.frombuffer(data, np.uint8)].tobytes()


_REVERSED = np.array([int(f"{byte:08b}"[::-1], 2) for byte in range(256)], np.uint8)


def tiff_image(data: bytes) -> TiffImageFile:
    """Pillow's TIFF plugin on `data`, without its pixel limit (ours has been checked)."""
    return _tiff_class()(io.BytesIO(data))


def _tiff_class() -> type[TiffImageFile]:
    """Defined on first use, because Pillow is imported lazily."""
    global _TIFF_CLASS
    if _TIFF_CLASS is None:
        from PIL.Image import core  # type: ignore[attr-defined]
        from PIL.TiffImagePlugin import TiffImageFile

        class UnlimitedTiff(TiffImageFile):
            def load_prepare(self) -> None:
                if self._im is None:
                    self.im = core.new(self.mode, getattr(self, "_tile_size", self.size))
                super().load_prepare()

        _TIFF_CLASS = UnlimitedTiff
    return _TIFF_CLASS


_TIFF_CLASS: type[TiffImageFile] | None = None
