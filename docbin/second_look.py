"""A second look at lines of writing that a network left out, where the verdict tells of them.

A network judges darkness in the page's own ink: beside a black heading the carbon copy below it is a tenth of what ink is there, and goes. What
tells of it, rows of strokes where there is no ink (:mod:`docbin.assessment.lost_lines`), tells also where it is and how dark. So that part of the
page is shown to the same network once more, by itself and stretched: its paper white, its strokes as dark as ink is, and what is darker no darker
than they are, so that print beside them is no longer the measure. The depth plane is that of the part alone.

Writing of the back stands in rows, too, and a page may be told for it. But a back stands among the front's lines as well, where a note in pencil or
the half of a receipt that the sun has had does not: where strokes as pale as the rows stand beside dark ink, too, nothing is looked at. And a
network has learnt to leave out what is soft, be it dark or pale: what it finds is believed only if it reads nearly all strokes of the rows that were
told, and in pieces like letters. Else the page stays as it was. Taken or not, it stays marked.

It costs a page without such rows nothing: they are looked for by the verdict in any case.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from docbin.assessment import Quality, Signs, judge
from docbin.assessment.features import measure
from docbin.assessment.pale_writing import Table
from docbin.assessment.reasons import READ_AGAIN
from docbin.assessment.signs import Bits, View
from docbin.assessment.unread_writing import inked, unread_cells
from docbin.assessment.verdict import verdict_of
from docbin.kernels import depth
from docbin.kernels.pieces import AREA, BOTTOM, DEEPEST, DEPTH, LEFT, RIGHT, TOP, pieces
from docbin.kernels.shrunk import CELL
from docbin.page import Image, Mask, to_grey

Run = Callable[[Image], Mask]
"""The method: ink of a grey page, uint8 (H, W)."""

PAPER, INK = 235, 150
"""Grey level of paper in what the network is shown, and how much darker the strokes are."""
DEEP = 0.75
"""Of the strokes of a part, by area, so many are shown paler than that: their depth at the deepest. More would leave pale ones pale."""
BESIDE, ABOVE = 1.0, 0.4
"""How far to the sides, and above and below, a row goes beyond its strokes, in their heights."""
APART = 2.5
"""Rows are of one part, which is looked at as a whole, if they are no farther from each other than this many times their height."""
MARGIN = 32
"""Pixels around a part that the network is shown besides."""
WITHIN = 0.5
"""Share of a piece of new ink that lies in the part, at least."""
LEAST = 4
"""Pixels of a piece of new ink at least."""
AMONG = 0.25
"""Pixels at least `PALE` as deep as the told strokes around dark ink, over those in the rows, each as a share of the pixels there, at most. Beside
pencil and carbon copies it is 0.07 at most, beside notes on pale staves 0.15, on pages told for a back 0.42 to 1.8."""
PALE = 0.6
DARK = 2.0
"""Ink is dark where it is so many times as deep as the told strokes; what is paler may be of the same hand, read by half."""
RING = (3, 7)
"""What is around the ink: farther than the first from it, so that its blur is not counted, and no farther than the second, pixels."""
READ = 0.85
"""Share of the told strokes that must be read. Of writing 0.97 or more are, of backs that were told at most 0.65."""
HELD = 0.3
"""Pixels of new ink in a stroke's box, over the stroke's own, from which it is read."""
STROKES = 92.0
"""Of the depths where writing was seen from afar, in percent, that which its strokes have."""
READ_CELLS = 0.6
"""Share of the cells in which writing was seen from afar that must have new ink."""
SPECKLED = 0.1
"""Share of the new ink in pieces smaller than half a square of its strokes' width (of 6 pixels at least), at most."""


class SecondLook(NamedTuple):
    """The ink of a page with what a second look found, bool (H, W), and the rows of pixels, `top` to `bottom`, between which that lies."""

    ink: Mask
    top: int
    bottom: int


class _Part(NamedTuple):
    """A part of the page to be looked at again: its rows and columns of pixels, and how deep its strokes are, grey levels below paper."""

    rows: slice
    columns: slice
    level: float


