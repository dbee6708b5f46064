"""NumPy twin of the pseudo-recall and pseudo-precision weights (Ntirogiannis, Gatos, Pratikakis, IEEE TIP 22(2), 2013).

The paper weighs a missed ink pixel by its depth in the stroke, so that losing the core of a stroke costs more than shaving its edge, and a
false ink pixel by its distance from the stroke, so that it costs most where it bridges two components. Both weights are a distance D from the
text contour over a local normaliser N, and both normalisers are found through a skeleton. The contests' weight program settles what the paper
leaves open; its conventions, as they show in its own files, are these (all distances are chessboard distances):

1. Contour: ink with a 4-neighbour that is not ink, the world outside the page being paper. Components are 8-connected, of ink and of paper
   alike.
2. Skeleton: Zhang-Suen thinning to its end, then a sequential clean-up that deletes simple points (:func:`tidy_table`). Paper is thinned
   without the page's frame. A component that thins to nothing gets one pixel near its centre of mass.
3. D: distance to the contour; a skeleton pixel on the contour has 1, and one that equals its four neighbours is the crest and gets 1 more.
   Paper has a distance only inside the boxes of the components, grown by twice their stroke width; what lies beyond has no weight.
4. Every pixel looks at the nearest skeleton pixels (all of them, ties included) inside its component's bounding box. A skeleton pixel's
   *factor* is its D, plus 1 where the last pixel (by component, row, column) that looks at it is at least D away from the skeleton. An end
   of the skeleton takes its neighbour's factor plus 1.
5. N of ink: the largest D x factor of the skeleton pixels it looks at; a pixel that differs from all four neighbours takes its left
   neighbour's. Recall weight D / N.
6. Stroke width of a component: twice the mean factor, rounded down first. N of paper: the stroke width of the nearest component (the widest, if
   several are equally near), or the half gap (the root of D x factor) where that is smaller and a pixel equally near two components is in
   reach. Precision weight min(D / N, 2).

"All nearest skeleton pixels" is computed without searching: the nearest set of a pixel at distance d is the union of the nearest sets of
its neighbours at d - 1, so the maximum over the set travels outwards layer by layer, and "the last pixel that looks at j" travels inwards.
Only where a bounding box cuts the search window off is the window really searched (:func:`_search`). The compiled twin in
``csrc/metrics/weights.cpp`` does the same in one page sweep each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from docbin.page import Mask

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
FAR = 250  # stands for "out of reach": no weight, but an arithmetic value where a nearest skeleton pixel lies out there
UNREACHED = 1 << 20
_RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # N, NE, E, SE, S, SW, W, NW: bit 0 to bit 7


@dataclass(slots=True)
class Components:
    """8-connected components: label 0 is "none", labels follow the raster order of first pixels; `boxes` rows are (top, left, bottom, right),
    inclusive."""

    labels: Ints
    boxes: Ints


def components(mask: Mask) -> Components:
    """Label the 8-connected components of `mask`."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    used, first = np.unique(labels, return_index=True)
    order = [int(label) for label in used[np.argsort(first)] if label != 0]
    rank = np.zeros(len(stats), np.int32)
    rank[order] = np.arange(1, len(order) + 1, dtype=np.int32)
    boxes = np.zeros((len(order) + 1, 4), np.int32)
    for new, old in enumerate(order, start=1):
        left, top, width, height = (int(value) for value in stats[old, :4])
        boxes[new] = (top, left, top + height - 1, left + width - 1)
    return Components(rank[labels], boxes)


def chessboard(features: Mask) -> Ints:
    """Chessboard distance of every pixel to the nearest feature, UNREACHED where there is none."""
    import cv2

    if not features.any():
        return np.full(features.shape, UNREACHED, np.int32)
    return np.asarray(cv2.distanceTransform((~features).astype(np.uint8), cv2.DIST_C, 3)).astype(np.int32)


