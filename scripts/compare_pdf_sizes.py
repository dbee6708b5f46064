"""Bytes of pages as PDF: ink in G4 and in JBIG2, ink in layers over its paper, beside the page's JPEG and what OCRmyPDF -O3 makes of it.

    python scripts/compare_pdf_sizes.py PAGE... --json pdf-sizes.json
    python scripts/make_tables.py pdf-sizes=pdf-sizes.json

Every page is coded as a JPEG first (``--quality``), and all else is made of that JPEG. A page that names no resolution counts as ``--dpi``. OCRmyPDF
runs as ``ocrmypdf --optimize 3 --output-type pdf --tesseract-timeout 0`` (no text layer) where it is installed (with pngquant, which it asks for at
this level). Likeness is the structural similarity of the page, drawn by PDFium and reduced to 100 dpi, to the JPEG reduced alike, its mean over the
paper: over all that is not within two such pixels of ink. Seconds are processor time of one thread, without the method's own.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

import docbin
from docbin import catalogue, files, kernels
from docbin.page import to_grey
from docbin.pdf.layering import layered, likeness


def jpeg_of(path: Path, quality: int) -> tuple[bytes, float | None]:
    """The page as a JPEG, and the resolution that it names."""
    with Image.open(path) as image:
        dpi = image.info.get("dpi")
        file = io.BytesIO()
        image.convert("L" if image.mode in ("1", "L") else "RGB").save(file, "jpeg", quality=quality)
    return file.getvalue(), float(dpi[0]) if dpi else None


def wrapped(code: bytes, size: tuple[int, int], channels: int, dpi: float, path: Path) -> None:
    """A PDF of one page that shows the JPEG as it is."""
    import pikepdf

    pdf = pikepdf.new()
    space = pikepdf.Name.DeviceGray if channels == 1 else pikepdf.Name.DeviceRGB
    entries = pikepdf.Dictionary(
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=size[0],
        Height=size[1],
        BitsPerComponent=8,
        ColorSpace=space,
        Filter=pikepdf.Name.DCTDecode,
    )
    points = [side * 72 / dpi for side in size]
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page,
        MediaBox=[0, 0, *points],
        Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=pikepdf.Stream(pdf, code, entries))),
        Contents=pikepdf.Stream(pdf, f"q {points[0]:.4f} 0 0 {points[1]:.4f} 0 0 cm /Im Do Q".encode()),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
    pdf.save(path)


def by_ocrmypdf(source: Path, target: Path) -> bool:
    """Whether OCRmyPDF is installed and has optimized the PDF."""
    command = [
        sys.executable,
        "-m",
        "ocrmypdf",
        "--optimize",
        "3",
        "--output-type",
        "pdf",
        "--tesseract-timeout",
        "0",
        "--jobs",
        "1",
        "--quiet",
    ]
    return subprocess.run([*command, str(source), str(target)], capture_output=True, check=False).returncode == 0


def likeness_of(pdf: Path, page: np.ndarray, ink: np.ndarray, dpi: float) -> float:
    """See the module's docstring."""
    import pypdfium2

    size = (max(1, round(page.shape[1] * 100 / dpi)), max(1, round(page.shape[0] * 100 / dpi)))
    with pypdfium2.PdfDocument(pdf) as document:
        drawn = document[0].render(scale=dpi / 72 * (1 - 1e-6), rev_byteorder=True).to_numpy()[..., :3]
    one, other = (cv2.resize(to_grey(np.ascontiguousarray(pixels)), size, interpolation=cv2.INTER_AREA) for pixels in (page, drawn))
    near = cv2.resize(ink.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    paper = cv2.dilate(near.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    return likeness(one, other, paper)


def measure(path: Path, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A row of the table."""
    code, named = jpeg_of(path, asked.quality)
    dpi = named or asked.dpi
    page = np.asarray(Image.open(io.BytesIO(code)))
    row = catalogue.get(asked.method)
    ink = row.binarize(page, **row.parse({}))
    bytes_of: dict[str, int] = {"jpeg": len(code)}
    for name in ("g4", "jbig2"):
        files.write_page(ink, folder / f"{name}.pdf", dpi=dpi, compression=name)
        bytes_of[name] = (folder / f"{name}.pdf").stat().st_size
    start = time.process_time()
    layers = layered(page, ink, (dpi, dpi))
    seconds = time.process_time() - start
    with files.PageWriter(folder / "layers.pdf") as writer:
        writer.add_layers(layers, dpi)
    bytes_of["layers"] = (folder / "layers.pdf").stat().st_size
    alike = {"layers": likeness_of(folder / "layers.pdf", page, ink, dpi)}
    wrapped(code, (page.shape[1], page.shape[0]), 1 if page.ndim == 2 else 3, dpi, folder / "jpeg.pdf")
    if by_ocrmypdf(folder / "jpeg.pdf", folder / "ocrmypdf.pdf"):
        bytes_of["ocrmypdf"] = (folder / "ocrmypdf.pdf").stat().st_size
        alike["ocrmypdf"] = likeness_of(folder / "ocrmypdf.pdf", page, ink, dpi)
    told = f"{path.parent.parent.name}/{path.stem}" if path.parent.name == "images" else path.stem
    return {
        "pdf_sizes": told,
        "version": docbin.__version__,
        "method": row.name,
        "quality": asked.quality,
        "ocrmypdf": importlib.metadata.version("ocrmypdf") if "ocrmypdf" in bytes_of else None,
        "megapixels": ink.size / 1e6,
        "dpi": dpi,
        "bytes": bytes_of,
        "likeness": alike,
        "colours": len(layers.stencils),
        "seconds": seconds,
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument("--method", default=catalogue.DEFAULT)
    parser.add_argument("--quality", type=int, default=85, help="of the JPEG (default: %(default)s)")
    parser.add_argument("--dpi", type=float, default=300, help="of pages that name none (default: %(default)s)")
    asked = parser.parse_args(argv)
    rows = []
    with tempfile.TemporaryDirectory() as name, kernels.at_most(1):
        cv2.setNumThreads(1)
        for path in asked.pages:
            rows.append(measure(path, asked, Path(name)))
            print(rows[-1]["pdf_sizes"], rows[-1]["bytes"], file=sys.stderr)
            for left in Path(name).iterdir():
                left.unlink()
    asked.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
