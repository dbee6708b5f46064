"""What a PDF page is made of, found before anything is drawn: by walking its dictionaries with pikepdf, not by rendering.

Two questions are answered. Is the page safe to draw: forms that draw themselves or double at each level, streams that unpack to gigabytes, JBIG2
code of many page-sized regions are refused here, because PDFium follows them until memory or patience ends. And is the page more than one plain
picture: masks, optional content, transparency and appearances of fields and annotations mean that it must be composed.

A file that pikepdf cannot open (PDFium repairs more) has no facts; then only the look of the page decides.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from docbin.errors import DocbinError, InputError, RefusedInput
from docbin.files.access import decoding
from docbin.files.broken_off import MOST_CHECKED, ends_grey, group4_breaks_off, jpeg_breaks_off

_MOST_DRAWS = 200_000
_MOST_CONTENT = 256 << 20
_MOST_DEPTH = 40
_PAGE = 612.0 * 792
"""Square points of a page of letter size."""
_MOST_TILES = 1e8
"""Of a tiling pattern on such a page: tiles of a fifteenth of a point."""
_REGIONS = 16
"""JBIG2: areas of all regions together may be this many times the picture's."""

_USES = re.compile(rb"/([^\s/\[\]<>(){}%]+)(?:\s|%[^\r\n]*[\r\n])+(Do|gs|scn|SCN|sh)(?![A-Za-z0-9*'\"])")
_LAYER = re.compile(rb"/OC(?:\s)*/[^\s/\[\]<>(){}%]+\s+BDC")
_STRINGS = re.compile(rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]*>", re.DOTALL)
_PACKING = ("/FlateDecode", "/LZWDecode", "/RunLengthDecode", "/Fl", "/LZW", "/RL")
_FLATE = ("/FlateDecode", "/Fl")
_JPEG2000 = b"\xff\x4f\xff\x51"
"""How its code begins; then follow its size and, 40 bytes from here, the number of its components (ITU-T T.800, A.5.1)."""


@dataclass(slots=True)
class DrawnPicture:
    """A picture that the page draws: its object, size, the size of its mask, whether one sees anything but its pixels."""

    stream: Any
    size: tuple[int, int]
    mask: tuple[int, int] | None
    masked: bool

    def parts(self) -> list[DrawnPicture]:
        """The picture and its masks, each as a picture: the writing of a layered scan is in a mask."""
        masks = [self.stream.get(key) for key in ("/SMask", "/Mask")]
        return [self, *(DrawnPicture(mask, _size(mask), None, False) for mask in masks if mask is not None and is_stream(mask))]


@dataclass(slots=True)
class PageFacts:
    """`unit`: UserUnit, multiples of 1/72 inch. `blended`: masks, transparency. `layered`: optional content. `appearances`: annotations or
    fields that show something."""

    unit: float = 1.0
    pictures: list[DrawnPicture] = field(default_factory=list)
    blended: bool = False
    layered: bool = False
    appearances: bool = False
    widgets: bool = False
    shadings: int = 0

    @property
    def composed(self) -> bool:
        """Whether the page is more than pictures laid on paper."""
        return self.blended or self.layered


class Structure:
    """A PDF seen by pikepdf; made with the stream that PDFium reads, too (neither keeps a position in it)."""

    def __init__(self, stream: BinaryIO) -> None:
        import pikepdf

        self._pdf: Any = None
        self.mended = False
        """Whether the tree of its pages was damaged, and is as it should be in `pdf`, but not in the stream."""
        try:
            stream.seek(0)
            self._pdf = pikepdf.open(stream)
            self.mended = mend_page_tree(self._pdf)
        except Exception:  # damaged in ways that PDFium may repair
            self._pdf = None

    @property
    def pdf(self) -> Any:
        """The pikepdf document, None where it could not be opened."""
        return self._pdf

    def facts(self, number: int, label: str) -> PageFacts | None:
        """What page `number` is made of; None where nothing can be said.

        Raises
        ------
        RefusedInput
            Drawing it would not end, or would take memory out of all proportion.
        """
        if self._pdf is None:
            return None
        try:
            page = self._pdf.pages[number - 1].obj
            return _Walk(label).page(page)
        except DocbinError:
            raise
        except RecursionError as error:
            raise RefusedInput(f"{label}: its objects are nested too deep; print it to a new PDF") from error
        except Exception:  # a dictionary of wrong types: PDFium will make of it what it can
            return None

    def close(self) -> None:
        if self._pdf is not None:
            self._pdf.close()


