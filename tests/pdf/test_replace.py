"""PDFs whose scans are replaced in place: what must stay stays, and three viewers show the ink where the scan was."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name

from docbin import batch, files
from docbin.batch.replaced_document import load
from docbin.errors import Interrupted
from docbin.files.orientation import upright
from docbin.page import to_grey
from docbin.pdf import page_pictures
from docbin.pdf.pdf_structure import unpacked
from docbin.pdf.place import stored
from tests.batch.pages import binarize
from tests.pdf.documents import HEIGHT, POINTS, WIDTH, Document, Pixels, page_of_text, rich

SCANNED = (1, 2, 3, 4, 5, 6, 7, 9, 10, 11)


def job(**more: Any) -> batch.Binarize:
    return batch.Binarize.create("sauvola", **more)


def replaced(source: Path, folder: Path, **more: Any) -> tuple[Path, list[batch.PageRecord]]:
    out = folder / "out.pdf"
    run = {name: more.pop(name) for name in ("overwrite", "resume") if name in more}
    _, records = binarize([source], out, folder, job(**more), **run)
    return out, records


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A rich document, and what becomes of it."""
    folder = tmp_path_factory.mktemp("rich")
    source = rich(folder / "in.pdf")
    out, records = replaced(source, folder)
    assert [record.status for record in records] == ["done"] * 11
    return source, out


def by_pdfium(path: Path, page: int, size: tuple[int, int]) -> Pixels:
    with pypdfium2.PdfDocument(path) as document:
        shown = document[page - 1]
        width, height = shown.get_size()
        pixels = shown.render(scale=4, may_draw_forms=False, draw_annots=False).to_numpy()[..., :3]
    assert abs(width / height - size[0] / size[1]) < 0.02
    return to_grey(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA))


