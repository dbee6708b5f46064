"""PDF: a scanned page comes out as the scanner made it, any other page as a viewer shows it.

A page counts as scanned where one picture covers it and nothing visible lies on top (the invisible text of an OCR layer does not count, nor does what
the picture hides). That picture is decoded at its own resolution and turned upright, so not a pixel is resampled; its dpi is pixels over inches
on the page. This is done only where the page's dictionaries name nothing else (masks, layers, transparency, fields and annotations that show
something: :mod:`docbin.pdf.pdf_structure`) and where the page, rendered small, looks like the picture.

Every other page is composed by PDFium, forms and annotations included: at the resolution of its pictures where they make up the page (the highest
that a tenth of the page has; masks count, for a layered scan keeps its text in one), at 300 dpi or that, whichever is more, where text or drawings
lie beside them. A `dpi` given by the caller always renders.

Sizes are measured before anything is rendered or decoded; a page over the limit is refused with the dpi that would fit. Pages whose channels are
equal everywhere are grey, whatever colour space the PDF names. UserUnit (pages beyond 200 inches), which PDFium ignores, is honoured.

PDFium is not thread-safe: one lock guards all calls.
"""

from __future__ import annotations

import contextlib
import io
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import numpy as np

from docbin.errors import InputError, RefusedInput
from docbin.files.access import decoding
from docbin.files.broken_off import ends_grey, jpeg_depth
from docbin.files.document_record import DocumentRecord
from docbin.files.limits import ReadOptions
from docbin.files.modes import is_grey
from docbin.files.orientation import turned, upright
from docbin.files.pagefile import Decoded
from docbin.files.repairs import END_OF_IMAGE, jpeg_with_end
from docbin.files.resolution import Dpi, believable
from docbin.page import Image, to_grey
from docbin.pdf.document import record_of
from docbin.pdf.page_pictures import picture_draws
from docbin.pdf.pdf_structure import PageFacts, Structure, check_fax, check_jbig2, check_jpeg, check_jpeg2000, check_samples, check_whole
from docbin.pdf.place import Place

RENDER_DPI = 300.0

_PDFIUM = threading.RLock()

_POINTS_PER_INCH = 72.0
_MARGIN = 0.01
"""Share of the page's side by which a scan may miss or pass the page's edge and still cover it."""

_SKEW = 0.002
"""Sine of the largest angle that still counts as upright: 7 pixels over an A4 page at 300 dpi."""

_MANY = 20_000
"""A page's things are looked at so far; a page of more is no scan."""

_LOST, _LOST_BESIDE = 0.02, 0.5
"""Share of a page of pictures alone, and of one with text or drawings, from which pictures that cannot be decoded are the page's end."""
_LARGE = 0.1
"""Share of the page that pictures of a resolution must cover for the page to be rendered at it."""

_LEAST_SCANNED = 0.5
"""Share of the page that the pictures of a scanned page cover."""

_MOST_BESIDE = 0.05
"""Share of the page that text and drawings on a scan may take: stamps and lines of text lie on scans, columns of text on drawn pages."""

_TURNED = (1, 6, 3, 8)
"""Quarter turns of a page -> the orientation of what is stored along its own axes."""

_LOOK = 384
"""Longer side in pixels of the small render that a scan is compared with."""

_MEAN_APART, _MOST_APART = 6.0, 60.0
"""Grey levels by which a scan may differ from the page rendered small: on the whole, and where it differs most (1 place in 200 left out)."""

_REOPEN = 64
"""Pages after which PDFium's document is opened anew, because it keeps something of each."""

_MOST_SHADED = 20_000
"""Megapixels that all shadings of a page together may paint."""

