"""Things that stand about and hide what is behind them: people, trees, cars, railings. Each maker gives a picture uint8 (h, w, 3) and its cover."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from docbin.page import Image
from docbin.synth import textures
from docbin.synth.scene.boards import plate
from docbin.synth.scene.planar_objects import Grey, PlanarObject, blank
from docbin.synth.scene.scene_context import SceneContext
from docbin.synth.textures import Colour


def person(rng: Generator, height: int) -> tuple[Image, Grey]:
    """Somebody seen from behind, `height` pixels tall: picture and cover."""
    import cv2

    width = max(4, int(height * 0.42))
    height = max(height, 8)
    paint, cover = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    skin = textures.rgb(0.06, float(rng.uniform(0.3, 0.6)), float(rng.uniform(0.3, 0.9)))
    shirt, trousers = textures.any_colour(rng, 0.4), textures.any_colour(rng, 0.15)
    hair = textures.rgb(0.07, 0.5, float(rng.uniform(0.02, 0.35)))
    middle, sway = width / 2, float(rng.normal(0, 0.03)) * width

    def shape(points: list[tuple[float, float]], colour: Colour) -> None:
        corners = (np.array(points) * [width, height]).astype(np.int32)
        cv2.fillPoly(paint, [corners], colour)
        cv2.fillPoly(cover, [corners], 255)

    step = float(rng.uniform(0.02, 0.2))
    shape([(0.3, 0.5), (0.5, 0.5), (0.5 - step * 0.2, 0.97), (0.36 - step, 0.97)], trousers)
    shape([(0.5, 0.5), (0.7, 0.5), (0.64 + step, 0.97), (0.5 + step * 0.2, 0.97)], trousers)
    shape([(0.3, 0.17), (0.7, 0.17), (0.76, 0.3), (0.72, 0.55), (0.28, 0.55), (0.24, 0.3)], shirt)
    shape([(0.24, 0.22), (0.14, 0.5), (0.2, 0.52), (0.32, 0.3)], skin if rng.random() < 0.5 else shirt)
    shape([(0.76, 0.22), (0.88, 0.5), (0.82, 0.52), (0.68, 0.3)], skin if rng.random() < 0.5 else shirt)
    if rng.random() < 0.3:
        shape([(0.32, 0.2), (0.68, 0.2), (0.66, 0.42), (0.34, 0.42)], textures.any_colour(rng, 0.5))  # a bag
    for canvas, tone in ((paint, hair if rng.random() < 0.6 else skin), (cover, (255,))):
        cv2.ellipse(
            canvas,
            (int(middle + sway), int(height * 0.085)),
            (max(1, int(height * 0.055)), max(1, int(height * 0.075))),
            0,
            0,
            360,
            tone,
            -1,
        )
    light = textures.ramp(rng, width, 0.6, 1.15)
    return np.clip(paint * light[None, :, None], 0, 255).astype(np.uint8), cover


def crown(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """The leaves of a tree or a bush."""
    panel = PlanarObject(
        textures.foliage(ctx.rng, height, width, max(1.0, width / ctx.between(50, 120))), np.zeros((height, width), np.uint8)
    )
    field = textures.cloud(ctx.rng, height, width, 12) * 0.5 + textures.cloud(ctx.rng, height, width, 45) * 0.5
    ys, xs = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)[None]
    panel.cover = np.where(ys * ys + xs * xs + field * np.float32(0.45) < 0.75, 255, 0).astype(np.uint8)
    return panel


def railing(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """Bars with nothing between, or glass with a handrail."""
    import cv2

    tone = ctx.pick((200, 200, 205), (60, 60, 64), (120, 95, 60))
    panel = blank(height, width, tone, opaque=False)
    assert panel.cover is not None
    thick = max(1, round(height * ctx.between(0.02, 0.05)))
    panel.cover[:thick] = 255
    panel.cover[-thick:] = 255
    pitch = max(3.0, height * ctx.between(0.05, 0.6))
    for x in np.arange(0, width, pitch):
        cv2.line(panel.cover, (int(x), 0), (int(x), height), 255, max(1, thick // 2))
    return panel


def car(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A car or a van from behind or from the side, with its plate."""
    import cv2

    body = textures.rgb(float(ctx.rng.random()), ctx.between(0, 0.8) if ctx.chance(0.4) else 0.03, ctx.between(0.1, 0.95))
    glass: Colour = textures.rgb(0.58, 0.2, ctx.between(0.1, 0.35))
    panel = blank(height, width, body, opaque=False)
    assert panel.cover is not None
    slope, waist = ctx.between(0.1, 0.28), ctx.between(0.38, 0.5)
    for shape, tone in (
        ([(slope, 0.03), (1 - slope, 0.03), (0.97, waist), (0.03, waist)], body),
        ([(0.0, waist), (1.0, waist), (1.0, 0.85), (0.0, 0.85)], body),
        ([(slope + 0.03, 0.09), (0.97 - slope, 0.09), (0.9, waist - 0.02), (0.1, waist - 0.02)], glass),
        ([(0.03, 0.8), (0.97, 0.8), (0.97, 0.88), (0.03, 0.88)], (35, 35, 38)),
    ):
        corners = (np.array(shape) * [width, height]).astype(np.int32)
        cv2.fillPoly(panel.paint, [corners], tone)
        cv2.fillPoly(panel.cover, [corners], 255)
    for x in (0.17, 0.83):
        place = (int(x * width), int(0.85 * height))
        for canvas, tone in ((panel.paint, (25, 25, 27)), (panel.cover, (255, 255, 255))):
            cv2.circle(canvas, place, max(1, int(0.13 * height)), tone, -1)
        lamp = (int((0.09 if x < 0.5 else 0.91) * width), int(0.58 * height))
        cv2.ellipse(panel.paint, lamp, (max(1, width // 18), max(1, height // 20)), 0, 0, 360, ctx.pick((190, 20, 25), (250, 245, 220)), -1)
    wide = int(width * 0.26)
    if wide > 10:
        panel.lay(plate(ctx, max(4, int(wide * 0.27)), wide), width * 0.37, height * 0.63)
    light = textures.ramp(ctx.rng, height, 0.7, 1.2)
    panel.paint[:] = np.clip(panel.paint * light[:, None, None], 0, 255).astype(np.uint8)
    return panel
