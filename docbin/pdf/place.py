"""Where the ink of a scanned page goes when its pictures are replaced: plain data that travels from the process that reads to the one that writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Pixels = TypeVar("Pixels", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Place:
    """A scanned page's picture.

    Attributes
    ----------
    picture : which of the pictures that the page draws (from 0, in order) is the scan; None where it is made of several, or of masks: then one
        picture over the page's `box` takes the place of all
    orientation : how the stored picture lies on the upright page, 1 to 8 as :mod:`docbin.files.orientation` counts
    box : left, bottom, right, top of the page in its own coordinates
    inline : pictures stand within the page's content streams and have to be taken out of them
    """

    picture: int | None
    orientation: int
    box: tuple[float, float, float, float]
    inline: bool = False


def stored(upright: NDArray[Pixels], orientation: int) -> NDArray[Pixels]:
    """Pixels of an upright page as its picture stores them: the inverse of :func:`docbin.files.orientation.upright`."""
    if orientation in (2, 3, 6, 7):
        upright = upright[:, ::-1]
    if orientation in (3, 4, 7, 8):
        upright = upright[::-1]
    if orientation in (5, 6, 7, 8):
        upright = upright.swapaxes(0, 1)
    return np.ascontiguousarray(upright)
