"""TIFF: every page lazily, each one opened as if it were alone in the file.

A TIFF is a chain of directories (IFDs). We walk the chain ourselves (a few reads a page), because the usual way, seeking frame by frame, cannot reach
what lies behind a damaged page, compares every directory with every earlier one (a million directories never end) and counts thumbnails as pages.

* A chain that loops back ends there, with a note. A chain that points outside the file has one page more, which fails: pages are never lost silently.
* Reduced copies and transparency masks (NewSubfileType bits 0 and 2: pyramids, thumbnails) are no pages and are left out, with a note, unless
  the file has nothing else or they are as large as its pages. Where the chain holds thumbnails alone, the pages are below them (SubIFDs).
* ImageJ gives the first picture of a large stack a directory and lays the others behind it without one; its description says how many there are.
* Samples are laid out by :mod:`docbin.files.tiff_samples`; here they become colours (photometric interpretation, extra samples, palette). Where a
  picture codec (CCITT, JPEG, ...) has all the samples of a pixel in one stream, libtiff by way of Pillow gives colours at once.
* Doubtful files are read as libtiff shows them: no photometric interpretation means light (ink for CCITT), a palette without an entry over
  255 holds 8-bit values, tiles may stand under the tags of strips. What is left out (an extra sample of no stated meaning) is noted.
"""

from __future__ import annotations

import io
import math
import re
import struct
from collections.abc import Callable, Collection
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from docbin.errors import InputError
from docbin.files import tiff_samples
from docbin.files.access import decoding
from docbin.files.broken_off import FILLING, MOST_CHECKED, ends_grey, group4_breaks_off, jpeg_breaks_off
from docbin.files.libtiff_messages import libtiff_messages
from docbin.files.limits import MAX_PAGES, ReadOptions
from docbin.files.modes import Picture, lab_to_rgb, laid_on_white, scale_floats, scale_integers
from docbin.files.orientation import turned, upright
from docbin.files.pagefile import Decoded
from docbin.files.resolution import from_tags
from docbin.files.tiff_directory import Directory, Layout, synthetic
from docbin.files.tiff_samples import BYTE_CODECS, FILE_CODECS, OLD_JPEG, YCBCR, Plan, Samples
from docbin.page import Image

_SUBFILE, _OLD_SUBFILE, _SUB_DIRECTORIES = 254, 255, 330
_MOST_SUB_DIRECTORIES = 64
_DESCRIPTION = 270
_IMAGEJ_COUNT = re.compile(rb"\AImageJ=[^\0]*?\nimages=(\d{1,9})\n")
_KEPT_FOR_CODECS = (254, 256, 257, 258, 259, 262, 266, 277, 278, 284, 292, 293, 317, 320, 322, 323, 332, 338, 339, 347, 529, 530, 531, 532)
_JPEG_TABLES = 347
_OLD_JPEG_TAGS = tuple(range(512, 522))
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 4, 6: 3, 8: 3, 9: 3, 34892: 0}
"""Photometric interpretation -> samples that are colour; 0 for as many as there are."""
MOST_BAD_LINES = 0.05
"""Share of a fax's lines that cannot be decoded above which the page is refused; fewer, as a bad connection leaves them, are told."""