_DIRECTIONS = {
    ((1, 0), (0, 1)): 1,
    ((-1, 0), (0, 1)): 2,
    ((-1, 0), (0, -1)): 3,
    ((1, 0), (0, -1)): 4,
    ((0, 1), (1, 0)): 5,
    ((0, 1), (-1, 0)): 6,
    ((0, -1), (-1, 0)): 7,
    ((0, -1), (1, 0)): 8,
}
"""Where a stored picture's columns and rows run on the upright page (x to the right, y down) -> its orientation number."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """The one picture of a page.

    `orientation` turns it (and its `dpi`, as stored) upright; `whole` says that it covers the page; `plain` that its pixels can be taken as they are.
    """

    image: Any
    size: tuple[int, int]
    dpi: Dpi
    orientation: int
    whole: bool
    plain: bool
    window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Left, top, right, bottom on the upright page, in parts of its sides."""
    drawn: int = -1
    """Its place among all pictures drawn, from 0."""


@dataclass(slots=True)
class _Contents:
    """What is visible on a page: its pictures that stand upright, the resolution and share of the page of all, whether there is anything else."""

    scans: list[_Scan] = field(default_factory=list)
    placed: list[tuple[Dpi, float]] = field(default_factory=list)
    others: bool = False
    beside: float = 0.0
    """Share of the page that text and drawings take."""
    lost: float = 0.0
    """Share of the page that pictures take which cannot be decoded."""
    count: int = 0
    """Pictures drawn, those that others hide among them."""

    def resolution(self) -> tuple[Dpi, float] | None:
        """The highest resolution that pictures over a tenth of the page have, and the share that all cover; None without such pictures."""
        covered = 0.0
        for dpi, share in sorted(self.placed, key=lambda one: -min(one[0])):
            covered += share
            if covered >= _LARGE:
                return dpi, sum(share for _, share in self.placed)
        return None


