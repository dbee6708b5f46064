"""Reasons to look at a result again, in plain words.

A blank page is legitimately blank, and a photograph is no page of text, so these are remarks for a person, not errors. The first four follow from
the page and its ink alone: their thresholds stand far outside what pages of text show (the truths of 154 benchmark pages, DIBCO 2009 to 2017,
PHIBD, Bickley and S-MS, hold 1.6 to 22 % ink and no black margin, and their scans span 34 grey levels or more). The others follow from what is
foretold (:mod:`docbin.assessment.foretold`) and its fitted bounds.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from docbin.assessment.features import Measured
from docbin.assessment.foretold import Foretold
from docbin.assessment.pictures import pictures
from docbin.assessment.ruled_lines import rules
from docbin.assessment.signs import Signs
from docbin.assessment.unread_writing import unread
from docbin.kernels import document
from docbin.kernels.order_statistics import median
from docbin.kernels.pieces import AREA, BOTTOM, LEFT, RIGHT, TOP, pieces
from docbin.page import Image, Mask

HARDLY_ANY_INK = 0.0005
"""Share of ink below which a page counts as nearly empty; a lone page number at 300 dpi is about 0.0002, a short title 0.002."""
NEARLY_ALL_INK = 0.5
"""Share of ink above which the page is more ink than paper: inverted, far too dark, or a photograph."""
BLACK_MARGIN = 0.05
"""Share of the page that lies in all-black margins, above which a scanner's border (or the table under the page) was taken for ink."""
MARGIN_LINE = 0.95
"""A row or column belongs to a black margin while this share of it is ink."""
LOW_CONTRAST = 24
"""Grey levels between the darkest and the lightest thousandth of the page, below which there may be nothing to separate. Ink of less than two
thousandths (a lone title) counts by its darker half, for a thousandth would pass it over."""
LEAST_PIXELS = 20_000
"""Pages smaller than this (a word or two) hold too little to say more of."""
LOW = 80.0
"""Expected F-measure, in percent, below which a result is a reason by itself."""
_TAIL = 0.001

READ_AGAIN = "pale lines were read by a second look"
"""How the reason begins that :mod:`docbin.second_look` gives."""
GRAVE = ("hardly any ink", "mostly ink", "black border", "low contrast", "much that looks like writing was left out", READ_AGAIN)
"""How the reasons begin for which somebody who keeps no original should keep it."""
LEAST_LEFT = 0.03
"""Pixels off the ink half as dark as it, over the ink: with fewer there is nothing to point at. Results that lack a tenth have 0.07 or more."""
FEWEST_PALE = 8
"""Pale strokes off the ink from which they are a reason: a word. Lids, rules and stains leave a few."""
SPECKLED = 0.1
"""Share of the ink in specks from which they are a reason by themselves; one in a thousand good results of the training pages has more."""

RULES_IN_PIECES = 2.0
"""Length of thin ruled lines that are drawn in pieces, over the page's longer side, from which they are a reason. Pages without
rules have 1.1 or less (long strokes, folds, the edge of the sheet), a table of five lines has 3."""

# Which sentence is told of ink that is no writing: the feature's share above which it applies, strongest first.
SPECKS, DOTS, EDGE, PATCHES, BACK = 0.04, 0.1, 0.1, 0.1, 0.25
STROKES = {
    "broken": "strokes broken: more pieces than there should be",
    "joined": "strokes grown together: fewer pieces than there should be",
    "thick": "strokes too thick",
    "thin": "strokes too thin",
}
"""Of failures of which there is nothing to count."""


def without_ink(page: Signs) -> tuple[float, list[str]]:
    """Value (0..1) and reasons for a result without any ink: right on a blank page, worthless on another."""
    strokes = writing_on(page)
    if strokes >= 3:
        return 0.0, [
            f"hardly any ink (0.000% of the page), though the page holds what looks like writing: {strokes:,} strokes",
            *_flat(page, 0.0),
        ]
    return 1.0, ["hardly any ink (0.000% of the page): a blank page", *_flat(page, 0.0)]


def writing_on(page: Signs) -> int:
    """Pieces of a page that look like strokes whatever any method says: clearly darker than paper, thin, and larger than a dot."""
    import cv2

    view = page.overview
    noise = median(view.slope[::4, ::4]) / 2
    bits = cv2.threshold(view.depth, max(24.0, 8 * noise, 0.4 * page.level), 1, cv2.THRESH_BINARY)[1]
    table = pieces(np.asarray(bits, np.uint8))
    high, wide = table[:, BOTTOM] - table[:, TOP], table[:, RIGHT] - table[:, LEFT]
    height, width = view.grey.shape
    like = (table[:, AREA] >= 12) & (np.maximum(high, wide) >= 6) & (high < 0.5 * height) & (wide < 0.5 * width)
    return int(np.count_nonzero(like & (table[:, AREA] < 12 * np.hypot(high, wide))))