def contour_of(ink: Mask) -> Mask:
    """Ink with a 4-neighbour that is not ink."""
    padded = np.pad(ink, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.asarray(ink & ~inner)


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Deletion tables over the 8-neighbour code: the two Zhang-Suen sub-iterations and the clean-up."""
    first, second, tidy = (np.zeros(256, np.bool_) for _ in range(3))
    for code in range(256):
        p = [code >> bit & 1 for bit in range(8)]
        north, east, south, west = p[0], p[2], p[4], p[6]
        rises = sum(not p[k] and p[(k + 1) % 8] for k in range(8))
        if 2 <= sum(p) <= 6 and rises == 1:
            first[code] = not (north and east and south) and not (east and south and west)
            second[code] = not (north and east and west) and not (north and south and west)
        gaps = sum((not p[k]) and (bool(p[(k + 1) % 8]) or bool(p[(k + 2) % 8])) for k in (0, 2, 4, 6))
        tidy[code] = gaps == 1 and sum(p) >= 2 and not first[code] and not second[code]
    # Where the contests' files decide: both vertical triples go, of the four T-junctions two stay.
    tidy[[0x0E, 0xE0]] = True
    tidy[[0x15, 0x51]] = False
    return first, second, tidy


def tidy_table() -> NDArray[np.bool_]:
    """Deletion table of the clean-up: simple points (one 8-connected ink neighbourhood) with two neighbours or more that Zhang-Suen left."""
    return _tables()[2]


def thin(mask: Mask) -> Mask:
    """Skeleton of `mask`: Zhang-Suen (CACM 27(3), 1984) to its end, then the sequential clean-up to its end; outside the page is off."""
    height, width = mask.shape
    stride = width + 2
    on = np.pad(mask, 1).reshape(-1).copy()
    offsets = [dy * stride + dx for dy, dx in _RING]
    first, second, tidy = _tables()

    def codes(at: NDArray[np.intp]) -> NDArray[np.uint8]:
        code = np.zeros(len(at), np.uint8)
        for bit, offset in enumerate(offsets):
            code |= on[at + offset].astype(np.uint8) << bit
        return code

    alive = np.flatnonzero(on)
    front = alive[codes(alive) != 255]
    changed = True
    while changed:
        changed = False
        for table in (first, second):
            dead = front[table[codes(front)]]
            if len(dead):
                changed = True
                on[dead] = False
                reached = np.concatenate([front, *(dead + offset for offset in offsets)])
                front = np.unique(reached[on[reached]])
    row = on.tolist()
    table = tidy.tolist()
    left = np.flatnonzero(on).tolist()
    while True:
        kept = []
        for at in left:
            code = 0
            for bit, offset in enumerate(offsets):
                code |= row[at + offset] << bit
            if table[code]:
                row[at] = False
            else:
                kept.append(at)
        if len(kept) == len(left):
            break
        left = kept
    return np.array(row, np.bool_).reshape(height + 2, stride)[1:-1, 1:-1].copy()


def seed_empty(skeleton: Mask, found: Components) -> None:
    """Give every component without a skeleton pixel one: right below its integer mean where a component is, else on the mean itself."""
    count = len(found.boxes)
    has = np.bincount(found.labels[skeleton], minlength=count) > 0
    height, width = skeleton.shape
    for label in np.flatnonzero(~has[1:]) + 1:
        top, left, bottom, right = found.boxes[label]
        ys, xs = np.nonzero(found.labels[top : bottom + 1, left : right + 1] == label)
        y, x = int(ys.sum() + top * len(ys)) // len(ys), int(xs.sum() + left * len(xs)) // len(xs)
        if y + 1 < height and x + 1 < width and found.labels[y + 1, x + 1] != 0:
            y, x = y + 1, x + 1
        skeleton[y, x] = True


def raise_crest(distance: Ints, skeleton: Mask) -> None:
    """Add 1 to a skeleton pixel's distance where it equals its four neighbours', in raster order, in place; the page's edge repeats."""
    padded = np.pad(distance, 1, mode="edge")
    same = (
        (padded[:-2, 1:-1] == distance) & (padded[2:, 1:-1] == distance) & (padded[1:-1, :-2] == distance) & (padded[1:-1, 2:] == distance)
    )
    height, width = distance.shape
    for y, x in np.argwhere(same & skeleton & (distance > 0) & (distance < FAR)):
        value = distance[y, x]
        around = ((max(y - 1, 0), x), (min(y + 1, height - 1), x), (y, max(x - 1, 0)), (y, min(x + 1, width - 1)))
        if all(distance[at] == value for at in around):
            distance[y, x] = value + 1


def _search(features: Mask, box: NDArray[np.int32], y: int, x: int, radius: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the nearest features inside `box`; `radius` is a lower bound of their distance. Empty where the box holds none."""
    top, left, bottom, right = (int(value) for value in box)
    radius = max(radius, 1)
    while True:
        y0, y1, x0, x1 = max(y - radius, top), min(y + radius, bottom), max(x - radius, left), min(x + radius, right)
        ys, xs = np.nonzero(features[y0 : y1 + 1, x0 : x1 + 1])
        ys, xs = ys + y0, xs + x0
        if len(ys):
            far = np.maximum(np.abs(ys - y), np.abs(xs - x))
            nearest = far == far.min()
            return ys[nearest], xs[nearest]
        if (y0, x0, y1, x1) == (top, left, bottom, right):
            return ys, xs
        radius *= 2


class Nearest:
    """The relation "pixel i looks at feature j": j is among the nearest features inside the bounding box of i's component.

    `domain` holds the pixels that look. The relation is never stored; :meth:`outwards` and :meth:`inwards` carry maxima along it.
    """

    def __init__(self, features: Mask, distance: Ints, domain: Mask, found: Components) -> None:
        height, width = features.shape
        self.shape, self.stride = (height, width), width + 2
        self.distance = np.pad(distance, 1, constant_values=UNREACHED).reshape(-1)
        top, left, bottom, right = (found.boxes[found.labels, side] for side in range(4))
        ys, xs = np.arange(height)[:, None], np.arange(width)[None, :]
        cut = ((ys - distance < top) & (top > 0)) | ((xs - distance < left) & (left > 0))
        cut |= ((ys + distance > bottom) & (bottom < height - 1)) | ((xs + distance > right) & (right < width - 1))
        self.free = domain & ~cut & (distance < UNREACHED)
        self.cut = [
            (int(y), int(x), *_search(features, found.boxes[found.labels[y, x]], int(y), int(x), int(distance[y, x])))
            for y, x in np.argwhere(domain & cut)
        ]
        deepest = int(distance[self.free].max(initial=0))
        flat = np.flatnonzero(self.distance <= deepest)
        order = np.argsort(self.distance[flat], kind="stable")
        bounds = np.cumsum(np.bincount(self.distance[flat], minlength=deepest + 1))
        self.layers = np.split(flat[order], bounds[:-1])
        self.offsets = [dy * self.stride + dx for dy, dx in _RING]

    def outwards(self, values: Ints) -> Ints:
        """For every looking pixel the maximum of `values` over the features it looks at, -1 where it sees none."""
        best = np.pad(values, 1, constant_values=-1).reshape(-1)
        for d, layer in enumerate(self.layers[1:], start=1):
            top = np.full(len(layer), -1, best.dtype)
            for offset in self.offsets:
                inner = self.distance[layer + offset] == d - 1
                np.maximum(top, best[layer + offset], out=top, where=inner)
            best[layer] = top
        out = np.where(self.free, best.reshape(self.shape[0] + 2, -1)[1:-1, 1:-1], -1)
        for y, x, ys, xs in self.cut:
            out[y, x] = values[ys, xs].max(initial=-1)
        return out.astype(values.dtype)

    def inwards(self, keys: Longs) -> Longs:
        """For every feature the maximum of `keys` over the pixels that look at it, -1 where none does."""
        best = np.pad(np.where(self.free, keys, -1), 1, constant_values=-1).reshape(-1)
        for d in range(len(self.layers) - 1, 0, -1):
            layer = self.layers[d]
            for offset in self.offsets:
                inner = self.distance[layer + offset] == d - 1
                to = layer[inner] + offset
                best[to] = np.maximum(best[to], best[layer[inner]])
        out = np.ascontiguousarray(best.reshape(self.shape[0] + 2, -1)[1:-1, 1:-1])
        for y, x, ys, xs in self.cut:
            out[ys, xs] = np.maximum(out[ys, xs], keys[y, x])
        return out


def end_of_skeleton(factor: Ints, skeleton: Mask) -> None:
    """Let every skeleton pixel with one neighbour take that neighbour's factor plus 1, in raster order, in place.

    The weight program reads the neighbour to the lower right from the wrong place (row below, column 1), and at the page's edge counts the
    pixel itself as its own neighbour. Both are kept: the weights are defined by its files.
    """
    height, width = skeleton.shape
    for y, x in np.argwhere(skeleton):
        up, down, left, right = max(y - 1, 0), min(y + 1, height - 1), max(x - 1, 0), min(x + 1, width - 1)
        around = ((up, x), (down, x), (y, left), (y, right), (up, left), (down, right), (down, left), (up, right))
        hits = [at for at in around if skeleton[at]]
        if len(hits) == 1:
            at = hits[0]
            # only the lower right neighbour is misread
            value = factor[down, min(1, width - 1) if right > x else 0] if at == (down, right) and around.index(at) == 5 else factor[at]
            if value > 0:
                factor[y, x] = value + 1


def follow_left(values: Ints) -> None:
    """Let a pixel whose value differs from all four neighbours' (none of them 0) take its left neighbour's, in raster order, in place."""
    height, width = values.shape

    def differs(y: int, x: int) -> bool:
        around = values[max(y - 1, 0), x], values[min(y + 1, height - 1), x], values[y, max(x - 1, 0)], values[y, min(x + 1, width - 1)]
        return all(value != 0 and value != values[y, x] for value in around)

    padded = np.pad(values, 1, mode="edge")
    start = values > 0
    for other in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        start &= (other != 0) & (other != values)
    queue = [int(at) for at in np.flatnonzero(start)]
    heapify(queue)
    done = -1
    while queue:
        at = heappop(queue)
        if at <= done:
            continue
        done = at
        y, x = divmod(at, width)
        if values[y, x] > 0 and x > 0 and differs(y, x):
            values[y, x] = values[y, x - 1]
            if x + 1 < width:
                heappush(queue, at + 1)
            if y + 1 < height:
                heappush(queue, at + width)


def medial(distance: Ints, contour: Mask, skeleton: Mask, found: Components) -> tuple[Ints, Ints]:
    """Factor of every skeleton pixel and normaliser of every pixel that has a distance (see points 4 and 5 of the module)."""
    height, width = distance.shape
    domain = (distance > 0) & (distance < FAR)
    to_skeleton = chessboard(skeleton)
    away = np.where(skeleton & ~contour, 1, np.minimum(to_skeleton, FAR)).astype(np.int32)
    looks = Nearest(skeleton, to_skeleton, domain, found)
    keys = found.labels.astype(np.int64) * (height * width) + np.arange(height * width, dtype=np.int64).reshape(height, width)
    last = looks.inwards(keys)
    factor = skeleton.astype(np.int32)
    ys, xs = np.nonzero(skeleton & (last >= 0))
    writer = last[ys, xs] % (height * width)
    factor[ys, xs] = distance[ys, xs] + (away.reshape(-1)[writer] >= distance[ys, xs])
    end_of_skeleton(factor, skeleton)
    normaliser = np.maximum(looks.outwards(np.where(skeleton, distance * factor, -1).astype(np.int32)), 0)
    normaliser[~domain] = 0
    follow_left(normaliser)
    return factor, normaliser


@dataclass(slots=True)
class Parts:
    """The weights as ratios of integers (recall = depth / depth_scale on ink, precision = min(gap / gap_scale, 2) on paper; a scale of 0 means
    weight 0), and the skeleton of the truth."""

    depth: Ints
    depth_scale: Ints
    gap: Ints
    gap_scale: Ints
    skeleton: Mask


def weight_parts(truth: Mask) -> Parts:
    """Numerators and denominators of both weight maps of a truth, each int32 (H, W)."""
    ink = components(truth)
    contour = contour_of(truth)
    skeleton = thin(truth)
    seed_empty(skeleton, ink)
    to_contour = chessboard(contour)
    depth = np.where(truth, np.minimum(np.where(contour & skeleton, 1, to_contour), FAR), 0).astype(np.int32)
    raise_crest(depth, skeleton)
    factor, depth_scale = medial(depth, contour, skeleton, ink)

    widths = stroke_widths(factor, skeleton, ink)
    region = reached_paper(truth, ink, widths)
    paper = components(~truth)
    inner = np.zeros_like(truth)
    inner[1:-1, 1:-1] = ~truth[1:-1, 1:-1]
    ridge = thin(inner)
    seed_empty(ridge, paper)
    gap = np.where(region, np.minimum(to_contour, FAR), np.where(truth, 0, FAR)).astype(np.int32)
    sees_contour(gap, region, contour, to_contour, paper)
    raise_crest(gap, ridge)
    _, area = medial(gap, np.zeros_like(truth), ridge, paper)
    half_gap = np.floor(np.sqrt(area) + 0.5).astype(np.int32)

    domain = (gap > 0) & (gap < FAR)
    looks = Nearest(contour, to_contour, domain, paper)
    reach = looks.outwards(np.where(contour, widths[ink.labels], -1).astype(np.int32))
    highest = looks.outwards(np.where(contour, ink.labels, -1).astype(np.int32))
    count = len(ink.boxes)
    lowest = count - looks.outwards(np.where(contour, count - ink.labels, -1).astype(np.int32))
    near = domain & (gap <= reach)
    to_merge = chessboard(near & (highest != lowest) & (half_gap != 0))
    merging = (gap < reach) & (to_merge <= reach - gap)  # at the very end of its reach a pixel sees no merging, not even its own
    gap_scale = np.where(near, np.where(merging & (half_gap < reach), half_gap, reach), 0).astype(np.int32)
    return Parts(depth, depth_scale, gap, gap_scale, skeleton)


def stroke_widths(factor: Ints, skeleton: Mask, ink: Components) -> Ints:
    """Stroke width of every component (index 0 unused): twice the mean factor of its skeleton, rounded down; at most 255."""
    labels = ink.labels[skeleton]
    count = np.bincount(labels, minlength=len(ink.boxes))
    total = np.bincount(labels, weights=factor[skeleton], minlength=len(ink.boxes)).astype(np.int64)
    return np.minimum(total // np.maximum(count, 1) * 2, 255).astype(np.int32)


def reached_paper(truth: Mask, ink: Components, widths: Ints) -> Mask:
    """Paper inside the bounding box of a component grown by twice its stroke width."""
    region = np.zeros_like(truth)
    for (top, left, bottom, right), width in zip(ink.boxes[1:], widths[1:], strict=True):
        region[max(top - 2 * width, 0) : bottom + 2 * width + 1, max(left - 2 * width, 0) : right + 2 * width + 1] = True
    return np.asarray(region & ~truth)


def sees_contour(gap: Ints, region: Mask, contour: Mask, to_contour: Ints, paper: Components) -> None:
    """Set `gap` to 0 where the search window fills the whole component before it meets the contour (a hole of one pixel), in place."""
    height, width = gap.shape
    top, left, bottom, right = (paper.boxes[paper.labels, side] for side in range(4))
    ys, xs = np.arange(height)[:, None], np.arange(width)[None, :]
    steps = (ys - top, bottom - ys, xs - left, right - xs)
    on_border = (top == 0, bottom == height - 1, left == 0, right == width - 1)
    lower = np.zeros_like(gap)
    exact = np.full_like(gap, -1)
    fits = np.ones_like(region)
    for step, border in zip(steps, on_border, strict=True):
        lower = np.where(border, np.maximum(lower, step), lower)
        fits &= border | (exact < 0) | (exact == step)
        exact = np.where(~border & (exact < 0), step, exact)
    radius = np.where(exact >= 0, exact, lower)
    gap[region & fits & (radius >= lower) & (radius < to_contour)] = 0
