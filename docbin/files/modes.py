"""One rule for every pixel mode: a Pillow image of any mode -> uint8 (H, W) or (H, W, 3).

The rule is a table (``_RULES``), because the convenient way, ``image.convert("L")``, loses pages silently: it clips 16 bit to white, turns floats
of 0..1 black and transparent paper black. What each mode becomes:

===================== =================================================================================================================
1                     grey 0 and 255
L                     grey, as it is; a transparent grey (PNG tRNS) is white
P, PA                 colours of the palette, transparent ones laid on white; grey where all the colours used are grey
LA, La, RGBA, RGBa    laid on white (premultiplied modes are undone first)
RGB, RGBX             colour, as it is (16 bits a channel arrive as their high bytes)
CMYK, YCbCr, HSV      colour, converted by the mode's name, never by the number of channels
LAB                   colour, through the D50 white of CIELab
I;16*, I              grey, scaled by range: the high 8 of the 8, 10, 12, 14, 16, 24 or 32 bits that the page's largest value needs, so 12-bit
                      pixels in 16-bit words keep their contrast and 16-bit ones are ``>> 8``; signed pixels below 0 are stretched
                      from smallest to largest. Every choice but plain 16 bit is noted.
F                     grey, finite values only: 0..1 times 255, 0..255 as it is, 0..65535 divided by 257 (told apart by the largest value),
                      anything else stretched from smallest to largest; noted. NaN or infinity is an error.
===================== =================================================================================================================

Embedded ICC profiles are ignored: they move colours by a few levels, never black to white, and the scanners that write wrong ones are many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from docbin.errors import InputError
from docbin.page import Image

if TYPE_CHECKING:
    from PIL import Image as PillowImage

_BAND = 512
"""Rows laid on white at a time, so that working copies stay small."""

_INTEGER_BITS = (8, 10, 12, 14, 16, 24, 32, 48, 64)

_FLOAT_RANGES = ((0.0, 1), (16.0, 255), (4096.0, 65535))
"""(least, most) that the largest value of a float page may be for 0..most to be meant. The gaps matter: a 0..1 page that resampling has driven
to 1.02 must not be taken for an almost black page of 0..255."""


class Picture:
    """A decoded Pillow image with what its mode does not say.

    Parameters
    ----------
    image : loaded Pillow image
    label : how messages call the page
    min_is_white : integer or float samples count ink, not light (TIFF photometric 0), and Pillow has not inverted them
    unsigned : 32-bit samples are unsigned, though Pillow's mode I is signed
    sample_bits : bits of a sample in the file, for the transparent grey of a PNG below 8 bit
    zero_is_opaque : alpha that is 0 everywhere says nothing (BMP: the fourth byte is often unused)
    """

    def __init__(
        self,
        image: PillowImage.Image,
        label: str,
        *,
        min_is_white: bool = False,
        unsigned: bool = False,
        sample_bits: int = 8,
        zero_is_opaque: bool = False,
    ) -> None:
        self.image = image
        self.label = label
        self.min_is_white = min_is_white
        self.unsigned = unsigned
        self.sample_bits = sample_bits
        self.zero_is_opaque = zero_is_opaque
        self.notes: list[str] = []

    def pixels(self) -> Image:
        """uint8 (H, W) or (H, W, 3), writable; `notes` then says what was done.

        Raises
        ------
        InputError
            Float pixels that are not finite, or a mode without a rule.
        """
        rule = _RULES.get(self.image.mode)
        if rule is None:
            raise InputError(f"{self.label}: pixels of mode {self.image.mode!r} cannot be read; convert the page to 8-bit grey or RGB")
        return rule(self)


def scale_integers(values: NDArray[Any], notes: list[str]) -> Image:
    """Integer samples of any width to uint8, by the range the values need (see the table in the module docstring)."""
    low, high = int(values.min()), int(values.max())
    if low < 0:
        notes.append(f"signed pixels {low} to {high} stretched to 0..255")
        return _stretch(values, float(low), float(high))
    bits = next(width for width in _INTEGER_BITS if high < 1 << width)
    if bits != 16:
        notes.append(f"integer pixels up to {high} scaled as {bits}-bit")
    scaled: Image = (values >> (bits - 8)).astype(np.uint8)
    return scaled


def scale_floats(values: NDArray[np.floating[Any]], notes: list[str], label: str) -> Image:
    """Float samples to uint8 by the rule in the module docstring; NaN or infinity is an InputError."""
    low, high = float(values.min()), float(values.max())  # NaN, where there is one, comes through min and max
    if not (np.isfinite(low) and np.isfinite(high)):
        kinds = [word for word, found in (("NaN", np.isnan(values).any()), ("infinity", np.isinf(values).any())) if found]
        raise InputError(f"{label}: float pixels hold {' and '.join(kinds)}; export the page as 8 or 16 bit")
    for least, top in _FLOAT_RANGES:
        if low >= 0 and least <= high <= top:
            notes.append(f"float pixels taken as 0..{top}")
            scaled: Image = np.rint(values * np.float32(255.0 / top)).astype(np.uint8)
            return scaled
    notes.append(f"float pixels {low:g} to {high:g} stretched to 0..255")
    return _stretch(values, low, high)


def _stretch(values: NDArray[Any], low: float, high: float) -> Image:
    if high == low:
        return np.full(values.shape, 255, np.uint8)
    wide = values.astype(np.float64)
    wide -= low
    wide *= 255.0 / (high - low)
    return np.rint(wide).astype(np.uint8)


def is_grey(pixels: Image) -> bool:
    """Whether the three channels of (H, W, 3) are equal everywhere (checked on a sparse grid first: colour shows at once)."""
    sparse = pixels[:: max(1, pixels.shape[0] // 64), :: max(1, pixels.shape[1] // 64)]
    return all(bool(np.array_equal(part[..., 0], part[..., 1]) and np.array_equal(part[..., 0], part[..., 2])) for part in (sparse, pixels))


def _bilevel(picture: Picture) -> Image:
    pixels = np.asarray(picture.image).astype(np.uint8)
    pixels *= 255
    return _transparent_grey(picture, pixels)


def _grey(picture: Picture) -> Image:
    return _transparent_grey(picture, np.array(picture.image, dtype=np.uint8))


def _transparent_grey(picture: Picture, pixels: Image) -> Image:
    key = picture.image.info.get("transparency")
    if isinstance(key, int):
        full = (1 << picture.sample_bits) - 1
        pixels[pixels == (min(key, full) * 255) // full] = 255
        picture.notes.append("transparent grey laid on white")
    return pixels


def _integers(picture: Picture) -> Image:
    values = np.asarray(picture.image)
    if picture.unsigned and values.dtype == np.int32:
        values = values.view(np.uint32)
    key = picture.image.info.get("transparency")
    pixels = scale_integers(values, picture.notes)
    if picture.min_is_white:
        np.invert(pixels, out=pixels)
    if isinstance(key, int):
        pixels[values == key] = 255
        picture.notes.append("transparent grey laid on white")
    return pixels


def _floats(picture: Picture) -> Image:
    pixels = scale_floats(np.asarray(picture.image), picture.notes, picture.label)
    return np.invert(pixels, out=pixels) if picture.min_is_white else pixels


def _rgb(picture: Picture) -> Image:
    pixels = np.array(picture.image, dtype=np.uint8)
    key = picture.image.info.get("transparency")
    if isinstance(key, tuple) and len(key) == 3:
        deep = max(key) > 255 or picture.sample_bits > 8  # of which Pillow keeps the high bytes
        pixels[(pixels == np.array([value >> 8 if deep else value for value in key], np.uint8)).all(axis=2)] = 255
        picture.notes.append("transparent colour laid on white" + (", found by the high bytes of its samples" if deep else ""))
    return pixels


def _by_name(picture: Picture) -> Image:
    return np.array(picture.image.convert("RGB"), dtype=np.uint8)


def _alpha(picture: Picture) -> Image:
    """LA, La, RGBA, RGBa: laid on white, unless every pixel is opaque."""
    image = picture.image
    alpha = np.asarray(image.getchannel(len(image.getbands()) - 1))
    grey = image.mode in ("LA", "La")
    lowest, highest = int(alpha.min()), int(alpha.max())
    if highest == 0 and picture.zero_is_opaque:
        picture.notes.append("alpha that is 0 everywhere ignored")
        lowest = 255
    pixels: Image = np.empty((image.height, image.width) if grey else (image.height, image.width, 3), np.uint8)
    if lowest < 255:
        picture.notes.append("alpha laid on white" + (": every pixel is transparent" if highest == 0 else ""))
    for index in range(1 if grey else 3):  # a channel at a time, so that working copies stay small
        channel: Image = np.asarray(image.getchannel(index))
        if lowest < 255:
            channel = laid_on_white(channel, alpha, image.mode in ("La", "RGBa"))
        (pixels if grey else pixels[..., index])[...] = channel
    return pixels


def laid_on_white(colours: Image, alpha: Image, premultiplied: bool, *, ink: bool = False) -> Image:
    """uint8 colours (H, W) or (H, W, 3) on white through alpha (H, W), 255 opaque, as a fresh array.

    `premultiplied`: the colours are multiplied by alpha already; `ink` says that this was done while they counted ink (255 - colour).
    """
    out = np.empty(colours.shape, np.uint8)
    for top in range(0, len(colours), _BAND):
        part = colours[top : top + _BAND].astype(np.uint16)
        cover = alpha[top : top + _BAND].astype(np.uint16)
        cover = cover[..., None] if part.ndim == 3 else cover
        if not premultiplied:
            part = (part * cover + 255 * (255 - cover) + 127) // 255
        elif not ink:
            part = np.minimum(part + (255 - cover), 255)
        out[top : top + _BAND] = part
    return out


def _palette(picture: Picture) -> Image:
    image = picture.image
    indices = np.asarray(image if image.mode == "P" else image.getchannel("P"))
    stored = image.getpalette("RGB") or []
    colours: Image = np.zeros((256, 3), np.uint8)  # an index beyond the palette is black, as every decoder has it
    colours[: len(stored) // 3] = np.array(stored[: len(stored) // 3 * 3], np.uint8).reshape(-1, 3)
    key = image.info.get("transparency")
    if key is not None and image.mode == "P":
        alpha = np.full(256, 255, np.uint16)
        if isinstance(key, int):
            alpha[key] = 0
        else:
            alpha[: len(key)] = np.frombuffer(bytes(key)[:256], np.uint8)
        colours = _on_white(colours, alpha[:, None])
        picture.notes.append("transparent palette colours laid on white")
    if image.mode == "PA":
        picture.notes.append("alpha laid on white")
        return _on_white(colours[indices], np.asarray(image.getchannel("A")).astype(np.uint16)[..., None])
    used = colours[np.flatnonzero(image.histogram()[:256])]
    if (used[:, 0] == used[:, 1]).all() and (used[:, 0] == used[:, 2]).all():
        colours = np.ascontiguousarray(colours[:, 0])
    pixels: Image = colours[indices]
    return pixels


def _on_white(colours: Image, alpha: NDArray[np.uint16]) -> Image:
    laid: Image = ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return laid


def _lab(picture: Picture) -> Image:
    picture.notes.append("CIELab converted to RGB")
    return _lab_image_to_rgb(picture.image)


def lab_to_rgb(levels: Image) -> Image:
    """CIELab (H, W, 3), L in 0..255, a and b signed bytes (as TIFF stores them), in sRGB through the D50 white."""
    from PIL import Image as pillow

    height, width = levels.shape[:2]
    return _lab_image_to_rgb(pillow.frombytes("LAB", (width, height), np.ascontiguousarray(levels).tobytes(), "raw", "LAB"))


def _lab_image_to_rgb(image: PillowImage.Image) -> Image:
    try:
        from PIL import ImageCms

        lab = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        converted = ImageCms.applyTransform(image, lab)
    except ImportError as error:  # a Pillow without LittleCMS
        raise ValueError(f"unsupported: CIELab in this Pillow ({error})") from error
    if converted is None:  # pragma: no cover - only with inPlace
        raise ValueError("unsupported: CIELab conversion gave nothing")
    return np.array(converted, dtype=np.uint8)


_RULES: Mapping[str, Callable[[Picture], Image]] = {
    "1": _bilevel,
    "L": _grey,
    "P": _palette,
    "PA": _palette,
    "LA": _alpha,
    "La": _alpha,
    "RGBA": _alpha,
    "RGBa": _alpha,
    "RGB": _rgb,
    "RGBX": _by_name,
    "CMYK": _by_name,
    "YCbCr": _by_name,
    "HSV": _by_name,
    "LAB": _lab,
    "I": _integers,
    "I;16": _integers,
    "I;16L": _integers,
    "I;16B": _integers,
    "I;16N": _integers,
    "F": _floats,
}
