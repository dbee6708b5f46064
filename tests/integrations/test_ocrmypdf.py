"""docbin inside the real OCRmyPDF, with the real Tesseract and Ghostscript.

The quick tests run one page; what takes many runs of the program is marked slow (``.ci/run`` runs those too, where it has the programs).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import docbin
from docbin.errors import InputError, RefusedInput
from docbin.pdf.ink_picture import encoded
from docbin.pdf.pdf_structure import filters_of
from tests.integrations.scans import LINES, coded, printed, scanned_pdf, shaded

pikepdf = pytest.importorskip("pikepdf")
pytest.importorskip("ocrmypdf", reason="needs OCRmyPDF: pip install 'docbin[ocrmypdf]'")

from docbin.integrations import ocrmypdf_plugin as plugin  # noqa: E402
from docbin.integrations import scan_replacement  # noqa: E402

needs_programs = pytest.mark.skipif(
    shutil.which("tesseract") is None or shutil.which("gs") is None, reason="needs the programs tesseract and ghostscript"
)

# OCRmyPDF makes itself the least urgent process, by os.nice; on a busy machine tests would wait for minutes.
RUN = "import os, sys; os.nice = lambda step: 0; from ocrmypdf.__main__ import run; sys.exit(run(sys.argv[1:]))"

WITHOUT_PLUGIN = f"""
import importlib.metadata as metadata
every = metadata.distributions
metadata.distributions = lambda **given: (one for one in every(**given) if one.metadata['Name'] != 'docbin')
{RUN}
"""


def ocrmypdf(*arguments: str | Path, program: str = RUN, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The program as a user starts it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1", **(environment or {})},
        timeout=300,
    )


def words_of(pdf: Path) -> list[str]:
    """The text layer's words, in reading order of the file."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        return " ".join(page.get_textpage().get_text_range() for page in document).split()
    finally:
        document.close()


def pictures_of(pdf: Path) -> list[list[Any]]:
    """(size, bits, raw bytes, filter) of every picture, a list a page."""
    with pikepdf.open(pdf) as document:
        return [
            [
                ((int(one.Width), int(one.Height)), int(one.get("/BitsPerComponent", 1)), bytes(one.read_raw_bytes()), filters_of(one)[-1])
                for one in images(page)
            ]
            for page in document.pages
        ]


def images(page: Any) -> list[Any]:
    """The pictures that a page names."""
    return [thing for thing in page.obj.Resources.get("/XObject", {}).values() if thing.Subtype == "/Image"]


def ink_of(pdf: Path, page: int = 0) -> np.ndarray[Any, Any]:
    """Ink of a page's only picture, which must be 1-bit."""
    with pikepdf.open(pdf) as document:
        (stream,) = images(document.pages[page])
        assert int(stream.BitsPerComponent) == 1
        return ~np.asarray(pikepdf.PdfImage(stream).as_pil_image().convert("1"))


def looks(pdf: Path, page: int = 0, dpi: int = 50) -> np.ndarray[Any, Any]:
    """The page as PDFium draws it, grey."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        return np.asarray(document[page].render(scale=dpi / 72, draw_annots=False).to_pil().convert("L")).astype(np.int16)
    finally:
        document.close()


def unchanging(text: str) -> str:
    """Without what differs from run to run: times, identifiers, OCRmyPDF's random name of the text layer."""
    text = re.sub(r"OCR-[\w-]{22}", "OCR", text)
    text = re.sub(r"D:\d{14}[^)]*|\d{4}-\d\d-\d\dT[\d:.+Z-]+", "TIME", text)
    return re.sub(r"uuid:[0-9a-f-]+", "UUID", text)


def contents(pdf: Path) -> list[tuple[str, bytes]]:
    """Every object of a PDF as text, and every stream's bytes, those of pictures as stored; streams of objects count as
    what they hold."""
    found = []
    with pikepdf.open(pdf) as document:
        for thing in document.objects:
            is_stream = isinstance(thing, pikepdf.Stream)
            if is_stream and thing.get("/Type") in ("/ObjStm", "/XRef"):
                continue
            data = b""
            if is_stream and thing.get("/Subtype") == "/Image":
                data = bytes(thing.read_raw_bytes())
            elif is_stream:
                data = unchanging(thing.read_bytes().decode("latin-1")).encode("latin-1")
            shown = thing.unparse(resolved=True).decode("latin-1") if not is_stream else str(sorted(dict(thing).keys()))
            found.append((unchanging(shown), data))
    return found


