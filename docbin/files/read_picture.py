"""PNG, JPEG, BMP, WebP, JPEG 2000, GIF, AVIF, HEIC (and plain PNM): one picture a file, decoded by Pillow.

The plugin of the kind is called directly, not through ``Image.open``: no other decoder gets to see the bytes, and Pillow's pixel limit (a module
global that belongs to the host program) is neither consulted nor changed; ours is checked on the header first. OpenCV decodes nothing here: it
returns full-size pictures for truncated JPEG without a word.

HEIC needs the extra `heif` (pillow-heif). What only looks damaged is repaired first (:mod:`docbin.files.repairs`), with a note.

Of an animation (GIF, WebP, APNG) the first picture is read, with a note.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from docbin.errors import InputError, MissingExtra
from docbin.files.access import decoding
from docbin.files.broken_off import ends_grey, jpeg_breaks_off, jpeg_lacks_scans, png_breaks_off
from docbin.files.deep_jpeg2000 import is_deep, pixels_of
from docbin.files.limits import ReadOptions, pillow_limit_lifted
from docbin.files.modes import Picture, is_grey
from docbin.files.orientation import turned, upright
from docbin.files.pagefile import Decoded
from docbin.files.plain_png import plain_png
from docbin.files.read_bmp import run_length_bmp, size_of
from docbin.files.repairs import END_OF_IMAGE, jpeg_with_end, png_without_odd_metadata
from docbin.files.resolution import believable, exif, number, of_picture
from docbin.page import Image

if TYPE_CHECKING:
    from PIL import Image as PillowImage

_PLUGINS = {
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "jpeg2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "pnm": ("PIL.PpmImagePlugin", "PpmImageFile"),
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "heic": ("pillow_heif", "HeifImageFile"),
}

_WORKING_BYTES = {"webp": 18.0, "avif": 14.0, "heic": 14.0}
"""Bytes a pixel that decoders with canvases of their own take, whatever the picture holds: WebP's animation decoder keeps two RGBA canvases."""

_BANDS = {"1": 1, "L": 1, "P": 1, "LA": 4, "La": 4, "PA": 4, "I;16": 2, "I;16B": 2, "I": 4, "F": 4}
"""Bytes a pixel of a Pillow image; 4 for all other modes."""


class PictureReader:
    """Reader of a single picture; see :class:`docbin.files.pagefile.Reader`."""

    count = 1

    def __init__(self, stream: BinaryIO, name: str, kind: str, options: ReadOptions) -> None:
        self.notes: list[str] = []
        self._stream = stream
        self._kind = kind
        self._options = options

    def decode(self, number: int, label: str) -> Decoded:
        notes: list[str] = []
        with decoding(label, self._kind):
            stream = self._sound_stream(label, notes)
            if self._kind == "bmp" and (found := self._run_length(label)) is not None:
                return found
            head = stream.read(32)
            stream.seek(0)
            with self._canvas_admitted(head, label):
                image: PillowImage.Image = _plugin(self._kind, label)(stream)
                self._options.check_size(*image.size, label)
                self._options.check_bytes(*image.size, _bytes_a_pixel(image, self._kind), label)
                if self._kind == "png" and (pixels := plain_png(stream)) is not None:
                    return finish(_told_of(image), self._kind, label, notes=notes, pixels=pixels)
                image.load()
            self._check_to_the_end(image, stream, label)
            if self._kind == "jpeg2000" and len(image.getbands()) > 1:
                image = self._deep(image, stream, label)
            bits = head[24] if self._kind == "png" else 8  # IHDR: bit depth
            return finish(image, self._kind, label, bits, notes)

    def _check_to_the_end(self, image: PillowImage.Image, stream: BinaryIO, label: str) -> None:
        """InputError where the code ends before the pixels and the decoder says nothing of it."""
        missing = None
        if self._kind == "jpeg":
            progressive = bool(image.info.get("progressive"))
            if progressive or ends_grey(np.asarray(image.crop((image.width - 1, image.height - 1, image.width, image.height)))):
                stream.seek(0)
                data = stream.read()
                if (progressive and jpeg_lacks_scans(data)) or jpeg_breaks_off(data, np.asarray(image), _jpeg_pixels):
                    missing = "its code ends before its pixels"
        elif self._kind == "png" and _last_row_is_empty(image) and (counts := png_breaks_off(stream)) is not None:
            missing = f"{counts[0]} of {counts[1]} bytes of samples are there"
        if missing is not None:
            raise InputError(f"{label}: truncated or damaged {self._kind.upper()} ({missing}); copy, scan or export it again")

    def _deep(self, image: PillowImage.Image, stream: BinaryIO, label: str) -> PillowImage.Image:
        """The picture itself, or what Pillow should have made of a JPEG 2000 of more than 8 bits."""
        stream.seek(0)
        data = stream.read()
        if not is_deep(image, data):
            return image
        from PIL import Image as pillow

        self._options.check_bytes(*image.size, 9.0 * len(image.getbands()), label)
        return pillow.fromarray(pixels_of(data))

    def _sound_stream(self, label: str, notes: list[str]) -> BinaryIO:
        """The stream from its start, repaired where it lacks nothing that matters."""
        self._stream.seek(0)
        if self._kind == "png":
            stream, note = png_without_odd_metadata(self._stream)
            notes += [note] if note else []
            return stream
        if self._kind == "jpeg":
            size = self._stream.seek(0, io.SEEK_END)
            self._stream.seek(max(0, size - 1024))
            if END_OF_IMAGE not in self._stream.read():
                self._stream.seek(0)
                data = self._stream.read()
                self._options.check_size(*_plugin("jpeg", label)(io.BytesIO(data)).size, label)
                mended = jpeg_with_end(data)
                if mended is not None:
                    notes.append("the JPEG lacks its end marker, but no pixel")
                    return io.BytesIO(mended)
            self._stream.seek(0)
        return self._stream

    def _run_length(self, label: str) -> Decoded | None:
        """A run-length coded BMP; None where it is another one."""
        head = self._stream.read(64)
        self._stream.seek(0)
        size = size_of(head)
        if size is None or min(size) <= 0:
            return None
        self._options.check_size(*size, label)
        try:
            found = run_length_bmp(self._stream.read())
        except InputError as error:
            raise InputError(f"{label}: {error}") from None
        self._stream.seek(0)
        if found is None:
            return None
        pixels, (x, y) = found
        notes: list[str] = []
        dpi = believable(x * 0.0254, y * 0.0254, notes) if x > 0 and y > 0 else None
        return Decoded(np.ascontiguousarray(pixels[..., 0]) if is_grey(pixels) else pixels, dpi, notes)

    def _canvas_admitted(self, head: bytes, label: str) -> contextlib.AbstractContextManager[None]:
        """WebP and GIF plugins allocate their canvas, and ask Pillow's limit, before one can ask them for their size: so it is read here."""
        size = _canvas(head)
        if size is None:
            return contextlib.nullcontext()
        self._options.check_size(*size, label)
        return pillow_limit_lifted(size[0] * size[1])

    def close(self) -> None:
        """Nothing of its own to close."""


