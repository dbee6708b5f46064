"""What a caller in Python hands over as a page, as pixels: an array, a :class:`docbin.Page`, a Pillow image, a path.

An array and a Page cost nothing. A Pillow image of another mode than grey or RGB goes by the rules that its mode has in a file
(:mod:`docbin.files.modes`: 16 bits are scaled, alpha is laid on white); its pixels stay where they are, so that the ink fits the image that the
caller holds, even where EXIF says that a viewer would turn it. A path is taken where it is a :class:`pathlib.Path` and names a file of one page.
Text is not: ``binarize("sauvola", page)`` is a slip, not a file, and a book would silently lose all pages but one.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from docbin.errors import UsageError
from docbin.page import Image, Page, check_image

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

Given: TypeAlias = Union[Image, Page, "PillowImage", "os.PathLike[str]"]
"""What the public functions take as a page."""


def pixels_of(given: Given) -> Image:
    """The pixels of what was given, uint8 (H, W) or (H, W, 3).

    Parameters
    ----------
    given : uint8 array (H, W) or (H, W, 3), a :class:`docbin.Page`, a Pillow image, or the :class:`pathlib.Path` of a file with one page

    Raises
    ------
    TypeError, ValueError
        Anything else; the message says what was given and what is wanted.
    docbin.errors.UsageError
        The file has several pages.
    docbin.errors.InputError, docbin.errors.FileAccessError
        The file or the image cannot be read.
    """
    if isinstance(given, os.PathLike):
        return _only_page(given)
    pillow = sys.modules.get("PIL.Image")  # who holds a Pillow image has imported it
    if pillow is not None and isinstance(given, pillow.Image):
        return _pillow(given)
    return check_image(given)


def _only_page(path: os.PathLike[str]) -> Image:
    from pathlib import Path

    from docbin.files.pagefile import open_pages

    with open_pages(Path(path)) as file:
        if file.count != 1:
            raise UsageError(f"{file.name}: has {file.count} pages; take them one by one: for page in docbin.read_pages({file.name!r})")
        return file.page(1).pixels


def _pillow(image: Any) -> Image:
    from docbin.files.modes import Picture

    image.load()
    return check_image(Picture(image, "image").pixels())
