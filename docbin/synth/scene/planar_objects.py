"""Planar objects with lettering on them: what is projected into a scene.

A :class:`PlanarObject` is a picture seen from the front: a board, a shop front, a wall. It carries its ink and its words along, so a poster may
be laid on a wall and the wall be projected into the scene, and at the end each word's outline and every pixel of its lettering are where the
picture shows them. :class:`docbin.synth.scene.projection.Screen` is the picture itself, painted from far to near. What is painted later covers what
was there: ink is wiped out, and a map of owners (which word a pixel last belonged to) tells how much of a word is left to see.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image
from docbin.synth.lettering import Strip
from docbin.synth.textures import Colour

Points = NDArray[np.float32]
Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class PlacedWord:
    """A word somewhere: outline float32 (n, 2) in pixels of what it is on, text, and whether it may count as legible."""

    polygon: Points
    text: str
    legible: bool = True


@dataclass(slots=True, eq=False)
class Effects:
    """How letters are put on: colours are RGB 0..255, lengths are pixels.

    Attributes
    ----------
    shadow : colour of a shadow, (offset right, offset below) and its softness
    outline : colour of an outline and its width
    glow : colour of a glow around, its reach and strength 0..1
    depth : colour of the letters' sides and how far they stand out, right and below
    gradient : colour at the letters' foot
    """

    shadow: tuple[Colour, tuple[float, float], float] | None = None
    outline: tuple[Colour, float] | None = None
    glow: tuple[Colour, float, float] | None = None
    depth: tuple[Colour, tuple[int, int]] | None = None
    gradient: Colour | None = None


PLAIN = Effects()


@dataclass(slots=True, eq=False)
class PlanarObject:
    """Something flat: `paint` uint8 (h, w, 3), `ink` uint8 (h, w), its `words`, and `cover` uint8 (h, w) where it is not opaque all over."""

    paint: Image
    ink: Grey
    words: list[PlacedWord] = field(default_factory=list)
    cover: Grey | None = None

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.ink.shape
        return height, width

    def letter(
        self, strip: Strip, x: float, y: float, colour: Colour, effects: Effects = PLAIN, legible: bool = True, ink: bool = True
    ) -> None:
        """Put a line of lettering with its strip's upper left corner at (x, y); `ink` False puts it there as a mere picture of lettering."""
        column, row = round(x), round(y)
        reach = _reach(effects)
        height, width = strip.ink.shape
        top, left = max(row - reach, 0), max(column - reach, 0)
        bottom, right = min(row + height + reach, self.ink.shape[0]), min(column + width + reach, self.ink.shape[1])
        if bottom <= top or right <= left:
            return
        alpha = np.zeros((height + 2 * reach, width + 2 * reach), np.uint8)
        alpha[reach : reach + height, reach : reach + width] = strip.ink
        cut = np.s_[top - row + reach : bottom - row + reach, left - column + reach : right - column + reach]
        target = self.paint[top:bottom, left:right].astype(np.float32)
        covered = np.zeros((bottom - top, right - left), np.uint8)
        for layer, paint in _layers(alpha, colour, effects):
            piece = layer[cut]
            share = piece.astype(np.float32)[..., None] * np.float32(1 / 255)
            target += ((paint if paint.ndim == 1 else paint[cut[0]]) - target) * share
            if self.cover is not None:
                np.maximum(covered, piece, out=covered)
        self.paint[top:bottom, left:right] = np.clip(target + np.float32(0.5), 0, 255).astype(np.uint8)
        if self.cover is not None:
            np.maximum(self.cover[top:bottom, left:right], covered, out=self.cover[top:bottom, left:right])
        if not ink:
            return
        here = self.ink[top:bottom, left:right]
        np.maximum(here, alpha[cut], out=here)
        for (x0, y0, x1, y1), text in zip(strip.boxes.tolist(), strip.texts, strict=True):
            corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32) + np.array([column, row], np.float32)
            whole = corners.min() > -2 and corners[2, 0] < self.ink.shape[1] + 2 and corners[2, 1] < self.ink.shape[0] + 2
            self.words.append(PlacedWord(corners, text, legible and bool(whole)))

    def lay(self, other: PlanarObject, x: float, y: float) -> None:
        """Lay another flat with its upper left corner at (x, y); what it covers is gone."""
        column, row = round(x), round(y)
        top, left = max(row, 0), max(column, 0)
        bottom, right = min(row + other.shape[0], self.shape[0]), min(column + other.shape[1], self.shape[1])
        if bottom <= top or right <= left:
            return
        here, there = np.s_[top:bottom, left:right], np.s_[top - row : bottom - row, left - column : right - column]
        if other.cover is None:
            self.paint[here], self.ink[here] = other.paint[there], other.ink[there]
            if self.cover is not None:
                self.cover[here] = 255
        else:
            cover = other.cover[there]
            share = cover.astype(np.float32)[..., None] * np.float32(1 / 255)
            paint = self.paint[here] + (other.paint[there].astype(np.float32) - self.paint[here]) * share
            self.paint[here] = (paint + np.float32(0.5)).astype(np.uint8)
            self.ink[here] = np.maximum(np.where(cover > 127, 0, self.ink[here]), other.ink[there])
            if self.cover is not None:
                self.cover[here] = np.maximum(self.cover[here], cover)
        shift = np.array([column, row], np.float32)
        self.words += [PlacedWord(word.polygon + shift, word.text, word.legible) for word in other.words]

    def sized(self, height: int, width: int) -> PlanarObject:
        """The same at another size."""
        import cv2

        if (height, width) == self.shape:
            return self
        how = cv2.INTER_AREA if height * width < self.ink.size else cv2.INTER_LINEAR
        parts: list[Any] = [
            None if part is None else cv2.resize(part, (width, height), interpolation=how) for part in (self.paint, self.ink, self.cover)
        ]
        factor = np.array([width / self.shape[1], height / self.shape[0]], np.float32)
        return PlanarObject(
            parts[0], parts[1], [PlacedWord(word.polygon * factor, word.text, word.legible) for word in self.words], parts[2]
        )