def mend_page_tree(pdf: Any) -> bool:
    """Give a pikepdf document whose page tree counts its pages wrongly a flat one; whether that was so.

    Some viewers believe the number at the root of the tree, and show a part of the pages, others count the pages themselves. To be called
    before the pages are looked at.
    """
    import pikepdf

    root = pdf.Root.Pages
    pages: list[Any] = []
    sound = _leaves(root, {}, pages, set(), 0)
    if sound or not pages:
        return False
    for page, inherited in pages:
        for key, value in inherited.items():
            if key not in page:
                page[key] = value
        page["/Parent"] = root
    for key in _INHERITED:
        if key in root:
            del root[key]
    root["/Kids"], root["/Count"] = pikepdf.Array([page for page, _ in pages]), len(pages)
    return True


_INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")


def _leaves(node: Any, inherited: dict[str, Any], found: list[Any], seen: set[tuple[int, int]], depth: int) -> bool:
    """Add (page, what it inherits) below a node of the page tree to `found`; False where the tree is not as it should be."""
    seen.add(node.objgen)
    inherited = inherited | {key: node[key] for key in _INHERITED if key in node}
    before, sound = len(found), True
    for kid in node.get("/Kids", ()):
        if not is_dictionary(kid):
            continue
        if "/Kids" in kid and (kid.objgen in seen or depth > _MOST_DEPTH):
            raise ValueError("a page tree that runs in a circle")
        if "/Kids" in kid:
            sound &= _leaves(kid, inherited, found, seen, depth + 1)
        else:
            found.append((kid, inherited))
    return sound and node.get("/Count") == len(found) - before


