"""JPEG 2000 of more than 8 bits in colour or with alpha.

Pillow rounds such samples to 8 bits and lets the highest overflow: white paper comes out black, and opaque alpha transparent. So OpenCV decodes
them, all bits of them; that the code is whole, Pillow has found before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from docbin.page import Image

if TYPE_CHECKING:
    from PIL import Image as PillowImage

_SIZE_MARKER = b"\xff\x4f\xff\x51"
_SAMPLES_AT = 42
"""From the start of the code: bits of the first component, less one; the highest bit says signed (ITU-T T.800, A.5.1)."""


def depth_of(data: bytes) -> int:
    """Bits a sample of JPEG 2000 code, of a file or bare; 8 where it does not say."""
    start = data.find(_SIZE_MARKER)
    return 8 if start < 0 or start + _SAMPLES_AT >= len(data) else (data[start + _SAMPLES_AT] & 0x7F) + 1


def is_deep(image: PillowImage.Image, data: bytes) -> bool:
    """Whether Pillow's pixels of a JPEG 2000 file cannot be trusted."""
    return len(image.getbands()) > 1 and depth_of(data) > 8


def pixels_of(data: bytes) -> Image:
    """The pixels, uint8 (H, W, 3) or (H, W, 4): the high 8 bits of each sample.

    Raises
    ------
    ValueError
        OpenCV decodes no such kind (two components: grey with alpha).
    """
    import cv2

    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # it warns of code without a colour space, which is no fault
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if decoded is None or decoded.ndim != 3 or decoded.shape[2] not in (3, 4) or decoded.dtype != np.uint16:
        raise ValueError("unsupported: JPEG 2000 of more than 8 bits in two components or in other colours")
    high: Image = (decoded >> (depth_of(data) - 8)).astype(np.uint8)
    return np.ascontiguousarray(high[..., [2, 1, 0, 3][: high.shape[2]]])
