"""Writing of the page's back that shines through: what a binarizer most easily takes for faint ink.

On real pages it is anything from a hint to two thirds of the contrast of the front's ink, in strokes that are blurred much or (thin paper) a little,
speckled by the fibres, often in another hand, size or direction, and often just where the front is empty: in margins and between lines. So all
of that is drawn here. Truth stays decidable by one rule: measured on the crop itself, what shines through reaches at most DARKEST of the contrast
of the front's own ink, whatever strength and grain are drawn.

Every function takes (rng, image, truth, strength, verso) and returns a new (image, truth): image uint8 (H, W, 3) RGB, truth bool (H, W), strength
0..1; `verso` gives picture and truth of another page in the size asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from docbin.augment.ink_effects import paper_under_ink
from docbin.augment.paper_effects import darken, levels_of
from docbin.page import FloatMap, Image, Mask

Verso = Callable[[Generator, tuple[int, int]], tuple[Image, Mask]]
"""Gives picture (uint8 (H, W, 3)) and truth of another page, of the size asked for: what shines through from the back."""

DARKEST = 0.8
"""Most of the front ink's contrast that the back may reach."""

DARKEST_ALONE = 0.5
"""The same where no front ink is left to compare with."""

_UNKNOWN = 0.3
"""Contrast, as a share of the paper's brightness, taken for the ink's where the front has none: pale ink."""


def bleed_through(rng: Generator, image: Image, truth: Mask, strength: float, verso: Verso) -> tuple[Image, Mask]:
    """The back shines through all of the piece or a part of it. Truth stays the front's."""
    most = DARKEST if truth.any() else DARKEST_ALONE
    share = rng.uniform(0.1, 0.3 + (most - 0.3) * strength)
    return _shine(rng, image, verso, share * _ink_depth(image, truth)), truth


def verso_only(rng: Generator, image: Image, truth: Mask, strength: float, verso: Verso) -> tuple[Image, Mask]:
    """The back shines through where the front is empty: ink is taken off half of the piece or all of it, then the back is laid over.

    Whole strokes go, with truth, and paper takes their place. The back keeps to the depth of the ink that was there.
    """
    depth = _ink_depth(image, truth)
    gone = strokes_in(rng, truth)
    if gone.any():
        image, truth = _without(rng, image, truth, gone), truth & ~gone
    most = DARKEST if truth.any() else DARKEST_ALONE
    share = rng.uniform(0.2, 0.5 + (most - 0.5) * strength)
    return _shine(rng, image, verso, share * depth), truth


def _ink_depth(image: Image, truth: Mask) -> float:
    """Share of the paper's light that the front's ink takes away, 0..1: that of its paler half, so that no stroke is outdone by the back."""
    _, paper = levels_of(image, truth)
    if not truth.any() or paper <= 0:
        return _UNKNOWN
    ink = image[truth].astype(np.float32) @ np.array([0.3, 0.6, 0.1], np.float32)
    return float(np.clip((paper - np.median(ink)) / paper, 0.04, 0.95))


def _shine(rng: Generator, image: Image, verso: Verso, most: float) -> Image:
    """`image` with a back laid over it that takes at most the share `most` of the light."""
    shape = (image.shape[0], image.shape[1])
    blur = float(np.exp(rng.uniform(np.log(0.8), np.log(3.8))))
    back = _back(rng, shape, verso, blur)
    if rng.random() < 0.7:
        back *= _speckle(rng, shape)
    if rng.random() < 0.5:  # pressed harder here than there
        back *= 1 - np.float32(rng.uniform(0.2, 0.9)) * _clouds(rng, shape, int(rng.integers(2, 7)))
    if rng.random() < 0.35:
        back *= _part(rng, shape)
    return darken(image, np.clip(back, 0, 1) * np.float32(most / (1 + 0.08 * blur)), _tone(rng, image))


