"""Pages and PDFs for programs that recognize text: printed lines under a shadow, as scanners and telephones make them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LINES = ("The quick brown fox jumps", "over the lazy dog beside", "seven wooden boxes here.")


def printed(lines: Sequence[str] = LINES, size: tuple[int, int] = (900, 420), height: int = 44) -> Image.Image:
    """Black print on white, grey."""
    page = Image.new("L", size, 255)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(height)
    for number, line in enumerate(lines):
        draw.text((60, 50 + int(1.8 * height) * number), line, fill=20, font=font)
    return page


def shaded(page: Image.Image, depth: float = 0.75, seed: int = 1) -> Image.Image:
    """The page under a shadow that deepens from left to right to `depth`, with a scanner's noise, in colour."""
    grey = np.asarray(page, np.float32)
    across = np.linspace(0, 1, grey.shape[1], dtype=np.float32) ** 2
    noise = np.random.default_rng(seed).normal(0, 4, grey.shape).astype(np.float32)
    shadowed = np.clip(grey * (1 - depth * across) * 0.92 + noise, 0, 255)
    return Image.fromarray(np.stack([shadowed, shadowed * 0.97, shadowed * 0.9], axis=2).astype(np.uint8))


def coded(page: Image.Image, form: str = "JPEG", dpi: int = 150) -> bytes:
    """The page as a picture file."""
    file = io.BytesIO()
    page.save(file, form, dpi=(dpi, dpi), **({"quality": 92} if form == "JPEG" else {}))
    return file.getvalue()


def scanned_pdf(path: Path, pages: Sequence[bytes], rotate: int = 0) -> Path:
    """A PDF of pictures, one a page, as scanners make it; `rotate`: the pages' /Rotate."""
    import img2pdf

    turned = {0: img2pdf.Rotation.ifvalid, 90: img2pdf.Rotation["90"], 180: img2pdf.Rotation["180"], 270: img2pdf.Rotation["270"]}
    path.write_bytes(img2pdf.convert(list(pages), nodate=True, rotation=turned[rotate]))
    return path