def judged(page: Signs, grey: Image, ink: Mask, run: Run | None) -> tuple[Mask, Quality]:
    """The verdict on an ink, and the ink: where whole lines are not in it and a second look reads them, with those, and the verdict on that.

    Parameters
    ----------
    page : the signs of `grey`
    grey : uint8 (H, W), dark writing on light paper
    ink : bool (H, W), the result of `run` on it
    run : the method; None for one that is not asked a second time
    """
    if run is None or not ink.any():
        return ink, judge(page, ink)
    measured = measure(page, ink)
    found = second_look(page, grey, ink, measured.lost_rows, run) if measured.lost_rows else None
    if found is None:
        found = look_from_afar(page, grey, ink, run)
    if found is None:
        return ink, verdict_of(page, ink, measured)
    verdict = judge(page, found.ink)
    note = f"{READ_AGAIN}: between rows {found.top:,} and {found.bottom:,} of the page's pixels, see whether they are its own"
    return found.ink, Quality(verdict.value, (note, *verdict.reasons))


def remarked(image: Image, ink: Mask, run: Run | None, afar: bool = True) -> tuple[Mask, Quality | None]:
    """:func:`judged` of a page, uint8 (H, W) or (H, W, 3), for whoever must not fail for it: where it fails (memory ran out, a bug), a warning, the
    ink as it is, and None. `afar` as of :class:`docbin.assessment.Signs`."""
    try:
        grey = to_grey(image)
        return judged(Signs(grey, afar), grey, ink, run)
    except Exception as error:
        warnings.warn(f"no verdict on the result: {type(error).__name__}: {error}", stacklevel=2)
        return ink, None


def second_look(page: Signs, grey: Image, ink: Mask, lost: Sequence[Table], run: Run) -> SecondLook | None:
    """What the method reads where rows are lost, added to its ink; None where it does not read the rows, or where they look like a back's.

    Parameters
    ----------
    page, grey, ink, run : as of :func:`judged`
    lost : rows of strokes off the ink, pieces of the page's overview
    """
    import cv2

    if among_ink(page.overview, page.bits_of(ink)[0], lost) > AMONG:
        return None
    scale = np.array(grey.shape) / np.array(page.overview.grey.shape)  # down, across
    near = np.asarray(cv2.dilate(np.ascontiguousarray(ink).view(np.uint8), np.ones((3, 3), np.uint8)), np.uint8)
    new = np.zeros(grey.shape, np.uint8)
    for part in parts_of(lost, scale, grey.shape):
        outer = tuple(slice(max(0, side.start - MARGIN), side.stop + MARGIN) for side in (part.rows, part.columns))
        found = run(stretched(np.ascontiguousarray(grey[outer]), part.level))
        inside = np.zeros(found.shape, np.uint8)
        top, left = part.rows.start - outer[0].start, part.columns.start - outer[1].start
        inside[top : top + part.rows.stop - part.rows.start, left : left + part.columns.stop - part.columns.start] = 1
        new[outer] |= _own(found, near[outer], inside)
    boxes = np.concatenate([box_of(row, scale) for row in lost])
    sizes = np.concatenate([row[:, AREA] for row in lost]) * scale.prod()
    if not _is_writing(new, boxes, sizes):
        return None
    written = np.flatnonzero(new.any(axis=1))
    return SecondLook(ink | new.view(np.bool_), int(written[0]), int(written[-1]))