def by_command(path: Path, page: int, size: tuple[int, int], folder: Path, name: str) -> Pixels:
    out = folder / f"{name}.png"
    if name == "pdftoppm":
        command = ["pdftoppm", "-cropbox", "-r", "288", "-f", str(page), "-l", str(page), "-png", "-singlefile", str(path), str(out)[:-4]]
    else:
        command = ["mutool", "draw", "-q", "-r", "288", "-o", str(out), str(path), str(page)]
    subprocess.run(command, check=True, capture_output=True)
    return to_grey(cv2.resize(cv2.imread(str(out), cv2.IMREAD_COLOR)[..., ::-1].copy(), size, interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("viewer", ["pdfium", "pdftoppm", "mutool"])
def test_every_viewer_shows_the_ink_of_the_page(documents: tuple[Path, Path], tmp_path: Path, viewer: str) -> None:
    """Each scanned page against the ink of its scan, which the method finds in an image of it."""
    if viewer != "pdfium" and shutil.which(viewer) is None:
        pytest.skip(f"needs {viewer}")
    source, out = documents
    row = job().row
    with files.open_pages(source) as pages:
        for number in SCANNED:
            found = pages.scan(number)
            assert found is not None, number
            ink = row.binarize(found[0].pixels, **row.parse({}))
            if number == 4:  # a crop box hides the rest
                box = [20 / 288, 1 - 191 / 201, 263 / 288, 1 - 30 / 201]
                ink = ink[round(box[1] * HEIGHT) : round(box[3] * HEIGHT), round(box[0] * WIDTH) : round(box[2] * WIDTH)]
            size = ink.shape[1], ink.shape[0]
            if viewer == "pdfium":
                shown = by_pdfium(out, number, size)
            elif number in (1, 9) or (viewer == "mutool" and number == 4):
                continue  # they draw the note and the field; mutool knows no crop box here
            else:
                shown = by_command(out, number, size, tmp_path, viewer)
            apart = cv2.erode((ink != (shown < 128)).astype(np.uint8), np.ones((3, 3), np.uint8))
            assert apart.mean() < 0.002, number
            assert set(np.unique(shown[:8])) <= set(range(250, 256)), number  # the grey paper is gone


def test_the_text_layer_stays(documents: tuple[Path, Path]) -> None:
    texts = []
    for path in documents:
        with pypdfium2.PdfDocument(path) as document:
            texts.append([page.get_textpage().get_text_bounded() for page in document])
        if shutil.which("pdftotext"):
            texts.append(subprocess.run(["pdftotext", str(path), "-"], check=True, capture_output=True).stdout)
    assert texts[: len(texts) // 2] == texts[len(texts) // 2 :]
    assert "hidden words of page 3" in texts[0][2]


def test_everything_else_stays(documents: tuple[Path, Path]) -> None:
    facts = []
    for path in documents:
        with pikepdf.open(path) as pdf, pdf.open_outline() as outline, pdf.open_metadata() as meta:
            places = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
            facts.append(
                {
                    "outline": [(item.title, len(item.children), places[item.destination[0].objgen]) for item in outline.root],
                    "labels": [page.label for page in pdf.pages],
                    "boxes": [[list(map(float, page.mediabox)), list(map(float, page.cropbox))] for page in pdf.pages],
                    "turned": [(int(page.obj.get("/Rotate", 0)), float(page.obj.get("/UserUnit", 1))) for page in pdf.pages],
                    "notes": [[str(note.Subtype) for note in page.obj.get("/Annots", [])] for page in pdf.pages],
                    "link": places[pdf.pages[0].obj.Annots[0].Dest[0].objgen],
                    "field": str(pdf.Root.AcroForm.Fields[0].V),
                    "files": {name: bytes(spec.get_file().read_bytes()) for name, spec in pdf.attachments.items()},
                    "xmp": (meta["dc:title"], list(meta["dc:creator"])),
                    "title": str(pdf.docinfo["/Title"]),
                    "layers": [str(group.Name) for group in pdf.Root.OCProperties.OCGs],
                    "layered": str(pdf.pages[10].obj.Resources.XObject.Im.OC.Name),
                    "drawn": bytes(pdf.pages[7].obj.Resources.XObject.Im.read_raw_bytes()),
                    "content": [bytes(pdf.pages[n].obj.Contents.read_bytes()) for n in (0, 1, 2, 3, 6, 7, 8, 10)],
                }
            )
    assert facts[0] == facts[1]


def test_old_pictures_are_gone_and_qpdf_finds_no_fault(documents: tuple[Path, Path]) -> None:
    source, out = documents
    with pikepdf.open(out) as pdf:
        filters = [
            str(thing.get("/Filter")) for thing in pdf.objects if isinstance(thing, pikepdf.Stream) and thing.get("/Subtype") == "/Image"
        ]
        assert pdf.check_pdf_syntax() == [] if hasattr(pdf, "check_pdf_syntax") else True
    assert filters.count("/DCTDecode") == 1  # the picture of the drawn page
    assert len(filters) == 1 + len(SCANNED)
    assert out.stat().st_size < source.stat().st_size / 3
    if shutil.which("qpdf"):
        subprocess.run(["qpdf", "--check", str(out)], check=True, capture_output=True)


def test_a_picture_keeps_its_own_resolution(tmp_path: Path) -> None:
    made = Document()
    made.scan(1)
    out, records = replaced(made.save(tmp_path / "in.pdf"), tmp_path)
    with pikepdf.open(out) as pdf:
        picture = pdf.pages[0].obj.Resources.XObject.Im
        assert (int(picture.Width), int(picture.Height), int(picture.BitsPerComponent)) == (WIDTH, HEIGHT, 1)
    assert records[0].size == (WIDTH, HEIGHT)


def test_another_page_keeps_its_own_use_of_a_picture(tmp_path: Path) -> None:
    """A drawn page shows the scan of page 1 small; and both share one dictionary of resources."""
    made = Document()
    first = made.scan(1)
    second = made.drawn()
    second.Resources = first.Resources = made.pdf.make_indirect(first.Resources)
    out, records = replaced(made.save(tmp_path / "in.pdf"), tmp_path)
    assert "drawn, not scanned" in records[1].warnings[0]
    with pikepdf.open(out) as pdf:
        used = [page.obj.Resources.XObject.Im for page in pdf.pages]
        assert int(used[0].BitsPerComponent) == 1
        assert used[1].Filter == "/DCTDecode"


@pytest.mark.parametrize("name", ["Bild\u00e4", "Im a#", "Im.0-1"])
@pytest.mark.parametrize("escaped", [True, False])
def test_a_picture_is_found_by_any_name(tmp_path: Path, name: str, escaped: bool) -> None:
    octets = name.encode()
    plain = rb"[^A-Za-z0-9]" if escaped else rb"[#\s]"
    token = re.sub(plain, lambda found: b"#%02X" % found[0][0], octets)
    made = Document()
    made.page(b"q %d 0 0 %d 0 0 cm /%s Do Q" % (*POINTS, token), {f"/{name}": made.picture(page_of_text())})
    out, _ = replaced(made.save(tmp_path / "in.pdf"), tmp_path)
    with pikepdf.open(out) as pdf:
        (picture,) = pdf.pages[0].obj.Resources.XObject.values()
        assert int(picture.BitsPerComponent) == 1


def test_forms_that_each_draw_the_next_twice_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen of them are 131,071 draws, which is still drawn; a form of which no picture comes is not looked at again."""
    made = Document()
    page = made.scan(1)
    form = made.pdf.make_stream(b"0 0 1 1 re f", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 9, 9], Resources=Dictionary())
    for _ in range(16):
        things = Dictionary(XObject=Dictionary(A=form))
        form = made.pdf.make_stream(b"/A Do /A Do", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 9, 9], Resources=things)
    page.Resources.XObject.Deep = form
    page.Contents = made.pdf.make_stream(bytes(page.Contents.read_bytes()) + b"/Deep Do /Im Do")
    looked: list[Any] = []
    monkeypatch.setattr(page_pictures, "unpacked", lambda stream, most: looked.append(stream) or unpacked(stream, most))
    assert [draw.path for draw in page_pictures.picture_draws(page)] == [("/Im",), ("/Im",)]
    assert len(looked) == 18


def test_a_page_of_very_many_pictures_is_a_drawn_one(tmp_path: Path) -> None:
    """A map of symbols: it stays as it is, and does not count as damaged."""
    made = Document()
    symbols = b"".join(b"q 1.4 0 0 1.4 %.1f %.1f cm /Im Do Q\n" % (n % 201 * 1.4, n // 201 * 1.4) for n in range(20_200))
    made.page(symbols, {"/Im": made.picture(page_of_text()[:8, :8], jpeg=False)})
    out, records = replaced(made.save(tmp_path / "in.pdf"), tmp_path)
    assert records[0].status == "done"
    assert "drawn, not scanned" in records[0].warnings[0]
    with pikepdf.open(out) as pdf:
        assert int(pdf.pages[0].obj.Resources.XObject.Im.BitsPerComponent) == 8


HIDDEN = {
    "off": lambda layer, _: ({"OFF": Array([layer])}, layer),
    "not on": lambda layer, other: ({"BaseState": Name.OFF, "ON": Array([other])}, layer),
    "usage": lambda layer, _: ({"AS": Array([Dictionary(Event=Name.View, OCGs=Array([layer]), Category=Array([Name.View]))])}, layer),
    "policy": lambda layer, other: ({"OFF": Array([layer])}, Dictionary(Type=Name.OCMD, OCGs=Array([layer, other]), P=Name.AllOn)),
    "expression": lambda layer, other: ({}, Dictionary(Type=Name.OCMD, VE=Array([Name.Not, Array([Name.Or, layer, other])]))),
}


@pytest.mark.parametrize("how", HIDDEN)
@pytest.mark.parametrize("marked", [True, False])
def test_a_picture_of_a_hidden_layer_stays_in_it(tmp_path: Path, how: str, marked: bool) -> None:
    """Two scans of a page, one of them in a layer that is not shown: that one is no part of what is seen, and not lost."""
    made = Document()
    layer, other = (made.pdf.make_indirect(Dictionary(Type=Name.OCG, Name=name)) for name in ("hidden", "shown"))
    if how == "usage":
        layer.Usage = Dictionary(View=Dictionary(ViewState=Name.OFF))
    settings, belongs = HIDDEN[how](layer, other)
    made.pdf.Root.OCProperties = Dictionary(OCGs=Array([layer, other]), D=Dictionary(**settings))
    seen, hidden = made.picture(page_of_text(1)), made.picture(page_of_text(2))
    within = (b"/OC /Shown BDC ", b" EMC ", b"/OC /Hidden BDC ", b" EMC") if marked else (b"",) * 4
    content = b"%sq %d 0 0 %d 0 0 cm /I Do Q%s%sq %d 0 0 %d 0 0 cm /H Do Q%s"
    page = made.page(content % (within[0], *POINTS, *within[1:3], *POINTS, within[3]), {"/I": seen, "/H": hidden})
    if marked:
        page.Resources.Properties = Dictionary(Shown=other, Hidden=belongs)
    else:
        seen.OC, hidden.OC = other, belongs
    before = hidden.read_raw_bytes()
    out, records = replaced(made.save(tmp_path / "in.pdf"), tmp_path)
    assert records[0].status == "done"
    with pikepdf.open(out) as pdf:
        things = pdf.pages[0].obj.Resources.XObject
        assert things.H.read_raw_bytes() == before
        assert things.I.Subtype == "/Form"
        assert things.DocbinInk0.OC.Name == "shown"
    shown, truth = by_pdfium(out, 1, (WIDTH, HEIGHT)) < 128, page_of_text(1) < 128
    assert np.count_nonzero(shown & truth) > 0.95 * np.count_nonzero(shown)


def test_pages_beyond_a_wrong_count_are_replaced_too(tmp_path: Path) -> None:
    source = long_document(tmp_path / "three.pdf", 3)
    with pikepdf.open(source) as pdf:
        pdf.save(tmp_path / "in.pdf", object_stream_mode=pikepdf.ObjectStreamMode.disable)
    data = (tmp_path / "in.pdf").read_bytes()
    (tmp_path / "in.pdf").write_bytes(data.replace(b"/Count 3", b"/Count 1"))
    out, records = replaced(tmp_path / "in.pdf", tmp_path)
    assert [record.status for record in records] == ["done"] * 3
    with pypdfium2.PdfDocument(out) as document:
        assert [document[page].get_textpage().get_text_bounded().strip() for page in range(3)] == [
            f"hidden words of page {page}" for page in (1, 2, 3)
        ]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stored_is_the_inverse_of_upright(orientation: int) -> None:
    pixels = np.arange(6).reshape(2, 3)
    assert np.array_equal(stored(upright(pixels, orientation), orientation), pixels)


def signed(path: Path, form: str = "field") -> Path:
    """A signed file. `form`: the signature's field is in the form, is a kid there whose kind its parent says, or stands on the page alone."""
    made = Document()
    page = made.scan(1)
    value = Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), Contents=b"\0" * 16, ByteRange=[0, 1, 2, 3])
    field = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T="mine", V=made.pdf.make_indirect(value), Rect=[0, 0, 0, 0], P=page
    )
    widget = made.pdf.make_indirect(field)
    page.Annots = Array([widget])
    if form == "kid":
        del widget.FT
        widget.Parent = made.pdf.make_indirect(Dictionary(FT=Name.Sig, T="parent", Kids=Array([widget])))
    if form != "none":
        made.pdf.Root.AcroForm = Dictionary(Fields=Array([widget if form == "field" else widget.Parent]), SigFlags=3)
    return made.save(path)


