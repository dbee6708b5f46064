"""Photographs and halftones on a page: where ink is no writing and a stencil would spoil the picture.

The page is looked at in cells of a millimetre. On a page of text everything that is not ink is paper: about as light as the page's paper, and even.
Three things speak for a picture:

- what is not ink is darker than the page's paper, by a seventh, or uneven;
- ink does not stand out: within a window its grey and that of the rest overlap (Fisher's criterion, small; letters on the worst manuscripts are about
  5, on clean print 15 to 25, the patches that a threshold makes of a photograph 1 to 4);
- ink changes to white and back every few pixels along rows and columns alike: the dots of a halftone. Letters do so along one of the two.

How dark and uneven is measured by the cells that hold writing: on a stained manuscript all paper is. Cells that speak for a picture are joined, with
those about them that speak for it weakly, to regions; what is too small or too thin is dropped (stains, bleeding ink, folds). Letters within a
picture stay part of it. Where it is in doubt the ink stays in the stencil: a photograph with hard edges is readable, a text in a JPEG of 150 dpi is
not pleasant. Where hardly any ink outside of pictures is writing, the page is a picture as a whole: a plate, or a photograph of no page. Dark
surroundings of a sheet are taken for pictures, too, which does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docbin.page import FloatMap, Image, Mask

CELLS_PER_INCH = 25
DARKER, UNEVEN = 0.15, 0.1
"""Shares of the paper's grey: by which what is not ink is darker in a picture; its standard deviation there."""
STANDS_OUT = 5.0
"""Fisher's criterion, above which ink is writing."""
CONTRAST = 0.2
"""Of writing, share of the paper's grey."""
WRITING = 0.6
"""Share of the cells with ink that hold writing on a page of text; on photographs a half at the most."""
DOTS = 0.15
"""Changes between ink and white a pixel, along rows and along columns, above which ink is a halftone."""
WEAK = 0.45
"""Share of `DARKER` and `UNEVEN` that is enough beside a cell that speaks for a picture."""
LEAST_SEEDS = 0.3
"""Share of a picture's cells that speak for it strongly."""
LEAST_INCHES = 0.5
"""Shorter side of the smallest picture."""
_RECTANGLE = 0.75
"""A region that fills so much of its bounding box is taken for that box."""
_HOLES = 0.2
_WINDOW = 7


