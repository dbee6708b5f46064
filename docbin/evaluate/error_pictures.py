"""Error pictures of masks: what a method missed, and what it took for ink.

Missed ink is blue, false ink vermilion, right ink grey: two colours of Okabe and Ito's palette, which people with any of the usual colour vision
deficiencies tell apart, and which differ in lightness as well.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from docbin.errors import FileAccessError
from docbin.page import Image, Mask

PAPER, RIGHT, MISSED, FALSE = (255, 255, 255), (150, 150, 150), (0, 90, 181), (213, 94, 0)
"""Colours of the error picture, RGB."""


def error_picture(prediction: Mask, truth: Mask) -> Image:
    """RGB (H, W, 3): paper white, right ink grey, missed ink blue, false ink vermilion."""
    return np.array([PAPER, FALSE, MISSED, RIGHT], np.uint8)[truth * np.uint8(2) + prediction]


def write_pictures(folder: Path, name: str, image: Image, prediction: Mask, truth: Mask) -> None:
    """Write ``NAME-page.webp``, ``NAME-truth.png``, ``NAME-result.png`` (1 bit) and ``NAME-errors.png`` (palette) into `folder`.

    Raises
    ------
    FileAccessError
        The folder cannot be written.
    """
    from PIL import Image as Pictures

    errors = Pictures.fromarray(truth * np.uint8(2) + prediction).convert("P")
    errors.putpalette([value for colour in (PAPER, FALSE, MISSED, RIGHT) for value in colour])
    try:
        Pictures.fromarray(image).save(folder / f"{name}-page.webp", quality=85)
        Pictures.fromarray(~truth).save(folder / f"{name}-truth.png")
        Pictures.fromarray(~prediction).save(folder / f"{name}-result.png")
        errors.save(folder / f"{name}-errors.png", bits=2)
    except OSError as error:
        raise FileAccessError(f"{folder}: the pictures of {name} cannot be written ({error.strerror or error})") from None