# --- the command line ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "method", "files"),
    [
        (["--docbin", "in.pdf", "out.pdf"], "default", ["in.pdf", "out.pdf"]),
        (["in.pdf", "out.pdf", "--docbin"], "default", ["in.pdf", "out.pdf"]),
        (["--docbin", "--rotate", "in.pdf", "out.pdf"], "default", ["in.pdf", "out.pdf"]),
        (["--docbin", "-", "-"], "default", ["-", "-"]),
        (["--docbin", "folder/scan", "out.pdf"], "default", ["folder/scan", "out.pdf"]),
        (["--docbin", "sauvola", "in.pdf", "out.pdf"], "sauvola", ["in.pdf", "out.pdf"]),
        (["--docbin=sauvola", "in.pdf", "out.pdf"], "sauvola", ["in.pdf", "out.pdf"]),
        (["in.pdf", "out.pdf"], None, ["in.pdf", "out.pdf"]),
    ],
)
def test_input_files_are_not_taken_for_methods(given: list[str], method: str | None, files: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--rotate", action="store_true")
    plugin.add_options(parser)
    options = parser.parse_args(given)
    assert (options.docbin, [options.input, options.output]) == (method, files)


def test_model_folders_are_methods(tmp_path: Path) -> None:
    assert plugin.with_method(["--docbin", str(tmp_path), "a.pdf"]) == ["--docbin", str(tmp_path), "a.pdf"]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--docbin", "sauvolla"], 1, "sauvola"),
        (["--docbin", "sauvola", "--docbin-param", "window=4"], 1, "odd"),
        (["--docbin", "sauvola", "--docbin-param", "window"], 1, "KEY=VALUE"),
        (["--docbin-param", "window=5"], 1, "--docbin METHOD"),
    ],
)
def test_wrong_options_end_before_any_page(options: list[str], code: int, says: str, tmp_path: Path) -> None:
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed()))])
    ended = ocrmypdf(*options, scan, tmp_path / "out.pdf")
    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert not (tmp_path / "out.pdf").exists()


# --- hooks, without the program --------------------------------------------------------------------------------------------------------


class Page:
    """As much of OCRmyPDF's page context as the hooks use."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.work_folder, self.pageno, self.origin = folder, 0, folder / "origin.pdf"
        self.options = SimpleNamespace(**{"lossless_reconstruction": True, "clean_final": False, "deskew": False, **options})
        no_others = SimpleNamespace(subset_hook_caller=lambda name, remove_plugins: lambda **given: None)
        self.plugin_manager = SimpleNamespace(pluggy_manager=no_others)

    def get_path(self, name: str) -> Path:
        return self.work_folder / f"000001_{name}"


def test_not_asked_for_no_hook_does_anything(tmp_path: Path) -> None:
    page, image = Page(tmp_path), printed()
    assert plugin.filter_ocr_image(page, image) is None
    assert plugin.filter_page_image(page, tmp_path / "x.png") is None
    assert plugin.optimize_pdf(tmp_path, tmp_path, page, None, False) is None
    assert plugin.generate_pdfa([], tmp_path, tmp_path, page, "1.7", "2", None, False) is None
    assert list(tmp_path.iterdir()) == []


def test_clean_grey_and_ink_for_the_recognizer(tmp_path: Path) -> None:
    image = shaded(printed())
    image.info["dpi"] = (150, 150)
    ink = docbin.binarize(np.asarray(image), "sauvola", window=51)
    options = {"docbin": "sauvola", "docbin_param": ["window=51"]}
    black = plugin.filter_ocr_image(Page(tmp_path, **options, docbin_ink=True), image)
    assert black is not None
    assert black.mode == "1"
    assert black.info["dpi"] == (150, 150)
    assert np.array_equal(~np.asarray(black), ink)
    grey = plugin.filter_ocr_image(Page(tmp_path, **options), image)
    assert grey is not None
    assert grey.mode == "L"
    assert np.array_equal(np.asarray(grey), docbin.clean(np.asarray(image), "sauvola", window=51))
    assert (np.asarray(grey) == 255).mean() > 0.5


def test_small_letters_get_twice_the_pixels(tmp_path: Path) -> None:
    """OCRmyPDF places the words by the picture's dpi, so that doubles, too."""
    image = shaded(printed([line * 2 for line in LINES * 3], (400, 200), 11), depth=0.3)
    image.info["dpi"] = (75, 75)
    for options in ({}, {"docbin_ink": True}):
        cleaned = plugin.filter_ocr_image(Page(tmp_path, docbin="otsu", **options), image)
        assert cleaned is not None
        assert cleaned.size == (800, 400)
        assert cleaned.info["dpi"] == (150, 150)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "LA"])
def test_any_mode_of_picture(mode: str, tmp_path: Path) -> None:
    image = shaded(printed())
    image = image.convert("RGB").quantize(dither=0) if mode == "P" else image.convert(mode)
    assert image.mode == mode
    image.info["dpi"] = (150, 150)
    cleaned = plugin.filter_ocr_image(Page(tmp_path, docbin="sauvola"), image)
    assert cleaned is not None
    assert cleaned.size == image.size


