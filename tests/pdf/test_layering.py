"""Pages in layers: the ink as sharp as it was, each colour its own stencil; the paper alike and small; pictures kept out of the stencil."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from PIL import Image
from skimage import data
from skimage.metrics import structural_similarity

import docbin
from docbin import batch, files
from docbin.batch.record import PageRecord
from docbin.batch.replaced_document import load, store
from docbin.errors import Interrupted, UsageError
from docbin.page import Mask, to_grey
from docbin.pdf import layering
from docbin.pdf.layering import layered, likeness, painted_out, resolution_of
from docbin.pdf.page_layers import PageLayers
from docbin.pdf.place import Place
from docbin.pdf.printed_pictures import printed_pictures
from docbin.pdf.replace import Replacement
from tests.batch.pages import binarize
from tests.pdf.documents import HEIGHT, WIDTH, Document, Pixels, page_of_text, rich
from tests.pdf.test_replace import Stop, by_command, by_pdfium

RED, BLACK = (190, 30, 40), (30, 30, 30)


def letters(shape: tuple[int, int], size: float, left: int = 40, right: int | None = None) -> Mask:
    """Lines of words."""
    page = np.zeros(shape, np.uint8)
    step = round(38 * size)
    for row, top in enumerate(range(2 * step, shape[0] - step, step)):
        cv2.putText(
            page, f"Line {row} of ink, it was sharp and shall be", (left, top), cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(2, round(3 * size))
        )
    page[:, right or shape[1] - 20 :] = 0
    return page > 0


def paper(shape: tuple[int, int], seed: int = 0, noise: float = 2.0) -> Pixels:
    """Yellowed paper, darker to the right, with grain."""
    base = np.linspace(240, 215, shape[1])[None, :, None] * np.array([1, 0.97, 0.86])
    grain = np.random.default_rng(seed).normal(0, noise, (*shape, 1))
    return np.asarray((base.repeat(shape[0], 0) + grain).clip(0, 255), np.uint8)


def scan(ink: Mask, colours: Any, seed: int = 0) -> Pixels:
    """Ink of one colour, or of one a pixel, on paper, with soft edges."""
    soft = cv2.GaussianBlur(np.asarray(ink, np.float32), (0, 0), 0.7)[..., None]
    return np.asarray((paper(ink.shape, seed) * (1 - soft) + np.asarray(colours) * soft).clip(0, 255), np.uint8)


def pdf_of(layers: PageLayers, path: Path, dpi: float = 300) -> Path:
    with files.PageWriter(path) as writer:
        writer.add_layers(layers, dpi)
    return path


def rendered(path: Path, size: tuple[int, int]) -> Pixels:
    """By pdfium at the page's own pixels, RGB."""
    with pypdfium2.PdfDocument(path) as document:
        width = document[0].get_width()
        shown = document[0].render(scale=size[0] / width * (1 - 1e-6), rev_byteorder=True).to_numpy()[..., :3]
    assert shown.shape[1::-1] == size
    return np.ascontiguousarray(shown)


