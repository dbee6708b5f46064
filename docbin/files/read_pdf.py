"""PDF: a scanned page comes out as the scanner made it, any other page is rendered.

A page counts as scanned where one picture covers it and nothing visible lies on top (the invisible text of an OCR layer does not count, nor does what
the picture hides). That picture is decoded at its own resolution and turned upright, so not a pixel is resampled; its dpi is pixels over inches
on the page. Where one picture is all there is but it cannot simply be taken out (stencil mask, transparency, clip path, annotations, margins around
it), the page is rendered at the picture's resolution. Everything else is rendered at 300 dpi. A `dpi` given by the caller always renders.

Sizes are measured before anything is rendered or decoded; a page over the limit is refused with the dpi that would fit. Pages whose channels are
equal everywhere are grey, whatever colour space the PDF names.

PDFium is not thread-safe: one lock guards all calls. It ignores UserUnit (pages beyond 200 inches), so the dpi of such a page is that much too high.
"""

from __future__ import annotations

import io
import math
import threading
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np

from docbin.errors import InputError
from docbin.files.access import decoding
from docbin.files.limits import ReadOptions
from docbin.files.modes import is_grey
from docbin.files.orientation import turned, upright
from docbin.files.pagefile import Decoded
from docbin.files.resolution import Dpi, believable
from docbin.page import Image

RENDER_DPI = 300.0

_PDFIUM = threading.RLock()

_POINTS_PER_INCH = 72.0
_MARGIN = 0.01
"""Share of the page's side by which a scan may miss or pass the page's edge and still cover it."""

_SKEW = 0.002
"""Sine of the largest angle that still counts as upright: 7 pixels over an A4 page at 300 dpi."""

_MANY = 2000
"""A page with so many things on top of each other is no scan."""

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


class PdfReader:
    """Reader of PDF files; see :class:`docbin.files.pagefile.Reader`."""

    def __init__(self, stream: BinaryIO, name: str, kind: str, options: ReadOptions) -> None:
        import pypdfium2

        self.notes: list[str] = []
        self._options = options
        with _PDFIUM:
            _forget_last_error()
            try:
                self._document = pypdfium2.PdfDocument(stream, autoclose=False)
            except pypdfium2.PdfiumError as error:
                said = str(error)
                if "password" in said.lower() or "security" in said.lower():
                    raise InputError(f"{name}: encrypted PDF, a password is needed; save it without one (qpdf --decrypt)") from error
                raise InputError(f"{name}: truncated or damaged PDF ({said}); copy or export it again") from error
            self.count = len(self._document)
        if self.count == 0:
            self.close()
            raise InputError(f"{name}: a PDF without pages; copy or export it again")
        try:
            options.check_pages(self.count, name)
        except BaseException:
            self.close()
            raise

    def decode(self, number: int, label: str) -> Decoded:
        with _PDFIUM:
            page = self._document[number - 1]
            try:
                return self._decode(page, label)
            finally:
                page.close()

    def _decode(self, page: Any, label: str) -> Decoded:
        width, height = page.get_size()
        if not (width > 0 and height > 0 and math.isfinite(width) and math.isfinite(height)):
            raise InputError(f"{label}: a PDF page of {width:g} x {height:g} pt, without area; export it again")
        if self._options.dpi is not None:
            return self._render_at(page, self._options.dpi, self._options.dpi, label)
        scan = _scan_of(page, self._options, label)
        if scan is None:
            return self._render_at(page, RENDER_DPI, RENDER_DPI, label)
        if scan.whole:
            self._options.check_size(*scan.size, label)
            notes = ["scanned page, decoded at its own resolution"]
            if scan.plain:
                pixels = upright(_picture(scan.image, label), scan.orientation)
            else:
                across, down = scan.size if scan.orientation < 5 else scan.size[::-1]
                pixels = _render(page, across, down)
                notes = ["scanned page, rendered at its own resolution"]
            if scan.orientation != 1:
                notes.append(f"orientation {scan.orientation} applied")
            return Decoded(pixels, turned(believable(*scan.dpi, notes), scan.orientation), notes)
        own = turned(scan.dpi, scan.orientation) or scan.dpi
        return self._render_at(page, max(RENDER_DPI, own[0]), max(RENDER_DPI, own[1]), label)

    def _render_at(self, page: Any, x_dpi: float, y_dpi: float, label: str) -> Decoded:
        width, height = page.get_size()
        across = max(1, math.ceil(round(width * x_dpi / _POINTS_PER_INCH, 3)))
        down = max(1, math.ceil(round(height * y_dpi / _POINTS_PER_INCH, 3)))
        fitting = math.floor(min(x_dpi, y_dpi) * math.sqrt(self._options.max_megapixels * 1e6 / (across * down)))
        lower = f"render it at a lower resolution (--dpi {fitting}) or " if fitting >= 10 else ""
        self._options.check_size(across, down, f"{label} ({width:g} x {height:g} pt at {x_dpi:g} dpi)", lower)
        notes = [f"rendered at {x_dpi:g} dpi" if x_dpi == y_dpi else f"rendered at {x_dpi:g} x {y_dpi:g} dpi"]
        return Decoded(_render(page, across, down), believable(x_dpi, y_dpi, notes), notes)

    def close(self) -> None:
        """Free the document; the stream stays the caller's."""
        with _PDFIUM:
            self._document.close()


