"""Error pictures of masks: what a method missed, and what it took for ink.

Missed ink is blue, false ink vermilion, right ink grey: two colours of Okabe and Ito's palette, which people with any of the usual colour vision
deficiencies tell apart, and which differ in lightness as well.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from docbin.files.atomic import write_whole
from docbin.page import Image, Mask

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

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
    save_picture(Pictures.fromarray(image), folder / f"{name}-page.webp", quality=85)
    save_picture(Pictures.fromarray(~truth), folder / f"{name}-truth.png")
    save_picture(Pictures.fromarray(~prediction), folder / f"{name}-result.png")
    save_picture(errors, folder / f"{name}-errors.png", bits=2)


def save_picture(picture: Picture, path: Path, **options: Any) -> None:
    """Write a picture in the format of its suffix, whole or not at all; FileAccessError where it cannot be."""
    from PIL.Image import registered_extensions

    coded = io.BytesIO()
    picture.save(coded, registered_extensions()[path.suffix], **options)
    write_whole(path, coded.getvalue())
