"""Curved lines of a photographed page made straight, by moving each pixel up or down.

A book that lies open is curved, and a photograph of it has lines that sag or rise, by several times their own height near the fold. OCR engines cut a
page into straight lines before they read, so there a line's end is read with its neighbour. Lines tell themselves how they are curved (Ulges, Lampert
and Breuel, "Document image dewarping using robust estimation of curled text lines", ICDAR 2005, doi:10.1109/ICDAR.2005.90): letters are linked to
lines, and one smooth field of vertical shifts, a polynomial of the place on the page, is fitted to the feet of all letters of all lines at once, so
that each line gets one height of its own. Letters that hang below their line, and links from one line into the next, are outliers: they lose their
weight (Cauchy's, by iteration). Nothing moves sideways; what a photograph has narrowed stays narrow.

A page is changed only where its lines are surely curved (:func:`curvature`): enough lines, of which the field explains nearly all letters, and a bend
that is more than half a letter's height. Scans of print, skewed or not, stay as they are, to the last bit, and so do handwritten lines unless they
are as even as print's. Measured by what Tesseract reads: docs/experiments/2026-11-29-clean-pages-and-small-letters.md, third round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docbin.enlarging import letter_boxes, median_height
from docbin.errors import UsageError
from docbin.page import Image, Mask, check_mask

CHOICES = ("auto", "off")
"""What a user may ask for: look whether lines are curved, or leave them."""
LEAST_BEND = 0.6
"""Letters' heights by which a line must deviate from the page's common slope."""
LEAST_LINES = 8
"""Fewer lines tell no smooth field."""
LEAST_FITTING = 0.8
"""Share of the letters whose feet the field must put on their line, within `ON_LINE`; letters with descenders never are."""
ON_LINE = 0.2
"""Letters' heights."""
LEAST_EXACT = 0.05
"""Letters' heights; the median distance of feet from their line may not be more. Handwriting has 0.1."""
STEEPEST = 0.5
"""Lines may be set apart or squeezed by the field to at least this share of their distance; less is no page."""

