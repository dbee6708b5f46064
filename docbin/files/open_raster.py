"""OpenRaster files of two layers, the page and its ink: what GIMP and Krita open, for ink that is to be corrected by hand and read again as truth.

OpenRaster (the freedesktop.org specification, versions 0.0.1 to 0.0.6) is a zip archive of PNG layers and ``stack.xml``, which orders them from
the top down. The ink is the upper layer, in red and nothing else, so that strokes can be erased, or painted with any dark colour; where the layer
is transparent or light there is no ink. Editors rename the files, crop a layer to what is on it (its place then stands in ``x`` and ``y``), put
layers into groups and add more, so layers are found by their names.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

import numpy as np

from docbin.errors import InputError, RefusedInput
from docbin.files.access import access_error
from docbin.files.pagefile import open_pages
from docbin.page import Image, Mask, Page, check_image, check_mask, to_grey

SUFFIX = ".ora"
PAGE, INK = "page", "ink"
"""Names of the layers."""
RED = (214, 0, 46)
"""Colour of the ink's layer: seen on paper and on black strokes alike, and dark (grey level 69)."""
OPACITY = 0.6
"""Of the ink's layer, so that the page is seen through it."""
_MIMETYPE = b"image/openraster"
_THUMBNAIL = 256
_STACK_BYTES, LAYER_BYTES = 1 << 20, 1 << 30
"""Most bytes that ``stack.xml`` and a layer may unpack to."""


def write_open_raster(page: Image, ink: Mask, path: str | Path | BinaryIO, dpi: tuple[float, float] | None = None) -> None:
    """Write a page, uint8 (H, W) or (H, W, 3), and its ink, bool (H, W), as layers of an OpenRaster file.

    Raises
    ------
    TypeError, ValueError
        Not such arrays, or of two sizes.
    """
    page, ink = check_image(page), check_mask(ink, "ink")
    if page.shape[:2] != ink.shape:
        raise ValueError(f"page and ink must have one size, got {page.shape[:2]} and {ink.shape}")
    height, width = ink.shape
    layer = np.zeros((height, width, 4), np.uint8)
    layer[ink] = (*RED, 255)
    merged = page if page.ndim == 3 else np.repeat(page[..., None], 3, axis=2)
    merged = np.where(ink[..., None], OPACITY * np.array(RED) + (1 - OPACITY) * merged, merged).astype(np.uint8)
    across, down = (max(1, round(side)) for side in (dpi or (72, 72)))
    stack = (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f'<image version="0.0.3" w="{width}" h="{height}" xres="{across}" yres="{down}">\n <stack>\n'
        f'  <layer name="{INK}" src="data/ink.png" x="0" y="0" opacity="{OPACITY}" visibility="visible" composite-op="svg:src-over"/>\n'
        f'  <layer name="{PAGE}" src="data/page.png" x="0" y="0" opacity="1.0" visibility="visible" composite-op="svg:src-over"/>\n'
        " </stack>\n</image>\n"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), _MIMETYPE, zipfile.ZIP_STORED)  # first and uncompressed, as the specification asks
        for name, pixels in (("data/page.png", page), ("data/ink.png", layer), ("mergedimage.png", merged)):
            archive.writestr(zipfile.ZipInfo(name), _png(pixels), zipfile.ZIP_STORED)
        archive.writestr(zipfile.ZipInfo("Thumbnails/thumbnail.png"), _png(merged, _THUMBNAIL), zipfile.ZIP_STORED)
        archive.writestr(zipfile.ZipInfo("stack.xml"), stack)


def _png(pixels: Image, side: int | None = None) -> bytes:
    from PIL import Image as PillowImage

    image = PillowImage.fromarray(pixels)
    if side is not None:
        image.thumbnail((side, side))
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def read_page_layer(path: str | Path) -> Page:
    """The page of an OpenRaster file, its layer "page"; errors as :func:`read_ink_layer`."""
    image, layer, place = _layer(Path(path), PAGE)
    if place != (0, 0) or layer.shape[:2] != image:
        shape = f"{layer.shape[1]} x {layer.shape[0]} pixels"
        raise InputError(f"{path}: its layer {PAGE!r} is {shape} and does not fill the picture; undo its move or crop")
    return Page(layer, source=str(path), count=1)


def read_ink_layer(path: str | Path) -> Mask:
    """The ink of an OpenRaster file, bool (H, W): where its layer "ink" is opaque and dark.

    Raises
    ------
    FileAccessError
        The file is missing or may not be read.
    InputError
        It is no OpenRaster file, or has no layer of that name, or several.
    """
    (height, width), layer, (left, top) = _layer(Path(path), INK)
    ink = np.zeros((height, width), np.bool_)
    rows, columns = slice(max(top, 0), max(top + layer.shape[0], 0)), slice(max(left, 0), max(left + layer.shape[1], 0))
    part = to_grey(layer)[max(-top, 0) :, max(-left, 0) :] < 128
    there = ink[rows, columns]
    there[...] = part[: there.shape[0], : there.shape[1]]
    return ink


def _layer(path: Path, name: str) -> tuple[tuple[int, int], Image, tuple[int, int]]:
    """((height, width) of the picture, pixels of the layer on white, its (left, top))."""
    try:
        with zipfile.ZipFile(path) as archive:
            root = _stack(archive, path)
            found = [layer for layer in root.iter("layer") if layer.get("name", "").strip().lower() == name]
            if len(found) != 1:
                names = ", ".join(repr(layer.get("name", "")) for layer in root.iter("layer")) or "none"
                raise InputError(f"{path}: one layer named {name!r} is wanted, its layers are {names}; rename or merge them in the editor")
            size = int(root.get("h", "0")), int(root.get("w", "0"))
            place = int(float(found[0].get("x", "0"))), int(float(found[0].get("y", "0")))
            data = _unpacked(archive, found[0].get("src", ""), LAYER_BYTES, path)
    except OSError as error:
        raise access_error(error, str(path), "read") from error
    except (zipfile.BadZipFile, KeyError, ValueError, ElementTree.ParseError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path}: not an OpenRaster file that can be read ({error}); save it again in the editor") from None
    with open_pages(data, name=f"{path}, layer {name}") as file:
        pixels = file.page(1).pixels
    if min(size) < 1 or size[0] * size[1] > 4e8:
        raise RefusedInput(f"{path}: its picture is {size[1]} x {size[0]} pixels, 1 to 400 megapixels are read")
    return size, pixels, place


def _stack(archive: zipfile.ZipFile, path: Path) -> ElementTree.Element:
    text = _unpacked(archive, "stack.xml", _STACK_BYTES, path)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise InputError(f"{path}: its stack.xml declares entities, which no editor writes; save it again in one")
    return ElementTree.fromstring(text)


def _unpacked(archive: zipfile.ZipFile, name: str, most: int, path: Path) -> bytes:
    if archive.getinfo(name).file_size > most:
        raise RefusedInput(f"{path}: {name} unpacks to {archive.getinfo(name).file_size:,} bytes, at most {most:,} are read")
    return archive.read(name)
