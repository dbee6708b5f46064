"""What happens to the paper: light, texture, stains, folds, rules, scanner borders.

Every function takes (rng, image, truth, strength) and returns a new (image, truth): image uint8 (H, W, 3) RGB, truth bool (H, W), strength 0..1.
Truth is returned unchanged unless the docstring says otherwise; nothing here can turn paper into ink of the page. Light and stains multiply
(what lies on paper absorbs), so ink stays darker than the paper around it.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from docbin.augment.plasma import patches, plasma
from docbin.page import FloatMap, Image, Mask


def darken(image: Image, amount: FloatMap, colour: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Image:
    """`image` seen through a layer that lets `colour` (0..1 a channel) of the light pass where `amount` (H, W) is 1, and everything where it is 0."""
    absorbed = 1.0 - np.asarray(colour, np.float32)
    seen = 1.0 - amount[..., None] * absorbed
    seen *= image
    seen += 0.5
    return np.asarray(np.clip(seen, 0, 255, out=seen), dtype=np.uint8)


def levels_of(image: Image, truth: Mask) -> tuple[float, float]:
    """(mean grey of the ink, mean grey of the paper); a page without ink gets an ink half as bright as its paper, one without paper gets white."""
    grey = image[..., 1].astype(np.float32) * 0.6 + image[..., 0] * np.float32(0.3) + image[..., 2] * np.float32(0.1)
    inked = int(truth.sum())
    paper = float(grey[~truth].mean()) if inked < truth.size else 255.0
    ink = float(grey[truth].mean()) if inked else 0.5 * paper
    return ink, paper


FAINTEST = 14.0
"""Grey levels between ink and paper below which no fading or loss of contrast may push a page: what a person can no longer see is no truth."""


def fadable(image: Image, truth: Mask) -> float:
    """Share of the ink's contrast that may still be taken away, 0..1, so that FAINTEST grey levels are left."""
    ink, paper = levels_of(image, truth)
    return float(np.clip(1 - FAINTEST / max(abs(paper - ink), 1e-3), 0, 1))


def loudest(image: Image, truth: Mask) -> float:
    """Standard deviation of noise, in grey levels, up to which the page's ink can still be made out."""
    ink, paper = levels_of(image, truth)
    return max(1.5, 0.45 * abs(paper - ink))


def uneven_light(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Clouded illumination: the page multiplied by a soft plasma field that falls to 1 - 0.7 * strength."""
    field = plasma(rng, truth.shape, roughness=float(rng.uniform(0.25, 0.45)), clouds=int(rng.integers(1, 3)))
    return darken(image, field * np.float32(0.7 * strength)), truth


def shadow(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """A straight gradient, as from a lamp at one side, or the steep shadow of a book's gutter; falls to 1 - 0.75 * strength at its end."""
    along = _ramp(rng, truth.shape)
    steep = float(np.exp(rng.uniform(np.log(0.8), np.log(8.0))))
    return darken(image, along**steep * np.float32(0.75 * strength)), truth


def _ramp(rng: Generator, shape: tuple[int, int]) -> FloatMap:
    """Distance along a random direction, 0 at one end of the picture and 1 at the other."""
    angle = rng.uniform(0, 2 * np.pi)
    ys = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None] if shape[0] > 1 else np.zeros((1, 1), np.float32)
    xs = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :] if shape[1] > 1 else np.zeros((1, 1), np.float32)
    along = np.float32(np.sin(angle)) * ys + np.float32(np.cos(angle)) * xs
    reach = np.float32(abs(np.sin(angle)) + abs(np.cos(angle)))
    return np.asarray(np.clip(along / (2 * reach) + 0.5, 0, 1), dtype=np.float32)