class TiffReader:
    """Reader of TIFF and BigTIFF; see :class:`docbin.files.pagefile.Reader`."""

    def __init__(self, stream: BinaryIO, name: str, kind: str, options: ReadOptions) -> None:
        self.notes: list[str] = []
        self._stream = stream
        self._options = options
        self._size = stream.seek(0, io.SEEK_END)
        header = self._read(0, 16)
        if len(header) < 8 or (header[2:4] in (b"+\0", b"\0+") and len(header) < 16):
            raise InputError(f"{name}: truncated TIFF, the header is not whole; copy or scan it again")
        self._header = header
        self._layout = Layout(header)
        self._apart = 0  # bytes from one picture of an ImageJ stack to the next
        self._offsets = self._walk(name)
        self.count = len(self._offsets)

    def _read(self, at: int, size: int) -> bytes:
        self._stream.seek(at)
        return self._stream.read(size)

    def _directory(self, offset: int) -> tuple[Directory, int] | None:
        """The directory at `offset` and the offset of the next one; None where it does not lie whole within the file."""
        layout = self._layout
        if not layout.header_size <= offset <= self._size - layout.counter_size:
            return None
        entries = layout.number(layout.counter, self._read(offset, layout.counter_size))
        length = entries * layout.entry
        if not 0 < entries <= 65535 or offset + layout.counter_size + length > self._size:
            return None
        body = self._stream.read(length + layout.pointer_size)
        following = layout.number(layout.pointer, body, length) if len(body) >= length + layout.pointer_size else 0
        return Directory(self._stream, offset, body[:length], layout), following

    def _walk(self, name: str) -> list[int]:
        """Offsets of the pages' directories; the last may be bad, and then fails when its page is asked for."""
        pages: list[int] = []
        reduced: list[Directory] = []
        masks = largest = 0
        seen: dict[int, None] = {}  # in the order of the chain
        offset = self._layout.number(self._layout.pointer, self._header, self._layout.first_at)
        while offset and len(seen) <= MAX_PAGES:
            if offset in seen:
                self.notes.append("the chain of TIFF pages runs in a circle and is cut there")
                break
            seen[offset] = None
            found = self._directory(offset)
            if found is None:
                pages.append(offset)
                break
            directory, following = found
            kind = directory.get(_SUBFILE, 0) if _SUBFILE in directory else directory.get(_OLD_SUBFILE, 1) == 2
            if kind & 0b101:
                reduced.append(directory)
                masks += bool(kind & 0b100)
            else:
                pages.append(offset)
                largest = max(largest, _area(directory))
            offset = following
        self._options.check_pages(len(seen), name)
        if not seen:
            raise InputError(f"{name}: a TIFF without pages; scan or export it again")
        if not pages:
            return self._pages_below(reduced) or [directory.offset for directory in reduced]
        if masks == 0 and largest:  # what is as large as a page is no reduced copy of one
            mistaken = [directory.offset for directory in reduced if _area(directory) >= largest]
            if mistaken:
                self.notes.append(f"{len(mistaken)} pictures that the TIFF calls reduced are as large as its pages, and read as such")
                reduced = [directory for directory in reduced if directory.offset not in mistaken]
                pages = [offset for offset in seen if offset in {*pages, *mistaken}]
        if reduced:
            self.notes.append(f"{len(reduced)} reduced or mask picture{'s' * (len(reduced) != 1)} in the TIFF left out")
        return pages * self._stacked(pages[0], name) if len(seen) == 1 else pages

    def _stacked(self, offset: int, name: str) -> int:
        """How many pictures the only directory of a file stands for: 1, or as many as ImageJ says where they lie behind the first, uncompressed."""
        found = self._directory(offset)
        if found is None or (told := _IMAGEJ_COUNT.match(found[0].raw(_DESCRIPTION))) is None:
            return 1
        directory, count = found[0], int(told[1])
        starts, lengths = directory.values(273), directory.values(279)
        size = int(sum(lengths))
        lie_together = all(start + length == after for start, length, after in zip(starts, lengths, starts[1:], strict=False))
        if count < 2 or not starts or size <= 0 or directory.get(259, 1) != tiff_samples.NONE or not lie_together:
            return 1
        self._apart = size
        begun = -(-max(self._size - int(starts[0]), 0) // size)  # the last may be cut off, and fails then
        if begun < count:
            self.notes.append(f"ImageJ wrote {count} pictures into this TIFF, the file ends within number {begun}; copy or export it again")
        pictures = max(1, min(count, begun))
        self._options.check_pages(pictures, name)
        return pictures

    def _pages_below(self, reduced: list[Directory]) -> list[int]:
        """Offsets of the directories of full size that thumbnails name as theirs (tag SubIFDs, as TIFF/EP and DNG keep a page)."""
        found = []
        for directory in reduced:
            for offset in map(int, directory.values(_SUB_DIRECTORIES)[:_MOST_SUB_DIRECTORIES]):
                below = self._directory(offset)
                if below is not None and not below[0].get(_SUBFILE, 0) & 0b101:
                    found.append(offset)
        if found:
            self.notes.append("the TIFF has a thumbnail in the place of the page, which is in a directory below it")
        return found

    def decode(self, number: int, label: str) -> Decoded:
        offset = self._offsets[number - 1]
        found = self._directory(offset)
        if found is None:
            raise InputError(
                f"{label}: truncated or damaged TIFF, the page's directory at byte {offset} is not whole; copy or scan it again"
            )
        directory, _ = found
        with decoding(label, "tiff"), libtiff_messages() as said:
            page = self._decode(directory, label, (number - 1) * self._apart)
        page.notes.extend(_damage(said))
        return page

    def _decode(self, directory: Directory, label: str, behind: int) -> Decoded:
        notes: list[str] = []
        plan = tiff_samples.plan_of(directory, self._layout.order, label, self._options)
        self._options.check_bytes(plan.width, plan.height, _bytes_a_pixel(plan), label)
        chunks = tiff_samples.chunks_of(self._stream, directory, plan, label, notes, behind)
        if plan.compression in BYTE_CODECS:
            pixels = _colours(plan, tiff_samples.samples_of(plan, chunks, label), directory, label, notes)
        elif plan.compression in FILE_CODECS:
            pixels = _colours(plan, tiff_samples.pictures_of(plan, chunks, label), directory, label, notes)
        elif plan.apart:
            planes = [_codec_plane(plan, directory, plane, part) for plane, part in enumerate(chunks)]
            pixels = _colours(plan, planes, directory, label, notes)
        else:
            before = self._read(0, self._size) if plan.compression == OLD_JPEG else b""
            pixels = _by_codec(plan, directory, chunks[0], label, notes, before)
        position = directory.get(274, 1)
        if position in range(2, 9):
            pixels = upright(pixels, position)
            notes.append(f"orientation {position} applied")
        tags: dict[int, Any] = {tag: directory.values(tag) for tag in (282, 283, 296) if tag in directory}
        return Decoded(pixels, turned(from_tags(tags, notes), position), notes)

    def close(self) -> None:
        """Nothing of its own to close."""


def _damage(said: Collection[str]) -> list[str]:
    """The warning that what libtiff said makes of a page that could be read all the same."""
    more = f", and {len(said) - 1} more" if len(said) > 1 else ""
    return [f"pixels may be wrong, libtiff says: {next(iter(said))}{more}"] if said else []


def _area(directory: Directory) -> int:
    return directory.get(256, 0) * directory.get(257, 0)


def _bytes_a_pixel(plan: Plan) -> float:
    """Bytes that decoding takes for each pixel: the coded file, samples, a working copy, and the page."""
    sample = max(1, plan.bits / 8)
    colours = 3 if plan.channels >= 3 or plan.photometric == 3 else 1
    return plan.channels * sample * 2 + 2 * colours


def _codec_tags(directory: Directory, order: str) -> dict[int, tuple[int, bytes]]:
    """The tags that a picture codec asks for, in little-endian form."""
    tags = {}
    for tag in (*_KEPT_FOR_CODECS, *_OLD_JPEG_TAGS):
        if tag not in directory:
            continue
        if tag == _JPEG_TABLES:
            tags[tag] = (7, directory.raw(tag))
        elif tag in (529, 532):
            tags[tag] = (11, np.array(directory.values(tag), "<f4").tobytes())
        else:
            values = [int(value) for value in directory.values(tag) if math.isfinite(value)]
            unit, code = (3, "H") if all(0 <= value < 65536 for value in values) else (16, "Q")
            tags[tag] = (unit, struct.pack(f"<{len(values)}{code}", *(value & (1 << 64) - 1 for value in values)))
    return tags


def _by_codec(plan: Plan, directory: Directory, chunks: list[bytes], label: str, notes: list[str], before: bytes) -> Image:
    """A page whose codec yields pixels of all channels at once."""
    tags = _codec_tags(directory, plan.order)
    if not directory.is_whole(_JPEG_TABLES):
        raise InputError(f"{label}: truncated or damaged TIFF, its JPEG tables are not whole; copy, scan or export it again")
    inverted = plan.photometric == 0 and plan.bits > 8
    tags[262] = (3, struct.pack("<H", 1 if inverted else plan.photometric))
    if plan.compression in tiff_samples.CCITT:
        tags.pop(338, None)
    offsets = 324 if plan.tile is not None else 273

    def decoded(parts: list[bytes], notes: list[str]) -> Image:
        image = tiff_samples.tiff_image(synthetic(tags, parts, offsets_tag=offsets, before=before))
        image.load()
        picture = Picture(image, label, min_is_white=inverted, unsigned=plan.kind == "u")
        pixels = picture.pixels()
        notes += picture.notes
        return pixels

    with libtiff_messages() as said:
        pixels, number = decoded(chunks, notes), None
    notes += _damage(said)
    with libtiff_messages():  # of what is decoded to be compared nothing is told
        if plan.compression == tiff_samples.JPEG:
            number = _broken_jpeg(plan, chunks, pixels, lambda parts: decoded(parts, []))
        elif plan.compression == tiff_samples.GROUP4 and plan.tile is None and plan.channels == plan.bits == 1:
            codes = [tiff_samples.bits_turned(chunk) for chunk in chunks] if plan.fill == 2 else chunks
            number = group4_breaks_off(codes, plan.width, plan.height, plan.rows)
        elif plan.compression in tiff_samples.CCITT and plan.width * plan.height <= MOST_CHECKED:
            longer = decoded([chunk + FILLING for chunk in chunks], [])  # whole strips are not read beyond their end
            number = _first_that_differs(plan, pixels, longer)
    if plan.compression in tiff_samples.CCITT and len(said) > MOST_BAD_LINES * plan.height:
        raise InputError(
            f"{label}: truncated or damaged TIFF, {len(said)} of its {plan.height} lines cannot be decoded ({next(iter(said))}); copy, scan or "
            "export it again"
        )
    if number is not None:
        raise InputError(
            f"{label}: truncated or damaged TIFF, the code of strip or tile {number} ends before its pixels; copy, scan or export it again"
        )
    return pixels


def _first_that_differs(plan: Plan, one: Image, other: Image) -> int | None:
    """The number, from 1, of the first strip or tile whose pixels are not the same in both; None where all are."""
    across, down = tiff_samples.grid_of(plan)
    width, rows = plan.tile or (plan.width, plan.rows)
    for index in range(across * down):
        place = np.s_[index // across * rows : (index // across + 1) * rows, index % across * width : (index % across + 1) * width]
        if not np.array_equal(one[place], other[place]):
            return index + 1
    return None


def _broken_jpeg(plan: Plan, chunks: list[bytes], pixels: Image, decoded: Callable[[list[bytes]], Image]) -> int | None:
    """The number, from 1, of a strip or tile whose JPEG breaks off; None where all are whole."""
    across, down = tiff_samples.grid_of(plan)
    width, rows = plan.tile or (plan.width, plan.rows)
    for index in range(across * down):
        top, left = index // across * rows, index % across * width

        def with_other(code: bytes, index: int = index) -> Image:
            return decoded([*chunks[:index], code, *chunks[index + 1 :]])

        if ends_grey(pixels[top : top + rows, left : left + width]) and jpeg_breaks_off(chunks[index], pixels, with_other):
            return index + 1
    return None


def _codec_plane(plan: Plan, directory: Directory, plane: int, chunks: list[bytes]) -> Samples:
    """One plane of a page whose planes are coded apart by a picture codec, as if it were a grey picture."""
    tags = _codec_tags(directory, plan.order)
    for tag in (320, 338, 284, 529, 530, 531, 532):
        tags.pop(tag, None)
    across, down = plan.subsampling if plan.photometric == YCBCR and plane in (1, 2) else (1, 1)
    tags[256] = (4, struct.pack("<I", -(-plan.width // across)))
    tags[257] = (4, struct.pack("<I", -(-plan.height // down)))
    if plan.tile is None:
        tags[278] = (4, struct.pack("<I", -(-plan.rows // down)))
    tags[258], tags[262], tags[277] = ((3, struct.pack("<H", value)) for value in (plan.bits, 1, 1))
    tags.pop(339, None)
    image = tiff_samples.tiff_image(synthetic(tags, chunks, offsets_tag=324 if plan.tile is not None else 273))
    image.load()
    return np.atleast_3d(np.asarray(image))


def _colours(plan: Plan, planes: list[Samples], directory: Directory, label: str, notes: list[str]) -> Image:
    """Samples as uint8 grey or RGB: scaled, extra samples settled, colours by the photometric interpretation."""
    if plan.photometric not in _COLOURS:
        raise ValueError(f"unsupported: photometric interpretation {plan.photometric}")
    count = _COLOURS[plan.photometric] or (3 if plan.channels >= 3 else 1)
    if plan.photometric in (8, 9) and plan.channels < 3:
        count = 1
    if plan.channels < count:
        raise ValueError(f"unsupported: {plan.channels} samples for photometric interpretation {plan.photometric}")
    if plan.photometric == 5 and directory.get(332, 1) != 1:
        raise ValueError("unsupported: inks that are not cyan, magenta, yellow and black")
    full = (plan.height, plan.width)
    whole = [_spread(part, full, plan) for part in planes] if plan.apart else planes
    colour = (np.concatenate(whole[:count], axis=2) if count > 1 else whole[0]) if plan.apart else planes[0][..., :count]
    alpha, premultiplied = None, False
    if plan.channels > count:
        alpha, premultiplied = _alpha(plan, whole, count, directory, notes)
    if plan.photometric == 3:
        pixels = _palette(plan, colour[..., 0], directory, notes)
    else:
        inverted = plan.photometric == 0
        levels = _levels(plan, colour, label, notes)
        if inverted:
            np.invert(levels, out=levels)
        pixels = _named(plan, levels, directory, notes)
    if alpha is not None:
        pixels = laid_on_white(pixels, alpha, premultiplied, ink=plan.photometric == 0)
    return np.ascontiguousarray(pixels)


def _spread(part: Samples, full: tuple[int, int], plan: Plan) -> Samples:
    if part.shape[:2] == full:
        return part
    across, down = plan.subsampling
    return part.repeat(down, axis=0).repeat(across, axis=1)[: full[0], : full[1]]


def _levels(plan: Plan, values: Samples, label: str, notes: list[str]) -> Image:
    """Samples of any depth as a fresh uint8 array; (H, W) where there is one channel."""
    values = values[..., 0] if values.shape[2] == 1 else values
    if plan.kind == "f":
        wide = values.astype(np.float32) if plan.bits == 16 else values
        return scale_floats(wide, notes, label)
    if plan.kind == "i" and plan.bits > 1 and plan.bits not in (16, 32, 64) and plan.photometric in (0, 1, 2):
        signed = _sign_extended(values, plan.bits)
        if signed.min() < 0:
            return scale_integers(signed, notes)
    if plan.bits == 8:
        return np.array(values, np.uint8)
    if plan.bits == 1:
        return np.multiply(values, 255, dtype=np.uint8)
    if plan.bits < 8:
        return ((values.astype(np.uint16) * 255 + (1 << plan.bits) // 2) // ((1 << plan.bits) - 1)).astype(np.uint8)
    if plan.bits in (16, 32, 64):
        return scale_integers(values, notes)
    return (values >> (plan.bits - 8)).astype(np.uint8)


def _sign_extended(values: Samples, bits: int) -> Samples:
    """Samples of `bits` bits (2..31) in two's complement as whole numbers."""
    wide: NDArray[np.int64] = values.astype(np.int64)
    sign = np.int64(1 << (bits - 1))
    return wide - ((wide & sign) << 1)


def _alpha(plan: Plan, planes: list[Samples], count: int, directory: Directory, notes: list[str]) -> tuple[Image | None, bool]:
    """The alpha of a page, 255 opaque, and whether colours are multiplied by it; None where no extra sample is one."""
    meanings = [int(value) for value in directory.values(338)]
    stated = next((index for index, meaning in enumerate(meanings[: plan.channels - count]) if meaning in (1, 2)), None)
    assumed = stated is None and not meanings and plan.channels == count + 1 and plan.photometric in (1, 2)
    if stated is None and not assumed:
        notes.append(f"{plan.channels - count} extra sample{'s' * (plan.channels - count != 1)} a pixel without a known meaning ignored")
        return None, False
    index = count + (stated or 0)
    values = planes[index][..., 0] if plan.apart else planes[0][..., index]
    if plan.kind == "f":
        top = 1.0 if values.max() <= 1 else 255.0
        alpha = np.rint(np.clip(np.nan_to_num(values.astype(np.float32)), 0, top) * (255 / top)).astype(np.uint8)
    elif plan.bits < 8:
        alpha = (values.astype(np.uint16) * 255 // ((1 << plan.bits) - 1)).astype(np.uint8)
    else:
        alpha = (values >> (plan.bits - 8)).astype(np.uint8)
    if alpha.min() == 255:
        return None, False
    if assumed and alpha.max() == 0:
        notes.append("alpha that is 0 everywhere ignored")
        return None, False
    notes.append("alpha laid on white" + (": every pixel is transparent" if alpha.max() == 0 else ""))
    return alpha, stated is not None and meanings[stated] == 1


def _palette(plan: Plan, indices: Samples, directory: Directory, notes: list[str]) -> Image:
    stored: Samples = np.array(directory.values(320), np.uint32)
    if plan.bits > 16 or plan.kind != "u":
        raise ValueError("unsupported: a palette of more than 65536 colours")
    wanted = 1 << plan.bits
    if stored.size < 3 or stored.size % 3:
        raise ValueError("unsupported: a palette page without its palette")
    colours = np.zeros((wanted, 3), np.uint8)
    table: Samples = stored.reshape(3, -1).T[:wanted]
    if table.max() <= 255:
        notes.append("palette of 8-bit values taken as such")
    else:
        table = table >> 8
    colours[: len(table)] = table
    used = colours[np.unique(indices)]
    if (used == used[:, :1]).all():
        return np.ascontiguousarray(colours[:, 0])[indices]
    return colours[indices]


def _named(plan: Plan, levels: Image, directory: Directory, notes: list[str]) -> Image:
    """Grey or RGB out of levels in the page's colour space."""
    if plan.photometric == 5:
        from PIL import Image as pillow

        return np.array(pillow.fromarray(np.ascontiguousarray(levels), "CMYK").convert("RGB"), np.uint8)
    if plan.photometric == YCBCR:
        return _from_ycbcr(levels, directory)
    if plan.photometric in (8, 9) and levels.ndim == 3:
        notes.append("CIELab converted to RGB")
        return lab_to_rgb(levels if plan.photometric == 8 else levels ^ np.array([0, 128, 128], np.uint8))
    return levels


def _from_ycbcr(levels: Image, directory: Directory) -> Image:
    """TIFF 6.0, section 21: by the page's coefficients and reference levels, in bands of rows to bound memory."""
    coefficients = directory.values(529)
    red, green, blue = coefficients if len(coefficients) == 3 else (0.299, 0.587, 0.114)
    reference = directory.values(532)
    black_white = reference if len(reference) == 6 and all(map(math.isfinite, reference)) else (0, 255, 128, 255, 128, 255)
    zeros = np.array(black_white[::2], np.float32)
    spans = np.array([black_white[1] - black_white[0], black_white[3] - black_white[2], black_white[5] - black_white[4]], np.float32)
    if not (spans > 0).all() or not green > 0:
        raise ValueError("unsupported: YCbCr levels without a range")
    out = np.empty_like(levels)
    gains = np.array([255, 127, 127], np.float32) / spans
    for top in range(0, len(levels), 256):
        light, to_blue, to_red = np.moveaxis((levels[top : top + 256].astype(np.float32) - zeros) * gains, 2, 0)
        r = to_red * (2 - 2 * red) + light
        b = to_blue * (2 - 2 * blue) + light
        g = (light - blue * b - red * r) / green
        out[top : top + 256] = np.rint(np.stack([r, g, b], axis=2)).clip(0, 255)
    return out
