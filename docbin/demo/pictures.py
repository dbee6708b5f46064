"""What a browser is shown: previews, colour maps and their legends. A preview may be smaller than the page; a download never is.

Colours are cividis (Nuñez, Anderton and Renslow, PLOS ONE 13(7), 2018), whose lightness rises evenly and which reads the same with the usual colour
vision deficiencies.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin import files
from docbin.page import FloatMap, Image, Mask

PREVIEW_PIXELS = 3_000_000
"""Largest preview: an A4 page at 175 dpi, sharp on any screen, and some megabytes to send at worst."""

Legend = dict[str, Any]


def shown_size(height: int, width: int, limit: int = PREVIEW_PIXELS) -> tuple[int, int]:
    """Rows and columns of a page's preview: those of the page, or as many as `limit` pixels allow."""
    share = min(1.0, math.sqrt(limit / (height * width)))
    return max(1, round(height * share)), max(1, round(width * share))


def reduced(pixels: NDArray[Any], limit: int = PREVIEW_PIXELS) -> NDArray[Any]:
    """A page or map (H, W) or (H, W, 3) in the size it is shown in, each pixel the mean of those it stands for."""
    height, width = shown_size(pixels.shape[0], pixels.shape[1], limit)
    if (height, width) == pixels.shape[:2]:
        return pixels
    import cv2

    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))


def write_picture(path: Path, picture: Image) -> str:
    """Write a PNG, grey or RGB, and return its path."""
    import cv2

    stored = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".png", stored, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    path.write_bytes(data.tobytes())
    return str(path)


def write_page_preview(path: Path, image: Image, limit: int = PREVIEW_PIXELS) -> str:
    """Write the preview of a page."""
    return write_picture(path, reduced(image, limit))


def write_ink_preview(path: Path, ink: Mask, limit: int = PREVIEW_PIXELS) -> str:
    """Write the preview of a mask: its very bits where it fits, else the share of paper of each pixel as grey."""
    if shown_size(ink.shape[0], ink.shape[1], limit) == ink.shape:
        files.write_page(ink, path)
        return str(path)
    return write_picture(path, reduced(np.where(ink, 0, 255).astype(np.uint8), limit))


def _cividis() -> Image:
    """The 256 colours, RGB (256, 3)."""
    import cv2

    ramp = np.arange(256, dtype=np.uint8)[:, None]
    return np.asarray(cv2.applyColorMap(ramp, cv2.COLORMAP_CIVIDIS))[:, 0, ::-1].copy()


def coloured(map: FloatMap, low: float, high: float, unit: str) -> tuple[Image, Legend]:
    """A map as a picture in its shown size, RGB, from `low` (dark blue) to `high` (yellow), and its legend."""
    colours = _cividis()
    shown = reduced(map).astype(np.float32)
    share = (shown - low) / (high - low) if high > low else np.full_like(shown, 0.5)
    picture = colours[np.clip(np.rint(share * 255), 0, 255).astype(np.uint8)]
    if high <= low:
        return picture, {"kind": "keys", "keys": [[_hex(colours[128]), f"{unit} {low:.3g} everywhere"]]}
    steps = [_hex(colours[index]) for index in np.linspace(0, 255, 9).astype(int)]
    return picture, {"kind": "scale", "low": f"{low:.3g}", "high": f"{high:.3g}", "unit": unit, "colours": steps}


def classes(index: NDArray[np.uint8], names: list[str]) -> tuple[Image, Legend]:
    """A map of classes as a picture in its shown size, a colour a class in their order, and its legend."""
    colours = _cividis()[np.linspace(0, 255, len(names)).astype(int)]
    height, width = shown_size(*index.shape)
    rows = np.arange(height) * index.shape[0] // height
    columns = np.arange(width) * index.shape[1] // width
    keys = [[_hex(colour), name] for colour, name in zip(colours, names, strict=True)]
    return colours[index[rows[:, None], columns]], {"kind": "keys", "keys": keys}


def error_legend() -> Legend:
    """Of :func:`docbin.evaluate.error_pictures.error_picture`."""
    from docbin.evaluate.error_pictures import FALSE, MISSED, RIGHT

    named = ((MISSED, "missed ink"), (FALSE, "false ink"), (RIGHT, "right ink"))
    return {"kind": "keys", "keys": [[_hex(np.array(colour)), name] for colour, name in named]}


def _hex(colour: NDArray[Any]) -> str:
    return "#" + "".join(f"{int(value):02x}" for value in colour)