def test_pages_without_writing_and_bitonal_pages_are_left_alone(tmp_path: Path) -> None:
    page = Page(tmp_path, docbin="sauvola")
    assert plugin.filter_ocr_image(page, Image.new("L", (300, 200), 240)) is None
    assert plugin.filter_ocr_image(page, printed().convert("1")) is None


def test_a_method_that_fails_costs_its_page_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def apply(self, pixels: Any, threads: Any) -> Any:
            raise InputError("scan.pdf: no")

    monkeypatch.setattr(plugin, "_filter_of", lambda options: Broken())
    scanned_pdf(tmp_path / "origin.pdf", [coded(printed())])
    page = Page(tmp_path, docbin="sauvola", docbin_final=True)
    assert plugin.filter_ocr_image(page, printed()) is None
    assert "scan.pdf: no" in caplog.text
    assert plugin._inks(plugin._folder(page)) == {}
    assert plugin._summary(plugin._folder(page)) == ["docbin: page 1 keeps its original: scan.pdf: no"]
    page.options.lossless_reconstruction = False
    printed().save(page.get_path("rasterize.png"))
    assert plugin.filter_page_image(page, page.get_path("rasterize.png")) is None


def test_the_page_is_taken_before_it_is_coded_as_jpeg(tmp_path: Path) -> None:
    page = Page(tmp_path, docbin="otsu", docbin_final=True, deskew=True)
    sharp = shaded(printed(), depth=0.2)
    sharp.save(page.get_path("pp_deskew.png"), dpi=(150, 150))
    shaded(printed(("nothing of this",)), depth=0.2).save(page.get_path("rasterize.png"))
    sharp.save(page.get_path("visible.jpg"), quality=10)
    made = plugin.filter_page_image(page, page.get_path("visible.jpg"))
    assert made is not None
    assert made.parent == tmp_path
    with Image.open(made) as image:
        assert image.mode == "1"
        assert round(image.info["dpi"][0]) == 150
        assert np.array_equal(~np.asarray(image), docbin.binarize(np.asarray(sharp), "otsu"))


# --- scans in place --------------------------------------------------------------------------------------------------------------------


def test_what_counts_as_a_scan(tmp_path: Path) -> None:
    pdf = pikepdf.open(scanned_pdf(tmp_path / "a.pdf", [coded(shaded(printed()))] * 2))
    assert [len(scan_replacement.scans(page)) for page in pdf.pages] == [1, 1]
    page = pdf.pages[0]
    (stream,) = images(page)
    for key, value in (("/SMask", stream), ("/Decode", pikepdf.Array([1, 0])), ("/ImageMask", True), ("/BitsPerComponent", 1)):
        before = stream.get(key)
        stream[key] = value
        assert scan_replacement.scans(page) == [], key
        if before is None:
            del stream[key]
        else:
            stream[key] = before
    page.contents_add(b"q 0.6 0 0 0.6 0 0 cm", prepend=True)
    assert scan_replacement.scans(page) == []  # 36 % of the page


def test_a_scan_inside_forms_is_found_and_replaced(tmp_path: Path) -> None:
    pdf = pikepdf.open(scanned_pdf(tmp_path / "a.pdf", [coded(printed())]))
    page = pdf.pages[0]
    form = pdf.make_stream(page.Contents.read_bytes(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=page.MediaBox)
    form.Resources = page.Resources
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Outer=form))
    page.Contents = pdf.make_stream(b"q 1 0 0 1 0 0 cm /Outer Do Q")
    (scan,) = scan_replacement.scans(page)
    assert scan.place[0] == "/Outer"
    ink = docbin.binarize(scan.pixels(), "otsu")
    assert scan_replacement.replace(pdf, {0: {scan.place: encoded(ink)}}) == {0}
    pdf.save(tmp_path / "b.pdf")
    assert np.abs(looks(tmp_path / "b.pdf") - looks(tmp_path / "a.pdf")).mean() < 12


def test_a_picture_of_several_pages_stays_on_those_that_were_not_asked_for(tmp_path: Path) -> None:
    pdf = pikepdf.open(scanned_pdf(tmp_path / "a.pdf", [coded(printed())]))
    pdf.pages.append(pdf.pages[0])
    pdf.pages.append(pdf.pages[0])
    pdf.save(tmp_path / "b.pdf")
    pdf = pikepdf.open(tmp_path / "b.pdf")
    (scan,) = scan_replacement.scans(pdf.pages[0])
    ink = {scan.place: encoded(docbin.binarize(scan.pixels(), "otsu"))}
    assert scan_replacement.replace(pdf, {0: ink, 2: ink}) == {0, 2}
    assert [int(images(page)[0].BitsPerComponent) for page in pdf.pages] == [1, 8, 1]
    assert images(pdf.pages[0])[0].objgen == images(pdf.pages[2])[0].objgen
    wrong = {scan.place: encoded(np.zeros((5, 5), bool))}
    assert scan_replacement.replace(pdf, {1: wrong}) == set()


