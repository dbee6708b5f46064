"""What surfaces are made of, and what looks like text but is none: plaster, tiles, bricks, slats, windows, goods on shelves, foliage, small print.

Every function takes (rng, height, width, ...) in pixels and returns uint8 (height, width, 3). They are cheap (well under a millisecond for a shop
front): a scene has dozens of surfaces, and a detector only has to learn that their edges are no letters.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.augment.plasma import plasma
from docbin.page import FloatMap, Image

Colour = tuple[int, int, int]
"""Red, green, blue, 0..255."""


def rgb(hue: float, saturation: float, value: float) -> Colour:
    """A colour from hue 0..1 (turns), saturation and value 0..1."""
    sector = (hue % 1.0) * 6
    part = sector % 1.0
    low, falling, rising = value * (1 - saturation), value * (1 - saturation * part), value * (1 - saturation * (1 - part))
    mixes = (
        (value, rising, low),
        (falling, value, low),
        (low, value, rising),
        (low, falling, value),
        (rising, low, value),
        (value, low, falling),
    )
    red, green, blue = mixes[int(sector) % 6]
    return round(red * 255), round(green * 255), round(blue * 255)


def any_colour(rng: Generator, vivid: float = 0.5) -> Colour:
    """A colour; `vivid` is the share of saturated ones."""
    saturation = rng.beta(3, 2) if rng.random() < vivid else rng.uniform(0.0, 0.22)
    value = rng.uniform(0.12, 1.0)
    hue = rng.random() if rng.random() < 0.5 else rng.choice([0.0, 0.03, 0.09, 0.13, 0.35, 0.58, 0.62]) + rng.normal(0, 0.02)
    return rgb(float(hue), float(saturation), float(value * (1 - 0.25 * saturation * (value > 0.8))))


def wall_colour(rng: Generator) -> Colour:
    """What walls, floors and ceilings are painted in: greys, creams, browns, now and then something strong."""
    if rng.random() < 0.15:
        return any_colour(rng, 1.0)
    return rgb(float(rng.normal(0.1, 0.06)), float(rng.uniform(0, 0.3)), float(rng.uniform(0.25, 0.98)))


def cloud(rng: Generator, height: int, width: int, cells: float = 4.0) -> FloatMap:
    """Smooth noise around 0, standard deviation near 1, about `cells` clouds along the longer side."""
    import cv2

    step = max(height, width) / max(cells, 1.0)
    coarse = rng.standard_normal((max(2, round(height / step) + 1), max(2, round(width / step) + 1)), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def ramp(rng: Generator, length: int, low: float, high: float) -> FloatMap:
    """A straight slope of `length` values between two values drawn from low..high."""
    first, last = rng.uniform(low, high, 2)
    return np.linspace(float(first), float(last), length, dtype=np.float32)


def shaded(paint: Image, light: FloatMap) -> Image:
    """The surface under a light, float32 (h, w), 1 = as it is."""
    import cv2

    field = cv2.convertScaleAbs(light, alpha=64.0)
    return np.asarray(cv2.multiply(paint, cv2.cvtColor(field, cv2.COLOR_GRAY2RGB), scale=1 / 64), np.uint8)


def plain(rng: Generator, height: int, width: int, colour: Colour | None = None) -> Image:
    """Painted plaster or sheet metal: one colour, a soft gradient of light, some clouds and, now and then, grain."""
    paint = np.empty((height, width, 3), np.uint8)
    paint[:] = colour if colour is not None else wall_colour(rng)
    slope = ramp(rng, width, 0.8, 1.15)[None, :] * ramp(rng, height, 0.8, 1.15)[:, None]
    if rng.random() < 0.5:
        slope += cloud(rng, height, width, float(rng.uniform(2, 12))) * np.float32(rng.uniform(0.01, 0.06))
    if rng.random() < 0.25:
        slope += rng.standard_normal((height, width), dtype=np.float32) * np.float32(rng.uniform(0.01, 0.07))
    return shaded(paint, np.clip(slope, 0, 3))


def tiles(rng: Generator, height: int, width: int, pitch: tuple[float, float], colour: Colour | None = None, shift: bool = False) -> Image:
    """Tiles, stone slabs or (with `shift`) bricks of `pitch` (tall, wide) pixels: each its own shade, lighter or darker joints."""
    import cv2

    tall, wide = max(pitch[0], 2.0), max(pitch[1], 2.0)
    rows, columns = int(height / tall) + 2, int(width / wide) + 3
    base = np.array(colour if colour is not None else wall_colour(rng), np.float32)
    shades = base * (1 + rng.normal(0, rng.uniform(0.01, 0.12), (rows, columns, 1)))
    if rng.random() < 0.2:  # a chequered floor
        shades[(np.add.outer(np.arange(rows), np.arange(columns)) % 2) == 0] *= rng.uniform(0.3, 0.8)
    ys, xs = np.arange(height) / tall + rng.random(), np.arange(width) / wide + rng.random()
    joint = np.clip(base * rng.choice([0.4, 0.6, 0.8, 1.25]), 0, 255).astype(np.uint8)
    thick = max(float(rng.uniform(0.01, 0.08)), 0.6 / min(tall, wide)) * min(tall, wide)
    tones = np.clip(shades, 0, 255).astype(np.uint8)
    ways = []
    for offset in (0.0, 0.5 if shift else 0.0):
        column = (xs + offset).astype(np.int64)
        ways.append((column % columns, (xs + offset - column) * wide < thick))
    paint = np.empty((height, width, 3), np.uint8)
    row = ys.astype(np.int64)
    for number in range(int(row[0]), int(row[-1]) + 1):
        top, bottom = np.searchsorted(row, [number, number + 1]).tolist()
        column, gap = ways[number % 2]
        line = tones[number % rows][column]
        line[gap] = joint
        paint[top:bottom] = line
    paint[(ys - row) * tall < thick] = joint
    return np.asarray(cv2.blur(paint, (2, 2)), np.uint8) if rng.random() < 0.3 else paint


def slats(rng: Generator, height: int, width: int, pitch: float, upright: bool, colour: Colour | None = None) -> Image:
    """Parallel stripes: shutters, blinds, corrugated sheet, railings, escalator steps."""
    length = width if upright else height
    base = np.array(colour if colour is not None else wall_colour(rng), np.float32)
    place = (np.arange(length, dtype=np.float32) / np.float32(max(pitch, 2.0)) + np.float32(rng.random())) % 1
    if rng.random() < 0.5:
        profile = np.where(place < rng.uniform(0.15, 0.7), 1.0, rng.uniform(0.2, 0.8)).astype(np.float32)
    else:
        profile = 1 + np.float32(rng.uniform(0.05, 0.5)) * np.sin(2 * np.pi * place)
    line = np.clip(base * profile[:, None], 0, 255).astype(np.uint8)
    shape = (height, width, 3)
    return np.ascontiguousarray(np.broadcast_to(line[None] if upright else line[:, None], shape))


def windows(rng: Generator, height: int, width: int, pitch: tuple[float, float]) -> Image:
    """A facade of windows, pitch (tall, wide) pixels: dark, reflecting or lit panes of one shape in rows."""
    import cv2

    paint = plain(rng, height, width)
    tall, wide = max(pitch[0], 6.0), max(pitch[1], 6.0)
    share_y, share_x = rng.uniform(0.4, 0.9, 2)
    glass = np.array(rgb(float(rng.normal(0.55, 0.05)), float(rng.uniform(0.05, 0.4)), float(rng.uniform(0.1, 0.7))), np.float32)
    frame = any_colour(rng, 0.1) if rng.random() < 0.5 else None
    bars = int(rng.integers(0, 3))
    y = rng.uniform(0, tall)
    for top in np.arange(y, height, tall)[:60]:
        for left in np.arange(rng.uniform(0, 1), width, wide)[:60]:
            tone = np.clip(glass * rng.uniform(0.6, 1.4), 0, 255)
            a, b = (int(left), int(top)), (int(left + share_x * wide), int(top + share_y * tall))
            cv2.rectangle(paint, a, b, tone.tolist(), -1)
            if frame is not None:
                cv2.rectangle(paint, a, b, frame, 1)
            for bar in range(bars):
                x = a[0] + (b[0] - a[0]) * (bar + 1) // (bars + 1)
                cv2.line(paint, (x, a[1]), (x, b[1]), frame or (230, 230, 230), 1)
    return paint


def streaks(rng: Generator, height: int, width: int, colour: Colour | None = None) -> Image:
    """Wood or marble: a base colour with long thin streaks."""
    import cv2

    paint = np.empty((height, width, 3), np.uint8)
    paint[:] = (
        colour if colour is not None else rgb(float(rng.normal(0.08, 0.03)), float(rng.uniform(0.1, 0.6)), float(rng.uniform(0.3, 0.9)))
    )
    upright = rng.random() < 0.5
    fine, coarse = (max(2, height // int(rng.integers(1, 5))), max(2, width // int(rng.integers(20, 60))))
    if upright:
        fine, coarse = max(2, height // int(rng.integers(20, 60))), max(2, width // int(rng.integers(1, 5)))
    noise = cv2.resize(rng.standard_normal((fine, coarse), dtype=np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return shaded(paint, np.clip(1 + noise * np.float32(rng.uniform(0.02, 0.15)), 0, 3))


def foliage(rng: Generator, height: int, width: int, size: float, dry: bool = False) -> Image:
    """Leaves or grass, `size` pixels a leaf: light and dark dabs of green (or of dry brown)."""
    import cv2

    hue, width_of_hue = (0.11, 0.03) if dry else (0.26, 0.03)
    base = np.array(rgb(float(rng.normal(hue, width_of_hue)), float(rng.uniform(0.3, 0.75)), float(rng.uniform(0.25, 0.6))), np.float32)
    light = rng.random((height, width), dtype=np.float32)
    for step, amount in ((max(size, 1.0), 1.0), (max(size, 1.0) * 2.3, 0.7), (max(size, 1.0) * 8, 0.6)):
        coarse = rng.random((int(height / step) + 2, int(width / step) + 2), dtype=np.float32)
        how = cv2.INTER_NEAREST if step < 3 else cv2.INTER_LINEAR
        light += cv2.resize(coarse, (width, height), interpolation=how) * np.float32(amount)
    light *= light * np.float32(0.42)  # dark between the leaves, bright where they face the sky
    paint = np.empty((height, width, 3), np.uint8)
    paint[:] = np.clip(base, 0, 255)
    return shaded(paint, np.clip(light, 0.1, 3))


def ground(rng: Generator, height: int, width: int, colour: Colour | None = None) -> Image:
    """Asphalt, concrete, carpet: grain and stains."""
    paint = np.empty((height, width, 3), np.uint8)
    paint[:] = (
        colour if colour is not None else rgb(float(rng.normal(0.1, 0.1)), float(rng.uniform(0, 0.15)), float(rng.uniform(0.2, 0.75)))
    )
    light = 1 + rng.standard_normal((height, width), dtype=np.float32) * np.float32(rng.uniform(0.02, 0.12))
    light += cloud(rng, height, width, float(rng.uniform(3, 14))) * np.float32(rng.uniform(0.02, 0.1))
    return shaded(paint, np.clip(light, 0.1, 3))


def art(rng: Generator, height: int, width: int) -> Image:
    """The picture on a poster: a colour field with soft and hard shapes, faces, bottles, plates of nothing in particular."""
    import cv2

    hue, spread = float(rng.random()), float(rng.uniform(0.02, 0.25))
    cells = [rgb(hue + float(rng.normal(0, spread)), float(rng.uniform(0, 0.8)) ** 1.5, float(rng.uniform(0.1, 1))) for _ in range(12)]
    coarse = np.array(cells, np.uint8).reshape((3, 4, 3) if rng.random() < 0.5 else (4, 3, 3))
    how = cv2.INTER_CUBIC if rng.random() < 0.75 else cv2.INTER_NEAREST
    paint = np.ascontiguousarray(cv2.resize(coarse, (width, height), interpolation=how))
    for _ in range(int(rng.integers(2, 9))):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0.1, 1.0) * height))
        axes = (max(1, int(width * rng.uniform(0.02, 0.3))), max(1, int(height * rng.uniform(0.03, 0.35))))
        tone = rgb(0.07, 0.4, float(rng.uniform(0.4, 0.95))) if rng.random() < 0.4 else any_colour(rng, 0.35)
        if rng.random() < 0.7:
            cv2.ellipse(paint, centre, axes, float(rng.uniform(0, 180)), 0, 360, tone, -1, cv2.LINE_AA)
        else:
            around = np.array(centre) + rng.uniform(-1, 1, (int(rng.integers(3, 6)), 2)) * np.array(axes)
            cv2.fillPoly(paint, [around.astype(np.int32)], tone, cv2.LINE_AA)
    if rng.random() < 0.4 and min(height, width) > 12:
        paint = np.asarray(cv2.GaussianBlur(paint, (0, 0), float(rng.uniform(0.5, 0.02 * width + 0.6))), np.uint8)
    if rng.random() < 0.3:
        paint = shaded(paint, np.clip(0.7 + 0.6 * plasma(rng, (height, width), 0.6, 2), 0, 3))
    return paint


@lru_cache(maxsize=64)
def _print(number: int) -> NDArray[np.uint8]:
    """Small print number `number`: ink of a paragraph that nobody can read, uint8 (120, 160); 4 pixels a line."""
    import cv2

    rng = np.random.default_rng((number, 50021))
    ink = np.zeros((120, 160), np.uint8)
    pitch = int(rng.integers(4, 7))
    for top in range(2, 116, pitch):
        x = 2
        while x < 158:
            long = int(rng.integers(3, 16))
            ink[top : top + pitch - 2, x : x + long] = rng.integers(60, 256, (1, min(long, 160 - x)), dtype=np.uint8)
            x += long + 2
        ink[top : top + pitch - 2] = np.where(rng.random((pitch - 2, 160)) < 0.75, ink[top : top + pitch - 2], 0)
        if rng.random() < 0.25:
            ink[top : top + pitch, int(rng.integers(40, 150)) :] = 0
    return np.asarray(cv2.GaussianBlur(ink, (0, 0), 0.5), np.uint8)


def small_print(rng: Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Ink (0..255) of lines that look like text too small to read, uint8 (height, width)."""
    import cv2

    ink = _print(int(rng.integers(64)))
    scale = float(rng.uniform(0.7, 1.3))
    rows, columns = min(120, max(4, int(height / scale))), min(160, max(4, int(width / scale)))
    top, left = int(rng.integers(0, 121 - rows)), int(rng.integers(0, 161 - columns))
    return np.asarray(cv2.resize(ink[top : top + rows, left : left + columns], (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