@pytest.mark.parametrize("form", ["field", "kid", pytest.param("none", marks=pytest.mark.filterwarnings("ignore::UserWarning"))])
def test_a_signed_file_is_refused_unless_signatures_may_break(tmp_path: Path, form: str) -> None:
    source = signed(tmp_path / "in.pdf", form)
    _, records = replaced(source, tmp_path)
    assert records[0].error is not None
    assert records[0].error.exit_code == 2
    assert "it is signed" in records[0].error.message
    assert "--break-signatures" in records[0].error.message
    assert not (tmp_path / "out.pdf").exists()
    out, records = replaced(source, tmp_path, break_signatures=True)
    assert records[0].status == "done"
    with pikepdf.open(out) as pdf:
        (field,) = pdf.pages[0].obj.Annots
        assert "/V" not in field
        assert "/SigFlags" not in pdf.Root.get("/AcroForm", {})


@pytest.mark.parametrize("allowed", [True, False])
def test_an_encrypted_file_is_changed_as_its_owner_allows(tmp_path: Path, allowed: bool) -> None:
    made = Document()
    made.scan(1)
    permissions = pikepdf.Permissions(modify_other=allowed, extract=False)
    source = made.save(tmp_path / "in.pdf", encryption=pikepdf.Encryption(owner="secret", user="", allow=permissions))
    out, records = replaced(source, tmp_path)
    if not allowed:
        assert records[0].error is not None
        assert "its owner forbids changes" in records[0].error.message
        assert not out.exists()
        return
    assert records[0].status == "done"
    with pikepdf.open(out) as pdf:
        assert pdf.is_encrypted
        assert not pdf.allow.extract
        assert pdf.allow.modify_other
    with pikepdf.open(out, password="secret") as pdf:
        assert pdf.owner_password_matched
        assert int(pdf.pages[0].obj.Resources.XObject.Im.BitsPerComponent) == 1