def _plugin(kind: str, label: str) -> Callable[[BinaryIO], PillowImage.Image]:
    """The Pillow plugin of a kind."""
    module, name = _PLUGINS[kind]
    try:
        plugin: Callable[[BinaryIO], PillowImage.Image] = getattr(importlib.import_module(module), name)
    except ImportError as error:
        if kind != "heic":
            raise
        raise MissingExtra(
            f"{label}: a HEIC picture needs the extra 'heif': pip install 'docbin[heif]', or save the picture as JPEG or PNG"
        ) from error
    return plugin


def _jpeg_pixels(data: bytes) -> np.ndarray[Any, Any]:
    from PIL.JpegImagePlugin import JpegImageFile

    image = JpegImageFile(io.BytesIO(data))
    image.load()
    return np.asarray(image)


def _told_of(image: PillowImage.Image) -> PillowImage.Image:
    """What a PNG says of itself, on a picture of a pixel: the plugin decodes its own before it answers for its EXIF data."""
    from PIL import Image as pillow

    told = pillow.new("L", (1, 1))
    told.info = image.info
    return told


def _last_row_is_empty(image: PillowImage.Image) -> bool:
    return image.crop((0, image.height - 1, image.width, image.height)).getbbox(alpha_only=False) is None


def _bytes_a_pixel(image: PillowImage.Image, kind: str) -> float:
    """Memory that decoding takes: the decoder's own, Pillow's image, the page."""
    stored = _BANDS.get(image.mode, 4)
    page = 1 if image.mode in ("1", "L", "LA", "La", "I;16", "I", "F") else 3
    if kind in _WORKING_BYTES:
        return _WORKING_BYTES[kind]
    if kind == "jpeg2000":
        return 5 * len(image.getbands()) + stored + page
    if kind == "jpeg" and image.info.get("progressive"):
        return 2 * len(image.getbands()) + stored + page
    return stored + page + (4 if image.mode in ("I", "F") else 3 if image.mode.startswith("I;16") else 0)


def finish(
    image: PillowImage.Image, kind: str, label: str, sample_bits: int = 8, notes: list[str] | None = None, pixels: Image | None = None
) -> Decoded:
    """A loaded picture as a page: pixels by the mode table (or those given, decoded already), upright by its EXIF orientation (applied here, once),
    its resolution."""
    picture = Picture(image, label, sample_bits=sample_bits, zero_is_opaque=kind == "bmp")
    picture.notes += notes or []
    pixels = picture.pixels() if pixels is None else pixels
    notes = picture.notes
    position = _orientation(image)
    if position != 1:
        pixels = upright(pixels, position)
        notes.append(f"orientation {position} applied")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(f"animation of {frames} pictures: only the first is read")
    return Decoded(pixels, turned(of_picture(image, kind, notes), position), notes)


def _canvas(head: bytes) -> tuple[int, int] | None:
    """Width and height from the first 32 bytes of a GIF or WebP, None for other kinds (GIF89a section 18; RFC 9649, RFC 6386 section 9.1)."""
    if head.startswith(b"GIF") and len(head) >= 10:
        width, height = struct.unpack_from("<HH", head, 6)
        return width, height
    if head[8:12] != b"WEBP" or len(head) < 30:
        return None
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


def _orientation(image: Any) -> int:
    position = number(exif(image).get(274, 1))
    return int(position) if position in range(1, 9) else 1
