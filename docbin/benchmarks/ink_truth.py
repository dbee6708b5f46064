"""Truth files of binarization: which pixels of a page are ink."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from docbin.errors import InputError
from docbin.page import Image, Mask, to_grey

SOFT, PHOTOGRAPH = 0.02, 0.2
"""Shares of pixels that are neither black nor white (grey levels 16 to 239): above the first a picture is named, above the second it is refused.

A mask of two values has none, one with smoothed or JPEG edges 2 to 15 percent; of a scan nearly all pixels are grey."""


def read_picture(path: str | os.PathLike[str]) -> Image:
    """Pixels of a picture, uint8 (H, W) or (H, W, 3), by the one rule per pixel mode of :mod:`docbin.files`.

    Of an OpenRaster file (``docbin binarize --editable``), its layer "page".

    Raises
    ------
    FileAccessError
        The file is missing or may not be read.
    InputError
        It is no picture that can be decoded, is over the pixel limit, or has several pages: those behind the first would be left out.
    """
    from docbin import files

    if Path(path).suffix.lower() == ".ora":
        from docbin.files.open_raster import read_page_layer

        return read_page_layer(Path(path)).pixels
    with files.open_pages(Path(path)) as opened:
        if opened.count > 1:
            raise InputError(f"{path}: has {opened.count} pages; write each into a file of its own")
        return opened.page(1).pixels


def truth_mask(path: str | os.PathLike[str], polarity: str = "black", warn: Callable[[str], None] | None = None) -> Mask:
    """Ink mask of a truth (or result) file, bool (H, W): ink where the grey value is below 128.

    Colour truths are made grey first, alpha is laid on white, and pictures whose values are 0 and 1 only (as some archives store them) are
    read as 0 and 255. Of an OpenRaster file it is the layer "ink", whatever the polarity.

    Parameters
    ----------
    path : picture file
    polarity : colour of ink in the file, "black" or "white"
    warn : is told of a picture with greys between, of a share above ``SOFT``

    Raises
    ------
    FileAccessError, InputError
        As :func:`read_picture`; a grey photograph is no truth.
    """
    if Path(path).suffix.lower() == ".ora":
        from docbin.files.open_raster import read_ink_layer

        return read_ink_layer(Path(path))
    grey = to_grey(read_picture(path))
    share = grey_share(grey)
    if share > PHOTOGRAPH:
        raise InputError(
            f"{path}: {100 * share:.0f} % of its pixels are neither black nor white: this is no mask of ink but a grey picture; a mask is black "
            "where ink is and white elsewhere, as 'docbin binarize' writes it"
        )
    if share > SOFT and warn is not None:
        warn(f"{path}: {100 * share:.0f} % of its pixels are neither black nor white; what is darker than 128 was taken for ink")
    ink = ink_of_truth(grey)
    return ~ink if polarity == "white" else ink


def grey_share(grey: Image) -> float:
    """Share of pixels that are neither black nor white, 0..1; a picture of two values at most has none, whatever they are."""
    counts = np.bincount(grey.ravel(), minlength=256)
    return 0.0 if np.count_nonzero(counts) <= 2 else float(counts[16:240].sum() / max(grey.size, 1))


MOSTLY_INK = "more than half of it is ink, which is black in a truth; invert it if it is white on black"
"""What is said of a truth that is :func:`inverted`."""


def inverted(truth: Mask) -> bool:
    """Whether a truth is most likely white on black: nobody writes more than half of a page full."""
    return bool(truth.mean() > 0.5)


def ink_of_truth(grey: Image) -> Mask:
    """The dark pixels of a truth that was read, grey (H, W): below 128, or 0 where there is nothing but 0 and 1."""
    return grey < (1 if grey.max() <= 1 else 128)