@pytest.mark.parametrize("linearized", [True, False])
def test_a_linearized_file_stays_linearized(tmp_path: Path, linearized: bool) -> None:
    made = Document()
    made.scan(1)
    out, _ = replaced(made.save(tmp_path / "in.pdf", linearize=linearized), tmp_path)
    with pikepdf.open(out) as pdf:
        assert pdf.is_linearized is linearized


@pytest.mark.parametrize("intent", [True, False])
def test_a_claim_of_pdf_a_stays_true(tmp_path: Path, intent: bool) -> None:
    """Device grey is allowed with an output intent alone; without one the ink is in a calibrated grey."""
    made = Document()
    made.scan(1)
    made.strips(2)
    with made.pdf.open_metadata(set_pikepdf_as_editor=False) as meta:
        meta["pdfaid:part"], meta["pdfaid:conformance"] = "2", "B"
    if intent:
        made.pdf.Root.OutputIntents = Array([Dictionary(Type=Name.OutputIntent, S=Name.GTS_PDFA1)])
    out, _ = replaced(made.save(tmp_path / "in.pdf"), tmp_path)
    with pikepdf.open(out) as pdf, pdf.open_metadata() as meta:
        assert meta.pdfa_status == "2B"
        spaces = [thing.ColorSpace for thing in pdf.objects if isinstance(thing, pikepdf.Stream) and thing.get("/Subtype") == "/Image"]
    assert len(spaces) == 2
    assert all(space == "/DeviceGray" if intent else space[0] == "/CalGray" for space in spaces)
    assert np.array_equal(
        by_pdfium(out, 1, (WIDTH, HEIGHT)) < 128,
        by_pdfium(replaced(made.save(tmp_path / "b.pdf"), tmp_path, overwrite=True)[0], 1, (WIDTH, HEIGHT)) < 128,
    )


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_layers_of_a_pdf_a_have_colours_that_its_output_intent_allows(tmp_path: Path, channels: int) -> None:
    made = Document()
    made.scan(1, colour=True)
    with made.pdf.open_metadata(set_pikepdf_as_editor=False) as meta:
        meta["pdfaid:part"], meta["pdfaid:conformance"] = "2", "B"
    profile = made.pdf.make_stream(b"a profile", N=channels)
    made.pdf.Root.OutputIntents = Array([Dictionary(Type=Name.OutputIntent, S=Name.GTS_PDFA1, DestOutputProfile=profile)])
    out, _ = replaced(made.save(tmp_path / "in.pdf"), tmp_path, layers=True)
    with pikepdf.open(out) as pdf:
        spaces = pdf.pages[0].obj.Resources.XObject.Im.Resources.get("/ColorSpace", {})
    assert ("/DefaultRGB" in spaces) is (channels != 3)


