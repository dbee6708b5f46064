"""What is measured of a page and its ink, without a truth: numbers that tell a good result from a bad one.

A page is looked at twice (:mod:`docbin.assessment.signs`). The *overview* is the whole page, made smaller where it is large: is there writing
that the ink lacks, ink that is no writing, and do cheap methods of other kinds agree? The *detail* is bands of it in full size: specks, holes,
and where the strokes' edges lie. Everything is a share or a ratio (of the ink, of the page's ink level, of the stroke width), so that no number
depends on the page's size, and one table, NAMES, says what each is.

Depths are those of :mod:`docbin.kernels.depth`: grey below the paper around, so shade and stains divide out; the *ink level* is the depth of the
page's dark strokes, found without looking at the ink that is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from docbin.assessment.lost_lines import numbers_of, rows_lost
from docbin.assessment.pale_writing import off_ink, strokes_off
from docbin.assessment.signs import OTHERS, Bits, Packed, Signs, View, grown, overlap, packed
from docbin.kernels import document
from docbin.kernels.area_means import area_means
from docbin.kernels.order_statistics import median
from docbin.kernels.pieces import AREA, BOTTOM, DEPTH, LEFT, RIGHT, SLOPE, TOP, pieces
from docbin.kernels.zone_counts import zone_counts
from docbin.page import Mask

CELL = 96
"""Side of the cells in which agreement is compared from place to place, pixels of the overview."""
FAINT = 0.3
"""Share of the ink level from which a pixel outside the ink counts as a sign of writing."""
SMALL = 6
"""Pixels; a piece of ink below is a speck, a piece of paper inside ink below is a pinhole."""

Table = NDArray[np.int64]

NAMES: Mapping[str, str] = {
    # --- the page itself: how hard it is
    "level": "the page's ink level, grey levels below paper",
    "noise": "mean difference of neighbouring pixels of paper, over the ink level",
    "parted": "share of the depths' variance that lies between Otsu's two classes, 0..1",
    "middle": "pixels between a quarter and three quarters of the ink level, over pixels above",
    "shade": "standard deviation of the paper's brightness over its mean",
    "otsu_sauvola": "F-measure of Otsu's ink on the flattened page against Sauvola's, 0..1",
    "otsu_su": "the same against Su's",
    "sauvola_su": "the same, Sauvola's against Su's",
    "steep": "slope at the ink's edge over the ink level, 1 / pixels",
    # --- agreement of the ink with cheap methods of other kinds
    "share": "share of ink, 0..1",
    **{
        f"{name}_{what}": f"{text} {method}'s ink, 0..1"
        for name, method in (("otsu", "Otsu"), ("sauvola", "Sauvola"), ("su", "Su"))
        for what, text in (
            ("precision", "share of the ink that is in"),
            ("recall", "share in the ink of"),
            ("near_precision", "share of the ink within a pixel of"),
            ("near_recall", "share within a pixel of the ink of"),
        )
    },
    "most_precision": "share of the ink that two of the three take, 0..1",
    "most_recall": "share in the ink of what two of the three take",
    "all_recall": "share in the ink of what all three take",
    "any_precision": "share of the ink that any of the three takes",
    # the same as docbin.train.verdict_cases says of a truth, with what cheap methods take in its place
    **{
        f"{name}_{what}": text.format(whose)
        for name, whose in (
            ("any", "what any of the three takes"),
            ("most", "what two of them take"),
            ("all", "what all of them take"),
            ("otsu", "Otsu's ink"),
            ("sauvola", "Sauvola's ink"),
            ("su", "Su's ink"),
        )
        for what, text in (
            ("far", "share of the ink more than three pixels from {}, 0..1"),
            ("lost", "share more than three pixels from the ink of {}, 0..1"),
            ("weight", "logarithm of the ink within three pixels of it, over as much of {}"),
        )
    },
    "f_best": "the ink's F-measure against that of the three which is most like it, 0..1",
    "f_middle": "the same, the second",
    "f_worst": "the same, the least like it",
    "near_f_best": "f_best of the shares within a pixel",
    "near_f_middle": "f_middle of them",
    "near_f_worst": "f_worst of them",
    "f_over": "mean of the ink's F-measures against the three, less the mean of theirs against each other",
    "f_over_best": "f_middle less the best of theirs against each other",
    "near_precision_best": "best of the near precisions, 0..1",
    "near_precision_middle": "the second of them",
    "near_recall_best": "best of the near recalls, 0..1",
    "near_recall_middle": "the second of them",
    "near_recall_worst": "the worst of them",
    "agree_worst": "agreement with Su's ink (F-measure) in the tenth worst cell, by ink, 0..1",
    "agree_median": "the same in the median cell",
    "agree_spread": "standard deviation of the same over the cells",
    # --- signs of writing that the ink lacks
    "left_faint": "pixels off the ink deeper than 0.3 of the ink level, over the ink",
    "left_middle": "the same deeper than 0.5",
    "left_dark": "the same deeper than 0.7",
    "left_darkest": "the same deeper than 0.9",
    "left_ink_half": "pixels off the ink deeper than half the ink's own median depth, over the ink",
    "left_ink_full": "the same, deeper than all of it",
    "left_strokes": "pixels of pieces off the ink that are shaped like strokes, over the ink",
    "left_dark_strokes": "the same of those deeper than 0.6 of the ink level",
    "left_sharp_strokes": "the same of those as sharp as the ink",
    "left_dark_sharp_strokes": "the same of those that are both",
    "left_count": "pieces off the ink shaped like strokes and as dark, over pieces of ink",
    "left_sharpness": "slope over depth of the pieces off the ink, over that of the ink",
    "left_deepest": "depth that a hundredth of the ink's area of pixels off the ink exceeds, over the ink level",
    "left_cells": "share of cells that hold dark sharp strokes off the ink, of cells with ink or such",
    "empty_cells": "dark sharp strokes in cells with hardly any ink, over the ink",
    # --- pale writing off the ink (docbin.assessment.pale_writing)
    "page_pale_area": "area of the page's pale strokes over that of its dark ones, whatever the ink",
    "page_pale_count": "their number over that of the dark ones",
    "page_pale_sharpness": "sharpness of the pale strokes over that of dark ones of their width, 0: too few of either",
    "page_pale_slope": "slope over depth of the pale strokes over that of dark ones of their width, 0: too few",
    "pale_left": "pixels of strokes off the ink that stand out from the noise, however pale, over the ink",
    "pale_left_sharp": "the same of those as sharp as ink of their width",
    "pale_left_steep": "the same of those whose slope over depth is that of ink of their width",
    "pale_left_count": "their number over pieces of ink",
    "pale_left_sharpness": "their median sharpness over that of ink of their width",
    "pale_left_slope": "their median slope over depth over that of ink of their width",
    "pale_left_depth": "their median depth over that of the ink",
    "pale_left_apart": "share of them, by area, in cells with hardly any ink",
    "pale_left_cells": "share of cells that hold them and hardly any ink, of cells with either",
    "pale_left_any": "share of the pixels off the ink so deep that any of the three cheap methods takes, 0..1",
    "pale_left_sauvola": "those of them that Sauvola's takes, over the ink",
    # --- ink without signs of writing
    "depth_ink": "median depth of the ink, over the ink level",
    "depth_low": "depth that a tenth of the ink is below, over the ink level",
    "depth_high": "depth that a tenth of the ink is above, over the ink level",
    "pale_area": "share of the ink in pieces of less than 0.3 of the ink level",
    "palish_area": "the same, 0.5",
    "half_area": "the same, 0.7",
    "pale_count": "share of the pieces that are less than 0.4 of the ink level deep",
    "soft_area": "share of the ink in pieces half as sharp as the median of the ink",
    "pale_soft_area": "share of the ink in pieces that are paler than 0.6 of the level and less sharp than 0.7 of the median",
    "depths_parted": "share of the variance of the pieces' depths (by area) that lies between the paler and the darker, 0..1",
    "paler_area": "share of the ink in the paler pieces",
    "paler_depth": "mean depth of the paler over that of the darker, 0..1",
    "paler_sharpness": "slope over depth of the paler, over that of the darker",
    "largest": "share of the ink in its largest piece",
    "border": "share of the ink in pieces that touch the page's edge and are thick",
    "wide_area": "share of the ink more than three stroke widths from paper",
    "halftone": "share of the ink in cells that hold small pieces only, and many",
    # --- the shape of the strokes
    "width": "median stroke width, pixels of the detail",
    "width_spread": "quarter and three quarter point of the stroke width: their difference over the median",
    "specks_area": "share of the ink in specks",
    "specks_count": "share of the pieces that are specks",
    "small_area": "share of the ink in pieces smaller than the square of the stroke width",
    "small_count": "share of the pieces that are",
    "pinholes": "pinholes a thousand pixels of ink",
    "holes": "holes of up to a square stroke width a thousand pixels of ink",
    "pieces": "pieces a thousand pixels of ink",
    "opened": "share of the ink that a 3 x 3 opening takes away",
    "closed": "pixels that a 3 x 3 closing adds, over the ink",
    "rough": "pixels that a 3 x 3 median changes, over the strokes' edge",
    "joined": "pieces of ink that a closing of a stroke width makes one, share",
    # --- where the edges lie
    "edge_inside": "median depth of the ink's outermost pixels, over the ink's own median depth",
    "edge_outside": "median depth of the pixels just outside, over the same",
    "edge_next": "median depth of the pixels two and three off, over the same",
    "edge_inside_pale": "share of the ink's outermost pixels below a third of that depth",
    "edge_outside_dark": "share of the pixels just outside above 0.6 of that depth",
    "edge_slope": "mean slope at the edge over the slope that the strokes reach",
    "slope_inside": "mean slope of the ink's outermost pixels over that of those and of the pixels just outside",
    "slope_next": "mean slope of the pixels two and three off, over the same",
    "slope_within": "mean slope of the ink's inner pixels, over the same",
}
"""Every feature and what it is, in the order of the model's input."""


