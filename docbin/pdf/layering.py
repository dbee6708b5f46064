"""A page and its ink taken apart into layers: the ink as stencils, what is left as a small JPEG (mixed raster content, ITU-T T.44).

A stencil is sharp at full resolution and costs a tenth of the page's JPEG; paper and pictures look the same at 100 to 150 dpi. So the ink goes into
1-bit stencils, each painted in one colour (letters are sorted by their colours, at most :data:`MOST_COLOURS` a page), and the background is made
small with the ink painted out of it: every cell of the small picture is the mean of its pixels that are not ink, and cells without such pixels are
filled from around by pull-push (Gortler et al. 1996, *The Lumigraph*), which costs milliseconds where inpainting costs seconds. Photographs and
halftones (:mod:`docbin.pdf.printed_pictures`) stay in the background, ink and all: a stencil would posterize them.

The quality of the JPEG is the lowest at which it is still like the background it codes, by the structural similarity of Wang et al. (2004), at the
background's own resolution: on average over the paper that is not ink, and over the pictures.

Given up: the grey of a pencil stroke within itself. A stroke has one colour, its edge is sharp where it was soft.
"""

from __future__ import annotations

import functools
import io

import numpy as np
from numpy.typing import NDArray

from docbin.page import FloatMap, Image, Mask, check_image, check_mask, to_grey
from docbin.pdf.ink_picture import encoded
from docbin.pdf.page_layers import Colour, PageLayers
from docbin.pdf.printed_pictures import printed_pictures

BACKGROUND_DPI = 100
PICTURES_DPI = 150
"""Resolution of the background; the second where the page has pictures that lose by the first."""
USUAL_DPI = 300.0
"""Of a page that does not say."""
LONGEST_INCHES = 24.0
"""A page that says it is longer (cameras write 72 dpi into everything) is taken for one of this length."""
LIKENESS, PICTURES_LIKENESS = 0.953, 0.9
"""Structural similarity, 0..1, that the background keeps on paper and on pictures. (The dots of a halftone are not worth more.)"""
QUALITIES = tuple(range(30, 93, 4))
CHROMA = (60, 80)
"""Least and greatest quality of the colours, which the similarity does not see."""
EVEN = 2
"""A background whose greys differ by no more, as on pages that were of two colours before, is one pixel."""
MEAN_STEP = 8
"""Eight times the step, in greys, in which the mean of a JPEG block is kept."""
MOST_COLOURS = 6
APART = 20.0
"""Distance in CIE Lab from which on two inks are two colours."""
LEAST_INK = 0.002
"""Share of a page's ink that has a colour of its own."""
_LETTER_INCHES = 0.5
"""Connected ink beyond this size is sorted piece by piece: a stamp may touch a line of writing."""
_PIECE_INCHES = 0.1
_KNOWN = 0.25
"""A cell of the background of which so much is not ink is known, the rest is filled in."""