class Stop(batch.Listener):
    """Ctrl-C after some steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def long_document(path: Path, count: int) -> Path:
    made = Document()
    for number in range(1, count + 1):
        made.scan(number)
    return made.save(path)


@pytest.mark.parametrize("first_resumes", [True, False])
def test_resume_goes_on_at_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_resumes: bool) -> None:
    source, out = long_document(tmp_path / "in.pdf", 6), tmp_path / "out" / "book.pdf"
    out.parent.mkdir()
    plan = batch.plan([str(source)], str(out), job(), spool=tmp_path, resume=first_resumes)
    with pytest.raises(Interrupted, match="4 finished pages are kept; --resume goes on from here"):
        batch.run(plan, jobs=0, listener=Stop(4))
    assert not out.exists()
    worked: list[int] = []
    work = batch.Binarize.work
    monkeypatch.setattr(batch.Binarize, "work", lambda self, page, *rest: (worked.append(page.number), work(self, page, *rest))[1])
    _, records = binarize([source], out, tmp_path, job(), resume=True)
    assert worked == [5, 6]
    assert [record.status for record in records] == ["kept"] * 4 + ["done"] * 2
    assert [record.ink is not None and record.ink > 0.01 for record in records] == [True] * 6
    assert [path.name for path in (out.parent / ".docbin").glob("pages-*")] == []
    whole, _ = replaced(source, tmp_path)
    assert [by_pdfium(out, n, (WIDTH, HEIGHT)).tobytes() for n in range(1, 7)] == [
        by_pdfium(whole, n, (WIDTH, HEIGHT)).tobytes() for n in range(1, 7)
    ]


def test_pages_that_are_not_what_was_stored_are_made_again(tmp_path: Path) -> None:
    source, out = long_document(tmp_path / "in.pdf", 4), tmp_path / "out" / "book.pdf"
    out.parent.mkdir()
    plan = batch.plan([str(source)], str(out), job(), spool=tmp_path, resume=True)
    with pytest.raises(Interrupted):
        batch.run(plan, jobs=0, listener=Stop(3))
    (folder,) = (out.parent / ".docbin").glob("pages-*")
    whole = (folder / "1.page").read_bytes()
    assert load(folder / "1.page") is not None
    (folder / "1.page").write_bytes(whole[:-5])  # torn
    (folder / "2.page").unlink()
    (tmp_path / "elsewhere").write_bytes(whole)
    (folder / "2.page").symlink_to(tmp_path / "elsewhere")
    fields = json.loads((folder / "3.page").read_bytes().split(b"\n")[0])
    (folder / "3.page").write_bytes(
        json.dumps(fields | {"record": {"page": "three"}}).encode() + b"\n" + (folder / "3.page").read_bytes().split(b"\n", 1)[1]
    )
    assert [load(folder / f"{page}.page") for page in (1, 2, 3, 4)] == [None] * 4
    _, records = binarize([source], out, tmp_path, job(), resume=True)
    assert [record.status for record in records] == ["done"] * 4


def test_a_page_that_fails_stays_in_an_incomplete_document(tmp_path: Path) -> None:
    made = Document()
    made.scan(1)
    made.scan(2)
    broken = made.pdf.pages[1].obj.Resources.XObject.Im
    data = bytes(broken.read_raw_bytes())
    broken.write(data[: len(data) // 2], filter=Name.DCTDecode)
    out, records = replaced(made.save(tmp_path / "in.pdf"), tmp_path)
    assert [record.status for record in records] == ["done", "failed"]
    assert not out.exists()
    with pikepdf.open(tmp_path / "out.incomplete.pdf") as pdf:
        assert [page.obj.Resources.XObject.Im.get("/Filter") == "/DCTDecode" for page in pdf.pages] == [False, True]


def test_chosen_pages_with_what_belongs_to_them_and_nothing_of_the_others(tmp_path: Path) -> None:
    source = rich(tmp_path / "in.pdf")
    out, records = replaced(source, tmp_path, pages="2,1,8")
    assert [record.page for record in records] == [2, 1, 8]
    with pikepdf.open(out) as pdf, pdf.open_outline() as outline:
        assert [page.label for page in pdf.pages] == ["ii", "i", "4"]
        places = {page.obj.objgen: number for number, page in enumerate(pdf.pages, 1)}
        assert [(item.title, places[item.destination[0].objgen]) for item in outline.root] == [("One", 2)]
        assert len(pdf.Root.AcroForm.Fields) == 1
        pictures = [thing for thing in pdf.objects if isinstance(thing, pikepdf.Stream) and thing.get("/Subtype") == "/Image"]
    assert len(pictures) == 3
    if shutil.which("qpdf"):
        subprocess.run(["qpdf", "--check", str(out)], check=True, capture_output=True)


def test_rebuild_makes_a_pdf_of_ink_alone(tmp_path: Path) -> None:
    source = rich(tmp_path / "in.pdf")
    out, records = replaced(source, tmp_path, pdf="rebuild")
    assert "not carried into the new PDF" in records[0].warnings[-1]
    with pikepdf.open(out) as pdf:
        assert len(pdf.pages) == 11
        assert [int(page.obj.Resources.XObject.Page.BitsPerComponent) for page in pdf.pages] == [1] * 11


def test_a_resolution_that_was_asked_for_holds(tmp_path: Path) -> None:
    made = Document()
    made.scan(1)
    out, records = replaced(made.save(tmp_path / "in.pdf"), tmp_path, dpi=300)
    assert records[0].size == (2 * WIDTH, 838)
    with pikepdf.open(out) as pdf:
        assert "/DocbinInk0" in pdf.pages[0].obj.Resources.XObject


def test_a_document_that_cannot_be_written_is_a_failure_and_not_the_end_of_the_batch(tmp_path: Path) -> None:
    """The form of the first is no dictionary, which shows only when fields of pages that go are looked for."""
    for name in ("a.pdf", "b.pdf"):
        made = Document()
        made.scan(1)
        made.scan(2)
        if name == "a.pdf":
            made.pdf.Root.AcroForm = 5
        made.save(tmp_path / name)
    _, records = binarize([tmp_path / "a.pdf", tmp_path / "b.pdf"], tmp_path / "out", tmp_path, job(pages="1"))
    assert [record.status for record in records] == ["failed", "done"]
    assert records[0].error is not None
    assert records[0].error.exit_code == 2
    for part in ("a.pdf: its scans cannot be replaced, for its structure is damaged", "--pdf rebuild"):
        assert part in records[0].error.message
    assert [path.name for path in (tmp_path / "out").glob("*.pdf")] == ["b.pdf"]


PEAK = """
import resource, sys
from pathlib import Path
from docbin.pdf.ink_picture import InkPicture
from docbin.pdf.place import Place
from docbin.pdf.replace import PictureReplacer, Replacement
from docbin.pdf.write_pdf import PdfWriter
way, source, folder, count = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
pictures = (InkPicture(600, 420, "g4", bytes([page % 256]) * 200_000) for page in range(count))
if way == "replaced":
    replacer = PictureReplacer(source, folder)
    for page, picture in enumerate(pictures, 1):
        replacer.add(page, Replacement(Place(0, 1, (0, 0, 1, 1)), picture))
    replacer.write(folder / "out.pdf")
