"""PDFs of many kinds of pages, each with everything that must survive: made with pikepdf, from pages of text that any method reads alike."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
from numpy.typing import NDArray
from pikepdf import Array, Dictionary, Name
from PIL import Image

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT = 600, 420
POINTS = WIDTH * 72 // 150, HEIGHT * 72 // 150  # 150 dpi


def page_of_text(number: int = 1, *, colour: bool = False) -> Pixels:
    """A grey or coloured page: paper that darkens to the right, large letters, no noise."""
    shade = np.linspace(235, 190, WIDTH)[None, :].repeat(HEIGHT, 0)
    page = shade.astype(np.uint8)
    for line in range(5):
        cv2.putText(page, f"page {number} line {line} Ink", (40, 80 + 70 * line), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 25, 4, cv2.LINE_AA)
    return np.dstack([page, page, (page * 0.8).astype(np.uint8)]) if colour else page


class Document:
    """A PDF under construction; `scan` and its kin add pages, `save` writes it."""

    def __init__(self) -> None:
        self.pdf = pikepdf.new()
        self.font = self.pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))

    def picture(self, pixels: Pixels, jpeg: bool = True, **more: Any) -> Any:
        data, extra = pixels.tobytes(), {}
        if jpeg:
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "jpeg", quality=92)
            data, extra = file.getvalue(), {"Filter": Name.DCTDecode}
        space = Name.DeviceGray if pixels.ndim == 2 else Name.DeviceRGB
        entries = {"Width": pixels.shape[1], "Height": pixels.shape[0], "BitsPerComponent": 8, "ColorSpace": space} | extra | more
        return self.pdf.make_indirect(pikepdf.Stream(self.pdf, data, Dictionary(Type=Name.XObject, Subtype=Name.Image, **entries)))

    def page(self, content: bytes, things: dict[str, Any], size: tuple[float, float] = POINTS, **more: Any) -> Any:
        resources = Dictionary(XObject=Dictionary(things), Font=Dictionary(F=self.font))
        page = Dictionary(Type=Name.Page, MediaBox=[0, 0, *size], Resources=resources, Contents=self.pdf.make_stream(content), **more)
        self.pdf.pages.append(pikepdf.Page(self.pdf.make_indirect(page)))
        return self.pdf.pages[-1].obj

    def scan(self, number: int = 1, *, text: str | None = None, over: bytes = b"", colour: bool = False, **more: Any) -> Any:
        """A page that one picture covers, an invisible text layer on it; `over` is drawn on top."""
        words = f"hidden words of page {number}" if text is None else text
        layer = f"BT 3 Tr /F 12 Tf 20 150 Td ({words}) Tj ET\n".encode()
        content = b"q %d 0 0 %d 0 0 cm /Im Do Q\n" % POINTS + layer + over
        return self.page(content, {"/Im": self.picture(page_of_text(number, colour=colour))}, **more)

    def strips(self, number: int = 1) -> Any:
        """A page whose picture is cut into four strips."""
        pixels, step = page_of_text(number), HEIGHT // 4
        things, content = {}, b""
        for strip in range(4):
            things[f"/S{strip}"] = self.picture(pixels[strip * step : (strip + 1) * step], jpeg=False)
            content += b"q %d 0 0 %.4f 0 %.4f cm /S%d Do Q\n" % (POINTS[0], POINTS[1] / 4, POINTS[1] * (3 - strip) / 4, strip)
        return self.page(content + f"BT 3 Tr /F 12 Tf 20 150 Td (strips {number}) Tj ET".encode(), things)

    def layered(self, number: int = 1) -> Any:
        """A page of paper, and of ink that a mask cuts out of a black picture."""
        pixels = page_of_text(number)
        ink = np.where(pixels < 128, 255, 0).astype(np.uint8)
        paper = cv2.resize(np.full_like(pixels, 220), (WIDTH // 4, HEIGHT // 4))
        mask = self.picture(ink, jpeg=False)
        front = self.picture(np.full((8, 8), 20, np.uint8), jpeg=False, SMask=mask)
        content = b"q %d 0 0 %d 0 0 cm /Bg Do /Fg Do Q\n" % POINTS
        return self.page(
            content + f"BT 3 Tr /F 12 Tf 20 150 Td (layers {number}) Tj ET".encode(), {"/Bg": self.picture(paper), "/Fg": front}
        )

    def in_a_form(self, number: int = 1) -> Any:
        """A scan that stands in a form."""
        picture = self.picture(page_of_text(number))
        form = pikepdf.Stream(
            self.pdf,
            b"q 100 0 0 50 0 0 cm /Im Do Q",
            Dictionary(
                Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 100, 50], Resources=Dictionary(XObject=Dictionary({"/Im": picture}))
            ),
        )
        return self.page(b"q %.4f 0 0 %.4f 0 0 cm /Fm Do Q" % (POINTS[0] / 100, POINTS[1] / 50), {"/Fm": self.pdf.make_indirect(form)})

    def inline(self, number: int = 1) -> Any:
        """A scan whose picture stands within the content stream."""
        small = cv2.resize(page_of_text(number), (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
        head = b"q %d 0 0 %d 0 0 cm BI /W %d /H %d /BPC 8 /CS /G /F /AHx ID " % (*POINTS, WIDTH // 2, HEIGHT // 2)
        return self.page(head + small.tobytes().hex().encode() + b"> EI Q\nBT 3 Tr /F 12 Tf 20 150 Td (inline) Tj ET", {})

    def drawn(self, words: str = "A page that no scanner saw") -> Any:
        """A page of text, with a small picture."""
        content = b"".join(b"BT /F 14 Tf 15 %d Td (%s, line %d) Tj ET\n" % (180 - 18 * line, words.encode(), line) for line in range(9))
        content += b"q 60 0 0 42 220 5 cm /Im Do Q"
        return self.page(content, {"/Im": self.picture(page_of_text())})

    def save(self, path: Path, **options: Any) -> Path:
        self.pdf.save(path, **options)
        return path


def rich(path: Path, **options: Any) -> Path:
    """A document of eleven pages with an outline, links, notes, a filled-in field, labels, an attachment, metadata, and optional content."""
    made = Document()
    first = made.scan(1)
    made.scan(2, colour=True, Rotate=90)
    made.scan(3, Rotate=180, UserUnit=2.0)
    made.scan(4, CropBox=[20, 30, POINTS[0] - 25, POINTS[1] - 10])
    made.strips(5)
    made.layered(6)
    made.in_a_form(7)
    made.drawn()
    made.scan(9, over=b"BT 0 Tr 0.8 0 0 rg /F 8 Tf 200 6 Td (seen by the archive) Tj ET")
    made.inline(10)
    pdf = made.pdf
    layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name="Scan"))
    pdf.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(ON=Array([layer]), Order=Array([layer])))
    last = made.scan(11)
    last.Resources.Properties = Dictionary(L=layer)
    last.Resources.XObject.Im.OC = layer
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[20, 20, 90, 40], Dest=Array([last, Name.Fit]), Border=[0, 0, 0])
    note = Dictionary(Type=Name.Annot, Subtype=Name.Highlight, Rect=[20, 100, 120, 120], QuadPoints=[20, 120, 120, 120, 20, 100, 120, 100])
    note.C, note.Contents = Array([1, 1, 0]), "a note"
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T="name", V="Ada", Rect=[150, 20, 250, 40], P=first)
    annots = [pdf.make_indirect(thing) for thing in (link, note, field)]
    first.Annots = Array(annots)
    pdf.Root.AcroForm = Dictionary(Fields=Array([annots[2]]), DA="/F 12 Tf 0 g", DR=Dictionary(Font=Dictionary(F=made.font)))
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("One", 0))
        outline.root.append(pikepdf.OutlineItem("Eleven", 10))
        outline.root[0].children.append(pikepdf.OutlineItem("Two", 1))
    pdf.Root.PageLabels = Dictionary(Nums=Array([0, Dictionary(S=Name.r), 4, Dictionary(S=Name.D, St=1)]))
    pdf.attachments["data.txt"] = pikepdf.AttachedFileSpec(pdf, b"attached", filename="data.txt")
    with pdf.open_metadata(set_pikepdf_as_editor=False) as meta:
        meta["dc:title"] = "A rich document"
        meta["dc:creator"] = ["Ada"]
    pdf.docinfo["/Title"] = "A rich document"
    return made.save(path, **options)