@dataclass(slots=True)
class Measured:
    """What :func:`measure` finds: the features, and what the reasons are told from.

    Attributes
    ----------
    features : name -> value, all of NAMES
    counts : numbers for sentences, of the page in full size: "specks" and "pieces" of ink, "left_strokes" (strokes left out), "left_lines" (lines
        that they lie in), "left_deepest" (depth of the darkest of them over the ink's own), "pale_strokes" (strokes left out, however pale),
        "lost_lines", "lost_strokes" and "lost_depth" (whole lines of them, the strokes in those, their median depth over the ink's own)
    lost_rows : the strokes of each such line, pieces of the overview (:func:`docbin.assessment.lost_lines.rows_lost`)
    """

    features: dict[str, float]
    counts: dict[str, float] = field(default_factory=dict)
    lost_rows: list[Table] = field(default_factory=list)

    def vector(self) -> NDArray[np.float64]:
        """The model's input, float64 (len(NAMES),)."""
        return np.array([self.features[name] for name in NAMES])


def measure(page: Signs, ink: Mask) -> Measured:
    """All features of an ink, bool (H, W), at least one pixel, of a page. Where there are two threads, overview and detail are measured side by
    side."""
    from docbin import kernels

    whole, fine = page.bits_of(ink)
    found: dict[str, float] = {}
    counts: dict[str, float] = {}
    times = page.shape[0] * page.shape[1] / fine.size
    if page.detail is page.overview:
        view = _Ink(page.overview, whole)
        lost = _all_of_overview(page, view, found, counts)
        _shapes(view, found, counts, times)
    elif kernels.threads() == 1:
        lost = _all_of_overview(page, _Ink(page.overview, whole), found, counts)
        _shapes(_Ink(page.detail, fine), found, counts, times)
    else:
        with ThreadPoolExecutor(1) as beside:
            shapes: dict[str, float] = {}
            waiting = beside.submit(lambda: _shapes(_Ink(page.detail, fine), shapes, counts, times))
            lost = _all_of_overview(page, _Ink(page.overview, whole), found, counts)
            waiting.result()
        found |= shapes
    return Measured({name: float(found[name]) for name in NAMES}, counts, lost)