else:
    with (folder / "out.pdf").open("wb") as file:
        writer = PdfWriter(file)
        for picture in pictures:
            writer._add(picture, (420, 600), None)
        writer.finish()
        writer.release()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["replaced", "new"])
def test_memory_does_not_grow_with_the_document(tmp_path: Path, way: str) -> None:
    """Eight times the pages, the same memory; each page is 200 kB of code."""
    peaks = []
    for count in (150, 1200):
        made = Document()
        picture = made.picture(page_of_text(1))
        for _ in range(count):
            made.page(b"q 288 0 0 201 0 0 cm /Im Do Q", {"/Im": picture})
        source = made.save(tmp_path / f"{count}.pdf")
        command = [os.sys.executable, "-c", PEAK, way, str(source), str(tmp_path), str(count)]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        with pikepdf.open(tmp_path / "out.pdf") as pdf:
            things = [page.obj.Resources.XObject for page in pdf.pages]
            codes = [bytes((one.Im if way == "replaced" else one.Page).read_raw_bytes()) for one in things[:: count // 5]]
        assert [(len(code), code[0]) for code in codes] == [(200_000, number % 256) for number in range(0, count, count // 5)]
    assert peaks[1] < peaks[0] + 30_000  # kB; the pictures of the longer one are 240 MB