def test_a_page_at_300_dpi_is_a_tenth_of_its_jpeg_alike_on_paper_and_sharp_in_its_ink(tmp_path: Path) -> None:
    ink = letters((1200, 1000), 1.0)
    page = scan(ink, BLACK)
    file = io.BytesIO()
    Image.fromarray(page).save(file, "jpeg", quality=85)
    page = np.asarray(Image.open(file))
    out = pdf_of(layered(page, ink, (300, 300)), tmp_path / "page.pdf")
    assert out.stat().st_size < len(file.getvalue()) / 10
    shown = rendered(out, (1000, 1200))
    core = cv2.erode(np.asarray(ink, np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert shown[core].max() < 60
    near = cv2.dilate(np.asarray(ink, np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert to_grey(shown)[~near].min() > 180  # not a pixel outside the ink is dark
    assert np.array_equal(to_grey(shown) < 110, ink)
    small = [cv2.resize(to_grey(picture), (333, 400), interpolation=cv2.INTER_AREA) for picture in (page, shown)]
    away = cv2.resize(np.asarray(cv2.dilate(np.asarray(ink, np.uint8), np.ones((9, 9), np.uint8)), np.uint8), (333, 400)) == 0
    assert structural_similarity(*small, gaussian_weights=True, full=True)[1][away].mean() > 0.95


def test_each_ink_has_its_colour(tmp_path: Path) -> None:
    ink = letters((400, 700), 0.8)
    red = np.zeros_like(ink)
    red[158:248] = True  # whole lines
    layers = layered(scan(ink, np.where(red[..., None], RED, BLACK)), ink, (150, 150))
    colours = [colour for colour, _ in layers.stencils]
    assert len(colours) == 2
    assert np.abs(np.subtract(colours[0], BLACK)).max() < 25
    assert np.abs(np.subtract(colours[1], RED)).max() < 25
    shown = rendered(pdf_of(layers, tmp_path / "page.pdf", 150), (700, 400))
    core = cv2.erode(np.asarray(ink, np.uint8), np.ones((3, 3), np.uint8)) > 0
    reddish = shown[..., 0].astype(int) - shown[..., 1] > 60
    assert np.array_equal(reddish[core], red[core])


def test_writing_lighter_than_its_paper(tmp_path: Path) -> None:
    ink = letters((300, 500), 0.8)
    page = np.where(ink, 230, 40).astype(np.uint8)
    layers = layered(page, ink, (150, 150))
    assert layers.channels == 1
    shown = to_grey(rendered(pdf_of(layers, tmp_path / "page.pdf", 150), (500, 300)))
    assert np.array_equal(shown > 135, ink)


def test_the_background_of_a_page_of_two_colours_is_one_pixel(tmp_path: Path) -> None:
    ink = letters((300, 500), 0.8)
    layers = layered(np.dstack([np.where(ink, 0, level).astype(np.uint8) for level in (250, 240, 200)]), ink, (150, 150))
    assert layers.background_size == (1, 1)
    assert len(layers.background) < 1000
    shown = rendered(pdf_of(layers, tmp_path / "page.pdf", 150), (500, 300))
    assert np.abs(shown[~ink].astype(int) - (250, 240, 200)).max() <= 3
    assert shown[ink].max() == 0


def test_ink_of_an_enlarged_page_keeps_its_own_grid(tmp_path: Path) -> None:
    ink = letters((600, 1000), 1.0)
    page = cv2.resize(scan(ink, BLACK), (500, 300), interpolation=cv2.INTER_AREA)
    layers = layered(page, ink, (150, 150))
    assert layers.size == (1000, 600)
    assert layers.background_size == (333, 200)
    assert np.array_equal(to_grey(rendered(pdf_of(layers, tmp_path / "page.pdf"), (1000, 600))) < 115, ink)


def test_a_page_without_ink_and_a_page_of_one_pixel() -> None:
    assert layered(paper((60, 50)), np.zeros((60, 50), bool)).stencils == ()
    one = layered(np.array([[7]], np.uint8), np.array([[True]]))
    assert [colour for colour, _ in one.stencils] == [(7, 7, 7)]
    assert one.background_size == (1, 1)


@pytest.mark.parametrize("wrong", [(30, 51), (61, 100), (30, 25)])
def test_ink_of_another_page_is_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        layered(paper((60, 50)), np.zeros(wrong, bool))


def test_known_cells_are_the_mean_of_what_is_seen() -> None:
    """Against loops, for a whole factor."""
    random = np.random.default_rng(1)
    page, hidden = random.integers(0, 256, (40, 60), np.uint8), random.random((40, 60)) < 0.4
    small, known = painted_out(page, hidden, (15, 10))
    for row, column in np.ndindex(10, 15):
        cell = np.s_[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        seen = page[cell][~hidden[cell]]
        assert known[row, column] == (len(seen) >= 4)
        if len(seen) >= 4:
            assert abs(float(small[row, column]) - seen.mean()) <= 0.51


def test_what_is_hidden_is_filled_from_around() -> None:
    ramp = np.linspace(100, 220, 300)[None].repeat(200, 0)
    hidden = np.zeros((200, 300), bool)
    hidden[80:120, 100:160] = True
    page = np.where(hidden, 0, ramp).astype(np.uint8)
    small, known = painted_out(page, hidden, (100, 67))
    expected = cv2.resize(ramp.astype(np.float32), (100, 67), interpolation=cv2.INTER_AREA)
    assert not known[30:38, 35:50].any()
    assert np.abs(small - expected).max() < 12
    everything, none = painted_out(page, np.ones_like(hidden), (10, 7))
    assert set(np.unique(everything)) == {255}
    assert not none.any()


def test_likeness_is_structural_similarity() -> None:
    """Against scikit-image, away from the edges, where the two continue the picture differently."""
    random = np.random.default_rng(2)
    one = cv2.GaussianBlur(random.integers(0, 256, (90, 80), np.uint8), (0, 0), 2)
    other = np.asarray((one + random.normal(0, 6, one.shape)).clip(0, 255), np.uint8)
    inner = np.zeros(one.shape, bool)
    inner[12:-12, 12:-12] = True
    theirs = structural_similarity(one, other, gaussian_weights=True, use_sample_covariance=False, data_range=255, full=True)[1]
    assert likeness(one, other, inner) == pytest.approx(theirs[inner].mean(), abs=1e-3)
    assert likeness(one, other, ~inner | True) < 1
    assert likeness(one, one, inner) == pytest.approx(1)


@pytest.mark.parametrize(
    ("shape", "dpi", "resolution"),
    [((3300, 2550), (300, 300), 300), ((3300, 2550), None, 300), ((3300, 2550), (200, 400), 300), ((4000, 3000), (72, 72), 4000 / 24)],
)
def test_resolution_of_a_page_that_cannot_be_as_large_as_it_says(shape: tuple[int, int], dpi: Any, resolution: float) -> None:
    assert resolution_of(shape, dpi) == pytest.approx(resolution)


# --- pictures ----------------------------------------------------------------------------------------------------------------------------


def photograph(shape: tuple[int, int], seed: int = 3) -> Pixels:
    """Soft shapes of all greys, 0..255."""
    noise = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 12) * 12 + cv2.GaussianBlur(noise, (0, 0), 2) * 0.8
    return np.asarray((110 + 75 * soft).clip(5, 235), np.uint8)


def halftone(grey: Pixels, period: float) -> Pixels:
    """Round dots at 45 degrees."""
    row, column = np.indices(grey.shape) * (2 * np.pi / period / np.sqrt(2))
    screen = (np.cos(row + column) + np.cos(row - column)) / 4 + 0.5
    return np.asarray(cv2.GaussianBlur(np.where(grey / 255 > 1 - screen, 235, 20).astype(np.float32), (0, 0), 0.7), np.uint8)


def illustrated(kind: str) -> tuple[Pixels, Mask, Mask]:
    """A page at 150 dpi with a picture below its text: grey, ink as a threshold finds it, where the picture is."""
    text = letters((700, 600), 0.7)
    text[330:] = False
    page = to_grey(scan(text, BLACK))
    where = np.zeros(page.shape, bool)
    where[360:640, 80:520] = True
    picture = photograph((280, 440))
    page[where] = (picture if kind == "photograph" else halftone(picture, 4.6)).ravel()
    return page, page < 115, where


@pytest.mark.parametrize("kind", ["photograph", "halftone"])
def test_pictures_stay_out_of_the_stencil_and_text_in_it(kind: str, tmp_path: Path) -> None:
    page, ink, where = illustrated(kind)
    found = printed_pictures(page, ink, 150)
    assert found[where].mean() > 0.95
    assert not (found & ink & ~where).any()
    layers = layered(page, ink, (150, 150))
    shown = to_grey(rendered(pdf_of(layers, tmp_path / "page.pdf", 150), (600, 700)))
    inside = np.zeros_like(where)
    inside[380:620, 100:500] = True
    greys = [np.histogram(cv2.blur(one, (5, 5))[inside], 16, (0, 256))[0] / inside.sum() for one in (page, shown)]
    assert np.abs(greys[0] - greys[1]).sum() < 0.3  # no stencil has posterized it
    assert np.array_equal(shown[:330] < 115, ink[:330])


@pytest.mark.parametrize("kind", ["clean", "stained", "light on dark", "dense"])
def test_no_page_of_text_is_taken_for_a_picture(kind: str) -> None:
    ink = letters((700, 600), 0.45 if kind == "dense" else 0.7)
    page = to_grey(scan(ink, BLACK, seed=5)).astype(np.float32)
    if kind == "stained":
        stain = cv2.GaussianBlur(np.random.default_rng(4).normal(0, 1, page.shape).astype(np.float32), (0, 0), 40) * 100
        page *= 1 - 0.18 * stain.clip(-1, 1).clip(0, 1)
    if kind == "light on dark":
        page = 255 - page
    assert not printed_pictures(np.asarray(page.clip(0, 255), np.uint8), ink, 150).any()


def test_an_illustration_without_text_and_a_page_smaller_than_one() -> None:
    plate = to_grey(data.chelsea())
    ink = docbin.binarize(plate, "bitunet")
    assert printed_pictures(plate, ink, 150).all()
    assert not printed_pictures(plate[:40, :40], ink[:40, :40], 150).any()


# --- in a batch ---------------------------------------------------------------------------------------------------------------------------


def job(**more: Any) -> batch.Binarize:
    return batch.Binarize.create("sauvola", layers=True, **more)


def pictures_of(path: Path) -> list[tuple[str, int]]:
    """(filter, pixels across) of every picture, stencils by their mask."""
    with pikepdf.open(path) as pdf:
        things = [thing for thing in pdf.objects if isinstance(thing, pikepdf.Stream) and thing.get("/Subtype") == "/Image"]
        return sorted(("stencil" if thing.get("/ImageMask", False) else str(thing.Filter), int(thing.Width)) for thing in things)


def save_scans(folder: Path, count: int) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for number in range(1, count + 1):
        paths.append(folder / f"{number}.png")
        Image.fromarray(page_of_text(number, colour=True)).save(paths[-1], dpi=(150, 150))
    return paths


def test_a_scan_becomes_a_pdf(tmp_path: Path) -> None:
    (source,) = save_scans(tmp_path / "in", 1)
    _, records = binarize([source], tmp_path / "out", tmp_path, job())
    assert [record.status for record in records] == ["done"]
    assert records[0].output == str(tmp_path / "out" / "1.pdf")
    assert records[0].ink is not None
    assert pictures_of(tmp_path / "out" / "1.pdf") == [("/DCTDecode", WIDTH * 2 // 3), ("stencil", WIDTH)]
    with pikepdf.open(tmp_path / "out" / "1.pdf") as pdf:
        assert [float(side) for side in pdf.pages[0].mediabox[2:]] == [WIDTH * 72 / 150, HEIGHT * 72 / 150]
    if shutil.which("qpdf"):
        import subprocess

        subprocess.run(["qpdf", "--check", str(tmp_path / "out" / "1.pdf")], check=True, capture_output=True)


@pytest.mark.parametrize("compression", [None, "g4"])
def test_many_scans_become_one_pdf(tmp_path: Path, compression: str | None) -> None:
    save_scans(tmp_path / "in", 3)
    out = tmp_path / "book.pdf"
    _, records = binarize([tmp_path / "in"], out, tmp_path, job(compression=compression))
    assert [record.status for record in records] == ["done"] * 3
    assert [kind for kind, _ in pictures_of(out)] == ["/DCTDecode"] * 3 + ["stencil"] * 3
    with pikepdf.open(out) as pdf:
        filters = {str(thing.Filter) for thing in pdf.objects if isinstance(thing, pikepdf.Stream) and thing.get("/ImageMask", False)}
    assert filters == {"/CCITTFaxDecode" if compression else "/JBIG2Decode"}


def test_a_tiff_of_many_pages_becomes_a_pdf(tmp_path: Path) -> None:
    frames = [Image.fromarray(page_of_text(number)) for number in (1, 2)]
    frames[0].save(tmp_path / "in.tif", save_all=True, append_images=frames[1:], dpi=(150, 150))
    _, records = binarize([tmp_path / "in.tif"], tmp_path / "out", tmp_path, job())
    assert [record.output for record in records] == [str(tmp_path / "out" / "in.pdf")] * 2
    assert len(pictures_of(tmp_path / "out" / "in.pdf")) == 4


def test_a_rebuilt_pdf_is_in_layers_too(tmp_path: Path) -> None:
    made = Document()
    made.scan(1)
    made.drawn()
    _, records = binarize([made.save(tmp_path / "in.pdf")], tmp_path / "out.pdf", tmp_path, job(pdf="rebuild"))
    assert [record.status for record in records] == ["done"] * 2
    assert [kind for kind, _ in pictures_of(tmp_path / "out.pdf")].count("/DCTDecode") == 2


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A rich document, and the same in layers."""
    folder = tmp_path_factory.mktemp("layers")
    source, out = rich(folder / "in.pdf"), folder / "out.pdf"
    _, records = binarize([source], out, folder, job())
    assert [record.status for record in records] == ["done"] * 11
    return source, out


def test_in_a_pdf_the_text_layer_and_all_else_stays(documents: tuple[Path, Path]) -> None:
    texts, facts = [], []
    for path in documents:
        with pypdfium2.PdfDocument(path) as document:
            texts.append([page.get_textpage().get_text_bounded() for page in document])
        with pikepdf.open(path) as pdf, pdf.open_outline() as outline:
            facts.append(
                (
                    [item.title for item in outline.root],
                    [page.label for page in pdf.pages],
                    list(pdf.attachments),
                    [len(page.obj.get("/Annots", [])) for page in pdf.pages],
                    str(pdf.pages[10].obj.Resources.XObject.Im.OC.Name),
                )
            )
    assert texts[0] == texts[1]
    assert facts[0] == facts[1]
    assert documents[1].stat().st_size < documents[0].stat().st_size / 2


@pytest.mark.parametrize("viewer", ["pdfium", "pdftoppm", "mutool"])
def test_every_viewer_shows_the_page_as_it_was(documents: tuple[Path, Path], tmp_path: Path, viewer: str) -> None:
    if viewer != "pdfium" and shutil.which(viewer) is None:
        pytest.skip(f"needs {viewer}")
    source, out = documents
    for number in (2, 3, 5, 6, 7) if viewer == "pdfium" else (2, 6):  # turned, of other units, in strips, masked, within a form
        size = (HEIGHT, WIDTH) if number == 2 else (WIDTH, HEIGHT)
        shown = [
            by_pdfium(path, number, size) if viewer == "pdfium" else by_command(path, number, size, tmp_path, viewer)
            for path in (source, out)
        ]
        apart = np.abs(shown[0].astype(int) - shown[1])
        assert np.percentile(apart, 90) <= 6, number
        assert cv2.erode(np.asarray(apart > 90, np.uint8), np.ones((3, 3), np.uint8)).sum() < 20, number


def test_resume_goes_on_at_the_page(tmp_path: Path) -> None:
    made = Document()
    for number in (1, 2, 3):
        made.scan(number, colour=True)
    source, out = made.save(tmp_path / "in.pdf"), tmp_path / "out" / "book.pdf"
    out.parent.mkdir()
    plan = batch.plan([str(source)], str(out), job(), spool=tmp_path, resume=True)
    with pytest.raises(Interrupted):
        batch.run(plan, jobs=0, listener=Stop(2))
    _, records = binarize([source], out, tmp_path, job(), resume=True)
    assert [record.status for record in records] == ["kept", "kept", "done"]
    binarize([source], tmp_path / "whole.pdf", tmp_path, job())
    assert out.read_bytes() == (tmp_path / "whole.pdf").read_bytes()
    _, records = binarize([source], out, tmp_path, batch.Binarize.create("sauvola"), resume=True)
    assert [record.status for record in records] == ["done"] * 3  # of ink alone: another result


def test_what_is_stored_of_a_page_is_what_is_loaded(tmp_path: Path) -> None:
    layers = layered(scan(letters((100, 200), 0.5), RED), letters((100, 200), 0.5), (150, 150))
    record = PageRecord("in.pdf", 1, 1, "done", "sauvola", {})
    replacement = Replacement(Place(0, 1, (0.0, 0.0, 1.0, 1.0)), layers)
    store(tmp_path / "1.page", record, replacement)
    known = load(tmp_path / "1.page")
    assert known is not None
    assert known[1] == replacement


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"format": "png"}, "--layers writes PDF, which alone holds ink over its paper; leave out --format png"),
        ({"format": "tiff"}, "leave out --format tiff"),
        ({"editable": True}, "leave it out, or --probability and --editable"),
        ({"probability": True}, "leave it out, or --probability and --editable"),
    ],
)
def test_what_cannot_be_in_layers_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        job(**wrong)


def test_a_format_without_layers_refuses_them(tmp_path: Path) -> None:
    layers = layered(paper((20, 20)), np.zeros((20, 20), bool))
    with files.PageWriter(tmp_path / "a.tif") as writer:
        with pytest.raises(UsageError, match="tiff holds no ink over its paper; write layers as pdf"):
            writer.add_layers(layers)
        writer.add(np.zeros((2, 2), bool))
    with pytest.raises(UsageError, match=r"with --layers docbin does not write \.png files; name one with \.pdf"):
        binarize(save_scans(tmp_path / "in", 1), tmp_path / "a.png", tmp_path, job())


def test_the_clusters_are_as_many_as_the_colours_and_no_more_than_allowed() -> None:
    random = np.random.default_rng(0)
    centres = np.array([[20, 0, 0], [60, 50, 20], [40, -40, 30], [90, 0, -60]])
    which = random.integers(0, 4, 500)
    found = layering._clusters(centres[which] + random.normal(0, 2, (500, 3)), np.ones(500))
    assert len({(int(a), int(b)) for a, b in zip(which, found, strict=True)}) == len(set(found.tolist())) == 4
    scattered = layering._clusters(random.uniform(0, 100, (800, 3)), np.ones(800))
    assert scattered.max() < layering.MOST_COLOURS
