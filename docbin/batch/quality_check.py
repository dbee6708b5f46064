"""Does the result look wrong? A page is marked *suspect*, with reasons; it is never dropped, and never changed.

A blank page is legitimately blank, so these are questions for a person, not errors. Each threshold is a share of the page's pixels (or a span of
grey levels) and stands far outside what pages of text show: the truths of 154 benchmark pages (DIBCO 2009 to 2017, PHIBD, Bickley, S-MS) hold 1.6 to
22 % ink and no black margin, and their scans span 34 grey levels or more. No truth is marked; of the results on the darkened S-MS pages, a third is.
"""

from __future__ import annotations

import numpy as np

from docbin.page import Image, Mask, to_grey

HARDLY_ANY_INK = 0.0005
"""Share of ink below which a page counts as nearly empty; a lone page number at 300 dpi is about 0.0002, a short title 0.002."""

NEARLY_ALL_INK = 0.5
"""Share of ink above which the page is more ink than paper: inverted, far too dark, or a photograph."""

BLACK_MARGIN = 0.05
"""Share of the page that lies in all-black margins, above which a scanner's border (or the table under the page) was taken for ink."""

MARGIN_LINE = 0.95
"""A row or column belongs to a black margin while this share of it is ink."""

LOW_CONTRAST = 24
"""Grey levels between the darkest and the lightest thousandth of the page, below which there may be nothing to separate."""

_TAIL = 0.001


def suspicions(image: Image, mask: Mask) -> list[str]:
    """Reasons to look at a page again, in words; empty where it looks like a page.

    Parameters
    ----------
    image : uint8 array (H, W) or (H, W, 3), the page
    mask : bool array (H, W), True = ink
    """
    reasons = []
    ink = np.count_nonzero(mask) / mask.size
    if ink < HARDLY_ANY_INK:
        reasons.append(f"hardly any ink ({ink:.3%} of the page): blank, or the writing is lost")
    if ink > NEARLY_ALL_INK:
        reasons.append(f"mostly ink ({ink:.0%} of the page): inverted, too dark, or no page of text")
    margin = black_margin(mask)
    if margin > BLACK_MARGIN and ink <= NEARLY_ALL_INK:
        reasons.append(f"black border ({margin:.0%} of the page): crop the scan or choose a local method")
    span = contrast(image)
    if span < LOW_CONTRAST:
        reasons.append(f"low contrast (the page spans {span} of 255 grey levels)")
    return reasons


def black_margin(mask: Mask) -> float:
    """Share of the page in margins that are black from edge to edge, counted inwards from each side."""
    height, width = mask.shape
    rows = np.count_nonzero(mask, axis=1) >= MARGIN_LINE * width
    columns = np.count_nonzero(mask, axis=0) >= MARGIN_LINE * height
    clear_height = height - min(height, _run(rows) + _run(rows[::-1]))
    clear_width = width - min(width, _run(columns) + _run(columns[::-1]))
    return float(1.0 - clear_height * clear_width / (height * width))


def _run(flags: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    """Length of the run of True at the start."""
    return len(flags) if flags.all() else int(np.argmin(flags))


def contrast(image: Image) -> int:
    """Grey levels between the darkest and the lightest thousandth of the pixels."""
    import cv2

    grey = to_grey(image)
    histogram = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel()
    shares = np.cumsum(histogram) / grey.size
    darkest, lightest = np.searchsorted(shares, [_TAIL, 1.0 - _TAIL])
    return int(lightest) - int(darkest)
