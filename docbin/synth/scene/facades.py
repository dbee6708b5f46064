"""Fronts of shops and other stretches of wall, shelves of goods: what stands along a mall or a street."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from docbin.page import Image
from docbin.synth import textures
from docbin.synth.scene import boards
from docbin.synth.scene.planar_objects import PlanarObject, blank
from docbin.synth.scene.scene_context import BLACK, SMALL, WHITE, SceneContext, column, effects, luma
from docbin.synth.textures import Colour


def goods(ctx: SceneContext, height: int, width: int, row: float, names: float = 0.3) -> PlanarObject:
    """Shelves, `row` pixels a shelf: runs of equal bottles, boxes, books or clothes; `names` is the chance that a run's packs bear a word."""
    rng = ctx.rng
    back = textures.rgb(float(rng.random()), float(rng.uniform(0, 0.3)), float(rng.uniform(0.1, 0.8)))
    panel = blank(height, width, back)
    board: Colour = ctx.pick((235, 235, 230), (90, 90, 95), (150, 110, 70), (40, 40, 42))
    row = max(row, 4.0)
    y = -row * rng.random()
    while y < height:
        x = -float(rng.uniform(0, row))
        edge = max(1, round(row * 0.06))
        while x < width:
            wide = row * float(np.exp(rng.uniform(np.log(0.12), np.log(0.8))))
            count = int(rng.integers(1, 8)) if wide < row * 0.5 else int(rng.integers(1, 4))
            tall = row * float(rng.uniform(0.5, 0.92))
            pack = _pack(ctx, max(2, round(tall)), max(2, round(wide)), names)
            for number in range(count):
                panel.lay(pack, x + number * round(wide * 1.04), y + row - edge - pack.shape[0])
            x += count * round(wide * 1.04) + row * float(rng.choice([0.0, 0.02, 0.1]))
        bottom = int(y + row)
        panel.paint[max(bottom - edge, 0) : max(bottom, 0)] = board
        if edge >= 3 and ctx.chance(0.5):  # the labels along a shelf
            for left in np.arange(rng.uniform(0, row), width, row * float(rng.uniform(0.4, 1.2))):
                panel.paint[max(bottom - edge, 0) : max(bottom, 0), int(left) : int(left + row * 0.25)] = ctx.pick(WHITE, (250, 220, 60))
        y += row
    return panel


