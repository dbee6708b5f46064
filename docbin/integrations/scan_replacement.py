"""The scans on the pages of a PDF replaced by their ink, in place: geometry, rotation, text layer, links and everything else of the page stay.

A picture counts as the page's scan where it covers at least half of the page and its pixels are all that one sees of it: no mask, no layer, colours
that :mod:`docbin.pdf.picture_pixels` reads, more than one bit a pixel; :func:`obstacles` says why one is not. The new picture has the old one's
pixels in number, so not a point of the page moves. A page of paper with stencils of writing over it (:func:`is_layered`) is better left alone: the
ink of that paper is the writing's blurred shadow.

Work on the pages and the change of the file are apart, because a program may do the first in many processes and the second at the end: :func:`scans`
finds and decodes, :func:`docbin.pdf.ink_picture.encoded` codes, :func:`replace` puts the ink in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docbin.page import Image
    from docbin.pdf.ink_picture import InkPicture
    from docbin.pdf.page_layers import PageLayers

COVERS = 0.5
"""Share of the page that its scan covers, at the least."""

LAYERED = 0.25
"""Share of the page that stencils and masked pictures cover together where it is in layers; a stamp or a signature covers less."""

_DEPTH = 8
_MANY_STEPS = 8000

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

    def dpi(self, page: Any) -> tuple[float, float]:
        """The resolution that it has where it covers the page (a pikepdf page), whichever way it lies."""
        box = [float(value) for value in page.mediabox]
        inches = sorted(abs(side) * float(page.obj.get("/UserUnit", 1)) / 72 for side in (box[2] - box[0], box[3] - box[1]))
        dots = [pixels / max(length, 1e-3) for pixels, length in zip(sorted(self.size), inches, strict=True)]
        return max(dots), max(dots)

    def pixels(self) -> Image:
        """The picture as stored: uint8 (H, W) or (H, W, 3).

        Raises
        ------
        Exception
            Of many types: whatever pikepdf and Pillow find wrong with it.
        """
        from docbin.errors import RefusedInput
        from docbin.pdf.pdf_structure import unpacked
        from docbin.pdf.picture_pixels import picture_pixels

        width, height = self.size
        most = max(1 << 20, 64 * width * height)
        if len(unpacked(self.stream, most)[0]) >= most:  # pikepdf would unpack all of it, gigabytes of a small file
            raise RefusedInput(f"a picture of {width} x {height} pixels unpacks to more than {most / 1e6:,.0f} MB; an attack or a fault")
        return picture_pixels(self.stream)


def scans(page: Any) -> list[Scan]:
    """The scans of a page (a pikepdf page): at most two, for no more cover half of it each."""
    return [Scan(place, stream) for place, stream in _large(page) if obstacle(stream) is None]


def obstacles(page: Any) -> list[str]:
    """Why the pictures that cover a page (a pikepdf page) are not taken for its scans, in words; those of 1 bit are none to speak of."""
    found = (obstacle(stream) for _, stream in _large(page))
    return list(dict.fromkeys(words for words in found if words is not None))


def _large(page: Any) -> list[tuple[Place, Any]]:
    """The pictures that cover half of a page or more, and in which there is something to gain."""
    least = COVERS * _area(page)
    return [(place, stream) for place, (stream, covered) in _pictures(page).items() if covered >= least > 0 and not _is_bitonal(stream)]


def is_layered(page: Any) -> bool:
    """Whether stencils and pictures with masks lie over much of a page (a pikepdf page), as programs make that compress a scan in layers."""
    masked = [
        covered
        for stream, covered in _pictures(page).values()
        if bool(stream.get("/ImageMask", False)) or any(key in stream for key in ("/SMask", "/Mask"))
    ]
    return sum(masked) >= LAYERED * _area(page)


def _area(page: Any) -> float:
    """Square points of a page."""
    box = [float(value) for value in page.mediabox]
    return abs((box[2] - box[0]) * (box[3] - box[1]))


def _pictures(page: Any) -> dict[Place, tuple[Any, float]]:
    """Every picture that a page draws: its object and the area that it covers, in square points, at its largest."""
    from docbin.pdf.page_pictures import resources_of

    found: dict[Place, tuple[Any, float]] = {}
    for place, stream, covered in _drawn(page.obj, resources_of(page.obj), None, (), iter(range(_MANY_STEPS))):
        found[place] = stream, max(covered, found[place][1] if place in found else 0.0)
    return found


def _drawn(holder: Any, resources: Any, matrix: Any, place: Place, steps: Iterator[int]) -> Iterator[tuple[Place, Any, float]]:
    """Every picture that a page or form draws: its place, its object, the area that it covers in square points; ends with the `steps` that are left
    for the whole page, for forms that draw forms may be many."""
    import pikepdf

    if resources is None or "/XObject" not in resources or len(place) >= _DEPTH:
        return
    things = resources["/XObject"]
    now = matrix if matrix is not None else pikepdf.Matrix()
    kept = []
    for instruction in pikepdf.parse_content_stream(holder, "q Q cm Do"):
        if next(steps, None) is None:
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
                yield from _drawn(thing, thing.get("/Resources") or resources, inner, (*place, name), steps)


def _is_bitonal(stream: Any) -> bool:
    return bool(stream.get("/ImageMask", False)) or int(stream.get("/BitsPerComponent", 8)) == 1


def obstacle(stream: Any) -> str | None:
    """Why a picture is not to be replaced by the ink of its pixels, in words; None where it is."""
    from docbin.errors import InputError
    from docbin.pdf.picture_pixels import colour_space, decode_of

    if any(key in stream for key in ("/SMask", "/Mask")) or int(stream.get("/SMaskInData", 0)) != 0:
        return "its picture has a mask, so that one sees more than its pixels"
    if "/OC" in stream:
        return "its picture belongs to a layer"
    try:
        space = colour_space(stream)
        if space is not None:
            decode_of(stream, space.channels)
    except InputError as error:
        return str(error)
    return None


def replace(pdf: Any, inks: Mapping[int, Mapping[Place, InkPicture | PageLayers]]) -> set[int]:
    """Put `inks` (page index -> place -> ink, alone or in layers) in place of scans, in a pikepdf document.

    The page's name for the scan comes to mean the ink; another page that shows the same picture keeps it, unless it has ink of its own here. Returns
    the indices of the pages of which at least one scan was replaced.
    """
    from docbin.pdf.page_layers import page_object, size_of
    from docbin.pdf.page_pictures import own_pictures, repoint

    done: set[int] = set()
    made: dict[InkPicture | PageLayers, Any] = {}
    for index, places in sorted(inks.items()):
        page = pdf.pages[index]
        now = {scan.place: scan.size for scan in scans(page)}
        wanted = {place: ink for place, ink in places.items() if now.get(place) == size_of(ink)}
        things = own_pictures(page.obj) if wanted else None
        for place, ink in wanted.items():
            if ink not in made:
                made[ink] = pdf.make_indirect(page_object(pdf, ink))
            repoint(pdf, things, place, made[ink])
            done.add(index)
    return done
