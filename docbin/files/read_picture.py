"""PNG, JPEG, BMP, WebP, JPEG 2000, GIF (and plain PNM): one picture a file, decoded by Pillow.

The plugin of the kind is called directly, not through ``Image.open``: no other decoder gets to see the bytes, and Pillow's pixel limit (a module
global that belongs to the host program) is neither consulted nor changed; ours is checked on the header first. OpenCV decodes nothing here: it
returns full-size pictures for truncated JPEG without a word.

Of an animation (GIF, WebP, APNG) the first picture is read, with a note.
"""

from __future__ import annotations

import contextlib
import importlib
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

from docbin.files.access import decoding
from docbin.files.limits import ReadOptions, pillow_limit_lifted
from docbin.files.modes import Picture
from docbin.files.orientation import turned, upright
from docbin.files.pagefile import Decoded
from docbin.files.resolution import exif, number, of_picture

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
}


class PictureReader:
    """Reader of a single picture; see :class:`docbin.files.pagefile.Reader`."""

    count = 1

    def __init__(self, stream: BinaryIO, name: str, kind: str, options: ReadOptions) -> None:
        self.notes: list[str] = []
        self._stream = stream
        self._kind = kind
        self._options = options

    def decode(self, number: int, label: str) -> Decoded:
        with decoding(label, self._kind):
            self._stream.seek(0)
            head = self._stream.read(32)
            self._stream.seek(0)
            module, plugin = _PLUGINS[self._kind]
            with self._canvas_admitted(head, label):
                image: PillowImage.Image = getattr(importlib.import_module(module), plugin)(self._stream)
                self._options.check_size(*image.size, label)
                image.load()
            bits = head[24] if self._kind == "png" else 8  # IHDR: bit depth
            return finish(image, self._kind, label, bits)

    def _canvas_admitted(self, head: bytes, label: str) -> contextlib.AbstractContextManager[None]:
        """WebP and GIF plugins allocate their canvas, and ask Pillow's limit, before one can ask them for their size: so it is read here."""
        size = _canvas(head)
        if size is None:
            return contextlib.nullcontext()
        self._options.check_size(*size, label)
        return pillow_limit_lifted(size[0] * size[1])

    def close(self) -> None:
        """Nothing of its own to close."""


def finish(image: PillowImage.Image, kind: str, label: str, sample_bits: int = 8) -> Decoded:
    """A loaded picture as a page: pixels by the mode table, upright by its EXIF orientation (applied here, once), its resolution."""
    picture = Picture(image, label, sample_bits=sample_bits)
    pixels = picture.pixels()
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
