"""What happens to the ink: it fades, flakes off, spreads into the fibres, and comes in colours.

Every function takes (rng, image, truth, strength) and returns a new (image, truth): image uint8 (H, W, 3) RGB, truth bool (H, W), strength 0..1.
Truth always stays: a faded or broken stroke is still what the writer wrote, and a network is to complete it; a fringe that soaked into the paper is
never as dark as half of the ink's contrast, which is where DIBCO's truths draw the edge.

To take ink away one must know the paper under it. It is estimated as the mean of the paper pixels around (a box filter), which follows light
and stains well enough at the scale of a stroke.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from docbin.augment.paper_effects import fadable
from docbin.augment.plasma import plasma
from docbin.page import FloatMap, Image, Mask


def paper_under_ink(image: Image, truth: Mask) -> FloatMap:
    """Local paper colour, float32 (H, W, 3): the mean of the pixels within about 14 that are no ink (ink widened by 2); far inside large blots the
    page's mean paper. Computed at a quarter of the resolution, since paper varies slowly."""
    import cv2

    paper = np.asarray(cv2.dilate(truth.view(np.uint8), np.ones((5, 5), np.uint8)) == 0).view(np.uint8)
    coarse = (-(-truth.shape[1] // 4), -(-truth.shape[0] // 4))
    sums = [cv2.resize(layer.astype(np.float32), coarse, interpolation=cv2.INTER_AREA) for layer in (image * paper[..., None], paper)]
    total, counted = (cv2.blur(layer, (7, 7), borderType=cv2.BORDER_REPLICATE) for layer in sums)
    overall = np.array(cv2.mean(image, paper)[:3] if paper.any() else [min(255.0, float(image.max()) + 40.0)] * 3, np.float32)
    trust = np.minimum(counted * 20, 1)[..., None]
    local = total.reshape(*counted.shape, 3) / np.maximum(counted, 1e-6)[..., None]
    return np.asarray(
        cv2.resize(local * trust + overall * (1 - trust), truth.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32
    )


def _towards_paper(image: Image, truth: Mask, amount: FloatMap) -> Image:
    """Ink (with its soft edge) moved towards the paper under it by `amount` (0..1, (H, W)); paper pixels are left as they are."""
    import cv2

    near = cv2.GaussianBlur(cv2.dilate(truth.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32), (0, 0), 1.0)
    share = (amount * near)[..., None]
    return np.asarray(np.clip(image * (1 - share) + paper_under_ink(image, truth) * share + np.float32(0.5), 0, 255), dtype=np.uint8)


def fade(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """All ink paler alike: up to 80 percent of its contrast is lost, never so much that it cannot be seen."""
    return _towards_paper(image, truth, np.full(truth.shape, min(0.8 * strength, fadable(image, truth)), np.float32)), truth


def fade_in_places(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Ink paler in plasma clouds, as where damp or light came to it: up to 90 percent of its contrast is lost in the worst places."""
    field = plasma(rng, truth.shape, roughness=float(rng.uniform(0.35, 0.65)), clouds=int(rng.integers(1, 5)))
    return _towards_paper(image, truth, np.clip(field * 1.4 - 0.3, 0, 1) * np.float32(min(0.9 * strength, fadable(image, truth)))), truth


def flake(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Ink broken by small holes, as in worn type or under a dry pen: grain of 1 to 3 pixels, up to 30 percent of the ink gone; truth keeps it."""
    import cv2

    grain = rng.random(truth.shape, dtype=np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), float(rng.uniform(0.6, 1.6)), borderType=cv2.BORDER_REPLICATE)
    worn = np.quantile(grain[:: max(1, truth.shape[0] // 64), :: max(1, truth.shape[1] // 64)], 1 - 0.3 * strength)
    holes = np.clip((grain - np.float32(worn)) * np.float32(25), 0, 1)
    return _towards_paper(image, truth, holes * np.float32(rng.uniform(0.5, 0.9))), truth


def spread(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Ink soaked into the paper: a fringe of 1 to 3 pixels around each stroke with at most 45 percent of the ink's contrast, feathered by the fibres.

    Truth stays the stroke that was written: the fringe never reaches half of the contrast.
    """
    import cv2

    halo = cv2.GaussianBlur(
        truth.astype(np.float32), (0, 0), float(rng.uniform(1.0, 1.5 + 1.5 * strength)), borderType=cv2.BORDER_REPLICATE
    )
    fibre = cv2.GaussianBlur(rng.random(truth.shape, dtype=np.float32), (0, 0), 1.2, borderType=cv2.BORDER_REPLICATE)
    halo = np.clip(halo * (np.float32(1.6) + 4 * (fibre - np.float32(0.5))), 0, 1) * ~truth
    darkest = cv2.erode(image, np.ones((7, 7), np.uint8))
    share = (halo * np.float32(0.45 * (0.4 + 0.6 * strength)))[..., None]
    mixed = image * (1 - share) + darkest * share
    return np.asarray(np.clip(mixed + np.float32(0.5), 0, 255), dtype=np.uint8), truth


def uneven_density(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Ink that dried in pools: its darkness varies along the stroke on the scale of a letter, by up to half of the contrast."""
    import cv2

    coarse = rng.random((max(2, truth.shape[0] // 12), max(2, truth.shape[1] // 12)), dtype=np.float32)
    field = cv2.resize(coarse, truth.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return _towards_paper(image, truth, np.clip(field, 0, 1) * np.float32(0.6 * strength)), truth


INKS = (
    (0.12, 0.1, 0.1),
    (0.3, 0.2, 0.1),
    (0.45, 0.3, 0.15),
    (0.12, 0.15, 0.4),
    (0.25, 0.2, 0.4),
    (0.5, 0.12, 0.1),
    (0.15, 0.32, 0.2),
    (0.35, 0.35, 0.38),
)
"""Ink colours, RGB 0..1: black, iron gall fresh and browned, blue, violet, red, green, pencil."""

PAPERS = (
    (0.97, 0.96, 0.93),
    (0.93, 0.87, 0.74),
    (0.85, 0.75, 0.55),
    (0.95, 0.8, 0.5),
    (0.78, 0.82, 0.72),
    (0.8, 0.83, 0.88),
    (0.88, 0.78, 0.74),
    (0.72, 0.68, 0.6),
)
"""Paper colours, RGB 0..1: white, cream, aged, yellow, greenish, bluish, pink, grey-brown."""


def recolour(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Another ink on another paper: grey levels are mapped onto the line between the two colours, mixed with the old ones by strength.

    The mapping is the same everywhere and rising, so what was darker stays darker.
    """
    import cv2

    ink = np.asarray(INKS[int(rng.integers(len(INKS)))]) + rng.normal(0, 0.04, 3)
    paper = np.asarray(PAPERS[int(rng.integers(len(PAPERS)))]) + rng.normal(0, 0.03, 3)
    ink, paper = np.clip(ink, 0, 0.6), np.clip(paper, 0.62, 1)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    low, high = (float(v) for v in np.quantile(grey[:: max(1, grey.shape[0] // 64), :: max(1, grey.shape[1] // 64)], [0.005, 0.9]))
    if high - low < 40:  # a pale piece stays pale
        low, high = min(low, high - 20), max(high, low + 120)
    place = np.clip((np.arange(256) - low) / (high - low), -0.1, 1.1)[:, None]
    table = np.rint(np.clip((ink + place * (paper - ink)) * 255, 0, 255)).astype(np.uint8)
    new = cv2.LUT(cv2.merge([grey, grey, grey]), table[None])
    return np.asarray(cv2.addWeighted(new, strength, image, 1 - strength, 0), dtype=np.uint8), truth
