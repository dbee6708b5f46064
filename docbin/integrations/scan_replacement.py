"""The scans on the pages of a PDF replaced by their ink, in place: geometry, rotation, text layer, links and everything else of the page stay.

A picture counts as the page's scan where it covers at least half of the page and its pixels are all that one sees of it: no mask, no soft mask,
no other reading of its samples, more than one bit a pixel. The new picture has the old one's pixels in number, so not a point of the page moves.

Work on the pages and the change of the file are apart, because a program may do the first in many processes and the second at the end:
:func:`scans` finds and decodes, :func:`code_of` encodes, :func:`replace` puts the codes in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from docbin.page import Image, Mask

COVERS = 0.5
"""Share of the page that its scan covers, at the least."""

_DEPTH = 8
_MANY = 2000

Place = tuple[str, ...]
"""Resource names that lead from a page to a picture: ("/Fm0", "/Im1") is Im1 of the form Fm0."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A page's scan: where it is, and its picture object (a pikepdf stream)."""

    place: Place
    stream: Any

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return int(self.stream.Width), int(self.stream.Height)

    def pixels(self) -> Image:
        """The picture as stored: uint8 (H, W) or (H, W, 3).

        Raises
        ------
        Exception
            Of many types: whatever pikepdf and Pillow find wrong with it.
        """
        import pikepdf

        picture = pikepdf.PdfImage(self.stream).as_pil_image()
        if picture.size != self.size:
            raise ValueError(f"the picture has {picture.size} pixels where the PDF says {self.size}")
        grey = picture.mode in ("1", "L", "I", "I;16")
        if picture.mode in ("I", "I;16", "F"):
            raise ValueError(f"pixels of mode {picture.mode}")
        return np.asarray(picture.convert("L" if grey else "RGB"))


def scans(page: Any) -> list[Scan]:
    """The scans of a page (a pikepdf page): at most two, for no more cover half of it each."""
    box = [float(value) for value in page.mediabox]
    least = COVERS * abs((box[2] - box[0]) * (box[3] - box[1]))
    return [Scan(place, stream) for place, (stream, covered) in _pictures(page).items() if covered >= least > 0 and _is_plain(stream)]


def _pictures(page: Any) -> dict[Place, tuple[Any, float]]:
    """Every picture that a page draws: its object and the area that it covers, in square points, at its largest."""
    resources = page.obj.get("/Resources")
    found: dict[Place, tuple[Any, float]] = {}
    for place, stream, covered in _drawn(page.obj, _inherited(page.obj) if resources is None else resources, None, ()):
        found[place] = stream, max(covered, found[place][1] if place in found else 0.0)
    return found


def _inherited(node: Any) -> Any:
    for _ in range(40):
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
        if "/Resources" in node:
            return node["/Resources"]
    return None


def _drawn(holder: Any, resources: Any, matrix: Any, place: Place) -> Iterator[tuple[Place, Any, float]]:
    """Every picture that a page or form draws: its place, its object, the area that it covers in square points."""
    import pikepdf

    if resources is None or "/XObject" not in resources or len(place) >= _DEPTH:
        return
    things = resources["/XObject"]
    now = matrix if matrix is not None else pikepdf.Matrix()
    kept = []
    for count, instruction in enumerate(pikepdf.parse_content_stream(holder, "q Q cm Do")):
        if count > _MANY * 4:
            return
        operator = str(instruction.operator)
        if operator == "q":
            kept.append(now)
        elif operator == "Q" and kept:
            now = kept.pop()
        elif operator == "cm":
            now = pikepdf.Matrix(*(float(value) for value in instruction.operands)) @ now
        elif operator == "Do":
            name = str(instruction.operands[0])
            thing = things.get(name)
            if thing is None:
                continue
            if thing.get("/Subtype") == "/Image":
                yield (*place, name), thing, abs(now.a * now.d - now.b * now.c)
            elif thing.get("/Subtype") == "/Form":
                own = thing.get("/Matrix")
                inner = pikepdf.Matrix(*(float(value) for value in own)) @ now if own is not None else now
                yield from _drawn(thing, thing.get("/Resources") or resources, inner, (*place, name))


def _is_plain(stream: Any) -> bool:
    """Whether one sees the picture's pixels and nothing else of it, and whether there is something to gain."""
    if any(key in stream for key in ("/SMask", "/Mask", "/Decode", "/OC")) or bool(stream.get("/ImageMask", False)):
        return False
    return int(stream.get("/SMaskInData", 0)) == 0 and int(stream.get("/BitsPerComponent", 8)) in (2, 4, 8)


def code_of(ink: Mask) -> bytes:
    """Ink as CCITT G4 code, ink black: what :func:`replace` puts in."""
    from docbin.files.write_tiff import group4

    return group4(ink)


def replace(pdf: Any, codes: Mapping[int, Mapping[Place, bytes]]) -> set[int]:
    """Put `codes` (page index -> place -> code) in place of scans, in a pikepdf document.

    A picture that stands on other pages too is replaced only where each of them has a code for it; the code of the first is taken, for the pixels are
    the same. Returns the indices of the pages of which at least one scan was replaced.
    """
    import pikepdf

    users: dict[tuple[int, int], set[tuple[int, Place]]] = {}
    scanned: dict[tuple[int, int], Any] = {}
    for index, page in enumerate(pdf.pages):
        for place, (stream, _) in _pictures(page).items():
            users.setdefault(stream.objgen, set()).add((index, place))
        if index in codes:
            scanned.update((scan.stream.objgen, scan.stream) for scan in scans(page))
    done: set[int] = set()
    for key, stream in scanned.items():
        places = users[key]
        found = [codes.get(index, {}).get(place) for index, place in sorted(places)]
        if not all(found) or found[0] is None:
            continue
        width, height = int(stream.Width), int(stream.Height)
        parameters = pikepdf.Dictionary(K=-1, Columns=width, Rows=height)
        stream.write(found[0], filter=pikepdf.Name.CCITTFaxDecode, decode_parms=parameters)
        stream.ColorSpace = pikepdf.Name.DeviceGray
        stream.BitsPerComponent = 1
        for unwanted in ("/Intent", "/Interpolate", "/Alternates", "/Metadata"):
            if unwanted in stream:
                del stream[unwanted]
        done.update(index for index, _ in places)
    return done