def _all_of_overview(page: Signs, ink: _Ink, found: dict[str, float], counts: dict[str, float]) -> list[Table]:
    """All features of the overview; returns the lost rows of a :class:`Measured`."""
    _difficulty(page, ink, found)
    _agreement(page, ink, found)
    lost = _left_out(page, ink, found, counts)
    _without_signs(page, ink, found)
    return lost


class _Ink:
    """An ink in a view of its page, with what several groups of features ask of it."""

    def __init__(self, view: View, bits: Bits) -> None:
        import cv2

        depth, slope = view.depth, view.slope
        self.bits = bits
        self.area = max(1, cv2.countNonZero(bits))
        self.zones = zones_of(bits)
        self.depths, self.slopes = (counts.astype(np.float64) for counts in zone_counts(self.zones, depth, slope))
        self.pieces = pieces(bits, depth, slope)
        self.median = max(4.0, quantile(self.depths[3:].sum(axis=0), 0.5))
        self.width = max(2.0, 2 * self.area / max(1.0, self.depths[3].sum()))
        """Stroke width, pixels: twice the area over the edge."""


def zones_of(bits: Bits) -> Bits:
    """A number a pixel: 4 ink inside, 3 ink at the edge, 2 paper at the edge, 1 paper two and three off, 0 other paper."""
    import cv2

    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    near = cv2.dilate(bits, np.ones((3, 3), np.uint8))
    zones = cv2.add(cv2.add(bits, near), cv2.dilate(near, np.ones((5, 5), np.uint8)))
    return np.asarray(cv2.add(zones, cv2.erode(bits, cross, borderValue=1)), np.uint8)