# --- the program -----------------------------------------------------------------------------------------------------------------------


def stencilled(path: Path, share: float) -> Any:
    """A scan under a stencil of its writing that covers `share` of the page; the open document."""
    pdf = pikepdf.open(scanned_pdf(path, [coded(shaded(printed()))]))
    page = pdf.pages[0]
    width, height = (float(value) for value in page.mediabox[2:])
    bits = np.packbits(np.asarray(printed().convert("1")), axis=1).tobytes()
    kind = {
        "Type": pikepdf.Name.XObject,
        "Subtype": pikepdf.Name.Image,
        "ImageMask": True,
        "BitsPerComponent": 1,
        "Width": 900,
        "Height": 420,
    }
    page.Resources.XObject["/Stencil"] = pdf.make_stream(bits, **kind)
    page.contents_add(f"q {width * share} 0 0 {height} 0 0 cm /Stencil Do Q".encode())
    return pdf


@pytest.mark.parametrize(("share", "kept"), [(1.0, True), (0.2, False)], ids=["layers", "stamp"])
def test_a_page_in_layers_is_left_alone(share: float, kept: bool, tmp_path: Path) -> None:
    """The ink of the paper below would be a blurred shadow that swells the letters; a stamp over a scan is another thing."""
    with stencilled(tmp_path / "a.pdf", share) as pdf:
        assert scan_replacement.is_layered(pdf.pages[0]) == kept
        pdf.save(tmp_path / "origin.pdf")
    page = Page(tmp_path, docbin="sauvola", docbin_final=True)
    plugin.filter_ocr_image(page, printed())
    (line,) = plugin._summary(plugin._folder(page))
    assert ("page 1 keeps its original: it is in layers already" in line) == kept
    assert (plugin._inks(plugin._folder(page)) == {}) == kept


def test_a_decode_array_is_followed(tmp_path: Path) -> None:
    """One that turns black and white round, too, for many a scanner writes it; one of another number of channels is no reading at all."""
    pdf = pikepdf.open(scanned_pdf(tmp_path / "a.pdf", [coded(shaded(printed()))]))
    (stream,) = images(pdf.pages[0])
    assert stream.ColorSpace == pikepdf.Name.DeviceRGB
    (plain,) = scan_replacement.scans(pdf.pages[0])
    pixels = plain.pixels()
    for decode, wanted in (([0, 1] * 3, pixels), ([1, 0] * 3, 255 - pixels)):
        stream.Decode = pikepdf.Array(decode)
        (scan,) = scan_replacement.scans(pdf.pages[0])
        assert np.array_equal(scan.pixels(), wanted)
    stream.Decode = pikepdf.Array([0, 1])
    assert scan_replacement.scans(pdf.pages[0]) == []
    assert scan_replacement.obstacles(pdf.pages[0]) == ["its /Decode has 2 numbers for 3 channels"]


def test_a_scan_that_cannot_be_taken_is_named(tmp_path: Path) -> None:
    """It kept its grey, and nobody heard why; one of 1 bit is ink already."""
    pdf = pikepdf.open(scanned_pdf(tmp_path / "a.pdf", [coded(printed())]))
    (stream,) = images(pdf.pages[0])
    gold = pikepdf.Dictionary(FunctionType=2, Domain=[0, 1], C0=[0, 0, 0, 0], C1=[0, 0.2, 1, 0], N=1)
    stream.ColorSpace = pikepdf.Array([pikepdf.Name.Separation, pikepdf.Name.Gold, pikepdf.Name.DeviceCMYK, gold])
    pdf.save(tmp_path / "origin.pdf")
    page = Page(tmp_path, docbin="sauvola", docbin_final=True)
    plugin.filter_ocr_image(page, printed())
    (line,) = plugin._summary(plugin._folder(page))
    assert line == "docbin: page 1 keeps its original: its colours (/Separation) are not read here; 'docbin binarize' renders them"
    stream.BitsPerComponent = 1
    assert scan_replacement.obstacles(pdf.pages[0]) == []