def layered(image: Image, ink: Mask, dpi: tuple[float, float] | None = None, compression: str | None = None) -> PageLayers:
    """Take a page apart into layers.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    ink : bool (H, W), True = ink, dark or light; or (N H, N W) with N times the pixels a side
    dpi : of the page, (horizontal, vertical); None: 300
    compression : of the stencils, "g4" or "jbig2"; None: the smaller

    Raises
    ------
    TypeError, ValueError
        An image or ink of another type, or of shapes that do not belong together.
    UsageError
        Another compression.
    """
    import cv2

    check_image(image)
    check_mask(ink, "ink")
    scale = ink.shape[0] // image.shape[0]
    if scale < 1 or ink.shape != (image.shape[0] * scale, image.shape[1] * scale):
        raise ValueError(f"layers: a page of {image.shape[:2]} and ink of {ink.shape} do not belong together")
    resolution = resolution_of(image.shape[:2], dpi) * scale
    if scale > 1:
        image = np.asarray(cv2.resize(image, ink.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
    pictures = printed_pictures(to_grey(image), ink, resolution)
    written = ink & ~pictures
    stencils = tuple((colour, encoded(mask, compression)) for colour, mask in _by_colour(image, written, resolution))
    background, paper, printed = _background(image, _near(written, resolution), pictures, (float(scale), resolution))
    if np.ptp(background, axis=(0, 1)).max() <= EVEN:
        background = np.asarray(np.rint(background.mean(axis=(0, 1), keepdims=True)), np.uint8)
        code = _jpeg(background, QUALITIES[-1])
    else:
        code = _smallest_jpeg(background, paper, printed)
    size = (background.shape[1], background.shape[0])
    return PageLayers(code, size, 1 if background.ndim == 2 else 3, stencils, (ink.shape[1], ink.shape[0]))


def resolution_of(shape: tuple[int, ...], dpi: tuple[float, float] | None) -> float:
    """The dots per inch to work with, for a page of (height, width) pixels that says `dpi`."""
    given = USUAL_DPI if dpi is None else sum(dpi) / 2
    return max(given, max(shape) / LONGEST_INCHES)


def _near(ink: Mask, resolution: float) -> Mask:
    """Ink and the pixels beside it that its soft edge has darkened."""
    import cv2

    reach = max(1, round(resolution / 120))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(np.asarray(ink, np.uint8), around), np.bool_)


# --- colours of the ink ------------------------------------------------------------------------------------------------------------------


def _by_colour(image: Image, ink: Mask, resolution: float) -> list[tuple[Colour, Mask]]:
    """The ink of each colour, that of most ink first."""
    import cv2

    if not ink.any():
        return []
    bits = np.asarray(ink, np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bits, connectivity=8)
    where = np.flatnonzero(ink)
    pieces = labels.ravel()[where].astype(np.int64)
    large = (stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) > _LETTER_INCHES * resolution)[pieces]
    if large.any():
        side = max(8, round(_PIECE_INCHES * resolution))
        rows, columns = np.divmod(where[large], ink.shape[1])
        pieces[large] = count + rows // side * (ink.shape[1] // side + 1) + columns // side
        pieces = np.unique(pieces, return_inverse=True)[1]
    depths = (cv2.erode(bits, np.ones((side, side), np.uint8), borderValue=1).ravel()[where] for side in (3, 5))
    depth = np.asarray(sum(depths), np.intp)
    weight = np.choose(depth, (0.0005, 0.02, 1.0))  # a stroke's edge is half paper: its colour is that of its middle
    total = np.maximum(np.bincount(pieces, weight), 1e-9)
    channels = (image,) if image.ndim == 2 else tuple(image[..., part] for part in range(3))
    means = [np.bincount(pieces, weight * channel.ravel()[where], len(total)) / total for channel in channels]
    colours = np.stack(means if len(means) == 3 else means * 3, axis=1)
    mass = np.maximum(np.bincount(pieces, np.choose(depth, (0.1, 0.4, 1.0))), 1e-9)
    kinds = _clusters(_lab(colours), mass)
    found = []
    for kind in np.unique(kinds):
        mine = kinds == kind
        red, green, blue = (round(float(value)) for value in np.average(colours[mine], axis=0, weights=mass[mine]))
        part = np.zeros(ink.size, np.bool_)
        part[where[mine[pieces]]] = True
        found.append((float(mass[mine].sum()), (red, green, blue), part.reshape(ink.shape)))
    return [(colour, part) for _, colour, part in sorted(found, key=lambda one: -one[0])]


