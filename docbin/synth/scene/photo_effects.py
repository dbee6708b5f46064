"""From the painted scene to a photograph: light, glare, exposure, lens, shake, sensor and compression, as of a small camera that somebody wears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from docbin.augment.plasma import plasma
from docbin.page import Image


@dataclass(frozen=True, slots=True)
class Finish:
    """How a picture was finished: `blur`, the standard deviation in pixels of all that softened it."""

    blur: float


def photographed(rng: Generator, image: Image, zoom: float, lit: bool = True) -> tuple[Image, Finish]:
    """`image` as a camera would have taken it; `zoom` as in :class:`docbin.synth.scene.places.View` (a magnified view is a softer one). `lit` False
    leaves light and exposure as they are.
    """
    image = _lit(rng, image) if lit else image
    image, blur = _lens(rng, image, zoom)
    image = _sensor(rng, image)
    return _compressed(rng, image), Finish(blur)


def _lit(rng: Generator, image: Image) -> Image:
    """Uneven light, glare around what is bright, exposure and white balance."""
    import cv2

    height, width = image.shape[:2]
    draws = rng.random(6)
    if draws[0] < 0.6:
        field = plasma(rng, (40, 40), float(rng.uniform(0.3, 0.6)), int(rng.integers(1, 3)))
        amount = float(rng.uniform(0.1, 0.6))
        light = cv2.resize((1 - amount + amount * 1.5 * field) * np.float32(128), (width, height), interpolation=cv2.INTER_CUBIC)
        field8 = cv2.convertScaleAbs(light)
        image = np.asarray(cv2.multiply(image, cv2.cvtColor(field8, cv2.COLOR_GRAY2RGB), scale=1 / 128), np.uint8)
    if draws[1] < 0.3:  # the shadow of something
        image = _shadow(rng, image)
    if draws[2] < 0.5:
        small = cv2.resize(image, (max(2, width // 8), max(2, height // 8)), interpolation=cv2.INTER_AREA)
        bright = cv2.subtract(small, np.full(small.shape, 200, np.uint8))
        glare = cv2.GaussianBlur(cv2.multiply(bright, 4.0), (0, 0), float(rng.uniform(1, 5)))
        glare = cv2.resize(glare, (width, height), interpolation=cv2.INTER_LINEAR)
        image = np.asarray(cv2.addWeighted(image, 1.0, glare, float(rng.uniform(0.1, 0.6)), 0), np.uint8)
    if draws[3] < 0.18:  # flare, haze, a dirty lens: all levels drawn together
        veil = float(rng.uniform(0.05, 0.35))
        tone = float(rng.uniform(60, 230))
        image = np.asarray(cv2.addWeighted(image, 1 - veil, np.full(image.shape, int(tone), np.uint8), veil, 0), np.uint8)
    level = np.arange(256, dtype=np.float32) / 255
    # Exposure is automatic: the mean level comes near what photographs have, half of the way by gamma (shadows stay open), half by gain.
    wanted = float(np.clip(rng.normal(0.39, 0.1), 0.12, 0.75))
    seen = float(np.clip(image[::16, ::16].mean() / 255, 0.03, 0.97))
    gamma = float(np.clip(np.log(wanted) / np.log(seen), 0.35, 2.5)) ** 0.6 * float(np.exp(rng.normal(0, 0.15)))
    gain = float(np.clip(wanted / seen**gamma, 0.5, 1.8))
    cast = np.exp(rng.normal(0, 0.07, 3))
    warm = float(rng.normal(0.02, 0.08))
    cast *= np.exp([warm, 0, -warm])
    curve = np.clip(level**gamma * gain, 0, None)
    if draws[4] < 0.75:
        curve = curve + (3 * curve**2 - 2 * curve**3 - curve) * np.float32(rng.uniform(0.0, 1.1)) * (curve < 1)
    table = np.clip(curve[:, None] * cast[None, :].astype(np.float32) * 255, 0, 255)
    image = np.asarray(cv2.LUT(image, np.rint(table).astype(np.uint8)[None]), np.uint8)
    if draws[5] < 0.35:
        saturation = float(rng.uniform(0.1, 0.8) if draws[5] < 0.25 else rng.uniform(1.1, 1.6))
        luma = np.array([0.299, 0.587, 0.114])
        image = np.asarray(cv2.transform(image, saturation * np.eye(3) + (1 - saturation) * np.outer(np.ones(3), luma)), np.uint8)
    return image


def _shadow(rng: Generator, image: Image) -> Image:
    """A soft-edged shadow with straight or ragged borders."""
    import cv2

    height, width = image.shape[:2]
    small = np.full((64, 64), 255, np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        corners = rng.uniform(-20, 84, (int(rng.integers(3, 6)), 2)).astype(np.int32)
        cv2.fillPoly(small, [cv2.convexHull(corners)], int(rng.uniform(90, 200)))
    soft = cv2.resize(cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.4, 3))), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(image, cv2.cvtColor(soft, cv2.COLOR_GRAY2RGB), scale=1 / 255), np.uint8)


def _lens(rng: Generator, image: Image, zoom: float) -> tuple[Image, float]:
    """Defocus and shake."""
    import cv2

    sigma = float(np.exp(rng.normal(np.log(0.56), 0.35))) * max(zoom, 0.6)
    sigma = min(sigma, 4.0)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    total = sigma**2
    if rng.random() < 0.25:
        length = float(rng.uniform(2, 9)) * zoom
        angle = float(rng.uniform(0, np.pi))
        size = 2 * int(np.ceil(length / 2)) + 1
        kernel = np.zeros((size, size), np.float32)
        reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        middle = np.array([size // 2, size // 2])
        a, b = np.rint((middle - reach) * 16).astype(int).tolist(), np.rint((middle + reach) * 16).astype(int).tolist()
        cv2.line(kernel, a, b, 1.0, 1, cv2.LINE_8, 4)
        image = np.asarray(cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6)), np.uint8)
        total += length**2 / 12
    return image, float(np.sqrt(total))


def _sensor(rng: Generator, image: Image) -> Image:
    """Noise as it is left after a small camera's smoothing, and its sharpening."""
    import cv2

    draws = rng.random(3)
    if draws[0] < 0.75:
        height, width = image.shape[:2]
        grain = rng.integers(-128, 128, (height // 2 + 2, width // 2 + 2, 3 if draws[1] < 0.4 else 1), dtype=np.int8).astype(np.float32)
        amount = float(np.exp(rng.uniform(np.log(0.008), np.log(0.08))))
        noise = cv2.resize(grain, (width + 3, height + 3), interpolation=cv2.INTER_LINEAR) * np.float32(amount)
        noise = noise[:height, :width]
        if noise.ndim == 2:
            noise = cv2.cvtColor(noise, cv2.COLOR_GRAY2RGB)
        image = np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)
    if draws[2] < 0.3:
        soft = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.8, 2.0)))
        amount = float(rng.uniform(0.3, 1.3))
        image = np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)
    return image


def _compressed(rng: Generator, image: Image) -> Image:
    import cv2

    if rng.random() > 0.8:
        return image
    quality = int(rng.integers(35, 96))
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8) if done else image
