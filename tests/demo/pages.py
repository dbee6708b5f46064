"""Files that a visitor may bring: good ones of every kind, and bad ones with what must be said of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.files import builders


def page(height: int = 240, width: int = 320, seed: int = 0) -> NDArray[np.uint8]:
    """Uneven paper with lines of strokes, grey."""
    random = np.random.default_rng(seed)
    truth = truth_of(height, width)
    light = np.linspace(150, 235, width)[None, :] + random.normal(0, 4, (height, width))
    return np.asarray(np.where(truth, light * 0.4, light).clip(0, 255).astype(np.uint8))


def truth_of(height: int = 240, width: int = 320) -> NDArray[np.bool_]:
    """The strokes of :func:`page`."""
    ink = np.zeros((height, width), bool)
    for top in range(20, height - 20, 24):
        for left in range(20, width - 30, 18):
            ink[top : top + 12, left : left + 3] = ink[top : top + 3, left : left + 10] = True
    return ink


def sign(folder: Path) -> Path:
    """A photograph, as it were: a word in white on a blue board before a grey wall."""
    wall = np.random.default_rng(0).integers(108, 133, (640, 960, 1), np.uint8).repeat(3, 2)
    picture = Image.fromarray(wall)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((250, 230, 710, 400), fill=(20, 60, 140))
    draw.text((330, 255), "MARKET", fill="white", font=ImageFont.load_default(100))
    path = folder / "sign.png"
    picture.save(path)
    return path


def bytes_of(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def good(folder: Path) -> dict[str, tuple[Path, int]]:
    """Name -> (file, its pages)."""
    grey = Image.fromarray(page())
    colour = np.stack([page(), page() // 2 + 100, page() // 3 + 120], axis=2)
    deep = (page(seed=3).astype(np.uint32) * 257).astype(np.uint16)
    pages = [Image.fromarray(page(seed=seed)) for seed in range(3)]
    made = {
        "good.png": (bytes_of(grey, "png", dpi=(300, 300)), 1),
        "photo.jpg": (bytes_of(Image.fromarray(colour), "jpeg", quality=95, dpi=(150, 150)), 1),
        "print.jpg": (bytes_of(Image.fromarray(colour).convert("CMYK"), "jpeg", quality=95, dpi=(200, 200)), 1),
        "deep.png": (builders.grey_png(deep), 1),
        "book.tif": (bytes_of(pages[0], "tiff", save_all=True, append_images=pages[1:], dpi=(240, 240)), 3),
        "scan.pdf": (builders.pdf(*(builders.scan(page(seed=seed), 200) for seed in range(2))), 2),
    }
    out = {}
    for name, (data, count) in made.items():
        (folder / name).write_bytes(data)
        out[name] = (folder / name, count)
    return out


def bad(folder: Path) -> dict[str, tuple[Path, str]]:
    """Name -> (file, what must be said)."""
    made = {
        "bomb.png": (builders.bomb_png(), "400.0 megapixels, over the limit of 40; make the page smaller"),
        "letter.png": (b"Dear Sir,\nthis is no picture.\n", "not a picture or PDF but text"),
        "nothing.png": (b"", "the file is empty (0 bytes)"),
        "half.jpg": (bytes_of(Image.fromarray(page()), "jpeg")[:900], "truncated or damaged JPEG"),
        "secret.pdf": (builders.encrypted_pdf(), "password"),
    }
    out = {}
    for name, (data, says) in made.items():
        (folder / name).write_bytes(data)
        out[name] = (folder / name, says)
    return out