def blank(height: int, width: int, colour: Colour | NDArray[Any], opaque: bool = True) -> PlanarObject:
    """An empty flat of one colour."""
    height, width = max(height, 2), max(width, 2)
    paint = np.empty((height, width, 3), np.uint8)
    paint[:] = colour
    return PlanarObject(paint, np.zeros((height, width), np.uint8), [], None if opaque else np.zeros((height, width), np.uint8))


def _reach(effects: Effects) -> int:
    reach = 0.0
    if effects.shadow:
        reach = max(reach, max(map(abs, effects.shadow[1])) + 2.5 * effects.shadow[2])
    if effects.outline:
        reach = max(reach, effects.outline[1])
    if effects.glow:
        reach = max(reach, 2.5 * effects.glow[1])
    if effects.depth:
        reach = max(reach, float(max(map(abs, effects.depth[1]))))
    return int(np.ceil(reach)) + (1 if reach else 0)


def _layers(alpha: Grey, colour: Colour, effects: Effects) -> list[tuple[Grey, Any]]:
    """What is painted for a line of letters, from below: (alpha, colour)."""
    import cv2

    layers: list[tuple[Grey, Any]] = []
    body = alpha
    if effects.outline:
        radius = max(1, round(effects.outline[1]))
        body = np.asarray(cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))), np.uint8)
    if effects.depth:
        (dx, dy), sides = effects.depth[1], body
        for step in range(1, max(abs(dx), abs(dy)) + 1):
            share = step / max(abs(dx), abs(dy))
            sides = np.maximum(sides, _moved(body, round(dx * share), round(dy * share)))
        layers.append((sides, np.array(effects.depth[0], np.float32)))
    if effects.shadow:
        tone, (x, y), softness = effects.shadow
        below = layers[-1][0] if layers else body
        dark = _moved(below, round(x), round(y))
        if softness > 0.3:
            dark = np.asarray(cv2.GaussianBlur(dark, (0, 0), softness), np.uint8)
        layers.insert(0, (np.asarray(cv2.multiply(dark, 0.75), np.uint8), np.array(tone, np.float32)))
    if effects.glow:
        tone, reach, strength = effects.glow
        light = cv2.multiply(cv2.GaussianBlur(body, (0, 0), max(reach, 0.3)), 1.6 * strength)
        layers.insert(0, (np.asarray(light, np.uint8), np.array(tone, np.float32)))
    if effects.outline:
        layers.append((body, np.array(effects.outline[0], np.float32)))
    top: Any = np.array(colour, np.float32)
    if effects.gradient:
        slope = np.linspace(0, 1, alpha.shape[0], dtype=np.float32)[:, None, None]
        layers.append((alpha, top + (np.array(effects.gradient, np.float32) - top) * slope))
    else:
        layers.append((alpha, top))
    return layers


def _moved(alpha: Grey, right: int, below: int) -> Grey:
    import cv2

    matrix = np.array([[1.0, 0.0, right], [0.0, 1.0, below]])
    return np.asarray(cv2.warpAffine(alpha, matrix, alpha.shape[::-1], flags=cv2.INTER_NEAREST), np.uint8)
