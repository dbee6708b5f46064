"""``docbin clean`` of a PDF: the document stays, its scans become clean pages in their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2
import pytest

from docbin import batch, files
from docbin.cleaning import clean_by
from docbin.cli import main
from tests.batch.pages import binarize
from tests.pdf.documents import rich
from tests.pdf.test_replace import SCANNED, by_pdfium


def job(**more: object) -> batch.Clean:
    return batch.Clean.create("sauvola", **more)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("clean")
    source, out = rich(folder / "in.pdf"), folder / "out.pdf"
    _, records = binarize([source], out, folder, job())
    assert [record.status for record in records] == ["done"] * 11
    return source, out


def text(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def test_text_outline_links_and_fields_stay(documents: tuple[Path, Path]) -> None:
    source, out = documents
    assert text(out) == text(source)
    assert "hidden words of page 3" in text(out)[2]
    with pikepdf.open(source) as before, pikepdf.open(out) as after:
        assert len(after.pages) == len(before.pages)
        assert [item.title for item in after.open_outline().root] == [item.title for item in before.open_outline().root]
        for one, other in zip(before.pages, after.pages, strict=True):
            assert len(other.obj.get("/Annots", [])) == len(one.obj.get("/Annots", []))
            assert (other.mediabox, other.obj.get("/Rotate")) == (one.mediabox, one.obj.get("/Rotate"))


def test_every_scan_is_a_clean_page_in_its_place(documents: tuple[Path, Path]) -> None:
    source, out = documents
    with files.open_pages(source) as pages:
        for number in set(SCANNED) - {4}:  # of page 4 a crop box hides a part
            found = pages.scan(number)
            assert found is not None
            wanted = clean_by(job().row, found[0].pixels, **job().params).page
            shown = by_pdfium(out, number, (wanted.shape[1], wanted.shape[0]))
            assert np.abs(shown.astype(int) - wanted).mean() < 3, number  # JPEG, and the viewer's sampling
            assert np.median(shown) >= 250, number  # white paper


def test_in_place_no_pixel_moves_and_rebuilt_lines_may_be_straightened() -> None:
    made = job()
    assert (made.straighten, made.in_place().straighten) == ("auto", "off")  # a text layer lies over the page
    assert made.replaces("pdf", "pdf")
    assert not made.replaces("pdf", "png")
    assert not job(pdf="rebuild").replaces("pdf", "pdf")


def test_a_document_of_clean_pages_alone_is_made_when_asked_for(documents: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "new.pdf"
    arguments = ["clean", str(documents[0]), "-m", "sauvola", "-o", str(out), "--pdf", "rebuild", "--pages", "1-2"]
    assert main(arguments) == 0
    assert text(out) == ["", ""]


def test_interrupted_pages_are_found_again(documents: tuple[Path, Path], tmp_path: Path) -> None:
    from docbin.batch.replaced_document import load, store

    made = job().picture(np.full((40, 30), 200, np.uint8), np.zeros((40, 30), np.uint8), (300.0, 300.0))
    assert (made.size, made.channels, made.stencils) == ((30, 40), 1, ())
    with files.open_pages(documents[0]) as pages:
        found = pages.scan(1)
    assert found is not None
    from docbin.pdf.replace import Replacement

    record = batch.PageRecord(input="in.pdf", page=1, pages=11, status="done", method="sauvola")
    store(tmp_path / "1.page", record, Replacement(found[1], made))
    known = load(tmp_path / "1.page")
    assert known is not None
    assert known[1] == Replacement(found[1], made)
