"""Is a page dark writing on light paper, or light writing on dark: a microfilm negative, a blueprint, a slate, a screen in its dark theme?

The mean grey does not tell: a photographed page may lie on a black table, a negative may have a broad white edge. So writing itself is asked. Where
there is writing, a window of a few letters holds two levels, changes between them many times a row, and less of it is stroke than ground. Every such
window says which of the two levels is the rarer, the surer the rarer; borders, shadows, stains and empty paper do not fill these conditions and have
no say. Only where most of the evidence is for light strokes is a page taken for light on dark.

A page of dark writing may hold panels of light writing, heads of tables and banners: those are turned over by themselves (:mod:`.dark_panels`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from docbin.dark_panels import Panel, dark_panels, tone
from docbin.errors import UsageError
from docbin.kernels.area_means import area_means
from docbin.kernels.order_statistics import median, percentile
from docbin.page import Image, check_image, to_grey

Polarity = Literal["dark", "light"]
POLARITIES = ("auto", "dark", "light")
"""What a user may ask for; "dark" is dark writing on light paper."""

SIDE = 1600
"""Pixels of the longer side that a page is looked at; letters of larger pages shrink with it."""
WINDOW = 48
"""Side of a window in such pixels: a few letters of a text of 10 to 30 pixels."""
CONTRAST = 24
"""Grey levels between a window's strokes and its ground, at the least."""
CHANGES = (0.035, 0.3)
"""Changes between the two levels a pixel of a row or column: fewer have an edge or a shadow, more have noise and halftone."""
PARTED = 0.62
"""Share of a window's variance that lies between its two levels; of a smooth shade it is half to three fifths, of writing more."""
MOST = 400
"""Windows that are looked at, spread over the page."""
GROUND = 165
"""Median grey level of the ground in windows that vote for light strokes: above it the ground is light paper, and what is lighter glares."""
FEWEST = 8
"""Windows that a decision wants; with fewer the page is looked at 2.5 times smaller, and once more, before it counts as dark on light."""
MAJORITY = 0.5
"""Light on dark needs this lead of its votes over those for dark on light, as a share of all votes."""
GLANCE = 48
"""Windows, about, that are looked at first: a lattice of those of the whole page."""
SURE = 0.7
"""Lead of the votes for dark on light at such a glance, of at least twice `FEWEST`, that makes a look at the whole page needless: of 1,966 pages
and photographs and their negatives 357 have it, and the least lead that one of these has as a whole is 0.1; light on dark has less than -0.5."""

DIMMEST = 16.0
"""Level that the ground of an inverted panel counts as at least: what is darker would be made lighter out of noise."""
PAPER = 0.75
"""Share of the pixels beside a panel up to the level of which its ground is lifted."""


def polarity_of(image: Image) -> Polarity:
    """ "light" for light writing on dark ground, else "dark" (an empty page, too).

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)

    Notes
    -----
    Most pages are dark on light beyond doubt, and a tenth of their windows shows it (:func:`glance`); only of others the whole is looked at.
    """
    image = check_image(image)
    first = glance(image)
    if first is not None and first >= SURE:
        return "dark"
    lead = lead_of_dark(image)
    return "light" if lead is not None and lead < -MAJORITY else "dark"


def glance(image: Image) -> float | None:
    """:func:`lead_of_dark` by some `GLANCE` windows of the page, uint8 (H, W) or (H, W, 3), cut out and made smaller each by itself; None where fewer
    than twice `FEWEST` of them hold writing, or the page has no more windows than that."""
    height, width = image.shape[:2]
    side = WINDOW * max(1.0, max(height, width) / SIDE)
    rows, columns = int(height / side), int(width / side)
    step = rows * columns // GLANCE
    if step < 2:
        return None
    windows = []
    for row in range(rows):
        for column in range(-3 * row % step, columns, step):  # a lattice: neither rows nor columns of the page are left out
            top, left = int(row * side), int(column * side)
            part = to_grey(image[top : int(top + side), left : int(left + side)])
            windows.append(area_means(part, (WINDOW, WINDOW)) if side > WINDOW else part)
    votes = _votes_of(np.stack(windows))
    return _lead(votes) if len(votes) >= 2 * FEWEST else None


def lead_of_dark(image: Image) -> float | None:
    """Evidence for dark strokes less evidence for light ones, as a share of all, -1..1; None where there is too little writing to tell."""
    grey = to_grey(check_image(image))
    shrink = max(1.0, max(grey.shape) / SIDE)
    for _ in range(3):
        size = (max(1, round(grey.shape[0] / shrink)), max(1, round(grey.shape[1] / shrink)))
        if min(size) < WINDOW // 3:
            return None
        votes = _votes(area_means(grey, size) if shrink > 1 else grey)
        if len(votes) >= FEWEST or shrink * WINDOW > max(grey.shape):
            break
        shrink *= 2.5
    enough = len(votes) >= FEWEST or (len(votes) and len(votes) * WINDOW**2 > 0.25 * size[0] * size[1])
    return _lead(votes) if enough else None


def _lead(votes: NDArray[np.float64]) -> float:
    return float(votes.sum() / np.abs(votes).sum())


def _votes(grey: Image) -> NDArray[np.float64]:
    """:func:`_votes_of` the windows of a page."""
    side = min(WINDOW, *grey.shape)
    rows, columns = grey.shape[0] // side, grey.shape[1] // side
    return _votes_of(grey[: rows * side, : columns * side].reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side))


