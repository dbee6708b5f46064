"""A page in layers: ink as stencils at full resolution, each in its own colour, over a small picture of the paper.

The object that shows it is a form over the unit square, so that it stands wherever a picture of the page could.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from docbin.pdf.ink_picture import COMPRESSIONS, InkPicture, picture_stream

Colour = tuple[int, int, int]

_PAPER, _INK = "/Paper", "/Ink"


@dataclass(frozen=True, slots=True)
class PageLayers:
    """`background`: a JPEG of (width, height) `background_size` and `channels` 1 or 3; `stencils`: colours (red, green, blue, 0 to 255) and
    the ink of each; `size`: (width, height) of the page in pixels, which is that of all stencils."""

    background: bytes
    background_size: tuple[int, int]
    channels: int
    stencils: tuple[tuple[Colour, InkPicture], ...]
    size: tuple[int, int]


def one_picture(jpeg: bytes, shape: tuple[int, ...]) -> PageLayers:
    """A page that is one JPEG, of pixels of `shape` (H, W) or (H, W, 3), and has no stencils."""
    size = (shape[1], shape[0])
    return PageLayers(jpeg, size, 1 if len(shape) == 2 else 3, (), size)


def codes(picture: InkPicture | PageLayers) -> list[bytes]:
    """The codes of its pictures, the background's before those of the stencils."""
    if isinstance(picture, InkPicture):
        return [picture.data]
    return [picture.background, *(ink.data for _, ink in picture.stencils)]


def without_codes(picture: InkPicture | PageLayers) -> InkPicture | PageLayers:
    """The same with empty codes: what is known of its pictures but their content."""
    if isinstance(picture, InkPicture):
        return replace(picture, data=b"")
    return replace(picture, background=b"", stencils=tuple((colour, replace(ink, data=b"")) for colour, ink in picture.stencils))


def size_of(picture: InkPicture | PageLayers) -> tuple[int, int]:
    """Width and height in pixels."""
    return (picture.width, picture.height) if isinstance(picture, InkPicture) else picture.size


def described(picture: InkPicture | PageLayers) -> dict[str, Any]:
    """What is known of its pictures but their codes, as plain data for a JSON file; :func:`from_description` is the way back."""
    if isinstance(picture, InkPicture):
        return {"background": None, "stencils": [[None, picture.width, picture.height, picture.compression]]}
    stencils = [[colour, ink.width, ink.height, ink.compression] for colour, ink in picture.stencils]
    return {"background": [*picture.background_size, picture.channels, *picture.size], "stencils": stencils}


def from_description(fields: Mapping[str, Any], codes: Sequence[bytes]) -> InkPicture | PageLayers:
    """The picture of a description and its codes (:func:`codes`).

    Raises
    ------
    KeyError, TypeError, ValueError
        It is none.
    """
    background = fields["background"]
    inks = []
    for (colour, width, height, compression), code in zip(fields["stencils"], codes[background is not None :], strict=True):
        if compression not in COMPRESSIONS:
            raise ValueError(compression)
        inks.append((colour, InkPicture(int(width), int(height), compression, code)))
    if background is None:
        ((_, ink),) = inks
        return ink
    width, height, channels, across, down = (int(number) for number in background)
    stencils = tuple(((int(colour[0]), int(colour[1]), int(colour[2])), ink) for colour, ink in inks)
    return PageLayers(codes[0], (width, height), channels, stencils, (across, down))


def coded_streams(shown: Any) -> list[Any]:
    """The streams, of a pikepdf object that :func:`page_object` made, that hold the codes, in the order of :func:`codes`."""
    if shown.get("/Subtype") == "/Image":
        return [shown]
    things = shown.Resources.XObject
    return [things[_PAPER], *(things[f"{_INK}{count}"] for count in range(len(things) - 1))]


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
    shown = {_PAPER: pdf.make_indirect(pikepdf.Stream(pdf, picture.background, entries))}
    content = [f"q {_PAPER} Do Q"]
    for count, (colour, ink) in enumerate(picture.stencils):
        name = f"{_INK}{count}"
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
