"""The pixels of a picture of a PDF without PDFium, for programs that hold a lock of their own on it.

Samples of 1 to 16 bits, JPEG and JPEG 2000, with any ``/Decode``; 1-bit codes (CCITT, JBIG2) are not decoded here, for nothing of them is left to do.
Colours are those of the device and calibrated ones, Lab, palettes over them, and the ink Black (or All) alone. An ICC profile counts by its number of
channels, as in :mod:`docbin.files.modes`: so a broken one does no harm. A JPEG has the channels that it has, whatever its colour space says. What is
printed in other inks (Separation, DeviceN) has its look from a program in the PDF, which is not run here: it is refused in words.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.errors import InputError
from docbin.files import deep_jpeg2000
from docbin.files.modes import lab_to_rgb
from docbin.files.tiff_samples import numbers_of
from docbin.page import Image
from docbin.pdf.pdf_structure import filters_of, is_stream, unpacked

_FAMILIES = {
    "/DeviceGray": "grey",
    "/CalGray": "grey",
    "/DeviceRGB": "rgb",
    "/CalRGB": "rgb",
    "/DeviceCMYK": "cmyk",
}
_CHANNELS = {"grey": 1, "black": 1, "rgb": 3, "lab": 3, "cmyk": 4}
_BY_CHANNELS = {1: "grey", 3: "rgb", 4: "cmyk"}
_BITS = (1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class ColourSpace:
    """How samples become colours.

    Attributes
    ----------
    family : "grey", "rgb", "cmyk", "lab" or "black" (an ink, 0 = none of it); of a palette, that of its colours
    palette : uint8 (n, channels), None where samples are colours themselves
    reach : least and most of each channel, as ``/Decode`` counts
    """

    family: str
    palette: Image | None = None
    reach: tuple[tuple[float, float], ...] = ()

    @property
    def channels(self) -> int:
        """Samples a pixel."""
        return 1 if self.palette is not None else _CHANNELS[self.family]


def colour_space(stream: Any) -> ColourSpace | None:
    """The colours of a picture (a pikepdf stream); None where its JPEG 2000 code says them.

    Raises
    ------
    InputError
        Colours that are not read here.
    """
    given = stream.get("/ColorSpace")
    return None if given is None and filters_of(stream)[-1:] == ["/JPXDecode"] else _space(given)


def _space(given: Any) -> ColourSpace:
    import pikepdf

    parts = list(given) if isinstance(given, pikepdf.Array) else [given]
    name = str(parts[0]) if parts else "none"
    family = _FAMILIES.get(name)
    if name == "/ICCBased" and len(parts) > 1:
        family = _BY_CHANNELS.get(int(parts[1].get("/N", 0)))
    if name in ("/Separation", "/DeviceN") and len(parts) > 1:
        inks = [str(ink) for ink in parts[1]] if name == "/DeviceN" else [str(parts[1])]
        family = "black" if inks in (["/Black"], ["/All"]) else None
    if name == "/Indexed" and len(parts) == 4 and not _is_palette(parts[1]):  # a palette over palettes may be its own base
        base = _space(parts[1])
        table = unpacked(parts[3], 4 * 256)[0] if is_stream(parts[3]) else bytes(parts[3])
        colours = np.frombuffer(table[: len(table) // base.channels * base.channels], np.uint8).reshape(-1, base.channels)
        if len(colours):
            return ColourSpace(base.family, colours, base.reach)
    if name == "/Lab" and len(parts) > 1:
        low_a, high_a, low_b, high_b = (float(edge) for edge in parts[1].get("/Range", (-100, 100, -100, 100)))
        return ColourSpace("lab", None, ((0.0, 100.0), (low_a, high_a), (low_b, high_b)))
    if family is None:
        raise InputError(f"its colours ({name}) are not read here; 'docbin binarize' renders them")
    return ColourSpace(family, None, ((0.0, 1.0),) * _CHANNELS[family])


def _is_palette(space: Any) -> bool:
    import pikepdf

    return isinstance(space, pikepdf.Array) and len(space) > 0 and space[0] == "/Indexed"


def picture_pixels(stream: Any) -> Image:
    """The pixels of a picture (a pikepdf stream), as stored: uint8 (H, W) or (H, W, 3).

    Raises
    ------
    InputError
        Colours, a code or a ``/Decode`` that is not read here, or fewer samples than pixels.
    Exception
        Of many types: whatever pikepdf and Pillow find wrong with it.
    """
    space, bits, packed = colour_space(stream), 8, filters_of(stream)[-1:]
    if packed == ["/JPXDecode"]:
        samples = _jpeg2000(stream)
        if space is not None and space.palette is not None:
            raise InputError("its colours (a palette in JPEG 2000) are not read here; convert it to another code")
    elif packed in (["/DCTDecode"], ["/DCT"]):
        samples = _jpeg(stream)
    else:
        assert space is not None
        samples, bits = _plain(stream, space.channels)
    count = samples.shape[2]
    if space is None or (space.palette is None and space.channels != count):
        if count not in _BY_CHANNELS:
            raise InputError(f"its code has {count} channels, and its colours are of none such; convert it to grey or RGB")
        space = ColourSpace(_BY_CHANNELS[count], None, ((0.0, 1.0),) * count)
    if space.palette is None:
        return _coloured(space, _levels(samples, bits, space, stream))
    indices = np.minimum(_levels(samples[..., :1], bits, space, stream)[..., 0], len(space.palette) - 1)
    return np.ascontiguousarray(_coloured(space, space.palette[None])[0][indices])


def decode_of(stream: Any, channels: int) -> list[tuple[float, float]] | None:
    """A picture's ``/Decode``, a pair a channel; None where it has none.

    Raises
    ------
    InputError
        It is of another number of channels.
    """
    given = stream.get("/Decode")
    if given is None:
        return None
    values = [float(value) for value in given]
    if len(values) != 2 * channels:
        raise InputError(f"its /Decode has {len(values)} numbers for {channels} channels")
    return list(zip(values[::2], values[1::2], strict=True))


def _plain(stream: Any, channels: int) -> tuple[Image, int]:
    """Samples that no picture code packs, uint8 (H, W, channels), and their bits; of 16 bits the higher 8."""
    import pikepdf

    width, height, bits = int(stream.Width), int(stream.Height), int(stream.get("/BitsPerComponent", 8))
    if bits not in _BITS:
        raise InputError(f"its samples have {bits} bits; a PDF has 1, 2, 4, 8 or 16")
    count = width * channels
    row = (count * bits + 7) // 8
    data = np.frombuffer(stream.read_bytes(pikepdf.StreamDecodeLevel.specialized), np.uint8)
    if data.size < row * height:
        raise InputError(f"truncated picture, {data.size} bytes of samples for {width} x {height} pixels; scan or export it again")
    rows = data[: row * height].reshape(height, row)
    values = rows[:, ::2] if bits == 16 else rows if bits == 8 else numbers_of(rows, bits, count)
    return values.reshape(height, width, channels), min(bits, 8)


def _sized(picture: Any, stream: Any) -> Any:
    """A Pillow image, not yet decoded, if it has as many pixels as the PDF says; an attack may have more."""
    wanted = int(stream.Width), int(stream.Height)
    if picture.size != wanted:
        raise InputError(f"its code has {picture.size[0]} x {picture.size[1]} pixels where the PDF says {wanted[0]} x {wanted[1]}")
    return picture


def _code(stream: Any) -> bytes:
    """The picture's code, without what is packed around it."""
    import pikepdf

    around = filters_of(stream)[:-1]
    data = bytes(stream.read_raw_bytes())
    if not around:
        return data
    parameters = stream.get("/DecodeParms")
    with pikepdf.new() as pdf:
        packed = pdf.make_stream(data, Filter=pikepdf.Array([pikepdf.Name(name) for name in around]))
        if isinstance(parameters, pikepdf.Array):
            packed.DecodeParms = pikepdf.Array(list(parameters)[: len(around)])
        return bytes(packed.read_bytes(pikepdf.StreamDecodeLevel.specialized))


