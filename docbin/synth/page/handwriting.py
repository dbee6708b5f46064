"""Handwriting from nothing: letters as splines, a writer as a set of habits, a pen as a width and a density along the way.

Fonts that imitate handwriting repeat every letter exactly and keep one stroke width; what makes the handwritten DIBCO pages hard (hairlines
next to swelling strokes, ink that runs out, joined letters that differ each time) is missing. So letters are given here as skeletons: a few
points of the pen's way, x to the right and y up, x-height 1, baseline 0. A :class:`Hand` bends all skeletons in its own way once (slant,
width, height of loops, distortion of each letter), and a little anew each time a letter is written. Letters of a word are joined by running
one Catmull-Rom spline (Catmull and Rom 1974) through the points of all of them, so joins come out by themselves; dots and crosses follow after
the word, as in writing. Width follows the pen: a pointed nib swells on down strokes, a broad nib by its angle, a round one hardly. Density falls
while the pen empties and with the speed of the hand.

Result: discs (x, y, radius, density) dense enough that their union is the stroke; :class:`docbin.synth.page.canvas.Canvas` stamps them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Points = NDArray[np.float64]

# Lower-case letters that join begin where the pen arrives from the letter before and end low or (b, o, v, w) high on the right.
_JOINED: dict[str, tuple[str, str]] = {
    "a": ("72,88 42,100 10,62 14,12 42,2 72,60 78,98 74,30 86,2 108,20", ""),
    "b": ("10,50 42,160 34,210 18,185 14,50 30,3 62,25 64,80 52,92 62,72 95,78", ""),
    "c": ("68,80 50,100 16,72 12,22 40,0 85,22", ""),
    "d": ("70,85 42,100 10,60 14,12 42,3 72,60 86,160 88,210 76,80 76,20 90,2 110,20", ""),
    "e": ("12,40 50,62 56,92 36,100 14,60 18,12 45,0 85,25", ""),
    "f": ("10,40 50,160 46,210 30,190 28,60 24,-80 34,-110 48,-80 36,0 80,20", ""),
    "g": ("72,88 42,100 10,62 14,14 42,4 72,60 78,98 72,0 62,-80 38,-110 20,-85 50,-35 105,20", ""),
    "h": ("10,50 44,160 38,210 22,185 16,80 14,0 20,50 48,98 66,85 66,25 78,0 100,20", ""),
    "i": ("20,60 30,100 24,40 34,2 60,20", "34,142 37,150"),
    "j": ("20,60 34,100 30,0 20,-80 0,-110 -14,-85 15,-35 60,20", "36,142 39,150"),
    "k": ("10,50 44,160 38,210 22,185 16,80 14,0 20,45 50,95 62,75 30,52 50,30 68,2 95,20", ""),
    "l": ("10,50 42,160 36,210 20,185 18,40 34,0 62,20", ""),
    "m": ("10,70 20,100 20,50 18,0 24,50 46,98 58,80 56,0 62,50 86,98 98,80 98,25 110,0 132,20", ""),
    "n": ("10,70 20,100 20,50 18,0 24,50 48,98 64,82 64,25 76,0 98,20", ""),
    "o": ("55,96 34,100 10,60 16,10 42,2 66,40 60,85 48,98 60,80 95,80", ""),
    "p": ("15,70 28,105 22,20 14,-110 18,-20 26,60 50,98 72,70 64,15 40,2 50,2 95,20", ""),
    "q": ("72,88 42,100 10,62 14,14 42,4 72,60 78,98 72,0 66,-110 80,-80 85,-20 105,20", ""),
    "r": ("12,60 24,108 32,90 54,88 52,40 60,3 82,20", ""),
    "s": ("20,50 40,105 46,70 56,30 36,0 12,12 40,5 78,20", ""),
    "t": ("20,80 34,170 28,90 26,25 40,0 64,20", "2,124 30,128 62,132"),
    "u": ("14,60 22,100 18,35 32,2 56,40 68,100 64,30 76,2 98,20", ""),
    "v": ("10,70 22,100 28,40 38,2 60,50 66,95 60,82 92,80", ""),
    "w": ("14,60 20,100 18,30 32,2 54,50 56,90 56,30 70,2 94,50 94,95 92,80 122,80", ""),
    "x": ("12,80 26,100 42,50 58,2 86,20", "72,98 40,48 14,2"),
    "y": ("14,60 22,100 18,35 34,5 58,50 68,100 62,0 52,-80 28,-110 10,-85 40,-35 95,20", ""),
    "z": ("14,85 35,100 58,90 30,40 14,4 40,10 50,-40 30,-100 10,-85 40,-30 85,20", ""),
}

# Letters that stand alone: strokes separated by "|".
_ALONE: dict[str, str] = {
    "A": "5,10 50,120 100,205 105,120 110,20 125,2 145,20|35,85 70,80 115,80",
    "B": "35,180 50,200 40,100 30,0|10,170 50,210 105,175 85,115 50,105 105,80 100,15 50,0 20,20",
    "C": "105,160 110,195 75,205 25,140 20,50 60,0 115,35",
    "D": "55,190 45,100 30,10 15,10 50,0 110,40 120,140 70,205 15,180",
    "E": "100,170 80,205 40,180 45,120 75,110 30,95 20,30 55,0 110,35",
    "F": "10,170 40,200 100,190 125,205|80,190 70,100 55,10 25,5 15,25|45,100 95,105",
    "G": "105,160 110,195 75,205 25,140 20,50 55,10 100,50 105,90 95,0 70,-70 30,-80 60,-20 135,30",
    "H": "10,160 35,200 30,100 15,0|115,205 100,100 95,10 120,5 140,25|20,100 60,100 110,105",
    "I": "10,140 40,190 90,205 65,160 50,60 30,5 5,15 30,35 80,20",
    "J": "10,140 40,190 90,205 70,130 60,0 40,-80 10,-90 25,-40 90,20",
    "K": "10,160 35,200 30,100 15,0|115,200 70,130 40,105 75,60 100,5 130,20",
    "L": "20,160 45,140 85,185 65,210 50,160 40,50 15,5 35,20 80,0 120,25",
    "M": "5,20 20,10 45,120 60,200 75,90 80,10 110,120 135,200 140,100 140,20 155,0 175,25",
    "N": "5,20 20,10 45,120 60,200 80,90 95,5 120,120 140,205",
    "O": "70,205 20,150 15,50 55,0 100,50 105,150 70,205 50,180 80,160",
    "P": "45,190 40,100 25,0|10,170 50,210 105,180 95,120 45,105",
    "Q": "70,205 20,150 15,50 55,0 100,50 105,150 70,205|50,35 80,5 130,-15",
    "R": "45,190 40,100 25,0|10,170 50,210 105,180 95,120 45,105 80,50 105,2 130,20",
    "S": "10,30 60,100 95,180 75,210 50,170 85,100 90,30 50,0 15,25 50,50 110,20",
    "T": "10,170 40,200 100,190 125,205|80,190 70,100 55,10 25,5 15,25",
    "U": "10,170 30,200 30,100 40,15 75,10 100,100 110,200 105,60 115,2 140,20",
    "V": "10,170 30,200 45,100 60,0 85,100 110,195 130,190",
    "W": "10,170 25,200 30,100 40,0 70,100 85,170 90,80 100,0 130,100 150,195 170,190",
    "X": "10,170 35,195 65,100 100,5 125,20|120,200 65,100 10,0",
    "Y": "10,170 30,200 35,130 60,100 95,140 110,200 100,80 80,-30 45,-80 20,-60 60,-10 130,30",
    "Z": "15,170 40,200 100,195 60,100 15,10 60,15 115,10",
    "0": "50,160 15,110 20,30 50,0 80,50 80,120 50,160",
    "1": "20,120 45,160 40,80 35,0",
    "2": "15,125 40,160 75,130 50,60 10,2 40,10 85,5",
    "3": "15,140 50,160 75,125 40,88 80,50 50,0 10,20",
    "4": "45,160 30,90 10,55 50,55 85,60|70,110 62,50 55,-10",
    "5": "80,155 35,150 25,95 60,95 80,50 50,0 10,15",
    "6": "75,155 35,110 15,40 45,0 75,40 50,75 20,50",
    "7": "10,140 30,155 80,150 55,80 40,0",
    "8": "70,140 40,160 20,125 60,80 75,30 45,0 15,30 50,85 75,140",
    "9": "75,140 45,160 20,120 45,90 75,130 70,60 50,0",
    ",": "15,10 20,0 10,-25",
    ".": "15,4 18,2",
    ";": "15,10 20,0 10,-25|18,70 21,68",
    "-": "10,50 40,52 75,54",
    "&": "110,30 60,5 20,30 50,90 80,140 50,160 35,130 70,60 115,0",
}


def _skeleton(text: str) -> list[Points]:
    return [np.array([[float(v) / 100 for v in pair.split(",")] for pair in stroke.split()]) for stroke in text.split("|") if stroke]


HAIRLINE = 1.5
"""Thinnest stroke of a pen, in pixels: thinner ones fall below half coverage here and there, and truth would be a row of dots."""

ALPHABET = "".join(_JOINED) + "".join(_ALONE)
"""What a hand can write; other characters are left out."""


@dataclass(frozen=True, slots=True)
class Pen:
    """How a pen marks: widths as shares of the x-height.

    Attributes
    ----------
    kind : "pointed" (swells on down strokes), "broad" (by the angle of its edge) or "round"
    thin, thick : stroke widths at least and most, in x-heights
    angle : of a broad nib's edge, in radians
    emptying : how much paler the ink gets before the pen is dipped again, 0..1
    unsteady : relative jitter of the width along the stroke
    """

    kind: str
    thin: float
    thick: float
    angle: float
    emptying: float
    unsteady: float


class Hand:
    """One writer with one pen.

    Parameters
    ----------
    rng : draws the writer's habits now and every letter's accidents later
    x_height : in pixels of the canvas it writes on
    """

    def __init__(self, rng: Generator, x_height: float) -> None:
        self._rng = rng
        self.x_height = x_height
        self.slant = float(rng.normal(0.35, 0.25))
        self.narrow = float(rng.uniform(0.8, 1.5))
        self.loops = float(rng.uniform(0.7, 1.15))  # height of ascenders and depth of descenders
        self.apart = float(rng.uniform(-0.05, 0.15))
        self.joined = rng.random() < 0.8
        self.loose = float(rng.uniform(0.015, 0.05))
        habit = float(rng.uniform(0.02, 0.07))
        self._letters = {letter: _skeleton(f"{main}|{after}") for letter, (main, after) in _JOINED.items()}
        self._letters |= {letter: _skeleton(strokes) for letter, strokes in _ALONE.items()}
        self._letters = {
            letter: [stroke + rng.normal(0, habit, stroke.shape) for stroke in strokes] for letter, strokes in self._letters.items()
        }
        self.pen = _draw_pen(rng)
        self._ink = 1.0

    def word(self, text: str, x: float, baseline: float) -> tuple[NDArray[np.float64], float]:
        """Discs (x, y, radius, density 0..1) of `text` written from `x` on `baseline` (pixels, y down), and the x where the word ends."""
        rng, unit = self._rng, self.x_height
        running: list[Points] = []
        strokes: list[Points] = []
        later: list[Points] = []
        place = 0.0
        lift = rng.normal(0, 0.04)
        for letter in text:
            if letter not in self._letters:
                place += 0.4
                continue
            shapes = [self._bent(stroke, place, lift) for stroke in self._letters[letter]]
            if letter in _JOINED:
                running.append(shapes[0])
                later += shapes[1:]
                if not self.joined or rng.random() < 0.06:
                    strokes.append(np.concatenate(running))
                    running = []
            else:
                if running:
                    strokes.append(np.concatenate(running))
                    running = []
                strokes += shapes
            right = max(float(stroke[:, 0].max()) for stroke in self._letters[letter])
            place += (right * (0.96 if letter in _JOINED else 1.05) + self.apart) * self.narrow
            lift += rng.normal(0, 0.015)
        if running:
            strokes.append(np.concatenate(running))
        discs = [self._inked(stroke) for stroke in (*strokes, *later)]
        if not discs:
            return np.empty((0, 4)), x + place * unit
        all_discs = np.concatenate(discs)
        all_discs[:, 0] = x + (all_discs[:, 0] + self.slant * all_discs[:, 1]) * unit
        all_discs[:, 1] = baseline - all_discs[:, 1] * unit
        all_discs[:, 2] *= unit
        return all_discs, x + place * unit

    def line(self, start: tuple[float, float], end: tuple[float, float]) -> NDArray[np.float64]:
        """A stroke drawn freely from point to point (x, y in pixels): underlines, crossings-out, rules."""
        along = np.linspace(0, 1, max(3, int(abs(end[0] - start[0]) / self.x_height / 2)))[:, None]
        points = np.asarray(start) + along * (np.asarray(end) - np.asarray(start))
        points[:, 1] += np.cumsum(self._rng.normal(0, 0.03 * self.x_height, len(points)))
        discs = self._inked(points / self.x_height * np.array([1.0, -1.0]))
        discs[:, :3] *= self.x_height
        discs[:, 1] *= -1
        return discs

    def _bent(self, stroke: Points, place: float, lift: float) -> Points:
        points = stroke + self._rng.normal(0, self.loose, stroke.shape)
        high, low = points[:, 1] > 1, points[:, 1] < 0
        points[high, 1] = 1 + (points[high, 1] - 1) * self.loops
        points[low, 1] *= self.loops
        points[:, 0] = points[:, 0] * self.narrow + place
        points[:, 1] += lift
        return points

    def _inked(self, stroke: Points) -> NDArray[np.float64]:
        """Discs along the spline through `stroke` (x-heights, y up)."""
        pen, rng = self.pen, self._rng
        way = catmull_rom(stroke, max(0.4 / self.x_height, pen.thin * 0.2))
        moves = np.gradient(way, axis=0) if len(way) > 1 else np.zeros_like(way)
        lengths = np.hypot(moves[:, 0], moves[:, 1]) + 1e-9
        down = np.clip(-moves[:, 1] / lengths, 0, 1)
        if pen.kind == "pointed":
            share = down**1.5
        elif pen.kind == "broad":
            share = np.abs(np.sin(np.arctan2(moves[:, 1], moves[:, 0]) - pen.angle))
        else:
            share = 0.5 + 0.25 * down
        share = _smoothed(share, 5)
        tremor = _smoothed(rng.normal(0, pen.unsteady, len(way)), 9) * 2
        width = (pen.thin + (pen.thick - pen.thin) * share) * (1 + tremor)
        spent = float(lengths.sum())
        self._ink -= spent * pen.emptying * 0.012
        if self._ink < 1 - pen.emptying:
            self._ink = 1.0
        density = self._ink * (0.82 + 0.18 * share) + _smoothed(rng.normal(0, 0.05, len(way)), 9)
        return np.column_stack([way, np.maximum(width / 2, HAIRLINE / 2 / self.x_height), np.clip(density, 0.15, 1)])


def _draw_pen(rng: Generator) -> Pen:
    kind = ("pointed", "pointed", "broad", "round")[int(rng.integers(4))]
    thick = float(np.exp(rng.uniform(np.log(0.1), np.log(0.27))))
    thin = thick * float(rng.uniform(0.25, 0.55)) if kind != "round" else thick * 0.75
    return Pen(kind, max(thin, 0.04), thick, float(rng.uniform(0.4, 1.0)), float(rng.uniform(0.0, 0.6)), float(rng.uniform(0.02, 0.1)))


def _smoothed(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    if len(values) < width:
        return np.full_like(values, values.mean()) if len(values) else values
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")


def catmull_rom(points: Points, step: float) -> Points:
    """Points on the uniform Catmull-Rom spline through `points` (n, 2), about `step` apart (never more); the ends are included."""
    if len(points) < 2:
        return points.copy()
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    pieces = []
    for place in range(1, len(padded) - 2):
        p0, p1, p2, p3 = padded[place - 1 : place + 3]
        reach = np.hypot(*(p2 - p1)) + 0.25 * (np.hypot(*(p1 - p0)) + np.hypot(*(p3 - p2)))
        t = np.linspace(0, 1, max(2, int(np.ceil(1.3 * reach / step))), endpoint=False)[:, None]
        curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        pieces.append(curve)
    return np.concatenate([*pieces, padded[-2:-1]])