def _lab(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) RGB, 0..255, as CIE Lab."""
    import cv2

    rows = np.asarray(colours[:, None] / 255, np.float32)
    return np.asarray(cv2.cvtColor(rows, cv2.COLOR_RGB2LAB)[:, 0], np.float64)


def _clusters(points: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.intp]:
    """The cluster, from 0, of each of (N, 3) points: k-means that begins with one centre and adds another where enough lies `APART` from all."""
    centres = np.average(points, axis=0, weights=weights)[None]
    while True:
        for _ in range(8):
            away = np.stack([np.linalg.norm(points - centre, axis=1) for centre in centres])
            nearest = away.argmin(axis=0)
            centres = np.stack(
                [
                    np.average(points[nearest == kind], axis=0, weights=weights[nearest == kind]) if (nearest == kind).any() else centre
                    for kind, centre in enumerate(centres)
                ]
            )
        distance = away.min(axis=0)
        far = distance > APART
        if len(centres) == MOST_COLOURS or weights[far].sum() < LEAST_INK * weights.sum():
            return np.asarray(nearest, np.intp)
        seed = int(np.argmax(np.where(far, weights * distance, 0)))
        centres = np.vstack([centres, points[seed]])


# --- the background ----------------------------------------------------------------------------------------------------------------------


def _background(image: Image, hidden: Mask, pictures: Mask, grid: tuple[float, float]) -> tuple[Image, Mask, Mask]:
    """The small picture of what is not hidden, and where on it paper and where pictures are seen.

    `grid` : pixels of the page a pixel that was scanned, dots per inch.
    """
    import cv2

    def made(dpi: int) -> tuple[Image, Mask, Mask]:
        factor = max(grid[0], grid[1] / dpi)
        size = max(1, round(hidden.shape[1] / factor)), max(1, round(hidden.shape[0] / factor))
        small, known = painted_out(image, hidden, size)
        printed = np.asarray(cv2.resize(np.asarray(pictures, np.uint8), size, interpolation=cv2.INTER_NEAREST), np.bool_)
        return small, known & ~printed, printed

    usual = made(BACKGROUND_DPI)
    if not pictures.any():
        return usual
    finer = made(PICTURES_DPI)
    size = (finer[0].shape[1], finer[0].shape[0])
    enlarged = np.asarray(cv2.resize(to_grey(usual[0]), size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return finer if likeness(to_grey(finer[0]), enlarged, finer[2]) < PICTURES_LIKENESS else usual


def painted_out(image: Image, hidden: Mask, size: tuple[int, int]) -> tuple[Image, Mask]:
    """The page made small without what is hidden.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    hidden : bool (H, W)
    size : (width, height) of the result

    Returns
    -------
    uint8 of that size, grey where the page has no colour; and bool, True where it was seen and not filled in
    """
    import cv2

    seen = np.asarray(~hidden, np.uint16)
    share = cv2.resize(seen * np.uint16(65535), size, interpolation=cv2.INTER_AREA).astype(np.float32) / 65535
    share[share < _KNOWN] = 0
    planes = []
    for channel in (image,) if image.ndim == 2 else tuple(image[..., part] for part in range(3)):
        total = cv2.resize(channel * np.uint16(257) * seen, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 257
        planes.append(np.where(share > 0, total / np.maximum(share, _KNOWN), 0))
    values = np.stack(planes, axis=2)
    filled = _filled(values, np.asarray(share > 0, np.float32))
    small = np.asarray(np.rint(filled).clip(0, 255), np.uint8)
    known = np.asarray(share > 0, np.bool_)
    if small.shape[2] == 3 and not _is_coloured(small):
        return to_grey(small), known
    return np.ascontiguousarray(small[..., 0] if small.shape[2] == 1 else small), known


def _filled(values: FloatMap, known: FloatMap) -> FloatMap:
    """Pull-push: (H, W, C) with the unknown filled in from coarser and coarser means of the known; `known` is 0 or 1 (and between, on the way)."""
    import cv2

    height, width = known.shape
    if known.all() or max(height, width) == 1:
        return values if known.any() else np.full_like(values, 255)
    half = (-(-width // 2), -(-height // 2))
    share = cv2.resize(known, half, interpolation=cv2.INTER_AREA)
    total = cv2.resize(values * known[..., None], half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], -1)
    coarse = _filled(total / np.maximum(share, 1e-6)[..., None], np.asarray(share > 0, np.float32))
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, -1)
    return np.where(known[..., None] > 0, values, fine)


def _is_coloured(small: Image) -> bool:
    """Whether a hundredth of a small picture has visible colour."""
    spread = small.max(axis=2).astype(np.int16) - small.min(axis=2)
    return bool(np.percentile(spread, 99) > 10)


def _smallest_jpeg(background: Image, paper: Mask, pictures: Mask) -> bytes:
    """The JPEG of least quality that is like the background on the paper and on the pictures."""
    grey = to_grey(background)
    low, high, best = 0, len(QUALITIES) - 1, None
    while low < high:
        middle = (low + high) // 2
        code = _jpeg(background, QUALITIES[middle])
        shown = _decoded(code)
        if likeness(grey, shown, paper) >= LIKENESS and likeness(grey, shown, pictures) >= PICTURES_LIKENESS:
            high, best = middle, code
        else:
            low = middle + 1
    return _jpeg(background, QUALITIES[high]) if best is None else best


def _jpeg(pixels: Image, quality: int) -> bytes:
    from PIL import Image as pillow

    file = io.BytesIO()
    tables = [_tables(quality)[0], _tables(min(max(quality, CHROMA[0]), CHROMA[1]))[1]]
    pillow.fromarray(pixels).save(file, "jpeg", qtables=tables, subsampling=2, optimize=True)
    return file.getvalue()


@functools.lru_cache(maxsize=len(QUALITIES))
def _tables(quality: int) -> tuple[list[int], list[int]]:
    """The quantization tables of a quality, of brightness and of colour.

    The mean of a block is kept to a grey or two, for smooth paper shows steps.
    """
    from PIL import Image as pillow

    file = io.BytesIO()
    pillow.new("RGB", (8, 8)).save(file, "jpeg", quality=quality)
    tables = pillow.open(file).quantization  # type: ignore[attr-defined]
    brightness, colour = ([min(MEAN_STEP, table[0]), *table[1:]] for table in (tables[0], tables[1]))
    return brightness, colour


def _decoded(code: bytes) -> Image:
    from PIL import Image as pillow

    return to_grey(np.array(pillow.open(io.BytesIO(code))))


def likeness(one: Image, other: Image, part: Mask) -> float:
    """Structural similarity of two grey pictures (Wang et al. 2004, Gaussian window of 1.5 pixels), its mean over a part, bool
    (H, W); 1 over none."""
    import cv2

    if not part.any():
        return 1.0
    a, b = one.astype(np.float32), other.astype(np.float32)

    def mean(values: FloatMap) -> FloatMap:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float32)

    of_a, of_b = mean(a), mean(b)
    first, second = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
    both = (2 * of_a * of_b + first) * (2 * (mean(a * b) - of_a * of_b) + second)
    each = (of_a**2 + of_b**2 + first) * (mean(a * a) - of_a**2 + mean(b * b) - of_b**2 + second)
    similarity = both / each
    return float(similarity[part].mean())
