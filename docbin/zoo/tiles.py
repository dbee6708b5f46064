"""How a page is cut for a network that is too large to see it at once: arithmetic on slices, the same for every runtime.

A *local* network sees a bounded neighbourhood (`halo`) on a grid (`stride`). A tile that starts on the grid and is handed in with `halo` pixels of
the page around it comes out as it would from the whole page (:func:`tiles`). A network that looks at all it is given has a `window` instead: it sees
windows of just this side, which overlap, and the middle of each is kept (:func:`windows`). Both yield (rows, columns) to hand in and
(rows, columns) of the page that the result is good for, in page coordinates; the good parts cover every pixel once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

Cut = tuple[slice, slice, slice, slice]


def cuts(height: int, width: int, tile: int, halo: int, stride: int = 1, window: int | None = None) -> Iterator[Cut]:
    """Cut a page: windows of side `window` where the network has one, else tiles of side `tile` on the grid of `stride`.

    `tile` and `halo` are rounded up to the stride. With a window, `halo` is the margin that is thrown away.
    """
    if window is not None:
        return windows(height, width, window, halo)
    return tiles(height, width, -(-tile // stride) * stride, -(-halo // stride) * stride)


def tiles(height: int, width: int, tile: int | tuple[int, int], halo: int) -> Iterator[Cut]:
    """Tiles of side `tile` (or of that height and width), each handed in with `halo` pixels of the page around it.

    At the page's border a tile ends as the page does.
    """
    high, wide = (tile, tile) if isinstance(tile, int) else tile
    for top in range(0, height, high):
        for left in range(0, width, wide):
            bottom, right = min(top + high, height), min(left + wide, width)
            yield (
                slice(max(top - halo, 0), min(bottom + halo, height)),
                slice(max(left - halo, 0), min(right + halo, width)),
                slice(top, bottom),
                slice(left, right),
            )


def cheapest_tile(height: int, width: int, halo: int, stride: int, area: int, least: int) -> tuple[int, int]:
    """(height, width) of the tiles that cover a page with the least to compute, where a tile with its surround may have `area` pixels.

    Usually these are strips of the page's width: what a strip is handed besides its own is two surrounds, however wide it is. Both sides are
    multiples of `stride`. Where the surround leaves no room in `area`, the tiles have side `least`.
    """

    def handed(length: int, tile: int) -> tuple[int, int]:
        """(most, sum) of what the tiles of a page of this length are handed."""
        parts = [min(start + tile + halo, length) - max(start - halo, 0) for start in range(0, length, tile)]
        return max(parts), sum(parts)

    def choices(length: int) -> dict[int, tuple[int, int]]:
        sides = {-(-length // (count * stride)) * stride for count in range(1, -(-length // least) + 1)}
        return {side: handed(length, side) for side in sides if side >= least or side >= length}

    best = None
    for high, (tallest, rows) in choices(height).items():
        for wide, (widest, columns) in choices(width).items():
            if tallest * widest <= area and (best is None or rows * columns < best[0]):
                best = rows * columns, high, wide
    side = -(-least // stride) * stride
    return (side, side) if best is None else best[1:]


def windows(height: int, width: int, window: int, halo: int) -> Iterator[Cut]:
    """As :func:`tiles`, but what is handed in has side `window` wherever the page is that large.

    Windows advance by ``window - 2 * halo``; the last of a row or column is moved back inside the page. Each is kept up to the middle of its
    overlap with its neighbour, which is at least `halo` away from its edge, and to the page's border where there is none.
    """
    for rows, good_rows in _spans(height, window, halo):
        for columns, good_columns in _spans(width, window, halo):
            yield rows, columns, good_rows, good_columns


def _spans(length: int, window: int, halo: int) -> list[tuple[slice, slice]]:
    if length <= window:
        return [(slice(0, length), slice(0, length))]
    last = length - window
    starts = [*range(0, last, window - 2 * halo), last]
    limits = [0, *((here + window + following) // 2 for here, following in pairwise(starts)), length]
    return [(slice(start, start + window), slice(low, high)) for start, (low, high) in zip(starts, pairwise(limits), strict=True)]


def inside(handed: slice, good: slice) -> slice:
    """`good` of the page, counted from the start of what was handed in."""
    return slice(good.start - handed.start, good.stop - handed.start)