def test_forms_that_draw_forms_end_soon(tmp_path: Path) -> None:
    """A thousand draws of a form that draws a form a thousand times, four deep."""
    pdf = pikepdf.open(scanned_pdf(tmp_path / "a.pdf", [coded(printed())]))
    page = pdf.pages[0]
    (drawn,) = images(page)
    for _ in range(4):
        resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(A=drawn))
        drawn = pdf.make_stream(
            b"/A Do " * 1000, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=page.MediaBox, Resources=resources
        )
    page.Resources.XObject["/Deep"] = drawn
    page.contents_add(b"/Deep Do")
    assert len(scan_replacement.scans(page)) == 1


@pytest.mark.parametrize("filters", [1, 2])
def test_a_picture_that_unpacks_without_end_is_refused_unread(filters: int, tmp_path: Path) -> None:
    pdf = pikepdf.open(scanned_pdf(tmp_path / "a.pdf", [coded(printed(), "PNG")]))
    (stream,) = images(pdf.pages[0])
    data = bytes(100 << 20)
    for _ in range(filters):
        data = zlib.compress(data)
    stream.write(data, filter=pikepdf.Array([pikepdf.Name.FlateDecode] * filters))
    stream.Width = stream.Height = 10
    stream.ColorSpace, stream.BitsPerComponent = pikepdf.Name.DeviceGray, 8
    (scan,) = scan_replacement.scans(pdf.pages[0])
    with pytest.raises(RefusedInput, match="10 x 10 pixels unpacks to more than 1 MB"):
        scan.pixels()


def test_an_error_without_words_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned_pdf(tmp_path / "origin.pdf", [coded(printed())])

    def wordless(scan: Any) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(scan_replacement.Scan, "pixels", wordless)
    page = Page(tmp_path, docbin="otsu", docbin_final=True)
    plugin.filter_ocr_image(page, printed())
    assert plugin._summary(plugin._folder(page)) == ["docbin: page 1 keeps its original: NotImplementedError"]


@needs_programs
def test_installed_but_unused_changes_nothing(tmp_path: Path) -> None:
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed()))])
    for name, program in (("with.pdf", RUN), ("without.pdf", WITHOUT_PLUGIN)):
        ended = ocrmypdf(scan, tmp_path / name, "--sidecar", tmp_path / f"{name}.txt", program=program)
        assert ended.returncode == 0, ended.stderr
    assert ocrmypdf("--docbin", scan, tmp_path / "x.pdf", program=WITHOUT_PLUGIN).returncode != 0  # else this test compares nothing
    assert contents(tmp_path / "with.pdf") == contents(tmp_path / "without.pdf")
    assert (tmp_path / "with.pdf.txt").read_bytes() == (tmp_path / "without.pdf.txt").read_bytes()


@needs_programs
def test_clean_page_for_ocr_leaves_what_a_reader_sees(tmp_path: Path) -> None:
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed(), depth=0.9))])
    for name, options in (("plain", []), ("clean", ["--docbin"]), ("ink", ["--docbin", "bitunet", "--docbin-ink"])):
        ended = ocrmypdf(*options, scan, tmp_path / f"{name}.pdf")
        assert ended.returncode == 0, ended.stderr
    assert pictures_of(tmp_path / "clean.pdf") == pictures_of(tmp_path / "plain.pdf")
    wanted = " ".join(LINES).split()
    assert words_of(tmp_path / "clean.pdf") == wanted
    assert words_of(tmp_path / "ink.pdf") == wanted


@needs_programs
def test_final_pages_are_the_ink_of_the_scans(tmp_path: Path) -> None:
    """Thread and process workers, one job and four: the same bits, those of docbin.binarize; a blank page and one of fog stay."""
    fog = Image.fromarray(np.random.default_rng(0).integers(100, 115, (420, 900, 3), np.uint8))
    pages = [shaded(printed(seed_lines(number)), seed=number) for number in range(3)]
    files = [coded(page) for page in pages] + [coded(fog), coded(Image.new("L", (900, 420), 235))]
    scan = scanned_pdf(tmp_path / "scan.pdf", files)
    ways = (["--jobs", "1"], ["--jobs", "4"], ["--jobs", "4", "--no-use-threads"])
    for number, way in enumerate(ways):
        ended = ocrmypdf("--docbin-final", *way, scan, tmp_path / f"{number}.pdf")
        assert ended.returncode == 0, ended.stderr
        assert "3 pages became ink" in ended.stderr
        assert re.search(r"page 4 keeps its original: .*low contrast", " ".join(ended.stderr.split()))
    made = pictures_of(tmp_path / "0.pdf")
    assert [one for page in made for one in page][3][1] == 8
    for number in range(3):
        decoded = np.asarray(Image.open(io.BytesIO(files[number])))
        assert np.array_equal(ink_of(tmp_path / "0.pdf", number), docbin.binarize(decoded))
    assert made == pictures_of(tmp_path / "1.pdf") == pictures_of(tmp_path / "2.pdf")
    assert (tmp_path / "0.pdf").stat().st_size < scan.stat().st_size
    assert set(seed_lines(2)[0].split()) <= set(words_of(tmp_path / "0.pdf"))
    with pikepdf.open(tmp_path / "0.pdf") as after, pikepdf.open(scan) as before:
        assert [list(map(float, page.mediabox)) for page in after.pages] == [list(map(float, page.mediabox)) for page in before.pages]