def tell(page: Signs, ink: Mask, measured: Measured, said: Foretold, bounds: Mapping[str, float]) -> list[str]:
    """The reasons for a result with ink, the weightiest first; empty where it looks like a page."""
    reasons = []
    share = np.count_nonzero(ink) / ink.size
    if share < HARDLY_ANY_INK:
        strokes = writing_on(page)
        lost = (
            f", though the page holds what looks like writing: {strokes:,} strokes" if strokes >= 12 else ": blank, or the writing is lost"
        )
        return [f"hardly any ink ({share:.3%} of the page){lost}", *_flat(page, share)]
    if share > NEARLY_ALL_INK:
        return [f"mostly ink ({share:.0%} of the page): white on black, too dark, or no page of text", *_flat(page, share)]
    margin = black_margin(ink)
    if margin > BLACK_MARGIN:
        reasons.append(f"black border ({margin:.0%} of the page): crop the scan or choose a local method")
    reasons += _flat(page, share)
    if ink.size < LEAST_PIXELS:
        return reasons
    there = {name for name, odds in said.failures.items() if odds > bounds[name]}
    pale = "pale" in there and measured.counts["pale_strokes"] >= FEWEST_PALE
    if pale or ("missed" in there and measured.features["left_ink_half"] > LEAST_LEFT):
        reasons.append(_left_out(measured, pale))
    elif measured.counts["lost_lines"]:
        reasons.append(_lines_left_out(measured))
    elif told := unread(page, ink):
        reasons.append(
            f"much that looks like writing was left out: {told.share:.1%} of the page, between rows {told.top:,} and {told.bottom:,} of its pixels, "
            "where a look from further away sees writing and there is no ink"
        )
    if ("junk" in there or measured.features["specks_area"] > SPECKLED) and not margin > BLACK_MARGIN:
        reasons.append(_no_writing(measured))
    reasons += [sentence for name, sentence in STROKES.items() if name in there]
    ruled = rules(page, ink)
    if ruled.length > RULES_IN_PIECES * max(page.overview.grey.shape):
        reasons.append(f"thin ruled lines in pieces: {ruled.in_pieces} of {ruled.lines}, of which {ruled.drawn:.0%} is drawn")
    seen = pictures(page, ink)
    if seen.number:
        reasons.append(
            f"picture on the page ({seen.share:.0%} of it), of which {seen.ink:.0%} is ink: outlines and patches; --layers keeps its greys"
        )
    if said.fm < LOW and not reasons:
        reasons.append(f"the result as a whole looks poor: an F-measure of about {said.fm:.0f} of 100 is to be expected")
    return reasons


def _flat(page: Signs, share: float) -> list[str]:
    """The remark on a page of few grey levels; `share` of it is ink."""
    span = contrast(page.overview.grey, min(_TAIL, share / 2) if share else _TAIL)
    return [f"low contrast (the page spans {span} of 255 grey levels)"] if span < LOW_CONTRAST else []


def _left_out(measured: Measured, pale: bool) -> str:
    """What was left out: strokes as dark as the ink and as sharp, or all that stand out, where there are none of those or of `pale` ones is told."""
    told = "much that looks like writing was left out"
    strokes, lines = int(measured.counts["left_strokes"]), int(measured.counts["left_lines"])
    if strokes >= 2 and not pale:
        deepest = measured.counts["left_deepest"]
        return f"{told}: {strokes:,} strokes of {lines} line{'s' * (lines != 1)}, the darkest {deepest:.1f} times as dark as the ink"
    strokes = int(measured.counts["pale_strokes"])
    if strokes < 2:
        return told
    return f"{told}: {strokes:,} pale strokes, most of them {measured.features['pale_left_depth']:.1f} times as dark as the ink"


def _lines_left_out(measured: Measured) -> str:
    """Whole lines that were left out: little beside the page's ink, or pale, but lines."""
    lines, strokes, depth = (measured.counts[f"lost_{what}"] for what in ("lines", "strokes", "depth"))
    return (
        f"much that looks like writing was left out: {strokes:,.0f} strokes in {lines:,.0f} row{'s' * (lines != 1)} where there is no ink, "
        f"most of them {depth:.1f} times as dark as the ink"
    )


def _no_writing(measured: Measured) -> str:
    """What kind of ink is no writing."""
    found = measured.features
    kinds = {
        "specks": found["small_area"] / SPECKS,
        "dots": found["halftone"] / DOTS,
        "edge": found["border"] / EDGE,
        "patches": found["wide_area"] / PATCHES,
        "back": found["palish_area"] / BACK if found["depth_high"] > 0.7 else 0.0,
    }
    strongest = max(kinds, key=lambda kind: kinds[kind])
    if kinds[strongest] < 1:
        return "much of the ink does not look like writing"
    return {
        "specks": f"specks: {measured.counts['specks']:,.0f} pieces under 6 pixels, of {measured.counts['pieces']:,.0f}",
        "dots": f"picture or halftone in the ink: {found['halftone']:.0%} of it lies in fields of dots",
        "edge": f"dark edge of the page in the ink: {found['border']:.0%} of it",
        "patches": f"picture, stain or shadow in the ink: {found['wide_area']:.0%} of it is wider than strokes are",
        "back": f"the back shines through and was kept, or paper was: {found['palish_area']:.0%} of the ink is half as dark as its strokes or less",
    }[strongest]


def black_margin(mask: Mask) -> float:
    """Share of the page in margins that are black from edge to edge, counted inwards from each side."""
    import cv2

    height, width = mask.shape
    ones = np.ascontiguousarray(mask).view(np.uint8)  # OpenCV sums a page's lines in a fifth of NumPy's time
    rows = cv2.reduce(ones, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() >= MARGIN_LINE * width
    columns = cv2.reduce(ones, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() >= MARGIN_LINE * height
    clear_height = height - min(height, _run(rows) + _run(rows[::-1]))
    clear_width = width - min(width, _run(columns) + _run(columns[::-1]))
    return float(1.0 - clear_height * clear_width / (height * width))


def _run(flags: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    """Length of the run of True at the start."""
    return len(flags) if flags.all() else int(np.argmin(flags))


def contrast(grey: Image, darkest_share: float = _TAIL) -> int:
    """Grey levels between the darkest `darkest_share` and the lightest thousandth of the pixels, uint8 (H, W)."""
    shares = np.cumsum(document.histogram(grey).astype(np.float32)) / grey.size
    darkest, lightest = np.searchsorted(shares, [darkest_share, 1.0 - _TAIL])
    return int(lightest) - int(darkest)