def quantile(histogram: NDArray[np.float64], share: float) -> float:
    """The value that `share` of a histogram lies below, in bins; 0 where it is empty."""
    total = histogram.sum()
    if total <= 0:
        return 0.0
    summed = np.cumsum(histogram)
    place = min(int(np.searchsorted(summed, share * total)), len(histogram) - 1)
    before = summed[place - 1] if place else 0.0
    return float(place + (share * total - before) / max(histogram[place], 1e-9))


def f_measure(precision: float, recall: float) -> float:
    """Their harmonic mean; 0 where both are."""
    return 2 * precision * recall / max(precision + recall, 1e-9)


def _mean(histogram: NDArray[np.float64]) -> float:
    return float((histogram * np.arange(len(histogram))).sum() / max(1.0, histogram.sum()))


def _difficulty(page: Signs, ink: _Ink, found: dict[str, float]) -> None:
    all_depths, level = ink.depths.sum(axis=0), page.level
    found["level"] = level
    found["noise"] = quantile(ink.slopes[0], 0.5) / 2 / level
    found["parted"] = page.parted
    quarter, most = round(0.25 * level), round(0.75 * level)
    found["middle"] = all_depths[quarter:most].sum() / max(1.0, all_depths[most:].sum())
    found["shade"] = page.shade
    found.update(page.others_agree)
    found["steep"] = _mean(ink.slopes[2:4].sum(axis=0)) / 2 / level


def _cells(bits: Bits, cells: tuple[int, int]) -> NDArray[np.float64]:
    """Pixels in each cell of a grid (columns, rows), float64 (cells,), counted on every second row and column."""
    shares = area_means(bits, cells[::-1], every=2, times=255)
    return shares.astype(np.float64).ravel() / 255 * (bits.size / (cells[0] * cells[1]))


def _grid(bits: Bits) -> tuple[int, int]:
    return max(1, round(bits.shape[1] / CELL)), max(1, round(bits.shape[0] / CELL))