def printed_pictures(grey: Image, ink: Mask, resolution: float) -> Mask:
    """Where a page has photographs or halftones.

    Parameters
    ----------
    grey : uint8 (H, W)
    ink : bool (H, W), True = ink
    resolution : dots per inch

    Returns
    -------
    bool (H, W)
    """
    import cv2

    height, width = ink.shape
    side = max(4.0, resolution / CELLS_PER_INCH)
    size = max(1, round(width / side)), max(1, round(height / side))
    least = round(LEAST_INCHES * CELLS_PER_INCH)
    none = np.zeros(ink.shape, np.bool_)
    if min(size) < least:
        return none
    evidence = _evidence(grey, ink, size)
    strong, weak, dots = evidence.strong, evidence.weak, evidence.dots
    thin, gap = np.ones((5, 5), np.uint8), np.ones((9, 9), np.uint8)
    seeds = cv2.morphologyEx(np.asarray(strong, np.uint8), cv2.MORPH_OPEN, thin)
    cells = seeds | cv2.morphologyEx(np.asarray(weak, np.uint8), cv2.MORPH_OPEN, thin)
    _, labels = cv2.connectedComponents(cells, connectivity=4)
    cells = np.asarray(np.isin(labels, np.unique(labels[seeds > 0])), np.uint8)
    cells = cv2.morphologyEx(cv2.copyMakeBorder(cells, 9, 9, 9, 9, cv2.BORDER_CONSTANT, value=0), cv2.MORPH_CLOSE, gap)[9:-9, 9:-9]
    found = np.zeros_like(cells)
    for outline in cv2.findContours(cells, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        left, top, across, down = cv2.boundingRect(outline)
        if min(across, down) < least:
            continue
        region = np.zeros_like(cells)
        cv2.drawContours(region, [outline], -1, 1, cv2.FILLED)
        within, own = np.count_nonzero(region), np.count_nonzero(region & cells)
        if np.count_nonzero(region & seeds) < LEAST_SEEDS * own:
            continue
        if own < (1 - _HOLES) * within:  # a frame: what it encloses is a page of its own
            region &= cells
        elif within >= _RECTANGLE * across * down:
            region[top : top + down, left : left + across] = 1
        found |= region
    found = cv2.erode(found, np.ones((3, 3), np.uint8)) | (found & dots)  # the windows reach beyond the picture
    if evidence.without_writing(found == 0):
        return ~none
    return np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_NEAREST), np.bool_)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Cells, bool (H, W), that speak for a picture strongly and weakly, that have the dots of a halftone, that have ink, that have writing."""

    strong: Mask
    weak: Mask
    dots: Mask
    ink: Mask
    writing: Mask

    def without_writing(self, where: Mask) -> bool:
        """Whether what is there is a picture as a whole: little of its ink is writing, and enough speaks for a picture."""
        ink, cells = int(np.count_nonzero(self.ink & where)), int(np.count_nonzero(where))
        speaks = int(np.count_nonzero(self.strong & where)) > 0.1 * cells
        return speaks and int(np.count_nonzero(self.writing & where)) < WRITING * ink


def _evidence(grey: Image, ink: Mask, size: tuple[int, int]) -> _Evidence:
    """What speaks for pictures, in cells of (width, height) `size`; see the module's docstring."""
    import cv2

    def shares(values: NDArray[np.generic]) -> FloatMap:
        """Means over cells of uint8 or uint16, as shares of 255 and 65025."""
        full = 255 if values.dtype == np.uint8 else 65025
        return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(full)

    def moments(where: Image, window: int) -> tuple[FloatMap, FloatMap, FloatMap]:
        """Share, mean and variance (of greys 0..1) of the pixels `where`, 0 or 255, in windows of so many cells."""
        wide = grey * np.asarray(where, np.uint16)
        share, first, second = (cv2.blur(shares(part), (window, window)) for part in (where, wide, squares * (where & np.uint8(1))))
        mean = first / np.maximum(share, 1e-4)
        return share, mean, np.maximum(second / np.maximum(share, 1e-4) - mean * mean, 0)

    squares = np.square(grey, dtype=np.uint16)
    bits = np.asarray(ink, np.uint8) * np.uint8(255)
    away = ~cv2.dilate(bits, np.ones((5, 5), np.uint8))
    seen = shares(away)
    paper = _paper(np.asarray(255 * shares(grey & away) / np.maximum(seen, 1e-4), np.float32), seen > 0.3) / 255
    share, mean, variance = moments(away, 5)
    dark, uneven = 1 - mean / paper, np.sqrt(variance) / paper
    of_rest, of_ink = moments(away, _WINDOW), moments(bits, _WINDOW)
    apart = of_rest[1] - of_ink[1]
    criterion = apart**2 / np.maximum(of_rest[2] + of_ink[2], 4 / 65025)
    inked = (of_ink[0] > 0.02) & (share > 0.02)
    writing = inked & (criterion > STANDS_OUT) & (np.abs(apart) > CONTRAST * paper)
    darker, more_uneven = DARKER, UNEVEN
    if np.count_nonzero(writing) > max(0.05 * writing.size, WRITING * np.count_nonzero(inked)):
        darker = max(DARKER, 2 * float(np.percentile(dark[writing], 75)))
        more_uneven = max(UNEVEN, 2 * float(np.percentile(uneven[writing], 75)))
    along, down = np.zeros_like(bits), np.zeros_like(bits)
    along[:, 1:] = bits[:, 1:] ^ bits[:, :-1]
    down[1:] = bits[1:] ^ bits[:-1]
    dots = np.minimum(*(cv2.blur(shares(changes), (5, 5)) for changes in (along, down))) > DOTS
    strong = (share > 0.02) & ((dark > darker) | (uneven > more_uneven)) & ~writing
    weak = (share > 0.02) & ((dark > WEAK * darker) | (uneven > WEAK * more_uneven))
    cells = (strong | dots, weak | dots, dots, inked, writing)
    return _Evidence(*(np.asarray(part, np.bool_) for part in cells))


def _paper(background: FloatMap, known: Mask) -> FloatMap:
    """The page's paper, (H, W): a surface of the second degree through the light cells of its background."""
    height, width = background.shape
    if np.count_nonzero(known) < 12:
        return np.full(background.shape, 255, np.float32)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1).reshape(-1, 6)
    values, inside = background.ravel(), known.ravel()
    taken = inside & (values >= np.percentile(values[inside], 30))
    surface = values
    for _ in range(6):
        surface = terms @ np.linalg.lstsq(terms[taken], values[taken], rcond=None)[0]
        off = values - surface
        spread = max(2.0, 1.48 * float(np.median(np.abs(off[taken]))))
        wanted = inside & (off > -1.5 * spread) & (off < 4 * spread)
        if np.count_nonzero(wanted) < 12:
            break
        taken = wanted
    return np.asarray(surface.clip(20, 255).reshape(background.shape), np.float32)