def paper_texture(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Grain and fibres: noise smoothed more along one direction than across, standard deviation up to 10 levels, below half of the contrast."""
    import cv2

    noise = rng.standard_normal(truth.shape, dtype=np.float32)
    across, along = float(rng.uniform(0.4, 1.2)), float(rng.uniform(0.6, 4.0))
    sigmas = (along, across) if rng.random() < 0.5 else (across, along)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=sigmas[0], sigmaY=sigmas[1], borderType=cv2.BORDER_REPLICATE)
    spread = float(noise.std())
    if spread > 0:
        noise *= np.float32(min(1.5 + 8.5 * strength, loudest(image, truth)) / spread)
    if rng.random() < 0.4:  # laid paper: fine wires at a fixed pitch
        pitch = rng.uniform(4, 12)
        axis = (
            np.arange(truth.shape[0], dtype=np.float32)[:, None]
            if rng.random() < 0.5
            else np.arange(truth.shape[1], dtype=np.float32)[None, :]
        )
        noise = noise + np.float32(1 + 5 * strength) * np.sin(axis * np.float32(2 * np.pi / pitch) + np.float32(rng.uniform(0, 6)))
    return _added(image, noise), truth


def _added(image: Image, change: FloatMap) -> Image:
    return np.asarray(np.clip(image + change[..., None] + np.float32(0.5), 0, 255), dtype=np.uint8)


def mottling(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Foxing and age: rough plasma clouds in a brownish (or grey) tone over the whole piece, up to 40 percent absorbed in the darkest places."""
    field = plasma(rng, truth.shape, roughness=float(rng.uniform(0.5, 0.8)), clouds=int(rng.integers(2, 8)))
    tone = (0.75, 0.55, 0.3) if rng.random() < 0.6 else (0.4, 0.4, 0.4)
    return darken(image, field**2 * np.float32(0.65 * strength), tone), truth


def stains(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Blots of damp, oil or rust: plasma patches on 5 to 40 percent of the area, with a darker rim where the liquid stopped."""
    import cv2

    softness = float(rng.choice([0.02, 0.08, 0.25]))
    rough = float(rng.uniform(0.35, 0.6))
    blot = patches(
        rng, truth.shape, share=float(rng.uniform(0.05, 0.4)), softness=softness, roughness=rough, clouds=int(rng.integers(1, 4))
    )
    tone = tuple(float(v) for v in rng.uniform((0.45, 0.3, 0.1), (0.85, 0.7, 0.6)))
    if rng.random() < 0.85:  # rust, oil and tea absorb blue first; the rest is coloured ink that ran
        tone = tuple(sorted(tone, reverse=True))
    amount = blot * np.float32(rng.uniform(0.2, 0.9) * strength)
    if rng.random() < 0.5:
        width = float(rng.uniform(1.0, 4.0))
        rim = cv2.morphologyEx(blot, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        rim = cv2.GaussianBlur(np.minimum(rim * 2, 1.0), (0, 0), width)
        amount = np.clip(amount * np.float32(rng.uniform(0.3, 1.0)) + rim * np.float32(0.5 * strength), 0, 0.85)
    return darken(image, amount, (tone[0], tone[1], tone[2])), truth


def specks(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Dirt: small dark dots, a few to a few dozen in 256 x 256, of 1 to 3 pixels radius; they are no ink."""
    import cv2

    count = int(rng.poisson(2 + 25 * strength * truth.size / 65536))
    layer = np.zeros(truth.shape, np.uint8)
    for _ in range(min(count, 2000)):
        centre = (int(rng.integers(truth.shape[1])), int(rng.integers(truth.shape[0])))
        radius = float(np.exp(rng.uniform(np.log(0.6), np.log(1.0 + 2.2 * strength))))
        cv2.ellipse(
            layer,
            (centre, (2 * radius, 2 * radius * float(rng.uniform(0.5, 1))), float(rng.uniform(0, 180))),
            int(rng.integers(90, 256)),
            -1,
        )
    amount = cv2.GaussianBlur(layer, (0, 0), 0.7).astype(np.float32) * np.float32(0.8 / 255)
    return darken(image, amount, (0.25, 0.2, 0.12)), truth


def fold(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """A crease: a nearly straight line, brighter on one side and darker on the other, with a worn (bright) or dirty (dark) core of a pixel or two."""
    import cv2

    height, width = truth.shape
    upright = rng.random() < 0.5
    length, across = (height, width) if upright else (width, height)
    wander = np.cumsum(rng.standard_normal(length, dtype=np.float32)) * np.float32(0.15)
    wander = cv2.GaussianBlur(wander[:, None], (0, 0), 3.0, borderType=cv2.BORDER_REPLICATE)[:, 0]
    place = rng.uniform(0, across) + np.linspace(-0.5, 0.5, length, dtype=np.float32) * np.float32(rng.normal(0, 0.05) * length) + wander
    distance = np.arange(across, dtype=np.float32)[None, :] - place[:, None].astype(np.float32)
    reach = np.float32(rng.uniform(2, 25))
    slope = distance / reach * np.exp(-np.abs(distance) / reach) * np.float32(rng.choice([-1.0, 1.0]) * 90 * strength)
    core = np.exp(-((distance / np.float32(rng.uniform(0.5, 1.5))) ** 2)) * np.float32(
        rng.choice([-1.0, 1.0]) * 60 * strength * rng.random()
    )
    change = slope + core
    return _added(image, change if upright else np.ascontiguousarray(change.T)), truth


def ruled_lines(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Printed rules or squares of writing paper: thin pale lines at a fixed pitch, coloured or grey; they belong to the paper, not to the ink."""
    height, width = truth.shape
    pitch = float(rng.uniform(18, 90))
    thick = float(rng.uniform(0.7, 1.8))
    tilt = float(rng.normal(0, 0.008))
    ys = np.arange(height, dtype=np.float32)[:, None]
    xs = np.arange(width, dtype=np.float32)[None, :]
    first = float(rng.uniform(0, pitch))
    near = np.abs((ys + np.float32(tilt) * xs + np.float32(first)) % np.float32(pitch) - np.float32(pitch / 2))
    amount = np.clip(np.float32(thick / 2 + 0.5) - near, 0, 1)
    if rng.random() < 0.3:
        near = np.abs((xs - np.float32(tilt) * ys + np.float32(first)) % np.float32(pitch) - np.float32(pitch / 2))
        amount = np.maximum(amount, np.clip(np.float32(thick / 2 + 0.5) - near, 0, 1))
    tones = ((0.55, 0.65, 0.9), (0.6, 0.6, 0.6), (0.9, 0.5, 0.5), (0.6, 0.75, 0.6))
    tone = tones[int(rng.integers(len(tones)))]
    return darken(image, amount * np.float32(rng.uniform(0.25, 1.0) * strength), tone), truth


def black_margin(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """The scanner's lid beside the page: a dark, slightly slanted band along one side (sometimes two), up to a quarter of the piece wide.

    Truth becomes paper under the band: what it covers is not to be read.
    """
    height, width = truth.shape
    image, truth = image.copy(), truth.copy()
    for _ in range(1 + (rng.random() < 0.25)):
        side = int(rng.integers(4))
        length, across = (height, width) if side < 2 else (width, height)
        slant = np.linspace(-0.5, 0.5, length, dtype=np.float32) * np.float32(rng.normal(0, 0.02) * length)
        edge = np.float32(rng.uniform(0.02, 0.05 + 0.2 * strength) * across) + slant
        covered = np.arange(across, dtype=np.float32)[None, :] < edge[:, None]
        if side % 2:
            covered = covered[:, ::-1]
        if side >= 2:
            covered = covered.T
        level = float(rng.uniform(0, 60))
        lid = np.clip(level + rng.standard_normal((int(covered.sum()), 1), dtype=np.float32) * np.float32(rng.uniform(1, 8)), 0, 255)
        image[covered] = lid.astype(np.uint8)
        truth[covered] = False
    return image, truth
