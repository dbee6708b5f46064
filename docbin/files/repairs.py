"""Files that are whole though a strict decoder refuses them: a JPEG that lacks only its end marker, a PNG whose metadata alone is large or damaged.

Each function proves what it assumes: a JPEG is taken for whole only where what follows its last byte makes no difference to any pixel.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import numpy as np

from docbin.files.broken_off import has_wrong_checksum, png_chunks

END_OF_IMAGE = b"\xff\xd9"

_LARGE_CHUNK = 1 << 16
_METADATA = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")


def jpeg_with_end(data: bytes) -> bytes | None:
    """The JPEG with the end marker it lacks; None where it has one, or where pixels are missing too.

    The decoder is given two different continuations. Where all pixels are coded it needs neither and both decodes are equal; where the code
    breaks off, it reads on into them and they differ.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    if END_OF_IMAGE in data[-1024:]:
        return None
    tail = data[:-1] if data.endswith(b"\xff") else data
    decoded = []
    for filling in (b"\x00" * 64, b"\xa5\x5a\x3c" * 22):
        image = JpegImageFile(io.BytesIO(tail + filling + END_OF_IMAGE))
        image.load()
        decoded.append(np.asarray(image))
    return tail + END_OF_IMAGE if np.array_equal(decoded[0], decoded[1]) else None


def png_without_odd_metadata(stream: BinaryIO) -> tuple[BinaryIO, str | None]:
    """The PNG less side chunks that say nothing about the pixels and for which Pillow refuses the file, and a note of what was left out: text and
    colour profiles of more than 64 kB (1 kB where compressed: they could unpack to it), and damaged ones.

    The stream itself comes back where nothing is left out.
    """
    parts, large, damaged = [(0, 8)], [], []
    for kind, at, length in png_chunks(stream):
        packed = kind in (b"zTXt", b"iTXt", b"iCCP")
        if kind in _METADATA and length > (1024 if packed else _LARGE_CHUNK):
            large.append(kind.decode())
        elif kind != b"tRNS" and has_wrong_checksum(stream, kind, at, length):
            damaged.append(kind.decode("latin-1"))
        else:
            parts.append((at, length + 12))
    stream.seek(0)
    notes = [
        f"{what} of the PNG ({', '.join(sorted(set(kinds)))}) left out"
        for what, kinds in (("metadata", large), ("damaged metadata", damaged))
        if kinds
    ]
    if not notes:
        return stream, None
    out = io.BytesIO()
    for start, length in parts:
        stream.seek(start)
        out.write(stream.read(length))
    out.seek(0)
    return out, "; ".join(notes)