def _back(rng: Generator, shape: tuple[int, int], verso: Verso, blur: float) -> FloatMap:
    """The back's ink, mirrored, at times resized, through paper that blurs by `blur` pixels: float32 `shape`, 1 = the darkest strokes."""
    import cv2

    zoom = float(np.exp(rng.uniform(np.log(0.6), np.log(1.8)))) if rng.random() < 0.5 else 1.0
    picture, ink = verso(rng, (max(1, round(shape[0] / zoom)), max(1, round(shape[1] / zoom))))
    dark, paper = levels_of(picture, ink)
    density = (np.float32(paper) - picture[..., 1]) / np.float32(max(paper - dark, 12.0))
    back = (ink * np.clip(density, 0.4, 1.0))[:, ::-1].astype(np.float32)
    if back.shape != shape:
        back = cv2.resize(back, shape[::-1], interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
    strokes = back > 0.3
    back = cv2.GaussianBlur(back, (0, 0), blur, borderType=cv2.BORDER_REPLICATE)
    peak = float(np.quantile(back[strokes], 0.9)) if strokes.any() else 0.0
    return np.asarray(np.minimum(back / np.float32(max(peak, 0.05)), 1), dtype=np.float32)


def _speckle(rng: Generator, shape: tuple[int, int]) -> FloatMap:
    """How much the fibres let through: noise of one to four pixels around 1, float32 `shape`, not below 0."""
    import cv2

    noise = cv2.GaussianBlur(
        rng.standard_normal(shape, dtype=np.float32), (0, 0), float(rng.uniform(0.5, 1.8)), borderType=cv2.BORDER_REPLICATE
    )
    spread = max(float(noise.std()), 1e-6)
    return np.asarray(np.maximum(1 + noise * np.float32(rng.uniform(0.1, 0.5) / spread), 0), dtype=np.float32)


def _clouds(rng: Generator, shape: tuple[int, int], cells: int) -> FloatMap:
    """A soft field, float32 `shape` in 0..1, of `cells` random points a side."""
    import cv2

    coarse = rng.random((cells, cells), dtype=np.float32)
    return np.asarray(np.clip(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), 0, 1), dtype=np.float32)


def _part(rng: Generator, shape: tuple[int, int]) -> FloatMap:
    """1 in a part of the piece and 0 in the rest, float32 `shape`: the back's own margin (a straight edge), or where paper is thin (soft clouds)."""
    if rng.random() < 0.5:
        return _side(rng, shape).astype(np.float32)
    return np.asarray(
        np.clip((_clouds(rng, shape, int(rng.integers(2, 5))) - np.float32(rng.uniform(0.3, 0.6))) * 4, 0, 1), dtype=np.float32
    )


def _side(rng: Generator, shape: tuple[int, int]) -> Mask:
    """One side of a nearly upright or level line across the piece, bool `shape`."""
    place = float(rng.uniform(0.2, 0.8))
    ys, xs = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None], np.linspace(0, 1, shape[1], dtype=np.float32)[None, :]
    along, across = (ys, xs) if rng.random() < 0.5 else (xs, ys)
    side = along + np.float32(rng.normal(0, 0.08)) * across < np.float32(place)
    return np.asarray(side if rng.random() < 0.5 else ~side)


def _tone(rng: Generator, image: Image) -> tuple[float, float, float]:
    """Light that the back's ink lets pass, 0..1 a channel: that of brown ink half of the time where the page is in colour, else none."""
    sample = image[::16, ::16].astype(np.int16)
    if (sample.max(axis=2) - sample.min(axis=2)).max() < 6 or rng.random() < 0.5:
        return (0.0, 0.0, 0.0)
    return (float(rng.uniform(0.1, 0.35)), float(rng.uniform(0.05, 0.2)), 0.0)


def strokes_in(rng: Generator, truth: Mask) -> Mask:
    """The connected strokes whose middle lies in a random side of the piece, or, a third of the time, all."""
    import cv2

    if rng.random() < 1 / 3:
        return truth.copy()
    side = _side(rng, (truth.shape[0], truth.shape[1]))
    _, labels, _, middles = cv2.connectedComponentsWithStats(truth.view(np.uint8), connectivity=8)
    rows, columns = (np.clip(np.rint(np.nan_to_num(middles[:, axis])).astype(int), 0, truth.shape[1 - axis] - 1) for axis in (1, 0))
    inside = side[rows, columns]
    inside[0] = False  # the paper
    return np.asarray(inside[labels])


def _without(rng: Generator, image: Image, truth: Mask, gone: Mask) -> Image:
    """`image` with paper where strokes are `gone`: its colour from around, its grain from elsewhere on the piece."""
    import cv2

    paper = paper_under_ink(image, truth)
    left = cv2.dilate((truth & ~gone).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    taken = (cv2.dilate(gone.view(np.uint8), np.ones((9, 9), np.uint8)) > 0) & ~left
    free = cv2.dilate(truth.view(np.uint8), np.ones((9, 9), np.uint8)) == 0
    sheet, (ys, xs) = paper.copy(), np.nonzero(taken)
    for _ in range(8):  # each place takes the grain of the one so far away, if paper is there
        rows, columns = (ys + rng.integers(truth.shape[0])) % truth.shape[0], (xs + rng.integers(truth.shape[1])) % truth.shape[1]
        found = free[rows, columns]
        fro = rows[found], columns[found]
        sheet[ys[found], xs[found]] += image[fro] - paper[fro]
        ys, xs = ys[~found], xs[~found]
    share = cv2.GaussianBlur(taken.astype(np.float32), (0, 0), 1.0)
    share[gone] = 1
    share[left] = 0
    return np.asarray(cv2.blendLinear(image.astype(np.float32), sheet, 1 - share, share).clip(0, 255).round(), dtype=np.uint8)