def _agreement(page: Signs, ink: _Ink, found: dict[str, float]) -> None:
    import cv2

    found["share"] = ink.area / ink.bits.size
    own = packed(ink.bits)
    near, around = (grown(own, reach, ink.bits.shape[1]) for reach in (1, 3))
    for name in OTHERS:
        other = page.others_packed[name]
        found[f"{name}_precision"], found[f"{name}_recall"] = overlap(own, other)
        found[f"{name}_near_precision"] = overlap(own, page.others_packed[f"{name}_near"])[0]
        found[f"{name}_near_recall"] = overlap(other, near)[0]
    for name in ("most", "all", "any"):
        found[f"{name}_precision"], found[f"{name}_recall"] = overlap(own, page.voted[name])
    _far(page, own, around, found)
    _consensus(page, found)
    su, grid = page.others["su"], _grid(ink.bits)
    both = _cells(np.asarray(cv2.bitwise_and(ink.bits, su), np.uint8), grid)
    mass = _cells(ink.bits, grid) + _cells(su, grid)
    used = mass > 0.2 * mass.mean()
    found["agree_worst"] = found["agree_median"] = found["agree_spread"] = 0.0
    if used.any():
        agree, mass = 2 * both[used] / mass[used], mass[used]
        order = np.argsort(agree)
        summed = np.cumsum(mass[order]) / mass.sum()
        for name, share in (("worst", 0.1), ("median", 0.5)):
            found[f"agree_{name}"] = agree[order][min(len(order) - 1, int(np.searchsorted(summed, share)))]
        mean = (agree * mass).sum() / mass.sum()
        found["agree_spread"] = float(np.sqrt((mass * (agree - mean) ** 2).sum() / mass.sum()))


def _far(page: Signs, own: Packed, around: Packed, found: dict[str, float]) -> None:
    """The ink (`own`; `around`: within three pixels of it) judged by what cheap methods take, as if that were the truth."""
    for name, wide in page.wide.items():
        other = page.voted[name] if name in page.voted else page.others_packed[name]
        near_other, near_ink = overlap(own, wide)[0], overlap(other, around)[0]
        found[f"{name}_far"], found[f"{name}_lost"] = 1 - near_other, 1 - near_ink
        found[f"{name}_weight"] = float(np.log((1 + near_other * own[1]) / (1 + near_ink * other[1])))


def _consensus(page: Signs, found: dict[str, float]) -> None:
    """The ink among the three others, whichever is which: what each is worth differs from collection to collection, how far all agree does not."""
    plain, near = (
        sorted((f_measure(found[f"{name}_{kind}precision"], found[f"{name}_{kind}recall"]) for name in OTHERS), reverse=True)
        for kind in ("", "near_")
    )
    for place, name in enumerate(("best", "middle", "worst")):
        found[f"f_{name}"], found[f"near_f_{name}"] = plain[place], near[place]
        for what in ("precision", "recall"):
            found[f"near_{what}_{name}"] = sorted((found[f"{other}_near_{what}"] for other in OTHERS), reverse=True)[place]
    among = list(page.others_agree.values())
    found["f_over"] = sum(plain) / len(plain) - sum(among) / len(among)
    found["f_over_best"] = plain[1] - max(among)