def layers_of(pdf: Path, page: int = 0) -> tuple[list[Any], list[Any]]:
    """The pictures, and the stencils, of a page in layers."""
    with pikepdf.open(pdf) as document:
        (form,) = [
            thing
            for name, thing in document.pages[page].obj.Resources.XObject.items()
            if "/Ink0" in thing.get("/Resources", {}).get("/XObject", {})
        ]
        things = [(int(one.Width), filters_of(one)[-1], bool(one.get("/ImageMask", False))) for one in form.Resources.XObject.values()]
    return [one[:2] for one in things if not one[2]], [one[:2] for one in things if one[2]]


@needs_programs
def test_pages_in_layers_keep_their_look_and_get_a_text_layer(tmp_path: Path) -> None:
    file = coded(shaded(printed(), depth=0.4))
    scan = scanned_pdf(tmp_path / "scan.pdf", [file])
    ended = ocrmypdf("--docbin-layers", "--output-type", "pdf", scan, tmp_path / "out.pdf")
    assert ended.returncode == 0, ended.stderr
    assert "1 page now in layers" in ended.stderr
    assert words_of(tmp_path / "out.pdf") == " ".join(LINES).split()
    pictures, stencils = layers_of(tmp_path / "out.pdf")
    assert pictures == [(600, "/DCTDecode")]
    assert {width for width, _ in stencils} == {900}
    assert np.percentile(np.abs(looks(tmp_path / "out.pdf") - looks(scan)), 95) < 12
    assert (tmp_path / "out.pdf").stat().st_size < len(file) / 3


@needs_programs
@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [["--force-ocr"], ["--output-type", "pdfa", "--pdfa-backend", "ghostscript"], ["--output-type", "pdfa-1"]]
)
def test_pages_in_layers_in_other_kinds_of_output(options: list[str], tmp_path: Path) -> None:
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed(), depth=0.4))])
    ended = ocrmypdf("--docbin-layers", *options, scan, tmp_path / "out.pdf")
    assert ended.returncode == 0, ended.stderr
    assert words_of(tmp_path / "out.pdf") == " ".join(LINES).split()
    assert np.percentile(np.abs(looks(tmp_path / "out.pdf") - looks(scan)), 95) < 12
    if "--output-type" in options:
        from ocrmypdf.pdfa import file_claims_pdfa

        assert file_claims_pdfa(tmp_path / "out.pdf")["pass"]
    if "ghostscript" not in options:
        assert len(layers_of(tmp_path / "out.pdf")[1]) >= 1
    if shutil.which("qpdf"):
        subprocess.run(["qpdf", "--check", tmp_path / "out.pdf"], check=True, capture_output=True)


def seed_lines(number: int) -> tuple[str, ...]:
    """Other words on every page."""
    return (LINES[number % 3], LINES[(number + 1) % 3])


@needs_programs
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pdf", "pdfa-1", "pdfa-2", "pdfa-3", "ghostscript", "unoptimized"])
def test_final_pages_in_every_kind_of_output(kind: str, tmp_path: Path) -> None:
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed())), coded(shaded(printed(), seed=2), "PNG")])
    options = {"ghostscript": ["--output-type", "pdfa", "--pdfa-backend", "ghostscript"], "unoptimized": ["--optimize", "0"]}
    ended = ocrmypdf("--docbin-final", *options.get(kind, ["--output-type", kind]), scan, tmp_path / "out.pdf")
    assert ended.returncode == 0, ended.stderr
    checked = subprocess.run(["qpdf", "--check", tmp_path / "out.pdf"], capture_output=True, text=True) if shutil.which("qpdf") else None
    assert checked is None or checked.returncode == 0, checked.stdout
    if kind != "pdf":
        from ocrmypdf.pdfa import file_claims_pdfa

        claim = file_claims_pdfa(tmp_path / "out.pdf")
        assert claim["pass"], claim
    for page, (image, form) in enumerate(((shaded(printed()), "JPEG"), (shaded(printed(), seed=2), "PNG"))):
        decoded = np.asarray(Image.open(io.BytesIO(coded(image, form))))
        assert np.array_equal(ink_of(tmp_path / "out.pdf", page), docbin.binarize(decoded))
    assert words_of(tmp_path / "out.pdf") == " ".join(LINES).split() * 2


