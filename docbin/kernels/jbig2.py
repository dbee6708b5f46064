"""Lossless JBIG2: the arithmetic code of a bitmap, at the level in force. What stands around it in a file is in :mod:`docbin.pdf.jbig2`."""

from __future__ import annotations

import numpy as np

from docbin import kernels
from docbin.kernels import reference_jbig2
from docbin.page import Mask


def generic_region(mask: Mask, *, typical: bool = True) -> bytes:
    """Code a bitmap as a generic region of ITU-T T.88 (arithmetic code, template 0, nominal adaptive pixels), its end marker included.

    Parameters
    ----------
    mask : bool (H, W), True = ink, which is coded as black
    typical : a row that equals the one above is one decision (TPGDON); the other rows then take one more
    """
    if kernels.compiled():
        rows = np.packbits(mask, axis=1)
        return bytes(kernels._core.jbig2_generic_region(rows, mask.shape[1], typical))
    return reference_jbig2.generic_region(mask, typical=typical)