def _left_out(page: Signs, ink: _Ink, found: dict[str, float], counts: dict[str, float]) -> list[Table]:
    import cv2

    level = page.level
    beyond = np.cumsum(ink.depths[0][::-1])[::-1]  # pixels more than three off any ink that are at least so deep
    for name, share in (("faint", 0.3), ("middle", 0.5), ("dark", 0.7), ("darkest", 0.9)):
        found[f"left_{name}"] = beyond[min(255, round(share * level))] / ink.area
    found["left_ink_half"] = beyond[min(255, round(0.5 * ink.median))] / ink.area
    found["left_ink_full"] = beyond[min(255, round(ink.median))] / ink.area
    found["left_deepest"] = float(np.searchsorted(-beyond, -0.01 * ink.area)) / level

    least = max(FAINT * level, 4 * found["noise"] * level + 3)
    deep = cv2.threshold(page.overview.depth, least, 1, cv2.THRESH_BINARY)[1]
    evidence = cv2.bitwise_and(deep, cv2.threshold(ink.zones, 0, 1, cv2.THRESH_BINARY_INV)[1])
    sharpness = _mean(ink.slopes[3:].sum(axis=0)) / max(_mean(ink.depths[3:].sum(axis=0)), 1.0)
    strokes = _strokes(pieces(np.asarray(evidence, np.uint8), page.overview.depth, page.overview.slope), ink)
    area = strokes[:, AREA]
    dark = strokes[:, DEPTH] > 0.6 * level * area
    steep = strokes[:, SLOPE] / np.maximum(strokes[:, DEPTH], 1) / max(sharpness, 1e-6)
    sharp = steep > 0.7
    for name, chosen in (("", area > 0), ("dark_", dark), ("sharp_", sharp), ("dark_sharp_", dark & sharp)):
        found[f"left_{name}strokes"] = area[chosen].sum() / ink.area
    found["left_sharpness"] = float((steep * area).sum() / area.sum()) if len(area) else 0.0
    plain = strokes[dark & sharp]
    found["left_count"] = len(plain) / max(1, len(ink.pieces))

    grid = _grid(ink.bits)
    mine = _cells(ink.bits, grid)
    its = np.bincount(_cell_of(plain, ink.bits, grid), plain[:, AREA], minlength=len(mine))
    typical = max(4.0, median(mine[mine > 0])) if (mine > 0).any() else 4.0
    told = its > 0.15 * typical
    lost = _pale_left(page, ink, mine, typical, found, counts)
    found["left_cells"] = np.count_nonzero(told) / max(1, int(np.count_nonzero(told | (mine > 0.15 * typical))))
    found["empty_cells"] = its[mine < 0.1 * typical].sum() / ink.area
    counts["left_strokes"] = len(plain)
    counts["left_lines"] = _lines(plain)
    counts["left_deepest"] = float((plain[:, DEPTH] / plain[:, AREA]).max() / ink.median) if len(plain) else 0.0
    return lost


def _pale_left(
    page: Signs, ink: _Ink, mine: NDArray[np.float64], typical: float, found: dict[str, float], counts: dict[str, float]
) -> list[Table]:
    """Strokes off the ink that are only just darker than the paper's noise, of which the rows that are lost lines are returned; `mine`: the ink of
    each cell, `typical`: that of the median one."""
    import cv2

    noise = quantile(ink.slopes[0], 0.5) / 2
    deep = cv2.threshold(page.overview.depth, max(10.0, 6 * noise + 2, 0.08 * page.level), 1, cv2.THRESH_BINARY)[1]
    off = np.asarray(cv2.bitwise_and(deep, cv2.threshold(ink.zones, 0, 1, cv2.THRESH_BINARY_INV)[1]), np.uint8)
    every = pieces(off, page.overview.depth, page.overview.slope)
    rows = rows_lost(every, ink.pieces, ink.bits, ink.width, noise)
    lost = numbers_of(rows)
    table = strokes_off(_strokes(every, ink), ink.width)
    found |= page.pale_strokes | off_ink(table, ink.pieces, ink.width, ink.median, ink.area)
    its = np.bincount(_cell_of(table, ink.bits, _grid(ink.bits)), table[:, AREA], minlength=len(mine))
    bare, held = mine < 0.1 * typical, its > 0.15 * typical
    found["pale_left_apart"] = its[bare].sum() / max(1.0, its.sum())
    found["pale_left_cells"] = np.count_nonzero(held & bare) / max(1, int(np.count_nonzero(held | ~bare)))
    words = packed(off)
    found["pale_left_any"] = overlap(words, page.voted["any"])[0]
    found["pale_left_sauvola"] = overlap(words, page.others_packed["sauvola"])[0] * words[1] / ink.area
    counts["pale_strokes"] = len(table)
    counts["lost_lines"], counts["lost_strokes"], counts["lost_depth"] = lost.lines, lost.strokes, lost.depth / ink.median
    return rows


def _strokes(table: Table, ink: _Ink) -> Table:
    """Those of a table of pieces that are shaped like strokes: larger than a dot, thinner than a blot, smaller than half the page."""
    height, width = ink.bits.shape
    high, wide, area = table[:, BOTTOM] - table[:, TOP], table[:, RIGHT] - table[:, LEFT], table[:, AREA]
    like = (area >= max(6.0, ink.width)) & (high < 0.5 * height) & (wide < 0.5 * width)
    return np.asarray(table[like & (area < 3.0 * ink.width * np.hypot(high, wide)) & (area > 0.1 * high * wide)])


