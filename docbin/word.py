"""Pictures of words: what every source of scene text hands to a training or an evaluation.

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
"""float32 (n, 2), n >= 3: x, y in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One word of a picture.

    Attributes
    ----------
    polygon : float32 (n, 2), its outline; see the module's docstring
    text : what it says; "" where nobody knows
    ignore : neither to be found nor to be called wrong when found: illegible, too small, mostly outside
    """

    polygon: Polygon
    text: str = ""
    ignore: bool = False


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
