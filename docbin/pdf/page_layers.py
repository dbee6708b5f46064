"""A page in layers: ink as stencils at full resolution, each in its own colour, over a small picture of the paper.

The object that shows it is a form over the unit square, so that it stands wherever a picture of the page could.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docbin.pdf.ink_picture import InkPicture, picture_stream

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class PageLayers:
    """`background`: a JPEG of (width, height) `background_size` and `channels` 1 or 3; `stencils`: colours (red, green, blue, 0 to 255) and
    the ink of each."""

    background: bytes
    background_size: tuple[int, int]
    channels: int
    stencils: tuple[tuple[Colour, InkPicture], ...]


def page_object(pdf: Any, picture: InkPicture | PageLayers) -> Any:
    """The picture or form, of a pikepdf document, that shows ink or layers on the unit square."""
    import pikepdf

    if isinstance(picture, InkPicture):
        return picture_stream(pdf, picture)
    width, height = picture.background_size
    entries = pikepdf.Dictionary(
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=width,
        Height=height,
        BitsPerComponent=8,
        ColorSpace=pikepdf.Name.DeviceGray if picture.channels == 1 else pikepdf.Name.DeviceRGB,
        Filter=pikepdf.Name.DCTDecode,
        Interpolate=False,
    )
    shown = {"/Paper": pdf.make_indirect(pikepdf.Stream(pdf, picture.background, entries))}
    content = ["q /Paper Do Q"]
    for count, (colour, ink) in enumerate(picture.stencils):
        name = f"/Ink{count}"
        shown[name] = pdf.make_indirect(picture_stream(pdf, ink, ImageMask=True))
        content.append(f"q {_fill(colour)} {name} Do Q")
    form = pikepdf.Dictionary(
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Form,
        BBox=[0, 0, 1, 1],
        Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(shown)),
    )
    return pikepdf.Stream(pdf, "\n".join(content).encode(), form)


def _fill(colour: Colour) -> str:
    red, green, blue = (f"{value / 255:.3f}".rstrip("0").rstrip(".") for value in colour)
    return f"{red} g" if red == green == blue else f"{red} {green} {blue} rg"