LETTERS = 8
"""Letters of a line, at the least."""
LONG = 10
"""Letters' heights that a line is long, at the least."""
GAP = 3
"""Letters' heights between two letters of a line, at the most: a wide space."""
MOST_LETTERS = 60_000
"""A page with more pieces of a letter's size is no page of writing (a halftone)."""
ALONG, ACROSS = 6, 2
"""Degrees of the polynomial along lines and from line to line."""
RIDGE = 1e-4
"""Pull of the coefficients towards 0, as a share of that of all letters: where lines say nothing, the field does nothing."""
ROUNDS = 10
"""Of fitting with new weights; in the first ones letters far from their line still count, for a line that bends much is one, too."""
STRIP = 512
"""Rows that are moved at a time; the memory of the maps is that of a strip."""
LARGEST_SIDE = 32_000
"""Pixels; OpenCV's remap takes no larger page."""
MARGIN = 4
"""Rows of white left above and below the ink where a page gets higher."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Field:
    """Vertical shifts of a page: what stands on a straight line at height `y` is found at `y + shift(x, y)` on the page.

    Beyond the lines it was fitted to, the field goes on as it is at their ends, for a polynomial grows without measure.

    Attributes
    ----------
    coefficients : float (ALONG, ACROSS + 1), of the powers 1, 2, ... of x and 0, 1, ... of y, both scaled to -1..1 over the lines
    left, right, top, bottom : what the lines span, pixels
    """

    coefficients: Floats
    left: float
    right: float
    top: float
    bottom: float

    def shift(self, x: Floats, y: Floats) -> Floats:
        """Shifts at places that pair up, pixels."""
        return np.asarray(np.einsum("...i,ij,...j->...", self._along(x), self.coefficients, self._across(y)))

    def grid(self, x: Floats, y: Floats) -> Floats:
        """Shifts at every crossing of columns `x` and rows `y`, (rows, columns)."""
        return np.asarray(self._across(y) @ (self._along(x) @ self.coefficients).T)

    def _along(self, x: Floats) -> Floats:
        return _powers(x, self.left, self.right, ALONG)[..., 1:]

    def _across(self, y: Floats) -> Floats:
        return _powers(y, self.top, self.bottom, ACROSS)


@dataclass(frozen=True, slots=True)
class Curvature:
    """How a page's lines are curved.

    Attributes
    ----------
    field : the shifts that make them straight
    lines : how many it was fitted to
    letter : median height of their letters, pixels
    bend : the most by which a line deviates from the page's common slope, letters' heights
    fitting : share of letters that stand on their line, within `ON_LINE`
    exact : median distance of letters' feet from their line, letters' heights
    """

    field: Field
    lines: int
    letter: float
    bend: float
    fitting: float
    exact: float

    @property
    def sure(self) -> bool:
        """Whether lines are curved, and the field tells how."""
        clear = self.lines >= LEAST_LINES and self.fitting >= LEAST_FITTING and self.exact <= LEAST_EXACT
        return clear and self.bend >= LEAST_BEND


def check(straighten: str) -> str:
    """One of `CHOICES`; UsageError for anything else."""
    if straighten not in CHOICES:
        raise UsageError(f"straighten {straighten!r}: choose one of {', '.join(CHOICES)}")
    return straighten


def straightened(page: Image, ink: Mask) -> Image:
    """The page with straight lines where they are curved, else the page itself.

    It is as wide as before, and higher where ink would else leave it; what comes in from beyond its edges is white.

    Parameters
    ----------
    page : uint8 (H, W) or (H, W, 3), writing on white
    ink : bool (H, W), its ink

    Raises
    ------
    TypeError, ValueError
        `ink` is no mask, or not of the page's shape.
    """
    check_mask(ink, "ink")
    if ink.shape != page.shape[:2]:
        raise ValueError(f"straighten: page {page.shape[:2]} and ink {ink.shape} must have one shape")
    if max(page.shape[:2]) > LARGEST_SIDE:
        return page
    found = curvature(ink)
    if found is None or not found.sure or _folds(found.field, ink.shape):
        return page
    shown = page if page.ndim == 2 else page.min(axis=2)
    return moved(page, found.field, *_overhang(found.field, np.asarray(ink & (shown < 255), np.bool_)))


def curvature(ink: Mask) -> Curvature | None:
    """How the lines of a page, bool (H, W), are curved; None where there are too few letters or lines to tell."""
    lines, letter = text_lines(ink)
    if len(lines) < LEAST_LINES:
        return None
    x, y = (np.concatenate([line[axis] for line in lines]) for axis in (0, 1))
    of = np.repeat(np.arange(len(lines)), [line.shape[1] for line in lines])
    field, heights = _fitted(x, y, of, letter)
    off = np.abs(y - heights[of] - field.shift(x, heights[of])) / letter
    reach = np.array([[line[0].min(), line[0].max()] for line in lines])
    along = np.linspace(reach[:, 0], reach[:, 1], 17, axis=1)
    bent = field.shift(along, np.broadcast_to(heights[:, None], along.shape))
    apart = along - along.mean(axis=1, keepdims=True)
    slope = float((apart * bent).sum() / (apart**2).sum())
    bend = float(np.ptp(bent - slope * along, axis=1).max()) / letter
    return Curvature(field, len(lines), letter, bend, float(np.mean(off <= ON_LINE)), float(np.median(off)))


def text_lines(ink: Mask) -> tuple[list[Floats], float]:
    """The lines of a page: of each the middles and feet of its letters, float (2, letters), from left to right; and the letters' median height.

    A letter's neighbour is the nearest to its right that stands beside it, half its height at the least; where two letters have one neighbour, the
    nearer keeps it. Lines of fewer than `LETTERS` letters, or shorter than `LONG` of their heights, are left out.
    """
    boxes = letter_boxes(ink)
    height = median_height(boxes)
    if height is None or len(boxes) > MOST_LETTERS:
        return [], 0.0
    usual = (boxes[:, 3] > 0.4 * height) & (boxes[:, 3] < 3 * height)
    left, top, width, high = boxes[usual].T.astype(np.float64)
    right, foot = left + width, top + high
    follows = _neighbours(left, right, top, foot, height)
    begins = np.ones(len(left), np.bool_)
    begins[follows[follows >= 0]] = False
    lines = []
    next_of = follows.tolist()
    for letter in np.flatnonzero(begins).tolist():
        chain = [letter]
        while next_of[chain[-1]] >= 0:
            chain.append(next_of[chain[-1]])
        if len(chain) >= LETTERS and right[chain[-1]] - left[chain[0]] >= LONG * height:
            lines.append(np.stack([(left[chain] + right[chain]) / 2, foot[chain]]))
    return lines, height


def _neighbours(left: Floats, right: Floats, top: Floats, foot: Floats, height: float) -> NDArray[np.int64]:
    """The letter that follows each in its line, -1 where none does.

    Letters are sorted into bands as high as two of them; the neighbour is sought among the next four in the letter's own band and in those above and
    below, so that the time grows with the letters and not with their square.
    """
    count = len(left)
    band = np.floor((top + foot) / 2 / (2 * height)).astype(np.int64)
    far = float(right.max() + 1) * 2
    place = band * far + left
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    best = np.full(count, np.inf)
    follows = np.full(count, -1, np.int64)
    for nearby in (-1, 0, 1):
        first = np.searchsorted(ordered, (band + nearby) * far + left, side="right")
        for step in range(4):
            at = first + step
            other = order[np.minimum(at, count - 1)]
            beside = np.minimum(foot, foot[other]) - np.maximum(top, top[other])
            gap = left[other] - right
            fits = (at < count) & (band[other] == band + nearby) & (right[other] > right) & (gap <= GAP * height)
            fits &= beside >= 0.5 * np.minimum(foot - top, foot[other] - top[other])
            cost = np.where(fits, np.maximum(gap, 0) + 2 * np.abs(foot[other] - foot), np.inf)
            nearer = cost < best
            best[nearer], follows[nearer] = cost[nearer], other[nearer]
    # Of those that chose one neighbour the last in this order, the nearest, keeps it.
    sources = np.flatnonzero(follows >= 0)
    sources = sources[np.argsort(-best[sources], kind="stable")]
    keeper = np.full(count, -1, np.int64)
    keeper[follows[sources]] = sources
    kept = np.full(count, -1, np.int64)
    taken = np.flatnonzero(keeper >= 0)
    kept[keeper[taken]] = taken
    return kept


def _fitted(x: Floats, y: Floats, of: NDArray[np.int64], letter: float) -> tuple[Field, Floats]:
    """The field that puts letters at (x, y) on their lines, and the lines' heights; `of` is each letter's line.

    In each round the lines' heights are taken out of the normal equations (weighted means a line), so that the system has the field's few unknowns.
    """
    lines = int(of.max()) + 1
    heights: Floats = np.array([np.median(y[of == line]) for line in range(lines)])
    left, right = float(x.min()), float(x.max())
    top, bottom = float(heights.min()), float(heights.max())
    along = _powers(x, left, right, ALONG)[:, 1:]
    weight: Floats = np.ones(len(x))
    scale = max(1.0, 0.08 * letter)
    coefficients: Floats = np.zeros((ALONG, ACROSS + 1))
    for turn in range(ROUNDS):
        terms = (along[:, :, None] * _powers(heights[of], top, bottom, ACROSS)[:, None, :]).reshape(len(x), -1)
        means = np.stack([_means(term, weight, of) for term in terms.T], axis=1)
        apart = terms - means[of]
        ridge = RIDGE * len(x) * np.eye(terms.shape[1])
        normal, wanted = (apart * weight[:, None]).T @ apart, (apart * weight[:, None]).T @ (y - _means(y, weight, of)[of])
        solved = np.linalg.solve(normal + ridge, wanted)
        flat = y - np.asarray(terms @ solved, np.float64)
        heights = _means(flat, weight, of)
        narrow = scale * max(1.0, 16 / 2**turn)
        weight = np.asarray(1 / (1 + ((flat - heights[of]) / narrow) ** 2), np.float64)
        coefficients = np.asarray(solved, np.float64).reshape(ALONG, ACROSS + 1)
    return Field(coefficients, left, right, top, bottom), heights


def _means(values: Floats, weight: Floats, of: NDArray[np.int64]) -> Floats:
    """Weighted mean of the values of each line."""
    return np.asarray(np.bincount(of, weight * values) / np.bincount(of, weight), np.float64)


def _folds(field: Field, shape: tuple[int, int]) -> bool:
    """Whether the field would fold or squeeze the page, (H, W): no photograph of a page does."""
    height, width = shape
    columns = np.arange(0, width, max(1, width // 512), dtype=np.float64)
    rows = np.arange(0, height, max(1, height // 512), dtype=np.float64)
    stretch = 1 + np.diff(field.grid(columns, rows), axis=0) / np.diff(rows)[:, None]
    return not stretch.size or float(stretch.min()) < STEEPEST


def _overhang(field: Field, ink: Mask) -> tuple[int, int]:
    """Rows above and below the page that its ink needs, moved by the field; ink that touches the page's edges (a border, a neighbour) is let go."""
    import cv2

    height, width = ink.shape
    stats = cv2.connectedComponentsWithStats(np.asarray(ink, np.uint8), connectivity=8)[2][1:]
    x, y, wide, high = (stats[:, column].astype(np.float64) for column in range(4))
    inside = (x > 0) & (y > 0) & (x + wide < width) & (y + high < height)
    if not inside.any():
        return 0, 0
    x, y, wide, high = x[inside], y[inside], wide[inside], high[inside]
    ends = np.stack([x, x + wide / 2, x + wide])
    first = min(float(_straight(field, end, y).min()) for end in ends)
    last = max(float(_straight(field, end, y + high).max()) for end in ends)
    return int(max(0, np.ceil(MARGIN - first))), int(max(0, np.ceil(last + MARGIN - height)))


