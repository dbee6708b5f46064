"""The picture that a scene is painted into, a camera that looks at it, and the bending of flat things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image
from docbin.synth.scene.planar_objects import Grey, PlacedWord, PlanarObject, Points

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A pinhole: world coordinates in metres (x right, y down, z away) to pixels.

    Attributes
    ----------
    turn : rotation of the world into the camera's frame, (3, 3)
    focal : focal length in pixels
    centre : pixel (x, y) that the camera looks at, which may be outside the picture
    """

    turn: Vector
    focal: float
    centre: tuple[float, float]

    def see(self, points: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels (n, 2) and depths (n,) of world points (n, 3); what lies behind has a depth below 0 and no meaningful pixel."""
        seen = np.asarray(points, np.float64) @ self.turn.T
        depth = seen[:, 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        return seen[:, :2] / safe[:, None] * self.focal + np.asarray(self.centre), depth


def rotation(yaw: float, pitch: float, roll: float) -> Vector:
    """Turns the world for a camera that looks `yaw` to the right, `pitch` up and is rolled clockwise by `roll`, radians."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


class Screen:
    """The picture under way: `image` uint8 (H, W, 3), `ink` uint8 (H, W), and the words seen so far with the pixels that they own."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.ink: Grey = np.zeros(image.shape[:2], np.uint8)
        self.owner = np.zeros(image.shape[:2], np.int16)
        self.words: list[PlacedWord] = []

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.ink.shape
        return height, width

    def box(self, points: NDArray[Any], margin: int = 1) -> tuple[int, int, int, int] | None:
        """Rows and columns (top, bottom, left, right) that `points` span within the picture; None where that is nothing."""
        low, high = np.floor(points.min(0)) - margin, np.ceil(points.max(0)) + margin
        top, bottom = max(int(max(low[1], -1e6)), 0), min(int(min(high[1], 1e6)), self.shape[0])
        left, right = max(int(max(low[0], -1e6)), 0), min(int(min(high[0], 1e6)), self.shape[1])
        return (top, bottom, left, right) if top < bottom and left < right else None

    def lay(self, panel: PlanarObject, quad: NDArray[Any], strength: float = 1.0, words: bool = True) -> None:
        """Project `flat` so that its corners (upper left, upper right, lower right, lower left) fall on `quad` (4, 2).

        `strength` below 1 lets what is under it shine through; `words` False takes no lettering along (a reflection, say). A quad that is seen
        from behind, nearly edge on or outside the picture paints nothing.
        """
        import cv2

        quad = np.asarray(quad, np.float64)
        place = self.box(quad)
        sides = np.roll(quad, -1, 0) - quad
        turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
        if place is None or turns.min() <= 1e-3:
            return
        lengths = np.hypot(sides[:, 0], sides[:, 1])
        wide, tall = float(lengths[0] + lengths[2]) / 2, float(lengths[1] + lengths[3]) / 2
        if min(wide, tall) < 1:
            return
        height, width = panel.shape
        if wide < width / 1.3 or tall < height / 1.3:
            panel = panel.sized(min(height, max(2, round(tall))), min(width, max(2, round(wide))))
            height, width = panel.shape
        top, bottom, left, right = place
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = cv2.getPerspectiveTransform(corners, (quad - [left, top]).astype(np.float32))
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        warp = np.linalg.inv(half) @ matrix @ half  # OpenCV counts from the middles of pixels
        size = (right - left, bottom - top)
        paint = cv2.warpPerspective(panel.paint, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if panel.cover is None:
            cover = np.zeros(size[::-1], np.uint8)
            ahead = sides / np.maximum(lengths, 1e-6)[:, None]
            inner = quad + (ahead - np.roll(ahead, 1, 0)) / 2 - (left + 0.5, top + 0.5)  # OpenCV draws the rim too: half a pixel less
            cv2.fillConvexPoly(cover, np.rint(inner * 16).clip(-(2**28), 2**28).astype(np.int32), 255, cv2.LINE_8, 4)
        else:
            cover = np.asarray(cv2.warpPerspective(panel.cover, warp, size, flags=cv2.INTER_LINEAR), np.uint8)
        self.paint(paint, cover, (top, left), strength, soft=panel.cover is not None)
        if not words:
            return
        here = np.s_[top:bottom, left:right]
        if strength > 0.6:
            over = np.asarray(cv2.compare(cover, 127, cv2.CMP_GT), np.uint8)
            self.ink[here][over > 0] = 0
            self.owner[here][over > 0] = 0
        if panel.words:
            ink = np.asarray(cv2.warpPerspective(panel.ink, warp, size, flags=cv2.INTER_LINEAR), np.uint8)
            np.maximum(self.ink[here], ink, out=self.ink[here])
            back = matrix.copy()
            back = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]]) @ back
            for word in panel.words:
                self.own(PlacedWord(np.asarray(cv2.perspectiveTransform(word.polygon[None], back)[0], np.float32), word.text, word.legible))

    def own(self, word: PlacedWord) -> None:
        """Take a word in and give it its pixels."""
        import cv2

        if self.box(word.polygon, 0) is None or len(self.words) >= 32000:
            return
        self.words.append(word)
        cv2.fillPoly(self.owner, [_fixed(word.polygon)], len(self.words), cv2.LINE_8, 4)

    def room(self, word: PlacedWord) -> int:
        """Pixels of the picture within a word's outline, whoever owns them."""
        import cv2

        place = self.box(word.polygon)
        if place is None:
            return 0
        top, bottom, left, right = place
        canvas = np.zeros((bottom - top, right - left), np.uint8)
        cv2.fillPoly(canvas, [_fixed(word.polygon - np.array([left, top], np.float32))], 1, cv2.LINE_8, 4)
        return int(canvas.sum())

    def paint(self, paint: Image, cover: Grey, corner: tuple[int, int], strength: float = 1.0, soft: bool = True) -> None:
        """Paint a piece at row and column `corner`, where and as far as `cover` (uint8) says."""
        import cv2

        top, left = corner
        here = self.image[top : top + cover.shape[0], left : left + cover.shape[1]]
        if soft or strength < 1:
            share = cover.astype(np.float32) * np.float32(strength / 255)
            here[:] = cv2.blendLinear(np.ascontiguousarray(paint), np.ascontiguousarray(here), share, 1 - share)
        else:
            cv2.copyTo(paint, cover, here)

    def hide(self, cover: Grey, corner: tuple[int, int]) -> None:
        """Forget the lettering under an opaque thing that was painted."""
        top, left = corner
        here = np.s_[top : top + cover.shape[0], left : left + cover.shape[1]]
        over = cover > 127
        self.ink[here][over] = 0
        self.owner[here][over] = 0


def _fixed(polygon: Points) -> NDArray[np.int32]:
    """Corners in sixteenths of a pixel, counted from the middles of pixels, as OpenCV takes them."""
    return np.asarray(np.rint((polygon - 0.5) * 16).clip(-(2**24), 2**24), np.int32)


Way = Callable[[NDArray[np.float32], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Moves points: arrays x and y to arrays x and y."""


def bent(panel: PlanarObject, kind: str, amount: float, phase: float = 0.0) -> PlanarObject:
    """The flat bent in its own plane, or wrapped around a pillar; the rest of the new one is bare (its cover 0).

    Parameters
    ----------
    kind : "arc" (along a circle through `amount` radians, down where negative), "pillar" (around a cylinder through 0 < `amount` < pi radians) or
        "wave" (one and a half waves, `amount` of the height up and down)
    phase : of the wave, radians
    """
    import cv2

    height, width = panel.shape
    forth, back = _ways(kind, float(height), float(width), amount, phase)
    t = np.linspace(0, 1, 33, dtype=np.float32)
    zero = np.zeros_like(t)
    rim_x, rim_y = forth(
        np.concatenate([t * width, t * width, zero, zero + width]), np.concatenate([zero, zero + height, t * height, t * height])
    )
    left, top = float(np.floor(rim_x.min())), float(np.floor(rim_y.min()))
    wide, tall = int(np.ceil(rim_x.max() - left)), int(np.ceil(rim_y.max() - top))
    xs, ys = np.meshgrid(
        np.arange(wide, dtype=np.float32) + np.float32(0.5 + left), np.arange(tall, dtype=np.float32) + np.float32(0.5 + top)
    )
    map_x, map_y = back(xs, ys)
    map_x, map_y = map_x - np.float32(0.5), map_y - np.float32(0.5)
    cover = panel.cover if panel.cover is not None else np.full((height, width), 255, np.uint8)
    paint = cv2.remap(panel.paint, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rest = [np.asarray(cv2.remap(part, map_x, map_y, cv2.INTER_LINEAR), np.uint8) for part in (panel.ink, cover)]
    words = []
    for word in panel.words:
        across = np.ptp(word.polygon[:, 0]) / max(float(np.ptp(word.polygon[:, 1])), 1.0)
        outline = densified(word.polygon, int(np.clip(round(across) + 2, 3, 8)))
        x, y = forth(outline[:, 0], outline[:, 1])
        words.append(PlacedWord(np.stack([x - np.float32(left), y - np.float32(top)], 1), word.text, word.legible))
    return PlanarObject(np.asarray(paint, np.uint8), rest[0], words, rest[1])


def densified(polygon: Points, count: int) -> Points:
    """A four-cornered outline with `count` points along its top and along its bottom."""
    if len(polygon) != 4:
        return polygon
    t = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    return np.concatenate([polygon[0] + (polygon[1] - polygon[0]) * t, polygon[2] + (polygon[3] - polygon[2]) * t])


def _ways(kind: str, height: float, width: float, amount: float, phase: float) -> tuple[Way, Way]:
    """The way of points of the flat to the bent one, and back."""
    f = np.float32
    if kind == "arc":
        radius, sign = f(width / max(abs(amount), 1e-3)), f(1 if amount > 0 else -1)

        def forth(x: Any, y: Any) -> Any:
            angle, out = (x - f(width / 2)) / radius, radius + sign * (f(height / 2) - y)
            return out * np.sin(angle), -sign * out * np.cos(angle)

        def back(x: Any, y: Any) -> Any:
            return np.arctan2(x, -sign * y) * radius + f(width / 2), f(height / 2) - sign * (np.hypot(x, y) - radius)
    elif kind == "pillar":
        radius = f(width / max(amount, 1e-3))
        sag = f(phase * 0.15) * radius

        def forth(x: Any, y: Any) -> Any:
            angle = (x - f(width / 2)) / radius
            return radius * np.sin(angle), y + sag * (np.cos(angle) - 1)

        def back(x: Any, y: Any) -> Any:
            angle = np.arcsin(np.clip(x / radius, -1, 1))
            return angle * radius + f(width / 2), y - sag * (np.cos(angle) - 1)
    else:
        turn, swing = f(3 * np.pi / width), f(amount * height)

        def forth(x: Any, y: Any) -> Any:
            return x, y + swing * np.sin(x * turn + f(phase))

        def back(x: Any, y: Any) -> Any:
            return x, y - swing * np.sin(x * turn + f(phase))

    return forth, back
