"""What happens on the way into a file: lens, sensor, contrast, resolution, compression.

Every function takes (rng, image, truth, strength) and returns a new (image, truth): image uint8 (H, W, 3) RGB, truth bool (H, W), strength 0..1.
Truth never moves: DIBCO's truths hug the visible edge of the ink, and a blur, which is symmetric, leaves the half-contrast line where it was.

What albumentations (2.0.8) has is taken from there: motion blur, defocus, ISO and shot noise, downscaling, JPEG and WebP. It is
imported on first use with its version check switched off (the check asks the network), and each transform is seeded from `rng`, so that a
crop stays a pure function of its seed.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import Generator

from docbin.augment.paper_effects import fadable, loudest
from docbin.augment.plasma import plasma
from docbin.errors import MissingExtra
from docbin.page import Image, Mask


@lru_cache(maxsize=1)
def _albumentations() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    try:
        import albumentations
    except ImportError:
        raise MissingExtra('these degradations need albumentations; install "docbin[train]"') from None
    return albumentations


def _transformed(rng: Generator, image: Image, name: str, **parameters: Any) -> Image:
    """`image` through one transform of albumentations, its chance taken from `rng`."""
    transform = getattr(_albumentations(), name)(p=1.0, **parameters)
    transform.set_random_seed(int(rng.integers(2**31)))
    return np.asarray(transform(image=image)["image"], dtype=np.uint8)


def gaussian_blur(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """A soft scan: Gaussian of sigma 0.4 to 2.2 pixels."""
    import cv2

    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.4 + 1.8 * strength), dtype=np.uint8), truth


def motion_blur(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """A page that moved: a line of 3 to 7 pixels in any direction, centred, so that truth stays in its middle."""
    length = 3 + 2 * round(2 * strength)
    return _transformed(rng, image, "MotionBlur", blur_limit=(length, length), allow_shifted=False), truth


def defocus(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """A lens out of focus: a disc of 1 to 3 pixels radius."""
    radius = 1 + round(2 * strength)
    return _transformed(rng, image, "Defocus", radius=(radius, radius), alias_blur=(0.1, 0.3)), truth


def gaussian_noise(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Sensor noise, one value for the three channels or one each, standard deviation 2 to 22 levels, below half of the contrast."""
    channels = 3 if rng.random() < 0.4 else 1
    noise = rng.standard_normal((*truth.shape, channels), dtype=np.float32) * np.float32(min(2 + 20 * strength, loudest(image, truth)))
    return np.asarray(np.clip(image + noise + np.float32(0.5), 0, 255), dtype=np.uint8), truth


def noise_in_places(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Noise whose standard deviation follows a plasma field, from none to 35 levels."""
    field = plasma(rng, truth.shape, roughness=0.5, clouds=int(rng.integers(1, 4)))
    noise = rng.standard_normal(truth.shape, dtype=np.float32) * field * np.float32(min(35 * strength, 1.5 * loudest(image, truth)))
    return np.asarray(np.clip(image + noise[..., None] + np.float32(0.5), 0, 255), dtype=np.uint8), truth


def speckle(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Noise that multiplies, softened a little: bright paper shimmers, dark ink does not; standard deviation up to 15 percent of the light."""
    import cv2

    noise = cv2.GaussianBlur(rng.standard_normal(truth.shape, dtype=np.float32), (0, 0), float(rng.uniform(0.3, 1.0)))
    spread = min(0.15 * strength, loudest(image, truth) / 255)
    return np.asarray(np.clip(image * (1 + np.float32(spread) * noise[..., None]) + 0.5, 0, 255), dtype=np.uint8), truth


def salt_and_pepper(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Single white and black pixels, up to 3 percent of all."""
    draw = rng.random(truth.shape, dtype=np.float32)
    share = np.float32(0.03 * strength / 2)
    image = image.copy()
    image[draw < share] = 0
    image[draw > 1 - share] = 255
    return image, truth


def camera_noise(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Noise of a camera at high sensitivity (colour drifts with it)."""
    return _transformed(rng, image, "ISONoise", color_shift=(0.01, 0.01 + 0.06 * strength), intensity=(0.1, 0.1 + 0.5 * strength)), truth


def shot_noise(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Photon noise of a dark exposure (Poisson)."""
    return _transformed(rng, image, "ShotNoise", scale_range=(0.02, 0.02 + 0.15 * strength)), truth


def downscale(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """A scan of too low resolution, enlarged again: 85 to 40 percent of the size; truth keeps the full one."""
    import cv2

    if min(truth.shape) < 8:
        return image, truth
    scale = 0.85 - 0.45 * strength
    how = {"downscale": cv2.INTER_AREA, "upscale": (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(2))]}
    return _transformed(rng, image, "Downscale", scale_range=(scale, scale), interpolation_pair=how), truth


def compress(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """JPEG (or, one time in five, WebP) of quality 90 to 15."""
    quality = round(90 - 75 * strength)
    kind = "webp" if rng.random() < 0.2 else "jpeg"
    return _transformed(rng, image, "ImageCompression", quality_range=(quality, quality), compression_type=kind), truth


def contrast_loss(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Levels drawn together by up to 88 percent around a random grey: a dark or washed-out exposure, a narrow spectral band; ink stays
    visible."""
    kept = np.float32(1 - min(0.88 * strength, fadable(image, truth)))
    around = np.float32(rng.uniform(20, 235))
    centre = image.reshape(-1, 3).mean(axis=0, dtype=np.float32)
    target = centre + (around - centre) * (1 - kept)
    table = (np.arange(256, dtype=np.float32)[:, None] - centre) * kept + target
    import cv2

    return np.asarray(cv2.LUT(image, np.rint(np.clip(table, 0, 255)).astype(np.uint8)[None]), dtype=np.uint8), truth


def sharpen(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """A scanner's unsharp mask: bright halos around strokes."""
    import cv2

    soft = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.8, 2.0)))
    amount = 0.3 + 1.5 * strength
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), dtype=np.uint8), truth
