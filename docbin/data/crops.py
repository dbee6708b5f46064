"""Training crops from whole pages: crop number `index` is a pure function of (seed, index).

That one rule buys the rest. A training cut at step 1000 goes on with exactly the crops it would have seen; two workers, or ten, make the same
crops as one; a crop that broke something can be made again from two numbers. So there is no generator that walks along: each crop seeds its own
(NumPy's SeedSequence mixes the two numbers well), and a :class:`CropSource` keeps nothing between crops but caches.

A crop is drawn in this order:

1. a set by weight, a page of it (a larger page more often, by the square root of its area: the smallest pages of a set hold as many hands and
   papers as the largest, but fewer crops);
2. a place: most crops are centred near ink, because half of a page is blank margin; the others anywhere, so that margins, stains and scanner
   borders are learned too;
3. geometry in one resampling: flips and transpose, small rotation and shear, and a scale of 0.6 to 1.6, because text height on real scans varies
   more than a hundred pages show. Truth takes the same way as a fourth channel and is ink where at least half of the new pixel is covered;
4. colour: contrast, brightness, gamma, channel gains, sometimes plain grey;
5. degradations (:mod:`docbin.augment.degrade`), if any are given;
6. if asked for, a fourth channel: how deep each pixel lies below its paper, measured in the ink of its *page* (:mod:`docbin.kernels.depth`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.augment.bleed_through import Verso
from docbin.data.store import LabelledPage
from docbin.errors import UsageError
from docbin.kernels.depth import depth_plane, ink_depth, quotients
from docbin.page import Image, Mask, to_grey

CELL = 16  # pixels; ink is looked up on a grid of such cells

LOCAL = 0.6
"""Share of the crops whose depth is measured in the ink around, as it is on pages whose back does not shine through."""
OTHER_INK = 0.3
"""Share of the crops whose page has ink of quite another darkness elsewhere."""

Degrade = Callable[[Generator, Image, Mask, Verso], tuple[Image, Mask]]
"""A degradation pipeline: picture uint8 (H, W, 3) and truth bool (H, W) to the same."""


@dataclass(frozen=True, slots=True)
class Augment:
    """How far a crop may differ from the page it was cut from.

    Attributes
    ----------
    near_ink : share of crops that are centred near ink, 0..1
    as_is : share of crops cut pixel by pixel (flips and transpose apart), 0..1
    scale : smallest and largest size of the text against the page, drawn evenly in the logarithm
    rotation : standard deviation of the rotation in degrees (a crop is rotated at all with probability 0.5)
    shear : largest horizontal shear
    flips : mirror and transpose
    colour : strength of the colour jitter, 0 = none, 1 = strong
    grey : share of crops made grey, 0..1
    """

    near_ink: float = 0.85
    as_is: float = 0.25
    scale: tuple[float, float] = (0.6, 1.6)
    rotation: float = 3.0
    shear: float = 0.1
    flips: bool = True
    colour: float = 0.5
    grey: float = 0.25


NO_AUGMENT = Augment(near_ink=0.85, as_is=1.0, scale=(1.0, 1.0), rotation=0.0, shear=0.0, flips=False, colour=0.0, grey=0.0)
"""Plain cuts, for looking at data and for validation crops."""


class CropSource:
    """Crops of `size` x `size` pixels, mixed by weight over the sets of `pages`.

    Parameters
    ----------
    pages : labelled pages of any sets; at least one
    size : side of a crop in pixels
    seed : with the index it decides everything about a crop
    weights : set -> weight (0 leaves a set out; a set that is not named gets weight 0); None weighs every page alike
    augment : geometry and colour; see :class:`Augment`
    degrade : degradations applied last: one pipeline, or one a set (sets that are not named get none), or None
    depth : add the depth plane as a fourth channel

    Raises
    ------
    UsageError
        No page, a size below 1, or weights that name an unknown set or leave nothing.
    """

    def __init__(
        self,
        pages: Sequence[LabelledPage],
        size: int = 256,
        seed: int = 0,
        weights: Mapping[str, float] | None = None,
        augment: Augment | None = None,
        degrade: Degrade | Mapping[str, Degrade] | None = None,
        depth: bool = False,
    ) -> None:
        if not pages:
            raise UsageError("no pages to cut crops from; name at least one set")
        if size < 1:
            raise UsageError(f"size={size}: a crop of at least one pixel is wanted")
        self.pages = list(pages)
        self.size = size
        self.seed = seed
        self.augment = augment if augment is not None else Augment()
        self.degrade = dict.fromkeys((page.dataset for page in self.pages), degrade) if callable(degrade) else dict(degrade or {})
        self.depth = depth
        self._page_inks: dict[int, float] = {}
        by_set: dict[str, list[int]] = {}
        for number, page in enumerate(self.pages):
            by_set.setdefault(page.dataset, []).append(number)
        if weights is None:
            weights = {name: float(len(members)) for name, members in by_set.items()}
        unknown = sorted(set(weights) - set(by_set))
        if unknown:
            raise UsageError(f"weights name {', '.join(unknown)}, of which there are no pages; there are {', '.join(sorted(by_set))}")
        if min(weights.values(), default=0.0) < 0 or sum(weights.values()) <= 0:
            raise UsageError(f"weights {dict(weights)}: none below 0 and at least one above 0 are wanted")
        self._sets = [by_set[name] for name in by_set if weights.get(name, 0.0) > 0]
        self._set_limits = _limits([weights[name] for name in by_set if weights.get(name, 0.0) > 0])
        self._page_limits: list[NDArray[np.float64] | None] = [None] * len(self._sets)
        self._ink_cells: dict[int, NDArray[np.int32]] = {}

    def crop(self, index: int) -> tuple[Image, Mask]:
        """Crop number `index` >= 0: picture uint8 (size, size, 3) RGB, with `depth` a fourth channel, and truth bool (size, size), True = ink.

        A pure function of (seed, index).
        """
        rng = np.random.default_rng((self.seed, index))
        number = self._draw_page(rng)
        cut, truth_there = self._cut_page(rng, number, (self.size, self.size))
        image, truth = recolour(rng, cut, self.augment), truth_there
        degrade = self.degrade.get(self.pages[number].dataset)
        if degrade is not None:
            image, truth = degrade(rng, image, truth, self.cut)
        if self.depth:
            measured = np.random.default_rng((self.seed, index, 1))
            ink = self._ink_now(measured, number, (cut, truth_there), (image, truth))
            local = bool(measured.random() < LOCAL)
            image = np.dstack([image, depth_plane(to_grey(image), ink, local=local)])
        return image, truth

    def _ink_now(self, rng: Generator, number: int, before: tuple[Image, Mask], after: tuple[Image, Mask]) -> float:
        """Depth of the page's ink, had the whole page been changed as the crop was.

        Nobody degrades a whole page for one crop. The ink of the crop says by how much the darkest ink grew paler or darker; now and then what
        happened may have happened to this part of the page only, so only a share of that change is put down to the page. In use the level is often
        that of something else: of a black heading elsewhere on a page in pencil, of a border, a stamp. So it is here.
        """
        ink = self._page_inks.get(number)
        if ink is None:
            ink = self._page_inks[number] = _page_ink(self.pages[number])
        local, share, jitter, other = rng.random() < 0.3, rng.random(), rng.normal(0.0, 0.06), rng.random() < OTHER_INK
        change = 1.0
        if min(before[1].sum(), after[1].sum()) >= 64:
            was, is_now = (255.0 - float(np.percentile(quotients(to_grey(image))[truth], 10)) for image, truth in (before, after))
            change = (max(is_now, 1.0) / max(was, 1.0)) ** (share if local else 1.0)
        guess = ink * change * np.exp(jitter) * (np.exp(rng.uniform(-0.4, 1.4)) if other else 1.0)
        return float(np.clip(guess, 1.0, 255.0))

    def cut(self, rng: Generator, shape: tuple[int, int]) -> tuple[Image, Mask]:
        """A piece of any page: what shines through from behind."""
        return self._cut_page(rng, self._draw_page(rng), shape)

    def _cut_page(self, rng: Generator, number: int, shape: tuple[int, int]) -> tuple[Image, Mask]:
        """A piece of one page after geometry, before colour."""
        layers = self.pages[number].layers()
        row, column = self._draw_centre(rng, number)
        piece = _resample(rng, layers, (row, column), shape, self.augment)
        return np.ascontiguousarray(piece[..., :3]), piece[..., 3] > 127

    def _draw_page(self, rng: Generator) -> int:
        drawn = int(np.searchsorted(self._set_limits, rng.random(), side="right"))
        members = self._sets[drawn]
        limits = self._page_limits[drawn]
        if limits is None:
            limits = _limits([float(np.sqrt(np.prod(self.pages[number].shape))) for number in members])
            self._page_limits[drawn] = limits
        return members[int(np.searchsorted(limits, rng.random(), side="right"))]

    def _draw_centre(self, rng: Generator, number: int) -> tuple[float, float]:
        height, width = self.pages[number].shape
        if rng.random() < self.augment.near_ink:
            cells = self._cells(number)
            if len(cells):
                row, column = cells[int(rng.integers(len(cells)))]
                spread = self.size / 4
                row, column = (row + 0.5) * CELL + rng.uniform(-spread, spread), (column + 0.5) * CELL + rng.uniform(-spread, spread)
                return float(np.clip(row, 0, height)), float(np.clip(column, 0, width))
        return rng.uniform(0, height), rng.uniform(0, width)

    def _cells(self, number: int) -> NDArray[np.int32]:
        """(row, column) of the grid cells of a page that hold ink."""
        cells = self._ink_cells.get(number)
        if cells is None:
            truth = self.pages[number].layers()[..., 3]
            rows, columns = np.arange(0, truth.shape[0], CELL), np.arange(0, truth.shape[1], CELL)
            inked = np.maximum.reduceat(np.maximum.reduceat(truth, rows, axis=0), columns, axis=1)
            cells = np.argwhere(inked).astype(np.int32)
            self._ink_cells[number] = cells
        return cells


def _page_ink(page: LabelledPage) -> float:
    """Ink level of a page as it is measured in use, but never far from the truth: a page measured wrongly by a factor (a black border, mostly)
    would teach that depth says nothing."""
    quotient = quotients(to_grey(np.ascontiguousarray(page.image)))
    truth = page.truth
    measured = float(ink_depth(quotient))
    if truth.sum() < 64:
        return measured
    of_truth = 1.05 * float(np.percentile(255 - quotient[truth], 90))
    return float(np.clip(measured, 0.75 * of_truth, 1.35 * of_truth))


def _limits(weights: Sequence[float]) -> NDArray[np.float64]:
    """Upper ends of the shares of `weights` in 0..1, for searchsorted; the last is above any draw."""
    limits = np.cumsum(np.asarray(weights, np.float64))
    limits /= limits[-1]
    limits[-1] = 2.0
    return limits


def _resample(
    rng: Generator, layers: NDArray[np.uint8], centre: tuple[float, float], shape: tuple[int, int], augment: Augment
) -> NDArray[np.uint8]:
    """A piece of `shape` around `centre` (row, column), uint8 (h, w, 4), flipped, turned and scaled as `augment` allows.

    Beyond the page its mirror image goes on. A piece that shrinks is first averaged over areas (no aliasing), then turned.
    """
    import cv2

    flip = (int(rng.integers(2)), int(rng.integers(2)), int(rng.integers(2))) if augment.flips else (0, 0, 0)
    plain = rng.random() < augment.as_is
    scale = float(np.exp(rng.uniform(np.log(augment.scale[0]), np.log(augment.scale[1]))))
    turned = rng.random() < 0.5 and augment.rotation > 0
    angle = float(np.clip(rng.normal(0.0, augment.rotation), -15, 15)) if turned else 0.0
    shear = float(rng.uniform(-augment.shear, augment.shear)) if turned else 0.0
    smooth = rng.random() < 0.7
    if plain:
        scale, angle, shear = 1.0, 0.0, 0.0
    height, width = shape if not flip[2] else shape[::-1]
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    turn = np.array([[cosine, -sine], [sine, cosine]]) @ np.array(
        [[1.0, shear], [0.0, 1.0]]
    )  # (x, y) of the piece -> (x, y) of the scaled page
    if angle == 0.0 and shear == 0.0:
        span_x, span_y = width / scale, height / scale
    else:
        span_x = (abs(turn[0, 0]) * width + abs(turn[0, 1]) * height) / scale + 4 / scale
        span_y = (abs(turn[1, 0]) * width + abs(turn[1, 1]) * height) / scale + 4 / scale
    region = _region(layers, centre, int(np.ceil(span_y)), int(np.ceil(span_x)))
    if scale != 1.0:
        target = (max(1, round(region.shape[1] * scale)), max(1, round(region.shape[0] * scale)))
        how = cv2.INTER_AREA if scale < 1 else (cv2.INTER_LINEAR if smooth else cv2.INTER_CUBIC)
        region = cv2.resize(region, target, interpolation=how)
    if angle or shear:
        middle = np.array([(region.shape[1] - 1) / 2, (region.shape[0] - 1) / 2])
        offset = middle - turn @ np.array([(width - 1) / 2, (height - 1) / 2])
        how = cv2.INTER_LINEAR if smooth else cv2.INTER_CUBIC
        matrix = np.column_stack([turn, offset])
        region = cv2.warpAffine(region, matrix, (width, height), flags=how | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101)
    elif region.shape[:2] != (height, width):
        region = _region(region, (region.shape[0] / 2, region.shape[1] / 2), height, width)
    if flip[2]:
        region = region.transpose(1, 0, 2)
    if flip[0]:
        region = region[::-1]
    if flip[1]:
        region = region[:, ::-1]
    return np.ascontiguousarray(region)


def _region(layers: NDArray[np.uint8], centre: tuple[float, float], height: int, width: int) -> NDArray[np.uint8]:
    """The (height, width) pixels around `centre`, kept inside a page that is large enough, else with its mirror image beyond the edges."""
    rows = _span(centre[0], height, layers.shape[0])
    columns = _span(centre[1], width, layers.shape[1])
    if isinstance(rows, slice) and isinstance(columns, slice):
        return np.ascontiguousarray(layers[rows, columns])
    row_index = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    column_index = np.arange(columns.start, columns.stop) if isinstance(columns, slice) else columns
    return np.ascontiguousarray(layers[row_index[:, None], column_index[None, :]])


def _span(centre: float, length: int, available: int) -> slice | NDArray[np.int64]:
    start = round(centre - length / 2)
    if length <= available:
        start = min(max(start, 0), available - length)
        return slice(start, start + length)
    if available == 1:
        return np.zeros(length, np.int64)
    period = 2 * (available - 1)
    folded = np.arange(start, start + length) % period
    return np.where(folded < available, folded, period - folded)


def recolour(rng: Generator, image: Image, augment: Augment) -> Image:
    """Contrast, brightness, gamma, saturation and channel gains by one matrix and one table; order of ink and paper is kept."""
    import cv2

    grey = rng.random() < augment.grey
    draws = rng.random(8)
    if augment.colour > 0 and draws[0] < 0.8:
        strength = augment.colour
        saturation = 1.0 + strength * (draws[1] * 2 - 1)
        luma = np.array([0.299, 0.587, 0.114])
        gains = 1.0 + 0.2 * strength * (draws[2:5] * 2 - 1)
        matrix = (saturation * np.eye(3) + (1 - saturation) * np.outer(np.ones(3), luma)) * gains[:, None]
        image = cv2.transform(image, matrix)
        contrast = float(np.exp(strength * (draws[5] * 2 - 1) * 0.7))
        brightness = strength * (draws[6] * 2 - 1) * 50
        gamma = float(np.exp(strength * (draws[7] * 2 - 1) * 0.8))
        level = np.arange(256) / 255
        table = np.clip(255 * level**gamma, 0, 255)
        table = np.clip((table - 160) * contrast + 160 + brightness, 0, 255)
        image = cv2.LUT(image, np.rint(table).astype(np.uint8))
    if grey:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(image, dtype=np.uint8)