def _cell_of(table: Table, bits: Bits, grid: tuple[int, int]) -> NDArray[np.int64]:
    """The cell that the middle of each piece lies in."""
    across = (table[:, LEFT] + table[:, RIGHT]) * grid[0] // (2 * bits.shape[1])
    down = (table[:, TOP] + table[:, BOTTOM]) * grid[1] // (2 * bits.shape[0])
    return np.asarray(np.minimum(down, grid[1] - 1) * grid[0] + np.minimum(across, grid[0] - 1))


def _lines(table: Table) -> int:
    """Lines that pieces lie in: groups of rows that their boxes cover."""
    lines, end = 0, -1
    for top, bottom in table[np.argsort(table[:, TOP])][:, [TOP, BOTTOM]]:
        lines += top > end
        end = max(end, bottom)
    return int(lines)


def _without_signs(page: Signs, ink: _Ink, found: dict[str, float]) -> None:
    level, table = page.level, ink.pieces
    inked = ink.depths[3:].sum(axis=0)
    for name, share in (("ink", 0.5), ("low", 0.1), ("high", 0.9)):
        found[f"depth_{name}"] = quantile(inked, share) / level
    area = table[:, AREA].astype(np.float64)
    whole = max(1.0, area.sum())
    relative = table[:, DEPTH] / np.maximum(area, 1) / level
    for name, share in (("pale", 0.3), ("palish", 0.5), ("half", 0.7)):
        found[f"{name}_area"] = area[relative < share].sum() / whole
    found["pale_count"] = float((relative < 0.4).mean()) if len(table) else 0.0
    steep = table[:, SLOPE] / np.maximum(table[:, DEPTH], 1)
    order = np.argsort(steep)
    usual = steep[order][int(np.searchsorted(np.cumsum(area[order]), 0.5 * whole))] if len(order) else 1.0
    found["soft_area"] = area[steep < 0.5 * usual].sum() / whole
    found["pale_soft_area"] = area[(relative < 0.6) & (steep < 0.7 * usual)].sum() / whole
    _two_depths(relative, steep, area, found)
    found["largest"] = area.max() / whole if len(area) else 0.0
    height, width = ink.bits.shape
    high, wide = table[:, BOTTOM] - table[:, TOP], table[:, RIGHT] - table[:, LEFT]
    touches = (table[:, LEFT] == 0) | (table[:, TOP] == 0) | (table[:, RIGHT] == width) | (table[:, BOTTOM] == height)
    thick = area > 2 * ink.width * np.maximum(high, wide)
    large = np.maximum(high / height, wide / width) > 0.15
    found["border"] = area[touches & thick & large].sum() / whole
    grid = _grid(ink.bits)
    tiny, place, cells = area < ink.width**2, _cell_of(table, ink.bits, grid), grid[0] * grid[1]
    every, little = np.bincount(place, area, minlength=cells), np.bincount(place, area * tiny, minlength=cells)
    dotted = (np.bincount(place, tiny, minlength=cells) > 40) & (little > 0.5 * every)
    found["halftone"] = every[dotted].sum() / whole


def _two_depths(relative: NDArray[np.float64], steep: NDArray[np.float64], area: NDArray[np.float64], found: dict[str, float]) -> None:
    """The pieces in two classes by Otsu's threshold of their depths, each piece counted by its area: writing of a back, kept, is the paler one."""
    found["depths_parted"], found["paler_area"], found["paler_depth"], found["paler_sharpness"] = 0.0, 0.0, 1.0, 1.0
    order = np.argsort(relative)
    depth, weight = relative[order], area[order]
    below, first = np.cumsum(weight)[:-1], np.cumsum(weight * depth)[:-1]
    if not len(below):
        return
    whole, mean = weight.sum(), (weight * depth).sum() / weight.sum()
    between = (mean * below - first) ** 2 / (below * (whole - below))
    at = int(between.argmax())
    variance = (weight * (depth - mean) ** 2).sum() / whole
    if variance < 1e-9:
        return
    sharp = steep[order] * weight
    found["depths_parted"] = between[at] / variance
    found["paler_area"] = below[at] / whole
    found["paler_depth"] = (first[at] / below[at]) / max((whole * mean - first[at]) / (whole - below[at]), 1e-6)
    found["paler_sharpness"] = (sharp[: at + 1].sum() / below[at]) / max(sharp[at + 1 :].sum() / (whole - below[at]), 1e-6)


