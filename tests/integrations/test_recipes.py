"""The recipes of the docs, run as they stand there, by the real programs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import docbin
from docbin.files import open_pages
from tests.integrations.scans import LINES, coded, printed, shaded

RECIPES = Path(__file__).resolve().parent.parent.parent / "docs" / "recipes.md"
BLOCK = re.compile(r"<!-- recipe: (\S+) -->\n```(\w+)\n(.*?)```", re.DOTALL)
WORDS = " ".join(LINES).split()


def blocks() -> dict[str, str]:
    """The blocks of the page by name."""
    return {name: text for name, _, text in BLOCK.findall(RECIPES.read_text(encoding="utf-8"))}


def need(*programs: str) -> None:
    """Skip where a program is absent; those of Python packages are looked for beside this Python."""
    missing = [program for program in programs if shutil.which(program, path=search_path()) is None]
    if missing:
        pytest.skip(f"needs the programs {', '.join(missing)}")


def search_path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def run(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A recipe, in a folder."""
    environment = {**os.environ, "PATH": search_path(), "OMP_THREAD_LIMIT": "1"}
    shell = ["bash", "-euo", "pipefail", "-c", blocks()[name]]
    ended = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, timeout=500)
    assert ended.returncode == 0, ended.stderr
    return ended


def scans(folder: Path, names: Sequence[str] = ("page1.jpg", "page2.jpg", "page10.jpg")) -> list[np.ndarray]:
    """A folder of scanned pages; their ink."""
    folder.mkdir()
    inks = []
    for seed, name in enumerate(names):
        (folder / name).write_bytes(coded(shaded(printed(LINES[seed:] + LINES[:seed]), seed=seed)))
        with open_pages(folder / name) as file:
            inks.append(docbin.binarize(file.page(1).pixels))
    return inks


def inks_of(path: Path) -> list[np.ndarray]:
    with open_pages(path) as file:
        return [file.page(number).pixels == 0 for number in range(1, file.count + 1)]


def test_every_recipe_has_its_test() -> None:
    assert set(blocks()) == {"tesseract", "book", "book-with-text", "img2pdf", "folder", "paperless"}
    everything = re.findall(r"```(?:sh|env)", RECIPES.read_text(encoding="utf-8"))
    assert len(everything) == len(blocks())


def test_tesseract(tmp_path: Path) -> None:
    need("tesseract", "docbin")
    (tmp_path / "letter.jpg").write_bytes(coded(shaded(printed(), depth=0.9)))
    run("tesseract", tmp_path)
    assert (tmp_path / "letter.txt").read_text().split() == WORDS
    assert (tmp_path / "letter-from-ink.txt").read_text().split() == WORDS


def test_book(tmp_path: Path) -> None:
    need("docbin")
    inks = scans(tmp_path / "scans")
    run("book", tmp_path)
    made = inks_of(tmp_path / "book.pdf")
    assert len(made) == 3
    assert all(np.array_equal(one, other) for one, other in zip(made, inks, strict=True))
    before = (tmp_path / "book.pdf").stat().st_mtime_ns
    assert "3 pages done before" in run("book", tmp_path).stderr
    assert (tmp_path / "book.pdf").stat().st_mtime_ns == before


@pytest.mark.slow
def test_book_with_text(tmp_path: Path) -> None:
    need("img2pdf", "ocrmypdf", "tesseract", "gs")
    inks = scans(tmp_path / "scans", ("page1.jpg", "page2.jpg"))
    run("book-with-text", tmp_path)
    made = inks_of(tmp_path / "book.pdf")
    assert all(np.array_equal(one, other) for one, other in zip(made, inks, strict=True))
    import pypdfium2

    document = pypdfium2.PdfDocument(tmp_path / "book.pdf")
    assert document[0].get_textpage().get_text_range().split() == WORDS
    document.close()


@pytest.mark.slow
def test_img2pdf(tmp_path: Path) -> None:
    need("img2pdf", "docbin")
    inks = scans(tmp_path / "scans", ("page1.jpg", "page2.jpg"))
    run("img2pdf", tmp_path)
    made = inks_of(tmp_path / "book.pdf")
    assert all(np.array_equal(one, other) for one, other in zip(made, inks, strict=True))
    pikepdf = pytest.importorskip("pikepdf")
    with pikepdf.open(tmp_path / "book.pdf") as pdf:
        for page in pdf.pages:
            (picture,) = page.obj.Resources.XObject.values()
            assert "/CCITTFaxDecode" in str(picture.Filter)


@pytest.mark.slow
def test_folder(tmp_path: Path) -> None:
    need("docbin")
    scans(tmp_path / "scans")
    run("folder", tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "ink").glob("*.png")}
    assert set(before) == {"page1.png", "page2.png", "page10.png"}
    (tmp_path / "scans" / "page11.jpg").write_bytes(coded(shaded(printed())))
    run("folder", tmp_path)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "ink").glob("*.png")}
    assert set(after) - set(before) == {"page11.png"}
    assert all(after[name] == before[name] for name in before)
    assert len((tmp_path / "ink.jsonl").read_text().splitlines()) == 4


def test_paperless(tmp_path: Path) -> None:
    """The keywords with which paperless calls OCRmyPDF, and those of the recipe."""
    need("tesseract", "gs")
    pytest.importorskip("ocrmypdf", reason="needs OCRmyPDF: pip install 'docbin[ocrmypdf]'")
    name, _, value = blocks()["paperless"].strip().partition("=")
    assert name == "PAPERLESS_OCR_USER_ARGS"
    (tmp_path / "scan.jpg").write_bytes(coded(shaded(printed())))
    arguments = {
        "input_file": str(tmp_path / "scan.jpg"),
        "output_file": str(tmp_path / "archive.pdf"),
        "use_threads": True,
        "jobs": 1,
        "language": "eng",
        "output_type": "pdfa",
        "progress_bar": False,
        "color_conversion_strategy": "RGB",
        # paperless has skip_text besides, with which OCRmyPDF refuses Ghostscript 10.0, that of Debian 12
        "clean": False,
        "deskew": False,
        "rotate_pages": True,
        "rotate_pages_threshold": 12.0,
        "sidecar": str(tmp_path / "sidecar.txt"),
        **json.loads(value),
    }
    program = (
        "import json, sys, ocrmypdf\n"
        "given = json.loads(sys.argv[1])\n"
        "sys.exit(ocrmypdf.ocr(given.pop('input_file'), given.pop('output_file'), **given))"
    )
    ended = subprocess.run([sys.executable, "-c", program, json.dumps(arguments)], capture_output=True, text=True, timeout=500)
    assert ended.returncode == 0, ended.stderr
    assert set(WORDS) <= set((tmp_path / "sidecar.txt").read_text().split())
    with open_pages(tmp_path / "scan.jpg") as file:
        assert np.array_equal(inks_of(tmp_path / "archive.pdf")[0], docbin.binarize(file.page(1).pixels))
