"""Plasma fractals: random fields that look like what time does to paper, as local strength maps for any degradation.

Damage is never even over a page: damp, light and wear come in clouds of all sizes. TorMentor (A. Nicolaou, V. Christlein, E. Riba, J. Shi,
G. Vogeler, M. Seuret: "TorMentor: Deterministic dynamic-path, data augmentations with fractals", CVPR Workshops 2022, arXiv:2204.03776) therefore
draws the *strength* of an augmentation from a plasma fractal, made by the diamond-square algorithm (Fournier, Fussell, Carpenter 1982) written as a
cascade of convolutions: at each level the grid doubles (zeros between the known points), one convolution with the four corners fills the
cells' middles, one with the four neighbours fills the edges, and each new point gets noise that shrinks from level to level. Every level is
three array operations whatever its size, so a 256 x 256 field takes about a millisecond; `plasma_by_points` is the textbook twin.

The draw is a pure function of the generator's state; any shape is cut from a grid large enough for it.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.page import FloatMap

_CORNERS = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]], np.float32)
_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


def plasma(rng: Generator, shape: tuple[int, int], roughness: float = 0.5, clouds: int = 1) -> FloatMap:
    """A plasma-fractal field, float32 `shape`, stretched to 0..1 (0.5 everywhere where the field is flat).

    Parameters
    ----------
    rng : decides the field
    shape : (H, W), any size from (1, 1)
    roughness : how much of the noise's amplitude is left from one level to the next finer one, 0..1: 0.3 gives soft clouds, 0.7 crumbled paper
    clouds : cells of the coarsest grid along the longer side; more make smaller clouds

    Raises
    ------
    ValueError
        An empty shape, roughness outside 0..1 or clouds below 1.
    """
    levels, rows, columns = _grid(shape, roughness, clouds)
    field = rng.random((rows, columns), dtype=np.float32)
    amplitude = 1.0
    for _ in range(levels):
        amplitude *= roughness
        noise = rng.random((2 * field.shape[0] - 1, 2 * field.shape[1] - 1), dtype=np.float32)
        field = _doubled(field, (noise - np.float32(0.5)) * np.float32(amplitude))
    return _cut(rng, field, shape)


def _doubled(field: FloatMap, noise: FloatMap) -> FloatMap:
    """One level: (h, w) points to (2h - 1, 2w - 1), the new ones averaged from their neighbours plus noise."""
    import cv2

    fine = np.zeros((2 * field.shape[0] - 1, 2 * field.shape[1] - 1), np.float32)
    fine[::2, ::2] = field
    middles = cv2.filter2D(fine, cv2.CV_32F, _CORNERS, borderType=cv2.BORDER_CONSTANT)
    fine[1::2, 1::2] = middles[1::2, 1::2] * np.float32(0.25) + noise[1::2, 1::2]
    edges = cv2.filter2D(fine, cv2.CV_32F, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT)
    known = np.full(fine.shape, 4, np.float32)
    known[[0, -1]] -= 1
    known[:, [0, -1]] -= 1
    for place in (np.s_[::2, 1::2], np.s_[1::2, ::2]):
        fine[place] = edges[place] / known[place] + noise[place]
    return fine


def plasma_by_points(rng: Generator, shape: tuple[int, int], roughness: float = 0.5, clouds: int = 1) -> FloatMap:
    """The same field as :func:`plasma` point by point (diamond step, then square step): the slow, obvious twin."""
    levels, rows, columns = _grid(shape, roughness, clouds)
    field = rng.random((rows, columns), dtype=np.float32)
    amplitude = 1.0
    for _ in range(levels):
        amplitude *= roughness
        height, width = 2 * field.shape[0] - 1, 2 * field.shape[1] - 1
        noise = (rng.random((height, width), dtype=np.float32) - np.float32(0.5)) * np.float32(amplitude)
        fine = np.zeros((height, width), np.float32)
        fine[::2, ::2] = field
        for y in range(1, height, 2):
            for x in range(1, width, 2):
                fine[y, x] = (fine[y - 1, x - 1] + fine[y - 1, x + 1] + fine[y + 1, x - 1] + fine[y + 1, x + 1]) / 4 + noise[y, x]
        for y in range(height):
            for x in range(1 - y % 2, width, 2):
                around = [fine[v, u] for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)) if 0 <= v < height and 0 <= u < width]
                fine[y, x] = sum(around) / len(around) + noise[y, x]
        field = fine
    return _cut(rng, field, shape)


def _grid(shape: tuple[int, int], roughness: float, clouds: int) -> tuple[int, int, int]:
    """(levels, rows, columns) of the coarsest grid, so that the finest one covers `shape` with room to choose the place."""
    height, width = shape
    if height < 1 or width < 1:
        raise ValueError(f"shape={shape}: at least one pixel is wanted")
    if not 0.0 <= roughness <= 1.0:
        raise ValueError(f"roughness={roughness}: 0..1 is wanted")
    if clouds < 1:
        raise ValueError(f"clouds={clouds}: at least 1 is wanted")
    levels = max(0, int(np.ceil(np.log2(max(1.0, max(height, width) / clouds)))))
    step = 2**levels
    return levels, -(-height // step) + 1, -(-width // step) + 1


def _cut(rng: Generator, field: FloatMap, shape: tuple[int, int]) -> FloatMap:
    """A randomly placed, flipped piece of `shape`, stretched to 0..1."""
    top, left = (int(rng.integers(have - want + 1)) for have, want in zip(field.shape, shape, strict=True))
    piece = field[top : top + shape[0], left : left + shape[1]]
    low, high = float(piece.min()), float(piece.max())
    if high - low < 1e-6:
        return np.full(shape, 0.5, np.float32)
    return np.asarray((piece - np.float32(low)) / np.float32(high - low), dtype=np.float32)


def patches(
    rng: Generator, shape: tuple[int, int], share: float, softness: float = 0.1, roughness: float = 0.5, clouds: int = 2
) -> FloatMap:
    """Blots: 1 on about `share` of the area where a plasma field is highest, 0 elsewhere, with a ramp of `softness` (in ranks of the field) between.

    float32 `shape` in 0..1. Ranks, not values, are compared, so the share is kept whatever field came.
    """
    field = plasma(rng, shape, roughness, clouds)
    sample: NDArray[np.float32] = field[:: max(1, shape[0] // 64), :: max(1, shape[1] // 64)]
    low, high = np.quantile(sample, [np.clip(1 - share - softness / 2, 0, 1), np.clip(1 - share + softness / 2, 0, 1)])
    return np.asarray(np.clip((field - np.float32(low)) / np.float32(max(float(high - low), 1e-3)), 0, 1), dtype=np.float32)