def _forget_last_error() -> None:
    """Load what is no PDF, so that PDFium's last error is "format". It is not reset by failures of other kinds, and a file without pages that came
    after an encrypted one would be called encrypted."""
    import pypdfium2.raw as raw

    raw.FPDF_LoadMemDocument(b"none", 4, None)


def _scan_of(page: Any, options: ReadOptions, label: str) -> _Scan | None:
    """The picture that makes up the page, None where the page is more than one picture."""
    import pypdfium2.raw as raw

    visible: list[_Scan | None] = []  # None stands for anything that is not a picture placed upright
    for thing in page.get_objects():
        if thing.type == raw.FPDF_PAGEOBJ_FORM:
            continue  # what it holds comes next
        if thing.type == raw.FPDF_PAGEOBJ_TEXT and raw.FPDFTextObj_GetTextRenderMode(thing) == raw.FPDF_TEXTRENDERMODE_INVISIBLE:
            continue
        scan = None
        if thing.type == raw.FPDF_PAGEOBJ_IMAGE:
            width, height = thing.get_px_size()
            options.check_size(width, height, f"{label}, the picture in it")
            scan = _placed(thing, page, raw)
        if scan is not None and scan.whole and scan.plain:
            visible.clear()  # hidden under it
        visible.append(scan)
        if len(visible) > _MANY:
            return None
    scan = visible[0] if len(visible) == 1 else None
    return replace(scan, plain=False) if scan is not None and _annotated(page, raw) else scan


def _placed(image: Any, page: Any, raw: Any) -> _Scan | None:
    """A picture and its place on the page, None where it stands askew."""
    matrix = image.get_matrix()
    container = getattr(image, "container", None)  # absent in older pypdfium2, where a picture inside a form cannot be placed
    if container is None and image.level > 0:
        return None
    while container is not None:
        matrix = matrix.multiply(container.get_matrix())
        container = container.container
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
    size = image.get_px_size()
    dpi = size[0] * _POINTS_PER_INCH / across, size[1] * _POINTS_PER_INCH / down
    return _Scan(image, size, dpi, _DIRECTIONS[direction], whole, _is_plain(image, raw))


def _is_plain(image: Any, raw: Any) -> bool:
    """Whether a picture's pixels are what one sees: no transparency, no clip path, no stencil mask (which paints a colour through its bits)."""
    clip = raw.FPDFPageObj_GetClipPath(image)
    if raw.FPDFPageObj_HasTransparency(image) or (clip and raw.FPDFClipPath_CountPaths(clip) > 0):
        return False
    return bool(image.get_metadata().colorspace != raw.FPDF_COLORSPACE_UNKNOWN)


def _annotated(page: Any, raw: Any) -> bool:
    """Whether annotations other than links and pop-ups lie on the page."""
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if annotation:
            subtype = raw.FPDFAnnot_GetSubtype(annotation)
            raw.FPDFPage_CloseAnnot(annotation)
            if subtype not in (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP):
                return True
    return False


def _picture(image: Any, label: str) -> Image:
    """The pixels of a plain picture, as stored."""
    _check_stream(image, label)
    return _array(image.get_bitmap(render=False))


def _check_stream(image: Any, label: str) -> None:
    """PDFium fills what a truncated stream lacks with black and says nothing; so the stream is checked first.

    An uncompressed (after Flate and the like) picture must have the number of bytes of some whole number of channels and bits; a JPEG without an
    end marker must still decode under Pillow's strict rules. CCITT, JBIG2 and JPEG 2000 streams are left to PDFium.
    """
    filters = image.get_filters(skip_simple=True)
    if not filters:
        (width, height), have = image.get_px_size(), len(image.get_data(decode_simple=True))
        sizes = sorted(height * ((width * channels * bits + 7) // 8) for channels in (1, 3, 4) for bits in (1, 2, 4, 8, 16))
        if have < sizes[-1] and not any(size <= have <= size + 2 for size in sizes):  # 2: a stray line end
            raise InputError(f"{label}: truncated picture, {have} bytes of samples for {width} x {height} pixels; scan or export it again")
    elif filters == ["DCTDecode"] and image.get_filters() == filters:
        data = bytes(image.get_data())
        if b"\xff\xd9" not in data[-1024:]:
            from PIL.JpegImagePlugin import JpegImageFile

            with decoding(label, "jpeg"):
                JpegImageFile(io.BytesIO(data)).load()


def _render(page: Any, across: int, down: int) -> Image:
    """The page drawn on white, stretched to exactly `across` x `down` pixels, with its annotations."""
    import pypdfium2
    import pypdfium2.raw as raw

    bitmap = pypdfium2.PdfBitmap.new_native(across, down, raw.FPDFBitmap_BGR)
    try:
        raw.FPDFBitmap_FillRect(bitmap, 0, 0, across, down, 0xFFFFFFFF)
        raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, across, down, 0, raw.FPDF_ANNOT)
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