class PdfReader:
    """Reader of PDF files; see :class:`docbin.files.pagefile.Reader`."""

    def __init__(self, stream: BinaryIO, name: str, kind: str, options: ReadOptions) -> None:
        self.notes: list[str] = []
        self._options = options
        self._stream = stream
        self._decoded = 0
        self._structure: Structure | None = None
        with _PDFIUM:
            _forget_last_error()
            self._document = _opened(stream, name)
            self._mend_pages(name)
            self.notes += _stand_ins(self._document, self.structure().pdf)
            self.count = len(self._document)
        try:
            if self.count == 0:
                raise InputError(f"{name}: an empty PDF, without pages; export it again")
            options.check_pages(self.count, name)
        except BaseException:
            self.close()
            raise

    def _mend_pages(self, name: str) -> None:
        """Show PDFium all pages of a document that counts them wrongly: it believes the count, and nobody would miss the others."""
        structure = self.structure()
        if not structure.mended:
            return
        said = len(self._document)
        self._stream = io.BytesIO()
        structure.pdf.save(self._stream)
        self._document.close()
        self._document = _opened(self._stream, name)
        self.notes.append(f"the PDF says that it has {said} page{'s' * (said != 1)}: all {len(self._document)} of its page tree are read")

    def structure(self) -> Structure:
        """The document as pikepdf sees it, opened when first asked for."""
        if self._structure is None:
            self._structure = Structure(self._stream)
        return self._structure

    def document(self) -> DocumentRecord:
        """Title, outline, page labels, and what a PDF made of the pages' pictures loses."""
        with _PDFIUM:
            return record_of(self.structure().pdf)

    def decode(self, number: int, label: str) -> Decoded:
        with self._page(number, label) as (page, facts):
            return self._decode(page, facts or PageFacts(), label)

    def decode_scan(self, number: int, label: str) -> tuple[Decoded, Place] | None:
        """A page's scan alone, without text, annotations and fields that lie on it, and its place; None for a page that is drawn, not scanned.

        Scanned is a page that one plain picture covers, or makes up for the most part, whatever small things lie on it (a stamp, a line of text), and
        a page of nothing but pictures (strips, layers with masks), which is rendered at their resolution.
        """
        with self._page(number, label) as (page, facts):
            return None if facts is None else self._decode_scan(page, facts, number, label)

    @contextlib.contextmanager
    def _page(self, number: int, label: str) -> Iterator[tuple[Any, PageFacts | None]]:
        with _PDFIUM:
            facts = self.structure().facts(number, label)
            self._decoded += 1
            if self._decoded % _REOPEN == 0:
                self._document.close()
                self._document = _opened(self._stream, label)
            if facts is not None and facts.widgets:
                _with_forms(self._document)
            page = self._document[number - 1]
            if min(page.get_size()) <= 0 < min(_sides(page.get_mediabox())):  # a crop box beside the page crops nothing
                page.set_cropbox(*page.get_mediabox())
                page.close()
                page = self._document[number - 1]
            try:
                yield page, facts
            finally:
                page.close()

    def _decode_scan(self, page: Any, facts: PageFacts, number: int, label: str) -> tuple[Decoded, Place] | None:
        _check_area(page, label)
        contents = _contents_of(page, facts, self._options, label)
        covered = sum(share for _, share in contents.placed)
        if contents.beside > _MOST_BESIDE or covered < _LEAST_SCANNED:
            return None
        alone = len(contents.scans) == len(contents.placed) == 1 and self._options.dpi is None
        resolution = contents.resolution()
        if not alone and (contents.others or resolution is None):
            return None  # a map may draw pictures by the ten thousand
        drawn = picture_draws(self.structure().pdf.pages[number - 1].obj)
        box = tuple(page.get_bbox())
        if alone and len(drawn) == contents.count:
            scan = contents.scans[0]
            once = len({draw.path for draw in drawn}) == len(drawn)  # a name drawn twice would be replaced twice
            if scan.plain and not facts.blended and once and drawn[scan.drawn].size == scan.size:
                found = self._plain_scan(page, scan, contents, facts, label)
                if found is not None:
                    return found, Place(scan.drawn, scan.orientation, box)
        if contents.others or resolution is None:
            return None
        x, y = (self._options.dpi, self._options.dpi) if self._options.dpi is not None else resolution[0]
        orientation = _TURNED[page.get_rotation() // 90 % 4]
        decoded = self._render_at(page, facts, x, y, label, " (that of its pictures)", annotations=False)
        return decoded, Place(None, orientation, box, inline=len(drawn) != contents.count)

    def _plain_scan(self, page: Any, scan: _Scan, contents: _Contents, facts: PageFacts, label: str) -> Decoded | None:
        """The pixels of a page's one plain picture; None where the page does not look like it."""
        self._options.check_size(*scan.size, label)
        self._options.check_bytes(*scan.size, 8, label)
        pixels = _plain_pixels(scan, facts, label)
        if not _agree(pixels, page, self._document, window=scan.window, apart=contents.beside, annotations=False):
            return None
        notes = ["scanned page, decoded at its own resolution"]
        if scan.orientation != 1:
            notes.append(f"orientation {scan.orientation} applied")
        return Decoded(pixels, turned(believable(*scan.dpi, notes), scan.orientation), notes)

    def _decode(self, page: Any, facts: PageFacts, label: str) -> Decoded:
        _check_area(page, label)
        if self._options.dpi is not None:
            _contents_of(
                page, facts, replace(self._options, max_megapixels=math.inf), label
            )  # refuses what would be rendered without its picture
            return self._render_at(page, facts, self._options.dpi, self._options.dpi, label)
        contents = _contents_of(page, facts, self._options, label)
        scan = contents.scans[0] if len(contents.scans) == 1 and len(contents.placed) == 1 and not contents.others else None
        if scan is not None and scan.whole:
            return self._scanned(page, scan, facts, label)
        found = contents.resolution()
        if found is None:
            return self._render_at(page, facts, RENDER_DPI, RENDER_DPI, label)
        (x, y), share = found
        if contents.others or share < 0.5:
            x, y = max(RENDER_DPI, x), max(RENDER_DPI, y)
        return self._render_at(page, facts, x, y, label, " (that of its pictures)")

    def _scanned(self, page: Any, scan: _Scan, facts: PageFacts, label: str) -> Decoded:
        """A page that one picture covers: decoded where that is all one sees, else rendered with as many pixels as it has."""
        self._options.check_size(*scan.size, label)
        self._options.check_bytes(*scan.size, 8, label)
        notes: list[str] = []
        pixels = None
        if scan.plain and not facts.composed and not facts.appearances:
            pixels = _plain_pixels(scan, facts, label)
            if not _agree(pixels, page, self._document):
                pixels = None
                notes.append("the page does not look like the picture in it alone")
        if pixels is None:
            across, down = scan.size if scan.orientation < 5 else scan.size[::-1]
            self._check_shadings(facts, across * down, label)
            notes += _incomplete(facts, across * down, label)
            pixels = _render(page, across, down, self._document)
            notes.insert(0, "scanned page, rendered at its own resolution")
        else:
            notes.append("scanned page, decoded at its own resolution")
        if scan.orientation != 1:
            notes.append(f"orientation {scan.orientation} applied")
        return Decoded(pixels, turned(believable(*scan.dpi, notes), scan.orientation), notes)

    def _check_shadings(self, facts: PageFacts, pixels: int, label: str) -> None:
        painted = facts.shadings * pixels / 1e6
        if painted > _MOST_SHADED:
            raise RefusedInput(
                f"{label}: {facts.shadings:,} shadings in it paint up to {painted:,.0f} megapixels, which takes too long; "
                "render it at a lower resolution (--dpi) or print it to a new PDF"
            )

    def _render_at(
        self, page: Any, facts: PageFacts, x_dpi: float, y_dpi: float, label: str, why: str = "", *, annotations: bool = True
    ) -> Decoded:
        width, height = (side * facts.unit for side in page.get_size())
        across = max(1, math.ceil(round(width * x_dpi / _POINTS_PER_INCH, 3)))
        down = max(1, math.ceil(round(height * y_dpi / _POINTS_PER_INCH, 3)))
        fitting = math.floor(min(x_dpi, y_dpi) * math.sqrt(self._options.max_megapixels * 1e6 / (across * down)))
        lower = f"render it at a lower resolution (--dpi {fitting}) or " if fitting >= 10 else ""
        self._options.check_size(across, down, f"{label} ({width:g} x {height:g} pt at {x_dpi:g} dpi)", lower)
        self._options.check_bytes(across, down, 8, label)
        self._check_shadings(facts, across * down, label)
        notes = [(f"rendered at {x_dpi:g} dpi" if x_dpi == y_dpi else f"rendered at {x_dpi:g} x {y_dpi:g} dpi") + why]
        if facts.unit != 1:
            notes.append(f"UserUnit {facts.unit:g} applied")
        notes += _incomplete(facts, across * down, label)
        pixels = _render(page, across, down, self._document, annotations=annotations)
        return Decoded(pixels, believable(x_dpi, y_dpi, notes), notes)

    def close(self) -> None:
        """Free the document; the stream stays the caller's."""
        with _PDFIUM:
            self._document.close()
            if self._structure is not None:
                self._structure.close()


def _sides(box: tuple[float, float, float, float]) -> tuple[float, float]:
    """Width and height of a box: left, bottom, right, top."""
    return box[2] - box[0], box[3] - box[1]


def _check_area(page: Any, label: str) -> None:
    width, height = page.get_size()
    if not (width > 0 and height > 0 and math.isfinite(width) and math.isfinite(height)):
        raise InputError(f"{label}: a PDF page of {width:g} x {height:g} pt, without area; export it again")


def _opened(stream: BinaryIO, name: str) -> Any:
    """The document, its form fields ready to be drawn (which PDFium wants before any page is loaded)."""
    import pypdfium2
    import pypdfium2.raw as raw

    try:
        document = pypdfium2.PdfDocument(stream, autoclose=False)
    except pypdfium2.PdfiumError as error:
        said = str(error)
        if "password" in said.lower() or "security" in said.lower():
            raise InputError(f"{name}: encrypted PDF, a password is needed; save it without one (qpdf --decrypt)") from error
        raise InputError(f"{name}: {_unopened(stream, said)}; copy or export it again") from error
    if document.get_formtype() != raw.FORMTYPE_NONE:
        _with_forms(document)
    return document


def _stand_ins(document: Any, pdf: Any) -> list[str]:
    """Notes on documents whose pages only stand for what cannot be read: portfolios, and forms that no page holds."""
    import pypdfium2.raw as raw

    notes = []
    try:
        if pdf is not None and "/Collection" in pdf.Root:
            notes.append(
                f"a PDF portfolio: the {len(pdf.attachments)} documents attached to it are not read; save them out of it to read them"
            )
        if pdf is not None and document.get_formtype() == raw.FORMTYPE_XFA_FULL and pdf.Root.get("/NeedsRendering", False):
            notes.append(
                "an XFA form, laid out by Adobe's programs alone: read is the page that it keeps for others; print it to a new PDF"
            )
    except Exception:  # wrong types
        pass
    return notes


def _unopened(stream: BinaryIO, said: str) -> str:
    """Why PDFium opens a file not: it has no pages, or it is damaged."""
    structure = Structure(stream)
    try:
        if structure.pdf is not None and len(structure.pdf.pages) == 0:
            return "an empty PDF, without pages"
    except Exception:
        pass
    finally:
        structure.close()
    return f"truncated or damaged PDF ({said})"


def _with_forms(document: Any) -> None:
    """Make fields drawable that stand on a page though the document lists no form."""
    import pypdfium2
    import pypdfium2.raw as raw

    if document.formenv is None:
        config = raw.FPDF_FORMFILLINFO(version=2)
        environment = raw.FPDFDOC_InitFormFillEnvironment(document, config)
        if environment:
            document.formenv = pypdfium2.PdfFormEnv(environment, config)


def _forget_last_error() -> None:
    """Load what is no PDF, so that PDFium's last error is "format". It is not reset by failures of other kinds, and a file without pages that came
    after an encrypted one would be called encrypted."""
    import pypdfium2.raw as raw

    raw.FPDF_LoadMemDocument(b"none", 4, None)


def _contents_of(page: Any, facts: PageFacts, options: ReadOptions, label: str) -> _Contents:
    """The visible things of a page, less what a plain picture over the whole page hides."""
    import pypdfium2.raw as raw

    masks = {picture.size: picture.mask for picture in facts.pictures if picture.mask is not None}
    points = _POINTS_PER_INCH / facts.unit
    found, drawn = _Contents(), 0
    for index, thing in enumerate(page.get_objects()):
        if index > _MANY:
            found.others = True
            break
        if thing.type == raw.FPDF_PAGEOBJ_FORM:
            continue  # what it holds comes next
        if thing.type == raw.FPDF_PAGEOBJ_TEXT and raw.FPDFTextObj_GetTextRenderMode(thing) == raw.FPDF_TEXTRENDERMODE_INVISIBLE:
            continue
        if thing.type != raw.FPDF_PAGEOBJ_IMAGE:
            found.others = True
            found.beside += _share(thing, page)
            continue
        drawn += 1
        size: tuple[int, int] = tuple(thing.get_px_size())
        options.check_size(size[0], size[1], f"{label}, the picture in it")
        mask = masks.get(size)
        if mask is not None and mask[0] * mask[1] > size[0] * size[1]:
            options.check_size(mask[0], mask[1], f"{label}, the mask in it")
            size = mask
        scan = _placed(thing, page, size, points, raw)
        if scan is not None and scan.whole and scan.plain and not facts.composed:
            found = _Contents()  # hidden under it
            scan = replace(scan, drawn=drawn - 1)
        matrix = _matrix_of(thing)
        across, down = math.hypot(matrix.a, matrix.b), math.hypot(matrix.c, matrix.d)
        if across <= 0 or down <= 0:
            continue
        width, height = page.get_size()
        upright_dpi = turned(scan.dpi, scan.orientation) if scan is not None else None
        low = min(size[0] * points / across, size[1] * points / down)
        share = min(1.0, across * down / (width * height))
        found.placed.append((upright_dpi or (low, low), share))
        found.lost += 0.0 if _can_be_decoded(thing, raw) else share
        if scan is not None:
            found.scans.append(scan if scan.drawn >= 0 else replace(scan, drawn=drawn - 1))
    found.count = drawn
    if found.lost >= (_LOST_BESIDE if found.others else _LOST):
        raise InputError(f"{label}: a picture in it, {min(1.0, found.lost):.0%} of the page, cannot be decoded; scan or export it again")
    return found


def _can_be_decoded(image: Any, raw: Any) -> bool:
    """Whether PDFium has pixels of a picture: a damaged JPEG 2000, an unknown filter or colour space it leaves out of a page without a word."""
    from pypdfium2 import PdfiumError

    told = image.get_metadata()
    if told.colorspace != raw.FPDF_COLORSPACE_UNKNOWN or told.bits_per_pixel:
        return True
    try:
        image.get_bitmap(render=False).close()
    except PdfiumError:
        return False
    return True


def _share(thing: Any, page: Any) -> float:
    """Share of the page that an object's box takes."""
    try:
        left, bottom, right, top = thing.get_bounds()
    except Exception:  # it has none
        return 0.0
    x0, y0, x1, y1 = page.get_bbox()
    across, down = min(right, x1) - max(left, x0), min(top, y1) - max(bottom, y0)
    return float(max(0.0, across) * max(0.0, down) / max(1e-6, (x1 - x0) * (y1 - y0)))


def _matrix_of(image: Any) -> Any:
    """The matrix of a picture on the page, through the forms that it stands in."""
    matrix, container = image.get_matrix(), getattr(image, "container", None)
    while container is not None:
        matrix = matrix.multiply(container.get_matrix())
        container = container.container
    return matrix


def _placed(image: Any, page: Any, size: tuple[int, int], points: float, raw: Any) -> _Scan | None:
    """A picture of `size` (its mask's, where that is larger) and its place on the page, None where it stands askew."""
    if getattr(image, "container", None) is None and image.level > 0:
        return None  # older pypdfium2, where a picture inside a form cannot be placed
    matrix = _matrix_of(image)
    columns, rows = (matrix.a, -matrix.b), (-matrix.c, matrix.d)  # on the page, x to the right and y down
    for _ in range(page.get_rotation() // 90 % 4):
        columns, rows = (-columns[1], columns[0]), (-rows[1], rows[0])
    across, down = math.hypot(*columns), math.hypot(*rows)
    if across <= 0 or down <= 0:
        return None
    direction = tuple((round(x / length), round(y / length)) for (x, y), length in ((columns, across), (rows, down)))
    askew = max(min(abs(x), abs(y)) / length for (x, y), length in ((columns, across), (rows, down)))
    if direction not in _DIRECTIONS or askew > _SKEW:
        return None
    left, bottom, right, top = page.get_bbox()
    xs = sorted((matrix.e, matrix.e + matrix.a + matrix.c))
    ys = sorted((matrix.f, matrix.f + matrix.b + matrix.d))
    slack_x, slack_y = _MARGIN * (right - left), _MARGIN * (top - bottom)
    whole = all(
        abs(edge - border) <= slack
        for edge, border, slack in ((xs[0], left, slack_x), (xs[1], right, slack_x), (ys[0], bottom, slack_y), (ys[1], top, slack_y))
    )
    dpi = size[0] * points / across, size[1] * points / down
    x0, x1 = ((x - left) / max(1e-6, right - left) for x in xs)
    y0, y1 = ((top - y) / max(1e-6, top - bottom) for y in ys[::-1])
    window = x0, y0, x1, y1
    for _ in range(page.get_rotation() // 90 % 4):
        window = 1 - window[3], window[0], 1 - window[1], window[2]
    return _Scan(image, size, dpi, _DIRECTIONS[direction], whole, _is_plain(image, raw), window)


def _is_plain(image: Any, raw: Any) -> bool:
    """Whether a picture's pixels are what one sees: no transparency, no clip path, no stencil mask (which paints a colour through its bits)."""
    container = getattr(image, "container", None)
    while container is not None:
        if raw.FPDFPageObj_HasTransparency(container):
            return False
        container = container.container
    clip = raw.FPDFPageObj_GetClipPath(image)
    if raw.FPDFPageObj_HasTransparency(image) or (clip and raw.FPDFClipPath_CountPaths(clip) > 0):
        return False
    return bool(image.get_metadata().colorspace != raw.FPDF_COLORSPACE_UNKNOWN)


def _incomplete(facts: PageFacts, pixels: int, label: str) -> list[str]:
    """Notes on the small pictures and masks of a page of which something is missing; InputError where it may well be the page of so many pixels."""
    notes = []
    for part in (part for picture in facts.pictures for part in picture.parts()):
        try:
            check_whole(part, label)
        except InputError:
            if 2 * part.size[0] * part.size[1] > pixels:
                raise
            notes.append(f"a picture of {part.size[0]} x {part.size[1]} pixels in it is truncated: what it lacks is black, grey or white")
    return notes


def _plain_pixels(scan: _Scan, facts: PageFacts, label: str) -> Image:
    """The pixels of a plain picture, upright; InputError where it is not whole."""
    stored = [picture for picture in facts.pictures if picture.size == scan.size]
    for picture in stored:
        check_jpeg2000(picture, label)
        check_samples(picture, label)
        check_fax(picture, label)
        check_jbig2(picture, label)
    pixels = _picture(scan.image, label)
    if ends_grey(pixels):
        for picture in stored:
            check_jpeg(picture, label)
    return upright(pixels, scan.orientation)


def _picture(image: Any, label: str) -> Image:
    """The pixels of a plain picture, as stored."""
    from pypdfium2 import PdfiumError

    _check_stream(image, label)
    try:
        return _array(image.get_bitmap(render=False))
    except PdfiumError as error:
        raise InputError(f"{label}: the picture in it cannot be decoded; scan or export it again") from error


def _check_stream(image: Any, label: str) -> None:
    """PDFium fills what a truncated JPEG lacks with grey and says nothing; so one without an end marker is proved whole first, or must decode under
    Pillow's strict rules. One of 12-bit samples it shows black. What else may be missing, ``check_whole`` of :mod:`docbin.pdf.pdf_structure`
    finds; JPEG 2000 is left to PDFium."""
    filters = image.get_filters()
    if filters[-1:] == ["DCTDecode"]:
        data = bytes(image.get_data(decode_simple=True))
        depth = jpeg_depth(data)
        if depth not in (None, 8):
            raise InputError(f"{label}: its picture is a JPEG of {depth}-bit samples, which cannot be read; export it as 8 bit")
        if END_OF_IMAGE not in data[-1024:]:
            from PIL.JpegImagePlugin import JpegImageFile

            with decoding(label, "jpeg"):
                if jpeg_with_end(data) is None:
                    JpegImageFile(io.BytesIO(data)).load()


def _agree(
    pixels: Image,
    page: Any,
    document: Any,
    *,
    window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0),
    apart: float = 0.0,
    annotations: bool = True,
) -> bool:
    """Whether the page, rendered small, looks like `pixels` made as small.

    `window`: the part of the page where they lie; what lies on the edge of the page is compared with the whole. `apart`: a share of the page
    that may differ, for something lies on the picture there.
    """
    import cv2

    x0, y0, x1, y1 = (0.0 if abs(edge) <= _MARGIN else 1.0 if abs(edge - 1) <= _MARGIN else edge for edge in window)
    if min(x0, y0) < 0 or max(x1, y1) > 1:  # a crop box hides what lies outside
        rows, columns = pixels.shape[:2]
        left, right = ((edge - x0) / (x1 - x0) for edge in (max(0.0, x0), min(1.0, x1)))
        top, bottom = ((edge - y0) / (y1 - y0) for edge in (max(0.0, y0), min(1.0, y1)))
        pixels = pixels[int(top * rows) : max(1, round(bottom * rows)), int(left * columns) : max(1, round(right * columns))]
        x0, y0, x1, y1 = max(0.0, x0), max(0.0, y0), min(1.0, x1), min(1.0, y1)
        if pixels.size == 0 or x0 >= x1 or y0 >= y1:
            return False
    height, width = pixels.shape[0] / max(1e-6, y1 - y0), pixels.shape[1] / max(1e-6, x1 - x0)
    scale = min(0.25, _LOOK / max(width, height))  # a quarter at most: what is half a pixel off must not count
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    seen = to_grey(_render(page, across, down, document, averaged=True, annotations=annotations))
    seen = seen[max(0, round(y0 * down)) : max(1, round(y1 * down)), max(0, round(x0 * across)) : max(1, round(x1 * across))]
    own = to_grey(cv2.resize(pixels, seen.shape[::-1], interpolation=cv2.INTER_AREA)).astype(np.int16)
    shown = seen.astype(np.int16)
    differences = np.abs(cv2.blur(own, (3, 3), borderType=cv2.BORDER_REPLICATE) - cv2.blur(shown, (3, 3), borderType=cv2.BORDER_REPLICATE))
    small = max(width, height) < _LOOK  # too few places to compare one by one
    close = small or np.percentile(differences, 99.5 - 100 * apart) <= _MOST_APART
    return bool(abs(float(own.mean()) - float(shown.mean())) <= _MEAN_APART + 255 * apart and close)


def _render(page: Any, across: int, down: int, document: Any, *, averaged: bool = False, annotations: bool = True) -> Image:
    """The page drawn on white, stretched to exactly `across` x `down` pixels, with its annotations and form fields where they are wanted.

    `averaged`: pictures made smaller are averaged, not sampled (PDFium samples 1-bit ones).
    """
    import pypdfium2
    import pypdfium2.raw as raw

    bitmap = pypdfium2.PdfBitmap.new_native(across, down, raw.FPDFBitmap_BGR)
    flags = (raw.FPDF_ANNOT if annotations else 0) | (raw.FPDF_RENDER_FORCEHALFTONE if averaged else 0)
    try:
        raw.FPDFBitmap_FillRect(bitmap, 0, 0, across, down, 0xFFFFFFFF)
        raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, across, down, 0, flags)
        if document.formenv is not None and annotations:
            raw.FPDF_FFLDraw(document.formenv, bitmap, page, 0, 0, across, down, 0, raw.FPDF_ANNOT)
        return _array(bitmap)
    finally:
        bitmap.close()


def _array(bitmap: Any) -> Image:
    """A PDFium bitmap (grey, BGR, BGRx) as a page of its own memory, grey where all channels are equal."""
    values = bitmap.to_numpy()
    if values.ndim == 2 or values.shape[2] == 1:
        return np.array(values.reshape(values.shape[:2]), dtype=np.uint8)
    if is_grey(values[..., :3]):
        return np.ascontiguousarray(values[..., 0])
    return np.ascontiguousarray(values[..., 2::-1])
