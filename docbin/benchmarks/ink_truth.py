"""Truth files of binarization: which pixels of a page are ink."""

from __future__ import annotations

import os
from pathlib import Path

from docbin.page import Image, Mask, to_grey


def read_picture(path: str | os.PathLike[str]) -> Image:
    """Pixels of a picture (of its first page), uint8 (H, W) or (H, W, 3), by the one rule per pixel mode of :mod:`docbin.files`.

    Of an OpenRaster file (``docbin binarize --editable``), its layer "page".

    Raises
    ------
    FileAccessError
        The file is missing or may not be read.
    InputError
        It is no picture that can be decoded, or is over the pixel limit.
    """
    from docbin import files

    if Path(path).suffix.lower() == ".ora":
        from docbin.files.open_raster import read_page_layer

        return read_page_layer(Path(path)).pixels
    return next(iter(files.read_pages(Path(path), pages=[1]))).pixels


def truth_mask(path: str | os.PathLike[str], polarity: str = "black") -> Mask:
    """Ink mask of a truth (or result) file, bool (H, W): ink where the grey value is below 128.

    Colour truths are made grey first, alpha is laid on white, and pictures whose values are 0 and 1 only (as some archives store them) are
    read as 0 and 255. Of an OpenRaster file it is the layer "ink", whatever the polarity.

    Parameters
    ----------
    path : picture file
    polarity : colour of ink in the file, "black" or "white"

    Raises
    ------
    FileAccessError, InputError
        As :func:`read_picture`.
    """
    if Path(path).suffix.lower() == ".ora":
        from docbin.files.open_raster import read_ink_layer

        return read_ink_layer(Path(path))
    ink = ink_of_truth(to_grey(read_picture(path)))
    return ~ink if polarity == "white" else ink


def ink_of_truth(grey: Image) -> Mask:
    """The dark pixels of a truth that was read, grey (H, W): below 128, or 0 where there is nothing but 0 and 1."""
    return grey < (1 if grey.max() <= 1 else 128)