@needs_programs
@pytest.mark.slow
def test_rotated_pages_keep_their_place(tmp_path: Path) -> None:
    """Pages that /Rotate turns, and pages that OCRmyPDF finds to be turned: the ink lies where the scan lay, under the words."""
    upright = shaded(printed((*LINES, *LINES), (1000, 760)))
    for name, image, rotate, options in (
        ("by-page", upright.transpose(Image.Transpose.ROTATE_90), 90, []),
        ("found", upright.transpose(Image.Transpose.ROTATE_180), 0, ["--rotate-pages", "--rotate-pages-threshold", "1"]),
    ):
        scan = scanned_pdf(tmp_path / f"{name}.pdf", [coded(image)], rotate)
        for kind, more in (("plain", []), ("final", ["--docbin-final"])):
            ended = ocrmypdf(*options, *more, scan, tmp_path / f"{name}-{kind}.pdf")
            assert ended.returncode == 0, ended.stderr
        plain, final = looks(tmp_path / f"{name}-plain.pdf"), looks(tmp_path / f"{name}-final.pdf")
        assert plain.shape == final.shape
        dark = final < 128
        assert dark.mean() > 0.01
        assert plain[dark].mean() < plain[~dark].mean() - 40
        assert set(LINES[0].split()) <= set(words_of(tmp_path / f"{name}-final.pdf"))


@needs_programs
@pytest.mark.slow
def test_pages_made_from_pictures_become_ink_too(tmp_path: Path) -> None:
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed())), coded(Image.new("L", (900, 420), 235))])
    ended = ocrmypdf("--docbin-final", "--deskew", scan, tmp_path / "out.pdf")
    assert ended.returncode == 0, ended.stderr
    first, second = pictures_of(tmp_path / "out.pdf")
    assert first[0][1] == 1
    assert first[0][3] in ("/CCITTFaxDecode", "/JBIG2Decode")
    assert second[0][1] == 8
    assert words_of(tmp_path / "out.pdf") == " ".join(LINES).split()
    ended = ocrmypdf("--docbin-final", "--force-ocr", tmp_path / "out.pdf", tmp_path / "again.pdf")
    assert ended.returncode == 0, ended.stderr
    assert words_of(tmp_path / "again.pdf") == " ".join(LINES).split()


@needs_programs
@pytest.mark.slow
def test_mixed_documents(tmp_path: Path) -> None:
    """Pages with text are skipped when asked, pages not asked for stay, a small picture beside text is no scan, vector graphics stay on a scan."""
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed(), seed=number)) for number in range(3)])
    pdf = pikepdf.open(scan, allow_overwriting_input=True)
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    born = pdf.add_blank_page(page_size=(432, 200))
    born.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font), XObject=pikepdf.Dictionary(Im0=images(pdf.pages[0])[0]))
    born.Contents = pdf.make_stream(b"BT /F1 18 Tf 40 120 Td (Born digital) Tj ET q 60 0 0 28 300 20 cm /Im0 Do Q")
    pdf.pages[1].contents_add(b"q 1 0 0 rg 0 0 40 40 re f Q")
    pdf.pages[1].Annots = pdf.make_indirect(
        [
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Link,
                Rect=[0, 0, 40, 40],
                A=pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String("https://example.org")),
            )
        ]
    )
    pdf.save(scan)
    ended = ocrmypdf("--docbin-final", "--skip-text", "--pages", "1-2,4", scan, tmp_path / "out.pdf")
    assert ended.returncode == 0, ended.stderr
    made = pictures_of(tmp_path / "out.pdf")
    # Page 1's picture stands on page 4 too, small beside text: there it stays. Page 3 was not asked for.
    assert [page[0][1] for page in made] == [1, 1, 8, 8]
    with pikepdf.open(tmp_path / "out.pdf") as after:
        assert str(after.pages[1].Annots[0].A.URI) == "https://example.org"
    red = Image.fromarray(looks(tmp_path / "out.pdf", 1).astype(np.uint8))
    assert 40 < red.getpixel((5, red.height - 6)) < 120
    assert "Born" in words_of(tmp_path / "out.pdf")