def _votes_of(windows: Image) -> NDArray[np.float64]:
    """A number a window with writing, of windows uint8 (N, side, side): above 0 where the darker level is the rarer, the larger the surer."""
    spread = windows.max(axis=(1, 2)).astype(np.int16) - windows.min(axis=(1, 2))
    windows = windows[spread >= CONTRAST]
    if not len(windows):
        return np.zeros(0)
    windows = windows[:: -(-len(windows) // MOST)]
    low, high = (percentile(windows.reshape(len(windows), -1), share) for share in (0.04, 0.96))
    dark = windows < ((low + high) / 2)[:, None, None]
    share = dark.mean(axis=(1, 2))
    changes = ((dark[:, :, 1:] != dark[:, :, :-1]).mean(axis=(1, 2)) + (dark[:, 1:] != dark[:, :-1]).mean(axis=(1, 2))) / 2
    # sums of whole numbers, exact, and many times as fast as means over boolean and float planes
    flat, flat_dark = windows.reshape(len(windows), -1).astype(np.int32), dark.reshape(len(windows), -1)
    pixels, sums = flat.shape[1], flat.sum(axis=1, dtype=np.int64)
    squares, sums_dark = np.einsum("ij,ij->i", flat, flat, dtype=np.int64), np.einsum("ij,ij->i", flat, flat_dark, dtype=np.int64)
    total = squares / pixels - (sums / pixels) ** 2
    mean_dark = sums_dark / pixels / np.maximum(share, 1e-6)
    mean_light = (sums - sums_dark) / pixels / np.maximum(1 - share, 1e-6)
    between = share * (1 - share) * (mean_light - mean_dark) ** 2
    writing = (high - low >= CONTRAST) & (changes >= CHANGES[0]) & (changes <= CHANGES[1]) & (between >= PARTED * total)
    light = writing & (share > 0.5)
    if light.any() and median(mean_dark[light]) > GROUND:
        writing &= ~light
    share = np.clip(share[writing], 0.05, 0.95)
    return np.asarray(np.log((1 - share) / share), np.float64)


def upright(image: Image, polarity: str) -> tuple[Image, Polarity]:
    """The page as dark on light, and what it was.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    polarity : "dark" takes it as it is, "light" inverts it, "auto" looks (:func:`polarity_of`) and inverts it, or the panels of light writing on it

    Raises
    ------
    UsageError
        Another word.
    """
    found = _found(image, polarity)
    if found == "light":
        return np.asarray(255 - image, np.uint8), found
    panels = dark_panels(image) if polarity == "auto" else []
    return (_turned_over(image, panels) if panels else image), found


def grey_upright(image: Image, polarity: str) -> tuple[Image, Polarity]:
    """:func:`upright` in grey, uint8 (H, W), for which the page, uint8 (H, W) or (H, W, 3), is converted once; what is light is inverted in
    colours."""
    grey = to_grey(image)
    found = _found(grey, polarity)
    if found == "light":
        return to_grey(np.asarray(255 - image, np.uint8)), found
    panels = dark_panels(grey) if polarity == "auto" else []
    return (to_grey(_turned_over(image, panels)) if panels else grey), found


def _turned_over(image: Image, panels: Sequence[Panel]) -> Image:
    """The page, uint8 (H, W) or (H, W, 3), with its panels inverted, their ground everywhere as light as the paper beside them, and their blurred
    edges nowhere darker than that.

    Of a blue panel comes a yellow ground of half the paper's lightness, and its edge, or the dark end of a gradient, would be strokes to a method.
    """
    import cv2

    turned = image.copy()
    blur = max(3, round(max(image.shape[:2]) / SIDE))
    for rows, columns, inside in panels:
        top, left = min(blur, rows.start), min(blur, columns.start)
        outer = turned[rows.start - top : rows.stop + blur, columns.start - left : columns.stop + blur]
        mask = np.zeros(outer.shape[:2], np.uint8)
        mask[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
        window = np.ones((2 * blur + 1,) * 2, np.uint8)
        core = cv2.erode(mask, window, borderValue=1)
        grown = cv2.dilate(mask, window)
        edge, beside = (grown > core).view(np.bool_), (grown > mask).view(np.bool_)
        for plane in (outer,) if outer.ndim == 2 else (outer[..., part] for part in range(3)):
            ground = np.maximum(tone(255 - plane, core.view(np.bool_)), DIMMEST)
            lightest = ground[core.view(np.bool_)].max()
            if beside.any():  # paper, and what of it is blurred with the panel
                lightest = max(lightest, float(percentile(plane[beside][None], PAPER)[0]))
            turned_over = np.minimum((255 - plane) * (lightest / ground), 255).astype(np.uint8)
            np.copyto(plane, turned_over, where=mask.view(np.bool_))
            plane[edge] = np.maximum(plane[edge], np.uint8(min(lightest, 255)))
    return turned


def _found(image: Image, polarity: str) -> Polarity:
    if polarity not in POLARITIES:
        raise UsageError(f"polarity {polarity!r}: choose one of {', '.join(POLARITIES)}")
    return polarity_of(image) if polarity == "auto" else "light" if polarity == "light" else "dark"


def with_own_hues(inverted: Image) -> Image:
    """An inverted page (:func:`upright`) with the hues it had before: red writing on black is red on white, not cyan. Greys stay as they are.

    Lightness, halfway between a pixel's largest and smallest channel, is that of the inverted page, and so is its distance from either channel.

    Parameters
    ----------
    inverted : uint8 (H, W) or (H, W, 3)
    """
    if inverted.ndim == 2:
        return inverted
    import cv2

    red, green, blue = cv2.split(inverted)
    largest, smallest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    # Largest + smallest passes 255, but less a channel between the two it does not: each difference fits in 8 bits, and so does their sum.
    return np.asarray(cv2.merge([cv2.add(cv2.subtract(largest, one), smallest) for one in (red, green, blue)]), np.uint8)
