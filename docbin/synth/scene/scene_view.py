"""A screen with a camera in front of it, and what hangs, stands and lies in the world before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image
from docbin.synth.scene import boards, occluders
from docbin.synth.scene.planar_objects import Grey, PlanarObject
from docbin.synth.scene.projection import Camera, Screen, bent, rotation
from docbin.synth.scene.scene_context import Maker, SceneContext
from docbin.synth.textures import Colour

FLOOR = 1.55  # metres below the camera
Point = tuple[float, float, float]
"""Metres in the world: right, down, away."""


@dataclass(frozen=True, slots=True, eq=False)
class SceneObject:
    """Something to be painted: its distance, its middle if it may bear words, and what paints it."""

    depth: float
    mark: Point | None
    put: Callable[[], object]


def painted(paint: Callable[[int, int], Image]) -> Maker:
    """A mere surface as something to hang."""

    def make(_: SceneContext, height: int, width: int) -> PlanarObject:
        return PlanarObject(np.ascontiguousarray(paint(height, width)), np.zeros((height, width), np.uint8))

    return make


class View:
    """What a place is painted through.

    Attributes
    ----------
    zoom : pixels of this picture for one of a 1280 pixels wide photograph of the whole view
    """

    def __init__(self, ctx: SceneContext, screen: Screen, zoom: float) -> None:
        rng = ctx.rng
        self.ctx, self.screen, self.zoom = ctx, screen, zoom
        height, width = screen.shape
        self.focal = 640 * zoom / float(np.tan(np.deg2rad(rng.uniform(50, 68)) / 2))
        room_x, room_y = max(640 * zoom - width / 2, 0.15 * width), 0.5 * max(360 * zoom - height / 2, 0.3 * height)
        self.centre = (width / 2 + float(rng.uniform(-room_x, room_x)), height / 2 + float(rng.uniform(-room_y, room_y)))
        self.camera = Camera(np.eye(3), self.focal, self.centre)

    def turn(self, yaw: float, pitch: float, roll: float) -> None:
        """Look elsewhere, degrees; see :func:`docbin.synth.scene.projection.rotation`."""
        self.camera = Camera(rotation(*np.deg2rad([yaw, pitch, roll]).tolist()), self.focal, self.centre)

    def quad(self, corner: Point, across: Point, down: Point) -> NDArray[np.float64] | None:
        """Pixels (4, 2) of the rectangle at `corner` (upper left) with these sides; None if it reaches behind the camera or is out of sight."""
        p, u, v = np.array(corner), np.array(across), np.array(down)
        pixels, depth = self.camera.see(np.stack([p, p + u, p + u + v, p + v]))
        return None if depth.min() < 0.12 or self.screen.box(pixels) is None else pixels

    def hang(self, make: Maker, corner: Point, across: Point, down: Point, most: float = 2.2e5, gloss: float = 0.0) -> bool:
        """Make a flat of the right size in pixels (at most `most` of them) and hang it there.

        `gloss` is how strongly the floor below mirrors it. Returns whether it is seen.
        """
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
        tall = max(tall, wide / true)
        shrink = min(1.0, float(np.sqrt(most / (tall * tall * true))))
        panel = make(self.ctx, max(3, round(tall * shrink)), max(3, round(tall * true * shrink)))
        panel.paint = np.asarray(cv2.convertScaleAbs(panel.paint, alpha=self.ctx.between(0.6, 1.15)), np.uint8)
        if gloss > 0:
            mirrored = self.quad((corner[0] + down[0], corner[1] + down[1], corner[2] + down[2]), across, down)
            if mirrored is not None:
                self.screen.lay(PlanarObject(np.ascontiguousarray(panel.paint[::-1]), panel.ink[::-1]), mirrored, gloss, words=False)
        self.screen.lay(panel, quad)
        return True

    def scene_object(self, make: Maker, corner: Point, across: Point, down: Point, words: bool = True, **options: float) -> SceneObject:
        """Something to :meth:`hang` later."""
        middle = np.array(corner) + (np.array(across) + np.array(down)) / 2
        mark = (float(middle[0]), float(middle[1]), float(middle[2]))
        return SceneObject(mark[2], mark if words else None, partial(self.hang, make, corner, across, down, **options))

    def aim(self, marked: Sequence[SceneObject], chance: float = 0.85) -> None:
        """Move the picture, within the whole view, to where one of the things that may bear words is seen."""
        rng, (height, width) = self.ctx.rng, self.screen.shape
        marks = [one.mark for one in marked if one.mark is not None]
        if not marks or rng.random() > chance:
            return
        pixels, depth = self.camera.see(marks)
        offset = pixels - self.camera.centre
        near = np.flatnonzero((depth > 0.5) & (np.abs(offset[:, 0]) < 640 * self.zoom) & (np.abs(offset[:, 1]) < 400 * self.zoom))
        if len(near):
            place = rng.uniform(0.15, 0.85, 2) * (width, height) - offset[near[int(rng.integers(len(near)))]]
            self.centre = (float(place[0]), float(place[1]))
            self.camera = Camera(self.camera.turn, self.focal, self.centre)

    def floor(self, paint: Callable[[int, int], Image], left: float, right: float, far: float, level: float = FLOOR) -> None:
        """A floor (or, above the camera, a ceiling): one colour as far as the horizon, and the surface itself in three pieces from far to near."""
        self._beyond(paint(24, 24).reshape(-1, 3).mean(0), level)
        for near, end in reversed(list(pairwise([0.5, 3.0, 9.0, far] if far > 9 else [0.5, 3.0, max(far, 3.5)]))):
            while self.camera.see([(left, level, near), (right, level, near)])[1].min() < 0.2 and near < end - 0.2:
                near += 0.2
            z, along = (end, near - end) if level > 0 else (near, end - near)
            self.hang(painted(paint), (left, level, z), (right - left, 0.0, 0.0), (0.0, 0.0, along), most=3e5)

    def _beyond(self, colour: Any, level: float) -> None:
        """One colour for all that is below the horizon (above it where `level` is above the camera)."""
        import cv2

        ahead = self.camera.turn.T @ np.array([0.0, 0.0, 1.0])
        ahead = np.array([ahead[0], 0.0, ahead[2]]) / max(float(np.hypot(ahead[0], ahead[2])), 1e-6)
        aside = np.array([ahead[2], 0.0, -ahead[0]])
        (left, right), _ = self.camera.see(np.stack([ahead - aside, ahead + aside]))
        line = right - left
        down = np.array([-line[1], line[0]]) / max(float(np.hypot(*line)), 1e-6) * (1e4 if level > 0 else -1e4)
        corners = np.stack([left - 20 * line, right + 20 * line, right + 20 * line + down, left - 20 * line + down])
        cv2.fillConvexPoly(self.screen.image, np.rint(corners).clip(-(2**24), 2**24).astype(np.int32), np.asarray(colour).tolist())

    def behind(self, x: float, z: float) -> bool:
        """Whether the upright line at (x, z) is not safely in front of the camera."""
        return bool(self.camera.see([(x, 0.0, z)])[1][0] < 0.35)


def far_to_near(scene: Sequence[SceneObject]) -> None:
    """Paint things in the order in which they cover one another."""
    for one in sorted(scene, key=lambda one: -one.depth):
        one.put()


def some_board(ctx: SceneContext, names: Sequence[str] | None = None) -> tuple[Maker, float, float]:
    """A board to hang, some of them bent: its maker, width and height in metres."""
    maker, aspect, tall = boards.any_board(ctx, names)
    return (curved(maker) if ctx.chance(0.08) else maker), tall * aspect, tall


def curved(maker: Maker) -> Maker:
    """What `maker` makes, bent along an arc, around a pillar or in waves."""

    def make(ctx: SceneContext, height: int, width: int) -> PlanarObject:
        panel, draw = maker(ctx, height, width), ctx.rng.random()
        if draw < 0.4:
            return bent(panel, "arc", (1 if ctx.chance(0.7) else -1) * ctx.between(0.3, 1.6)).sized(height, width)
        if draw < 0.75:
            return bent(panel, "pillar", ctx.between(0.6, 2.4), ctx.between(-1, 1)).sized(height, width)
        return bent(panel, "wave", ctx.between(0.03, 0.15), ctx.between(0, 6.28)).sized(height, width)

    return make


def between_logs(ctx: SceneContext, low: float, high: float) -> float:
    """Drawn evenly in the logarithm."""
    return float(np.exp(ctx.between(float(np.log(low)), float(np.log(high)))))


def turned_across(ctx: SceneContext, wide: float, spread: float) -> Point:
    """The side of something `wide` metres that faces the camera more or less; `spread` is the standard deviation of its turn in degrees."""
    yaw = np.deg2rad(np.clip(ctx.rng.normal(0, spread), -50, 50))
    return float(wide * np.cos(yaw)), 0.0, float(wide * np.sin(yaw))


def hung_about(view: View, count: int, left: float, right: float, top: float, near: float, far: float) -> list[SceneObject]:
    """Boards that hang from above or stand on the floor."""
    ctx, scene = view.ctx, []
    for _ in range(count):
        hanging = ctx.chance(0.65)
        names = ("direction", "exit", "fascia", "banner", "disc") if hanging else ("poster", "banner", "notice", "menu", "tag")
        make, wide, tall = some_board(ctx, names)
        wide = min(wide, (right - left) * 0.7)
        y = top + ctx.between(0.05, 0.7) if hanging else FLOOR - tall - ctx.between(0.0, 0.7)
        corner = (ctx.between(left, max(right - wide, left + 0.1)), y, between_logs(ctx, near, far))
        scene.append(view.scene_object(make, corner, turned_across(ctx, wide, 18), (0.0, tall, 0.0)))
    return scene


def walls(
    view: View,
    sides: Sequence[float],
    top: float,
    far: float,
    pick: Callable[[SceneContext], Maker],
    bay: tuple[float, float],
    gloss: float,
) -> list[SceneObject]:
    """Stretches of wall at the given `sides` (metres to the right), each `bay` metres long, from the camera to `far`."""
    ctx, scene = view.ctx, []
    for x in sides:
        z = ctx.between(0.2, 1.0)
        while z < far:
            end = z + ctx.between(*bay)
            start = z
            while start < z + (end - z) * 0.8 and view.behind(x, start):
                start += (end - z) * 0.1
            if not view.behind(x, start):
                corner, across = ((x, top, start), (0.0, 0.0, end - start)) if x < 0 else ((x, top, end), (0.0, 0.0, start - end))
                one = view.scene_object(pick(ctx), corner, across, (0.0, FLOOR - top, 0.0), gloss=gloss)
                # The eye goes to the signs over the doors.
                scene.append(SceneObject(one.depth, (x, 0.6 * top if top > -4 else -0.5, one.depth), one.put))
            z = end
    return scene


def people(view: View, count: int, left: float, right: float, near: float, far: float) -> list[SceneObject]:
    """People who stand or walk about."""
    ctx, scene = view.ctx, []
    for _ in range(count):
        z = between_logs(ctx, near, far)
        scene.append(SceneObject(z, None, partial(_person, view, (ctx.between(left, right), FLOOR, z), ctx.between(1.5, 1.85))))
    return scene


def _person(view: View, foot: Point, metres: float) -> None:
    import cv2

    pixels, depth = view.camera.see([foot, (foot[0], foot[1] - metres, foot[2])])
    tall = int(pixels[0, 1] - pixels[1, 1])
    if depth.min() < 0.5 or tall < 8 or tall > 3 * view.screen.shape[0]:
        return
    drawn = min(tall, 400)
    paint, cover = occluders.person(view.ctx.rng, drawn)
    if drawn < tall:
        size = (max(4, int(paint.shape[1] * tall / drawn)), tall)
        paint, cover = np.asarray(cv2.resize(paint, size), np.uint8), np.asarray(cv2.resize(cover, size), np.uint8)
    _stand(view.screen, paint, cover, round(float(pixels[0, 0])) - paint.shape[1] // 2, round(float(pixels[0, 1])) - tall)


def _stand(screen: Screen, paint: Image, cover: Grey, x: int, y: int) -> None:
    """Put an upright thing with its upper left corner at (x, y); it hides what is behind."""
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + cover.shape[0], screen.shape[0]), min(x + cover.shape[1], screen.shape[1])
    if top < bottom and left < right:
        cut = np.s_[top - y : bottom - y, left - x : right - x]
        screen.paint(np.ascontiguousarray(paint[cut]), np.ascontiguousarray(cover[cut]), (top, left), soft=False)
        screen.hide(cover[cut], (top, left))


def scattered(view: View, count: int, rough: NDArray[np.float32] | None = None) -> None:
    """Boards and bare letters in any place and pose; bare letters go where `rough`, a map of the picture at any scale, is lowest of some tries."""
    ctx, rng, screen = view.ctx, view.ctx.rng, view.screen
    height, width = screen.shape
    for _ in range(count):
        free = ctx.chance(0.4)
        make, aspect, _ = boards.any_board(ctx)
        aspect = ctx.between(1.5, 6.0) if free else aspect
        tall = min(between_logs(ctx, 14, 150) * view.zoom, 0.9 * width / aspect, 0.6 * height)
        tries = rng.uniform(0, 1, (12 if free else 4, 2))
        if rough is not None:
            values = rough[(tries[:, 0] * rough.shape[0]).astype(int), (tries[:, 1] * rough.shape[1]).astype(int)]
            tries = tries[[int(np.argmin(values))]]
        y, x = float(tries[0, 0] * height), float(tries[0, 1] * width)
        quad = _pose(view, x, y, tall * aspect, tall)
        if screen.box(quad) is None:
            continue
        if free:
            red, green, blue = screen.image[min(int(y), height - 1), min(int(x), width - 1)].tolist()
            make = partial(_on, under=(red, green, blue))
        if ctx.chance(0.25 if free else 0.06):
            make = curved(make)
        screen.lay(make(ctx, max(8, round(tall)), max(8, round(tall * aspect))), quad)


def _on(ctx: SceneContext, height: int, width: int, under: Colour) -> PlanarObject:
    return boards.bare(ctx, height, width, under)


def _pose(view: View, x: float, y: float, wide: float, tall: float) -> NDArray[np.float64]:
    """Corners of a rectangle around pixel (x, y), turned in space as signs are seen."""
    angles = np.deg2rad(np.clip(view.ctx.rng.normal(0, (26, 10, 8)), -60, 60))
    corners = np.array([[-wide, -tall, 0], [wide, -tall, 0], [wide, tall, 0], [-wide, tall, 0]]) / 2
    seen = corners @ rotation(*angles.tolist()).T
    away = max(view.focal, 1.2 * wide)
    return np.asarray(seen[:, :2] / (1 + seen[:, 2:] / away) + (x, y))