def _pack(ctx: SceneContext, height: int, width: int, names: float) -> PlanarObject:
    """One package: box, bottle or spine, with a label and, on some, a word."""
    import cv2

    rng = ctx.rng
    body = textures.any_colour(rng, 0.65)
    panel = blank(height, width, body, opaque=False)
    assert panel.cover is not None
    height, width = panel.shape
    if ctx.chance(0.4) and height > width * 1.3:  # a bottle
        neck, shoulder = int(width * rng.uniform(0.2, 0.35)), int(height * rng.uniform(0.2, 0.4))
        cv2.rectangle(panel.cover, (neck, 0), (width - 1 - neck, shoulder), 255, -1)
        cv2.rectangle(panel.cover, (0, shoulder), (width - 1, height - 1), 255, -1)
        cv2.rectangle(panel.paint, (0, 0), (width, max(1, height // 10)), textures.any_colour(rng, 0.8), -1)
    else:
        panel.cover[:] = 255
    light = 1 + 0.35 * np.sin(np.linspace(0.2, 2.9, width, dtype=np.float32)) - 0.25
    panel.paint[:] = np.clip(panel.paint * light[None, :, None], 0, 255).astype(np.uint8)
    top, tall = int(height * rng.uniform(0.25, 0.5)), int(height * rng.uniform(0.2, 0.5))
    label = textures.any_colour(rng, 0.5)
    cv2.rectangle(panel.paint, (0, top), (width, top + tall), label, -1)
    size = tall * 0.45
    if width > 24 and size > SMALL and rng.random() < names:
        letters = WHITE if luma(label) < 130 else textures.any_colour(rng, 0.9) if luma(label) > 190 else BLACK
        face = ctx.face()
        box = (width * 0.06, top + tall * 0.05, width * 0.94, top + tall * 0.9)
        column(ctx, panel, box, [(ctx.words(face, "name", 1), 1.0)], face, letters, 0.5)
    elif width > 8:
        for line in range(int(rng.integers(1, 4))):
            y = top + int(tall * (line + 0.5) / 4)
            x = int(width * rng.uniform(0.05, 0.4))
            cv2.line(panel.paint, (x, y), (int(width - x), y), textures.any_colour(rng, 0.3), 1)
    return panel


def interior(ctx: SceneContext, height: int, width: int) -> Image:
    """What is seen through a shop's glass: lamps, racks, goods, all a little out of focus."""
    import cv2

    rng = ctx.rng
    half = (max(8, height // 2), max(8, width // 2))
    lit = ctx.chance(0.6)
    tone = textures.rgb(
        float(rng.normal(0.1, 0.04)), float(rng.uniform(0, 0.35)), float(rng.uniform(0.5, 0.95) if lit else rng.uniform(0.08, 0.35))
    )
    panel = PlanarObject(textures.plain(rng, *half, tone), np.zeros(half, np.uint8))
    for _ in range(int(rng.integers(1, 4))):
        tall, wide = int(half[0] * rng.uniform(0.2, 0.6)), int(half[1] * rng.uniform(0.2, 0.6))
        if min(tall, wide) > 6:
            rack = goods(ctx, tall, wide, tall * float(rng.uniform(0.25, 0.6)), names=0.0)
            panel.lay(rack, rng.uniform(-0.1, 0.9) * half[1], half[0] * rng.uniform(0.3, 0.8))
    for _ in range(int(rng.integers(0, 7))):
        spot = (int(rng.uniform(0, half[1])), int(half[0] * rng.uniform(0.02, 0.4)))
        cv2.circle(panel.paint, spot, max(1, int(half[0] * rng.uniform(0.01, 0.03))), (255, 250, 235), -1, cv2.LINE_AA)
    return np.asarray(cv2.resize(panel.paint, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def front(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A shop: its sign above, glass with frames below, posters and letters on the glass."""
    rng = ctx.rng
    frame = textures.wall_colour(rng) if ctx.chance(0.6) else ctx.pick((25, 25, 28), (230, 230, 228), (110, 80, 55))
    panel = blank(height, width, frame)
    head = height * ctx.between(0.14, 0.34)
    top = int(head)
    if top > 6:
        if ctx.chance(0.7):
            share = ctx.between(0.4, 1.0)
            x = (width - width * share) * rng.random()
            panel.lay(boards.fascia(ctx, top, max(8, int(width * share))), x, 0)
        else:
            panel.paint[:top] = textures.plain(rng, top, width, frame)
            face = ctx.face()
            letters = WHITE if luma(frame) < 128 else BLACK
            how = effects(ctx, head * 0.5, frame, letters, lit=0.5)
            column(
                ctx, panel, (width * 0.1, head * 0.2, width * 0.9, head * 0.8), [(ctx.words(face, "name", 2), 1.0)], face, letters, 0.5, how
            )
    if height - top < 8:
        return panel
    inside = interior(ctx, height - top, width)
    panel.paint[top:] = inside
    bars = int(rng.integers(1, 6))
    thick = max(1, round(width * ctx.between(0.006, 0.02)))
    for bar in range(bars + 1):
        x = int(width * bar / bars)
        panel.paint[top:, max(0, x - thick) : x + thick] = frame
    panel.paint[int(height * ctx.between(0.92, 1.0)) :] = frame
    for _ in range(int(rng.integers(0, 4))):
        tall = int((height - top) * ctx.between(0.15, 0.6))
        maker, aspect, _ = boards.any_board(ctx, ("poster", "notice", "disc", "banner", "tag"))
        wide = int(min(tall * aspect, width * 0.5))
        if min(tall, wide) > 8:
            panel.lay(maker(ctx, tall, wide), rng.uniform(0, 1) * (width - wide), top + rng.uniform(0.05, 0.9) * (height - top - tall))
    if ctx.chance(0.25) and width > 60:
        tall = int((height - top) * ctx.between(0.08, 0.25))
        panel.lay(
            boards.bare(ctx, max(8, tall), max(24, int(width * ctx.between(0.3, 0.8)))),
            width * ctx.between(0, 0.3),
            top + (height - top) * ctx.between(0.1, 0.7),
        )
    return panel


def wall(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A stretch of wall with a few boards, or letters straight on it."""
    rng = ctx.rng
    colour = textures.wall_colour(rng)
    panel = PlanarObject(surface(ctx, height, width, colour), np.zeros((height, width), np.uint8))
    draw = rng.random()
    if draw < 0.2 and width > 40:
        tall = int(height * ctx.between(0.1, 0.3))
        panel.lay(
            boards.bare(ctx, max(10, tall), int(width * ctx.between(0.4, 0.9)), colour),
            width * ctx.between(0, 0.3),
            height * ctx.between(0.1, 0.6),
        )
        return panel
    if draw < 0.35:
        tall, wide = int(height * ctx.between(0.6, 1.0)), int(width * ctx.between(0.7, 1.0))
        panel.lay(boards.hoarding(ctx, max(8, tall), max(8, wide)), (width - wide) / 2, (height - tall) * ctx.between(0.2, 1.0))
        return panel
    for _ in range(int(rng.choice([0, 1, 2, 2, 3, 4]))):
        maker, aspect, metres = boards.any_board(ctx)
        tall = int(min(height * metres / 2.6 * 0.7, height * 0.9, width / aspect))
        wide = int(tall * aspect)
        if min(tall, wide) > 6:
            panel.lay(maker(ctx, tall, wide), rng.random() * (width - wide), rng.uniform(0.05, 0.7) * (height - tall))
    return panel


def surface(ctx: SceneContext, height: int, width: int, colour: Colour | None = None) -> Image:
    """A wall's surface: plaster, tiles, bricks, slats, wood."""
    rng, draw = ctx.rng, ctx.rng.random()
    if draw < 0.45:
        return textures.plain(rng, height, width, colour)
    if draw < 0.62:
        pitch = height * float(np.exp(rng.uniform(np.log(0.03), np.log(0.3))))
        return textures.tiles(rng, height, width, (pitch, pitch * float(rng.uniform(0.6, 2.0))), colour)
    if draw < 0.74:
        pitch = height * float(rng.uniform(0.02, 0.06))
        return textures.tiles(
            rng,
            height,
            width,
            (pitch, pitch * float(rng.uniform(2, 3.5))),
            textures.rgb(float(rng.normal(0.04, 0.02)), 0.5, 0.6) if rng.random() < 0.5 else colour,
            True,
        )
    if draw < 0.86:
        return textures.slats(
            rng, height, width, height * float(np.exp(rng.uniform(np.log(0.012), np.log(0.1)))), bool(rng.random() < 0.6), colour
        )
    return textures.streaks(rng, height, width, colour)


def lightbox(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A wall with one bright poster behind glass."""
    panel = PlanarObject(surface(ctx, height, width, textures.rgb(0.1, 0.2, ctx.between(0.1, 0.5))), np.zeros((height, width), np.uint8))
    tall = int(height * ctx.between(0.5, 0.8))
    wide = int(min(tall * ctx.between(0.5, 0.9), width * 0.9))
    if min(tall, wide) > 8:
        inner = boards.poster(ctx, tall, wide)
        inner.paint[:] = np.clip(inner.paint.astype(np.uint16) + int(ctx.between(10, 60)), 0, 255).astype(np.uint8)
        panel.lay(inner, (width - wide) * ctx.rng.random(), height * ctx.between(0.05, 0.2))
    return panel


def shelf(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """Shelves of a supermarket, with price tags and a board on top."""
    panel = goods(ctx, height, width, height * ctx.between(0.12, 0.3), names=ctx.between(0.1, 0.7))
    for _ in range(int(ctx.rng.integers(0, 6))):
        tall = int(height * ctx.between(0.04, 0.14))
        wide = int(tall * ctx.between(1.0, 2.0))
        if tall > 6 and wide < width:
            panel.lay(boards.tag(ctx, tall, wide), ctx.rng.random() * (width - wide), ctx.rng.random() * (height - tall))
    if ctx.chance(0.5):
        tall = int(height * ctx.between(0.1, 0.2))
        if tall > 8:
            panel.lay(boards.fascia(ctx, tall, width), 0, 0)
    return panel


def shutter(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """Closed: slats, perhaps a notice."""
    paint = textures.slats(ctx.rng, height, width, height * ctx.between(0.02, 0.05), False, textures.rgb(0.6, 0.05, ctx.between(0.3, 0.8)))
    panel = PlanarObject(paint, np.zeros((height, width), np.uint8))
    if ctx.chance(0.6):
        tall, wide = int(height * ctx.between(0.12, 0.25)), int(width * ctx.between(0.15, 0.4))
        if min(tall, wide) > 8:
            panel.lay(boards.notice(ctx, tall, wide), ctx.rng.random() * (width - wide), height * ctx.between(0.2, 0.5))
    return panel


def facade(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A house: a shop at the foot, windows above, perhaps a sign up there."""
    rng = ctx.rng
    pitch = height * ctx.between(0.1, 0.25)
    paint = textures.windows(rng, height, width, (pitch, pitch * ctx.between(0.5, 1.5)))
    panel = PlanarObject(paint, np.zeros((height, width), np.uint8))
    foot = int(height * ctx.between(0.3, 0.5))
    if foot > 10 and width > 10:
        panel.lay((front if ctx.chance(0.75) else wall)(ctx, foot, width), 0, height - foot)
    if ctx.chance(0.4):
        maker, aspect, _ = boards.any_board(ctx, ("fascia", "banner", "hoarding", "poster"))
        tall = int(min(height * ctx.between(0.06, 0.25), width * 0.9 / aspect))
        if tall > 6:
            panel.lay(
                maker(ctx, tall, max(6, int(tall * aspect))),
                rng.random() * (width - tall * aspect),
                rng.random() * max(height - foot - tall, 1),
            )
    return panel


STRETCHES: Mapping[str, tuple[Callable[[SceneContext, int, int], PlanarObject], float]] = {
    "front": (front, 0.45),
    "wall": (wall, 0.27),
    "lightbox": (lightbox, 0.1),
    "shelf": (shelf, 0.1),
    "shutter": (shutter, 0.08),
}
"""Stretch of a mall's wall -> (maker, share)."""


def any_stretch(ctx: SceneContext) -> Callable[[SceneContext, int, int], PlanarObject]:
    """A maker of a stretch of wall by its share."""
    draw = ctx.rng.random()
    for maker, share in STRETCHES.values():
        draw -= share
        if draw < 0:
            return maker
    return front
