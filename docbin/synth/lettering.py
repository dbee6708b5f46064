"""Lines of lettering as ink with exact boxes: the hand of every renderer of words in pictures.

A machine has fifty Latin families, a street has thousands; so a face here is a font and what was done to it: stretched, slanted, thickened, spaced,
hollowed. A line is drawn letter by letter from a cache (hinting a letter costs fifty times what copying it does) at one of a few sizes and then
averaged down to the size asked for; scripts whose letters join are drawn word by word. Boxes follow from the letters' own extents, so they are exact
whatever was done to the face.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.synth.fonts import Font

_SIZES = (20, 44, 100)
_JOINED = ("arabic", "devanagari", "khmer")
_SANS = re.compile("sans|lato|roboto|carlito|tuffy|gothic|beteckna|biolinum")
_BOLD = re.compile("bold|black|heavy|demi|medium")
_ITALIC = re.compile("italic|oblique|slanted")
_SYMBOLS = re.compile("d050000l|symbol")  # named like text fonts, but their letters are ornaments


@dataclass(frozen=True, slots=True)
class Face:
    """A font as a sign painter bends it.

    Attributes
    ----------
    font : the font
    script : what is written with it
    stretch : width of the letters against the font's
    slant : shear, 0.2 is a usual italic
    weight : thickening of strokes at either side, in ems (negative thins)
    tracking : space added after each letter, in ems
    hollow : width of the line that is left where letters are outlines only, in ems; 0 for solid letters
    """

    font: Font
    script: str = "latin"
    stretch: float = 1.0
    slant: float = 0.0
    weight: float = 0.0
    tracking: float = 0.0
    hollow: float = 0.0


@dataclass(frozen=True, slots=True)
class Strip:
    """A line of lettering: ink uint8 (H, W), 255 = all ink, and for each word its box x0, y0, x1, y1 in pixels, float32 (n, 4), and its text."""

    ink: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    texts: tuple[str, ...]


class Faces:
    """Faces drawn at random, families of sans serif five times as often as others, as on signs.

    Parameters
    ----------
    fonts : fonts to draw from; at least one

    Attributes
    ----------
    accented : the Latin faces have the accents of French and German
    """

    def __init__(self, fonts: Sequence[Font]) -> None:
        self._families: dict[str, list[list[Font]]] = {}
        self._limits: dict[str, NDArray[np.float64]] = {}
        usable = [font for font in fonts if not _SYMBOLS.search(font.family.lower())] or list(fonts)
        self.accented = any("accented latin" in font.scripts for font in usable)
        for script in sorted({script for font in usable for script in font.scripts}):
            families: dict[str, list[Font]] = {}
            wanted = "accented latin" if script == "latin" and self.accented else script
            for font in usable:
                if wanted in font.scripts:
                    families.setdefault(" ".join(font.family.split()[:2]), []).append(font)
            shares = np.array([5.0 if _SANS.search(name.lower()) else 1.0 for name in families])
            self._families[script] = list(families.values())
            self._limits[script] = np.cumsum(shares) / shares.sum()

    @property
    def scripts(self) -> frozenset[str]:
        """Scripts that there is a font for."""
        return frozenset(self._families)

    def draw(self, rng: Generator, script: str = "latin") -> Face:
        """A face for `script`, or for Latin where no font has it."""
        script = script if script in self._families else "latin" if "latin" in self._families else next(iter(self._families))
        place = min(int(np.searchsorted(self._limits[script], rng.random())), len(self._families[script]) - 1)
        family = self._families[script][place]
        bold = [font for font in family if _BOLD.search(font.style.lower())]
        choice = bold if bold and rng.random() < 0.55 else family
        upright = [font for font in choice if not _ITALIC.search(font.style.lower())]
        choice = upright if upright and rng.random() < 0.85 else choice
        font = choice[int(rng.integers(len(choice)))]
        draws = rng.random(10)
        return Face(
            font,
            script,
            stretch=float(np.exp((draws[1] * 2 - 1) * 0.4)) if draws[0] < 0.4 else 1.0,
            slant=float(draws[3] * 0.3 - 0.03) if draws[2] < 0.12 else 0.0,
            weight=float(draws[5] * 0.065 - 0.012) if draws[4] < 0.35 else 0.0,
            tracking=float(draws[7] * 0.3 - 0.03) if draws[6] < 0.3 and script not in _JOINED else 0.0,
            hollow=float(0.04 + 0.05 * draws[9]) if draws[8] < 0.02 else 0.0,
        )


def set_line(words: Sequence[str], face: Face, size: float, margin: int = 2) -> Strip:
    """`words` in one line, em height `size` pixels, with `margin` empty pixels around; words of a script from right to left run that way.

    A word of which the font draws nothing is left out; a strip may be empty of words but has at least one pixel.
    """
    import cv2

    if face.script in ("hebrew", "arabic"):
        words = list(words)[::-1]
    drawn = next((step for step in _SIZES if step >= size), _SIZES[-1])
    pieces: list[tuple[NDArray[np.uint8], float, float]] = []  # ink, x, y against the baseline
    boxes, texts = [], []
    x = 0.0
    for word in words:
        low, high, left, right = 1e9, -1e9, 1e9, -1e9
        for letter in [word] if face.script in _JOINED else word[::-1] if face.script == "hebrew" else word:
            ink, dx, dy, advance = glyph(face.font.path, drawn, letter)
            if ink.size:
                pieces.append((ink, x + dx, dy))
                left, right = min(left, x + dx), max(right, x + dx + ink.shape[1])
                low, high = min(low, dy), max(high, dy + ink.shape[0])
            x += advance + face.tracking * drawn
        if right > left:
            boxes.append((left, low, right, high))
            texts.append(word)
        x += (0.28 + 0.5 * max(face.tracking, 0.0)) * drawn
    if not boxes:
        return Strip(np.zeros((2 * margin + 1, 2 * margin + 1), np.uint8), np.zeros((0, 4), np.float32), ())
    box = np.array(boxes, np.float32)
    scale = size / drawn
    thicker = face.weight * size
    reach = max(1, int(np.ceil(max(thicker, 0.0) / min(scale, 1.0)))) + int(np.ceil(margin / min(scale * min(face.stretch, 1.0), 1.0)))
    left, top = float(np.floor(box[:, 0].min())) - reach, float(np.floor(box[:, 1].min())) - reach
    width, height = int(np.ceil(box[:, 2].max() - left)) + reach, int(np.ceil(box[:, 3].max() - top)) + reach
    canvas = np.zeros((height, width), np.uint8)
    for ink, px, py in pieces:
        row, column = round(py - top), round(px - left)
        target = canvas[row : row + ink.shape[0], column : column + ink.shape[1]]
        np.maximum(target, ink[: target.shape[0], : target.shape[1]], out=target)
    box -= np.array([left, top, left, top], np.float32)
    base = -top
    wide, tall = max(1, round(width * scale * face.stretch)), max(1, round(height * scale))
    if (wide, tall) != (width, height):
        how = cv2.INTER_AREA if scale * min(face.stretch, 1.0) < 1 else cv2.INTER_LINEAR
        canvas = np.asarray(cv2.resize(canvas, (wide, tall), interpolation=how), dtype=np.uint8)
        box *= np.array([wide / width, tall / height] * 2, np.float32)
        base *= tall / height
    if face.slant:
        offsets = (face.slant * base, face.slant * (base - tall))
        start = max(0.0, -min(offsets))
        _lean(box, canvas, face.slant, base, start)
        matrix = np.array([[1.0, -face.slant, offsets[0] + start], [0.0, 1.0, 0.0]])
        canvas = np.asarray(cv2.warpAffine(canvas, matrix, (wide + int(np.ceil(start + max(0.0, *offsets))), tall)), dtype=np.uint8)
    if abs(thicker) > 0.3:
        canvas = _thickened(canvas, thicker)
        box += np.array([-1, -1, 1, 1], np.float32) * np.float32(thicker)
    if face.hollow:
        inner = _thickened(canvas, -max(face.hollow * size, 0.8))
        canvas = np.asarray(cv2.subtract(canvas, inner), dtype=np.uint8)
    return Strip(canvas, box, tuple(texts))


def _lean(box: NDArray[np.float32], upright: NDArray[np.uint8], slant: float, base: float, start: float) -> None:
    """Move the sides of the boxes (n, 4) to where the ink of the `upright` line reaches once it leans."""
    shift = slant * (base - np.arange(upright.shape[0])) + start
    for sides in box:
        left = int(sides[0])
        inked = upright[:, left : int(np.ceil(sides[2]))] > 80
        rows = np.flatnonzero(inked.any(1))
        if len(rows):
            sides[0] = left + float((inked[rows].argmax(1) + shift[rows]).min())
            sides[2] = left + float((inked.shape[1] - inked[rows, ::-1].argmax(1) + shift[rows]).max())


def _thickened(ink: NDArray[np.uint8], amount: float) -> NDArray[np.uint8]:
    """Strokes wider (or thinner) by `amount` pixels at either side: a grey dilation, the last fraction of a pixel mixed in."""
    import cv2

    step = cv2.dilate if amount > 0 else cv2.erode
    radius, part = int(abs(amount)), abs(amount) % 1.0
    if radius:
        ink = np.asarray(step(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))), dtype=np.uint8)
    if part > 0.05:
        further = step(ink, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
        ink = np.asarray(cv2.addWeighted(ink, 1 - part, further, part, 0), dtype=np.uint8)
    return ink


@lru_cache(maxsize=30000)
def glyph(path: str, pixels: int, letters: str) -> tuple[NDArray[np.uint8], int, int, float]:
    """A letter (or a whole word of a script whose letters join) of the font in file `path`, em height `pixels`.

    Ink (tight), its offset right and below (negative: above) from the pen on the baseline, and the pen's advance.
    """
    font = Font(path, "", "", ()).at(pixels)
    mask, offset = font.getmask2(letters, mode="L", anchor="ls")
    ink = np.frombuffer(bytes(mask), np.uint8).reshape(mask.size[1], mask.size[0]) if min(mask.size) > 0 else np.zeros((0, 0), np.uint8)
    rows, columns = np.flatnonzero(ink.max(1, initial=0) > 40), np.flatnonzero(ink.max(0, initial=0) > 40)
    advance = float(font.getlength(letters))
    if not len(rows) or not len(columns):
        return np.zeros((0, 0), np.uint8), 0, 0, advance
    tight = np.ascontiguousarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    tight.flags.writeable = False
    return tight, int(offset[0]) + int(columns[0]), int(offset[1]) + int(rows[0]), advance


def resized(strip: Strip, scale: float) -> Strip:
    """The strip at another size."""
    import cv2

    height, width = strip.ink.shape
    wide, tall = max(1, round(width * scale)), max(1, round(height * scale))
    ink = cv2.resize(strip.ink, (wide, tall), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return Strip(np.asarray(ink, dtype=np.uint8), strip.boxes * np.array([wide / width, tall / height] * 2, np.float32), strip.texts)
