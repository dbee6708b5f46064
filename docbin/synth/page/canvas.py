"""A page being written: ink at several times the final resolution, so that coverage, and with it truth, is exact.

Every layer of ink (print, a hand, a stamp) is a uint8 picture at `oversampling` times the page's size: 0 where there is no ink, else its density.
A final pixel covers oversampling squared of these points; its coverage is their inked share, counted, not estimated. The picture mixes paper and
ink by the same coverage, softened by a lens of known width. So a rendered page's truth is right by construction, also for hairlines, joins and the
rough edge of letterpress, which is cut into the ink *before* coverage is counted.

Where a stroke ends is a convention. Truth is drawn as the DIBCO contests draw it (:data:`INK_FROM`): a network that learns from contest pages and
from rendered ones whose strokes end half way draws strange pages too thin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.page import FloatMap, Image, Mask

Colour = tuple[float, float, float]

INK_FROM = 0.39
"""Least share of ink, seen through the lens, of a pixel that truth calls ink. On the way from a stroke's darkest grey to its paper the edge
of truth lies at 0.61 to 0.65 on pages of DIBCO 2009, 2010 and 2012, PHIBD and Bickley (medians), at 0.58 on Nabuco's; half way is 0.49 by the
same measure."""


@dataclass(slots=True)
class Layer:
    """Ink of one kind.

    Attributes
    ----------
    ink : uint8 (H * oversampling, W * oversampling), 0 = none, else density 1..255
    colour : RGB 0..1 of the ink where it is thick
    rough : raggedness of its edges, in final pixels; 0 leaves them as drawn
    gain : edges moved outwards (or inwards if negative), in final pixels: fat or starved type
    """

    ink: NDArray[np.uint8]
    colour: Colour
    rough: float = 0.0
    gain: float = 0.0


@dataclass(slots=True)
class Canvas:
    """A blank page of `height` x `width` final pixels with its ink layers."""

    height: int
    width: int
    oversampling: int = 3
    layers: dict[str, Layer] = field(default_factory=dict)

    def layer(self, name: str, colour: Colour, rough: float = 0.0, gain: float = 0.0) -> Layer:
        """The layer of that name; made on first use."""
        if name not in self.layers:
            shape = (self.height * self.oversampling, self.width * self.oversampling)
            self.layers[name] = Layer(np.zeros(shape, np.uint8), colour, rough, gain)
        return self.layers[name]

    def text(self, layer: Layer, text: str, font: Any, x: float, baseline: float, density: float = 1.0, angle: float = 0.0) -> float:
        """Draw `text` with its left end at (x, baseline), final pixels; `font` is of oversampled size. Returns its advance in final pixels."""
        from PIL import Image as Pictures
        from PIL import ImageDraw

        left, top, right, bottom = (int(v) for v in font.getbbox(text, anchor="ls"))
        advance = float(font.getlength(text)) / self.oversampling
        if right <= left or bottom <= top:
            return advance
        picture = Pictures.new("L", (right - left + 4, bottom - top + 4))
        ImageDraw.Draw(picture).text((2 - left, 2 - top), text, fill=255, font=font, anchor="ls")
        glyphs = np.asarray(picture)
        column, row = round(x * self.oversampling) + left - 2, round(baseline * self.oversampling) + top - 2
        if angle:
            import cv2

            origin = (2 - left, 2 - top)
            span = int(np.hypot(*glyphs.shape)) + 4
            turn = cv2.getRotationMatrix2D(origin, angle, 1.0)
            turn[:, 2] += np.array([span - origin[0], span - origin[1]])
            glyphs = np.asarray(cv2.warpAffine(glyphs, turn, (2 * span, 2 * span)), dtype=np.uint8)
            column, row = round(x * self.oversampling) - span, round(baseline * self.oversampling) - span
        _lay(layer.ink, glyphs > 127, row, column, density)
        return advance

    def discs(self, layer: Layer, discs: NDArray[np.float64]) -> None:
        """Stamp discs (x, y, radius, density), final pixels: a pen's way."""
        import cv2

        scale = 16 * self.oversampling  # cv2 takes positions in sixteenths of a point
        centres = np.rint(discs[:, :2] * scale + 8 * (self.oversampling - 1)).astype(np.int64)
        radii = np.maximum(np.rint(discs[:, 2] * scale), 8).astype(np.int64)
        densities = np.clip(np.rint(discs[:, 3] * 255), 1, 255).astype(np.int64)
        for (x, y), radius, density in zip(centres.tolist(), radii.tolist(), densities.tolist(), strict=True):
            cv2.circle(layer.ink, (x, y), radius, density, -1, cv2.LINE_8, 4)

    def rule(self, layer: Layer, start: tuple[float, float], end: tuple[float, float], thickness: float, density: float = 1.0) -> None:
        """A straight line from (x, y) to (x, y), final pixels."""
        import cv2

        (x0, y0), (x1, y1) = start, end
        length = max(float(np.hypot(x1 - x0, y1 - y0)), 1e-6)
        nx, ny = -(y1 - y0) / length * thickness / 2, (x1 - x0) / length * thickness / 2
        corners = np.array([[x0 + nx, y0 + ny], [x1 + nx, y1 + ny], [x1 - nx, y1 - ny], [x0 - nx, y0 - ny]])
        cv2.fillConvexPoly(
            layer.ink, np.rint(corners * 16 * self.oversampling).astype(np.int32), int(np.clip(density * 255, 1, 255)), cv2.LINE_8, 4
        )

    def finish(self, rng: Generator, paper: Image, softness: float = 0.6) -> tuple[Image, Mask]:
        """The written page: `paper` (uint8 (H, W, 3)) with all ink on it, seen through a lens of Gaussian sigma `softness` pixels; and its truth:
        pixels at least half covered by ink, and those in which the lens sees a share of :data:`INK_FROM`."""
        union = np.zeros((self.height * self.oversampling, self.width * self.oversampling), np.bool_)
        mixed = paper.astype(np.float32)
        for layer in self.layers.values():
            ink = layer.ink if layer.rough == 0 and layer.gain == 0 else _worn(rng, layer, self.oversampling)
            union |= ink > 0
            amount = _seen(_mean(ink, self.oversampling) / np.float32(255), softness)
            mixed += amount[..., None] * (np.asarray(layer.colour, np.float32) * 255 - mixed)
        truth = half_covered(union, self.oversampling) | (_seen(_mean(union, self.oversampling), softness) >= INK_FROM)
        return np.asarray(np.clip(mixed + np.float32(0.5), 0, 255), dtype=np.uint8), truth