def look_from_afar(page: Signs, grey: Image, ink: Mask, run: Run) -> SecondLook | None:
    """What the method reads where a look from further away sees writing and there is no ink (:mod:`docbin.assessment.unread_writing`), added to its
    ink: what water has washed out shows no rows of strokes. None where there is none, it is not read, or looks like a back's. Parameters as of
    :func:`second_look`."""
    import cv2

    cells = unread_cells(page, ink)
    if cells is None:
        return None
    bits = cells.view(np.uint8)
    within = np.asarray(cv2.resize(bits, (bits.shape[1] * CELL, bits.shape[0] * CELL), interpolation=cv2.INTER_NEAREST), np.uint8)
    within = np.ascontiguousarray(within[: grey.shape[0], : grey.shape[1]])
    view = page.overview
    small = np.asarray(cv2.resize(within, view.grey.shape[::-1], interpolation=cv2.INTER_NEAREST), np.bool_)
    if not small.any() or _among(view, page.bits_of(ink)[0], small, float(np.percentile(view.depth[small], STROKES))) > AMONG:
        return None
    near = np.asarray(cv2.dilate(np.ascontiguousarray(ink).view(np.uint8), np.ones((3, 3), np.uint8)), np.uint8)
    new = np.zeros(grey.shape, np.uint8)
    closed = cv2.morphologyEx(bits, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))  # the lines of a paragraph are one part
    for left, top, wide, high, _ in cv2.connectedComponentsWithStats(closed, connectivity=8)[2][1:].astype(int):
        outer = tuple(slice(max(0, CELL * start - MARGIN), CELL * (start + count) + MARGIN) for start, count in ((top, high), (left, wide)))
        part, inside = np.ascontiguousarray(grey[outer]), within[outer]
        if not inside.any():
            continue
        level = float(np.percentile(255 - depth.quotients(part)[inside > 0], STROKES))
        new[outer] |= _own(run(stretched(part, max(1.0, level))), near[outer], inside)
    read = np.count_nonzero(inked(new.view(np.bool_), cells.shape)[cells])
    if read < READ_CELLS * np.count_nonzero(cells) or not _is_in_pieces(new):
        return None
    written = np.flatnonzero(new.any(axis=1))
    return SecondLook(ink | new.view(np.bool_), int(written[0]), int(written[-1]))


def among_ink(view: View, bits: Bits, lost: Sequence[Table]) -> float:
    """How much of what is as pale as lost rows stands around dark ink, over what stands in the rows (`AMONG`); `bits`: all ink, 0 or 1 a pixel of the
    overview."""
    strokes = np.concatenate(lost)
    depth_of_rows = float(np.median(strokes[:, DEPTH] / strokes[:, AREA]))
    in_rows = np.zeros(bits.shape, np.bool_)
    high = strokes[:, BOTTOM] - strokes[:, TOP]
    ends = [strokes[:, side] + by * high for side, by in ((TOP, -ABOVE), (BOTTOM, ABOVE), (LEFT, -BESIDE), (RIGHT, BESIDE))]
    for top, bottom, left, right in np.maximum(np.stack(ends, axis=1), 0).astype(int):
        in_rows[top:bottom, left:right] = True
    return _among(view, bits, in_rows, depth_of_rows)


def _among(view: View, bits: Bits, there: Mask, level: float) -> float:
    """How much of what is nearly as deep as `level`, grey levels below paper, stands around dark ink, over what stands `there`; `bits` as of
    :func:`among_ink`."""
    import cv2

    number, labels = cv2.connectedComponents(bits, connectivity=8)
    sums, sizes = (np.bincount(labels.ravel(), weights, minlength=number) for weights in (view.depth.ravel(), None))
    is_dark = sums >= DARK * level * sizes
    is_dark[0] = False
    dark = np.asarray(is_dark[labels], np.uint8)
    near, around = (
        np.asarray(cv2.dilate(ink, np.ones((2 * reach + 1,) * 2, np.uint8)), np.bool_)
        for ink, reach in zip((bits, dark), RING, strict=True)
    )
    deep = view.depth >= PALE * level
    beside, within = around & ~near & ~there, there & ~near
    shares = [int(np.count_nonzero(deep & part)) / max(1, int(np.count_nonzero(part))) for part in (beside, within)]
    return shares[0] / max(shares[1], 1e-6)


def box_of(row: Table, scale: NDArray[np.float64]) -> NDArray[np.int64]:
    """Top, left, bottom and right of each stroke on the page, int64 (N, 4); `scale`: page over overview, down and across."""
    down, across = scale
    return np.asarray(np.rint(row[:, [TOP, LEFT, BOTTOM, RIGHT]] * np.array([down, across, down, across])), np.int64)