@needs_programs
@pytest.mark.slow
def test_pictures_and_streams_of_other_programs(tmp_path: Path) -> None:
    """A picture as input and standard streams: what OCRmyPDF takes, docbin takes."""
    (tmp_path / "scan.png").write_bytes(coded(shaded(printed()), "PNG"))
    ended = subprocess.run(
        [sys.executable, "-c", RUN, "--docbin", "--docbin-final", "-", "-"],
        stdin=(tmp_path / "scan.png").open("rb"),
        capture_output=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    (tmp_path / "out.pdf").write_bytes(ended.stdout)
    assert np.array_equal(ink_of(tmp_path / "out.pdf"), docbin.binarize(np.asarray(shaded(printed()))))


KILLER = """
import os, signal
import pluggy
hookimpl = pluggy.HookimplMarker("ocrmypdf")

@hookimpl
def filter_ocr_image(page, image):
    if page.pageno == 1:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@needs_programs
@pytest.mark.slow
def test_a_killed_worker_ends_the_run_and_leaves_no_output(tmp_path: Path) -> None:
    """OCRmyPDF gives such a run up, with exit code 7; what stands at the output's name stays, whole."""
    (tmp_path / "killer.py").write_text(KILLER)
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed(), seed=number)) for number in range(3)])
    out = tmp_path / "out.pdf"
    out.write_bytes(b"earlier")
    options = ["--plugin", tmp_path / "killer.py", "--docbin-final", "--no-use-threads", "--jobs", "2"]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ended = ocrmypdf(*options, scan, out, environment={"TMPDIR": str(temporary)})
    assert ended.returncode == 7, ended.stderr
    assert out.read_bytes() == b"earlier"
    assert list(temporary.iterdir()) == []


@needs_programs
@pytest.mark.slow
def test_other_plugins_filters_run_after_ours(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(
        "import json, pluggy\n"
        "hookimpl = pluggy.HookimplMarker('ocrmypdf')\n"
        "@hookimpl\n"
        "def filter_ocr_image(page, image):\n"
        f"    open({str(tmp_path / 'seen.json')!r}, 'w').write(json.dumps([image.mode, image.info['dpi']]))\n"
        "    return image\n"
    )
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed()))])
    ended = ocrmypdf("--plugin", tmp_path / "other.py", "--docbin", "--docbin-ink", scan, tmp_path / "out.pdf")
    assert ended.returncode == 0, ended.stderr
    mode, dpi = json.loads((tmp_path / "seen.json").read_text())
    assert (mode, dpi) == ("1", [pytest.approx(150, abs=0.1)] * 2)


@needs_programs
def test_python_interface(tmp_path: Path) -> None:
    """What paperless-ngx hands over: keywords, some of them true for a bare option."""
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed()))])
    program = "import json, sys, ocrmypdf; sys.exit(ocrmypdf.ocr(sys.argv[1], sys.argv[2], progress_bar=False, **json.loads(sys.argv[3])))"
    given = json.dumps({"docbin": True, "docbin_final": True, "output_type": "pdf"})
    ended = ocrmypdf(scan, tmp_path / "out.pdf", given, program=program)
    assert ended.returncode == 0, ended.stderr
    assert ink_of(tmp_path / "out.pdf").any()
    ended = ocrmypdf(scan, tmp_path / "no.pdf", json.dumps({"docbin": "sauvolla"}), program=program)
    assert "sauvolla" in ended.stderr
    assert not (tmp_path / "no.pdf").exists()


JBIG2 = """#!{python}
import sys
import numpy as np
from PIL import Image
from docbin.pdf import jbig2

if "--version" in sys.argv:
    print("jbig2enc 0.29")
else:
    open({seen!r}, "a").write(sys.argv[-1] + chr(10))
    sys.stdout.buffer.write(jbig2.encode(~np.asarray(Image.open(sys.argv[-1]).convert("1"))))
"""


@needs_programs
@pytest.mark.slow
def test_with_a_program_jbig2_on_the_path(tmp_path: Path) -> None:
    """OCRmyPDF then codes 1-bit pictures itself. What docbin has coded as G4, because it was smaller, it takes; the pixels stay the same."""
    programs = tmp_path / "programs"
    programs.mkdir()
    seen = tmp_path / "seen.txt"
    program = programs / "jbig2"
    program.write_text(JBIG2.format(python=sys.executable, seen=str(seen)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    scan = scanned_pdf(tmp_path / "scan.pdf", [coded(shaded(printed()))])
    for name, path in (("without", os.environ["PATH"]), ("with", f"{programs}{os.pathsep}{os.environ['PATH']}")):
        ended = ocrmypdf("--docbin-final", scan, tmp_path / f"{name}.pdf", environment={"PATH": path})
        assert ended.returncode == 0, ended.stderr
    assert np.array_equal(ink_of(tmp_path / "with.pdf"), ink_of(tmp_path / "without.pdf"))
    ((with_it,),) = pictures_of(tmp_path / "with.pdf")
    ((without,),) = pictures_of(tmp_path / "without.pdf")
    assert with_it[3] == "/JBIG2Decode" or len(with_it[2]) <= len(without[2])
    assert seen.exists() or without[3] == "/JBIG2Decode"