def half_covered(ink: Mask, oversampling: int) -> Mask:
    """Final pixels of which at least half of the points are inked."""
    height, width = ink.shape[0] // oversampling, ink.shape[1] // oversampling
    counts = ink.reshape(height, oversampling, width, oversampling).sum(axis=(1, 3))
    return np.asarray(2 * counts >= oversampling**2)


def _seen(amount: FloatMap, softness: float) -> FloatMap:
    """Through a lens of Gaussian sigma `softness` pixels."""
    import cv2

    return np.asarray(cv2.GaussianBlur(amount, (0, 0), softness, borderType=cv2.BORDER_REPLICATE)) if softness > 0 else amount


def _mean(ink: NDArray[Any], oversampling: int) -> FloatMap:
    height, width = ink.shape[0] // oversampling, ink.shape[1] // oversampling
    sums = ink.reshape(height, oversampling, width, oversampling).sum(axis=(1, 3), dtype=np.uint32)
    return np.asarray(sums, dtype=np.float32) / np.float32(oversampling**2)


def _lay(ink: NDArray[np.uint8], glyphs: Mask, row: int, column: int, density: float) -> None:
    """Glyphs onto a layer at (row, column), cut at its edges."""
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + glyphs.shape[0], ink.shape[0]), min(column + glyphs.shape[1], ink.shape[1])
    if top >= bottom or left >= right:
        return
    piece = glyphs[top - row : bottom - row, left - column : right - column]
    value = np.uint8(np.clip(round(density * 255), 1, 255))
    target = ink[top:bottom, left:right]
    np.maximum(target, piece * value, out=target)


def _worn(rng: Generator, layer: Layer, oversampling: int) -> NDArray[np.uint8]:
    """The layer with ragged, swollen or starved edges: its softened mask cut at a level that varies from place to place."""
    import cv2

    mask = (layer.ink > 0).astype(np.float32)
    sigma = oversampling * max(0.5, abs(layer.gain) + layer.rough)
    soft = cv2.GaussianBlur(mask, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    height, width = layer.ink.shape
    fine = rng.standard_normal((-(-height // oversampling), -(-width // oversampling)), dtype=np.float32)
    fine = cv2.GaussianBlur(fine, (0, 0), 0.7)
    fine *= np.float32(1 / max(float(fine.std()), 1e-6))
    coarse = rng.standard_normal((-(-height // (40 * oversampling)) + 1, -(-width // (40 * oversampling)) + 1), dtype=np.float32)
    level = cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(0.4 * layer.rough)
    level += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(0.15 * layer.rough)
    slope = 1 / (np.sqrt(2 * np.pi) * sigma / oversampling)  # of the softened edge, per final pixel
    kept = soft > np.float32(0.5 - layer.gain * slope) + level
    density = cv2.dilate(layer.ink, np.ones((2 * oversampling + 1,) * 2, np.uint8))
    return np.where(kept, np.where(layer.ink > 0, layer.ink, density), 0).astype(np.uint8)
