"""The image contract, written once.

* A page's pixels are ``uint8``: ``(H, W)`` grey or ``(H, W, 3)`` RGB, row-major, 0 = black, 255 = white.
* An ink mask is ``bool`` ``(H, W)``: True = ink. On disk ink is black (0), paper white.
* A threshold map is ``float32`` ``(H, W)`` on the grey scale 0..255; a pixel is ink where ``grey <= threshold``.
* A probability map is ``float32`` ``(H, W)`` in 0..1, the probability of ink.

No function rescales silently; whatever does not fit is refused by :func:`check_image` or :func:`check_mask` with a message that says what came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
FloatMap = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its pixels, and what must survive the trip from file to file.

    Attributes
    ----------
    pixels : uint8 array (H, W) or (H, W, 3)
    dpi : (horizontal, vertical) dots per inch, or None where the file does not say
    source : the file's name as the user gave it ("-" for stdin)
    number : page number within the file, from 1
    count : pages in the file, None where not known before reading
    notes : what the reader had to do or leave out, in plain words (orientation applied, alpha laid on white, ...)
    """

    pixels: Image
    dpi: tuple[float, float] | None = None
    source: str = ""
    number: int = 1
    count: int | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        """How messages call this page: "scan.tif" or "page 3 of scan.tif"."""
        return self.source if self.count == 1 else f"page {self.number} of {self.source}"


def check_image(image: Any) -> Image:
    """Return `image`, or the pixels of a :class:`Page`, if they keep the contract (uint8, (H, W) or (H, W, 3), not empty).

    Raises
    ------
    TypeError
        Neither a Page nor a NumPy array, or not uint8.
    ValueError
        Wrong number of axes or channels, or a side of 0.
    """
    if isinstance(image, Page):
        image = image.pixels
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"image: a NumPy uint8 array or a docbin.Page is wanted, got {type(image).__name__}; docbin.read_pages(path) gives a file's pages"
        )
    if image.dtype != np.uint8:
        raise TypeError(f"image: uint8 pixels 0..255 are wanted, got {image.dtype}; scale them first (docbin never rescales silently)")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"image: shape (H, W) or (H, W, 3) is wanted, got {image.shape}")
    if image.shape[0] == 0 or image.shape[1] == 0:
        raise ValueError(f"image: at least one pixel is wanted, got shape {image.shape}")
    return image


def check_mask(mask: Any, name: str = "mask") -> Mask:
    """Return `mask` if it is a bool array (H, W); raise TypeError or ValueError that says what came instead."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        came = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
        raise TypeError(f"{name}: a bool array is wanted (True = ink), got {came}")
    if mask.ndim != 2 or 0 in mask.shape:
        raise ValueError(f"{name}: shape (H, W) with at least one pixel is wanted, got {mask.shape}")
    return mask


def to_grey(image: Image | Page) -> Image:
    """Grey (H, W) of a page by ITU-R BT.601 luma (0.299 R + 0.587 G + 0.114 B, OpenCV's fixed point); a grey page is returned as it is."""
    image = check_image(image)
    if image.ndim == 2:
        return image
    import cv2

    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