class _Walk:
    def __init__(self, label: str) -> None:
        self.label = label
        self.facts = PageFacts()
        self._costs: dict[tuple[int, int], tuple[int, int, int]] = {}
        self._path: list[tuple[int, int]] = []
        self._seen: set[tuple[int, int]] = set()

    def page(self, page: Any) -> PageFacts:
        unit = float(page.get("/UserUnit", 1))
        self.facts.unit = unit if 0.001 <= unit <= 100_000 else 1.0
        contents = page.get("/Contents")
        streams = [] if contents is None else list(contents) if _is_array(contents) else [contents]
        content = b"\n".join(self._content(stream) for stream in streams)
        node: Any = page
        resources = page.get("/Resources")
        for _ in range(_MOST_DEPTH):
            if resources is not None or "/Parent" not in node:
                break
            node = node["/Parent"]
            resources = node.get("/Resources")
        total = self._uses(content, resources)
        for annotation in page.get("/Annots") or ():
            total = _sum(total, self._annotation(annotation))
        self._check(total)
        self.facts.shadings = total[2]
        return self.facts

    def _check(self, cost: tuple[int, int, int]) -> None:
        if cost[0] > _MOST_DRAWS or cost[1] > 4 * _MOST_CONTENT:
            raise RefusedInput(
                f"{self.label}: drawing it means to draw {cost[0]:,} forms and pictures ({cost[1] / 1e6:,.0f} MB of drawing code); "
                "forms that multiply like this are an attack or a fault, print it to a new PDF if you trust it"
            )

    def _content(self, stream: Any) -> bytes:
        data, left = unpacked(stream, _MOST_CONTENT)
        if len(data) >= _MOST_CONTENT:
            raise RefusedInput(f"{self.label}: its drawing code unpacks to more than {_MOST_CONTENT >> 20} MB; print it to a new PDF")
        return b"" if left else data

    def _uses(self, content: bytes, resources: Any) -> tuple[int, int, int]:
        """Draws, bytes of drawing code and shadings that running `content` means."""
        cost = (1, len(content), 0)
        if _LAYER.search(content):
            self.facts.layered = True
        if resources is None:
            return cost
        counts: dict[tuple[bytes, bytes], int] = {}
        for use in _USES.findall(content):
            counts[use] = counts.get(use, 0) + 1
        for (name, operator), count in counts.items():
            group = {b"Do": "/XObject", b"gs": "/ExtGState", b"sh": "/Shading"}.get(operator, "/Pattern")
            things = resources.get(group)
            thing = things.get(name_of(name)) if things is not None else None
            if thing is None:
                continue
            one = (1, 0, 0)
            if group == "/XObject":
                one = self._drawn(thing)
            elif group == "/ExtGState":
                one = self._state(thing)
            elif group == "/Pattern":
                one = self._tiled(thing) if is_stream(thing) else (1, 0, 1)
            else:
                one = (1, 0, 1)
            cost = _sum(cost, tuple(min(part * count, 1 << 60) for part in one))
            self._check(cost)
        fonts = resources.get("/Font")
        for font in fonts.values() if fonts is not None else ():
            if font.get("/Subtype") == "/Type3":
                for glyph in font.get("/CharProcs", {}).values():
                    one = self._form(glyph, font.get("/Resources"))
                    letters = _letters(content) if one[0] > 1 else 1  # glyphs that draw glyphs multiply like forms
                    cost = _sum(cost, tuple(min(part * letters, 1 << 60) for part in one))
                    self._check(cost)
        return cost

    def _drawn(self, thing: Any) -> tuple[int, int, int]:
        if "/OC" in thing:
            self.facts.layered = True
        if thing.get("/Subtype") == "/Form":
            if "/Group" in thing:
                self.facts.blended = True
            return self._form(thing)
        if thing.get("/Subtype") == "/Image" and (thing.objgen not in self._seen or thing.objgen == (0, 0)):
            self._seen.add(thing.objgen)
            picture = _picture(thing)
            check_packing(picture, self.label)
            self.facts.blended |= picture.masked
            self.facts.pictures.append(picture)
        return 1, 0, 0

    def _form(self, form: Any, inherited: Any = None) -> tuple[int, int, int]:
        key = form.objgen
        if key in self._path and key != (0, 0):
            raise RefusedInput(f"{self.label}: a form in it draws itself without end; an attack or a fault, print it to a new PDF")
        if len(self._path) > _MOST_DEPTH:
            raise RefusedInput(f"{self.label}: forms nested more than {_MOST_DEPTH} deep; print it to a new PDF")
        if key in self._costs:
            return self._costs[key]
        self._path.append(key)
        cost = self._uses(self._content(form), form.get("/Resources", inherited))
        self._path.pop()
        if key != (0, 0):
            self._costs[key] = cost
        return cost

    def _tiled(self, pattern: Any) -> tuple[int, int, int]:
        """The cost of a tiling pattern; refused where its tiles are so small that they cover a page by the hundred million."""
        a, b, c, d = (float(value) for value in list(pattern.get("/Matrix", (1, 0, 0, 1)))[:4])
        area = abs(float(pattern.get("/XStep", 1)) * float(pattern.get("/YStep", 1)) * (a * d - b * c))
        if 0 < area < _PAGE / _MOST_TILES:
            raise RefusedInput(
                f"{self.label}: a pattern in it has tiles of {area:.3g} square points, of which {_PAGE / area:.3g} cover the page; "
                "an attack or a fault, print it to a new PDF"
            )
        return self._form(pattern)

    def _state(self, state: Any) -> tuple[int, int, int]:
        mask = state.get("/SMask")
        mode = state.get("/BM")
        faint = any(float(state.get(key, 1)) != 1 for key in ("/ca", "/CA"))
        if faint or (mode is not None and mode not in ("/Normal", "/Compatible")):
            self.facts.blended = True
        if mask is None or not hasattr(mask, "get") or mask == "/None":
            return 1, 0, 0
        self.facts.blended = True
        group = mask.get("/G")
        return (1, 0, 0) if group is None else self._form(group)

    def _annotation(self, annotation: Any) -> tuple[int, int, int]:
        kind = annotation.get("/Subtype")
        if kind == "/Widget":
            self.facts.widgets = True
        if kind in ("/Link", "/Popup") or int(annotation.get("/F", 0)) & (2 | 32):
            return 0, 0, 0
        looks = annotation.get("/AP")
        normal = looks.get("/N") if looks is not None else None
        if normal is None:
            # PDFium draws a look of its own for the kinds it knows, and for fields that have a value
            self.facts.appearances |= kind != "/Widget" or _has_value(annotation)
            return 0, 0, 0
        if not is_stream(normal):
            state = annotation.get("/AS")
            normal = normal.get(str(state)) if state is not None else None
        if normal is None or not is_stream(normal):
            return 0, 0, 0
        self.facts.appearances |= len(normal.read_raw_bytes()) > 0
        return self._form(normal)


