"""PDF pages of every kind that is more than one plain picture, beside what poppler (pdftoppm) and mupdf (mutool draw) show of them."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pytest
from numpy.typing import NDArray
from pikepdf import Array, Dictionary, Name
from PIL import Image

from docbin import files
from docbin.errors import InputError, RefusedInput
from docbin.files.write_tiff import group4
from docbin.page import Page, to_grey
from docbin.pdf import jbig2
from tests.files.builders import COLOUR, GREY, jpeg, saved

Pixels = NDArray[np.uint8]


def _letters(width: int = 300, height: int = 150) -> Pixels:
    page = np.full((height, width), 235, np.uint8)
    for line in range(height // 30):
        cv2.putText(page, "docbin 1873 Ink", (10, 24 + 30 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 20, 2)
    return page


TEXT = _letters()
INKED = np.where(TEXT < 128, 255, 0).astype(np.uint8)


class Maker:
    """A PDF of one page of 72 x 36 pt, made with pikepdf."""

    def __init__(self, size: tuple[float, float] = (72, 36)) -> None:
        self.pdf = pikepdf.new()
        self.pdf.add_blank_page(page_size=size)
        self.page = self.pdf.pages[0].obj
        self.page.Resources = Dictionary(XObject=Dictionary(), ExtGState=Dictionary(), Properties=Dictionary())

    def stream(self, data: bytes, **entries: Any) -> Any:
        return self.pdf.make_indirect(pikepdf.Stream(self.pdf, data, Dictionary(**entries)))

    def picture(self, values: Pixels, more: bytes = b"", less: int = 0, **entries: Any) -> Any:
        space = Name.DeviceGray if values.ndim == 2 else Name.DeviceRGB
        entries = {"ColorSpace": space, "BitsPerComponent": 8, "Width": values.shape[1], "Height": values.shape[0], **entries}
        return self.stream(values.tobytes()[: values.size - less] + more, Type=Name.XObject, Subtype=Name.Image, **entries)

    def form(self, content: bytes, **entries: Any) -> Any:
        return self.stream(content, Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 72, 36], **entries)

    def draw(self, content: str, **things: Any) -> None:
        for name, thing in things.items():
            self.page.Resources.XObject[f"/{name}"] = thing
        self.page.Contents = self.stream(content.encode())

    def bytes(self) -> bytes:
        out = io.BytesIO()
        self.pdf.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
        return out.getvalue()


FULL = "q 72 0 0 36 0 0 cm /{} Do Q "


def _masked(kind: str) -> Maker:
    made = Maker()
    black = np.zeros_like(TEXT)
    if kind == "smask":
        picture = made.picture(black, SMask=made.picture(INKED))
    elif kind == "smask with matte":
        picture = made.picture(black, SMask=made.picture(INKED, Matte=[0]))
    elif kind == "mask":
        bits = np.packbits(INKED < 128, axis=1).tobytes()  # 1 is hidden
        mask = made.stream(bits, Type=Name.XObject, Subtype=Name.Image, Width=300, Height=150, BitsPerComponent=1, ImageMask=True)
        picture = made.picture(black, Mask=mask)
    elif kind == "colour key":
        paper = np.where(TEXT < 128, 20, 3).astype(np.uint8)
        picture = made.picture(paper, Mask=[0, 10])
    elif kind == "stencil":
        bits = np.packbits(INKED < 128, axis=1).tobytes()
        picture = made.stream(bits, Type=Name.XObject, Subtype=Name.Image, Width=300, Height=150, BitsPerComponent=1, ImageMask=True)
    else:  # a small foreground under a large mask
        picture = made.picture(np.zeros((18, 36), np.uint8), SMask=made.picture(INKED))
    made.draw(FULL.format("I"), I=picture)
    return made


def _layered() -> Maker:
    made = _masked("mrc")
    made.draw(FULL.format("B") + FULL.format("I"), B=made.picture(np.full((18, 36), 235, np.uint8)), I=made.page.Resources.XObject.I)
    return made


def _strips(count: int) -> Maker:
    made = Maker((36, 18))
    rows = np.array_split(TEXT, count)
    at, content, things = 150, "", {}
    for index, part in enumerate(rows):
        at -= len(part)
        content += f"q 36 0 0 {len(part) * 0.12:g} 0 {at * 0.12:g} cm /S{index} Do Q "
        things[f"S{index}"] = made.picture(np.ascontiguousarray(part))
    made.draw(content, **things)
    return made


def _hidden(how: str) -> Maker:
    made = Maker()
    layer = made.pdf.make_indirect(Dictionary(Type=Name.OCG, Name="hidden"))
    default = {"off": Dictionary(OFF=[layer]), "base state": Dictionary(BaseState=Name.OFF)}.get(how, Dictionary(OFF=[layer]))
    made.pdf.Root.OCProperties = Dictionary(OCGs=[layer], D=default, Configs=Array([Dictionary(ON=[layer])]))
    made.page.Resources.Properties["/L"] = layer
    cover = made.picture(np.zeros_like(TEXT), **({"OC": layer} if how == "of the picture" else {}))
    marked = FULL.format("C") if how == "of the picture" else f"/OC /L BDC {FULL.format('C')} EMC"
    made.draw(FULL.format("I") + marked, I=made.picture(TEXT), C=cover)
    return made


def _state(**entries: Any) -> Maker:
    made = Maker()
    made.page.Resources.ExtGState["/G"] = Dictionary(**entries)
    resources = Dictionary(XObject=Dictionary(I=made.picture(TEXT)))
    made.draw("/G gs /F Do", F=made.form(FULL.format("I").encode(), Group=Dictionary(S=Name.Transparency), Resources=resources))
    return made


def _soft_mask() -> Maker:
    made = Maker()
    ramp = np.tile(np.linspace(0, 255, 300).astype(np.uint8), (150, 1))
    group = made.form(
        FULL.format("R").encode(),
        Group=Dictionary(S=Name.Transparency, CS=Name.DeviceGray),
        Resources=Dictionary(XObject=Dictionary(R=made.picture(ramp))),
    )
    made.page.Resources.ExtGState["/G"] = Dictionary(SMask=Dictionary(S=Name.Luminosity, G=group))
    made.draw("/G gs " + FULL.format("I"), I=made.picture(TEXT))
    return made


def _field(kind: str, *, over_scan: bool, form: bool = True) -> Maker:
    made = Maker()
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    look = made.stream(
        b"/Tx BMC q BT /F1 9 Tf 0 g 2 3 Td (JANE EXAMPLE) Tj ET Q EMC",
        Subtype=Name.Form,
        BBox=[0, 0, 68, 12],
        Resources=Dictionary(Font=Dictionary(F1=font)),
    )
    subtype = Name.Stamp if kind == "stamp" else Name.Widget
    annotation = Dictionary(Type=Name.Annot, Subtype=subtype, Rect=[2, 2, 70, 14], F=4, AP=Dictionary(N=look))
    if kind != "stamp":
        annotation.FT, annotation.T = (Name.Sig if kind == "signature" else Name.Tx), "name"
        annotation.DA = "/F1 9 Tf 0 g"
    if kind == "text":
        annotation.V = "JANE EXAMPLE"
    field = made.pdf.make_indirect(annotation)
    made.page.Annots = Array([field])
    if kind != "stamp" and form:
        made.pdf.Root.AcroForm = Dictionary(Fields=[field], DA="/F1 9 Tf 0 g", DR=Dictionary(Font=Dictionary(F1=font)))
    if over_scan:
        blank = TEXT.copy()
        blank[75:] = 235
        made.draw(FULL.format("I"), I=made.picture(blank))
    return made


def _cropped() -> Maker:
    made = Maker()
    made.draw(FULL.format("I"), I=made.picture(TEXT))
    made.page.CropBox = [6, 3, 66, 33]
    return made


def _inline() -> Maker:
    made = Maker()
    small = cv2.resize(TEXT, (150, 75), interpolation=cv2.INTER_AREA)
    content = b"q 72 0 0 36 0 0 cm BI /W 150 /H 75 /CS /G /BPC 8 /F /AHx ID " + small.tobytes().hex().encode() + b"> EI Q"
    made.page.Contents = made.stream(content)
    return made


def _turned() -> Maker:
    made = _layered()
    made.page.Rotate = 90
    return made


CASES: dict[str, tuple[Callable[[], Maker], tuple[int, int] | None, float | None]] = {
    **{
        kind: (lambda kind=kind: _masked(kind), (150, 300), 300)
        for kind in ("smask", "smask with matte", "mask", "colour key", "stencil", "mrc")
    },  # type: ignore[misc]
    "layered scan": (_layered, (150, 300), 300),
    "layered scan, page turned": (_turned, (300, 150), 300),
    "three strips": (lambda: _strips(3), (150, 300), 600),
    "seventeen strips": (lambda: _strips(17), (150, 300), 600),
    **{f"hidden layer {how}": (lambda how=how: _hidden(how), (150, 300), 300) for how in ("off", "base state", "of the picture")},  # type: ignore[misc]
    "half transparent": (lambda: _state(ca=0.5), (150, 300), 300),
    "blend mode": (lambda: _state(BM=Name.Multiply), (150, 300), 300),
    "soft mask": (_soft_mask, (150, 300), 300),
    **{
        f"{kind}, {'over a scan' if scan else 'drawn'}": (lambda kind=kind, scan=scan: _field(kind, over_scan=scan), (150, 300), 300)  # type: ignore[misc]
        for kind in ("text", "signature", "stamp")
        for scan in (False, True)
    },
    "field without a form": (lambda: _field("signature", over_scan=True, form=False), (150, 300), 300),
    "cropped": (_cropped, (125, 250), 300),
    "inline picture": (_inline, (75, 150), 150),
}


def _page(data: bytes, dpi: float | None = None) -> Page:
    with files.open_pages(data, name="made.pdf", dpi=dpi) as file:
        return file.page(1)


@pytest.mark.parametrize("viewer", ["pdftoppm", "mutool"])
@pytest.mark.parametrize("case", CASES)
def test_pages_look_as_in_other_viewers(case: str, viewer: str, tmp_path: Path) -> None:
    if shutil.which(viewer) is None:
        pytest.skip(f"{viewer} is not installed")
    if viewer == "mutool" and case.startswith("hidden layer"):
        pytest.skip("mutool takes the first of /Configs in place of the default")
    if viewer == "mutool" and case.startswith(("signature", "field without")):
        pytest.skip("mutool draws no appearance of an unsigned signature field")
    make, shape, dpi = CASES[case]
    data = make().bytes()
    page = _page(data)
    assert page.pixels.shape[:2] == shape
    assert page.dpi == (dpi, dpi)
    path, out = tmp_path / "made.pdf", tmp_path / "seen"
    path.write_bytes(data)
    if viewer == "pdftoppm":
        command = ["pdftoppm", "-r", f"{dpi:g}", "-cropbox", "-singlefile", "-png", str(path), str(out)]
    else:
        command = ["mutool", "draw", "-q", "-r", f"{dpi:g}", "-o", f"{out}.png", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    with Image.open(f"{out}.png") as image:
        seen = np.asarray(image.convert("L"))
    seen = cv2.resize(seen, page.pixels.shape[1::-1], interpolation=cv2.INTER_AREA) if seen.shape != page.pixels.shape[:2] else seen
    apart = np.abs(cv2.blur(to_grey(page.pixels), (7, 7)).astype(int) - cv2.blur(seen, (7, 7)))
    assert apart.mean() < 6  # half a pixel off is no other picture
    assert np.percentile(apart, 99) < 60
    assert abs((to_grey(page.pixels) < 128).mean() - (seen < 128).mean()) < 0.02


def test_a_crop_box_that_lies_beside_the_page_crops_nothing() -> None:
    made = Maker()
    made.draw(FULL.format("I"), I=made.picture(TEXT))
    made.page.CropBox = [100, 100, 172, 136]
    assert np.array_equal(_page(made.bytes()).pixels, TEXT)
    made.page.MediaBox = made.page.CropBox = [5, 5, 5, 5]
    assert _page(made.bytes()).pixels.size, "PDFium takes a page without a size for one of letter size"


@pytest.mark.parametrize("unit", [1, 2, 10])
def test_user_unit(unit: int) -> None:
    made = Maker((72 / unit, 36 / unit))
    made.page.UserUnit = unit
    made.draw(f"q {72 / unit} 0 0 {36 / unit} 0 0 cm /I Do Q", I=made.picture(TEXT))
    scanned = _page(made.bytes())
    assert scanned.dpi == (300, 300)
    assert np.array_equal(scanned.pixels, TEXT)
    made.page.Contents = made.stream(b"0 0 1 1 re f")
    drawn = _page(made.bytes())
    assert (drawn.pixels.shape, drawn.dpi) == ((150, 300), (300, 300))


def test_plain_scans_are_still_taken_as_they_are() -> None:
    for values in (TEXT, np.ascontiguousarray(np.dstack([TEXT, TEXT // 2, TEXT]))):
        made = Maker()
        made.draw(FULL.format("I"), I=made.picture(values))
        page = _page(made.bytes())
        assert np.array_equal(page.pixels, values)
        assert any("decoded at its own resolution" in note for note in page.notes)


# --- attacks --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entries", [{"Filter": "/JPXDecode"}, {"Filter": "/Nope"}, {"ColorSpace": "/Nope"}])
@pytest.mark.parametrize("scan", [True, False])
def test_a_picture_that_cannot_be_decoded_is_no_blank_page(entries: dict[str, str], scan: bool) -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(72, 36))
    names = {"Type": "/XObject", "Subtype": "/Image", "ColorSpace": "/DeviceGray", **entries}
    picture = pdf.make_stream(b"junk" * 60, Width=20, Height=10, BitsPerComponent=8)
    for key, value in names.items():
        picture[f"/{key}"] = pikepdf.Name(value)
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=picture))
    place = "72 0 0 36 0 0" if scan else "9 0 0 9 2 2"
    drawn = "" if scan else " 0 0 1 rg 30 5 20 20 re f"
    page.Contents = pdf.make_stream(f"q {place} cm /I Do Q{drawn}".encode())
    data = io.BytesIO()
    pdf.save(data)
    if scan:
        with pytest.raises(InputError, match="100% of the page, cannot be decoded"):
            _page(data.getvalue())
        with pytest.raises(InputError, match="100% of the page, cannot be decoded"):
            _page(data.getvalue(), dpi=50)
    else:
        assert (np.asarray(_page(data.getvalue()).pixels) < 128).any(), "a small mark beside drawings is left out, as viewers do"


def _recursive() -> bytes:
    made = Maker()
    form = made.form(b"/F Do /F Do")
    form.Resources = Dictionary(XObject=Dictionary(F=form))
    made.draw("/F Do", F=form)
    return made.bytes()


def _doubling(levels: int, state: bool = False) -> bytes:
    made = Maker()
    form = made.form(b"0 0 1 1 re f")
    for _ in range(levels):
        form = made.form(b"/F Do /F#20 Do /F%x\nDo".replace(b"#20", b""), Resources=Dictionary(XObject=Dictionary(F=form)))
    if state:
        made.page.Resources.ExtGState["/G"] = Dictionary(SMask=Dictionary(S=Name.Luminosity, G=form))
        made.draw("/G gs 0 0 9 9 re f")
    else:
        made.draw("/F Do", F=form)
    return made.bytes()


def _flate_twice() -> bytes:
    made = Maker()
    machine = zlib.compressobj(9)
    inner = b"".join(machine.compress(bytes(1 << 20)) for _ in range(256)) + machine.flush()
    picture = made.picture(GREY)
    picture.write(zlib.compress(inner, 9), filter=Array([Name.FlateDecode, Name.FlateDecode]))
    made.draw(FULL.format("I"), I=picture)
    return made.bytes()


def _jbig2(packed: bool = False) -> bytes:
    region = (19000).to_bytes(4, "big") * 2 + bytes(9) + b"\0" * 20
    code = b"".join(number.to_bytes(4, "big") + bytes([38, 0, 1]) + len(region).to_bytes(4, "big") + region for number in range(200))
    made = Maker()
    picture = made.picture(GREY, BitsPerComponent=1)
    picture.Width = picture.Height = 19000
    picture.write(
        zlib.compress(code) if packed else code, filter=Array([Name.FlateDecode, Name.JBIG2Decode]) if packed else Name.JBIG2Decode
    )
    made.draw(FULL.format("I"), I=picture)
    return made.bytes()


def _shadings() -> bytes:
    made = Maker((612, 792))
    made.page.Resources.Shading = Dictionary(
        S=Dictionary(
            ShadingType=2, ColorSpace=Name.DeviceGray, Coords=[0, 0, 1, 1], Function=Dictionary(FunctionType=2, Domain=[0, 1], N=1)
        )
    )
    made.draw("/S sh " * 5000)
    return made.bytes()


def _tiles() -> bytes:
    made = Maker((612, 792))
    tile = {
        "PatternType": 1,
        "PaintType": 1,
        "TilingType": 1,
        "BBox": [0, 0, 1, 1],
        "XStep": 0.1,
        "YStep": 0.1,
        "Matrix": [0.1, 0, 0, 0.1, 0, 0],
    }
    made.page.Resources.Pattern = Dictionary(P=made.stream(b"0 0 1 1 re f", Resources=Dictionary(), **tile))
    made.draw("/Pattern cs /P scn 0 0 612 792 re f")
    return made.bytes()


def _glyphs_of_glyphs(levels: int) -> bytes:
    """Fonts whose one letter is drawn by sixty letters of the next font."""
    made = Maker()
    font = None
    for level in range(levels):
        code = b"1000 0 d0 0 0 9 9 re f" if level == 0 else b"1000 0 d0 BT /F 90 Tf (" + b"a" * 60 + b") Tj ET"
        entries = {} if font is None else {"Resources": Dictionary(Font=Dictionary(F=font))}
        font = made.pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type3,
                FontBBox=[0, 0, 1000, 1000],
                FontMatrix=[0.001, 0, 0, 0.001, 0, 0],
                CharProcs=Dictionary(a=made.stream(code)),
                Encoding=Dictionary(Differences=Array([97, Name.a])),
                FirstChar=97,
                LastChar=97,
                Widths=[1000],
                **entries,
            )
        )
    made.page.Resources.Font = Dictionary(F=font)
    made.draw("BT /F 30 Tf 1 1 Td (aa) Tj ET")
    return made.bytes()


def _jpeg2000_of_another_size() -> bytes:
    code = bytearray(saved(TEXT, "jpeg2000"))
    at = code.index(b"\xff\x51")
    for place in (6, 10, 22, 26):
        code[at + place : at + place + 4] = (40_000).to_bytes(4, "big")
    made = Maker()
    picture = made.picture(TEXT)
    picture.write(bytes(code), filter=Name.JPXDecode)
    made.draw(FULL.format("I"), I=picture)
    return made.bytes()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (_recursive, "draws itself without end"),
        (lambda: _doubling(22), "forms that multiply like this"),
        (lambda: _doubling(22, state=True), "forms that multiply like this"),
        (_flate_twice, "unpacks to more than"),
        (_jbig2, r"paints 72,200 megapixels"),
        (lambda: _jbig2(packed=True), r"paints 72,200 megapixels"),
        (_shadings, "5,000 shadings"),
        (_tiles, r"a pattern in it has tiles of 0.0001 square points"),
        (lambda: _glyphs_of_glyphs(8), "forms that multiply like this"),
        (_jpeg2000_of_another_size, "holds JPEG 2000 of 40000 x 40000"),
    ],
    ids=[
        "recursive",
        "doubling",
        "doubling in a soft mask",
        "flate twice",
        "jbig2 regions",
        "jbig2 regions in Flate",
        "shadings",
        "tiles",
        "glyphs of glyphs",
        "jpeg 2000",
    ],
)
def test_pages_that_would_not_end_are_refused_at_once(build: Callable[[], bytes], words: str) -> None:
    data = build()
    start = time.process_time()
    with pytest.raises(RefusedInput, match=f"^made.pdf: .*{words}"):
        _page(data)
    assert time.process_time() - start < 5


def test_forms_that_double_a_little_are_drawn() -> None:
    assert (_page(_doubling(4)).pixels < 128).any()
    assert _page(_glyphs_of_glyphs(2)).pixels.shape == (150, 300)


def test_bytes_behind_the_samples_do_no_harm_and_missing_ones_are_told() -> None:
    made = Maker()
    made.draw(
        FULL.format("I"),
        I=made.stream(
            TEXT.tobytes() + b"x" * 10, Subtype=Name.Image, Width=300, Height=150, BitsPerComponent=8, ColorSpace=Name.DeviceGray
        ),
    )
    assert np.array_equal(_page(made.bytes()).pixels, TEXT)
    made.draw(
        FULL.format("I"),
        I=made.picture(TEXT, less=10),
    )
    with pytest.raises(InputError, match="truncated picture, 44990 bytes of samples for 300 x 150 pixels"):
        _page(made.bytes())
    composed = made.page.Contents.read_bytes().decode() + "0 0 1 1 re f"
    made.draw(composed)
    with pytest.raises(InputError, match="truncated picture, 44990 bytes"):  # it may well be the page
        _page(made.bytes())
    made.draw(FULL.format("I") + " q 9 0 0 9 0 0 cm /J Do Q", I=made.picture(TEXT), J=made.picture(TEXT[:20, :20], less=10))
    assert any("20 x 20 pixels in it is truncated" in note for note in _page(made.bytes()).notes)


def test_a_jpeg_without_its_end_marker_in_a_pdf() -> None:
    made = Maker()
    picture = made.picture(COLOUR)
    picture.write(jpeg(COLOUR)[:-2], filter=Name.DCTDecode)
    made.draw(FULL.format("I"), I=picture)
    assert np.abs(_page(made.bytes()).pixels.astype(int) - COLOUR).mean() < 6


@pytest.mark.parametrize("over", ["", " 0 0 1 1 re f"], ids=["plain", "composed"])
def test_a_picture_in_a_pdf_whose_code_ends_early_is_refused(over: str) -> None:
    """PDFium fills the lower half with grey (JPEG) or white (CCITT), and the page would pass for one."""
    made = Maker()
    whole, code = saved(TEXT, "jpeg", quality=95), group4(TEXT < 128)
    for data, kind, says in (
        (whole, Name.DCTDecode, "truncated or damaged JPEG"),
        (code, Name.CCITTFaxDecode, "CCITT code ends before its 150 rows"),
    ):
        for part, refused in ((data, False), (data[: len(data) // 2] + (b"\xff\xd9" if kind == Name.DCTDecode else b""), True)):
            picture = made.picture(TEXT)
            picture.write(part, filter=kind)
            if kind == Name.CCITTFaxDecode:
                picture.BitsPerComponent, picture.DecodeParms = 1, Dictionary(K=-1, Columns=300, Rows=150)
            made.draw(FULL.format("I") + over, I=picture)
            if refused:
                with pytest.raises(InputError, match=says):
                    _page(made.bytes())
            else:
                assert np.abs(_page(made.bytes()).pixels[2:].astype(int) - np.where(TEXT[2:] < 128, 0, 255)).mean() < 40


@pytest.mark.parametrize("codec", ["jbig2", "g4"])
@pytest.mark.parametrize("way", ["picture", "stencil", "soft mask"])
def test_bits_whose_code_ends_early_are_refused_wherever_they_stand(codec: str, way: str) -> None:
    """PDFium leaves the rest white; the writing of a layered scan is in its mask."""
    ink = _letters(1200, 600) < 128
    code = jbig2.encode(ink) if codec == "jbig2" else group4(ink)
    parameters = {} if codec == "jbig2" else {"DecodeParms": Dictionary(K=-1, Columns=1200, Rows=600)}
    entries = {"Width": 1200, "Height": 600, "BitsPerComponent": 1, "Filter": Name.JBIG2Decode if codec == "jbig2" else Name.CCITTFaxDecode}
    for share in (1.0, 0.6):
        made = Maker()
        bits = made.stream(code[: round(len(code) * share)], Type=Name.XObject, Subtype=Name.Image, **entries, **parameters)
        if way == "stencil":
            bits.ImageMask = True
        else:
            bits.ColorSpace = Name.DeviceGray
        if way == "soft mask":
            bits.Decode = Array([1, 0])
        made.draw(FULL.format("I"), I=made.picture(np.zeros((18, 36), np.uint8), SMask=bits) if way == "soft mask" else bits)
        if share < 1:
            with pytest.raises(InputError, match=r"code ends before its (pixels|600 rows)"):
                _page(made.bytes())
        else:
            assert np.array_equal(_page(made.bytes()).pixels < 128, ink)


def test_a_jpeg_of_12_bit_samples_is_no_black_page() -> None:
    made = Maker()
    code = bytearray(saved(TEXT, "jpeg"))
    code[code.index(b"\xff\xc0") + 4] = 12
    picture = made.picture(TEXT)
    picture.write(zlib.compress(bytes(code)), filter=Array([Name.FlateDecode, Name.DCTDecode]))
    made.draw(FULL.format("I"), I=picture)
    with pytest.raises(InputError, match=r"made\.pdf: its picture is a JPEG of 12-bit samples"):
        _page(made.bytes())


@pytest.mark.parametrize("way", ["palette", "inverted", "alpha", "said", "not inverted"])
def test_a_jpeg_2000_that_pdfium_shows_black_is_no_black_page(way: str) -> None:
    """Its dictionary need not say how many bits a sample has, and need not be believed where it does; PDFium goes by it all the same."""
    made = Maker()
    values = {"palette": TEXT // 128, "inverted": 255 - TEXT, "alpha": np.dstack([TEXT, TEXT * 0 + 255]), "said": 255 - TEXT}.get(way, TEXT)
    picture = made.picture(TEXT)
    picture.write(saved(values, "jpeg2000"), filter=Name.JPXDecode)
    if way == "palette":
        picture.ColorSpace = Array([Name.Indexed, Name.DeviceGray, 1, pikepdf.String(bytes([20, 235]))])
    elif way == "alpha":
        picture.SMaskInData = 1
    else:
        picture.Decode = Array([0, 1] if way == "not inverted" else [1, 0])
    if way != "said":
        del picture.BitsPerComponent
    made.draw(FULL.format("I"), I=picture)
    if way in ("said", "not inverted"):
        assert np.array_equal(_page(made.bytes()).pixels < 128, TEXT < 128)
    else:
        with pytest.raises(InputError, match=r"made\.pdf: a JPEG 2000 (in it whose palette or /Decode|of grey with alpha)"):
            _page(made.bytes())


# --- documents ------------------------------------------------------------------------------------------------------------------------------


def test_title_outline_and_labels_go_into_a_pdf_written_anew() -> None:
    made = Maker()
    for _ in range(3):
        made.pdf.add_blank_page(page_size=(72, 36))
    made.pdf.docinfo["/Title"], made.pdf.docinfo["/Author"] = "Tïtle \u4e2d", "Jane"
    with made.pdf.open_outline() as outline:
        chapter = pikepdf.OutlineItem("one", 0)
        chapter.children.append(pikepdf.OutlineItem("one.a", 2))
        outline.root += [chapter, pikepdf.OutlineItem("left out", 1), pikepdf.OutlineItem("two", 3)]
    roman, arabic = Dictionary(S=Name.r), Dictionary(S=Name.D)
    made.pdf.Root.PageLabels = Dictionary(Nums=Array([0, roman, 2, arabic]))
    made.page.Contents = made.stream(b"BT (hidden) Tj ET")
    made.page.Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9])])
    with files.open_pages(made.bytes()) as file:
        record = file.document()
    assert record.metadata == {"Title": "Tïtle \u4e2d", "Author": "Jane"}
    assert record.labels == ("i", "ii", "1", "2")
    assert record.lost == ("text (searchable or of an OCR layer)", "links")
    assert "links" in (record.warning or "")
    out = io.BytesIO()
    writer = files.PageWriter(out, "pdf")
    for _ in range(3):
        writer.add(TEXT < 128, 300)
    writer.describe(record, [1, 3, 4])
    writer.close()
    with files.open_pages(out.getvalue()) as file:
        again = file.document()
        assert np.array_equal(file.page(2).pixels < 128, TEXT < 128)
    assert again.metadata == record.metadata
    assert again.labels == ("i", "1", "2")
    assert [(mark.title, mark.page, mark.level) for mark in again.outline] == [("one", 1, 0), ("one.a", 2, 1), ("two", 3, 0)]
    assert again.lost == ()
    with files.open_pages(jpeg(GREY)) as file:
        assert file.document().warning is None


def test_an_empty_pdf_is_called_empty() -> None:
    empty = io.BytesIO()
    pikepdf.new().save(empty)
    with pytest.raises(InputError, match="an empty PDF, without pages"):
        files.open_pages(empty.getvalue())


@pytest.mark.parametrize("said", [1, 2, 9])
def test_all_pages_are_read_whatever_the_root_of_their_tree_counts(said: int) -> None:
    """PDFium believes the count: pages beyond it are seen by nobody."""
    made = Maker((72, 36))
    for side in (48, 24):
        made.pdf.add_blank_page(page_size=(side, 36))
    data = io.BytesIO()
    made.pdf.save(data, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    counted = data.getvalue()
    assert counted.count(b"/Count 3") == 1
    with files.open_pages(counted.replace(b"/Count 3", b"/Count %d" % said), name="made.pdf") as file:
        pages = list(file)
    assert [page.pixels.shape[1] for page in pages] == [300, 200, 100]
    assert f"the PDF says that it has {said} page" in pages[0].notes[0]


def test_pages_that_only_stand_for_what_is_not_read_say_so() -> None:
    made = Maker()
    made.pdf.Root.Collection = Dictionary(View=Name.D)
    made.pdf.attachments["letter.pdf"] = pikepdf.AttachedFileSpec(made.pdf, b"%PDF-1.4", filename="letter.pdf")
    assert "the 1 documents attached to it are not read" in _page(made.bytes()).notes[0]
    made = Maker()
    made.pdf.Root.NeedsRendering = True
    made.pdf.Root.AcroForm = Dictionary(Fields=Array(), XFA=made.stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>"))
    assert "an XFA form" in _page(made.bytes()).notes[0]


@pytest.mark.filterwarnings("ignore::UserWarning")  # pikepdf misses the form of the field
def test_what_a_new_pdf_loses_is_named_wherever_it_stands() -> None:
    """On the last of many pages, in resources that the pages inherit, beside parts of wrong types."""
    made = Maker()
    for _ in range(60):
        made.pdf.add_blank_page(page_size=(72, 36))
    made.draw(FULL.format("I"), I=made.picture(TEXT))
    assert files.open_pages(made.bytes()).document().lost == ()
    writes = made.form(b"BT 3 Tr (words) Tj ET")
    made.pdf.Root.Pages.Resources = Dictionary(XObject=Dictionary(F=writes))
    last = made.pdf.pages[-1].obj
    del last["/Resources"]
    kinds = (Name.FileAttachment, Name.Link, Name.Widget)
    last.Annots = Array([made.pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=kind, Rect=[0, 0, 9, 9])) for kind in kinds])
    made.pdf.pages[5].obj.Annots = made.pdf.Root.Names = Name.Wrong
    assert files.open_pages(made.bytes()).document().lost == ("text (searchable or of an OCR layer)", "links", "form fields", "attachments")