def parts_of(lost: Sequence[Table], scale: NDArray[np.float64], shape: tuple[int, ...]) -> list[_Part]:
    """The parts of a page of `shape` that rows lie in, each with all rows that are near another of it; `scale` as of :func:`box_of`."""
    parts: list[tuple[NDArray[np.float64], float, Table]] = []
    for row in lost:
        box = box_of(row, scale)
        high = max(1.0, float(np.median(box[:, 2] - box[:, 0])))
        around = np.concatenate([box[:, :2].min(axis=0), box[:, 2:].max(axis=0)]) + high * np.array([-ABOVE, -BESIDE, ABOVE, BESIDE])
        strokes, place = row, 0
        while place < len(parts):  # a part that has grown may be near one that it was not near before
            other, its, more = parts[place]
            reach = APART * max(high, its) / 2
            if (around[:2] - reach < other[2:] + reach).all() and (other[:2] - reach < around[2:] + reach).all():
                around = np.concatenate([np.minimum(around[:2], other[:2]), np.maximum(around[2:], other[2:])])
                high, strokes = max(high, its), np.concatenate([strokes, more])
                del parts[place]
                place = 0
            else:
                place += 1
        parts.append((around, high, strokes))
    ends = np.array([0, 0, *shape[:2]])
    found = []
    for around, _, strokes in parts:
        top, left, bottom, right = (int(end) for end in np.clip(around, ends[[0, 0, 0, 0]], ends[[2, 3, 2, 3]]))
        found.append(_Part(slice(top, bottom), slice(left, right), level_of(strokes)))
    return found


def level_of(strokes: Table) -> float:
    """How deep strokes are where they are deepest: `DEEP` of them, by area, at most so many grey levels below paper."""
    order = np.argsort(strokes[:, DEEPEST])
    summed = np.cumsum(strokes[order, AREA])
    return max(1.0, float(strokes[order, DEEPEST][np.searchsorted(summed, DEEP * summed[-1])]))


def stretched(grey: Image, level: float) -> Image:
    """A part of a page, uint8 (H, W), its paper `PAPER` everywhere, what is `level` grey levels below it `INK` darker than that, and
    nothing darker."""
    shares = np.minimum(255 - np.arange(256), level) / level
    table = np.asarray(np.rint(PAPER - INK * shares), np.uint8)
    return np.asarray(table[depth.quotients(grey)], np.uint8)


def _own(found: Mask, near: Image, inside: Image) -> Image:
    """The pieces of a part's ink, 0 or 1 a pixel, that touch no ink of before (`near`: that, and the pixels around) and lie within the part."""
    import cv2

    free = np.asarray(cv2.bitwise_and(np.ascontiguousarray(found).view(np.uint8), 1 - near), np.uint8)
    number, labels = cv2.connectedComponents(free, connectivity=8)
    sizes = np.bincount(labels.ravel(), minlength=number)
    held = np.bincount(labels[inside > 0], minlength=number)
    kept = (held >= WITHIN * sizes) & (sizes >= LEAST)
    kept[0] = False
    return np.asarray(kept[labels], np.uint8)


def _is_writing(new: Image, boxes: NDArray[np.int64], sizes: NDArray[np.float64]) -> bool:
    """Whether new ink, 0 or 1 a pixel, reads the strokes of the told rows, in their `boxes` and of these `sizes` in pixels, and is no spread of
    specks."""
    import cv2

    sums = np.asarray(cv2.integral(new), np.int64)
    top, left, bottom, right = boxes.T
    held = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return bool(np.count_nonzero(held >= HELD * sizes) >= READ * len(boxes)) and _is_in_pieces(new)


def _is_in_pieces(new: Image) -> bool:
    """Whether new ink, 0 or 1 a pixel, is in pieces like letters and no spread of specks."""
    import cv2

    edge = cv2.countNonZero(new) - cv2.countNonZero(cv2.erode(new, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)), borderValue=1))
    areas = pieces(new)[:, AREA]
    width = 2 * areas.sum() / max(1, edge)
    return bool(areas[areas < max(6.0, width**2 / 2)].sum() <= SPECKLED * areas.sum())
