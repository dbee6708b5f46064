"""A word in a picture, found or known: what a detector gives, what truth files hold, and what every source of scene text hands to a training.

A word's outline is a polygon in pixels, clockwise as one sees it, beginning at the corner where reading begins; straight words have four corners,
curved ones an even number, first along the top from left to right, then along the bottom back. Pixel (row 0, column 0) covers x 0..1, y 0..1.
Outlines may reach beyond the picture's edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image

Polygon = NDArray[np.float32]
"""float32 (n, 2), n >= 3: x, y in pixels of the picture, clockwise as one sees it; pixel (row 0, column 0) covers x 0..1, y 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One word of a picture.

    Attributes
    ----------
    polygon : float32 (n, 2), its outline: x and y in pixels, clockwise as one sees it, from the corner where reading begins; pixel (0, 0) covers 0..1
    text : what it says; "" where nobody knows
    ignore : neither to be found nor to be called wrong when found: illegible, too small, mostly outside
    score : of a found word, mean probability within the region's kernel, 0..1
    """

    polygon: Polygon
    text: str = ""
    ignore: bool = False
    score: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class WordImage:
    """A picture, uint8 (H, W, 3) RGB, with its words."""

    image: Image
    words: tuple[Word, ...]


class WordSource(Protocol):
    """Anything that makes picture number `index`."""

    def sample(self, index: int) -> WordImage:
        """Picture number `index` >= 0 with its words, a pure function of (seed, index)."""
        ...
