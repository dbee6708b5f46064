"""Dots per inch: read from every place that files keep it in, and believed only where it can be true.

Programs write 0, 1, infinity or negative numbers when they know nothing. A resolution outside 10 to 20000 dpi, or one whose axes differ more than
tenfold, is dropped with a note, because a wrong number does harm (window sizes, PDF page sizes) where none does not.

Files in metric units round: PNG and BMP keep whole pixels per metre (300 dpi becomes 11811, back 299.9994). A value within that rounding of a whole
number is that whole number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image as PillowImage

from docbin.errors import UsageError

Dpi = tuple[float, float]

LOWEST_DPI = 10.0
HIGHEST_DPI = 20_000.0

_METRIC_ROUNDING = 0.5 * 0.0254 + 1e-4
"""Half a pixel per metre, in dots per inch."""


def believable(x: float, y: float, notes: list[str]) -> Dpi | None:
    """(x, y) in dots per inch, whole numbers restored; None, with a note, where it cannot be true."""
    if all(math.isfinite(value) and LOWEST_DPI <= value <= HIGHEST_DPI for value in (x, y)) and max(x, y) <= 10 * min(x, y):
        return _whole(x), _whole(y)
    notes.append(f"resolution {x:g} x {y:g} dpi in the file cannot be true and is ignored")
    return None


def _whole(value: float) -> float:
    return float(round(value)) if abs(value - round(value)) <= _METRIC_ROUNDING else value


def given(dpi: float | Dpi | None) -> Dpi | None:
    """A caller's dpi (one number, a pair, or None) as a pair; anything else, or numbers outside 10 to 20000, is a UsageError."""
    if dpi is None:
        return None
    try:
        x, y = (dpi, dpi) if isinstance(dpi, int | float) else dpi
        pair = float(x), float(y)
    except (TypeError, ValueError):
        raise UsageError(f"dpi={dpi!r}: a number, a pair (horizontal, vertical) or None is wanted") from None
    if not all(math.isfinite(value) and LOWEST_DPI <= value <= HIGHEST_DPI for value in pair):
        raise UsageError(f"dpi={dpi!r}: allowed is {LOWEST_DPI:g} to {HIGHEST_DPI:g} dots per inch")
    return pair


def number(value: Any) -> float:
    """A tag's value as a float: rationals with a denominator of 0, tuples and rubbish become NaN."""
    try:
        return float(value[0] if isinstance(value, tuple) and len(value) == 1 else value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return math.nan


def from_tags(tags: Mapping[int, Any], notes: list[str]) -> Dpi | None:
    """Resolution from TIFF or EXIF tags 282 and 283 in the unit of tag 296 (1 none, 2 inch, 3 centimetre; absent means inch)."""
    if 282 not in tags and 283 not in tags:
        return None
    unit = tags.get(296, 2)
    unit = unit[0] if isinstance(unit, tuple) and unit else unit
    if unit == 1:
        return None  # only the shape of a pixel, not its size
    scale = 2.54 if unit == 3 else 1.0
    x, y = (number(tags.get(tag, tags.get(other))) * scale for tag, other in ((282, 283), (283, 282)))
    return believable(x, y, notes)


def of_picture(image: PillowImage.Image, kind: str, notes: list[str]) -> Dpi | None:
    """Resolution of a decoded single picture: its own header first, EXIF where the header says nothing.

    JPEG is read from the JFIF density itself: where there is none, Pillow invents 72 dpi out of an EXIF block that has no resolution.
    """
    info = image.info
    if kind == "jpeg":
        density, unit = info.get("jfif_density"), info.get("jfif_unit")
        if density and unit in (1, 2):
            scale = 2.54 if unit == 2 else 1.0
            return believable(number(density[0]) * scale, number(density[1]) * scale, notes)
    elif isinstance(info.get("dpi"), tuple) and len(info["dpi"]) == 2:
        return believable(number(info["dpi"][0]), number(info["dpi"][1]), notes)
    return from_tags(exif(image), notes)


def exif(image: PillowImage.Image) -> Mapping[int, Any]:
    """EXIF tags of a picture; a damaged block counts as none (it says nothing about the pixels)."""
    try:
        return dict(image.getexif())
    except Exception:  # the parser meets hostile bytes and raises what it likes
        return {}
