"""Ink as a PDF holds it: a 1-bit picture in JBIG2 or CCITT G4, both without loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docbin import kernels
from docbin.errors import UsageError
from docbin.page import Mask

COMPRESSIONS = ("g4", "jbig2")


@dataclass(frozen=True, slots=True)
class InkPicture:
    """`width` x `height` pixels in `data`, coded as `compression` ("g4" or "jbig2") says; plain data that may travel between processes."""

    width: int
    height: int
    compression: str
    data: bytes


def encoded(mask: Mask, compression: str | None = None) -> InkPicture:
    """Code a mask, bool (H, W), True = ink.

    Parameters
    ----------
    compression : "g4", "jbig2", or None for the smaller of the two (G4 where docbin has no compiled core: the twin would take minutes a page)

    Raises
    ------
    UsageError
        Another compression.
    """
    from docbin.files.write_tiff import group4
    from docbin.pdf import jbig2

    if compression not in (None, *COMPRESSIONS):
        raise UsageError(f"compression {compression!r} does not exist; choose one of {', '.join(COMPRESSIONS)}")
    height, width = mask.shape
    made = []
    if compression != "g4" and (compression == "jbig2" or kernels.compiled()):
        made.append(InkPicture(width, height, "jbig2", jbig2.encode(mask)))
    if compression != "jbig2":
        made.append(InkPicture(width, height, "g4", group4(mask)))
    return min(made, key=lambda picture: len(picture.data))


def entries(picture: InkPicture) -> dict[str, Any]:
    """What the dictionary of a picture says beside its colours: size and filter."""
    import pikepdf

    said: dict[str, Any] = {
        "Type": pikepdf.Name.XObject,
        "Subtype": pikepdf.Name.Image,
        "Width": picture.width,
        "Height": picture.height,
        "BitsPerComponent": 1,
    }
    if picture.compression == "jbig2":
        return said | {"Filter": pikepdf.Name.JBIG2Decode}
    parameters = pikepdf.Dictionary(K=-1, Columns=picture.width, Rows=picture.height)
    return said | {"Filter": pikepdf.Name.CCITTFaxDecode, "DecodeParms": parameters}


def picture_stream(pdf: Any, picture: InkPicture, **more: Any) -> Any:
    """The picture as an image of a pikepdf document: black ink on white paper, or what `more` (entries of the dictionary) makes of it."""
    import pikepdf

    colours = {} if more.get("ImageMask") else {"ColorSpace": pikepdf.Name.DeviceGray}
    return pikepdf.Stream(pdf, picture.data, pikepdf.Dictionary(**entries(picture), **(colours | more)))