def _jpeg(stream: Any) -> Image:
    from PIL.JpegImagePlugin import JpegImageFile

    picture = _sized(JpegImageFile(io.BytesIO(_code(stream))), stream)
    samples = np.asarray(picture)
    samples = samples[..., None] if samples.ndim == 2 else samples
    return ~samples if picture.mode == "CMYK" else samples  # Pillow turns four channels round, as Photoshop's files want it


def _jpeg2000(stream: Any) -> Image:
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    data = _code(stream)
    picture = _sized(Jpeg2KImageFile(io.BytesIO(data)), stream)
    if deep_jpeg2000.is_deep(picture, data):
        return deep_jpeg2000.pixels_of(data)[..., :3]
    samples = np.asarray(picture)
    if samples.dtype != np.uint8:
        samples = (samples >> 8).astype(np.uint8)
    samples = samples[..., None] if samples.ndim == 2 else samples
    return samples[..., :-1] if picture.mode in ("LA", "RGBA") else samples  # the PDF does not ask for its alpha


def _levels(samples: Image, bits: int, space: ColourSpace, stream: Any) -> Image:
    """Samples (H, W, channels) by their ``/Decode``, 0..255 over the reach of each channel; of a palette its indices."""
    full = (1 << bits) - 1
    decode = decode_of(stream, space.channels)
    indexed = space.palette is not None
    if decode is None and (indexed or bits == 8):
        return samples
    out = np.empty_like(samples)
    for channel in range(samples.shape[2]):
        low, high = (0.0, 255.0) if indexed else space.reach[channel]
        first, last = (low, high) if decode is None else decode[channel]
        steps = 255 * (first + (last - first) * np.arange(full + 1) / full - low) / max(1e-6, high - low)
        out[..., channel] = np.rint(steps.clip(0, 255)).astype(np.uint8)[samples[..., channel]]
    return out


def _coloured(space: ColourSpace, levels: NDArray[np.uint8]) -> Image:
    """Levels (H, W, channels) as grey (H, W) or RGB (H, W, 3)."""
    if space.family in ("grey", "black"):
        grey = np.ascontiguousarray(levels[..., 0])
        return ~grey if space.family == "black" else grey
    if space.family == "cmyk":
        from PIL import Image as pillow

        return np.array(pillow.fromarray(np.ascontiguousarray(levels), "CMYK").convert("RGB"), np.uint8)
    if space.family == "lab":
        signed = levels.copy()
        for channel, (low, high) in enumerate(space.reach[1:], 1):
            steps = np.rint((low + (high - low) * np.arange(256) / 255).clip(-128, 127)).astype(np.int8).view(np.uint8)
            signed[..., channel] = steps[levels[..., channel]]
        return lab_to_rgb(signed)
    return np.ascontiguousarray(levels)