def _shapes(ink: _Ink, found: dict[str, float], counts: dict[str, float], whole: float) -> None:
    """Strokes' shapes and edges, on the detail; `whole`: pixels of the page over pixels of the detail."""
    import cv2

    bits, square = ink.bits, np.ones((3, 3), np.uint8)
    distance = cv2.distanceTransform(bits, cv2.DIST_L1, 3, dstType=cv2.CV_8U)
    ridge = cv2.bitwise_and(bits, cv2.compare(cv2.dilate(distance, square), distance, cv2.CMP_EQ))
    lengths = np.asarray(cv2.calcHist([distance], [0], ridge, [256], [0, 256]), np.float64).ravel()
    half = max(0.5, quantile(lengths, 0.5))
    found["width"] = width = 2 * half
    found["width_spread"] = (quantile(lengths, 0.75) - quantile(lengths, 0.25)) / half
    wide = document.histogram(np.asarray(distance, np.uint8)).astype(np.float64)
    found["wide_area"] = wide[min(255, round(3 * half) + 1) :].sum() / ink.area
    areas = ink.pieces[:, AREA]
    count = max(1, len(areas))
    specks, small = areas < SMALL, areas < max(SMALL, width * width)
    found["specks_area"], found["specks_count"] = areas[specks].sum() / ink.area, np.count_nonzero(specks) / count
    found["small_area"], found["small_count"] = areas[small].sum() / ink.area, np.count_nonzero(small) / count
    found["pieces"] = 1000 * count / ink.area
    holes = pieces(np.asarray(1 - bits, np.uint8), eight=False)[:, AREA]
    found["pinholes"] = 1000 * np.count_nonzero(holes < SMALL) / ink.area
    found["holes"] = 1000 * np.count_nonzero(holes < max(SMALL, width * width)) / ink.area
    found["opened"] = 1 - cv2.countNonZero(cv2.morphologyEx(bits, cv2.MORPH_OPEN, square)) / ink.area
    found["closed"] = cv2.countNonZero(cv2.morphologyEx(bits, cv2.MORPH_CLOSE, square)) / ink.area - 1
    found["rough"] = cv2.countNonZero(cv2.absdiff(bits, cv2.medianBlur(bits, 3))) / max(1.0, ink.depths[3].sum())
    side = 2 * max(1, round(width / 2)) + 1
    closed = cv2.morphologyEx(bits, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    found["joined"] = 1 - len(pieces(np.asarray(closed, np.uint8))) / count
    own, by_depth, by_slope = ink.median, ink.depths, ink.slopes[2:4].sum(axis=0)
    for name, zone in (("inside", 3), ("outside", 2), ("next", 1)):
        found[f"edge_{name}"] = quantile(by_depth[zone], 0.5) / own
    found["edge_inside_pale"] = by_depth[3][: max(1, round(own / 3))].sum() / max(1.0, by_depth[3].sum())
    found["edge_outside_dark"] = by_depth[2][min(255, round(0.6 * own)) :].sum() / max(1.0, by_depth[2].sum())
    found["edge_slope"] = _mean(by_slope) / max(1.0, quantile(by_slope, 0.9))
    for name, zone in (("inside", 3), ("next", 1), ("within", 4)):
        found[f"slope_{name}"] = _mean(ink.slopes[zone]) / max(1.0, _mean(by_slope))
    counts["specks"] = float(np.count_nonzero(specks)) * whole
    counts["pieces"] = count * whole
