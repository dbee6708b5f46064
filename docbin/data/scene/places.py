"""Places where words hang: malls, streets, shelves, walls, tables, heaps of coloured things, and photographs.

A place is a few planes seen by a pinhole camera: where a sign hangs decides its perspective, its size and its blur, and nothing hangs in the air. What
the planes carry comes from :mod:`docbin.data.scene.shops` and :mod:`docbin.data.scene.boards`; it is drawn at about the size at which it will be seen, so
far things cost little and do not shimmer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.data.scene import boards, fabric, shops
from docbin.data.scene import things as objects
from docbin.data.scene.boards import Kit
from docbin.data.scene.flat import Flat
from docbin.data.scene.screen import Camera, Screen, bent, rotation
from docbin.page import Image

FLOOR = 1.55  # metres below the camera
Corner = tuple[float, float, float]
Making = Callable[[Kit, int, int], Flat]
Thing = tuple[float, Corner | None, Callable[[], object]]
"""Something to be painted: its distance, its middle if it may bear words, and what paints it."""


class View:
    """A screen, the camera in front of it, and things hung up in the world.

    Attributes
    ----------
    zoom : pixels of this picture for one of a 1280 pixels wide photograph of the whole view
    """

    def __init__(self, kit: Kit, screen: Screen, zoom: float) -> None:
        rng = kit.rng
        self.kit, self.screen, self.zoom = kit, screen, zoom
        height, width = screen.shape
        self.focal = 640 * zoom / float(np.tan(np.deg2rad(rng.uniform(50, 68)) / 2))
        room_x, room_y = max(640 * zoom - width / 2, 0.15 * width), 0.5 * max(360 * zoom - height / 2, 0.3 * height)
        self.centre = (width / 2 + float(rng.uniform(-room_x, room_x)), height / 2 + float(rng.uniform(-room_y, room_y)))
        self.camera = Camera(np.eye(3), self.focal, self.centre)

    def turn(self, yaw: float, pitch: float, roll: float) -> None:
        """Look elsewhere, degrees; see :func:`docbin.data.scene.screen.rotation`."""
        self.camera = Camera(rotation(*np.deg2rad([yaw, pitch, roll]).tolist()), self.focal, self.centre)

    def quad(self, corner: Corner, across: Corner, down: Corner) -> NDArray[np.float64] | None:
        """Pixels (4, 2) of the rectangle at `corner` (upper left) with sides `across` and `down`; None if it reaches behind the camera or is not in view."""
        p, u, v = np.array(corner), np.array(across), np.array(down)
        pixels, depth = self.camera.see(np.stack([p, p + u, p + u + v, p + v]))
        return None if depth.min() < 0.12 or self.screen.box(pixels) is None else pixels

    def hang(self, make: Making, corner: Corner, across: Corner, down: Corner, most: float = 2.2e5, gloss: float = 0.0) -> bool:
        """Make a flat of the right size in pixels (at most `most` of them) and hang it there; `gloss` mirrors it in the floor. Returns whether it is seen."""
        import cv2

        quad = self.quad(corner, across, down)
        if quad is None:
            return False
        sides = np.roll(quad, -1, 0) - quad
        lengths = np.hypot(sides[:, 0], sides[:, 1])
        wide, tall = min(float(lengths[0] + lengths[2]) / 2, 4000.0), min(float(lengths[1] + lengths[3]) / 2, 4000.0)
        if min(wide, tall) < 2.5:
            return False
        # Foreshortened things are drawn in their own proportions, at the scale of their better seen side, and squeezed when laid.
        true = float(np.linalg.norm(across) / np.linalg.norm(down))
        tall_drawn = max(tall, wide / true)
        wide_drawn = tall_drawn * true
        shrink = min(1.0, float(np.sqrt(most / (wide_drawn * tall_drawn))))
        flat = make(self.kit, max(3, round(tall_drawn * shrink)), max(3, round(wide_drawn * shrink)))
        shade = float(self.kit.rng.uniform(0.6, 1.15))
        flat.paint = np.asarray(cv2.convertScaleAbs(flat.paint, alpha=shade), np.uint8)
        if gloss > 0:
            low = np.array(corner) + np.array(down)
            mirrored = self.quad((low[0], low[1], low[2]), across, down)
            if mirrored is not None:
                upside = Flat(np.ascontiguousarray(flat.paint[::-1]), flat.ink[::-1])
                self.screen.lay(upside, mirrored, gloss, words=False)
        self.screen.lay(flat, quad)
        return True

    def beyond(self, colour: Any, level: float) -> None:
        """One colour for all that is below the horizon (above it where `level` is above the camera)."""
        import cv2

        ahead = self.camera.turn.T @ np.array([0.0, 0.0, 1.0])
        ahead = np.array([ahead[0], 0.0, ahead[2]]) / max(float(np.hypot(ahead[0], ahead[2])), 1e-6)
        aside = np.array([ahead[2], 0.0, -ahead[0]])
        (left, right), _ = self.camera.see(np.stack([ahead - aside, ahead + aside]))
        line = right - left
        down = np.array([-line[1], line[0]]) / max(float(np.hypot(*line)), 1e-6) * (1e4 if level > 0 else -1e4)
        reach = line * 20
        corners = np.stack([left - reach, right + reach, right + reach + down, left - reach + down])
        cv2.fillConvexPoly(self.screen.image, np.rint(corners).astype(np.int32), np.asarray(colour).tolist())

    def aim(self, things: Sequence[Thing], chance: float = 0.85) -> None:
        """Move the picture, within the whole view, to where one of `things` that may bear words is seen."""
        rng, (height, width) = self.kit.rng, self.screen.shape
        marks = [middle for _, middle, _ in things if middle is not None]
        if not marks or rng.random() > chance:
            return
        pixels, depth = self.camera.see(marks)
        offset = pixels - self.camera.centre
        near = np.flatnonzero((depth > 0.5) & (np.abs(offset[:, 0]) < 640 * self.zoom) & (np.abs(offset[:, 1]) < 400 * self.zoom))
        if len(near):
            place = rng.uniform(0.15, 0.85, 2) * (width, height) - offset[near[int(rng.integers(len(near)))]]
            self.centre = (float(place[0]), float(place[1]))
            self.camera = Camera(self.camera.turn, self.focal, self.centre)

    def paint(self, paint: Callable[[int, int], Image], corner: Corner, across: Corner, down: Corner, most: float = 3e5) -> bool:
        """Hang a mere surface."""

        def make(_: Kit, height: int, width: int) -> Flat:
            return Flat(paint(height, width), np.zeros((height, width), np.uint8))

        return self.hang(make, corner, across, down, most)


def _board(kit: Kit, names: tuple[str, ...] | None = None) -> tuple[Making, float, float]:
    """A board to hang, some of them bent: its maker, width and height in metres."""
    maker, aspect, tall = boards.any_board(kit, names)
    return (_bent(maker) if kit.chance(0.08) else maker), tall * aspect, tall


def _bent(maker: Making) -> Making:
    def make(kit: Kit, height: int, width: int) -> Flat:
        flat = maker(kit, height, width)
        draw = kit.rng.random()
        sign = 1 if kit.chance(0.7) else -1
        if draw < 0.4:
            flat = bent(flat, "arc", sign * kit.between(0.3, 1.6))
        elif draw < 0.75:
            flat = bent(flat, "pillar", kit.between(0.6, 2.4), kit.between(-1, 1))
        else:
            flat = bent(flat, "wave", kit.between(0.03, 0.15), kit.between(0, 6.28))
        return flat.sized(height, width)

    return make


def _hang_about(view: View, count: int, left: float, right: float, top: float, near: float, far: float) -> list[Thing]:
    """Boards that hang from above or stand on the floor, facing the camera more or less: (depth, what hangs one)."""
    kit, things = view.kit, []
    for _ in range(count):
        z = float(np.exp(kit.between(np.log(near), np.log(far))))
        hanging = kit.chance(0.65)
        make, wide, tall = _board(
            kit, ("direction", "exit", "fascia", "banner", "disc") if hanging else ("poster", "banner", "notice", "menu", "tag")
        )
        wide = min(wide, (right - left) * 0.7)
        x = kit.between(left, max(right - wide, left + 0.1))
        y = top + kit.between(0.05, 0.7) if hanging else FLOOR - tall - kit.between(0.0, 0.7)
        yaw = np.deg2rad(np.clip(kit.rng.normal(0, 18), -50, 50))
        across = (float(wide * np.cos(yaw)), 0.0, float(wide * np.sin(yaw)))
        things.append(
            (z, (x + wide / 2, y + tall / 2, z), lambda make=make, at=(x, y, z), a=across, t=tall: view.hang(make, at, a, (0.0, t, 0.0)))
        )
    return things


def _people(view: View, count: int, left: float, right: float, near: float, far: float) -> list[Thing]:
    """People: (depth, what puts one there)."""
    kit, things = view.kit, []
    for _ in range(count):
        z = float(np.exp(kit.between(np.log(near), np.log(far))))
        foot = (kit.between(left, right), FLOOR, z)
        things.append((z, None, lambda foot=foot: _person(view, foot, kit.between(1.5, 1.85))))
    return things


def _person(view: View, foot: Corner, metres: float) -> None:
    import cv2

    pixels, depth = view.camera.see([foot, (foot[0], foot[1] - metres, foot[2])])
    if depth.min() < 0.5:
        return
    tall = int(pixels[0, 1] - pixels[1, 1])
    if tall < 8 or tall > 3 * view.screen.shape[0]:
        return
    drawn = min(tall, 400)
    paint, cover = objects.person(view.kit.rng, drawn)
    if drawn < tall:
        size = (max(4, int(paint.shape[1] * tall / drawn)), tall)
        paint, cover = np.asarray(cv2.resize(paint, size), np.uint8), np.asarray(cv2.resize(cover, size), np.uint8)
    _stand(view.screen, paint, cover, round(float(pixels[0, 0])) - paint.shape[1] // 2, round(float(pixels[0, 1])) - tall)


def _stand(screen: Screen, paint: Image, cover: NDArray[np.uint8], x: int, y: int) -> None:
    """Put an upright thing with its upper left corner at (x, y); it hides what is behind."""
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + cover.shape[0], screen.shape[0]), min(x + cover.shape[1], screen.shape[1])
    if top < bottom and left < right:
        cut = np.s_[top - y : bottom - y, left - x : right - x]
        screen.paint(np.ascontiguousarray(paint[cut]), np.ascontiguousarray(cover[cut]), (top, left), soft=False)
        screen.hide(cover[cut], (top, left))


def _far_to_near(things: list[Thing]) -> None:
    for _, _, put in sorted(things, key=lambda thing: -thing[0]):
        put()


def _walls(
    view: View,
    left: float | None,
    right: float | None,
    top: float,
    far: float,
    make: Callable[[Kit], Making],
    bay: tuple[float, float],
    gloss: float,
) -> list[Thing]:
    """Stretches along both sides, from the camera to `far`: (depth, what puts one there)."""
    kit, things = view.kit, []
    for x in (left, right):
        if x is None:
            continue
        z = kit.between(0.2, 1.0)
        while z < far:
            wide = kit.between(*bay)
            start = z
            while start < z + wide * 0.8 and _behind(view, x, start):
                start += wide * 0.1
            end = z + wide
            if not _behind(view, x, start):
                corner, across = ((x, top, start), (0.0, 0.0, end - start)) if x < 0 else ((x, top, end), (0.0, 0.0, start - end))
                maker = make(kit)
                middle = (start + end) / 2
                mark = (x, 0.6 * top if top > -4 else -0.5, middle)
                things.append(
                    (middle, mark, lambda maker=maker, c=corner, a=across: view.hang(maker, c, a, (0.0, FLOOR - top, 0.0), gloss=gloss))
                )
            z = end
    return things


def _behind(view: View, x: float, z: float) -> bool:
    _, depth = view.camera.see([(x, 0.0, z)])
    return bool(depth[0] < 0.35)


def _floor(view: View, paint: Callable[[int, int], Image], left: float, right: float, far: float, level: float = FLOOR) -> None:
    """A floor (or, above the camera, a ceiling), in three pieces from far to near."""
    view.beyond(paint(24, 24).reshape(-1, 3).mean(0), level)
    edges = [0.5, 3.0, 9.0, far] if far > 9 else [0.5, 3.0, max(far, 3.5)]
    for near, end in reversed(list(zip(edges[:-1], edges[1:], strict=True))):
        while view.camera.see([(left, level, near), (right, level, near)])[1].min() < 0.2 and near < end - 0.2:
            near += 0.2
        z, along = (end, near - end) if level > 0 else (near, end - near)
        view.paint(paint, (left, level, z), (right - left, 0.0, 0.0), (0.0, 0.0, along))


def mall(view: View) -> None:
    """A corridor between shops: glossy floor, lamps in the ceiling, signs above, people."""
    kit, rng = view.kit, view.kit.rng
    view.turn(float(np.clip(rng.normal(0, 24), -60, 60)), float(rng.normal(3, 6)), float(rng.normal(0, 5)))
    left, right = -kit.between(1.0, 6.0), kit.between(1.0, 6.0)
    top, far = -kit.between(0.9, 2.8), kit.between(7, 35)
    floor = _flooring(kit)
    end = shops.any_stretch(kit)
    gloss = kit.between(0.1, 0.4) if kit.chance(0.45) else 0.0
    things: list[Thing] = [
        (far, (0.0, top / 2, far), lambda: view.hang(end, (left, top, far), (right - left, 0.0, 0.0), (0.0, FLOOR - top, 0.0), gloss=gloss))
    ]
    things += _walls(view, left, right, top, far, shops.any_stretch, (1.8, 6.0), gloss)
    things += _hang_about(view, int(rng.integers(0, 7)), left, right, top, 2.0, far)
    things += _people(view, int(rng.integers(0, 7)), left, right, 2.5, far)
    if kit.chance(0.2):
        x, z = kit.between(left, right), kit.between(2.5, 9)
        things.append((z, (x, 0.0, z), lambda: _pillar(view, x, z, top)))
    if kit.chance(0.3):
        things.append(_fence(view, kit.between(left, right), kit.between(2, 8)))
    if kit.chance(0.2):
        things += [
            (z, None, lambda x=x, z=z: _bush(view, x, z)) for x, z in zip(rng.uniform(left, right, 2), rng.uniform(2, far, 2), strict=True)
        ]
    view.aim(things)
    view.screen.image[:] = fabric.wall_colour(rng)
    _floor(view, _ceiling(kit), left, right, far, top)
    _floor(view, floor, left, right, far)
    _far_to_near(things)


def _fence(view: View, x: float, z: float) -> Thing:
    wide = view.kit.between(1.0, 5.0)
    return (
        z,
        None,
        lambda: view.hang(objects.railing, (x - wide / 2, FLOOR - 1.1, z), (wide, 0.0, view.kit.between(-1, 1)), (0.0, 1.1, 0.0), most=6e4),
    )


def _bush(view: View, x: float, z: float) -> None:
    size = view.kit.between(0.5, 1.5)
    view.hang(objects.crown, (x, FLOOR - size, z), (size, 0.0, 0.0), (0.0, size, 0.0), most=5e4)


def _flooring(kit: Kit) -> Callable[[int, int], Image]:
    colour = fabric.wall_colour(kit.rng)
    draw = kit.rng.random()
    if draw < 0.5:
        return lambda h, w: fabric.tiles(kit.rng, h, w, (h / kit.between(4, 9), w / kit.between(5, 18)), colour)
    if draw < 0.75:
        return lambda h, w: fabric.plain(kit.rng, h, w, colour)
    return lambda h, w: fabric.streaks(kit.rng, h, w, colour) if draw < 0.88 else fabric.ground(kit.rng, h, w, colour)


def _ceiling(kit: Kit) -> Callable[[int, int], Image]:
    """A ceiling with lamps: spots, tubes, or slats and panels."""
    import cv2

    rng = kit.rng
    colour = fabric.rgb(float(rng.normal(0.1, 0.05)), float(rng.uniform(0, 0.25)), float(rng.uniform(0.1, 0.95)))
    kind, lamp = int(rng.integers(4)), (255, 252, 240) if kit.chance(0.8) else fabric.any_colour(rng, 1.0)

    def paint(height: int, width: int) -> Image:
        if kind == 0:
            surface = fabric.slats(rng, height, width, width / kit.between(15, 50), True, colour)
        elif kind == 1:
            surface = fabric.tiles(rng, height, width, (height / 6, width / 10), colour)
        else:
            surface = fabric.plain(rng, height, width, colour)
        surface = np.ascontiguousarray(surface)
        across = int(rng.integers(1, 5))
        for row in range(int(rng.integers(2, 6))):
            for place in range(across):
                x, y = int(width * (place + 0.5 + rng.normal(0, 0.03)) / across), int(height * (row + 0.5) / 5)
                if kind == 3:
                    cv2.rectangle(surface, (x - width // 30, y), (x + width // 30, y + max(1, height // 12)), lamp, -1)
                else:
                    cv2.ellipse(surface, (x, y), (max(1, width // 60), max(1, height // 80)), 0, 0, 360, lamp, -1)
        return surface

    return paint


def _pillar(view: View, x: float, z: float, top: float) -> None:
    kit = view.kit
    wide = kit.between(0.5, 1.2)

    def make(kit: Kit, height: int, width: int) -> Flat:
        flat = Flat(shops.surface(kit, height, width), np.zeros((height, width), np.uint8))
        if kit.chance(0.6) and min(height, width) > 30:
            flat.lay(
                (boards.poster if kit.chance(0.6) else boards.banner)(kit, int(height * 0.6), int(width * 0.9)), width * 0.05, height * 0.2
            )
        return bent(flat, "pillar", 2.6, kit.between(-0.3, 0.3)).sized(height, width)

    view.hang(make, (x, top, z), (wide, 0.0, 0.0), (0.0, FLOOR - top, 0.0))


def street(view: View) -> None:
    """A street: sky, houses or green at the sides, a road, trees, poles with signs."""
    kit, rng = view.kit, view.kit.rng
    view.turn(float(np.clip(rng.normal(0, 26), -60, 60)), float(rng.normal(3, 5)), float(rng.normal(0, 4)))
    left, right, far = -kit.between(2.5, 14.0), kit.between(2.5, 14.0), kit.between(20, 70)
    things: list[Thing] = []
    green, up, leaves = kit.chance(0.35), kit.between(3.0, 12.0), kit.between(60, 180)
    hedge: Making = lambda kit, h, w: Flat(fabric.foliage(kit.rng, h, w, max(1.0, h / leaves)), np.zeros((h, w), np.uint8))  # noqa: E731
    things += _walls(
        view, left, right, -up, far, lambda kit: hedge if kit.chance(0.3 if green else 0.08) else shops.facade, (4.0, 12.0), 0.0
    )
    across, tall = (right - left) * 2, kit.between(1, 8)
    things.append(
        (
            far,
            None,
            lambda: view.hang(
                hedge if kit.chance(0.6) else shops.facade, (left * 2, -tall, far), (across, 0.0, 0.0), (0.0, FLOOR + tall, 0.0)
            ),
        )
    )
    for x, z in zip(rng.uniform(left, right, int(rng.integers(0, 5))), rng.uniform(4, far, 5), strict=False):
        things.append((float(z), None, lambda x=float(x), z=float(z): _tree(view, x, z)))
    for _ in range(int(rng.integers(0, 4))):
        x, z = kit.between(left, right), float(np.exp(kit.between(np.log(3), np.log(25))))
        things.append((z, (x, -1.6, z), lambda x=x, z=z: _pole(view, x, z)))
    for _ in range(int(rng.integers(0, 4))):
        x, z = kit.between(left, right), kit.between(4, 30)
        long = kit.between(1.8, 4.2)
        things.append(
            (
                z,
                (x, 1.0, z),
                lambda x=x, z=z, long=long: view.hang(objects.car, (x - long / 2, 0.05, z), (long, 0.0, 0.0), (0.0, 1.5, 0.0), most=6e4),
            )
        )
    if kit.chance(0.3):
        things.append(_fence(view, kit.between(left, right), kit.between(3, 12)))
    things += _people(view, int(rng.integers(0, 4)), left, right, 3.0, 30.0)
    view.aim(things)
    height = view.screen.shape[0]
    dusk = kit.chance(0.2)
    high = np.array(fabric.rgb(0.58, kit.between(0, 0.5), kit.between(0.05, 0.4) if dusk else kit.between(0.7, 1.0)), np.float32)
    low = np.array(fabric.rgb(0.6, kit.between(0, 0.15), kit.between(0.2, 0.5) if dusk else kit.between(0.85, 1.0)), np.float32)
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = high + (low - high) * share
    if kit.chance(0.6):
        sky = sky + fabric.cloud(rng, height, view.screen.shape[1], 5)[..., None] * np.float32(kit.between(3, 18))
    view.screen.image[:] = np.clip(sky, 0, 255)
    road = fabric.rgb(0.1, kit.between(0, 0.1), kit.between(0.25, 0.7))
    grass = kit.between(0.6, 2.0)
    _floor(view, lambda h, w: fabric.foliage(rng, h, w, grass) if green else fabric.ground(rng, h, w, road), -30, 30, far * 1.2)
    if green and kit.chance(0.7):
        view.paint(lambda h, w: fabric.ground(rng, h, w, road), (-2.0, FLOOR, far), (4.0, 0.0, 0.0), (0.0, 0.0, 3.0 - far))
    _far_to_near(things)


def _tree(view: View, x: float, z: float) -> None:
    """A trunk and a crown."""
    kit = view.kit
    bark = fabric.rgb(0.08, 0.3, kit.between(0.15, 0.5))
    thick, wide = kit.between(0.1, 0.35), kit.between(1.5, 4.0)
    view.paint(
        lambda h, w: fabric.ground(kit.rng, h, w, bark), (x - thick / 2, -2.5, z), (thick, 0.0, 0.0), (0.0, FLOOR + 2.5, 0.0), most=2e4
    )
    view.hang(objects.crown, (x - wide, -2.0 - wide, z), (2 * wide, 0.0, 0.0), (0.0, 1.6 * wide, 0.0), most=8e4)


def _pole(view: View, x: float, z: float) -> None:
    """A pole with one or two signs."""
    kit = view.kit
    tone = kit.pick((120, 120, 125), (60, 60, 62), (30, 80, 60))
    view.paint(lambda h, w: fabric.plain(kit.rng, h, w, tone), (x - 0.05, -2.0, z), (0.1, 0.0, 0.0), (0.0, FLOOR + 2.0, 0.0), most=1e4)
    y = -2.0
    for _ in range(int(kit.rng.integers(1, 3))):
        make, wide, tall = _board(kit, ("direction", "disc", "notice", "banner"))
        wide, tall = min(wide, 2.2), min(tall, 0.8)
        yaw = np.deg2rad(kit.rng.normal(0, 20))
        across = (float(wide * np.cos(yaw)), 0.0, float(wide * np.sin(yaw)))
        view.hang(make, (x - wide / 2, y, z - 0.05), across, (0.0, tall, 0.0))
        y += tall + 0.1


def frontal(view: View, make: Making | None = None) -> None:
    """One wall at an angle, near enough to read it, with a floor; `make` decides what wall."""
    kit, rng = view.kit, view.kit.rng
    yaw = float(np.clip(rng.normal(0, 28), -65, 65))
    view.turn(yaw, float(rng.normal(0, 6)), float(rng.normal(0, 5)))
    distance = float(np.exp(kit.between(np.log(1.6), np.log(9))))
    top = -kit.between(0.6, 2.2)
    things: list[Thing] = []
    x = -distance * 3.0
    while x < distance * 3.0:
        wide = kit.between(1.8, 5.0)
        maker = (
            make
            if make is not None
            else (shops.front, shops.wall, shops.wall, boards.hoarding, boards.menu, shops.shelf)[int(rng.integers(6))]
        )
        gloss = 0.15 if kit.chance(0.2) else 0.0
        mark = (x + wide / 2, top + (FLOOR - top) * kit.between(0.1, 0.6), distance)
        things.append(
            (
                distance,
                mark,
                lambda maker=maker, x=x, wide=wide, gloss=gloss: view.hang(
                    maker, (x, top, distance), (wide, 0.0, 0.0), (0.0, FLOOR - top, 0.0), gloss=gloss
                ),
            )
        )
        x += wide
    near = max(distance * 0.5, 0.9)
    things += _hang_about(view, int(rng.integers(0, 4)), -distance, distance, top, near, distance - 0.05)
    things += _people(view, int(rng.integers(0, 3)), -distance, distance, max(near, 1.2), max(distance, 1.3))
    view.aim(things, 1.0)
    view.screen.image[:] = np.clip(
        fabric.cloud(rng, *view.screen.shape, 6)[..., None] * 25 + np.array(fabric.wall_colour(rng), np.float32), 0, 255
    )
    _floor(view, _flooring(kit), -25, 25, distance + 0.01)
    _far_to_near(things)


def shelves(view: View) -> None:
    """Along the shelves of a supermarket."""
    frontal(view, shops.shelf)


def table(view: View) -> None:
    """Sheets, cards, menus and packs on a table, seen from above at a slant."""
    kit, rng = view.kit, view.kit.rng
    view.turn(float(rng.normal(0, 15)), -kit.between(25, 75), float(rng.normal(0, 8)))
    level = kit.between(0.45, 0.9)
    things: list[Thing] = []
    for number in range(int(rng.integers(3, 11))):
        make, wide, tall = _board(kit, ("menu", "notice", "tag", "poster", "disc"))
        size = kit.between(0.12, 0.45) / max(wide, tall)
        wide, tall = wide * size, tall * size
        turn = float(rng.normal(0, 0.3))
        c, s = float(np.cos(turn)), float(np.sin(turn))
        x, z = kit.between(-0.7, 0.5), kit.between(0.2, 1.3)
        middle = (x + (wide * c + tall * s) / 2, level, z + (wide * s - tall * c) / 2)
        across, down = (wide * c, 0.0, wide * s), (tall * s, 0.0, -tall * c)
        things.append((100.0 - number, middle, lambda make=make, at=(x, level, z), a=across, d=down: view.hang(make, at, a, d, most=1e5)))
    view.aim(things, 1.0)
    view.screen.image[:] = fabric.wall_colour(rng)
    view.paint(lambda h, w: shops.surface(kit, h, w), (-2.5, level, 3.0), (5.0, 0.0, 0.0), (0.0, 0.0, -2.95))
    _far_to_near(things)


def heap(view: View) -> None:
    """Coloured and patterned pieces without any sense, and boards among them: for all that the other places leave out."""
    import cv2

    kit, rng, screen = view.kit, view.kit.rng, view.screen
    height, width = screen.shape
    screen.image[:] = shops.surface(kit, height, width)
    for _ in range(int(rng.integers(3, 12))):
        centre = rng.uniform(0, 1, 2) * (width, height)
        size = np.exp(rng.uniform(np.log(0.1), np.log(0.7))) * width
        turn = rng.uniform(-0.6, 0.6)
        axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) * size * np.array([[1.0], [rng.uniform(0.3, 1.2)]])
        quad = centre + (np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) + rng.uniform(-0.3, 0.3, (4, 2))) @ axes / 2
        side = int(np.clip(size, 8, 500))
        draw = int(rng.integers(7))
        if draw == 0:
            piece = fabric.foliage(rng, side, side, kit.between(1.5, 8), dry=kit.chance(0.2))
        elif draw == 1:
            piece = fabric.windows(rng, side, side, (side * kit.between(0.05, 0.2), side * kit.between(0.05, 0.2)))
        elif draw == 2:
            piece = fabric.art(rng, side, side)
        elif draw == 3:
            piece = fabric.ground(rng, side, side)
        elif draw == 4:
            piece = shops.goods(kit, side, side, side * kit.between(0.1, 0.4), 0.0).paint
        else:
            piece = shops.surface(kit, side, side)
        flat = Flat(np.ascontiguousarray(piece), np.zeros((side, side), np.uint8))
        if kit.chance(0.3):
            cover = np.zeros((side, side), np.uint8)
            cv2.ellipse(cover, (side // 2, side // 2), (side // 2, int(side * kit.between(0.2, 0.5))), 0, 0, 360, 255, -1)
            flat.cover = cover
        screen.lay(flat, quad)
    scatter(view, int(rng.integers(2, 8)))


def scatter(view: View, count: int, smooth: NDArray[np.float32] | None = None) -> None:
    """Boards and bare letters in any place and pose. Bare letters go where `smooth` (float32 (h, w), any scale of the picture) is lowest of some tries."""
    kit, rng, screen = view.kit, view.kit.rng, view.screen
    height, width = screen.shape
    for _ in range(count):
        free = kit.chance(0.4)
        maker, aspect, _ = boards.any_board(kit)
        if free:
            aspect = kit.between(1.5, 6.0)
        tall = float(np.exp(rng.uniform(np.log(14), np.log(150)))) * view.zoom
        tall = min(tall, 0.9 * width / aspect, 0.6 * height)
        wide = tall * aspect
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        if free and smooth is not None:
            tries = rng.uniform(0, 1, (12, 2)) * smooth.shape
            values = [float(smooth[int(r), int(c)]) for r, c in tries]
            r, c = tries[int(np.argmin(values))]
            x, y = c * width / smooth.shape[1], r * height / smooth.shape[0]
        quad = _pose(view, x, y, wide, tall)
        if screen.box(quad) is None:
            continue
        under = screen.image[int(np.clip(y, 0, height - 1)), int(np.clip(x, 0, width - 1))].tolist()
        make: Making = (lambda kit, h, w, under=under: boards.bare(kit, h, w, (under[0], under[1], under[2]))) if free else maker
        if kit.chance(0.25 if free else 0.06):
            make = _bent(make)
        screen.lay(make(kit, max(8, round(tall)), max(8, round(wide))), quad)


def _pose(view: View, x: float, y: float, wide: float, tall: float) -> NDArray[Any]:
    """Corners of a rectangle around pixel (x, y), turned in space as signs are seen."""
    rng = view.kit.rng
    angles = np.deg2rad(np.clip(rng.normal(0, (26, 10, 8)), -60, 60))
    corners = np.array([[-wide, -tall, 0], [wide, -tall, 0], [wide, tall, 0], [-wide, tall, 0]]) / 2
    seen = corners @ rotation(*angles.tolist()).T
    away = max(view.focal, 1.2 * wide)
    return np.asarray(seen[:, :2] / (1 + seen[:, 2:] / away) + (x, y))


def photograph(view: View, picture: Image, free: NDArray[np.bool_] | None = None) -> None:
    """Boards and letters on a photograph (of the screen's size) by region: smooth places are preferred; nothing goes over what `free` says is taken."""
    import cv2

    kit, screen = view.kit, view.screen
    screen.image[:] = picture
    grey = cv2.cvtColor(cv2.resize(picture, (80, 80), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float32)
    rough = cv2.blur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (9, 9))
    if free is not None:
        taken = cv2.resize((~free).view(np.uint8), (80, 80), interpolation=cv2.INTER_AREA)
        rough += cv2.blur(taken.astype(np.float32), (9, 9)) * 1e3
    scatter(view, int(kit.rng.integers(1, 7)), np.asarray(rough, np.float32))


PLACES: Mapping[str, tuple[Callable[[View], None], float]] = {
    "mall": (mall, 0.4),
    "street": (street, 0.17),
    "frontal": (frontal, 0.17),
    "shelves": (shelves, 0.07),
    "table": (table, 0.06),
    "heap": (heap, 0.13),
}
"""Place -> (painter, share)."""