def _letters(content: bytes) -> int:
    """Codes that a content stream shows, at the most: bytes of its strings; at least 1."""
    return max(1, sum(len(text) - 2 for text in _STRINGS.findall(content)))


def _has_value(annotation: Any) -> bool:
    node: Any = annotation
    for _ in range(_MOST_DEPTH):
        if "/V" in node:
            return True
        if "/Parent" not in node:
            return False
        node = node["/Parent"]
    return False


def _sum(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, int, int]:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _is_array(thing: Any) -> bool:
    import pikepdf

    return isinstance(thing, pikepdf.Array)


def is_dictionary(thing: Any) -> bool:
    """Whether a pikepdf object is a dictionary (streams are none)."""
    import pikepdf

    return isinstance(thing, pikepdf.Dictionary)


def is_stream(thing: Any) -> bool:
    """Whether a pikepdf object is a stream."""
    import pikepdf

    return isinstance(thing, pikepdf.Stream)


def name_of(token: bytes) -> str:
    """A name of a content stream as pikepdf has it: its #xx resolved, UTF-8 where it is that."""
    octets = re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), token)
    return "/" + octets.decode("utf-8", "surrogateescape")


def _size(stream: Any) -> tuple[int, int]:
    return int(stream.get("/Width", 0)), int(stream.get("/Height", 0))


def _picture(stream: Any) -> DrawnPicture:
    masks = [stream.get(key) for key in ("/SMask", "/Mask")]
    sizes = [_size(mask) for mask in masks if mask is not None and is_stream(mask)]
    masked = any(mask is not None for mask in masks) or bool(stream.get("/ImageMask", False)) or int(stream.get("/SMaskInData", 0)) != 0
    return DrawnPicture(stream, _size(stream), max(sizes, default=None), masked)


def filters_of(stream: Any) -> list[str]:
    """The names of a stream's filters, first applied first."""
    filters = stream.get("/Filter")
    if filters is None:
        return []
    return [str(name) for name in filters] if _is_array(filters) else [str(filters)]


def unpacked(stream: Any, cap: int) -> tuple[bytes, list[str]]:
    """A stream's bytes with its leading Flate filters undone, at most `cap` bytes of each, and the filters that are left.

    Broken Flate code gives what came before the break. Predictors are left in place.
    """
    filters, data = filters_of(stream), bytes(stream.read_raw_bytes())
    while filters and filters[0] in _FLATE:
        data = _inflated(data, cap)
        filters = filters[1:]
    textual = all(name.startswith(("/ASCII", "/A85", "/AHx", "/LZW", "/RunLength", "/RL")) for name in filters)
    if filters and textual and len(data) <= 1 << 20 and filters == filters_of(stream):
        try:
            return bytes(stream.read_bytes())[:cap], []
        except Exception:
            return b"", filters
    return data, filters


def _inflated(data: bytes, cap: int) -> bytes:
    machine = zlib.decompressobj()
    try:
        return machine.decompress(data, cap)
    except zlib.error:
        pass
    machine, out = zlib.decompressobj(), bytearray()
    for at in range(0, len(data), 256):  # what stands before the break
        try:
            out += machine.decompress(data[at : at + 256], max(1, cap - len(out)))
        except zlib.error:
            break
        if len(out) >= cap:
            break
    return bytes(out)


