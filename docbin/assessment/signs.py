"""What a page shows by itself, before any ink is judged: depths, slopes, the ink of three cheap methods. Judging several inks of a page needs it
once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from docbin.kernels.area_means import area_means
from docbin.page import Image, Mask

OVERVIEW = 2_500_000
"""Pixels of the whole page at most; a larger one is made smaller by a whole number."""
DETAIL = 1_000_000
"""Pixels of the bands in full size."""
BAND = 96
"""Rows of a band: two lines of text at 300 dpi."""
OTHERS = ("otsu", "sauvola", "su")
"""The cheap methods of other kinds: one threshold for the flattened page, local deviation, strokes of high contrast."""

Bits = NDArray[np.uint8]
Packed = tuple[Bits, int]


class View:
    """A page, or bands of it, flattened: every plane uint8 (H, W), computed when first asked for."""

    def __init__(self, grey: Image) -> None:
        self.grey = np.ascontiguousarray(grey)

    @cached_property
    def quotient(self) -> Image:
        """255 times pixel over paper (:func:`docbin.kernels.depth.quotients`)."""
        from docbin.kernels import depth

        return depth.quotients(self.grey)

    @cached_property
    def depth(self) -> Image:
        """Grey levels below paper."""
        import cv2

        return np.asarray(cv2.bitwise_not(self.quotient), np.uint8)

    @cached_property
    def slope(self) -> Image:
        """Difference across a pixel, along rows plus along columns."""
        import cv2

        framed = cv2.copyMakeBorder(self.quotient, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        across = cv2.absdiff(framed[1:-1, 2:], framed[1:-1, :-2])
        return np.asarray(cv2.add(across, cv2.absdiff(framed[2:, 1:-1], framed[:-2, 1:-1])), np.uint8)


class Signs:
    """A page to judge inks of: ``overview`` is all of it at no more than OVERVIEW pixels, ``detail`` bands of it in full size. Without `afar` nobody
    looks where it has writing: that takes longer than a threshold and all else of its verdict, and a method that has looked has paid for it."""

    def __init__(self, grey: Image, afar: bool = True) -> None:
        self.shape, self._grey, self._afar = grey.shape, grey, afar
        self.shrink = int(np.ceil(max(1.0, grey.size / OVERVIEW) ** 0.5))
        if self.shrink == 1:
            self.overview = View(grey)
        else:
            self.size = (max(1, grey.shape[0] // self.shrink), max(1, grey.shape[1] // self.shrink))
            self.overview = View(area_means(grey, self.size))
        self.starts = self._band_starts()
        self.detail = self.overview if self.starts is None and self.shrink == 1 else View(self.bands(grey))

    def _band_starts(self) -> list[int] | None:
        """First rows of the detail's bands; None: it is the whole page."""
        height, width = self.shape
        if height * width <= DETAIL or height <= 2 * BAND:
            return None
        count = max(1, min(height // BAND, DETAIL // (BAND * width)))
        return [int(start) for start in np.linspace(0, height - BAND, count + 2)[1:-1]]

    def bands(self, plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The detail of a plane of the page, bands stacked."""
        if self.starts is None:
            return np.ascontiguousarray(plane)
        return np.vstack([plane[start : start + BAND] for start in self.starts])

    def bits_of(self, ink: Mask) -> tuple[Bits, Bits]:
        """An ink of the page at the size of the overview and of the detail, 0 or 1 a pixel."""
        import cv2

        bits = np.ascontiguousarray(ink).view(np.uint8)
        if self.shrink == 1:
            return bits, bits if self.detail is self.overview else self.bands(bits)
        share = area_means(bits, self.size, times=255)
        return np.asarray(cv2.threshold(share, 127, 1, cv2.THRESH_BINARY)[1], np.uint8), self.bands(bits)

    @cached_property
    def level(self) -> float:
        """The page's ink level, grey levels below paper, at least 8."""
        from docbin.kernels import depth

        return float(max(8, depth.ink_depth(self.overview.quotient)))

    @cached_property
    def split(self) -> tuple[float, Bits]:
        """Otsu's threshold of the depths, and what lies above it."""
        import cv2

        split, above = cv2.threshold(self.overview.depth, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        return float(split), np.asarray(above, np.uint8)

    @cached_property
    def parted(self) -> float:
        """Share of the depths' variance that lies between Otsu's two classes, 0..1: how well one threshold parts the page. Of scans 99 in 100 have
        less than 0.92, text of a screen has more."""
        from docbin.kernels import document

        counts, levels = document.histogram(self.overview.depth).astype(np.float64), np.arange(256)
        total, sums = counts.sum(), counts * levels
        mean = sums.sum() / total
        variance = (counts * (levels - mean) ** 2).sum() / total
        dark = levels > self.split[0]
        share = counts[dark].sum() / total
        means = [sums[part].sum() / max(1.0, counts[part].sum()) for part in (dark, ~dark)]
        return float(share * (1 - share) * (means[0] - means[1]) ** 2 / max(variance, 1e-6))

    @cached_property
    def others(self) -> Mapping[str, Bits]:
        """The ink of the cheap methods (OTHERS) in the overview, 0 or 1 a pixel."""
        from docbin.classical.contrast import su_ink
        from docbin.classical.sauvola import sauvola_ink

        grey = self.overview.grey
        return {"otsu": self.split[1], "sauvola": sauvola_ink(grey).view(np.uint8), "su": su_ink(grey).view(np.uint8)}

    @cached_property
    def others_packed(self) -> Mapping[str, Packed]:
        """The same, packed, and as "otsu_near" and so on with the pixels around."""
        found = {name: packed(bits) for name, bits in self.others.items()}
        width = self.overview.grey.shape[1]
        return found | {f"{name}_near": grown(words, 1, width) for name, words in found.items()}

    @cached_property
    def voted(self) -> Mapping[str, Packed]:
        """What any of the cheap methods takes for ink ("any"), two of them ("most"), and all three ("all")."""
        first, second, third = (self.others_packed[name][0] for name in OTHERS)
        both, either = first & second, first | second
        return {
            name: (words, _count(words))
            for name, words in (("any", either | third), ("most", both | (either & third)), ("all", both & third))
        }

    @cached_property
    def wide(self) -> Mapping[str, Packed]:
        """What lies within three pixels of the ink of each cheap method, and of what any, two or all of them take, packed."""
        taken = {name: self.others_packed[name] for name in OTHERS} | dict(self.voted)
        return {name: grown(words, 3, self.overview.grey.shape[1]) for name, words in taken.items()}

    @cached_property
    def others_agree(self) -> dict[str, float]:
        """F-measures of the cheap methods' inks against each other, "otsu_su" and so on: how hard the page is."""
        found = {}
        for place, first in enumerate(OTHERS):
            for second in OTHERS[place + 1 :]:
                precision, recall = overlap(self.others_packed[first], self.others_packed[second])
                found[f"{first}_{second}"] = 2 * precision * recall / max(precision + recall, 1e-9)
        return found

    @cached_property
    def pale_strokes(self) -> dict[str, float]:
        """The page's pale strokes beside its dark ones (:func:`docbin.assessment.pale_writing.on_page`)."""
        from docbin.assessment.pale_writing import on_page

        return on_page(self.overview.depth, self.overview.slope, self.level)

    @cached_property
    def writing(self) -> NDArray[np.int16] | None:
        """Where the page has writing, as :func:`docbin.zoo.text_regions.cells`; None where nobody looks or this install cannot tell."""
        if not self._afar:
            return None
        from docbin.zoo import text_regions

        return text_regions.cells(self._grey) if text_regions.available() else None

    @cached_property
    def shade(self) -> float:
        """Standard deviation of the paper's brightness over its mean."""
        import cv2

        grey = self.overview.grey
        small = area_means(grey, (max(1, grey.shape[0] // 16), max(1, grey.shape[1] // 16)))
        paper = cv2.dilate(small, np.ones((5, 5), np.uint8))
        return float(paper.std() / max(1.0, paper.mean()))


def packed(bits: Bits) -> Packed:
    """0 or 1 a pixel, (H, W), as eight pixels a byte, (H, W / 8), with their number: compared in an eighth of the memory."""
    words = np.packbits(bits, axis=1)
    return words, _count(words)


def grown(of: Packed, reach: int, width: int) -> Packed:
    """Packed pixels of a plane `width` pixels wide, and those within `reach` (1 to 7) of them along rows and columns: a dilation by a square."""
    height, stored = of[0].shape
    padded = np.zeros((height, -(-stored // 8) * 8), np.uint8)
    padded[:, :stored] = of[0]
    wide = padded.view(">u8").astype(np.uint64)  # the highest bit of a word is its leftmost pixel
    for step in _strides(reach):
        words = wide.copy()
        wide |= words << step
        wide |= words >> step
        wide[:, :-1] |= words[:, 1:] >> (64 - step)
        wide[:, 1:] |= words[:, :-1] << (64 - step)
    high = wide.astype(">u8").view(np.uint8)[:, :stored].copy()
    high[:, -1] &= 0xFF << (-width % 8) & 0xFF  # no pixels beyond the last column
    for step in _strides(reach):
        rows, kept = high.copy(), min(step, height)
        high[kept:] |= rows[: height - kept]
        high[: height - kept] |= rows[kept:]
    return high, _count(high)


def _strides(reach: int) -> list[int]:
    """Steps that add up to `reach`, each at most one more than those before it together, so that pixels grown by one after the other leave no gap."""
    steps: list[int] = []
    while reach > sum(steps):
        steps.append(min(sum(steps) + 1, reach - sum(steps)))
    return steps


def _count(words: Bits) -> int:
    line = words.ravel()
    whole = len(line) // 8 * 8
    return int(np.bitwise_count(line[:whole].view(np.uint64)).sum(dtype=np.int64)) + int(np.bitwise_count(line[whole:]).sum(dtype=np.int64))


def overlap(first: Packed, second: Packed) -> tuple[float, float]:
    """(share of `first` in `second`, share of `second` in `first`)."""
    both = _count(first[0] & second[0])
    return both / max(1, first[1]), both / max(1, second[1])