def _straight(field: Field, x: Floats, y: Floats) -> Floats:
    """The height at which what is found at (x, y) stands on its straight line: the field's inverse, by iteration."""
    height = y.copy()
    for _ in range(12):
        height = y - field.shift(x, height)
    return height


def moved(page: Image, field: Field, above: int = 0, below: int = 0) -> Image:
    """A page, uint8 (H, W) or (H, W, 3), by the field: cubic between its pixels, white beyond its edges, with so many more rows."""
    import cv2

    height, width = page.shape[:2]
    columns = np.arange(width, dtype=np.float64)
    across = np.broadcast_to(np.arange(width, dtype=np.float32), (STRIP, width))
    made = np.empty((above + height + below, *page.shape[1:]), np.uint8)
    for start in range(0, len(made), STRIP):
        rows = np.arange(start, min(start + STRIP, len(made)), dtype=np.float64) - above
        source = rows[:, None] + field.grid(columns, rows)
        first = int(np.clip(np.floor(source.min()) - 4, 0, height - 1))
        last = int(np.clip(np.ceil(source.max()) + 5, first + 1, height))
        made[start : start + len(rows)] = cv2.remap(
            page[first:last],
            np.ascontiguousarray(across[: len(rows)]),
            np.asarray(source - first, np.float32),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(255, 255, 255),
        )
    return made


def _powers(values: Floats, low: float, high: float, degree: int) -> Floats:
    """Powers 0, 1, ... `degree` of values between `low` and `high`, scaled to -1..1; of those beyond, the nearer end's. (..., degree + 1)"""
    scaled = np.clip((values - (low + high) / 2) / max((high - low) / 2, 1.0), -1, 1)
    return np.asarray(scaled[..., None] ** np.arange(degree + 1))