def wanted_bytes(stream: Any) -> int | None:
    """Bytes that a picture's samples take, None where its colour space does not say."""
    (width, height), bits = _size(stream), int(stream.get("/BitsPerComponent", 8))
    if stream.get("/ImageMask", False):
        return height * ((width + 7) // 8)
    space = stream.get("/ColorSpace")
    family, channels = str(space[0]) if _is_array(space) else str(space), None
    if family in ("/DeviceGray", "/CalGray", "/Indexed", "/Separation", "/G", "/I"):
        channels = 1
    elif family in ("/DeviceRGB", "/CalRGB", "/Lab", "/RGB"):
        channels = 3
    elif family in ("/DeviceCMYK", "/CMYK"):
        channels = 4
    elif family == "/ICCBased":
        channels = int(space[1].get("/N", 0)) or None
    elif family == "/DeviceN":
        channels = len(space[1])
    return None if channels is None else height * ((width * channels * bits + 7) // 8)


def _parameters(stream: Any) -> Any:
    """The parameters of a stream's last filter, empty where it has none."""
    parameters = stream.get("/DecodeParms")
    parameters = list(parameters)[-1] if parameters is not None and _is_array(parameters) and len(parameters) else parameters
    return parameters if hasattr(parameters, "get") else {}


def have_bytes(stream: Any, wanted: int) -> int | None:
    """Bytes of samples that a picture's stream holds, counted no further than `wanted`; None where its codec does not say."""
    height = _size(stream)[1]
    data, left = unpacked(stream, 2 * wanted + height + 1024)
    if left:
        return None
    predictor = int(_parameters(stream).get("/Predictor", 1))
    return min(wanted, len(data) - height if predictor >= 10 else len(data))


def check_packing(picture: DrawnPicture, label: str) -> None:
    """Refuse a picture whose code unpacks out of all proportion to its size."""
    for stream in (picture.stream, *(picture.stream.get(key) for key in ("/SMask", "/Mask"))):
        if stream is None or not is_stream(stream):
            continue
        width, height = _size(stream)
        filters = filters_of(stream)
        cap = max(1 << 20, 64 * width * height)
        if sum(name in _PACKING for name in filters) > 1:
            first, _ = unpacked(stream, cap)
            inner = _inflated(bytes(stream.read_raw_bytes()), cap) if filters[0] in _FLATE else b""
            if len(first) >= cap or len(inner) >= cap or len(filters) > 8:
                raise RefusedInput(
                    f"{label}: a picture of {width} x {height} pixels in it unpacks to more than {cap / 1e6:,.0f} MB; "
                    "an attack or a fault, print it to a new PDF"
                )
        across, down = _jpeg2000_size(stream)
        if across * down > _REGIONS * max(1, width * height) + (1 << 24):
            raise RefusedInput(
                f"{label}: a picture of {width} x {height} pixels in it holds JPEG 2000 of {across} x {down}; an attack or a fault, "
                "print it to a new PDF"
            )
        code = _jbig2_code(stream, cap)
        if code is not None:
            areas = sum(region[0] for region in _regions(code))
            if areas > _REGIONS * max(1, width * height) + (1 << 24):
                raise RefusedInput(
                    f"{label}: the JBIG2 code of a picture of {width} x {height} pixels in it paints {areas / 1e6:,.0f} megapixels; "
                    "an attack or a fault, scan or print it again"
                )


def _jpeg2000_size(stream: Any) -> tuple[int, int]:
    """Width and height by the code of a JPEG 2000 (ITU-T T.800, A.5.1), which decoders go by; 0, 0 where it is coded otherwise."""
    if filters_of(stream)[-1:] != ["/JPXDecode"]:
        return 0, 0
    data, left = unpacked(stream, 1 << 30)
    start = data.find(_JPEG2000)
    if left != ["/JPXDecode"] or start < 0 or start + 24 > len(data):
        return 0, 0
    right, bottom, left_edge, top = struct.unpack_from(">4I", data, start + 8)
    return max(0, right - left_edge), max(0, bottom - top)


def _jbig2_code(stream: Any, cap: int) -> bytes | None:
    """The embedded JBIG2 code of a picture, None where it is coded otherwise."""
    if filters_of(stream)[-1:] != ["/JBIG2Decode"]:
        return None
    data, left = unpacked(stream, cap)
    return data if left == ["/JBIG2Decode"] else None


def _regions(data: bytes) -> Iterator[tuple[int, bool]]:
    """The regions in embedded JBIG2 code: area, and whether the segment ends within the code (ITU-T T.88, 7.2: segment headers; 7.4.1: region
    segments begin with width and height)."""
    at = 0
    while at + 11 <= len(data):
        number, flags, count = int.from_bytes(data[at : at + 4], "big"), data[at + 4], data[at + 5] >> 5
        at += 6
        if count == 7:
            count = int.from_bytes(data[at - 1 : at + 3], "big") & 0x1FFFFFFF
            at += 3 + (count + 8) // 8
        at += count * (1 if number <= 256 else 2 if number <= 65536 else 4) + (4 if flags & 64 else 1)
        length = int.from_bytes(data[at : at + 4], "big")
        at += 4
        if flags & 63 in (4, 6, 7, 20, 22, 23, 36, 38, 39, 40, 42, 43) and at + 8 <= len(data):
            area = int.from_bytes(data[at : at + 4], "big") * int.from_bytes(data[at + 4 : at + 8], "big")
            yield area, length == 0xFFFFFFFF or at + length <= len(data)
        if length == 0xFFFFFFFF:
            return
        at += length


def check_fax(picture: DrawnPicture, label: str) -> None:
    """Refuse a picture whose CCITT G4 code ends before its rows (PDFium leaves the rest white and says nothing)."""
    width, height = picture.size
    if not 0 < width * height <= MOST_CHECKED:
        return
    data, left = unpacked(picture.stream, max(1 << 20, width * height))
    if left not in (["/CCITTFaxDecode"], ["/CCF"]):
        return
    given = _parameters(picture.stream)
    plain = int(given.get("/K", 0)) < 0 and not given.get("/EncodedByteAlign", False) and int(given.get("/Columns", 1728)) == width
    if plain and group4_breaks_off([data], width, height, height) is not None:
        raise InputError(f"{label}: truncated or damaged picture, its CCITT code ends before its {height} rows; scan or export it again")


def check_jbig2(picture: DrawnPicture, label: str) -> None:
    """Refuse a picture whose JBIG2 code breaks off within a region (PDFium leaves the rest white and says nothing)."""
    code = _jbig2_code(picture.stream, max(1 << 20, picture.size[0] * picture.size[1]))
    if code is not None and not all(whole for _, whole in _regions(code)):
        raise InputError(f"{label}: truncated or damaged picture, its JBIG2 code ends before its pixels; scan or export it again")


def check_jpeg(picture: DrawnPicture, label: str) -> None:
    """Refuse a JPEG whose code ends before its pixels (PDFium fills the rest with grey and says nothing); looked at in an eighth of its size."""
    from PIL.JpegImagePlugin import JpegImageFile

    data, left = unpacked(picture.stream, 1 << 30)
    if left not in (["/DCTDecode"], ["/DCT"]):
        return

    def small(code: bytes) -> np.ndarray[Any, Any]:
        image = JpegImageFile(io.BytesIO(code))
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
        image.load()
        return np.asarray(image)

    with decoding(label, "jpeg"):
        size = JpegImageFile(io.BytesIO(data)).size
        if size[0] * size[1] > MOST_CHECKED:
            return
        decoded = small(data)
        if ends_grey(decoded) and jpeg_breaks_off(data, decoded, small):
            raise InputError(f"{label}: truncated or damaged JPEG (its code ends before its pixels); copy, scan or export it again")


def check_jpeg2000(picture: DrawnPicture, label: str) -> None:
    """Refuse a JPEG 2000 that PDFium shows black and says nothing: one with a palette or a /Decode whose dictionary does not repeat its bits a sample
    (which is allowed), and grey with an alpha that is to be used."""
    stream = picture.stream
    if filters_of(stream)[-1:] != ["/JPXDecode"]:
        return
    space = stream.get("/ColorSpace")
    turned = any(float(value) != number % 2 for number, value in enumerate(stream.get("/Decode", ())))
    read = turned or (_is_array(space) and len(space) > 0 and space[0] == "/Indexed")
    if read and "/BitsPerComponent" not in stream:
        raise InputError(f"{label}: a JPEG 2000 in it whose palette or /Decode cannot be followed; print it to a new PDF")
    if int(stream.get("/SMaskInData", 0)) != 0:
        data, _ = unpacked(stream, 1 << 30)
        start = data.find(_JPEG2000)
        if start >= 0 and data[start + 40 : start + 42] == b"\x00\x02":
            raise InputError(f"{label}: a JPEG 2000 of grey with alpha in it, which cannot be read; print it to a new PDF")


def check_whole(picture: DrawnPicture, label: str) -> None:
    """Refuse a picture of which samples are missing, by whatever codec, or that cannot be shown."""
    check_jpeg2000(picture, label)
    check_samples(picture, label)
    check_fax(picture, label)
    check_jbig2(picture, label)
    check_jpeg(picture, label)


def check_samples(picture: DrawnPicture, label: str) -> None:
    """Refuse a picture with too few bytes of samples (PDFium fills the rest with black and says nothing); bytes too many do no harm."""
    wanted = wanted_bytes(picture.stream)
    have = None if wanted is None else have_bytes(picture.stream, wanted)
    if wanted is not None and have is not None and have < wanted:
        width, height = picture.size
        raise InputError(f"{label}: truncated picture, {have} bytes of samples for {width} x {height} pixels; scan or export it again")
