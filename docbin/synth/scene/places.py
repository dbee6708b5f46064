"""Places where words hang: malls, streets, shelves, walls, tables, heaps of coloured things, and photographs.

A place is a few planes seen by a pinhole camera: where a sign hangs decides its perspective, its size and its blur, and nothing hangs in the air.
What the planes carry comes from :mod:`.facades` and :mod:`.boards`; it is drawn at about the size at which it will be seen, so far things cost little
and do not shimmer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image
from docbin.synth import textures
from docbin.synth.scene import boards, facades, occluders
from docbin.synth.scene.planar_objects import PlanarObject
from docbin.synth.scene.projection import bent
from docbin.synth.scene.scene_context import Maker, SceneContext
from docbin.synth.scene.scene_view import (
    FLOOR,
    SceneObject,
    View,
    between_logs,
    far_to_near,
    hung_about,
    painted,
    people,
    scattered,
    some_board,
    turned_across,
    walls,
)
from docbin.synth.textures import Colour


def mall(view: View) -> None:
    """A corridor between shops: glossy floor, lamps in the ceiling, signs above, people."""
    ctx, rng = view.ctx, view.ctx.rng
    view.turn(float(np.clip(rng.normal(0, 24), -60, 60)), float(rng.normal(3, 6)), float(rng.normal(0, 5)))
    left, right = -ctx.between(1.0, 6.0), ctx.between(1.0, 6.0)
    top, far = -ctx.between(0.9, 2.8), ctx.between(7, 35)
    gloss = ctx.between(0.1, 0.4) if ctx.chance(0.45) else 0.0
    end = view.scene_object(facades.any_stretch(ctx), (left, top, far), (right - left, 0.0, 0.0), (0.0, FLOOR - top, 0.0), gloss=gloss)
    scene = [end, *walls(view, (left, right), top, far, facades.any_stretch, (1.8, 6.0), gloss)]
    scene += hung_about(view, int(rng.integers(0, 7)), left, right, top, 2.0, far)
    scene += people(view, int(rng.integers(0, 7)), left, right, 2.5, far)
    if ctx.chance(0.2):
        wide = ctx.between(0.5, 1.2)
        scene.append(
            view.scene_object(_pillar, (ctx.between(left, right), top, ctx.between(2.5, 9)), (wide, 0.0, 0.0), (0.0, FLOOR - top, 0.0))
        )
    if ctx.chance(0.3):
        scene.append(_fence(view, ctx.between(left, right), ctx.between(2, 8)))
    for _ in range(2 if ctx.chance(0.2) else 0):
        size = ctx.between(0.5, 1.5)
        corner = (ctx.between(left, right), FLOOR - size, ctx.between(2, far))
        scene.append(view.scene_object(occluders.crown, corner, (size, 0.0, 0.0), (0.0, size, 0.0), words=False, most=5e4))
    view.aim(scene)
    view.screen.image[:] = textures.wall_colour(rng)
    view.floor(_ceiling(ctx), left, right, far, top)
    view.floor(_flooring(ctx), left, right, far)
    far_to_near(scene)


def _fence(view: View, x: float, z: float) -> SceneObject:
    wide = view.ctx.between(1.0, 5.0)
    across = (wide, 0.0, view.ctx.between(-1, 1))
    return view.scene_object(occluders.railing, (x - wide / 2, FLOOR - 1.1, z), across, (0.0, 1.1, 0.0), words=False, most=6e4)


def _pillar(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    panel = PlanarObject(facades.surface(ctx, height, width), np.zeros((height, width), np.uint8))
    if ctx.chance(0.6) and min(height, width) > 30:
        panel.lay(
            (boards.poster if ctx.chance(0.6) else boards.banner)(ctx, int(height * 0.6), int(width * 0.9)), width * 0.05, height * 0.2
        )
    return bent(panel, "pillar", 2.6, ctx.between(-0.3, 0.3)).sized(height, width)


def _flooring(ctx: SceneContext) -> Callable[[int, int], Image]:
    """Tiles, plaster, wood, marble or carpet underfoot."""
    rng, colour, draw = ctx.rng, textures.wall_colour(ctx.rng), ctx.rng.random()
    if draw < 0.5:
        rows, columns = ctx.between(4, 9), ctx.between(5, 18)
        return lambda height, width: textures.tiles(rng, height, width, (height / rows, width / columns), colour)
    if draw < 0.75:
        return lambda height, width: textures.plain(rng, height, width, colour)
    if draw < 0.88:
        return lambda height, width: textures.streaks(rng, height, width, colour)
    return lambda height, width: textures.ground(rng, height, width, colour)


def _ceiling(ctx: SceneContext) -> Callable[[int, int], Image]:
    """A ceiling with lamps: spots, tubes, or slats and panels."""
    import cv2

    rng = ctx.rng
    colour = textures.rgb(float(rng.normal(0.1, 0.05)), float(rng.uniform(0, 0.25)), float(rng.uniform(0.1, 0.95)))
    lamp: Colour = (255, 252, 240) if ctx.chance(0.8) else textures.any_colour(rng, 1.0)
    kind, across = int(rng.integers(4)), int(rng.integers(1, 5))

    def paint(height: int, width: int) -> Image:
        if kind == 0:
            surface = textures.slats(rng, height, width, width / ctx.between(15, 50), True, colour)
        elif kind == 1:
            surface = textures.tiles(rng, height, width, (height / 6, width / 10), colour)
        else:
            surface = textures.plain(rng, height, width, colour)
        surface = np.ascontiguousarray(surface)
        for row in range(int(rng.integers(2, 6))):
            for place in range(across):
                x, y = int(width * (place + 0.5 + rng.normal(0, 0.03)) / across), int(height * (row + 0.5) / 5)
                if kind == 3:
                    cv2.rectangle(surface, (x - width // 30, y), (x + width // 30, y + max(1, height // 12)), lamp, -1)
                else:
                    cv2.ellipse(surface, (x, y), (max(1, width // 60), max(1, height // 80)), 0, 0, 360, lamp, -1)
        return surface

    return paint


def street(view: View) -> None:
    """A street: sky, houses or green at the sides, a road, trees, cars, poles with signs."""
    ctx, rng = view.ctx, view.ctx.rng
    view.turn(float(np.clip(rng.normal(0, 26), -60, 60)), float(rng.normal(3, 5)), float(rng.normal(0, 4)))
    left, right, far = -ctx.between(2.5, 14.0), ctx.between(2.5, 14.0), ctx.between(20, 70)
    green, leaves = ctx.chance(0.35), ctx.between(60, 180)
    hedge: Maker = painted(lambda height, width: textures.foliage(rng, height, width, max(1.0, height / leaves)))

    def house(ctx: SceneContext) -> Maker:
        return hedge if ctx.chance(0.3 if green else 0.08) else facades.facade

    scene = walls(view, (left, right), -ctx.between(3.0, 12.0), far, house, (4.0, 12.0), 0.0)
    tall, last = ctx.between(1, 8), hedge if ctx.chance(0.6) else facades.facade
    scene.append(view.scene_object(last, (left * 2, -tall, far), ((right - left) * 2, 0.0, 0.0), (0.0, FLOOR + tall, 0.0), words=False))
    for _ in range(int(rng.integers(0, 5))):
        scene += _tree(view, ctx.between(left, right), ctx.between(4, far))
    for _ in range(int(rng.integers(0, 4))):
        scene += _pole(view, ctx.between(left, right), between_logs(ctx, 3, 25))
    for _ in range(int(rng.integers(0, 4))):
        corner, long = (ctx.between(left, right), 0.05, ctx.between(4, 30)), ctx.between(1.8, 4.2)
        scene.append(view.scene_object(occluders.car, corner, (long, 0.0, 0.0), (0.0, FLOOR - 0.05, 0.0), most=6e4))
    if ctx.chance(0.3):
        scene.append(_fence(view, ctx.between(left, right), ctx.between(3, 12)))
    scene += people(view, int(rng.integers(0, 4)), left, right, 3.0, 30.0)
    view.aim(scene)
    _sky(view)
    road = textures.rgb(0.1, ctx.between(0, 0.1), ctx.between(0.25, 0.7))
    grass = ctx.between(0.6, 2.0)

    def earth(height: int, width: int) -> Image:
        return textures.foliage(rng, height, width, grass) if green else textures.ground(rng, height, width, road)

    view.floor(earth, -30, 30, far * 1.2)
    if green and ctx.chance(0.7):
        path = painted(lambda height, width: textures.ground(rng, height, width, road))
        view.hang(path, (-2.0, FLOOR, far), (4.0, 0.0, 0.0), (0.0, 0.0, 3.0 - far))
    far_to_near(scene)


def _sky(view: View) -> None:
    ctx, (height, width) = view.ctx, view.screen.shape
    dusk = ctx.chance(0.2)
    high = np.array(textures.rgb(0.58, ctx.between(0, 0.5), ctx.between(0.05, 0.4) if dusk else ctx.between(0.7, 1.0)), np.float32)
    low = np.array(textures.rgb(0.6, ctx.between(0, 0.15), ctx.between(0.2, 0.5) if dusk else ctx.between(0.85, 1.0)), np.float32)
    sky = high + (low - high) * np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    if ctx.chance(0.6):
        sky = sky + textures.cloud(ctx.rng, height, width, 5)[..., None] * np.float32(ctx.between(3, 18))
    view.screen.image[:] = np.clip(sky, 0, 255)


def _tree(view: View, x: float, z: float) -> list[SceneObject]:
    """A trunk and a crown."""
    ctx = view.ctx
    bark = textures.rgb(0.08, 0.3, ctx.between(0.15, 0.5))
    thick, wide = ctx.between(0.1, 0.35), ctx.between(1.5, 4.0)
    trunk = painted(lambda height, width: textures.ground(ctx.rng, height, width, bark))
    return [
        view.scene_object(trunk, (x - thick / 2, -2.5, z), (thick, 0.0, 0.0), (0.0, FLOOR + 2.5, 0.0), words=False, most=2e4),
        view.scene_object(
            occluders.crown, (x - wide, -2.0 - wide, z - 0.01), (2 * wide, 0.0, 0.0), (0.0, 1.6 * wide, 0.0), words=False, most=8e4
        ),
    ]


def _pole(view: View, x: float, z: float) -> list[SceneObject]:
    """A pole with one or two signs."""
    ctx = view.ctx
    tone = ctx.pick((120, 120, 125), (60, 60, 62), (30, 80, 60))
    pole = painted(lambda height, width: textures.plain(ctx.rng, height, width, tone))
    scene = [view.scene_object(pole, (x - 0.05, -2.0, z), (0.1, 0.0, 0.0), (0.0, FLOOR + 2.0, 0.0), words=False, most=1e4)]
    y = -2.0
    for _ in range(int(ctx.rng.integers(1, 3))):
        make, wide, tall = some_board(ctx, ("direction", "disc", "notice", "banner"))
        wide, tall = min(wide, 2.2), min(tall, 0.8)
        one = view.scene_object(make, (x - wide / 2, y, z - 0.05), turned_across(ctx, wide, 20), (0.0, tall, 0.0))
        scene.append(SceneObject(z - 0.05, one.mark, one.put))
        y += tall + 0.1
    return scene


def frontal(view: View, make: Maker | None = None) -> None:
    """One wall at an angle, near enough to read it, with a floor; `make` decides what wall."""
    ctx, rng = view.ctx, view.ctx.rng
    view.turn(float(np.clip(rng.normal(0, 28), -65, 65)), float(rng.normal(0, 6)), float(rng.normal(0, 5)))
    distance, top = between_logs(ctx, 1.6, 9), -ctx.between(0.6, 2.2)
    down = FLOOR - top
    scene: list[SceneObject] = []
    x = -distance * 3.0
    while x < distance * 3.0:
        wide = ctx.between(1.8, 5.0)
        kinds = (facades.front, facades.wall, facades.wall, boards.hoarding, facades.lightbox, facades.shelf)
        one = view.scene_object(
            make or kinds[int(rng.integers(6))], (x, top, distance), (wide, 0.0, 0.0), (0.0, down, 0.0), gloss=0.15 * ctx.chance(0.2)
        )
        scene.append(SceneObject(distance, (x + wide / 2, top + down * ctx.between(0.1, 0.6), distance), one.put))
        x += wide
    near = max(distance * 0.5, 0.9)
    scene += hung_about(view, int(rng.integers(0, 4)), -distance, distance, top, near, distance - 0.05)
    scene += people(view, int(rng.integers(0, 3)), -distance, distance, max(near, 1.2), max(distance, 1.3))
    view.aim(scene, 1.0)
    clouds = textures.cloud(rng, *view.screen.shape, 6)[..., None] * 25
    view.screen.image[:] = np.clip(clouds + np.array(textures.wall_colour(rng), np.float32), 0, 255)
    view.floor(_flooring(ctx), -25, 25, distance + 0.01)
    far_to_near(scene)


def table(view: View) -> None:
    """Sheets, cards, menus and packs on a table, seen from above at a slant."""
    ctx, rng = view.ctx, view.ctx.rng
    view.turn(float(rng.normal(0, 15)), -ctx.between(25, 75), float(rng.normal(0, 8)))
    level = ctx.between(0.45, 0.9)
    scene: list[SceneObject] = []
    for number in range(int(rng.integers(3, 11))):
        make, wide, tall = some_board(ctx, ("menu", "notice", "tag", "poster", "disc"))
        size, turn = ctx.between(0.12, 0.45) / max(wide, tall), float(rng.normal(0, 0.3))
        c, s = float(np.cos(turn)) * size, float(np.sin(turn)) * size
        corner = (ctx.between(-0.7, 0.5), level, ctx.between(0.2, 1.3))
        one = view.scene_object(make, corner, (wide * c, 0.0, wide * s), (tall * s, 0.0, -tall * c), most=1e5)
        scene.append(SceneObject(100.0 - number, one.mark, one.put))
    view.aim(scene, 1.0)
    view.screen.image[:] = textures.wall_colour(rng)
    top = painted(lambda height, width: facades.surface(ctx, height, width))
    view.hang(top, (-2.5, level, 3.0), (5.0, 0.0, 0.0), (0.0, 0.0, -2.95), most=3e5)
    far_to_near(scene)


def heap(view: View) -> None:
    """Coloured and patterned pieces without any sense, and boards among them: for all that the other places leave out."""
    import cv2

    ctx, rng, screen = view.ctx, view.ctx.rng, view.screen
    height, width = screen.shape
    screen.image[:] = facades.surface(ctx, height, width)
    for _ in range(int(rng.integers(3, 12))):
        centre = rng.uniform(0, 1, 2) * (width, height)
        size = between_logs(ctx, 0.1, 0.7) * width
        turn = rng.uniform(-0.6, 0.6)
        axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) * size * np.array([[1.0], [rng.uniform(0.3, 1.2)]])
        quad = centre + (np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) + rng.uniform(-0.3, 0.3, (4, 2))) @ axes / 2
        side = int(np.clip(size, 8, 500))
        panel = PlanarObject(_piece(ctx, side), np.zeros((side, side), np.uint8))
        if ctx.chance(0.3):
            panel.cover = np.zeros((side, side), np.uint8)
            cv2.ellipse(panel.cover, (side // 2, side // 2), (side // 2, int(side * ctx.between(0.2, 0.5))), 0, 0, 360, 255, -1)
        screen.lay(panel, quad)
    scattered(view, int(rng.integers(2, 8)))


def _piece(ctx: SceneContext, side: int) -> Image:
    """A square of anything."""
    rng, draw = ctx.rng, int(ctx.rng.integers(7))
    if draw == 0:
        return textures.foliage(rng, side, side, ctx.between(1.5, 8), dry=ctx.chance(0.2))
    if draw == 1:
        return textures.windows(rng, side, side, (side * ctx.between(0.05, 0.2), side * ctx.between(0.05, 0.2)))
    if draw == 2:
        return textures.art(rng, side, side)
    if draw == 3:
        return textures.ground(rng, side, side)
    return facades.goods(ctx, side, side, side * ctx.between(0.1, 0.4), 0.0).paint if draw == 4 else facades.surface(ctx, side, side)


def photograph(view: View, free: NDArray[np.bool_]) -> None:
    """Boards and letters on the photograph that is on the screen, by region: smooth places are preferred, places not `free` avoided."""
    import cv2

    grey = cv2.cvtColor(cv2.resize(view.screen.image, (80, 80), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float32)
    rough = cv2.blur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (9, 9))
    taken = cv2.resize((~free).view(np.uint8), (80, 80), interpolation=cv2.INTER_AREA).astype(np.float32)
    rough += cv2.blur(taken, (9, 9)) * 1e3
    scattered(view, int(view.ctx.rng.integers(1, 7)), np.asarray(rough, np.float32))


PLACES: Mapping[str, tuple[Callable[[View], None], float]] = {
    "mall": (mall, 0.4),
    "street": (street, 0.17),
    "frontal": (frontal, 0.17),
    "shelves": (partial(frontal, make=facades.shelf), 0.07),
    "table": (table, 0.06),
    "heap": (heap, 0.13),
}
"""Place -> (painter, share)."""
